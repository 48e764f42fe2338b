"""How good is what mining finds? On public recorded runs that the learning never saw, and on planted
patterns.

`workbench` and `taubench` say how they split and score. Planted: synthetic sessions whose patterns are known,
see `bench.planted`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from skillclaw.bench.datasets import read_rows
from skillclaw.bench.planted import measure
from skillclaw.bench.taubench import measure_taubench
from skillclaw.bench.workbench import measure_workbench

__all__ = ["run_mine_bench", "summary"]

SEEDS = 20

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


def summary(result: dict[str, Any]) -> str:
    """The figures for people: one table for each data set, with 95% intervals."""
    lines: list[str] = []
    if result["workbench"] is not None:
        lines += [*_workbench(result["workbench"]), ""]
    if result["taubench"] is not None:
        lines += [*_taubench(result["taubench"]), ""]
    planted = result["planted"]
    lines.append(
        f"Planted patterns: {_percent(planted['recall'])} found, precision {_percent(planted['precision'])}; "
        f"{planted['invented']} invented in {planted['seeds']} data sets without any."
    )
    return "\n".join(lines)


HEAD = ("", "followed: succeed", "not followed: succeed", "ratio", "odds ratio (Mantel-Haenszel)")


def _workbench(found: dict[str, Any]) -> list[str]:
    moved = found["transfer"]
    arguments = found["arguments"]
    return [
        f"WorkBench, held-out instances: {found['procedures']} procedures of at least {found['least_users']} "
        f"users, found for {found['tasks']} of {found['tasks_total']} tasks ({found['templates']} templates) "
        f"from the query alone.",
        *_table(
            [
                HEAD,
                _row("procedure, by its tool names", found),
                _row("the same, sessions without calls too", found["all_sessions"]),
                _row("plain rule: most frequent success", found["baseline"]),
                _row("plain rule: most frequent run", found["baseline_all"]),
                _row("of the followers, argument lessons kept", arguments),
                _row("held-out templates: procedures by words", moved["procedures"]),
                _row("held-out templates: tool lessons kept", moved["lessons"]),
            ]
        ),
        _against("the most frequent success", found["paired_baseline"]),
        _against("the most frequent success, where the two advise otherwise", found["differing_baseline"]),
        _against("the most frequent run", found["paired_baseline_all"]),
        f"{_percent(arguments['coverage'])} of the followers keep the argument lessons.",
    ]


def _taubench(found: dict[str, Any]) -> list[str]:
    return [
        f"tau-bench, held-out tasks: {found['procedures']} procedures, found for {found['tasks']} of "
        f"{found['tasks_total']} tasks; {len(found['lessons']['known'])} lessons about tools.",
        *_table(
            [
                HEAD,
                _row("procedure, by its tool names", found),
                _row("plain rule: most frequent success", found["baseline"]),
                _row("plain rule: most frequent run", found["baseline_all"]),
                _row("tool lessons kept", found["lessons"]),
            ]
        ),
    ]


def _row(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    return (
        name,
        f"{_percent(found['match_success'])} of {found['match_n']}",
        f"{_percent(found['other_success'])} of {found['other_n']}",
        _number(found["ratio"]),
        _number(found["or_mh"])
        + (f" [{found['or_ci'][0]:.2f}, {found['or_ci'][1]:.2f}]" if found["or_ci"] else ""),
    )


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return ["  " + "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]


def _against(name: str, found: dict[str, Any]) -> str:
    return (
        f"Followers against those of {name}, on the same {found['sessions']} sessions: "
        f"{_percent(found['ours'])} of {found['ours_n']}, {_percent(found['other'])} of {found['other_n']}; "
        f"difference {_percent(found['difference'])} [95%: {_interval(found['ci'])}], "
        f"{found['draws']} draws of tasks."
    )


def _percent(value: float | None) -> str:
    return "not measured" if value is None else f"{100 * value:.1f}%"


def _interval(value: list[float] | None) -> str:
    return "not measured" if value is None else f"{100 * value[0]:.1f}% to {100 * value[1]:.1f}%"


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f}"
