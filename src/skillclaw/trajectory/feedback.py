"""How users say no and yes, in English and Chinese."""

from __future__ import annotations

import re

__all__ = ["accepts", "correction_text", "corrects", "interrupts", "repeats"]

_CORRECTS = re.compile(
    r"^\W*(?:no[,.! ]+(?!problem|worries|need|rush|thanks|thank|longer|idea)|nope\b|wrong\b|"
    r"not (?:that|like that|what i|this|quite|there)\b|"
    r"that(?:'s| is) (?:not|wrong|incorrect)|that was wrong|this is (?:not|wrong|incorrect)|it(?:'s|"
    r" is) (?:not|still|wrong)\b|"
    r"(?:please )?(?:don't|do not|dont|never|stop)\b|undo\b|revert (?:that|this|it)|"
    r"you (?:shouldn't|should not|forgot|missed|broke|didn't|did not)|"
    r"i (?:said|asked|told you|meant|didn't ask|did not ask)\b|instead[, ]|actually[, ]+(?:no\b|use|"
    r"don't|do not)|(?:still|again)[, ]+(?:not|fail|broken|wrong|the same)|"
    r"(?:it|that) (?:didn't|doesn't|does not|did not|still doesn't|still fails|failed)|"
    r"不对|不是|不要|别|错了|不行|不应该|没有用|还是不|还是错|重新|我说的是|我要的是|应该(?:是|用)|改用|停)",
    re.I,
)
_CORRECTS_INSIDE = re.compile(
    r"\b(?:use|run|do|try|call|put) [^.!?\n]{1,80}\binstead\b|"
    r"\bnot [\w.`'-]+[,;] (?:but |use )|"
    r"(?:不要|别)(?:再)?[用改动删]|而不是",
    re.I,
)
_WISHES = re.compile(
    r"^\W*(?:also|additionally|besides|and|i(?:'d| would) (?:also )?like|i (?:also )?(?:want|need))\b", re.I
)
"""How a further request begins; "X instead of Y" in it is about things, not about what the agent did."""
_ACCEPTS = re.compile(
    r"^\W*(?:thanks|thank you|thx|ty\b|great|perfect|nice|awesome|excellent|good\b|looks good|lgtm|"
    r"works|it works|that works|"
    r"that(?:'s| is) (?:right|it|correct|perfect|great|good|better)|yes|yep|yeah|ok\b|okay|cool|"
    r"correct\b|exactly|done|"
    r"谢谢|多谢|好的|可以|很好|不错|完美|对的?|没问题|成功了|行)",
    re.I,
)
_INTERRUPTS = re.compile(
    r"\[?Request interrupted by user|<turn_aborted>|\[user interrupted\]|The user doesn't want to proceed",
    re.I,
)
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+")


def interrupts(text: str) -> bool:
    """Whether the text is the mark that hosts leave when the user stopped the agent."""
    return bool(_INTERRUPTS.search(text[:400]))


def corrects(text: str) -> bool:
    """Whether a user's message says that what the agent just did was wrong."""
    head = text.strip()[:300]
    return bool(_CORRECTS.match(head) or (_CORRECTS_INSIDE.search(head) and not _WISHES.match(head)))


def accepts(text: str) -> bool:
    """Whether a user's message says that it is right now."""
    return bool(_ACCEPTS.match(text.strip()[:120])) and not corrects(text)


def correction_text(text: str, limit: int = 200) -> str:
    """The sentence of a message that corrects, as the user wrote it."""
    sentences = [s.strip() for s in _SENTENCE.split(text.strip()) if s.strip()]
    telling = [s for s in sentences if _CORRECTS_INSIDE.search(s)] or [
        s for s in sentences if _CORRECTS.match(s)
    ]
    # A bare "No." says nothing by itself; what follows it does.
    chosen = telling[0] if telling else (sentences[0] if sentences else "")
    if len(chosen.split()) <= 2 and not re.search(r"[一-鿿]{3}", chosen):
        index = sentences.index(chosen) if chosen in sentences else 0
        chosen = " ".join(sentences[index : index + 2])
    return chosen[:limit]


def repeats(before: str, after: str) -> bool:
    """Whether `after` asks for the same thing again."""
    first, second = set(re.findall(r"\w+", before.lower())), set(re.findall(r"\w+", after.lower()))
    if len(first) < 4 or len(second) < 4:
        return False
    return len(first & second) / len(first | second) >= 0.6
