"""Whose account an author runs on: a configured upstream's key, else the agent's own login on this machine.

What is found goes into one `Way`, which lives in this process alone: into no room, no file, no log and no
command line. Logins are read as the agents keep them: Claude Code's `.credentials.json` (`claudeAiOauth`),
Codex's `auth.json`, Hermes' and OpenClaw's settings. None is renewed here, since that would change a file
under a running agent; one that ran out is told.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from typing import Any
from urllib.parse import urlsplit

from skillclaw.agents import Adapter, Env, edits, nested
from skillclaw.agents.claude_code import ADAPTER as CLAUDE
from skillclaw.agents.codex import ADAPTER as CODEX
from skillclaw.agents.codex import WITH_LOGIN
from skillclaw.agents.hermes import ADAPTER as HERMES
from skillclaw.agents.openclaw import ADAPTER as OPENCLAW
from skillclaw.agents.openclaw_settings import expanded, held, model_in_use
from skillclaw.errors import SkillClawError, UsageError
from skillclaw.evolve.engines.cli_plan import CliPlan
from skillclaw.evolve.loopback import is_loopback
from skillclaw.evolve.models import OWN_HEADER
from skillclaw.evolve.models.places import check_readable
from skillclaw.headless.gateway import Speech, Way
from skillclaw.system_keyring import SERVICE, KeyringError, get_key

__all__ = ["SPEECH", "cli_departs_to", "find_way"]

SPEECH: dict[str, Speech] = {
    "claude-code": "anthropic",
    "codex": "responses",
    "hermes": "chat",
    "openclaw": "chat",
}
"""What each agent speaks in its room."""
OAUTH_BETA = "oauth-2025-04-20"
"""What Anthropic's API wants in `anthropic-beta` with the token of a subscription."""
SOON = 60.0
"""Seconds that a login must still hold."""


def find_way(plan: CliPlan) -> Way:
    """The way to the model for the plan's agent. Raises UsageError without a credential that holds, and
    BadInputError where nobody knows where the agent's own login goes."""
    name = plan.cli.agent
    if plan.unknown:
        raise UsageError(
            f"The author's model is to be reached by the upstream {plan.unknown!r}, and there is none.",
            "",
            "Set it: skillclaw config set upstreams.NAME.url https://...; or evolve.cli.upstream another",
        )
    if plan.named is not None:
        found = _named(plan)
    else:
        if not plan.url:
            nested.refuse_lost(plan.env, _ADAPTERS[name])
        base, headers, beta = _LOGINS[name](plan)
        found = Way(
            base_url=base.rstrip("/"), speech=SPEECH[name], headers=headers, beta=beta, own=OWN_HEADER
        )
    if found.headers:
        check_readable(found.base_url)
    return found


def cli_departs_to(plan: CliPlan) -> str | None:
    """The host that gets evidence; None where it stays on this machine. Raises as `find_way` does."""
    host = urlsplit(find_way(plan).base_url).hostname or ""
    return None if is_loopback(host) else host


def _named(plan: CliPlan) -> Way:
    upstream, speech = plan.named, SPEECH[plan.cli.agent]
    assert upstream is not None
    if upstream.protocol != speech:
        raise UsageError(
            f"The upstream speaks {upstream.protocol}, and {plan.cli.agent} speaks {speech}.",
            "",
            f"Choose another: skillclaw config set evolve.cli.upstream NAME (of protocol {speech})",
        )
    key = _kept(upstream.key, plan.env)
    headers: tuple[tuple[str, str], ...] = ()
    if key:
        headers = (("x-api-key", key),) if speech == "anthropic" else (("Authorization", f"Bearer {key}"),)
    return Way(base_url=upstream.url.rstrip("/"), speech=speech, headers=headers, own=OWN_HEADER)


def _kept(place: str, env: Env) -> str:
    """The key at `env:NAME` or `keyring:NAME`; empty for no place."""
    kind, _, name = place.partition(":")
    if not place:
        return ""
    if kind == "env":
        return _sendable(env.environ.get(name, ""), f"The variable {name} is not set.")
    try:
        found = get_key(name)
    except KeyringError as error:
        raise _missing(str(error)) from None
    return _sendable(found, f"The keyring holds no {name!r} of {SERVICE!r}.")


_Found = tuple[str, tuple[tuple[str, str], ...], str]
"""Base URL with the API's version, headers, beta."""


def _claude(plan: CliPlan) -> _Found:
    env = plan.env
    url = (plan.url or CLAUDE.upstream(env)).rstrip("/")
    base = url if url.endswith("/v1") else f"{url}/v1"
    if key := env.environ.get("ANTHROPIC_API_KEY", "").strip():
        return base, (("x-api-key", _sendable(key)),), ""
    if token := env.environ.get("ANTHROPIC_AUTH_TOKEN", "").strip():
        return base, (_bearer(token),), ""
    if token := env.environ.get("CLAUDE_CODE_OAUTH_TOKEN", "").strip():
        return base, (_bearer(token),), OAUTH_BETA
    path = CLAUDE.folder(env) / ".credentials.json"
    login = _object(_json(env, path).get("claudeAiOauth"))
    given = login.get("accessToken")
    if not isinstance(given, str) or not given:
        raise _missing(
            f"Claude Code has no login in {path}.",
            "Log in: run `claude`, then /login; or set ANTHROPIC_API_KEY",
        )
    if _is_past(login.get("expiresAt"), 1000):
        raise _ran_out("Claude Code", "claude")
    return base, (_bearer(given),), OAUTH_BETA


