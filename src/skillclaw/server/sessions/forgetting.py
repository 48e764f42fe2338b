"""Forgetting sessions: here, in the hubs that they were sent to, and in plain words what cannot be undone.

Gone first are what waits to be sent and the session with all that would bring it back. What follows can be
cut off and is taken up again by the next call: the objects in hubs, the raw exchanges, the tombstones.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skillclaw.errors import SkillClawError, UsageError
from skillclaw.server.sessions.raw_erasure import Span, erase_noted, note, span_of
from skillclaw.skills.records import Sidecar, record_in
from skillclaw.trajectory.model import Record
from skillclaw.trajectory.moments import moment_of, utc_text

if TYPE_CHECKING:
    from skillclaw.journal.records import SessionRow
    from skillclaw.server.machine import Machine

__all__ = ["Forgot", "choose", "forget", "outlook"]

SHOWN = 5
"""Paths of histories that are named; of more, the folder."""

FEW = 20
"""Sessions up to which it is looked for each of them whether a sidecar names it at all."""


class Forgot(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What was forgotten, or with `dry_run` what would be (`sessions forget --json`).

    forgotten  the sessions' ids
    raw        raw exchanges that were erased from the journal; null where they could not be
    objects    names of the objects that hubs let go of; kept: of those that they did not yet, by hub, and why
    skills     skills that rest on these sessions among others; orphans: on these alone (the next cycle
    retires them) histories  files and folders where the agents keep their own record notes      for people:
    what cannot be undone
    """

    forgotten: list[str]
    dry_run: bool
    raw: int | None = 0
    objects: list[str] = []
    kept: dict[str, str] = {}
    skills: list[str] = []
    orphans: list[str] = []
    histories: list[str] = []
    notes: list[str] = []


def choose(
    machine: Machine,
    prefixes: Sequence[str] = (),
    *,
    everything: bool = False,
    agent: str | None = None,
    project: str | None = None,
    before: str | None = None,
) -> list[SessionRow]:
    """The sessions that are named, or those that fit all that is given. UsageError where nothing is."""
    narrowed = agent is not None or project is not None or before is not None
    if bool(prefixes) + everything + narrowed != 1:
        raise UsageError(
            "Say which sessions: ids, or --all, or --agent, --project and --before.",
            "",
            "See: skillclaw sessions list",
        )
    if prefixes:
        keys = dict.fromkeys(machine.sessions.find(prefix) for prefix in prefixes)  # also of damaged ones
        return [row for key in keys for row in machine.sessions.rows(key=key)]
    limit = _moment(before) if before is not None else ""
    return [
        row
        for row in machine.sessions.rows()
        if (agent is None or row.agent.casefold() == agent.casefold())
        and (project is None or row.project.casefold() == project.casefold())
        and (before is None or (row.started != "" and row.started < limit))
    ]


def _moment(text: str) -> str:
    """A day or a time as sessions have it: UTC; a day is its begin in UTC."""
    moment = moment_of(text)
    if moment is None:
        raise UsageError(f"{text!r} is no day from 1970 to 9998.", "", "Example: --before 2026-11-01")
    return utc_text(moment)


def outlook(machine: Machine, rows: Sequence[SessionRow]) -> Forgot:
    """What forgetting these sessions would touch. Nothing is changed."""
    keys = {row.id for row in rows}
    sent = [one for one in machine.outbox.receipts() if one.session in keys and one.withdrawn is None]
    skills, orphans = _skills(machine, keys)
    return Forgot(
        forgotten=sorted(keys),
        dry_run=True,
        raw=None,
        objects=[one.object for one in sent],
        skills=skills,
        orphans=orphans,
        histories=_histories(rows),
        notes=_notes(rows, sorted({one.hub for one in sent}), skills, orphans, quoted=machine.has_hub),
    )


