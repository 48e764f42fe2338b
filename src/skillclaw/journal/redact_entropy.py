"""What no rule knows by form or name, but looks like a key: random-looking tokens.

Runs last and rarely. The last word on a token has its entropy.
"""

# ruff: noqa: E501  (one form a line reads best)

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from skillclaw.journal.redact_encoded import is_prose
from skillclaw.journal.redact_judge import is_placeholder
from skillclaw.journal.redact_text import Masker

__all__ = ["entropy", "mask_random", "random_tokens"]

MIN, MAX = 24, 128
"""Lengths of a token that may be a key; longer runs of base64 are data."""

_TOKEN = re.compile(
    rf"(?<![A-Za-z0-9+/_.-])(?<![^A-Za-z0-9_\]}}-]=)[A-Za-z0-9+/_-]{{{MIN},}}+={{0,2}}(?![A-Za-z0-9_])"
)
"""Behind `=` only where a name stands before it: elsewhere that pads base64, or compares."""
_LETTER_RUN = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{5,}")
_DIGIT_RUN = re.compile(r"\d+")
_HEX = re.compile(r"^(?:0x)?[0-9a-fA-F-]+$")
_ID = re.compile(
    r"^(?:call|toolu|tool|srvtoolu|msg|req|resp|run|chatcmpl|cmpl|gen|item|fc|rs|thread|asst|file|evt|step|conv|sess|session"
    r"|batch|vs|org|proj|user|project|prj|dpl|team|task|job|trace|span|event|order|cus|ch|pi|sub|price|prod|in|seti|src|card|ba"
    r"|txn|acct|cs|pm|re|po|tr|chatcmpl-tool|functions|exec|node|pod|ami|i|vpc|subnet|sg|vol|snap|eni|arn|rtb|igw)[_-]"
)
_SHORT_ID = re.compile(
    r"(?!(?:sk|rk|pk|key|tok|token|pat|api|live|test|sec|auth|pw|pwd|ak|as)_)[a-z]{2,5}_[A-Za-z0-9]{14,}"
)
"""How services name their rows: a few letters that are not those of a key, then what makes it unique."""
_BEFORE = re.compile(
    r"(?i)(?:sha-?\d{1,3}|md5|blake\w{0,4}|integrity|digest|checksum|etag|hash|commit|uuid|guid|ksuid|ulid|cuid2?|nanoid|xid|nonce|(?:finger|thumb)print|rev|revision"
    r"|cid|oid|fileid|documentid|docid|\bids?|_id|(?-i:[a-z]I[dD])|signature|base64,|cursor|object|blob|tree|build|h1:|amz-id-2"
    r"|pub(?:lic)?[ _-]?key|peer|recipients?|site[ _-]?key|publishable[ _-]?key|verif\w{1,8}[ _-]?key|host[ _-]?key|applicationserverkey|\bkid|x5t(?:#s256)?|[\"'][xyn]|challenge"
    r"|(?:page|next|continuation|resume|sync|delta|sequence)[ _-]?(?:page[ _-]?)?(?:token|number|marker)|continuation|verification"
    r"|\bsig|(?:digest|signature)value|packagehash|[\"'](?:after|before)|accessor|spki|\bpin|program|mint|wallet|address|contract|account|ipfs|pinned)"
    r"[\"'\\]{0,4}(?: \(\w{1,12}\))?\s{0,3}(?:=>|[-:=@>])?\s{0,3}[\"'\\]{0,4}$"
)
"""Words right before a token that say it is public: a hash, an id, a place in a list, a public key."""
_NAME_BEFORE = re.compile(
    r"(?i)(?:[a-z]{3}id|sum|crc\w{0,3}|xxh\d*|trace|cache[_-]?key|idempotency[_-]?key|after|before|next|marker|offset|iterator|boundary|merkle\w{0,8}|spki-list"
    r"|correlation|snapshot|version|release|chunk|visitor|tracking|playlist|channel|user[_-]?data|lease|[a-z]clid|sxsrf|utm_\w{1,16}|_ga"
    r"|(?<![a-z0-9])(?:sha|sri|h?mac|fp|bh|tx|job|run|list|part|state|lock|device|ref|page|ved|ei|si|pb|[behnpsvxy]))=$"
)
"""Names right before `=` whose values are public: what `_BEFORE` has, and what is too short or common for running text."""
_QUERY_BEFORE = re.compile(r"[?&][\w.\[\]-]{1,64}=$")
_FILES = (
    *("MII", "LS0tLS1CRUdJTiBDRVJU", "LS0tLS1CRUdJTiBQVUJM"),
    *(
        "UEsDB",
        "H4sI",
        "JVBERi0",
        "iVBORw0KGgo",
        "R0lGOD",
        "UklGR",
        "T2dnUw",
        "d09GM",
        "d09GRg",
        "AAEAAAA",
        "f0VMRg",
    ),
    *(
        "TVqQ",
        "QlpoO",
        "/Td6WF",
        "KLUv",
        "N3q8r",
        "AGFzbQ",
        "SUQz",
        "AAAAIGZ0eX",
        "AAAAHGZ0eX",
        "0M8R4KGx",
        "SQlRFTS",
    ),
)
"""How the base64 of a certificate begins, and of an archive, a picture, a document, a program."""
_NAMED_HASH = re.compile(r"(?:[A-Za-z0-9]{1,24}[-_]){1,12}(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{32})")
"""Words and a hash: the key of a cache, a folder."""
_FILE = re.compile(
    r"\.(?:[a-z][a-z0-9]{0,9}\.){0,2}(?:[cm]?[jt]sx?|css|map|html?|json|wasm|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|eot|mp[34]|webm|pdf|zip|gz|tgz|tar|br|zst|whl|jar|so|dylib|dll|exe|deb|rpm|log|lock|txt|bin|dat|db|parquet|csv|md)(?![\w-])"
)
"""The ending of a file's name, which often holds a hash of its content."""
_URL_BEFORE = re.compile(r"(?:://|\bwww\.)\S*$")
_ENTROPY = 4.0
"""Bits per character of a token; words and names of 24 to 40 characters stay below 3.9."""


