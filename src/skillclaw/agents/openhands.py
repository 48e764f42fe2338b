"""OpenHands CLI: https://github.com/OpenHands/OpenHands-CLI

Run with openhands 1.16.0 (SDK 1.21). Settings `$OPENHANDS_PERSISTENCE_DIR|~/.openhands/agent_settings.json`,
which the program writes as a whole when its settings are changed: `llm` and, for summaries, `condenser.llm`
each have `base_url`, `api_key` and `model` (LiteLLM's name, `provider/model`). The variables LLM_BASE_URL,
LLM_API_KEY and LLM_MODEL count only with `--override-with-envs`. Requests go through LiteLLM, not streamed:
Chat Completions for most providers, Messages for Anthropic's. The session is `prompt_cache_key`, which
sub-agents share. Skills: `~/.agents/skills` and `~/.openhands/skills`. Histories: `history/openhands.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents import edits
from skillclaw.agents.history import openhands
from skillclaw.agents.platform import Place, Platform, Setting
from skillclaw.agents.programs import file_stat, oldest_first
from skillclaw.agents.records import Env, Finding, HistoryFile, HistoryRead
from skillclaw.agents.urls import is_own
from skillclaw.errors import BadInputError

__all__ = ["ADAPTER", "OpenHands"]

DEFAULTS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "openhands": "https://llm-proxy.app.all-hands.dev",
    "openrouter": "https://openrouter.ai/api/v1",
    "deepseek": "https://api.deepseek.com/beta",
    "groq": "https://api.groq.com/openai/v1",
    "mistral": "https://api.mistral.ai/v1",
}
"""Where LiteLLM sends a provider's requests that have no base URL."""
FIXED = frozenset({"bedrock", "vertex_ai", "sagemaker", "watsonx"})
"""Providers whose address is made of other settings."""
SUMMARIES = ("condenser", "llm")
CRITIC = "all-hands.dev"


