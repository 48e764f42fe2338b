"""What runs, what says that it runs and does not, ports, and the last errors by kind."""

from __future__ import annotations

import builtins
import errno
import re
import socket
import sqlite3
from collections import Counter
from contextlib import suppress
from pathlib import Path

import filelock

from skillclaw import errors
from skillclaw.log_format import parsed
from skillclaw.own_log import older
from skillclaw.server.deep.records import Check, fail, ok, unread, warn
from skillclaw.server.up import runfile

__all__ = ["daemon", "locks", "logs", "port"]

TAIL = 1 << 20
"""Bytes of a log that are looked at, its last ones."""
PARTS = frozenset(
    {
        *("import", "record", "upstreams", "follow", "evolve", "sync", "share", "serve", "vote"),
        *("expire", "dashboard", "proxy", "tell"),
    }
)
"""Parts of the daemon that are called by their names."""
LOCKS = frozenset({"up", "serve", "evolve", "share", "vote"})
_LINE = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (ERROR|WARNING|CRITICAL) ")
_KIND = re.compile(rb"(?:after )?([A-Za-z]{3,60})")


def daemon(home: Path) -> list[Check]:
    """Whether `up` runs and what its parts last said."""
    path = home / "run" / "up.json"
    running = runfile.read_running(home)
    if running is None:
        if path.exists():
            mend = "skillclaw up -d takes its place"
            return [warn("running", "up", "ended without saying so: its run file is still there", mend)]
        return [warn("running", "up", "does not run", "skillclaw up -d")]
    found = [ok("running", "up", "runs" + ("" if running.ready else ", and is not ready yet"))]
    health = runfile.health(running.port) if running.port else None
    if running.port and health is None:
        mend = "skillclaw stop; skillclaw up -d; see: skillclaw logs proxy"
        found.append(fail("running", "proxy", "does not answer on its port as SkillClaw's does", mend))
    refused = health.get("connections", {}).get("refused") if health else None
    if refused:
        mend = "End agents that do not work, or raise the limit (ulimit -n) and start SkillClaw again"
        found.append(warn("running", "connections", f"{refused} were turned away: no files left", mend))
    if health is not None and runfile.recording(health["journal"]):
        counts = health["journal"]
        stopped = "recording stopped; " if counts["last_error"] else ""
        text = f"{stopped}{counts['queue']} exchanges wait to be recorded, {counts['dropped']} were lost"
        mend = "See what stopped it: skillclaw status"
        found.append((fail if counts["last_error"] else warn)("running", "recording", text, mend))
    failed = sorted(
        part if part in PARTS else "another part" for part, said in running.errors.items() if said
    )
    if failed:
        mend = "See: skillclaw status; skillclaw logs"
        found.append(warn("running", "parts", f"the last try failed of: {', '.join(failed)}", mend))
    return found


def port(number: int, home: Path) -> list[Check]:
    """Whether the proxy's port is free, or ours."""
    if runfile.read_running(home) is not None:
        return []
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", number))
        except OSError as error:
            mend = "skillclaw config set proxy.port NUMBER, then connect the agents again"
            why = "another program listens there" if error.errno == errno.EADDRINUSE else type(error).__name__
            return [fail("running", "port", f"{number} cannot be used ({why})", mend)]
    return [ok("running", "port", f"{number} is free")]


def locks(home: Path) -> list[Check]:
    """Locks that are held although nothing of ours says that it runs."""
    held = []
    closed: list[OSError] = []
    for path in sorted((home / "run").glob("*.lock")) if (home / "run").is_dir() else []:
        lock = filelock.FileLock(path, timeout=0, mode=0o600)
        try:
            lock.acquire()
            lock.release()
        except filelock.Timeout:
            held.append(path.stem if path.stem in LOCKS else "another")
        except OSError as error:
            closed.append(error)
    if "up" in held and runfile.read_running(home) is None:
        mend = "Look for a process `skillclaw up` that hangs, and end it"
        return [fail("running", "locks", "up is held by a process that says nothing of itself", mend)]
    if closed:
        mend = "chown -R on SkillClaw's folder, to yourself; chmod -R u+rwX on it"
        return [unread("running", "locks", closed[-1], mend, text=f"{len(closed)} cannot be opened")]
    return [ok("running", "locks", f"held: {', '.join(held)}" if held else "none is held")]


def logs(home: Path) -> list[Check]:
    """How many errors the logs hold, by kind; never what they say."""
    found = []
    for name in ("up", "proxy", "evolve", "serve", "dashboard", "votes"):
        path = home / "logs" / f"{name}.log"
        try:
            data = _tail(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            mend = "chown -R on SkillClaw's folder, to yourself"
            found.append(unread("running", f"log {name}", error, mend))
            continue
        counts: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        for line in data.splitlines():
            if told := parsed(line):
                if told["level"] in ("warning", "error", "critical"):
                    counts[told["level"]] += 1
                kinds.update(_kinds(str(told.get("places", "")).encode("utf-8", "replace")))
            elif match := _LINE.match(line):
                counts[match[1].decode().lower()] += 1
            else:
                kinds.update(_kinds(line))
        text = ", ".join(f"{count} {level}" for level, count in sorted(counts.items()))
        if kinds:
            text += "; kinds: " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        if counts["error"] or counts["critical"]:
            found.append(warn("running", f"log {name}", text, f"skillclaw logs {name}"))
        else:
            found.append(ok("running", f"log {name}", text or "no error"))
    return found


def _kinds(text: bytes) -> list[str]:
    """The kinds of errors that stand on lines of their own."""
    found = [match[1].decode() for line in text.splitlines() if (match := _KIND.fullmatch(line.strip()))]
    return [kind for kind in found if _is_error(kind)]


def _tail(path: Path) -> bytes:
    """The last of the log, with the one before where it has just begun anew. Raises OSError."""
    last = _end(path)
    if len(last) == TAIL:
        return last
    with suppress(FileNotFoundError):
        last = _end(older(path)) + last
    return last[-TAIL:]


def _end(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL))
        return file.read(TAIL)


def _is_error(name: str) -> bool:
    """Whether this is the name of an error that Python, SQLite or SkillClaw has."""
    for place in (builtins, errors, sqlite3):
        kind = getattr(place, name, None)
        if isinstance(kind, type) and issubclass(kind, BaseException):
            return True
    return False