def entropy(value: str) -> float:
    """Shannon's entropy of the characters of a text, in bits a character (1948): -sum p log2 p."""
    size = len(value)
    return -math.fsum(count / size * math.log2(count / size) for count in Counter(value).values())


def mask_random(text: str, masker: Masker) -> str:
    """The text with random-looking tokens masked; hashes, ids, names, paths and data stay."""
    parts: list[str] = []
    done = 0
    for match in random_tokens(text):
        parts += [text[done : match.start()], masker.mask("secret:random", match[0])]
        done = match.end()
    parts.append(text[done:])
    return "".join(parts)


def random_tokens(text: str) -> Iterator[re.Match[str]]:
    """Where random-looking tokens stand in a text, from left to right."""
    done = 0
    for match in _TOKEN.finditer(text):
        value = match[0]
        if len(value) > MAX or not _mixed(value):
            continue
        if _FILE.match(text, match.end()):
            continue
        if _is_random(value, text[max(done, match.start() - 80) : match.start()]):
            done = match.end()
            yield match


def _mixed(value: str) -> bool:
    """Cheap first look: digits in several places and letters of both cases, not mostly words."""
    if _HEX.match(value) or value.islower() or value.isupper():
        return False
    if len(_DIGIT_RUN.findall(value)) < 3:
        return False
    return sum(len(run) for run in _LETTER_RUN.findall(value)) <= 0.35 * len(value)


def _is_random(value: str, before: str) -> bool:
    if value.startswith(_FILES):
        return False  # private keys are found by what stands around them, and texts were looked at
    if (
        is_placeholder(value)
        or _ID.match(value)
        or _SHORT_ID.fullmatch(value)
        or _NAMED_HASH.fullmatch(value)
        or _BEFORE.search(before)
        or _NAME_BEFORE.search(before)
    ):
        return False
    if value.count("/") > 1 + len(value) // 16 or value.startswith("/"):
        return False
    if _URL_BEFORE.search(before) and not _QUERY_BEFORE.search(before):
        return False
    if value.count("-") + value.count("_") > 1 + len(value) // 10:
        return False
    return entropy(value) >= _ENTROPY and not is_prose(value)
