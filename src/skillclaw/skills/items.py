"""SKILL.md as items and back, without losing a byte.

A Markdown text is a row of blocks: headings, items (a bullet or numbered line with its indented
continuation) and everything else. `join(blocks(text)) == text` for any text, so that an edit touches the
lines it means and nothing that a person wrote. Which line is which item is found by its text; a line that no
sidecar knows is a person's own, an item without evidence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from skillclaw.skills.frontmatter import parse, split
from skillclaw.skills.records import Bundle, File, Item, ItemKind, Sidecar, content_id
from skillclaw.trajectory.model import Record

__all__ = [
    "DESCRIPTION",
    "Block",
    "Placed",
    "all_items",
    "blocks",
    "branch_end",
    "cut",
    "item_id",
    "join",
    "kind_of",
    "markdown",
    "parse_items",
    "placed_items",
    "placed_lines",
    "replace_text",
    "same_text",
    "without",
]

DESCRIPTION = "description"
"""Section of the item that stands for the frontmatter's description."""

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_MARKER = re.compile(r"^ {0,3}([-*+]|\d{1,3}[.)])[ \t]+(\S.*)$")
_FENCE = re.compile(r"^ {0,3}(```+(?!.*`)|~~~+)")
_INNER_FENCE = re.compile(r"^[ \t]+(```+(?!.*`)|~~~+)")
_BREAK = re.compile(r"^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$")
"""A thematic break, which may begin like a bullet: `- - -`."""
_COMMENT = re.compile(r"^ {0,3}<!--")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""A line of Markdown with its end; other characters that Python takes for line ends are part of the line."""
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
    ("script", "script"),
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
    lines = _LINE.findall(text)
    at = 0
    while at < len(lines):
        line = lines[at]
        bare = line.rstrip("\r\n")
        fence = _FENCE.match(bare)
        heading = _HEADING.match(bare)
        marker = _MARKER.match(bare) if not _BREAK.match(bare) else None
        end = at + 1
        if fence:
            end = _fence_end(lines, at, fence[1])
            block = Block(kind="text", raw="".join(lines[at:end]), section=_section(path))
        elif _COMMENT.match(bare):
            # What is in a comment is neither a heading nor an item, whatever it looks like.
            while "-->" not in lines[end - 1] and end < len(lines):
                end += 1
            block = Block(kind="text", raw="".join(lines[at:end]), section=_section(path))
        elif heading:
            level = len(heading[1])
            path = [entry for entry in path if entry[0] < level]
            block = Block(kind="heading", raw=line, text=heading[2], section=_section(path), level=level)
            if level > 1:
                path.append((level, heading[2]))
        elif marker:
            while end < len(lines) and _continues(lines[end]):
                inner = _INNER_FENCE.match(lines[end].rstrip("\r\n"))
                end = _fence_end(lines, end, inner[1], inside=True) if inner else end + 1
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


def _fence_end(lines: list[str], start: int, fence: str, *, inside: bool = False) -> int:
    """Where the code that `fence` opens in line `start` ends: behind its closing line; in an item
    (`inside`) also where a line is not indented, because there the item ends."""
    end = start + 1
    while end < len(lines):
        bare = lines[end].strip()
        if inside and bare and lines[end][0] not in " \t":
            return end
        end += 1
        if len(bare) >= len(fence) and not bare.strip(fence[0]):
            return end
    return end


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
    """The id that an item gets when it is first written."""
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


class Placed(NamedTuple):
    """An item where it stands: block `place` of the body of the file at `path`; -1: the description."""

    path: str
    place: int
    item: Item


def parse_items(skill: str, body: str, known: Iterable[Item] = ()) -> list[Item]:
    """The items of a Markdown body. Those in `known` keep their id, kind and evidence; others have none."""
    return [placed.item for placed in _align(skill, {"": blocks(body)}, known)]


def _align(skill: str, bodies: Mapping[str, list[Block]], known: Iterable[Item]) -> list[Placed]:
    """The items of all bodies. A known line that stands in its own section is found before one that was
    moved, so that a copy elsewhere does not take its identity; each identity is given once."""
    places = [(path, i) for path, parts in bodies.items() for i, b in enumerate(parts) if b.kind == "item"]
    exact: dict[tuple[str, str], list[Item]] = {}
    for item in known:
        exact.setdefault((item.section, same_text(item.text)), []).append(item)
    found: dict[tuple[str, int], Item] = {}
    for path, index in places:
        block = bodies[path][index]
        here = exact.get((block.section, same_text(block.text)))
        if here:
            found[path, index] = here.pop(0)
    moved: dict[str, list[Item]] = {}
    for (_, text), left in exact.items():
        moved.setdefault(text, []).extend(left)
    taken = {item.id for item in found.values()}
    counted: dict[tuple[str, str], int] = {}  # copies of a line so far: thousands of one are not counted anew
    for path, index in places:
        if (path, index) in found:
            continue
        block = bodies[path][index]
        candidates = moved.get(same_text(block.text))
        if candidates:
            item = msgspec.structs.replace(candidates.pop(0), section=block.section)
        else:
            kind = kind_of(block.section)
            item = Item(
                id=item_id(skill, kind, block.text), kind=kind, text=block.text, section=block.section
            )
            text = same_text(block.text)
            copies = counted.get((kind, text), 1)
            while item.id in taken:
                copies += 1
                item = msgspec.structs.replace(item, id=content_id("item", skill, kind, text, copies))
            counted[kind, text] = copies
        taken.add(item.id)
        found[path, index] = item
    return [Placed(path, index, found[path, index]) for path, index in places]


def kind_of(section: str) -> ItemKind:
    """The kind of a line that no sidecar knows, by what the headings above it say."""
    low = section.lower()
    return next((kind for word, kind in _KINDS if word in low), "fact")


def all_items(bundle: Bundle, sidecar: Sidecar | None) -> list[Item]:
    """Every item of `bundle`: its description first, then the lines of its Markdown files.

    Raises BadInputError where SKILL.md has no valid frontmatter.
    """
    return [placed.item for placed in placed_items(bundle, sidecar.items if sidecar else ())]


def placed_items(bundle: Bundle, known: Iterable[Item]) -> list[Placed]:
    """As `all_items`, with where each item stands."""
    known = list(known)
    texts = markdown(bundle)
    found: list[Placed] = []
    if "SKILL.md" in texts:
        head, _ = parse(texts["SKILL.md"])
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
        found.append(Placed("SKILL.md", -1, described))
    return found + placed_lines(bundle, known)


def placed_lines(bundle: Bundle, known: Iterable[Item]) -> list[Placed]:
    """As `placed_items`, without the description: SKILL.md's frontmatter is not looked at."""
    bodies = {path: blocks(split(text)[1]) for path, text in markdown(bundle).items()}
    return _align(bundle.name, bodies, (item for item in known if item.section != DESCRIPTION))


