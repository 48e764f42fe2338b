"""A group's sealed sessions, as its evolver takes them in: opened, checked, named after their member, stored.

They lie in `<home>/groups/<group id>/`, apart from this machine's own. What a member wrote is untrusted: the
member is the one whose key signed it, not whom the session names; its key counts for that member alone; and
what it says of its own success is one signal among others, unless the member is an importer.
"""

from __future__ import annotations

import hmac
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from skillclaw import __version__
from skillclaw.errors import BadInputError, SkillClawError, StorageError, UpgradeNeededError, UsageError
from skillclaw.hub import keys
from skillclaw.hub.founding import INFO
from skillclaw.hub.log import MAX_COMMIT
from skillclaw.hub.membership import counts
from skillclaw.hub.room import own_keys
from skillclaw.hub.sealed import dated_session, delete_session, list_sessions
from skillclaw.journal.store import PutResult, SessionStore
from skillclaw.private import private_folder
from skillclaw.server.groups.late import LATE, WHY, late, may_count
from skillclaw.server.groups.passing import Passing, agree
from skillclaw.server.groups.receipts import keep_receipt
from skillclaw.trajectory import model
from skillclaw.trajectory.model import Record, Signal, Trajectory, meta, with_meta
from skillclaw.trajectory.outcomes import outcome

if TYPE_CHECKING:
    from skillclaw.hub import Hub, HubState, Key
    from skillclaw.server.machine import Machine

__all__ = [
    "Collected",
    "collect",
    "evidence_key",
    "forgotten_keys",
    "group_folder",
    "not_counted",
    "pseudonym",
    "taken_in",
]

RETENTION_DAYS = 180
"""How long a sealed session stays in the hub, unless the group's `retention_days` says."""


