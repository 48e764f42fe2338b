"""Sessions to a group's hub: consent, redaction once more, seal, queue, put, receipt (docs/sharing.md).

Each step can be cut off anywhere. The sealed bytes are stored before the first of them leaves, so that trying
again puts the very same object; consent is asked again right before each put.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import (
    BadInputError,
    BusyError,
    DamagedSessionError,
    SkillClawError,
    StorageError,
    UsageError,
    VerifyError,
)
from skillclaw.journal.outbox import Entry
from skillclaw.journal.share_rules import Decision, HubView, decide
from skillclaw.server.sharing.view import (
    bound,
    clock,
    current,
    group_of,
    hub_names,
    name_of,
    open_hub,
    subjects,
)
from skillclaw.settings import stop_at_unknown
from skillclaw.trajectory.model import Record, Trajectory, meta
from skillclaw.trajectory.moments import moment_of

if TYPE_CHECKING:
    from skillclaw.hub.keys import SigningKey
    from skillclaw.journal.border import Outgoing
    from skillclaw.server.machine import Machine
    from skillclaw.server.sharing.view import OpenHub

__all__ = ["HubShare", "Previewed", "preview", "share", "take_back", "undo", "withdraw"]

ROLES = ("member", "importer", "reviewer", "owner")
"""Keys that this machine may sign a session with, the first that it has."""


class HubShare(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What one run did for one hub (`share send --json`).

    sent, bytes: what left now; queued: made ready now; waiting: what is still to leave; active: sessions that
    still grow; withdrawn: taken out of the outbox or the hub; refused: sessions that cannot be shared, and
    why; error: why it stopped, empty where it did not.
    """

    hub: str
    sent: int = 0
    bytes: int = 0
    queued: int = 0
    waiting: int = 0
    active: int = 0
    withdrawn: int = 0
    refused: dict[str, str] = {}
    error: str = ""


