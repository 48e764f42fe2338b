"""What commands print is the text itself, whatever it holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli import skillclaw

from skillclaw.cli import output


def test_plain_text_is_printed_character_for_character() -> None:
    text = "all:\n\techo :warning: [bold]hi[/bold]\n" + "word " * 60
    program = f"from skillclaw.cli import output; output.plain({text!r})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode("utf-8").replace("\r\n", "\n") == text + "\n"


def test_a_sessions_text_cannot_steer_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    output.plain("\x1b]0;title\x07\x1b[2J\x9b2J\x7fhi\tthere\n")
    shown = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x9b", "\x7f"} & set(shown)
    assert "hi␉" not in shown
    assert "hi\tthere\n" in shown


def test_a_key_in_a_remark_or_an_error_is_in_one_piece_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    command = "skillclaw hub join sc1-" + "a1 b2 c3" * 20
    output.note(f"Send them this: {command}")
    output.error("It is none.", "It was not read.", f"Say: {command}")
    assert capsys.readouterr().err.count(command) == 2


@pytest.mark.parametrize("group", [(), ("skills",), ("config",)])
def test_a_group_without_a_command_shows_its_help(tmp_path: Path, group: tuple[str, ...]) -> None:
    done = skillclaw(*group, home=tmp_path)
    assert done.returncode == 2
    said = done.stdout + done.stderr
    assert "error:" not in said
    assert "Commands:\n" in said, "each command on a line of its own"


@pytest.mark.parametrize(("width", "narrow"), [("80", False), ("40", True), ("12", True)])
def test_a_terminal_too_narrow_for_a_table_has_each_cell_on_a_line(
    width: str, narrow: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    columns = ("id", "agent", "project", "started", "steps", "outcome", "shared")
    row = ("8db9350ece3aa9cd", "claude-code", "till", "2026-11-27T21:19", 13, "failure", "no")
    output.table(columns, [row, row])
    shown = capsys.readouterr().out
    assert "8db9350ece3aa9cd" in shown
    if narrow:
        assert shown.count("agent: claude-code\n") == 2 and shown.count("outcome: failure\n") == 2
    else:
        assert shown.splitlines()[0].split() == list(columns)
