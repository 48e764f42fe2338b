"""OpenClaw's settings lead to the proxy and back; what cannot be is told; its folders are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agents_material import make_env

from skillclaw.agents import Env, adapters, wiring
from skillclaw.errors import BadInputError

CLAW = adapters()["openclaw"]
URL = "http://127.0.0.1:8787/openclaw"
OFFICE = """// what the office runs
{
  agents: {
    defaults: { model: { primary: 'office/big', fallbacks: ['anthropic/claude'] }, workspace: '~/desk' },
  },
  models: {
    providers: {
      office: {
        baseUrl: "https://llm.example/v1/", // ours
        apiKey: 'own-key-0123', api: 'openai-completions',
        models: [
          { id: 'big', name: 'Big' },
          { id: 'small', name: 'Small', baseUrl: 'https://small.example/v1' },
        ],
      },
    },
  },
}
"""


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def write(env: Env, text: str, name: str = ".openclaw/openclaw.json") -> Path:
    path = env.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def using(model: str, rest: str = "") -> str:
    return f"{{agents: {{defaults: {{model: '{model}'}}}}, {rest}}}"


def test_comments_and_layout_stay_and_every_byte_comes_back(env: Env, home: Path) -> None:
    path = write(env, OFFICE)
    wired = wiring.connect(home, env, CLAW, URL)
    assert wired.upstream == "https://llm.example/v1"
    assert path.read_text("utf-8") == OFFICE.replace("https://llm.example/v1/", URL)
    assert any("anthropic" in note for note in wired.notes)
    assert not wiring.connect(home, env, CLAW, URL).changed
    assert not [found for found in CLAW.doctor(env, URL) if found.level == "fail"]
    path.write_text(path.read_text("utf-8").replace("// ours", "// still ours"), "utf-8")
    wiring.disconnect(home, env, CLAW)
    assert path.read_text("utf-8") == OFFICE.replace("// ours", "// still ours")


def test_a_provider_that_comes_with_it_gets_an_entry(env: Env, home: Path) -> None:
    path = write(env, using("anthropic/claude-sonnet-4-6"))
    before = path.read_bytes()
    assert wiring.connect(home, env, CLAW, URL).upstream == "https://api.anthropic.com"
    assert URL in path.read_text("utf-8")
    wiring.disconnect(home, env, CLAW)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "upstream"),
    [
        (OFFICE.replace("office/big", "office/small"), "https://small.example/v1"),
        (using("office/big@work", "models: {providers: {office: {baseUrl: 'https://a.b', models: []}}}"),
         "https://a.b"),
        ("{agents: {defaults: {model: 'Fast', models: {'groq/llama': {alias: 'fast'}}}}}",
         "https://api.groq.com/openai/v1"),
        ("{agents: {defaults: {model: 'groq/a'}, list: [{id: 'x', model: 'zai/b'}, {id: 'y', default: true, "
         "model: {primary: 'xai/c'}}]}}", "https://api.x.ai/v1"),
        ("{agents: {entries: {main: {model: 'xai/c'}}, defaults: {model: 'groq/a'}}}", "https://api.x.ai/v1"),
        ("{}", "https://api.openai.com/v1"),
        (using("office/big", "models: {providers: {office: {baseUrl: '${OFFICE_URL}/v1', models: []}}}"),
         "https://env.example/v1"),
    ],
)  # fmt: skip
def test_which_address_is_in_use(tmp_path: Path, text: str, upstream: str) -> None:
    env = make_env(tmp_path, OFFICE_URL="https://env.example")
    write(env, text)
    assert CLAW.upstream(env) == upstream


def test_what_the_environment_says_of_openai(tmp_path: Path, home: Path) -> None:
    env = make_env(tmp_path, OPENAI_BASE_URL="https://gw.example/v1")
    write(env, using("openai/gpt"))
    assert CLAW.upstream(env) == "https://gw.example/v1"
    assert CLAW.launch(env, URL, ["agent"]).env == {"OPENAI_BASE_URL": URL}
    assert wiring.connect(home, env, CLAW, URL).upstream == "https://gw.example/v1"
    with pytest.raises(BadInputError, match="settings only"):
        CLAW.launch(env, URL, [])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (using("claude-cli/opus"), "connect claude-code"),
        (using("github-copilot/gpt"), "each login"),
        (using("elsewhere/model"), "include"),
        (
            using("office/big", "models: {providers: {office: {baseUrl: '${NOT_SET}', models: []}}}"),
            "variable",
        ),
        ("{models: {providers: ", "not valid JSON5"),
    ],
)
def test_what_cannot_be_led_there_is_told(env: Env, home: Path, text: str, why: str) -> None:
    path = write(env, text)
    with pytest.raises(BadInputError) as told:
        wiring.connect(home, env, CLAW, URL)
    assert why in str(told.value) and told.value.todo
    assert path.read_text("utf-8") == text
    assert CLAW.detect(env, versions=False).installed is False


def test_without_settings_nothing_is_made(env: Env, home: Path) -> None:
    with pytest.raises(BadInputError, match="no settings yet"):
        wiring.connect(home, env, CLAW, URL)
    assert not (env.home / ".openclaw").exists()


def test_the_token_goes_where_it_is_sent(env: Env, home: Path) -> None:
    path = write(env, OFFICE)
    wired = wiring.connect(home, env, CLAW, URL, token="skillclaw-token")
    text = path.read_text("utf-8")
    assert "skillclaw-token" in text and "own-key-0123" not in text and "skillclaw-token" not in wired.diff
    wiring.disconnect(home, env, CLAW)
    assert path.read_text("utf-8") == OFFICE
    path.write_text("{agents: {defaults: {model: 'anthropic/claude'}}}", "utf-8")
    wiring.connect(home, env, CLAW, URL, token="skillclaw-token")
    assert '"x-api-key": "skillclaw-token"' in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({}, ".openclaw/openclaw.json"),
        ({"OPENCLAW_STATE_DIR": "~/claws"}, "claws/openclaw.json"),
        ({"OPENCLAW_HOME": "~/other"}, "other/.openclaw/openclaw.json"),
        ({"OPENCLAW_PROFILE": "work"}, ".openclaw-work/openclaw.json"),
        ({"OPENCLAW_CONFIG_PATH": "~/conf.json5"}, "conf.json5"),
        ({}, ".clawdbot/clawdbot.json"),
        ({}, ".moltbot/openclaw.json"),
    ],
)
def test_folders_by_the_environment(tmp_path: Path, environ: dict[str, str], place: str) -> None:
    env = make_env(tmp_path, **environ)
    path = write(env, OFFICE, place)
    found = CLAW.detect(env, versions=False)
    assert found.config == path


def test_skills_are_shared_only_in_the_usual_folder(tmp_path: Path) -> None:
    env = make_env(tmp_path)
    write(env, OFFICE.replace("models: {", "skills: {load: {extraDirs: ['~/more']}}, models: {", 1))
    assert CLAW.skills(env) == [
        env.home / ".agents/skills",
        env.home / ".openclaw/skills",
        env.home / "desk/skills",
        env.home / ".openclaw/workspace/skills",
        env.home / "more",
    ]
    other = make_env(tmp_path, OPENCLAW_STATE_DIR=str(tmp_path / "state"))
    assert CLAW.skills(other)[0] == tmp_path / "state/skills"
    write(env, "{broken")
    assert CLAW.skills(env) == [env.home / ".agents/skills", env.home / ".openclaw/skills"]
    assert [found.level for found in CLAW.doctor(env, None) if "settings" in found.subject] == ["fail"]


def test_what_its_workshop_learned_is_found(env: Env) -> None:
    write(env, "{agents: {list: [{id: 'ops', agentDir: '~/ops'}]}}")
    root = env.home / ".openclaw/agents/main/agent/workshop-skills"
    for folder in (
        root / "sort-csv",
        root / "team/deploy",
        root / ".backup/old",
        env.home / "ops/workshop-skills/page",
    ):
        folder.mkdir(parents=True)
        (folder / "SKILL.md").write_text("---\nname: x\n---\n", "utf-8")
    (env.home / ".openclaw/skills/by-hand").mkdir(parents=True)
    (env.home / ".openclaw/skills/by-hand/SKILL.md").write_text("x", "utf-8")
    assert CLAW.learned(env) == [
        root / "sort-csv",
        root / "team/deploy",
        env.home / "ops/workshop-skills/page",
    ]


def test_an_agents_own_address_that_wins_is_told(env: Env, home: Path) -> None:
    write(env, OFFICE)
    wiring.connect(home, env, CLAW, URL)
    own = {"providers": {"office": {"baseUrl": "https://old.example"}}}
    path = write(env, json.dumps(own), ".openclaw/agents/main/agent/models.json")
    warned = [found.text for found in CLAW.doctor(env, URL) if found.level == "warn"]
    assert any(str(path) in text for text in warned)