class Collected(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What one look into the hub brought.

    taken, grown  sessions that were new, and new forms of known ones; known: objects that were read before
    forgotten     sessions that members took back; refused: objects that do not count, and why
    expired       objects that were deleted, since the group keeps them no longer
    elsewhere     objects that only another evolver's machine can open, until it passes them on
    """

    taken: int = 0
    grown: int = 0
    known: int = 0
    forgotten: int = 0
    expired: int = 0
    refused: dict[str, str] = {}
    elsewhere: int = 0


def group_folder(machine: Machine, group: str) -> Path:
    """Where this machine keeps what it knows as the evolver of a group; made private (0700)."""
    folder = machine.home / "groups" / group
    private_folder(machine.home / "groups")
    private_folder(folder)
    return folder


def pseudonym(key: Key, secret: bytes) -> str:
    """The user that a member's sessions count for: the same whatever key it has by now. It stands in what the
    group publishes, so it is made with a `secret` of the evolver's machine: keys and names are in the log.
    """
    return "m-" + hmac.digest(secret, b"skillclaw member\0" + key.member.encode(), "sha256").hex()[:16]


def evidence_key(member: str, key: str, secret: bytes) -> str:
    """The key of a member's session among those of all: one could send a session under another's key. It is
    published as evidence, and the log tells which sessions a member took back, so it needs the `secret` too.
    """
    return hmac.digest(secret, f"skillclaw evidence\0{member}\0{key}".encode(), "sha256").hex()[:16]


def forgotten_keys(state: HubState, secret: bytes) -> set[str]:
    """The keys (`evidence_key`) of the sessions that members took back."""
    return {evidence_key(member, key, secret) for member, known in state.withdrawn.items() for key in known}


def not_counted(machine: Machine, state: HubState, sessions: SessionStore) -> set[str]:
    """The keys of what is evidence no more: taken back by its member, or of a member that was revoked."""
    known = keys.load(machine.home / "keys", state.group, "pseudonyms")
    if known is None:
        return set()  # nothing was taken in yet
    secret = known.encode()
    gone = {pseudonym(key, secret) for key in state.keys.values() if key.revoked}
    return forgotten_keys(state, secret) | {row.id for row in sessions.rows() if row.user in gone}


def collect(
    machine: Machine, hub: Hub, sessions: SessionStore, *, now: datetime, delete: bool = True
) -> Collected:
    """Take into `sessions` what lies sealed in `hub` and was not taken yet.

    An object that does not hold is told and looked at no more; one that cannot be read, or is of a newer
    format, is told and stops no other, since every member can put one there. With `delete`, what members took
    back or the group keeps no longer at `now` is deleted from the hub. Cut off anywhere, the next call goes
    on.
    Raises UsageError where this machine has no key that opens them; StorageError where the storage is away.
    """
    group = hub.info.group
    own = own_keys(machine.home / "keys", group)
    if not own:
        raise UsageError(
            "This machine is not the evolver of that group.",
            "It has no key that opens the group's sessions.",
            "Run it on the evolver's machine, or make this one: skillclaw hub key --role evolver",
        )
    state = hub.state()
    secret = agree(machine.home / "keys", hub, state, write=delete)
    gone = forgotten_keys(state, secret)
    if new := gone - sessions.forgotten():
        sessions.forget(*sorted(new))
    report, oldest = Collected(), _oldest(state, now)
    passing, names = Passing(hub, state, sessions, own), list_sessions(hub)
    deleted: set[str] = set()
    for name in names:
        key = sessions.get_mark(_OBJECT + name)
        waits = key is not None and key.startswith(_WAITS)
        if key == _WAITS + _NEWER:
            # told each time, and not fetched again: there may be many, and nobody has to be a member for that
            report = _refused(report, name, _LATER)
        elif key is not None and key.startswith(_WAITS + LATE) and not may_count(state, key[1:]):
            report = _refused(report, name, WHY)
        elif key is None or (
            waits
            and (key[1:].startswith(("newer", LATE)) or key[1:] in state.keys or passing.now(name, key[1:]))
        ):
            report, key = _take(hub, state, sessions, passing, secret, name, report)
        elif waits and passing.is_wait(key[1:]):
            report = msgspec.structs.replace(report, elsewhere=report.elsewhere + 1)
        else:
            report = msgspec.structs.replace(report, known=report.known + 1)
        if not delete or not (key in gone or name.split("/")[1] < oldest):
            if delete:
                passing.hand_on(name)
            continue
        try:
            delete_session(hub, name)
            deleted.add(name)
        except StorageError as error:
            report = _unreadable(hub, report, name, error)
            continue
        if key in gone:
            report = msgspec.structs.replace(report, forgotten=report.forgotten + 1)
        else:
            report = msgspec.structs.replace(report, expired=report.expired + 1)
    if delete:
        passing.sweep(set(names) - deleted)
    return report


def taken_in(folder: Path) -> set[str]:
    """The names of the sealed sessions that `collect` saw by now, for a group's `folder`; whether they count
    or not."""
    if not (folder / "sessions.db").exists():
        return set()
    with closing(SessionStore(folder)) as sessions:
        return sessions.marks(_OBJECT)


_OBJECT = "object:"
"""Marks in the session store: object's name -> the key of its session, empty where it does not count."""
_WAITS = "?"
"""How the mark of an object begins that may count later; what follows is the signer, who is no member yet,
`_NEWER`, or what `late` and `Passing` say."""
_NEWER = f"newer than {__version__}"
_LATER = "Upgrade needed: it is of a newer format."


def _take(
    hub: Hub,
    state: HubState,
    sessions: SessionStore,
    passing: Passing,
    secret: bytes,
    name: str,
    report: Collected,
) -> tuple[Collected, str]:
    """The report with this object in it, and the key of its session; empty where it does not count."""
    try:
        found = dated_session(hub, name)
        if found is not None:
            data = passing.readable(name, found[0])
            if data is None:
                sessions.set_mark(_OBJECT + name, _WAITS + passing.wait)
                return msgspec.structs.replace(report, elsewhere=report.elsewhere + 1), ""
    except StorageError as error:
        return _unreadable(hub, report, name, error), ""
    if found is None or data is None:  # withdrawn since it was listed
        return report, ""
    try:
        opened = passing.open(name, data)
        if opened.signer not in state.keys:
            # its join may not be taken in yet, so it is looked at again once it is
            sessions.set_mark(_OBJECT + name, _WAITS + opened.signer)
            return _refused(report, name, "No member of the group signed it."), ""
        member = counts(state, opened.signer, name.split("/")[1])
        if member is None:
            raise BadInputError("Its signer was revoked, or had left the group before.")
        mark = sessions.get_mark(_OBJECT + name) or ""
        mark_now = late(state, member, found[1], mark.removeprefix(_WAITS))
        if mark_now is not None:
            sessions.set_mark(_OBJECT + name, mark_now and _WAITS + mark_now)
            return _refused(report, name, WHY), ""
        trajectory = model.decode(opened.body)
        if model.is_newer(trajectory):
            raise UpgradeNeededError("Upgrade needed: the session in it is of a newer format.")
        trajectory = _admitted(trajectory, member, secret)
    except UpgradeNeededError as error:
        # nobody has to be a member to write that, so it is told and stops nothing
        sessions.set_mark(_OBJECT + name, _WAITS + _NEWER)
        return _refused(report, name, error.what), ""
    except SkillClawError as error:
        why = error.brief
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError, MemoryError) as error:
        why = f"It holds no session ({type(error).__name__})."
    else:
        key = meta(trajectory).key
        try:
            result = sessions.put(trajectory)
        except (ValueError, OverflowError, RecursionError) as error:
            # whatever a member wrote into it: nobody else's sessions wait for it, and it is not met again
            sessions.set_mark(_OBJECT + name, "")
            return _refused(report, name, f"It cannot be kept ({type(error).__name__})."), ""
        keep_receipt(sessions, key, name, opened, meta(trajectory).revision)
        sessions.set_mark(_OBJECT + name, key)
        return _counted(report, result), key
    sessions.set_mark(_OBJECT + name, "")
    return _refused(report, name, why), ""


