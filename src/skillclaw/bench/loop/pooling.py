"""Runs of several seeds as one result, and the bars that were set before the first of them.

Runs may be pooled that differ in their seed and in the arms beside the criterion's. Those in which something
is planted or drifts stand beside them and may be of other sizes.

Interval: templates and runs are drawn, both with replacement, and a pair counts as often as its template
times its run was drawn (Owen, The pigeonhole bootstrap, Annals of Applied Statistics 1 (2007) 386-411).
What a run learned is common to all of its pairs, and what a template asks for to those of all runs: so
neither counts as that many independent pieces of evidence. With few runs it is rather too wide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from skillclaw.bench.loop.effects import Pair, mcnemar, mean_of, paired
from skillclaw.bench.loop.plan import Plan
from skillclaw.bench.loop.resampling import DRAWS, SEED, interval
from skillclaw.bench.loop.results import ABLATIONS, Arm, Attempt, Night, read_results
from skillclaw.errors import BadInputError, StorageError
from skillclaw.trajectory.model import Record

__all__ = ["Bar", "Contrast", "OneRun", "Pooled", "pool", "read_run"]

FREE = ("seed", "arms", "unseen", "version")
"""In what the plans of pooled runs may differ."""

SIZES = ("templates", "stream", "held_out", "screen", "threshold", "ceiling_last")
CHANGES = ("plant", "plant_day", "drift", "drift_day", "watched")
"""In what those may differ too in which something is planted or drifts."""

FALL = -0.10
"""No category may fall by more."""


class OneRun(NamedTuple):
    """A run's plan and what it did."""

    plan: Plan
    attempts: list[Attempt]
    nights: list[Night]


class Contrast(Record, frozen=True, kw_only=True, omit_defaults=False):
    """The first of two arms minus the second on the last day, over all runs that have both.

    Shares are 0 to 1; `ci` is the 95% interval (see the module), None for fewer than two templates; `p` is
    exact McNemar's, which counts pairs as independent and decides nothing here.
    """

    arms: tuple[Arm, Arm]
    category: str | None
    runs: int
    templates: int
    pairs: int
    ours: float | None
    theirs: float | None
    difference: float | None
    ci: tuple[float, float] | None
    better: int
    worse: int
    p: float | None


