"""`doctor --deep` of a home in use where a file is gone, and of homes where none is gone yet."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from cli import ok, skillclaw

from skillclaw.server.deep.missing import missing
from skillclaw.server.deep.records import Check
from skillclaw.server.setup.consent import agree
from skillclaw.server.setup.wishes import want

pytestmark = pytest.mark.live


def report(home: Path) -> dict[str, Any]:
    done = skillclaw("doctor", "--deep", "--json", home=home)
    assert "Traceback" not in done.stderr, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def told(home: Path) -> dict[str, str]:
    return {check.subject: check.level for check in missing(home / ".skillclaw")}


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with sessions, a cycle and the user's yes."""
    home = tmp_path_factory.mktemp("used")
    many = [session("ada", n, "run the tests", [Ran("npm test", 0, "ok")]) for n in range(2)]
    ok("import", str(write(home / "s.jsonl", many)), home=home)
    ok("evolve", home=home)
    ok("config", "set", "proxy.port", "0", home=home)
    want(home / ".skillclaw", ["codex"], history_only=True)
    agree(home / ".skillclaw")
    return home


@pytest.fixture
def home(used: Path, tmp_path: Path) -> Path:
    shutil.copytree(used / ".skillclaw", tmp_path / ".skillclaw")
    return tmp_path


@pytest.mark.parametrize("name", ["sessions.db", "identity.json", "consent.json"])
def test_what_is_gone_is_told_with_what_it_costs_and_what_to_do(home: Path, name: str) -> None:
    assert told(home) == {}
    for path in (home / ".skillclaw").glob(f"{name}*"):
        path.unlink()
    found = report(home)
    assert found["ok"] is False
    (check,) = [one for one in found["checks"] if one["subject"] == name]
    assert check["level"] == "fail"
    assert check["text"].startswith("is gone: ")
    assert "skillclaw " in check["mend"]
    assert not (home / ".skillclaw" / name).exists(), "a look makes nothing"


def test_only_the_database_is_gone_and_its_log_is_left(home: Path) -> None:
    own = home / ".skillclaw"
    for path in [*own.glob("*.db*"), own / "canaries.json", own / "counts.json"]:
        path.unlink(missing_ok=True)
    assert told(home) == {"sessions.db": "warn"}
    (own / "sessions.db-wal").touch(mode=0o600)
    assert told(home) == {"sessions.db": "fail"}


def test_all_three_are_gone(home: Path) -> None:
    for name in ("sessions.db", "identity.json", "consent.json"):
        (home / ".skillclaw" / name).unlink()
    assert told(home) == {"sessions.db": "fail", "identity.json": "fail", "consent.json": "fail"}


def test_an_identity_is_missed_where_sessions_are(home: Path) -> None:
    own = home / ".skillclaw"
    for name in ("evolve.db", "canaries.json", "counts.json", "credentials.seen", "identity.json"):
        (own / name).unlink(missing_ok=True)
    assert told(home) == {"identity.json": "fail"}


def test_a_yes_is_missed_where_up_had_it_or_may_have(home: Path) -> None:
    own = home / ".skillclaw"
    (own / "consent.json").unlink()
    (own / "wanted.json").write_text('{"v": 1, "proxy": ["codex"]}')
    assert told(home) == {"consent.json": "warn"}
    (own / "run" / "up.json").write_text('{"pid": 999999999, "agreed": true}')
    assert told(home) == {"consent.json": "fail"}
    (own / "run" / "up.json").write_text('{"pid": 999999999, "agreed": false}')
    assert told(home) == {"consent.json": "warn"}
    (own / "wanted.json").unlink()
    assert told(home) == {}, "who only imports never agreed to anything"


NEW: dict[str, Callable[[Path], object]] = {
    "nothing": lambda home: (home / ".skillclaw").mkdir(),
    "settings": lambda home: ok("config", "set", "proxy.port", "0", home=home),
    "a list of nothing": lambda home: ok("sessions", "list", home=home),
    "a group": lambda home: ok("hub", "init", str(home / "g"), "--name", "t", "--evolver", home=home),
    "an import": lambda home: ok(
        "import",
        str(write(home / "s.jsonl", [session("ada", 1, "run", [Ran("ls", 0, "a")])])),
        home=home,
    ),
    "a cycle": lambda home: ok("evolve", home=home),
}


@pytest.mark.parametrize("what", NEW)
def test_a_home_that_is_new_lacks_nothing(tmp_path: Path, what: str) -> None:
    NEW[what](tmp_path)
    assert told(tmp_path) == {}


def test_what_cannot_be_read_is_told_elsewhere(home: Path) -> None:
    own = home / ".skillclaw"
    for name in ("sessions.db", "wanted.json"):
        (own / name).write_bytes(b"none")
    (own / "consent.json").unlink()
    checks: list[Check] = missing(own)
    assert all(check.level in ("fail", "warn") for check in checks)
