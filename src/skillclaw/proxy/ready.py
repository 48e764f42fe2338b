"""Whether a running `up` does what it is for: traffic goes through, is recorded, and learnt from; if not,
why, for people. Any program of this machine may ask, so that no path and no URL is told.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from skillclaw.private import append_file
from skillclaw.proxy.facts import read_facts
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.journal.writer import JournalWriter
    from skillclaw.proxy.standing import Standing

__all__ = ["LITTLE", "STUCK", "Ready", "stands", "stuck"]

LITTLE = 16 << 20
"""Bytes of room on the disk; with less the next large exchange, or the next cycle, finds none."""
STUCK = 900.0
"""Seconds after which an `up` that told nothing counts as stuck. It tells between two parts of its loop, and
an import of many histories takes minutes."""


class Ready(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`/readyz` of the proxy and `status --ready --json`: each check with what is wrong, or empty."""

    ready: bool
    checks: dict[str, str]

    @classmethod
    def of(cls, checks: Mapping[str, str]) -> Ready:
        """Ready where nothing is wrong."""
        return cls(ready=not any(checks.values()), checks=dict(checks))


def stands(now: Standing, journal: JournalWriter, home: Path, parent: int) -> Ready:
    """How the proxy of `home` stands, which the process `parent` began. Takes as long as the disk does."""
    return Ready.of(
        {
            "proxy": "It is being stopped." if now.draining else "",
            "connections": _connections(now),
            "upstreams": _upstreams(now),
            "journal": _journal(journal, home / "journal"),
            "disk": _disk(home),
            "up": stuck(home, parent),
        }
    )


def stuck(home: Path, pid: int) -> str:
    """What is wrong with the `up` of this process, where one told of itself."""
    facts = read_facts(home, pid)
    age = time.time() - facts.at if facts is not None else 0.0
    return f"up has told nothing for {age:.0f} s: see skillclaw logs up." if age > STUCK else ""


def _connections(now: Standing) -> str:
    if 0 < now.most <= now.connections:
        return f"{now.connections} connections are open; the system allows no more files (ulimit -n)."
    return ""


def _upstreams(now: Standing) -> str:
    if now.upstreams:
        return ""
    if not now.wrong:
        return "No agent has an upstream: set agents.NAME.upstream."
    # Why, an agent is told that asks: a URL may hold more than whoever watches should know.
    return (
        f"No agent has an upstream that can be used ({', '.join(sorted(now.wrong))}): see skillclaw doctor."
    )


def _journal(journal: JournalWriter, folder: Path) -> str:
    stats = journal.stats()
    if stats.last_error:
        return f"Recording stopped: {stats.last_error}."
    if journal.on_disk >= journal.cap:
        return f"The journal is full ({journal.cap >> 20} MB, setting journal.max_mb)."
    # Nothing passed yet, or nothing since the disk broke: a file tells. No segment has such a name. The
    # folder itself comes with the first look of the writer, just after the proxy listens.
    probe = (folder if folder.exists() else folder.parent) / f".ready-{os.getpid()}"
    try:
        with append_file(probe) as file:
            file.write(b"ready\n")
        probe.unlink()
    except OSError as error:
        return f"The journal cannot be written: {os.strerror(error.errno or 0)}."
    return ""


def _disk(home: Path) -> str:
    try:
        free = shutil.disk_usage(home).free
    except OSError as error:
        return f"SkillClaw's folder cannot be looked at: {os.strerror(error.errno or 0)}."
    return f"{free >> 10} KiB are free on the disk of SkillClaw's folder." if free < LITTLE else ""
