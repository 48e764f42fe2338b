"""SKILL.md as items and back, without losing a byte (DESIGN 7.1).

A Markdown text is a row of blocks: headings, items (a bullet or numbered line with its indented
continuation) and everything else. `join(blocks(text)) == text` for any text, so that an edit touches the
lines it means and nothing that a person wrote. Which line is which item is found by its text; a line that no
sidecar knows is a person's own, an item without evidence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Literal

import msgspec

from skillclaw.skills.frontmatter import parse, split
from skillclaw.skills.records import Bundle, File, Item, ItemKind, Sidecar, content_id
from skillclaw.trajectory.model import Record

__all__ = [
    "DESCRIPTION",
    "Block",
    "all_items",
    "blocks",
    "item_id",
    "join",
    "markdown",
    "parse_items",
    "replace_text",
    "same_text",
    "tidy",
    "without",
]

DESCRIPTION = "description"
"""Section of the item that stands for the frontmatter's description."""

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_MARKER = re.compile(r"^ {0,3}([-*+]|\d{1,3}[.)])[ \t]+(\S.*)$")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_KINDS: tuple[tuple[str, ItemKind], ...] = (
    ("when", "condition"),
    ("step", "step"),
    ("procedure", "step"),
    ("how", "step"),
    ("wrong", "fix"),
    ("trouble", "fix"),
    ("error", "fix"),
    ("avoid", "pitfall"),
    ("pitfall", "pitfall"),
    ("don't", "pitfall"),
    ("example", "example"),
)


class Block(Record, frozen=True, kw_only=True):
    """A stretch of Markdown. `raw` holds its bytes; `text` an item's or a heading's words.

    section  headings above it, second level and below, joined by ` / `
    """

    kind: Literal["heading", "item", "text"]
    raw: str
    text: str = ""
    section: str = ""
    level: int = 0


def blocks(text: str) -> list[Block]:
    """`text` as blocks; their `raw` put together is `text` again."""
    found: list[Block] = []
    path: list[tuple[int, str]] = []
    lines = text.splitlines(keepends=True)
    at = 0
    while at < len(lines):
        line = lines[at]
        bare = line.rstrip("\r\n")
        fence = _FENCE.match(bare)
        heading = _HEADING.match(bare)
        marker = _MARKER.match(bare)
        end = at + 1
        if fence:
            while end < len(lines) and not lines[end].lstrip(" ").startswith(fence[1]):
                end += 1
            end = min(end + 1, len(lines))
            block = Block(kind="text", raw="".join(lines[at:end]), section=_section(path))
        elif heading:
            level = len(heading[1])
            path = [entry for entry in path if entry[0] < level]
            block = Block(kind="heading", raw=line, text=heading[2], section=_section(path), level=level)
            if level > 1:
                path.append((level, heading[2]))
        elif marker:
            while end < len(lines) and _continues(lines[end]):
                end += 1
            words = [marker[2], *(part.strip() for part in lines[at + 1 : end])]
            block = Block(
                kind="item",
                raw="".join(lines[at:end]),
                text="\n".join(words).strip(),
                section=_section(path),
            )
        else:
            block = Block(kind="text", raw=line, section=_section(path))
        found.append(block)
        at = end
    return found


def _section(path: list[tuple[int, str]]) -> str:
    return " / ".join(title for _, title in path)


def _continues(line: str) -> bool:
    return bool(line.strip()) and line[0] in " \t" and not _MARKER.match(line.rstrip("\r\n"))


def join(parts: Iterable[Block]) -> str:
    """The text of `parts`."""
    return "".join(part.raw for part in parts)


def same_text(text: str) -> str:
    """`text` as items are compared: one line, single spaces."""
    return " ".join(text.split())


def item_id(skill: str, kind: ItemKind, text: str) -> str:
    """The id that an item gets when it is first written (DESIGN 7.1)."""
    return content_id("item", skill, kind, same_text(text))


def markdown(bundle: Bundle) -> dict[str, str]:
    """The Markdown files of `bundle` by path, SKILL.md first; bytes that are not UTF-8 are left out."""
    found: dict[str, str] = {}
    for file in sorted(bundle.files, key=lambda f: (f.path != "SKILL.md", f.path)):
        if file.path.lower().endswith(".md"):
            try:
                found[file.path] = file.data.decode("utf-8")
            except UnicodeDecodeError:
                continue
    return found


