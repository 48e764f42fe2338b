"""Endpoints of groups and their cycles."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from skillclaw.server.api import models, reports
from skillclaw.server.api.context import Api, CycleId, Hub, Key, Limit, Sequence
from skillclaw.server.api.errors import ApiError, answers

__all__ = ["cycle_routes", "last_patterns"]

MOST = 200
"""Cycles of a group that can be listed."""
BEFORE = "The last id that was seen."


def cycle_routes(api: Api) -> APIRouter:
    """The endpoints."""
    router = APIRouter(tags=["cycles"])

    @router.get("/groups", responses=answers())
    def list_groups(limit: Limit = 50, after: Sequence = 0) -> models.Page[models.Group]:
        """The groups that the server serves, and how each stands."""
        return _part(models.of_all(models.Group, api.service.groups()), after or 0, limit)

    @router.get("/groups/{hub}", responses=answers(404))
    def show_group(hub: Hub) -> models.Group:
        """How a group stands."""
        return _group(api, hub)

    @router.post("/groups/{hub}/pause", responses=answers(404, 409))
    def pause_group(hub: Hub, key: Key = None) -> models.Paused:
        """Begin no more cycles of the group. One that runs goes on. It is remembered over restarts."""
        api.desk.check(hub)
        api.service.pause(hub)
        return models.Paused(hub=hub, paused=True)

    @router.post("/groups/{hub}/resume", responses=answers(404, 409))
    def resume_group(hub: Hub, key: Key = None) -> models.Paused:
        """Let cycles of the group begin again."""
        api.desk.check(hub)
        api.service.resume(hub)
        return models.Paused(hub=hub, paused=False)

    @router.get("/groups/{hub}/cycles", responses=answers(404))
    def list_cycles(
        hub: Hub,
        limit: Limit = 50,
        after: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9-]{1,64}$", description=BEFORE)] = None,
    ) -> models.Page[models.Cycle]:
        """The group's cycles, newest first."""
        api.desk.check(hub)
        known = models.of_all(models.Cycle, api.service.cycles(hub, MOST))
        begin = 0
        if after is not None:
            places = [place for place, one in enumerate(known) if one.id == after]
            begin = places[0] + 1 if places else len(known)  # it is forgotten, and so is all behind it
        part = known[begin : begin + limit]
        return models.Page(items=part, next=part[-1].id if begin + limit < len(known) else None)

    @router.post("/groups/{hub}/cycles", status_code=202, responses=answers(404, 409))
    def start_cycle(hub: Hub, asked: models.Asked | None = None, key: Key = None) -> models.Started:
        """Have a cycle begin as soon as there is room for it. It is there as soon as this answers."""
        api.desk.check(hub)
        wanted = asked or models.Asked()

        def start() -> Any:
            id_ = api.service.run_now(hub, engine=wanted.engine, dry_run=wanted.dry_run)
            return {"id": id_, "hub": hub}

        request = f"cycle {hub} {wanted.model_dump_json()}"
        return models.Started.model_validate(api.once.do(key, request, start))

    @router.get("/groups/{hub}/cycles/{cycle}", responses=answers(404))
    def show_cycle(hub: Hub, cycle: CycleId) -> models.CycleReport:
        """A cycle, and its report once it is over. Reports are kept for the newest cycles only, and none that
        may tell of a session which a member took back."""
        api.desk.check(hub)
        line = api.service.find(cycle)
        if line is None or line.hub != hub:
            raise ApiError(404, "There is no such cycle.", "Old ones are forgotten.", "List them: cycles")
        found = api.service.report(cycle)
        return reports.told(line, reports.load(found) if found is not None else None)

    @router.get("/groups/{hub}/patterns", responses=answers(404))
    def list_patterns(hub: Hub, limit: Limit = 50, after: Sequence = 0) -> models.Page[models.Pattern]:
        """The patterns of the group's last cycle that has a report, what most people met first."""
        api.desk.check(hub)
        return _part(list(last_patterns(api, hub).values()), after or 0, limit)

    return router


def last_patterns(api: Api, hub: str) -> dict[str, models.Pattern]:
    """By id the patterns of the last cycle of which a report is kept."""
    for line in api.service.cycles(hub, MOST):
        found = api.service.report(line.id) if line.outcome == "done" else None
        if found is not None:
            return {one.id: one for one in reports.patterns(reports.load(found))}
    return {}


def _group(api: Api, hub: str) -> models.Group:
    for one in api.service.groups():
        if one.hub == hub:
            return models.of(models.Group, one)
    raise ApiError(404, "This server serves no such group.", "", "List them: /api/v1/groups")


def _part(found: list[Any], begin: int, limit: int) -> models.Page[Any]:
    more = str(begin + limit) if begin + limit < len(found) else None
    return models.Page(items=found[begin : begin + limit], next=more)
