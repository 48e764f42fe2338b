"""Pieces that all protocols share: texts, images by hash, tool input, fingerprints."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from skillclaw.trajectory.model import Part, Source, text_of
from skillclaw.wire.body import load_json
from skillclaw.wire.records import Item, Usage

__all__ = [
    "IMAGE_TYPES",
    "arguments_of",
    "as_dict",
    "as_list",
    "as_str",
    "compact",
    "fingerprint",
    "image_part",
    "join",
    "json_text",
    "number",
    "tool_summary",
    "usage_of",
    "whole_number",
]

IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
"""The media types that ATIF v1.8 allows for an image."""

TOOL_TEXT = 200
"""Characters of a tool's description that are kept: the vendors' manuals would dwarf the session."""

SKILL_TOOLS = frozenset({"skill", "skills", "activate_skill", "invoke_skill", "skill_view", "read_skill"})
"""Tools whose descriptions list the skills offered: these stay whole."""

_deterministic = msgspec.json.Encoder(order="deterministic")


def as_dict(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def as_str(value: Any) -> str:
    """The value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def whole_number(value: Any) -> int | None:
    """The value if it is a number without fraction, at least 0 and below 2^63; else None."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    return None


def number(value: Any) -> float | None:
    """The value if it is a number; else None."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def json_text(value: Any) -> str:
    """The value as JSON text, the same text for equal values; for what has no better form."""
    return _deterministic.encode(value).decode("utf-8")


def arguments_of(given: Any) -> tuple[dict[str, Any], str | None]:
    """A call's input as (arguments, raw text). Raw only where the input is not a JSON object."""
    if isinstance(given, dict):
        return given, None
    if isinstance(given, str):
        parsed = load_json(given) if given else {}
        return (parsed, None) if isinstance(parsed, dict) else ({"input": given}, given)
    if given is None:
        return {}, None
    return {"input": given}, json_text(given)


def image_part(media_type: str, data: str) -> Part | None:
    """An image by the hash of its bytes (`sha256:<hex>`); `data` is base64, a data URL or another URL.

    None for media types that ATIF does not know. The bytes are dropped; a URL is hashed as text.
    """
    if data.startswith("data:"):
        head, _, data = data.partition(",")
        media_type = head.removeprefix("data:").partition(";")[0] or media_type
    elif data.startswith(("http://", "https://", "file:", "gs://")):
        digest = hashlib.sha256(data.encode()).hexdigest()
        kind = media_type if media_type in IMAGE_TYPES else "image/png"
        return Part(type="image", source=Source(media_type=kind, path=f"sha256:{digest}"))
    media_type = {"image/jpg": "image/jpeg"}.get(media_type, media_type)
    if media_type not in IMAGE_TYPES:
        return None
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raw = data.encode()
    digest = hashlib.sha256(raw).hexdigest()
    return Part(type="image", source=Source(media_type=media_type, path=f"sha256:{digest}"))


def compact(parts: Iterable[Part]) -> str | list[Part]:
    """Parts as one content: plain text where there is nothing but text."""
    known = list(parts)
    if all(part.type == "text" for part in known):
        return "\n".join(part.text or "" for part in known)
    return known


def join(first: str | list[Part], second: str | list[Part]) -> str | list[Part]:
    """Two contents as one, in order; texts are joined by a line break."""
    if not first or not second:
        return first or second
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n{second}"
    return [*_parts(first), *_parts(second)]


def _parts(content: str | list[Part]) -> list[Part]:
    return [Part(type="text", text=content)] if isinstance(content, str) else content


def fingerprint(item: Item) -> bytes:
    """16 bytes, equal for the same piece however often and in whatever dress it is sent again.

    Call ids are left out, since some clients rewrite them (facts of the protocols), and surrounding blanks.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{item.role}\0{item.kind}\0{item.name}\0".encode())
    if item.kind == "call":
        digest.update(_deterministic.encode(item.arguments))
    else:
        digest.update(text_of(item.content).strip().encode("utf-8", "replace"))
        if isinstance(item.content, list):
            for part in item.content:
                if part.source is not None:
                    digest.update(part.source.path.encode())
    return digest.digest()


def tool_summary(name: str, description: str) -> dict[str, Any]:
    """A tool in the OpenAI function form, without its schema and with the start of its description."""
    text = description.strip()
    if name.lower() not in SKILL_TOOLS and len(text) > TOOL_TEXT:
        text = text[:TOOL_TEXT] + " ..."
    return {"type": "function", "function": {"name": name, "description": text}}


def usage_of(prompt: Any, completion: Any, cached: Any) -> Usage | None:
    """Token counts, or None when there is none."""
    numbers = [
        n if isinstance(n, int) and not isinstance(n, bool) and n >= 0 else None
        for n in (prompt, completion, cached)
    ]
    if all(number is None for number in numbers):
        return None
    return Usage(prompt=numbers[0], completion=numbers[1], cached=numbers[2])
