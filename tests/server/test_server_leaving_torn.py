"""What a process that was killed as it wrote left in a home goes with the home."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli import ok

from skillclaw.server.setup import home_files

pytestmark = pytest.mark.live

KILLED = """
import os, sys
from pathlib import Path
os.fsync = lambda handle: os._exit(9)
home = Path(sys.argv[1])
"""
WRITERS = {
    "settings of agents": "from skillclaw.agents.edits import write_atomic as write\n"
    "write(home / 'connections.json', b'{}')",
    "other files": "from skillclaw.private import whole_file\n"
    "with whole_file(home / 'sharing.json') as file:\n    file.write(b'{}')",
    "a look at the disk": "from skillclaw.server.deep.writing import writing\nwriting(home)",
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_torn_file_of_a_killed_process_goes_with_the_home(tmp_path: Path, writer: str) -> None:
    home = tmp_path / ".skillclaw"
    ok("up", "-d", "--yes", "--port", "0", home=tmp_path, environ={"HOME": str(tmp_path), "PATH": ""})
    ok("stop", home=tmp_path)
    before = {path.name for path in home.iterdir()}
    killed = subprocess.run([sys.executable, "-c", KILLED + WRITERS[writer], str(home)], check=False)
    assert killed.returncode == 9
    (torn,) = {path.name for path in home.iterdir()} - before
    assert torn.endswith(".new") and home_files.is_own(home / torn)
    ok("uninstall", "--yes", home=tmp_path)
    assert not home.exists()
