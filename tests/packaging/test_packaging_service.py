"""`skillclaw service`: the unit of the user's systemd, as a file and as a service manager is told of it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import units
from cli import fails, ok, ok_json
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.errors import BadInputError
from skillclaw.server.setup.user_unit import MARK, unit_text

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is Linux's")


def _manager(folder: Path, answers: str = "0") -> dict[str, str]:
    """A PATH whose systemctl notes what it is told and ends with `answers`."""
    folder.mkdir()
    program = folder / "systemctl"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {shlex.quote(str(folder / "said"))}\necho no bus >&2\nexit {answers}\n'
    )
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def _unit(home: Path) -> Path:
    return home / ".config/systemd/user/skillclaw.service"


def test_it_is_written_started_and_taken_away(tmp_path: Path) -> None:
    environ = _manager(tmp_path / "bin")
    told = ok_json("service", "install", home=tmp_path, environ=environ)
    assert (told["unit"], told["active"], told["todo"]) == (str(_unit(tmp_path)), True, [])
    unit = units.read(_unit(tmp_path).read_text())
    argv = shlex.split(unit["Service"]["ExecStart"][0])
    assert argv == [sys.executable, "-m", "skillclaw", "up", "--json", "--home", str(tmp_path / ".skillclaw")]
    assert float(unit["Service"]["TimeoutStopSec"][0]) > 40  # what `skillclaw stop` waits for
    assert unit["Service"]["KillSignal"] == ["SIGTERM"]
    assert unit["Install"]["WantedBy"] == ["default.target"]
    ok("service", "install", home=tmp_path, environ=environ)
    assert "does not run any more" in ok("service", "remove", home=tmp_path, environ=environ)
    assert not _unit(tmp_path).exists()
    said = (tmp_path / "bin/said").read_text().splitlines()
    start = ["--user daemon-reload", "--user enable --now skillclaw.service"]
    assert said == [*start, *start, "--user disable --now skillclaw.service", "--user daemon-reload"]
    assert "There is no such service" in fails("service", "remove", home=tmp_path, environ=environ, code=2)


def test_it_looks_for_agents_where_the_user_s_shell_does(tmp_path: Path) -> None:
    places = {
        "CLAUDE_CONFIG_DIR": str(tmp_path / "claude"),
        "CODEX_HOME": str(tmp_path / "co dex"),
        "GOOSE_PATH_ROOT": str(tmp_path / "goose"),
        "HERMES_HOME": str(tmp_path / "hermes"),
        "OPENCLAW_PROFILE": "work",
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    secret = {"ANTHROPIC_API_KEY": "sk-ant-secret", "ANTHROPIC_BASE_URL": "https://gw.example"}
    environ = _manager(tmp_path / "bin") | places | secret
    environ |= {"PI_CODING_AGENT_DIR": "pi", "PI_CODING_AGENT_SESSION_DIR": "talks"}
    ok("service", "install", home=tmp_path, environ=environ, cwd=tmp_path)
    unit = units.read(_unit(tmp_path).read_text())
    kept = dict(units.words(one)[0].split("=", 1) for one in unit["Service"]["Environment"])
    assert places.items() <= kept.items()
    assert kept["PI_CODING_AGENT_DIR"] == str(tmp_path / "pi"), "a service has another working folder"
    assert kept["PI_CODING_AGENT_SESSION_DIR"] == str(tmp_path / "talks")
    assert not {*secret, "SKILLCLAW_HOME", "HOME"} & set(kept)


def test_a_manager_that_refuses_is_told_and_what_to_say_to_it(tmp_path: Path) -> None:
    environ = _manager(tmp_path / "bin", "1")
    told = ok_json("service", "install", home=tmp_path, environ=environ)
    assert (told["active"], told["why"]) == (False, "no bus")
    assert told["todo"][-1] == "systemctl --user enable --now skillclaw.service"
    link = _unit(tmp_path).parent / "default.target.wants" / "skillclaw.service"
    link.parent.mkdir()
    link.symlink_to(_unit(tmp_path))
    ok("service", "remove", home=tmp_path, environ=environ)
    assert not link.is_symlink()


def test_a_unit_of_somebody_else_stays(tmp_path: Path) -> None:
    _unit(tmp_path).parent.mkdir(parents=True)
    _unit(tmp_path).write_text("[Service]\nExecStart=/bin/mine\n")
    environ = _manager(tmp_path / "bin")
    for what in ("install", "remove"):
        assert "not written by SkillClaw" in fails("service", what, home=tmp_path, environ=environ, code=2)
    assert _unit(tmp_path).read_text() == "[Service]\nExecStart=/bin/mine\n"
    assert not (tmp_path / "bin/said").exists()


def test_systemd_takes_it_for_a_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    path = tmp_path / "skillclaw.service"
    path.write_text(unit_text([sys.executable, "-c", "a $b %n \"c\" 'd' \\e"], {"PATH": "/a b:/c%d"}))
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


WORD = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), min_size=1, max_size=40)


@given(st.lists(WORD, min_size=1, max_size=4), WORD)
def test_any_word_is_one_word_of_the_command(arguments: list[str], value: str) -> None:
    text = unit_text(["/bin/program", *arguments], {"NAME": value})
    assert text.startswith(MARK)
    unit = units.read(text)
    (command,), (kept,) = unit["Service"]["ExecStart"], unit["Service"]["Environment"]
    assert units.words(command, variables=True) == ["/bin/program", *arguments]
    assert units.words(kept) == [f"NAME={value}"]


@pytest.mark.parametrize("control", ["\n", "\r", "\0", "\t", "\x1b", "\x85", "\u2028"])
def test_what_would_break_a_line_is_refused(control: str) -> None:
    for argv, environ in ((["/bin/a", f"b{control}"], {}), (["/bin/a"], {"B": f"{control}c"})):
        with pytest.raises(BadInputError):
            unit_text(argv, environ)
