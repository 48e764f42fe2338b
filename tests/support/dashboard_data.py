"""A machine that has something of all that the dashboard shows, made by the loop from real sessions.

Ada's machine learned from recorded sessions of WorkBench (the packaged ones; with E2E_DATA as many of the
whole set as `MANY`), has changes that wait for her, an edited copy that she proposed, and owns a group with
members, an invite, a canary, and a change that waits for the members' votes.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import zstandard
from atif_sessions import Ran, session, write
from filelock import FileLock
from team import found, home, invited, joined, sc, state, taken
from voters import TEACHERS, counts, imported

from skillclaw.bench.datasets import read_rows, workbench_session
from skillclaw.trajectory.model import encode

__all__ = ["House", "house", "names_of"]

MANY = 1500
TEXT_FILES = (".toml", ".json")
ASKED = ("eve", "fay", "gus")


@dataclass(frozen=True)
class House:
    """The folder of all machines; `user` is Ada's home."""

    place: Path

    @property
    def user(self) -> Path:
        return self.place / "ada"

    @property
    def home(self) -> Path:
        """SkillClaw's folder of Ada's machine."""
        return home(self.place, "ada")

    def copy(self, place: Path) -> House:
        """The same once more, for a test that changes it: where it lies is told anew in its settings."""
        shutil.copytree(self.place, place, symlinks=True)
        for path in place.rglob("*"):
            if path.suffix in TEXT_FILES and path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                told = data.replace(str(self.place).encode(), str(place).encode())
                if told != data:
                    path.write_bytes(told)
        return House(place)


def house(root: Path) -> House:
    """The house below `root`, which all processes of one run of the tests have in common: made once."""
    place = root / "dashboard-house"
    with FileLock(root / "dashboard-house.lock"):
        if not (root / "dashboard-house.made").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            _learn(place)
            _group(place)
            (root / "dashboard-house.made").touch()
    return House(place)


def names_of(learned: House) -> dict[str, str]:
    """What stands in the paths of pages: a skill, one with an edited copy, a change that waits for Ada, one
    that waits for votes, a session, and a pattern of her own hub."""

    def asked(*args: str) -> Any:
        return sc(learned.place, "ada", *args)

    proposals = asked("proposals", "list")
    own = [one for one in proposals if one["hub"] == "personal"]
    skills = [one for one in asked("skills", "list") if one["hub"] == "personal"]
    patterns = [
        found["id"]
        for one in own[:3]
        for found in asked("proposals", "show", one["id"])["proposal"].get("patterns", [])
    ]
    return {
        "skill": next(one["name"] for one in skills if one["stage"] == "stable"),
        "edited": next(one["name"] for one in skills if "edited" in one["installed"].values()),
        "held": next(one["id"] for one in own if one["status"] == "held"),
        "open": next(one["id"] for one in proposals if one["status"] == "open"),
        "session": asked("sessions", "list")[0]["id"],
        "pattern": patterns[0],
    }


def _learn(place: Path) -> None:
    """Ada's own hub: skills of a first cycle, changes of a second one that wait for her."""
    user = place / "ada"
    skills = user / ".claude" / "skills"
    skills.mkdir(parents=True)
    sc(place, "ada", "config", "set", "sync.targets", f'["{skills.as_posix()}"]')
    sc(place, "ada", "config", "set", "gate.policy", "team")
    first, later = _workbench(place)
    sc(place, "ada", "import", str(first))
    sc(place, "ada", "evolve")
    sc(place, "ada", "sync")
    name, other, *_ = [row["name"] for row in sc(place, "ada", "skills", "list")]
    sc(place, "ada", "skills", "promote", other)
    copy = skills / name / "SKILL.md"
    copy.write_text(copy.read_text("utf-8") + "\n- Always tell the user what you changed.\n", "utf-8")
    sc(place, "ada", "skills", "propose", name)
    sc(place, "ada", "config", "set", "gate.policy", "strict")
    sc(place, "ada", "import", str(later))
    sc(place, "ada", "evolve")
    for row, good in zip(sc(place, "ada", "sessions", "list")[:2], (True, False), strict=True):
        sc(place, "ada", "feedback", row["id"], "good" if good else "bad")


def _workbench(place: Path) -> tuple[Path, Path]:
    """Recorded sessions of WorkBench as ATIF: those of a first cycle, and those that came later."""
    whole = Path(os.environ.get("E2E_DATA") or "nowhere") / "workbench" / "trajectories.jsonl.gz"
    if whole.exists():
        lines = [encode(workbench_session(row)) for row in islice(read_rows(whole), MANY)]
    else:
        packed = (files("skillclaw.bench") / "demo" / "workbench.jsonl.zst").read_bytes()
        lines = zstandard.ZstdDecompressor().decompressobj().decompress(packed).splitlines()
    first, later = place / "first.jsonl", place / "later.jsonl"
    first.write_bytes(b"\n".join(lines[::2]) + b"\n")
    later.write_bytes(b"\n".join(lines[1::2]) + b"\n")
    return first, later


def _group(place: Path) -> None:
    """Ada's group: one lesson is a canary, another waits for the members' votes, of which one came."""
    found(place)
    for who in (*TEACHERS, *ASKED):
        joined(place, who)
    for who in TEACHERS:
        sc(place, who, "config", "set", "share.default", "redacted")
        imported(place, who, 1, 2)
        sc(place, who, "share", "allow", "--hub", "team", "--past")
        sc(place, who, "share", "send")
    sc(place, "ada", "evolve", "--hub", "team")
    sc(place, "ada", "hub", "settings", "votes", "{}")
    for who in TEACHERS:
        _locked(place, who, 3, 4)
        sc(place, who, "share", "send")
    sc(place, "ada", "evolve", "--hub", "team")
    for one in state(place).proposals.values():
        if one.status == "open":
            counts(place, "eve", one.id, 3, 1)
    taken(place)
    invited(place, "zoe")
    for who in ("ada", "bob"):
        sc(place, who, "sync")


def _locked(place: Path, who: str, *numbers: int) -> None:
    """Sessions in which a lock of the package manager is in the way, until it is asked who holds it."""
    error = "npm error code EEXIST: file already exists, rename of /home/u/.npm/_cacache/tmp\nnpm error lock"
    made = []
    for number in numbers:
        ran = (
            Ran("npm install", 1, error),
            Ran("npm cache verify", 0, "Cache verified and compressed"),
            Ran("npm ci", 0, "added 211 packages"),
        )
        one = session("", number, f"install the packages of the shop {number}", ran, project="shop")
        del one["extra"]["skillclaw"]["user"]
        one["session_id"] = f"{who}-npm-{number}"
        made.append(one)
    sc(place, who, "import", str(write(place / who / f"npm{numbers[0]}.jsonl", made)))
