"""What no rule knows by form or name, but looks like a key: random-looking tokens.

Runs last and rarely. The last word on a token has detect-secrets' measure of entropy; it takes 180 ms to
import, so it is loaded when the first token has passed all else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from skillclaw.journal.redact_assign import is_placeholder
from skillclaw.journal.redact_encoded import is_prose
from skillclaw.journal.redact_text import Masker

__all__ = ["mask_random"]

MIN, MAX = 24, 128
"""Lengths of a token that may be a key; longer runs of base64 are data."""

_TOKEN = re.compile(r"(?<![A-Za-z0-9+/=_.-])[A-Za-z0-9+/_-]{24,}+={0,2}(?![A-Za-z0-9_])")
_LETTER_RUN = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{5,}")
_DIGIT_RUN = re.compile(r"\d+")
_HEX = re.compile(r"^(?:0x)?[0-9a-fA-F-]+$")
_ID = re.compile(
    r"^(?:call|toolu|tool|srvtoolu|msg|req|resp|run|chatcmpl|cmpl|gen|item|fc|rs|thread|asst|file|evt|step|conv|sess|session"
    r"|batch|vs|org|proj|user|project|prj|dpl|team|task|job|trace|span|event|order|cus|ch|pi|sub|price|prod|in|seti|src|card|ba"
    r"|txn|acct|cs|pm|re|po|tr|chatcmpl-tool|functions|exec|node|pod|ami|i|vpc|subnet|sg|vol|snap|eni|arn|rtb|igw)[_-]"
)
_BEFORE = re.compile(
    r"(?i)(?:sha\d{1,3}|md5|blake\w{0,4}|integrity|digest|checksum|etag|hash|commit|uuid|guid|nonce|fingerprint|rev|revision"
    r"|cid|oid|fileid|documentid|docid|\bids?|_id|signature|thumbprint|base64,|cursor|pagetoken|object|blob|tree|build|h1:|amz-id-2)"
    r"[\"'\\]{0,4}\s{0,3}[-:=@]?\s{0,3}[\"'\\]{0,4}$"
)
_URL_BEFORE = re.compile(r"(?:://|\bwww\.)\S*$")
_ENTROPY = 4.0
"""Bits per character of a token; words and names of 24 to 40 characters stay below 3.9."""


@cache
def _entropy_of() -> Callable[[str], float]:
    from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString

    plugin = Base64HighEntropyString(limit=_ENTROPY)
    return lambda value: float(plugin.calculate_shannon_entropy(value))


def mask_random(text: str, masker: Masker) -> str:
    """The text with random-looking tokens masked; hashes, ids, names, paths and data stay."""
    parts: list[str] = []
    done = 0
    for match in _TOKEN.finditer(text):
        value = match[0]
        if len(value) > MAX or not _mixed(value):
            continue
        before = text[max(done, match.start() - 80) : match.start()]
        kind = _judge(value, before)
        if kind:
            parts += [text[done : match.start()], masker.mask(f"secret:{kind}", value)]
            done = match.end()
    parts.append(text[done:])
    return "".join(parts)


def _mixed(value: str) -> bool:
    """Cheap first look: digits in several places and letters of both cases, not mostly words."""
    if _HEX.match(value) or value.islower() or value.isupper():
        return False
    if len(_DIGIT_RUN.findall(value)) < 3:
        return False
    return sum(len(run) for run in _LETTER_RUN.findall(value)) <= 0.35 * len(value)


def _judge(value: str, before: str) -> str:
    if value.startswith("MII"):
        return ""  # a certificate; private keys are found by what stands around them
    if value.lower().startswith(("sha256-", "sha384-", "sha512-")):
        return ""  # subresource integrity
    if is_placeholder(value) or _ID.match(value) or _BEFORE.search(before):
        return ""
    if value.count("/") > 1 + len(value) // 16 or value.startswith("/") or _URL_BEFORE.search(before):
        return ""
    if value.count("-") + value.count("_") > 1 + len(value) // 10:
        return ""
    return "random" if _entropy_of()(value) >= _ENTROPY and not is_prose(value) else ""