def forget(machine: Machine, rows: Sequence[SessionRow]) -> Forgot:
    """Forget these sessions. Raises StorageError where this machine's own files cannot be written."""
    from skillclaw.evolve.models import forget_answers
    from skillclaw.evolve.state import forget_state
    from skillclaw.evolve.transcripts import forget_transcripts
    from skillclaw.server.groups.tombstones import tell_all
    from skillclaw.server.sharing.sending import take_back

    seen = outlook(machine, rows)
    keys = seen.forgotten
    note(machine, {key: _span(machine, key) for key in keys})
    # The outbox first: between the two, nothing of the session may leave any more.
    machine.outbox.recall(keys)
    machine.sessions.forget(*keys)
    # And once more: a sender that ran between the two may have queued it anew, or sent it.
    machine.outbox.recall(keys)
    kept: dict[str, str] = {}
    raw: int | None = None
    try:
        raw = erase_noted(machine)
    except SkillClawError as error:
        kept["journal"] = " ".join(part for part in (error.what, error.why, error.todo) if part)
    try:
        kept |= take_back(machine)
        kept |= _tombstones(machine)
        kept |= tell_all(machine)
    finally:
        try:
            forget_state(machine.home)
        finally:
            forget_answers(machine.home)
            forget_transcripts(machine.home)
    waiting = {entry.object for entry in machine.outbox.entries() if entry.state == "undo"}
    return Forgot(
        forgotten=keys,
        dry_run=False,
        raw=raw,
        objects=[name for name in seen.objects if name not in waiting],
        kept=kept,
        skills=seen.skills,
        orphans=seen.orphans,
        histories=seen.histories,
        notes=seen.notes,
    )


def _span(machine: Machine, key: str) -> Span:
    try:
        return span_of(machine.sessions.get(key))
    except SkillClawError:
        return Span()  # a damaged session can be forgotten like any other


def _tombstones(machine: Machine) -> dict[str, str]:
    """Leave what was forgotten out of every later cycle of the personal hub; why not, where that failed.

    With what an earlier call, cut off or with the hub away, did not get to.
    """
    try:
        for key in sorted(machine.sessions.forgotten() - set(machine.hub.state().tombstones)):
            machine.hub.tombstone(key)
    except SkillClawError as error:
        return {"personal": error.brief}
    return {}


def _skills(machine: Machine, keys: set[str]) -> tuple[list[str], list[str]]:
    """Skills of the personal hub whose lines cite these sessions: with others, and alone."""
    if not machine.has_hub:
        return [], []
    some: list[str] = []
    alone: list[str] = []
    hub = machine.hub
    try:
        skills = hub.state().skills
    except SkillClawError:
        return [], []  # a hub that cannot be read must not keep a session here
    marks = [key.encode() for key in keys] if len(keys) <= FEW else []
    for name, skill in sorted(skills.items()):
        release = skill.release(skill.current) if skill.current else None
        if release is None or release.sidecar is None:
            continue
        try:
            data = machine.hubs.object(hub, release.sidecar)
            if marks and not any(mark in data for mark in marks):  # most skills: they are not taken apart
                continue
            sidecar = record_in(data, Sidecar)
        except SkillClawError:
            continue
        cited = {ref.session for item in sidecar.items for ref in item.evidence}
        if cited & keys:
            (alone if cited <= keys else some).append(name)
    return some, alone


def _histories(rows: Sequence[SessionRow]) -> list[str]:
    """Where the agents themselves keep these sessions: files named after them, else their folders."""
    from skillclaw.agents import Env, adapters

    env = Env.current()
    known = adapters()
    found: dict[str, None] = {}
    for agent in sorted({row.agent for row in rows}):
        if agent not in known:
            continue
        try:
            files = known[agent].histories(env)
        except Exception:  # noqa: S112  an agent's folder that cannot be read is nothing that we could name
            continue
        native = {row.native_id for row in rows if row.agent == agent and row.native_id}
        own = [file.path for file in files if file.session in native or _names(file.path, native)]
        paths = own if 0 < len(set(own)) <= SHOWN else [p.parent for p in own or [f.path for f in files]]
        found |= dict.fromkeys(str(path) for path in paths)
    return list(found)[: 4 * SHOWN]


def _names(path: Path, natives: set[str]) -> bool:
    return any(len(native) >= 8 and native in path.name for native in natives)


def _notes(
    rows: Sequence[SessionRow], hubs: list[str], skills: list[str], orphans: list[str], *, quoted: bool
) -> list[str]:
    notes = []
    if hubs:
        notes.append(
            f"They were sent to {', '.join(hubs)}. The objects are deleted there; what its evolver "
            "read before that, and skills that it made of it, stay with the group."
        )
    if orphans:
        notes.append(f"Learned from these sessions alone, retired by the next cycle: {', '.join(orphans)}.")
    if skills:
        notes.append(
            f"Learned from these and others: {', '.join(skills)}. The next cycle leaves these out; earlier "
            "versions, and copies that others installed, stay."
        )
    if quoted:
        notes.append(
            "The personal hub's log never loses an entry: proposals and earlier versions of skills stay "
            "there, with the lines that they quote of sessions."
        )
    if any(row.source != "import" for row in rows) or _histories(rows):
        notes.append("The agent keeps its own record, which SkillClaw does not touch.")
    notes.append("Backups and snapshots of this disk or of a hub may still hold what was there before.")
    return notes
