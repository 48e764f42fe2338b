"""Edits of a skill, item by item: what an engine or a person changes, apart from where it stands. Pure.

`apply` writes edits into the files and touches no other line; `merge` brings two lists of edits together, and
the order in which they came makes no difference.
"""

from skillclaw.skills.edit_merge import merge
from skillclaw.skills.edit_records import LINE_MAX, Edit, EditError, Op, line_fault, section_fault
from skillclaw.skills.editing import apply

__all__ = ["LINE_MAX", "Edit", "EditError", "Op", "apply", "line_fault", "merge", "section_fault"]
