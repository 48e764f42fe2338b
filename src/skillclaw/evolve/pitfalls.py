"""Pitfalls: what a failing call has that working calls of the same tool do not, and sessions pay for.

A pitfall is a trait of calls of one tool (an argument left out, an id from nowhere, a wrong form) with which
they mostly fail while without it they mostly work, and whose sessions fail more often than sessions of the
same task and model that used the tool without it. Its statistics speak for avoiding it: `with` are the
sessions that did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from skillclaw.evolve.corpus import Corpus, refs
from skillclaw.evolve.procedures import learn_steps
from skillclaw.evolve.tasks import MIN_SESSIONS, association, row
from skillclaw.evolve.traits import rates, traits
from skillclaw.skills.records import ActionShape, ArgShape, Pattern, content_id
from skillclaw.trajectory.episodes import Episode, Move

__all__ = ["find_pitfalls", "right_way"]

FAILS = 0.3
"""Calls with the trait work at most this often."""

BETTER = 0.3
"""Calls without it work more often by at least this much."""

LUCK = 0.001
"""Chance, at most, that this difference is luck (Fisher): many traits of many tools are looked at."""

COVERS = 0.5
"""Least share of the failures of one error that the trait explains."""

Call = tuple[Episode, Move]


def find_pitfalls(corpus: Corpus) -> list[Pattern]:
    """For each tool, and each error that it gave in at least `MIN_SESSIONS` sessions, the trait behind it."""
    found: dict[str, Pattern] = {}
    for key in sorted(corpus.calls):
        calls = corpus.calls[key]
        errors: dict[str, list[Call]] = {}
        for episode, move in calls:
            if not move.ok:
                errors.setdefault(move.error, []).append((episode, move))
        if not errors:
            continue
        names = corpus.names(key)
        known = [(e, m, traits(m, names)) for e, m in calls]
        for error in sorted(errors):
            if len({(e.user, e.session) for e, _ in errors[error]}) >= MIN_SESSIONS:
                pattern = _pitfall(corpus, key, error, known)
                if pattern is not None:
                    found.setdefault(pattern.id, pattern)
    return [found[mark] for mark in sorted(found)]


def _pitfall(
    corpus: Corpus, key: str, error: str, calls: Sequence[tuple[Episode, Move, frozenset[str]]]
) -> Pattern | None:
    failing = [t for _, m, t in calls if m.error == error and not m.ok]
    counts = Counter(trait for t in failing for trait in t)
    best: tuple[float, str] | None = None
    for trait in sorted(counts):
        if not _tells(trait) or counts[trait] < COVERS * len(failing):
            continue
        # Only the failure in question counts: another error says nothing about this trait.
        judged = [(trait in t, bool(m.ok)) for _, m, t in calls if m.ok or m.error == error]
        found = rates([ok for inside, ok in judged if inside], [ok for inside, ok in judged if not inside])
        if found.first <= FAILS and found.second - found.first >= BETTER and found.p <= LUCK:
            score = found.second - found.first + counts[trait] / len(failing)
            if best is None or score > best[0] + 1e-9:
                best = (score, trait)
    if best is None:
        return None
    return _pattern(corpus, key, error, best[1], calls)


def _tells(trait: str) -> bool:
    return (
        trait.startswith(("lacks ", "+-"))
        or trait.endswith("<-nowhere")
        or (":" in trait and not trait.startswith(("key ", "has ")) and "=" not in trait)
    )


def _pattern(
    corpus: Corpus,
    key: str,
    error: str,
    trait: str,
    calls: Sequence[tuple[Episode, Move, frozenset[str]]],
) -> Pattern | None:
    did: dict[tuple[str, str], tuple[Episode, Move]] = {}
    used: dict[tuple[str, str], Episode] = {}
    fine: list[tuple[Episode, Move]] = []
    for episode, move, own in calls:
        mark = (episode.user, episode.session)
        used.setdefault(mark, episode)
        if trait in own and not move.ok and move.error == error:
            did.setdefault(mark, (episode, move))
        elif move.ok and trait not in own:
            fine.append((episode, move))
    if len(did) < MIN_SESSIONS or not fine:
        return None
    rows = [
        row(e, corpus.task.get(e.intent, ""), inside=mark not in did)
        for mark, e in sorted(used.items())
        if e.success is not None
    ]
    stats, _ = association(rows)
    name = trait.removeprefix("lacks ").removeprefix("+").split("<-")[0].split(":")[0]
    bad = learn_steps([([[m]], e) for e, m in (did[mark] for mark in sorted(did))])[0]
    if trait.startswith("lacks ") and bad.command is None:
        bad = msgspec.structs.replace(
            bad,
            args=sorted(
                [*(a for a in bad.args if a.name != name), ArgShape(name=name, share=0.0)],
                key=lambda a: a.name,
            ),
        )
    actions, before = right_way(fine, name)
    evidence = refs(
        msgspec.structs.replace(e, steps=[m.step]) for e, m in did.values() if e.success is not True
    )
    spared = refs(msgspec.structs.replace(e, steps=[m.step]) for e, m in did.values() if e.success is True)
    if len(evidence) < MIN_SESSIONS:
        return None
    signature = f"{key} ! {trait} ! {error}"
    return Pattern(
        id=content_id("pitfall", signature),
        kind="pitfall",
        title=_title(key, trait, name),
        topic=next(iter(did.values()))[1].topic,
        signature=signature,
        failed=bad,
        error=error,
        actions=actions,
        before=before,
        evidence=evidence,
        contradictions=spared,
        stats=stats,
    )


def right_way(fine: Sequence[Call], name: str) -> tuple[list[ActionShape], list[tuple[int, int]]]:
    """How working calls come by the argument: the call itself, after the look-up that gave it where there is
    one.
    """
    sources: Counter[str] = Counter()
    pairs: dict[str, list[tuple[Episode, Move, Move]]] = {}
    for episode, move in fine:
        by_place = {m.place: m for m in episode.actions}
        arg = next((a for a in move.args if a.name == name), None)
        for origin in arg.origins if arg else ():
            source = by_place.get(int(origin[7:])) if origin.startswith("result:") else None
            if source is not None and source.key != move.key:
                sources[source.key] += 1
                pairs.setdefault(source.key, []).append((episode, source, move))
                break
    if sources:
        key, count = min(sources.items(), key=lambda x: (-x[1], x[0]))
        if 2 * count >= len(fine):
            return learn_steps([([[s], [m]], e) for e, s, m in pairs[key]]), [(1, 0)]
    return learn_steps([([[m]], e) for e, m in fine]), []


def _title(key: str, trait: str, name: str) -> str:
    if trait.startswith("lacks "):
        return f"{key} fails without {name}"
    if trait.endswith("<-nowhere"):
        return f"{key} fails when {name} is a guess"
    if trait.startswith("+"):
        return f"{key} fails with {name}"
    return f"{key} fails when {name} is a {trait.split(':')[1]}"
