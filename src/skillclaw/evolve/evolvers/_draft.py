"""Patterns of one job as units of a skill: what it should say, before any existing text is looked at."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec

from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers._phrases import OPTIONS, code, error_name
from skillclaw.evolve.evolvers._select import strength
from skillclaw.evolve.evolvers._told import correction, demand
from skillclaw.evolve.evolvers._units import Unit, made, passes
from skillclaw.evolve.evolvers._voice import Voice
from skillclaw.evolve.evolvers._wishes import in_other_words, wish
from skillclaw.skills.placing import FACTS, RULES, STEPS, WHEN, WRONG
from skillclaw.skills.records import ActionShape, Pattern
from skillclaw.skills.text import has_mask, is_name
from skillclaw.trajectory.demands import parted

__all__ = ["ANOTHER", "Unit", "draft"]

ANOTHER = " (another way)"
"""Behind the heading of a procedure whose own heading another has."""
_SAID = re.compile(r"(?<=\.) Users say: “[^”]*”$")
CONDITIONS = 8
"""Lines under "When to use": more would not tell it from other skills any better."""


def draft(patterns: list[Pattern], context: EvolveContext, asked: str = "") -> list[Unit]:
    """The units of a skill that says what `patterns` support, in the order of the sections.

    asked  what users say when they ask for the one job that it is about; it leads where no procedure does
    """
    when: list[Unit] = []
    rest: list[Unit] = []
    for pattern in sorted(patterns, key=strength):
        if not _named(pattern):
            continue
        condition, units = _write(pattern, context)
        units = [unit for unit in units if passes(unit, context)]
        if not units:
            continue
        if condition and len(when) < CONDITIONS:
            unit = Unit(section=WHEN, kind="condition", texts=(condition,), patterns=(pattern,))
            if passes(unit, context):
                when.append(unit)
        rest += units
    rest = _undisputed(_best_fixes(rest))
    if asked and rest and not any(unit.kind == "step" for unit in rest):
        best = min((unit.patterns[0] for unit in rest), key=strength)
        unit = Unit(section=WHEN, kind="condition", texts=(_asks(asked),), patterns=(best,))
        when[:0] = [unit] if passes(unit, context) else []
    order = {RULES: 0, STEPS: 1, WRONG: 2, FACTS: 3}
    rest.sort(key=lambda unit: order[unit.section.split(" / ")[0]])
    if all(unit.section == RULES for unit in rest):
        when = []  # the description says it; said again below the rules, weak agents take it for the task
    return _merged([*when, *rest])


def _named(pattern: Pattern) -> bool:
    """Whether its tools and arguments are called by names; an imported file, or a server, may put anything
    in their place, and it would stand in the skill's title.
    """
    shapes = [*pattern.actions, *([pattern.failed] if pattern.failed else [])]
    names = [name for shape in shapes for name in (shape.tool, *(arg.name for arg in shape.args))]
    return all(is_name(name) for name in names)


def _best_fixes(units: list[Unit]) -> list[Unit]:
    """Of several ways to mend the same failing function call by the same last call, the most complete one."""
    best: dict[tuple[str, str, str], Unit] = {}
    for unit in units:
        key = _mends(unit)
        if key is not None and (key not in best or _length(unit) > _length(best[key])):
            best[key] = unit
    return [unit for unit in units if (key := _mends(unit)) is None or best[key] is unit]


def _undisputed(units: list[Unit]) -> list[Unit]:
    """Less rules that ask for different values of one option: which of them holds where is not told."""
    values: dict[tuple[str, str], set[str]] = {}
    for unit in units:
        if (mark := _option_of(unit)) != ("", ""):
            values.setdefault(mark, set()).add(parted(unit.patterns[0].demand)[1])
    torn = {mark for mark, own in values.items() if len(own) > 1}
    return [unit for unit in units if _option_of(unit) not in torn]


def _option_of(unit: Unit) -> tuple[str, str]:
    program, wanted = parted(unit.patterns[0].demand)
    return (program.split()[0], wanted.split()[0]) if wanted else ("", "")


def _mends(unit: Unit) -> tuple[str, str, str] | None:
    pattern = unit.patterns[0]
    if unit.kind != "fix" or pattern.failed is None or pattern.failed.command is not None:
        return None
    return (pattern.failed.tool, error_name(pattern.error), pattern.actions[-1].tool)


def _length(unit: Unit) -> int:
    return len(unit.patterns[0].actions)


def _merged(units: list[Unit]) -> list[Unit]:
    """Units that say the same become one, whatever users say beside it; procedures that share a heading get
    headings of their own."""
    found: dict[tuple[str, tuple[str, ...]], Unit] = {}
    headings: dict[str, int] = {}
    for unit in units:
        # Of what users only say, and of no call, the words are the lesson.
        same = (unit.section.split(" / ")[0], tuple(_SAID.sub("", text) for text in unit.texts))
        if same in found:
            known = found[same]
            found[same] = replace(known, patterns=(*known.patterns, *unit.patterns))
            continue
        if unit.kind == "step":
            headings[unit.section] = headings.get(unit.section, 0) + 1
            if headings[unit.section] > 1:
                unit = replace(unit, section=f"{unit.section}{ANOTHER}")
                if headings[unit.section.removesuffix(ANOTHER)] > 2:
                    continue
        found[same] = unit
    return list(found.values())


def _write(pattern: Pattern, context: EvolveContext) -> tuple[str, list[Unit]]:
    """The condition under which the pattern helps, and its units; none where it cannot be said safely."""
    voice = Voice(pattern, context)
    if not voice.sayable(pattern.actions):
        return "", []
    if pattern.kind == "procedure":
        return _procedure(pattern, voice)
    if pattern.kind == "recovery":
        return _recovery(pattern, voice)
    if pattern.kind == "correction":
        return demand(pattern, voice, context) if pattern.demand else correction(pattern, voice, context)
    return _pitfall(pattern, voice, context)


def _procedure(pattern: Pattern, voice: Voice) -> tuple[str, list[Unit]]:
    phrase, name = wish(pattern.intent, voice.said) if pattern.intent else ("", "")
    if not name or has_mask(name):
        return "", []  # when it helps cannot be told, so that nobody would follow it at the right time
    texts = [voice.do(shape, opening=index == 0) for index, shape in enumerate(pattern.actions)]
    # Two lines with the same words would be one item.
    again = [texts[:index].count(text) for index, text in enumerate(texts)]
    more = {0: "", 1: ", once more"}
    steps = tuple(
        f"{text}{more.get(n, f', once more ({n + 1})')}." for text, n in zip(texts, again, strict=True)
    )
    others = in_other_words(pattern.intent, voice.said) if pattern.intent else []
    heading = name.replace(" / ", "/")  # with spaces it would part two headings
    units = made(f"{STEPS} / {heading}", "step", pattern, *steps, triggers=(name, *others))
    return _asks(phrase), units


def _asks(phrase: str) -> str:
    return f"The user asks: “{phrase}”"


def _recovery(pattern: Pattern, voice: Voice) -> tuple[str, list[Unit]]:
    failed = pattern.failed or pattern.actions[-1]
    error = error_name(pattern.error) or voice.error(failed)
    shown = voice.shown(failed, failed=True)
    fails = f"fails{f' with {error}' if error else ''}"
    what = f"{shown} {fails}"
    only = pattern.actions[0] if len(pattern.actions) == 1 else None
    if only is not None and only.command is None and only.tool == failed.tool and not error:
        return "", []  # the same call with other values, and no name for what was wrong with the first ones
    steps = voice.spoken([_changed(shape, failed) for shape in pattern.actions])
    for index, shape in enumerate(pattern.actions):
        # The same call once more; a shape that lost the program's path may look the same without being it.
        if steps[index] == f"run {shown}" or (_same(shape, failed) and not shape.command):
            if index == 0:
                return "", []
            steps[index] = "try it again"
    text = f"If {what}, {', then '.join(steps)}."
    words = voice.words(failed, failed=True)
    errand = voice.errand()
    lead = f"{errand}: what to do when {words} {fails}" if errand else f"Get {words} to work when it {fails}"
    units = made(WRONG, "fix", pattern, text, triggers=(f"{words} {fails}",), lead=lead)
    fact = _difference(failed, pattern.actions[-1])
    if units and fact:
        units += made(FACTS, "fact", pattern, fact)
    return f"{what[:1].upper()}{what[1:]}.", units


def _changed(shape: ActionShape, failed: ActionShape) -> ActionShape:
    """A call of the function that failed, with those arguments only that make it another call; with all where
    none does."""
    if shape.command is not None or shape.tool != failed.tool:
        return shape
    before = {arg.name: arg for arg in failed.args if arg.share > 0}
    other = [
        arg
        for arg in shape.args
        if arg.name not in before
        or arg.origin.startswith("result:")
        or (arg.constant is not None and arg.constant != before[arg.name].constant)
        or (arg.origin and arg.origin != before[arg.name].origin and arg.constant is None)
        or (arg.form.startswith(OPTIONS) and arg.form != before[arg.name].form)
    ]
    return msgspec.structs.replace(shape, args=other) if other else shape


def _same(first: ActionShape, second: ActionShape) -> bool:
    return (first.tool, first.command, first.args) == (second.tool, second.command, second.args)


def _difference(failed: ActionShape, worked: ActionShape) -> str:
    """The one address that differs between what failed and what worked, as a fact."""
    if failed.command is None or worked.command is None:
        return ""
    pattern = r"[\w.-]+:\d{2,5}\b"
    wrong = [a for a in re.findall(pattern, failed.command) if a not in worked.command]
    right = [a for a in re.findall(pattern, worked.command) if a not in failed.command]
    return f"Use {code(right[0])}, not {code(wrong[0])}." if len(wrong) == len(right) == 1 else ""


def _pitfall(pattern: Pattern, voice: Voice, context: EvolveContext) -> tuple[str, list[Unit]]:
    """The most telling thing to say that the evidence holds.

    A function is never called bad altogether: what failing calls have in common is an argument or an order,
    and without naming that there is nothing to say.
    """
    error = error_name(pattern.error)
    fails = f"tends to fail{f' with {error}' if error else ''}"
    texts: list[str] = []
    failed = pattern.failed
    for arg in failed.args if failed else ():
        if failed is not None and arg.share == 0:
            lacking = f"a call without it {fails}" if pattern.error else "tasks done without it tend to fail"
            texts.append(
                f"Always give {voice.given(arg, pattern.actions)} to {code(failed.tool)}: {lacking}."
            )
    for later, earlier in pattern.before:
        if max(later, earlier) < len(pattern.actions):
            first, second = pattern.actions[earlier], pattern.actions[later]
            lacking = (
                f"without it the call {fails}" if pattern.error else "tasks done without it tend to fail"
            )
            texts.append(f"{voice.do(first)} before {voice.shown(second)}; {lacking}.")
    # A command that did not fail by itself is bad only for its place or its number, which this would not say.
    bad = failed is not None and failed.times == "1" and bool(pattern.error or not pattern.before)
    if failed is not None and failed.command is not None and bad:
        instead = ""
        if pattern.actions and not _same(pattern.actions[-1], failed):
            instead = f" {voice.do(pattern.actions[-1])} instead."
        texts.append(f"Avoid {voice.shown(failed)}: it {fails}.{instead}")
    asks = wish(pattern.intent, voice.said)[0] if pattern.intent else ""
    condition = _asks(asks) if asks else ""
    for text in texts:
        for unit in made(WRONG, "pitfall", pattern, text):
            if passes(unit, context):
                return condition, [unit]
    return "", []
