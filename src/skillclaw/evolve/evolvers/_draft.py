"""Patterns of one topic as units of a skill: what it should say, before any existing text is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers._phrases import (
    action,
    asked,
    code,
    command_words,
    error_name,
    joined,
    task,
)
from skillclaw.evolve.evolvers._select import strength
from skillclaw.gate.prune import item_reason
from skillclaw.skills.records import ActionShape, Item, ItemKind, Pattern, Proposal, Ref
from skillclaw.skills.text import has_mask, is_name
from skillclaw.skills.vocabulary import content_words

__all__ = ["FACTS", "STEPS", "WHEN", "WRONG", "Unit", "draft", "keeper", "refs_of"]

WHEN = "When to use"
STEPS = "Steps"
WRONG = "What goes wrong"
FACTS = "Facts"
CONDITIONS = 8
"""Lines under "When to use": more would not tell it from other skills any better."""
Support = Callable[[str], bool]


@dataclass(frozen=True)
class Unit:
    """Lines that stand and fall together: one bullet, or the numbered steps under one heading.

    section   path of headings: `Steps / Cancel a meeting`
    kind      of its items; texts without their markers
    patterns  what it rests on, the strongest first
    """

    section: str
    kind: ItemKind
    texts: tuple[str, ...]
    patterns: tuple[Pattern, ...]

    @property
    def key(self) -> tuple[str, str, bool]:
        """What stays the same when the words change: the pattern, and the role that the lines play."""
        return (self.patterns[0].id, self.kind, self.section == WHEN)


def keeper(pattern: Pattern, context: EvolveContext, *, said: bool = False) -> Support:
    """Says of a value whether calls or words of enough sessions of enough users of `pattern` have it; with
    `said`, of a word whether enough users wrote it.

    Without sessions to look into everything is taken: the gate looks in any case.
    """
    gate = context.gate
    if gate is None:
        return lambda text: True
    users: dict[str, str] = {ref.session: ref.user for ref in pattern.evidence}
    sources = [g for session in users if (g := gate.grounds(session)) and g.user == users[session]]

    @cache
    def keep(text: str) -> bool:
        words = frozenset(content_words(text))
        parts = tuple(text.split())
        yes = [g for g in sources if (g.said_words(words) == words if said else g.supports(parts))]
        enough = len({g.user for g in yes}) >= context.policy.users
        return enough and len(yes) >= context.policy.sessions

    return keep


def draft(patterns: list[Pattern], context: EvolveContext) -> list[Unit]:
    """The units of a skill that says what `patterns` support, in the order of the sections."""
    when: list[Unit] = []
    rest: list[Unit] = []
    for pattern in sorted(patterns, key=strength):
        if not _named(pattern):
            continue
        condition, units = _write(pattern, context)
        units = [unit for unit in units if _passes(unit, context)]
        if not units:
            continue
        if condition and len(when) < CONDITIONS:
            unit = Unit(section=WHEN, kind="condition", texts=(condition,), patterns=(pattern,))
            if _passes(unit, context):
                when.append(unit)
        rest += units
    rest = _best_fixes(rest)
    order = {STEPS: 1, WRONG: 2, FACTS: 3}
    rest.sort(key=lambda unit: order[unit.section.split(" / ")[0]])
    return _merged([*when, *rest])


def _named(pattern: Pattern) -> bool:
    """Whether its tools and arguments are called by names; an imported file, or a server, may put anything
    in their place, and it would stand in the skill's title.
    """
    shapes = [*pattern.actions, *([pattern.failed] if pattern.failed else [])]
    names = [name for shape in shapes for name in (shape.tool, *(arg.name for arg in shape.args))]
    return all(is_name(name) for name in names)


def _passes(unit: Unit, context: EvolveContext) -> bool:
    """Whether the gate would let these lines pass, where that can be asked already."""
    if context.gate is None:
        return True
    probe = Proposal(
        id="", action="create", skill="", base=None, engine="extractive", why="", patterns=list(unit.patterns)
    )
    for text in unit.texts:
        item = Item(
            id="",
            kind=unit.kind,
            text=text,
            section=unit.section,
            patterns=[pattern.id for pattern in unit.patterns],
            evidence=refs_of(unit.patterns),
        )
        if item_reason(item, probe, context.gate) is not None:
            return False
    return True


def _best_fixes(units: list[Unit]) -> list[Unit]:
    """Of several ways to mend the same failing function call by the same last call, the most complete one."""
    best: dict[tuple[str, str, str], Unit] = {}
    for unit in units:
        key = _mends(unit)
        if key is not None and (key not in best or _length(unit) > _length(best[key])):
            best[key] = unit
    return [unit for unit in units if (key := _mends(unit)) is None or best[key] is unit]


def _mends(unit: Unit) -> tuple[str, str, str] | None:
    pattern = unit.patterns[0]
    if unit.kind != "fix" or pattern.failed is None or pattern.failed.command is not None:
        return None
    return (pattern.failed.tool, error_name(pattern.error), pattern.actions[-1].tool)


def _length(unit: Unit) -> int:
    return len(unit.patterns[0].actions)


def _merged(units: list[Unit]) -> list[Unit]:
    """Units that say the same become one; procedures that share a heading get headings of their own."""
    found: dict[tuple[str, tuple[str, ...]], Unit] = {}
    headings: dict[str, int] = {}
    for unit in units:
        same = (unit.section.split(" / ")[0], unit.texts)
        if same in found:
            known = found[same]
            found[same] = replace(known, patterns=(*known.patterns, *unit.patterns))
            continue
        if unit.kind == "step":
            headings[unit.section] = headings.get(unit.section, 0) + 1
            if headings[unit.section] > 1:
                unit = replace(unit, section=f"{unit.section} (another way)")
                if headings[unit.section.removesuffix(" (another way)")] > 2:
                    continue
        found[same] = unit
    return list(found.values())


def _write(pattern: Pattern, context: EvolveContext) -> tuple[str, list[Unit]]:
    """The condition under which the pattern helps, and its units; none where it cannot be said safely."""
    keep, said = keeper(pattern, context), keeper(pattern, context, said=True)
    if pattern.kind == "procedure":
        return _procedure(pattern, keep, said)
    if pattern.kind == "recovery":
        return _recovery(pattern, keep)
    if pattern.kind == "correction":
        return _correction(pattern, keep, said)
    return _pitfall(pattern, keep, said, context)


def _unit(section: str, kind: ItemKind, pattern: Pattern, *texts: str) -> list[Unit]:
    if any(has_mask(text) for text in texts):
        return []  # a masked value cannot be followed, and says that something private was there
    return [Unit(section=section, kind=kind, texts=texts, patterns=(pattern,))]


def _procedure(pattern: Pattern, keep: Support, said: Support) -> tuple[str, list[Unit]]:
    phrase = asked(pattern.intent, said) if pattern.intent else ""
    heading = task(phrase) if phrase else task(f"Work with {_names(pattern.actions)}")
    if has_mask(heading):
        return "", []
    texts = [action(shape, keep, opening=index == 0) for index, shape in enumerate(pattern.actions)]
    # Two lines with the same words would be one item.
    again = [texts[:index].count(text) for index, text in enumerate(texts)]
    more = {0: "", 1: ", once more"}
    steps = tuple(
        f"{text}{more.get(n, f', once more ({n + 1})')}." for text, n in zip(texts, again, strict=True)
    )
    return f"The user asks: “{phrase}”" if phrase else "", _unit(
        f"{STEPS} / {heading}", "step", pattern, *steps
    )


def _names(actions: list[ActionShape]) -> str:
    return joined(list(dict.fromkeys(command_words(shape) for shape in actions))[:2])


def _recovery(pattern: Pattern, keep: Support) -> tuple[str, list[Unit]]:
    failed = pattern.failed or pattern.actions[-1]
    error = error_name(pattern.error)
    shown = _shown(failed)
    what = f"{shown} fails{f' with {error}' if error else ''}"
    only = pattern.actions[0] if len(pattern.actions) == 1 else None
    if only is not None and only.command is None and only.tool == failed.tool and not error:
        return "", []  # the same call with other values, and no name for what was wrong with the first ones
    steps = _spoken(pattern.actions, keep)
    for index, shape in enumerate(pattern.actions):
        # The same call once more; a shape that lost the program's path may look the same without being it.
        if _same(shape, failed) and (not shape.command or steps[index] == f"run {shown}"):
            if index == 0:
                return "", []
            steps[index] = "try it again"
    text = f"If {what}, {', then '.join(steps)}."
    units = _unit(WRONG, "fix", pattern, text)
    fact = _difference(failed, pattern.actions[-1])
    if units and fact:
        units += _unit(FACTS, "fact", pattern, fact)
    return f"{what[:1].upper()}{what[1:]}.", units


def _spoken(actions: list[ActionShape], keep: Support) -> list[str]:
    """The actions within one sentence, where "step 1" would have no number to point to."""

    texts: list[str] = []
    for shape in actions:
        before = len(texts)

        def point(match: re.Match[str], before: int = before) -> str:
            number = int(match[1])
            return " from its result" if number == before else f" from the result of call {number}"

        text = action(shape, keep, first=False)
        texts.append(re.sub(r" from the result of step (\d+)", point, text))
    return texts


def _shown(shape: ActionShape) -> str:
    return code(shape.command if shape.command is not None else shape.tool)


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


def _correction(pattern: Pattern, keep: Support, shared: Support) -> tuple[str, list[Unit]]:
    said = next((text for text in pattern.user_text if _shared(text, shared)), "")
    done = ", then ".join(_spoken(pattern.actions, keep))
    instead = ""
    if pattern.failed is not None and not any(_same(shape, pattern.failed) for shape in pattern.actions):
        instead = f" instead of {_shown(pattern.failed)}"
    elif not said:
        return "", []  # the same action in other words: nothing that a reader could follow
    text = f"{done[:1].upper()}{done[1:]}{instead}."
    if said:
        text += f" Users say: “{said}”"
    condition = f"You are about to use {_shown(pattern.failed)}." if pattern.failed else ""
    return condition, _unit(WRONG, "fix", pattern, text)


def _shared(text: str, keep: Support) -> bool:
    """Whether a user's words are short and each telling one is shared by enough users."""
    words = content_words(text)
    return bool(words) and len(text) <= 120 and "\n" not in text and all(keep(word) for word in words)


