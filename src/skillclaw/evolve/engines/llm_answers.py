"""Answers of a model as drafts: labels become ids, kinds become sections, and what fits nothing is a fault.

A fault is a sentence that the model can act on. The edits that are right stay right whatever the others say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from skillclaw.evolve.dossier import Dossier, line
from skillclaw.evolve.drafting import Draft
from skillclaw.evolve.engines.llm_records import Change, NewLine, NewSkill, Revision
from skillclaw.skills.edits import Edit
from skillclaw.skills.placing import STEPS, takes
from skillclaw.skills.records import Item

__all__ = ["as_draft", "bare_line", "ticked"]

_LEAD = re.compile(r"^(?:[-*+>#]+|\d{1,3}[.)])\s+")
_LABEL = re.compile(r"\b[PL]\d{1,4}\b")
_SPAN = re.compile(r"(`+[^`]*`+)")
_END = re.compile(r"[\s.!?]+$")


def bare_line(text: str) -> str:
    """A line of an answer without the marker or heading sign that models like to put before it."""
    text = line(text, 4000)
    while (lead := _LEAD.match(text)) is not None:
        text = text[lead.end() :]
    return text.strip()


def as_draft(
    answer: NewSkill | Revision, view: Dossier, items: Mapping[str, Item]
) -> tuple[Draft, list[str]]:
    """The draft that an answer means, and what is wrong with it. `items` are the skill's items by id."""
    faults: list[str] = []
    edits: list[Edit] = []
    given: list[NewLine | Change] = list(answer.lines if isinstance(answer, NewSkill) else answer.changes)
    for number, one in enumerate(given if answer.action in ("create", "refine") else [], 1):
        made = _edit(number, one, view, items, edits[-1].section if edits else "")
        if isinstance(made, str):
            faults.append(made)
        elif made not in edits:
            edits.append(made)
    title = line(answer.title, 80) if isinstance(answer, NewSkill) else ""
    draft = Draft(
        action=answer.action,
        why=line(answer.why, 300),
        description=_described(answer.description),
        title=title.strip("# "),
        edits=edits,
    )
    return draft, faults


def _described(text: str) -> str:
    """Angle brackets and backticks have no place in a description: hosts read the one as markup."""
    text = re.sub(r"<([^<>]*)>", r"\1", line(text, 1000)).replace("`", "")
    return text.replace("<", "").replace(">", "").strip()


def _edit(
    number: int, one: NewLine | Change, view: Dossier, items: Mapping[str, Item], before: str
) -> Edit | str:
    """The edit that one line means, or what is wrong with it. `before`: the section of the edit before it."""
    where = f"Line {number}" if isinstance(one, NewLine) else f"Change {number}"
    op = "add" if isinstance(one, NewLine) else one.op
    text = bare_line(one.text) if op in ("add", "change") else ""
    if op in ("add", "change") and not text:
        return f"{where} has no text."
    known = list(dict.fromkeys(label for text in one.evidence for label in _LABEL.findall(text.upper())))
    patterns = [view.patterns[label] for label in known if label in view.patterns]
    if not patterns and op != "move":
        shown = f"({', '.join(known[:4])}) " if known else ""
        return f"{where} {shown}names no pattern as evidence; the patterns are {', '.join(view.patterns)}."
    item = items.get(_label(one.item, view)) if isinstance(one, Change) and op != "add" else None
    if op != "add":
        if item is None:
            return f"{where} names no line of the skill; the lines are {', '.join(view.items) or 'none'}."
        if not item.evidence and not item.patterns:
            return f"{where}: a person wrote that line; it stays."
    after = items.get(_label(one.after, view)) if isinstance(one, Change) and one.after else None
    if op == "move" and after is None:
        return f"{where} names no line to move behind; the lines are {', '.join(view.items)}."
    section = _section(one, item, after, before)
    if op == "add" and one.kind == "step" and section == STEPS:
        return f"{where} is a step and names no task."
    return Edit(
        op=op,
        item=item.id if item is not None else "",
        kind=one.kind if op == "add" else None,
        section=section if op == "add" else "",
        text=ticked(text, [one for label in known for one in view.exact.get(label, [])]),
        patterns=patterns,
        after=after.id if after is not None and (op == "move" or after.section == section) else "",
    )


def _label(text: str, view: Dossier) -> str:
    found = _LABEL.search(text.upper())
    return view.items.get(found[0], "") if found else ""


def ticked(text: str, exact: Iterable[str]) -> str:
    """`text` with what it repeats word for word between backticks, which models forget or put quotation
    marks for. A single plain word stays, since it may be meant as a word, unless it is quoted."""
    known = sorted({one for one in exact if one}, key=lambda one: (-len(one), one))
    if not known:
        return text
    some = "|".join(re.escape(one) for one in known)
    pattern = re.compile(rf"(?<![\w/.`-])([\"'“])?({some})(?(1)[\"'”]|(?![\w/-]))")

    def tick(match: re.Match[str]) -> str:
        return match[0] if match[1] is None and match[2].isalpha() else f"`{match[2]}`"

    return "".join(
        part if part.startswith("`") else pattern.sub(tick, part) for part in _SPAN.split(text) if part
    )


def _section(one: NewLine | Change, item: Item | None, after: Item | None, before: str) -> str:
    """Where an added line goes; steps go below the name of their task."""
    if one.kind != "step" or item is not None:
        return takes(one.kind)
    name = _END.sub("", " ".join(line(one.task, 80).replace("`", "").replace("/", " ").split()).strip(" #"))
    if name:
        return f"{STEPS} / {name[:1].upper()}{name[1:]}"
    near = after.section if after is not None else before
    return near if near.startswith(f"{STEPS} / ") else STEPS
