"""What tries a proposal for a vote: the replay of decision points, on this machine's sessions and model."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from msgspec.structs import replace

from skillclaw.errors import UsageError
from skillclaw.server.sharing.view import current
from skillclaw.server.votes.book import FOLDER
from skillclaw.settings import BudgetSettings
from skillclaw.trajectory.model import meta

if TYPE_CHECKING:
    from skillclaw.gate.context import CurrentSkill
    from skillclaw.gate.replay.records import ReplayResult
    from skillclaw.server.machine import Machine
    from skillclaw.server.votes.voting import Make, Tester
    from skillclaw.settings_votes import VotesSettings
    from skillclaw.skills.records import Proposal
    from skillclaw.trajectory.model import Trajectory

__all__ = ["tester_of"]

CALLS = 4
"""Questions of one repeat of a case at most: with and without the change, each asked once more at most."""


def tester_of(machine: Machine) -> Make:
    """Makes what tries a proposal, with the day's limits that it is given. What it asks is paid for from
    a budget of its own, which is counted by day before each request: a crash does not give it twice.

    UsageError where no model is set.
    """
    settings = current(machine)[0]
    if not settings.evolve.model.name:
        raise UsageError(
            "No model is set that could try anything.",
            "evolve.model.name is empty.",
            "skillclaw config set evolve.model.name NAME (.protocol, .url, .key)",
        )

    def make(limits: VotesSettings, base: Mapping[str, CurrentSkill]) -> Tester:
        def test(proposal: Proposal, sessions: list[Trajectory]) -> ReplayResult:
            return _tried(machine, limits, base, proposal, sessions)

        return test

    return make


def _tried(
    machine: Machine,
    limits: VotesSettings,
    base: Mapping[str, CurrentSkill],
    proposal: Proposal,
    sessions: list[Trajectory],
) -> ReplayResult:
    from skillclaw import gate
    from skillclaw.evolve.models import open_models
    from skillclaw.evolve.replay.choosing import choose_points
    from skillclaw.evolve.replay.decision import agents_tools, decision_scores
    from skillclaw.evolve.replay.decision_asking import skill_text
    from skillclaw.gate.replay.records import ReplayResult
    from skillclaw.private import private_folder

    settings = current(machine)[0]
    repeats = settings.gate.replay.repeats
    budget = BudgetSettings(
        tokens=0,
        calls=0,
        usd=0,
        day_tokens=limits.day_tokens,
        day_calls=limits.day_calls,
        day_usd=limits.day_usd,
    )
    folder = machine.home / FOLDER
    private_folder(folder)
    asker = open_models(replace(settings.evolve, budget=budget), home=folder, environ=machine.environ)
    if asker is None:
        raise UsageError("No model is set that could try anything.")
    with closing(asker):
        known = {meta(session).key: session for session in sessions}
        context = gate.GateContext(
            policy=gate.policy("team"), redactor=machine.redactor, sessions=known.get, current=base
        )
        patterns = [
            # What it is tried on is no evidence for it here: no session of this machine taught it.
            replace(one, held_out=one.evidence, evidence=[])
            for one in proposal.patterns
        ]
        most = limits.day_calls // (CALLS * repeats) if limits.day_calls else len(sessions)
        points, why = choose_points(replace(proposal, patterns=patterns), context, most)
        if why:
            return ReplayResult(proposal=proposal.id, model=asker.name, missing=why)
        old = base.get(proposal.skill)
        tried = decision_scores(
            points,
            before=skill_text(old.bundle if old is not None else None),
            after=skill_text(proposal.bundle),
            tools=agents_tools(points, sessions),
            asker=asker,
            redactor=machine.redactor,
            repeats=repeats,
            max_calls=limits.day_calls,
            deadline=time.monotonic() + limits.max_seconds,
        )
        return ReplayResult(
            proposal=proposal.id,
            model=asker.name,
            scores=tried.scores,
            cost=tried.cost,
            missing=tried.cut_off,
        )
