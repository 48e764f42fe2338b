"""What sessions say of canaries: which are eligible, in which arm, and how they went (DESIGN 7.5).

Eligible is a session of which some request brings up the skill by its description, judged in both arms alike
by the words of the request; its arm is by assignment (`hub.arms`). What the client did, and whether the body
was read, has no part in either. Left out are sessions of nobody's client, of machines that take no part in
canaries, and of an edited copy, which lies there in both arms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property

import msgspec

from skillclaw.evolve.cutting import Head, skill_name, unpack
from skillclaw.evolve.rollouts.events import EventShape, occurred, steps_to
from skillclaw.evolve.state import EvolveState
from skillclaw.gate.rollout import Observation
from skillclaw.hub.arms import block, treated
from skillclaw.skills.records import Bundle
from skillclaw.skills.retrieval import Index
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.model import Trajectory
from skillclaw.trajectory.skilluse import bodies

__all__ = ["Canary", "moment", "observations"]

OFF = ("skillclaw.canary", "off")
"""The fact by which a machine says that it takes no part in canaries."""


class Canary(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A canary by switchback: what it is, since when, and what its sessions are told by.

    versions  all that the hub released of the skill: other ones are another hub's, or edited
    bundles   its files, and those of the version that the control has
    project   whose sessions alone count, where it belongs to one
    """

    skill: str
    version: str
    share: float
    began: datetime
    versions: frozenset[str]
    bundles: tuple[Bundle, ...]
    shapes: tuple[EventShape, ...] = ()
    project: str | None = None

    @cached_property
    def texts(self) -> list[str]:
        """What an agent may have read of either arm's version, on one line each."""
        return [
            _flat(file.data.decode("utf-8", "replace"))
            for bundle in self.bundles
            for file in bundle.files
            if file.path == "SKILL.md"
        ]


def moment(text: str) -> datetime | None:
    """A time as sessions and commits have it; None where it is none. One without a zone is of UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def observations(
    memory: EvolveState,
    canaries: Sequence[Canary],
    index: Index,
    session: Callable[[str], Trajectory | None],
) -> dict[str, list[Observation]]:
    """The eligible sessions of each canary (by skill) that began since it was released. Episodes are unpacked
    of eligible sessions only; `session` is asked only for one that read a text of no known version.
    """
    found: dict[str, list[Observation]] = {one.skill: [] for one in canaries}
    if not canaries:
        return found

    @cache
    def brings_up(intent: str) -> frozenset[str]:
        return frozenset(hit.name for hit in index.find(intent)) & found.keys()

    @cache
    def cluster(intent: str) -> str:
        place = memory.places([intent]).get(intent)
        return place.cluster if place is not None else ""

    # A day of slack: a session names its day as its own clock's zone had it.
    first = min(one.began for one in canaries) - timedelta(days=1)
    for head, body in memory.since(block(first)):
        began = moment(head.started)
        asked = {intent: brings_up(intent) for intent in head.intents}
        up = frozenset().union(*asked.values())
        if began is None or not up or not head.client or OFF in head.env.items():
            continue
        episodes: list[Episode] | None = None
        for one in canaries:
            if one.skill not in up or began < one.began or one.skill in head.edited:
                continue
            if one.project is not None and head.project != one.project:
                continue
            if episodes is None:
                episodes = unpack(body)
            own = [e for e in episodes if one.skill in asked.get(e.intent, ())]
            if own and not _foreign(one, head, episodes, session):
                found[one.skill].append(_observation(one, head, block(began), own, cluster))
    return found


def _observation(
    canary: Canary, head: Head, day: str, episodes: Sequence[Episode], cluster: Callable[[str], str]
) -> Observation:
    shapes = canary.shapes
    requests = [e for e in episodes if e.kind == "procedure"]
    known = {e.success for e in requests}
    success = False if False in known else True if known == {True} else None
    last = requests[-1] if requests else episodes[-1]
    event = occurred(shapes, episodes) if shapes else None
    steps = steps_to(shapes, episodes) if event else None
    if not event and success:
        steps = sum(len(e.actions) for e in requests)
    return Observation(
        client=head.client,
        user=head.user or head.client,
        day=day,
        session=head.key,
        treated=treated(head.client, canary.skill, canary.version, day, canary.share),
        event=event,
        success=success,
        steps=steps,
        read=any(f"{canary.skill}@{canary.version}" in e.skills for e in episodes),
        stratum=f"{cluster(last.intent)} {last.model}",
    )


def _foreign(
    canary: Canary,
    head: Head,
    episodes: Iterable[Episode],
    session: Callable[[str], Trajectory | None],
) -> bool:
    """Whether the session read another text under this name: an edited copy, or another hub's skill."""
    read = {mark for e in episodes for mark in e.skills if skill_name(mark) == canary.skill}
    versions = {mark[len(canary.skill) + 1 :] for mark in read}
    if not versions - {""} <= canary.versions:
        return True
    if "" not in versions:
        return False
    # Read without a version: a part of the text is no edit.
    trajectory = session(head.key)
    texts = [text for name, _, text in bodies(trajectory) if name == canary.skill] if trajectory else []
    return any(not any(_flat(text) in whole for whole in canary.texts) for text in texts)


def _flat(text: str) -> str:
    return " ".join(text.split())
