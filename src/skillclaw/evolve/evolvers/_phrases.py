"""Shapes of actions, errors and intents as a person would write them.

Nothing here copies an error text or a tool's output: an error is named from the closed list in
`skills.vocabulary`, a user's words are kept only as far as enough users share them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container

from skillclaw.evolve.evolvers._commands import Worded
from skillclaw.skills.records import ActionShape, ArgShape
from skillclaw.skills.samples import is_sample
from skillclaw.skills.text import constant_text, has_mask
from skillclaw.skills.vocabulary import error_phrases
from skillclaw.trajectory.shell import CLOSE, FEEDERS, OPEN, main_commands

__all__ = ["action", "code", "command_words", "error_name", "given", "joined"]

_FORMS = {
    "date": "a date",
    "datetime": "a date and time",
    "email": "an address",
    "path": "a path",
    "url": "a URL",
    "id": "an id",
    "number": "a number",
    "bool": "true or false",
    "list": "a list",
    "object": "an object",
}
_PLURAL = {
    "a date": "dates",
    "a date and time": "dates and times",
    "an address": "addresses",
    "a path": "paths",
    "a URL": "URLs",
    "an id": "ids",
    "a number": "numbers",
    "a list": "lists",
    "an object": "objects",
    "true or false": "true or false",
}
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")
"""A day that all calls gave is the day of the evidence more often than a rule: it stands as an example."""
RESULT = "from the result of step"
OPTIONS = "one of "
"""How a form begins that lists its few values (`evolve.procedures`)."""
_PLACEHOLDER = re.compile(r"<([A-Za-z][\w -]*)>")
LONG = 80
Keep = Callable[[str], bool]
"""Says of a word or a value whether enough sessions of enough users have it."""


def code(text: str) -> str:
    """`text` as a code span."""
    text = " ".join(text.split())
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def command_words(command: str | None, tool: str) -> str:
    """The command's beginning up to what varies or the first flag, or the tool's name: how people call it.

    Of several it is the first that does the work: what fails behind `cd shop &&` is not `cd`.
    """
    if command is None:
        return tool
    # A placeholder is a word to the reader, and a redirection to a shell.
    main = main_commands(_PLACEHOLDER.sub(f"{OPEN}\\1{CLOSE}", command))
    proper = next((one for one in main if one.words[0] not in FEEDERS), main[0] if main else None)
    kept: list[str] = []
    for word in proper.words if proper else ():
        if kept and (word.startswith("-") or "<" in word or " " in word):
            break
        if not re.match(r"\w+=", word):
            kept.append(word)
    return " ".join(kept[:4])


def action(
    shape: ActionShape,
    keep: Keep,
    *,
    first: bool = True,
    opening: bool = False,
    worded: Worded | None = None,
    known: Container[str] = (),
    brief: bool = False,
) -> str:
    """What to do, without a full stop: ``run `npm test` `` or ``call `x.create` with `id` from ...``.

    `first` begins it with a capital; `opening` says that nothing was done before it. `worded` is the command
    as its sessions wrote it, of which the placeholders in `known` are introduced already. `brief` leaves out
    arguments that may be left out, and those of which nothing is known.
    """
    if shape.command is not None:
        text = f"run {code(worded.text if worded else _command(shape, keep))}"
        text += _introduced(worded, known) if worded else ""
    else:
        text = f"call {code(shape.tool)}"
        given = _arguments(shape.args, keep, brief=brief)
        if given:
            text += f" with {given}"
    if shape.times == "+":
        text = f"{text}, more than once if needed" if opening else f"for each one found, {text}"
    elif shape.times == "?":
        text = f"if needed, {text}"
    return text[:1].upper() + text[1:] if first else text


def _introduced(worded: Worded, known: Container[str]) -> str:
    """Where the values of placeholders come from: `` with `<version>` from the user's words``."""
    asked = [code(name) for name in worded.asked if name not in known]
    told = [code(name) for name in worded.told if name not in known]
    parts = [f"{joined(asked)} from the user's words"] if asked else []
    parts += [f"{joined(told)} from an earlier result"] if told else []
    text = f" with {joined(parts)}" if parts else ""
    made = [f"{code(name)} is {how}" for name, how in worded.made if name not in known]
    return text + (f", where {joined(made)}" if made else "")


