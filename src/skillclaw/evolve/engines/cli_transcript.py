"""What an agent in its room asked of its model and did, as one ATIF trajectory."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from skillclaw import __version__
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.transcripts import AUTHOR
from skillclaw.journal.assemble import assemble
from skillclaw.journal.records import Exchange
from skillclaw.skills.records import content_id
from skillclaw.trajectory.model import Agent, SessionMeta, Trajectory, meta, with_meta

__all__ = ["as_trajectory"]


def as_trajectory(
    exchanges: Sequence[Exchange],
    *,
    skill: str,
    model: str,
    title: str,
    context: EvolveContext,
    note: str,
    good: bool | None,
) -> Trajectory | None:
    """The longest conversation of the run, with its sub-agents; None where nothing was asked.

    `title` names the program; `good`: whether a proposal came of it, None where the skill was left as it is.
    """
    found = assemble(exchanges)
    if not found:
        return None
    whole = max(found, key=lambda one: len(one.steps))
    outcome = {True: "success", False: "failure", None: "unknown"}[good]
    tools = whole.agent.tool_definitions
    told = msgspec.structs.replace(
        whole,
        session_id=content_id("author", skill, context.now.isoformat(), model),
        agent=Agent(name=AUTHOR, version=__version__, model_name=model, tool_definitions=tools),
        notes=f"{title} worked in a closed room. {note}",
    )
    known = msgspec.structs.replace(
        meta(whole),
        **msgspec.to_builtins(
            msgspec.convert({"kind": "evolver", "project": skill, "outcome": outcome}, SessionMeta)
        ),
    )
    return with_meta(told, known)
