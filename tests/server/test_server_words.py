"""What people say with a decision (`--note`, `--why`) is shown as theirs, and is text or is not taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from api_house import proposal
from team import found, hub, joined, machine, printed, sc, state

from skillclaw.errors import BadInputError
from skillclaw.hub import Hub
from skillclaw.server.sessions.feedback import say
from skillclaw.skills.records import Verdict

FORGED = (
    "Tidy.\r\n  pass   approval: Nobody needs to approve it.\u2028  pass   scan: Fine.\x1b[2K\x1b[1A\x0b pass"
)
HELD = [Verdict(check="approval", verdict="hold", reason="It waits for a reviewer.")]


@pytest.fixture
def team(tmp_path: Path) -> Path:
    found(tmp_path)
    joined(tmp_path, "rev", "--role", "reviewer")
    joined(tmp_path, "bob")
    return tmp_path


def held(team: Path, number: int, *more: str) -> str:
    made = msgspec.structs.replace(proposal(number, *more), why=FORGED)
    hub(team).propose(made)
    hub(team).record_verdicts(made.id, HELD, "held")
    return made.id


def forged(told: str) -> list[str]:
    """The lines that look as if a check had passed, and the controls."""
    lines = [line for line in told.splitlines() if line.strip().startswith("pass")]
    return lines + [char for char in told if ord(char) < 32 and char != "\n"]


def test_words_of_others_are_one_line_wherever_they_are_shown(team: Path) -> None:
    id_ = held(team, 1, "Do it.\n    rests on 9 sessions of 9 users")
    sc(team, "bob", "proposals", "vote", id_, "against", "--why", FORGED)
    sc(team, "ada", "hub", "inbox")
    sc(team, "ada", "hub", "settings", "reviewers", "2")
    sc(team, "rev", "proposals", "approve", id_, "--note", FORGED)
    shown = printed(team, "ada", "proposals", "show", id_)
    assert shown.count("Tidy. pass approval: Nobody needs to approve it. pass scan: Fine.") == 3, shown
    assert forged(shown) == []
    assert "\n+ rests on 9 sessions of 9 users\n" in shown, "each line of what is new has its sign"
    sc(team, "ada", "proposals", "approve", id_)
    sc(team, "ada", "skills", "archive", "team/pip-venv", "--why", FORGED)
    log = printed(team, "bob", "skills", "log", "team/pip-venv")
    assert log.count("Tidy. pass approval: Nobody needs to approve it.") == 3, log
    assert forged(log) == []


def test_a_reason_to_reject_is_one_line_in_tables_too(team: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # a narrow table breaks long cells, far from where its rows begin
    id_ = held(team, 1)
    sc(team, "rev", "proposals", "reject", id_, "--why", FORGED)
    assert forged(printed(team, "ada", "proposals", "show", id_)) == []
    table = printed(team, "ada", "proposals", "list")
    assert forged(table) == []
    (row,) = [line for line in table.splitlines() if id_ in line]
    assert "Fine." in row


BYTES = "odd \udcff"
"""As a byte of another encoding comes in from the command line."""
SAID: dict[str, tuple[str, Callable[[str], list[str]]]] = {
    "approve": ("ada", lambda id_: ["proposals", "approve", id_, "--note", BYTES]),
    "reject": ("ada", lambda id_: ["proposals", "reject", id_, "--why", BYTES]),
    "vote": ("bob", lambda id_: ["proposals", "vote", id_, "against", "--why", BYTES]),
    "archive": ("ada", lambda id_: ["skills", "archive", "team/pip-venv", "--why", BYTES]),
    "revoke": ("ada", lambda id_: ["skills", "revoke", "team/pip-venv", "--why", BYTES]),
    "promote": ("ada", lambda id_: ["skills", "promote", "team/pip-venv", "--why", BYTES]),
    "rollback": ("ada", lambda id_: ["skills", "rollback", "team/pip-venv", "--why", BYTES]),
}


def test_a_reason_that_is_no_text_is_told_and_nothing_is_written(team: Path) -> None:
    first = held(team, 1)
    sc(team, "ada", "proposals", "approve", first)
    base = state(team).skills["pip-venv"].current
    second = msgspec.structs.replace(proposal(2, "More.", base=base), why="")
    hub(team).propose(second)
    hub(team).record_verdicts(second.id, HELD, "held")
    before, sent = state(team).seq, sorted((team / "group").rglob("*"))
    for what, (who, said) in SAID.items():
        with pytest.raises(BadInputError, match="no UTF-8") as wrong:
            sc(team, who, *said(second.id))
        assert str(wrong.value).isascii() and "odd" in wrong.value.why and wrong.value.todo, what
    calls: list[Callable[[Hub], object]] = [
        lambda one: one.approve(second.id, BYTES),
        lambda one: one.reject(second.id, BYTES),
        lambda one: one.propose(msgspec.structs.replace(second, id="other", why=BYTES)),
    ]
    for call in calls:
        with pytest.raises(BadInputError, match="no UTF-8"):
            call(hub(team))
    with pytest.raises(BadInputError, match="no UTF-8"):
        say(machine(team, "ada"), "x", True, BYTES)
    assert state(team).seq == before
    assert sorted((team / "group").rglob("*")) == sent
