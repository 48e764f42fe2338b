"""Hermes: https://github.com/NousResearch/hermes-agent

Run with 0.19.0. Its folder is `$HERMES_HOME|~/.hermes`, or of the profile in use (`active_profile`) the one
below `profiles/`: `config.yaml`, `.env` (which wins over the shell), `skills/`, `plugins/`, `state.db`. A
local base URL of the user's own is replaced in `config.yaml`; requests to any other are led to the proxy by
a plugin, which names the session in all of them; see `hermes_providers.py` and `hermes_plugin.py`. Skills:
`skills/` and the folders of `skills.external_dirs`; neither `~/.agents/skills` nor `~/.claude/skills` is
read. Histories: `history/hermes.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.agents import edits, hermes_plugin
from skillclaw.agents.hermes_providers import Chosen, choose
from skillclaw.agents.hermes_skills import written_by_it
from skillclaw.agents.history import hermes
from skillclaw.agents.platform import Place, Platform, Setting
from skillclaw.agents.programs import oldest_first
from skillclaw.agents.records import ConnectPlan, Env, Finding, HistoryFile, HistoryRead, replace_pending
from skillclaw.agents.urls import shown
from skillclaw.errors import SkillClawError, UsageError

__all__ = ["ADAPTER", "Hermes"]

_PROFILE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Hermes(Platform):
    """The adapter of Hermes."""

    name = "hermes"
    title = "Hermes"
    programs = ("hermes",)
    default_url = "https://openrouter.ai/api/v1"

    def folder(self, env: Env) -> Path:
        """The folder of the profile in use."""
        root = env.folder("HERMES_HOME", ".hermes")
        if root.parent.name == "profiles":
            return root
        named = (env.read_bytes(root / "active_profile") or b"").decode("utf-8", "replace").strip()
        if named == "default" or not _PROFILE.fullmatch(named):
            return root
        return root / "profiles" / named

    def place(self, env: Env) -> Place:
        """Where a local base URL stands in `config.yaml`; else the plugin's own file."""
        chosen = self._chosen(env)
        if chosen.keys:
            path, keys, token = self.folder(env) / "config.yaml", chosen.keys, chosen.token
            return Place(path=path, format="yaml", keys=keys, token_keys=token, provider=chosen.name)
        return Place(
            path=self._plugin(env) / "route.json",
            format="json",
            keys=("to",),
            token_keys=("token",),
            default=chosen.url,
            provider=chosen.name,
        )

    def extras(self, env: Env, base_url: str) -> list[Setting]:
        """The plugin."""
        chosen, plugin = self._chosen(env), self._plugin(env)
        route = plugin / "route.json"
        return [
            Setting(path=route, format="json", keys=("from",), value=chosen.url)
            if not chosen.keys
            else Setting(path=route, format="json", keys=("to",), value=base_url),
            Setting(path=plugin / "plugin.yaml", format="text", value=hermes_plugin.MANIFEST),
            Setting(path=plugin / "__init__.py", format="text", value=hermes_plugin.CODE),
            Setting(
                path=self.folder(env) / "config.yaml",
                format="yaml",
                keys=("plugins", "enabled"),
                value=hermes_plugin.NAME,
                item=True,
            ),
        ]

    def connect(self, env: Env, base_url: str, token: str = "") -> ConnectPlan:
        """With a token, the variable that an entry takes its key from goes too: it would win over it."""
        place = self.place(env)
        plan_env, blank = env, None
        if token and place.format == "yaml" and place.keys[0] != "model":
            keys = (*place.keys[:-1], "key_env")
            data = env.read_bytes(place.path)
            if edits.get_key(place.path, data, "yaml", keys)[1]:
                blank = edits.set_keys(place.path, data, "yaml", {keys: ""})
                plan_env = replace_pending(env, {place.path: blank.after})
        plan = super().connect(plan_env, base_url, token)
        if blank is None:
            return plan
        made = [
            msgspec.structs.replace(edit, before=blank.before, changes=[*blank.changes, *edit.changes])
            if edit.path == blank.path
            else edit
            for edit in plan.edits
        ]
        return msgspec.structs.replace(plan, edits=made)

    def notes(self, env: Env) -> list[str]:
        """What stays outside."""
        others = [folder.name for folder in self._homes(env) if folder != self.folder(env)]
        if not others:
            return []
        shown = ", ".join("default" if name in (".hermes", "hermes") else name for name in others)
        return [f"Other profiles keep their own settings and are not connected: {shown}."]

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """Whether the user went on to another provider, or told Hermes to leave the plugin out."""
        if base_url is None:
            return []
        found = []
        again = f"skillclaw connect {self.name}"
        route = self._plugin(env) / "route.json"
        led = edits.get_key(route, env.read_bytes(route), "json", ("from",))[1]
        url = self._chosen(env).url
        if led and led != url:
            text = f"requests to {shown(str(led))} are led to the proxy, but Hermes uses {shown(url)} now"
            found.append(self.finding("warn", "provider", text, again))
        disabled = self._config(env, ("plugins", "disabled"))
        if isinstance(disabled, list) and hermes_plugin.NAME in disabled:
            text = "the plugin is among plugins.disabled"
            found.append(self.finding("fail", "plugin", text, "hermes plugins enable skillclaw"))
        return found

    def launch_env(self, env: Env, base_url: str, token: str) -> dict[str, str]:
        """The variable of a provider that Hermes knows; what stands in a file cannot be set from outside."""
        chosen = self._chosen(env)
        if not chosen.variable or chosen.variable in self._dotenv(env):
            raise UsageError(
                f"Hermes takes the address of its provider {chosen.name} from its files only.",
                "",
                "Use: skillclaw connect hermes",
            )
        if not token:
            return {chosen.variable: base_url}
        if not chosen.key or chosen.key in self._dotenv(env):
            raise UsageError(
                f"Hermes' provider {chosen.name} takes no key from the environment.",
                "",
                "Use: skillclaw connect hermes",
            )
        return {chosen.variable: base_url, chosen.key: token}

    def skills(self, env: Env) -> list[Path]:
        """Its own folder, and those that its settings name."""
        folder = self.folder(env)
        try:
            named = self._config(env, ("skills", "external_dirs"))
        except SkillClawError:
            named = None
        listed = [named] if isinstance(named, str) else named if isinstance(named, list) else []
        found = [folder / "skills"]
        for text in listed:
            if isinstance(text, str) and text.strip():
                path = _expanded(text.strip(), env)
                found.append(path if path.is_absolute() else folder / path)
        return list(dict.fromkeys(found))

    def learned(self, env: Env) -> list[Path]:
        """Skills that its model wrote, in talks or when it looked back on them; of all profiles."""
        return [path for folder in self._homes(env) for path in written_by_it(folder)]

    def histories(self, env: Env) -> list[HistoryFile]:
        """The sessions of all profiles."""
        found: list[HistoryFile] = []
        for folder in self._homes(env):
            try:
                if hermes.is_history(folder / "state.db"):
                    found += hermes.sessions(folder / "state.db")
            except SkillClawError:
                continue
        return oldest_first(found)

    def histories_in(self, path: Path, env: Env) -> list[HistoryFile]:
        """The sessions in a database."""
        return hermes.sessions(path)

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/hermes.py`."""
        return hermes.read(file.path, file.session, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """A database with its tables."""
        return not values and hermes.is_history(path)

    def _homes(self, env: Env) -> list[Path]:
        """The folders of all profiles."""
        here = self.folder(env)
        root = here.parent.parent if here.parent.name == "profiles" else here
        try:
            others = sorted(path for path in (root / "profiles").iterdir() if path.is_dir())
        except OSError:
            others = []
        return list(dict.fromkeys([root, *others, here]))

    def _plugin(self, env: Env) -> Path:
        return self.folder(env) / "plugins" / hermes_plugin.NAME

    def _config(self, env: Env, keys: tuple[str, ...] = ()) -> Any:
        path = self.folder(env) / "config.yaml"
        return edits.get_key(path, env.read_bytes(path), "yaml", keys)[1]

    def _dotenv(self, env: Env) -> dict[str, str]:
        """The variables that `.env` sets; of keys and tokens the caller looks whether they are there."""
        path = self.folder(env) / ".env"
        held: Mapping[str, Any] = edits.get_key(path, env.read_bytes(path), "env", ())[1] or {}
        return {name: value for name, value in held.items() if value}

    def provider_key(self, env: Env) -> str:
        """The key of the provider in use, from its entry in `config.yaml`, `.env` or the environment; empty
        where it is in none."""
        chosen, variables = self._chosen(env), {**env.environ, **self._dotenv(env)}
        entry = self._config(env, ("providers", chosen.name))
        own = entry if isinstance(entry, dict) else {}
        named = variables.get(str(own.get("key_env") or ""), "")
        model = self._config(env, ("model", "api_key")) if chosen.name == "custom" else ""
        known = variables.get(chosen.key or f"{chosen.name.upper().replace('-', '_')}_API_KEY", "")
        keys = (own.get("api_key"), named, model, known)
        return next((key for key in keys if isinstance(key, str) and key), "")

    def _chosen(self, env: Env) -> Chosen:
        variables = {**env.environ, **self._dotenv(env)}
        return choose(self._config(env) or {}, variables, str(self.folder(env) / "config.yaml"))


def _expanded(text: str, env: Env) -> Path:
    """A folder as settings name it: with `~` and `${VARIABLE}`."""
    text = re.sub(r"\$\{(\w+)\}", lambda found: env.environ.get(found[1], found[0]), text)
    return env.home if text == "~" else env.told(text.replace(f"~{os.sep}", "~/", 1))


ADAPTER = Hermes()
