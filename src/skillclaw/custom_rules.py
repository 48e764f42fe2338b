"""Patterns that a person writes into the settings (`redact.rules`), in RE2's syntax.

RE2 needs time in proportion to the text, whatever the pattern: a bad one cannot make a session hang. What it
has no room for are look-around and references back; what it may use of memory is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from skillclaw.errors import BadInputError

__all__ = ["compile_rules"]

LONGEST = 1000
"""Characters of a pattern."""
MEMORY = 8 << 20
"""Bytes that a compiled pattern may take."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def compile_rules(rules: Mapping[str, str]) -> dict[str, Any]:
    """The patterns by name; BadInputError with the setting's key for the first that is none."""
    return {name: compile_rule(name, pattern) for name, pattern in sorted(rules.items())}


def compile_rule(name: str, pattern: str) -> Any:
    """One pattern, ready to search with; BadInputError says what is wrong with it."""
    key = f"redact.rules.{name}"
    if not NAME.fullmatch(name):
        raise BadInputError(
            f"{key} is no name for a rule.",
            "It goes into placeholders: small letters, digits and -.",
            "Rename it.",
        )
    if not pattern or len(pattern) > LONGEST:
        raise BadInputError(
            f"{key} cannot be used.", f"A pattern has 1 to {LONGEST} characters.", "Split it."
        )
    import re2  # 15 ms that only those pay who have rules

    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    try:
        compiled = re2.compile(pattern, options=options)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        why = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        raise BadInputError(
            f"{key} is no valid pattern.", f"{why}.", "RE2's syntax: no look-around, no references back."
        ) from None
    if compiled.search("") is not None:
        raise BadInputError(
            f"{key} cannot be used.", "It matches the empty text.", "Ask for one character more."
        )
    return compiled
