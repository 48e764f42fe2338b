"""Endpoints of proposals and skills: reading, and people's decisions, by the code that commands use."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from skillclaw.server.api import models, proposals, skills
from skillclaw.server.api.context import Api, Hub, ItemId, Key, Limit, ProposalId, Sequence, SkillName
from skillclaw.server.api.desk import Opened
from skillclaw.server.api.errors import ApiError, answers
from skillclaw.server.api.routes_cycles import last_patterns
from skillclaw.server.review import decisions

__all__ = ["proposal_routes", "skill_routes"]

AfterName = Annotated[
    str | None, Query(pattern=r"^[a-z0-9-]{1,64}$", description="The last name that was seen.")
]
LineNumber = Annotated[int, Path(ge=1, le=10**6, description="From 1.")]
FilePath = Annotated[str, Query(min_length=1, max_length=200)]


def proposal_routes(api: Api) -> APIRouter:
    """The endpoints of proposals."""
    router = APIRouter(prefix="/groups/{hub}/proposals", tags=["proposals"])

    @router.get("", responses=answers(404, 501, 502))
    def list_proposals(
        hub: Hub,
        limit: Limit = 50,
        after: Sequence = None,
        status: Annotated[models.ProposalStatus | None, Query()] = None,
        skill: Annotated[str | None, Query(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)] = None,
    ) -> models.Page[models.Proposal]:
        """The group's proposals, newest first."""
        with api.desk.open(hub) as opened:
            return proposals.rows(opened.state, status=status, skill=skill, after=after, limit=limit)

    @router.get("/{proposal}", responses=answers(404, 409, 501, 502))
    def show_proposal(hub: Hub, proposal: ProposalId) -> models.ProposalDetail:
        """A proposal with its change, what each line rests on, and what checks and people said."""
        with api.desk.open(hub) as opened:
            return _detail(opened, proposal)

    @router.get("/{proposal}/evidence", responses=answers(404, 409, 501, 502))
    def show_evidence(
        hub: Hub, proposal: ProposalId, limit: Limit = 20, after: Sequence = 0
    ) -> models.Page[models.Shown]:
        """The sessions that a proposal cites, as reviewers may see them: cut short, masked once more."""
        with api.desk.open(hub) as opened:
            record = decisions.load(_found(opened, proposal))
            return proposals.cited(opened, record, after or 0, min(limit, 50))

    @router.post("/{proposal}/approve", responses=answers(404, 409, 501, 502))
    def approve_proposal(
        hub: Hub, proposal: ProposalId, note: models.ApprovalNote | None = None, key: Key = None
    ) -> models.ProposalDetail:
        """Approve a proposal that waits for people, and release it as a canary where nobody else has to; the
        note is kept in the log."""
        said = note.note.strip() if note is not None else ""

        def approve(opened: Opened) -> None:
            opened.must_decide()
            decisions.approve(opened.machine, _found(opened, proposal), hub, said)

        return _decided(hub, proposal, key, f"approve {said}", approve)

    @router.post("/{proposal}/reject", responses=answers(404, 409, 501, 502))
    def reject_proposal(
        hub: Hub, proposal: ProposalId, note: models.Note | None = None, key: Key = None
    ) -> models.ProposalDetail:
        """Reject a proposal for good; the note is what the group reads as the reason."""
        why = (note.note.strip() if note is not None else "") or "rejected by hand"

        def reject(opened: Opened) -> None:
            opened.must_decide()
            decisions.reject(opened.machine, _found(opened, proposal), why, hub)

        return _decided(hub, proposal, key, f"reject {why}", reject)

    def _decided(hub: str, proposal: str, key: str | None, what: str, work: Any) -> models.ProposalDetail:
        def decide() -> Any:
            with api.desk.open(hub) as opened:
                work(opened)
            return None

        api.once.do(key, f"{what} {hub} {proposal}", decide)
        with api.desk.open(hub) as opened:
            return _detail(opened, proposal)

    return router


