"""Reasoning that travels through an agent of another protocol and comes back to its provider whole.

Providers refuse or forget a tool turn whose reasoning is missing or altered: Anthropic wants the thinking
block with its signature, OpenAI its encrypted item, DeepSeek and Kimi the text. Every protocol has a field
that agents send back without looking into it (`signature` and `data`, `encrypted_content`, OpenRouter's
`reasoning_details`). The envelope below goes there:

    base64, with padding, of `skillclaw.v1` and a JSON object

which always starts with `c2tpbGxjbGF3LnYx`, since those 12 bytes fill 16 characters. The object has `from`
and what that provider needs:

    {"from": "anthropic", "text", "signature"}      a thinking block
    {"from": "anthropic", "redacted"}               a redacted_thinking block: its data
    {"from": "responses", "item"}                   a reasoning item without `type` and `status`
    {"from": "chat", "field", "text", "details"}    the text, the field it came in, OpenRouter's details

It hides nothing: it holds what an agent of the provider's own protocol would hold. What does not parse is
no envelope, and a thought of another provider is left out of the request.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from skillclaw.wire.body import load_json
from skillclaw.wire.content import as_dict, as_list, as_str
from skillclaw.wire.translate.form import Seal, encode

__all__ = ["PREFIX", "foreign", "pack", "unpack"]

MARK = b"skillclaw.v1"
PREFIX = base64.b64encode(MARK).decode()
ANY_VERSION = base64.b64encode(b"skillclaw").decode()


def pack(seal: Seal, text: str = "") -> str:
    """The envelope for a seal; `text` is added where the agent's field is the only place for it."""
    if text and "text" not in seal and seal.get("from") == "chat":
        seal = {**seal, "text": text}
    return base64.b64encode(MARK + encode(seal)).decode()


def unpack(envelope: str) -> Seal | None:
    """The seal in an envelope of ours, or None."""
    if not envelope.startswith(PREFIX):
        return None
    try:
        raw = base64.b64decode(envelope, validate=True)
    except (binascii.Error, ValueError):
        return None
    return _checked(as_dict(load_json(raw[len(MARK) :])))


def foreign(envelope: str) -> bool:
    """Whether a text is an envelope, readable or not: no provider may be given one as its own."""
    return envelope.startswith(ANY_VERSION)


def _checked(value: dict[str, Any]) -> Seal | None:
    """The seal with the fields that it should have and no others: agents could have changed it."""
    origin = value.get("from")
    text = as_str(value.get("text"))
    if origin == "anthropic" and as_str(value.get("redacted")):
        return {"from": "anthropic", "redacted": value["redacted"]}
    if origin == "anthropic" and as_str(value.get("signature")):
        return {"from": "anthropic", "text": text, "signature": value["signature"]}
    if origin == "responses" and isinstance(value.get("item"), dict):
        return {"from": "responses", "item": value["item"]}
    if origin == "chat":
        field = "reasoning" if value.get("field") == "reasoning" else "reasoning_content"
        seal: Seal = {"from": "chat", "field": field}
        if text:
            seal["text"] = text
        if as_list(value.get("details")):
            seal["details"] = value["details"]
        return seal
    return None
