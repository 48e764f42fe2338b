"""How the API tells an error: `{what, why, todo}`, as commands do, and whose turn it is by the status."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from skillclaw.errors import (
    BadInputError,
    BusyError,
    SkillClawError,
    StorageError,
    UpgradeNeededError,
    UsageError,
    VerifyError,
)

__all__ = [
    "MAX_BODY",
    "TOO_LARGE",
    "ApiError",
    "Problem",
    "answers",
    "handle_errors",
    "problem",
]


STATUS: tuple[tuple[type[SkillClawError], int], ...] = (
    (UsageError, 409),
    (UpgradeNeededError, 501),
    (BadInputError, 409),
    (BusyError, 409),
    (StorageError, 503),
    (VerifyError, 502),
)
"""The first that fits. What was asked for does not go with how things stand: 409. The group's storage is
away: 503; what lies there does not hold: 502; it is of a newer format: 501."""

RETRY_AFTER = "5"
"""Seconds after which it is worth trying again."""

MAX_BODY = 64 * 1024
"""Bytes of a request's body."""
TOO_LARGE = ("The request is too large.", f"A body may have {MAX_BODY} bytes.")

TOLD = 5
"""Faults of one request that are told."""


class Problem(BaseModel):
    """What went wrong: one sentence, the cause, and what to do next."""

    what: str = Field(description="What happened, one sentence.")
    why: str = Field(description="The cause, where it is known.")
    todo: str = Field(description="What can be done, where something can.")


class ApiError(SkillClawError):
    """An error that has its own status."""

    def __init__(self, status: int, what: str, why: str = "", todo: str = "") -> None:
        super().__init__(what, why, todo)
        self.status = status


REASONS = {
    400: "The request is malformed.",
    401: "No token, or a wrong one.",
    403: "Not allowed: a foreign Host or Origin, or a decision that this server's keys do not allow.",
    405: "There is no such method here.",
    404: "There is no such thing.",
    409: "It does not go with how things stand now.",
    413: "The request is too large.",
    422: "A value in the request is wrong.",
    500: "A fault of the server.",
    501: "The group's hub is of a newer format than this server reads.",
    502: "What lies in the group's hub does not hold.",
    503: "The group's storage, or the server, cannot answer now.",
}


def answers(*more: int) -> dict[int | str, dict[str, Any]]:
    """The errors of an endpoint for the OpenAPI document: those that all have, and `more`."""
    codes = sorted({400, 401, 403, 413, 422, 500, 503, *more})
    return {code: {"model": Problem, "description": REASONS[code]} for code in codes}


def problem(status: int, what: str, why: str = "", todo: str = "") -> JSONResponse:
    """The answer that tells an error."""
    headers = {"Retry-After": RETRY_AFTER} if status == 503 else {}
    return JSONResponse(Problem(what=what, why=why, todo=todo).model_dump(), status, headers)


def handle_errors(app: FastAPI) -> None:
    """Have `app` tell every error so."""
    app.add_exception_handler(SkillClawError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


def _known(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SkillClawError)
    if isinstance(error, ApiError):
        status = error.status
    else:
        status = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
    return problem(status, error.what, error.why, error.todo)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """It goes on to the guard, which notes it."""
    return problem(500, "The server met an error that it did not expect.", "", "See its log.")


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    answer = problem(error.status_code, *_said(error))
    answer.headers.update(error.headers or {})
    if error.status_code == 405:
        answer.headers["Allow"] = ", ".join(_methods(request))
    return answer


def _methods(request: Request) -> list[str]:
    """The methods of a path; the routes by themselves tell only those of the first that fits."""
    found: set[str] = set()
    for template, item in request.app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\\\{[^}]*\}", "[^/]+", re.escape(template)), request.scope["path"]):
            found |= {method.upper() for method in item}
    return sorted(found)


def _said(error: HTTPException) -> tuple[str, str, str]:
    if error.status_code == 404:
        return "There is nothing at this path.", "", "See: /api/v1/openapi.json"
    if error.status_code == 405:
        return "This path has no such method.", "", "See: /api/v1/openapi.json"
    if error.status_code == 413:
        return (*TOO_LARGE, "")
    if error.status_code == 408:
        return "The request's body did not come in time.", "", "Send it at once."
    try:
        return f"{HTTPStatus(error.status_code).phrase}.", "", ""
    except ValueError:
        return "The request failed.", "", ""


def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Which value is wrong, and how; not the value, which may be long or a secret in the wrong place."""
    assert isinstance(error, RequestValidationError)
    faults = [f"{'.'.join(map(str, one['loc']))[:200]}: {one['msg'][:300]}" for one in error.errors()[:TOLD]]
    return problem(422, "A value in the request is wrong.", "; ".join(faults), "See: /api/v1/openapi.json")
