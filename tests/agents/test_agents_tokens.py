"""Tokens of configured mode: written as the agent's key, taken away again, never in argv or a diff."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from agents_material import make_env

from skillclaw.agents import Env, adapters, digest, forget_token, known_tokens, token, wiring
from skillclaw.errors import BadInputError, UsageError

CLAUDE = adapters()["claude-code"]
CODEX = adapters()["codex"]
CLAUDE_URL = "http://127.0.0.1:8787/claude-code"
CODEX_URL = "http://127.0.0.1:8787/codex"
KEY = "skillclaw-0123456789abcdefghij"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, "utf-8")
    return path


def test_processes_that_ask_at_once_agree_on_the_tokens(home: Path) -> None:
    """`up` makes a token as soon as a setting asks for one, and `connect` at the same moment."""
    code = (
        "import sys, pathlib; from skillclaw.agents import token\n"
        "home = pathlib.Path(sys.argv[1]); sys.stdin.readline()\n"
        "print([token(home, f'agent-{n}') for n in range(20)])"
    )
    argv = [sys.executable, "-c", code, str(home)]
    made = [
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in made:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = {process.communicate(timeout=30)[0] for process in made}
    assert said == {f"{[known_tokens(home)[f'agent-{n}'] for n in range(20)]}\n"}
    for path in home.iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_each_agent_has_a_token_of_its_own_that_stays(home: Path) -> None:
    one, two = token(home, "codex"), token(home, "claude-code")
    assert one != two
    assert len(one) > 40
    assert token(home, "codex") == one
    assert known_tokens(home) == {"claude-code": two, "codex": one}
    assert (home / "tokens.json").stat().st_mode & 0o077 == 0
    forget_token(home, "codex")
    assert token(home, "codex") != one
    assert digest(two) not in (home / "tokens.json").read_text()


def test_a_broken_token_file_is_named(home: Path) -> None:
    home.mkdir()
    (home / "tokens.json").write_text("[1]", "utf-8")
    with pytest.raises(BadInputError, match=r"tokens\.json"):
        token(home, "codex")


def test_claude_code_gets_the_token_and_loses_it(env: Env, home: Path) -> None:
    before = '{\n  "env": {"ANTHROPIC_AUTH_TOKEN": "gateway-token-of-the-user", "A": "1"}\n}\n'
    path = write(env.home / ".claude/settings.json", before)
    dry = wiring.connect(home, env, CLAUDE, CLAUDE_URL, token=KEY, dry_run=True)
    assert KEY not in dry.diff
    assert "gateway-token" not in dry.diff
    wiring.connect(home, env, CLAUDE, CLAUDE_URL, token=KEY)
    assert json.loads(path.read_text())["env"] == {
        "ANTHROPIC_AUTH_TOKEN": KEY,
        "A": "1",
        "ANTHROPIC_BASE_URL": CLAUDE_URL,
    }
    assert not wiring.connect(home, env, CLAUDE, CLAUDE_URL, token=KEY).changed
    # Back to the user's own upstream: their token goes with their requests again.
    wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    assert json.loads(path.read_text())["env"]["ANTHROPIC_AUTH_TOKEN"] == "gateway-token-of-the-user"
    wiring.connect(home, env, CLAUDE, CLAUDE_URL, token=KEY)
    path.write_text(path.read_text().replace('"1"', '"2"'), "utf-8")
    wiring.disconnect(home, env, CLAUDE)
    assert path.read_text() == before.replace('"1"', '"2"')


def test_claude_code_without_a_record_keeps_no_token_of_ours(env: Env, home: Path, tmp_path: Path) -> None:
    path = env.home / ".claude/settings.json"
    wiring.connect(tmp_path / "lost", env, CLAUDE, CLAUDE_URL, token=KEY)
    wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    assert json.loads(path.read_text())["env"] == {"ANTHROPIC_BASE_URL": CLAUDE_URL}


def test_claude_code_is_started_with_the_token_in_its_environment(env: Env) -> None:
    launch = CLAUDE.launch(env, CLAUDE_URL, ["-p", "hi"], KEY)
    assert launch.env == {"ANTHROPIC_BASE_URL": CLAUDE_URL, "ANTHROPIC_AUTH_TOKEN": KEY}
    assert KEY not in " ".join(launch.argv)
    write(env.home / ".claude/settings.json", '{"env": {"ANTHROPIC_AUTH_TOKEN": "mine"}}')
    with pytest.raises(BadInputError, match="instead of SkillClaw's token"):
        CLAUDE.launch(env, CLAUDE_URL, [], KEY)
    assert CLAUDE.launch(env, CLAUDE_URL, []).env == {"ANTHROPIC_BASE_URL": CLAUDE_URL}


CODEX_FILE = (
    'model = "m"\nmodel_provider = "mine" # why\n\n[model_providers.mine]\nname = "Mine"\n'
    'base_url = "https://gw.example/v1"\nenv_key = "MINE"\n'
)


@pytest.mark.parametrize(
    "content", ["", 'model = "m"\n', CODEX_FILE, '[projects."/x"]\ntrust_level = "trusted"\n']
)
def test_codex_gets_a_provider_with_the_token_and_loses_it(env: Env, home: Path, content: str) -> None:
    path = write(env.home / ".codex/config.toml", content)
    dry = wiring.connect(home, env, CODEX, CODEX_URL, token=KEY, dry_run=True)
    assert KEY not in dry.diff
    wired = wiring.connect(home, env, CODEX, CODEX_URL, token=KEY)
    tree = tomllib.loads(path.read_text())
    assert tree["model_provider"] == "skillclaw"
    assert tree["model_providers"]["skillclaw"] == {
        "name": "SkillClaw",
        "base_url": CODEX_URL,
        "wire_api": "responses",
        "experimental_bearer_token": KEY,
    }
    assert {**tree, "model_provider": 0, "model_providers": 0} == {
        **tomllib.loads(content),
        "model_provider": 0,
        "model_providers": 0,
    }
    assert "https://gw.example/v1" in (wired.upstream, "https://gw.example/v1" * (content != CODEX_FILE))
    assert CODEX.upstream(env) != CODEX_URL
    assert not wiring.connect(home, env, CODEX, CODEX_URL, token=KEY).changed
    wiring.disconnect(home, env, CODEX)
    assert path.read_text() == content
    # The user changes the file meanwhile: only ours goes, and goes whole.
    wiring.connect(home, env, CODEX, CODEX_URL, token=KEY)
    path.write_text(path.read_text() + "\n[tools]\nweb_search = true\n", "utf-8")
    wiring.disconnect(home, env, CODEX)
    assert tomllib.loads(path.read_text()) == {**tomllib.loads(content), "tools": {"web_search": True}}


def test_codex_with_a_profile_that_chooses_the_provider(env: Env, home: Path) -> None:
    content = 'profile = "p"\n[profiles.p]\nmodel_provider = "openai"\n'
    path = write(env.home / ".codex/config.toml", content)
    wiring.connect(home, env, CODEX, CODEX_URL, token=KEY)
    assert tomllib.loads(path.read_text())["profiles"]["p"]["model_provider"] == "skillclaw"
    wiring.disconnect(home, env, CODEX)
    assert path.read_text() == content


def test_codex_without_a_record_keeps_no_provider_of_ours(env: Env, home: Path, tmp_path: Path) -> None:
    path = write(env.home / ".codex/config.toml", 'model = "m"\n')
    wiring.connect(tmp_path / "lost", env, CODEX, CODEX_URL, token=KEY)
    wiring.connect(home, env, CODEX, CODEX_URL)
    tree = tomllib.loads(path.read_text())
    assert (tree["openai_base_url"], "model_provider" in tree, KEY in path.read_text()) == (
        CODEX_URL,
        False,
        False,
    )


def test_codex_is_started_with_the_token_in_its_environment(env: Env) -> None:
    launch = CODEX.launch(env, CODEX_URL, ["exec", "hi"], KEY)
    assert launch.env == {"SKILLCLAW_TOKEN": KEY}
    assert KEY not in " ".join(launch.argv)
    assert 'model_provider="skillclaw"' in launch.argv
    assert 'model_providers.skillclaw.env_key="SKILLCLAW_TOKEN"' in launch.argv
    assert launch.argv[-2:] == ["exec", "hi"]


def test_other_agents_get_the_token_in_the_variables_of_keys(env: Env) -> None:
    generic = adapters()["generic"]
    launch = generic.launch(env, "http://127.0.0.1:1/generic", ["prog"], KEY)
    assert {launch.env[name] for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")} == {KEY}
    assert KEY not in " ".join(launch.argv)
    with pytest.raises(UsageError) as caught:
        generic.connect(env, "http://127.0.0.1:1/generic", KEY)
    assert KEY not in str(caught.value)
    assert "skillclaw config token generic" in str(caught.value)
