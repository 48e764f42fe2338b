"""The index of installed skills that the proxy puts into requests of agents without a skills folder.

An index is a text by its content hash, `<home>/injected/<sha256>.txt` (0600). The proxy gives a conversation
the one that was current at its beginning, until its end; so old ones stay while one may use them.
The form is the one that most hosts use, by which `trajectory.skilluse` knows which skills were offered.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

from skillclaw.agents import adapters
from skillclaw.agents.edits import write_atomic
from skillclaw.errors import SkillClawError, in_one_line
from skillclaw.own_log import error_once
from skillclaw.proxy.configured.offered import FOLDER, index_path
from skillclaw.server.machine import Machine
from skillclaw.settings import Settings

__all__ = ["index_text", "indexes"]

log = logging.getLogger("skillclaw.up")
Mode = Literal["index", "bodies"]
LARGEST_BODY = 20_000
"""Characters of a skill that `bodies` puts in."""
LARGEST = 200_000
"""Characters of an index: more would leave an agent little room. Skills beyond are told by their number."""
NAME_MAX = 64
"""Characters of a name, as the specification of skills has it; a file that was edited may hold more."""
KEPT_DAYS = 30.0
"""Days that an index stays after it was the current one."""
TOUCHED = 3600.0
"""Seconds after which the current index is marked again as in use."""
KEPT = 200
"""Old indexes that stay at most, for conversations that go on."""


def indexes(machine: Machine, settings: Settings) -> dict[str, str]:
    """Agent -> SHA-256 (hex) of the index that its new conversations get; written where it is not yet.

    An agent is in it whose setting asks for it, or whose adapter does (attribute `inject`) and no setting
    says otherwise; empty while no skill is installed: a conversation that begins then goes on without, and
    one that began with an index keeps it. Raises StorageError.
    """
    wishes: dict[str, object] = {
        name: getattr(adapter, "inject", False) for name, adapter in adapters().items()
    }
    wishes |= {name: agent.inject for name, agent in settings.agents.items() if agent.inject is not None}
    return {
        agent: _written(machine, "bodies" if wish == "bodies" else "index")
        for agent, wish in sorted(wishes.items())
        if wish
    }


def index_text(skills: list[Path], mode: Mode) -> str:
    """The index of the skills in these folders; empty without any. The same text for the same skills."""
    entries: list[str] = []
    room, left_out = LARGEST, 0
    for folder in skills:
        try:
            changed = (folder / "SKILL.md").stat().st_mtime_ns
            entry = _entry(folder, changed, mode)
        except (OSError, SkillClawError):
            continue  # removed this moment, or edited into something that is no skill
        if room < len(entry) + 1:
            left_out += 1
            continue
        room -= len(entry) + 1
        entries.append(entry)
    if not entries:
        return ""
    if left_out:
        entries.append(f"<!-- {left_out} more skills have no room here -->")
    how = (
        "When a task fits a skill's description, read the file at its location and follow it."
        if mode == "index"
        else "When a task fits a skill's description, follow it."
    )
    return "\n".join(["## Skills", "", how, "", "<available_skills>", *entries, "</available_skills>", ""])


@lru_cache(1024)
def _entry(folder: Path, changed: int, mode: Mode) -> str:
    from skillclaw.skills.frontmatter import DESCRIPTION_MAX, parse

    head, body = parse((folder / "SKILL.md").read_text("utf-8", "replace"))
    lines = [
        "<skill>",
        f"<name>{escape(_line(head.name, NAME_MAX))}</name>",
        f"<description>{escape(_line(head.description, DESCRIPTION_MAX))}</description>",
        f"<location>{escape(str(folder / 'SKILL.md'))}</location>",
    ]
    if mode == "bodies":
        lines.append(f"<instructions>\n{escape(body.strip()[:LARGEST_BODY])}\n</instructions>")
    return "\n".join([*lines, "</skill>"])


def _line(text: str, most: int) -> str:
    return " ".join(text.split())[:most]


def _written(machine: Machine, mode: Mode) -> str:
    text = index_text(_installed(machine), mode)
    if not text:
        return ""
    data = text.encode("utf-8")
    digest = hashlib.sha256(data).hexdigest()
    path = index_path(machine.home, digest)
    try:
        touched = path.stat().st_mtime
    except OSError:
        write_atomic(path, data)
        _tidy(machine.home / FOLDER)
        return digest
    # Its age counts from when it was last the current one: conversations that began then still need it.
    if touched < time.time() - TOUCHED:
        with suppress(OSError):  # a disk that cannot be written keeps it anyway
            os.utime(path)
    return digest


def _installed(machine: Machine) -> list[Path]:
    """The folders of the skills that SkillClaw installed, each skill once, by name."""
    from skillclaw.library.book import load

    found: dict[str, Path] = {}
    try:
        known = load(machine.home).installed
    except SkillClawError as error:  # traffic goes on, without what cannot be told
        error_once(log, in_one_line(error))
        return []
    for entry in known:
        folder = Path(entry.target) / entry.skill
        if entry.version and (folder / "SKILL.md").is_file():
            found.setdefault(entry.skill, folder)
    return [found[name] for name in sorted(found)]


def _tidy(folder: Path) -> None:
    """Take away what is old beyond use."""
    with suppress(OSError):
        texts = sorted(folder.glob("*.txt"), key=lambda path: -path.stat().st_mtime)
        for number, path in enumerate(texts):
            if number >= KEPT or path.stat().st_mtime < time.time() - KEPT_DAYS * 86400:
                path.unlink(missing_ok=True)