def _found(opened: Opened, proposal: str) -> decisions.FoundProposal:
    return decisions.FoundProposal(opened.name, opened.hub, opened.proposal(proposal), opened.state)


def _detail(opened: Opened, proposal: str) -> models.ProposalDetail:
    found = _found(opened, proposal)
    return proposals.detail(opened, found.state, decisions.load(found))


def skill_routes(api: Api) -> APIRouter:
    """The endpoints of skills."""
    router = APIRouter(prefix="/groups/{hub}/skills", tags=["skills"])

    @router.get("", responses=answers(404, 501, 502))
    def list_skills(hub: Hub, limit: Limit = 50, after: AfterName = None) -> models.Page[models.Skill]:
        """The group's skills by name."""
        with api.desk.open(hub) as opened:
            return skills.rows(opened, after=after, limit=limit)

    @router.get("/{name}", responses=answers(404, 409, 501, 502))
    def show_skill(hub: Hub, name: SkillName) -> models.SkillDetail:
        """A skill: its current text, and what each line rests on."""
        with api.desk.open(hub) as opened:
            return skills.detail(opened, opened.skill(name))

    @router.get("/{name}/log", responses=answers(404, 501, 502))
    def show_log(
        hub: Hub, name: SkillName, limit: Limit = 50, after: Sequence = None
    ) -> models.Page[models.Line]:
        """A skill's versions, newest first, each with its story: what became of it, why, with what effect."""
        with api.desk.open(hub) as opened:
            return skills.log_page(opened, opened.skill(name), after=after, limit=limit)

    @router.get("/{name}/items/{item}/why", responses=answers(404, 409, 501, 502))
    def why_item(hub: Hub, name: SkillName, item: ItemId) -> models.Why:
        """Why an item of the current version exists: patterns, sessions, people, proposal, who approved."""
        patterns = last_patterns(api, hub)
        with api.desk.open(hub) as opened:
            return skills.why_item(opened, opened.skill(name), item, patterns)

    @router.get("/{name}/lines/{line}/why", responses=answers(404, 409, 501, 502))
    def why_line(hub: Hub, name: SkillName, line: LineNumber, file: FilePath = "SKILL.md") -> models.Why:
        """The same for the item that stands in a line of a file of the current version."""
        patterns = last_patterns(api, hub)
        with api.desk.open(hub) as opened:
            return skills.why_line(opened, opened.skill(name), line, file, patterns)

    @router.post("/{name}/rollback", responses=answers(404, 409, 501, 502))
    def roll_back(
        hub: Hub, name: SkillName, wanted: models.Rollback | None = None, key: Key = None
    ) -> models.RolledBack:
        """Go back to an earlier version, or to none where there was none, for all clients of the group."""
        given = wanted or models.Rollback()

        def roll() -> Any:
            with api.desk.open(hub) as opened:
                opened.must_decide()
                now = opened.skill(name).current
                if given.current is not None and now != given.current:
                    raise ApiError(
                        409, "Another version is current by now.", f"It is {(now or 'none')[:16]}."
                    )
                version = decisions.rollback(opened.machine, f"{hub}/{name}", given.to, given.why)
                return {"skill": name, "version": version}

        request = f"rollback {hub} {name} {given.model_dump_json()}"
        return models.RolledBack.model_validate(api.once.do(key, request, roll))

    @router.post("/{name}/pin", responses=answers(404, 409, 501, 502))
    def pin_skill(hub: Hub, name: SkillName, wanted: models.Pin) -> models.Skill:
        """Keep the skill as it is, so that no cycle changes or retires it; or let go of it."""
        with api.desk.open(hub) as opened:
            opened.must_decide()
            opened.skill(name)
            decisions.set_pinned(opened.machine, f"{hub}/{name}", wanted.pinned)
        with api.desk.open(hub) as opened:
            return skills.row(opened.skill(name))

    return router