class Bar(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One of the bars: whether it was met (None: nothing to tell it by) and what was seen."""

    bar: str
    met: bool | None
    said: str


class Pooled(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What several runs say together: the bars, and the contrasts that they rest on."""

    suite: str
    seeds: list[int]
    complete: bool
    bars: list[Bar]
    primary: Contrast
    categories: list[Contrast]
    ablations: list[Contrast]
    planted: list[dict[str, Any]]
    drifted: list[dict[str, Any]]


def read_run(folder: Path) -> OneRun:
    """The run in a folder, which is not changed. Raises BadInputError or StorageError."""
    try:
        made = msgspec.json.decode((folder / "plan.json").read_bytes(), type=Plan)
    except OSError as error:
        raise StorageError(f"{folder} holds no run.", str(error)) from error
    except msgspec.DecodeError as error:
        raise BadInputError(f"{folder / 'plan.json'} is no plan of a run.", str(error)) from error
    return OneRun(made, *read_results(folder / "results.jsonl"))


def pool(runs: Sequence[OneRun], rules: Mapping[str, Sequence[str]], *, draws: int = DRAWS) -> Pooled:
    """All runs as one result; `rules` has the rules that each template needs.

    Raises BadInputError for runs whose plans do not fit together, or that have one seed.
    """
    _fit(runs)
    plain = [run for run in runs if not (run.plan.plant or run.plan.drift)]
    primary = _contrast(plain, ("evolving", "frozen"), None, draws)
    names = sorted({a.category for run in plain for a in run.attempts if a.phase == "held_out"})
    categories = [_contrast(plain, ("evolving", "frozen"), name, draws) for name in names]
    ablations = [
        _contrast(plain, ("evolving", arm), None, draws)
        for arm in ABLATIONS
        if any(arm in run.plan.arms for run in plain)
    ]
    planted = [_planted(run) for run in runs if run.plan.plant]
    drifted = [_drifted(run, rules) for run in runs if run.plan.drift]
    complete = all(run.plan.days in {a.day for a in run.attempts if a.phase == "held_out"} for run in runs)
    return Pooled(
        suite=runs[0].plan.suite,
        seeds=[run.plan.seed for run in runs],
        complete=complete,
        bars=[
            _above(primary),
            _no_fall(categories),
            *_collective(ablations),
            *_all(planted, "The planted wrong skill is gone by the last day"),
            *_all(drifted, "The drifted rule is relearned by the last day"),
        ],
        primary=primary,
        categories=categories,
        ablations=ablations,
        planted=planted,
        drifted=drifted,
    )


def _fit(runs: Sequence[OneRun]) -> None:
    plain = [run.plan.seed for run in runs if not (run.plan.plant or run.plan.drift)]
    known = sorted(runs, key=lambda run: bool(run.plan.plant or run.plan.drift))
    first = msgspec.to_builtins(known[0].plan)
    for run in known[1:]:
        changed = bool(run.plan.plant or run.plan.drift)
        free = (*FREE, *SIZES, *CHANGES) if changed else FREE
        other = msgspec.to_builtins(run.plan)
        differ = sorted(key for key in first if key not in free and first[key] != other[key])
        if differ:
            raise BadInputError(
                "These runs cannot be pooled.", f"Their plans differ in: {', '.join(differ)}."
            )
    if len(set(plain)) < len(plain):
        raise BadInputError("These runs cannot be pooled.", "Two of them have the same seed: they are one.")


def _contrast(runs: Sequence[OneRun], arms: tuple[Arm, Arm], category: str | None, draws: int) -> Contrast:
    cells: dict[tuple[int, str], list[float]] = {}
    all_: list[Pair] = []
    for number, run in enumerate(runs):
        if not set(arms) <= set(run.plan.arms):
            continue
        held = [
            a for a in run.attempts if a.phase == "held_out" and (category is None or a.category == category)
        ]
        for pair in paired(held, [run.plan.days], arms=arms).pairs:
            all_.append(pair)
            gain = float(pair.ours.success) - float(pair.theirs.success)
            cells.setdefault((number, pair.ours.template), []).append(gain)
    better = sum(p.ours.success and not p.theirs.success for p in all_)
    worse = sum(p.theirs.success and not p.ours.success for p in all_)
    ours, theirs = mean_of([p.ours.success for p in all_]), mean_of([p.theirs.success for p in all_])
    return Contrast(
        arms=arms,
        category=category,
        runs=len({number for number, _ in cells}),
        templates=len({template for _, template in cells}),
        pairs=len(all_),
        ours=ours,
        theirs=theirs,
        difference=None if ours is None or theirs is None else ours - theirs,
        ci=_spread(cells, draws),
        better=better,
        worse=worse,
        p=mcnemar(better, worse) if all_ else None,
    )


def _spread(cells: Mapping[tuple[int, str], Sequence[float]], draws: int) -> tuple[float, float] | None:
    """The interval of the mean over cells of (run, template)."""
    rows = sorted({number for number, _ in cells})
    columns = sorted({template for _, template in cells})
    if len(columns) < 2:
        return None
    total, count = np.zeros((len(rows), len(columns))), np.zeros((len(rows), len(columns)))
    for (number, template), gains in cells.items():
        at = rows.index(number), columns.index(template)
        total[at], count[at] = sum(gains), len(gains)
    random = np.random.default_rng(SEED)
    runs = random.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), draws)
    templates = random.multinomial(len(columns), np.full(len(columns), 1 / len(columns)), draws)
    sums = np.einsum("dr,rt,dt->d", runs, total, templates)
    sizes = np.einsum("dr,rt,dt->d", runs, count, templates)
    return interval(sums[sizes > 0] / sizes[sizes > 0])


