"""Words that need no evidence: how errors are commonly named, and ordinary prose.

Tool output is tainted: an error text may carry a stranger's instruction. What may be said about
an error without citing anything is this closed list; everything else in the error is left out or must occur
in a user's words or a successful call.
"""

from __future__ import annotations

import re

__all__ = ["STOP_WORDS", "content_words", "error_phrases", "is_error_phrase"]

_ERRORS: tuple[tuple[str, str], ...] = (
    ("externally-managed-environment", r"externally[- ]managed[- ]environment"),
    ("permission denied", r"permission denied|\beacces\b|\beperm\b|operation not permitted"),
    ("command not found", r"command not found|is not recognized as an internal or external command"),
    ("no such file or directory", r"no such file|\benoent\b|cannot find the (?:file|path)"),
    ("module not found", r"modulenotfounderror|no module named|cannot find module|module not found"),
    ("import error", r"\bimporterror\b"),
    ("connection refused", r"connection refused|\beconnrefused\b|could not connect|couldn't connect"),
    ("connection reset", r"connection reset|\beconnreset\b"),
    ("name not resolved", r"could not resolve host|name or service not known|\benotfound\b"),
    ("address already in use", r"address already in use|\beaddrinuse\b|port is already allocated"),
    ("timeout", r"timed[ -]?out|\btimeout\b|\betimedout\b|deadline exceeded"),
    ("already exists", r"already exists?\b|\beexist\b"),
    ("not found", r"\bnot found\b|\bdoes not exist\b|\bdoesn't exist\b|\b404\b|no matching"),
    ("unauthorized", r"\bunauthori[sz]ed\b|\b401\b|authentication failed|not authenticated"),
    ("forbidden", r"\bforbidden\b|\b403\b|access denied"),
    ("too many requests", r"too many requests|rate limit|\b429\b"),
    ("server error", r"internal server error|\b50[0234]\b|bad gateway|service unavailable"),
    ("bad request", r"bad request|\b400\b"),
    (
        "unknown option",
        r"unknown option|unrecognized (?:option|arguments?)|illegal option|invalid option|no such option",
    ),
    (
        "missing argument",
        r"missing (?:\d+ )?(?:required )?(?:positional )?(?:argument|parameter|field|option)"
        r"|is required\b|required (?:field|parameter|argument)",
    ),
    (
        "invalid argument",
        r"\bnot (?:a )?valid\b"
        r"|invalid (?:argument|value|parameter|input|choice|format|date)|\beinval\b",
    ),
    ("syntax error", r"syntax ?error|parse error|unexpected token"),
    ("type error", r"\btype ?error\b"),
    ("value error", r"\bvalue ?error\b"),
    ("key error", r"\bkey ?error\b"),
    ("attribute error", r"\battribute ?error\b"),
    ("assertion failed", r"assertion ?(?:error|failed)"),
    ("test failed", r"\btests? failed\b|\b\d+ failed, |=+ failures =+"),
    ("merge conflict", r"merge conflict|conflict \(content\)|automatic merge failed"),
    ("non-fast-forward", r"non-fast-forward|fetch first|failed to push some refs"),
    ("dirty working tree", r"would be overwritten|uncommitted changes|unstaged changes"),
    ("not a git repository", r"not a git repository"),
    ("out of memory", r"out of memory|\boom\b|\benomem\b|killed"),
    ("disk full", r"no space left|\benospc\b|disk full"),
    (
        "encoding error",
        r"unicode(?:de|en)codeerror|codec can't (?:de|en)code|invalid (?:utf-8|byte sequence)",
    ),
    ("read-only file system", r"read-only file ?system|\berofs\b"),
    ("is a directory", r"is a directory|\beisdir\b"),
    (
        "dependency conflict",
        r"\beresolve\b|dependency conflict|conflicting dependencies|resolutionimpossible",
    ),
    ("version mismatch", r"version mismatch|unsupported (?:engine|version)|requires (?:python|node)"),
    ("certificate error", r"certificate|\bssl error\b"),
    ("locked", r"could not get lock|database is locked|lock file|is locked"),
    ("not executable", r"exec format error|cannot execute"),
    ("string to replace not found", r"string to replace not found|old_string"),
    ("file not read yet", r"file has not been read yet"),
    ("cannot", r"\bcannot\b|\bcan't\b|unable to"),
    ("error", r"\berror\b|\bfailed\b|\bfailure\b|exception"),
)
_COMPILED = tuple((phrase, re.compile(pattern, re.IGNORECASE)) for phrase, pattern in _ERRORS)
_WEAK = frozenset({"cannot", "error"})
_EXIT = re.compile(r"\bexit(?:ed)?(?: with)?(?: code| status)? (\d{1,3})\b", re.IGNORECASE)
_PHRASES = frozenset(phrase for phrase, _ in _ERRORS)
_EXIT_PHRASE = re.compile(r"exit code \d{1,3}\Z")


def error_phrases(text: str) -> list[str]:
    """What the closed list says of an error text, most telling first; empty where it says nothing.

    Only the first 4,000 characters are looked at.
    """
    text = text[:4000]
    found = [phrase for phrase, pattern in _COMPILED if phrase not in _WEAK and pattern.search(text)]
    if "command not found" in found or "module not found" in found:
        found = [phrase for phrase in found if phrase != "not found"]
    match = _EXIT.search(text)
    if not found and match:
        found.append(f"exit code {int(match[1])}")
    return found


def is_error_phrase(text: str) -> bool:
    """Whether `text` is one of the phrases that `error_phrases` gives."""
    low = text.strip().lower()
    return low in _PHRASES or bool(_EXIT_PHRASE.match(low))


_STOP = """
a about above after again all also always am an and any are as asks at be because been before being
below between both but by call called calls can come comes could did do does doing done down each
else every few first for from further get gets give given go goes had has have having he her here
him his how i if in instead into is it its just last let like made make makes may me might more most
must my need needs never next no nor not now of off on once one only or other our out over own
please run runs same she should show so some such take than that the their them then there these
they thing things this those through to too under until up use used user user's users uses using
value values very want wants was way we were what when where which while who why will with without
words would yes you your result results step steps fails fail failed works work worked task tasks
tool tools repeat needed request requests
"""
STOP_WORDS = frozenset(_STOP.split())
"""Words that carry no topic: grammar, and the words in which skills of the extractive engine are written."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def content_words(text: str) -> list[str]:
    """The words of `text` in lower case that carry a topic, in order, `<placeholders>` left out."""
    text = re.sub(r"<[^<>]*>", " ", text.replace("’", "'"))
    return [word for word in _WORD.findall(text.lower()) if len(word) > 1 and word not in STOP_WORDS]
