"""Leaving a machine on which something is broken: agents get their settings back all the same."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from broken_disk import disk, why_none
from cli import ok, ok_json, skillclaw

PLUGIN = """
import json
from skillclaw.agents.generic import Generic
from skillclaw.agents.edits import set_keys
from skillclaw.agents.records import ConnectPlan
from skillclaw.agents.undo import restore

class Aplug(Generic):
    name = "aplug"
    title = "Aplug"
    default_upstream = "https://api.example"

    def upstream(self, env):
        return "https://api.example"

    def connect(self, env, base_url, token=""):
        path = env.home / ".aplug.json"
        edit = set_keys(path, env.read_bytes(path), "json", {("url",): base_url})
        return ConnectPlan(edits=[edit], upstream="https://api.example")

    def disconnect(self, env, record):
        return restore(env, record)
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A folder with an agent of another package; its name comes first."""
    folder = tmp_path / "packages"
    info = folder / "aplug-1.dist-info"
    info.mkdir(parents=True)
    (folder / "aplug_agents.py").write_text(PLUGIN, "utf-8")
    (info / "METADATA").write_text("Name: aplug\nVersion: 1\n", "utf-8")
    (info / "entry_points.txt").write_text("[skillclaw.agents]\naplug = aplug_agents:Aplug\n", "utf-8")
    return folder


@pytest.fixture
def user(tmp_path: Path) -> Path:
    home = tmp_path / "user"
    (home / ".claude").mkdir(parents=True)
    (home / ".claude/settings.json").write_bytes(MINE)
    return home


MINE = b'{ "model": "opus" }\n'


def settings(user: Path) -> bytes:
    return (user / ".claude/settings.json").read_bytes()


@pytest.mark.parametrize(
    "how", [("uninstall", "--yes"), ("disconnect", "--all"), ("disconnect", "aplug", "claude-code")]
)
def test_an_agent_whose_plugin_is_gone_is_put_back_and_stops_no_other(
    user: Path, plugin: Path, how: tuple[str, ...]
) -> None:
    (user / ".aplug.json").write_bytes(b'{"url": "https://mine"}')
    path = os.pathsep.join(filter(None, [str(plugin), os.environ.get("PYTHONPATH", "")]))
    ok("connect", "aplug", "claude-code", home=user, environ={"PYTHONPATH": path})
    assert b"127.0.0.1" in (user / ".aplug.json").read_bytes() and b"127.0.0.1" in settings(user)
    told = json.loads(skillclaw("doctor", "--json", home=user).stdout)
    (found,) = [one for one in told if one["subject"] == "aplug"]
    assert found["level"] == "fail" and found["mend"] == "skillclaw disconnect aplug"
    ok(*how, home=user)
    assert (user / ".aplug.json").read_bytes() == b'{"url": "https://mine"}'
    assert settings(user) == MINE


def test_an_up_whose_wanted_agent_is_gone_connects_the_others(user: Path, plugin: Path) -> None:
    (user / ".aplug.json").write_bytes(b"{}")
    path = os.pathsep.join(filter(None, [str(plugin), os.environ.get("PYTHONPATH", "")]))
    ok("connect", "aplug", "claude-code", home=user, environ={"PYTHONPATH": path})
    ok("up", "-d", "--yes", "--port", "0", home=user)
    try:
        port = ok_json("status", home=user)["port"]
        assert f"127.0.0.1:{port}/claude-code".encode() in settings(user)
    finally:
        ok("stop", home=user)
    assert settings(user) == MINE and (user / ".aplug.json").read_bytes() == b"{}"


@pytest.mark.parametrize(
    ("file", "data", "whole"),
    [
        ("sessions.db", b"garbage" * 1000, True),
        ("library.json", b'{"v": 99}', False),
        ("library.json", b"{", False),
    ],
)
def test_what_cannot_be_read_keeps_nobody_s_settings(user: Path, file: str, data: bytes, whole: bool) -> None:
    """Skills that are known to a newer version alone stay, and so does what knows of them."""
    ok("connect", "claude-code", home=user)
    (user / ".skillclaw" / file).write_bytes(data)
    ok("uninstall", "--dry-run", home=user)
    done = skillclaw("uninstall", "--yes", home=user)
    assert settings(user) == MINE
    assert (done.returncode == 0) == whole == (not (user / ".skillclaw").exists())
    if not whole:
        assert file in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("written", ["proxy = [[[", "[newthing]\nx = 1\n"])
def test_settings_that_do_not_read_make_no_other_home_of_it(user: Path, written: str) -> None:
    ok("connect", "claude-code", home=user)
    (user / ".skillclaw/config.toml").write_text(written, "utf-8")
    ok("uninstall", "--yes", home=user)
    assert settings(user) == MINE and not (user / ".skillclaw").exists()


@pytest.mark.skipif(bool(why_none()), reason=why_none())
def test_a_home_that_is_a_disk_with_lost_and_found_is_emptied(tmp_path: Path) -> None:
    """As a volume of a container; the folder is the file system's, and nobody else may look into it."""
    place = tmp_path / "volume"
    place.mkdir()
    with disk(place) as small:
        environ = {"SKILLCLAW_HOME": str(place), "HOME": str(tmp_path / "user")}
        (small.root / "lost+found").mkdir(mode=0o700)
        assert small.run("up", "-d", "--yes", "--port", "0", environ=environ).returncode == 0
        assert small.run("stop", environ=environ).returncode == 0
        links = small.root / "mine"
        links.mkdir()
        (links / "to").symlink_to("/tmp")
        done = small.run("uninstall", "--yes", environ=environ)
        assert done.returncode == 0, done.stdout + done.stderr
        assert sorted(path.name for path in small.root.iterdir()) == ["lost+found", "mine"]
        assert f"{place / 'mine'} is yours." in done.stdout and "Emptied" in done.stdout


