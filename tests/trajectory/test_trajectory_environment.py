"""What a session says about the machine it ran on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_sessions import made, sh

from skillclaw.trajectory.environment import environment
from skillclaw.trajectory.model import SessionMeta


@pytest.mark.parametrize(
    ("command", "text", "facts"),
    [
        ("python3 --version", "Python 3.11.7", {"python": "3.11"}),
        ("node -v", "v20.11.1", {"node": "20.11"}),
        ("npm -v", "10.2.4", {"npm": "10.2"}),
        ("git --version", "git version 2.39.5 (Apple Git-154)", {"git": "2.39"}),
        (
            "python -m pip --version",
            "pip 24.0 from /x/python3.12/site-packages (python 3.12)",
            {"pip": "24.0"},
        ),
        ("go version", "go version go1.22.3 linux/amd64", {"go": "1.22"}),
        ("cargo --version", "cargo 1.78.0 (54d8815d0 2024-03-26)", {"cargo": "1.78"}),
        ("docker --version", "Docker version 26.1.3, build b72abbb", {"docker": "26.1"}),
        ("docker compose version", "Docker Compose version v2.27.0", {"docker compose": "2.27"}),
        ("node -v && npm -v", "v20.11.1\n10.2.4", {"node": "20.11", "npm": "10.2"}),
        ("uname -a", "Linux box 6.8.0-31-generic #31 SMP x86_64 GNU/Linux", {"os": "linux", "kernel": "6.8"}),
        (
            "pytest -q",
            "platform linux -- Python 3.11.7, pytest-8.3.2, pluggy-1.5.0",
            {"os": "linux", "python": "3.11", "pytest": "8.3"},
        ),
        ("cat notes.txt && node -v", "we use 3.2 here\nv20.11.1", {}),
        ("cat versions.txt", "Python 3.11.7", {}),
        ("python3 --version", "none", {}),
    ],
)
def test_versions_that_commands_told(command: str, text: str, facts: dict[str, str]) -> None:
    assert environment(made("go", sh(command, text))) == facts


def test_failed_commands_and_other_tools_say_nothing() -> None:
    assert environment(made("go", sh("node -v", "v20.11.1", 127))) == {}
    assert environment(made("go", ("fetch_page", {"q": "node -v"}, "pytest-8.3.2", False))) == {}


def test_what_was_recorded_counts_first_and_the_work_is_left_out() -> None:
    known = SessionMeta(key="k", env={"os": "darwin", "git_branch": "secret-plan", "python": "3.12.1"})
    assert environment(made("go", sh("python3 --version", "Python 3.11.7"), meta=known)) == {
        "os": "darwin",
        "python": "3.12.1",
    }


@given(st.lists(st.tuples(st.from_regex(r"[a-z]{1,8} --version", fullmatch=True), st.text(max_size=60))))
def test_facts_are_few_short_and_ordered(runs: list[tuple[str, str]]) -> None:
    found = environment(made("go", *[sh(command, text) for command, text in runs]))
    assert len(found) <= 24
    assert list(found) == sorted(found)
    assert all(len(value) < 12 for value in found.values())
