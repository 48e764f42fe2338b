"""A user's words of correction in pieces: what they ask for, what they refuse, and whether they say how
things are done at all. Pure.

What stands behind "not", "instead of", "don't" or their like in some other languages is refused, up to where
a word ends that; the rest is asked for.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["HEAD", "Weighed", "for_once", "ordered", "praises", "rejects_what_was_done", "weighed"]

HEAD = 2000
"""Characters of a message that are read."""
_CLAUSE = re.compile(r"[,;:.!?](?=[\s\"')\u4e00-\u9fff]|$)|[。，；：！？、\n]|\s[-–—]\s")
_OTHER = r"(?:uses?|usar|utilices|ejecutes|corras|hagas|utilise[rz]?|lance[rz]?)\b"
_REFUSES = re.compile(
    r"\b(?:(?:do|should|must)(?:n['’ ]?t|\s+not)\b(?!\s+you\b)|never\b|"
    r"(?<!did )(?<!have )(?<!had )(?<!has )(?<!why )(?<!you )(?<!is )(?<!was )not\b|"
    r"instead\s+of\b|in\s+place\s+of\b|rather\s+than\b|no\s+(?:more|longer)\b|stop\b|avoid\b|"
    r"statt\b|anstatt\b|anstelle\s+von\b|nicht\b|keine?n?\b|"
    r"au\s+lieu\s+d[e']|plut[oô]t\s+que\b|pas\b|jamais\b|"
    r"en\s+vez\s+de\b|em\s+vez\s+de\b|en\s+lugar\s+de\b|no\s+(?="
    + _OTHER
    + r")|nunca\b|n[aã]o\b|invece\s+di\b|non\s|"
    r"вместо\b|не\b)"
    r"|而不是|不要|别再?|別再?|不用|不是|不许|不能|禁止|勿"
    r"|\bno\s+(?=[`\w./-]+\s*(?:$|[,.;!)]|aqu[ií]\b|here\b))",
    re.I,
)
"""What stands behind it is refused, up to the end of the clause."""
_ENDS = re.compile(
    r"\b(?:but|because|since|unless|until|before|after|without|when|whenever|if|so|then|and\s+(?:run|use)|sondern|sino|mais|"
    r"aber|pero|а)\b|改用|请用|請用|而是|应该|應該|(?<=[\w ])用(?=\s?[A-Za-z`])",
    re.I,
)
"""A part of a clause behind which a refusal does not reach."""
_CONDITION = re.compile(r"(?:unless|until|before|after|without|when|whenever|if)$", re.I)
"""Of those what makes a condition of the rest: "never push without running pytest" refuses no push."""
_ASIDE = re.compile(
    r",?\s*(?:(?<!do )(?<!should )(?<!must )(?<!can )\bnot|\binstead\s+of|\brather\s+than|\bin\s+place\s+of)"
    r"\s+`?[\w./-]+`?\s*,?\s+(?=(?:as|for|in|on|to|from|of|when|at)\b(?!\s+(?:now\s+on\b|here\b|"
    r"(?:this|that|our|the|my|all|every)\s+(?:repo|project|code|mono|package|workspace|team)|"
    r"(?:install|add|manag|packages?\b|dep))))",
    re.I,
)
"""What stands beside the call that is asked for where that is for one thing only: "use git, not npm, as the
source of the version" is about neither program as such."""
_DOUBLE = re.compile(r"\s*(?:forget|omit|skip|leave\s+out|only|just|sure|yet)\b", re.I)
_BEHIND = re.compile(
    r"([`\w./-]+)\s*(?:ではなく|じゃなく|の代わりに|は使わ|を使わ|使わず|말고|대신)",
)
"""In Japanese and Korean what is refused stands before the word that refuses it."""
_INSTEAD = re.compile(r"\binstead\b(?!\s+of\b)|\bstattdessen\b|\ben su lugar\b|\bà la place\b", re.I)
_ONCE_REFUSED = re.compile(
    r"\b(?:again|now|yet|already|twice|this\s+time|today|"
    r"for\s+(?:this|that)\b(?!\s+(?:repo|project|code|mono|package|workspace|team)))\b",
    re.I,
)
_ONCE = re.compile(
    r"\bI(?:['’]ve|\s+have)?\s+(?:already|just)\b|\bI(?:['’]ve|\s+have)?\s+(?:ran|run)\s+(?:it|them|that|those)\b|"
    r"\bjust\s+(?!(?:use|using|like|because|always|never)\b)[a-z]|\b(?:this\s+time|for\s+(?:now|once))\b|"
    r"\bnot\s+now\b|\b(?:do\s*n['’]?t|do\s+not|stop)\s+(?!use|using|run)[a-z]+(?:\s+(?:it|that|this))?\s*[,;.!:]\s+"
    r"(?:please\s+)?run\b|(?:^|[.!?,;]\s+)(?:and\s+)?now\s+[a-z]|"
    r"\bI\s+(?:asked|told|wanted)\s+you\s+to\s+(?!(?:use|run|always|never|call)\b)",
    re.I,
)
"""Words of what is to be done once, here and now."""
_PRAISE = re.compile(
    r"\b(?:oh|how|just|very|so)\s+(?:great|nice|wonderful|lovely|fantastic|smart|clever)\b|\bbrilliant|\bgenius\b|"
    r"^\W*(?:great|nice|wonderful|lovely|fantastic|perfect|awesome|bravo|congratulations)\b|"
    r"\b(?:good|great|nice|fantastic)\s+(?:job|work|idea|move|one)\b|\bwell\s+done\b",
    re.I,
)
_TAKEN_BACK = re.compile(
    r"\b(?:revert|undo|roll\s+(?:\w+\s+)?back|take\s+\w+\s+back|put\s+\w+\s+back|reset)\b", re.I
)
_FIRST = re.compile(r"\b(?:first|before)\b|先|之前", re.I)


