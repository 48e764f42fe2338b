"""`skillclaw uninstall`: what SkillClaw put on this machine goes, and what was there before is there again.

The order is such that it can be cut off anywhere and run again: what puts things back (`connections.json`,
`library.json`) lies in the home, so the home goes last, and only once all else is undone; `identity.json`,
by which a home is known, is its last file but for the locks.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from skillclaw.errors import UNREADABLE, SkillClawError, UsageError
from skillclaw.library.records import Row, SyncReport
from skillclaw.server.setup.home_files import is_home, is_own
from skillclaw.server.setup.stored_keys import forget_keys, stored_keys
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine
    from skillclaw.server.setup.user_unit import Done

__all__ = ["Leaving", "Undone", "leave", "outlook"]

LAST = "identity.json"
LOCKS = "run"
"""Whose locks keep others out until all else is gone."""


class Leaving(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What `uninstall` would do (`uninstall --dry-run --json`).

    home     the folder that goes; `bytes` and `sessions`: what is in it
    running  whether `up` runs and would be ended
    agents   whose settings would be put back
    skills   `name in folder`, that would be taken out; `edited`: that stay, since the user changed them
    service  the unit of the service manager that would be taken away; empty: none
    completion  files by which shells complete `skillclaw`, that would go with the lines that load them
    keys     names under which `config key` stored keys in the system's keyring, which go
    groups   hubs of groups that this machine has keys for: what was shared there stays, and the keys by
             which it can be taken back go with the home
    owned    ids of groups whose owner's key is here: it goes with the home
    kept     what stays of the home: the user's own work, and what has no name that SkillClaw gives
    """

    home: str
    bytes: int
    sessions: int
    running: bool
    agents: list[str]
    skills: list[str]
    edited: list[str]
    service: str
    completion: list[str]
    keys: list[str]
    groups: list[str]
    owned: list[str]
    kept: list[str]


