"""The real agents, headless, each in a home of its own with nothing of the person who runs the tests."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

CLAUDE_KEY = "sk-ant-" + "api03-" + "E2eClaudeCredential" * 3
CODEX_KEY = "sk-" + "proj-" + "E2eCodexCredential" * 3


def binary(name: str) -> str:
    """Where the client is; skips the test, with the reason, where it was not installed."""
    folder = os.environ.get("E2E_CLIENTS")
    path = Path(folder or "", "node_modules", ".bin", name)
    if not folder or not path.exists():
        pytest.skip(f"the real client `{name}` is not installed; `make e2e` installs it")
    return str(path)


@dataclass(frozen=True)
class Person:
    """One user with a home, a project folder and SkillClaw's folder."""

    home: Path
    project: Path
    skillclaw: Path

    @classmethod
    def make(cls, folder: Path) -> Person:
        person = cls(
            home=folder / "home",
            project=folder / f"{folder.name}-work",
            skillclaw=folder / "home" / ".skillclaw",
        )
        person.home.mkdir(parents=True)
        person.project.mkdir()
        subprocess.run(["git", "init", "-q", str(person.project)], check=True)
        return person

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of this person: no proxy, key or agent setting of the machine's own gets in."""
        keep = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
        return {
            **{key: os.environ[key] for key in keep if key in os.environ},
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "PWD": str(self.project),  # as a shell there sets it: OpenCode works in that folder
            "SKILLCLAW_HOME": str(self.skillclaw),
            "IS_SANDBOX": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "ANTHROPIC_API_KEY": CLAUDE_KEY,
            "OPENAI_API_KEY": CODEX_KEY,
            "CODEX_API_KEY": CODEX_KEY,
            **more,
        }

    def claude(self, prompt: str, *more: str, **environ: str) -> dict[str, object]:
        """One headless run of Claude Code; what it printed as JSON."""
        argv = [
            binary("claude"),
            "-p",
            prompt,
            "--dangerously-skip-permissions",
            "--output-format",
            "json",
            *more,
        ]
        done = self._run(argv, environ)
        answer = json.loads(done.stdout)
        assert isinstance(answer, dict)
        return answer

    def claude_on_terminal(self, prompt: str, until: Callable[[], bool], **environ: str) -> None:
        """Claude Code as people run it, on a terminal, until `until` holds; it asks for a title there."""
        import pty

        trusted = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
        known = {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "customApiKeyResponses": {"approved": [CLAUDE_KEY[-20:]], "rejected": []},
            "bypassPermissionsModeAccepted": True,
            "projects": {str(self.project): trusted},
        }
        (self.home / ".claude.json").write_text(json.dumps(known), "utf-8")
        argv = [binary("claude"), "--dangerously-skip-permissions", prompt]
        screen, terminal = pty.openpty()
        child = subprocess.Popen(
            argv,
            cwd=self.project,
            env=self.environ(TERM="xterm-256color", **environ),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        shown = bytearray()
        end = time.monotonic() + 60
        try:
            while not until():
                assert time.monotonic() < end, shown[-3000:]
                if select.select([screen], [], [], 0.2)[0]:
                    shown += os.read(screen, 65536)
        finally:
            child.terminate()
            child.wait(20)
            os.close(screen)

    def codex(self, prompt: str, *more: str, **environ: str) -> str:
        """One headless run of Codex; what it printed."""
        argv = [
            binary("codex"),
            "exec",
            "--dangerously-bypass-approvals-and-sandbox",
            "--skip-git-repo-check",
            *more,
            prompt,
        ]
        return self._run(argv, environ).stdout

    def _run(self, argv: list[str], environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            argv,
            cwd=self.project,
            env=self.environ(**environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, f"{argv[0]} failed\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done
