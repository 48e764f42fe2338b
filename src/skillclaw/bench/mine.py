"""How good is what mining finds? On public recorded runs that the learning never saw, and on planted
patterns.

WorkBench: learn on instances 1-7 of each template, report on 8-10. Templates serve to split and to score,
never to learn or to choose: a held-out session gets its procedure from its query alone. Reported is how
often sessions that follow the procedure succeed, against those that do not (among sessions with at least one
call), and the same for the plain rule "the most frequent successful tool sequence of the template", which is
told the template. tau-bench: learn on tasks 0-6 of each ten, report on 7-9. Planted: synthetic sessions
whose patterns are known, see `bench.planted`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.bench.datasets import Row, read_rows, taubench_session, workbench_session
from skillclaw.bench.planted import measure
from skillclaw.evolve.intents import IntentIndex
from skillclaw.evolve.mine import mine
from skillclaw.evolve.procedures import adheres
from skillclaw.evolve.statistics import Table, clustered_difference, mantel_haenszel
from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.model import Trajectory, meta, with_meta
from skillclaw.trajectory.outcomes import outcome

__all__ = ["run_mine_bench", "summary"]

LEARN = (1, 2, 3, 4, 5, 6, 7)
REPORT = (8, 9, 10)
SEEDS = 20
NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""The runs carry no dates, so that this only keeps the result the same from day to day."""

Progress = Callable[[int, int | None, str], None]


def _quiet(done: int, total: int | None, what: str) -> None:
    del done, total, what


def run_mine_bench(
    *, workbench: Path | None, taubench: Path | None, progress: Progress = _quiet
) -> dict[str, Any]:
    """Measure; parts whose data are not given are null."""
    result: dict[str, Any] = {"workbench": None, "taubench": None}
    if workbench is not None:
        result["workbench"] = measure_workbench(list(read_rows(workbench)), progress=progress)
    if taubench is not None:
        result["taubench"] = measure_taubench(list(read_rows(taubench)), progress=progress)
    result["planted"] = measure(SEEDS, progress)
    return result


class _Held(msgspec.Struct):
    """A held-out session with a procedure: does it follow it, does it succeed, and what to stratify by."""

    template: str
    task: str
    user: str
    follows: bool
    success: bool


def _learning(trajectory: Trajectory) -> Trajectory:
    """The session with its outcome as an import gets it."""
    verdict, confidence, signals = outcome(trajectory)
    return with_meta(
        trajectory,
        msgspec.structs.replace(meta(trajectory), outcome=verdict, confidence=confidence, signals=signals),
    )


def _served(trajectory: Trajectory) -> Episode | None:
    return next((e for e in cut(trajectory) if e.kind == "procedure" and e.actions), None)


def instances(rows: list[Row]) -> dict[str, int]:
    """The number (from 1) of each WorkBench task within its template, in the order of task ids."""
    tasks: dict[str, set[str]] = {}
    for row in rows:
        tasks.setdefault(row["template_id"], set()).add(row["task_id"])
    return {task: number for ids in tasks.values() for number, task in enumerate(sorted(ids), 1)}


def measure_workbench(
    rows: list[Row],
    *,
    learn: Collection[int] = LEARN,
    report: Collection[int] = REPORT,
    progress: Progress = _quiet,
) -> dict[str, Any]:
    """Learn on the instances `learn` of each template, report on `report`."""
    number = instances(rows)
    mined = mine(
        (_learning(workbench_session(r)) for r in rows if number[r["task_id"]] in learn),
        now=NOW,
        half_life_days=0,
        progress=progress,
    )
    index = IntentIndex([p for p in mined.patterns if p.kind == "procedure"])
    held: list[_Held] = []
    unserved = 0
    for row in rows:
        if number[row["task_id"]] not in report:
            continue
        served = _served(workbench_session(row))
        if served is None:
            continue
        pattern = index.find(row["query"])
        if pattern is None:
            unserved += 1
            continue
        user = f"{row['model']}-{row['toolset']}"
        held.append(
            _Held(
                row["template_id"],
                row["task_id"],
                user,
                adheres(served, pattern.actions),
                bool(row["success"]),
            )
        )
    result = _compare(held)
    result["tasks_total"] = len({r["task_id"] for r in rows if number[r["task_id"]] in report})
    result["sessions_without_procedure"] = unserved
    result["procedures"] = sum(p.kind == "procedure" for p in mined.patterns)
    result["patterns"] = dict(sorted(Counter(p.kind for p in mined.patterns).items()))
    result["baseline"] = _compare(_plain(rows, number, learn, report))
    return result


