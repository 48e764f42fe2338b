"""Aider: settings lead to the proxy and back, whichever of its places the base URL stands in."""

from __future__ import annotations

from pathlib import Path

import pytest
from agents_material import make_env
from rounds import SECRET, there_and_back

from skillclaw.agents import Env, adapters, wiring
from skillclaw.agents.edits import get_key
from skillclaw.errors import BadInputError

AIDER = adapters()["aider"]
URL = "http://127.0.0.1:8787/aider"
OPENAI = f"""# my settings
model: openai/m   # the office's
openai-api-base: https://llm.example/v1
openai-api-key: {SECRET}
"""
ANTHROPIC = f"""model: sonnet
anthropic-api-key: {SECRET}
set-env:
  - OTHER=one  # stays
"""


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def conf(env: Env, text: str) -> Path:
    path = env.home / ".aider.conf.yml"
    path.write_text(text, "utf-8")
    return path


def test_the_base_url_for_openai(env: Env, home: Path) -> None:
    path = conf(env, OPENAI)
    wired = there_and_back(home, env, AIDER, URL, path, "yaml", ("openai-api-base",))
    assert wired.upstream == "https://llm.example/v1"
    wiring.connect(home, env, AIDER, URL)
    assert path.read_text("utf-8") == OPENAI.replace("https://llm.example/v1", URL)


def test_no_settings_at_all(env: Env, home: Path) -> None:
    wired = wiring.connect(home, env, AIDER, URL)
    path = env.home / ".aider.conf.yml"
    assert wired.upstream == "https://api.openai.com/v1"
    assert get_key(path, path.read_bytes(), "yaml", ("openai-api-base",)) == (True, URL)
    wiring.disconnect(home, env, AIDER)
    assert not path.exists()


def items(path: Path) -> list[str]:
    found = get_key(path, path.read_bytes(), "yaml", ("set-env",))[1]
    assert isinstance(found, list)
    return found


def test_the_variable_of_another_provider_is_an_item_of_set_env(env: Env, home: Path) -> None:
    path = conf(env, ANTHROPIC)
    wired = wiring.connect(home, env, AIDER, URL)
    assert wired.upstream == "https://api.anthropic.com"
    assert items(path) == ["OTHER=one", f"ANTHROPIC_API_BASE={URL}"]
    assert not wiring.connect(home, env, AIDER, URL).changed
    assert [found.level for found in AIDER.doctor(env, URL) if "settings" in found.subject] == ["ok"]
    wiring.connect(home, env, AIDER, URL.replace("8787", "8788"))
    assert items(path)[1:] == [f"ANTHROPIC_API_BASE={URL.replace('8787', '8788')}"]
    assert [found.level for found in AIDER.doctor(env, URL) if "settings" in found.subject] == ["fail"]
    wiring.disconnect(home, env, AIDER)
    assert path.read_text("utf-8") == ANTHROPIC


def test_the_user_s_own_item_stays_below_ours(env: Env, home: Path) -> None:
    path = conf(env, ANTHROPIC + "  - ANTHROPIC_API_BASE=https://gw.example/\n")
    before = path.read_bytes()
    assert wiring.connect(home, env, AIDER, URL).upstream == "https://gw.example"
    assert items(path)[1:] == ["ANTHROPIC_API_BASE=https://gw.example/", f"ANTHROPIC_API_BASE={URL}"]
    wiring.disconnect(home, env, AIDER)
    assert path.read_bytes() == before


def test_what_the_user_adds_to_a_list_that_was_made_for_ours_stays(env: Env, home: Path) -> None:
    path = conf(env, "model: gemini/flash\n")
    wiring.connect(home, env, AIDER, URL)
    assert items(path) == [f"GEMINI_API_BASE={URL}"]
    edited = path.read_text("utf-8").rstrip("\n")
    indent = edited.splitlines()[-1].partition("-")[0]
    path.write_text(f"{edited}\n{indent}- MINE=1\n", "utf-8")
    assert "MINE=1" in items(path)
    wiring.disconnect(home, env, AIDER)
    assert items(path) == ["MINE=1"]


def test_what_a_skillclaw_without_a_record_left_is_replaced(env: Env, home: Path) -> None:
    path = conf(env, "model: sonnet\nset-env:\n  - ANTHROPIC_API_BASE=http://127.0.0.1:1/aider\n")
    wired = wiring.connect(home, env, AIDER, URL)
    assert items(path) == [f"ANTHROPIC_API_BASE={URL}"]
    assert wired.upstream == "https://api.anthropic.com"
    assert any("earlier SkillClaw" in note for note in wired.notes)


def test_a_set_env_that_is_no_list_is_refused(env: Env, home: Path) -> None:
    path = conf(env, "model: sonnet\nset-env: OTHER=one\n")
    before = path.read_bytes()
    with pytest.raises(BadInputError, match="set-env"):
        wiring.connect(home, env, AIDER, URL)
    assert path.read_bytes() == before


