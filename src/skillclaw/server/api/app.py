"""The application: endpoints, errors, guard, metrics of itself; and its OpenAPI document."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skillclaw.server.api.context import Api, bearer, make_api
from skillclaw.server.api.errors import answers, handle_errors
from skillclaw.server.api.events import HEARTBEAT, PATIENCE
from skillclaw.server.api.guard import Guard, Rules
from skillclaw.server.api.metrics import Metrics
from skillclaw.server.api.routes_cycles import cycle_routes
from skillclaw.server.api.routes_server import bare_routes, server_routes
from skillclaw.server.api.routes_skills import proposal_routes, skill_routes
from skillclaw.server.api.service import Service

__all__ = ["App", "make_app", "openapi_text"]

PREFIX = "/api/v1"
VERSION = "1"
ABOUT = """The evolve server of a group of people whose agents learn from each other.

Every request carries `Authorization: Bearer TOKEN`; `/healthz` and `/readyz` need none. An error is
`{"what", "why", "todo"}`. A list is given in parts: `next` of one is `after` of the next."""


class App:
    """The ASGI application. `close` ends the streams that are open, so that the server can end."""

    def __init__(self, whole: ASGIApp, api: Api) -> None:
        self.whole = whole
        self.api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.whole(scope, receive, send)

    def close(self) -> None:
        """End the streams of events."""
        self.api.streams.close()


def make_app(
    service: Service,
    *,
    machine_home: Path,
    environ: Mapping[str, str],
    token: str,
    hosts: Collection[str] = (),
    metrics_open: bool = False,
    heartbeat: float = HEARTBEAT,
    patience: float = PATIENCE,
) -> App:
    """The API over a service. `hosts`: names in the Host header beside loopback's; `heartbeat` and
    `patience` of the events, in seconds. With an empty token nothing but health is answered."""
    api = make_api(service, machine_home, environ, heartbeat=heartbeat, patience=patience)
    rules = Rules(
        token=token,
        hosts=hosts,
        open={"/metrics"} if metrics_open else (),
        refused=lambda reason: api.metrics.denied.labels(reason).inc(),
    )
    return App(Guard(_Measured(_endpoints(api), api.metrics), rules), api)


def _endpoints(api: Api) -> FastAPI:
    app = FastAPI(
        title="SkillClaw evolve server",
        description=ABOUT,
        version=VERSION,
        openapi_url=None,  # below, with the others
        docs_url=None,  # its pages load scripts of others
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_name,
    )
    handle_errors(app)
    whole = APIRouter(prefix=PREFIX, dependencies=[Depends(bearer)])
    for part in (server_routes(api), cycle_routes(api), proposal_routes(api), skill_routes(api)):
        whole.include_router(part)

    @whole.get("/openapi.json", responses=answers(), tags=["server"])
    def openapi() -> dict[str, Any]:
        """This document."""
        return app.openapi()

    app.include_router(whole)
    app.include_router(bare_routes(api))
    return app


def _name(route: APIRoute) -> str:
    return route.name


class _Measured:
    """Counts and times what is answered, by route: paths hold names that would make labels without end."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.monotonic(), 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, answer)
        finally:
            route = scope.get("route")
            name = route.name if isinstance(route, APIRoute) else "none"
            self.metrics.answered(scope["method"], name, status, began)


class _Nothing:
    """Stands for a service where only the document is wanted."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the document needs no {name}")


@cache
def openapi_text() -> str:
    """The OpenAPI document as text, the same for the same code."""
    nothing: Any = _Nothing()
    document = _endpoints(make_api(nothing, Path("unused"), {})).openapi()
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(openapi_text())