def parse_items(skill: str, body: str, known: Iterable[Item] = ()) -> list[Item]:
    """The items of a Markdown body. Those in `known` keep their id, kind and evidence; others have none."""
    by_text: dict[str, list[Item]] = {}
    for item in known:
        by_text.setdefault(same_text(item.text), []).append(item)
    found = []
    for block in blocks(body):
        if block.kind != "item":
            continue
        candidates = by_text.get(same_text(block.text), [])
        same = next((i for i in candidates if i.section == block.section), None)
        if same is None and candidates:
            same = msgspec.structs.replace(candidates[0], section=block.section)
        if same is not None:
            if same in candidates:
                candidates.remove(same)
            found.append(same)
            continue
        kind = _kind(block.section)
        found.append(
            Item(id=item_id(skill, kind, block.text), kind=kind, text=block.text, section=block.section)
        )
    return found


def _kind(section: str) -> ItemKind:
    low = section.lower()
    return next((kind for word, kind in _KINDS if word in low), "fact")


def all_items(bundle: Bundle, sidecar: Sidecar | None) -> list[Item]:
    """Every item of `bundle`: its description first, then the lines of its Markdown files.

    Raises BadInputError where SKILL.md has no valid frontmatter.
    """
    known = list(sidecar.items) if sidecar else []
    found: list[Item] = []
    for path, text in markdown(bundle).items():
        body = split(text)[1]
        if path == "SKILL.md":
            head, body = parse(text)
            described = next(
                (
                    item
                    for item in known
                    if item.section == DESCRIPTION and same_text(item.text) == same_text(head.description)
                ),
                Item(
                    id=item_id(bundle.name, "condition", head.description),
                    kind="condition",
                    text=head.description,
                    section=DESCRIPTION,
                ),
            )
            found.append(described)
        lines = parse_items(bundle.name, body, known)
        used = {item.id for item in lines}
        known = [item for item in known if item.id not in used]
        found += lines
    return found


def without(parts: list[Block], drop: Collection[tuple[str, str]]) -> list[Block]:
    """`parts` without the items whose (section, `same_text`) is in `drop`.

    Headings that thereby lose their last content go too; headings that were empty before stay.
    """
    gone = {
        index
        for index, part in enumerate(parts)
        if part.kind == "item" and (part.section, same_text(part.text)) in drop
    }
    if not gone:
        return parts
    for index, part in enumerate(parts):
        if part.kind == "heading" and part.level > 1:
            inside = range(index + 1, _end(parts, index))
            if any(i in gone for i in inside) and not any(_says(parts[i]) and i not in gone for i in inside):
                gone.add(index)
                # The blank lines below a heading belong to it.
                for below in inside:
                    if parts[below].raw.strip():
                        break
                    gone.add(below)
    return tidy([part for index, part in enumerate(parts) if index not in gone])


def _end(parts: list[Block], heading: int) -> int:
    level = parts[heading].level
    later = range(heading + 1, len(parts))
    return next((i for i in later if parts[i].kind == "heading" and parts[i].level <= level), len(parts))


def _says(part: Block) -> bool:
    return part.kind != "heading" and bool(part.raw.strip())


def tidy(parts: list[Block]) -> list[Block]:
    """`parts` with single blank lines only, and none at the end."""
    kept: list[Block] = []
    for part in parts:
        if part.raw.strip() or (kept and kept[-1].raw.strip()):
            kept.append(part)
    while kept and not kept[-1].raw.strip():
        kept.pop()
    return kept


def replace_text(bundle: Bundle, texts: dict[str, str]) -> Bundle:
    """`bundle` with the Markdown files given replaced, added (new path) or removed (empty text)."""
    files = {file.path: file for file in bundle.files}
    for path, text in texts.items():
        if not text:
            files.pop(path, None)
        elif path in files:
            files[path] = msgspec.structs.replace(files[path], data=text.encode("utf-8"))
        else:
            files[path] = File(path=path, data=text.encode("utf-8"))
    return Bundle(name=bundle.name, files=[files[path] for path in sorted(files)])