def _plain(
    rows: list[Row], number: dict[str, int], learn: Collection[int], report: Collection[int]
) -> list[_Held]:
    """The plain rule: the most frequent successful tool sequence (at least two) of the template's learnt
    instances.
    """
    counts: dict[str, Counter[tuple[str, ...]]] = {}
    for row in rows:
        if row["success"] and row["steps"] and number[row["task_id"]] in learn:
            counts.setdefault(row["template_id"], Counter())[_sequence(row)] += 1
    best = {}
    for template, seen in counts.items():
        sequence, count = seen.most_common(1)[0]
        if count >= 2:
            best[template] = sequence
    return [
        _Held(
            row["template_id"],
            row["task_id"],
            f"{row['model']}-{row['toolset']}",
            _sequence(row) == best[row["template_id"]],
            bool(row["success"]),
        )
        for row in rows
        if row["steps"] and number[row["task_id"]] in report and row["template_id"] in best
    ]


def _sequence(row: Row) -> tuple[str, ...]:
    return tuple(str(step["tool"]) for step in row["steps"])


def _compare(held: list[_Held]) -> dict[str, Any]:
    """Success of followers and others, their difference (clustered by template) and the stratified odds
    ratio.
    """
    follow = [h.success for h in held if h.follows]
    other = [h.success for h in held if not h.follows]
    tables: dict[tuple[str, str], list[int]] = {}
    for h in held:
        table = tables.setdefault((h.user, h.template), [0, 0, 0, 0])
        table[(0 if h.follows else 2) + (0 if h.success else 1)] += 1
    association = mantel_haenszel(Table(*tables[k]) for k in sorted(tables))
    difference = clustered_difference([(h.template, h.follows, h.success) for h in held])
    return {
        "tasks": len({h.task for h in held}),
        "match_success": _share(follow),
        "match_n": len(follow),
        "other_success": _share(other),
        "other_n": len(other),
        "difference": round(difference[0], 6) if difference else None,
        "ci": [round(v, 6) for v in difference[1]] if difference else None,
        "or_mh": round(association.odds_ratio, 3) if association.odds_ratio is not None else None,
        "or_ci": [round(v, 3) for v in association.ci] if association.ci is not None else None,
    }


def _share(values: list[bool]) -> float | None:
    return round(sum(values) / len(values), 6) if values else None


def measure_taubench(rows: list[Row], *, progress: Progress = _quiet) -> dict[str, Any]:
    """Learn on tasks 0-6 of each ten, report on 7-9; runs whose writes were not recorded are left out."""
    whole = [r for r in rows if r["trace_complete"]]
    mined = mine(
        (_learning(taubench_session(r)) for r in whole if r["task_id"] % 10 < 7),
        now=NOW,
        half_life_days=0,
        progress=progress,
    )
    index = IntentIndex([p for p in mined.patterns if p.kind == "procedure"])
    held: list[_Held] = []
    for row in whole:
        if row["task_id"] % 10 < 7:
            continue
        served = _served(taubench_session(row))
        pattern = index.find(served.intent) if served is not None else None
        if served is not None and pattern is not None:
            task = f"{row['domain']}-{row['task_id']}"
            held.append(_Held(task, task, row["run"], adheres(served, pattern.actions), bool(row["success"])))
    result = _compare(held)
    result["sessions"] = len(whole)
    result["patterns"] = dict(sorted(Counter(p.kind for p in mined.patterns).items()))
    result["procedures"] = sum(p.kind == "procedure" for p in mined.patterns)
    return result


def summary(result: dict[str, Any]) -> str:
    """The figures for people."""
    lines: list[str] = []
    work = result["workbench"]
    if work is not None:
        plain = work["baseline"]
        lines += [
            f"WorkBench, held-out instances 8-10: {work['procedures']} procedures, found for "
            f"{work['tasks']} of {work['tasks_total']} tasks from the query alone.",
            f"  followed:     {_percent(work['match_success'])} of {work['match_n']} sessions succeed",
            f"  not followed: {_percent(work['other_success'])} of {work['other_n']}",
            f"  difference {_percent(work['difference'])} [95%: {_interval(work['ci'])}], clustered by "
            f"template; odds ratio {_number(work['or_mh'])} by model, tool set and template",
            f"  plain rule (told the template): {_percent(plain['match_success'])} of {plain['match_n']} "
            f"against {_percent(plain['other_success'])} of {plain['other_n']}",
        ]
    tau = result["taubench"]
    if tau is not None:
        lines.append(
            f"tau-bench, held-out tasks: {tau['procedures']} procedures; "
            f"followed {_percent(tau['match_success'])} of {tau['match_n']}, "
            f"not followed {_percent(tau['other_success'])} of {tau['other_n']}."
        )
    planted = result["planted"]
    lines.append(
        f"Planted patterns: {_percent(planted['recall'])} found, precision {_percent(planted['precision'])}; "
        f"{planted['invented']} invented in {planted['seeds']} data sets without any."
    )
    return "\n".join(lines)


def _percent(value: float | None) -> str:
    return "not measured" if value is None else f"{100 * value:.1f}%"


def _interval(value: list[float] | None) -> str:
    return "not measured" if value is None else f"{100 * value[0]:.1f}% to {100 * value[1]:.1f}%"


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f}"
