"""What a line of a skill claims: the parts that must occur in the evidence.

Ordinary words claim nothing. Code spans, quotations, and whatever in plain prose looks like a command's flag,
a path, an address, an identifier or a number do.
"""

from __future__ import annotations

import json
import re
from typing import Literal

from skillclaw.skills.vocabulary import is_error_phrase
from skillclaw.trajectory.model import Record

__all__ = [
    "Claim",
    "claims",
    "constant_text",
    "fixed_parts",
    "has_mask",
    "is_name",
    "normal",
    "occurs",
    "prose",
    "prose_words",
]


class Claim(Record, frozen=True, kw_only=True):
    """One part of a line that needs evidence: a `code` span, a `quote` of a user, or a technical `token`."""

    kind: Literal["code", "quote", "token"]
    text: str


_CODE = re.compile(r"(`{1,3})(?!`)(.{1,1000}?)(?<!`)\1(?!`)", re.DOTALL)
_QUOTE = re.compile(r"[“\"]([^“”\"\n]{2,400})[”\"]")
_FENCE = re.compile(r"(```+(?!.*`)|~~~+)[ \t]*(.*)")
_LANGUAGE = re.compile(r"\w[\w+#.-]*|")
_LINE_END = re.compile(r"\r\n|\r|\n")
# Neither part reaches over where another link may begin: `[[[...` would be read again from each of them.
_LINK = re.compile(r"\[([^\[\]\n]*)\]\(([^)\s]{1,2000})\)")
_STEP_NUMBER = re.compile(r"\b(?:step|call)s? \d{1,2}(?:(?:, | and | or )\d{1,2})*\b", re.IGNORECASE)
_EXIT_CODE = re.compile(r"\bexit code \d{1,3}\b", re.IGNORECASE)
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|cf)\.", re.IGNORECASE)
_TOKEN = re.compile(
    r"""
      [a-zA-Z][a-zA-Z0-9+.-]*://[^\s<>`"'“”]+            # URL
    | [\w.+-]+@[\w-]+\.[\w.-]+                            # address
    | (?<![\w/])(?:~|\.{1,2})?(?:/[\w.@%+-]+)+/?          # absolute or dotted path
    | \b[A-Za-z]:\\[^\s<>`"'“”]+                          # Windows path
    | \b[\w.-]+(?:/[\w.-]+)+\b                      # a/b
    | (?<![\w-])--?[A-Za-z][\w-]*(?:=[^\s<>`"'“”]+)?      # flag
    | \$\{?\w+\}?                                         # variable
    | \b[\w-]+(?:\.[\w-]+)+(?::\d+)?                      # a.b, host, file name, host:port
    | \b\w+:\d+\b                                         # name:port
    | \b\w*(?:[a-z0-9]_\w|_[a-z0-9]|\w=\w)\w*             # snake_case, NAME=value
    | \b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b                       # CONSTANT_NAME
    | \b[a-z]+[A-Z]\w*                                    # camelCase
    | (?<![\w.])\d[\w.,:%-]*                              # number
    """,
    re.VERBOSE,
)
_WORDS_WITH_SLASH = re.compile(r"^[A-Za-z]{2,12}/[A-Za-z]{2,12}$")
LONG_WORD = 300
_PLACEHOLDER = re.compile(r"<[^\W\d_][^\s<>;&|$`\"'/]*>|<\.\.\.>|…|\.\.\.")
"""A name between angles; `< file.csv >` is a file that is read and one that is written."""

_MASK = re.compile(
    r"<(?:secret|password|token|key|credential|private)\b[^<>]*>|<[a-z][\w-]*:(?:[\w-]+:)*[0-9a-f]{6,64}>",
    re.IGNORECASE,
)
"""What redaction leaves (`<secret:kind:id>`, `<email:id>`); a shape's `<email>` varies and is no mask, nor
is an address in `<...>` as Markdown has it, or an element of XML (`<w:ins>`)."""


_NAME = re.compile(r"[\w.@:/+$-]+")