def _pitfall(
    pattern: Pattern, keep: Support, said: Support, context: EvolveContext
) -> tuple[str, list[Unit]]:
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
            texts.append(f"Give {code(arg.name)} to {code(failed.tool)}: {lacking}.")
    for later, earlier in pattern.before:
        if max(later, earlier) < len(pattern.actions):
            first, second = pattern.actions[earlier], pattern.actions[later]
            lacking = (
                f"without it the call {fails}" if pattern.error else "tasks done without it tend to fail"
            )
            texts.append(f"{action(first, keep)} before {_shown(second)}; {lacking}.")
    # A command that did not fail by itself is bad only for its place or its number, which this would not say.
    bad = failed is not None and failed.times == "1" and bool(pattern.error or not pattern.before)
    if failed is not None and failed.command is not None and bad:
        instead = ""
        if pattern.actions and not _same(pattern.actions[-1], failed):
            instead = f" {action(pattern.actions[-1], keep)} instead."
        texts.append(f"Avoid {_shown(failed)}: it {fails}.{instead}")
    asks = asked(pattern.intent, said) if pattern.intent else ""
    condition = f"The user asks: “{asks}”" if asks else ""
    for text in texts:
        for unit in _unit(WRONG, "pitfall", pattern, text):
            if _passes(unit, context):
                return condition, [unit]
    return "", []


def refs_of(patterns: tuple[Pattern, ...] | list[Pattern]) -> list[Ref]:
    """The evidence of `patterns` together, each session once."""
    found: dict[str, Ref] = {}
    for pattern in patterns:
        for ref in pattern.evidence:
            found.setdefault(ref.session, ref)
    return [found[session] for session in sorted(found)]
