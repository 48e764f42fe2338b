"""What of settings and texts may stand in a report that anybody reads. Pure.

Values are shown by what they are: numbers, switches and words that the program itself knows are shown; of
anything else only its kind. A list of what must not be shown would never be whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from skillclaw.settings_upstreams import AgentSettings, UpstreamSettings

__all__ = ["masked_settings", "netted", "shown_value"]

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,15}")
FIELDS = frozenset({"url", *AgentSettings.__struct_fields__, *UpstreamSettings.__struct_fields__})
"""Of what has a name that the user chose: what may be told of it."""
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
_SHORTEST = 3
"""Characters from which on a private word is looked for: a shorter one would be found in everything."""


def shown_value(value: Any, words: Collection[str]) -> str:
    """A setting's value for the report; `words` are those that the setting can be."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return f"<list of {len(value)}>"
    if isinstance(value, dict):
        return f"<table of {len(value)}>"
    text = str(value)
    if text in words:
        return text
    if text == "":
        return "<empty>"
    return _place(text)


def _place(text: str) -> str:
    if text.startswith(("env:", "keyring:")):
        return f"{text.partition(':')[0]}:<name>"
    try:
        parts = urlsplit(text)
        if parts.scheme and parts.netloc and _SCHEME.fullmatch(parts.scheme):
            host = parts.hostname if parts.hostname in _LOCAL else "<host>"
            return f"{parts.scheme}://{host}/<...>"
    except ValueError:
        return "<text>"
    if text.startswith("~/"):
        return "~/<path>"
    return "<path>" if text.startswith("/") or text[1:3] == ":\\" else "<text>"


def masked_settings(
    given: Mapping[str, Any],
    defaults: Mapping[str, Any],
    agents: Collection[str],
    choices: Callable[[list[str]], Collection[str]],
) -> dict[str, str]:
    """The settings that differ from `defaults`, both by dotted key. Names that a user chose, which stand in
    keys, are numbered, those of `agents` are shown; `choices` are the words that the setting of a key takes.
    """
    tree = {key.rsplit(".", count)[0] for key in defaults for count in range(key.count(".") + 1)}
    found: dict[str, str] = {}
    numbers: dict[tuple[str, str], int] = {}
    for key, value in given.items():
        if defaults.get(key, _MISSING) == value or (key not in defaults and value in ({}, [], (), "", None)):
            continue
        parts = key.split(".")
        shown: list[str] = []
        for place, part in enumerate(parts):
            known = parts[0] == "agents" and part in (agents if place == 1 else FIELDS)
            if known or ".".join([*shown, part]) in tree:
                shown.append(part)
                continue
            # the rest may hold dots of its own, as models and remotes do
            last = parts[-1] if parts[-1] in FIELDS and place < len(parts) - 1 else ""
            name = ".".join(parts[place : len(parts) - bool(last)])
            number = numbers.setdefault((shown[0] if shown else "", name), len(numbers) + 1)
            shown += [f"<name {number}>", *([last] if last else [])]
            break
        text = ".".join(shown)
        while text in found:
            text += "'"
        found[text] = shown_value(value, choices(parts))
    return found


_MISSING = object()


def netted(text: str, private: Collection[str]) -> str:
    """`text` on one line, without any of these words (paths, names, secrets), the longest first."""
    for word in sorted({one for one in private if len(one) >= _SHORTEST}, key=len, reverse=True):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", "<masked>", text)
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
