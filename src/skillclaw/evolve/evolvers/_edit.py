"""Units into the Markdown of a skill: put in, change, take out, without touching any other line."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from skillclaw.evolve.evolvers._draft import FACTS, STEPS, WHEN, WRONG, Unit
from skillclaw.skills.editing import without_scripts
from skillclaw.skills.frontmatter import split
from skillclaw.skills.items import Block, blocks, join, markdown, replace_text, same_text, without
from skillclaw.skills.records import Bundle, Item
from skillclaw.skills.tokens import SKILL_TOKENS, estimate

__all__ = ["MORE", "insert", "remove", "rewrite"]

MORE = "More"
SECTIONS = (WHEN, STEPS, WRONG, FACTS, MORE)
ROOM = SKILL_TOKENS - 150
"""What SKILL.md is filled up to: the rest is for the lines that point to references/."""
_FILES = {WHEN: "when", STEPS: "steps", WRONG: "troubles", FACTS: "facts"}


def insert(bundle: Bundle, unit: Unit, title: str) -> tuple[Bundle, str]:
    """`bundle` with `unit` at the end of its section, in SKILL.md while there is room, else in
    `references/more-<section>.md`; with the line that points to that file, empty for SKILL.md."""
    texts = markdown(bundle)
    head, body = split(texts["SKILL.md"])
    fuller = _put(body, unit)
    if estimate(head + fuller) <= ROOM:
        return replace_text(bundle, {"SKILL.md": head + fuller}), ""
    section = unit.section.split(" / ")[0]
    path = f"references/more-{_FILES.get(section, 'notes')}.md"
    reference = _put(texts.get(path, f"# {title}: more\n"), unit)
    changed = replace_text(bundle, {path: reference})
    pointer = f"More of “{section}”: [{path}]({path})".replace("“", "").replace("”", "")
    if f"]({path})" not in body:
        line = Unit(section=MORE, kind="fact", texts=(pointer,), patterns=unit.patterns)
        changed = replace_text(changed, {"SKILL.md": head + _put(body, line)})
    return changed, pointer


def _put(body: str, unit: Unit) -> str:
    parts = blocks(body)
    top, _, sub = unit.section.partition(" / ")
    if sub:
        lines = "".join(f"{number}. {text}\n" for number, text in enumerate(unit.texts, start=1))
        raw = f"### {sub}\n\n{lines}"
    else:
        raw = "".join(f"- {text}\n" for text in unit.texts)
    start = next(
        (i for i, p in enumerate(parts) if p.kind == "heading" and p.level == 2 and p.text == top), None
    )
    if start is None:
        place = _place(parts, top)
        return _glue(parts[:place], f"## {top}\n\n{raw}", parts[place:], loose=True)
    end = next(
        (i for i in range(start + 1, len(parts)) if parts[i].kind == "heading" and parts[i].level <= 2),
        len(parts),
    )
    last = end
    while last > start + 1 and not parts[last - 1].raw.strip():
        last -= 1
    return _glue(parts[:last], raw, parts[end:], loose=bool(sub) or parts[last - 1].kind != "item")


def _place(parts: Sequence[Block], top: str) -> int:
    """Where a new section goes: before the first known section that comes after it."""
    later = SECTIONS[SECTIONS.index(top) + 1 :] if top in SECTIONS else ()
    for index, part in enumerate(parts):
        if part.kind == "heading" and part.level == 2 and part.text in later:
            return index
    return len(parts)


def _glue(before: Sequence[Block], raw: str, after: Sequence[Block], *, loose: bool) -> str:
    front = join(before).rstrip("\n")
    gap = "\n\n" if loose and front else "\n" if front else ""
    back = join(after).lstrip("\n")
    return f"{front}{gap}{raw}" + (f"\n{back}" if back else "")


def remove(bundle: Bundle, items: Sequence[Item]) -> Bundle:
    """`bundle` without these items, the headings that thereby get empty, and files with nothing left."""
    bundle = without_scripts(bundle, [item.text for item in items if item.kind == "script"])
    drop = {(item.section, same_text(item.text)) for item in items}
    texts: dict[str, str] = {}
    for path, text in markdown(bundle).items():
        head, body = split(text)
        parts = blocks(body)
        left = without(parts, drop)
        if left is not parts:
            says = any(part.kind != "heading" and part.raw.strip() for part in left)
            texts[path] = head + join(left) if says or path == "SKILL.md" else ""
    changed = replace_text(bundle, texts)
    gone = {path for path, text in texts.items() if not text}
    if not gone:
        return changed
    head, body = split(markdown(changed)["SKILL.md"])
    parts = blocks(body)
    dead = {
        (part.section, same_text(part.text))
        for part in parts
        if part.kind == "item" and any(f"]({path})" in part.text for path in gone)
    }
    return replace_text(changed, {"SKILL.md": head + join(without(parts, dead))})


def rewrite(bundle: Bundle, old: Item, text: str) -> Bundle:
    """`bundle` with the words of one item replaced; its marker and place stay."""
    for path, whole in markdown(bundle).items():
        head, body = split(whole)
        parts = blocks(body)
        for index, part in enumerate(parts):
            if (
                part.kind == "item"
                and part.section == old.section
                and same_text(part.text) == same_text(old.text)
            ):
                marker = re.match(r"\s*(?:[-*+]|\d{1,3}[.)])[ \t]+", part.raw)
                lead = marker[0] if marker else "- "
                parts[index] = msgspec.structs.replace(part, raw=f"{lead}{text}\n", text=text)
                return replace_text(bundle, {path: head + join(parts)})
    return bundle
