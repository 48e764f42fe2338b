"""A unit of the user's own systemd that keeps `skillclaw up` running from login on.

Format: systemd.unit(5), systemd.service(5), systemd.syntax(7).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from skillclaw.errors import BadInputError, StorageError, UsageError
from skillclaw.private import whole_file
from skillclaw.trajectory.model import Record

__all__ = [
    "NAME",
    "WAIT",
    "WRITTEN",
    "Done",
    "for_this_home",
    "install",
    "ours",
    "remove",
    "same_home",
    "searched",
    "served",
    "serves",
    "told",
    "unit_file",
    "unit_text",
]

NAME = "skillclaw.service"
WRITTEN = "Written by `skillclaw service install`; `skillclaw service remove` takes it away."
MARK = f"# {WRITTEN}"
FOLDERS = "# Folders made for it: "
"""How many of those that the unit lies in were made with it, and go with it if nothing else is in them."""
USUAL = 2
"""Where a unit does not say so, having been written before it was counted: `systemd/user`."""
WAIT = 30.0
"""Seconds that the service manager may take to answer."""


class Done(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`service install|remove --json`: the unit's file; whether the service manager took it in, so that it is
    started (or ended); if not, why, and what to say to it by hand; `lacks`: variables that are set here and
    that the service does not get, since they are secret.
    """

    unit: str
    active: bool
    why: str = ""
    todo: list[str] = []
    lacks: list[str] = []


