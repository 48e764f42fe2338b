"""IronClaw, as its documentation and sources have it: `config.toml` and `.env`, there and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agents_material import make_env
from rounds import SECRET, there_and_back

from skillclaw.agents import Env, adapters, wiring
from skillclaw.errors import BadInputError

IRONCLAW = adapters()["ironclaw"]
URL = "http://127.0.0.1:8787/ironclaw"
SLOT = """api_version = "ironclaw.runtime/v1"

[llm.default]  # chosen with `models set-provider`
provider_id = "openai_compatible"
model = "m"
api_key_env = "LLM_API_KEY"
base_url = "https://llm.example/v1"
"""
DOTENV = f"""# made by ironclaw onboard
LLM_BACKEND=openai_compatible
LLM_BASE_URL="https://llm.example/v1"
LLM_API_KEY={SECRET}
"""


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def dotenv(env: Env, text: str = DOTENV) -> Path:
    return put(env.home / ".ironclaw/.env", text)


def slot(env: Env, text: str = SLOT) -> Path:
    return put(env.home / ".ironclaw/reborn/config.toml", text)


def test_the_slot_is_led_there_and_back(env: Env, home: Path) -> None:
    path = slot(env)
    wired = there_and_back(home, env, IRONCLAW, URL, path, "toml", ("llm", "default", "base_url"))
    assert wired.upstream == "https://llm.example/v1"
    wiring.connect(home, env, IRONCLAW, URL)
    assert path.read_text("utf-8") == SLOT.replace("https://llm.example/v1", URL)


def test_a_slot_may_be_of_any_provider(env: Env, home: Path) -> None:
    path = slot(env, '[llm.default]\nprovider_id = "groq"\n')
    wired = there_and_back(home, env, IRONCLAW, URL, path, "toml", ("llm", "default", "base_url"))
    assert wired.upstream == "https://api.groq.com/openai/v1"


def test_the_variable_in_its_file_is_led_there_and_back(env: Env, home: Path) -> None:
    path = dotenv(env)
    wired = there_and_back(home, env, IRONCLAW, URL, path, "env", ("LLM_BASE_URL",))
    assert wired.upstream == "https://llm.example/v1"


def test_a_slot_wins_over_the_backend(env: Env) -> None:
    dotenv(env)
    slot(env, SLOT.replace("https://llm.example", "https://slot.example"))
    assert IRONCLAW.upstream(env) == "https://slot.example/v1"
    with pytest.raises(BadInputError, match=r"config\.toml only"):
        IRONCLAW.launch(env, URL, [])


def test_a_file_without_a_slot_leaves_the_choice_to_variables(env: Env) -> None:
    dotenv(env)
    slot(env, 'api_version = "ironclaw.runtime/v1"\n[boot]\nprofile = "local-dev"\n')
    assert IRONCLAW.upstream(env) == "https://llm.example/v1"


@pytest.mark.parametrize(
    ("text", "upstream", "variable"),
    [
        ("LLM_BACKEND=claude\n", "https://api.anthropic.com", "ANTHROPIC_BASE_URL"),
        ("LLM_BACKEND=openai\nLLM_BASE_URL=http://x:1\n", "https://api.openai.com/v1", "OPENAI_BASE_URL"),
        ("LLM_BACKEND=nearai\n", "https://private.near.ai", "NEARAI_BASE_URL"),
        ("LLM_BACKEND=openai-responses\nLLM_BASE_URL=http://x:1/v1\n", "http://x:1/v1", "LLM_BASE_URL"),
    ],
)
def test_the_backend_tells_the_variable(env: Env, text: str, upstream: str, variable: str) -> None:
    path = dotenv(env, text)
    plan = IRONCLAW.connect(env, URL)
    assert plan.upstream == upstream
    assert [edit.path for edit in plan.edits] == [path]
    assert f"{variable}={URL}" in (plan.edits[0].after or b"").decode()
    assert IRONCLAW.launch(env, URL, ["run"]).env == {variable: URL}


def test_the_shell_and_the_working_folder_win(tmp_path: Path, home: Path) -> None:
    env = make_env(tmp_path)
    dotenv(env)
    here = put(env.cwd / ".env", "LLM_BASE_URL=https://here.example/v1\n")
    there_and_back(home, env, IRONCLAW, URL, here, "env", ("LLM_BASE_URL",))
    shell = make_env(tmp_path, LLM_BASE_URL="https://shell.example/v1")
    assert IRONCLAW.upstream(shell) == "https://shell.example/v1"
    wiring.connect(home, shell, IRONCLAW, URL)
    told = [found.text for found in IRONCLAW.doctor(shell, URL) if found.level == "warn"]
    assert any("LLM_BASE_URL=https://shell.example/v1 wins over" in text for text in told)


def test_a_provider_of_the_user_s_own_catalogue(env: Env) -> None:
    own = {
        "id": "office",
        "aliases": ["o"],
        "protocol": "open_ai_completions",
        "default_base_url": "https://office.example/v1",
        "base_url_env": "OFFICE_URL",
        "api_key_env": "OFFICE_KEY",
    }
    put(env.home / ".ironclaw/providers.json", json.dumps([own]))
    dotenv(env, "LLM_BACKEND=o\n")
    assert IRONCLAW.upstream(env) == "https://office.example/v1"
    assert IRONCLAW.launch(env, URL, [], "tok").env == {"OFFICE_URL": URL, "OFFICE_KEY": "tok"}


def test_its_folder_can_be_moved(tmp_path: Path) -> None:
    env = make_env(tmp_path, IRONCLAW_REBORN_HOME=str(tmp_path / "iron"))
    put(tmp_path / "iron/config.toml", SLOT)
    assert IRONCLAW.upstream(env) == "https://llm.example/v1"
    assert IRONCLAW.skills(env)[0] == env.home / ".ironclaw/skills"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("LLM_BACKEND=github-copilot\n", "cannot be pointed"),
        ("LLM_BACKEND=ollama\n", "openai_compatible"),
        ("LLM_BACKEND=openrouter\n", "no variable for its address"),
        ("OPENAI_API_KEY=k\n", "not clear which provider"),
    ],
)
def test_what_cannot_be_connected_is_refused_and_nothing_written(env: Env, text: str, why: str) -> None:
    path = dotenv(env, text)
    with pytest.raises(BadInputError, match=why):
        IRONCLAW.connect(env, URL)
    assert path.read_text("utf-8") == text


def test_settings_that_do_not_parse_are_refused(env: Env) -> None:
    path = slot(env, "[llm.default\n")
    with pytest.raises(BadInputError, match="not valid TOML"):
        IRONCLAW.connect(env, URL)
    assert path.read_text("utf-8") == "[llm.default\n"
    assert IRONCLAW.doctor(env, URL)[-1].level == "fail"
