"""An agent of macOS's launchd that keeps `skillclaw up` running from login on.

Format and meaning: launchd.plist(5), launchctl(1). The label is the file's name.
"""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.parsers.expat import ExpatError

from skillclaw.errors import BadInputError, StorageError, UsageError
from skillclaw.private import whole_file
from skillclaw.server.setup.user_unit import WAIT, WRITTEN, Done, for_this_home, ours, same_home, told

__all__ = ["LABEL", "agent_file", "agent_text", "install", "remove", "served", "serves"]

LABEL = "skillclaw.up"
STOPS = 60
"""Seconds that `up` has to put agents' settings back before it is killed."""
_COMMENT = f"<!-- {WRITTEN} -->"


def agent_text(argv: Sequence[str], environ: Mapping[str, str], log: Path) -> bytes:
    """The property list that runs `argv` with these variables; what it says where nobody looks goes to `log`.
    BadInputError for what no such list can hold.
    """
    agent = {
        "Label": LABEL,
        "ProgramArguments": list(argv),
        "EnvironmentVariables": dict(environ),
        "RunAtLoad": True,
        # Started again after a crash and not after `skillclaw stop`; no oftener than that.
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 30,
        "ExitTimeOut": STOPS,
        "Umask": 0o077,
        "SoftResourceLimits": {"Core": 0},
        "HardResourceLimits": {"Core": 0},
        "StandardErrorPath": str(log),
    }
    try:
        text = plistlib.dumps(agent)
        held = plistlib.loads(text) == agent
    except (ValueError, ExpatError):
        held = False
    if not held:
        raise BadInputError(
            "A path of the service cannot stand in a property list.",
            "It holds control characters, or what is no Unicode.",
            "Use another path.",
        )
    head, _, rest = text.partition(b"<plist")
    return head + _COMMENT.encode() + b"\n<plist" + rest


def agent_file(user_home: Path) -> Path:
    """Where the user's agents are."""
    return user_home / "Library" / "LaunchAgents" / f"{LABEL}.plist"


def install(
    argv: Sequence[str],
    kept: Mapping[str, str],
    path: Path,
    log: Path,
    make_way: Callable[[], object] = lambda: None,
) -> Done:
    """Write the agent, and have launchd start it now and at every login; before it starts, `make_way` ends
    what runs without it. One that runs is started again, with what is kept now.

    A file there that SkillClaw did not write, or for another home, is left alone (UsageError).
    """
    text = agent_text(argv, kept, log)
    ours(path)
    for_this_home(path, served(path), Path(argv[-1]))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(text)
    except OSError as error:
        raise StorageError(f"Cannot write {path}.", str(error), "Free space or mend permissions.") from error
    enable, start = ["enable", f"{_domain()}/{LABEL}"], ["bootstrap", _domain(), str(path)]
    done = told(path, [enable], manager=("launchctl",), then=[start])
    if not done.active:
        return done
    _ended()
    make_way()
    return told(path, [start], manager=("launchctl",))


def remove(path: Path, home: Path) -> Done:
    """End it and take the agent away; other agents' settings are put back as by `skillclaw stop`."""
    if not path.exists():
        raise UsageError(
            "There is no such service.", f"{path} is not there.", "See what runs: skillclaw status"
        )
    ours(path)
    for_this_home(path, served(path), home)
    why = ""
    if shutil.which("launchctl") is None:
        why = "There is no launchctl here."
    elif not _ended():
        why = "It did not end in time."
    try:
        path.unlink()
    except OSError as error:
        raise StorageError(f"Cannot delete {path}.", str(error), "Mend permissions.") from error
    todo = [f"launchctl bootout {_domain()}/{LABEL}"] if why else []
    return Done(unit=str(path), active=False, why=why, todo=todo)


def serves(path: Path, home: Path) -> bool:
    """Whether the agent at `path` is one that `install` wrote, for the `up` of this home."""
    found = served(path)
    return found is not None and same_home(found, home)


def served(path: Path) -> Path | None:
    """The home whose `up` the agent at `path` runs; None where `install` did not write it."""
    try:
        data = path.read_bytes()
        agent = plistlib.loads(data)
    except Exception:  # plistlib raises what it likes of a list that somebody changed
        return None
    arguments = agent.get("ProgramArguments") if isinstance(agent, dict) else None
    if not isinstance(arguments, list) or not arguments or _COMMENT.encode() not in data:
        return None
    return Path(arguments[-1]) if isinstance(arguments[-1], str) else None


def _domain() -> str:
    """launchd's name for who is logged in at the screen."""
    return f"gui/{os.getuid()}"


def _loaded() -> bool:
    return _say("print", f"{_domain()}/{LABEL}") == 0


def _ended() -> bool:
    """End it where it is loaded, and wait: `bootout` returns earlier, and `bootstrap` refuses until then."""
    if not _loaded():
        return True
    _say("bootout", f"{_domain()}/{LABEL}")
    until = time.monotonic() + STOPS + 5
    while _loaded():
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def _say(*call: str) -> int:
    program = shutil.which("launchctl")
    if program is None:
        return 127
    try:
        return subprocess.run(
            [program, *call],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=STOPS + WAIT,
            check=False,
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        return 126
