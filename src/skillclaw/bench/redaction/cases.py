"""One labelled case, and the small template language in which the corpus is written.

No value of the corpus stands in the repository: entries hold templates such as `sk_live_{b62:24}`, and
values are drawn from a seeded generator. A placeholder is `{name}` or `{name:argument}`, the name
beginning with a letter; braces around anything else, and `${...}`, are plain text. `{lit:x}` gives `{x}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Literal

from skillclaw.trajectory.model import Record

__all__ = ["Case", "Group", "Half", "Maker", "expand", "lines_of"]

Group = Literal["secret", "personal"]
Half = Literal["validation", "test", "final", "fourth", "fifth", "sixth"]
"""The parts of the corpus, in the order in which they were written (held_out.py)."""

Maker = Callable[[Random, str], str]
"""Draws one value; the string is the placeholder's argument, empty if it has none."""

PLACEHOLDER = re.compile(r"(?<!\$)\{([A-Za-z][A-Za-z0-9_]*)(?::([^{}\n]*))?\}")
BODY_LINE = 16  # characters; shorter lines of a key file are the rest of a longer one


class Case(Record, frozen=True, kw_only=True):
    """A text as an agent's session holds it, and what in it must not stay readable.

    `values` are exact substrings of `text`: of a key file its lines, of an address in a URL the password.
    `carrier` names what the text was put into (`carriers.CARRIERS`).
    """

    kind: str
    group: Group
    carrier: str
    text: str
    values: tuple[str, ...]


def expand(template: str, draw: Callable[[str, str], str]) -> str:
    """The template with each placeholder replaced by what `draw(name, argument)` gives, left to right.

    A drawn text of several lines that stands alone behind white space is indented like its first line.
    """

    def replace(match: re.Match[str]) -> str:
        name, argument = match.group(1), match.group(2) or ""
        if name == "lit":
            return "{" + argument + "}"
        drawn = draw(name, argument)
        if "\n" not in drawn:
            return drawn
        before = match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]
        return drawn if before.strip() else drawn.replace("\n", "\n" + before)

    return PLACEHOLDER.sub(replace, template)


def lines_of(secret: str) -> tuple[str, ...]:
    """The parts of a secret that must each stay hidden: the secret, or of a key file its body lines.

    Rulers (`-----BEGIN ...`) and `Name: value` heads of key files are public.
    """
    if "\n" not in secret:
        return (secret,)
    lines = [line.strip() for line in secret.split("\n")]
    return tuple(
        line for line in lines if len(line) >= BODY_LINE and not line.startswith("-----") and ": " not in line
    )
