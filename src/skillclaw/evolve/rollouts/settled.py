"""The events of each release, settled once, so that what sessions do afterwards cannot move them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import BadInputError, BlockedError, GoneError, VerifyError
from skillclaw.evolve.current import sidecar_in
from skillclaw.evolve.rollouts.events import EventShape, new_patterns, shapes_of
from skillclaw.hub.proposing import recorded
from skillclaw.hub.records import Release
from skillclaw.skills.records import Pattern, Proposal, Sidecar
from skillclaw.trajectory.moments import moment_of

if TYPE_CHECKING:
    from skillclaw.evolve.evolvers import Current
    from skillclaw.evolve.state import EvolveState
    from skillclaw.hub import Hub, HubState

__all__ = ["Events", "keep_events", "mark_of", "settled_events"]

META = "rollouts"
KEPT = timedelta(days=60)
"""How long after the last that became of it the events of a release are kept: a canary may return."""

Events = dict[str, list[EventShape] | None]
"""Events by `skill@version`: none where the skill is about none, null where nobody here knows them."""


def mark_of(release: Release) -> str:
    """What a release's events are kept under."""
    return f"{release.skill}@{release.version}"


def keep_events(memory: EvolveState, proposal: Proposal, version: str) -> None:
    """Remember the events of a version when it is released: what the hub keeps may go without patterns."""
    events = _of_proposal(proposal)
    if events is not None:
        _keep(memory, {**_kept(memory), f"{proposal.skill}@{version}": events})


def settled_events(
    hub: Hub,
    state: HubState,
    memory: EvolveState,
    there: Mapping[str, Release],
    current: Mapping[str, Current],
    patterns: Iterable[Pattern],
    *,
    now: datetime,
    keep: bool,
) -> Events:
    """The events of each release of `there`, and whatever else is kept of releases of the last 60 days; none
    of one that cannot be settled now, since something of it is blocked.

    As this evolver settled them; else by the proposal, as whoever released it did; else by the patterns
    behind the new lines as they are `now`, where every one of these is known: an event that some are missing
    of is another one than the releasing evolver's.
    """
    kept = _kept(memory)
    recent = {mark_of(release) for release in _recent(state, now)} | {mark_of(one) for one in there.values()}
    found: Events = {mark: events for mark, events in kept.items() if mark in recent}
    known = {pattern.id: pattern for pattern in patterns}
    for name, release in there.items():
        mark = mark_of(release)
        if mark in found:
            continue
        try:
            own = _of_record(hub, state, release)
            if own is None:
                base = state.skills[name].release(release.base) if release.base else None
                ids = new_patterns(current[name].sidecar, _sidecar(hub, base))
                if ids <= known.keys():
                    own = shapes_of(known[one] for one in sorted(ids))
        except BlockedError:
            continue  # what is settled is kept: it waits until all of it can be read
        found[mark] = own
    if keep and found != kept:
        _keep(memory, found)
    return found


def _recent(state: HubState, now: datetime) -> Iterator[Release]:
    for skill in state.skills.values():
        for release in skill.releases:
            times = (moment_of(text) for text in (release.time, *(event.time for event in release.story)))
            if any(time is not None and time >= now - KEPT for time in times):
                yield release


def _of_proposal(proposal: Proposal) -> list[EventShape] | None:
    """None where the proposal does not say from which patterns its lines come."""
    if proposal.sidecar is None:
        return None
    ids = new_patterns(proposal.sidecar, None)
    own = [one for one in proposal.patterns if one.id in ids]
    return shapes_of(own) if own else None


def _of_record(hub: Hub, state: HubState, release: Release) -> list[EventShape] | None:
    """By the proposal as the hub has it; in a group it has no patterns, which quote sessions."""
    known = state.proposals.get(release.proposal) if release.proposal else None
    if known is None or known.version != release.version:
        return None
    try:
        return _of_proposal(recorded(hub, known))
    except (BadInputError, GoneError, VerifyError):
        return None  # `hub verify` tells of it; without the record it is as where it holds no patterns


def _kept(memory: EvolveState) -> Events:
    return memory.load(memory.get_meta(META), Events) or {}


def _keep(memory: EvolveState, events: Events) -> None:
    memory.put_meta(META, msgspec.msgpack.encode(events))


def _sidecar(hub: Hub, release: Release | None) -> Sidecar | None:
    try:
        return sidecar_in(release, hub.get_object) if release is not None else None
    except (BadInputError, GoneError, VerifyError):
        return None  # then all of the version's patterns count as new in it
