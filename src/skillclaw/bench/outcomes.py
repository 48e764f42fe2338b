"""What the signs of an outcome are worth, on recorded runs with known outcomes.

The label of a run is never an input: sessions are stripped of outcome, reward and signals before they are
judged. Weights are fitted on the learning tasks (WorkBench: instances 1-7 of each template, tau-bench: tasks
0-6 of each ten), figures are given for those and for the tasks held out (8-10, 7-9). To fit the weights anew:

    python -m skillclaw.bench.outcomes WORKBENCH TAUBENCH
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from skillclaw.bench.datasets import DATASETS, Row, read_rows
from skillclaw.evolve.intervals import Z95, wilson
from skillclaw.trajectory.model import SessionMeta, Trajectory, meta, with_meta
from skillclaw.trajectory.outcomes import RULES, Outcome, outcome, probability

__all__ = ["Judged", "fit", "judge", "measure_outcomes", "summary"]

LEARNT = 7
"""Of ten tasks of a template (WorkBench) or in a row (tau-bench), those that weights are fitted on."""

RIDGE = 1.0
"""Precision of the normal prior around 0 of every weight: few sightings give small weights."""

BINS = 10

Progress = Callable[[int, int | None, str], None]


def _quiet(done: int, total: int | None, what: str) -> None:
    del done, total, what


class Judged(msgspec.Struct, frozen=True):
    """One session as judged from its steps, and beside it how it really went.

    p: probability of success by the signs; None without a sign. rules: the rules that applied.
    """

    task: str
    learning: bool
    success: bool
    verdict: Outcome
    p: float | None
    rules: frozenset[str]


def blind(trajectory: Trajectory) -> Trajectory:
    """The session without all that says how it went."""
    known = meta(trajectory)
    kept = SessionMeta(key=known.key, user=known.user, project=known.project, task=known.task)
    return with_meta(trajectory, kept)


def judge(dataset: str, rows: Sequence[Row], progress: Progress = _quiet) -> list[Judged]:
    """Every run of a data set as judged without its label; see `Judged`."""
    learning = _learning(dataset, rows)
    found: list[Judged] = []
    for number, (row, learns) in enumerate(zip(rows, learning, strict=True)):
        if number % 500 == 0:
            progress(number, len(rows), f"outcomes of {dataset}")
        session = blind(DATASETS[dataset](row))
        verdict, _, signals = outcome(session)
        found.append(
            Judged(
                task=meta(session).task or "",
                learning=learns,
                success=bool(row["success"]),
                verdict=verdict,
                p=probability(session),
                rules=frozenset(s.source for s in signals),
            )
        )
    return found


def _learning(dataset: str, rows: Sequence[Row]) -> list[bool]:
    if dataset != "workbench":
        return [row["task_id"] % 10 < LEARNT for row in rows]
    tasks: dict[str, set[str]] = {}
    for row in rows:
        tasks.setdefault(row["template_id"], set()).add(row["task_id"])
    first = {task for ids in tasks.values() for task in sorted(ids)[:LEARNT]}
    return [row["task_id"] in first for row in rows]


def fit(judged: Mapping[str, Sequence[Judged]]) -> tuple[float, dict[str, float]]:
    """The base (log odds) and the weight of every rule marked as fitted, from the learning sessions.

    Logistic regression with a normal prior of precision `RIDGE` on the weights. Every data set weighs as many
    sessions as the smallest holds. Weights set by judgement enter as they are; a weight whose direction would
    contradict its rule is 0.
    """
    learnt = {name: [j for j in some if j.learning and j.rules] for name, some in judged.items()}
    smallest = min(len(some) for some in learnt.values())
    rules = sorted(name for name, rule in RULES.items() if rule.fitted)
    rows = [(j, smallest / len(some)) for _, some in sorted(learnt.items()) for j in some]
    x = np.array([[1.0, *(rule in j.rules for rule in rules)] for j, _ in rows], dtype=float)
    offset = np.array([sum(RULES[r].weight for r in j.rules if not RULES[r].fitted) for j, _ in rows])
    y = np.array([j.success for j, _ in rows], dtype=float)
    w = np.array([weight for _, weight in rows])
    prior = np.array([0.0, *(RIDGE for _ in rules)])

    def loss(b: Any) -> tuple[float, Any]:
        z = x @ b + offset
        value = float(np.sum(w * (np.logaddexp(0, z) - y * z)) + 0.5 * np.sum(prior * b * b))
        return value, x.T @ (w * (expit(z) - y)) + prior * b

    bounds = [(None, None), *((0, None) if RULES[r].good else (None, 0) for r in rules)]
    best = minimize(
        loss, np.zeros(len(prior)), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 5000}
    ).x
    weights = {rule: round(float(v), 2) + 0.0 for rule, v in zip(rules, best[1:], strict=True)}
    return round(float(best[0]), 2), weights


def measure_outcomes(
    rows_by_dataset: Mapping[str, Sequence[Row]], progress: Progress = _quiet
) -> dict[str, Any]:
    """Per data set and split ("learning", "held_out") the figures of every sign and of the combination."""
    result: dict[str, Any] = {}
    for dataset, rows in sorted(rows_by_dataset.items()):
        judged = judge(dataset, rows, progress)
        result[dataset] = {
            "learning": figures([j for j in judged if j.learning]),
            "held_out": figures([j for j in judged if not j.learning]),
        }
    return result


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """The figures of one set of sessions; what cannot be computed is None."""
    decided = [j for j in judged if j.verdict != "unknown"]
    right = [(j.verdict == "success") == j.success for j in decided]
    wins = sum(j.success for j in decided)
    majority = 2 * wins > len(decided)
    gains = [(j.task, ok - (j.success == majority)) for j, ok in zip(decided, right, strict=True)]
    return {
        "sessions": len(judged),
        "successes": sum(j.success for j in judged),
        "signals": _signals(judged),
        "success": _verdicts(judged, "success", True),
        "failure": _verdicts(judged, "failure", False),
        "coverage": _share(len(decided), len(judged)),
        "accuracy": _share(sum(right), len(decided)),
        "majority": _share(max(wins, len(decided) - wins), len(decided)),
        "gain": _gain(gains),
        **_calibration(judged),
    }


def _signals(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Each rule, and each kind with the sign of its value, with precision and recall of what it points at."""
    groups: dict[tuple[str, int, str], set[str]] = {}
    for name, rule in RULES.items():
        sign = (rule.weight > 0) - (rule.weight < 0)
        groups[(rule.kind, sign, name)] = {name}
        groups.setdefault((rule.kind, sign, ""), set()).add(name)
    found: list[dict[str, Any]] = []
    for (kind, sign, name), rules in sorted(groups.items()):
        seen = [j for j in judged if j.rules & rules]
        # A rule without weight points nowhere; its share of successes is still told.
        hits = sum(j.success == (sign >= 0) for j in seen)
        total = sum(j.success == (sign >= 0) for j in judged)
        found.append(
            {
                "kind": kind,
                "sign": sign,
                "rule": name or None,
                "weight": RULES[name].weight if name else None,
                "fitted": RULES[name].fitted if name else None,
                "n": len(seen),
                "precision": _share(hits, len(seen)),
                "precision_ci": _wilson(hits, len(seen)),
                "recall": _share(hits, total),
                "recall_ci": _wilson(hits, total),
            }
        )
    return found


