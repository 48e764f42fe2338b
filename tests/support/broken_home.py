"""A user's home on a disk that fails, with sessions, a learned skill, a group and an agent; the commands that
are run there, and what must hold whatever the disk did.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atif_sessions import Ran, session, write
from broken_disk import Disk

__all__ = ["SETTINGS", "World"]

TASK = "run the tests of this project"
FIX = (
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing"),
)
BUILD = (
    Ran("make build", 1, "error: linker `cc` not found"),
    Ran("apt-get install -y gcc", 0, "gcc is installed"),
    Ran("make build", 0, "built"),
)
SETTINGS = '{\n  "model":   "opus",\n  "env": {"A": "b"} }\n\n'


@dataclass
class World:
    """The home. `keep` remembers how it stands, `back` makes it so again."""

    disk: Disk
    kept: Path
    proposal: str = ""
    session: str = ""
    invite: str = ""
    skill: str = ""
    text: str = ""
    """Of the skill, as it is installed."""
    edits: dict[Path, str] = field(default_factory=dict)
    """Copies that the user changed since `back`."""
    told: dict[str, str] = field(default_factory=dict)
    """What a setup found out since `back`, by its name in arguments."""

    @property
    def home(self) -> Path:
        return self.disk.home

    @property
    def root(self) -> Path:
        return self.disk.root

    @property
    def settings(self) -> bytes:
        """The agent's settings file as it is."""
        return (self.root / ".claude" / "settings.json").read_bytes()

    def run(
        self,
        *args: str,
        environ: Mapping[str, str] | None = None,
        limits: Mapping[int, int] | None = None,
        timeout: float = 100,
    ) -> subprocess.CompletedProcess[str]:
        """`skillclaw ARGS` as `Disk.run` does it, with the agent's program on the PATH."""
        around = {"PATH": f"{self.home}/bin:{os.environ['PATH']}", **(environ or {})}
        return self.disk.run(*args, environ=around, limits=limits, timeout=timeout)

    def ok(self, *args: str) -> str:
        """What a command printed that must succeed."""
        done = self.run(*args)
        assert done.returncode == 0, f"skillclaw {' '.join(args)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def ok_json(self, *args: str) -> Any:
        """The same as JSON."""
        return json.loads(self.ok(*args, "--json"))

    def agents(self) -> None:
        """An agent with settings and a skill of the user's own."""
        root = self.root
        (root / "tmp").mkdir()
        (root / "bin").mkdir()
        (root / "bin" / "claude").write_text("#!/bin/sh\necho '2.1.197 (Claude Code)'\n", "utf-8")
        (root / "bin" / "claude").chmod(0o755)
        (root / ".claude" / "skills" / "own").mkdir(parents=True)
        (root / ".claude" / "skills" / "own" / "SKILL.md").write_text("my own\n", "utf-8")
        (root / ".claude" / "settings.json").write_text(SETTINGS, "utf-8")

    def make(self) -> None:
        """Sessions of one lesson, the skill that is learned from them, one that waits for a person, more
        sessions to import, a group with this machine in it, and an agent with settings of the user's own."""
        self.agents()
        root = self.root
        write(root / "s.jsonl", [session("ada", n, TASK, FIX) for n in range(5)])
        build = [session(("ada", "ben", "cem")[n % 3], n + 5, "build this project", BUILD) for n in range(6)]
        write(root / "t.jsonl", build)
        more = [session("ada", n + 10, "list the files", [Ran("ls", 0, "a")]) for n in range(40)]
        write(root / "more.jsonl", more)
        self.ok("import", str(self.home / "s.jsonl"))
        self.ok("evolve")
        self.ok("hub", "init", str(self.home / "group"), "--name", "team", "--evolver")
        self.ok("config", "set", "gate.policy", "strict")
        self.ok("import", str(self.home / "t.jsonl"))
        self.ok("evolve")
        self.session = self.ok_json("sessions", "list")[0]["id"]
        (self.proposal,) = [one["id"] for one in self.ok_json("proposals", "list") if one["status"] == "held"]
        self.invite = self.ok_json("hub", "invite", "--hub", "team")["invite"]
        (self.skill,) = [one["name"] for one in self.ok_json("skills", "list")]
        (root / "target").mkdir()
        self.text = (root / ".claude" / "skills" / self.skill / "SKILL.md").read_text("utf-8")
        self.keep()

    def keep(self) -> None:
        """Remember how it stands."""
        subprocess.run(["rm", "-rf", str(self.kept)], check=True)
        subprocess.run(["cp", "-a", str(self.root) + "/.", str(self.kept)], check=True)

    def back(self) -> None:
        """Make it so again."""
        self.edits.clear()
        self.told.clear()
        self.disk.free()
        subprocess.run(["find", f"{self.root}/", "-mindepth", "1", "-delete"], check=True)
        subprocess.run(["cp", "-a", str(self.kept) + "/.", str(self.root)], check=True)
