"""A new user: a fresh clone, an empty home, the README's commands."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = (
    "tests/docs tests/cli/test_cli_help.py "
    "tests/evolve/test_evolve_care_flood.py tests/skills/test_skills_text.py"
)
"""Some of each kind: commands, whole cycles, properties, what the documents say."""


def make(
    target: str, clone: Path, home: Path, *more: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    keep = ("PATH", "LANG", "TMPDIR", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "PIP_FIND_LINKS", "SSL_CERT_FILE")
    env = (
        {key: os.environ[key] for key in keep if key in os.environ}
        | {"HOME": str(home)}
        | dict(environ or {})
    )
    return subprocess.run(
        ["make", target, *more],
        cwd=clone,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.mark.timeout(400)
def test_two_commands_on_a_fresh_machine(tmp_path: Path) -> None:
    home, clone = tmp_path / "home", tmp_path / "clone"
    home.mkdir()
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    began = time.monotonic()
    up = make("up", clone, home, "ARGS=-d --port 0")
    took = time.monotonic() - began
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        assert took < 180, f"make up took {took:.0f} s"
        assert "Found" in up.stdout
        assert "Running: proxy on http://127.0.0.1:" in up.stdout
        assert "Next:" in up.stdout
        assert not (home / ".claude").exists(), "nobody agreed, so nothing may be connected or installed"
    finally:
        skillclaw = clone / ".venv" / "bin" / "skillclaw"
        environ = {"HOME": str(home), "PATH": os.environ["PATH"]}
        subprocess.run([str(skillclaw), "stop"], env=environ, check=True, capture_output=True)
    demo = make("demo", clone, home)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "Learned" in demo.stdout
    assert "## " in demo.stdout, "one of the learned skills is shown"
    assert not (home / ".claude").exists()
    # What a developer has pip fetched before; compiling what is never imported takes longer than these tests.
    cache = os.environ.get("PIP_CACHE_DIR") or str(
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "pip")
    )
    quick = {"PIP_CACHE_DIR": cache, "PIP_NO_COMPILE": "1"}
    tests = make("test", clone, home, f"ARGS={TESTS}", environ=quick)
    assert tests.returncode == 0, tests.stdout + tests.stderr
    assert " passed" in tests.stdout
