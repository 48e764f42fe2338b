"""What is on this machine: agents, past sessions, what runs, what was learned. Reads only."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import msgspec

from skillclaw.errors import SkillClawError, in_one_line
from skillclaw.journal.unread import MARK, UnreadCount, counts_in, told
from skillclaw.library.records import Row, shown
from skillclaw.server.hubs.polling import HubPoll, read_polls
from skillclaw.server.machine import PERSONAL
from skillclaw.server.setup.wishes import wishes
from skillclaw.server.up.runfile import recording
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from skillclaw.agents import Adapter, Detection, Env
    from skillclaw.server.machine import Machine

__all__ = [
    "AgentFound",
    "Status",
    "Survey",
    "agents_here",
    "detect",
    "is_installed",
    "status_of",
    "survey",
    "waiting_text",
    "where_agents_are",
]

Found = TypeVar("Found")
AT_ONCE = 8
"""Agents that are looked at at the same time."""
log = logging.getLogger("skillclaw.agents")


class AgentFound(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One agent as found. `config`: the file that `connect` changes; `followed`: by its history alone."""

    name: str
    title: str
    installed: bool
    version: str
    config: str
    sessions: int
    connected: bool
    followed: bool = False


class Survey(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What `up` finds before it does anything. `past`: histories on disk; `stored`: sessions kept already;
    `candidates`: skills that agents wrote themselves and nobody offered; by agent `recent`: histories that
    grew in the last `consent.PAST_DAYS` days, and `own`: skills that it reads and SkillClaw did not install.
    """

    agents: list[AgentFound]
    past: int
    stored: int
    skills: int
    targets: list[str]
    candidates: int = 0
    recent: dict[str, int] = {}
    own: dict[str, int] = {}


class Status(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`status --json`. `journal` holds the proxy's counters, null when it does not run.

    connections: of the proxy: open now; files that they may take; turned away since its start.
    unread: the recorded exchanges that could not be read, by agent, reason and path, since the first start.
    expire_days: how long the journal keeps the bytes of an exchange.
    candidates: skills that agents on this machine wrote by themselves and nobody offered.
    quarantined: ids of the copies of revoked skills that were moved away.
    hubs: when each hub was asked last, when it will be, and what keeps it from being read.
    canaries: those that are withheld today, or wait for running sessions.
    next_cycle: when it is looked for something new to learn from, UTC; empty where no `up` runs.
    runs: the version of the `up` that runs; `version` is that of who tells this.
    """

    running: bool
    pid: int | None
    port: int
    version: str
    agents: list[AgentFound]
    journal: dict[str, object] | None
    sessions: int
    outcomes: dict[str, int]
    skills: int
    proposals: dict[str, int]
    errors: dict[str, str]
    last: dict[str, str]
    agreed: bool
    unread: list[UnreadCount] = []
    expire_days: float = 0.0
    candidates: int = 0
    quarantined: list[str] = []
    hubs: list[HubPoll] = []
    canaries: list[Row] = []
    runs: str | None = None
    connections: dict[str, int] = {}
    next_cycle: str = ""

    def text(self) -> str:
        """For people."""
        lines = [
            f"SkillClaw {self.version}: "
            + (
                f"runs (process {self.pid}, {f'port {self.port}' if self.port else 'no proxy'})"
                if self.running
                else "does not run (skillclaw up)"
            )
        ]
        if self.running and self.runs not in (None, self.version):
            lines.append(
                f"  Version {self.runs} is running, {self.version} is installed: it starts again by itself "
                "when agents pause. At once: skillclaw stop, then skillclaw up -d"
            )
        for agent in self.agents:
            if agent.installed or agent.sessions or agent.connected:
                state = "connected" if agent.connected else "followed" if agent.followed else "not connected"
                title = f"{agent.title} {agent.version}".rstrip()
                lines.append(f"  {title}: {state}, {agent.sessions} sessions on disk")
        cut_off = [agent.title for agent in self.agents if agent.connected and not self.running]
        if cut_off:
            lines.append(
                f"  {', '.join(cut_off)} cannot reach a provider while it does not run: "
                "skillclaw up -d, or skillclaw stop (puts the settings back)"
            )
        if self.journal is not None:
            lines.append(
                "Journal: "
                + ", ".join(f"{key} {value}" for key, value in self.journal.items() if key != "last_error")
            )
            if stopped := recording(self.journal):
                lines.append(stopped)
        if refused := self.connections.get("refused"):
            lines.append(f"The proxy turned {refused} connections away: no files left to open (ulimit -n)")
        if self.unread:
            lines.append(f"{told(self.unread)}; kept as bytes for {self.expire_days:g} days")
        outcomes = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items())) or "none yet"
        lines.append(f"Sessions: {self.sessions} ({outcomes})")
        waiting = ", ".join(f"{count} {name}" for name, count in sorted(self.proposals.items())) or "none"
        lines.append(f"Skills: {self.skills}; proposals: {waiting}")
        if self.next_cycle:
            lines.append(f"Learning: next {self.next_cycle}; at once: skillclaw evolve")
        lines += [hub.text() for hub in self.hubs]
        # one line for all its folders
        lines += dict.fromkeys(f"Skill {shown(row.hub, row.skill)}: {row.detail}" for row in self.canaries)
        if self.candidates:
            lines.append(waiting_text(self.candidates))
        if self.quarantined:
            held = ", ".join(self.quarantined)
            lines.append(f"In quarantine, revoked for security: {held} (skillclaw skills quarantine)")
        if not self.agreed:
            lines.append("Nothing is imported, connected or installed yet: skillclaw up --yes")
        lines += [f"Trouble with {part}: {text}" for part, text in sorted(self.errors.items())]
        return "\n".join(lines)


