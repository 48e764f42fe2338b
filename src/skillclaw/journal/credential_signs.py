"""What tells a credential that passes: the names of headers and parameters, and values that are no words."""

from __future__ import annotations

import re
import string
from functools import lru_cache

from skillclaw.journal.redact_judge import (
    is_placeholder,
    is_speakable,
    is_unspeakable,
    is_wordy,
    looks_random,
)

__all__ = [
    "SESSION_HEADERS",
    "WORDS",
    "cookie_stands_out",
    "secret_name",
    "secret_parameter",
    "stands_out",
]

SESSION_HEADERS = frozenset(
    {
        "goose-session-id",
        "session-id",
        "session_id",
        "thread-id",
        "x-claude-code-agent-id",
        "x-claude-code-session-id",
        "x-client-request-id",
        "x-opencode-session",
        "x-parent-session-id",
        "x-qwenpaw-session",
        "x-session-affinity",
        "x-session-id",
    }
)
SECRET_WORDS = frozenset(
    {"apikey", "auth", "authentication", "authorization", "bypass", "cookie", "cred", "credential"}
    | {"credentials", "creds", "csrf", "jwt", "key", "passcode", "passphrase", "passwd", "password", "pwd"}
    | {"secret", "sig", "signature", "token", "xsrf"}
)
SECRET_ENDS = ("accesstoken", "apikey", "authtoken", "cookie", "passwd", "password", "pwd", "secret", "token")
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
SHORTEST = 8
"""A value below this would be found by chance in any text; no key is that short."""
PASSWORD = 12
"""Characters from which on a word is looked for that is the password of a user ..."""
PHRASE = 24
"""... and from which on words are that stand as any other key: nobody calls a program or a branch so."""
UNBROKEN = 16
"""Characters from which on what has signs is a key though it has no letters; letters in a row, from which on
few uncommon pairs tell that nobody speaks them; digits, from which on a round number is a key too."""
ROUND = 4
"""Digits before the zeros of a number that people count with, such as 128000000."""
COOKIE = 16
"""Characters of the shortest cookie that is looked for."""
DENSE = 6
"""Letters and digits in a row that are no word where hardly three of a kind stand together."""
_IN_NAMES = frozenset(string.ascii_letters + "-_./:")
_URL = re.compile(r"https?:")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_IN_PARTS = re.compile(r"(?=.*\d)(?=.*[-_/])[\w/-]+")
"""Words with a number among them, as people call a key (`vm-admin-2024`); versions have dots."""
_LETTERS = re.compile(r"[A-Za-z]{8,}")
_RUNS = re.compile(r"[A-Za-z]+|[0-9]+")
_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d-?(?:0[1-9]|1[0-2])-?(?:[0-2]\d|3[01])")


@lru_cache(1024)
def secret_name(name: str) -> bool:
    """Whether a header, or a member in one, of this name holds a credential."""
    lower = name.lower()
    if lower in SESSION_HEADERS or lower.startswith("x-codex-") or lower.endswith("idempotency-key"):
        return False
    words = [word.lower() for word in WORDS.findall(name)]
    return not SECRET_WORDS.isdisjoint(words) or words[-1:] == ["pass"] or lower.endswith(SECRET_ENDS)


def secret_parameter(name: str) -> bool:
    """Whether a query parameter of this name holds a credential; there `code` is one too (Azure, OAuth)."""
    words = [word.lower() for word in WORDS.findall(name)]
    return secret_name(name) or words in (["code"], ["access", "code"])


def stands_out(value: str, *, password: bool = False) -> bool:
    """Whether a credential is no word, so that it can be looked for in texts.

    Where no key is asked for people give `undefined`, `llama.cpp` or `no-key-required`, and texts hold these
    by themselves. `password`: of a user, where nobody gives such words.
    """
    if len(value) < SHORTEST or is_placeholder(value) or _URL.match(value):
        return False
    if value.isascii() and value.isdigit():
        return len(value) >= UNBROKEN or not _counts(value)
    if any(map(_is_made, _LETTERS.findall(value))) or (password and _is_thought_up(value)):
        return True
    if len(value) >= PASSWORD and _IN_PARTS.fullmatch(value):
        return True
    if value.isalpha() or is_wordy("-".join(value.split())):
        return len(value) >= (PASSWORD if password else PHRASE)
    if not any(char.isalpha() for char in value):
        return len(value) >= UNBROKEN
    return len(value) >= UNBROKEN or any(char not in _IN_NAMES for char in value)


def _counts(number: str) -> bool:
    """Whether a number is one that texts hold by themselves: a day, a round one, one digit repeated."""
    return bool(_DATE.fullmatch(number)) or len(number.rstrip("0")) <= ROUND or len(set(number)) == 1


def _is_made(letters: str) -> bool:
    """Whether nobody would speak letters in a row, or write them in this case."""
    if len(letters) >= UNBROKEN:
        return looks_random(letters) or not is_speakable(letters)
    return is_unspeakable(letters) or _is_dense(letters)


def _is_dense(part: str) -> bool:
    """Whether hardly three letters or digits of a kind stand together."""
    return len(WORDS.findall(part)) * 5 > len(part) * 2


def _is_thought_up(password: str) -> bool:
    """Whether a word has what people put into it to make a password: capitals within, digits."""
    bare = _DATE.sub("", password)
    return any(map(str.isdigit, bare)) or (any(map(str.isupper, bare[1:])) and not bare.isupper())


def cookie_stands_out(value: str) -> bool:
    """Whether a cookie's value is one that a generator made: most cookies hold a language, a region, a model,
    a day, a page.
    """
    bare = _DATE.sub("", value)
    if len(bare) < COOKIE or not stands_out(value):
        return False
    if _UUID.fullmatch(bare) is not None or any(
        len(run) >= COOKIE and (run.isdigit() or not is_speakable(run)) for run in _RUNS.findall(bare)
    ):
        return True
    return any(
        (len(part) >= COOKIE and looks_random(part)) or (len(part) >= DENSE and _is_dense(part))
        for part in re.split(r"[^A-Za-z0-9]+", bare)
    )
