"""Drafts from several parts of the evidence as one.

Where a skill has more evidence than a prompt holds, the model sees it in parts, the best supported patterns
first, and drafts from each. Where two drafts touch, the earlier one stays.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from skillclaw.evolve.drafting import Draft
from skillclaw.skills.edits import Edit, merge

__all__ = ["joined"]


def joined(drafts: Sequence[Draft]) -> Draft:
    """One draft with the edits of all. Title, description and reason are of the first that has them; where
    none has edits, it is the first."""
    edited = [draft for draft in drafts if draft.edits]
    if len(edited) < 2:
        return edited[0] if edited else drafts[0]
    edits: list[Edit] = []
    for draft in edited:
        edits, _ = merge(edits, [edit for edit in draft.edits if not _runs_on(edit, edits)])
    return msgspec.structs.replace(
        edited[0],
        edits=edits,
        description=next((draft.description for draft in drafts if draft.description), ""),
    )


def _runs_on(edit: Edit, edits: Sequence[Edit]) -> bool:
    """Whether it adds a step to a procedure that another draft writes already."""
    steps = {one.section for one in edits if one.op == "add" and one.kind == "step"}
    return edit.op == "add" and edit.kind == "step" and edit.section in steps
