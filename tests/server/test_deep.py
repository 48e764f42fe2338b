"""`skillclaw doctor --deep`: it finds what is wrong, and tells nothing that is private."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from cli import ok, ok_json, skillclaw
from group import Group
from hypothesis import given
from hypothesis import strategies as st
from kept_homes import unpacked

from skillclaw.server.deep import masking
from skillclaw.server.deep.hubs import clock
from skillclaw.server.deep.running import logs

pytestmark = pytest.mark.live

SECRETS = {
    "user": "wilhelmina",
    "folder": "project-falcon",
    "session": "blue-heron-tells-all",
    "url_user": "svc-hub-account",
    "url_password": "hunter2hunter2",
    "url_host": "storage.acme-internal.example",
    "bucket": "acme-quarterly-numbers",
    "hub": "acmeteam",
    "upstream": "acmegateway",
    "model": "acme-secret-model",
    "word": "CustomerZebra",
    "path": "very-private-place",
    "env": "sk-live-0123456789abcdef",
    "log": "the-log-said-this",
    "skill": "fold-the-napkins",
}


LINE = "2026-11-27 10:00:00,000 ERROR"


def report(home: Path, *, code: int | None = None, **environ: str) -> dict[str, Any]:
    done = skillclaw("doctor", "--deep", "--json", home=home, environ=environ)
    assert "Traceback" not in done.stderr, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if found["ok"] else 1)
    assert code in (None, done.returncode), found
    for kind, secret in SECRETS.items():  # whatever is broken
        assert secret.casefold() not in (done.stdout + done.stderr).casefold(), kind
    for check in found["checks"]:
        assert check["level"] == "ok" or check["mend"], check
    return found


def levels(found: dict[str, Any]) -> dict[str, str]:
    return {f"{check['group']} {check['subject']}": check["level"] for check in found["checks"]}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / SECRETS["user"]
    made.mkdir()
    one = session("", 1, SECRETS["session"], [Ran("cat " + SECRETS["session"], 0, SECRETS["session"])])
    one["session_id"] = "native-1"
    ok("import", str(write(made / "s.jsonl", [one])), home=made)
    return made


def test_no_secret_of_the_home_is_in_the_report(home: Path, tmp_path: Path) -> None:
    own = home / ".skillclaw"
    group = Group.make(tmp_path / SECRETS["path"])
    group.admit(home, SECRETS["hub"])
    config = own / "config.toml"
    config.write_text(
        config.read_text()
        + f"""