def waiting_text(candidates: int) -> str:
    """One line for people that tells of candidates."""
    many = "skills" if candidates > 1 else "skill"
    return (
        f"{candidates} {many} that your agents wrote themselves can be offered: skillclaw skills candidates"
    )


def where_agents_are(env: Env) -> dict[str, str]:
    """The variables set here that say where agents' files are, for each agent that is known."""
    from skillclaw.agents import adapters
    from skillclaw.agents.records import located

    places: dict[str, str] = {}
    seen = located(env, places)
    for adapter in adapters().values():
        for look in (adapter.upstream, adapter.skills, adapter.learned, adapter.histories):
            with suppress(SkillClawError):
                look(seen)
    return places


def agents_here(machine: Machine, *, versions: bool) -> list[AgentFound]:
    """Every agent that SkillClaw knows, as it stands on this machine; with `versions` their programs are
    asked for theirs, which takes up to a second."""
    from concurrent.futures import ThreadPoolExecutor

    from skillclaw.agents import Env, adapters, connected

    env, known = Env.current(), sorted(adapters().items())
    joined, followed = set(connected(machine.home)), wishes(machine.home).history
    # Programs take up to a second to tell their version: all of them tell it at the same time.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        seen = list(pool.map(lambda item: detect(item[1], env, versions=versions), known))
    return [
        AgentFound(
            name=name,
            title=adapter.title,
            installed=found.installed,
            version=found.version or "",
            config=str(found.config) if found.config else "",
            sessions=found.sessions,
            connected=name in joined,
            followed=name in followed,
        )
        for (name, adapter), found in zip(known, seen, strict=True)
    ]


def detect(adapter: Adapter, env: Env, *, versions: bool) -> Detection:
    """What an agent tells of itself; nothing where it fails, which must not hide the others."""
    from skillclaw.agents import Detection

    try:
        return adapter.detect(env, versions=versions)
    except Exception:  # a plugin may fail in any way
        log.exception("%s cannot be looked for", adapter.name)
        return Detection(installed=False)


def is_installed(adapter: Adapter, env: Env) -> bool:
    """Whether an agent is here; its histories, maybe many, are listed only where its program is not."""
    from skillclaw.agents.platform import Platform

    here = isinstance(adapter, Platform) and adapter.program(env) is not None
    return here or detect(adapter, env, versions=False).installed


def survey(machine: Machine) -> Survey:
    """Look around; nothing is changed, nothing is read but names, counts and what skills agents wrote."""
    agents = agents_here(machine, versions=True)
    recent, own = _on_disk(machine, [agent.name for agent in agents if agent.installed])
    return Survey(
        agents=agents,
        past=sum(agent.sessions for agent in agents),
        stored=_stored(machine),
        skills=_skills(machine)[0],
        targets=[str(path) for path in machine.targets_for(a.name for a in agents if a.installed)],
        candidates=_candidates(machine),
        recent=recent,
        own=own,
    )


