"""How good is what mining finds? On public recorded runs that the learning never saw, and on planted
patterns.

`workbench` and `taubench` say how they split and score; `outcomes` how the signs of an outcome do; `clusters`
compares ways to cluster requests; `incremental` a state that grew with one made at once. Planted: synthetic
sessions whose patterns are known, see `bench.planted`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from skillclaw.bench.clusters import clusters_summary, measure_clusters
from skillclaw.bench.datasets import DATASETS, read_rows
from skillclaw.bench.incremental import measure_incremental
from skillclaw.bench.outcomes import measure_outcomes
from skillclaw.bench.outcomes import summary as outcomes_summary
from skillclaw.bench.planted import measure
from skillclaw.bench.taubench import measure_taubench
from skillclaw.bench.workbench import NOW, learning, measure_workbench
from skillclaw.evolve.embeddings import Embedder

__all__ = ["run_mine_bench", "summary"]

SEEDS = 20

Progress = Callable[[int, int | None, str], None]


def _quiet(done: int, total: int | None, what: str) -> None:
    del done, total, what


def run_mine_bench(
    *,
    workbench: Path | None,
    taubench: Path | None,
    planted: int = SEEDS,
    clusters: bool = False,
    portions: int = 0,
    embedder: Embedder | None = None,
    progress: Progress = _quiet,
) -> dict[str, Any]:
    """Measure; parts whose data are not given, or that are not asked for, are null.

    planted   seeds of planted patterns
    clusters  also compare ways to cluster WorkBench's requests (with `embedder`, if there is one)
    portions  also compare a state that grew in so many portions with one made at once
    """
    rows = {
        name: list(read_rows(path))
        for name, path in (("workbench", workbench), ("tau-bench", taubench))
        if path is not None
    }
    result: dict[str, Any] = {"workbench": None, "taubench": None, "clusters": None, "incremental": None}
    outcomes = measure_outcomes(rows, progress)
    if "workbench" in rows:
        found = measure_workbench(rows["workbench"], progress=progress)
        result["workbench"] = found | {"outcomes": outcomes["workbench"]}
        if clusters:
            result["clusters"] = measure_clusters(rows["workbench"], embedder=embedder, progress=progress)
    if "tau-bench" in rows:
        found = measure_taubench(rows["tau-bench"], progress=progress)
        result["taubench"] = found | {"outcomes": outcomes["tau-bench"]}
    if portions:
        sessions = (learning(DATASETS[name](row)) for name, own in rows.items() for row in own)
        result["incremental"] = measure_incremental(sessions, portions=portions, now=NOW, progress=progress)
    result["planted"] = measure(planted, progress)
    return result


def summary(result: dict[str, Any]) -> str:
    """The figures for people: one table for each data set, with 95% intervals."""
    lines: list[str] = []
    if result["workbench"] is not None:
        lines += [*_workbench(result["workbench"]), ""]
    if result["taubench"] is not None:
        lines += [*_taubench(result["taubench"]), ""]
    outcomes = {
        name: result[key]["outcomes"]
        for key, name in (("workbench", "workbench"), ("taubench", "tau-bench"))
        if result[key] is not None and "outcomes" in result[key]
    }
    if outcomes:
        lines += [outcomes_summary(outcomes), ""]
    if result.get("clusters") is not None:
        lines += [clusters_summary(result["clusters"]), ""]
    if result.get("incremental") is not None:
        lines += [_incremental(result["incremental"]), ""]
    return "\n".join([*lines, *_planted(result["planted"])])


def _incremental(found: dict[str, Any]) -> str:
    return (
        f"Grown in {found['portions']} portions against made at once, {found['sessions']} sessions: "
        f"{_percent(found['agreement'])} of {found['memberships']} memberships agree, "
        f"{found['patterns_in_both']} of {found['patterns']} patterns; {_percent(found['remade'])} of the "
        "units were mined again in a portion."
    )


def _planted(found: dict[str, Any]) -> list[str]:
    if not found["seeds"]:
        return []
    return [
        f"Planted patterns, {found['seeds']} seeds: {_percent(found['recall'])} of {found['due']} that the"
        f" data support are found, precision {_percent(found['precision'])}; invented: {found['invented']}, "
        f"of these in data sets without any pattern: {found['invented_noise']}.",
        "  planted in  "
        + "  ".join(f"{row['frequency']:.0%}: {_percent(row['recall'])}" for row in found["by_frequency"]),
    ]


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
