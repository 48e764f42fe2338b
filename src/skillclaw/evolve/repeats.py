"""What comes back in sessions before anything is mined of it: commands in one order, failures without an end.

Counts and nothing more: neither says that something is good or bad, so nothing is proposed of it. Both are
made from the episodes that a cycle keeps, and are for people to look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, TypeVar

from skillclaw.evolve.tasks import MIN_SESSIONS
from skillclaw.trajectory.episodes import Episode, Move
from skillclaw.trajectory.model import Record

__all__ = ["Failing", "Ordered", "failing", "sequences"]

T = TypeVar("T", str, tuple[str, ...])

LONGEST = 6
"""Commands of one sequence at most; a longer one is told by a part of it."""

SHOWN = 5
"""Sequences, and failures, at most."""


class Ordered(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Commands that ran one after the other and worked, in `sessions` of `agents`: as at least half of these
    ran them, else the programs alone.
    """

    commands: list[str]
    sessions: int
    agents: list[str]


class Failing(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A command that failed with one error in so many sessions, in none of which the same worked later.

    command  as at least half of them ran it, else the program alone
    error    its template, with `<...>` for what varies
    """

    command: str
    error: str
    sessions: int


class _Ran(NamedTuple):
    """In one session a sequence ran as these commands; the same ones in more sessions are told."""

    session: tuple[str, str]
    agent: str
    commands: tuple[str, ...]


def sequences(cuts: Iterable[Sequence[Episode]], *, most: int = SHOWN) -> list[Ordered]:
    """The sequences of different shell commands in at least `MIN_SESSIONS` sessions, of which the first
    changes something: agents look around before anything. `cuts`: the episodes of each session. The most work
    first; a part of a sequence that is told is not told again.
    """
    found: dict[tuple[str, ...], dict[tuple[str, str], _Ran]] = {}
    for episodes in cuts:
        for episode in episodes:
            if episode.kind == "procedure":
                for keys, ran in _runs(episode):
                    found.setdefault(keys, {})[ran.session] = ran
    often = {keys: list(ran.values()) for keys, ran in found.items() if len(ran) >= MIN_SESSIONS}
    chosen: list[tuple[str, ...]] = []
    for keys in sorted(often, key=lambda keys: (-len(often[keys]) * (len(keys) - 1), keys)):
        if len(chosen) < most and not any(_within(keys, other) or _within(other, keys) for other in chosen):
            chosen.append(keys)
    return [
        Ordered(
            commands=list(_commonest([one.commands for one in often[keys]], keys)),
            sessions=len(often[keys]),
            agents=sorted({one.agent for one in often[keys]}),
        )
        for keys in chosen
    ]


def failing(
    cuts: Iterable[Sequence[Episode]], mended: Collection[str], *, most: int = SHOWN
) -> list[Failing]:
    """Calls that failed alike in at least `MIN_SESSIONS` sessions, and never worked after it there. `mended`:
    keys of calls for which a way that works is known.
    """
    found: dict[tuple[str, str], dict[tuple[str, str], str]] = {}
    for episodes in cuts:
        for episode in episodes:
            if episode.kind != "procedure":
                continue
            worked: set[str] = set()
            for move in reversed(episode.actions):
                if move.ok:
                    worked.add(move.key)
                elif move.ok is False and move.error and move.key not in worked | set(mended):
                    one = found.setdefault((move.key, move.error), {})
                    one[episode.user, episode.session] = move.command or move.tool
    often = [(keys, ran) for keys, ran in found.items() if len(ran) >= MIN_SESSIONS]
    often.sort(key=lambda item: (-len(item[1]), item[0]))
    return [
        Failing(command=_commonest(list(ran.values()), key), error=error, sessions=len(ran))
        for (key, error), ran in often[:most]
    ]


def _runs(episode: Episode) -> Iterable[tuple[tuple[str, ...], _Ran]]:
    moves: list[Move] = []
    for move in episode.actions:
        if move.ok is not False and move.command and not (moves and moves[-1].key == move.key):
            moves.append(move)
    session = (episode.user, episode.session)
    for begin in (at for at, move in enumerate(moves) if move.writes):
        for end in range(begin + 2, min(begin + LONGEST, len(moves)) + 1):
            part = moves[begin:end]
            keys = tuple(move.key for move in part)
            if len(set(keys)) < len(keys):
                break
            yield keys, _Ran(session, episode.agent, tuple(move.command for move in part))


def _within(part: tuple[str, ...], whole: tuple[str, ...]) -> bool:
    return any(whole[at : at + len(part)] == part for at in range(len(whole) - len(part) + 1))


def _commonest(told: Sequence[T], key: T) -> T:
    """What at least half of them are, else `key`: one of many would stand for all."""
    counts = Counter(told)
    best = min(counts, key=lambda one: (-counts[one], one))
    return best if 2 * counts[best] >= len(told) else key
