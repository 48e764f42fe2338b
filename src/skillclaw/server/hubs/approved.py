"""What a client asks of the log before it installs: that people saw what people have to see.

The gate holds such changes, but the gate is the evolver's word, and its key may be stolen. The log alone
tells whether an owner or a reviewer approved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from skillclaw.errors import VerifyError
from skillclaw.hub.approval import needed, policy_of
from skillclaw.hub.records import HubState, Release
from skillclaw.hub.taken import taken
from skillclaw.hub.unapproved import Finder, unapproved, widened
from skillclaw.skills.records import Bundle

if TYPE_CHECKING:
    from skillclaw.gate.policies import Policy

__all__ = ["check_approved", "client_policy"]


def client_policy(state: HubState, skill: str = "", *, group: bool) -> Policy:
    """The policy that a client holds a skill of a hub to: the log's own; a group that says none counts as
    `team`."""
    from skillclaw.gate.policies import POLICIES  # the gate takes a while to load: not for who only looks

    return POLICIES[policy_of(state.settings, skill, default="team" if group else "solo")]


def check_approved(
    state: HubState,
    release: Release,
    bundle: Bundle,
    policy: Policy,
    fetch: Callable[[Release], Bundle],
    *,
    lay_here: bool = False,
) -> None:
    """Raise VerifyError for a release with programs that no owner or reviewer approved when they came; for
    commands that destroy or unlock things likewise; and, where the policy asks for it, for lines that make an
    agent reach another machine. `fetch` gives the files of an earlier release. `lay_here`: this machine had
    the version before, and a person went back to it; then its lines are not asked about again, so that one
    can go back to what came before its group asked, or before a pattern knew it.
    """
    from skillclaw.gate.stretches import loading, reaching, risking, running  # as above

    if taken(state, release):
        two = " (one person is not enough here)" if needed(state.settings) > 1 else ""
        raise VerifyError(f"People took that version away, and none of them brought it back{two}.")
    if widened(state, release):
        raise VerifyError("One person released it for more than two had approved it for.")
    finders: list[tuple[Finder, str]] = [(running, "It brings files that a machine runs ({})")]
    if not lay_here:
        finders.append((loading, "It runs commands or unlocks tools as it is loaded ({})"))
        finders.append((risking, "It teaches a command that destroys or unlocks things (`{}`)"))
    if not lay_here and policy.network:
        finders.append((reaching, "It makes agents reach another machine (`{}`)"))
    for find, what in finders:
        found = unapproved(state, release, bundle, find, fetch, persons=find is not running)
        if found:
            told = ", ".join(sorted(found.values())[:5]) if find is running else next(iter(found.values()))
            who = "nobody" if needed(state.settings) == 1 else "not enough people"
            raise VerifyError(f"{what.format(told)}, and {who} approved it.")
