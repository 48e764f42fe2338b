"""What runs on this machine, what waits for its user, and what is wrong: what can be told at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from skillclaw.hub.records import ProposalState
from skillclaw.server.hubs.opened import Source
from skillclaw.server.hubs.polling import HubPoll, read_polls
from skillclaw.server.machine import PERSONAL
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine
    from skillclaw.server.up.runfile import Running

__all__ = ["Now", "Trouble", "Waiting", "now", "troubles", "waiting"]

SHOWN = 5
BEHIND = 1000
"""Exchanges that wait to be written: so many is no moment's peak."""


class Now(Record, frozen=True, kw_only=True):
    """What runs. `running`: what `up` noted, None where it does not run; `journal`: the proxy's counters,
    None where no proxy answers; `under_way`: requests that it passes on now; `refused`: connections that it
    turned away, since it could open no more files; `hubs`: how each was last asked; `quiet`: seconds without
    a request after which what was recorded becomes a session.
    """

    running: Any
    journal: dict[str, Any] | None
    under_way: int
    refused: int
    agreed: bool
    hubs: list[HubPoll]
    quiet: float


class Waiting(Record, frozen=True, kw_only=True):
    """What waits for the user: proposals that people decide (`hub`, state), how many of them, and how many
    sessions came since the last cycle (None where no cycle ran or it cannot be told)."""

    held: list[tuple[str, ProposalState]]
    many: int
    fresh: int | None


class Trouble(Record, frozen=True, kw_only=True):
    """Something that is wrong: `what` is a text of the pages with `values`, `why` as it was told by what
    failed; `command` mends it, and so does the dashboard's job `job`."""

    what: str
    values: dict[str, Any] = {}
    why: str = ""
    command: str = ""
    job: str = ""


def now(machine: Machine) -> Now:
    """Looks at files, and asks the proxy once."""
    from skillclaw.server.setup.consent import agreed
    from skillclaw.server.up import runfile

    running: Running | None = runfile.read_running(machine.home)
    health = runfile.health(running.port, timeout=0.3) if running is not None and running.port else None
    polls = read_polls(machine.home)
    names = [name for name in machine.hubs.names() if name in polls]
    return Now(
        running=running,
        journal=health.get("journal") if health else None,
        under_way=int(health.get("under_way") or 0) if health else 0,
        refused=int((health.get("connections") or {}).get("refused") or 0) if health else 0,
        agreed=agreed(machine.home),
        hubs=[polls[name] for name in names],
        quiet=machine.settings.journal.idle,
    )


def waiting(machine: Machine, sources: Sequence[Source]) -> Waiting:
    """By the hubs as they were read."""
    held = [
        (source.name, one)
        for source in sources
        if source.state is not None
        for one in source.state.proposals.values()
        if one.status in ("held", "passed") and _needs_people(source, one)
    ]
    held.sort(key=lambda pair: (pair[1].time, pair[1].id), reverse=True)
    return Waiting(held=held[:SHOWN], many=len(held), fresh=new_sessions(machine))


def _needs_people(source: Source, one: ProposalState) -> bool:
    """As the queue of proposals has it."""
    from skillclaw.hub.approval import policy_of, waits_for_people

    assert source.state is not None
    names = (one.skill, *(gone.skill for gone in one.retires))
    default = "solo" if source.name == PERSONAL else "team"
    policy = policy_of(source.state.settings, *names, default=default)
    return waits_for_people(source.state, one, policy)


def new_sessions(machine: Machine) -> int | None:
    """Sessions that are new or grew since the last cycle read them; None where none ran."""
    from skillclaw.evolve.state_file import read_upto

    if not (machine.home / "sessions.db").exists():
        return None
    upto = read_upto(machine.home)
    return None if upto is None else machine.sessions.changed_since(upto)


def troubles(machine: Machine, state: Now, sources: Sequence[Source]) -> list[Trouble]:
    """What is wrong, the worst first; without the agents, which take longer to be looked at."""
    from skillclaw.agents import connected
    from skillclaw.library import quarantine

    found = [
        Trouble(
            what="Hub {hub} cannot be read.",
            values={"hub": source.name},
            why=source.error.brief,
            command="skillclaw sync",
            job="sync",
        )
        for source in sources
        if source.error is not None
    ]
    joined = connected(machine.home)
    if state.running is None and joined:
        found.append(
            Trouble(
                what="SkillClaw does not run, and these agents go through it: {agents}",
                values={"agents": ", ".join(sorted(joined))},
                command="skillclaw up -d",
                job="up",
            )
        )
    if state.running is not None:
        found += [
            Trouble(what="Trouble with {part}.", values={"part": part}, why=text, command="skillclaw logs")
            for part, text in sorted(state.running.errors.items())
        ]
        if state.running.port and state.journal is None:
            found.append(Trouble(what="The proxy does not answer.", command="skillclaw logs proxy"))
    if state.refused:
        found.append(
            Trouble(
                what="{n} connection was turned away: the proxy could open no more files."
                "|{n} connections were turned away: the proxy could open no more files.",
                values={"n": state.refused},
                command="skillclaw status",
            )
        )
    found += _journal(state.journal or {})
    found += [
        Trouble(
            what="Hub {hub} could not be asked {n} time in a row."
            "|Hub {hub} could not be asked {n} times in a row.",
            values={"hub": one.hub, "n": one.failures},
            why=one.error,
            command="skillclaw sync",
            job="sync",
        )
        for one in state.hubs
        if one.error and not any(source.name == one.hub and source.error for source in sources)
    ]
    held = quarantine.held(machine.home)
    if held:
        found.append(
            Trouble(
                what="{n} copy of a revoked skill is in quarantine."
                "|{n} copies of revoked skills are in quarantine.",
                values={"n": len(held)},
                why=", ".join(sorted({one.skill for one in held})),
                command="skillclaw skills quarantine",
            )
        )
    return [*found, *_unread(machine)]


def _journal(counters: dict[str, Any]) -> list[Trouble]:
    found = []
    why = str(counters.get("last_error") or "")
    if int(counters.get("dropped") or 0):
        found.append(
            Trouble(
                what="{n} exchange was not recorded.|{n} exchanges were not recorded.",
                values={"n": int(counters["dropped"])},
                why=why,
                command="skillclaw logs proxy",
            )
        )
    elif why:
        what = "Recording stopped; agents are served as always."
        found.append(Trouble(what=what, why=why, command="skillclaw status"))
    if int(counters.get("queue") or 0) > BEHIND:
        found.append(
            Trouble(
                what="The journal is behind: {n} exchanges wait to be written.",
                values={"n": int(counters["queue"])},
                command="skillclaw logs proxy",
            )
        )
    return found


def _unread(machine: Machine) -> list[Trouble]:
    from skillclaw.journal.unread import MARK, counts_in, told

    if not (machine.home / "sessions.db").exists():
        return []
    unread = counts_in(machine.sessions.get_mark(MARK))
    if not unread:
        return []
    return [
        Trouble(
            what="{n} recorded exchange could not be read.|{n} recorded exchanges could not be read.",
            values={"n": sum(one.count for one in unread)},
            why=told(unread),
            command="skillclaw status",
        )
    ]
