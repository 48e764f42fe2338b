"""nanobot: https://github.com/HKUDS/nanobot

Run with nanobot-ai 0.3.5. Settings `~/.nanobot/config.json`, whose folder no variable moves. The provider in
use is that of the chosen model preset, else of `agents.defaults.provider`, else (`auto`) one that fits the
model and has a key; its base URL is `providers.<name>.apiBase`. Variables NANOBOT_* count only where the file
has no such key. Chat Completions, streamed, for most providers; Messages for some, which take a `/v1` off
the base URL. The header `x-session-affinity` is made anew by each process: it is no session, and none other
is sent, nor can settings add one. Skills: `<workspace>/skills` alone. Histories: `history/nanobot.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents import edits
from skillclaw.agents.history import nanobot
from skillclaw.agents.platform import Place, Platform
from skillclaw.agents.programs import file_stat, oldest_first
from skillclaw.agents.records import Env, HistoryFile, HistoryRead
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "Nanobot"]

DEFAULTS = {
    "anthropic": "https://api.anthropic.com",
    "openai": "https://api.openai.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "deepseek": "https://api.deepseek.com",
    "gemini": "https://generativelanguage.googleapis.com/v1beta/openai",
    "groq": "https://api.groq.com/openai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "moonshot": "https://api.moonshot.ai/v1",
    "kimicoding": "https://api.kimi.com/coding",
    "minimax": "https://api.minimax.io/v1",
    "minimaxanthropic": "https://api.minimax.io/anthropic",
    "zhipu": "https://open.bigmodel.cn/api/paas/v4",
    "dashscope": "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "siliconflow": "https://api.siliconflow.cn/v1",
    "nvidia": "https://integrate.api.nvidia.com/v1",
    "huggingface": "https://router.huggingface.co/v1",
    "ollama": "http://localhost:11434/v1",
    "lmstudio": "http://localhost:1234/v1",
}
"""Base URLs that nanobot itself has for a provider without `apiBase`, by the name without `_` and `-`."""
MESSAGES = frozenset({"anthropic", "kimicoding", "minimaxanthropic"})
"""Providers that speak Anthropic Messages."""
FIXED = frozenset({"openaicodex", "xaigrok", "githubcopilot", "bedrock"})
"""Providers with a login of their own, whose address is built in."""
GATEWAYS = ("custom", "openrouter", "siliconflow", "huggingface")
"""Providers that nanobot takes for any model, in its order."""
GENERATION = frozenset({"maxtokens", "contextwindowtokens", "temperature", "reasoningeffort"})
"""Settings of the defaults that a preset has as well."""
FAMILIES = {"claude": "anthropic", "gpt": "openai", "qwen": "dashscope", "glm": "zhipu", "kimi": "moonshot"}
"""A word in a model's name, and the provider that nanobot takes for it."""


