"""Cline CLI: https://github.com/cline/cline

Run with 3.0.65, over its providers openai-compatible, openai-native, anthropic, gemini, openrouter, deepseek
and cline. The provider in use is `lastUsedProvider` of `$CLINE_DIR|~/.cline`/data/settings/providers.json
(CLINE_DATA_DIR and CLINE_PROVIDER_SETTINGS_PATH move it); `providers.<id>.settings.baseUrl` is where its
requests go, also where `cline auth` offers no base URL. No variable or argument names a base URL. Chat
Completions, Responses, Messages (the agent adds `/messages` to the base URL) or Gemini, by the provider. It
sends no session id, but over OpenRouter. The editor's extension has settings of its own. Skills:
`~/.agents/skills`, `~/.cline/skills`. Histories: `history/cline.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents import edits
from skillclaw.agents.platform import Place, Platform
from skillclaw.agents.programs import file_stat, oldest_first
from skillclaw.agents.records import Env, HistoryFile, HistoryRead
from skillclaw.errors import BadInputError

__all__ = ["ADAPTER", "Cline"]

DEFAULTS = {
    "anthropic": "https://api.anthropic.com/v1",
    "cerebras": "https://api.cerebras.ai/v1",
    "cline": "https://api.cline.bot/api/v1",
    "cline-pass": "https://api.cline.bot/api/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "fireworks": "https://api.fireworks.ai/inference/v1",
    "gemini": "https://generativelanguage.googleapis.com",
    "groq": "https://api.groq.com/openai/v1",
    "huggingface": "https://router.huggingface.co/v1",
    "litellm": "http://localhost:4000/v1",
    "lmstudio": "http://localhost:1234/v1",
    "minimax": "https://api.minimax.io/anthropic/v1",
    "mistral": "https://api.mistral.ai/v1",
    "moonshot": "https://api.moonshot.ai/v1",
    "nebius": "https://api.tokenfactory.nebius.com/v1",
    "ollama": "http://localhost:11434",
    "openai-codex": "https://chatgpt.com/backend-api/codex",
    "openai-compatible": "https://api.openai.com/v1",
    "openai-native": "https://api.openai.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "qwen": "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "requesty": "https://router.requesty.ai/v1",
    "sambanova": "https://api.sambanova.ai/v1",
    "together": "https://api.together.xyz/v1",
    "vercel-ai-gateway": "https://ai-gateway.vercel.sh/v1",
    "xai": "https://api.x.ai/v1",
    "zai": "https://api.z.ai/api/paas/v4",
    "zai-coding-plan": "https://api.z.ai/api/coding/paas/v4",
}
"""Base URLs that Cline has for a provider without one."""
FIXED = frozenset({"bedrock", "claude-code", "openai-codex-cli", "opencode", "sapaicore", "vertex"})
"""Providers that are programs of their own, or have an address for each account."""
LOGINS = frozenset({"cline", "cline-pass", "oca", "openai-codex"})
"""Providers that are signed in to; SkillClaw's token cannot stand in for that."""


