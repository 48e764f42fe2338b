"""A run's results as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from skillclaw.bench.loop.pooling import Contrast, Pooled
from skillclaw.bench.loop.report import result_json

__all__ = ["VARIANTS", "pooled", "result_json", "summary"]

VARIANTS = {"instance": "templates met", "template": "templates never met"}
"""Held-out tasks by what learning saw of them: other instances of their template, or none."""


def summary(result: Mapping[str, Any]) -> str:
    """For people: the verdict, the days, the categories, the nights, and what went wrong."""
    parts = [_headline(result)]
    if result["days"]:
        parts.append(_day_table(result["days"]))
    if len(result["categories"]) > 1 or len(result["variants"]) > 1:
        parts.append(_effect_table(result))
    if result["ablations"]:
        parts.append(_ablations(result["ablations"]))
    if result["nights"]:
        parts.append(_night_table(result))
    parts.append(_footnotes(result))
    return "\n\n".join(parts)


def _headline(result: Mapping[str, Any]) -> str:
    primary, gap, trend_ = result["primary"], result["gap"], result["trend"]
    screen = result["yardstick"]["all"]
    word = result["verdict"] or (
        "no verdict yet: the last day is not done" if result["days"] else "screening only"
    )
    lines = [f"{result['suite'] or 'suites'}, seed {result['seed']}: {word}"]
    if primary["difference"] is not None:
        lines.append(
            f"Evolving minus frozen on day {primary['days'][-1]}: "
            f"{_points(primary['difference'], primary['ci'])}, exact McNemar p = {primary['p']:.2g}. "
            f"{primary['pairs']} pairs of {primary['templates']} templates: "
            f"{primary['better']} better, {primary['worse']} worse."
        )
    if screen["difference"] is not None:
        lines.append(
            f"Screening, hand-written skills minus none: {_points(screen['difference'], screen['ci'])} "
            f"({screen['ours']:.1%} against {screen['theirs']:.1%}), exact McNemar p = {screen['p']:.2g}, "
            f"{screen['pairs']} pairs of {screen['templates']} templates."
        )
    if gap["closed"] is not None:
        spread = f" [{gap['ci'][0]:.0%}, {gap['ci'][1]:.0%}]" if gap["ci"] else ""
        lines.append(f"Of what the ceiling's skills gain, {gap['closed']:.0%}{spread} is reached.")
    if trend_["change"] is not None:
        lines.append(
            f"From day {trend_['first']} to day {trend_['last']} the difference changed by "
            f"{_points(trend_['change'], trend_['ci'])}."
        )
    reef = result["control"][0]
    if reef["passes"] is not None:
        lines.append(
            f"Reef's criterion (it only describes): last day {reef['final']:.1%}, control "
            f"{reef['mean']:.1%} + 2 x {reef['sd']:.1%} = {reef['threshold']:.1%}: "
            f"{'passed' if reef['passes'] else 'not passed'}."
        )
    return "\n".join(lines)


def _points(value: float, ci: Sequence[float] | None) -> str:
    spread = f" [{100 * ci[0]:+.1f}, {100 * ci[1]:+.1f}]" if ci else ""
    return f"{100 * value:+.1f} points{spread}"


def _day_table(days: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        f"{'day':>4}  {'arm':<9}{'success':>8}{'95%':>12}{'n':>6}{'errors':>8}"
        f"{'steps':>7}{'tokens':>9}{'s':>8}"
    ]
    for row in days:
        if row["category"] is not None or row["variant"] is not None:
            continue
        ci = f"[{100 * row['ci'][0]:.0f}, {100 * row['ci'][1]:.0f}]" if row["ci"] else "-"
        lines.append(
            f"{row['day']:>4}  {row['arm']:<9}{_cell(row['success'], '.1%'):>8}{ci:>12}{row['n']:>6}"
            f"{row['errors']:>8}{_cell(row['steps'], '.1f'):>7}{_cell(row['tokens'], ',.0f'):>9}"
            f"{_cell(row['seconds'], '.1f'):>8}"
        )
    return "\n".join(lines)


def _effect_table(result: Mapping[str, Any]) -> str:
    lines = [
        f"{'last day, by':<20}{'pairs':>6}{'evolving':>10}{'frozen':>8}  {'points':<24}{'p':>9}{'p, Holm':>9}"
    ]
    for row in (*result["categories"], *result["variants"]):
        name = VARIANTS[row["variant"]] if row["category"] is None else row["category"]
        points = _points(row["difference"], row["ci"]).replace(" points", "") if row["pairs"] else "-"
        lines.append(
            f"{name:<20}{row['pairs']:>6}{_cell(row['ours'], '.1%'):>10}"
            f"{_cell(row['theirs'], '.1%'):>8}  {points:<24}"
            f"{_cell(row['p'], '.2g'):>9}{_cell(row['p_holm'], '.2g'):>9}"
        )
    return "\n".join(lines)


def _ablations(effects: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        f"{'last day, against':<20}{'pairs':>6}{'evolving':>10}{'other':>8}  "
        f"{'points':<24}{'p':>9}{'p, Holm':>9}"
    ]
    for row in effects:
        points = _points(row["difference"], row["ci"]).replace(" points", "") if row["pairs"] else "-"
        lines.append(
            f"{row['arms'][1]:<20}{row['pairs']:>6}{_cell(row['ours'], '.1%'):>10}"
            f"{_cell(row['theirs'], '.1%'):>8}  {points:<24}"
            f"{_cell(row['p'], '.2g'):>9}{_cell(row['p_holm'], '.2g'):>9}"
        )
    return "\n".join(lines)


def pooled(found: Pooled) -> str:
    """For people: the bars of several runs, and what they rest on."""
    seeds = ", ".join(map(str, found.seeds))
    state = "" if found.complete else "; not all of them are done: nothing is decided"
    lines = [f"{found.suite}, seeds {seeds}{state}", ""]
    for bar in found.bars:
        word = {True: "met", False: "missed", None: "open"}[bar.met]
        lines.append(f"{word:<8}{bar.bar}.\n        {bar.said}")
    lines += ["", f"{'last day':<34}{'runs':>5}{'pairs':>6}{'ours':>8}{'theirs':>8}  points"]
    for one in (found.primary, *found.categories, *found.ablations):
        lines.append(_contrast(one))
    for changed in (*found.planted, *found.drifted):
        said = {True: "met", False: "missed", None: "open"}[changed["met"]]
        lines += ["", f"seed {changed['seed']}, {changed['what']}: {said}"]
        lines += [
            f"  day {day}: " + ", ".join(f"{arm} {_cell(share, '.0%')}" for arm, share in arms.items())
            for day, arms in changed["success"].items()
        ]
    return "\n".join(lines)


def _contrast(one: Contrast) -> str:
    name = one.category or f"{one.arms[0]} - {one.arms[1]}"
    points = _points(one.difference, one.ci).replace(" points", "") if one.difference is not None else "-"
    shares = f"{_cell(one.ours, '.1%'):>8}{_cell(one.theirs, '.1%'):>8}"
    return f"{name:<34}{one.runs:>5}{one.pairs:>6}{shares}  {points}"


def _night_table(result: Mapping[str, Any]) -> str:
    lines = [
        f"{'night':>5}{'sessions':>10}{'patterns':>10}{'proposals':>11}"
        f"{'tokens':>9}{'calls':>7}{'usd':>8}{'s':>8}  released"
    ]
    for night in result["nights"]:
        what = f"failed: {night['error']}" if night["error"] else ", ".join(night["released"]) or "nothing"
        what = what if night["arm"] == "evolving" else f"{night['arm']}: {what}"
        lines.append(
            f"{night['day']:>5}{night['sessions']:>10}{night['patterns']:>10}{len(night['proposals']):>11}"
            f"{night['tokens']:>9,}{night['calls']:>7}{_cell(night['usd'], '.2f'):>8}"
            f"{night['seconds']:>8.1f}  {what}"
        )
    return "\n".join(lines)


def _footnotes(result: Mapping[str, Any]) -> str:
    lines = []
    if result["screen"]:
        enter = sum(row["enters"] for row in result["screen"])
        lines.append(f"Screening: {enter} of {len(result['screen'])} templates enter.")
    errors = result["errors"]
    lines.append(f"Errors: {errors['errors']} of {errors['attempts']} attempts; they are in no figure above.")
    if late := sum(row["late"] for row in errors["rows"]):
        lines.append(f"Out of time: {late}; what they had done counts.")
    lines += [f"Not valid: {r['reason']}" for r in result["reasons"] if result["days"] and _invalid(r)]
    return "\n".join(lines)


def _invalid(reason: Mapping[str, Any]) -> bool:
    return bool(reason["verdict"] == "reject") and reason["check"] not in ("interval", "mcnemar")


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
