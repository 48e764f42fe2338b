"""Which folder is a home of SkillClaw's, and what in it is SkillClaw's own: all that `uninstall` removes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec

from skillclaw.errors import UNREADABLE

__all__ = ["WRITTEN", "is_home", "is_own"]

WRITTEN = ("cases",)
"""What a person wrote into the home."""
# All that the table of docs/formats.md has.
# fmt: off
FOLDERS = frozenset(
    {
        "backups", "dashboard", "demo", "evolve", "evolver", "groups", "hub", "hubs", "injected",
        "journal", "keys", "logs", "objects", "quarantine", "replay", "run", "serve", "votes"
    }
)
FILES = frozenset(
    {
        "canaries.json", "catalogue.db", "config.toml", "connections.json", "consent.json",
        "counts.json", "credentials.seen", "evolve.db", "hubs.json", "identity.json",
        "library.json", "library.past.jsonl", "model-spending.json", "proxy.json", "sessions.db",
        "sharing.json", "tokens.json", "wanted.json"
    }
)
# fmt: on
MARKS = frozenset({"library.json", "connections.json", "wanted.json"})
"""Files whose names are no other program's, where nothing else is in the folder."""
BEGUN = (("demo", "identity.json"), ("dashboard", "base"))
"""Folders that are in a home before any mark is, and what of them is in each."""
BESIDE = re.compile(
    r".+\.lock"  # what a command leaves that began while the last uninstall took all away
    r"|(sessions|evolve|catalogue)\.db-(wal|shm|journal)"
    r"|\..+\.([0-9a-f]{12}|\d+-\w{8})\.(new|db)"  # written beside a file whose place it was to take
    r"|\.deep-\d+\.new"  # how `doctor --deep` sees whether it can write here
    r"|\.DS_Store|Thumbs\.db|desktop\.ini"
)


def is_own(path: Path) -> bool:
    """Whether what lies right in a home has a name that SkillClaw gives."""
    folder = path.is_dir() and not path.is_symlink()
    return path.name in FOLDERS if folder else path.name in FILES or bool(BESIDE.fullmatch(path.name))


def is_home(folder: Path) -> bool:
    """Whether SkillClaw made this folder. Other programs have a `config.toml` or a `sessions.db`, too: such a
    file says it by what is in it, and only where nothing of anybody else's lies beside it."""
    if _is_identity(folder / "identity.json"):
        return True
    there = [path for path in folder.iterdir() if path.name not in WRITTEN]
    if not all(is_own(path) for path in there):
        return False
    names = {path.name for path in there}
    if names & MARKS:
        return True
    if "config.toml" in names:
        return _is_settings(folder / "config.toml")
    began = {name for name, mark in BEGUN if (folder / name / mark).exists()}
    return not {name for name in names if not name.endswith(".lock")} - began - {"run", "logs"}


def _is_identity(path: Path) -> bool:
    try:
        found = msgspec.json.decode(path.read_bytes())
    except (OSError, *UNREADABLE):
        return False
    return isinstance(found, dict) and found.keys() >= {"user", "client", "key"}


def _is_settings(path: Path) -> bool:
    from skillclaw.settings import Settings

    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return found.keys() <= set(Settings.__struct_fields__)
