"""How many tokens a text is, near enough to keep a skill small.

No tokenizer is asked: each model has its own, and the limit (about 2,000 tokens in SKILL.md) is
a bound on reading effort, not on a context window. The estimate is the larger of characters / 4 and words x
1.3, plus one for each CJK character; English prose and shell commands come out within 15% of the common BPE
tokenizers, and never far below.
"""

from __future__ import annotations

import re

__all__ = ["SKILL_TOKENS", "estimate"]

SKILL_TOKENS = 2000
"""Tokens that SKILL.md should not exceed; what is more goes to references/."""

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_WORD = re.compile(r"\S+")


def estimate(text: str) -> int:
    """The estimated number of tokens of `text`."""
    wide = len(_CJK.findall(text))
    narrow = _CJK.sub("", text)
    return wide + int(max(len(narrow) / 4, 1.3 * sum(1 for _ in _WORD.finditer(narrow))))
