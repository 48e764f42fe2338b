"""A pattern as an author reads it: what it says, its numbers in words, and the sessions behind it."""

from __future__ import annotations

from collections.abc import Mapping

from skillclaw.skills.records import ActionShape, ArgShape, Pattern, Ref

__all__ = ["pattern_text"]

REFS = 60
"""Places in sessions that are listed of each kind."""
QUOTES = 5
"""Users' own words that are shown."""


def pattern_text(pattern: Pattern, names: Mapping[str, str]) -> str:
    """The pattern as Markdown; `names` says what stands for each person."""
    parts = [
        f"# {pattern.kind} {pattern.id}",
        pattern.title,
        _intent(pattern),
        _actions(pattern),
        _numbers(pattern, names),
        _said(pattern),
        _environment(pattern),
        _refs("Sessions that support it", pattern.evidence, names),
        _refs("Sessions that speak against it", pattern.contradictions, names),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _intent(pattern: Pattern) -> str:
    if pattern.intent is None:
        return ""
    lines = [f"What users asked for: {pattern.intent.label}"]
    if pattern.intent.terms:
        lines.append(f"Telling words: {', '.join(pattern.intent.terms)}")
    lines += [f"- asked: {example}" for example in pattern.intent.examples[:QUOTES]]
    return "\n".join(lines)


def _actions(pattern: Pattern) -> str:
    lines = []
    if pattern.failed is not None:
        lines.append(f"What went wrong: {_action(pattern.failed)}")
    if pattern.error:
        lines.append(f"The error, as tools printed it (not to be copied): {pattern.error}")
    if pattern.actions:
        lines.append("The steps:" if pattern.kind == "procedure" else "What worked:")
        lines += [f"{number}. {_action(action)}" for number, action in enumerate(pattern.actions, 1)]
    for index, first in pattern.before:
        lines.append(f"- step {first + 1} must come before step {index + 1}")
    return "\n".join(lines)


def _action(shape: ActionShape) -> str:
    marks = {"+": " (once for each thing found)", "?": " (only in some sessions)"}
    text = shape.tool
    if shape.command is not None:
        text += f": {shape.command}"
    elif shape.args:
        text += f"({', '.join(_argument(arg) for arg in shape.args)})"
    text += marks.get(shape.times, "")
    if shape.example and shape.example != shape.command:
        text += f"\n   for example: {shape.example}"
    return text


def _argument(arg: ArgShape) -> str:
    given = arg.constant if arg.constant is not None else f"<{arg.form or 'value'}>"
    more = [f"from {arg.origin}"] * bool(arg.origin)
    more += [f"given in {arg.share:.0%}"] * (arg.share < 1.0)
    return f"{arg.name}={given}" + (f" [{', '.join(more)}]" if more else "")


def _numbers(pattern: Pattern, names: Mapping[str, str]) -> str:
    stats = pattern.stats
    people = "1 person" if pattern.users == 1 else f"{pattern.users} people"
    agents = ", ".join(pattern.agents) or "unknown"
    lines = [f"Seen in {pattern.sessions} sessions of {people}, agents: {agents}."]
    if stats.with_n or stats.without_n:
        lines.append(
            f"Sessions that did it: {stats.with_success} of {stats.with_n} succeeded; "
            f"that did not: {stats.without_success} of {stats.without_n}."
        )
    if stats.odds_ratio is None:
        lines.append("Its effect on success is not measured.")
    else:
        interval = f", 95% interval {stats.ci[0]:.2f} to {stats.ci[1]:.2f}" if stats.ci is not None else ""
        lines.append(f"Odds ratio of success {stats.odds_ratio:.2f}{interval}.")
    if stats.q is not None:
        lines.append(f"q {stats.q:.3g} after correction for how many were tested.")
    if stats.cost is not None:
        lines.append(f"Where it is not followed a session loses {stats.cost:.1f} tool calls on average.")
    for one in stats.carriers:
        who = names.get(one.name, "one user") if one.kind == "user" else f"{one.kind} {one.name}"
        lines.append(f"Much of it hangs on {who} ({one.share:.0%} of the successes).")
    if pattern.contradictions:
        against = len({ref.session for ref in pattern.contradictions})
        lines.append(f"In {against} sessions the same was done and it went wrong.")
    return "\n".join(lines)


def _said(pattern: Pattern) -> str:
    quotes = [f"- {' '.join(text.split())}" for text in pattern.user_text[:QUOTES]]
    asked = [f"What they ask for, whatever agents make of it: {pattern.demand}"] if pattern.demand else []
    return "\n".join([*asked, *(["What users said:", *quotes] if quotes else [])])


def _environment(pattern: Pattern) -> str:
    lines = [f"- {name}: {', '.join(values)}" for name, values in sorted(pattern.env.items())]
    lines += [f"- may be out of date: {sentence}" for sentence in pattern.stale]
    return "\n".join(["Environment:", *lines]) if lines else ""


def _refs(title: str, refs: list[Ref], names: Mapping[str, str]) -> str:
    if not refs:
        return ""
    lines = [f"{title}:"]
    for ref in sorted(refs, key=lambda r: (r.day, r.session), reverse=True)[:REFS]:
        ended = {True: "succeeded", False: "failed", None: "outcome unknown"}[ref.success]
        steps = f", steps {', '.join(map(str, ref.steps))}" if ref.steps else ""
        lines.append(
            f"- {ref.session}: {names.get(ref.user, 'user')}, {ref.agent}, {ref.day}, {ended}{steps}"
        )
    if len(refs) > REFS:
        lines.append(f"- and {len(refs) - REFS} more")
    return "\n".join(lines)
