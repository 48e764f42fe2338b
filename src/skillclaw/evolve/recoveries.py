"""Recoveries: how calls fail, and what made them work.

A recovery needs more than a retry that happened to work. Its sessions must agree on what changed (a trait of
the call, or an action in between), the failing way must fail mostly, the other way work mostly, and the
difference must not be luck (Fisher's exact test over all calls of the projects concerned).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from skillclaw.evolve.corpus import Corpus, refs
from skillclaw.evolve.procedures import learn_steps
from skillclaw.evolve.statistics import Row
from skillclaw.evolve.tasks import MIN_SESSIONS, association, row
from skillclaw.evolve.traits import SHORT, Rates, lasting, rates, traits
from skillclaw.skills.records import ActionShape, ArgShape, Pattern, content_id
from skillclaw.trajectory.episodes import Episode, Move
from skillclaw.trajectory.text import words

__all__ = ["alike", "find_recoveries"]

FAILS = 0.5
"""The failing way works at most this often."""

WORKS = 0.6
"""The other way works at least this often."""

LUCK = 0.05
"""Chance, at most, that the difference is luck: three failures against three successes are 1 in 20."""

ROUNDING = 1e-9
SWAP = " \u2192 "
"""Between the old and the new value of a swap."""

TRIED = 40
"""Changes looked at for one failure, the best supported first: it bounds the work, whatever the data hold."""

ALIKE = 0.6
"""Error templates with this share of common words are one error."""


Change = tuple[str, str]
"""Kind (gain, lose, swap, after) and what; see `_changes`."""


def find_recoveries(corpus: Corpus) -> list[Pattern]:
    """The recoveries that at least `MIN_SESSIONS` sessions agree on."""
    groups: dict[tuple[str, tuple[str, ...]], list[Episode]] = {}
    for episode in corpus.recoveries:
        if episode.failed is not None:
            keys = tuple(m.key for m in episode.actions[-1:])
            groups.setdefault((episode.failed.key, keys), []).append(episode)
    found: list[Pattern] = []
    for (failed_key, _), episodes in sorted(groups.items()):
        for error, alike in _by_error(episodes):
            found += _split(corpus, failed_key, error, alike)
    return found


def _by_error(episodes: Sequence[Episode]) -> Iterator[tuple[str, list[Episode]]]:
    """The episodes by error; templates that share most of their words are one (the commonest names it)."""
    counts = Counter(e.failed.error for e in episodes if e.failed)
    leaders: list[str] = []
    member: dict[str, str] = {}
    for error in sorted(counts, key=lambda x: (-counts[x], x)):
        member[error] = next((leader for leader in leaders if alike(error, leader)), error)
        if member[error] == error:
            leaders.append(error)
    for leader in leaders:
        yield leader, [e for e in episodes if e.failed and member[e.failed.error] == leader]


def _sessions(episodes: Sequence[Episode]) -> int:
    return len({(e.user, e.session) for e in episodes})


class _Case(NamedTuple):
    """A recovery with what changed in it."""

    episode: Episode
    changes: frozenset[Change]


class _Call(NamedTuple):
    """A call of the failing or the working way: its traits, and whether it worked."""

    project: str
    traits: frozenset[str]
    ok: bool


def _split(corpus: Corpus, failed_key: str, error: str, episodes: list[Episode]) -> Iterator[Pattern]:
    """Patterns of one failure, one for each change that made it work, the best supported first."""
    if _sessions([e for e in episodes if e.worked]) < MIN_SESSIONS:
        return
    names = corpus.names(failed_key)
    left = [_Case(e, _changes(e, names)) for e in episodes]
    calls = _calls(corpus, failed_key, error, episodes, names)
    while True:
        sessions: dict[Change, set[tuple[str, str]]] = {}
        for episode, changes in left:
            for change in changes if episode.worked else ():
                sessions.setdefault(change, set()).add((episode.user, episode.session))
        known = [c for c in sessions if len(sessions[c]) >= MIN_SESSIONS]
        known.sort(key=lambda c: (-len(sessions[c]) * _named(c, error), _rank(c), c))
        best = next((c for c in known[:TRIED] if _convinces(calls, failed_key, c, left)), None)
        if best is None:
            return
        group = [case.episode for case in left if best in case.changes]
        yield _recovery(corpus, failed_key, error, best, group)
        left = [case for case in left if best not in case.changes]


def _calls(corpus: Corpus, key: str, error: str, episodes: Sequence[Episode], names: set[str]) -> list[_Call]:
    """The calls of the failing way and of the ways that followed, that worked or failed with this error."""
    same: dict[str, bool] = {}

    def counts(move: Move) -> bool:
        if move.ok:
            return True
        if move.error not in same:
            same[move.error] = alike(move.error, error)
        return same[move.error]

    keys = sorted({key, *(e.actions[-1].key for e in episodes)})
    return [
        _Call(episode.project, traits(move, names), bool(move.ok))
        for k in keys
        for episode, move in corpus.calls.get(k, [])
        if counts(move)
    ]


def _named(change: Change, error: str) -> int:
    """2 when the error names the argument that changed ("List not valid" names `list_name`), else 1."""
    name = re.split(r"=|<-|:", change[1].removeprefix("has "))[0].lower()
    said = _words(error)
    return 2 if said & {w for w in re.split(r"[_\W]+", name) if len(w) > 2} else 1


def _rank(change: Change) -> int:
    """Of changes seen equally often the most telling: an action in between, another program, a source, a
    value.
    """
    kind, what = change
    order = ("key ", "<-result", "has ", "+", "<-user", ":")
    return {"after": 0, "swap": 5}.get(
        kind,
        1
        + next((i for i, mark in enumerate(order) if mark in what), len(order))
        + (10 if kind == "lose" else 0),
    )


def _changes(episode: Episode, names: set[str]) -> frozenset[Change]:
    """What differs between the failed call and the later one.

    gain, lose  a trait of the call (values aside)
    swap        one value of an argument for another
    after       an action in between: of the very same call again it is what made the difference
    """
    if episode.failed is None:
        return frozenset()
    final = episode.actions[-1]
    before, after = traits(episode.failed, names), traits(final, names)
    found = {("gain", t) for t in after - before if lasting(t)}
    found |= {("lose", t) for t in before - after if lasting(t)}
    given = {a.name: a.value for a in final.args}
    for arg in episode.failed.args:
        value = given.get(arg.name, arg.value)
        if value == arg.value or max(len(value), len(arg.value)) > SHORT or arg.form not in ("text", "path"):
            continue
        if SWAP not in f"{arg.name}{arg.value}{value}":  # else nobody could tell where the first ends
            found.add(("swap", f"{arg.name}={arg.value}{SWAP}{arg.name}={value}"))
    again = _same(episode.failed, final)
    found |= {("after", m.key) for m in episode.actions[:-1] if again or (m.writes and m.command)}
    return frozenset(found)


def _same(first: Move, second: Move) -> bool:
    return (
        first.tool == second.tool
        and first.command == second.command
        and [(a.name, a.value) for a in first.args] == [(a.name, a.value) for a in second.args]
    )


def _convinces(calls: Sequence[_Call], key: str, change: Change, cases: Sequence[_Case]) -> bool:
    found = _rates(calls, key, change, cases)
    return found.first <= FAILS and found.second >= WORKS and found.p <= LUCK + ROUNDING


def _rates(calls: Sequence[_Call], key: str, change: Change, cases: Sequence[_Case]) -> Rates:
    """How often the failing way and the other way work, in the projects where the change was seen to work."""
    kind, what = change
    inside = [case.episode for case in cases if change in case.changes]
    if kind == "after":
        # The same call again: with the action in between, against without it.
        outside = [case.episode for case in cases if change not in case.changes]
        fails = [False] * len(inside)  # each of them began with the call failing by itself
        return rates([e.worked for e in outside] + fails, [e.worked for e in inside])
    projects = {e.project for e in inside if e.worked}
    near = [c for c in calls if c.project in projects]
    failing = f"key {key}"
    if kind == "swap":
        old, new = what.split(SWAP)
        return rates([c.ok for c in near if old in c.traits], [c.ok for c in near if new in c.traits])
    own = [c for c in near if failing in c.traits]
    if kind == "gain":
        return rates([c.ok for c in own if what not in c.traits], [c.ok for c in near if what in c.traits])
    return rates([c.ok for c in own if what in c.traits], [c.ok for c in near if what not in c.traits])


def alike(first: str, second: str) -> bool:
    """Whether two error templates say the same."""
    if first == second:
        return True
    one, two = _words(first), _words(second)
    return bool(one and two) and len(one & two) >= ALIKE * len(one | two)


@lru_cache(maxsize=8192)
def _words(error: str) -> frozenset[str]:
    return frozenset(words(error))


def _recovery(
    corpus: Corpus,
    failed_key: str,
    error: str,
    change: Change,
    group: list[Episode],
) -> Pattern:
    worked = _once([e for e in group if e.worked])
    evidence = refs([e for e in group if e.worked])
    supported = {(r.user, r.session) for r in evidence}
    against = refs([e for e in group if not e.worked and (e.user, e.session) not in supported])
    between = _between(worked)
    while not (shaped := _shaped(worked, between)):
        between.pop(0)
    actions = learn_steps(shaped)
    failed_moves = [e.failed for e in worked if e.failed]
    failed = _failed_shape(failed_moves, worked, change)
    kind, what = change
    signature = f"{failed_key} ! {error} -> {kind} {what} -> {worked[0].actions[-1].key}"
    stats, _ = association(_rows(corpus, failed_key, error, supported))
    return Pattern(
        id=content_id("recovery", signature),
        kind="recovery",
        title=_recovery_title(failed, actions, change),
        topic=failed_moves[0].topic,
        signature=signature,
        failed=failed,
        error=error,
        actions=actions,
        evidence=evidence,
        contradictions=against,
        stats=stats,
        project=_one({e.project for e in worked}),
    )


def _rows(corpus: Corpus, key: str, error: str, fixed: set[tuple[str, str]]) -> list[Row]:
    """Sessions that met the failure: who found the way against who did not, by task and model."""
    seen: dict[tuple[str, str], Row] = {}
    for episode in [*corpus.recoveries, *corpus.pitfalls]:
        failed = episode.failed
        if failed is None or failed.key != key or episode.success is None:
            continue
        if alike(failed.error, error):
            mark = (episode.user, episode.session)
            seen[mark] = row(episode, corpus.task.get(episode.intent, ""), inside=mark in fixed)
    return [seen[mark] for mark in sorted(seen)]


def _once(episodes: list[Episode]) -> list[Episode]:
    """One episode per session: a session counts once."""
    first: dict[tuple[str, str], Episode] = {}
    for episode in episodes:
        first.setdefault((episode.user, episode.session), episode)
    return [first[mark] for mark in sorted(first)]


def _between(episodes: Sequence[Episode]) -> list[str]:
    """The actions in between that at least half of the sessions share, in their usual order."""
    counts = Counter(k for e in episodes for k in {m.key for m in e.actions[:-1]})
    kept = [k for k in counts if 2 * counts[k] >= len(episodes)]
    places = {
        k: sum(i for e in episodes for i, m in enumerate(e.actions[:-1]) if m.key == k) / counts[k]
        for k in kept
    }
    return sorted(kept, key=lambda k: (places[k], k))


def _shaped(episodes: Sequence[Episode], between: Sequence[str]) -> list[tuple[list[list[Move]], Episode]]:
    """The ways of the sessions that took all of `between`; with none in between that is every session."""
    found = [([[m] for m in _chosen(e, between)], e) for e in episodes]
    return [way for way in found if len(way[0]) == len(between) + 1]


def _chosen(episode: Episode, between: Sequence[str]) -> list[Move]:
    by_key = {m.key: m for m in episode.actions[:-1]}
    return [by_key[k] for k in between if k in by_key] + [episode.actions[-1]]


def _failed_shape(moves: Sequence[Move], episodes: Sequence[Episode], change: Change) -> ActionShape:
    shape = learn_steps([([[m]], e) for m, e in zip(moves, episodes, strict=True)])[0]
    kind, what = change
    name = what.removeprefix("has ").split("=")[0].split("<-")[0].split(":")[0]
    if (
        shape.command is None
        and kind == "gain"
        and all(a.name != name for a in shape.args)
        and what.startswith("has ")
    ):
        # What was missing is the point: say so.
        shape = msgspec.structs.replace(
            shape, args=sorted([*shape.args, ArgShape(name=name, share=0.0)], key=lambda a: a.name)
        )
    return shape


def _recovery_title(failed: ActionShape, actions: Sequence[ActionShape], change: Change) -> str:
    final = actions[-1]
    kind, what = change
    if final.command is not None:
        ways = " && ".join(a.command or a.tool for a in actions)
        return f"When `{failed.command or failed.tool}` fails, `{ways}` works"
    if kind == "swap":
        old, new = what.split(SWAP)
        name, _, value = new.partition("=")
        return f"{final.tool}: {name} is {value!r}, not {old.partition('=')[2]!r}"
    if kind == "after":
        return f"When {failed.tool} fails, {what} first, then again"
    if what.startswith("has "):
        return f"{final.tool} needs {what[4:]}"
    if what.endswith("<-result"):
        return f"{final.tool}: take {what[:-8]} from an earlier result"
    if what.endswith("<-user"):
        return f"{final.tool}: take {what[:-6]} from the user's words"
    if final.tool != failed.tool:
        return f"Call {final.tool}, not {failed.tool}"
    if kind == "lose":
        return f"{final.tool} works without {what.removeprefix('has ')}"
    return f"{final.tool} works with {what}"


def _one(projects: set[str]) -> str | None:
    return next(iter(projects)) if len(projects) == 1 and projects != {""} else None
