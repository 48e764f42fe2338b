"""The present code reads what every released version wrote, and stops at what a newer one did."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli import fails, ok, ok_json, skillclaw
from kept_homes import HOMES, unpacked

from skillclaw.hub import Hub, keys
from skillclaw.journal import reader
from skillclaw.server.setup.consent import agreed, followed
from skillclaw.server.setup.wishes import wishes

pytestmark = pytest.mark.live

VERSIONS = sorted(path.name.removesuffix(".tar.zst") for path in HOMES.glob("*.tar.zst"))


def test_the_present_version_has_a_kept_home() -> None:
    from skillclaw import __version__

    assert f"v{'.'.join(__version__.split('.')[:2])}" in VERSIONS


def entries(log: Path) -> list[dict[str, Any]]:
    """The entries of a log, those in packs too."""
    found: list[dict[str, Any]] = []
    for path in sorted(log.iterdir()):
        if not path.name.startswith("checkpoint-"):
            one = json.loads(path.read_bytes())
            found += [json.loads(entry) for entry in one["entries"]] if "entries" in one else [one]
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_everything_in_it_is_read(tmp_path: Path, version: str) -> None:
    home = unpacked(version, tmp_path)
    own = home / ".skillclaw"
    sessions = ok_json("sessions", "list", home=home)
    assert len(sessions) >= 4
    assert ok_json("sessions", "show", sessions[0]["id"], home=home)
    skills = ok_json("skills", "list", home=home)
    assert [skill["name"] for skill in skills] == ["run-tests-till"]
    assert "run-tests-till" in ok("skills", "show", "run-tests-till", home=home)
    assert ok_json("skills", "evidence", "run-tests-till", home=home)
    exchanges = [exchange.id for exchange, _ in reader.read(own / "journal")]
    assert exchanges == [f"{number:016x}" for number in (1, 2, 3)]
    verified = ok_json("hub", "verify", "--all", home=home)
    assert {row["hub"]: row["problems"] for row in verified["hubs"]} == {"personal": [], "team": []}
    assert {entry.get("v", 1) for entry in entries(tmp_path / "group" / "log")} == {1, 2}
    assert wishes(own).history == ["claude-code"]
    assert agreed(own) and followed(own) == ["claude-code"]
    # the copies are as they were written, and a sync finds nothing to do
    ok_json("sync", home=home)
    rows = ok_json("skills", "edit-status", home=home)
    assert rows and {row["state"] for row in rows} == {"installed"}
    ok("config", "set", "proxy.port", "0", home=home)  # others' tests listen at the usual one
    report = ok_json("doctor", "--deep", home=home)
    assert report["ok"], report["checks"]
    evolved = ok_json("evolve", home=home)
    assert evolved["sessions"] == len(sessions)
    ok_json("evolve", "--hub", "team", home=home)


@pytest.mark.parametrize("version", VERSIONS)
def test_wishes_and_consent_as_they_were_written_first(tmp_path: Path, version: str) -> None:
    own = unpacked(version, tmp_path) / ".skillclaw"
    (own / "wanted.json").write_text('["codex"]')
    (own / "consent.json").write_text('{"agreed": true, "time": "2026-11-01T00:00:00+00:00"}')
    assert wishes(own).proxy == ["codex"]
    assert agreed(own)
    assert followed(own) is None


def newer(name: str) -> Callable[[Path], None]:
    """Mark a JSON file of the home with a newer format."""

    def change(home: Path) -> None:
        path = home / ".skillclaw" / name
        found = json.loads(path.read_text("utf-8")) if path.exists() else {}
        path.write_text(json.dumps({**found, "v": 99}), "utf-8")

    return change


def newer_database(home: Path) -> None:
    db = sqlite3.connect(home / ".skillclaw" / "sessions.db")
    db.execute("PRAGMA user_version = 99")
    db.commit()
    db.close()


def newer_log(home: Path) -> None:
    """An entry of a later format, signed by a key of the group."""
    own = home / ".skillclaw"
    hub = Hub.open(str(own / "hub"), own / "keys", own / "hubs.json")
    state = hub.state()
    key = keys.load(own / "keys", state.group, "owner")
    assert key is not None
    raw: dict[str, Any] = {
        "body": {"what": "nobody knows yet"},
        "kind": "something",
        "prev": state.head,
        "seq": state.seq + 1,
        "signer": keys.public_hex(key),
        "time": "2027-01-01T00:00:00Z",
        "v": 99,
    }
    from skillclaw.hub import log

    raw["sig"] = keys.sign(key, log._signed(state.group, raw))
    data = json.dumps(raw, sort_keys=True, separators=(",", ":")).encode()
    (own / "hub" / log.key_of(state.seq + 1)).write_bytes(data)


PLACES: dict[str, tuple[Callable[[Path], None], list[list[str]]]] = {
    "sessions.db": (
        newer_database,
        [["sessions", "list"], ["evolve"], ["sessions", "forget", "--all", "--yes"]],
    ),
    "library.json": (newer("library.json"), [["sync"], ["skills", "edit-status"], ["evolve"]]),
    "hubs.json": (newer("hubs.json"), [["sync"], ["hub", "verify"]]),
    "identity.json": (newer("identity.json"), [["evolve"]]),
    "sharing.json": (newer("sharing.json"), [["share", "status"]]),
    "wanted.json": (newer("wanted.json"), [["disconnect", "--all"], ["evolve", "--hub", "team"]]),
    "consent.json": (newer("consent.json"), [["disconnect", "--all"]]),
    "connections.json": (newer("connections.json"), [["disconnect", "--all"]]),
    "hub/hub.json": (newer("hub/hub.json"), [["hub", "verify"], ["sync"]]),
    "hub/log": (newer_log, [["hub", "verify"], ["evolve"], ["skills", "rollback", "run-tests-till"]]),
}


PASSING = frozenset({"catalogue.db", "evolve.db", "sessions.db", "library.past.jsonl"})
"""Databases, whose bytes change by being opened, and what a sync notes of the day."""


def everything(home: Path) -> dict[str, str]:
    """Hashes of all files of the home and its skills, but those that only pass."""
    found = {}
    for path in sorted(home.rglob("*")):
        passing = path.suffix in (".lock", ".log") or path.name.endswith(("-wal", "-shm", ".state.json"))
        if path.is_file() and not passing and path.name not in PASSING and path.parent.name != "run":
            found[str(path.relative_to(home))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def settled(place: Path) -> Path:
    """The newest kept home, with no message in its group's inbox: whatever stops, a `sync` takes those in."""
    home = unpacked(VERSIONS[-1], place)
    ok("hub", "inbox", home=home)
    return home


@pytest.mark.parametrize("place", PLACES)
def test_a_newer_format_stops_it_cleanly_and_stays(tmp_path: Path, place: str) -> None:
    home = settled(tmp_path)
    change, commands = PLACES[place]
    change(home)
    before = everything(home)
    for command in commands:
        done = skillclaw(*command, home=home)
        said = (done.stdout + done.stderr).casefold()
        assert done.returncode == 1, (command, done.stdout, done.stderr)
        assert "upgrade" in said, (command, said)
        assert "Traceback" not in done.stderr
        assert everything(home) == before, command
    found = skillclaw("doctor", "--deep", "--json", home=home)
    assert found.returncode == 1
    assert "newer" in found.stdout


def test_a_newer_backup_stops_it_too(tmp_path: Path) -> None:
    from backups import archive

    from skillclaw.server.backup.records import Head

    file = archive(tmp_path / "f", [], head=Head(format=99, version="9.0"))
    assert "Upgrade" in fails("restore", str(file), home=tmp_path)
