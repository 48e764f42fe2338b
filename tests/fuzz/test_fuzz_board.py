"""The board tells what is going on, also while that is being written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fuzzing.board import Board

WRITER = """
import sys
from pathlib import Path
from fuzzing.board import Board
board = Board(Path(sys.argv[1]))
while True:
    board.begin(b"x")
    board.end()
"""


def test_no_look_sees_half_of_what_is_written(tmp_path: Path) -> None:
    board = Board(tmp_path / "board")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "board")], env=env)
    try:
        while not board.read().begun:
            assert writer.poll() is None
        before = board.read()
        for _ in range(300_000):
            now = board.read()
            assert now.begun >= before.begun and now.cpu >= before.cpu
            before = now
    finally:
        writer.kill()
        writer.wait()
    assert before.begun > 1000
    board.close()
