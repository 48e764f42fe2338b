"""Errors of a provider -> errors as the agent's protocol says them.

Sources: the error pages of Anthropic's and OpenAI's API references. The upstream's message is kept; a full
context is told in the words by which the agents know it (Claude Code compacts on `prompt is too long`, Codex
on the code `context_length_exceeded`).
"""

from __future__ import annotations

import re
from typing import Any

from skillclaw.wire.body import load_json
from skillclaw.wire.content import as_dict, as_str, json_text
from skillclaw.wire.translate.form import Fail, Speech, Trouble, encode

__all__ = ["anthropic_error", "failure", "openai_error", "translate_error"]

TEXT = 2000
"""Characters kept of an error body that is no JSON (gateways answer with pages)."""

BY_STATUS: dict[int, Trouble] = {
    400: "invalid",
    401: "auth",
    403: "permission",
    404: "missing",
    413: "too_large",
    422: "invalid",
    429: "rate",
    503: "overloaded",
    529: "overloaded",
}
BY_NAME: dict[str, Trouble] = {
    "invalid_request_error": "invalid",
    "invalid_prompt": "invalid",
    "authentication_error": "auth",
    "invalid_api_key": "auth",
    "permission_error": "permission",
    "not_found_error": "missing",
    "model_not_found": "missing",
    "request_too_large": "too_large",
    "rate_limit_error": "rate",
    "rate_limit_exceeded": "rate",
    "overloaded_error": "overloaded",
    "server_is_overloaded": "overloaded",
    "slow_down": "overloaded",
}
ANTHROPIC: dict[Trouble, str] = {
    "invalid": "invalid_request_error",
    "auth": "authentication_error",
    "permission": "permission_error",
    "missing": "not_found_error",
    "too_large": "request_too_large",
    "rate": "rate_limit_error",
    "overloaded": "overloaded_error",
    "server": "api_error",
}
OPENAI: dict[Trouble, tuple[str, str | None]] = {
    "invalid": ("invalid_request_error", None),
    "auth": ("invalid_request_error", "invalid_api_key"),
    "permission": ("invalid_request_error", "permission_denied"),
    "missing": ("invalid_request_error", "not_found"),
    "too_large": ("invalid_request_error", "request_too_large"),
    "rate": ("rate_limit_error", "rate_limit_exceeded"),
    "overloaded": ("server_error", "server_is_overloaded"),
    "server": ("server_error", "server_error"),
}
FULL = re.compile(r"(?i)context_length_exceeded|prompt is too long|maximum context length|context window")
SPENT = frozenset({"insufficient_quota", "billing_error"})


def translate_error(status: int, body: bytes, source: Speech, target: Speech) -> bytes:
    """The JSON body for the agent (which speaks `source`) of an error that the upstream answered with.

    The body may be anything: an error of the upstream's protocol, of a gateway, a page, nothing.
    """
    if source == target and isinstance(load_json(body), dict):
        return body
    value = load_json(body)
    error = _error(value)
    message = (
        as_str(error.get("message"))
        or as_str(as_dict(value).get("message"))
        or as_str(as_dict(value).get("detail"))
        or as_str(as_dict(value).get("error"))
        or (json_text(value) if value else body[:TEXT].decode("utf-8", "replace").strip())
        or f"The upstream answered with HTTP status {status} and no words."
    )
    named = [as_str(error.get("code")), as_str(error.get("type"))]
    trouble = BY_STATUS.get(status)
    if trouble is None:
        by_name = next((BY_NAME[name] for name in named if name in BY_NAME), None)
        trouble = by_name or ("invalid" if 400 <= status < 500 else "server")
    spent = status == 402 or any(name in SPENT for name in named)
    return encode(_shaped(trouble, message, source, full=_is_full(named, message), spent=spent))


def failure(error: Any) -> Fail:
    """The event for an error inside a stream or a reply."""
    known = as_dict(error)
    message = as_str(known.get("message")) or (error if isinstance(error, str) else json_text(error))
    named = [as_str(known.get("code")), as_str(known.get("type"))]
    if _is_full(named, message):
        return Fail("invalid", message if FULL.search(message) else f"{message} (context_length_exceeded)")
    return Fail(next((BY_NAME[name] for name in named if name in BY_NAME), "server"), message)


def anthropic_error(fail: Fail) -> dict[str, Any]:
    """The error object of a stream, as Anthropic says it."""
    return _shaped(fail.trouble, fail.message, "anthropic", full=bool(FULL.search(fail.message)), spent=False)


def openai_error(fail: Fail) -> dict[str, Any]:
    """The error object of a stream, as OpenAI says it."""
    return _shaped(fail.trouble, fail.message, "chat", full=bool(FULL.search(fail.message)), spent=False)


def _error(value: Any) -> dict[str, Any]:
    if isinstance(value, list) and value:
        # Gemini's OpenAI-like endpoint wraps its errors in a list.
        value = value[0]
    return as_dict(as_dict(value).get("error"))


def _is_full(named: list[str], message: str) -> bool:
    return "context_length_exceeded" in named or bool(FULL.search(message))


def _shaped(trouble: Trouble, message: str, source: Speech, *, full: bool, spent: bool) -> dict[str, Any]:
    if source == "anthropic":
        kind = "billing_error" if spent else ANTHROPIC[trouble]
        if full and "prompt is too long" not in message:
            message = f"prompt is too long: {message}"
        return {"type": "error", "error": {"type": kind, "message": message}}
    name, code = ("insufficient_quota", "insufficient_quota") if spent else OPENAI[trouble]
    if full:
        name, code = "invalid_request_error", "context_length_exceeded"
    return {"error": {"message": message, "type": name, "param": None, "code": code}}
