"""`skillclaw service`: the unit of the user's systemd, as a file and as a service manager is told of it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import units
from cli import fails, ok, ok_json, skillclaw
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
    start = ["--user daemon-reload", "--user enable skillclaw.service", "--user restart skillclaw.service"]
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
    done = skillclaw("service", "install", "--json", home=tmp_path, environ=environ)
    told = json.loads(done.stdout)
    assert (done.returncode, told["active"], told["why"]) == (1, False, "no bus")
    assert told["todo"][-2:] == [
        "systemctl --user enable skillclaw.service",
        "systemctl --user restart skillclaw.service",
    ]
    link = _unit(tmp_path).parent / "default.target.wants" / "skillclaw.service"
    link.parent.mkdir()
    link.symlink_to(_unit(tmp_path))
    ok("service", "remove", home=tmp_path, environ=environ)
    assert not link.is_symlink()


NETWORK = {
    "HTTPS_PROXY": "http://proxy.lan:3128",
    "no_proxy": "localhost,.lan",
    "SSL_CERT_FILE": "certs/ca.pem",
    "SKILLCLAW_PROXY__PORT": "8123",
    "AWS_PROFILE": "team",
    "AWS_SHARED_CREDENTIALS_FILE": "~/aws",
}
SECRET = {
    "HTTP_PROXY": "http://ada:sesame@proxy.lan:3128",
    "ALL_PROXY": "socks5h://sesame@proxy.lan:1080",
    "LOCAL_KEY": "sk-secret",
    "AWS_SECRET_ACCESS_KEY": "sesame",
}
OTHER = {"OPENAI_API_KEY": "sk-other", "OSS_ACCESS_KEY_SECRET": "sesame", "SKILLCLAW_PROGRESS": "1"}


def test_it_reaches_the_network_as_here_and_no_secret_is_written(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text("")
    for key, value in (("upstreams.local.url", "https://h"), ("upstreams.local.key", "env:LOCAL_KEY")):
        ok("config", "set", key, value, home=tmp_path)
    ok("config", "set", "hubs.team.url", "s3://team/hub", home=tmp_path)
    config = {"SKILLCLAW_CONFIG": str(tmp_path / "more.toml")}
    environ = _manager(tmp_path / "bin") | NETWORK | SECRET | OTHER | config
    told = ok_json("service", "install", home=tmp_path, environ=environ, cwd=tmp_path)
    text = _unit(tmp_path).read_text()
    kept = dict(units.words(one)[0].split("=", 1) for one in units.read(text)["Service"]["Environment"])
    paths = {
        "SSL_CERT_FILE": str(tmp_path / "certs/ca.pem"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "aws"),
    }
    assert (NETWORK | config | paths).items() <= kept.items()
    assert told["lacks"] == sorted(SECRET)
    assert not {*SECRET, *OTHER} & set(kept) and "sesame" not in text and "sk-" not in text
    said = skillclaw("service", "install", home=tmp_path, environ=environ, cwd=tmp_path)
    assert "ALL_PROXY, AWS_SECRET_ACCESS_KEY, HTTP_PROXY, LOCAL_KEY: set here, secret" in said.stderr


def test_an_up_that_runs_makes_way_for_it_and_not_for_a_manager_that_refuses(tmp_path: Path) -> None:
    ok("up", "-d", "--yes", "--port", "0", home=tmp_path, environ={"PATH": ""})
    refuses = _manager(tmp_path / "refuses", "1")
    assert skillclaw("service", "install", home=tmp_path, environ=refuses).returncode == 1
    assert ok_json("status", home=tmp_path)["running"]
    try:
        ok("service", "install", home=tmp_path, environ=_manager(tmp_path / "bin"))
        assert not ok_json("status", home=tmp_path)["running"]
    finally:
        skillclaw("stop", home=tmp_path)


def test_the_service_of_another_home_stays_and_every_way_to_a_home_is_one(tmp_path: Path) -> None:
    environ = _manager(tmp_path / "bin")
    (tmp_path / "a $dollar").mkdir()
    (tmp_path / "link").symlink_to("a $dollar")
    homes = {
        name: ("--home", str(tmp_path / name / "it's 100% \\"), "--json") for name in ("a $dollar", "link")
    }
    ok("service", "install", *homes["a $dollar"], home=tmp_path, environ=environ)
    before = _unit(tmp_path).read_text()
    for what in ("install", "remove"):
        refused = fails("service", what, home=tmp_path, environ=environ, code=2)
        assert "of another home" in refused and str(tmp_path / "a $dollar") in refused
    assert _unit(tmp_path).read_text() == before
    ok("service", "install", *homes["link"], home=tmp_path, environ=environ)
    elsewhere = environ | {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    ok("service", "remove", *homes["a $dollar"], home=tmp_path, environ=elsewhere)
    assert not _unit(tmp_path).exists()


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
