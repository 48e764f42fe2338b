"""WorkBench: learn on instances 1-7 of each template, report on 8-10, and on templates never seen.

Templates serve to split and to score, never to learn or to choose: a held-out session gets its procedure from
its query alone. It follows when the names of all its calls, in order, are those of the procedure. The rules
that it is compared with are told the template: the most frequent sequence of the template's successful runs,
and of all its runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from skillclaw.bench.datasets import Row, workbench_session
from skillclaw.bench.scoring import Held, compare, most_frequent, paired, sequence
from skillclaw.evolve.conclude import FALSE_DISCOVERY
from skillclaw.evolve.contrast import Feature, added, count, judged, kept
from skillclaw.evolve.intents import IntentIndex
from skillclaw.evolve.mine import cluster_sessions, mine
from skillclaw.evolve.procedures import follows, keeps
from skillclaw.evolve.statistics import benjamini_hochberg
from skillclaw.skills.records import Pattern
from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.model import Trajectory, meta, with_meta
from skillclaw.trajectory.outcomes import outcome

__all__ = ["NOW", "instances", "learning", "lessons", "measure_workbench", "served", "transfer"]

LEARN = (1, 2, 3, 4, 5, 6, 7)
REPORT = (8, 9, 10)
FOLDS = 5
NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""The runs carry no dates, so that this only keeps the result the same from day to day."""

Progress = Callable[[int, int | None, str], None]


def _quiet(done: int, total: int | None, what: str) -> None:
    del done, total, what


def learning(trajectory: Trajectory) -> Trajectory:
    """The session with its outcome as an import gets it."""
    verdict, confidence, signals = outcome(trajectory)
    return with_meta(
        trajectory,
        msgspec.structs.replace(meta(trajectory), outcome=verdict, confidence=confidence, signals=signals),
    )


def served(trajectory: Trajectory) -> Episode | None:
    """The request of a recorded run with what was done for it; None where nothing was called."""
    return next((e for e in cut(trajectory) if e.kind == "procedure" and e.actions), None)


def instances(rows: Sequence[Row]) -> dict[str, int]:
    """The number (from 1) of each WorkBench task within its template, in the order of task ids."""
    tasks: dict[str, set[str]] = {}
    for row in rows:
        tasks.setdefault(row["template_id"], set()).add(row["task_id"])
    return {task: number for ids in tasks.values() for number, task in enumerate(sorted(ids), 1)}


def user_of(row: Row) -> str:
    """Model and tool set stand for the user."""
    return f"{row['model']}-{row['toolset']}"


def _held(row: Row, follows_it: bool) -> Held:
    return Held(
        row["session_id"],
        row["template_id"],
        row["task_id"],
        user_of(row),
        follows_it,
        bool(row["success"]),
    )


def measure_workbench(
    rows: list[Row],
    *,
    learn: Collection[int] = LEARN,
    report: Collection[int] = REPORT,
    progress: Progress = _quiet,
) -> dict[str, Any]:
    """Learn on the instances `learn` of each template, report on `report`; then the held-out templates."""
    number = instances(rows)
    inside = [r for r in rows if number[r["task_id"]] in learn]
    outside = [r for r in rows if number[r["task_id"]] in report]
    mined = mine(
        (learning(workbench_session(r)) for r in inside), now=NOW, half_life_days=0, progress=progress
    )
    procedures = [p for p in mined.patterns if p.kind == "procedure"]
    held, every, arguments = _follow(outside, procedures)
    index = IntentIndex(procedures)
    advice = {
        q: tuple(a.tool for a in p.actions) for q in {r["query"] for r in outside} if (p := index.find(q))
    }
    result = compare(held)
    result["tasks_total"] = len({r["task_id"] for r in outside})
    result["sessions_without_procedure"] = sum(bool(r["steps"]) for r in outside) - len(held)
    result["procedures"] = len(procedures)
    result["least_users"] = min((p.users for p in procedures), default=None)
    result["patterns"] = dict(sorted(Counter(p.kind for p in mined.patterns).items()))
    result["all_sessions"] = compare(every)
    result["arguments"] = {
        **compare(arguments),
        "coverage": round(sum(h.follows for h in arguments) / len(arguments), 6) if arguments else None,
    }
    success = [r for r in inside if r["success"]]
    for name, source in (("baseline", success), ("baseline_all", inside)):
        rule = most_frequent((r["template_id"], sequence(r)) for r in source if r["steps"])
        told = [
            _held(r, sequence(r) == rule[r["template_id"]])
            for r in outside
            if r["steps"] and r["template_id"] in rule
        ]
        result[name] = compare(told)
        other = {h.session: h.follows for h in told}
        result[f"paired_{name}"] = paired(held, other)
        differ = {
            r["session_id"]
            for r in outside
            if r["session_id"] in other and advice.get(r["query"]) != rule[r["template_id"]]
        }
        result[f"differing_{name}"] = paired([h for h in held if h.session in differ], other)
    result["transfer"] = transfer(rows, learn=learn, progress=progress)
    return result


