"""`config set` changes one value of a file, or says why it cannot, and then nothing in it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from cli import fails, ok

from skillclaw.errors import BadInputError, SkillClawError, UsageError
from skillclaw.settings import load, set_value


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "9" * 5000,
        "x = " + "[" * 5000,
        "[proxy]\nport = 99999999999999999999999999\n",
        "[proxy]\nport = 2026-03-01\n",
    ],
    ids=["digits", "nesting", "large", "date"],
)
def test_a_file_that_holds_no_settings_is_told_and_left(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadInputError):
        load(tmp_path, {})
    with pytest.raises(SkillClawError):
        set_value(tmp_path, "share.default", "off")
    assert path.read_text("utf-8") == text


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    for key, value in (("redact.allow", '["\udcff"]'), ("share.projects.\udcff", "off")):
        with pytest.raises(UsageError, match="cannot be set"):
            set_value(tmp_path, key, value)
    assert not (tmp_path / "config.toml").exists()


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 5000, "{" * 5000, "2026-99-99"])
def test_a_value_that_no_parser_takes_is_told(tmp_path: Path, value: str) -> None:
    with pytest.raises(SkillClawError):
        set_value(tmp_path, "proxy.port", value)


@pytest.mark.parametrize(
    "text",
    [
        '[share]\ndefault = "redacted" # why\n[agents.codex]\nupstream = "http://h:1"\n',
        '[share.hubs]\nteam = "off"\n[proxy]\nport = 80\n[share.agents]\ncodex = "off"\n',
        "\r\n# none\r\n",
    ],
)
def test_everything_else_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode())
    wanted = tomllib.loads(text)
    set_value(tmp_path, "share.projects.app", "off")
    set_value(tmp_path, "redact.allow", '["x.example"]')
    wanted.setdefault("share", {})["projects"] = {"app": "off"}
    wanted.setdefault("redact", {})["allow"] = ["x.example"]
    assert tomllib.loads(path.read_text("utf-8")) == wanted
    assert load(tmp_path, {}).redact.allow == ("x.example",)


@pytest.mark.parametrize(
    "text", ['share = { default = "off" }\n', 'share.default = "off"\nshare.hubs.team = "off"\n']
)
def test_a_layout_that_takes_no_table_is_left(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    try:
        set_value(tmp_path, "share.projects.app", "off")
    except BadInputError:
        assert path.read_text("utf-8") == text
    assert load(tmp_path, {}).share.default == "off"


def test_what_opens_a_hubs_address_is_told_by_get_alone(tmp_path: Path) -> None:
    url = "s3://skills/team?aws_access_key_id=AKIDEXAMPLE&aws_secret_access_key=onlyMine0123456789&region=eu"
    ok("config", "set", "hubs.team.url", url, home=tmp_path)
    for form in ([], ["--json"]):
        told = ok("config", "show", *form, home=tmp_path)
        assert "s3://skills/team?..." in told and "onlyMine" not in told and "AKIDEXAMPLE" not in told
    assert ok("config", "get", "hubs.team.url", home=tmp_path).strip() == url
    for odd in ("s3://AKIA:wJalr/onlyMine@bucket/x", "https://u:onlyMine#KEY@h/x", "file://u:onlyMine@h/x"):
        (tmp_path / ".skillclaw" / "config.toml").write_text(f'[hubs.team]\nurl = "{odd}"\n', "utf-8")
        assert "onlyMine" not in ok("config", "show", home=tmp_path)
    ok("config", "set", "evolve.model.url", "http://127.0.0.1:9100/v1/", home=tmp_path)
    assert "http://127.0.0.1:9100/v1/\n" in ok("config", "show", home=tmp_path)


@pytest.mark.parametrize(
    ("key", "url"),
    [
        ("agents.opencode.upstream", "https://gate.example/v1/***/gw/anthropic"),
        ("agents.opencode.upstream", "https://gate.example/v1?..."),
        ("upstreams.gate.url", "https://gate.example/***/v1"),
        ("evolve.cli.upstream", "https://gate.example/***/v1"),
        ("hubs.team.url", "s3://skills/team?..."),
        ("hub.url", "s3://...@bucket/x"),
    ],
)
def test_an_address_as_it_is_shown_is_refused(tmp_path: Path, key: str, url: str) -> None:
    told = fails("config", "set", key, url, home=tmp_path, code=2)
    assert "This address is not whole." in told
    assert not (tmp_path / ".skillclaw" / "config.toml").exists()


def test_no_hub_is_made_where_a_shown_address_leads(tmp_path: Path) -> None:
    for url in ("s3://skills/team?...", "s3://...@bucket/x"):
        assert "not whole" in fails("hub", "init", url, home=tmp_path, code=2)


def test_addresses_with_options_are_taken(tmp_path: Path) -> None:
    for key, url in (
        ("hubs.team.url", "s3://skills/team?region=eu"),
        ("agents.opencode.upstream", "https://gate.example/a...b/v1?version=2"),
    ):
        ok("config", "set", key, url, home=tmp_path)
        assert ok("config", "get", key, home=tmp_path).strip() == url
