"""Keys by the names before them, where they have no form of their own: of IBM Cloud, Cloudant and SoftLayer,
and AWS's secret keys by the words around them.

What is taken is what detect-secrets' plugins for these take (tests hold it against them); its others look for
forms that `vendors` has too, or for entropy, which `redact_entropy` asks under more conditions. The package
itself brings `requests` and what that needs, 2.5 MB, and takes 0.2 s to import.
"""

from __future__ import annotations

import re

from skillclaw.journal.redact_judge import is_placeholder
from skillclaw.journal.redact_text import Masker, holds

__all__ = ["mask_detected", "named_keys"]

_NEEDLES = ("cloudant", "softlayer", "ibm", "cos_hmac", "cos-hmac", "aws")
LONGEST_LINE = 2000
LEAST = 20
"""Characters of what is masked."""


def _given(owner: str, word: str, value: str) -> re.Pattern[str]:
    """`value` behind a name of `owner` and `word`: `OWNER_WORD = "VALUE"`, as JSON, YAML or Ruby."""
    name = rf"""(?<!\w)\[?["']?{owner}[_-]?{word}["']?\]?"""
    return re.compile(rf"""{name} *(?::=|=>|=|::|:| ) *["']?({value})""", re.IGNORECASE)


_WORD = "(?:api)?(?:key|pwd|pw|password|pass|token)"
_FORMS = (
    re.compile(r"((?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16})"),
    re.compile(
        r"""aws.{0,20}?(?:key|pwd|pw|password|pass|token).{0,20}?["']([0-9a-z/+]{40})["']""", re.IGNORECASE
    ),
    _given("(?:cloudant|clou|cl)", _WORD, "[0-9a-f]{64}|[a-z]{24}"),
    re.compile(r"https?://[\w-]+:([0-9a-f]{64}|[a-z]{24})@[\w-]+\.cloudant\.com", re.IGNORECASE),
    _given(
        "(?:ibm[_-]?cloud[_-]?iam|cloud[_-]?iam|ibm[_-]?cloud|ibm[_-]?iam|ibm|iam|cloud)?[_-]?(?:api)?",
        "(?:key|pwd|password|pass|token)",
        r"[a-z0-9_-]{44}(?![a-z0-9_-])",
    ),
    _given(
        "(?:(?:ibm)?[_-]?cos[_-]?(?:hmac)?)?", "secret[_-]?(?:access)?[_-]?key", r"[a-f0-9]{48}(?![a-f0-9])"
    ),
    _given("(?:softlayer|sl)[_-]?(?:api)?", "(?:key|pwd|password|pass|token)", "[a-z0-9]{64}"),
    re.compile(r"https?://api\.softlayer\.com/soap/v3(?:\.1)?/([a-z0-9]{64})", re.IGNORECASE),
)


def named_keys(line: str) -> list[str]:
    """What such a name in the line stands before."""
    return [value for form in _FORMS for value in form.findall(line)]


def mask_detected(text: str, folded: str, masker: Masker) -> str:
    """The text with such keys masked, line by line."""
    if not holds(_NEEDLES, folded) or not holds(("key", "pass", "token", "pwd", "api.softlayer"), folded):
        return text
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not 24 <= len(line) <= LONGEST_LINE or not holds(_NEEDLES, line.lower()):
            continue
        for value in named_keys(line):
            if len(value) >= LEAST and value in line and not is_placeholder(value):
                line = line.replace(value, masker.mask("secret:value", value))
        lines[number] = line
    return "\n".join(lines)
