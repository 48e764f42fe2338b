"""What sessions say of canaries: which are eligible, in which arm, and how they went.

Eligible is a session of which some request brings up the skill by its description, judged in both arms alike
by the words of the request; its arm is by assignment (`hub.arms`). What the client did, and whether the body
was read, has no part in either. Left out are sessions of nobody's client, and of machines that take no part
in canaries.

An edited copy lies there in both arms, so its client leaves both, but from the block after the edit on: the
edit may be what the canary made the agent do, and the sessions of its block were drawn before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
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
from skillclaw.trajectory.moments import moment_of
from skillclaw.trajectory.skilluse import bodies

__all__ = ["Canary", "observations"]

OFF = ("skillclaw.canary", "off")
"""The fact by which a machine says that it takes no part in canaries."""
BEFORE = timedelta(days=28)
"""How long before a release it is looked for copies that were edited by then: no canary comes to these."""
NEVER = ""
"""The last block of a client that was never in an arm; smaller than any day."""


class Canary(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A canary by switchback: what it is, since when, and what its sessions are told by.

    versions  all that the hub released of the skill: other ones are another hub's, or edited
    bundles   its files, those of the version that the control has, and of canaries in between
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


def observations(
    memory: EvolveState,
    canaries: Sequence[Canary],
    index: Index,
    session: Callable[[str], Trajectory | None],
) -> dict[str, list[Observation]]:
    """The eligible sessions of each canary (by skill) that began since it was released, of each client up to
    the block in which it was first seen with another text. Episodes are unpacked of eligible sessions only;
    `session` is asked only for one that read a text of no known version.
    """
    found: dict[str, list[Observation]] = {one.skill: [] for one in canaries}
    if not canaries:
        return found
    gone = {one.skill: _Gone() for one in canaries}

    @cache
    def brings_up(intent: str) -> frozenset[str]:
        return frozenset(hit.name for hit in index.find(intent)) & found.keys()

    @cache
    def cluster(intent: str) -> str:
        place = memory.places([intent]).get(intent)
        return place.cluster if place is not None else ""

    # A day of slack: a session names its day as its own clock's zone had it.
    first = min(one.began for one in canaries) - BEFORE - timedelta(days=1)
    for head, body in memory.since(block(first)):
        began = moment_of(head.started)
        if began is None or not head.client or OFF in head.env.items():
            continue
        day = block(began)
        there = [one for one in canaries if one.project is None or head.project == one.project]
        for one in there:
            if one.skill in head.edited:
                gone[one.skill].edited(head.client, day if began >= one.began else NEVER)
        there = [one for one in there if began >= one.began]
        asked = {intent: brings_up(intent) for intent in head.intents} if there else {}
        up = frozenset().union(*asked.values())
        episodes: list[Episode] | None = None
        for one in there:
            if one.skill not in up:
                continue
            if episodes is None:
                episodes = unpack(body)
            own = [e for e in episodes if one.skill in asked.get(e.intent, ())]
            if not own:
                continue
            if _foreign(one, head, episodes, session):
                gone[one.skill].foreign(head.client, day)
            found[one.skill].append(_observation(one, head, day, own, cluster))
    return {skill: gone[skill].kept(seen) for skill, seen in found.items()}


class _Gone:
    """The clients that have another text under a canary's name, and their last blocks in its arms.

    Who reads another text than the hub's either edited its copy or has another hub's skill. It is an edit
    where this hub's was read too: two hubs' skills of one name do not take turns.
    """

    def __init__(self) -> None:
        self._last: dict[str, str] = {}
        self._edited: set[str] = set()

    def foreign(self, client: str, day: str) -> None:
        self._last[client] = min(day, self._last.get(client, day))

    def edited(self, client: str, day: str) -> None:
        self.foreign(client, day)
        self._edited.add(client)

    def kept(self, seen: Sequence[Observation]) -> list[Observation]:
        """Those of blocks in which their clients were still there; `edited` tells whose copies were changed
        then."""
        kept = [one for one in seen if one.client not in self._last or one.day <= self._last[one.client]]
        edited = self._edited | {one.client for one in kept if one.read and one.client in self._last}
        return [msgspec.structs.replace(one, edited=one.client in edited) for one in kept]


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