@pytest.mark.parametrize("where", ["shell", "home", "project"])
def test_openai_base_url_wins_so_that_it_is_set_too(tmp_path: Path, home: Path, where: str) -> None:
    shell = {"OPENAI_BASE_URL": "https://gw.example/v1"} if where == "shell" else {}
    env = make_env(tmp_path, **shell)
    if where != "shell":
        (env.home if where == "home" else env.cwd).joinpath(".env").write_text(
            "OPENAI_BASE_URL='https://gw.example/v1'\n", "utf-8"
        )
    path = conf(env, OPENAI)
    wired = there_and_back(home, env, AIDER, URL, path, "yaml", ("openai-api-base",))
    assert wired.upstream == "https://gw.example/v1"
    wiring.connect(home, env, AIDER, URL)
    assert items(path) == [f"OPENAI_BASE_URL={URL}"]


def test_a_winner_that_came_later_is_told(tmp_path: Path, home: Path) -> None:
    env = make_env(tmp_path)
    conf(env, OPENAI)
    wiring.connect(home, env, AIDER, URL)
    later = make_env(tmp_path, OPENAI_BASE_URL="https://gw.example/v1")
    found = [f for f in AIDER.doctor(later, URL) if f.level == "warn" and "settings" in f.subject]
    assert ["set-env" in f.text for f in found] == [True]


@pytest.mark.parametrize(
    ("text", "environ", "upstream"),
    [
        ("model: claude-x\n", {}, "https://api.anthropic.com"),
        ("model: gpt-x\n", {}, "https://api.openai.com/v1"),
        ("model: openrouter/anthropic/claude-x\n", {}, "https://openrouter.ai/api/v1"),
        ("model: r1\n", {}, "https://api.deepseek.com/beta"),
        ("model: gpt-x\n", {"AIDER_MODEL": "groq/m"}, "https://api.groq.com/openai/v1"),
        ("dark-mode: true\n", {"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"}, "https://api.anthropic.com"),
        ("api-key:\n  - gemini=k\n", {}, "https://generativelanguage.googleapis.com/v1beta"),
        ("model: gpt-x\n", {"OPENAI_API_BASE": "http://h:1/v1"}, "http://h:1/v1"),
        (
            "openai-api-base: http://a:1/v1\n",
            {"AIDER_OPENAI_API_BASE": "http://b:1/v1", "OPENAI_API_BASE": "http://c:1/v1"},
            "http://b:1/v1",
        ),
    ],
)
def test_which_provider_is_in_use_and_where_it_goes(
    tmp_path: Path, text: str, environ: dict[str, str], upstream: str
) -> None:
    env = make_env(tmp_path, **environ)
    conf(env, text)
    assert AIDER.upstream(env) == upstream


def test_the_nearest_file_names_the_model_and_what_it_overrides_is_told(env: Env) -> None:
    conf(env, OPENAI)
    (env.cwd / ".git").mkdir()
    deeper = Env(home=env.home, environ=env.environ, cwd=env.cwd / "src")
    (env.cwd / ".aider.conf.yml").write_text("model: claude-x\nset-env: [A=b]\n", "utf-8")
    assert AIDER.upstream(deeper) == "https://api.anthropic.com"
    told = [found.text for found in AIDER.doctor(deeper, URL) if "wins over" in found.text]
    assert len(told) == 1 and str(env.cwd / ".aider.conf.yml") in told[0]


@pytest.mark.parametrize("model", ["vertex_ai/gemini-x", "bedrock/claude-x", "ollama/m", "grok3"])
def test_what_cannot_be_connected_is_refused_and_nothing_written(env: Env, model: str) -> None:
    path = conf(env, f"model: {model}\n")
    with pytest.raises(BadInputError, match="cannot be pointed"):
        AIDER.connect(env, URL)
    assert path.read_text("utf-8") == f"model: {model}\n"


def test_settings_that_do_not_parse_are_refused(env: Env) -> None:
    conf(env, "model: [\n")
    with pytest.raises(BadInputError, match=r"\.aider\.conf\.yml"):
        AIDER.connect(env, URL)
    assert AIDER.doctor(env, URL)[-1].level == "fail"


def test_models_of_other_providers_are_told(env: Env) -> None:
    conf(env, OPENAI + "weak-model: groq/small\neditor-model: openai/m2\n")
    notes = AIDER.connect(env, URL).notes
    assert [note for note in notes if "past the proxy" in note] == [
        "weak-model is groq/small: its requests go past the proxy."
    ]


def test_it_is_started_by_variables(env: Env) -> None:
    conf(env, OPENAI)
    assert AIDER.launch(env, URL, ["--message", "hi"]).env == {
        "OPENAI_BASE_URL": URL,
        "OPENAI_API_BASE": URL,
    }
    conf(env, "model: sonnet\n")
    assert AIDER.launch(env, URL, [], "tok").env == {"ANTHROPIC_API_BASE": URL, "ANTHROPIC_API_KEY": "tok"}


@pytest.mark.parametrize("token", ["", "tok"])
def test_where_files_win_over_the_start_it_is_refused(env: Env, token: str) -> None:
    conf(env, ANTHROPIC)
    if not token:
        (env.cwd / ".env").write_text("ANTHROPIC_API_BASE=https://gw.example\n", "utf-8")
    with pytest.raises(BadInputError, match="skillclaw connect aider"):
        AIDER.launch(env, URL, [], token)
    if token:
        AIDER.launch(env, URL, [])


def test_skills_come_with_its_requests(env: Env) -> None:
    assert AIDER.skills(env) == []
    assert getattr(AIDER, "inject", False) == "bodies"
