"""The settings tree: file, environment, writing, errors."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.errors import BadInputError, UsageError
from skillclaw.settings import default_home, flatten, get_value, load, set_value


def test_defaults_without_a_file(tmp_path: Path) -> None:
    settings = load(tmp_path, {})
    assert settings.proxy.port == 8787
    assert settings.gate.policy == "solo"
    assert settings.share.default == "off"


def test_what_is_set_is_read_and_comments_stay(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# mine\n[proxy]\nport = 1234 # why\n", "utf-8")
    assert set_value(tmp_path, "gate.policy", "team") == "team"
    assert set_value(tmp_path, "agents.codex.upstream", "http://127.0.0.1:9/v1") == "http://127.0.0.1:9/v1"
    settings = load(tmp_path, {})
    assert (settings.proxy.port, settings.gate.policy) == (1234, "team")
    assert settings.agents["codex"].upstream == "http://127.0.0.1:9/v1"
    text = path.read_text("utf-8")
    assert "# mine" in text
    assert "# why" in text
    assert path.stat().st_mode & 0o077 == 0


def test_environment_wins(tmp_path: Path) -> None:
    set_value(tmp_path, "proxy.port", "1")
    environ = {
        "SKILLCLAW_PROXY__PORT": "2",
        "SKILLCLAW_SYNC__TARGETS": '["/a", "/b"]',
        "SKILLCLAW_HOME": "/x",
    }
    settings = load(tmp_path, environ)
    assert settings.proxy.port == 2
    assert settings.sync.targets == ("/a", "/b")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("proxy.port", "many"),
        ("gate.policy", "lax"),
        ("no.such", "1"),
        ("proxy", "1"),
        ("proxy.port.x", "1"),
        ("proxy.port", "65536"),
        ("journal.idle", "nan"),
        ("journal.idle", "0"),
        ("sync.interval", "-1"),
        ("agents.codex.upstream", "ftp://x"),
        ("agents.codex.upstream", "not a url"),
    ],
)
def test_wrong_settings_are_refused_and_nothing_is_written(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(UsageError):
        set_value(tmp_path, key, value)
    assert not (tmp_path / "config.toml").exists()


@pytest.mark.parametrize("text", ["gate = [", "[gate]\npolicy = 3\n", "\x00"])
def test_a_wrong_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text, "utf-8")
    with pytest.raises(BadInputError) as caught:
        load(tmp_path, {})
    assert "config.toml" in str(caught.value)


def test_wrong_environment_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        load(tmp_path, {"SKILLCLAW_PROXY__PORT": "many"})


def test_home_comes_from_the_environment() -> None:
    assert default_home({"SKILLCLAW_HOME": "/x/y"}) == Path("/x/y")
    assert default_home({}) == Path.home() / ".skillclaw"


@given(st.text(alphabet=string.printable, max_size=40))
def test_any_text_survives_the_file(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    home = tmp_path_factory.mktemp("home")
    stored = set_value(home, "user", text)
    assert load(home, {}).user == stored


def test_every_flat_key_can_be_got(tmp_path: Path) -> None:
    settings = load(tmp_path, {})
    for key, value in flatten(settings).items():
        assert get_value(settings, key) == value


def test_what_this_version_cannot_do_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        set_value(tmp_path, "evolve.executor", "spark")
    with pytest.raises(UsageError):
        set_value(tmp_path, "agents.codex.share", "off")
    assert not (tmp_path / "config.toml").exists()