def _verdicts(judged: Sequence[Judged], verdict: Outcome, label: bool) -> dict[str, Any]:
    named = [j for j in judged if j.verdict == verdict]
    hits = sum(j.success == label for j in named)
    total = sum(j.success == label for j in judged)
    return {
        "n": len(named),
        "precision": _share(hits, len(named)),
        "precision_ci": _wilson(hits, len(named)),
        "recall": _share(hits, total),
        "recall_ci": _wilson(hits, total),
    }


def _gain(gains: Sequence[tuple[str, int]]) -> dict[str, Any] | None:
    """Accuracy above always naming the more frequent outcome, with a 95% interval robust to tasks."""
    tasks: dict[str, float] = {}
    if not gains:
        return None
    mean = sum(g for _, g in gains) / len(gains)
    for task, g in gains:
        tasks[task] = tasks.get(task, 0.0) + (g - mean) / len(gains)
    count = len(tasks)
    if count < 2:
        return {"value": round(mean, 6), "ci": None}
    spread = Z95 * math.sqrt(count / (count - 1) * sum(v * v for v in tasks.values()))
    return {"value": round(mean, 6), "ci": [round(mean - spread, 6), round(mean + spread, 6)]}


def _calibration(judged: Sequence[Judged]) -> dict[str, Any]:
    """Brier score (beside that of always naming the base rate) and expected against seen success, by bins."""
    known = [(j.p, j.success) for j in judged if j.p is not None]
    if not known:
        return {"brier": None, "brier_base": None, "calibration": []}
    rate = sum(y for _, y in known) / len(known)
    bins: dict[int, list[tuple[float, bool]]] = {}
    for p, y in known:
        bins.setdefault(min(BINS - 1, int(p * BINS)), []).append((p, y))
    return {
        "brier": round(sum((p - y) ** 2 for p, y in known) / len(known), 6),
        "brier_base": round(rate * (1 - rate), 6),
        "calibration": [
            {
                "from": number / BINS,
                "to": (number + 1) / BINS,
                "n": len(some),
                "expected": round(sum(p for p, _ in some) / len(some), 6),
                "seen": round(sum(y for _, y in some) / len(some), 6),
                "seen_ci": _wilson(sum(y for _, y in some), len(some)),
            }
            for number, some in sorted(bins.items())
        ],
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _wilson(part: int, whole: int) -> list[float] | None:
    return [round(v, 6) for v in wilson(part, whole)] if whole else None


def summary(result: dict[str, Any]) -> str:
    """The figures of the held-out tasks for people, as tables."""
    lines: list[str] = []
    for dataset, splits in sorted(result.items()):
        held = splits["held_out"]
        lines += [
            f"Outcomes, {dataset}, held-out tasks: {held['sessions']} sessions, {held['successes']} succeed.",
            f"  {'signal':<38}{'points at':<11}{'n':>5}  {'precision':<22}recall",
        ]
        for one in held["signals"]:
            if one["rule"] is not None and one["n"]:
                at = {1: "success", -1: "failure", 0: "nothing"}[one["sign"]]
                lines.append(f"  {one['rule']:<38}{at:<11}{one['n']:>5}  {_figures(one)}")
        for name in ("success", "failure"):
            lines.append(f"  {'verdict: ' + name:<49}{held[name]['n']:>5}  {_figures(held[name])}")
        gain = held["gain"] or {"value": None, "ci": None}
        lines += [
            f"  verdict given for {_percent(held['coverage'])}; right {_percent(held['accuracy'])}, the more "
            f"frequent outcome {_percent(held['majority'])}; "
            f"gain {_percent(gain['value'])}{_between(gain['ci'])}",
            f"  Brier score {_number(held['brier'])}, of the base rate {_number(held['brier_base'])}; "
            "expected and seen success:",
            *(
                f"    {100 * b['from']:3.0f}-{100 * b['to']:.0f}%{b['n']:>6}  {_percent(b['expected']):>6}  "
                f"{_percent(b['seen']):>6}{_between(b['seen_ci'])}"
                for b in held["calibration"]
            ),
        ]
    return "\n".join(lines)


def _figures(one: dict[str, Any]) -> str:
    precision = _percent(one["precision"]) + _between(one["precision_ci"])
    return f"{precision:<22}{_percent(one['recall'])}{_between(one['recall_ci'])}"


def _percent(value: float | None) -> str:
    return "not measured" if value is None else f"{100 * value:.1f}%"


def _between(value: list[float] | None) -> str:
    return "" if value is None else f" [{100 * value[0]:.0f}-{100 * value[1]:.0f}]"


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def _main(workbench: str, taubench: str) -> None:
    rows = {"workbench": list(read_rows(Path(workbench))), "tau-bench": list(read_rows(Path(taubench)))}
    base, weights = fit({name: judge(name, some) for name, some in rows.items()})
    out = [f"BASE = {base}", *(f"{weight:+.2f}  {rule}" for rule, weight in weights.items())]
    sys.stdout.write("\n".join([*out, "", summary(measure_outcomes(rows)), ""]))


if __name__ == "__main__":
    _main(*sys.argv[1:3])
