"""The `skillclaw` command as users run it: a process of its own.

In `make test` it is forked (forking.py), which saves what a start costs; in the end-to-end tests, on Windows
and where the interpreter itself is told something, it is started as users start it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import forking


def skillclaw(
    *args: str,
    home: Path,
    environ: Mapping[str, str] | None = None,
    timeout: float = 110,
    cwd: Path | None = None,
    given: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a command with SkillClaw's home in `home`/.skillclaw and the user's home in `home`; `given` is its
    standard input.
    """
    base = {k: v for k, v in os.environ.items() if not k.startswith(("SKILLCLAW_", "ANTHROPIC_", "OPENAI_"))}
    drop = ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME")
    env = {k: v for k, v in base.items() if k not in drop}
    env |= {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "SKILLCLAW_HOME": str(home / ".skillclaw"),
        "COLUMNS": "200",
    }
    env |= dict(environ or {})
    if _may_fork(environ or {}):
        return forking.run(args, env, cwd, timeout, given)
    return subprocess.run(
        [sys.executable, "-m", "skillclaw", *args],
        env=env,
        cwd=cwd,
        input=given,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def _may_fork(environ: Mapping[str, str]) -> bool:
    test = os.environ.get("PYTEST_CURRENT_TEST", "")
    told = any(name.startswith(("PYTHON", "LC_", "LANG", "LD_", "TERM")) for name in environ)
    return os.name == "posix" and "tests/e2e/" not in test and not told and not os.environ.get("SPAWN")


def ok(*args: str, home: Path, **more: Any) -> str:
    """Standard output of a command that must succeed."""
    done = skillclaw(*args, home=home, **more)
    assert done.returncode == 0, f"skillclaw {' '.join(args)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def ok_json(*args: str, home: Path, **more: Any) -> Any:
    """The JSON that a command printed."""
    return json.loads(ok(*args, "--json", home=home, **more))


def fails(*args: str, home: Path, code: int = 1, **more: Any) -> str:
    """Standard error of a command that must fail with `code`, in at most three lines, without a traceback."""
    done = skillclaw(*args, home=home, **more)
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    lines = done.stderr.strip().splitlines()
    assert lines, "an error must say something"
    assert lines[0].startswith("error: "), done.stderr
    assert len(lines) <= 3, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    return done.stderr
