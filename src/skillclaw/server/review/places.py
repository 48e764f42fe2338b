"""Whom a change is for: everybody, or one project. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skillclaw.hub import HubState, ProposalState, Release
    from skillclaw.skills.records import Proposal

__all__ = ["moved_from", "told_place"]


def moved_from(state: HubState, proposal: ProposalState, record: Proposal) -> Release | None:
    """The version before, where that is for other people than the change would be."""
    known = state.skills.get(proposal.skill)
    base = known.release(proposal.base) if known is not None and proposal.base is not None else None
    if base is None or record.action == "retire":
        return None
    return base if (base.scope, base.project) != (record.scope, record.project) else None


def told_place(base: Release | None, record: Proposal) -> str:
    """That in a sentence, `base` being the version before where it is for others; empty for everybody,
    as before."""
    now = _whom(record.scope, record.project)
    if base is not None:
        # machines that have a copy of a project's skill go on with it (docs/sync.md)
        more = ", and machines that have it get this too" if record.scope == "project" else ""
        return f"So far it is for {_whom(base.scope, base.project)}; with this it is for {now}{more}."
    return f"It is for {now}." if record.scope == "project" else ""


def _whom(scope: str, project: str | None) -> str:
    return f"the project {project or ''} only" if scope == "project" else "everybody"
