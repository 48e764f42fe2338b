"""Within a `skillclaw run` a URL of SkillClaw's stands for the upstream that it leads to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agents_material import make_env
from test_agents_surroundings import GATEWAY, VARIABLES, connect, settled, url_of

from skillclaw.agents import Env, adapters, connected_upstreams, nested
from skillclaw.agents.wiring import own_upstream
from skillclaw.apart import note
from skillclaw.errors import BadInputError

WITHIN = {**VARIABLES, "qwen-code": "OPENAI_BASE_URL"}
LOST = f"http://127.0.0.1:8787/claude-code.{'0' * 32}"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def run_of(home: Path, agent: str, upstream: str = GATEWAY) -> str:
    """The URL that a `skillclaw run` of the agent gives, in a shell that names `upstream`."""
    return f"http://127.0.0.1:8787/{note(home, agent, upstream)}"


def upstream(home: Path, env: Env, agent: str = "claude-code") -> str:
    return own_upstream(home, env, adapters()[agent])


@pytest.mark.parametrize("agent", WITHIN)
@pytest.mark.parametrize("other", [False, True])
def test_requests_go_where_those_of_the_run_around_it_go(
    tmp_path: Path, home: Path, agent: str, other: bool
) -> None:
    settled(tmp_path, agent)
    within = make_env(tmp_path, **{WITHIN[agent]: run_of(home, "generic" if other else agent)})
    assert upstream(home, within, agent) == GATEWAY
    assert connect(home, within, agent).upstream == GATEWAY
    assert connected_upstreams(home) == {agent: GATEWAY}


def test_what_is_no_agent_of_a_name_goes_there_too(tmp_path: Path, home: Path) -> None:
    launch = adapters()["generic"].launch(make_env(tmp_path), run_of(home, "generic"), ["program"])
    assert upstream(home, make_env(tmp_path, **launch.env), "generic") == GATEWAY


def test_a_run_within_a_run_of_another_agent_is_followed_to_its_end(tmp_path: Path, home: Path) -> None:
    twice = run_of(home, "opencode", run_of(home, "claude-code"))
    assert upstream(home, make_env(tmp_path, ANTHROPIC_BASE_URL=twice)) == GATEWAY


def test_a_path_behind_it_goes_into_the_upstream_s_path(tmp_path: Path, home: Path) -> None:
    asked = "https://gw.example/team/?key=1"
    behind = make_env(tmp_path, OPENAI_BASE_URL=f"{run_of(home, 'generic', asked)}/v1")
    assert upstream(home, behind, "generic") == "https://gw.example/team/v1?key=1"
    plain = make_env(tmp_path, OPENAI_BASE_URL=f"{run_of(home, 'generic', asked)}/")
    assert upstream(home, plain, "generic") == asked


def test_settings_that_a_variable_holds_are_followed_too(tmp_path: Path, home: Path) -> None:
    settled(tmp_path, "opencode")
    shell, opencode = {"ANTHROPIC_BASE_URL": GATEWAY}, adapters()["opencode"]
    launch = opencode.launch(make_env(tmp_path, **shell), run_of(home, "opencode"), [])
    within = nested.outside(home, make_env(tmp_path, **shell, **launch.env))
    assert GATEWAY in within.environ["OPENCODE_CONFIG_CONTENT"]
    again = opencode.launch(within, "http://127.0.0.1:9999/opencode.mark", [])
    held = json.loads(again.env["OPENCODE_CONFIG_CONTENT"])
    assert held["provider"]["anthropic"]["options"]["baseURL"] == "http://127.0.0.1:9999/opencode.mark"


def test_one_that_leads_nowhere_is_refused_for_its_agent_alone(tmp_path: Path, home: Path) -> None:
    within = make_env(tmp_path, ANTHROPIC_BASE_URL=LOST)
    with pytest.raises(BadInputError, match="Nobody knows where Claude Code's requests go") as told:
        upstream(home, within)
    assert "ANTHROPIC_BASE_URL is of a `skillclaw run`" in told.value.why
    assert "skillclaw config set agents.claude-code.upstream" in told.value.todo
    assert upstream(home, within, "codex") == "https://api.openai.com/v1"


def test_what_connect_set_leads_where_the_connected_agent_goes(tmp_path: Path, home: Path) -> None:
    """Claude Code gives the variables of its settings to what it starts."""
    connect(home, make_env(tmp_path, ANTHROPIC_BASE_URL=GATEWAY))
    within = make_env(tmp_path, ANTHROPIC_BASE_URL=url_of("claude-code"))
    assert upstream(home, within) == GATEWAY
    assert upstream(home, make_env(tmp_path)) == "https://api.anthropic.com", "another shell"
    assert connect(home, within).upstream == GATEWAY
    assert connected_upstreams(home) == {"claude-code": GATEWAY}


def test_it_is_the_same_environment_where_nothing_of_it_is_skillclaw_s(tmp_path: Path, home: Path) -> None:
    env = make_env(tmp_path, ANTHROPIC_BASE_URL=GATEWAY, OTHER=f"{GATEWAY}/{note(home, 'codex', GATEWAY)}")
    assert nested.outside(home, env) is env
