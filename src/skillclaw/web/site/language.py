"""The languages of the dashboard. A text is written in English where it is used, and is found in Chinese by
that: `words/zh/*.toml`, English = Chinese. What the log says (reasons, stories) stays as it was written.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, Protocol

from markupsafe import Markup, escape

from skillclaw.web.text import legible

__all__ = ["LANGUAGES", "Language", "Translate", "chosen", "translator", "words"]

Language = Literal["en", "zh"]
LANGUAGES: Mapping[Language, str] = {"en": "English", "zh": "中文"}


class Translate(Protocol):
    """`t("{n} sessions", n=3)`: the text in the reader's language, with the values put in and escaped.

    A text that depends on a number is written for one and for many: `t("{n} session|{n} sessions", n=n)`.
    """

    def __call__(self, text: str, /, **values: Any) -> Markup: ...


@cache
def words(language: Language) -> Mapping[str, str]:
    """English -> this language; empty for English."""
    if language == "en":
        return {}
    found: dict[str, str] = {}
    for path in sorted((files("skillclaw.web") / "words" / language).iterdir(), key=lambda one: one.name):
        if path.name.endswith(".toml"):
            found |= tomllib.loads(path.read_text("utf-8"))
    return found


@cache
def translator(language: Language) -> Translate:
    """How texts are written in this language; a text that has no translation stays English."""
    known = words(language)

    def translate(text: str, /, **values: Any) -> Markup:
        found = known.get(text, text)
        if "|" in found and "n" in values:
            one, many = found.split("|", 1)
            found = one if values["n"] == 1 else many
        if not values:
            return escape(legible(found))  # reasons come this way too: of those each is its own text
        shown = {k: legible(v) if type(v) is str else v for k, v in values.items()}  # Markup is our own
        return escape(found).format(**shown)

    return translate


def chosen(cookie: str, setting: str, accepted: str) -> Language:
    """The reader's own choice, else the setting's, else the first of the browser's that there is."""
    for one in (cookie, setting):
        if one in LANGUAGES:
            return "zh" if one == "zh" else "en"
    ranked = []
    for number, part in enumerate(accepted.split(",")[:20]):
        tag, _, parameters = part.strip().partition(";")
        quality = parameters.strip().removeprefix("q=").strip() if parameters else "1"
        try:
            ranked.append((-float(quality), number, tag.strip().lower()))
        except ValueError:
            continue
    for _, _, tag in sorted(ranked):
        if tag.partition("-")[0] in LANGUAGES:
            return "zh" if tag.startswith("zh") else "en"
    return "en"
