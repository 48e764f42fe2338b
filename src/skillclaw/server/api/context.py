"""What the endpoints share, and the parameters that they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import Header, Path, Query
from fastapi.security import HTTPBearer

from skillclaw.server.api.desk import Desk
from skillclaw.server.api.events import HEARTBEAT, PATIENCE, Streams
from skillclaw.server.api.health import Readiness
from skillclaw.server.api.metrics import Metrics
from skillclaw.server.api.once import Once
from skillclaw.server.api.service import Service

__all__ = [
    "Api",
    "CycleId",
    "Hub",
    "ItemId",
    "Key",
    "Limit",
    "ProposalId",
    "Sequence",
    "SkillName",
    "bearer",
    "make_api",
]

Hub = Annotated[
    str,
    Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="What the server calls the group's hub."),
]
CycleId = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,64}$")]
ProposalId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
SkillName = Annotated[str, Path(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
ItemId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Sequence = Annotated[
    int | None, Query(ge=0, le=2**53, description="`next` of the page before, for the part behind it.")
]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,128}$",
        description="Names the request: sent again within a day it is not done again.",
    ),
]
bearer = HTTPBearer(auto_error=False, description="The token of `serve.token`.")
"""Says in the document what the guard asks for."""


@dataclass(frozen=True)
class Api:
    """The parts behind the endpoints of one server."""

    service: Service
    desk: Desk
    metrics: Metrics
    ready: Readiness
    once: Once
    streams: Streams


def make_api(
    service: Service,
    home: FilePath,
    environ: Mapping[str, str],
    heartbeat: float = HEARTBEAT,
    patience: float = PATIENCE,
) -> Api:
    """The parts over a service; `heartbeat` and `patience` of events, in seconds."""
    metrics = Metrics(service)
    return Api(
        service=service,
        desk=Desk(home, environ, lambda: [one.hub for one in service.groups()]),
        metrics=metrics,
        ready=Readiness(service, home, environ),
        once=Once(home),
        streams=Streams(service, heartbeat=heartbeat, patience=patience, dropped=metrics.dropped.inc),
    )
