"""Configured upstreams in the settings: what is taken, what is refused, and that no key gets in."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillclaw.errors import BadInputError, UsageError
from skillclaw.settings import flatten, get_value, load, set_value

SECRET = "sk-live-0123456789abcdef"


def test_a_table_is_built_key_by_key(tmp_path: Path) -> None:
    for key, value in {
        "upstreams.spare.url": "https://spare.example",
        "upstreams.local.url": "http://127.0.0.1:8000/v1",
        "upstreams.local.protocol": "responses",
        "upstreams.local.key": "keyring:local",
        "upstreams.local.models.gpt-4.1": "qwen",
        "upstreams.local.models.claude-*": "1.5",
        "upstreams.local.fallback": '["spare"]',
        "upstreams.local.retries": "0",
        "agents.codex.upstream": "local",
        "agents.codex.inject": "true",
        "agents.generic.inject": "bodies",
    }.items():
        set_value(tmp_path, key, value)
    settings = load(tmp_path, {})
    local = settings.upstreams["local"]
    assert (local.protocol, local.key, local.retries, local.fallback) == (
        "responses",
        "keyring:local",
        0,
        ("spare",),
    )
    assert local.models == {"gpt-4.1": "qwen", "claude-*": "1.5"}
    assert (settings.agents["codex"].upstream, settings.agents["codex"].inject) == ("local", True)
    assert settings.agents["generic"].inject == "bodies"
    for key, value in flatten(settings).items():
        assert get_value(settings, key) == value


@pytest.mark.parametrize(
    "value", [SECRET, "Bearer x", "env:", "env:1X", "keyring:", f"env:{SECRET}", " env:X"]
)
def test_a_key_is_refused_without_being_repeated(tmp_path: Path, value: str) -> None:
    set_value(tmp_path, "upstreams.local.url", "https://h")
    before = (tmp_path / "config.toml").read_bytes()
    with pytest.raises(UsageError) as caught:
        set_value(tmp_path, "upstreams.local.key", value)
    assert SECRET not in str(caught.value)
    assert "skillclaw config key local" in caught.value.todo
    assert (tmp_path / "config.toml").read_bytes() == before


def test_a_key_written_into_the_file_by_hand_is_refused_without_being_repeated(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'[upstreams.local]\nkey = "{SECRET}"\n', "utf-8")
    with pytest.raises(BadInputError) as caught:
        load(tmp_path, {})
    assert SECRET not in str(caught.value)
    assert "never the key itself" in caught.value.what


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("agents.codex.upstream", "gone", "Upstreams that are set: local, spare."),
        ("agents.codex.upstream", "Local", "or the name of a table under upstreams"),
        ("upstreams.local.fallback", '["gone"]', "names 'gone'"),
        ("upstreams.local.fallback", '["local"]', "names 'local'"),
        ("upstreams.local.protocol", "smtp", "one of: anthropic, chat"),
        ("upstreams.local.url", f"https://me:{SECRET}@h/v1", "without a user or key in it"),
        ("upstreams.local.url", "https://h/v1?key=x", "without a user or key in it"),
        ("upstreams.local.retries", "11", "11"),
        ("upstreams.local.longest_wait", "0", "above 0"),
        ("upstreams.No Good.url", "https://h", "is not a name"),
        ("upstreams.local.models", "x", "config set upstreams.local.models.NAME NAME"),
        ("agents.codex.inject", "sometimes", "inject"),
    ],
)
def test_what_does_not_fit_is_refused_and_says_why(tmp_path: Path, key: str, value: str, says: str) -> None:
    for name in ("local", "spare"):
        set_value(tmp_path, f"upstreams.{name}.url", "https://h")
    before = (tmp_path / "config.toml").read_bytes()
    with pytest.raises(UsageError) as caught:
        set_value(tmp_path, key, value)
    assert says in str(caught.value), str(caught.value)
    assert (tmp_path / "config.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("upstreams.local.api_key", SECRET),
        ("upstreams.local.url", f"https://me:{SECRET}@h/v1"),
        ("upstreams.local", SECRET),
        ("upstreams.local.key.value", SECRET),
    ],
)
def test_a_key_in_a_wrong_place_is_not_repeated(tmp_path: Path, key: str, value: str) -> None:
    set_value(tmp_path, "upstreams.local.url", "https://h")
    with pytest.raises(UsageError) as caught:
        set_value(tmp_path, key, value)
    assert SECRET not in str(caught.value)
