"""`skillclaw service` for macOS: the agent of launchd, and what launchd is told.

A program stands in for launchctl: it remembers what is loaded, and is slow to end it.
"""

from __future__ import annotations

import json
import os
import plistlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.errors import BadInputError, UsageError
from skillclaw.server.setup import launch_agent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="macOS has users' numbers")
LAUNCHCTL = """#!{python}
import pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "said").open("a") as said:
    said.write(" ".join(sys.argv[1:]) + "\\n")
loaded, ending = here / "loaded", here / "ending"
call = sys.argv[1]
if call == "print":
    if ending.exists():
        left = int(ending.read_text()) - 1
        ending.write_text(str(left))
        if left == 0:
            ending.unlink(), loaded.unlink()
    sys.exit(0 if loaded.exists() else 113)
if call == "bootout":
    ending.write_text("3")
if call == "bootstrap":
    if loaded.exists() or {refuses}:
        sys.stderr.write("Bootstrap failed: 5: Input/output error\\n")
        sys.exit(5)
    loaded.touch()
"""
MAC = """import sys, psutil, skillclaw.cli.app
from skillclaw.cli import main
sys.platform = "darwin"
sys.argv = ["skillclaw", *sys.argv[1:]]
main()"""


def _launchd(folder: Path, *, refuses: bool = False) -> dict[str, str]:
    folder.mkdir()
    program = folder / "launchctl"
    program.write_text(LAUNCHCTL.format(python=sys.executable, refuses=refuses))
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def _on_a_mac(home: Path, environ: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    more = {"HOME": str(home), "SKILLCLAW_HOME": str(home / ".skillclaw")} | environ
    return subprocess.run(
        [sys.executable, "-c", MAC, "service", *command],
        env=os.environ | more,
        capture_output=True,
        text=True,
    )


def test_it_is_written_started_and_taken_away(tmp_path: Path) -> None:
    environ = _launchd(tmp_path / "bin") | {"CODEX_HOME": str(tmp_path / "codex")}
    path = tmp_path / "Library/LaunchAgents/skillclaw.up.plist"
    done = _on_a_mac(tmp_path, environ, "install", "--json")
    told = json.loads(done.stdout)
    assert (told["unit"], told["active"], told["todo"]) == (str(path), True, []), done.stderr
    agent = plistlib.loads(path.read_bytes())
    home = str(tmp_path / ".skillclaw")
    assert agent["Label"] == path.stem == "skillclaw.up"
    assert agent["ProgramArguments"] == [sys.executable, "-m", "skillclaw", "up", "--json", "--home", home]
    assert agent["EnvironmentVariables"]["PATH"] == environ["PATH"]
    assert agent["EnvironmentVariables"]["CODEX_HOME"] == environ["CODEX_HOME"]
    assert agent["ExitTimeOut"] > 40  # what `skillclaw stop` waits for
    assert agent["RunAtLoad"] is True and agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["Umask"] == 0o077 and path.stat().st_mode & 0o022 == 0
    assert launch_agent.serves(path, tmp_path / ".skillclaw")
    assert not launch_agent.serves(path, tmp_path / "other")
    again = _on_a_mac(tmp_path, environ, "install")
    assert "starts again with every login" in again.stdout and "linger" not in again.stdout, again.stderr
    removed = _on_a_mac(tmp_path, environ, "remove")
    assert "does not run any more" in removed.stdout, removed.stderr
    assert not path.exists() and not (tmp_path / "bin/loaded").exists()
    domain = f"gui/{os.getuid()}"
    said = [one for one in (tmp_path / "bin/said").read_text().splitlines() if not one.startswith("print")]
    enable, start = f"enable {domain}/skillclaw.up", f"bootstrap {domain} {path}"
    end = f"bootout {domain}/skillclaw.up"
    assert said == [enable, start, enable, end, start, end]
    none = _on_a_mac(tmp_path, environ, "remove")
    assert none.returncode == 2 and "There is no such service" in none.stderr


def test_a_launchd_that_refuses_or_is_not_there_is_told_and_what_to_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, log = launch_agent.agent_file(tmp_path / "my home"), tmp_path / "log"
    monkeypatch.setenv("PATH", _launchd(tmp_path / "bin", refuses=True)["PATH"])
    done = launch_agent.install(["/bin/a"], {}, path, log)
    assert (done.active, done.why) == (False, "Bootstrap failed: 5: Input/output error")
    assert done.todo == [f"launchctl bootstrap gui/{os.getuid()} '{path}'"]
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert launch_agent.install(["/bin/a"], {}, path, log).why == "There is no launchctl here."
    assert launch_agent.remove(path, Path("/bin/a")).todo == [
        f"launchctl bootout gui/{os.getuid()}/skillclaw.up"
    ]
    assert not path.exists()
    refused = _on_a_mac(tmp_path, _launchd(tmp_path / "again", refuses=True), "install")
    assert refused.returncode == 1 and "say: launchctl bootstrap" in refused.stdout, refused.stderr


def test_an_agent_of_somebody_else_stays(tmp_path: Path) -> None:
    path = launch_agent.agent_file(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(theirs := plistlib.dumps({"Label": "skillclaw.up", "Program": "/bin/mine"}))
    with pytest.raises(UsageError, match="not written by SkillClaw"):
        launch_agent.install(["/bin/a"], {}, path, tmp_path / "log")
    with pytest.raises(UsageError, match="not written by SkillClaw"):
        launch_agent.remove(path, Path("/bin/a"))
    assert path.read_bytes() == theirs and not launch_agent.serves(path, tmp_path)
    path.write_text("no list")
    assert not launch_agent.serves(path, tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [{"a": "b"}, {}, 7, True, 1.5, b"bytes", "words", [], [[]], [{"home": 1}], [7]],
    ids=lambda one: str(one)[:12],
)
def test_an_agent_with_other_arguments_serves_no_home(tmp_path: Path, arguments: object) -> None:
    path = launch_agent.agent_file(tmp_path)
    written = launch_agent.agent_text(["/bin/a", str(tmp_path)], {}, tmp_path / "log")
    path.parent.mkdir(parents=True)
    path.write_bytes(written)
    assert launch_agent.serves(path, tmp_path)
    agent = plistlib.loads(written) | {"ProgramArguments": arguments}
    comment = written[written.index(b"<!--") : written.index(b"-->") + 3]
    path.write_bytes(plistlib.dumps(agent).replace(b"<plist", comment + b"\n<plist", 1))
    assert not launch_agent.serves(path, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"bplist00",
        b'<?xml version="1.0" encoding="foo"?><plist/>',
        b"<plist><array/></plist>",
        b"<plist></dict></plist>",
        b"<plist><date>9999-99-99T00:00:00Z</date></plist>",
        b"\xff\x00",
    ],
)
def test_a_file_that_is_no_agent_serves_no_home(tmp_path: Path, text: bytes) -> None:
    (path := tmp_path / "agent.plist").write_bytes(text)
    assert not launch_agent.serves(path, tmp_path)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4), st.text(max_size=40))
def test_any_word_is_kept_as_it_is_or_refused(arguments: list[str], value: str) -> None:
    try:
        text = launch_agent.agent_text(["/bin/program", *arguments], {"NAME": value}, Path("/l&<g"))
    except BadInputError:
        assert any(not char.isprintable() for char in "".join([*arguments, value])), (
            "only what cannot be shown"
        )
        return
    agent = plistlib.loads(text)
    assert agent["ProgramArguments"] == ["/bin/program", *arguments]
    assert agent["EnvironmentVariables"] == {"NAME": value}
    assert agent["StandardErrorPath"] == "/l&<g"