[hubs.{SECRETS["hub"]}2]
url = "s3://{SECRETS["bucket"]}/x?endpoint=https://{SECRETS["url_user"]}:{SECRETS["url_password"]}@127.0.0.1:1&retries=0&access_key_id=A&secret_access_key={SECRETS["url_password"]}"
[upstreams.{SECRETS["upstream"]}]
url = "https://{SECRETS["url_host"]}/{SECRETS["path"]}"
key = "env:{SECRETS["upstream"]}"
[upstreams.{SECRETS["upstream"]}.models]
"{SECRETS["model"]}.v1" = "{SECRETS["model"]}"
[agents.codex]
upstream = "{SECRETS["upstream"]}"
[share.projects]
"{SECRETS["url_host"]}/{SECRETS["folder"]}" = "redacted"
[share]
default = "redacted"
[redact]
words = ["{SECRETS["word"]}"]
rules = {{ {SECRETS["word"].lower()} = "{SECRETS["word"]}" }}
[sync]
targets = ["{home}/{SECRETS["folder"]}", "~/{SECRETS["folder"]}"]
[proxy]
port = 9123
"""
    )
    for name, text in {
        f"quarantine/{SECRETS['skill']}/SKILL.md": SECRETS["session"],
        "logs/up.log": f"{LINE} {SECRETS['log']}\n  File x\nValueError\n{SECRETS['log']}\n",
        "run/up.json": json.dumps({"errors": {SECRETS["log"]: SECRETS["log"]}}),
        "serve/token": SECRETS["env"],
    }.items():
        path = own / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (own / "serve" / "token").chmod(0o644)
    done = skillclaw("doctor", "--deep", home=home, environ={"ACME_API_KEY": SECRETS["env"]})
    assert done.returncode == 1, done.stdout
    found = report(home, ACME_API_KEY=SECRETS["env"])
    for text in (done.stdout, done.stderr, json.dumps(found)):
        for kind, secret in SECRETS.items():
            assert secret.casefold() not in text.casefold(), kind
        assert str(tmp_path) not in text
    settings = found["settings"]
    assert settings["proxy.port"] == "9123"
    assert settings["share.default"] == "redacted"
    assert settings["agents.codex.upstream"] == "<text>"
    assert "<list of 2>" in settings.values()
    assert "https://<host>/<...>" in settings.values() and "env:<name>" in settings.values()
    seen = levels(found)
    assert seen["files modes"] == "fail"
    assert seen["hubs group 1"] == "ok"
    assert seen["hubs group 2"] == "fail"
    assert seen["network upstream 1"] == "warn", "a name that there is not"
    assert seen["running log up"] == "warn"
    (line,) = [one["text"] for one in found["checks"] if one["subject"] == "log up"]
    assert line == "1 error; kinds: ValueError 1"


def test_a_sound_home_is_sound(home: Path) -> None:
    ok("config", "set", "proxy.port", "0", home=home)  # others' tests listen at the usual one
    found = report(home, code=0)
    assert levels(found)["data sessions.db"] == levels(found)["files writing"] == "ok"
    assert "1 sessions, 1 decoded" in json.dumps(found)
    assert found["facts"]["skillclaw"]


def test_damage_is_found_each_in_its_place(home: Path) -> None:
    own = home / ".skillclaw"
    with sqlite3.connect(own / "sessions.db") as db:
        db.execute("UPDATE sessions SET body = ?", (SECRETS["session"].encode(),))
    db.close()
    broken: dict[str, Any] = {
        "hubs.json": {"v": 2, SECRETS["url_host"]: SECRETS["bucket"]},
        "wanted.json": {"v": 2, "x": SECRETS["word"]},
        "sharing.json": {"v": 1, "grants": SECRETS["folder"], SECRETS["hub"]: [SECRETS["folder"]]},
        "connections.json": {"agents": {SECRETS["path"]: 1}},
    }
    for name, said in broken.items():
        (own / name).write_text(json.dumps(said))
    (own / "library.json").write_text('{"' + SECRETS["skill"])
    (own / "consent.json").write_text(SECRETS["word"])
    (own / "journal").mkdir(mode=0o700)
    for number in (1, 2):
        (own / "journal" / f"{number:08d}.seg").write_bytes(b"SKCJRNL\x01" + SECRETS["session"].encode())
    (own / "identity.json").chmod(0o644)
    old = own / ".library-aa.new"
    old.touch(mode=0o600)
    os.utime(old, (time.time() - 1e5,) * 2)
    seen = levels(report(home, code=1))
    assert seen["data sessions.db"] == "fail"
    assert seen["data library"] == "fail"
    assert seen["data journal"] == "warn"
    assert seen["formats hubs.json"] == "fail"
    assert seen["formats sharing.json"] == seen["formats consent.json"] == "fail"
    assert seen["formats wanted.json"] == "fail"
    assert seen["files modes"] == "fail"
    assert seen["files leftovers"] == "warn"


BROKEN = {
    "the keys are gone": ("keys", "hubs personal keys", "hubs group 1 keys"),
    "the owner's key is gone": ("keys/*/owner.key", "hubs personal keys"),
    "keys are none": ("keys/*/*.key", "hubs personal keys", "hubs group 1 keys"),
    "objects of the hub are gone": ("hub/objects/*", "hubs personal"),
    "the hub is gone": ("hub", "hubs personal"),
    "the sessions were cut off": ("sessions.db*", "data sessions.db"),
}


def test_what_is_gone_is_told(tmp_path: Path) -> None:
    """On a machine with a hub of its own and a group, one thing after the other."""
    home = unpacked("v0.1", tmp_path)
    own, kept = home / ".skillclaw", tmp_path / "kept"
    ok("config", "set", "proxy.port", "0", home=home)
    assert report(home, code=0)["ok"]
    shutil.copytree(own, kept)
    for what, (pattern, *wrong) in BROKEN.items():
        for path in list(own.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            elif what == "keys are none":
                path.write_text(SECRETS["env"])
            else:
                path.unlink()
        if what == "the sessions were cut off":
            (own / "sessions.db").touch(mode=0o600)
        seen = levels(report(home, code=1))
        assert {name for name, level in seen.items() if level == "fail"} == set(wrong), what
        shutil.rmtree(own)
        shutil.copytree(kept, own)


def test_a_database_that_is_none_and_settings_that_are_none(home: Path) -> None:
    own = home / ".skillclaw"
    (own / "sessions.db").write_bytes(SECRETS["session"].encode() * 100)
    for end in ("-wal", "-shm"):
        (own / f"sessions.db{end}").unlink(missing_ok=True)
    (own / "config.toml").write_text(f"secret-line-here = '{SECRETS['url_password']}")
    found = report(home, code=1)
    assert levels(found)["data sessions.db"] == "fail"
    assert levels(found)["settings settings"] == "fail"
    assert "secret-line-here" not in json.dumps(found)


def test_a_home_that_is_not_there(tmp_path: Path) -> None:
    report(tmp_path, code=1)
    assert not (tmp_path / ".skillclaw").exists()


def test_a_look_changes_nothing(home: Path) -> None:
    def kept() -> dict[str, bytes]:
        found = (home / ".skillclaw").rglob("*")
        return {str(path): path.read_bytes() for path in found if path.is_file() and path.suffix == ".json"}

    before = kept()
    report(home)
    assert kept() == before


def test_a_look_at_what_an_older_version_wrote_changes_nothing(tmp_path: Path) -> None:
    home = unpacked("v0.1", tmp_path)
    found = list((home / ".skillclaw").rglob("sessions.db"))
    before = {path: path.read_bytes() for path in found}
    report(home)
    assert before and {path: path.read_bytes() for path in found} == before
    assert not (home / ".skillclaw" / "run").exists()


def test_deep_is_of_everything(home: Path) -> None:
    done = skillclaw("doctor", "codex", "--deep", home=home)
    assert done.returncode == 2
    assert ok_json("doctor", home=home) is not None


def test_a_clock_that_is_behind_is_told() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert not clock("personal", now + timedelta(minutes=4), now)
    assert not clock("personal", None, now)
    (one,) = clock("personal", now + timedelta(hours=1), now)
    assert one.level == "fail" and "60 minutes" in one.text


def test_kinds_of_errors_are_those_that_are_known(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "up.log").write_text(
        f"{LINE} x\nStorageError\nafter OSError\nMyNameError\nzebra\nprint\n"
    )
    (one,) = logs(tmp_path)
    assert one.text == "1 error; kinds: OSError 1, StorageError 1"


@given(st.text(min_size=1), st.text(alphabet="abcxyz/.:~@", min_size=1))
def test_no_text_of_a_setting_is_shown(free: str, place: str) -> None:
    for text in (free, place, f"https://{place}", f"~/{free}"):
        shown = masking.shown_value(text, ())
        assert shown in {
            "<text>",
            "<path>",
            "~/<path>",
            "<empty>",
            "env:<name>",
            "keyring:<name>",
        } or shown.endswith("/<...>"), shown
        if shown.endswith("/<...>"):
            assert shown.split("://")[1].split("/")[0] in {"<host>", "localhost", "127.0.0.1"}


def test_the_net_takes_words_and_leaves_parts_of_words() -> None:
    assert masking.netted("ada has /home/ada/x, adam not", {"ada", "/home/ada"}) == (
        "<masked> has <masked>/x, adam not"
    )
    assert masking.netted("me", {"me"}) == "me"
