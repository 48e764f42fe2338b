"""ZeroClaw: https://github.com/zeroclaw-labs/zeroclaw

From its documentation and sources (2026-08), not from a run. Settings `config.toml` in
`$ZEROCLAW_CONFIG_DIR`, `$ZEROCLAW_DATA_DIR`, `$ZEROCLAW_WORKSPACE` (old) or `~/.zeroclaw`: `[agents.NAME]`
names with `model_provider = "TYPE.ALIAS"` the table `[providers.models.TYPE.ALIAS]`, whose `uri` is the base
URL. There is no agent by default; of several all are connected whose providers go to the same place. A
variable that spells a key's path wins over the file (`ZEROCLAW_providers__models__TYPE__ALIAS__uri`).
ZeroClaw encrypts keys in its file, so that SkillClaw's token has no place there. Chat Completions, Responses
with `wire_api`, Messages for Anthropic's; no session id. Skills: `agents/NAME/workspace/skills`; by default
their whole texts stand in the prompt, so that no use of one can be told.

Its sessions (`data/sessions/sessions.db`) hold what was said alone, neither calls nor what they gave back nor
an id that the wire shows: they are not read, as nothing can be learned from them that the proxy does not see.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from skillclaw.agents import edits
from skillclaw.agents.platform import Place, Platform, Setting
from skillclaw.agents.records import Env
from skillclaw.agents.urls import is_own
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "ZeroClaw"]

DEFAULTS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "openrouter": "https://openrouter.ai/api/v1",
    "groq": "https://api.groq.com/openai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "deepseek": "https://api.deepseek.com",
}
"""Base URLs that ZeroClaw itself has for a type of provider without `uri`."""
HOMES = ("ZEROCLAW_CONFIG_DIR", "ZEROCLAW_DATA_DIR", "ZEROCLAW_WORKSPACE")
AUTHOR = re.compile(r"(?m)^[ \t]*author[ \t]*:[ \t]*[\"']?zeroclaw-auto\b")
Provider = tuple[str, str, dict[str, Any]]
"""Type, alias, settings."""
HEAD = 8192
"""Bytes at the beginning of a skill in which its author stands."""


class ZeroClaw(Platform):
    """The adapter of ZeroClaw."""

    name = "zeroclaw"
    title = "ZeroClaw"
    programs = ("zeroclaw",)

    def folder(self, env: Env) -> Path:
        """`~/.zeroclaw`, or what the first of its variables says."""
        given = next((name for name in HOMES if env.environ.get(name, "").strip()), HOMES[0])
        return env.folder(given, ".zeroclaw")

    def place(self, env: Env) -> Place:
        """`config.toml`, the address of the first agent's provider."""
        path, held = self._held(env)
        kind, alias, _ = self._used(path, held)[0]
        return Place(
            path=path,
            format="toml",
            keys=("providers", "models", kind, alias, "uri"),
            default=DEFAULTS.get(kind, ""),
            provider=f"{kind}.{alias}",
        )

    def own_url(self, env: Env) -> str:
        """The variable that spells the key's path wins over the file."""
        place = self.place(env)
        given = env.environ.get(_variable(place.provider), "").strip()
        if "://" in given and not is_own(given, self.name):
            return given.rstrip("/")
        return super().own_url(env)

    def extras(self, env: Env, base_url: str) -> list[Setting]:
        """The providers of other agents that go to the same place."""
        path, held = self._held(env)
        first, *others = self._used(path, held)
        same = [
            ("providers", "models", *other[:2], "uri") for other in others if _goes(other) == _goes(first)
        ]
        return [Setting(path=path, format="toml", keys=keys, value=base_url) for keys in same]

    def notes(self, env: Env) -> list[str]:
        """Agents that go elsewhere, a variable that wins."""
        path, held = self._held(env)
        first, *others = self._used(path, held)
        told = [
            f"Requests of {other[0]}.{other[1]} go past the proxy."
            for other in others
            if _goes(other) != _goes(first)
        ]
        variable = _variable(f"{first[0]}.{first[1]}")
        if env.environ.get(variable):
            told.append(f"{variable} wins over the settings: unset it.")
        return told

    def launch_env(self, env: Env, base_url: str, token: str) -> dict[str, str]:
        """The variables that spell the keys' paths, for each provider that goes to the same place."""
        path, held = self._held(env)
        used = self._used(path, held)
        same = [f"{other[0]}.{other[1]}" for other in used if _goes(other) == _goes(used[0])]
        made = {_variable(name): base_url for name in same}
        return made | ({_variable(name, "api_key"): token for name in same} if token else {})

    def skills(self, env: Env) -> list[Path]:
        """The skills folder of each agent's workspace."""
        try:
            names = sorted(_agents(self._held(env)[1]))
        except SkillClawError:
            names = []
        return [self.folder(env) / "agents" / name / "workspace" / "skills" for name in names]

    def learned(self, env: Env) -> list[Path]:
        """Skills that name `zeroclaw-auto` as their author and are SKILL.md; its own form is SKILL.toml."""
        found = []
        for root in self.skills(env):
            try:
                folders = sorted(path for path in root.iterdir() if path.is_dir())
            except OSError:
                continue
            found += [folder for folder in folders if _is_auto(folder)]
        return found

    def _held(self, env: Env) -> tuple[Path, dict[str, Any]]:
        path = self.folder(env) / "config.toml"
        held = edits.get_key(path, env.read_bytes(path), "toml", ())[1]
        return path, held if isinstance(held, dict) else {}

    def _used(self, path: Path, held: dict[str, Any]) -> list[Provider]:
        """(type, alias, settings) of the agents' providers, each once; BadInputError where there is none
        that can be pointed at the proxy."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        refused = ""
        for agent in _agents(held).values():
            kind, _, alias = str(agent.get("model_provider") or "").partition(".")
            if not kind or not alias:
                continue
            if kind == "bedrock" or kind.endswith("_cli"):
                refused = f"{kind}.{alias}"
                continue
            entry = _at(held, "providers", "models", kind, alias)
            found[kind, alias] = entry
        if found:
            return [(kind, alias, entry) for (kind, alias), entry in found.items()]
        if refused:
            raise BadInputError(
                f"ZeroClaw uses the provider {refused}, which cannot be pointed at the proxy.",
                "It has no address.",
                "Choose another in model_provider of the agent.",
            )
        old = " It has the form of older versions, which ZeroClaw rewrites itself." if held else ""
        raise BadInputError(
            "ZeroClaw has no agent with a provider yet.",
            f"{path} has no [agents.NAME] with model_provider.{old}",
            "Run: zeroclaw onboard",
        )


def _at(held: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        held = held.get(key) if isinstance(held, dict) else None
    return held if isinstance(held, dict) else {}


def _agents(held: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The agents in their order, without what is no name of a folder."""
    listed = _at(held, "agents")
    return {
        name: agent
        for name, agent in listed.items()
        if isinstance(agent, dict) and name not in (".", "..") and Path(name).name == name
    }


def _goes(provider: Provider) -> str:
    """Where a provider's requests go: an address, or a name of its own where that is not known."""
    kind, alias, entry = provider
    return str(entry.get("uri") or DEFAULTS.get(kind) or f"{kind}.{alias}").rstrip("/")


def _variable(provider: str, key: str = "uri") -> str:
    """The variable that spells the path of a provider's key."""
    kind, _, alias = provider.partition(".")
    return f"ZEROCLAW_providers__models__{kind}__{alias}__{key}"


def _is_auto(folder: Path) -> bool:
    try:
        with (folder / "SKILL.md").open("rb") as stream:
            return AUTHOR.search(stream.read(HEAD).decode("utf-8", "replace")) is not None
    except OSError:
        return False


ADAPTER = ZeroClaw()
