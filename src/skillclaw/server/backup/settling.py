"""What a home that comes back from a backup must know of what happened since.

Sessions that were forgotten after the backup must not come back: what groups' logs, the personal hub's and
the home that was there tell of it is applied before the home is put in place. The rest is said to be unknown.
What that home knows of agents' settings and installed skills is taken over (taking_over.py).
Skills whose folders were there and are not here (another machine) are installed anew by the next sync; they
would count as removed by the user otherwise.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import SkillClawError
from skillclaw.library import book, copies
from skillclaw.server.backup.records import Copy, Manifest
from skillclaw.server.backup.taking_over import from_now_on, take_over
from skillclaw.server.machine import Machine
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub import Hub

__all__ = ["Settled", "advice", "settle"]


class Settled(Record, frozen=True, kw_only=True):
    """What was done: how many sessions were forgotten anew, and how many copies of skills are not here;
    `same`: whether the home that was there is the one that was backed up; `shared`: whether what may be
    shared counts from now on; `unknown`: for people."""

    forgotten: int = 0
    gone: int = 0
    same: bool = False
    shared: bool = False
    unknown: list[str] = []


def settle(staged: Path, manifest: Manifest, old: Path | None, environ: Mapping[str, str] | None) -> Settled:
    """Bring the unpacked home up to date with what is known; `old` is the home that it takes the place of."""
    machine = Machine(staged, environ)
    unknown: list[str] = []
    count = 0
    try:
        gone, never = _told_by_old(old, unknown) | _told_by_hubs(machine, unknown), _never_shared(old)
        if (staged / "sessions.db").exists():
            count = _forget(machine, gone, unknown)
            for key, when in never.items():
                machine.outbox.mark(key, "never", when)
    except SkillClawError as error:
        unknown.append(
            f"{error.brief} So it is not known whether sessions in it were forgotten after the backup."
        )
    finally:
        if "sessions" in machine.__dict__:
            machine.sessions.close()
        if "outbox" in machine.__dict__:
            machine.outbox.close()
    if old is not None:
        take_over(staged, old, unknown)
    missing = _take_off(staged, manifest.copies)
    return Settled(
        forgotten=count,
        gone=missing,
        same=_same(staged, old),
        shared=from_now_on(staged, old),
        unknown=unknown,
    )


def _told_by_old(old: Path | None, unknown: list[str]) -> set[str]:
    """What was forgotten in the home that is moved aside."""
    path = old / "sessions.db" if old is not None else None
    if path is None or not path.exists():
        unknown.append(
            "Sessions that were forgotten on this machine alone after the backup are in it again; nothing "
            "here knows of them. Look: skillclaw sessions list; forget them: skillclaw sessions forget ID"
        )
        return set()
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as db:
            return {str(key) for (key,) in db.execute("SELECT key FROM forgotten")}
    except sqlite3.Error:
        unknown.append(
            "The sessions.db of the home that was there cannot be read: what was forgotten there after the "
            "backup is not known."
        )
        return set()


def _never_shared(old: Path | None) -> dict[str, str]:
    """Sessions that the home that is moved aside was told never to share, and when."""
    path = old / "sessions.db" if old is not None else None
    if path is None or not path.exists():
        return {}
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as db:
            marked = db.execute("SELECT key, time FROM share_marks WHERE mark = 'never'")
            return {str(key): str(when) for key, when in marked}
    except sqlite3.Error:  # older than these marks; one that cannot be read was told of by then
        return {}


def _told_by_hubs(machine: Machine, unknown: list[str]) -> set[str]:
    """What the hubs' logs tell of this machine's own sessions; evolvers' sessions are forgotten at once.

    The hubs are asked with a copy of what this machine has seen of them, since a folder that is not in its
    place yet must not be remembered as one.
    """
    from skillclaw.hub import Hub
    from skillclaw.server.sharing.view import hub_names

    found: set[str] = set()
    settings = machine.settings
    places = {name: settings.hubs[name].url for name in hub_names(settings)}
    if settings.hub.url or (machine.home / "hub" / "hub.json").exists():
        places["personal"] = machine.hub_url
    with tempfile.TemporaryDirectory(dir=machine.home) as place:
        seen = Path(place) / "hubs.json"
        if (machine.home / "hubs.json").exists():
            shutil.copy(machine.home / "hubs.json", seen)
        for name, url in places.items():
            try:
                hub = Hub.open(url, machine.home / "keys", seen)
                if name == "personal":
                    found |= set(hub.state().tombstones)
                else:
                    found |= _withdrawn(hub)
                    _forget_evolvers(machine, hub)
            except SkillClawError as error:
                unknown.append(
                    f"Hub {name} could not be asked which sessions were taken back after the backup: "
                    f"{error.brief}"
                )
    return found


def _withdrawn(hub: Hub) -> set[str]:
    """Sessions of this machine that the group's log knows as taken back."""
    from skillclaw.hub import keys
    from skillclaw.hub.keyring import ROLES
    from skillclaw.hub.membership import member

    state, found = hub.state(), set[str]()
    for role in ROLES:
        key = keys.load(hub.keys_folder, hub.info.group, role)
        if key is not None:
            found |= set(state.withdrawn.get(member(state, keys.public_hex(key)), []))
    return found


