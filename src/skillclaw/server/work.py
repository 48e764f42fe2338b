"""The steps of the loop that both the daemon and single commands take."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from skillclaw.errors import SkillClawError, StorageError, in_one_line
from skillclaw.library.records import HubSeen
from skillclaw.server.machine import PERSONAL
from skillclaw.settings import stop_at_unknown

if TYPE_CHECKING:
    from skillclaw.evolve.replay.cases import TaskSource
    from skillclaw.library import SyncReport
    from skillclaw.server.hubs.opened import Source
    from skillclaw.server.machine import Machine

__all__ = ["Tasks", "Waits", "carry_out", "cycle_inputs", "stop_before_sync", "sync"]

Tasks = Callable[[], Sequence["TaskSource"]]
"""Gives packaged tasks that come with a grader (`evolve.replay.cases.TaskSource`)."""

Waits = Callable[[str, bool], tuple[int, float]]
"""Told of a hub whether it could not be read; gives how often in a row that was, and the seconds until it is
asked again."""


def cycle_inputs(machine: Machine, tasks: Tasks = tuple) -> dict[str, Any]:
    """What `evolve.cycle.run_cycle` needs to know of this machine; `tasks` gives packaged tasks, on which
    proposals may be tried."""
    from skillclaw.evolve.engines.cli_plan import cli_plan
    from skillclaw.evolve.replay.plan import RunPlan, replay_plan
    from skillclaw.library import foreign_skills

    stop_at_unknown(machine.home, machine.environ, ("gate",))
    settings = machine.settings
    cli = cli_plan(settings, machine.home, machine.environ)
    ours = set(machine.hub.state().skills)
    return {
        "sessions": machine.sessions,
        "hub": machine.hub,
        "policy": settings.gate.policy,
        "policies": settings.gate.policies,
        "switchback": settings.gate.switchback,
        "settings": settings.evolve,
        "redactor": machine.redactor,
        "foreign": [skill for skill in foreign_skills(machine.targets) if skill.name not in ours],
        "now": datetime.now(UTC),
        "home": machine.home,
        "environ": machine.environ,
        "cli": cli,
        "trying": replay_plan(settings.gate.replay, settings.evolve),
        "on": RunPlan(home=machine.home, cli=cli, tasks=tasks),
    }


def stop_before_sync(machine: Machine) -> None:
    """Raise what `sync` would say of files of a newer version, before a cycle that ends with it: that costs,
    and releases.
    """
    from skillclaw.library import book
    from skillclaw.server.setup.wishes import wishes

    book.load(machine.home)
    wishes(machine.home)


def sync(machine: Machine, due: Collection[str] | None = None, waits: Waits | None = None) -> SyncReport:
    """Bring the agents' skills folders to what the hubs' logs say; static checks run again before install.

    Every hub is asked, or only those of `due`; one that cannot be read changes nothing of its skills and
    stops no other. Where none could be read that is an error. A running proxy offers the new state to
    conversations that begin from now on. `waits` is told of each hub whether it failed, and says when it will
    be asked again; without it a running `up` is told to ask at once.
    """
    from skillclaw.gate import beside
    from skillclaw.server.hubs.polling import note_polls, wake
    from skillclaw.server.sessions.running import Running
    from skillclaw.server.skills.listing import announce
    from skillclaw.server.up.proxy_process import reroute

    notes = _attend(machine) if due is None or any(name != PERSONAL for name in due) else {}
    sources = machine.hubs.sources(due)
    asked = [source for source in sources if due is None or source.name in due]
    seen = [
        HubSeen(
            hub=source.name,
            seq=source.state.seq if source.state is not None else 0,
            error=in_one_line(source.error) if source.error is not None else "",
        )
        for source in asked
    ]
    for source in asked:
        _checkpoint(source)
    next_ = {one.hub: waits(one.hub, bool(one.error)) for one in seen} if waits is not None else {}
    machine.prepare()
    note_polls(machine.home, [source.name for source in sources], seen, next_)
    if waits is None:
        wake(machine.home)
        errors = [source.error for source in sources if source.error is not None]
        if len(errors) == len(sources):
            raise errors[0]
    views = [machine.hubs.view(source) for source in sources]
    auto = machine.hubs.settings().sync.merge == "auto"
    report = machine.library.sync(
        views,
        beside(machine.library.bundles),
        auto_merge=auto,
        running=Running(machine),
        now=machine.hubs.clock(),
    )
    announce(report)
    reroute(machine)
    unread = {one.hub for one in seen if one.error}
    waiting = [f"The inbox of hub {hub} waits: {why}" for hub, why in notes.items() if hub not in unread]
    return replace(report, hubs=seen, note="\n".join([report.note, *waiting]).strip())


def carry_out(machine: Machine, done: str) -> SyncReport:
    """`sync` behind a decision that is in the log by now, which the sentence `done` tells: who reads that the
    rest failed is not to decide a second time.
    """
    try:
        return sync(machine)
    except SkillClawError as error:
        failed = error
    # Not as the error is handled: of a limit it would say to run the same command again.
    raise StorageError(
        f"{done} What is installed here does not follow yet: {failed.what}",
        failed.why,
        "Once that is mended: skillclaw sync (`skillclaw up` does so by itself).",
    )


def _attend(machine: Machine) -> dict[str, str]:
    """What this machine does for its groups before it reads them; by hub what kept it from that (`*`: from
    all). It stops no sync."""
    from skillclaw.server.groups.membership import attend

    try:
        return {done.hub: done.error for done in attend(machine) if done.error}
    except SkillClawError as error:
        return {"*": error.brief}


def _checkpoint(source: Source) -> None:
    """As the hub's owner: leave a fold of the log for machines that are new, where one is due."""
    if source.hub is not None and source.state is not None:
        with suppress(SkillClawError):  # a share that cannot be written can be synced from
            source.hub.checkpoint()
