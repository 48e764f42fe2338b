"""A newcomer with a fresh clone and an empty home: each command of a tutorial prints what its page says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from doc_blocks import blocks, fits, told
from readme_commands import listed, not_run
from s3_server import seaweed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
INVITE = re.compile(r"skillclaw-invite-1:[A-Za-z0-9_-]{20,}")
OWN_SERVER = "http://127.0.0.1:8333"
"""Where the page about teams has its S3 server."""


class Newcomer:
    """A clone, and for each person of a page a home with nothing in it."""

    def __init__(self, place: Path) -> None:
        self.place, self.clone, self.invite, self.server = place, place / "clone", "", OWN_SERVER
        subprocess.run(["git", "clone", "-q", str(ROOT), str(self.clone)], check=True)
        programs = place / "bin"
        programs.mkdir()
        program = programs / "skillclaw"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m skillclaw "$@"\n')
        program.chmod(0o755)
        self.environ = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.clone / "src"),
            "COLUMNS": "140",
            "LANG": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": "testkey",
            "AWS_SECRET_ACCESS_KEY": "testsecret",
        }

    def run(self, who: str, command: str) -> tuple[int, str]:
        """The exit code, and what was printed, with `~` for the home."""
        home = self.place / who
        home.mkdir(exist_ok=True)
        command = command.replace("skillclaw-invite-1:...", self.invite).replace(OWN_SERVER, self.server)
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.clone,
            env=self.environ | {"HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=200,
            check=False,
        )
        if found := INVITE.search(done.stdout):
            self.invite = found[0]
        return done.returncode, done.stdout.replace(str(home), "~")

    def follows(self, page: str) -> None:
        """Do what the page tells; all that was not as it says is told together."""
        wrong = []
        for block in blocks((self.clone / "docs" / page).read_text("utf-8")):
            if block.file:
                path = self.place / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text)
            for one in told(block) if block.kind == "console" and not block.not_run else ():
                code, printed = self.run(one.who, one.command)
                if code or not fits(one.prints, printed):
                    wrong.append(f"{one.who}$ {one.command}\nexit code {code}, prints:\n{printed}")
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    return Newcomer(tmp_path)


def test_the_first_skill(newcomer: Newcomer) -> None:
    newcomer.follows("index.md")
    assert not list((newcomer.place / "you").glob(".claude/skills/*"))


def test_privacy(newcomer: Newcomer) -> None:
    newcomer.follows("privacy.md")


def test_a_team_on_s3(newcomer: Newcomer) -> None:
    folder = newcomer.place / "s3"
    folder.mkdir()
    with seaweed(folder) as url:
        newcomer.server = url.split("endpoint=")[1].split("&")[0]
        newcomer.follows("teams.md")


def test_the_commands_that_the_readme_lists(newcomer: Newcomer) -> None:
    """After the sessions of the first tutorial were imported, so that there is something to show."""
    newcomer.run("you", "skillclaw import docs/tutorial/ada.jsonl && skillclaw evolve")
    _, sessions = newcomer.run("you", "skillclaw sessions list")
    session = sessions.splitlines()[1].split()[0]
    wrong = []
    for command in listed((newcomer.clone / "README.md").read_text("utf-8")):
        if not_run(command):
            continue
        real = command.replace(" NAME", " npm-till").replace(" ID", f" {session}")
        code, printed = newcomer.run("you", real)
        if code or not printed.strip():
            wrong.append(f"{real}\nexit code {code}, prints:\n{printed}")
    assert not wrong, "\n".join(wrong)
    assert (newcomer.clone / "page.html").is_file()
