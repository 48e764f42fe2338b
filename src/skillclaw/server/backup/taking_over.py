"""What a home that takes another's place takes over from that: what it knows of this machine as it is now.

Agents' settings and skills folders lie outside of homes, and no backup changes them. So the home that was
there knows best which agents are connected and what their settings were before, and which copies of skills
are SkillClaw's. Without that, `uninstall` would leave agents at a proxy that is gone, and a skill that is
revoked as harmful would stay as one of the user's own.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from skillclaw.agents.connections import connected
from skillclaw.errors import SkillClawError
from skillclaw.journal.grants import load_grants, save_grants
from skillclaw.library import book, copies
from skillclaw.server.sharing.view import clock

__all__ = ["from_now_on", "take_over"]

_SHARING = ("sharing.json", "config.toml")
_CONNECTIONS = "connections.json"


def take_over(staged: Path, old: Path, unknown: list[str]) -> None:
    """Bring into `staged` what `old` knows of agents' settings and of installed skills."""
    for what, take in (("agents are connected", _connections), ("skills are installed", _copies)):
        try:
            take(staged, old)
        except (SkillClawError, OSError) as error:
            said = error.brief if isinstance(error, SkillClawError) else str(error)
            unknown.append(f"The home that was there cannot tell which {what}: {said}")


def _connections(staged: Path, old: Path) -> None:
    if not (old / _CONNECTIONS).is_file():
        return
    connected(old)  # one that cannot be read is worth less than the backup's
    originals = staged / "backups"
    for path in sorted((old / "backups").glob("*")):
        if path.is_file() and not (originals / path.name).exists():
            originals.mkdir(mode=0o700, exist_ok=True)
            shutil.copyfile(path, originals / path.name)
            (originals / path.name).chmod(0o600)
    shutil.copyfile(old / _CONNECTIONS, staged / _CONNECTIONS)
    (staged / _CONNECTIONS).chmod(0o600)


def _copies(staged: Path, old: Path) -> None:
    there = [one for one in book.load(old).installed if copies.place(one).exists()]
    if there:
        known = book.load(staged)
        installed = {(one.skill, one.target): one for one in [*known.installed, *there]}
        book.save(staged, msgspec.structs.replace(known, installed=list(installed.values())))


def from_now_on(staged: Path, old: Path | None) -> bool:
    """Have what the backup allows to be shared count from now on, unless nothing of that was changed since;
    whether it had to. What was denied after the backup was made is allowed again by it, and sessions of the
    time between must not go.
    """
    if old is not None and all(_bytes(old / name) == _bytes(staged / name) for name in _SHARING):
        return False
    now = clock()
    try:
        grants = load_grants(staged)
    except SkillClawError:
        return False  # nothing is shared by one that cannot be read
    later = {
        name: msgspec.structs.replace(grant, since=max(grant.since, now), past={})
        if grant.value == "redacted"
        else grant
        for name, grant in grants.items()
    }
    if later == grants:
        return False
    save_grants(staged, later)
    return True


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
