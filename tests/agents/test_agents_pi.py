"""pi's settings: which provider is in use, how it is led to the proxy and back, and what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agents_material import make_env, write_lines

from skillclaw.agents import Env, adapters, sniff, wiring
from skillclaw.errors import BadInputError

PI = adapters()["pi"]
URL = "http://127.0.0.1:8787/pi"
OFFICE = """{
  // what the office runs
  "providers": {
    "office": {
      "baseUrl": "https://llm.example/v1/", "api": "openai-completions", // ours
      "apiKey": "own-key-0123",
      "models": [{"id": "big"}, {"id": "small", "baseUrl": "https://small.example/v1"},],
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


def use(env: Env, provider: str, model: str = "big", models: str | None = OFFICE) -> Path:
    """The user's settings; the path of `models.json`."""
    folder = PI.folder(env)  # type: ignore[attr-defined]
    folder.mkdir(parents=True, exist_ok=True)
    chosen = {"defaultProvider": provider, "defaultModel": model, "theme": "dark"}
    (folder / "settings.json").write_text(json.dumps(chosen), "utf-8")
    if models is not None:
        (folder / "models.json").write_text(models, "utf-8")
    return Path(folder / "models.json")


def test_a_provider_of_ones_own_is_led_there_and_back(env: Env, home: Path) -> None:
    path = use(env, "office")
    wired = wiring.connect(home, env, PI, URL)
    text = path.read_text("utf-8")
    assert wired.upstream == "https://llm.example/v1"
    assert f'"baseUrl": "{URL}", "api"' in text and "// what the office runs" in text
    assert '"sendSessionAffinityHeaders": true' in text
    assert not wiring.connect(home, env, PI, URL).changed
    assert not [found for found in PI.doctor(env, URL) if found.level == "fail"]
    path.write_text(text.replace("// ours", "// ours still"), "utf-8")
    wiring.disconnect(home, env, PI)
    assert path.read_text("utf-8") == OFFICE.replace("// ours", "// ours still")


def test_a_models_own_address_is_the_one_that_counts(env: Env, home: Path) -> None:
    path = use(env, "office", "small")
    assert wiring.connect(home, env, PI, URL).upstream == "https://small.example/v1"
    assert "https://llm.example/v1/" in path.read_text("utf-8")
    wiring.disconnect(home, env, PI)
    assert path.read_text("utf-8") == OFFICE


def test_a_built_in_provider_keeps_its_models_and_login(env: Env, home: Path) -> None:
    path = use(env, "anthropic", models=None)
    wired = wiring.connect(home, env, PI, URL)
    assert wired.upstream == "https://api.anthropic.com"
    assert json.loads(path.read_text("utf-8")) == {"providers": {"anthropic": {"baseUrl": URL}}}
    extension = path.parent / "extensions/skillclaw.js"
    assert "user_id" in extension.read_text("utf-8")
    extension.unlink()
    warned = [found.text for found in PI.doctor(env, URL) if found.level == "warn"]
    assert any("skillclaw.js" in text for text in warned)
    wiring.connect(home, env, PI, URL)
    wiring.disconnect(home, env, PI)
    assert not path.exists() and not extension.exists()


@pytest.mark.parametrize("name", ["github-copilot", "amazon-bedrock", "opencode", "from-an-extension"])
def test_what_cannot_be_led_there_is_told(env: Env, home: Path, name: str) -> None:
    path = use(env, name)
    with pytest.raises(BadInputError, match=name) as told:
        wiring.connect(home, env, PI, URL)
    assert told.value.todo
    assert path.read_text("utf-8") == OFFICE
    assert [found.level for found in PI.doctor(env, None) if "settings" in found.subject] == ["fail"]
    assert PI.detect(env, versions=False).config is None


def test_settings_that_do_not_parse_are_left_alone(env: Env, home: Path) -> None:
    path = use(env, "office", models='{"providers": {"office": ')
    with pytest.raises(BadInputError, match="not valid"):
        wiring.connect(home, env, PI, URL)
    assert path.read_text("utf-8") == '{"providers": {"office": '


def test_without_a_choice_the_keys_that_are_there_decide(env: Env, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="has not been told"):
        PI.upstream(env)
    told = make_env(tmp_path, GROQ_API_KEY="x", ANTHROPIC_API_KEY="y")
    assert PI.upstream(told) == "https://api.anthropic.com"
    path = use(env, "office")
    path.with_name("settings.json").unlink()
    assert PI.upstream(env) == "https://llm.example/v1"


def test_the_token_goes_where_pi_sends_it(env: Env, home: Path, tmp_path: Path) -> None:
    path = use(env, "office")
    wiring.connect(home, env, PI, URL, token="skillclaw-token")
    assert '"apiKey": "skillclaw-token"' in path.read_text("utf-8")
    wiring.disconnect(home, env, PI)
    assert path.read_text("utf-8") == OFFICE
    # A login of pi's own wins over `apiKey`.
    path.with_name("auth.json").write_text('{"office": {"type": "api_key", "key": "sk-own"}}', "utf-8")
    wired = wiring.connect(home, env, PI, URL, token="skillclaw-token")
    assert '"x-api-key": "skillclaw-token"' in path.read_text("utf-8")
    assert '"apiKey": "own-key-0123"' in path.read_text("utf-8")
    assert "skillclaw-token" not in wired.diff and "own-key-0123" not in wired.diff


def test_run_touches_no_file_and_hides_the_token(env: Env) -> None:
    use(env, "office")
    started = PI.launch(env, URL, ["-p", "hi"], "skillclaw-token")
    assert started.argv[0] == "pi" and started.argv[1] == "--extension" and started.argv[-2:] == ["-p", "hi"]
    assert Path(started.argv[2]).is_file() and "skillclaw-token" not in " ".join(started.argv)
    assert started.env == {
        "SKILLCLAW_PI_PROVIDER": "office",
        "SKILLCLAW_PI_URL": URL,
        "SKILLCLAW_PI_TOKEN": "skillclaw-token",
    }


def test_a_projects_own_provider_is_told(env: Env, home: Path) -> None:
    use(env, "office")
    wiring.connect(home, env, PI, URL)
    (env.cwd / ".pi").mkdir()
    (env.cwd / ".pi/settings.json").write_text('{"defaultProvider": "groq"}', "utf-8")
    assert any("groq" in found.text for found in PI.doctor(env, URL) if found.level == "warn")


def test_folders_by_environment_and_settings(tmp_path: Path) -> None:
    env = make_env(tmp_path, PI_CODING_AGENT_DIR="~/elsewhere", PI_CODING_AGENT_SESSION_DIR="~/talks")
    path = use(env, "office")
    assert path == env.home / "elsewhere/models.json"
    chosen = path.with_name("settings.json")
    chosen.write_text(json.dumps({"skills": ["~/more", "here", "!not"], "sessionDir": "~/old"}), "utf-8")
    assert PI.skills(env) == [
        env.home / ".agents/skills",
        env.home / "elsewhere/skills",
        env.home / "more",
        env.home / "elsewhere/here",
    ]
    header = {
        "type": "session",
        "version": 3,
        "id": "s",
        "timestamp": "2026-03-01T10:00:00.000Z",
        "cwd": "/x",
    }
    said = {"type": "message", "id": "a", "parentId": None, "message": {"role": "user", "content": "hi"}}
    own = "--" + str(env.skillclaw_home / "work").lstrip("/").replace("/", "-") + "--"
    written = [
        write_lines(env.home / place / "t_1.jsonl", [header, said])
        for place in ("elsewhere/sessions/--x--", "talks", "old")
    ]
    there = {**header, "cwd": str(env.skillclaw_home / "work")}
    write_lines(env.home / f"elsewhere/sessions/{own}/t_1.jsonl", [there, said])
    found = PI.histories(env)
    assert {file.path for file in found} == set(written)
    assert all(sniff(file.path) == "pi" for file in found)
    made = PI.read_history(found[0], env).trajectory
    assert made is not None and made.session_id == "s"
