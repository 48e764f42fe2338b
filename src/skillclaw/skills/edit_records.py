"""One edit of a skill, and what text a line and a heading can have. Pure."""

from __future__ import annotations

import re
from typing import Literal

from skillclaw.errors import BadInputError
from skillclaw.skills.hiding import hidden
from skillclaw.skills.items import DESCRIPTION, same_text
from skillclaw.skills.records import Bundle, File, ItemKind
from skillclaw.trajectory.model import Record

__all__ = ["LINE_MAX", "Edit", "EditError", "Op", "line_fault", "section_fault", "shown"]

Op = Literal["add", "change", "drop", "move"]
LINE_MAX = 800
"""Characters of one line: a longer one is not read."""
SECTION_MAX = 120
_OPENS = re.compile(r"\s*(?:#{1,6}(?:\s|$)|[-*+]\s|\d{1,9}[.)]\s|>|`{3}|~{3}|\||<!--|(?:[-*_=][ \t]*){3,}$)")
"""What Markdown would not read as the words of one line."""


class Edit(Record, frozen=True, kw_only=True):
    """One change of one item.

    item      id of the item that is changed, dropped or moved; of an added one a label, if any, by which the
              `after` of other edits may name it
    kind      of an added item; a changed one keeps its kind where this is None
    section   path of headings (`Steps / Cancel a meeting`) of an added or moved item; empty: where its kind
              goes, or where `after` stands
    text      the words of an added or changed item, one line without its marker
    patterns  ids of the patterns that support it
    after     id (or label) of the item that it comes behind; empty: the end of its section
    """

    op: Op
    item: str = ""
    kind: ItemKind | None = None
    section: str = ""
    text: str = ""
    patterns: list[str] = []
    after: str = ""


class EditError(BadInputError):
    """An edit names no item, or its text cannot stand as a line."""


def line_fault(text: str) -> str:
    """Why `text` cannot be the words of one item, as the end of a sentence; empty where it can."""
    if not text.strip():
        return "it has no words"
    if len(text) > LINE_MAX:
        return f"it has {len(text)} characters, and {LINE_MAX} is the most"
    if re.search(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", text):
        return "it has more than one line"
    if _OPENS.match(text):
        return "it begins like a heading, a list, a quotation, a table or code, not like the words of a line"
    if any(0xD800 <= ord(char) <= 0xDFFF for char in text):
        return "it has half characters, which no file can hold"
    found = hidden(Bundle(name="line", files=[File(path="line.md", data=text.encode())]))
    return found[0].text.replace("line 1 has", "it has").replace("line 1 mixes", "it mixes") if found else ""


def section_fault(section: str) -> str:
    """Why no heading can be called `section` (one or two parts, ` / ` between); empty where one can."""
    parts = section.split(" / ")
    if len(parts) > 2 or len(section) > SECTION_MAX or section == DESCRIPTION:
        return f"a section is `Top` or `Top / Sub`, with at most {SECTION_MAX} characters"
    for part in parts:
        fault = line_fault(part)
        if fault or part != same_text(part) or part.endswith("#"):
            return fault or "it has odd spaces, or ends with `#`"
    return ""


def shown(text: str) -> str:
    """`text` as an error names it: short, on one line, with nothing that could hide in a terminal."""
    line = " ".join(text.split())
    line = line if len(line) <= 60 else line[:57] + "..."
    return f"“{line if line.isprintable() and not line_fault(line or 'x') else ascii(line)[1:-1]}”"