def _on_disk(machine: Machine, names: list[str]) -> tuple[dict[str, int], dict[str, int]]:
    """By agent: histories of the last days, and the person's own skills."""
    import time

    from skillclaw.agents import Env, adapters
    from skillclaw.server.setup.consent import PAST_DAYS
    from skillclaw.server.skills.idle import skills_of

    env, known, oldest = Env.current(), adapters(), time.time() - PAST_DAYS * 86_400
    recent: dict[str, int] = {}
    for name in names:
        try:
            recent[name] = sum(file.mtime >= oldest for file in known[name].histories(env))
        except Exception:  # as in `detect`
            log.exception("the histories of %s cannot be looked at", name)
            recent[name] = 0
    return recent, {name: len(skills_of(machine, known[name], env)) for name in names}


def _quarantined(machine: Machine) -> list[str]:
    from skillclaw.library import quarantine

    return [one.id for one in quarantine.held(machine.home)]


def _hubs(machine: Machine, *, running: bool) -> list[HubPoll]:
    """What the last polls noted, in the order of precedence; nobody asks again while nothing runs."""
    known = read_polls(machine.home)
    names = [name for name in (PERSONAL, *machine.settings.hubs) if name in known]
    return [known[n] if running else msgspec.structs.replace(known[n], next="") for n in names]


def _stored(machine: Machine) -> int:
    return machine.sessions.count() if (machine.home / "sessions.db").exists() else 0


def _skills(machine: Machine) -> tuple[int, dict[str, int]]:
    if not machine.has_hub:
        return 0, {}
    state = machine.hub.state()
    waiting: dict[str, int] = {}
    for proposal in state.proposals.values():
        waiting[proposal.status] = waiting.get(proposal.status, 0) + 1
    return sum(1 for skill in state.skills.values() if skill.current), waiting


def _candidates(machine: Machine) -> int:
    from skillclaw.agents import Env
    from skillclaw.server.skills.candidates import count_candidates

    return count_candidates(machine, Env.current())


def _sessions(machine: Machine, exists: bool) -> tuple[int, dict[str, int], list[UnreadCount]]:
    if not exists:
        return 0, {}, []
    return _stored(machine), machine.sessions.outcomes(), counts_in(machine.sessions.get_mark(MARK))


def _or(fallback: Found, name: str, errors: dict[str, str], part: Callable[[], Found]) -> Found:
    """What `part` finds; where the disk, damage or a newer format forbids it, the fallback, and why under
    `name`."""
    try:
        return part()
    except SkillClawError as error:
        errors[name] = in_one_line(error)
        return fallback


def status_of(machine: Machine) -> Status:
    """Everything that `status` shows."""
    from skillclaw import __version__
    from skillclaw.server.setup.consent import agreed
    from skillclaw.server.up import runfile

    running = runfile.read_running(machine.home)
    port = running.port if running else machine.settings.proxy.port
    health = runfile.health(port) if running and port else None
    errors = dict(running.errors) if running else {}
    # On a disk that fails, beside files that are damaged or of a newer version, what can be told still is:
    # above all that recording stopped.
    none: tuple[int, dict[str, int]] = (0, {})
    skills, proposals = _or(none, "skills", errors, lambda: _skills(machine))
    exists = (machine.home / "sessions.db").exists()
    installs = (machine.home / "library.json").exists()  # to ask the library would make its home
    nothing: tuple[int, dict[str, int], list[UnreadCount]] = (0, {}, [])
    stored, outcomes, unread = _or(nothing, "sessions", errors, lambda: _sessions(machine, exists))
    return Status(
        running=running is not None,
        pid=running.pid if running else None,
        port=port,
        version=__version__,
        runs=running.version if running else None,
        agents=_or([], "agents", errors, lambda: agents_here(machine, versions=False)),
        journal=health["journal"] if health else None,
        sessions=stored,
        outcomes=outcomes,
        skills=skills,
        proposals=proposals,
        errors=errors,
        last=running.last if running else {},
        agreed=_or(False, "consent", errors, lambda: agreed(machine.home)),
        unread=unread,
        expire_days=machine.settings.journal.expire_days,
        candidates=_or(0, "candidates", errors, lambda: _candidates(machine)),
        quarantined=_or([], "quarantine", errors, lambda: _quarantined(machine)),
        hubs=_hubs(machine, running=running is not None),
        canaries=_or([], "library", errors, lambda: machine.library.canaries()) if installs else [],
        connections=health.get("connections", {}) if health else {},
        next_cycle=running.next_cycle if running else "",
    )
