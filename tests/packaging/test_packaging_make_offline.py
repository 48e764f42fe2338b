"""`make up` where no package can be got: what is said, and that the next try goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None or os.name != "posix", reason="needs make")
def test_without_a_network_it_says_what_to_do(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    # As a first try leaves it that was cut off: a Python, but no pip yet.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)
    done = subprocess.run(
        ["make", f"PYTHON={sys.executable}", "up"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": "http://127.0.0.1:1/simple",
            "PIP_RETRIES": "0",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    said = done.stdout.splitlines()
    assert "SkillClaw could not be set up: pip, above, says why." in said[-2]
    assert said[-1] == "Then run make again: what is in .venv already is kept."
    assert not (tmp_path / ".venv" / ".client").exists()
    assert (tmp_path / ".venv" / "bin" / "pip").exists()
