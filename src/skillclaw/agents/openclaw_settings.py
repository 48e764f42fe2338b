"""OpenClaw's folders and settings: where they are, and what they say.

`openclaw.json` is JSON5 and may take parts from other files (`$include`) and values from the environment
(`${NAME}`). As OpenClaw 2026.9.6 reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skillclaw.agents import edits
from skillclaw.agents.records import Env

__all__ = [
    "BUILT_IN",
    "REFUSED",
    "agents_of",
    "config_path",
    "default_state",
    "expanded",
    "held",
    "model_in_use",
    "state_folders",
    "workspaces",
]

LEGACY = (".clawdbot", ".moltbot", ".moldbot")
"""Folders of the names that it had before."""

BUILT_IN = {
    "anthropic": "https://api.anthropic.com",
    "cerebras": "https://api.cerebras.ai/v1",
    "deepseek": "https://api.deepseek.com",
    "google": "https://generativelanguage.googleapis.com/v1beta",
    "groq": "https://api.groq.com/openai/v1",
    "huggingface": "https://router.huggingface.co/v1",
    "mistral": "https://api.mistral.ai/v1",
    "moonshot": "https://api.moonshot.ai/v1",
    "nvidia": "https://integrate.api.nvidia.com/v1",
    "openai": "https://api.openai.com/v1",
    "opencode-go": "https://opencode.ai/zen/go/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "together": "https://api.together.xyz/v1",
    "vercel-ai-gateway": "https://ai-gateway.vercel.sh",
    "xai": "https://api.x.ai/v1",
    "zai": "https://api.z.ai/api/paas/v4",
}
"""Providers that need no entry in the settings; one with `baseUrl` alone leads them elsewhere."""

REFUSED = {
    "amazon-bedrock": "Its requests are signed for the cloud's own address.",
    "claude-cli": "It runs Claude Code, which has settings of its own: skillclaw connect claude-code.",
    "codex": "It runs Codex, which has settings of its own: skillclaw connect codex.",
    "github-copilot": "Its address comes with each login and wins over the settings.",
    "google-vertex": "Its requests are signed for the cloud's own address.",
}
"""Providers that no setting leads elsewhere, and why."""

_VARIABLE = re.compile(r"\$\{([A-Z_][A-Z0-9_]{0,127})\}")


def _home(env: Env) -> Path:
    given = env.environ.get("OPENCLAW_HOME", "").strip()
    return env.folder("OPENCLAW_HOME", "") if given not in ("", "undefined", "null") else env.home


def default_state(env: Env) -> bool:
    """Whether the folder is the usual one; in any other OpenClaw leaves `~/.agents/skills` alone."""
    profile = env.place_name("OPENCLAW_PROFILE").lower()
    return not env.environ.get("OPENCLAW_STATE_DIR", "").strip() and profile in ("", "default")


def state_folders(env: Env) -> list[Path]:
    """The folder in use first, then those of earlier names that are still there."""
    home = _home(env)
    if env.environ.get("OPENCLAW_STATE_DIR", "").strip():
        return [env.folder("OPENCLAW_STATE_DIR", ".openclaw")]
    if not default_state(env):
        return [home / f".openclaw-{env.environ['OPENCLAW_PROFILE'].strip()}"]
    own = home / ".openclaw"
    older = [home / name for name in LEGACY if (home / name).is_dir()]
    return [own, *older] if own.is_dir() or not older else older


def config_path(env: Env) -> Path:
    """The settings file in use."""
    if env.environ.get("OPENCLAW_CONFIG_PATH", "").strip():
        return env.folder("OPENCLAW_CONFIG_PATH", "")
    folder = state_folders(env)[0]
    older = folder / f"{folder.name.lstrip('.')}.json"
    return older if older.is_file() and not (folder / "openclaw.json").is_file() else folder / "openclaw.json"


def held(env: Env, *keys: str | int) -> Any:
    """What the settings hold at a path, or None. Raises BadInputError for settings that do not parse."""
    path = config_path(env)
    return edits.get_key(path, env.read_bytes(path), "json5", keys)[1]


def expanded(env: Env, value: Any) -> str:
    """A text with the variables in it filled in; empty when it is none, or one of them is not set."""
    if not isinstance(value, str):
        return ""
    names = _VARIABLE.findall(value)
    if any(not env.environ.get(name) for name in names):
        return ""
    return _VARIABLE.sub(lambda match: env.environ[match[1]], value).strip()


def agents_of(env: Env) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, settings) of each agent that has settings of its own, the default one first."""
    entries, listed = held(env, "agents", "entries"), held(env, "agents", "list")
    found = list(entries.items()) if isinstance(entries, dict) else []
    found += [(one.get("id"), one) for one in _dicts(listed)]
    known = [(str(name), one) for name, one in found if isinstance(one, dict)]
    yield from sorted(known, key=lambda pair: (pair[1].get("default") is not True, pair[0] != "main"))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def model_in_use(env: Env) -> tuple[str, str]:
    """(provider, model) of the default agent."""
    first = next(iter(agents_of(env)), None)
    own = first[1].get("model") if first and (first[1].get("default") is True or first[0] == "main") else None
    for given in (own, held(env, "agents", "defaults", "model")):
        ref = given.get("primary") if isinstance(given, dict) else given
        if isinstance(ref, str) and ref.strip():
            return _ref(env, ref.strip())
    return "openai", ""


def _ref(env: Env, ref: str) -> tuple[str, str]:
    """The parts of `provider/model`, or of the one that a name stands for."""
    if "/" not in ref:
        models = held(env, "agents", "defaults", "models")
        for known, one in models.items() if isinstance(models, dict) else ():
            if isinstance(one, dict) and str(one.get("alias", "")).lower() == ref.lower() and "/" in known:
                ref = str(known)
                break
    provider, _, model = ref.partition("/")
    return (provider.lower(), model.split("@")[0]) if model else ("openai", provider)


def workspaces(env: Env) -> list[Path]:
    """The folders that the agents work in."""
    given = [held(env, "agents", "defaults", "workspace")]
    given += [one.get("workspace") for _, one in agents_of(env)]
    found = [_path(env, text) for text in map(lambda value: expanded(env, value), given) if text]
    return list(dict.fromkeys([*found, state_folders(env)[0] / "workspace"]))


def _path(env: Env, text: str) -> Path:
    home = _home(env)
    path = home / text[2:] if text.startswith("~/") else Path(text)
    return path if path.is_absolute() else env.cwd / path
