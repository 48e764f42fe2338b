"""The settings of sharing: names with dots and slashes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillclaw.errors import UsageError
from skillclaw.settings import flatten, get_value, load, set_value


@pytest.mark.parametrize(
    "name", ["till", "host.example/acme/till", "host.example/acme/*", "a project", "a.b"]
)
def test_a_project_may_have_any_name(tmp_path: Path, name: str) -> None:
    key = f"share.projects.{name}"
    assert set_value(tmp_path, key, "redacted") == "redacted"
    settings = load(tmp_path, {})
    assert settings.share.projects == {name: "redacted"}
    assert get_value(settings, key) == "redacted"
    assert flatten(settings)[key] == "redacted"
    set_value(tmp_path, key, "off")
    assert load(tmp_path, {}).share.projects == {name: "off"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("share.default", "raw"),
        ("share.projects.till", "true"),
        ("share.hubs.team", "yes"),
        ("share.people.bob", "off"),
        ("hubs.personal.url", "/x"),
        ("hubs.Team.url", "/x"),
        ("hubs.team.key", "x"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(UsageError):
        set_value(tmp_path, key, value)
    assert not (tmp_path / "config.toml").exists()