class Undone(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What `uninstall --json` did. `failed`: what could not be undone, a sentence each; where there is any,
    the home is still there, since it knows how to undo it. `stays`: what is the user's own, likewise."""

    home: str
    removed: bool
    done: list[str]
    stays: list[str]
    failed: list[str]


def outlook(machine: Machine) -> Leaving:
    """What would go. Raises UsageError where the folder is no home of SkillClaw's."""
    from skillclaw.agents import connected
    from skillclaw.server.up import runfile

    home = _home(machine)
    nothing: list[Row] = []
    rows = _counted(home / "library.json", lambda: machine.library.status(), nothing)
    there = [row for row in rows if row.state in ("installed", "edited", "outdated")]
    unit = _unit(machine)
    return Leaving(
        home=str(home),
        bytes=sum(_size(path) for path in _files(home)),
        sessions=_counted(home / "sessions.db", lambda: machine.sessions.count(), 0),
        running=runfile.read_running(home) is not None,
        agents=sorted(connected(home)),
        skills=sorted(f"{row.skill} in {row.target}" for row in there if row.state != "edited"),
        edited=sorted(f"{row.skill} in {row.target}" for row in there if row.state == "edited"),
        service=str(unit) if unit is not None else "",
        completion=[str(path) for path in _completion(home)],
        keys=stored_keys(home),
        groups=_groups(machine),
        owned=_owned(home),
        kept=[str(path) for path in _others(home)],
    )


def leave(machine: Machine, *, keep_home: bool = False) -> Undone:
    """Undo it all. What cannot be undone is told, and then the home stays."""
    from skillclaw.agents import connected
    from skillclaw.server.quiet import quiet
    from skillclaw.server.setup.completion import take_out
    from skillclaw.server.up.stopping import end
    from skillclaw.settings import user_home

    home = _home(machine)
    done: list[str] = []
    stays: list[str] = []
    failed: list[str] = []
    wired = {*connected(home)}
    if (unit := _unit(machine)) is not None:
        try:
            told = _end_service(unit, home)
            done.append(f"Took the service away ({unit}).")
            if told.why:  # it goes on in a manager that nobody could ask, and may start `up` again
                say = " && ".join(told.todo)
                stays.append(f"Your service manager was not told: {told.why} Where it runs, say: {say}")
        except SkillClawError as error:
            failed.append(_said(error))
    for line, went in take_out(user_home()) if _completion(home) else ():
        (done if went else failed).append(line)
    if end(home):
        done.append("Ended what ran.")
    # until the home is gone: an `up` that began between would connect agents by what it still finds there
    with ExitStack() as held:
        try:
            held.enter_context(quiet(machine))
            # an agent may have been connected in this moment
            for line, went in _disconnect(machine, sorted(wired | {*connected(home)}), stays):
                (done if went else failed).append(line)
            report = machine.library.uninstall(None) if (home / "library.json").exists() else None
            for line, where in _skills(report):
                {"done": done, "stays": stays, "failed": failed}[where].append(line)
        except SkillClawError as error:  # somebody works here, or what is known of the skills cannot be read
            failed.append(_said(error))
        if failed or keep_home:
            return Undone(home=str(home), removed=False, done=done, stays=stays, failed=failed)
        _close(machine)
        stays += [f"{path} is yours." for path in _others(home)]
        gone, stay = forget_keys(stored_keys(home))
        done += [f"Took the key {name} out of the keyring." for name in gone]
        stays += [f"The key {name} of skillclaw stays in your system's keyring." for name in stay]
        if os.name == "nt":
            held.close()  # an open file cannot be removed there
        failed += _emptied(home)
    if not failed:
        stays += _aside(home)
        done.append(f"Removed {home}." if not home.exists() else f"Emptied {home}.")
    return Undone(home=str(home), removed=not failed, done=done, stays=stays, failed=failed)


_T = TypeVar("_T")


def _counted(file: Path, look: Callable[[], _T], none: _T) -> _T:
    """What `look` finds out of a file, to be shown; `none` where there is no such file, or it cannot be read:
    whoever has a damaged one may well want to leave."""
    try:
        return look() if file.exists() else none
    except SkillClawError:
        return none


def _home(machine: Machine) -> Path:
    from skillclaw.settings import user_home

    home = machine.home.absolute()
    see = "Another folder? Name it with --home."
    if home.is_symlink():
        raise UsageError(f"{home} is a link.", "What it leads to may be more than a home.", see)
    real = home.resolve()
    if real == real.parent or user_home().resolve().is_relative_to(real):
        raise UsageError(f"{home} is no home of SkillClaw's.", "Your own files are in it.", see)
    if not home.is_dir():
        if _completion(home):
            return home  # somebody had the completion put in, and never began
        raise UsageError(f"There is no {home}.", "Nothing is installed there.", see)
    if not is_home(home):
        raise UsageError(
            f"{home} is no home of SkillClaw's.", "What is in it does not say that it is one.", see
        )
    return home


def _unit(machine: Machine) -> Path | None:
    """The file by which systemd or launchd runs the `up` of this home."""
    from skillclaw.server.setup import launch_agent, user_unit
    from skillclaw.settings import user_home

    if sys.platform == "darwin":
        path, serves = launch_agent.agent_file(user_home()), launch_agent.serves
    else:
        path = user_unit.unit_file(machine.environ, user_home(), machine.home)
        serves = user_unit.serves
    return path if serves(path, machine.home) else None


def _completion(home: Path) -> list[Path]:
    """The completion of the shells, which is the user's and no home's: it goes with the home that a command
    takes where nobody names one, or with another where there is no such home."""
    from skillclaw.server.setup.completion import installed
    from skillclaw.settings import user_home

    usual = user_home() / ".skillclaw"
    return installed(user_home()) if usual.resolve() == home.resolve() or not usual.is_dir() else []


def _end_service(unit: Path, home: Path) -> Done:
    from skillclaw.server.setup import launch_agent, user_unit

    done: Done = (launch_agent if sys.platform == "darwin" else user_unit).remove(unit, home)
    return done


def _groups(machine: Machine) -> list[str]:
    from skillclaw.server.sharing.view import group_of
    from skillclaw.settings import load

    try:
        named = load(machine.home, machine.environ).hubs
        known = {name: group_of(machine, name) for name in sorted(named)}
    except SkillClawError:
        return []
    keys = machine.home / "keys"
    return [name for name, group in known.items() if group and any((keys / group).glob("*.key"))]


def _owned(home: Path) -> list[str]:
    """Ids of the groups whose owner's key is here, but for the personal hub."""
    try:
        own = msgspec.json.decode((home / "hub" / "hub.json").read_bytes(), type=dict[str, object]).get(
            "group"
        )
    except (OSError, *UNREADABLE):
        own = None
    return sorted(path.parent.name for path in (home / "keys").glob("*/owner.key") if path.parent.name != own)


def _disconnect(machine: Machine, wired: Sequence[str], stays: list[str]) -> Iterator[tuple[str, bool]]:
    """What became of the settings of the agents in `wired`, and whether they are put back; an `up` that ended
    has done so already. Where SkillClaw's address stands still is added to `stays`."""
    from skillclaw.server.setup.connections import let_go

    failures = let_go(machine, stays) if wired else {}
    for name in wired:
        if name in failures:
            yield f"{name} could not be disconnected: {failures[name]}", False
        else:
            yield f"Put back the settings of {name}.", True


def _skills(report: SyncReport | None) -> Iterator[tuple[str, str]]:
    """What became of the skills, and whether that is done, stays, or failed."""
    for one in report.changes if report is not None else ():
        where = {"removed": "done", "edited": "stays"}.get(one.action, "failed")
        for line in SyncReport(changes=[one]).lines():
            yield line, where


def _close(machine: Machine) -> None:
    """Let go of the files of the home: on some systems an open file cannot be removed."""
    for name in ("sessions", "outbox"):
        if name in machine.__dict__:
            getattr(machine, name).close()
            del machine.__dict__[name]


def _emptied(home: Path) -> list[str]:
    """Remove what is in the home, but for what is the user's own; what went wrong."""
    failed: list[str] = []
    others = _others(home)
    for path in sorted(home.iterdir(), key=lambda path: (path.name == LOCKS, path.name == LAST, path.name)):
        if path in others or (path.name == LAST and failed):
            continue
        try:
            if path.name == LOCKS and path.is_dir():
                # the folder goes below: without its lock a command may begin in this moment, in a new home
                for lock in path.iterdir():
                    lock.unlink(missing_ok=True)
            elif not is_own(path):
                for folder, _, _ in os.walk(path, topdown=False):
                    Path(folder).rmdir()  # and no file that came meanwhile
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError as error:
            failed.append(f"{path} could not be removed: {error.strerror or error}.")
    for path in (home / "logs", home / LOCKS, home) if not failed else ():
        with suppress(OSError):  # made by who found the locks held; what one that began since put there stays
            path.rmdir()
    return failed


def _aside(home: Path) -> list[str]:
    """What lies beside the home and stays: homes that a restore moved aside are for the user to delete."""
    from skillclaw.server.backup.restoring import leave_nothing_beside

    try:
        return [
            f"{path} was moved aside by a restore and has keys and sessions: delete it, or bring it back."
            for path in leave_nothing_beside(home)
        ]
    except (SkillClawError, OSError) as error:
        return [f"What restores left beside {home} could not be removed: {error}"]


def _files(home: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(home):
        yield from (Path(folder, name) for name in names)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _others(home: Path) -> list[Path]:
    """What is not SkillClaw's to remove, but for folders in which there is nothing."""
    there = sorted(home.iterdir()) if home.is_dir() else []
    return [path for path in there if not is_own(path) and not _empty(path)]


def _empty(path: Path) -> bool:
    """Whether it is a folder of the user's in which there is nothing but such folders. `lost+found` is the
    file system's."""

    def unread(error: OSError) -> None:
        raise error

    if not path.is_dir() or path.is_symlink() or path.name == "lost+found":
        return False
    try:
        return not any(
            names or any(Path(folder, name).is_symlink() for name in folders)
            for folder, folders, names in os.walk(path, onerror=unread)
        )
    except OSError:  # not for this user to look into
        return False


def _said(error: SkillClawError) -> str:
    return " ".join(f"{error.what} {error.why} {error.todo}".split())
