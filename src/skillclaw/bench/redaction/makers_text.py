"""Makers of plain strings: alphabets, words, times, and the small change of a developer's text."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits

from skillclaw.bench.redaction.cases import Maker

__all__ = ["MAKERS", "WORDS", "length", "password", "some"]

ALPHABETS = {
    "b62": ascii_letters + digits,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "digits": digits,
    "letters": ascii_letters,
    "az": ascii_lowercase,
    "AZ": ascii_uppercase,
    "lower": ascii_lowercase + digits,
    "upper": ascii_uppercase + digits,
    "b32": ascii_uppercase + "234567",
    "b32l": ascii_lowercase + "234567",
    "b64": ascii_letters + digits + "+/",
    "b64url": ascii_letters + digits + "-_",
    "base58": "".join(sign for sign in digits + ascii_letters if sign not in "0OIl"),
    "bech32": "qpzry9x8gf2tvdw0" + "s3jn54khce6mua7l",
    "strong": ascii_letters + digits + "!@#%^*-_=+.,~",
}
WORDS = (
    *("apple", "river", "falcon", "orange", "winter", "copper", "meadow", "rocket", "tiger", "castle"),
    *("yellow", "forest", "silver", "planet", "guitar", "coffee", "button", "harbor", "mango", "pencil"),
    *("dragon", "summer", "purple", "monkey", "bridge", "lemon", "candle", "thunder", "walnut", "velvet"),
    *("cobalt", "saffron", "turtle", "window", "zephyr", "marble", "pepper", "island", "hazel", "comet"),
)
NOUNS = (
    *("orders", "billing", "invoice", "catalog", "search", "ledger", "mailer", "report", "inventory"),
    *("checkout", "gateway", "metrics", "importer", "scheduler", "profile", "webshop", "booking", "fleet"),
)
VERBS = ("load", "parse", "fetch", "render", "sync", "build", "merge", "validate", "resolve", "export")
TLDS = ("io", "dev", "com", "net", "cloud")
SEASONS = (
    "Summer",
    "Winter",
    "Spring",
    "Autumn",
    "Sommer",
    "Herbst",
    "Welcome",
    "Office",
    "Berlin",
    "London",
)
LEET = str.maketrans("eo", "30")
NOW = datetime(2026, 3, 2, tzinfo=UTC)
STAMPS = {
    "iso": "%Y-%m-%dT%H:%M:%SZ",
    "date": "%Y-%m-%d",
    "time": "%H:%M:%S",
    "datetime": "%Y-%m-%d %H:%M:%S",
    "syslog": "%b %d %H:%M:%S",
    "clf": "%d/%b/%Y:%H:%M:%S +0000",
    "httpdate": "%a, %d %b %Y %H:%M:%S GMT",
    "dmy": "%d.%m.%Y",
}


def length(rng: Random, argument: str, default: int = 16) -> int:
    """A length written `24` or `20-40`."""
    if not argument:
        return default
    low, _, high = argument.partition("-")
    return rng.randint(int(low), int(high or low))


def some(rng: Random, alphabet: str, count: int) -> str:
    """So many characters of an alphabet."""
    return "".join(rng.choices(alphabet, k=count))


def password(rng: Random, _: str = "") -> str:
    """A password as people choose them: words, a year, a sign; 8 to 22 characters, safe in most syntaxes."""
    word, other = rng.choice(WORDS), rng.choice(WORDS)
    return rng.choice(
        (
            f"{word.title()}{rng.randint(10, 9999)}!",
            f"{rng.choice(SEASONS)}{rng.randint(2015, 2026)}{rng.choice('!.-_')}",
            f"{word}{other}{rng.randint(1, 99)}",
            f"{word}-{other}-{rng.randint(10, 99)}",
            f"{word[:3].title()}{other[:4]}_{rng.randint(100, 999)}",
            f"P4ss_{word}{rng.randint(10, 99)}",
            f"{word.translate(LEET)}{rng.choice('._-')}{other.title()}{rng.randint(1, 9)}",
        )
    )


def strong(rng: Random, argument: str) -> str:
    """A generated password; it begins with a letter and ends with a letter or digit."""
    count = length(rng, argument)
    middle = some(rng, ALPHABETS["strong"], count - 3)
    return some(rng, ascii_letters, 1) + middle + some(rng, digits, 1) + some(rng, ascii_letters, 1)


def _alphabet(name: str) -> Maker:
    letters = ALPHABETS[name]
    return lambda rng, argument: some(rng, letters, length(rng, argument))


def _stamp(name: str) -> Maker:
    form = STAMPS[name]
    return lambda rng, _: (NOW - timedelta(seconds=rng.randint(0, 300 * 86_400))).strftime(form)


def _choice(options: tuple[str, ...]) -> Maker:
    return lambda rng, _: rng.choice(options)


def _number(rng: Random, argument: str) -> str:
    return str(length(rng, argument or "1-999"))


def _private(rng: Random, _: str) -> str:
    """An address of a private network (RFC 1918)."""
    a, b, c = rng.randint(0, 255), rng.randint(0, 255), rng.randint(1, 254)
    return rng.choice((f"10.{a}.{b}.{c}", f"192.168.{a}.{c}", f"172.{16 + a % 16}.{b}.{c}"))


MAKERS: dict[str, Maker] = {
    **{name: _alphabet(name) for name in ALPHABETS if name != "strong"},
    **{name: _stamp(name) for name in STAMPS},
    "strong": strong,
    "password": password,
    "word": _choice(WORDS),
    "noun": _choice(NOUNS),
    "NOUN": _choice(tuple(noun.upper() for noun in NOUNS)),
    "verb": _choice(VERBS),
    "words": lambda rng, argument: "-".join(rng.choices(WORDS, k=length(rng, argument, 3))),
    "pick": lambda rng, argument: rng.choice(argument.split("|")),
    "int": _number,
    "uuid": lambda rng, _: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    "sha1": lambda rng, _: some(rng, ALPHABETS["hex"], 40),
    "sha256": lambda rng, _: some(rng, ALPHABETS["hex"], 64),
    "host": lambda rng, _: f"{rng.choice(NOUNS)}.{rng.choice(WORDS)}{rng.choice(NOUNS)}.{rng.choice(TLDS)}",
    "version": lambda rng, _: f"{rng.randint(0, 24)}.{rng.randint(0, 30)}.{rng.randint(0, 19)}",
    "private_ip": _private,
    "epoch": lambda rng, _: str(rng.randint(1_700_000_000, 1_772_000_000)),
}