def _codex(plan: CliPlan) -> _Found:
    env = plan.env
    base = plan.url or CODEX.upstream(env)
    config = CODEX.folder(env) / "config.toml"
    data = env.read_bytes(config)
    provider = edits.get_key(config, data, "toml", ["model_provider"])[1]
    variable = edits.get_key(config, data, "toml", ["model_providers", str(provider), "env_key"])[1]
    if isinstance(variable, str) and env.environ.get(variable, "").strip():
        return base, (_bearer(env.environ[variable]),), ""
    if provider and str(provider) != "openai" and not plan.url and not _asks_openai(env, str(provider)):
        return base, (), ""  # another's server: what Codex has of OpenAI is none of its business
    if key := env.environ.get("CODEX_API_KEY", "").strip():
        return base, (_bearer(key),), ""
    path = CODEX.folder(env) / "auth.json"
    kept = _json(env, path)
    tokens = _object(kept.get("tokens"))
    mode = str(kept.get("auth_mode") or "").lower()
    token, key = tokens.get("access_token"), kept.get("OPENAI_API_KEY") or ""
    if isinstance(key, str) and key and not mode.startswith("chatgpt"):
        return base, (_bearer(key),), ""
    if not isinstance(token, str) or not token:
        raise _missing(f"Codex has no login in {path}.", "Log in: codex login; or set CODEX_API_KEY")
    if _is_past(_expiry(token)):
        raise _ran_out("Codex", "codex")
    headers = [_bearer(token)]
    if isinstance(account := tokens.get("account_id"), str) and account:
        headers.append(("chatgpt-account-id", _sendable(account)))
    return plan.url or WITH_LOGIN, tuple(headers), ""


def _asks_openai(env: Env, provider: str) -> bool:
    """Whether the provider is one that Codex's settings say takes the login at OpenAI."""
    config = CODEX.folder(env) / "config.toml"
    place = ["model_providers", provider, "requires_openai_auth"]
    return edits.get_key(config, env.read_bytes(config), "toml", place)[1] is True


def _hermes(plan: CliPlan) -> _Found:
    env = plan.env
    base = plan.url or HERMES.upstream(env)
    key = HERMES.provider_key(env)
    if not key:
        raise _missing(
            "The key of Hermes' provider is neither in its settings nor in a variable that is known.",
            "Set an upstream of protocol chat: skillclaw config set evolve.cli.upstream NAME",
        )
    return base, (_bearer(key),), ""


def _openclaw(plan: CliPlan) -> _Found:
    env = plan.env
    base = plan.url or OPENCLAW.upstream(env)
    provider = model_in_use(env)[0]
    key = expanded(env, held(env, "models", "providers", provider, "apiKey"))
    key = key or env.environ.get(f"{provider.upper().replace('-', '_')}_API_KEY", "").strip()
    if not key:
        raise _missing(
            f"The key of OpenClaw's provider {provider} is not in its settings.",
            "Set an upstream of protocol chat: skillclaw config set evolve.cli.upstream NAME",
        )
    return base, (_bearer(key),), ""


_LOGINS = {"claude-code": _claude, "codex": _codex, "hermes": _hermes, "openclaw": _openclaw}


def _bearer(token: str) -> tuple[str, str]:
    return "Authorization", f"Bearer {_sendable(token)}"


def _sendable(key: str, why: str = "") -> str:
    key = key.strip()
    if not key:
        raise _missing(why)
    if not all("!" <= char <= "~" for char in key):
        raise _missing("What is stored as the key holds characters that no key has.")
    return key


def _json(env: Env, path: Any) -> dict[str, Any]:
    try:
        return _object(json.loads(env.read_bytes(path) or b"{}"))
    except (ValueError, RecursionError):
        return {}
    except SkillClawError as error:
        raise _missing(error.what) from error


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_past(until: object, ticks: int = 1) -> bool:
    """Whether a moment (Unix time, `ticks` to the second) is past or near; not where it is no number.

    It is compared as it stands: a whole number may have more digits than any fraction holds.
    """
    if isinstance(until, bool) or not isinstance(until, int | float):
        return False
    return until < (time.time() + SOON) * ticks


def _expiry(token: str) -> object:
    """What a JSON Web Token says of its end (its claim `exp`, Unix seconds); None where it does not say."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = _object(json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return claims.get("exp")


def _missing(why: str, todo: str = "") -> UsageError:
    todo = todo or "Set the upstream's key: skillclaw config set upstreams.NAME.key env:VARIABLE"
    return UsageError("There is no credential for the author's model.", why, todo)


def _ran_out(title: str, program: str) -> UsageError:
    return UsageError(
        f"The login of {title} on this machine has run out.",
        f"{title} renews it when it runs.",
        f"Log in again: run `{program}` once; then try again.",
    )


_ADAPTERS: dict[str, Adapter] = {one.name: one for one in (CLAUDE, CODEX, HERMES, OPENCLAW)}
