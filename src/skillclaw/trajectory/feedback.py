"""How users say no and yes, in English and Chinese (simplified and traditional).

A message is read clause by clause, so that "Thanks, but the date is wrong" is heard. Each rule describes one
way to object: a verdict on what was done, a fault of the agent, a reproach in the form of a question, a
prohibition, a way back, another way. Quoted text and code are not the user's verdict and are not read.
Questions object only if they are reproaches; one for reasons is none. The rules know no context; `asked` adds
the only one that matters: after a question of the agent, "No, ..." is an answer.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from skillclaw.trajectory import phrases

__all__ = [
    "accepts",
    "asks_why",
    "confirms",
    "consents",
    "correction_text",
    "corrects",
    "interrupts",
    "repeats",
]

_CHINESE = re.compile(r"[一-鿿]")
_CONTENT = re.compile(r"[一-鿿]|[^\W_一-鿿]+(?:'[a-z]+)?")


def interrupts(text: str) -> bool:
    """Whether the text is the mark that hosts leave when the user stopped the agent."""
    return bool(phrases.INTERRUPTS.search(text[:400]))


def corrects(text: str, *, asked: bool = False) -> bool:
    """Whether a user's message says that what the agent did, or is about to do, was not what is wanted.

    asked: the agent's last words were a question. Refusals and directions then answer it; only a verdict on
    what was done is a correction.
    """
    return _corrects(text.strip()[: 2 * phrases.HEAD], asked)


@lru_cache(maxsize=1024)
def _corrects(text: str, asked: bool) -> bool:
    """Kept by the head of the message, since outcomes and episodes ask about the same messages in turn."""
    head = _plain(text)
    if asks_why(text):
        return False
    sentences = phrases.ENDS.split(head)
    # What follows a "No." tells whether it is one: "No. That's all." is not.
    rests = (" ".join(sentences[index:]) for index in range(len(sentences)))
    if not asked and any(_refuses(phrases.SOFT.sub("", rest)) for rest in rests):
        return True
    if phrases.PRAISE_BUT.match(head) and not head.rstrip().endswith(("?", "？")):
        return True
    if phrases.CONTRAST_ZH.search(head) and not phrases.ASKS_ZH.search(head):
        return True
    wish = bool(phrases.WISHES.match(head))
    return any(_objects(clause, wish=wish, asked=asked) for clause in _clauses(head))


def asks_why(text: str) -> bool:
    """Whether a message only asks for reasons ("Why do you not use pnpm? Is npm better?"): it has nothing but
    questions, of which none is a reproach, or a request that is put as one."""
    sentences = [s.strip() for s in phrases.SENTENCE.split(_plain(text, "`")) if s.strip()]
    bare = [phrases.SOFT.sub("", sentence) for sentence in sentences]
    return any(map(phrases.WHY.match, bare)) and all(map(_only_asks, bare))


def _only_asks(sentence: str) -> bool:
    if not sentence.endswith(("?", "？")) or phrases.INSISTS.search(sentence):
        return False
    return not (phrases.REQUESTS.search(sentence) or phrases.FAULT.search(sentence))


def accepts(text: str) -> bool:
    """Whether a user's message says that it is right now, gives thanks for it, or consents to go on."""
    head = _plain(text)[:120]
    return bool(phrases.CONSENTS.match(head) or _approves(head)) and not corrects(text)


def confirms(text: str) -> bool:
    """Whether a user's message says of the result that it works or is what was wanted."""
    head = _plain(text)[:200]
    return bool(phrases.CONFIRMS.search(head)) and "?" not in head and "？" not in head and accepts(text)


def consents(text: str) -> bool:
    """Whether the message only lets the agent go on: agreement, not a word about what came of it."""
    head = _plain(text)[:120]
    return bool(phrases.CONSENTS.match(head)) and not _approves(head)


