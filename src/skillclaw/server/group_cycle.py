"""One cycle of a group, on the machine that has its evolver's key: collect, mine, propose, judge, release."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from skillclaw.errors import UsageError
from skillclaw.server.collecting import Collected, collect, group_folder, not_counted
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.evolve.engines.cli_plan import CliPlan
    from skillclaw.evolve.report import CycleReport
    from skillclaw.hub import Hub
    from skillclaw.server.machine import Machine

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
) -> GroupCycle:
    """Run a cycle over what members sent to `hub`, by the group's own policy.

    Messages that wait in the inbox are taken in first. A `dry_run` copies sessions to this machine and
    changes nothing in the hub. Raises UsageError where this machine may not evolve for the group.
    """
    from skillclaw.evolve.cycle import run_cycle
    from skillclaw.evolve.engines.cli_plan import cli_plan
    from skillclaw.hub.inbox import take_in
    from skillclaw.journal.store import SessionStore
    from skillclaw.server.groups import judge

    if not hub.acts_as("evolver"):
        raise UsageError(
            "This machine is not the evolver of that group.",
            "No evolver's key of the group that counts lies here.",
            "Run it on the evolver's machine, or make this one: skillclaw hub key --role evolver",
        )
    plan = cli_plan(machine.settings, machine.home, machine.environ)
    _check_cli(hub, engine or machine.settings.evolve.engine)
    _check_provider(machine, hub, engine, plan)
    if not dry_run:
        take_in(hub, judge)
    folder = group_folder(machine, hub.info.group)
    with closing(SessionStore(folder)) as sessions:
        collected = collect(machine, hub, sessions, delete=not dry_run)
        state = hub.state()
        report = run_cycle(
            sessions=sessions,
            hub=hub,
            policy=str(state.settings.get("policy", POLICY)),
            settings=machine.settings.evolve,
            redactor=machine.redactor,
            foreign=[],
            now=datetime.now(UTC),
            home=folder,
            environ=machine.environ,
            spending=machine.home,
            cli=plan,
            replay=replay,
            record=record,
            withdrawn=not_counted(machine, state, sessions),
            engine=engine,
            dry_run=dry_run,
            full=full,
            private=True,
            progress=progress,
        )
    return GroupCycle(collected=collected, report=report)


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
    evolver = evolvers().get(engine or settings.engine)
    asks = evolver is not None and needs_model(evolver)
    runs = evolver is not None and evolver.name == "cli" and bool(plan.cli.agent)
    named = str(hub.state().settings.get("model", ""))
    for host, what, off in (
        (departs(settings), "be embedded", "skillclaw config set evolve.embeddings off"),
        (departs_to(settings.model) if asks else None, "be drafted from", "use --engine extractive"),
        (cli_departs_to(plan) if runs else None, "be drafted from", "use --engine extractive"),
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
