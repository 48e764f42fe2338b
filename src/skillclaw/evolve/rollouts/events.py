"""The event that a skill is about: the very failure, or the very word of the user, that its lines were learnt
from. A canary's primary endpoint is whether it still occurs.

What counts is settled when a version is released, so that what sessions do afterwards cannot move it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from skillclaw.evolve.recoveries import alike
from skillclaw.skills.records import Pattern, Sidecar
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.model import Record

__all__ = ["EventShape", "new_patterns", "occurred", "shapes_of", "steps_to"]

MOST = 50
"""Shapes of one version."""


class EventShape(Record, frozen=True, kw_only=True):
    """What has to occur.

    failure     a call of kind `key` fails with an error that says what `error` does
    correction  the user corrects something about the topic `key` in words like one of `texts`
    """

    kind: Literal["failure", "correction"]
    key: str
    error: str = ""
    texts: list[str] = []


def shapes_of(patterns: Iterable[Pattern]) -> list[EventShape]:
    """The events of these patterns, each once. Procedures have none, nor have pitfalls in which no call
    fails."""
    found: dict[tuple[str, str, str], EventShape] = {}
    for pattern in sorted(patterns, key=lambda p: p.id):
        if pattern.kind == "correction" and pattern.user_text:
            shape = EventShape(kind="correction", key=pattern.topic, texts=pattern.user_text)
        elif pattern.kind in ("recovery", "pitfall") and pattern.error:
            # Both begin their signature with the kind of call that failed.
            shape = EventShape(kind="failure", key=pattern.signature.split(" ! ")[0], error=pattern.error)
        else:
            continue
        found.setdefault((shape.kind, shape.key, shape.error or shape.texts[0]), shape)
    return [found[key] for key in sorted(found)][:MOST]


def new_patterns(sidecar: Sidecar, base: Sidecar | None) -> set[str]:
    """The ids of the patterns that a version's lines come from and those of the version before do not; all of
    the version's where these are the same."""
    own = {identity for item in sidecar.items for identity in item.patterns}
    before = {identity for item in base.items for identity in item.patterns} if base is not None else set()
    return own - before or own


def occurred(shapes: Sequence[EventShape], episodes: Iterable[Episode]) -> bool:
    """Whether any of the events is in these episodes."""
    return any(_is(shape, episode) for episode in episodes for shape in shapes)


def steps_to(shapes: Sequence[EventShape], episodes: Iterable[Episode]) -> int | None:
    """Actions from the first such failure until something alike worked; None where nothing failed or nothing
    worked."""
    return next(
        (
            len(episode.actions)
            for episode in episodes
            if episode.kind == "recovery"
            and episode.worked
            and any(_fails(shape, episode) for shape in shapes)
        ),
        None,
    )


def _is(shape: EventShape, episode: Episode) -> bool:
    if shape.kind == "failure":
        return _fails(shape, episode)
    return (
        episode.kind == "correction"
        and episode.topic == shape.key
        and any(alike(episode.user_text, text) for text in shape.texts)
    )


def _fails(shape: EventShape, episode: Episode) -> bool:
    if shape.kind != "failure":
        return False
    moves = episode.actions if episode.failed is None else [episode.failed, *episode.actions]
    return any(
        move.ok is False and move.key == shape.key and alike(move.error, shape.error) for move in moves
    )