def _follow(rows: Iterable[Row], procedures: Sequence[Pattern]) -> tuple[list[Held], list[Held], list[Held]]:
    """The sessions with at least one call that have a procedure; all sessions that have one; and the
    followers, by whether they keep its lessons about arguments.
    """
    index = IntentIndex(procedures)
    found: dict[str, Pattern | None] = {}
    held: list[Held] = []
    every: list[Held] = []
    arguments: list[Held] = []
    for row in rows:
        query = row["query"]
        if query not in found:
            found[query] = index.find(query)
        pattern = found[query]
        if pattern is None:
            continue
        episode = served(workbench_session(row))
        does = episode is not None and follows(episode, pattern.actions)
        every.append(_held(row, does))
        if episode is not None:
            held.append(_held(row, does))
            if does:
                arguments.append(_held(row, keeps(episode, pattern.actions)))
    return held, every, arguments


def lessons(sessions: Iterable[Trajectory]) -> list[Feature]:
    """What goes with success wherever a tool is used: arguments to give, look-ups before use, order."""
    clusters = cluster_sessions(sessions)
    found = judged(added(count(number, clusters[number]) for number in sorted(clusters)))
    return [
        c.feature
        for c, q in zip(found, benjamini_hochberg([c.association.p for c in found]), strict=True)
        if q is not None
        and q <= FALSE_DISCOVERY
        and c.feature.kind in ("argument", "source", "order")
        and c.with_success * c.without_n > c.without_success * c.with_n
    ]


def transfer(
    rows: list[Row], *, learn: Collection[int] = LEARN, progress: Progress = _quiet
) -> dict[str, Any]:
    """Templates in five parts: learn on instances `learn` of four, report on all of the fifth.

    `procedures`: sessions that follow the procedure that their query finds; `lessons`: sessions that keep
    what was learnt about the tools they use.
    """
    number = instances(rows)
    names = sorted({r["template_id"] for r in rows})
    by_words: list[Held] = []
    by_tools: list[Held] = []
    known: set[Feature] = set()
    for fold in range(FOLDS):
        progress(fold, FOLDS, "held-out templates")
        unseen = set(names[fold::FOLDS])
        sessions = [
            learning(workbench_session(r))
            for r in rows
            if r["template_id"] not in unseen and number[r["task_id"]] in learn
        ]
        mined = mine(sessions, now=NOW, half_life_days=0)
        found = lessons(sessions)
        known.update(found)
        outside = [r for r in rows if r["template_id"] in unseen]
        by_words += _follow(outside, [p for p in mined.patterns if p.kind == "procedure"])[0]
        for row in outside:
            episode = served(workbench_session(row))
            kept_all = kept(episode, found) if episode is not None else None
            if kept_all is not None:
                by_tools.append(_held(row, kept_all))
    progress(FOLDS, FOLDS, "")
    return {
        "folds": FOLDS,
        "procedures": compare(by_words),
        "lessons": compare(by_tools),
        "known": sorted(" ".join(f).strip() for f in known),
    }
