"""Whose account an author runs on, from files as the agents keep them."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from skillclaw.agents import Env
from skillclaw.apart import note
from skillclaw.errors import BadInputError, UsageError
from skillclaw.evolve.engines.cli_login import find_way
from skillclaw.evolve.engines.cli_plan import CliPlan, cli_plan
from skillclaw.evolve.models.places import find_key
from skillclaw.headless.gateway import Way
from skillclaw.settings import BudgetSettings, CliSettings, ModelSettings, UpstreamSettings, load, set_value

KEY = "sk-" + "SomebodysOwnKey" * 2
NOW = time.time()


def way(
    home: Path, agent: str, *, url: str = "", named: UpstreamSettings | None = None, **environ: str
) -> Way:
    plan = CliPlan(
        cli=CliSettings(agent=agent, model="m"),  # type: ignore[arg-type]
        budget=BudgetSettings(),
        named=named,
        url=url,
        spending=home,
        env=Env(home=home, environ=environ, cwd=home),
    )
    return find_way(plan)


def put(home: Path, path: str, value: Any) -> None:
    (home / path).parent.mkdir(parents=True, exist_ok=True)
    (home / path).write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")


def token(**claims: Any) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.{KEY}"


def test_claude_codes_key_of_the_environment_goes_before_its_login(tmp_path: Path) -> None:
    put(tmp_path, ".claude/.credentials.json", {"claudeAiOauth": {"accessToken": KEY, "expiresAt": 9e15}})
    found = way(tmp_path, "claude-code")
    assert found.base_url == "https://api.anthropic.com/v1"
    assert found.headers == (("Authorization", f"Bearer {KEY}"),)
    assert found.beta == "oauth-2025-04-20"
    found = way(tmp_path, "claude-code", ANTHROPIC_API_KEY="k-1", ANTHROPIC_AUTH_TOKEN="k-2")
    assert (found.headers, found.beta) == ((("x-api-key", "k-1"),), "")
    assert way(tmp_path, "claude-code", ANTHROPIC_AUTH_TOKEN="k-2").headers == (
        ("Authorization", "Bearer k-2"),
    )
    given = way(tmp_path, "claude-code", url="https://gateway.example.org/x/")
    assert given.base_url == "https://gateway.example.org/x/v1"


def test_codex_goes_where_its_login_is_good(tmp_path: Path) -> None:
    put(tmp_path, ".codex/auth.json", {"OPENAI_API_KEY": KEY})
    found = way(tmp_path, "codex")
    assert (found.base_url, found.headers) == (
        "https://api.openai.com/v1",
        (("Authorization", f"Bearer {KEY}"),),
    )
    kept = {"auth_mode": "chatgpt", "tokens": {"access_token": token(exp=NOW + 900), "account_id": "a-1"}}
    put(tmp_path, ".codex/auth.json", kept)
    found = way(tmp_path, "codex")
    assert found.base_url == "https://chatgpt.com/backend-api/codex"
    assert dict(found.headers)["chatgpt-account-id"] == "a-1"
    assert way(tmp_path, "codex", CODEX_API_KEY="k-3").headers == (("Authorization", "Bearer k-3"),)
    mine = 'model_provider = "mine"\n[model_providers.mine]\nenv_key = "MINE"\n'
    mine += 'base_url = "https://m.example.org/v1"\n'
    put(tmp_path, ".codex/config.toml", mine)
    found = way(tmp_path, "codex", MINE="k-4")
    assert (found.base_url, found.headers) == (
        "https://m.example.org/v1",
        (("Authorization", "Bearer k-4"),),
    )


def test_hermes_and_openclaw_have_their_providers_key(tmp_path: Path) -> None:
    config = "model:\n  provider: mine\nproviders:\n  mine:\n    api_key: k-5\n"
    config += "    base_url: https://h.example.org/v1\n"
    put(tmp_path, ".hermes/config.yaml", config)
    found = way(tmp_path, "hermes")
    assert (found.base_url, found.headers) == (
        "https://h.example.org/v1",
        (("Authorization", "Bearer k-5"),),
    )
    put(tmp_path, ".hermes/config.yaml", "model:\n  provider: openrouter\n")
    assert way(tmp_path, "hermes", OPENROUTER_API_KEY="k-6").headers[0][1] == "Bearer k-6"
    with pytest.raises(UsageError, match="Hermes' provider"):
        way(tmp_path, "hermes")
    provider = {"baseUrl": "https://o.example.org/v1", "apiKey": "${O_KEY}"}
    claw = {"models": {"providers": {"o": provider}}, "agents": {"defaults": {"model": {"primary": "o/m"}}}}
    put(tmp_path, ".openclaw/openclaw.json", claw)
    found = way(tmp_path, "openclaw", O_KEY="k-7")
    assert (found.base_url, found.headers) == (
        "https://o.example.org/v1",
        (("Authorization", "Bearer k-7"),),
    )


@pytest.mark.parametrize(
    ("agent", "path", "kept"),
    [
        (
            "claude-code",
            ".claude/.credentials.json",
            {"claudeAiOauth": {"accessToken": KEY, "expiresAt": 1e12}},
        ),
        ("codex", ".codex/auth.json", {"tokens": {"access_token": token(exp=NOW - 5)}}),
    ],
)
def test_a_login_that_ran_out_is_told_without_the_token(
    tmp_path: Path, agent: str, path: str, kept: dict[str, Any]
) -> None:
    put(tmp_path, path, kept)
    with pytest.raises(UsageError, match="Log in again") as told:
        way(tmp_path, agent)
    assert KEY not in str(told.value)


ENDS = [
    ("9" * 400, True),
    ("-" + "9" * 400, False),
    ("9" * 5000, None),
    ("-1", False),
    ("0", False),
    ("NaN", True),
    ("Infinity", True),
    ("-Infinity", False),
    ("1e999", True),
    ("true", True),
    ("null", True),
    ('"soon"', True),
    ("[1]", True),
]
"""Ends of a login as JSON may have them, and whether it counts as one that holds; None: as none at all."""


@pytest.mark.parametrize(("end", "holds"), ENDS, ids=[end[:12] for end, _ in ENDS])
@pytest.mark.parametrize("agent", ["claude-code", "codex"])
def test_a_login_with_any_end_holds_or_is_told(
    tmp_path: Path, agent: str, end: str, holds: bool | None
) -> None:
    given = KEY
    if agent == "claude-code":
        login = f'{{"claudeAiOauth": {{"accessToken": "{KEY}", "expiresAt": {end}}}}}'
        put(tmp_path, ".claude/.credentials.json", login)
    else:
        claims = base64.urlsafe_b64encode(f'{{"exp": {end}}}'.encode()).decode().rstrip("=")
        given = f"e30.{claims}.{KEY}"
        put(tmp_path, ".codex/auth.json", {"tokens": {"access_token": given}})
        holds = True if holds is None else holds  # its end alone cannot be read
    if holds:
        assert way(tmp_path, agent).headers == (("Authorization", f"Bearer {given}"),)
        return
    with pytest.raises(UsageError, match="no login" if holds is None else "Log in again") as told:
        way(tmp_path, agent)
    assert KEY not in str(told.value)


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"claudeAiOauth": 7, "tokens": []}', "\x00"])
@pytest.mark.parametrize(
    ("agent", "path"), [("claude-code", ".claude/.credentials.json"), ("codex", ".codex/auth.json")]
)
def test_a_login_that_is_none_is_told(tmp_path: Path, agent: str, path: str, kept: str) -> None:
    put(tmp_path, path, kept)
    with pytest.raises(UsageError, match="no login"):
        way(tmp_path, agent)


def test_a_configured_upstream_speaks_the_agents_protocol(tmp_path: Path) -> None:
    named = UpstreamSettings(url="https://u.example.org/v1", protocol="anthropic", key="env:U_KEY")
    found = way(tmp_path, "claude-code", named=named, U_KEY="k-8", ANTHROPIC_API_KEY="other")
    assert (found.base_url, found.headers) == ("https://u.example.org/v1", (("x-api-key", "k-8"),))
    assert "k-8" not in repr(found)
    with pytest.raises(UsageError, match="codex speaks responses"):
        way(tmp_path, "codex", named=named, U_KEY="k-8")
    with pytest.raises(UsageError, match="U_KEY is not set"):
        way(tmp_path, "claude-code", named=named)
    with pytest.raises(UsageError, match="characters that no key has"):
        way(tmp_path, "claude-code", named=named, U_KEY="k 8\n")


def test_what_codex_has_of_openai_goes_to_no_other_provider(tmp_path: Path) -> None:
    put(tmp_path, ".codex/auth.json", {"OPENAI_API_KEY": KEY})
    other = '[model_providers.other]\nname = "other"\nbase_url = "https://other.example.org/v1"\n'
    put(tmp_path, ".codex/config.toml", f'model_provider = "other"\n{other}')
    found = way(tmp_path, "codex")
    assert (found.base_url, found.headers) == ("https://other.example.org/v1", ())
    put(tmp_path, ".codex/config.toml", f'model_provider = "other"\n{other}requires_openai_auth = true\n')
    assert way(tmp_path, "codex").headers == (("Authorization", f"Bearer {KEY}"),)
    put(tmp_path, ".codex/config.toml", "")
    assert way(tmp_path, "codex").headers == (("Authorization", f"Bearer {KEY}"),)


def test_a_key_goes_where_the_run_around_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    set_value(tmp_path, "evolve.cli.agent", "claude-code")
    mark = note(tmp_path, "claude-code", "https://gateway.example.org/x")
    within = {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:8787/{mark}", "ANTHROPIC_API_KEY": "k-1"}
    found = find_way(cli_plan(load(tmp_path), tmp_path, within))
    assert (found.base_url, found.headers) == ("https://gateway.example.org/x/v1", (("x-api-key", "k-1"),))
    (tmp_path / "run" / mark).unlink()
    with pytest.raises(BadInputError, match="Nobody knows where Claude Code's requests go"):
        find_way(cli_plan(load(tmp_path), tmp_path, within))
    set_value(tmp_path, "agents.claude-code.upstream", "https://named.example.org")
    assert find_way(cli_plan(load(tmp_path), tmp_path, within)).base_url == "https://named.example.org/v1"


@pytest.mark.parametrize(
    ("url", "passes"),
    [
        ("http://gateway.example.org/v1", False),
        ("http://93.184.216.34/v1", False),
        ("https://gateway.example.org/v1", True),
        ("http://127.0.0.1:8080/v1", True),
        ("http://10.1.2.3:8080/v1", True),
        ("http://gpu-box:8080/v1", True),
        ("http://gpu.lan/v1", True),
    ],
)
def test_no_key_goes_where_anybody_on_the_way_can_read_it(tmp_path: Path, url: str, passes: bool) -> None:
    model = ModelSettings(name="m", url=url, key="env:KEY")
    asks = (
        lambda: find_key(model, {"KEY": KEY}) == KEY,
        lambda: way(tmp_path, "codex", url=url, CODEX_API_KEY=KEY).base_url == url,
    )
    for ask in asks:
        if passes:
            assert ask()
        else:
            with pytest.raises(UsageError, match="can read it"):
                ask()
