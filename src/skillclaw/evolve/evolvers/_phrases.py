"""Shapes of actions, errors and intents as a person would write them.

Nothing here copies an error text or a tool's output: an error is named from the closed list in
`skills.vocabulary`, a user's words are kept only as far as enough users share them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from skillclaw.skills.records import ActionShape, ArgShape, Intent
from skillclaw.skills.text import has_mask
from skillclaw.skills.vocabulary import content_words, error_phrases

__all__ = ["action", "asked", "code", "command_words", "error_name", "joined", "task", "term_words"]

_OPENING = re.compile(
    r"^(?:…[\s,.;:!-]*)?(?:(?:hi|hello|hey)(?: there)?[,!. ]+)?"
    r"(?:(?:can|could|would|will) you (?:please |kindly )?|please |kindly "
    r"|i(?: need| want| would like|['’]d like) (?:you )?to |i need |help me (?:to )?|let's |let us )+",
    re.IGNORECASE,
)
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
LONG = 80
Keep = Callable[[str], bool]
"""Says of a word or a value whether enough sessions of enough users have it."""


def code(text: str) -> str:
    """`text` as a code span."""
    text = " ".join(text.split())
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def command_words(shape: ActionShape) -> str:
    """The command's beginning up to what varies or the first flag, or the tool's name: how people call it."""
    if shape.command is None:
        return shape.tool
    words: list[str] = []
    for word in shape.command.split():
        if word.startswith(("-", "<", "|", "&")) and words:
            break
        if not re.match(r"\w+=", word):
            words.append(word)
    return " ".join(words[:4])


def action(shape: ActionShape, keep: Keep, *, first: bool = True, opening: bool = False) -> str:
    """What to do, without a full stop: ``run `npm test` `` or ``call `x.create` with `id` from ...``.

    `first` begins it with a capital; `opening` says that nothing was done before it.
    """
    if shape.command is not None:
        text = f"run {code(_command(shape, keep))}"
    else:
        text = f"call {code(shape.tool)}"
        given = _arguments(shape.args, keep)
        if given:
            text += f" with {given}"
    if shape.times == "+":
        text = f"{text}, more than once if needed" if opening else f"for each one found, {text}"
    elif shape.times == "?":
        text = f"if needed, {text}"
    return text[:1].upper() + text[1:] if first else text


def _command(shape: ActionShape, keep: Keep) -> str:
    """The shape; or the command itself, where that lost the program's path and enough sessions ran it."""
    command = shape.command or ""
    example = " ".join(shape.example.split())
    lost = "/" in example.split(" ")[0] if example else False
    if lost and len(example) <= LONG and has_mask(example) is None and keep(example):
        return example
    return command


def _arguments(args: list[ArgShape], keep: Keep) -> str:
    """`a` set to `x`; `b` and `c` (a date) from the user's words. What few calls gave is left out."""
    groups: dict[str, list[str]] = {}
    for arg in args:
        if arg.share >= 0.5 and keep(arg.name):
            source, name = _argument(arg, keep)
            groups.setdefault(source, []).append(name)
    return "; ".join(f"{joined(groups[source])}{source}" for source in sorted(groups, key=_rank))


def _rank(source: str) -> tuple[int, str]:
    """Fixed values first, then results, the user's words, and what is not known."""
    order = (" set to", " from the result", " from the user", " as the user", " as used")
    return (next((n for n, begin in enumerate(order) if source.startswith(begin)), len(order)), source)


def _argument(arg: ArgShape, keep: Keep) -> tuple[str, str]:
    """Where the value comes from, in words that arguments can share, and the argument with its form."""
    notes = [] if arg.share >= 0.9 else ["optional"]
    if arg.constant is not None:
        value = _value(arg.constant)
        if value and len(value) <= LONG and has_mask(value) is None and keep(value):
            return f" set to {code(value)}", _noted(arg.name, notes)
        return "", _noted(arg.name, notes)
    if arg.form.startswith("one of "):
        options = [option.strip() for option in arg.form.removeprefix("one of ").split("|")]
        if all(len(option) <= 40 and has_mask(option) is None and keep(option) for option in options):
            notes.insert(0, joined([code(option) for option in options], "or"))
    elif arg.form in _FORMS:
        notes.insert(0, _FORMS[arg.form])
    result = re.fullmatch(r"result:(\d+)", arg.origin)
    source = (
        f" from the result of step {int(result[1]) + 1}"
        if result
        else {"user": " from the user's words", "history": " as used before"}.get(arg.origin, "")
    )
    return source, _noted(arg.name, notes)


def _noted(name: str, notes: list[str]) -> str:
    return f"{code(name)} ({', '.join(notes)})" if notes else code(name)


def _value(constant: str) -> str:
    try:
        value = json.loads(constant)
    except ValueError:
        return constant
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def joined(parts: list[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def error_name(error: str) -> str:
    """How an error is commonly called, or empty: never its own words."""
    return next(iter(error_phrases(error)), "")


def asked(intent: Intent, keep: Keep) -> str:
    """What users ask, in their words, what varies or few share as `…`; empty where too little is left."""
    text = re.sub(r"<[^<>]*>", "…", intent.label)
    text = text.replace("“", "'").replace("”", "'").replace('"', "'").replace("`", "'")
    words = []
    for word in text.split():
        own = content_words(word)
        words.append(word if all(keep(part) for part in own) and not _odd(word) else "…")
    text = re.sub(r"…(?:[\s,.;:'-]*…)+", "…", " ".join(words)).strip(" ,;:")
    text = re.sub(r"…[.,;:'’]+(?=\s|$)", "…", text)  # what closed a quotation or a sentence that is gone
    return text if len(content_words(text)) >= 2 or len(content_words(intent.label)) == 1 else ""


def _odd(word: str) -> bool:
    """Numbers, addresses, paths and the like: of one request, not of an intent."""
    return bool(re.search(r"\d|[/\\@_=<>{}$|]|\w\.\w", word))


def task(phrase: str) -> str:
    """What users ask as a task's name: `Can you cancel my meeting with …?` -> `Cancel my meeting with …`."""
    sentences = re.split(r"(?<=[.?!])\s+", phrase.strip())
    wish = next((one for one in sentences if _OPENING.sub("", one) not in ("", one)), "")
    wish = wish or next((one for one in sentences if len(content_words(one)) > 2), sentences[0])
    text = _OPENING.sub("", wish).strip(" .?!,;:")
    if len(text) > 70:
        text = text[:70].rsplit(" ", 1)[0].rstrip(" ,;:") + " …"
    return text[:1].upper() + text[1:]


def term_words(intent: Intent, keep: Keep, limit: int = 6) -> list[str]:
    """The distinguishing terms as whole words that users wrote; terms may be stems."""
    written = content_words(" ".join([intent.label, *intent.examples]))
    found: list[str] = []
    for term in intent.terms:
        for stem in content_words(term):
            word = next((w for w in written if w == stem or (len(stem) > 3 and w.startswith(stem))), None)
            if word and word not in found and keep(word):
                found.append(word)
    return found[:limit]
