"""Folders of a replay: where its rooms are made, which skills an agent finds; nothing stays behind."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from skillclaw.errors import StorageError
from skillclaw.gate.context import CurrentSkill
from skillclaw.library.folders import to_folder
from skillclaw.private import private_folder
from skillclaw.sandbox import leftovers
from skillclaw.skills.records import Bundle, Proposal

__all__ = ["SKILLS", "arms", "skills_home", "workroom"]

FOLDER = "replay"
SKILLS = (".agents/skills", ".claude/skills")
"""Where agents look for skills below their home."""
WAIT = 60.0
"""Seconds for another replay that clears up."""


@contextmanager
def workroom(home: Path) -> Iterator[Path]:
    """An empty folder for one replay, below SkillClaw's `home`; gone at the end, whatever was put into it.

    What replays left that were killed is removed first: each holds a lock on its folder while it lives.
    Raises StorageError.
    """
    base = home / FOLDER
    folder = base / f"run-{secrets.token_hex(8)}"
    held = FileLock(_lock(folder), mode=0o600)
    try:
        private_folder(base)
        with FileLock(base / "clearing.lock", timeout=WAIT, mode=0o600):
            _clear(base)
            held.acquire(timeout=0)
            folder.mkdir(mode=0o700)
    except (OSError, Timeout) as error:
        held.release()
        raise StorageError(f"No room for a replay can be made in {base}.", str(error)) from error
    try:
        yield folder
    finally:
        leftovers.remove(folder)
        held.release()
        _lock(folder).unlink(missing_ok=True)


def _clear(base: Path) -> None:
    """Remove the folders whose owners are gone. Called by one process at a time."""
    for path in base.glob("run-*.lock"):
        folder, lock = path.with_suffix(""), FileLock(path, mode=0o600)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        leftovers.remove(folder)
        lock.release()
        path.unlink(missing_ok=True)


def _lock(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def arms(
    proposal: Proposal, current_skills: Mapping[str, CurrentSkill]
) -> tuple[dict[str, Bundle], dict[str, Bundle]]:
    """The library as it is, and as it would be."""
    assert proposal.bundle is not None
    before = {name: skill.bundle for name, skill in current_skills.items()}
    gone = {one.skill for one in proposal.retires}
    after = {name: bundle for name, bundle in before.items() if name not in gone}
    return before, {**after, proposal.skill: proposal.bundle}


def skills_home(folder: Path, skills: Mapping[str, Bundle]) -> Path:
    """The new folder `folder` as an agent's home with these skills, where all agents look for them."""
    first, *others = (folder / place for place in SKILLS)
    first.mkdir(parents=True)
    for name, bundle in sorted(skills.items()):
        to_folder(bundle, first / name)
    for other in others:
        shutil.copytree(first, other)
    return folder
