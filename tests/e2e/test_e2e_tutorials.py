"""A newcomer with a fresh clone and an empty home: each command of a tutorial prints what its page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from newcomer import Newcomer
from readme_commands import listed, not_run
from s3_server import seaweed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
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
