"""What the environment told when an agent was connected stays known where another one does not tell it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agents_material import make_env

from skillclaw.agents import Env, adapters, connected_upstreams, wiring
from skillclaw.agents.connections import note_surroundings
from skillclaw.errors import StorageError

CARRIED = "as when you connected it"
GATEWAY = "https://gw.example/team"
VARIABLES = {
    "claude-code": "ANTHROPIC_BASE_URL",
    "crush": "OPENAI_API_ENDPOINT",
    "goose": "OPENAI_HOST",
    "ironclaw": "LLM_BASE_URL",
    "openclaw": "OPENAI_BASE_URL",
    "opencode": "ANTHROPIC_BASE_URL",
    "zeroclaw": "ZEROCLAW_providers__models__custom__office__uri",
}
FILES = {
    "crush": (".config/crush/crush.json", '{"models": {"large": {"provider": "openai"}}}'),
    "goose": (".config/goose/config.yaml", "GOOSE_PROVIDER: openai\n"),
    "ironclaw": (".ironclaw/.env", "LLM_BACKEND=openai_compatible\nLLM_BASE_URL=https://file.example/v1\n"),
    "openclaw": (".openclaw/openclaw.json", "{agents: {defaults: {model: 'openai/gpt'}}}"),
    "opencode": (".config/opencode/opencode.json", '{"model": "anthropic/claude"}'),
    "zeroclaw": (
        ".zeroclaw/config.toml",
        '[providers.models.custom.office]\nuri = "https://llm.example/v1"\n\n[agents.a]\n'
        'model_provider = "custom.office"\n',
    ),
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def url_of(agent: str) -> str:
    return f"http://127.0.0.1:8787/{agent}"


def connect(home: Path, env: Env, agent: str = "claude-code", **more: bool) -> wiring.Wired:
    return wiring.connect(home, env, adapters()[agent], url_of(agent), **more)


def settled(tmp_path: Path, agent: str) -> None:
    if agent in FILES:
        name, text = FILES[agent]
        path = make_env(tmp_path).home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


@pytest.mark.parametrize("agent", VARIABLES)
@pytest.mark.parametrize("between", [True, False])
def test_an_upstream_of_the_environment_stays(tmp_path: Path, home: Path, agent: str, between: bool) -> None:
    settled(tmp_path, agent)
    here, elsewhere = make_env(tmp_path, **{VARIABLES[agent]: GATEWAY}), make_env(tmp_path)
    assert connect(home, here, agent).upstream == GATEWAY
    if between:  # as when `up` ends
        wiring.disconnect(home, here, adapters()[agent])
    for _ in range(2):
        again = connect(home, elsewhere, agent, again=True)
        assert (again.upstream, connected_upstreams(home)) == (GATEWAY, {agent: GATEWAY})
    assert any(CARRIED in note for note in again.notes)
    assert not any(CARRIED in note for note in connect(home, here, agent).notes)
    wiring.disconnect(home, elsewhere, adapters()[agent])
    note_surroundings(home, agent, None)  # as `skillclaw disconnect` does
    assert connect(home, elsewhere, agent).upstream != GATEWAY


def test_another_upstream_of_the_environment_counts_instead(tmp_path: Path, home: Path) -> None:
    connect(home, make_env(tmp_path, ANTHROPIC_BASE_URL=GATEWAY))
    other = make_env(tmp_path, ANTHROPIC_BASE_URL="https://api.anthropic.com")
    assert connect(home, other).upstream == "https://api.anthropic.com"
    assert connect(home, make_env(tmp_path)).upstream == "https://api.anthropic.com"
    settled(tmp_path, "goose")
    connect(home, make_env(tmp_path, OPENAI_HOST=GATEWAY), "goose")
    usual = make_env(tmp_path, OPENAI_HOST="api.openai.com")
    assert connect(home, usual, "goose").upstream == "http://api.openai.com"
    connect(home, make_env(tmp_path, OPENAI_HOST=GATEWAY), "goose")
    usual = make_env(tmp_path, OPENAI_HOST="https://api.openai.com/")
    assert connect(home, usual, "goose").upstream == "https://api.openai.com"


def test_settings_that_name_another_count_instead(tmp_path: Path, home: Path) -> None:
    env = make_env(tmp_path)
    connect(home, make_env(tmp_path, ANTHROPIC_BASE_URL=GATEWAY))
    wiring.disconnect(home, env, adapters()["claude-code"])
    path = env.home / ".claude/settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"env": {"ANTHROPIC_BASE_URL": "https://mine.example"}}', "utf-8")
    assert connect(home, env, again=True).upstream == "https://mine.example"
    assert connected_upstreams(home) == {"claude-code": "https://mine.example"}
    settled(tmp_path, "goose")
    connect(home, make_env(tmp_path, OPENAI_HOST=GATEWAY), "goose")
    config = env.home / ".config/goose/config.yaml"
    config.write_text(config.read_text("utf-8").replace("openai\n", "anthropic\n", 1), "utf-8")
    assert connect(home, env, "goose", again=True).upstream == "https://api.anthropic.com"


def test_a_record_of_an_older_version_keeps_its_upstream(tmp_path: Path, home: Path) -> None:
    connect(home, make_env(tmp_path, ANTHROPIC_BASE_URL=GATEWAY))
    path = home / "connections.json"
    record = json.loads(path.read_text("utf-8"))
    assert record.pop("surroundings")
    path.write_text(json.dumps(record), "utf-8")
    assert connect(home, make_env(tmp_path), again=True).upstream == GATEWAY
    # One that a setting named is the setting's, and goes with it.
    settings = make_env(tmp_path).home / ".claude/settings.json"
    wiring.disconnect(home, make_env(tmp_path), adapters()["claude-code"])
    note_surroundings(home, "claude-code", None)
    settings.parent.mkdir()  # which went with the connection that had made it
    settings.write_text('{"env": {"ANTHROPIC_BASE_URL": "https://mine.example"}}', "utf-8")
    connect(home, make_env(tmp_path))
    record = json.loads(path.read_text("utf-8"))
    del record["surroundings"]
    path.write_text(json.dumps(record), "utf-8")
    settings.write_text("{}", "utf-8")
    assert connect(home, make_env(tmp_path), again=True).upstream == "https://api.anthropic.com"


def test_files_stay_where_the_environment_said(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "settings.json").write_text("{}", "utf-8")
    here, bare = make_env(tmp_path, CLAUDE_CONFIG_DIR=str(folder)), make_env(tmp_path)
    connect(home, here)
    assert not connect(home, bare, again=True).changed
    wiring.disconnect(home, bare, adapters()["claude-code"])
    assert connect(home, bare, again=True).files == [str(folder / "settings.json")]
    assert not (bare.home / ".claude").exists()
    # Whoever asks for it here means here.
    assert str(bare.home / ".claude/settings.json") in connect(home, bare).files
    assert json.loads((folder / "settings.json").read_text("utf-8")) == {}


def test_a_folder_that_is_gone_is_not_made_again(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    connect(home, make_env(tmp_path, CLAUDE_CONFIG_DIR=str(folder)))
    wiring.disconnect(home, make_env(tmp_path), adapters()["claude-code"])
    folder.rmdir()
    bare = make_env(tmp_path)
    assert connect(home, bare, again=True).files == [str(bare.home / ".claude/settings.json")]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a place where nobody can write")
def test_what_failed_leaves_what_was_known(tmp_path: Path, home: Path) -> None:
    connect(home, make_env(tmp_path, ANTHROPIC_BASE_URL=GATEWAY))
    before = json.loads((home / "connections.json").read_bytes())
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "settings.json").symlink_to("/proc/nowhere/settings.json")
    other = make_env(tmp_path, CLAUDE_CONFIG_DIR=str(folder), ANTHROPIC_BASE_URL="https://b.example")
    with pytest.raises(StorageError):
        connect(home, other)
    assert json.loads((home / "connections.json").read_bytes()) == before
