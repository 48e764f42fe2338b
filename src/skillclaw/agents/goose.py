"""Goose: https://block.github.io/goose

By its documents and sources; it has not been driven. Settings `~/.config/goose/config.yaml`:
`GOOSE_PROVIDER` chooses, and each provider has a key of its own for its host (`OPENAI_HOST`,
`ANTHROPIC_HOST`, ...), to which Goose adds the path of the protocol and keeps a path that stands there.
Environment variables of the same names win over the file. API keys are in the system's keyring. The session
is named in `goose-session-id`. Skills: three folders. Histories: `history/goose.py`. Below GOOSE_PATH_ROOT,
where that is an absolute path, its settings and own skills are in `config`, its sessions in `data`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents import edits
from skillclaw.agents.history import goose
from skillclaw.agents.platform import Place, Platform
from skillclaw.agents.programs import oldest_first
from skillclaw.agents.records import Env, Finding, HistoryFile, HistoryRead
from skillclaw.agents.urls import is_own, shown
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "Goose"]

HOSTS = {
    "openai": ("OPENAI_HOST", "https://api.openai.com", "OPENAI_API_KEY"),
    "anthropic": ("ANTHROPIC_HOST", "https://api.anthropic.com", "ANTHROPIC_API_KEY"),
    "openrouter": ("OPENROUTER_HOST", "https://openrouter.ai", "OPENROUTER_API_KEY"),
    "google": ("GOOGLE_HOST", "https://generativelanguage.googleapis.com", "GOOGLE_API_KEY"),
    "xai": ("XAI_HOST", "https://api.x.ai/v1", "XAI_API_KEY"),
    "venice": ("VENICE_HOST", "https://api.venice.ai", "VENICE_API_KEY"),
    "litellm": ("LITELLM_HOST", "http://localhost:4000", "LITELLM_API_KEY"),
    "ollama": ("OLLAMA_HOST", "http://localhost:11434", ""),
    "tetrate": ("TETRATE_HOST", "https://api.router.tetrate.ai", "TETRATE_API_KEY"),
}
"""Provider -> (the key of its host, the host where none is set, the variable with its API key)."""


class Goose(Platform):
    """The adapter of Goose."""

    name = "goose"
    title = "Goose"
    programs = ("goose",)
    environment_wins = True

    def folder(self, env: Env) -> Path:
        """`~/.config/goose`, or what GOOSE_PATH_ROOT says."""
        root = _root(env)
        return root / "config" if root else env.folder("XDG_CONFIG_HOME", ".config") / "goose"

    def place(self, env: Env) -> Place:
        """The host of the provider in use."""
        path = self.folder(env) / "config.yaml"
        provider = self._provider(env)
        if provider not in HOSTS:
            raise BadInputError(
                f"Goose uses the provider {provider}, which cannot be pointed at the proxy.",
                f"{path} has no key for its host.",
                f"Choose one of {', '.join(HOSTS)}, or learn from its history alone: skillclaw connect"
                f" --history-only {self.name}",
            )
        key, default, _ = HOSTS[provider]
        return Place(path=path, format="yaml", keys=(key,), default=default, provider=provider)

    def own_url(self, env: Env) -> str:
        """The host that the environment, else the settings give the provider in use."""
        place = self.place(env)
        key = str(place.keys[0])
        held = edits.get_key(place.path, env.read_bytes(place.path), "yaml", place.keys)[1]
        for value in (env.environ.get(key, ""), held):
            url = value.strip() if isinstance(value, str) else ""
            url = f"http://{url}" if url and "://" not in url else url
            if url and not is_own(url, self.name):
                return url.rstrip("/")
        return ""

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """A variable that wins over the settings."""
        place = self.place(env)
        key = str(place.keys[0])
        given = env.environ.get(key, "")
        if base_url is None or not given or given == base_url:
            return []
        text = f"{key}={shown(given)} wins over the settings, past the proxy"
        return [self.finding("warn", "environment", text, f"Unset {key} where your shell sets it.")]

    def launch_env(self, env: Env, base_url: str, token: str) -> dict[str, str]:
        """The host, and the token as its key: variables win over the settings and the keyring."""
        place = self.place(env)
        key = HOSTS[place.provider][2]
        return {str(place.keys[0]): base_url, **({key: token} if token and key else {})}

    def skills(self, env: Env) -> list[Path]:
        """The folders that it shares with others, and its own."""
        config = env.folder("XDG_CONFIG_HOME", ".config")
        shared = [env.home / ".claude" / "skills", config / "agents" / "skills"]
        return [*shared, self.folder(env) / "skills"]

    def histories(self, env: Env) -> list[HistoryFile]:
        """The user's sessions of its database, without SkillClaw's own."""
        root = _root(env)
        data = root / "data" if root else env.folder("XDG_DATA_HOME", ".local/share") / "goose"
        path = data / "sessions" / "sessions.db"
        if not path.is_file():
            return []
        try:
            held = goose.files_in(path)
        except SkillClawError:
            return []
        return oldest_first([file for file, cwd in held if not env.is_own(cwd)])

    def histories_in(self, path: Path, env: Env) -> list[HistoryFile]:
        """The user's sessions of one database."""
        try:
            return [file for file, _ in goose.files_in(path)]
        except SkillClawError:
            return super().histories_in(path, env)

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/goose.py`."""
        return goose.read(file, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """A database of its tables."""
        return not values and goose.is_ours(path)

    def _provider(self, env: Env) -> str:
        path = self.folder(env) / "config.yaml"
        held = edits.get_key(path, env.read_bytes(path), "yaml", ("GOOSE_PROVIDER",))[1]
        for value in (env.environ.get("GOOSE_PROVIDER", ""), held):
            if isinstance(value, str) and value.strip():
                return value.strip()
        raise BadInputError(
            "Goose has not been told which provider to use.",
            f"{path} names no GOOSE_PROVIDER.",
            "Run: goose configure",
        )


def _root(env: Env) -> Path | None:
    """The folder that GOOSE_PATH_ROOT puts all of Goose's own below; None where it says none."""
    given = env.environ.get("GOOSE_PATH_ROOT", "")
    return env.folder("GOOSE_PATH_ROOT", "") if Path(given).is_absolute() else None


ADAPTER = Goose()
