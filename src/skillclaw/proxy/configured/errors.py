"""Errors that configured mode answers itself, in the shape that the agent's protocol gives to errors.

Anthropic: https://docs.anthropic.com/en/api/errors; OpenAI: error object of the API reference; Gemini:
google.rpc.Status as JSON (https://cloud.google.com/apis/design/errors).
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from skillclaw.proxy.configured.paths import Family

__all__ = ["Refused", "body", "reason_of"]

_ANTHROPIC = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_OPENAI = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_GEMINI = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    504: "DEADLINE_EXCEEDED",
}


class Refused(Exception):  # noqa: N818  an answer, not a fault
    """The proxy answers itself: HTTP status, what happened, why, what to do next."""

    def __init__(self, status: int, what: str, why: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.status = status
        self.text = " ".join(part for part in (what, why, todo) if part)


def body(family: Family, status: int, text: str) -> bytes:
    """The error as JSON."""
    if family == "anthropic":
        kind = _ANTHROPIC.get(status, "invalid_request_error" if status < 500 else "api_error")
        return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": text}})
    if family == "gemini":
        name = _GEMINI.get(status, "INVALID_ARGUMENT" if status < 500 else "UNAVAILABLE")
        return msgspec.json.encode({"error": {"code": status, "message": text, "status": name}})
    kind = _OPENAI.get(status, "invalid_request_error" if status < 500 else "api_error")
    code = "skillclaw_" + reason_of(status).lower().replace(" ", "_")
    return msgspec.json.encode({"error": {"message": text, "type": kind, "param": None, "code": code}})


def reason_of(status: int) -> str:
    """The reason phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Overloaded" if status == 529 else "Error"
