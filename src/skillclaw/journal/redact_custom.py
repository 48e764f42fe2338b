"""What a person's settings add to redaction: rules, words, and values that are never masked."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from skillclaw.custom_rules import compile_rules
from skillclaw.journal.redact_text import Masker, outside

__all__ = ["CustomRule", "custom_rule"]

CustomRule = Callable[[str, Masker], str]


def custom_rule(
    rules: Mapping[str, str], words: Collection[str], allow: Collection[str]
) -> CustomRule | None:
    """Masks what the rules match as `<custom:NAME:...>`, and the words, in any case, as `<word:...>`; None
    where there are neither. Nothing in a value of `allow` is masked. BadInputError for a rule that cannot be
    used.
    """
    compiled = compile_rules(rules)
    pattern = _either(words, re.IGNORECASE)
    kept = _either(allow)
    if not compiled and pattern is None:
        return None

    def mask(text: str, masker: Masker) -> str:
        if kept is not None:
            text = kept.sub(lambda match: masker.keep(match[0]), text)
        if pattern is not None:
            text = pattern.sub(lambda match: masker.mask("word", match[0], match[0].casefold()), text)
        for name, rule in compiled.items():
            kind = f"custom:{name}"

            def one(piece: str, rule: re.Pattern[str] = rule, kind: str = kind) -> str:
                parts, done = [], 0
                for found in rule.finditer(piece):
                    if found.end() > found.start():
                        parts += [piece[done : found.start()], masker.mask(kind, found.group(0))]
                        done = found.end()
                return "".join([*parts, piece[done:]]) if parts else piece

            text = outside(text, one)
        return text

    return mask


def _either(words: Collection[str], flags: int = 0) -> re.Pattern[str] | None:
    """A pattern of all these words, each of which stands alone."""
    wanted = sorted({word.strip() for word in words if word.strip()}, key=lambda word: (-len(word), word))
    if not wanted:
        return None
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, wanted)) + r")(?!\w)", flags)
