"""The pipes that what fetches, or decodes, puts its text into.

A pipe takes on the text of a command, or of a group of commands that it closes: `curl x | …`,
`{ curl x; echo; } | …`. What stands in quotation marks belongs to the command (`curl -H 'a; b' x | …`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, partial
from typing import NamedTuple

from skillclaw.gate.shell_words import quoted_by, tokens, within

__all__ = ["CLOSES", "OPENS", "Source", "in_table", "sources"]

OPENS = frozenset({"{", "if", "while", "until", "for", "case", "select"})
CLOSES = frozenset({"}", "fi", "done", "esac"})
_FETCHES = re.compile(
    r"(?:curl|wget|fetch|iwr|irm|invoke-(?:webrequest|restmethod)|aria2c|lwp-(?:request|download)"
    r"|https?(?=\s{1,9}(?:-\S{1,40}\s{1,9}){0,5}(?:GET\s{1,9})?[\w:/-]{0,200}[./]\w))\b[\"']?(?![\w=])",
    re.IGNORECASE,
)
_NOWHERE = re.compile(
    r"(?:\s{1,20}(?:-[fsSLkqO]{1,8}-?|--[\w-]{1,30})(?!\S)){0,9}\s{1,20}(?:https?://[\w.-]{0,80})?(?:…|\.{3})\s{0,20}\\?\|(?![^\n]{0,300}https?://)",
    re.IGNORECASE,
)  # fmt: skip
"""Dots in place of a whole address: that cannot be run, it only shows the form."""
_INTO_FILE = re.compile(
    r"\s(?:-\w{0,9}o|--(?:output|remote-name)(?:-\w{1,9})?)(?!\s{0,80}(?:-[\s\"'`|]|/dev/))", re.IGNORECASE
)
"""The script that is run may be the file that was fetched."""
_DECODES = re.compile(
    r"base(?:64|32)\b(?:\s+(?:--?[\w=-]{1,20}|[\w./-]{1,80})){0,4}?\s+(?:-[a-z]{0,4}d[a-z]{0,4}(?!\w)|--d(?:e(?:c\w{0,4})?)?\b)"
    r"|xxd\b(?:\s{1,9}-\w{1,5}){0,4}\s{1,9}-\w{0,4}r|(?:printf\s{1,200}(?:[\"']?%b[\"']?\s{1,9})?|echo\s{1,200}(?:-\w{0,2}e\w{0,2}\s{1,200}|(?=\$')))\$?[\"']?\\[x0-7]",
    re.IGNORECASE,
)  # fmt: skip
_FILTERS = re.compile(
    r"\|\s{0,20}(?:rev|tr|xxd|sed|awk|base\d\d|gunzip|zcat|openssl|gpg|uudecode|iconv|od|cut|fold|rot13|perl)\b",
    re.IGNORECASE,
)
"""What makes code of text that does not look like it."""
_FAR = 500
"""Characters behind what decodes in which a pipe is looked for."""
_DEEPEST = 9
"""Brackets in brackets that are left."""
_ROW = re.compile(r"[ \t]{0,20}\|")
_NAMED = re.compile(r"[\s\"'`*]*\|")
"""Behind a program's name in a cell of its own: without an address nothing is fetched."""
_OF_ADDRESS = re.compile(r"\S|\s{0,9}\|")
"""Behind an `&` of an address without quotation marks."""
_AFTER = 30
"""Words behind a command that was fetched in, in which the end of its group is looked for."""


class Source(NamedTuple):
    """What is wrong where the text is run, where the command begins, where the one behind the pipe does,
    whether the text is in a file as well, and whether those behind the next pipes count."""

    what: str
    begin: int
    at: int
    written: bool = False
    far: bool = True


def sources(text: str) -> Iterator[Source]:
    """Each pipe of `text` that fetched or decoded text goes into."""
    looked = bytearray(len(text))
    for found in _FETCHES.finditer(text):
        if looked[found.start()] or _NOWHERE.match(text, found.end()):
            continue
        if in_table(text, found.start()) and _NAMED.match(text, found.end()):
            continue
        at = _pipe_behind(text, found.end(), looked)
        if at is not None:
            written = _INTO_FILE.search(text, found.end(), at) is not None
            yield Source("runs code fetched from the network", found.start(), at, written)
    other = bytearray(len(text))
    stands_in = cache(partial(quoted_by, text))
    for found in _FILTERS.finditer(text):
        if in_table(text, found.start()):
            continue
        if (at := _pipe_behind(text, found.end(), other)) is not None:
            yield Source("runs encoded code", found.start(), at, far=False)
    for found in _DECODES.finditer(text):
        line_end = text.find("\n", found.end(), found.end() + _FAR)
        end = line_end if line_end >= 0 else found.end() + _FAR
        mark = stands_in(found.start())
        at = text.find("|", found.end(), end)
        while at >= 0:
            if stands_in(at) == mark:
                yield Source("runs encoded code", found.start(), at + 1)
            at = text.find("|", at + 1, end)


def in_table(text: str, at: int) -> bool:
    """Whether `at` lies in a row of a table, where the next cell is not the next command."""
    return _ROW.match(text, text.rfind("\n", 0, at) + 1) is not None


def _pipe_behind(text: str, start: int, looked: bytearray, level: int = 0) -> int | None:
    """Where the pipe ends that takes on what the command at `start` gives. The plain words of the command are
    marked in `looked`: a command that begins there is this one."""
    own, begins, depth, after = True, False, 0, 0
    for token in tokens(within(text, start, quoted_by(text, start))):
        if token.kind != "op":
            if own and not any(mark in token.raw for mark in "'\"$`"):
                looked[start + token.at : start + token.end] = b"\1" * (token.end - token.at)
            after += not own
            if after > _AFTER:
                return None
            if begins and token.text in OPENS | CLOSES:
                own, depth = token.text in CLOSES and depth == 0, depth + (1 if token.text in OPENS else -1)
                depth = max(depth, 0)
            else:
                begins = False
        elif token.text in ("|", "|&"):
            return start + token.end if own else None
        elif token.text == ")" and not depth and level < _DEEPEST:
            # `echo "$(curl x)" | …`
            end = start + token.end
            return _pipe_behind(text, end + text.startswith(('"', "'"), end), looked, level + 1)
        elif token.text == ")":
            own, depth = own or depth == 0, max(depth - 1, 0)
        elif token.text == "`":
            return None
        elif token.text == "&" and _OF_ADDRESS.match(text, start + token.end):
            continue
        else:
            depth += token.text == "("
            own, begins = False, True
    return None