class OpenHands(Platform):
    """The adapter of OpenHands CLI."""

    name = "openhands"
    title = "OpenHands"
    programs = ("openhands",)
    variables = ("LLM_BASE_URL",)
    key_variables = ("LLM_API_KEY",)

    def folder(self, env: Env) -> Path:
        """`~/.openhands`, or what OPENHANDS_PERSISTENCE_DIR says."""
        return env.folder("OPENHANDS_PERSISTENCE_DIR", ".openhands")

    def place(self, env: Env) -> Place:
        """`agent_settings.json`, the base URL of the model in use."""
        path, held = self._held(env)
        model = _llm(held).get("model")
        if not isinstance(model, str) or not model:
            raise BadInputError(
                "OpenHands has no settings yet.",
                f"{path} does not name a model.",
                "Start openhands once and choose one; or use: skillclaw run openhands",
            )
        provider = _provider(model)
        if provider in FIXED:
            raise BadInputError(
                f"OpenHands uses {model}, which cannot be pointed at the proxy.",
                f"The address of {provider} is no setting.",
                "Choose a model of another provider.",
            )
        return Place(
            path=path,
            format="json",
            keys=("llm", "base_url"),
            token_keys=("llm", "api_key"),
            default=DEFAULTS.get(provider, ""),
            provider=provider,
        )

    def own_url(self, env: Env) -> str:
        """What stands in the settings: the variable counts only where the user asks for it at each start."""
        place = self.place(env)
        url = edits.get_key(place.path, env.read_bytes(place.path), place.format, place.keys)[1]
        given = isinstance(url, str) and "://" in url and not is_own(url, self.name)
        return str(url).strip().rstrip("/") if given else ""

    def upstream(self, env: Env) -> str:
        """Without settings, what its variables say: `skillclaw run` needs no settings."""
        if _llm(self._held(env)[1]).get("model"):
            return super().upstream(env)
        given = env.environ.get("LLM_BASE_URL", "").strip().rstrip("/")
        if "://" in given and not is_own(given, self.name):
            return given
        model = env.environ.get("LLM_MODEL", "")
        return DEFAULTS.get(_provider(model), "") if model else ""

    def extras(self, env: Env, base_url: str) -> list[Setting]:
        """The model that writes summaries, where it is at the same place."""
        path, held = self._held(env)
        own, other = _llm(held), _llm(held, *SUMMARIES)
        at = other.get("base_url")
        same = at == own.get("base_url") or (isinstance(at, str) and is_own(at, self.name))
        if not other or not same or _provider(other.get("model")) != _provider(own.get("model")):
            return []
        return [Setting(path=path, format="json", keys=(*SUMMARIES, "base_url"), value=base_url)]

    def notes(self, env: Env) -> list[str]:
        """OpenHands' own critic belongs to its own address."""
        url = self.own_url(env) or self.place(env).default
        if CRITIC not in url:
            return []
        return ["OpenHands scores its answers only at its own address; connected, it does not."]

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """A model for summaries that goes elsewhere."""
        held = self._held(env)[1]
        elsewhere = _llm(held, *SUMMARIES).get("base_url")
        if base_url is None or not isinstance(elsewhere, str) or elsewhere == base_url:
            return []
        text = f"summaries are asked for at {elsewhere}, past the proxy"
        return [self.finding("ok", "summaries", text)]

    def launch_env(self, env: Env, base_url: str, token: str) -> dict[str, str]:
        """LLM_BASE_URL; BadInputError where the option that has it count would let other variables win over
        the settings, and lead one provider's key to another's address."""
        counts = [name for name in ("LLM_API_KEY", "LLM_MODEL") if env.environ.get(name)]
        if counts and _llm(self._held(env)[1]).get("model"):
            raise BadInputError(
                f"{counts[0]} is set, which would win over OpenHands' settings.",
                "To be started through the proxy OpenHands must heed its variables.",
                f"Unset {counts[0]}, or use: skillclaw connect openhands",
            )
        return super().launch_env(env, base_url, token)

    def launch_args(self, env: Env, base_url: str, token: str) -> list[str]:
        """The option without which the variables are ignored."""
        return ["--override-with-envs"]

    def skills(self, env: Env) -> list[Path]:
        """The shared folder and its own, which stands in the home whatever the variable says."""
        return [env.home / ".agents" / "skills", env.home / ".openhands" / "skills"]

    def histories(self, env: Env) -> list[HistoryFile]:
        """A conversation each, by its state."""
        root = self.folder(env) / "conversations"
        if env.environ.get("OPENHANDS_CONVERSATIONS_DIR"):
            root = env.folder("OPENHANDS_CONVERSATIONS_DIR", ".openhands/conversations")
        try:
            states = sorted(root.glob(f"*/{openhands.STATE}"))
        except OSError:
            return []
        found = [file for path in states for file in self.histories_in(path, env)]
        return oldest_first(found)

    def histories_in(self, path: Path, env: Env) -> list[HistoryFile]:
        """The conversation of a state; what it has grown by shows in its events."""
        sizes = [file_stat(file) for file in (path, *openhands.event_files(path.parent))]
        try:
            deeper = (path.parent / "subagents").rglob("event-*.json")
            sizes += [file_stat(file) for file in deeper]
        except OSError:
            pass
        known = [stat for stat in sizes if stat is not None]
        if not known:
            return []
        size, mtime = sum(stat[0] for stat in known), max(stat[1] for stat in known)
        return [HistoryFile(path=path, size=size, mtime=mtime)]

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One conversation; see `history/openhands.py`."""
        return openhands.read(file.path, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """The state of a conversation."""
        return path.name == openhands.STATE and any(map(openhands.looks_like, values))

    def _held(self, env: Env) -> tuple[Path, dict[str, Any]]:
        path = self.folder(env) / "agent_settings.json"
        held = edits.get_key(path, env.read_bytes(path), "json", ())[1]
        return path, held if isinstance(held, dict) else {}


def _llm(held: dict[str, Any], *keys: str) -> dict[str, Any]:
    """A model's settings, empty when there are none."""
    node: Any = held
    for key in keys or ("llm",):
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def _provider(model: Any) -> str:
    """LiteLLM's name of the provider: before the slash, else told by the model's name."""
    name = model if isinstance(model, str) else ""
    if "/" in name:
        return name.partition("/")[0].lower()
    return "anthropic" if name.startswith("claude") else "openai"


ADAPTER = OpenHands()
