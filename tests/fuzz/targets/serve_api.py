"""Requests to the evolve server's API: paths, queries, headers and bodies, up to where its service would act.

A request is lines (`fuzzing.asgi`). The service behind it is one that refuses everything in words, so that
what is tried is what reads: guard, router, models of the bodies, errors.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from fuzzing.asgi import Client, asked
from fuzzing.folder import made

from skillclaw.errors import BadInputError

INSTRUMENT = ("skillclaw.server.api",)
MOST_BYTES = 8192
TOKEN = "t" * 64
DICT = (
    b"GET /api/v1/",
    b"POST /api/v1/",
    b"authorization: Bearer TOKEN",
    b"host: 127.0.0.1",
    b"content-type: application/json",
    b"idempotency-key: a",
    b"groups/team/proposals",
    b"groups/team/skills",
    b"cycles",
    b"/approve",
    b"/reject",
    b"?limit=",
    b"?after=",
    b"origin: http://127.0.0.1",
    b"transfer-encoding: chunked",
    b"content-length: 99999999999",
    b"{}",
    b"null",
    b"/healthz",
    b"/metrics",
    b"%00",
    b"%2f",
    b"groups/team/skills/git/pin",
    b"last-event-id: 1",
    b"/rollback",
    b"/pause",
    b"/resume",
    b"/evidence",
    b"/patterns",
    b"/lines/1/why",
    b"/items/0a1b/why",
    b"?file=references/a.md",
    b"&status=held",
    b"&skill=git",
    b"/readyz",
    b"/api/v1/status",
    b'{"to":"',
    b'{"why":"',
    b'{"engine":"',
    b"HEAD /",
    b"PUT /",
)


class Refusing:
    """A service that does nothing but refuse."""

    def groups(self) -> list[Any]:
        """None."""
        return []

    def __getattr__(self, name: str) -> Any:
        def refuse(*given: Any, **named: Any) -> Any:
            raise BadInputError("Reached.", name)

        return refuse


@cache
def client() -> Client:
    """The API, on a folder that stays as long as the process."""
    from skillclaw.server.api import guard
    from skillclaw.server.api.app import make_app

    folder = made()
    service: Any = Refusing()
    app = make_app(service, machine_home=folder, environ={"HOME": str(folder)}, token=TOKEN)
    return Client(app, guard)


def once(data: bytes) -> None:
    """Every request has an answer, and none is an error that nobody expected."""
    one = asked(data.replace(b"TOKEN", TOKEN.encode()), path="/api/v1/groups")
    if one.target.partition("?")[0].rstrip("/").endswith(("/events", "/metrics")):
        return
    if b"host" not in {name for name, _ in one.headers}:
        one.headers.append((b"host", b"127.0.0.1"))
    client().send(one)
