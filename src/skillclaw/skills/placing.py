"""Where a line goes in the Markdown of a skill: one body in, one body out, every other byte as it was. Pure.

New lines end as the lines of the file do. A numbered list is numbered anew after a change only where no line
of it is a person's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

import msgspec

from skillclaw.skills.items import Block, blocks, branch_end, join
from skillclaw.skills.records import ItemKind

__all__ = ["EXAMPLES", "FACTS", "MORE", "RULES", "SCRIPTS", "SECTIONS", "STEPS", "WHEN", "WRONG"]
__all__ += ["behind", "has_section", "put", "renumber", "retext", "takes"]

RULES = "Rules"
WHEN = "When to use"
STEPS = "Steps"
WRONG = "What goes wrong"
FACTS = "Facts"
EXAMPLES = "Examples"
SCRIPTS = "Scripts"
MORE = "More"
SECTIONS: dict[str, tuple[ItemKind, ...]] = {
    RULES: ("fix",),
    WHEN: ("condition",),
    STEPS: ("step",),
    SCRIPTS: ("script",),
    WRONG: ("fix", "pitfall"),
    FACTS: ("fact",),
    EXAMPLES: ("example",),
    MORE: ("fact",),
}
"""The sections that SkillClaw writes, in their order, with the kinds of lines that each takes. What is to be
kept always stands first: weak agents follow it there, and further down they do not."""

_LEAD = re.compile(r"^([ \t]*)([-*+]|(\d{1,3})([.)]))([ \t]+)")


def takes(kind: ItemKind) -> str:
    """The section that lines of this kind go to where nothing more is said."""
    return next(section for section, kinds in SECTIONS.items() if kind in kinds and section != RULES)


def has_section(body: str, section: str) -> bool:
    """Whether `body` has a heading with this path."""
    return _heading(blocks(body), section) is not None


def put(body: str, section: str, texts: Sequence[str]) -> str:
    """`body` with `texts` as lines at the end of `section` (`Top` or `Top / Sub`), which is made where it is
    not there: known sections in their order, others at the end. Below a sub-heading lines are numbered."""
    parts, end = blocks(body), _newline(body)
    heading = _heading(parts, section)
    if heading is not None:
        last = _content_end(parts, heading)
        before = next((p for p in reversed(parts[heading + 1 : last]) if p.kind == "item"), None)
        follows = parts[last - 1].kind == "item"
        like = before if before is not None and (follows or _numbered(before)) else None
        raw = _lines(texts, like, numbered=" / " in section, end=end)
        return _glue(parts[:last], raw, parts[last:], tight=follows, end=end)
    top, _, sub = section.partition(" / ")
    raw = _lines(texts, None, numbered=bool(sub), end=end)
    if sub:
        raw = f"### {sub}{end}{end}{raw}"
        above = _heading(parts, top)
        if above is not None:
            stop = _trimmed(parts, above, branch_end(parts, above))
            return _glue(parts[:stop], raw, parts[stop:], tight=False, end=end)
    place = _place(parts, top)
    stop = _trimmed(parts, -1, place)
    return _glue(parts[:stop], f"## {top}{end}{end}{raw}", parts[stop:], tight=False, end=end)


def behind(body: str, index: int, text: str, raw: str = "") -> str:
    """`body` with `text` as a line behind the item that block `index` is, and behind all that belongs to it;
    `raw` is the line as it stood elsewhere, whose words are taken byte for byte."""
    parts, end = blocks(body), _newline(body)
    stop = _extent(parts, index)
    line = _lines([text], parts[index], numbered=False, end=end)
    if raw:
        line = _lead(line) + raw[len(_lead(raw)) :].rstrip("\r\n") + end
    return _glue(parts[:stop], line, parts[stop:], tight=True, end=end)


def retext(part: Block, text: str) -> Block:
    """The item with other words; its marker, its indent and how its last line ends stay."""
    tail = part.raw[len(part.raw.rstrip("\r\n")) :]
    return msgspec.structs.replace(part, raw=f"{_lead(part.raw)}{text}{tail}", text=text)


def renumber(body: str, sections: Collection[str], ours: Callable[[int], bool]) -> str:
    """`body` with the numbered lists of these sections counted from one; lists with a line that is not `ours`
    (asked by the place of its block) stay as they are."""
    parts = blocks(body)
    for section in sections:
        steps = [i for i, p in enumerate(parts) if p.kind == "item" and p.section == section and _numbered(p)]
        if not all(ours(index) for index in steps):
            continue
        for number, index in enumerate(steps, start=1):
            part = parts[index]
            match = _LEAD.match(part.raw)
            if match and match[3] != str(number):
                lead = f"{match[1]}{number}{match[4]}{match[5]}"
                parts[index] = msgspec.structs.replace(part, raw=lead + part.raw[match.end() :])
    return join(parts)


def _newline(body: str) -> str:
    return "\r\n" if "\r\n" in body else "\n"


def _lead(raw: str) -> str:
    match = _LEAD.match(raw)
    return match[0] if match else ""


def _numbered(part: Block) -> bool:
    match = _LEAD.match(part.raw)
    return match is not None and match[3] is not None


def _lines(texts: Sequence[str], like: Block | None, *, numbered: bool, end: str) -> str:
    """`texts` as items that go on after `like`, or begin a list of their own."""
    match = _LEAD.match(like.raw) if like is not None else None
    if match is None:
        leads = [f"{n}. " if numbered else "- " for n in range(1, len(texts) + 1)]
    elif match[3] is None:
        leads = [f"{match[1]}{match[2]} "] * len(texts)
    else:
        first = int(match[3]) + 1
        leads = [f"{match[1]}{first + n}{match[4]} " for n in range(len(texts))]
    return "".join(f"{lead}{text}{end}" for lead, text in zip(leads, texts, strict=True))


def _path(part: Block) -> str:
    return f"{part.section} / {part.text}" if part.section else part.text


def _heading(parts: Sequence[Block], section: str) -> int | None:
    return next(
        (i for i, p in enumerate(parts) if p.kind == "heading" and p.level > 1 and _path(p) == section), None
    )


def _content_end(parts: Sequence[Block], heading: int) -> int:
    """Behind the last thing that the heading's own text says, sub-sections left out."""
    later = range(heading + 1, len(parts))
    return _trimmed(parts, heading, next((i for i in later if parts[i].kind == "heading"), len(parts)))


