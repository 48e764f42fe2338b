"""Two lists of edits of one skill brought together. Pure, and the same whichever list came first.

Edits of different items go together, and so do new words and a new place of one item. Of what both say in
the same way one is kept. Everything else that touches is a conflict, in which `ours` stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from skillclaw.skills.edit_records import Edit
from skillclaw.skills.items import same_text
from skillclaw.skills.placing import takes
from skillclaw.skills.records import content_id

__all__ = ["merge"]

_ORDER = {"drop": 0, "change": 1, "move": 2, "add": 3}


def merge(ours: Sequence[Edit], theirs: Sequence[Edit]) -> tuple[list[Edit], list[Edit]]:
    """All edits that go together, in one order for every way that they can come; and those of `theirs` that
    do not go with `ours`, as they were given."""
    mine = _labelled(ours)
    given = list(zip(theirs, _labelled(theirs), strict=True))
    lost: list[Edit] = []
    while True:
        fine = []
        for raw, edit in given:
            against = _conflicts(edit, mine) or (edit.after and any(edit.after == one.item for one in lost))
            if against:
                lost.append(edit)
            else:
                fine.append((raw, edit))
        if len(fine) == len(given):
            break
        given = fine
    left = {id(raw) for raw, _ in given}
    together = _ordered(mine, [edit for _, edit in given])
    return together, [raw for raw in theirs if id(raw) not in left]


def _labelled(edits: Iterable[Edit]) -> list[Edit]:
    """The edits with labels that depend on what is added alone, so that labels of two lists do not meet."""
    edits = list(edits)
    labels = {e.item: content_id("added", *_words(e)) for e in edits if e.op == "add" and e.item}
    found = []
    for edit in edits:
        item = labels.get(edit.item, edit.item) if edit.op == "add" else edit.item
        found.append(msgspec.structs.replace(edit, item=item, after=labels.get(edit.after, edit.after)))
    return found


def _words(edit: Edit) -> tuple[str, str, str]:
    return (edit.kind or "", _section(edit), same_text(edit.text))


def _section(edit: Edit) -> str:
    return edit.section or ("" if edit.after or edit.kind is None else takes(edit.kind))


def _conflicts(edit: Edit, mine: Sequence[Edit]) -> bool:
    return any(_against(edit, one) or _against(one, edit) for one in mine)


def _against(first: Edit, second: Edit) -> bool:
    """Whether one of the two cannot stand beside the other; asked both ways."""
    if first.op == "drop" and second.after == first.item:
        return True
    if first.op != "add" and second.op != "add" and first.item == second.item:
        return not (_same(first, second) or {first.op, second.op} == {"change", "move"})
    says = ("add", "change")
    if first.op in says and second.op in says and same_text(first.text) == same_text(second.text):
        return not _same(first, second)
    return False


def _same(first: Edit, second: Edit) -> bool:
    if first.op != second.op:
        return False
    if first.op == "add":
        return (_words(first), first.after) == (_words(second), second.after)
    plain = [
        msgspec.structs.replace(e, patterns=[], text=same_text(e.text) if e.op == "change" else "")
        for e in (first, second)
    ]
    return plain[0] == plain[1]


def _ordered(mine: Sequence[Edit], theirs: Sequence[Edit]) -> list[Edit]:
    """Both lists as one, by what the edits do; additions and moves to one place keep the order that they have
    in their own list."""
    runs: dict[tuple[int, str, str, int], list[Edit]] = {}
    for side, edits in enumerate((mine, theirs)):
        for edit in _last_words(edits):
            ordered = edit.op in ("move", "add")
            place = (_section(edit), edit.after) if ordered else (edit.item, "")
            runs.setdefault((_ORDER[edit.op], *place, side), []).append(edit)
    depth = _depths([*mine, *theirs])
    keyed = sorted(
        runs.items(),
        key=lambda run: (run[0][0], depth(run[1][0]), run[0][1:3], [_sort(e) for e in run[1]]),
    )
    found: list[Edit] = []
    for _, run in keyed:
        for edit in run:
            known = next((i for i, one in enumerate(found) if _same(one, edit)), None)
            if known is None:
                found.append(edit)
            else:
                found[known] = _joined(found[known], edit)
    return found


def _last_words(edits: Sequence[Edit]) -> list[Edit]:
    """The edits without those that a later one of the same list takes the place of."""
    last = {(str(e.op), e.item): at for at, e in enumerate(edits) if e.op in ("change", "move")}
    return [e for at, e in enumerate(edits) if last.get((e.op, e.item), at) == at]


def _sort(edit: Edit) -> tuple[str, ...]:
    return (*_words(edit), edit.text, edit.item, *edit.patterns)


def _joined(first: Edit, second: Edit) -> Edit:
    same = first.patterns == second.patterns
    return msgspec.structs.replace(
        first,
        item=max(first.item, second.item),
        text=min(first.text, second.text),
        patterns=first.patterns if same else sorted({*first.patterns, *second.patterns}),
    )


def _depths(edits: Sequence[Edit]) -> Callable[[Edit], int]:
    """How many additions each edit waits for: what stands behind another addition comes later than that."""
    behind = {edit.item: edit.after for edit in edits if edit.op == "add" and edit.item}

    def depth(edit: Edit) -> int:
        count, at, seen = 0, edit.after, set[str]()
        while at in behind and at not in seen:
            seen.add(at)
            count, at = count + 1, behind[at]
        return count

    return depth
