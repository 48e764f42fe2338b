"""What users ask, as a quotation and as the name of a task.

A user's words are kept only as far as enough users share them; what varies in them is a gap (`…`) in the
quotation, and left out of the name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from skillclaw.skills.records import Intent
from skillclaw.skills.vocabulary import content_words
from skillclaw.trajectory.text import STOP, word_set, words

__all__ = ["common_wish", "ended", "in_other_words", "named", "task", "term_words", "wish"]

_OPENING = re.compile(
    r"^(?:…[\s,.;:!-]*)?(?:(?:hi|hello|hey)(?: there)?[,!. ]+)?"
    r"(?:(?:can|could|would|will) you (?:please |kindly )?|please |kindly "
    r"|i(?: need| want| would like|['’]d like) (?:you )?to |i need |help me (?:to )?|let's |let us )+",
    re.IGNORECASE,
)
_LEADING = word_set(
    "a about after an and at before by called during every for from i in into less more my named of on or "
    "our since than that the their titled to until we with within"
)
_DANGLING = re.compile(rf"(?:\s+(?:{'|'.join(sorted(_LEADING))}))+$", re.IGNORECASE)
_UNITS = word_set("hour minute day week month year %")
_TIMES = word_set("last next past previous coming")
_OWNERS = {
    "my": "the user's",
    "mine": "the user's",
    "me": "the user",
    "i": "the user",
    "i've": "the user has",
}
_ASIDE = re.compile(r"(?:if|was|were|is|are|did|has|have|on|in|at|and|or|but|then)\b", re.IGNORECASE)
_POINTS_BACK = re.compile(
    r"\S+(?: all| both| any)?(?: future| other)? (?:them|ones|those|it|that|this|do|delete)\b", re.IGNORECASE
)
WORDINGS = 20
"""Of the wordings of one intent, the commonest, that are looked at for one that names the task."""
COMMON = 0.4
"""A term is named that this share of the wordings have."""
TASK = 80
"""Characters of a task's name."""
Keep = Callable[[str], bool]
"""Says of a word whether enough users wrote it."""


def wish(intent: Intent, keep: Keep) -> tuple[str, str]:
    """What users ask, and the task's name, both in the wording that says it best; empty where none does."""
    return next(_wordings(intent, keep), ("", ""))


def in_other_words(intent: Intent, keep: Keep, limit: int = 2) -> list[str]:
    """Other names of the task that `wish` gives, by users who asked for it in rather different words."""
    names: list[str] = []
    known: list[set[str]] = []
    for _, name in _wordings(intent, keep):
        own = {word for word in words(name) if word not in STOP and word != "user"}
        if not known or (own & known[0] and all(len(own - other) > 1 for other in known)):
            names.append(name)
            known.append(own)
    return names[1 : limit + 1]


def _wordings(intent: Intent, keep: Keep) -> Iterator[tuple[str, str]]:
    for label in dict.fromkeys(
        [intent.label, *sorted(intent.examples[:WORDINGS], key=lambda t: (len(t), t))]
    ):
        phrase, name = named(label, keep)
        if name:
            yield phrase, name


def common_wish(intent: Intent, keep: Keep) -> tuple[str, str]:
    """What users ask, and the task's name, as most wordings begin ("Deploy the site to staging" is a case of
    "Deploy the site"); empty where they have no such beginning."""
    texts = dict.fromkeys([intent.label, *sorted(intent.examples[:WORDINGS])])
    said = [(phrase, task(phrase)) for text in texts if (phrase := _shared(text, keep))]
    plain = [" ".join(re.findall(r"[\w'’-]+", name.lower())) for _, name in said]
    found = []
    for (phrase, name), own in zip(said, plain, strict=True):
        cases = sum(f"{other} ".startswith(f"{own} ") for other in plain)
        common = 2 * cases >= len(texts) and len(own.split()) > 1
        if common and content_words(name) and not _aside(phrase, name):
            found.append((-cases, len(phrase), phrase, name))
    if not found:
        return "", ""
    _, _, phrase, name = min(found)
    return f"{name} …" if name.lower() in phrase.lower() and name != phrase else phrase, name


def named(label: str, keep: Keep) -> tuple[str, str]:
    """What users ask in one wording, and the task's name; empty where it does not tell the task."""
    phrase = asked(label, keep)
    name = task(phrase) if phrase else ""
    return (phrase, name) if name and not _vague(phrase, name) else ("", "")


def asked(label: str, keep: Keep) -> str:
    """What users ask, in their words, what varies or few share as `…`; empty where too little is left."""
    text = _shared(label, keep)
    return text if len(content_words(text)) >= 2 or len(content_words(label)) == 1 else ""


