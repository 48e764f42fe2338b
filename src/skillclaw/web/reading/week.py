"""What was learned lately: what the hubs' logs say of versions since a moment, newest first."""

from __future__ import annotations

from collections.abc import Iterable

from skillclaw.hub import HubState, Release
from skillclaw.hub.records import Event
from skillclaw.server.hubs.opened import Source
from skillclaw.server.skills.story import effect_words
from skillclaw.trajectory.model import Record

__all__ = ["KINDS", "News", "news"]

KINDS = {
    "create": "A new skill was released.",
    "refine": "A better text was released.",
    "describe": "A clearer description was released.",
    "merge": "Skills were merged into it.",
    "split": "It was split off from another skill.",
    "canary": "It is tried first, on a part of the days.",
    "promote": "It proved itself and is stable.",
    "unproven": "It stays, though nothing was proven of it.",
    "rollback": "It was rolled back.",
    "return": "It is current again.",
    "archive": "It was archived.",
    "revoke": "It was revoked as unsafe.",
}
"""What can come about, as the pages say it in English."""


class News(Record, frozen=True, kw_only=True):
    """One thing that came about. `kind` is of KINDS, `also` too or empty; `why` and `effect` as the log has
    them."""

    time: str
    seq: int
    hub: str
    skill: str
    version: str
    kind: str
    also: str = ""
    why: str = ""
    effect: str = ""


def news(sources: Iterable[Source], since: str) -> list[News]:
    """What came about since then (ISO 8601, UTC) in the hubs that could be read."""
    found = [
        one
        for source in sources
        if source.state is not None
        for skill in source.state.skills.values()
        for release in skill.releases
        for one in _of(source.name, source.state, release, since)
    ]
    return sorted(found, key=lambda one: (one.time, one.hub, one.seq), reverse=True)


def _of(hub: str, state: HubState, release: Release, since: str) -> Iterable[News]:
    if release.time >= since:
        proposal = state.proposals.get(release.proposal or "")
        kind = proposal.action if proposal is not None else ("refine" if release.base else "create")
        also = "canary" if release.began == "canary" else ""
        yield _news(hub, release, release.time, release.seq, kind if kind in KINDS else "refine", also=also)
    for event in release.story:
        if event.time >= since:
            yield _told(hub, release, event)


def _told(hub: str, release: Release, event: Event) -> News:
    kind = "unproven" if event.what == "promote" and event.stage == "unproven" else event.what
    effect = effect_words(event.effect) if event.effect is not None else ""
    return _news(hub, release, event.time, event.seq, kind, why=event.why, effect=effect)


def _news(
    hub: str,
    release: Release,
    time: str,
    seq: int,
    kind: str,
    *,
    also: str = "",
    why: str = "",
    effect: str = "",
) -> News:
    return News(
        time=time,
        seq=seq,
        hub=hub,
        skill=release.skill,
        version=release.version,
        kind=kind,
        also=also,
        why=why,
        effect=effect,
    )
