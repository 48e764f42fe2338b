"""What is wrong with a draft, before anything is built of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from skillclaw.evolve.drafting.numbering import shifted
from skillclaw.evolve.drafting.records import Draft, Target
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers._select import qualifies, turned_against
from skillclaw.skills.edit_records import Edit, line_fault, section_fault, shown
from skillclaw.skills.frontmatter import DESCRIPTION_MAX, plain
from skillclaw.skills.items import DESCRIPTION
from skillclaw.skills.placing import MORE, SECTIONS, takes
from skillclaw.skills.records import Item, Pattern

__all__ = ["MOST_EDITS", "faults"]

MOST_EDITS = 200
"""Edits of one draft; a skill of 2,000 tokens has fewer lines."""
TITLE_MAX = 80


def faults(draft: Draft, target: Target, items: list[Item], context: EvolveContext) -> list[str]:
    """Every fault of `draft`, a sentence each; ids are resolved already. `items` are the lines there are."""
    if len(draft.edits) > MOST_EDITS:
        return [f"It has {len(draft.edits)} edits; {MOST_EDITS} are the most."]
    found = list(_action(draft, target))
    if found or draft.action in ("skip", "retire"):
        return found
    found += _head(draft)
    patterns = {pattern.id: pattern for pattern in target.patterns}
    known = {item.id: item for item in items}
    cited = {one for edit in draft.edits if edit.op in ("add", "change") for one in edit.patterns}
    labels = {edit.item for edit in draft.edits if edit.op == "add"}
    for number, edit in enumerate(draft.edits, start=1):
        what = f"Edit {number} ({edit.op} {shown(edit.text or edit.item)})"
        found += [f"{what}: {fault}." for fault in _edit(edit, known, labels, patterns, context)]
        if edit.op == "drop" and edit.item in known:
            found += [f"{what}: {f}." for f in _drop(known[edit.item], patterns, cited, context)]
    return [*found, *shifted(draft.edits, items)]


def _action(draft: Draft, target: Target) -> Iterator[str]:
    if draft.action == "create" and target.base is not None:
        yield f"The skill {target.skill} is there already; it can be refined, not created."
    if draft.action in ("refine", "describe", "retire") and target.base is None:
        yield f"There is no skill {target.skill} yet, so it can only be created."
    if draft.action in ("create", "refine") and not draft.edits:
        yield f"A draft that is to {draft.action} has no edits."
    if draft.action in ("describe", "retire", "skip") and draft.edits:
        yield f"A draft that is to {draft.action} has edits; only create and refine have."
    if draft.action == "describe" and not draft.description.strip():
        yield "A draft that is to describe has no description."
    if draft.action == "create" and any(edit.op != "add" for edit in draft.edits):
        yield "A new skill has nothing to change, drop or move; all its edits add."
    if draft.action == "retire" and not any(turned_against(p) for p in target.patterns):
        yield "No pattern of the skill has turned against it, so there is no ground to retire it."


def _head(draft: Draft) -> Iterator[str]:
    text = draft.description
    if draft.action == "create" and not text.strip():
        yield "A new skill has no description."
    if text.strip():
        fault = _words(plain(text), DESCRIPTION_MAX)
        if len(text) > 4 * DESCRIPTION_MAX or fault:
            yield f"The description cannot be taken: {fault or 'it is far too long'}."
    if draft.title.strip() and (fault := _words(draft.title.strip(), TITLE_MAX)):
        yield f"The title cannot be taken: {fault}."


def _words(text: str, most: int) -> str:
    if len(text) > most:
        return f"it has {len(text)} characters, and {most} is the most"
    parts = [text[at : at + 500] for at in range(0, max(len(text), 1), 500)]
    return next((fault for part in parts if (fault := line_fault(part)) and part.strip()), "")


def _edit(
    edit: Edit,
    known: Mapping[str, Item],
    labels: set[str],
    patterns: Mapping[str, Pattern],
    context: EvolveContext,
) -> Iterator[str]:
    if edit.op != "add":
        item = known.get(edit.item)
        if item is None or item.section == DESCRIPTION:
            yield "there is no such item"
            return
        if not item.patterns:
            yield "a person wrote this line, and it stays as it is"
        if item.section == MORE:
            yield "this line points to a reference file, and is kept by itself"
    if edit.after and edit.after not in known and edit.after not in labels:
        yield "what it is to come behind is not there"
    if edit.op in ("add", "change") and (fault := line_fault(edit.text)):
        yield fault
    if edit.op != "move":
        yield from _cites(edit, patterns, context)
    if edit.op in ("add", "move"):
        yield from _section(edit, known)


def _cites(edit: Edit, patterns: Mapping[str, Pattern], context: EvolveContext) -> Iterator[str]:
    if not edit.patterns:
        yield "it cites no pattern, and what nothing supports is not written"
    unknown = [one for one in edit.patterns if one not in patterns]
    if unknown:
        yield f"it cites {', '.join(shown(one) for one in unknown[:3])}, which is no pattern of this skill"
    elif edit.op != "drop" and not any(qualifies(patterns[one], context.policy) for one in edit.patterns):
        yield "none of the patterns that it cites has enough support, or does better than not doing it"


def _section(edit: Edit, known: Mapping[str, Item]) -> Iterator[str]:
    kind = edit.kind or (known[edit.item].kind if edit.item in known else None)
    if kind is None:
        yield "it has no kind"
        return
    if kind == "script" and edit.op == "add":
        yield "a script is not drafted; it is found where sessions wrote the same one"
        return
    anchor = known.get(edit.after)
    section = edit.section or (anchor.section if anchor else takes(kind))
    if any(item.section == section for item in known.values()) and section not in (DESCRIPTION, MORE):
        allowed = SECTIONS.get(section.split(" / ")[0])
        if allowed is not None and kind not in allowed:
            yield f"a {kind} does not stand in {shown(section)}"
        return
    top = section.split(" / ")[0]
    if top not in SECTIONS or top == MORE:
        yield f"there is no section {shown(top)}; a {kind} goes to {takes(kind)}"
    elif kind not in SECTIONS[top]:
        yield f"a {kind} does not stand in {top}; it goes to {takes(kind)}"
    elif fault := section_fault(section):
        yield f"its section cannot be made: {fault}"
    elif " / " in section and kind != "step":
        yield f"only steps have sub-headings; a {kind} goes to {takes(kind)}"


def _drop(
    item: Item, patterns: Mapping[str, Pattern], cited: set[str], context: EvolveContext
) -> Iterator[str]:
    """A line goes when experience speaks against it, when it is out of date, or when another says it."""
    behind = [patterns[one] for one in item.patterns if one in patterns]
    if item.patterns and not behind:
        yield "this cycle knows nothing of what the line rests on, so it stays"
        return
    if set(item.patterns) <= cited:
        return
    good = [p for p in behind if qualifies(p, context.policy) and not p.stale]
    if good:
        yield "experience supports the line still, so it stays unless another line cites the same patterns"
