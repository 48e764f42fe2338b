"""What of a skill no session is known for: text and files that a person may have written."""

from __future__ import annotations

from collections.abc import Sequence

from skillclaw.skills.frontmatter import split
from skillclaw.skills.items import DESCRIPTION, blocks, markdown
from skillclaw.skills.records import Bundle, Item

__all__ = ["is_learned", "unlearned"]


def is_learned(item: Item) -> bool:
    """Whether sessions are known for a line; not asked of the description."""
    return bool(item.evidence) and item.section != DESCRIPTION


def unlearned(bundle: Bundle, items: Sequence[Item]) -> bool:
    """Whether there is text outside of lists, or a file that no learned line names."""
    texts = [block for text in markdown(bundle).values() for block in blocks(split(text)[1])]
    if any(block.kind == "text" and block.raw.strip() for block in texts):
        return True
    known = {*markdown(bundle)}
    named = [item.text for item in items if is_learned(item)]
    return any(
        file.path not in known and not any(f"]({file.path})" in text for text in named)
        for file in bundle.files
    )
