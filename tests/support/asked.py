"""What a model was asked, taken apart."""

from __future__ import annotations

import re

__all__ = ["skill_in"]


def skill_in(prompt: str) -> str:
    """The text of the skill that a question of the replay shows; empty where it shows none."""
    found = re.search(r"^BEGIN DATA \w+ skill\n(.*?)^END DATA", prompt, re.M | re.S)
    return found[1] if found else ""
