"""PicoClaw: https://github.com/sipeed/picoclaw

From its documentation and sources (2026-06), not from a run. Settings `$PICOCLAW_CONFIG`, else
`$PICOCLAW_HOME|~/.picoclaw/config.json`: `agents.defaults.model_name` names entries of `model_list`, each
with `api_base`; of several with one name PicoClaw takes each in turn. The keys stand in `.security.yml`
beside it, which is not touched. No variable holds a base URL. Chat Completions for most providers, Messages
for Anthropic's, not streamed by default, no session id. Skills: `<workspace>/skills`, `~/.picoclaw/skills`;
those that it made of its own experience are told by `state/evolution/profiles`. Histories:
`history/picoclaw.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents import edits
from skillclaw.agents.history import picoclaw
from skillclaw.agents.platform import Place, Platform, Setting
from skillclaw.agents.programs import file_stat, oldest_first
from skillclaw.agents.records import Env, HistoryFile, HistoryRead
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "PicoClaw"]

DEFAULTS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "anthropic-messages": "https://api.anthropic.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "groq": "https://api.groq.com/openai/v1",
    "zhipu": "https://open.bigmodel.cn/api/paas/v4",
    "gemini": "https://generativelanguage.googleapis.com/v1beta",
    "deepseek": "https://api.deepseek.com/v1",
    "moonshot": "https://api.moonshot.cn/v1",
    "qwen": "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "nvidia": "https://integrate.api.nvidia.com/v1",
    "mistral": "https://api.mistral.ai/v1",
    "ollama": "http://localhost:11434/v1",
    "lmstudio": "http://localhost:1234/v1",
    "litellm": "http://localhost:4000/v1",
    "vllm": "http://localhost:8000/v1",
}
"""Base URLs that PicoClaw itself has for a provider without `api_base`."""
FIXED = frozenset({"antigravity", "github-copilot", "claude-cli", "codex-cli", "bedrock"})
"""Providers that are programs or have a login of their own."""
MODEL = "PICOCLAW_AGENTS_DEFAULTS_MODEL_NAME"
NO_VARIABLE = "PicoClaw takes its base URL from its settings file only."


class PicoClaw(Platform):
    """The adapter of PicoClaw."""

    name = "picoclaw"
    title = "PicoClaw"
    programs = ("picoclaw",)

    def folder(self, env: Env) -> Path:
        """`~/.picoclaw`, or what PICOCLAW_HOME says."""
        return env.folder("PICOCLAW_HOME", ".picoclaw")

    def place(self, env: Env) -> Place:
        """`config.json`, the base URL of the first entry of the model in use."""
        path, held = self._held(env)
        name = _model(env, held)
        entries = list(_entries(held, name))
        if not entries:
            old = " It has the form of older versions." if held.get("providers") else ""
            raise BadInputError(
                f"PicoClaw's model {name!r} is not in its settings."
                if name
                else "PicoClaw has no model yet.",
                f"{path} has no such entry in model_list.{old}",
                "Add it, or set agents.defaults.model_name; picoclaw onboard does both.",
            )
        at, entry = entries[0]
        provider = _provider(entry)
        if provider in FIXED:
            raise BadInputError(
                f"PicoClaw uses the provider {provider}, which cannot be pointed at the proxy.",
                "It has no base URL.",
                "Choose another model in agents.defaults.model_name.",
            )
        return Place(
            path=path,
            format="json",
            keys=("model_list", at, "api_base"),
            default=DEFAULTS.get(provider, ""),
            provider=provider,
        )

    def extras(self, env: Env, base_url: str) -> list[Setting]:
        """The other entries of the model in use that go to the same place."""
        path, held = self._held(env)
        (_, first), *others = _entries(held, _model(env, held))
        return [
            Setting(path=path, format="json", keys=("model_list", at, "api_base"), value=base_url)
            for at, entry in others
            if _goes(entry) == _goes(first)
        ]

    def notes(self, env: Env) -> list[str]:
        """Entries of the model, and models for when it fails, that go elsewhere."""
        held = self._held(env)[1]
        name = _model(env, held)
        (_, first), *others = _entries(held, name)
        told = []
        elsewhere = sum(_goes(entry) != _goes(first) for _, entry in others)
        if elsewhere:
            told.append(f"{elsewhere} of the entries of {name} in model_list go elsewhere, past the proxy.")
        fallbacks = first.get("fallbacks")
        if isinstance(fallbacks, list) and fallbacks:
            told.append(f"Models for when {name} fails go past the proxy: {', '.join(map(str, fallbacks))}.")
        return told

    def launch_env(self, env: Env, base_url: str, token: str) -> dict[str, str]:
        """None does it."""
        raise BadInputError(NO_VARIABLE, "", "Use: skillclaw connect picoclaw")

    def skills(self, env: Env) -> list[Path]:
        """Its own folder, and that of its workspace, which wins."""
        return [self.folder(env) / "skills", self._workspace(env) / "skills"]

    def learned(self, env: Env) -> list[Path]:
        """Skills that PicoClaw made of what its sessions showed."""
        root = self._workspace(env)
        found = []
        try:
            profiles = sorted((root / "state/evolution/profiles").glob("*.json"))
        except OSError:
            return []
        for path in profiles:
            try:
                told = edits.get_key(path, env.read_bytes(path), "json", ())[1]
            except SkillClawError:
                continue
            name = told.get("skill_name") if isinstance(told, dict) else None
            if not isinstance(name, str) or told.get("origin") != "evolved" or Path(name).name != name:
                continue
            folder = root / "skills" / name
            if (folder / "SKILL.md").is_file():
                found.append(folder)
        return found

    def histories(self, env: Env) -> list[HistoryFile]:
        """The sessions of its workspace."""
        try:
            paths = sorted((self._workspace(env) / "sessions").glob("*.jsonl"))
        except OSError:
            return []
        found = [file for path in paths for file in self.histories_in(path, env)]
        return oldest_first(found)

    def histories_in(self, path: Path, env: Env) -> list[HistoryFile]:
        """One session a file."""
        stat = file_stat(path)
        return [HistoryFile(path=path, size=stat[0], mtime=stat[1])] if stat and stat[0] else []

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/picoclaw.py`."""
        return picoclaw.read(file.path, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """Messages, with the file that tells of them beside."""
        return picoclaw.looks_like(path, values)

    def _held(self, env: Env) -> tuple[Path, dict[str, Any]]:
        path = self.folder(env) / "config.json"
        if env.environ.get("PICOCLAW_CONFIG", "").strip():
            path = env.folder("PICOCLAW_CONFIG", "")
        held = edits.get_key(path, env.read_bytes(path), "json", ())[1]
        return path, held if isinstance(held, dict) else {}

    def _workspace(self, env: Env) -> Path:
        """The folder that its agent works in."""
        try:
            defaults = _defaults(self._held(env)[1])
        except SkillClawError:
            defaults = {}
        given = defaults.get("workspace")
        if not isinstance(given, str) or not given.strip():
            return self.folder(env) / "workspace"
        path = env.told(given)
        return path if path.is_absolute() else self.folder(env) / path


def _defaults(held: dict[str, Any]) -> dict[str, Any]:
    agents = held.get("agents")
    found = agents.get("defaults") if isinstance(agents, dict) else None
    return found if isinstance(found, dict) else {}


def _model(env: Env, held: dict[str, Any]) -> str:
    """The name of the model in use: the variable wins."""
    defaults = _defaults(held)
    name = env.environ.get(MODEL) or defaults.get("model_name") or defaults.get("model")
    return name if isinstance(name, str) else ""


def _entries(held: dict[str, Any], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(place, entry) of those of a name that are not switched off."""
    listed = held.get("model_list")
    for at, entry in enumerate(listed if isinstance(listed, list) else []):
        named = isinstance(entry, dict) and name and entry.get("model_name") == name
        if named and entry.get("enabled") is not False:
            yield at, entry


def _provider(entry: dict[str, Any]) -> str:
    """The provider of an entry: by itself, else before the slash of the model's name."""
    given = entry.get("provider")
    if isinstance(given, str) and given.strip():
        return given.strip().lower()
    model = entry.get("model")
    head, slash, _ = model.partition("/") if isinstance(model, str) else ("", "", "")
    return head.lower() if slash else "openai"


def _goes(entry: dict[str, Any]) -> str:
    """Where an entry's requests go: a base URL, or the provider whose own is not known."""
    return str(entry.get("api_base") or DEFAULTS.get(_provider(entry)) or _provider(entry)).rstrip("/")


ADAPTER = PicoClaw()