def test_a_folder_that_nobody_may_look_into_is_not_taken_for_empty(user: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may look into all")
    ok("connect", "claude-code", home=user)
    closed = user / ".skillclaw/closed"
    closed.mkdir(mode=0o000)
    (user / ".skillclaw/identity.json").write_text('{"user": "u", "client": "c", "key": "k"}', "utf-8")
    assert f"{closed} is yours." in ok("uninstall", "--yes", home=user)
    assert closed.is_dir()


RING = """
import json, os
PATH = os.environ["FAKE_KEYRING"]
def set_password(service, name, value):
    known = json.load(open(PATH)); known[service + "/" + name] = value; json.dump(known, open(PATH, "w"))
def delete_password(service, name):
    known = json.load(open(PATH)); del known[service + "/" + name]; json.dump(known, open(PATH, "w"))
"""


def test_keys_that_config_key_stored_leave_the_keyring(user: Path, tmp_path: Path) -> None:
    """A double of the package `keyring`, whose real back ends need a desktop. The user's own entry stays."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/keyring.py").write_text(RING, "utf-8")
    ring = tmp_path / "ring.json"
    ring.write_text('{"skillclaw/mine": "k", "other/local": "k"}', "utf-8")
    path = os.pathsep.join([str(tmp_path / "packages"), os.environ.get("PYTHONPATH", "")])
    environ = {"PYTHONPATH": path, "FAKE_KEYRING": str(ring)}
    for name, key in (("local", ""), ("own", "keyring:mine"), ("torn", "")):
        ok("config", "set", f"upstreams.{name}.url", "https://h", home=user)
        if key:
            ok("config", "set", f"upstreams.{name}.key", key, home=user)
        else:
            ok("config", "key", name, home=user, environ=environ, given="sk-secret\n")
    ok("config", "key", "evolve.model", home=user, environ=environ, given="sk-secret\n")
    kept = json.loads(ring.read_text("utf-8"))
    del kept["skillclaw/torn"]  # somebody took it out by hand
    ring.write_text(json.dumps(kept), "utf-8")
    would = ok_json("uninstall", "--dry-run", home=user, environ=environ)
    assert would["keys"] == ["evolve.model", "local", "torn"]
    assert "the key local is taken out" in ok("uninstall", "--dry-run", home=user, environ=environ)
    said = ok("uninstall", "--yes", home=user, environ=environ)
    assert json.loads(ring.read_text("utf-8")) == {"skillclaw/mine": "k", "other/local": "k"}
    assert "Took the key local out of the keyring." in said and "The key torn of skillclaw stays" in said


def test_connections_that_were_made_are_told_though_one_fails(user: Path) -> None:
    (user / ".codex").mkdir()
    (user / ".codex/config.toml").write_text("model = [[[", "utf-8")
    done = skillclaw("connect", "claude-code", "codex", home=user)
    assert done.returncode == 1 and "claude-code: connected" in done.stdout
    assert "config.toml is not valid TOML" in done.stderr and "The proxy does not run" in done.stderr
    ok("disconnect", "claude-code", home=user)
    told = skillclaw("connect", "claude-code", "codex", "--json", home=user)
    assert told.returncode == 1 and [one["agent"] for one in json.loads(told.stdout)] == ["claude-code"]