def without(parts: list[Block], drop: Collection[tuple[str, str]]) -> list[Block]:
    """`parts` without the items whose (section, `same_text`) is in `drop`.

    Headings that thereby lose their last content go too; headings that were empty before stay, and so does
    every blank line that is not at a gap.
    """
    gone = {
        index
        for index, part in enumerate(parts)
        if part.kind == "item" and (part.section, same_text(part.text)) in drop
    }
    return cut(parts, gone) if gone else parts


def cut(parts: list[Block], items: Collection[int]) -> list[Block]:
    """`parts` without the items at these places, and the headings that thereby lose their last content."""
    gone = set(items)
    for index, part in enumerate(parts):
        if part.kind == "heading" and part.level > 1:
            inside = range(index + 1, branch_end(parts, index))
            if any(i in gone for i in inside) and not any(_says(parts[i]) and i not in gone for i in inside):
                gone.add(index)
                # The blank lines below a heading belong to it.
                for below in inside:
                    if parts[below].raw.strip():
                        break
                    gone.add(below)
    return _closed(parts, gone)


def _closed(parts: list[Block], gone: Collection[int]) -> list[Block]:
    """`parts` without those in `gone`, with one gap where there were two; blank lines elsewhere stay."""
    kept: list[Block] = []
    seam = False
    for index, part in enumerate(parts):
        if index in gone:
            seam = True
        elif part.raw.strip():
            seam = False
            kept.append(part)
        elif not seam or (kept and kept[-1].raw.strip()):
            kept.append(part)
    while seam and kept and not kept[-1].raw.strip():
        kept.pop()
    return kept


def branch_end(parts: Sequence[Block], heading: int) -> int:
    """The place behind the last block under the heading at `heading`, subheadings and their text included."""
    level = parts[heading].level
    later = range(heading + 1, len(parts))
    return next((i for i in later if parts[i].kind == "heading" and parts[i].level <= level), len(parts))


def _says(part: Block) -> bool:
    return part.kind != "heading" and bool(part.raw.strip())


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