def _forget_evolvers(machine: Machine, hub: Hub) -> None:
    """Members' sessions that were taken back since; only on the machine of an evolver."""
    from skillclaw.evolve.models import forget_answers
    from skillclaw.evolve.transcripts import forget_transcripts
    from skillclaw.hub import keys
    from skillclaw.journal.store import SessionStore
    from skillclaw.server.groups.collecting import forgotten_keys, group_folder

    folder = group_folder(machine, hub.info.group)
    secret = keys.load(machine.home / "keys", hub.info.group, "pseudonyms")
    if secret is None or not (folder / "sessions.db").exists():
        return
    with closing(SessionStore(folder)) as store:
        new = forgotten_keys(hub.state(), secret.encode()) - store.forgotten()
        if new:
            store.forget(*sorted(new))
            forget_answers(folder)
            forget_transcripts(folder)


def _forget(machine: Machine, gone: Iterable[str], unknown: list[str]) -> int:
    """Forget these sessions as `sessions forget` does; how many were there."""
    from skillclaw.evolve.transcripts import forget_transcripts
    from skillclaw.server.sessions.raw_erasure import Span, erase_noted, note, span_of

    store = machine.sessions
    new = sorted(set(gone) - store.forgotten())
    if not new:
        return 0
    there = [row.id for key in new for row in store.rows(key=key)]
    spans = {}
    for key in new:
        try:
            spans[key] = span_of(store.get(key))
        except SkillClawError:
            spans[key] = Span()  # not there, or damaged
    note(machine, spans)
    machine.outbox.recall(new)
    store.forget(*new)
    try:
        erase_noted(machine)
    except SkillClawError as error:
        unknown.append(f"Raw exchanges of forgotten sessions wait to be erased: {error.brief}")
    forget_transcripts(machine.home)
    return len(there)


def _take_off(staged: Path, were: list[Copy]) -> int:
    """Let the library not know copies that were there at the backup and are not here; how many."""
    try:
        known = book.load(staged)
    except SkillClawError:
        return 0  # told by whatever reads it next
    there = {(one.hub, one.skill, one.target) for one in were}
    kept = [
        one
        for one in known.installed
        if (one.hub, one.skill, one.target) not in there or copies.place(one).exists()
    ]
    gone = len(known.installed) - len(kept)
    if gone:
        book.save(staged, msgspec.structs.replace(known, installed=kept))
    return gone


def _same(staged: Path, old: Path | None) -> bool:
    try:
        return (
            old is not None
            and (old / "identity.json").read_bytes() == (staged / "identity.json").read_bytes()
        )
    except OSError:
        return False


def advice(manifest: Manifest, settled: Settled, *, journal: bool) -> list[str]:
    """What to do after a restore, for people."""
    todo = []
    if settled.gone:
        todo.append(f"{settled.gone} copies of skills are not on this machine: skillclaw sync")
    if any(entry.path == "connections.json" for entry in manifest.files):
        todo.append("See whether your agents still go through the proxy: skillclaw doctor")
    if not settled.same and any(entry.path == "identity.json" for entry in manifest.files):
        todo.append(
            "If the machine that this came from goes on, use one of the two: both have the same keys, and "
            "would count as one client. End the other with: skillclaw stop, and move its folder away. For "
            "two machines, do not restore: have the second one join by an invite of its own."
        )
    if settled.shared:
        todo.append(
            "What you allowed to be shared when the backup was made is allowed again, for sessions from now "
            "on; what you denied since has to be denied anew: skillclaw share status"
        )
    if not journal:
        todo.append("Raw exchanges that were not read yet are not in a backup: skillclaw import")
    todo.append("Check it: skillclaw doctor --deep; then: skillclaw up -d")
    return todo
