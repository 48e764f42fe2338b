"""ZeroClaw, as its documentation and sources have it: settings there and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from agents_material import make_env
from rounds import SECRET, there_and_back

from skillclaw.agents import Env, adapters, wiring
from skillclaw.agents.edits import get_key
from skillclaw.errors import BadInputError

ZEROCLAW = adapters()["zeroclaw"]
URL = "http://127.0.0.1:8787/zeroclaw"
OWN = f"""schema_version = 3   # written by zeroclaw

[providers.models.custom.office]
uri = "https://llm.example/v1"  # the gateway
model = "m"
api_key = "{SECRET}"

[agents.assistant]
model_provider = "custom.office"
channels = ["matrix.default"]
"""


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def config(env: Env, text: str = OWN) -> Path:
    path = env.home / ".zeroclaw/config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def uri(path: Path, kind: str, alias: str) -> object:
    return get_key(path, path.read_bytes(), "toml", ("providers", "models", kind, alias, "uri"))[1]


def test_the_agent_s_provider_is_led_there_and_back(env: Env, home: Path) -> None:
    path = config(env)
    keys = ("providers", "models", "custom", "office", "uri")
    wired = there_and_back(home, env, ZEROCLAW, URL, path, "toml", keys)
    assert wired.upstream == "https://llm.example/v1"
    wiring.connect(home, env, ZEROCLAW, URL)
    assert path.read_text("utf-8") == OWN.replace("https://llm.example/v1", URL)


def test_a_provider_without_an_address_goes_to_its_own(env: Env, home: Path) -> None:
    text = '[agents.a]\nmodel_provider = "anthropic.default"\n'
    path = config(env, text)
    keys = ("providers", "models", "anthropic", "default", "uri")
    assert (
        there_and_back(home, env, ZEROCLAW, URL, path, "toml", keys).upstream == "https://api.anthropic.com"
    )


def test_of_several_agents_those_that_go_to_the_same_place(env: Env, home: Path) -> None:
    more = """
[providers.models.custom.second]
uri = "https://llm.example/v1/"
[providers.models.openrouter.main]
model = "x"
[agents.b]
model_provider = "custom.second"
[agents.c]
model_provider = "openrouter.main"
[agents.d]
model_provider = "claude_cli.main"
"""
    path = config(env, OWN + more)
    keys = ("providers", "models", "custom", "office", "uri")
    wired = there_and_back(home, env, ZEROCLAW, URL, path, "toml", keys)
    assert wired.notes == ["Requests of openrouter.main go past the proxy."]
    wiring.connect(home, env, ZEROCLAW, URL)
    assert uri(path, "custom", "second") == URL
    assert uri(path, "openrouter", "main") is None
    assert ZEROCLAW.launch(env, URL, ["agent", "-a", "b"]).env == {
        "ZEROCLAW_providers__models__custom__office__uri": URL,
        "ZEROCLAW_providers__models__custom__second__uri": URL,
    }


def test_it_is_started_by_variables_that_spell_the_keys(env: Env) -> None:
    config(env)
    assert ZEROCLAW.launch(env, URL, []).env == {"ZEROCLAW_providers__models__custom__office__uri": URL}
    started = ZEROCLAW.launch(env, URL, [], "tok").env
    assert started["ZEROCLAW_providers__models__custom__office__api_key"] == "tok"
    with pytest.raises(BadInputError, match="no place for SkillClaw's token"):
        ZEROCLAW.connect(env, URL, "tok")


def test_a_variable_that_wins_is_the_upstream_and_told(tmp_path: Path) -> None:
    name = "ZEROCLAW_providers__models__custom__office__uri"
    env = make_env(tmp_path, **{name: "https://other.example/v1"})
    config(env)
    plan = ZEROCLAW.connect(env, URL)
    assert plan.upstream == "https://other.example/v1"
    assert plan.notes == [f"{name} wins over the settings: unset it."]


def test_its_folder_can_be_moved(tmp_path: Path) -> None:
    env = make_env(tmp_path, ZEROCLAW_DATA_DIR=str(tmp_path / "zc"))
    (tmp_path / "zc").mkdir()
    (tmp_path / "zc/config.toml").write_text(OWN, "utf-8")
    assert ZEROCLAW.upstream(env) == "https://llm.example/v1"
    assert ZEROCLAW.skills(env) == [tmp_path / "zc/agents/assistant/workspace/skills"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[agents.a]\nmodel_provider = "bedrock.main"\n', "cannot be pointed"),
        ('[agents.a]\nmodel_provider = "codex_cli.main"\n', "cannot be pointed"),
        ("[agents.a]\nchannels = []\n", "older versions"),
        ("", "no agent with a provider"),
        ("[agents\n", "not valid TOML"),
        ("agents = 5\n", "no agent with a provider"),
    ],
)
def test_what_cannot_be_connected_is_refused_and_nothing_written(env: Env, text: str, why: str) -> None:
    path = config(env, text)
    with pytest.raises(BadInputError, match=why):
        ZEROCLAW.connect(env, URL)
    assert path.read_text("utf-8") == text
    assert ZEROCLAW.detect(env, versions=False).config is None


def test_skills_that_it_wrote_itself(env: Env) -> None:
    config(env)
    root = env.home / ".zeroclaw/agents/assistant/workspace/skills"
    for name, author in (("auto", '"zeroclaw-auto"'), ("typed", "ada"), ("like", "zeroclaw-autos")):
        (root / name).mkdir(parents=True)
        (root / name / "SKILL.md").write_text(f"---\nname: {name}\nauthor: {author}\n---\n", "utf-8")
    (root / "other-form").mkdir()
    (root / "other-form/SKILL.toml").write_text('[skill]\nauthor = "zeroclaw-auto"\n', "utf-8")
    assert ZEROCLAW.learned(env) == [root / "auto"]
