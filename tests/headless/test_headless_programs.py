"""What a room sees of an agent's program."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillclaw.errors import UsageError
from skillclaw.headless.programs import find


def installed(venv: Path) -> None:
    """A program `hermes` in a virtual environment at `venv`."""
    (venv / "bin").mkdir(parents=True, exist_ok=True)
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\n")
    program = venv / "bin" / "hermes"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)


@pytest.mark.parametrize(("place", "seen"), [("tools/hermes", True), ("", False), ("..", False)])
def test_no_room_sees_the_home_because_a_program_was_installed_in_it(
    tmp_path: Path, place: str, seen: bool
) -> None:
    home = tmp_path / "users" / "ann"
    home.mkdir(parents=True)
    venv = (home / place).resolve()
    installed(venv)
    environ = {"HOME": str(home), "PATH": str(venv / "bin")}
    if seen:
        assert venv in {mount.outside for mount in find("hermes", "Hermes", "pip it", environ).mounts}
        return
    with pytest.raises(UsageError, match="your whole home"):
        find("hermes", "Hermes", "pip it", environ)


def test_nor_because_its_python_lies_in_it(tmp_path: Path) -> None:
    home = tmp_path / "ann"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python3.11").write_text("")
    installed(home / "venv")
    (home / "venv" / "bin" / "python").symlink_to(home / "bin" / "python3.11")
    with pytest.raises(UsageError, match="your whole home"):
        find("hermes", "Hermes", "pip it", {"HOME": str(home), "PATH": str(home / "venv" / "bin")})
