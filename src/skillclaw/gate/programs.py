"""Which program a word of a command names, however it is spelt."""

from __future__ import annotations

import fnmatch
import re

from skillclaw.gate.interpreters import family
from skillclaw.gate.shell_words import Token

__all__ = ["is_shell", "is_variable", "program"]

_SHELL = re.compile(r"(?:ba|z|da|m?k|fi|a|tc|c|ya|pdk|nu|x?on|elvi|r?ba)?sh|pwsh|powershell|osascript")
_STANDS_FOR = re.compile(r"\$(?:(?P<shell>SHELL|BASH|0)|(?P<python>PYTHON)\w{0,20})(?!\w)")
_OR_ELSE = re.compile(r"\$\{(\w{1,80}):?[-=]([^}]{1,100})\}(.*)", re.S)
_LOOKED_UP = re.compile(
    r"(?:\$\()?\s{0,9}(?:which|command\s{1,9}-v|type\s{1,9}-[pP])\s{1,9}([^\s)]{1,200})\)?"
)
_VARIABLE = re.compile(r"\$\{\w{1,80}(?:\[[^\]]{1,9}\])?\}|\$\w{1,80}")
_BRACED = re.compile(r"\$\{\w{1,80}\}")
_AROUND = ".,:;!?)]}*_\"'”’`“"
"""What may stand around a word in a text."""
_BEGIN = re.compile(r"[\w./\\+~-]{1,200}")
_LIKELY = ("sh", "bash", "zsh", "dash", "python3", "python", "perl", "ruby", "node", "php")
"""Programs that a name with `*` or `?` in it is taken for."""


def is_shell(name: str) -> bool:
    """Whether the program of this name is a shell."""
    return _SHELL.fullmatch(name) is not None


def is_variable(word: Token) -> bool:
    """Whether the word is a variable, and no more."""
    return _VARIABLE.fullmatch(word.text) is not None


def program(word: Token) -> str:
    """The name of the program that a word runs, in small letters and without its folder. Of more ways to read
    the word, that which names a shell or an interpreter."""
    text = word.text
    if found := _LOOKED_UP.fullmatch(text):
        return _plain(found[1])
    if (stands := _STANDS_FOR.match(text)) and "/" not in text:
        return "sh" if stands["shell"] else "python"
    if other := _OR_ELSE.fullmatch(text):
        if other[1].startswith("PYTHON"):
            return "python"
        text = "sh" if other[1] in ("SHELL", "BASH") else other[2] + other[3]
    last = text.rsplit("/", 1)[-1]
    if "/" in text and any(mark in last for mark in "*?["):
        return next((one for one in _LIKELY if fnmatch.fnmatch(one, last)), _plain(text))
    begin = _BEGIN.match(word.raw)
    readings = [text, _BRACED.sub("", text), begin[0].replace("\\", "/") if begin else ""]
    names = [_plain(one) for one in readings]
    return next((name for name in names if is_shell(name) or family(name)), names[0])


def _plain(text: str) -> str:
    return text.rsplit("/", 1)[-1].strip(_AROUND).lower().removesuffix(".exe")
