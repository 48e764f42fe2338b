"""What varies in the calls of many sessions: how it is called, and what of it users name. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from skillclaw.skills.vocabulary import STOP_WORDS

__all__ = ["SHARE", "form", "in_texts", "trims", "user_word"]

SHARE = 0.9
"""What this share of the calls have in common is part of the command."""
ENDS = 6
"""Beginnings and ends of a value that are looked at for what is not the user's."""

_BEFORE = re.compile(r"([\w-]+)\W+(?:(?:called|named|titled)\W+)?\Z")
_FORMS = (
    ("month", r"\d{4}-\d\d"),
    ("date", r"\d{4}-\d\d-\d\d"),
    ("version", r"v?\d+\.\d+(?:\.\d+)*"),
    ("number", r"[-+]?\d+(?:\.\d+)?"),
    ("id", r"#?(?=\S*\d)[0-9a-f]{7,64}"),
    ("url", r"[a-z]+://\S+"),
    ("path", r"[~.]?[\w.@+-]*/\S*|[\w-]+\.[a-z]{1,5}"),
    ("text", r"[\"'].*"),
)


def trims(values: Sequence[str]) -> list[tuple[str, str]]:
    """What may be beside the value proper, the least first: what all begin with, what all end with."""
    befores, afters = _ends(values), [text[::-1] for text in _ends([value[::-1] for value in values])]
    shortest = min(map(len, values))
    found = [(b, a) for b in befores for a in afters if len(b) + len(a) < shortest]
    return sorted(found, key=lambda both: (len(both[0]) + len(both[1]), both))


def _ends(values: Sequence[str]) -> list[str]:
    """What all begin with, up to each place where letters, digits and signs change."""
    found = [""]
    for size in range(1, min(map(len, values))):
        if len({value[:size] for value in values}) > 1:
            break
        if all(_sort(value[size - 1]) != _sort(value[size]) for value in values):
            found.append(values[0][:size])
    return found[:ENDS]


def _sort(char: str) -> int:
    return 0 if char.isdigit() else 1 if char.isalpha() else 2


def in_texts(texts: Sequence[str], values: Sequence[str]) -> bool:
    """Whether (nearly) each text has its value as whole words."""
    hits = sum(
        bool(
            re.search(
                rf"(?<![\w.-]){re.escape(value.strip(chr(34) + chr(39)))}(?![\w-])", text, re.IGNORECASE
            )
        )
        for text, value in zip(texts, values, strict=True)
        if value.strip("\"'")
    )
    return hits >= SHARE * len(values)


def user_word(texts: Sequence[str], values: Sequence[str]) -> str:
    """What users call the value, by the word before it: "version 1.4.0"; empty where they do not agree."""
    words: Counter[str] = Counter()
    for text, value in zip(texts, values, strict=True):
        at = text.lower().find(value.lower())
        before = _BEFORE.search(text[:at][-200:].lower()) if at > 0 else None
        if before:
            words[before[1]] += 1
    if not words:
        return ""
    word, count = min(words.items(), key=lambda x: (-x[1], x[0]))
    if word == "to":
        return "target" if count >= SHARE * len(values) else ""
    plain = re.fullmatch(r"[a-z]{3,16}", word) and word not in STOP_WORDS and word not in _LINKS
    return word if plain and count >= SHARE * len(values) else ""


_LINKS = frozenset({"into", "onto", "of", "since", "until", "about", "via", "per"})


def form(values: Sequence[str]) -> str:
    """What the values look like, in a word: `date`, `path`; else `value`."""
    return next((n for n, p in _FORMS if all(re.fullmatch(p, v, re.IGNORECASE) for v in values)), "value")
