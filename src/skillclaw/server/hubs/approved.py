"""What a client asks of the log before it installs: that people saw what people have to see (DESIGN 7.5).

The gate holds such changes, but the gate is the evolver's word, and its key may be stolen. The log alone
tells whether an owner or a reviewer approved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from skillclaw.errors import SkillClawError, VerifyError
from skillclaw.hub.approval import PEOPLE, approved, policy_of
from skillclaw.hub.records import HubState, Release
from skillclaw.skills.programs import programs
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
    state: HubState, release: Release, bundle: Bundle, policy: Policy, fetch: Callable[[Release], Bundle]
) -> None:
    """Raise VerifyError for a release with programs that no owner or reviewer approved; and, where the policy
    asks for it, with lines that make an agent reach another machine and that nobody approved when they came.
    `fetch` gives the files of an earlier release.
    """
    scripts = sorted(file.path for file in programs(bundle))
    if scripts and not _approved(state, release):
        raise VerifyError(
            f"It brings files that a machine runs ({', '.join(scripts[:5])}), and nobody approved it."
        )
    if policy.network:
        stretch = _unseen(state, release, bundle, fetch)
        if stretch:
            raise VerifyError(f"It makes agents reach another machine (`{stretch}`), and nobody approved it.")


def _unseen(
    state: HubState, release: Release, bundle: Bundle, fetch: Callable[[Release], Bundle]
) -> str | None:
    """What reaches another machine in a line that came into the skill, from `release` backwards, without
    anybody's approval."""
    from skillclaw.gate.stretches import reaching  # as above

    lines = reaching(bundle)
    skill = state.skills[release.skill]
    seen: set[str] = set()
    while lines and not _persons(state, release) and not _approved(state, release):
        seen.add(release.version)
        base = skill.release(release.base) if release.base and release.base not in seen else None
        try:
            before = reaching(fetch(base)) if base is not None else {}
        except (SkillClawError, OSError):
            before = {}
        new = [stretch for line, stretch in lines.items() if line not in before]
        if base is None or new:
            return new[0]
        release = base
    return None


def _persons(state: HubState, release: Release) -> bool:
    """Whether one person released it without a proposal, when one was enough."""
    key = state.keys.get(release.by)
    person = key is not None and key.role in PEOPLE and not key.revoked
    return person and release.proposal is None and release.reviewers == 1


def _approved(state: HubState, release: Release) -> bool:
    """Whether people approved what the release holds: by its proposal, or by that of an earlier release of
    the very same version, which came back since. As many as had to then: what a group asks for later is for
    what comes later."""
    same = [one for one in state.skills[release.skill].releases if one.version == release.version]
    return any(
        one.proposal in state.proposals and approved(state, state.proposals[one.proposal], one.reviewers)
        for one in same
        if one.proposal is not None
    )