def _command(shape: ActionShape, keep: Keep) -> str:
    """The shape; or the command itself, where that lost the program's path and enough sessions ran it."""
    command = shape.command or ""
    example = " ".join(shape.example.split())
    lost = "/" in example.split(" ")[0] if example else False
    if lost and len(example) <= LONG and has_mask(example) is None and keep(example):
        return example
    return command


def _arguments(args: list[ArgShape], keep: Keep, *, brief: bool = False) -> str:
    """`a` set to `x`, `b` from the result of step 1 and `c` from the user's words; also give `d` (a date).

    Each argument with where its value comes from; those of which nothing is known come last. What few calls
    gave is left out.
    """
    fixed: list[str] = []
    sourced: dict[str, list[ArgShape]] = {}
    free: list[ArgShape] = []
    for arg in args:
        if arg.share < (0.9 if brief else 0.5) or not keep(arg.name):
            continue
        value = constant_text(arg.constant) if arg.constant is not None else ""
        if value and not _DAY.match(value) and _may_show(value, LONG, keep):
            fixed.append(f"{code(arg.name)} set to {code(value)}")
        elif source := _source(arg):
            sourced.setdefault(source, []).append(arg)
        elif brief and arg.form.startswith(OPTIONS) and _look(arg, keep):
            fixed.append(_named([arg], keep))  # its few values are what is known of it
        else:
            free.append(arg)
    parts = fixed + [
        f"{_named(sourced[source], keep, bare=source.startswith(RESULT))} {source}"
        for source in sorted(sourced, key=lambda s: (not s.startswith(RESULT), s))
    ]
    if not parts:
        return _named(free, keep) if free else ""
    text = ", and ".join(parts) if len(parts) == 2 and " and " in "".join(parts) else joined(parts)
    return text + (f"; also give {_named(free, keep)}" if free and not brief else "")


def _source(arg: ArgShape) -> str:
    result = re.fullmatch(r"result:(\d+)", arg.origin)
    if result:
        return f"{RESULT} {int(result[1]) + 1}"
    return {"user": "from the user's words", "history": "as used before"}.get(arg.origin, "")


def given(arg: ArgShape, keep: Keep) -> str:
    """An argument that every call should give, with what it looks like, and how a date or a time is written.

    That stands in this line alone: a weak model that sees it in each step heeds it in none (docs/gate.md).
    """
    look = _look(arg, keep)
    look += f", such as {code(arg.sample)}" if look and is_sample(arg.sample) else ""
    return f"{code(arg.name)} ({look})" if look else code(arg.name)


def _named(args: list[ArgShape], keep: Keep, *, bare: bool = False) -> str:
    """Arguments with what they look like: `` `start` and `end` (dates)``, the optional ones last; `bare`: by
    name alone."""
    groups: dict[tuple[bool, str], list[ArgShape]] = {}
    for arg in args:
        groups.setdefault((arg.share < 0.9, "" if bare else _look(arg, keep)), []).append(arg)
    texts = []
    for (optional, look), members in sorted(groups.items(), key=lambda x: (x[0][0], x[1][0].name)):
        many = len(members) > 1
        notes = [_PLURAL.get(look, look) if many else look] if look else []
        notes += ["optional"] if optional else []
        names = [code(arg.name) for arg in members]
        texts += [f"{joined(names)} ({', '.join(notes)})"] if notes else names
    return joined(texts)


def _look(arg: ArgShape, keep: Keep) -> str:
    """What the value looks like: a date, one of two words; empty where that says nothing."""
    if arg.constant is not None:
        value = constant_text(arg.constant)
        dated = bool(value) and _DAY.match(value) and _may_show(value, LONG, keep)
        return f"a date, such as {code(value)}" if dated else ""
    if arg.form.startswith(OPTIONS):
        options = [option.strip() for option in arg.form.removeprefix(OPTIONS).split("|")]
        shown = [code(option) for option in options if _may_show(option, 40, keep)]
        if len(shown) == len(options):
            return joined(shown, "or")
        return f"such as {joined(shown, 'or')}" if len(shown) > 1 else ""
    return _FORMS.get(arg.form, "")


def _may_show(value: str, longest: int, keep: Keep) -> bool:
    return len(value) <= longest and has_mask(value) is None and keep(value)


def joined(parts: list[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def error_name(error: str) -> str:
    """How an error is commonly called, or empty: never its own words."""
    return next(iter(error_phrases(error)), "")