class Weighed(NamedTuple):
    """A message in pieces: what it asks for, and what it refuses."""

    asked: str
    refused: tuple[str, ...]
    beside: tuple[str, ...] = ()
    """Of what it asks for, the pieces that stand next to a refused one."""


@lru_cache(maxsize=1024)
def weighed(text: str) -> Weighed:
    """The message in pieces."""
    pieces: list[tuple[bool, str]] = []
    for clause in _CLAUSE.split(_ASIDE.sub(" ", text[:HEAD])):
        for found in _BEHIND.finditer(clause):
            pieces.append((True, found[1]))
        rest = _BEHIND.sub(" ", clause)
        while (no := _REFUSES.search(rest)) is not None:
            pieces.append((False, rest[: no.start()]))
            rest = rest[no.end() :]
            if _DOUBLE.match(rest):
                continue
            ends = [m for m in (_ENDS.search(rest), _REFUSES.search(rest)) if m is not None]
            end = min(ends, key=lambda m: m.start(), default=None)
            part = (rest[: end.start()] if end is not None else rest).strip()
            if part and end is not None and _CONDITION.match(end[0]):
                # What holds under a condition only is neither asked for nor refused as such.
                rest = ""
                break
            pieces.append((True, part))
            rest = rest[end.start() :] if end is not None else ""
        pieces.append((False, rest))
    pieces = [(no, piece) for no, piece in pieces if piece.strip()]
    beside = [
        piece
        for place, (no, piece) in enumerate(pieces)
        if not no and any(near for near, _ in pieces[max(0, place - 1) : place + 2])
    ]
    return Weighed(
        " , ".join(piece for no, piece in pieces if not no),
        tuple(piece for no, piece in pieces if no),
        tuple(beside),
    )


def for_once(text: str) -> bool:
    """Whether the words are about this one time ("don't run the tests again, just commit"), or about what is
    to be taken back with praise that is none: neither says how things are done."""
    head = text[:HEAD]
    if _ONCE.search(head) or any(_ONCE_REFUSED.search(part) for part in weighed(text).refused):
        return True
    return praises(head) and _TAKEN_BACK.search(head) is not None


def praises(text: str) -> bool:
    """Whether the words praise: within a correction that is not meant so, and reads as if it were."""
    return _PRAISE.search(text[:HEAD]) is not None


def ordered(text: str) -> bool:
    """Whether the words say what comes first: then the other is not spoken against."""
    return _FIRST.search(text[:HEAD]) is not None


def rejects_what_was_done(text: str) -> bool:
    """Whether the words want something in the place of what was just done, without naming that: "use make
    format instead"."""
    return _INSTEAD.search(text[:HEAD]) is not None
