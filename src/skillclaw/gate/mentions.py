"""Words of an attack that a text only speaks of, so that a skill against attacks can say what they look like.

Only words, never commands: a command that stands there can be run, whatever is said about it.
"""

from __future__ import annotations

import re

__all__ = ["spoken_of"]

_QUOTED = re.compile(
    r"(?<![^\s(|（:,、])(?:\"[^\"\n]{1,240}\"|“[^”\n]{1,240}”)(?=[\s.,;:!?)|，。；：！？）]|$)"
)
_AGAINST = re.compile(
    r"\b(?:injection|injected|planted|untrusted|attack(?:s|ers?)?|canar(?:y|ies)|malicious|suspicious"
    r"|jailbreaks?|red flags?)\b|注入|攻击|恶意|可疑|不可信",
    re.IGNORECASE,
)
_OBEYED = re.compile(
    r"\b(?:follow|obey|execute|apply|comply|do as|do what|act on|remember|repeat|say|answer|reply"
    r"|respond)\b"
    r"|遵循|执行|照做|回答|回复|记住",
    re.IGNORECASE,
)
_NOT_OBEYED = re.compile(
    r"(?:\b(?:do not|don['’]t|never|must not|mustn['’]t|instead of)|不要|切勿|别)\s?\w{0,20}\s?"
    rf"(?:{_OBEYED.pattern})",
    re.IGNORECASE,
)
BEFORE, AFTER = 600, 200
"""Characters around a quotation in which the text has to say that it is about attacks."""


def spoken_of(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` lies in a quotation, near words that are about attacks, in a line that asks
    nobody to do what the quotation says."""
    first = max(text.rfind("\n", 0, start) + 1, start - BEFORE)
    last = text.find("\n", end, end + BEFORE)
    line = text[first : last if last >= 0 else end + BEFORE]
    if not any(
        first + match.start() < start and end < first + match.end() for match in _QUOTED.finditer(line)
    ):
        return False
    if _OBEYED.search(_NOT_OBEYED.sub(" ", _QUOTED.sub(" ", line))):
        return False
    return _AGAINST.search(_QUOTED.sub(" ", text[max(0, start - BEFORE) : end + AFTER])) is not None