class Nanobot(Platform):
    """The adapter of nanobot."""

    name = "nanobot"
    title = "nanobot"
    programs = ("nanobot",)

    def place(self, env: Env) -> Place:
        """`config.json`, the base URL of the provider in use."""
        path, held = self._held(env)
        name = _provider(path, held, env)
        kind = _squashed(name)
        if kind in FIXED:
            raise BadInputError(
                f"nanobot uses the provider {name!r}, which cannot be pointed at the proxy.",
                "Its address is built in.",
                "Choose another in agents.defaults.provider.",
            )
        entry = _at(held, "providers", name)
        url = "api_base" if "api_base" in entry else "apiBase"
        key = "api_key" if "api_key" in entry else "apiKey"
        return Place(
            path=path,
            format="json",
            keys=("providers", name, url),
            token_keys=("providers", name, key),
            default=DEFAULTS.get(kind, ""),
            provider=name,
        )

    def own_url(self, env: Env) -> str:
        """The user's base URL as nanobot uses it: for Messages, without the `/v1` that it adds itself."""
        url = super().own_url(env)
        return url.removesuffix("/v1") if _squashed(self.place(env).provider) in MESSAGES else url

    def notes(self, env: Env) -> list[str]:
        """Other providers that have a key stay as they are."""
        place = self.place(env)
        others = [name for name in _usable(self._held(env)[1]) if name != place.provider]
        if not others:
            return []
        return [
            f"Only the provider {place.provider} goes through the proxy, not {', '.join(sorted(others))}."
        ]

    def launch_env(self, env: Env, base_url: str, token: str) -> dict[str, str]:
        """Variables of nanobot's own. A base URL in the file wins over them, so that another provider of the
        same kind is told and chosen by them; where that is not possible, BadInputError."""
        path, held = self._held(env)
        place = self.place(env)
        entry = _at(held, "providers", place.provider)
        spelled = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", place.provider).replace("-", "_").upper()
        url, key = str(place.keys[-1]), str(place.token_keys[-1])
        if not entry.get(url) and not (token and entry.get(key)):
            given = {"API_BASE": base_url, **({"API_KEY": token} if token else {})}
            return {f"NANOBOT_PROVIDERS__{spelled}__{name}": value for name, value in given.items()}
        kind = _squashed(place.provider)
        if _preset(held) or (kind in DEFAULTS and kind != "custom"):
            raise BadInputError(
                "nanobot cannot be started through the proxy by its environment.",
                f"{path} names the base URL of {place.provider}, and wins.",
                f"Use: skillclaw connect {self.name}",
            )
        own = {**entry, url: base_url, **({key: token} if token else {})}
        defaults = _at(held, "agents", "defaults")
        preset = {name: value for name, value in defaults.items() if _squashed(name) in GENERATION}
        preset |= {"model": _model(held), "provider": "skillclaw"}
        return {
            "NANOBOT_PROVIDERS": json.dumps({"skillclaw": own}),
            "MODEL_PRESETS": json.dumps({"skillclaw": preset}),
            "NANOBOT_AGENTS__DEFAULTS__MODEL_PRESET": "skillclaw",
        }

    def skills(self, env: Env) -> list[Path]:
        """The workspace's: it reads neither of the shared folders."""
        return [self._workspace(env) / "skills"]

    def histories(self, env: Env) -> list[HistoryFile]:
        """A file for each session, those of older versions too, without nanobot's own runs."""
        found = []
        root = self.folder(env) / "sessions"
        for pattern, folder in (
            ("*/*.jsonl", root),
            ("*.jsonl", root),
            ("sessions/*.jsonl", self._workspace(env)),
        ):
            try:
                paths = sorted(folder.glob(pattern))
            except OSError:
                continue
            for path in paths:
                stat = file_stat(path)
                if stat is not None and not path.name.startswith((".", "ZHJlYW06")):  # `dream:` in base64
                    found.append(HistoryFile(path=path, size=stat[0], mtime=stat[1]))
        return oldest_first(found)

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/nanobot.py`."""
        return nanobot.read(file.path, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """A session's first line."""
        return any(map(nanobot.looks_like, values[:1]))

    def _held(self, env: Env) -> tuple[Path, dict[str, Any]]:
        path = self.folder(env) / "config.json"
        held = edits.get_key(path, env.read_bytes(path), "json", ())[1]
        return path, held if isinstance(held, dict) else {}

    def _workspace(self, env: Env) -> Path:
        try:
            told = _at(self._held(env)[1], "agents", "defaults").get("workspace")
        except SkillClawError:
            told = None
        text = told if isinstance(told, str) and told.strip() else "~/.nanobot/workspace"
        path = env.told(text)
        return path if path.is_absolute() else env.cwd / path


def _at(held: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The object at a path, empty when there is none."""
    node: Any = held
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def _squashed(name: str) -> str:
    return re.sub(r"[-_]", "", name).lower()


def _usable(held: dict[str, Any]) -> list[str]:
    """The providers of the file that have a key or a base URL."""
    own = _at(held, "providers")
    signs = ("apiKey", "api_key", "apiBase", "api_base")
    return [name for name, entry in own.items() if isinstance(entry, dict) and any(map(entry.get, signs))]


def _preset(held: dict[str, Any]) -> dict[str, Any]:
    """The model preset in use; empty for none."""
    defaults = _at(held, "agents", "defaults")
    name = defaults.get("modelPreset") or defaults.get("model_preset")
    if not isinstance(name, str) or name == "default":
        return {}
    return _at(held, "modelPresets", name) or _at(held, "model_presets", name)


def _model(held: dict[str, Any]) -> str:
    told = _preset(held).get("model") or _at(held, "agents", "defaults").get("model")
    return told if isinstance(told, str) else "anthropic/claude-opus-4-5"


def _provider(path: Path, held: dict[str, Any], env: Env) -> str:
    """The name of the provider in use, as the file spells it."""
    told = _preset(held).get("provider") or _at(held, "agents", "defaults").get("provider")
    told = told or env.environ.get("NANOBOT_AGENTS__DEFAULTS__PROVIDER") or "auto"
    known = {_squashed(name): name for name in _at(held, "providers")}
    if isinstance(told, str) and told != "auto":
        return known.get(_squashed(told), told)
    usable = {_squashed(name): name for name in _usable(held)}
    model = _model(held).lower()
    head = _squashed(model.partition("/")[0]) if "/" in model else ""
    words = [name for word, name in FAMILIES.items() if word in model]
    words += [name for name in usable if name in _squashed(model)]
    for name in (head, *words, *GATEWAYS):
        if name in usable:
            return usable[name]
    if len(usable) == 1:
        return next(iter(usable.values()))
    raise BadInputError(
        "It is not clear which provider nanobot uses.",
        f"{path} leaves the choice to nanobot, and {len(usable) or 'no'} providers have a key.",
        "Name it in agents.defaults.provider.",
    )


ADAPTER = Nanobot()
