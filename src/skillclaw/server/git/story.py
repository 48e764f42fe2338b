"""A hub's log as a row of changes for a git history: which files each entry changed, and its story in words.

Each change is made from the log up to its entry alone, so that the same log always gives the same history,
and a longer log one that begins the same. So no word of it may depend on what came later, on this machine's
sessions or on its clock: evidence is counted as it was released, also of sessions that were forgotten since.
Who approved is left out: a git history is passed on, and a group's names are the group's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillclaw.errors import BadInputError, GoneError, StorageError, VerifyError
from skillclaw.hub.listing import look
from skillclaw.hub.proposing import recorded
from skillclaw.hub.walking import walk
from skillclaw.server.skills.story import effect_words
from skillclaw.skills.records import Sidecar, record_in
from skillclaw.trajectory.moments import moment_of

if TYPE_CHECKING:
    from skillclaw.hub import Hub, HubState, Release, SkillState
    from skillclaw.hub.records import Event
    from skillclaw.server.machine import Machine
    from skillclaw.skills.records import Bundle

__all__ = ["Change", "changes"]

LONGEST = 500
"""Characters of a reason that a message has."""
SHORT = 12
"""Digits of a version in a message's first line."""
LATEST = 4_102_444_800
"""Unix time that a commit has at most (2100): a log's times are what its writers' clocks said."""
GITS_OWN = frozenset({".git", "git~1"})
"""Names that git keeps for itself, on every system."""


@dataclass(frozen=True)
class Change:
    """What one entry of the log did: at `time` (Unix, UTC). `folders` are the skills' new contents by name,
    with None for one that is gone; a skill that is not in it stays as it was."""

    seq: int
    time: int
    message: str
    folders: dict[str, dict[str, tuple[bytes, bool]] | None]
    released: bool


def changes(machine: Machine, hub: Hub) -> Iterator[Change]:
    """The changes of skills in the order of the log. Raises StorageError where a part of the log cannot be
    read, and what `Hub.get_object` raises: a history with gaps would be another history."""
    whole = hub.state()
    before: dict[str, SkillState] = {}
    seq = 0
    for step in walk(hub.store, hub.info, look(hub.store, 0)):
        state, seq = step.state, step.state.seq
        moved = [one for name, one in state.skills.items() if before.get(name) is not one]
        if change := _change(machine, hub, state, moved, before):
            yield change
        before = state.skills
        if seq == whole.seq:  # what came meanwhile is for the next time
            return
    if seq < whole.seq:
        raise StorageError(
            f"The log of the hub at {hub.url} could be read up to entry {seq} of {whole.seq} only.",
            "An export of a part would leave out releases.",
            "Try again; see: skillclaw hub verify",
        )


def _change(
    machine: Machine, hub: Hub, state: HubState, moved: list[SkillState], before: dict[str, SkillState]
) -> Change | None:
    told: list[tuple[int, str, list[str]]] = []
    folders: dict[str, dict[str, tuple[bytes, bool]] | None] = {}
    time, released = "", False
    for skill in moved:
        new = [one for one in skill.releases if one.seq == state.seq]
        events = [(one, event) for one in skill.releases for event in one.story if event.seq == state.seq]
        for release in new:
            told.append((0, *_released(machine, hub, state, release)))
            time, released = release.time, True
        # of a rollback the version that went speaks, not the one that is back
        events.sort(key=lambda one: one[1].what == "return")
        for release, event in events[:1] if not new else ():
            told.append((1, *_event(release, event)))
            time = event.time
        old = before.get(skill.name)
        if skill.current != (old.current if old else None):
            folders[skill.name] = _files(machine, hub, skill)
    if not told:
        return None
    told.sort(key=lambda one: one[:2])
    blocks = ["\n".join([head, "", *lines]) for _, head, lines in told]
    message = "\n\n".join([*blocks, f"Log-Entry: {state.seq}\nHub-Group: {state.group}\n"])
    return Change(state.seq, _unix(time), message, folders, released)


def _released(machine: Machine, hub: Hub, state: HubState, release: Release) -> tuple[str, list[str]]:
    stage = release.began or release.stage
    head = f"{release.skill} {release.version[:SHORT]}: {'changed' if release.base else 'new'}, {stage}"
    lines: list[str] = []
    proposal = state.proposals.get(release.proposal) if release.proposal else None
    engine = "person"
    if proposal is not None:
        try:
            record = recorded(hub, proposal)
            lines += [f"Why: {_plain(record.why)}"] if record.why.strip() else []
            engine = record.engine
        except BadInputError:
            lines.append("Why: the proposal's record does not hold what it should.")
    lines.append(f"Evidence: {_evidence(machine, hub, release)}")
    if release.share is not None and release.share < 1:
        lines.append(f"Effect: to be measured; each client has it on {release.share:.0%} of the days.")
    else:
        lines.append("Effect: not measured yet.")
    if release.scope == "project":
        lines.append("It is for one project.")
    lines += ["", f"Skill: {release.skill}", f"Version: {release.version}"]
    lines += [f"Base: {release.base}"] if release.base else []
    lines += [f"Proposal: {_plain(release.proposal)}"] if release.proposal else []
    lines.append(f"Made-By: {_plain(engine)}")
    return head, lines


def _evidence(machine: Machine, hub: Hub, release: Release) -> str:
    if release.sidecar is None:
        return "none in the log."
    try:
        items = record_in(machine.hubs.object(hub, release.sidecar), Sidecar).items
    except (BadInputError, GoneError, VerifyError):  # not what the storage does not give now: it is kept
        return "its record does not hold what it should."
    refs = [ref for item in items for ref in item.evidence]
    sessions, people = len({ref.session for ref in refs}), len({ref.user for ref in refs})
    behind = sum(bool(item.evidence) for item in items)
    return (
        f"{sessions} session{'' if sessions == 1 else 's'} of {people} "
        f"{'person' if people == 1 else 'people'} behind {behind} of {len(items)} lines."
    )


def _event(release: Release, event: Event) -> tuple[str, list[str]]:
    what = {
        "promote": "stable" if event.stage != "unproven" else "stable, but unproven",
        "rollback": f"rolled back to {event.to[:SHORT]}" if event.to else "rolled back, nothing before it",
        "return": "current again",
        "archive": f"archived, {event.skill} took it in" if event.skill else "archived",
        "revoke": "revoked as unsafe",
    }[event.what]
    lines = [f"Why: {_plain(event.why)}"] if event.why.strip() else []
    if event.effect is not None:
        lines.append(f"Effect: {effect_words(event.effect)}")
    lines += [*([""] if lines else []), f"Skill: {release.skill}", f"Version: {release.version}"]
    return f"{release.skill} {release.version[:SHORT]}: {what}", lines


def _files(machine: Machine, hub: Hub, skill: SkillState) -> dict[str, tuple[bytes, bool]] | None:
    release = skill.release(skill.current) if skill.current else None
    if release is None:
        return None
    bundle: Bundle = machine.hubs.bundle(hub, release)
    return {
        file.path: (file.data, file.executable)
        for file in bundle.files
        if not any(part.casefold() in GITS_OWN for part in file.path.split("/"))
    }


def _plain(text: str) -> str:
    """One line that steers no terminal and cannot pass for a line of ours."""
    line = "".join(char if char.isprintable() else "\ufffd" for char in " ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."


def _unix(time: str) -> int:
    found = moment_of(time)
    return min(int(found.timestamp()), LATEST) if found is not None else 0