def _trimmed(parts: Sequence[Block], first: int, end: int) -> int:
    while end > first + 1 and not parts[end - 1].raw.strip():
        end -= 1
    return end


def _place(parts: Sequence[Block], top: str) -> int:
    """Where a new section goes: before the first known section that comes after it."""
    names = list(SECTIONS)
    later = names[names.index(top) + 1 :] if top in SECTIONS else []
    return next(
        (i for i, p in enumerate(parts) if p.kind == "heading" and p.level == 2 and p.text in later),
        len(parts),
    )


def _indent(part: Block) -> int:
    return len(part.raw) - len(part.raw.lstrip(" \t"))


def _extent(parts: Sequence[Block], index: int) -> int:
    """Behind the item, the lines that go on with it unindented, and all that is indented below it."""
    stop = index + 1
    for at in range(index + 1, len(parts)):
        part = parts[at]
        if not part.raw.strip():
            continue
        if part.kind == "text" and at == stop:
            stop = at + 1
            continue
        if part.kind == "heading" or _indent(part) <= (_indent(parts[index]) if part.kind == "item" else 0):
            break
        stop = at + 1
    return stop


def _glue(before: Sequence[Block], raw: str, after: Sequence[Block], *, tight: bool, end: str) -> str:
    """The three put together; one blank line around `raw` where it is not `tight` and none is there."""
    front, back = join(before), join(after)
    if front and not front.endswith(("\n", "\r")):
        front += end
    if front and not tight:
        front += end
    if back and back.strip() and not tight and not back.startswith(("\n", "\r")):
        raw += end
    return f"{front}{raw}{back}"