def _shared(label: str, keep: Keep) -> str:
    text = re.sub(r"<[^<>]*>", "…", label)
    text = text.replace("“", "'").replace("”", "'").replace('"', "'").replace("`", "'")
    shown = []
    for word in text.split():
        own = content_words(word)
        shown.append(word if all(keep(part) for part in own) and not _odd(word) else "…")
    text = re.sub(r"…(?:[\s,.;:'-]*…)+", "…", " ".join(shown)).strip(" ,;:")
    text = re.sub(r"…[.,;:'’]+(?=\s|$)", "…", text)  # what closed a quotation or a sentence that is gone
    return text[:1].upper() + text[1:]


def _odd(word: str) -> bool:
    """Numbers, addresses, paths and the like: of one request, not of an intent."""
    return bool(re.search(r"\d|[/\\@_=<>{}$|]|\w\.\w", word))


def task(phrase: str) -> str:
    """What users ask as a task's name, without what varies: `Can you cancel my meeting with …?` becomes
    `Cancel the user's meeting`."""
    sentences = re.split(r"(?<=[.?!])\s+", phrase.strip())
    wish = next((one for one in sentences if _OPENING.sub("", one) not in ("", one)), "")
    wish = wish or next((one for one in sentences if len(content_words(one)) > 2), sentences[0])
    words = _closed(_OPENING.sub("", wish).strip(" .?!,;:").split())
    before = sentences[sentences.index(wish) - 1] if wish in sentences[1:] else ""
    if words[-1:] in (["ones"], ["them"]) and (many := re.search(r"(\w{3,}s)\W*$", before)):
        words[-1:] = [many[1]] if words[-1] == "ones" else ["the", many[1]]
    text = " ".join(_OWNERS.get(word.lower(), word) for word in words)
    if len(text) > TASK:
        text = _DANGLING.sub("", text[:TASK].rsplit(" ", 1)[0].rstrip(" ,;:"))
    return text[:1].upper() + text[1:]


def ended(phrase: str) -> str:
    """What users ask without the gaps at its end, and without what leads to them."""
    return _DANGLING.sub("", phrase.rstrip(" .…"))


def _vague(phrase: str, name: str) -> bool:
    """Whether a task's name says too little of what was asked: a condition whose subject is gone, mostly
    gaps, or words that point to a sentence before."""
    gaps, kept = phrase.count("…"), len(content_words(name))
    if _aside(phrase, name):
        return True
    return kept == 0 or (gaps > 0 and kept < 2) or gaps > 2 * kept


def _aside(phrase: str, name: str) -> bool:
    """Whether the name is a condition whose subject is gone, or points to a sentence before."""
    if _POINTS_BACK.match(name) and re.search(r"[.?!]\s", phrase):
        return True
    return bool(_ASIDE.match(name)) and "…" in phrase


def _closed(words: list[str]) -> list[str]:
    """The words without gaps, and without what leads to a gap only: `reply to … with …` -> `reply`."""
    kept: list[str] = []
    skip = False
    for index, word in enumerate(words):
        if skip:
            skip = False
            continue
        if "…" not in word:
            kept.append(word)
            continue
        after = words[index + 1].strip(".,;:?!").lower() if index + 1 < len(words) else ""
        leading = _LEADING - {"and", "or"}
        if after.rstrip("s") in _UNITS:
            skip, leading = True, leading | _TIMES
            after = words[index + 2].strip(".,;:?!").lower() if index + 2 < len(words) else ""
        if after and after not in _LEADING and after not in ("then", "if", "is", "are", "was", "has"):
            continue  # it stood before a noun: `the … metric`
        while kept and kept[-1].lower().strip(",") in leading:
            kept.pop()
        if len(kept) == 2 and kept[1].islower() and content_words(kept[1]):
            kept.insert(1, "an" if kept[1][0] in "aeiou" else "a")  # `release version …`
        if kept and word[-1:] in ",;":
            kept[-1] += word[-1]
    while kept and kept[-1].lower().strip(",") in _LEADING:
        kept.pop()
    return kept


def term_words(intent: Intent, keep: Keep, limit: int = 6) -> list[str]:
    """The distinguishing terms as whole words that a good part of the wordings have; terms may be stems."""
    wordings = [content_words(text) for text in dict.fromkeys([intent.label, *intent.examples])]
    found: list[str] = []
    for term in intent.terms:
        for stem in content_words(term):
            fitting = [
                w for words in wordings for w in words if w == stem or (len(stem) > 3 and w.startswith(stem))
            ]
            word = next(iter(fitting), None)
            often = word is not None and sum(word in words for words in wordings) >= COMMON * len(wordings)
            if word and often and len(word) > 3 and word not in found and keep(word):
                found.append(word)
    return found[:limit]