def claims(text: str) -> list[Claim]:
    """What `text` claims. Placeholders (`<path>`), step numbers and error words claim nothing; a fenced block
    of code is one claim, in whatever fence."""
    text, blocks = _fenced(text)
    found = [Claim(kind="code", text=block) for block in blocks if fixed_parts(block)]

    def code(match: re.Match[str]) -> str:
        if fixed_parts(match[2]):
            found.append(Claim(kind="code", text=match[2].strip()))
        return " "

    def link(match: re.Match[str]) -> str:
        if "://" in match[2] or match[2].startswith(("/", "~", "..")):
            found.append(Claim(kind="token", text=match[2]))
        # A relative link names a file of the bundle itself; the spec check sees that it is there.
        return f" {match[1]} " if "/" not in match[1] else " "

    def quote(match: re.Match[str]) -> str:
        if not is_error_phrase(match[1]):
            found.append(Claim(kind="quote", text=match[1].strip()))
        return " "

    rest = _CODE.sub(code, text)
    rest = _LINK.sub(link, rest)
    rest = _QUOTE.sub(quote, rest)
    for harmless in (_STEP_NUMBER, _EXIT_CODE, _ABBREVIATION, _PLACEHOLDER):
        rest = harmless.sub(" ", rest)
    for word in rest.split():
        # A word that long is nobody's prose; looking for parts in it would only take time.
        for piece in [m[0] for m in _TOKEN.finditer(word)] if len(word) <= LONG_WORD else [word]:
            token = piece.rstrip(".,;:!?)-")
            if token and not _WORDS_WITH_SLASH.match(token):
                found.append(Claim(kind="token", text=token))
    return found


def _fenced(text: str) -> tuple[str, list[str]]:
    """`text` without its fenced blocks of code (CommonMark 4.5, also in quotations and without an end), and
    what each holds. Behind a fence stands the name of a language; anything more belongs to the block."""
    if "```" not in text and "~~~" not in text:
        return text, []
    rest: list[str] = []
    blocks: list[list[str]] = []
    fence = ""
    for line in _LINE_END.split(text):
        bare = line.strip(" \t>")
        if fence and len(bare) >= len(fence) and not bare.strip(fence[0]):
            fence = ""
        elif fence:
            blocks[-1].append(line)
        elif opening := _FENCE.match(bare):
            fence = opening[1]
            blocks.append([] if _LANGUAGE.fullmatch(opening[2].strip()) else [opening[2]])
        else:
            rest.append(line)
    return "\n".join(rest), ["\n".join(lines).strip() for lines in blocks]


def fixed_parts(text: str) -> list[str]:
    """The parts of a command or value that do not vary, in order: `git push <id> main` -> git, push, main."""
    parts: list[str] = []
    for piece in _PLACEHOLDER.split(text):
        parts += piece.split()
    return [part for part in (p.strip("\"'") for p in parts) if any(c.isalnum() for c in part)]


def normal(text: str) -> str:
    """`text` as `occurs` compares it: quotes out, white space single."""
    return " ".join(text.replace('"', " ").replace("'", " ").split())


def occurs(parts: list[str], text: str) -> bool:
    """Whether all `parts` stand in `text` as whole words and in this order; `text` is `normal` already."""
    place = 0
    for part in parts:
        place = _find(normal(part), text, place)
        if place < 0:
            return False
    return True


def _find(part: str, text: str, start: int) -> int:
    if not part:
        return start
    while True:
        at = text.find(part, start)
        if at < 0:
            return -1
        end = at + len(part)
        before = at == 0 or not (_wordy(text[at - 1]) and _wordy(part[0]))
        after = end == len(text) or not (_wordy(text[end]) and _wordy(part[-1]))
        if before and after:
            return end
        start = at + 1


def _wordy(char: str) -> bool:
    return char.isalnum() or char == "_"


def has_mask(text: str) -> str | None:
    """The first placeholder that stands for a secret or personal data in `text`, or None."""
    match = _MASK.search(text)
    return match[0] if match else None


def is_name(text: str, limit: int = 128) -> bool:
    """Whether `text` is one word such as tools, arguments and projects are called by; a sentence is none.

    Names come from servers, folders and files of others; what reads as prose there may be an instruction.
    """
    return len(text) <= limit and _NAME.fullmatch(text) is not None


def prose(text: str) -> str:
    """`text` without its code spans and quotations, which other checks look at."""
    return _QUOTE.sub(" \0 ", _CODE.sub(" \0 ", text))


def prose_words(text: str) -> list[list[str]]:
    """Runs of plain words in `text`, in lower case, broken at code spans and quotations."""
    rest = _QUOTE.sub("\0", _CODE.sub("\0", text))
    return [re.findall(r"\w+", run.lower()) for run in rest.split("\0")]


def constant_text(constant: str) -> str:
    """An argument's constant (`ArgShape.constant`, JSON) as a reader is to see it: text without quotes."""
    try:
        value = json.loads(constant)
    except (ValueError, RecursionError):  # no JSON, or nested without end
        return constant
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