def _planted(run: OneRun) -> dict[str, Any]:
    """Whether the planted skill was there after each night, and what the arm did from its day on."""
    nights = sorted((n for n in run.nights if n.arm == "evolving"), key=lambda n: n.day)
    offered = {
        a.day: run.plan.plant in a.skills
        for a in run.attempts
        if (a.arm, a.phase) == ("evolving", "held_out")
    }
    days = [day for day in sorted(offered) if day >= run.plan.plant_day]
    return {
        "seed": run.plan.seed,
        "what": run.plan.plant,
        "offered": {str(day): offered[day] for day in days},
        "stuck": [n.error for n in nights if n.error],
        "success": _days(run, None),
        "met": not offered[run.plan.days] if run.plan.days in offered else None,
    }


def _drifted(run: OneRun, rules: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Whether a skill tells the rule as it is and none as it was, and success on the tasks that need it."""
    concerned = {name for name, needs in rules.items() if run.plan.drift in needs}
    nights = {n.day: list(n.holds) for n in run.nights if n.arm == "evolving"}
    last = nights.get(run.plan.days - 1)
    # What tells the rule as it was and as it is stands last (`Plan.watched`).
    old, new = run.plan.watched[-2:]
    return {
        "seed": run.plan.seed,
        "what": run.plan.drift,
        "holds": {str(day): nights[day] for day in sorted(nights)},
        "success": _days(run, concerned),
        "met": None if last is None else new in last and old not in last,
    }


def _days(run: OneRun, templates: set[str] | None) -> dict[str, dict[str, float | None]]:
    """Success by day and arm, on the held-out tasks of some templates."""
    chosen = [
        a
        for a in run.attempts
        if a.phase == "held_out" and not a.error and (templates is None or a.template in templates)
    ]
    return {
        str(day): {
            arm: mean_of([a.success for a in chosen if (a.arm, a.day) == (arm, day)])
            for arm in run.plan.measured(day)
        }
        for day in sorted({a.day for a in chosen})
    }


def _above(primary: Contrast) -> Bar:
    bar = "Held-out success above the frozen control, the 95% interval above 0"
    if primary.difference is None or primary.ci is None:
        return Bar(bar=bar, met=None, said="Nothing was measured on the last day.")
    return Bar(bar=bar, met=primary.ci[0] > 0, said=_said(primary))


def _no_fall(categories: Sequence[Contrast]) -> Bar:
    bar = "No category falls by more than 10 points"
    known = [c for c in categories if c.difference is not None]
    if not known:
        return Bar(bar=bar, met=None, said="Nothing was measured on the last day.")
    worst = min(known, key=lambda c: (c.difference or 0.0, c.category or ""))
    return Bar(
        bar=bar, met=(worst.difference or 0.0) >= FALL, said=f"Worst: {worst.category}, {_said(worst)}"
    )


def _collective(ablations: Sequence[Contrast]) -> list[Bar]:
    bar = "Many users beat one, at equal numbers of sessions: the 95% interval above 0"
    return [
        Bar(bar=bar, met=one.ci[0] > 0 if one.ci is not None else None, said=_said(one))
        for one in ablations
        if one.arms[1] == "single"
    ]


def _all(found: Sequence[Mapping[str, Any]], bar: str) -> list[Bar]:
    if not found:
        return []
    known = [one["met"] for one in found]
    met = None if None in known else all(known)
    return [Bar(bar=bar, met=met, said=f"In {sum(map(bool, known))} of {len(known)} runs.")]


def _said(one: Contrast) -> str:
    if one.difference is None:
        return "nothing measured."
    between = f" [{100 * one.ci[0]:+.1f}, {100 * one.ci[1]:+.1f}]" if one.ci is not None else ""
    return (
        f"{one.arms[0]} minus {one.arms[1]} {100 * one.difference:+.1f} points{between}, {one.pairs} pairs of"
        f" {one.templates} templates in {one.runs} runs: {one.better} better, {one.worse} worse."
    )
