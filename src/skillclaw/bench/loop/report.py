"""A run's results as JSON."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from skillclaw.bench.loop.criterion import CRITERION, validity, verdict
from skillclaw.bench.loop.effects import ARMS, Effect, effect, gap_closed, held_out, holm, mean_of, trend
from skillclaw.bench.loop.measure import THRESHOLD, control, day_rows, screened
from skillclaw.bench.loop.resampling import DRAWS
from skillclaw.bench.loop.results import ABLATIONS, Arm, Attempt, Night

__all__ = ["result_json"]

TOLD = 20
"""Errors that are listed one by one."""


def result_json(
    attempts: Iterable[Attempt],
    nights: Iterable[Night] = (),
    *,
    seed: int,
    last_day: int | None = None,
    held_out_tasks: int | None = None,
    threshold: float = THRESHOLD,
    forecast: Mapping[str, Any] | None = None,
    how: Mapping[str, Any] | None = None,
    draws: int = DRAWS,
) -> dict[str, Any]:
    """Everything a run says. The same records give the same result, whatever their order.

    seed            the run's; in every row of `days`
    last_day        the day that the run is planned to end with, and `held_out_tasks` that each arm does on
                    it: before both are reached `verdict` is null. None: what is there is taken for the whole.
    threshold       of the screening
    forecast, how   what the run forecast of its time, and how it was made (suite, agent, model, temperature,
                    users, days, ...): carried through as they are

    Keys: `days` (a row for each day and arm; over all, by category, by variant and by both; null = all),
    `effect`, `ci`, `p` (the primary endpoint), `primary` (its details), `verdict`, `valid`, `reasons`,
    `criterion`, `categories` and `variants` (secondary; p_holm within each), `ablations` (evolving against
    the other arms that learn), `gap`, `control` (Reef's
    criterion; over all, then by category), `trend`, `yardstick` (the ceiling against none in the screening,
    over all and by category), `stream`, `nights`, `spent` (of all nights of the evolving arm), `errors`,
    `screen`, `templates` (the last day's), `suite`, `seed`, `draws`, `complete`, `forecast`, `how`.
    """
    given = sorted(attempts, key=lambda a: a.key)
    measured = held_out(given)
    rows = day_rows(measured)
    days = sorted(
        {a.day for a in measured if a.arm == "evolving"} & {a.day for a in measured if a.arm == "frozen"}
    )
    last = days[-1:]
    names = sorted({a.category for a in measured})
    variants = sorted({a.variant for a in measured})
    primary = effect(measured, last, draws=draws)
    complete = _complete(measured, last, last_day, held_out_tasks)
    judged = verdict(primary, validity(given, primary, threshold=threshold), complete=complete)
    slept = [
        _night(night) for night in sorted(nights, key=lambda n: (n.day, (*ARMS, *ABLATIONS).index(n.arm)))
    ]
    found = {
        "suite": _only({a.suite for a in given}),
        "seed": seed,
        "complete": complete,
        "days": [msgspec.structs.asdict(row) | {"seed": seed} for row in rows],
        "effect": primary.difference,
        "ci": primary.ci,
        "p": primary.p,
        "verdict": judged.word,
        "valid": judged.valid,
        "reasons": [msgspec.structs.asdict(reason) for reason in judged.reasons],
        "criterion": CRITERION,
        "primary": primary,
        "categories": _corrected([effect(measured, last, category=c, draws=draws) for c in names]),
        "variants": _corrected([effect(measured, last, variant=v, draws=draws) for v in variants]),
        "ablations": _corrected(
            [
                effect(measured, last, arms=("evolving", arm), draws=draws)
                for arm in ABLATIONS
                if any(a.arm == arm for a in measured)
            ]
        ),
        "gap": gap_closed(measured, last, draws=draws),
        "control": [control(rows, category=c) for c in (None, *names)],
        "trend": trend(measured, draws=draws),
        "yardstick": _yardstick(given, draws),
        "stream": _stream(given),
        "nights": slept,
        "spent": _spent([night for night in slept if night["arm"] == "evolving"]),
        "errors": _errors(given),
        "screen": screened(given, threshold),
        "templates": _templates(measured, last),
        "draws": draws,
        "forecast": forecast,
        "how": how or {},
    }
    plain: dict[str, Any] = _rounded(msgspec.to_builtins(found))
    return plain


def _complete(
    measured: Sequence[Attempt], last: Sequence[int], last_day: int | None, tasks: int | None
) -> bool:
    if last_day is not None and list(last) != [last_day]:
        return False
    done = Counter(a.arm for a in measured if a.day in last)
    return bool(last) and all(done[arm] >= (tasks or 1) for arm in ARMS[:2])


def _only(values: set[str]) -> str | None:
    return next(iter(values)) if len(values) == 1 else None


def _corrected(effects: Sequence[Effect]) -> list[Effect]:
    ps = holm([e.p for e in effects])
    return [msgspec.structs.replace(e, p_holm=p) for e, p in zip(effects, ps, strict=True)]


def _yardstick(attempts: Sequence[Attempt], draws: int) -> dict[str, Any]:
    """Whether the suite can tell good skills from none: the ceiling minus the frozen arm in the screening."""
    screen = [a for a in attempts if a.phase == "screen"]
    days = sorted({a.day for a in screen})
    names = sorted({a.category for a in screen})

    def measured(category: str | None) -> Effect:
        arms: tuple[Arm, Arm] = ("ceiling", "frozen")
        return effect(screen, days, category=category, phase="screen", arms=arms, draws=draws)

    return {"all": measured(None), "categories": _corrected([measured(name) for name in names])}


def _stream(attempts: Sequence[Attempt]) -> list[dict[str, Any]]:
    """The work that is learned from, by day and arm."""
    groups: dict[tuple[int, str], list[Attempt]] = defaultdict(list)
    for a in attempts:
        if a.phase == "stream":
            groups[a.day, a.arm].append(a)
    found = []
    for (day, arm), group in sorted(groups.items()):
        good = [a for a in group if not a.error]
        found.append(
            {
                "day": day,
                "arm": arm,
                "n": len(good),
                "errors": len(group) - len(good),
                "users": len({a.user for a in group}),
                "success": mean_of([a.success for a in good]),
                "steps": mean_of([a.steps for a in good]),
                "tokens": mean_of([a.tokens_in + a.tokens_out for a in good]),
                "turns": mean_of([a.turns for a in good]),
                "seconds": mean_of([a.seconds for a in good]),
            }
        )
    return found


def _night(night: Night) -> dict[str, Any]:
    return msgspec.structs.asdict(night) | {"proposals": [msgspec.structs.asdict(p) for p in night.proposals]}


def _spent(nights: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all nights took; `usd` null where one night's is not known."""
    prices = [night["usd"] for night in nights]
    return {
        **{key: sum(night[key] for night in nights) for key in ("tokens", "calls", "seconds")},
        "usd": sum(prices) if prices and None not in prices else None,
    }


def _errors(attempts: Sequence[Attempt]) -> dict[str, Any]:
    """How many attempts of each phase and arm say nothing, and why the first of them do; and how many ran out
    of time, which says something."""
    bad = [a for a in attempts if a.error]
    counts = Counter((a.phase, a.arm) for a in attempts)
    return {
        "attempts": len(attempts),
        "errors": len(bad),
        "rows": [
            {
                "phase": phase,
                "arm": arm,
                "attempts": n,
                "errors": sum((a.phase, a.arm) == (phase, arm) for a in bad),
                "late": sum((a.phase, a.arm) == (phase, arm) and a.late for a in attempts),
            }
            for (phase, arm), n in sorted(counts.items())
        ],
        "told": [
            {"phase": a.phase, "arm": a.arm, "day": a.day, "task": a.task, "error": a.error}
            for a in bad[:TOLD]
        ],
    }


def _templates(measured: Sequence[Attempt], last: Sequence[int]) -> list[dict[str, Any]]:
    """Each template's successes on the last day, by arm."""
    groups: dict[tuple[str, str, str], list[Attempt]] = defaultdict(list)
    for a in measured:
        if a.day in last and not a.error:
            groups[a.category, a.template, a.variant].append(a)
    return [
        {
            "template": template,
            "category": category,
            "variant": variant,
            "arms": {
                arm: {"n": len(own), "success": sum(own)}
                for arm in (*ARMS, *ABLATIONS)
                if (own := [a.success for a in group if a.arm == arm])
            },
        }
        for (category, template, variant), group in sorted(groups.items())
    ]


def _rounded(value: Any) -> Any:
    """Six digits that count: the rest differs with the processor."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return value