def unit_text(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """The unit that runs `argv` with these variables. BadInputError for what no unit can hold."""
    # Variables are replaced in arguments, not in the program's path, nor in what `Environment` sets.
    command = " ".join([_word(argv[0]), *(_word(one).replace("$", "$$") for one in argv[1:])])
    kept = "".join(f"Environment={_word(f'{name}={value}')}\n" for name, value in sorted(environ.items()))
    return f"""{MARK}
[Unit]
Description=SkillClaw: proxy, recording, evolver and sync
StartLimitIntervalSec=600
StartLimitBurst=5

[Service]
Type=exec
ExecStart={command}
{kept}KillSignal=SIGTERM
KillMode=mixed
TimeoutStopSec=60
Restart=on-failure
RestartSec=10
RestartPreventExitStatus=2
UMask=0077
LimitCORE=0

[Install]
WantedBy=default.target
"""


def unit_file(environ: Mapping[str, str], user_home: Path, home: Path) -> Path:
    """Where the user's units are; the one there is for this home, where it was written in an environment that
    has them elsewhere."""
    given = environ.get("XDG_CONFIG_HOME", "")
    usual = user_home / ".config"
    bases = [Path(given), usual] if given.startswith("/") else [usual]
    places = [base / "systemd" / "user" / NAME for base in bases]
    return next((path for path in places if serves(path, home)), places[0])


def install(
    argv: Sequence[str], kept: Mapping[str, str], path: Path, make_way: Callable[[], object] = lambda: None
) -> Done:
    """Write the unit, and have the service manager start it now and at every login; before it starts,
    `make_way` ends what runs without it. One that runs is started again, with what is kept now.

    A file there that SkillClaw did not write, or for another home, is left alone (UsageError).
    """
    text = unit_text(argv, kept)
    ours(path)
    for_this_home(path, served(path), Path(argv[-1]))
    made = _made(path)
    text = text.replace(f"{MARK}\n", f"{MARK}\n{FOLDERS}{made}\n", 1)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise StorageError(f"Cannot write {path}.", str(error), "Free space or mend permissions.") from error
    start = ["restart", NAME]
    done = told(path, [["daemon-reload"], ["enable", NAME]], then=[start])
    if not done.active:
        return done
    make_way()
    return told(path, [start])


def remove(path: Path, home: Path) -> Done:
    """End it and take the unit away; agents' settings are put back as by `skillclaw stop`."""
    if not path.exists():
        raise UsageError(
            "There is no such service.", f"{path} is not there.", "See what runs: skillclaw status"
        )
    ours(path)
    for_this_home(path, served(path), home)
    made = _made(path)
    done = told(path, [["disable", "--now", NAME]], by_hand=[["stop", NAME], ["daemon-reload"]])
    try:
        path.unlink()
        wants = path.parent / "default.target.wants"
        (wants / NAME).unlink(missing_ok=True)
        with suppress(OSError):  # other things are in them
            if wants.is_dir():
                wants.rmdir()
            for folder in list(path.parents)[:made]:
                folder.rmdir()
    except OSError as error:
        raise StorageError(f"Cannot delete {path}.", str(error), "Mend permissions.") from error
    if done.active:
        again = told(path, [["daemon-reload"]])
        return Done(unit=str(path), active=False, why=again.why, todo=again.todo)
    return done


def _made(path: Path) -> int:
    """How many folders were made for the unit, or will be if it is not there."""
    try:
        found = re.search(rf"^{re.escape(FOLDERS)}(\d{{1,2}})$", path.read_text("utf-8"), re.M)
    except FileNotFoundError:
        return sum(1 for folder in path.parents if not folder.exists())
    except (OSError, UnicodeDecodeError):
        return 0
    return int(found[1]) if found else USUAL


def serves(path: Path, home: Path) -> bool:
    """Whether the unit at `path` is one that `install` wrote, for the `up` of this home."""
    found = served(path)
    return found is not None and same_home(found, home)


def served(path: Path) -> Path | None:
    """The home whose `up` the unit at `path` runs; None where `install` did not write it."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    last = re.search(r'^ExecStart=.* "((?:[^"\\]|\\.)*)"$', text, re.M) if text.startswith(MARK) else None
    return Path(_read(last[1])) if last else None


def for_this_home(path: Path, found: Path | None, home: Path) -> None:
    """Raise UsageError for a service that runs the `up` of another home."""
    if found is not None and not same_home(found, home):
        raise UsageError(
            f"{path} runs the `up` of another home.", f"It is {found}.", f"For that one: --home {found}"
        )


def same_home(one: Path, other: Path) -> bool:
    """Whether two paths are one folder, by whatever links."""
    try:
        return one.resolve() == other.resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a path that no system has
        return one == other


def _read(escaped: str) -> str:
    """What `_word` and the `$$` of an argument stand for."""
    text = escaped.replace("%%", "%").replace("$$", "$")
    return re.sub(r"\\(.)", r"\1", text)


def ours(path: Path) -> None:
    """Raise UsageError for a file that SkillClaw did not write."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"Cannot read {path}.", str(error), "Mend permissions, or move it.") from error
    if WRITTEN not in text[:500]:
        raise UsageError(
            f"{path} was not written by SkillClaw.", "It stays as it is.", "Move it, then try again."
        )


def told(
    path: Path,
    calls: Sequence[Sequence[str]],
    by_hand: Sequence[Sequence[str]] | None = None,
    manager: Sequence[str] = ("systemctl", "--user"),
    then: Sequence[Sequence[str]] = (),
) -> Done:
    """Say `calls` to the user's service manager, up to the first that it refuses; `by_hand` what is left to
    say then, if not those that it has not heard, and `then`."""
    program = shutil.which(manager[0])
    why = "" if program else f"There is no {manager[0]} here."
    for number, call in enumerate(calls if program else ()):
        try:
            done = subprocess.run(
                [str(program), *manager[1:], *call],
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=WAIT,
                check=False,
            )
            said = done.stderr.strip().splitlines()
            why = "" if done.returncode == 0 else (said[-1] if said else f"It ended with {done.returncode}.")
        except (OSError, subprocess.TimeoutExpired) as error:
            why = f"{type(error).__name__}."
        if why:
            calls = calls[number:]
            break
    left = [*calls, *then] if by_hand is None else by_hand
    todo = [shlex.join([*manager, *call]) for call in left] if why else []
    return Done(unit=str(path), active=not why, why=why, todo=todo)


def _word(text: str) -> str:
    """`text` as one word of a unit file: quoted, with what systemd would replace taken literally."""
    if not text.isprintable():
        raise BadInputError(
            f"{text!a:.120} cannot stand in a unit file.", "It holds control characters.", "Use another path."
        )
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def searched(environ: Mapping[str, str]) -> str:
    """The absolute folders of PATH: the service manager's own is shorter, and agents are found by it."""
    return os.pathsep.join(
        one for one in environ.get("PATH", "").split(os.pathsep) if one.startswith("/") and one.isprintable()
    )
