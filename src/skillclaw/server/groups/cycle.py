"""One cycle of a group, on the machine that has its evolver's key: collect, mine, propose, judge, release."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import UsageError
from skillclaw.server.groups.claiming import check_evolver, claims_of, no_later
from skillclaw.server.groups.collecting import Collected, collect, group_folder, not_counted, retention_days
from skillclaw.settings import stop_at_unknown
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.evolve.engines.cli_plan import CliPlan
    from skillclaw.evolve.models.daybook import DayBook
    from skillclaw.evolve.report import CycleReport
    from skillclaw.hub import Hub, HubState
    from skillclaw.hub.answers import HubAnswers
    from skillclaw.hub.claims import Claim
    from skillclaw.journal.store import SessionStore
    from skillclaw.server.machine import Machine
    from skillclaw.server.work import Tasks

__all__ = ["GroupCycle", "group_cycle"]

POLICY = "team"
"""The policy of a group whose log names none."""
Progress = Callable[[int, int | None, str], None]


class GroupCycle(Record, frozen=True, kw_only=True):
    """What one cycle of a group took in, and the cycle itself."""

    collected: Collected
    report: CycleReport


def group_cycle(
    machine: Machine,
    hub: Hub,
    *,
    engine: str | None = None,
    dry_run: bool = False,
    full: bool = False,
    replay: Path | None = None,
    record: Path | None = None,
    progress: Progress = lambda done, total, what: None,
    claim: Claim | None = None,
    fence: Callable[[], None] = lambda: None,
    tasks: Tasks = tuple,
) -> GroupCycle:
    """Run a cycle over what members sent to `hub`, by the group's own policy.

    Messages that wait in the inbox are taken in first. A `dry_run` copies sessions to this machine and
    changes nothing in the hub. `claim` is on the group's cycle (`groups.claiming`); it is kept up, and asked
    with `fence` at every stage boundary and before each write to the hub: LostClaimError, a BusyError, where
    another took over, with all that was found so far kept; what `fence` raises goes through. Raises
    UsageError where this machine may not evolve for the group.
    """
    stop_at_unknown(machine.home, machine.environ, ("gate",))
    from skillclaw.evolve.cycle import run_cycle
    from skillclaw.evolve.engines.cli_plan import cli_plan
    from skillclaw.evolve.replay.plan import RunPlan, replay_plan
    from skillclaw.journal.store import SessionStore
    from skillclaw.server.groups.newcomers import member_facts
    from skillclaw.server.groups.passing import agree
    from skillclaw.server.groups.receipts import Receipts
    from skillclaw.server.groups.votes import group_votes

    check_evolver(hub)
    plan = cli_plan(machine.settings, machine.home, machine.environ)
    trying = replay_plan(machine.settings.gate.replay, machine.settings.evolve)
    _check_cli(hub, engine or machine.settings.evolve.engine)
    _check_provider(machine, hub, engine, plan)
    folder = group_folder(machine, hub.info.group)
    with _kept_up(claim, fence) as may_go_on, closing(SessionStore(folder)) as sessions:
        now, collected = _taken_in(machine, hub, sessions, may_go_on, dry_run=dry_run)
        state = hub.state()
        secret = agree(machine.home / "keys", hub, state, write=False)
        may_go_on()
        shared, book = _answers_and_spending(machine, hub, state, now, dry_run=dry_run)
        plan = msgspec.structs.replace(plan, spending=book)
        members = member_facts(hub, state, sessions, secret, now)
        report = run_cycle(
            sessions=sessions,
            hub=hub,
            policy=str(state.settings.get("policy", POLICY)),
            policies=state.settings.get("policies") or {},
            settings=machine.settings.evolve,
            redactor=machine.redactor,
            foreign=[],
            now=datetime.now(UTC),
            home=folder,
            environ=machine.environ,
            spending=book,
            cli=plan,
            replay=replay,
            record=record,
            withdrawn=not_counted(machine, state, sessions),
            engine=engine,
            dry_run=dry_run,
            full=full,
            private=True,
            progress=progress,
            fence=may_go_on,
            shared=shared,
            members=members,
            receipt=Receipts(sessions, state.group, secret).commitment,
            votes=group_votes(machine, hub, now, members),
            trying=trying,
            # The cases of this machine; what members did in their own workspaces is done over in none.
            on=RunPlan(home=machine.home, cli=plan, tasks=tasks, recorded=False),
        )
    return GroupCycle(collected=collected, report=report)


def _taken_in(
    machine: Machine, hub: Hub, sessions: SessionStore, may_go_on: Callable[[], None], *, dry_run: bool
) -> tuple[datetime, Collected]:
    """What members sent, messages before sessions; and the time by which things are old (`no_later`)."""
    from skillclaw.hub.inbox import take_in
    from skillclaw.server.groups.membership import judging

    may_go_on()
    if not dry_run:
        take_in(hub, judging(hub))
        may_go_on()
    now = no_later(hub)
    return now, collect(machine, hub, sessions, now=now, delete=not dry_run)


def _answers_and_spending(
    machine: Machine, hub: Hub, state: HubState, now: datetime, *, dry_run: bool
) -> tuple[HubAnswers, DayBook]:
    """What models answered and cost, all evolvers of the group together; what of it is too old goes."""
    from skillclaw.evolve.models.daybook import DayBook
    from skillclaw.hub.answers import HubAnswers
    from skillclaw.hub.spendings import HubSpendings

    shared = HubAnswers(hub)
    spent = HubSpendings(hub, claims_of(machine, hub).here.place())
    if not dry_run:
        shared.sweep(retention_days(state), now)
        spent.sweep(now.date().isoformat())
    return shared, DayBook(machine.home, spent)


@contextmanager
def _kept_up(claim: Claim | None, fence: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """The fence that asks the claim first, which gives signs of life until the block ends."""
    if claim is None:
        yield fence
        return
    held = claim

    def may_go_on() -> None:
        held.check()
        fence()

    with held.beating():
        yield may_go_on


def _check_cli(hub: Hub, engine: str) -> None:
    """UsageError where an agent of one member would read what all sent, and the owner has not allowed it."""
    if engine == "cli" and hub.state().settings.get("evolver_cli") is not True:
        raise UsageError(
            "In this group no member's own agent may write skills.",
            "The engine cli shows what members sent to an agent of this machine, and to its provider.",
            "The owner allows it: skillclaw hub settings evolver_cli true; or use: --engine extractive",
        )


def _check_provider(machine: Machine, hub: Hub, engine: str | None, plan: CliPlan) -> None:
    """UsageError where what members sent would go to somebody else than the group's owner told them."""
    from skillclaw.evolve.embeddings import departs
    from skillclaw.evolve.engines.cli_login import cli_departs_to
    from skillclaw.evolve.evolvers import evolvers
    from skillclaw.evolve.modelled import needs_model
    from skillclaw.evolve.models import departs_to

    settings = machine.settings.evolve
    replay = machine.settings.gate.replay
    decides = replay.mode in ("decision", "both")
    minimal = replay.mode in ("executable", "both") and replay.agent == "minimal"
    installed = replay.mode in ("executable", "both") and not minimal
    evolver = evolvers().get(engine or settings.engine)
    asks = evolver is not None and needs_model(evolver)
    runs = evolver is not None and evolver.name == "cli" and bool(plan.cli.agent)
    named = str(hub.state().settings.get("model", ""))
    for host, what, off in (
        (departs(settings), "be embedded", "skillclaw config set evolve.embeddings off"),
        (departs_to(settings.model) if asks else None, "be drafted from", "use --engine extractive"),
        (cli_departs_to(plan) if runs else None, "be drafted from", "use --engine extractive"),
        (
            departs_to(settings.model) if decides or minimal else None,
            "be replayed",
            "skillclaw config set gate.replay.mode off",
        ),
        # A skill that is tried was learned from them, and not all of what is tried is released.
        (
            cli_departs_to(plan) if installed and plan.cli.agent else None,
            "be replayed",
            "skillclaw config set gate.replay.agent minimal",
        ),
    ):
        # As a whole word: the name of a host may be a part of another's.
        if host is not None and host.lower().rstrip(".") not in _words(named):
            told = f"The group was told another provider: {named[:200]}." if named else _NONE_TOLD
            raise UsageError(
                f"What members asked would go to {host} to {what}.",
                told,
                f"{off}; or the owner tells the group: "
                "skillclaw hub settings model TEXT, with that host in it",
            )


_NONE_TOLD = "The group was told of no provider."


def _words(text: str) -> set[str]:
    return {word.strip(".-") for word in re.findall(r"[\w.:-]+", text.lower())}
