"""Keys that only a later version knows: told by name, and what they might forbid is not done."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli import ok_json, skillclaw

from skillclaw import settings
from skillclaw.errors import BadInputError
from skillclaw.settings_unknown import known_part

LATER = """
nothing = 1
[proxy]
port = 0
porte = 1
[agents.codex]
colour = "red"
[hubs.team]
url = "/tmp/team"
mirror = { url = "x" }
"""
KEYS = ["nothing", "proxy.porte", "agents.codex.colour", "hubs.team.mirror"]


def test_they_are_passed_over_and_the_rest_holds(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(LATER, "utf-8")
    found = settings.load(tmp_path, {"SKILLCLAW_PROXY__DRAIN": "2"})
    assert found.proxy.port == 0 and found.proxy.drain == 2
    assert found.hubs["team"].url == "/tmp/team"
    tree, strange = known_part(
        settings.Settings, {"proxy": {"port": 1}, "share": {"projects": {"a.b": "off"}}}
    )
    assert not strange and tree["share"]["projects"] == {"a.b": "off"}


def test_each_is_named_with_its_place_and_stays_in_the_file(tmp_path: Path) -> None:
    home = tmp_path / ".skillclaw"
    home.mkdir()
    (home / "config.toml").write_text(LATER, "utf-8")
    done = skillclaw("config", "get", "proxy.port", "--json", home=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "0")
    for key in KEYS:
        assert f"there is no setting {key} in this version" in done.stderr
    assert "Traceback" not in done.stderr and str(home / "config.toml") in done.stderr
    notes = ok_json("config", "check", home=tmp_path)["notes"]
    assert [key for key in KEYS if any(f"there is no setting {key};" in note for note in notes)] == KEYS
    told = skillclaw("config", "set", "proxy.porte", "1", home=tmp_path)
    assert told.returncode == 2 and "There is no setting 'proxy.porte'" in told.stderr
    ok_json("config", "set", "proxy.drain", "3", home=tmp_path)
    kept = (home / "config.toml").read_text("utf-8")
    assert "porte = 1" in kept and 'colour = "red"' in kept and "drain = 3" in kept


@pytest.mark.parametrize("key", ["share.hubz", "redact.wrods", "gate.stricter"])
def test_nothing_is_sent_or_released_that_an_unknown_key_might_forbid(tmp_path: Path, key: str) -> None:
    section, name = key.split(".")
    (tmp_path / "config.toml").write_text(f"[{section}]\n{name} = 1\n", "utf-8")
    settings.stop_at_unknown(tmp_path, {}, ("proxy",))
    with pytest.raises(BadInputError, match=f"no setting {key}"):
        settings.stop_at_unknown(tmp_path, {}, (section,))
    home = tmp_path / ".skillclaw"
    home.mkdir()
    (tmp_path / "config.toml").rename(home / "config.toml")
    command = ["evolve"] if section == "gate" else ["share", "send"]
    done = skillclaw(*command, home=tmp_path)
    assert done.returncode == 1 and f"There is no setting {key} in this version" in done.stderr