def _counted(report: Collected, result: PutResult) -> Collected:
    if result == "new":
        return msgspec.structs.replace(report, taken=report.taken + 1)
    if result == "grown":
        return msgspec.structs.replace(report, grown=report.grown + 1)
    return report


def _admitted(trajectory: Trajectory, member: Key, secret: bytes) -> Trajectory:
    """The session as evidence of `member`, with what it claims of itself weighed by its role."""
    known = meta(trajectory)
    if not known.key:
        raise ValueError("a session without a key")
    trusted = member.role == "importer"
    known = msgspec.structs.replace(
        known,
        key=evidence_key(member.member, known.key, secret),
        # never taken for another source's form of somebody else's session (journal.twins)
        source="import",
        user=pseudonym(member, secret),
        client=member.member,
        task=known.task if trusted else None,
        reward=known.reward if trusted else None,
        signals=known.signals if trusted else _reported(known.signals),
        outcome="unknown",
        confidence=0.0,
    )
    verdict, confidence, signals = outcome(with_meta(trajectory, known))
    return with_meta(
        trajectory, msgspec.structs.replace(known, outcome=verdict, confidence=confidence, signals=signals)
    )


def _reported(signals: list[Signal]) -> list[Signal]:
    """What was said of the outcome, by whomever, as one signal; the signs are found anew. Of several it is
    what decides on the member's own machine (`outcomes`): feedback first, and the latest of a kind."""
    for kind in ("feedback", "reported", "reward"):
        said = [signal.value for signal in signals if signal.kind == kind]
        if said:
            value = (said[-1] > 0) - (said[-1] < 0)
            return [Signal(kind="reported", value=value, source="member")]
    return []


def _unreadable(hub: Hub, report: Collected, name: str, error: StorageError) -> Collected:
    """The report with an object that could not be read or deleted, which its sender may have seen to (by a
    key of its own that the storage encrypts with, by a file's mode); StorageError where the storage is away.
    """
    hub.store.get(INFO, MAX_COMMIT)
    return _refused(report, name, error.brief)


def _refused(report: Collected, name: str, why: str) -> Collected:
    return msgspec.structs.replace(report, refused={**report.refused, name: why})


def retention_days(state: HubState) -> int:
    """How many days the group keeps sessions, and what quotes them."""
    days = state.settings.get("retention_days", RETENTION_DAYS)
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 36_500:
        return RETENTION_DAYS
    return days


def _oldest(state: HubState, now: datetime) -> str:
    """The first day whose sessions the group still keeps."""
    return (now - timedelta(days=retention_days(state))).strftime("%Y-%m-%d")