def correction_text(text: str, limit: int = 200, *, names: Collection[str] = ()) -> str:
    """The sentence of a message that corrects, as the user wrote it: the one with the most of `names`, which
    the agent took from it, where there are any."""
    sentences = [s.strip() for s in phrases.SENTENCE.split(text.strip()) if s.strip()]
    if names:
        # Of equals the first; what it says to do tells more than that something was wrong.
        return max(sentences, key=lambda s: sum(name in s for name in names), default="")[:limit]
    telling = [s for s in sentences if corrects(s)]
    # A bare "No." says nothing by itself; a sentence that says what to do instead says the most.
    ways = [s for s in telling if phrases.OTHERWISE.search(_plain(s)) or re.search(r"不是|(?i:instead)", s)]
    chosen = next(iter(ways or telling or sentences), "")
    if len(chosen.split()) <= 2 and not re.search(r"[一-鿿]{3}", chosen):
        index = sentences.index(chosen) if chosen in sentences else 0
        chosen = " ".join(sentences[index : index + 2])
    return chosen[:limit]


def _plain(text: str, quoted: str = " ") -> str:
    """The head of the message without control marks, in plain characters; `quoted` for quotes and code."""
    head = phrases.QUOTED.sub(quoted, text.strip()[: 2 * phrases.HEAD]).strip()[: phrases.HEAD]
    return head if head.isascii() else head.translate(phrases.PLAIN)


def _clauses(head: str) -> list[str]:
    """The clauses of a message, each without what softens its beginning."""
    parts = [p.strip() for p in phrases.CLAUSES.split(head) if p and p.strip()]
    return [c for p in parts if (c := phrases.SOFT.sub("", p).strip())]


def _approves(head: str) -> bool:
    if phrases.ACCEPTS.match(head) or phrases.ACCEPTS_ZH.match(head):
        return True
    parts = re.split(r"[，。！,.!]", head) if _CHINESE.search(head) else []
    return any(phrases.ACCEPTS_ZH.match(part.strip()) for part in parts)


def _refuses(clause: str) -> bool:
    no = phrases.NO.match(clause)
    return no is not None and not phrases.NO_IS_FINE.match(no["rest"])


def _objects(clause: str, *, wish: bool, asked: bool) -> bool:
    if phrases.REPROACH.search(clause):
        return True
    if not asked and (phrases.FORBIDS.match(clause) or phrases.BACK.match(clause)):
        return True
    if _CHINESE.search(clause):
        bare = clause.rstrip("，。！；,!; ")
        asks = phrases.ASKS_ZH.search(clause) or phrases.MORE_ZH.match(clause)
        return bool(phrases.NO_ZH.search(bare)) and not asks
    if clause.rstrip().endswith("?") or re.match(r"(?:if|when|unless)\b", clause, re.I):
        return False
    if phrases.VERDICT.match(clause) or phrases.STILL.search(clause) or phrases.FAULT.search(clause):
        return True
    return not (wish or asked) and bool(phrases.OTHERWISE.search(clause))


def repeats(before: str, after: str) -> bool:
    """Whether `after` asks for the same thing again.

    Compared are the content words (of Chinese, the characters): most are shared, and one message has none
    that the other lacks. A request that puts one word or number for another is a further one.
    """
    first, second = _content(before[: 4 * phrases.HEAD]), _content(after[: 4 * phrases.HEAD])
    if min(len(first), len(second)) < 3:
        return False
    lacks = min(len(first - second), len(second - first))
    return lacks == 0 and len(first & second) / len(first | second) >= 0.6


@lru_cache(maxsize=2048)
def _content(text: str) -> frozenset[str]:
    """The words (of Chinese, the characters) that say what is asked for; each is compared often."""
    plain = text.lower()
    if not plain.isascii():
        plain = phrases.FILLERS_ZH.sub("", plain.translate(phrases.PLAIN))
    return frozenset(_CONTENT.findall(plain)) - phrases.FILLERS
