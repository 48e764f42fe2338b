"""Token counts for agents whose upstream speaks another API and counts none: an estimate by length."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from skillclaw.proxy import Speech

__all__ = ["counted", "estimate"]

BYTES = 4
"""UTF-8 bytes of a token: the usual rule for English text and code; for other scripts it counts too many."""
PICTURE = 1600
"""Tokens of a picture: what Anthropic says of one at its largest (about 1.15 megapixels)."""
PROMPT = ("system", "instructions", "messages", "input", "tools")
PICTURES = frozenset({"image", "input_image", "image_url", "document", "input_file"})


def counted(body: dict[str, Any], speech: Speech | None) -> bytes:
    """The answer to a request for a count: Anthropic's, or that of OpenAI's Responses."""
    kind = {} if speech == "anthropic" else {"object": "response.input_tokens"}
    return msgspec.json.encode(kind | {"input_tokens": estimate(body)})


def estimate(body: dict[str, Any]) -> int:
    """About how many tokens a prompt has: its words, names and schemas, without the bytes of files."""
    pictures, size = _weigh([body.get(name) for name in PROMPT])
    return pictures * PICTURE + math.ceil(size / BYTES)


def _weigh(value: Any) -> tuple[int, int]:
    """(pictures, bytes of text)."""
    pictures = size = 0
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            size += len(found.encode("utf-8", "replace"))
        elif isinstance(found, list):
            waiting += found
        elif isinstance(found, dict):
            kind = found.get("type")
            if isinstance(kind, str) and kind in PICTURES:
                pictures += 1
                continue
            size += sum(map(len, found))
            waiting += found.values()
        elif found is not None:
            size += 1
    return pictures, size
