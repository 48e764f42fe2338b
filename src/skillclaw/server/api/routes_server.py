"""Endpoints of the server itself: status, pause, events, metrics, health."""

from __future__ import annotations

from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.types import Receive, Scope, Send

from skillclaw.server.api import models
from skillclaw.server.api.context import Api, bearer
from skillclaw.server.api.errors import answers
from skillclaw.server.api.events import Stream
from skillclaw.server.api.guard import AUTHORIZED
from skillclaw.server.api.metrics import CONTENT_TYPE_LATEST

__all__ = ["bare_routes", "server_routes"]

PROBES = 2
"""Probes of readiness that wait for an answer at a time."""
EventId = Annotated[int, Query(ge=0, le=2**53, description="The last event that was seen.")]
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A stream of events; `data` of each is a JSON object: time, group, data.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
METRICS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Metrics in Prometheus' text format.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}


class EventResponse(Response):
    """Server-sent events as FastAPI's kind of answer."""

    media_type = "text/event-stream"

    def __init__(self, stream: Stream, status_code: int = 200) -> None:
        super().__init__(status_code=status_code)
        self.stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        await self.stream(scope, receive, send)


def server_routes(api: Api) -> APIRouter:
    """The endpoints below /api/v1 that are of no one group."""
    router = APIRouter(tags=["server"])

    @router.get("/status", responses=answers())
    def server_status() -> models.Status:
        """How the server stands."""
        return models.of(models.Status, api.service.status())

    @router.post("/pause", responses=answers(409))
    def pause_all() -> models.Paused:
        """Begin no more cycles. Those that run go on. It is remembered over restarts."""
        api.service.pause(None)
        return models.Paused(hub=None, paused=True)

    @router.post("/resume", responses=answers(409))
    def resume_all() -> models.Paused:
        """Let cycles of all groups begin again."""
        api.service.resume(None)
        return models.Paused(hub=None, paused=False)

    @router.get("/events", responses=STREAM | answers(), response_class=Response)
    async def events(
        after: EventId = 0,
        hub: Annotated[str | None, Query(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] = None,
        last: Annotated[
            str | None,
            Header(alias="Last-Event-ID", pattern=r"^[0-9]{1,16}$", description="Wins over `after`."),
        ] = None,
    ) -> EventResponse:
        """What happens, as server-sent events: cycles, states of groups, pauses. Events of one `hub` only,
        where it is named. Events are kept for a while: who comes back late misses some."""
        return EventResponse(Stream(api.streams, int(last) if last is not None else after, hub))

    return router


def bare_routes(api: Api) -> APIRouter:
    """The endpoints for machines that watch the server."""
    router = APIRouter(tags=["watching"])

    probes = CapacityLimiter(PROBES)  # who asks needs no token, so that it may not take requests' threads

    @router.get("/healthz", responses={500: answers()[500]})
    async def healthz() -> models.Health:
        """Whether the process answers. Without a token."""
        return models.Health(ready=True)

    @router.get("/readyz", responses={503: {"model": models.Health}, 500: answers()[500]})
    async def readyz(request: Request, response: Response) -> models.Health:
        """Whether it can work: the scheduler, the disk, each group's storage, the engine's model. Without a
        token it says yes (200) or no (503); with it, why."""
        found = await to_thread.run_sync(api.ready.check, limiter=probes)
        response.status_code = 200 if found.ready else 503
        return found if request.scope.get(AUTHORIZED) else models.Health(ready=found.ready)

    @router.get(
        "/metrics", responses=METRICS | answers(), response_class=Response, dependencies=[Depends(bearer)]
    )
    def metrics() -> Response:
        """Metrics for Prometheus. Behind the token unless `serve.metrics_open`."""
        return Response(api.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
