"""OpenCode's settings: which provider is in use, how it is led to the proxy and back, what wins over it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from agents_material import make_env

from skillclaw.agents import Env, adapters, wiring
from skillclaw.agents.opencode_settings import CONTENT
from skillclaw.errors import BadInputError

OPENCODE = adapters()["opencode"]
URL = "http://127.0.0.1:8787/opencode"
OFFICE = """{
  // what the office runs
  "$schema": "https://opencode.ai/config.json",
  "model": "office/big", /* the good one */
  "provider": {
    "office": {
      "npm": "@ai-sdk/openai-compatible",
      "options": {"baseURL": "https://llm.example/v1/", "apiKey": "{env:OFFICE_KEY}",}, // ours
      "models": {"big": {}, "small": {}},
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


def write(path: Path, held: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(held if isinstance(held, str) else json.dumps(held), "utf-8")
    return path


def own(env: Env, held: Any, name: str = "opencode.jsonc") -> Path:
    return write(env.home / ".config/opencode" / name, held)


def auth(env: Env, **logins: str) -> None:
    held = {name: {"type": kind, "key": "sk-own-0123456789"} for name, kind in logins.items()}
    write(env.home / ".local/share/opencode/auth.json", held)


def texts(env: Env, base_url: str | None = URL, level: str = "warn") -> list[str]:
    return [found.text for found in OPENCODE.doctor(env, base_url) if found.level == level]


def test_a_provider_of_ones_own_is_led_there_and_back(env: Env, home: Path) -> None:
    path = own(env, OFFICE)
    wired = wiring.connect(home, env, OPENCODE, URL)
    assert wired.upstream == "https://llm.example/v1"
    assert path.read_text("utf-8") == OFFICE.replace("https://llm.example/v1/", URL)
    assert not wiring.connect(home, env, OPENCODE, URL).changed
    assert not texts(env, level="fail")
    path.write_text(path.read_text("utf-8").replace("// ours", "// ours still"), "utf-8")
    wiring.disconnect(home, env, OPENCODE)
    assert path.read_text("utf-8") == OFFICE.replace("// ours", "// ours still")


def test_without_a_file_one_is_made_as_opencode_makes_it_and_goes_again(env: Env, home: Path) -> None:
    wired = wiring.connect(home, env, OPENCODE, URL)
    path = env.home / ".config/opencode/opencode.jsonc"
    assert wired.upstream == "https://opencode.ai/zen/v1", "the free models, as nobody chose and has a key"
    held = json.loads(path.read_text("utf-8"))
    assert held["provider"] == {"opencode": {"options": {"baseURL": URL}}} and "$schema" in held
    wiring.disconnect(home, env, OPENCODE)
    assert not path.exists()


@pytest.mark.parametrize(
    ("model", "upstream"),
    [
        ("anthropic/claude-sonnet-4-5", "https://api.anthropic.com/v1"),
        ("openai/gpt-5.4", "https://api.openai.com/v1"),
        ("google/gemini-3-pro", "https://generativelanguage.googleapis.com/v1beta"),
        ("openrouter/qwen/qwen3-coder", "https://openrouter.ai/api/v1"),
        ("groq/llama", "https://api.groq.com/openai/v1"),
        ("mistral/devstral", "https://api.mistral.ai/v1"),
        ("deepseek/deepseek-chat", "https://api.deepseek.com"),
        ("github-copilot/gpt-5", "https://api.githubcopilot.com"),
    ],
)
def test_built_in_providers_have_the_address_that_opencode_takes(
    env: Env, home: Path, model: str, upstream: str
) -> None:
    path = own(env, {"model": model}, "opencode.json")
    assert wiring.connect(home, env, OPENCODE, URL).upstream == upstream
    provider = model.partition("/")[0]
    assert json.loads(path.read_text("utf-8"))["provider"][provider]["options"] == {"baseURL": URL}


def test_the_address_of_a_chatgpt_login_is_another(env: Env, home: Path) -> None:
    own(env, {"model": "openai/gpt-5.4"})
    auth(env, openai="oauth")
    assert wiring.connect(home, env, OPENCODE, URL).upstream == "https://chatgpt.com/backend-api/codex"
    wiring.disconnect(home, env, OPENCODE)
    with pytest.raises(BadInputError, match="logged in to openai"):
        wiring.connect(home, env, OPENCODE, URL, token="skillclaw-token")
    with pytest.raises(BadInputError, match="logged in to openai"):
        OPENCODE.launch(env, URL, [], "skillclaw-token")


def test_the_catalogue_and_the_settings_know_other_providers(tmp_path: Path) -> None:
    env = make_env(tmp_path, DATABRICKS_HOST="dbc.example")
    listed = {
        "zeldoc": {"id": "zeldoc", "npm": "@ai-sdk/openai-compatible", "api": "https://api.zeldoc.ai/v1/"},
        "bricks": {"npm": "@ai-sdk/openai-compatible", "api": "https://${DATABRICKS_HOST}/gateway/v1"},
        "mixed": {
            "npm": "@ai-sdk/openai-compatible",
            "api": "https://mixed.example/v1",
            "models": {
                "claude": {"provider": {"npm": "@ai-sdk/anthropic", "api": "https://other.example/v1"}}
            },
        },
        "later": {"npm": "@ai-sdk/groq"},
    }
    write(env.home / ".cache/opencode/models.json", listed)
    for model, upstream in (
        ("zeldoc/z1", "https://api.zeldoc.ai/v1"),
        ("bricks/b", "https://dbc.example/gateway/v1"),
        ("mixed/small", "https://mixed.example/v1"),
        ("mixed/claude", "https://other.example/v1"),
        ("later/l", "https://api.groq.com/openai/v1"),
    ):
        own(env, {"model": model})
        assert OPENCODE.upstream(env) == upstream
    own(env, {"model": "mine/m", "provider": {"mine": {"npm": "x", "api": "https://mine.example/v1"}}})
    assert OPENCODE.upstream(env) == "https://mine.example/v1"


@pytest.mark.parametrize("name", ["amazon-bedrock", "google-vertex", "vercel"])
def test_what_cannot_be_led_there_is_told(env: Env, home: Path, name: str) -> None:
    path = own(env, {"model": f"{name}/some"})
    before = path.read_bytes()
    with pytest.raises(BadInputError, match=name) as told:
        wiring.connect(home, env, OPENCODE, URL)
    assert "history" in told.value.todo
    assert path.read_bytes() == before
    assert OPENCODE.detect(env, versions=False).config is None


def test_settings_that_do_not_parse_are_left_alone(env: Env, home: Path) -> None:
    path = own(env, '{"model": "office/big", // half\n')
    with pytest.raises(BadInputError, match="not valid"):
        wiring.connect(home, env, OPENCODE, URL)
    assert path.read_text("utf-8") == '{"model": "office/big", // half\n'
    assert texts(env, None, "fail")


def test_the_later_file_has_the_last_word(tmp_path: Path, home: Path) -> None:
    env = make_env(tmp_path)
    provider = {"anthropic": {"options": {"baseURL": "https://json.example/v1"}}}
    first = own(env, {"model": "anthropic/claude", "provider": provider}, "opencode.json")
    assert OPENCODE.upstream(env) == "https://json.example/v1"
    second = own(
        env, '{ // mine\n "provider": {"anthropic": {"options": {"baseURL": "https://c.example/v1",},},},\n}'
    )
    before = first.read_bytes()
    assert wiring.connect(home, env, OPENCODE, URL).upstream == "https://c.example/v1"
    assert first.read_bytes() == before and URL in second.read_text("utf-8")
    wiring.disconnect(home, env, OPENCODE)
    named = write(
        tmp_path / "x.json", {"provider": {"anthropic": {"options": {"baseURL": "https://x.example/v1"}}}}
    )
    told = make_env(tmp_path, OPENCODE_CONFIG=str(named))
    assert OPENCODE.connect(told, URL).edits[0].path == named
    above = write(
        env.home / ".opencode/opencode.json",
        {"provider": {"anthropic": {"options": {"baseURL": "http://h/v1"}}}},
    )
    assert OPENCODE.connect(told, URL).edits[0].path == above


def test_base_urls_from_the_environment(tmp_path: Path) -> None:
    env = make_env(tmp_path, ANTHROPIC_BASE_URL="https://gate.example/a/v1", MINE="https://mine.example/v1")
    own(env, {"model": "anthropic/claude"})
    assert OPENCODE.upstream(env) == "https://gate.example/a/v1"
    own(env, {"model": "anthropic/claude", "provider": {"anthropic": {"options": {"baseURL": "{env:MINE}"}}}})
    assert OPENCODE.upstream(env) == "https://mine.example/v1"
    own(env, {"model": "openai/gpt"})
    assert OPENCODE.upstream(env) == "https://api.openai.com/v1", "the variable is Anthropic's"
    own(env, {"model": "anthropic/c", "provider": {"anthropic": {"options": {"baseURL": "{env:NOT_SET}"}}}})
    assert OPENCODE.upstream(env) == "https://gate.example/a/v1"
    own(env, {"model": "anthropic/c", "provider": {"anthropic": {"options": {"baseURL": "{file:~/url}"}}}})
    with pytest.raises(BadInputError, match="cannot be read"):
        OPENCODE.upstream(env)
    own(
        env,
        {
            "model": "anthropic/c",
            "provider": {"anthropic": {"options": {"baseURL": "https://api.anthropic.com"}}},
        },
    )
    assert OPENCODE.upstream(env) == "https://api.anthropic.com/v1", "what OpenCode makes of it"


def test_without_a_model_what_was_used_last_and_the_keys_decide(tmp_path: Path) -> None:
    env = make_env(tmp_path)
    auth(env, moonshotai="api")
    assert OPENCODE.upstream(env) == "https://api.moonshot.ai/v1"
    auth(env, moonshotai="api", openrouter="api")
    with pytest.raises(BadInputError, match="no model is chosen"):
        OPENCODE.upstream(env)
    recent = [{"providerID": "gone", "modelID": "x"}, {"providerID": "openrouter", "modelID": "q/w"}]
    write(env.home / ".local/state/opencode/model.json", {"recent": recent, "favorite": []})
    assert OPENCODE.upstream(env) == "https://openrouter.ai/api/v1"
    own(env, {"model": "openrouter/q", "agent": {"build": {"model": "moonshotai/kimi"}}})
    assert OPENCODE.upstream(env) == "https://api.moonshot.ai/v1", "the agent that starts has its own model"
    keyed = make_env(tmp_path / "other", GROQ_API_KEY="x") if (tmp_path / "other").mkdir() is None else env
    assert OPENCODE.upstream(keyed) == "https://api.groq.com/openai/v1"


def test_no_credential_is_kept_of_the_logins(env: Env) -> None:
    auth(env, openrouter="api")
    plan = OPENCODE.connect(env, URL)
    shown = repr(plan) + repr(OPENCODE.doctor(env, None)) + repr(OPENCODE.launch(env, URL, []))
    assert "sk-own-0123456789" not in shown


def test_the_token_goes_into_the_key_and_into_no_argument(env: Env, home: Path) -> None:
    path = own(env, OFFICE)
    wired = wiring.connect(home, env, OPENCODE, URL, token="skillclaw-token")
    assert '"apiKey": "skillclaw-token"' in path.read_text("utf-8")
    assert "skillclaw-token" not in wired.diff
    wiring.disconnect(home, env, OPENCODE)
    assert path.read_text("utf-8") == OFFICE
    started = OPENCODE.launch(env, URL, ["run", "hi"], "skillclaw-token")
    assert started.argv == ["opencode", "run", "hi"]
    options = json.loads(started.env[CONTENT])["provider"]["office"]["options"]
    assert options == {"baseURL": URL, "apiKey": "skillclaw-token"}


def test_run_adds_to_what_the_environment_already_says(tmp_path: Path) -> None:
    env = make_env(
        tmp_path, **{CONTENT: '{"theme": "dark", /* mine */ "provider": {"office": {"name": "O"}}}'}
    )
    own(env, OFFICE)
    held = json.loads(OPENCODE.launch(env, URL, []).env[CONTENT])
    assert held == {"theme": "dark", "provider": {"office": {"name": "O", "options": {"baseURL": URL}}}}
    broken = make_env(tmp_path, **{CONTENT: "{"})
    with pytest.raises(BadInputError, match=CONTENT):
        OPENCODE.launch(broken, URL, [])


def test_a_projects_own_settings_are_told_and_never_touched(env: Env, home: Path) -> None:
    own(env, OFFICE)
    (env.cwd / ".git").mkdir()
    there = write(
        env.cwd / "opencode.json", {"provider": {"office": {"options": {"baseURL": "https://p.example"}}}}
    )
    other = write(env.cwd / ".opencode/opencode.jsonc", '{"model": "groq/llama"} // the project\'s')
    before = there.read_bytes(), other.read_bytes()
    wired = wiring.connect(home, env, OPENCODE, URL)
    assert any("https://p.example" in note for note in wired.notes)
    told = "\n".join(texts(env))
    assert "https://p.example, past the proxy" in told and "chooses the provider groq" in told
    with pytest.raises(BadInputError, match=r"p\.example") as refused:
        OPENCODE.launch(env, URL, [])
    assert "agents.opencode.upstream" in refused.value.todo
    assert (there.read_bytes(), other.read_bytes()) == before
    there.write_text(json.dumps({"provider": {"office": {"options": {"baseURL": URL}}}}), "utf-8")
    assert "past the proxy" not in "\n".join(texts(env))


def test_what_to_type_holds_no_address_as_it_is_shown(env: Env) -> None:
    (env.cwd / ".git").mkdir()
    own(env, OFFICE)
    key = "0123456789abcdef0123456789abcdef"
    for url in (f"https://gate.example/v1/{key}/anthropic", f"https://gate.example/v1?key={key}"):
        write(env.cwd / "opencode.json", {"provider": {"office": {"options": {"baseURL": url}}}})
        with pytest.raises(BadInputError) as refused:
            OPENCODE.launch(env, URL, [])
        todo = refused.value.todo
        assert todo.endswith(", with that baseURL as URL: skillclaw config set agents.opencode.upstream URL")
        assert key not in str(refused.value)
    write(env.cwd / "opencode.json", {"provider": {"office": {"options": {"baseURL": "https://p.example"}}}})
    with pytest.raises(BadInputError) as refused:
        OPENCODE.launch(env, URL, [])
    assert refused.value.todo.endswith("or: skillclaw config set agents.opencode.upstream https://p.example")


def test_skills_folders_and_copies_that_differ(env: Env, tmp_path: Path) -> None:
    own(env, {"skills": {"paths": ["~/more", "relative"]}})
    base = [env.home / ".agents/skills", env.home / ".claude/skills"]
    mine = [env.home / ".config/opencode/skills", env.home / ".opencode/skills", env.home / "more"]
    assert OPENCODE.skills(env) == base + mine
    without = make_env(tmp_path, OPENCODE_DISABLE_CLAUDE_CODE_SKILLS="1")
    assert OPENCODE.skills(without) == base[:1] + mine
    assert OPENCODE.skills(make_env(tmp_path, OPENCODE_DISABLE_EXTERNAL_SKILLS="true")) == mine
    for folder, text in zip(base, ("one", "one"), strict=True):
        write(folder / "alpha/SKILL.md", text)
    assert not [text for text in texts(env, None) if "by chance" in text]
    write(mine[0] / "alpha/SKILL.md", "two")
    assert [text for text in texts(env, None) if "by chance: alpha" in text]


def test_ripgrep_is_missed(env: Env) -> None:
    assert [text for text in texts(env, None) if "rg is not on PATH" in text]
    write(env.home / ".cache/opencode/bin/rg", "")
    assert not [text for text in texts(env, None) if "rg is not on PATH" in text]


def test_folders_follow_the_environment(tmp_path: Path) -> None:
    env = make_env(tmp_path, XDG_CONFIG_HOME="~/conf", XDG_DATA_HOME="~/data", OPENCODE_DB="mine.db")
    assert OPENCODE.folder(env) == env.home / "conf/opencode"  # type: ignore[attr-defined]
    sample = Path(__file__).parent / "samples/opencode/sessions.sql"
    (env.home / "data/opencode").mkdir(parents=True)
    for name in ("mine.db", "opencode.db"):
        with sqlite3.connect(env.home / "data/opencode" / name) as db:
            db.executescript(sample.read_text("utf-8"))
        db.close()
    assert {file.path.name for file in OPENCODE.histories(env)} == {"mine.db"}
