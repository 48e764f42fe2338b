"""A newcomer with a fresh clone and an empty home: each command of a tutorial prints what its page says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import readme_commands
from newcomer import Newcomer
from past_agents import programs
from s3_server import seaweed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
SETTINGS = '{\n  "model":   "opus" }\n\n'
OWN_SERVER = "http://127.0.0.1:8333"
"""Where the page about teams has its S3 server."""


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    return Newcomer(tmp_path)


def test_the_first_skill(newcomer: Newcomer) -> None:
    skills = newcomer.place / "you" / ".claude" / "skills"
    (skills / "mine").mkdir(parents=True)
    before = skills.stat().st_mtime_ns
    newcomer.follows("index.md")
    assert skills.stat().st_mtime_ns == before, "nothing ever was put into it"
    assert {path.name for path in skills.parent.parent.iterdir()} == {".claude", "first-skill"}


def test_privacy(newcomer: Newcomer) -> None:
    newcomer.follows("privacy.md")


def test_a_team_on_s3(newcomer: Newcomer) -> None:
    folder = newcomer.place / "s3"
    folder.mkdir()
    with seaweed(folder) as url:
        newcomer.named[OWN_SERVER] = url.split("endpoint=")[1].split("&")[0]
        newcomer.follows("teams.md")


@pytest.fixture
def furnished(newcomer: Newcomer) -> Iterator[Newcomer]:
    """With an agent to connect, a folder for the group's bucket, and what the first tutorial leaves."""
    you = newcomer.place / "you"
    you.mkdir()
    newcomer.environ["PATH"] = f"{you / 'bin'}{os.pathsep}{newcomer.environ['PATH']}"
    programs(you, claude="2.1.197 (Claude Code)")
    (you / ".claude").mkdir()
    (you / ".claude" / "settings.json").write_text(SETTINGS, "utf-8")
    newcomer.named[readme_commands.BUCKET] = str(newcomer.place / "bucket")
    assert newcomer.run("you", "skillclaw import docs/tutorial/ada.jsonl && skillclaw evolve")[0] == 0
    yield newcomer
    newcomer.run("you", "skillclaw stop")


def test_the_commands_that_the_readme_lists(furnished: Newcomer) -> None:
    """In the order of the page, each on the machine that it is for, and with the person that it asks."""
    _, sessions = furnished.run("you", "skillclaw sessions list")
    session = sessions.splitlines()[1].split()[0]
    wrong = []
    for command in readme_commands.listed((furnished.clone / "README.md").read_text("utf-8")):
        if readme_commands.not_run(command):
            continue
        for who, first in readme_commands.of(command, readme_commands.BEFORE, ()):
            code, printed = furnished.run(who, first)
            assert not code, f"{first}\n{printed}"
        real = command.replace(" NAME", " npm-till").replace(" ID", f" {session}")
        real += readme_commands.of(command, readme_commands.GIVEN, "")
        who = readme_commands.of(command, readme_commands.WHO, "you")
        typed = readme_commands.of(command, readme_commands.TYPED, None)
        code, printed = furnished.types(who, real, *typed) if typed else furnished.run(who, real)
        if code or not printed.strip():
            wrong.append(f"{who}$ {real}\nexit code {code}, prints:\n{printed}")
    assert not wrong, "\n".join(wrong)
    assert (furnished.clone / "page.html").is_file()
    you = furnished.place / "you"
    assert (you / ".claude" / "settings.json").read_text("utf-8") == SETTINGS, "after `uninstall`"
