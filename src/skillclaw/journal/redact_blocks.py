"""Values whose names stand further up: the columns of an INSERT, the entries of a block called `secrets`."""

# ruff: noqa: E501  (one form a line reads best)

from __future__ import annotations

import re

from skillclaw.journal.redact_columns import judge_of
from skillclaw.journal.redact_judge import is_placeholder, is_reference, looks_made
from skillclaw.journal.redact_text import HOLE, Masker, holds

__all__ = ["mask_blocks"]

_Q = r"\\{0,15}[\"'`]"
_INSERT = re.compile(
    rf"(?i:\b(?:insert|replace)\s(?:\w{{1,12}}\s){{0,3}}into)\s{{1,3}}[\w.\"`\[\]\\-]{{1,100}}\s{{0,3}}\((?P<names>[^()\n{HOLE}]{{1,1000}})\)(?:\s|\\n){{0,8}}(?i:values)(?:\s|\\n){{0,8}}(?=\()"
)
_ROW = re.compile(r"\((?P<row>(?:[^()'\n]|'(?:[^'\n]|'')*+'|\([^()\n]{0,80}\)){1,4000}+)\)(?:\s|\\n|,){0,8}")
_CELL = re.compile(
    rf"\s{{0,8}}(?:[NEe]?(?P<q>\\{{0,15}}['\"])(?P<v>[^'\"\\{HOLE}]{{0,512}}+)(?P=q)|(?P<bare>[^,'\"]{{0,200}}+))[^,]{{0,80}}?(?:,|\Z)"
)
MOST_ROWS = 500

_BLOCK = re.compile(
    r"(?i:(?:^|(?<=\n)|(?<=\\n))(?P<lead>[ \t+|-]{0,40}(?:\d{1,6}[→\t:|][ \t]{0,20})?)(?:[\w.-]{0,24}[_-])?(?:secrets?|credentials?|passwords?|tokens?|api_?keys?)\s?:[ \t]{0,4}(?:\r?\n|\\n))"
)
_ENTRY = re.compile(
    rf"(?P<lead>[ \t+|-]{{0,60}}(?:\d{{1,6}}[→\t:|][ \t]{{0,40}})?)(?:- )?[\w.-]{{1,60}}:[ \t]{{1,8}}(?:{_Q})?(?P<v>[^\s\"'`\\{HOLE}]{{0,512}}+)(?:{_Q})?[^\n\\]{{0,120}}?(?:\r?\n|\\n|\Z)"
)
MOST_ENTRIES = 40
_HEADS = ("secret", "credential", "password", "token", "key")


def mask_blocks(text: str, folded: str, masker: Masker) -> str:
    """The text with the values masked whose names stand in a list before. `folded`: in lower case, in place."""
    if " into " in folded and "values" in folded:
        text = _inserts(text, masker)
    if (":\n" in text or ": \n" in text or ":\\n" in text or ":\r\n" in text) and holds(_HEADS, folded):
        text = _entries(text, masker)
    return text


def _inserts(text: str, masker: Masker) -> str:
    parts: list[str] = []
    done = 0
    for insert in _INSERT.finditer(text):
        if insert.start() < done:
            continue
        names = [re.sub(r"[^\w .-]", "", name).strip() for name in insert["names"].split(",")]
        judges = [judge_of(name, quoted=True) if name else None for name in names]
        if not any(judges):
            continue
        at = insert.end()
        for _ in range(MOST_ROWS):
            row = _ROW.match(text, at)
            if row is None:
                break
            start = row.start("row")
            for cell, judge in zip(_CELL.finditer(row["row"]), judges, strict=False):
                group = "v" if cell["q"] else "bare"
                value = cell[group] or ""
                kind = judge(value.strip()) if judge is not None and len(value.strip()) >= 4 else ""
                if kind:
                    begin = start + cell.start(group) + len(value) - len(value.lstrip())
                    parts += [text[done:begin], masker.mask(kind, value.strip())]
                    done = begin + len(value.strip())
            at = row.end()
    return "".join([*parts, text[done:]]) if parts else text


def _entries(text: str, masker: Masker) -> str:
    parts: list[str] = []
    done = 0
    for block in _BLOCK.finditer(text):
        at = block.end()
        depth = len(block["lead"])
        for _ in range(MOST_ENTRIES):
            entry = _ENTRY.match(text, at)
            if entry is None or (len(entry["lead"]) <= depth and not entry[0].lstrip(" +").startswith("- ")):
                break
            value = entry["v"]
            if (
                entry.start("v") >= done
                and len(value) >= 12
                and looks_made(value)
                and not is_placeholder(value)
                and not is_reference(value)
            ):
                parts += [text[done : entry.start("v")], masker.mask("secret:value", value)]
                done = entry.end("v")
            at = entry.end()
    return "".join([*parts, text[done:]]) if parts else text
