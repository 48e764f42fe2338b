"""What a full disk, or a limit of file sizes, cuts off of Python's compiled files breaks no later start."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

resource = pytest.importorskip("resource", reason="limits of file sizes are those of POSIX")


def run(home: Path, *args: str, largest: int = 0) -> subprocess.CompletedProcess[str]:
    """A command that compiles what it imports, each file of at most `largest` bytes, anew in `home`."""
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(home / "compiled"), "SKILLCLAW_HOME": str(home / "home")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    before = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))) if largest else None
    return subprocess.run(
        [sys.executable, "-m", "skillclaw", *args],
        env=env,
        preexec_fn=before,
        capture_output=True,
        text=True,
        check=False,
    )


def cut(home: Path) -> list[str]:
    """The compiled files that are no code."""
    found = []
    for path in (home / "compiled").rglob("*.pyc"):
        try:
            marshal.loads(path.read_bytes()[16:])
        except (EOFError, ValueError, TypeError):
            found.append(path.name)
    return found


def test_none_is_left_where_files_may_be_no_larger(tmp_path: Path) -> None:
    run(tmp_path, "status")  # what Python itself starts with is compiled as it was installed
    own = [one for one in (tmp_path / "compiled").rglob("*.pyc") if "skillclaw" in one.parts]
    first = [one for one in own if one.name.startswith(("__init__.", "__main__.", "main.", "compiled."))]
    assert len(first) > 5 and len(own) > 40
    for one in {*own} - {*first}:
        one.unlink()
    assert run(tmp_path, "status", largest=6000).returncode == 0
    compiled = [one.stat().st_size for one in own if one not in first and one.exists()]
    assert compiled and max(compiled) <= 6000 and not cut(tmp_path)
    assert run(tmp_path, "status").returncode == 0
    assert not cut(tmp_path)


@pytest.mark.parametrize("place", ["cli/output", "cli/machine/status", "settings"])
def test_one_that_is_cut_off_is_told_and_deleted(tmp_path: Path, place: str) -> None:
    assert run(tmp_path, "status").returncode == 0
    (path,) = (tmp_path / "compiled").rglob(f"skillclaw/{place}.*.pyc")
    path.write_bytes(path.read_bytes()[:900])
    done = run(tmp_path, "status")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().splitlines() == [
        "error: A compiled file of Python was cut off, as a full disk leaves it.",
        f"  {path} is deleted now.",
        "  Run the command again.",
    ]
    assert run(tmp_path, "status").returncode == 0
