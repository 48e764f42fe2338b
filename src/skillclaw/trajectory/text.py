"""Words of people and machines with what varies taken out.

Pure text functions that outcomes, episodes and clustering share: masks for varying parts, the words that
carry meaning (English words, Chinese bigrams), and templates of error messages (`failures`).
"""

from __future__ import annotations

import re
from itertools import pairwise

from skillclaw.trajectory.failures import error_template

__all__ = ["ORDER", "STOP", "error_template", "mask", "one_line", "terms", "word_set", "words"]

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"

# Each run before a sign that may not come is bounded: else a long one is tried again from each of its words.
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{0,30}://[^\s'\"<>)\]]+", re.I)
_EMAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+\b")
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.I)
_DATETIME = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?\b")
_DATE = re.compile(
    rf"\b\d{{4}}-\d\d?-\d\d?\b|\b\d\d?/\d\d?/\d{{2,4}}\b|\b{_MONTH}\.? \d\d?(?:st|nd|rd|"
    rf"th)?\b(?:,? \d{{4}})?|"
    rf"\b\d\d?(?:st|nd|rd|th)? (?:of )?{_MONTH}\b(?:,? \d{{4}})?",
    re.I,
)
_WEEKDAY = re.compile(rf"\b{_DAY}\b", re.I)
_TIME = re.compile(r"\b\d\d?(?::\d\d(?::\d\d)?)?\s?[ap]m\b|\b\d\d?:\d\d(?::\d\d(?:\.\d+)?)?\b", re.I)
_QUOTED = re.compile(
    r"\"[^\"\n]{1,300}\"|(?<![\w])'[^\n]{1,300}?'(?![\w])|`[^`\n]{1,300}`|[“「][^”」\n]{1,300}[”」]"
)
_PATH = re.compile(
    r"(?<![\w<:/.])(?:~|\.{1,2}|[A-Za-z]:)?(?:[/\\][\w.@+=-]+)+[/\\]?|\b[\w.-]{1,255}/[\w./-]+\b"
)
_FILE = re.compile(
    r"\b[\w-]{1,255}\.(?:py|js|ts|tsx|jsx|json|toml|ya?ml|md|txt|csv|sh|rs|go|java|c|h|cpp|html|css|sql|"
    r"log|ini|cfg|lock)\b"
)
_HEX = re.compile(r"\b(?:0x[0-9a-f]+|(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64})\b", re.I)
_ID = re.compile(
    r"#?\b(?=[\w-]{0,255}\d)(?=[\w-]{0,255}[A-Za-z_])[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)+\b|#[A-Z]?\d+\b"
)
_NUMBER = re.compile(r"(?<![\w.<])[-+]?\d[\d,]*(?:\.\d+)?%?(?![\w>])")

_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"<[a-z]+>|[a-z][a-z0-9'’]*(?:[-_][a-z0-9]+)*|[一-鿿]+", re.I)
_CJK = re.compile(r"[一-鿿]")


def word_set(text: str) -> frozenset[str]:
    """The words of `text`, for tables of words that are easier to read as a line."""
    return frozenset(text.split())


STOP = word_set(
    "a an the this that these those it its is are was were be been being am do does did doing have "
    "has had having i i'm "
    "i've i'd me my mine you your yours he him his she her hers we us our they them their of to in "
    "on at by for from with "
    "as into about and or but if then than so also too very just can could would will shall should "
    "may might must please "
    "there here what which who whom how when where why not no yes any some each all both more most "
    "such only own same s t "
    "don now hi hello hey thanks thank want need like help let get got make sure okay ok"
)
"""Words that say nothing about what is asked for. `all`, `not` and such count in bigrams."""

ORDER = word_set("not no all any if only most more than before after first last next latest")
"""Words of order and quantity: they tell intents apart, and are never a value."""


def one_line(text: str, limit: int = 400) -> str:
    """The text on one line, cut to `limit` characters."""
    flat = _SPACE.sub(" ", text).strip()
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


def mask(text: str, *, quotes: bool = True) -> str:
    """The text with URLs, mails, ids, dates, times, quoted strings, paths and numbers as `<kind>`."""
    text = _URL.sub("<url>", text)
    text = _EMAIL.sub("<email>", text)
    text = _UUID.sub("<id>", text)
    if quotes:
        text = _QUOTED.sub("<text>", text)
    text = _DATETIME.sub("<datetime>", text)
    text = _DATE.sub("<date>", text)
    text = _WEEKDAY.sub("<day>", text)
    text = _TIME.sub("<time>", text)
    text = _PATH.sub("<path>", text)
    text = _FILE.sub("<path>", text)
    text = _ID.sub("<id>", text)
    text = _HEX.sub("<id>", text)
    return _NUMBER.sub("<number>", text)


def words(text: str) -> list[str]:
    """Lower-case words in order; Chinese runs as bigrams (single characters stand for themselves)."""
    found: list[str] = []
    for match in _WORD.finditer(text):
        word = match.group().lower().replace("’", "'")
        if _CJK.match(word):
            found += [word[i : i + 2] for i in range(len(word) - 1)] or [word]
        else:
            found.append(_stem(word))
    return found


def terms(text: str) -> list[str]:
    """What a request is about: content words of the masked text, and bigrams of neighbours.

    Bigrams are built before stop words go, so that `not met` and `last email` stay apart from their parts.
    """
    all_words = words(mask(text))
    kept = [w for w in all_words if w in ORDER or (w not in STOP and not w.startswith("<"))]
    return kept + [f"{a} {b}" for a, b in pairwise(kept)]


def _stem(word: str) -> str:
    if word.endswith("'s"):
        word = word[:-2]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