class Previewed(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`sessions preview --json`: the bytes that would leave, before they are sealed, and whether they may.

    body, masked, size: as text, the counts by kind, and the bytes of `body`; hub, allowed, rule, why: the hub
    asked for and the decision, null where no hub was; object: the name it has or would have there.
    """

    body: str
    masked: dict[str, int]
    size: int
    hub: str | None = None
    allowed: bool | None = None
    rule: str | None = None
    why: str | None = None
    object: str | None = None


def share(machine: Machine, only: str | None = None) -> list[HubShare]:
    """Send what may leave to each group's hub, or to one. A hub that fails does not stop the others."""
    stop_at_unknown(machine.home, machine.environ, ("share", "redact"))
    with machine.alone("share", wait=30.0):
        machine.renew_redactor()
        settings, _ = current(machine)
        if only is not None and only not in hub_names(settings):
            open_hub(machine, settings, only)  # says why there is none
        return [_share(machine, name) for name in hub_names(settings) if only in (None, name)]


def withdraw(machine: Machine) -> int:
    """Take out of the outbox what may not leave any more, by this machine's own rules; no hub is asked."""
    settings, grants = current(machine)
    entries = [entry for entry in machine.outbox.entries() if entry.state != "undo"]
    wanted = {entry.session for entry in entries}
    rows = [row for key in sorted(wanted) for row in machine.sessions.rows(key=key)]
    known = {
        row.id: subject for row, subject in subjects(machine, rows, HubView(name="", group="", grants=grants))
    }
    gone = 0
    for entry in entries:
        view = HubView(name=entry.hub, group=entry.group, grants=grants)
        subject = known.get(entry.session)
        if subject is None or not decide(settings.share, view, subject).allowed:
            machine.outbox.withdraw(entry)
            gone += 1
    return gone


def take_back(machine: Machine) -> dict[str, str]:
    """Have every hub let go of what is to be undone; the hubs that could not, with the reason.

    What stays is tried again by the next `share`.
    """
    failed: dict[str, str] = {}
    entries = [entry for entry in machine.outbox.entries() if entry.state == "undo"]
    if not entries:
        return failed
    settings = machine.settings  # whatever was permitted: taking back needs no consent
    try:
        with machine.alone("share", wait=10.0):
            groups = {entry.group: entry.hub for entry in entries}
            names = {name_of(machine, group, was) or was for group, was in groups.items()}
            for name in sorted(names):
                try:
                    opened = open_hub(machine, settings, name)
                    undo(machine, opened)
                except SkillClawError as error:
                    failed[name] = error.brief
    except BusyError as error:
        failed |= {entry.hub: error.what for entry in entries}
    left = {entry.hub for entry in machine.outbox.entries() if entry.state == "undo"}
    return failed | {name: "Another group lies there now." for name in left - set(failed)}


def undo(machine: Machine, opened: OpenHub) -> int:
    """Delete from the hub what was withdrawn; only the very bytes that this machine sealed."""
    from skillclaw.hub.sealed import delete_session, get_session

    entries = [e for e in machine.outbox.entries(group=opened.view.group) if e.state == "undo"]
    for entry in entries:
        data = get_session(opened.hub, entry.object)
        ours = data is not None and hashlib.sha256(data).hexdigest() == entry.sha256
        if ours:
            delete_session(opened.hub, entry.object)
        machine.outbox.undone(entry, clock(), lay=ours)
    return len(entries)


def preview(machine: Machine, prefix: str, hub: str | None) -> Previewed:
    """What would leave of a session, for a hub or, without one, for one that lists no hosts."""
    stored = machine.sessions.get(prefix)
    if hub is None:
        out = _outgoing(machine, stored, None)
        return Previewed(body=out.body.decode(), masked=out.masked, size=out.size)
    settings, grants = current(machine)
    opened = bound(machine, open_hub(machine, settings, hub), grants)
    out = _outgoing(machine, stored, opened)
    _, subject = next(subjects(machine, machine.sessions.rows(key=meta(stored).key), opened.view))
    decision = decide(settings.share, opened.view, subject)
    return Previewed(
        body=out.body.decode(),
        masked=out.masked,
        size=out.size,
        hub=hub,
        allowed=decision.allowed,
        rule=decision.rule,
        why=decision.why,
        object=_object(machine, opened, stored),
    )


def _has_entries(machine: Machine, name: str) -> bool:
    """Whether something waits for the hub of this name, or lies there, whatever it was called then."""
    group = group_of(machine, name)
    return any(name == entry.hub or group == entry.group for entry in machine.outbox.entries())


def _share(machine: Machine, name: str) -> HubShare:
    report = HubShare(hub=name)
    group: str | None = None
    try:
        settings, grants = current(machine)
        wanted = settings.share.hubs.get(name) == "redacted"
        if not wanted and not _has_entries(machine, name):
            return report
        opened = bound(machine, open_hub(machine, settings, name), grants)
        group = opened.view.group
        report = msgspec.structs.replace(report, withdrawn=undo(machine, opened))
        report = _withdraw_denied(machine, opened, report)
        if wanted:
            key, evolvers = _keys(machine, opened)
            report = _queue(machine, opened, key, evolvers, report)
            report = _send(machine, opened, report)
    except SkillClawError as error:
        told = " ".join(part for part in (error.what, error.why, error.todo) if part)
        report = msgspec.structs.replace(report, error=told)
    waiting = [e for e in machine.outbox.entries(group=group) if e.hub == name]
    return msgspec.structs.replace(report, waiting=len(waiting))


def _withdraw_denied(machine: Machine, opened: OpenHub, report: HubShare) -> HubShare:
    """What the rules, the group's among them, take out of the outbox again; and what is to be sealed anew,
    for another key of the evolver, or since other things are masked now.
    """
    from skillclaw.hub.sealed import get_session, sealing_keys

    evolvers = sealing_keys(opened.state)
    gone = 0
    for entry in machine.outbox.entries(group=opened.view.group):
        decision = _decide(machine, opened, entry.session)
        same_key = not evolvers or evolvers == entry.evolver
        if decision.allowed and same_key and _as_masked(machine, opened, entry):
            continue
        if decision.allowed and entry.state == "sending":
            data = get_session(opened.hub, entry.object)
            if data is not None and hashlib.sha256(data).hexdigest() == entry.sha256:
                machine.outbox.sent(entry, clock())
                continue
        machine.outbox.withdraw(entry)
        gone += 0 if decision.allowed else 1
    undo(machine, opened)
    return msgspec.structs.replace(report, withdrawn=report.withdrawn + gone)


def _as_masked(machine: Machine, opened: OpenHub, entry: Entry) -> bool:
    """Whether what waits is what would be sealed today: rules may have come since, or the session grew."""
    if entry.state == "undo":
        return True
    try:
        stored = machine.sessions.get(entry.session)
    except DamagedSessionError:
        return False
    return (
        meta(stored).revision == entry.revision
        and _digest(_outgoing(machine, stored, opened)) == entry.digest
    )


def _digest(out: Outgoing) -> str:
    return hashlib.sha256(out.body).hexdigest()


def _decide(machine: Machine, opened: OpenHub, key: str) -> Decision:
    """The decision as of this moment: settings and marks are read anew."""
    settings, grants = current(machine)
    rows = machine.sessions.rows(key=key)
    if not rows:
        return Decision(allowed=False, rule="forgotten", why="It was forgotten.")
    view = msgspec.structs.replace(opened.view, grants=grants)
    _, subject = next(subjects(machine, rows, view))
    return decide(settings.share, view, subject)


def _keys(machine: Machine, opened: OpenHub) -> tuple[SigningKey, str]:
    """This machine's key in the group, and the evolvers' that sessions are sealed to."""
    from skillclaw.hub import keys
    from skillclaw.hub.sealed import sealing_keys

    evolvers = sealing_keys(opened.state)
    if not evolvers:
        raise UsageError(
            f"Hub {opened.view.name} has no evolver that sessions could be sealed to.",
            "Its log admits no evolver with a sealing key.",
            "Nothing leaves until the group's owner admits one.",
        )
    for role in ROLES:
        key = keys.load(machine.home / "keys", opened.view.group, role)
        known = opened.state.keys.get(keys.public_hex(key)) if key is not None else None
        if key is not None and known is not None and known.active:
            return key, evolvers
    raise UsageError(
        f"This machine is no member of the group at hub {opened.view.name}.",
        "Its log knows no key of this machine, or revoked it.",
        "Ask the group's owner to admit it.",
    )


def _queue(machine: Machine, opened: OpenHub, key: SigningKey, evolvers: str, report: HubShare) -> HubShare:
    from skillclaw.hub.sealed import seal

    settings, grants = current(machine)
    group = opened.view.group
    view = msgspec.structs.replace(opened.view, grants=grants)
    known = {(e.session, e.revision) for e in machine.outbox.entries(group=group)}
    known |= {(r.session, r.revision) for r in machine.outbox.receipts() if r.group == group}
    fresh = [row for row in machine.sessions.rows() if (row.id, row.revision) not in known]
    queued, active, refused = 0, 0, dict(report.refused)
    for row, subject in subjects(machine, fresh, view):
        decision = decide(settings.share, view, subject)
        if not decision.allowed:
            continue
        try:
            stored = machine.sessions.get(row.id)
            if _is_active(stored, settings.journal.idle):
                active += 1
                continue
            out = _outgoing(machine, stored, opened)
            name = _object(machine, opened, stored)
            sealed = seal(out.body, key, group=group, evolver=evolvers, name=name)
        except (BadInputError, DamagedSessionError) as error:  # one session keeps no other here
            refused[row.id] = error.brief
            continue
        entry = Entry(
            hub=opened.view.name,
            group=group,
            session=row.id,
            revision=meta(stored).revision,
            object=name,
            queued=clock(),
            rule=decision.rule,
            masked=out.masked,
            digest=_digest(out),
            evolver=evolvers,
            sha256=hashlib.sha256(sealed).hexdigest(),
            bytes=len(sealed),
        )
        queued += machine.outbox.add(entry, sealed)
    return msgspec.structs.replace(report, queued=queued, active=active, refused=refused)


def _send(machine: Machine, opened: OpenHub, report: HubShare) -> HubShare:
    from skillclaw.hub.sealed import put_session

    sent, size, withdrawn = 0, 0, report.withdrawn
    error = ""
    for entry in machine.outbox.entries(group=opened.view.group):
        if not _decide(machine, opened, entry.session).allowed:
            machine.outbox.withdraw(entry)
            withdrawn += 1
            continue
        body = machine.outbox.begin(entry)
        if body is None:
            continue
        try:
            put_session(opened.hub, entry.object, body)
        except (StorageError, VerifyError) as problem:
            error = problem.brief
            machine.outbox.failed(entry, error)
            if isinstance(problem, StorageError):
                break
            continue  # something else lies in its place; the others can go
        if machine.outbox.sent(entry, clock()):
            sent, size = sent + 1, size + entry.bytes
        else:
            withdrawn += 1
    undo(machine, opened)
    return msgspec.structs.replace(report, sent=sent, bytes=size, withdrawn=withdrawn, error=error)


def _outgoing(machine: Machine, stored: Trajectory, opened: OpenHub | None) -> Outgoing:
    hosts = opened.view.settings.get("hosts", []) if opened is not None else []
    from skillclaw.journal.border import outgoing  # what masks takes a while to load: only for what leaves

    return outgoing(
        stored,
        machine.redactor,
        client_key=machine.identity.key,
        group=opened.view.group if opened is not None else "",
        hosts=[host for host in hosts if isinstance(host, str)] if isinstance(hosts, list) else [],
    )


def _object(machine: Machine, opened: OpenHub, stored: Trajectory) -> str:
    """The name that it has in the outbox or by a receipt; else the one that it would get today."""
    from skillclaw.hub.sealed import object_name

    known, group = meta(stored), opened.view.group
    known_as = [(e.group, e.revision, e.object) for e in machine.outbox.entries(group, known.key)]
    known_as += [(r.group, r.revision, r.object) for r in machine.outbox.receipts(known.key)]
    for of, revision, name in known_as:
        if (of, revision) == (group, known.revision):
            return name
    return object_name(machine.identity.key, group, known.key, known.revision, clock()[:10])


def _is_active(stored: Trajectory, idle: float) -> bool:
    """Whether the session was added to within the last `idle` seconds; then it waits until it rests."""
    moments = (moment_of(step.timestamp) for step in stored.steps)
    last = max((moment.timestamp() for moment in moments if moment is not None), default=0.0)
    return abs(time.time() - last) < idle
