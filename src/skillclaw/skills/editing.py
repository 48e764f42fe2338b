"""Edits written into the files of a skill; no other line of it changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from skillclaw.skills.edit_records import Edit, EditError, line_fault, section_fault, shown
from skillclaw.skills.frontmatter import split
from skillclaw.skills.items import (
    DESCRIPTION,
    Placed,
    blocks,
    cut,
    item_id,
    join,
    markdown,
    placed_lines,
    replace_text,
    same_text,
)
from skillclaw.skills.placing import (
    EXAMPLES,
    FACTS,
    MORE,
    RULES,
    SCRIPTS,
    STEPS,
    WHEN,
    WRONG,
    behind,
    has_section,
    put,
    renumber,
    retext,
    takes,
)
from skillclaw.skills.records import Bundle, Item
from skillclaw.skills.tokens import SKILL_TOKENS, estimate

__all__ = ["apply", "without_scripts"]

ROOM = SKILL_TOKENS - 150
"""Tokens that SKILL.md is filled up to: the rest is for the lines that point to references/."""
_FILES = {
    RULES: "rules",
    WHEN: "when",
    STEPS: "steps",
    WRONG: "troubles",
    FACTS: "facts",
    EXAMPLES: "examples",
    SCRIPTS: "scripts",
}


def apply(
    bundle: Bundle, items: Sequence[Item], edits: Sequence[Edit], title: str
) -> tuple[Bundle, list[Item]]:
    """`bundle` with `edits` made, and all its items, lines of people included; new ones cite their patterns
    and have no evidence yet. `title` heads reference files.

    Drops come first, then changes, moves and additions, each in the order given. An addition whose words
    stand in its section already adds its patterns to that line. New lines go to SKILL.md while there is room
    (about 2,000 tokens), else to references/, where a line of SKILL.md points. Raises EditError.
    """
    work = _Work(bundle, items, title)
    for op in ("drop", "change", "move", "add"):
        batch = [edit for edit in edits if edit.op == op]
        if op == "drop":
            work.drop(batch)
        elif op == "change":
            for edit in batch:
                work.change(edit)
        else:
            for run in _runs(batch, work):
                work.place(run)
    return work.done()


def _runs(batch: Sequence[Edit], work: _Work) -> Iterable[list[Edit]]:
    """Additions below one new sub-heading stand together, wherever they go; all else goes one by one."""
    run: list[Edit] = []
    for edit in batch:
        whole = edit.op == "add" and not edit.after and " / " in edit.section
        if run and not (whole and run[0].section == edit.section and not work.has(edit.section)):
            yield run
            run = []
        run.append(edit)
        if not whole:
            yield run
            run = []
    if run:
        yield run


class _Work:
    """A skill while edits are made: its files, and its items by id."""

    def __init__(self, bundle: Bundle, items: Sequence[Item], title: str) -> None:
        self.bundle = bundle
        described = [item for item in items if item.section == DESCRIPTION]
        lines = [placed.item for placed in placed_lines(bundle, items)]
        self.items = {item.id: item for item in [*described, *lines]}
        self.title = title
        self.labels: dict[str, str] = {}
        self.last: dict[str, str] = {}
        self.touched: set[str] = set()

    def has(self, section: str) -> bool:
        return any(has_section(split(text)[1], section) for text in markdown(self.bundle).values())

    def find(self, identity: str, what: str) -> Placed:
        """Where the item with this id or label stands."""
        own = self.labels.get(identity, identity)
        for placed in placed_lines(self.bundle, self.items.values()):
            if placed.item.id == own:
                return placed
        raise EditError(f"An edit {what} the item {shown(identity)}, which is not there.")

    def drop(self, batch: Sequence[Edit]) -> None:
        for edit in batch:
            placed = self.find(edit.item, "drops")
            self._take_out(placed)
            del self.items[edit.item]
            if placed.item.kind == "script":
                self.bundle = without_scripts(self.bundle, [placed.item.text])

    def _take_out(self, placed: Placed) -> str:
        """Cut the item out; returns the line as it stood."""
        head, body = split(markdown(self.bundle)[placed.path])
        parts = blocks(body)
        raw = parts[placed.place].raw
        left = cut(parts, {placed.place})
        self.touched.add(placed.item.section)
        says = any(part.kind != "heading" and part.raw.strip() for part in left)
        if says or placed.path == "SKILL.md":
            self._write(placed.path, head + join(left))
            return raw
        self.bundle = replace_text(self.bundle, {placed.path: ""})
        for pointer in placed_lines(self.bundle, self.items.values()):
            if pointer.path == "SKILL.md" and f"]({placed.path})" in pointer.item.text:
                self._take_out(pointer)
                self.items.pop(pointer.item.id, None)
                break
        return raw

    def change(self, edit: Edit) -> None:
        placed = self.find(edit.item, "changes")
        text = _line(edit)
        self._only(placed.item.section, text, placed.item.id)
        head, body = split(markdown(self.bundle)[placed.path])
        parts = blocks(body)
        parts[placed.place] = retext(parts[placed.place], text)
        self.items[edit.item] = msgspec.structs.replace(
            placed.item,
            text=text,
            kind=edit.kind or placed.item.kind,
            patterns=edit.patterns or placed.item.patterns,
        )
        self._write(placed.path, head + join(parts))

    def _only(self, section: str, text: str, identity: str = "") -> None:
        for item in self.items.values():
            if item.id != identity and item.section == section and same_text(item.text) == same_text(text):
                raise EditError(f"Two lines of {shown(section)} would say the same: {shown(text)}.")

    def place(self, run: Sequence[Edit]) -> None:
        """Move one item, or add those of one run."""
        first = run[0]
        anchor = self.find(self.last.get(first.after, first.after), "comes after") if first.after else None
        if first.op == "move":
            placed = self.find(first.item, "moves")
            if anchor is not None and anchor.item.id == placed.item.id:
                raise EditError(f"An edit moves the item {shown(first.item)} behind itself.")
            section = first.section or (anchor.item.section if anchor else placed.item.section)
            self._check_place(first, section, anchor)
            self._only(section, placed.item.text, placed.item.id)
            raw = self._take_out(placed)
            anchor = self.find(self.last.get(first.after, first.after), "comes after") if anchor else None
            self.items[first.item] = msgspec.structs.replace(
                placed.item, section=section, kind=first.kind or placed.item.kind
            )
            if anchor is not None:
                self._behind(anchor, placed.item.text, raw)
            else:
                self._at_end(section, [placed.item.text], placed.item.patterns)
            self._remember(first, first.item)
            return
        fresh: list[str] = []
        for edit in run:
            if edit.kind is None:
                raise EditError(f"An addition has no kind: {shown(edit.text)}.")
            section = edit.section or (anchor.item.section if anchor else takes(edit.kind))
            self._check_place(edit, section, anchor)
            item = self._fresh(edit, _line(edit), section)
            if item is not None:
                fresh.append(item.id)
        if fresh and anchor is not None:
            self._behind(anchor, self.items[fresh[0]].text)
        elif fresh:
            added = [self.items[one] for one in fresh]
            patterns = [pattern for item in added for pattern in item.patterns]
            self._at_end(added[0].section, [item.text for item in added], patterns)

    def _check_place(self, edit: Edit, section: str, anchor: Placed | None) -> None:
        if anchor is not None and anchor.item.section != section:
            raise EditError(f"The item {shown(edit.after)} does not stand in {shown(section)}.")
        fault = "" if anchor is not None or self.has(section) else section_fault(section)
        if fault:
            raise EditError(f"There can be no section {shown(section)}: {fault}.")

    def _fresh(self, edit: Edit, text: str, section: str) -> Item | None:
        """The new item; None where the line is there already, which then has the patterns as well."""
        for item in self.items.values():
            if item.section == section and same_text(item.text) == same_text(text):
                if item.patterns:
                    joined = [*item.patterns, *(p for p in edit.patterns if p not in item.patterns)]
                    self.items[item.id] = msgspec.structs.replace(item, patterns=joined)
                self._remember(edit, item.id)
                return None
        kind = edit.kind or "fact"
        identity, copies = item_id(self.bundle.name, kind, text), 1
        while identity in self.items:
            copies += 1
            identity = item_id(self.bundle.name, kind, f"{text} {copies}")
        made = Item(id=identity, kind=kind, text=text, section=section, patterns=list(edit.patterns))
        self.items[identity] = made
        self._remember(edit, identity)
        return made

    def _remember(self, edit: Edit, identity: str) -> None:
        if edit.op == "add" and edit.item:
            if edit.item in self.labels or edit.item in self.items:
                raise EditError(f"Two items are called {shown(edit.item)}.")
            self.labels[edit.item] = identity
        if edit.after:
            # What comes behind the same item keeps its order.
            self.last[edit.after] = identity

    def _behind(self, anchor: Placed, text: str, raw: str = "") -> None:
        head, body = split(markdown(self.bundle)[anchor.path])
        self.touched.add(anchor.item.section)
        self._write(anchor.path, head + behind(body, anchor.place, text, raw))

    def _at_end(self, section: str, texts: Sequence[str], patterns: Sequence[str]) -> None:
        """At the end of the section: of the file that has a procedure already, of SKILL.md while there is
        room, else of the file under references/."""
        self.touched.add(section)
        files = markdown(self.bundle)
        top = section.split(" / ")[0]
        own = next((path for path, text in files.items() if has_section(split(text)[1], section)), "SKILL.md")
        path = own if " / " in section or own == "SKILL.md" else "SKILL.md"
        head, body = split(files[path])
        fuller = head + put(body, section, texts)
        procedure = " / " in section and self.has(section)
        if procedure or path != "SKILL.md" or estimate(fuller) <= ROOM:
            self._write(path, fuller)
            return
        path = f"references/more-{_FILES.get(top, 'notes')}.md"
        self._write(path, put(files.get(path, f"# {self.title}: more\n"), section, texts))
        name = top.replace("“", "").replace("”", "")
        pointer = f"More of {name}: [{path}]({path})"
        known = next((i for i in self.items.values() if f"]({path})" in i.text), None)
        if known is not None:
            if known.patterns:
                joined = sorted({*known.patterns, *patterns})
                self.items[known.id] = msgspec.structs.replace(known, patterns=joined)
            return
        identity = item_id(self.bundle.name, "fact", pointer)
        behind_it = list(dict.fromkeys(patterns))
        self.items[identity] = Item(id=identity, kind="fact", text=pointer, section=MORE, patterns=behind_it)
        self._write("SKILL.md", head + put(body, MORE, [pointer]))

    def _write(self, path: str, text: str) -> None:
        self.bundle = replace_text(self.bundle, {path: text})

    def done(self) -> tuple[Bundle, list[Item]]:
        """The files with their lists numbered, and the items in the order in which they stand."""
        for path, text in markdown(self.bundle).items():
            ours = {
                placed.place
                for placed in placed_lines(self.bundle, self.items.values())
                if placed.path == path and placed.item.patterns
            }
            head, body = split(text)
            again = renumber(body, self.touched, ours.__contains__)
            if again != body:
                self._write(path, head + again)
        placed = [one.item for one in placed_lines(self.bundle, self.items.values())]
        described = [item for item in self.items.values() if item.section == DESCRIPTION]
        found = {item.id: item for item in [*described, *placed]}
        lost = next((item for item in self.items.values() if found.get(item.id) != item), None)
        if lost is not None:
            raise EditError(f"This cannot stand as a line of its own: {shown(lost.text)}.")
        return self.bundle, list(found.values())


def without_scripts(bundle: Bundle, texts: Sequence[str]) -> Bundle:
    """`bundle` without the scripts that these lines name: a script goes with its line."""
    gone = {f.path for f in bundle.files for text in texts if f"]({f.path})" in text}
    files = [f for f in bundle.files if f.path not in gone or not f.path.startswith("scripts/")]
    return Bundle(name=bundle.name, files=files)


def _line(edit: Edit) -> str:
    text = edit.text.strip()
    fault = line_fault(text)
    if fault:
        raise EditError(f"This cannot be a line of a skill, since {fault}: {shown(text)}.")
    return text
