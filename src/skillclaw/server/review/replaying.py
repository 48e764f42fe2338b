"""A replay of one proposal by hand, and what replays found before (docs/gate.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from skillclaw.errors import BadInputError, UsageError
from skillclaw.server.machine import PERSONAL
from skillclaw.server.review.decisions import find, load
from skillclaw.skills.records import Verdict
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.gate.replay.records import ReplayResult
    from skillclaw.server.machine import Machine
    from skillclaw.server.review.decisions import FoundProposal
    from skillclaw.server.work import Tasks
    from skillclaw.trajectory.model import Trajectory

__all__ = ["Replayed", "found_before", "replay"]

WAITING = ("open", "held", "passed")


class Replayed(Record, frozen=True, kw_only=True):
    """What a replay found, and what the gate's check says of it. The log is not changed by it."""

    result: ReplayResult
    verdict: Verdict


def replay(machine: Machine, prefix: str, tasks: Tasks = tuple) -> Replayed:
    """Try a proposal of the personal hub that waits, as the settings `gate.replay.*` say; recorded answers
    and results of before cost nothing; `tasks` gives packaged tasks. UsageError where replay is off or the
    proposal is decided."""
    from skillclaw.evolve.current import current_skills
    from skillclaw.evolve.engines.cli_plan import cli_plan
    from skillclaw.evolve.replay.executing import recorded_sessions
    from skillclaw.evolve.replay.plan import RunPlan, replay_plan
    from skillclaw.evolve.replay.replayer import replaying
    from skillclaw.gate import GateContext, policy
    from skillclaw.gate.checks import replay as checked

    settings = machine.settings
    plan = replay_plan(settings.gate.replay, settings.evolve)
    if plan is None:
        raise UsageError(
            "Replay is switched off.",
            "gate.replay.mode is off.",
            "skillclaw config set gate.replay.mode decision",
        )
    found = find(machine, prefix)
    if found.hub_name != PERSONAL:
        raise UsageError(
            f"Proposal {found.state.id} is one of hub {found.hub_name}.",
            "Only those of your own hub can be tried by hand; a group's are by the cycles of its evolver.",
            f"What they found: skillclaw proposals show {found.state.id}",
        )
    if found.state.status not in WAITING:
        raise UsageError(f"Proposal {found.state.id} is {found.state.status}: nothing is left to decide.")

    forgotten = frozenset(found.hub.state().tombstones)
    on = RunPlan(home=machine.home, cli=cli_plan(settings, machine.home, machine.environ), tasks=tasks)

    def recorded(whole: bool) -> Iterator[Trajectory]:
        return recorded_sessions(machine.sessions, forgotten.__contains__, whole=whole)

    def session(key: str) -> Trajectory | None:
        try:
            return machine.sessions.get(key)
        except BadInputError:
            return None

    context = GateContext(
        policy=policy(settings.gate.policy),
        redactor=machine.redactor,
        sessions=session,
        current=current_skills(found.hub, found.hub.state()),
    )
    with (
        machine.alone("evolve"),
        replaying(
            plan,
            settings.evolve,
            home=machine.home,
            environ=machine.environ,
            on=on,
            sessions=recorded,
        ) as made,
    ):
        assert made is not None
        replayer = made(context)
        proposal = load(found)
        (verdict,) = checked.check(proposal, context.with_replayer(replayer))
        result = replayer.results.get(proposal.id) or _none(proposal.id, verdict.reason)
    return Replayed(result=result, verdict=verdict)


def _none(proposal: str, why: str) -> ReplayResult:
    from skillclaw.gate.replay.records import ReplayResult

    return ReplayResult(proposal=proposal, missing=why)


def found_before(machine: Machine, found: FoundProposal) -> ReplayResult | None:
    """What the last replay of a proposal on this machine found; None where there was none."""
    from skillclaw.evolve.replay.remembered import Remembered

    home = machine.home
    if found.hub_name != PERSONAL:
        home = home / "groups" / found.hub.info.group
    return Remembered(home).last(found.state.id)