class Cline(Platform):
    """The adapter of the Cline CLI."""

    name = "cline"
    title = "Cline"
    programs = ("cline",)

    def folder(self, env: Env) -> Path:
        """`~/.cline` or what CLINE_DIR says."""
        return env.folder("CLINE_DIR", ".cline")

    def place(self, env: Env) -> Place:
        """`providers.json`, the base URL of the provider that was used last."""
        path = self._settings(env)
        data = env.read_bytes(path)
        named = edits.get_key(path, data, "json", ("lastUsedProvider",))[1]
        if not isinstance(named, str) or not named:
            raise BadInputError(
                "No provider is chosen in Cline yet.",
                f"{path} names none.",
                "Sign in first: cline auth",
            )
        given = edits.get_key(path, data, "json", ("providers", named, "settings", "baseUrl"))[1]
        if named in FIXED or (named not in DEFAULTS and not given):
            raise BadInputError(
                f"Cline uses the provider {named!r}, which cannot be pointed at the proxy.",
                "Its address is built in."
                if named in FIXED
                else f"SkillClaw does not know its address, and {path} does not name it.",
                "Choose another with: cline auth"
                if named in FIXED
                else f"Name it there: providers.{named}.settings.baseUrl",
            )
        own = ("providers", named, "settings")
        return Place(
            path=path,
            format="json",
            keys=(*own, "baseUrl"),
            token_keys=() if named in LOGINS else (*own, "apiKey"),
            default=DEFAULTS.get(named, ""),
            provider=named,
        )

    def own_url(self, env: Env) -> str:
        """The user's base URL; for Gemini without the version, which the agent adds where it is not there."""
        url = super().own_url(env)
        return url.removesuffix("/v1beta") if self.place(env).provider == "gemini" else url

    def notes(self, env: Env) -> list[str]:
        """Other providers stay as they are."""
        path = self._settings(env)
        held = edits.get_key(path, env.read_bytes(path), "json", ("providers",))[1]
        used = self.place(env).provider
        others = sorted(name for name in held if name != used) if isinstance(held, dict) else []
        if not others:
            return []
        return [f"Only the provider {used} goes through the proxy, not {', '.join(others)}."]

    def launch_env(self, env: Env, base_url: str, token: str) -> dict[str, str]:
        """Nothing where it is connected; else BadInputError: it takes a base URL from its settings only."""
        place = self.place(env)
        url = edits.get_key(place.path, env.read_bytes(place.path), place.format, place.keys)[1]
        if url == base_url:
            return {}
        raise BadInputError(
            "Cline cannot be started through the proxy by its environment.",
            f"It takes its base URL from {place.path} only.",
            f"Use: skillclaw connect {self.name}",
        )

    def skills(self, env: Env) -> list[Path]:
        """The shared folder, and its own."""
        return [env.home / ".agents" / "skills", self.folder(env) / "skills"]

    def histories(self, env: Env) -> list[HistoryFile]:
        """`sessions/<id>/<id>.messages.json`."""
        root = env.folder("CLINE_SESSION_DATA_DIR", "") if env.environ.get("CLINE_SESSION_DATA_DIR") else None
        try:
            folders = sorted((root or self._data(env) / "sessions").iterdir())
        except OSError:
            return []  # before the decoder is loaded
        from skillclaw.agents.history import cline

        files = [file for folder in folders for file in sorted(folder.glob(f"*{cline.SUFFIX}"))]
        found = [one for file in files if not cline.is_subagent(file) for one in self.histories_in(file, env)]
        return oldest_first(found)

    def histories_in(self, path: Path, env: Env) -> list[HistoryFile]:
        """One session a file; its sub-agents' files count with it."""
        from skillclaw.agents.history import cline

        stat = file_stat(path)
        if stat is None:
            return []
        files = [] if cline.is_subagent(path) else cline.subagent_files(path)
        parts = [stat, *(s for s in map(file_stat, files) if s)]
        size, mtime = sum(part[0] for part in parts), max(part[1] for part in parts)
        return [HistoryFile(path=path, size=size, mtime=mtime)]

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/cline.py`."""
        from skillclaw.agents.history import cline

        return cline.read(file.path, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """A session's messages or facts."""
        from skillclaw.agents.history import cline

        return any(cline.looks_like(value) for value in values)

    def _data(self, env: Env) -> Path:
        given = env.environ.get("CLINE_DATA_DIR")
        return env.folder("CLINE_DATA_DIR", "") if given else self.folder(env) / "data"

    def _settings(self, env: Env) -> Path:
        given = env.environ.get("CLINE_PROVIDER_SETTINGS_PATH")
        if given:
            return env.folder("CLINE_PROVIDER_SETTINGS_PATH", "")
        return self._data(env) / "settings" / "providers.json"


ADAPTER = Cline()
