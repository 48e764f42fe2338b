"""The result of the bench, for people."""

from __future__ import annotations

from typing import Any

__all__ = ["forecast_text", "summary"]

HEAD = ("skill", "won", "lost", "tied", "void", "verdict", "p", "calls", "tokens", "seconds")


def forecast_text(found: dict[str, Any]) -> str:
    """What a run takes at most."""
    said = []
    decisions, tasks = found["decisions"], found["tasks"]
    if decisions is not None:
        low, high = decisions["calls"]
        each = decisions["tokens_each"]
        size = "" if each is None else f" of about {each:,} tokens"
        said.append(
            f"{decisions['candidates']} candidates for decisions; {low:,} to {high:,} calls at most{size}"
            f"{_time(decisions['seconds'])}."
        )
    if tasks is not None:
        runs = tasks["seconds"]
        said.append(
            f"{tasks['candidates']} candidates for tasks; {tasks['runs']:,} runs of the agent at most"
            f"{_time([runs, runs] if runs is not None else None)}."
        )
    return " ".join(said)


def _time(seconds: list[float] | None) -> str:
    if seconds is None:
        return "; how long it takes is known after the first"
    low, high = (one / 60 for one in seconds)
    return f", {low:.0f} min" if low == high else f", {low:.0f} to {high:.0f} min"


def summary(result: dict[str, Any]) -> str:
    """One row a skill, then why, and what the cases were."""
    plan, screened = result["plan"], result["screening"]
    stayed = sum(one["stays"] for one in screened)
    chosen = f"{len(screened)} candidates were looked at, {stayed} stay. " if plan["screen"] else ""
    rows = [HEAD, *(_row(one) for one in result["skills"])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    table = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    said = [
        f"{plan['model']}, WorkBench, {plan['topic']}, mode {plan['mode']}, {plan['repeats']} repeats.",
        f"{chosen}{result['rule']}",
        "",
        *table,
        "",
        *(f"{one['skill']}: {one['reason']}" for one in result["skills"]),
    ]
    for one in result["skills"]:
        said += [f"{one['skill']}, {other['check']}: {other['reason']}" for other in one["others"]]
    if result["held"] is not None:
        held = "passed and no other did" if result["held"] else "and the others did not end as they should"
        said += ["", f"The mined skill {held}."]
    return "\n".join(said)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    cost = one["cost"]
    counts = (str(one[name]) for name in ("won", "lost", "tied", "void"))
    spent = (f"{cost['calls']:,}", f"{cost['tokens']:,}", f"{cost['seconds']:.0f}")
    return (one["skill"], *counts, one["verdict"], f"{one['p']:.3g}", *spent)
