"""What a session taught: its episodes, and the lines of skills that rest on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from skillclaw.errors import SkillClawError
from skillclaw.hub import Hub, HubState
from skillclaw.server.hubs.opened import Hubs
from skillclaw.skills.records import Sidecar, record_in
from skillclaw.trajectory.episodes import Episode, Move, cut
from skillclaw.trajectory.model import Trajectory
from skillclaw.web.text import visible

__all__ = ["EpisodeView", "Lesson", "episodes_of", "lessons_of"]

MOST = 200
"""Episodes of one session that are told."""


@dataclass(frozen=True)
class Lesson:
    """A line of a skill of a hub that cites the session at these steps, and the patterns behind it."""

    hub: str
    skill: str
    text: str
    patterns: tuple[str, ...]
    steps: tuple[int, ...]


@dataclass(frozen=True)
class EpisodeView:
    """An episode, short: what failed, what was done then, what the user said."""

    kind: str
    steps: tuple[int, ...]
    failed: str
    error: str
    did: tuple[str, ...]
    said: str
    asked: str
    worked: bool
    success: bool | None

    @property
    def first(self) -> int:
        """The step where it begins."""
        return min(self.steps)

    def taught(self, lessons: Iterable[Lesson]) -> list[Lesson]:
        """The lines that cite these very steps, one for each skill, with the patterns of all of them."""
        found: dict[tuple[str, str], Lesson] = {}
        for one in lessons:
            if set(one.steps) == set(self.steps):
                known = found.get((one.hub, one.skill), replace(one, patterns=()))
                both = dict.fromkeys((*known.patterns, *one.patterns))
                found[one.hub, one.skill] = replace(known, patterns=tuple(both))
        return list(found.values())


def episodes_of(trajectory: Trajectory) -> list[EpisodeView]:
    """The episodes of a session in which something was done, in the order in which they begin."""
    found = [_view(one) for one in cut(trajectory)[:MOST] if one.steps]
    return sorted(found, key=lambda one: one.first)


def lessons_of(hubs: Hubs, name: str, hub: Hub, state: HubState, key: str) -> list[Lesson]:
    """The lines of the current skills of a hub that rest on this session too. A sidecar that cannot be read
    tells nothing here."""
    found = []
    mark = key.encode()
    for skill_name, skill in sorted(state.skills.items()):
        release = skill.release(skill.current) if skill.current else None
        if release is None or not release.sidecar:
            continue
        try:
            data = hubs.object(hub, release.sidecar)
            if mark not in data:  # few skills rest on one session: the others are not taken apart
                continue
            sidecar = record_in(data, Sidecar)
        except SkillClawError:
            continue
        found += [
            Lesson(name, skill_name, visible(item.text, 200), tuple(item.patterns), tuple(ref.steps))
            for item in sidecar.items
            for ref in item.evidence
            if ref.session == key
        ]
    return found


def _view(one: Episode) -> EpisodeView:
    return EpisodeView(
        kind=one.kind,
        steps=tuple(one.steps),
        failed=_named(one.failed) if one.failed else "",
        error=visible(one.failed.error, 160) if one.failed else "",
        did=tuple(_named(move) for move in one.actions[:4]) if one.kind != "procedure" else (),
        said=visible(one.user_text, 160),
        asked=visible(one.intent, 160),
        worked=one.worked,
        success=one.success,
    )


def _named(move: Move) -> str:
    return visible(move.command or move.tool, 120)
