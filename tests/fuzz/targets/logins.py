"""Whose account an author runs on: the files in which agents keep their logins and providers, with any bytes.

The first byte chooses the agent; the second whether its files are harmed deep inside, torn, or other bytes.
A way to a model comes of it whose key can be sent as a header, or a sentence that does not hold the key.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from fuzz_histories import tree
from fuzz_made import Drawn, dumped

from skillclaw.agents import Env
from skillclaw.errors import SkillClawError
from skillclaw.evolve.engines.cli_login import cli_departs_to, find_way
from skillclaw.evolve.engines.cli_plan import CliPlan
from skillclaw.settings import BudgetSettings, CliSettings

ALLOWED: tuple[type[Exception], ...] = ()
KEY = "sk-SomebodysOwnKeySomebodysOwnKey"
TOKEN = "e30.{}." + KEY
FILES: dict[str, dict[str, Any]] = {
    "claude-code": {
        ".claude/.credentials.json": {"claudeAiOauth": {"accessToken": KEY, "expiresAt": 9_000_000_000_000}},
        ".claude/settings.json": {"env": {"ANTHROPIC_BASE_URL": "https://gateway.example/v1"}},
    },
    "codex": {
        ".codex/auth.json": {
            "OPENAI_API_KEY": None,
            "auth_mode": "chatgpt",
            "tokens": {"access_token": TOKEN, "account_id": "a-1"},
        },
        ".codex/config.toml": 'model_provider = "own"\n[model_providers.own]\nbase_url = "https://h/v1"\n'
        'env_key = "K"\nrequires_openai_auth = true\n',
    },
    "hermes": {
        ".hermes/config.yaml": "model:\n  provider: mine\nproviders:\n  mine:\n    api_key: "
        f"{KEY}\n    base_url: https://h.example.org/v1\n",
        ".hermes/.env": f"OPENROUTER_API_KEY={KEY}\n",
    },
    "openclaw": {
        ".openclaw/openclaw.json": {
            "models": {"providers": {"o": {"baseUrl": "https://o.example/v1", "apiKey": KEY}}},
            "agents": {"defaults": {"model": {"primary": "o/m"}}},
        }
    },
}
NAMES = sorted(FILES)
DICT = (
    b'{"claudeAiOauth": {"accessToken": "k", "expiresAt": ',
    b'{"tokens": {"access_token": "',
    b'{"exp": ',
    b"9" * 400,
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"${",
    b"a.e30.b",
    b"requires_openai_auth = true",
    b"https://[",
)


def once(data: bytes) -> None:
    """One agent's login."""
    drawn = Drawn(data)
    agent = drawn.pick(NAMES)
    env = tree()
    harm = drawn.below(4)
    claims = drawn.rest() if harm == 3 else b'{"exp": 9000000000}'
    for name, held in FILES[agent].items():
        path = env.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_content(drawn, harm, held, claims))
    plan = CliPlan(
        cli=CliSettings(agent=agent, model="m"),  # type: ignore[arg-type]
        budget=BudgetSettings(),
        named=None,
        url="",
        spending=env.home,
        env=Env(home=env.home, environ={"PATH": ""}, cwd=env.cwd),
    )
    try:
        way = find_way(plan)
    except SkillClawError as error:
        assert error.what and KEY not in str(error)
        return
    for name, value in way.headers:
        assert name.isascii() and value.isascii() and value.isprintable()
    cli_departs_to(plan)


def _content(drawn: Drawn, harm: int, held: Any, claims: bytes) -> bytes:
    if harm == 2:
        return drawn.rest()
    token = base64.urlsafe_b64encode(claims).decode().rstrip("=")
    if isinstance(held, str):
        return drawn.torn(held.encode()) if harm == 1 else held.encode()
    made = json.loads(json.dumps(held).replace(TOKEN, TOKEN.format(token)))
    made = made if harm == 3 else drawn.harmed(made)
    return drawn.torn(dumped(made)) if harm == 1 else dumped(made)
