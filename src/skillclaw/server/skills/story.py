"""A skill's versions with what became of each: released how, by whom, from what; promoted, rolled back,
archived or revoked, why, and with what measured effect. All of it is in the log; here it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from skillclaw.errors import SkillClawError
from skillclaw.evolve.undecided import SoFar, so_far
from skillclaw.hub.proposing import Objects, recorded
from skillclaw.server.review.reviewing import Approver, approver_rows
from skillclaw.skills.records import Effect
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillclaw.hub import Hub, HubState, Release, SkillState
    from skillclaw.hub.records import Event
    from skillclaw.server.machine import Machine

__all__ = ["Told", "VersionStory", "effect_words", "stories"]


class Told(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One thing that became of a version: `text` says it in a sentence; `what`: release, promote, rollback,
    return, archive, revoke; `by`: who signed it, as the log names the key."""

    what: str
    time: str
    seq: int
    by: str
    text: str
    why: str = ""
    effect: Effect | None = None


class VersionStory(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One release of a skill. `share`: the part of the days on which a client has the canary; `because`: why
    it was proposed, empty where no proposal tells; `told` begins with its release; `undecided`: a canary of
    which nobody has said yet what becomes of it; `so_far`: what the last cycle saw of it, where that ran on
    this machine."""

    version: str
    stage: str
    base: str | None
    proposal: str | None
    time: str
    seq: int
    scope: str
    project: str | None
    share: float | None
    current: bool
    because: str = ""
    approved_by: list[Approver] = []
    told: list[Told] = []
    undecided: bool = False
    so_far: SoFar | None = None


class _Fetched:
    """A hub's objects, asked for only where they are not on this machine."""

    def __init__(self, machine: Machine, hub: Hub) -> None:
        self._machine, self._hub = machine, hub

    def get_object(self, name: str) -> bytes:
        return self._machine.hubs.object(self._hub, name)


def stories(
    machine: Machine,
    hub: Hub,
    state: HubState,
    skill: SkillState,
    releases: Iterable[Release] | None = None,
) -> list[VersionStory]:
    """The story of each release, or of those in `releases`, newest first."""
    found = list(releases) if releases is not None else list(reversed(skill.releases))
    newest = skill.release(skill.current) if skill.current else None
    told = [
        _story(_Fetched(machine, hub), state, one, current=newest is not None and one.seq == newest.seq)
        for one in found
    ]
    own = machine.has_hub and machine.hub.info.group == state.group
    place = machine.home if own else machine.home / "groups" / state.group
    return [
        replace(one, so_far=so_far(place, skill.name, one.version)) if one.undecided else one for one in told
    ]


def _story(objects: Objects, state: HubState, release: Release, *, current: bool) -> VersionStory:
    proposal = state.proposals.get(release.proposal) if release.proposal else None
    because = ""
    if proposal is not None:
        try:
            because = recorded(objects, proposal).why
        except SkillClawError:
            because = ""  # the object is gone: what the log says is told all the same
    approvals = approver_rows(state, proposal, release.reviewers) if proposal is not None else []
    return VersionStory(
        version=release.version,
        stage=release.stage,
        base=release.base,
        proposal=release.proposal,
        time=release.time,
        seq=release.seq,
        scope=release.scope,
        project=release.project,
        share=release.share,
        current=current,
        because=because,
        approved_by=approvals,
        undecided=current and release.stage == "canary",
        told=[_released(state, release, approvals), *(_event(state, one) for one in release.story)],
    )


def _released(state: HubState, release: Release, approvals: list[Approver]) -> Told:
    text = f"Released as {_AS.get(release.began or '', 'a version')}"
    if release.share is not None and release.share < 1:
        text += f", which each client has on {_percent(release.share)} of the days"
    elif release.share is not None:
        text += ", which all have, without a control"
    if release.proposal:
        text += f", from proposal {release.proposal}"
    given = [
        f"{one.name or one.key} ({one.role}{f': {one.note}' if one.note else ''})"
        for one in approvals
        if one.counts
    ]
    text += f", approved by {', '.join(given)}." if given else "."
    return Told(what="release", time=release.time, seq=release.seq, by=_name(state, release.by), text=text)


_AS = {"canary": "a canary", "stable": "stable", "unproven": "stable, but unproven"}


def _event(state: HubState, event: Event) -> Told:
    what = {
        "promote": "Stable since then" + (", but unproven" if event.stage == "unproven" else ""),
        "rollback": f"Rolled back to {event.to[:12]}" if event.to else "Rolled back; nothing took its place",
        "return": f"Current again, after {event.to[:12]} was rolled back"
        if event.to
        else f"Back, after {event.skill} was rolled back",
        "archive": f"Archived: {event.skill} took it in" if event.skill else "Archived",
        "revoke": "Revoked as unsafe",
    }[event.what]
    text = f"{what}. {event.why}".strip() if event.why else f"{what}."
    # only where something was measured, or was to be: what people did by hand says nothing of an effect
    if event.effect is not None:
        text += f" {effect_words(event.effect)}"
    return Told(
        what=event.what,
        time=event.time,
        seq=event.seq,
        by=_name(state, event.by),
        text=text,
        why=event.why,
        effect=event.effect,
    )


def effect_words(effect: Effect) -> str:
    """What was measured, as a sentence: both arms, the difference with its interval; or that nothing was."""
    if effect.difference is None or effect.treated_rate is None or effect.control_rate is None:
        return (
            f"Not measured: {effect.treated_n} sessions with it and {effect.control_n} without "
            "cannot be compared."
        )
    what = "The failing action came back in" if effect.endpoint == "event" else "Success in"
    text = (
        f"{what} {_percent(effect.treated_rate)} of {effect.treated_n} sessions with it, "
        f"{_percent(effect.control_rate)} of {effect.control_n} without: {_points(effect.difference)} points"
    )
    if effect.ci is not None:
        text += f" [{_points(effect.ci[0])}, {_points(effect.ci[1])}]"
    return f"{text}, {effect.clients} client{'' if effect.clients == 1 else 's'}."


def _percent(rate: float) -> str:
    return f"{rate:.0%}"


def _points(difference: float) -> str:
    return f"{100 * difference:+.0f}"


def _name(state: HubState, public: str) -> str:
    key = state.keys.get(public)
    return (key.name or key.role) if key is not None else public[:16]
