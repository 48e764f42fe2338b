"""IronClaw: https://github.com/nearai/ironclaw

From its documentation and sources (2026-08), not from a run. Two generations, each with its own way:

- `config.toml` in `$IRONCLAW_HOME`, `$IRONCLAW_REBORN_HOME` or `~/.ironclaw/reborn`: `[llm.default]` with
  `provider_id` and `base_url`. Once that table is there it chooses the provider, whatever LLM_BACKEND says.
- without it, variables: LLM_BACKEND names the provider, and one of its own holds the base URL (LLM_BASE_URL,
  OPENAI_BASE_URL, ...). They stand in the shell, which wins, in `./.env`, or in `~/.ironclaw/.env`.

A provider may also be one of the user's `providers.json`. Keys are variables, which are never read. Chat
Completions for most, Messages for Anthropic, Responses where asked for; no session id. Skills:
`~/.ironclaw/skills`. Its conversations are in a database of its own making, encrypted in part: not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skillclaw.agents import edits
from skillclaw.agents.history import lines
from skillclaw.agents.platform import Place, Platform
from skillclaw.agents.records import Env, Finding
from skillclaw.agents.urls import is_own, shown
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "IronClaw"]

HOMES = ("IRONCLAW_HOME", "IRONCLAW_REBORN_HOME")
BACKEND = "LLM_BACKEND"
VARIABLES = {
    "openai": "OPENAI_BASE_URL",
    "anthropic": "ANTHROPIC_BASE_URL",
    "openai_compatible": "LLM_BASE_URL",
    "openai_responses": "LLM_BASE_URL",
    "nearai": "NEARAI_BASE_URL",
    "minimax": "MINIMAX_BASE_URL",
    "cloudflare": "CLOUDFLARE_BASE_URL",
}
"""Provider -> the variable with its base URL."""
DEFAULTS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "nearai": "https://private.near.ai",
    "minimax": "https://api.minimax.io/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "groq": "https://api.groq.com/openai/v1",
    "nvidia": "https://integrate.api.nvidia.com/v1",
    "together": "https://api.together.xyz/v1",
    "fireworks": "https://api.fireworks.ai/inference/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "zai": "https://api.z.ai/api/paas/v4",
    "cerebras": "https://api.cerebras.ai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "gemini": "https://generativelanguage.googleapis.com/v1beta/openai",
    "tinfoil": "https://inference.tinfoil.sh/v1",
}
"""Base URLs that IronClaw itself has for a provider."""
ALIASES = {
    "open_ai": "openai",
    "claude": "anthropic",
    "compatible": "openai_compatible",
    "responses": "openai_responses",
    "open_router": "openrouter",
    "copilot": "github_copilot",
    "githubcopilot": "github_copilot",
    "near_ai": "nearai",
    "google": "gemini",
}
FIXED = frozenset({"bedrock", "github_copilot", "openai_codex", "gemini_oauth", "ollama"})
"""Providers with a login or a protocol of their own."""


class IronClaw(Platform):
    """The adapter of IronClaw."""

    name = "ironclaw"
    title = "IronClaw"
    programs = ("ironclaw", "ironclaw-reborn")

    def folder(self, env: Env) -> Path:
        """What its variables say, else `~/.ironclaw/reborn` where that is, else `~/.ironclaw`."""
        for name in HOMES:
            if env.environ.get(name, "").strip():
                return env.folder(name, ".ironclaw")
        newer = env.home / ".ironclaw" / "reborn"
        return newer if newer.is_dir() else env.home / ".ironclaw"

    def place(self, env: Env) -> Place:
        """`config.toml` where it chooses the provider, else the `.env` file."""
        path, slot = self._slot(env)
        provider = self._provider(env)
        known = self._user_provider(env, provider)
        default = str(known.get("default_base_url") or DEFAULTS.get(provider, "")).rstrip("/")
        if provider in FIXED or str(known.get("protocol")) in FIXED:
            raise BadInputError(
                f"IronClaw uses the provider {provider}, which cannot be pointed at the proxy.",
                "It has a login or a protocol of its own.",
                "Choose another; a local Ollama serves as openai_compatible too, at http://localhost:11434/v1.",
            )
        if slot:
            keys = ("llm", "default", "base_url")
            return Place(path=path, format="toml", keys=keys, default=default, provider=provider)
        variable = _variable(provider, known)
        if not variable:
            raise BadInputError(
                f"IronClaw uses the provider {provider}, which has no variable for its address.",
                "",
                f"Set LLM_BACKEND=openai_compatible and LLM_BASE_URL={default or 'its address'} instead.",
            )
        file = self._dotenv(env, variable)
        return Place(path=file, format="env", keys=(variable,), default=default, provider=provider)

    def own_url(self, env: Env) -> str:
        """In `config.toml`; where variables choose, the shell's, `./.env`'s, that of its folder."""
        place = self.place(env)
        told = [super().own_url(env)]
        if place.format == "env":
            variable = str(place.keys[0])
            told = [env.environ.get(variable, ""), *(str(found.get(variable, "")) for found in _dotenvs(env))]
        for url in told:
            if "://" in url and not is_own(url.strip(), self.name):
                return url.strip().rstrip("/")
        return ""

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """Variables that win over the file."""
        place = self.place(env)
        variable = str(place.keys[0]) if place.format == "env" else ""
        given = env.environ.get(variable, "") if variable else ""
        if base_url is None or not given or is_own(given, self.name):
            return []
        text = f"{variable}={shown(given)} wins over {place.path}"
        return [self.finding("warn", "environment", text, f"Unset {variable} where your shell sets it.")]

    def launch_env(self, env: Env, base_url: str, token: str) -> dict[str, str]:
        """The variable of the provider in use; BadInputError where `config.toml` chooses."""
        if self._slot(env)[1]:
            raise BadInputError(
                "IronClaw takes its base URL from config.toml only.", "", "Use: skillclaw connect ironclaw"
            )
        place = self.place(env)
        known = self._user_provider(env, place.provider)
        variable = str(place.keys[0])
        key = str(known.get("api_key_env") or f"{variable.removesuffix('_BASE_URL')}_API_KEY")
        return {variable: base_url} | ({key: token} if token else {})

    def skills(self, env: Env) -> list[Path]:
        """The user's own, which its model may open by itself; those in `installed_skills` it may not."""
        root = env.home / ".ironclaw"
        return [root / "skills", root / "installed_skills"]

    def _slot(self, env: Env) -> tuple[Path, dict[str, Any]]:
        """`config.toml` and its `[llm.default]`, which is empty where that chooses no provider."""
        path = self.folder(env) / "config.toml"
        held = edits.get_key(path, env.read_bytes(path), "toml", ("llm", "default"))[1]
        chosen = isinstance(held, dict) and isinstance(held.get("provider_id"), str)
        return path, held if chosen else {}

    def _provider(self, env: Env) -> str:
        """The provider in use; BadInputError where nothing that can be read tells it."""
        slot = self._slot(env)[1]
        told = slot.get("provider_id") or env.environ.get(BACKEND)
        if not told:
            told = next((found[BACKEND] for found in _dotenvs(env) if found.get(BACKEND)), "")
        if not isinstance(told, str) or not told.strip():
            raise BadInputError(
                "It is not clear which provider IronClaw uses.",
                f"{self.folder(env) / 'config.toml'} has no [llm.default], and LLM_BACKEND is not set.",
                f"Set LLM_BACKEND in {env.home / '.ironclaw' / '.env'}.",
            )
        name = told.strip().lower().replace("-", "_")
        return ALIASES.get(name, name)

    def _user_provider(self, env: Env, provider: str) -> dict[str, Any]:
        """The provider as the user's own catalogue has it; empty where it has not."""
        for folder in dict.fromkeys((self.folder(env), env.home / ".ironclaw")):
            try:
                listed = lines.json_value(env.read_bytes(folder / "providers.json") or b"[]")
            except SkillClawError:
                continue
            for entry in listed if isinstance(listed, list) else []:
                names = [entry.get("id"), *_strings(entry.get("aliases"))] if isinstance(entry, dict) else []
                if provider in [str(name).lower().replace("-", "_") for name in names if name]:
                    return dict(entry)
        return {}

    def _dotenv(self, env: Env, variable: str) -> Path:
        """The file that the variable stands in and counts from: the working folder's wins."""
        here, own = env.cwd / ".env", env.home / ".ironclaw" / ".env"
        return here if here != own and variable in _read(env, here) else own


def _variable(provider: str, known: Mapping[str, Any]) -> str:
    given = known.get("base_url_env")
    return given if isinstance(given, str) and given else VARIABLES.get(provider, "")


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _dotenvs(env: Env) -> list[dict[str, Any]]:
    """The variables of its `.env` files, those that win first."""
    return [_read(env, env.cwd / ".env"), _read(env, env.home / ".ironclaw" / ".env")]


def _read(env: Env, path: Path) -> dict[str, Any]:
    held = edits.get_key(path, env.read_bytes(path), "env", ())[1]
    return held if isinstance(held, dict) else {}


ADAPTER = IronClaw()
