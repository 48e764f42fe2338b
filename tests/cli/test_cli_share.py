"""`share` and its kin as scripts rely on them: JSON as in docs/schemas.json, exit codes, errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cli import fails, ok, ok_json, skillclaw
from group import Group, imported

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "schemas.json").read_text("utf-8"))


def check(record: str, *values: Any) -> None:
    """The values are as docs/schemas.json says, with all fields."""
    for value in values:
        jsonschema.validate(value, {"$ref": f"#/$defs/{record}", **DOCUMENT})
        assert set(value) == set(DOCUMENT["$defs"][record]["properties"])


@pytest.fixture
def ada(tmp_path: Path) -> Path:
    home = tmp_path / "ada"
    home.mkdir()
    Group.make(tmp_path).admit(home)
    return home


@pytest.mark.slow
def test_every_output_is_as_the_schemas_say(ada: Path) -> None:
    (key,) = imported(ada, 1)
    check("Previewed", ok_json("sessions", "preview", key, home=ada))
    check("Changed", ok_json("share", "allow", "--hub", "team", "--project", "till", "--past", home=ada))
    found = ok_json("share", "status", home=ada)
    check("ShareStatus", found)
    check("HubStatus", *found["hubs"])
    check("ShareRow", *found["rows"])
    check("Previewed", ok_json("sessions", "preview", key, "--hub", "team", home=ada))
    check("HubShare", *ok_json("share", "send", "--hub", "team", home=ada))
    check("Receipt", *ok_json("sessions", "receipts", home=ada))
    check("Changed", ok_json("share", "deny", "--hub", "team", home=ada))
    check("Forgot", ok_json("sessions", "forget", key, "--dry-run", home=ada))
    check("Forgot", ok_json("sessions", "forget", key, "--yes", home=ada))
    grants = json.loads((ada / ".skillclaw" / "sharing.json").read_text("utf-8"))
    check("Grants", grants)
    for grant in grants["grants"].values():
        jsonschema.validate(grant, {"$ref": "#/$defs/Grant", **DOCUMENT})


@pytest.mark.slow
def test_help_names_the_common_options(tmp_path: Path) -> None:
    commands = (
        "share status",
        "share allow",
        "share deny",
        "share send",
        "sessions receipts",
        "sessions share",
    )
    for command in commands:
        text = ok(*command.split(), "--help", home=tmp_path)
        assert all(option in text for option in ("--home", "--json", "--debug")), command
    assert not (tmp_path / ".skillclaw").exists()


@pytest.mark.slow
def test_wrong_usage_is_told_and_changes_nothing(ada: Path) -> None:
    (key,) = imported(ada, 1)
    before = (ada / ".skillclaw" / "config.toml").read_bytes()
    for args in (
        ("share", "allow"),
        ("share", "deny"),
        ("share", "allow", "--hub", "nowhere"),
        ("share", "allow", "--hub", "personal"),
        ("share", "allow", "--project", "till", "--past"),
        ("share", "status", "--hub", "nowhere"),
        ("share", "send", "--hub", "nowhere"),
        ("sessions", "share", key),
        ("sessions", "share", key, "--never", "--allow"),
        ("sessions", "preview", key, "--hub", "nowhere"),
    ):
        fails(*args, home=ada, code=2)
    fails("share", "allow", "--project", " ", home=ada)
    fails("sessions", "receipts", key, home=ada)
    assert (ada / ".skillclaw" / "config.toml").read_bytes() == before


def test_a_damaged_memory_of_consent_shares_nothing(ada: Path, tmp_path: Path) -> None:
    imported(ada, 1)
    ok("config", "set", "share.default", "redacted", home=ada)
    ok("share", "allow", "--hub", "team", "--past", home=ada)
    path = ada / ".skillclaw" / "sharing.json"
    path.write_text("{", "utf-8")
    fails("share", "send", home=ada)
    assert "Delete it" in fails("share", "status", home=ada)
    path.unlink()
    assert ok_json("share", "send", home=ada)[0]["sent"] == 0, "what was allowed counts from now on"
    assert not (tmp_path / "group" / "sessions").exists()


@pytest.mark.slow
def test_a_hub_that_is_no_hub_is_told(ada: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ok("config", "set", "hubs.other.url", str(tmp_path / "empty"), home=ada)
    assert "no hub" in fails("share", "allow", "--hub", "other", home=ada)
    assert list((tmp_path / "empty").iterdir()) == [], "none is made either"
    assert "no hub" in ok("share", "status", home=ada)


@pytest.mark.slow
def test_an_environment_that_overrules_is_told(ada: Path) -> None:
    done = skillclaw(
        "share", "deny", "--hub", "team", home=ada, environ={"SKILLCLAW_SHARE__HUBS__TEAM": "redacted"}
    )
    assert done.returncode == 2
    assert "environment" in done.stderr


def test_without_sharing_nothing_is_written_for_it(tmp_path: Path) -> None:
    imported(tmp_path, 1)
    assert "nothing is shared" in ok("share", "status", home=tmp_path)
    assert ok_json("share", "send", home=tmp_path) == []
    assert not (tmp_path / ".skillclaw" / "sharing.json").exists()
