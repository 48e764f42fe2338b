"""OpenClaw: https://openclaw.ai (run: 2026.9.6 on Node 24, alone and through its gateway).

`$OPENCLAW_CONFIG_PATH|$OPENCLAW_STATE_DIR/openclaw.json|~/.openclaw/openclaw.json` (JSON5):
`agents.defaults.model.primary` is `<provider>/<model>`, `models.providers.<provider>.baseUrl` its address. A
provider that comes with OpenClaw takes an entry with that alone. A running gateway takes changes by itself.
Each request names its session in the prompt (`wire/openclaw.py`), so nothing else is set. Skills:
`~/.agents/skills`, where the folder is the usual one, and `skills` in it; of folders that are links it takes
some only, so they are copies. What it learns by itself is in `agents/<agent>/agent/workshop-skills`.
Histories: `history/openclaw.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents import edits
from skillclaw.agents import openclaw_settings as settings
from skillclaw.agents.history import openclaw, openclaw_rows, pi_events
from skillclaw.agents.history.sqlite import is_database, tables_of
from skillclaw.agents.platform import Place, Platform
from skillclaw.agents.programs import oldest_first
from skillclaw.agents.records import Env, Finding, HistoryFile, HistoryRead, Launch
from skillclaw.agents.texts import Key
from skillclaw.agents.urls import is_own, shown
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "OpenClaw"]

VARIABLE = "OPENAI_BASE_URL"
"""Where its provider `openai` is, if the settings do not say."""
DEPTH = 6
"""Folders below a root of skills that may hold one."""


class OpenClaw(Platform):
    """The adapter of OpenClaw."""

    name = "openclaw"
    title = "OpenClaw"
    programs = ("openclaw",)

    def folder(self, env: Env) -> Path:
        """`~/.openclaw`, or what OPENCLAW_STATE_DIR, OPENCLAW_HOME and OPENCLAW_PROFILE say."""
        return settings.state_folders(env)[0]

    def place(self, env: Env) -> Place:
        """`baseUrl` of the default agent's provider, or of its model, where that has its own."""
        path = settings.config_path(env)
        if env.read_bytes(path) is None:
            raise BadInputError(
                "OpenClaw has no settings yet.", f"There is no {path}.", "Use: openclaw onboard"
            )
        name, model = settings.model_in_use(env)
        if name in settings.REFUSED:
            raise BadInputError(
                f"OpenClaw's provider {name} cannot be led through the proxy.",
                settings.REFUSED[name],
                "Choose another model (openclaw models set), or learn from its history alone: "
                f"skillclaw connect --history-only {self.name}",
            )
        held = settings.held(env, "models", "providers", name)
        if name not in settings.BUILT_IN and not isinstance(held, dict):
            raise BadInputError(
                f"OpenClaw uses the provider {name}, which {path} does not describe.",
                "A plugin or another file ($include) brings it.",
                f"Set its address yourself: openclaw config set models.providers.{name}.baseUrl URL; "
                "then try again.",
            )
        given = held if isinstance(held, dict) else {}
        models = given.get("models")
        own = next(
            (
                at
                for at, one in enumerate(models if isinstance(models, list) else [])
                if isinstance(one, dict) and one.get("id") == model and one.get("baseUrl")
            ),
            None,
        )
        keys: tuple[Key, ...] = ("models", "providers", name, "baseUrl")
        # Where the key is in OpenClaw's own store, that one is sent, and wins over `apiKey`.
        token: tuple[Key, ...] = ("models", "providers", name, "apiKey")
        if name in settings.BUILT_IN and "apiKey" not in given:
            token = ("models", "providers", name, "headers", "x-api-key")
        return Place(
            path=path,
            format="json5",
            keys=keys if own is None else ("models", "providers", name, "models", own, "baseUrl"),
            token_keys=token,
            default=settings.BUILT_IN.get(name, ""),
            provider=name,
        )

    def own_url(self, env: Env) -> str:
        """The settings' base URL with its variables filled in; for `openai` what the environment says."""
        place = self.place(env)
        value = edits.get_key(place.path, env.read_bytes(place.path), place.format, place.keys)[1]
        told = env.environ.get(VARIABLE, "").strip() if place.provider == "openai" else ""
        if isinstance(value, str) and "${" in value and not settings.expanded(env, value):
            raise BadInputError(
                f"{place.path} takes the provider's address from a variable that is not set here.",
                f"{'.'.join(map(str, place.keys))} is {value}.",
                "Set the variable in this shell too, then try again.",
            )
        for url in (settings.expanded(env, value), told):
            if "://" in url and not is_own(url, self.name):
                return url.rstrip("/")
        return ""

    def notes(self, env: Env) -> list[str]:
        """Models of other providers are past the proxy; Codex is not used with another address."""
        name = self.place(env).provider
        others = sorted({provider for provider in _providers(env) if provider != name})
        found = []
        if others:
            found.append(f"Only OpenClaw's provider {name} goes through the proxy, not: {', '.join(others)}.")
        if name == "openai":
            found.append("OpenClaw runs models of openai by itself while connected, not by Codex.")
        return found

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """Addresses of the agents' own that win over the settings."""
        if base_url is None:
            return []
        found = []
        for path in sorted(self.folder(env).glob("agents/*/agent/models.json")):
            keys = ("providers", self.place(env).provider, "baseUrl")
            url = edits.get_key(path, env.read_bytes(path), "json5", keys)[1]
            if isinstance(url, str) and url and url != base_url:
                text = f"{path} sets baseUrl to {shown(url)}, which wins over the settings"
                found.append(self.finding("warn", "agent", text, "Take baseUrl out of it."))
        return found

    def launch(self, env: Env, base_url: str, args: Sequence[str], token: str = "") -> Launch:
        """For the provider `openai` by the environment; no other takes its address from there."""
        place = self.place(env)
        had = edits.get_key(place.path, env.read_bytes(place.path), place.format, place.keys)[0]
        if place.provider != "openai" or had or token:
            raise BadInputError(
                f"OpenClaw takes the address of {place.provider} from its settings only.",
                "",
                f"Use: skillclaw connect {self.name}",
            )
        return Launch(argv=[self.program(env) or "openclaw", *args], env={VARIABLE: base_url})

    def skills(self, env: Env) -> list[Path]:
        """The shared folder if its own is the usual one, its own, the workspaces' and what is named."""
        folder = self.folder(env)
        shared = [env.home / ".agents/skills"] if settings.default_state(env) else []
        found = [*shared, folder / "skills"]
        try:
            found += [place / "skills" for place in settings.workspaces(env)]
            named = settings.held(env, "skills", "load", "extraDirs")
        except SkillClawError:
            return found
        more = [settings.expanded(env, one) for one in named] if isinstance(named, list) else []
        return found + [env.told(text) for text in more if text]

    def learned(self, env: Env) -> list[Path]:
        """What its Skill Workshop wrote."""
        found: list[Path] = []
        for folder in self._agent_folders(env):
            root = folder / "workshop-skills"
            files = sorted(root.rglob("SKILL.md")) if root.is_dir() else []
            for file in files:
                parts = file.relative_to(root).parts[:-1]
                if parts and len(parts) <= DEPTH and not any(part.startswith(".") for part in parts):
                    found.append(file.parent)
        return found

    def histories(self, env: Env) -> list[HistoryFile]:
        """The databases' sessions, and those of older files that are in none."""
        found: list[HistoryFile] = []
        for folder in self._agent_folders(env):
            try:
                found += openclaw.files_in(folder / openclaw_rows.FILE)
            except SkillClawError:
                continue
        known = {file.session for file in found}
        for state in settings.state_folders(env):
            for folder in sorted(state.glob("agents/*/sessions")):
                others = known | openclaw.subagents_in(folder)
                for path in sorted(folder.glob("*.jsonl")):
                    if openclaw.is_session_file(path) and path.stem not in others:
                        found += super().histories_in(path, env)
        return oldest_first(found)

    def histories_in(self, path: Path, env: Env) -> list[HistoryFile]:
        """A database holds many."""
        return openclaw.files_in(path) if is_database(path) else super().histories_in(path, env)

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/openclaw.py`."""
        return openclaw.read(file, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """The tables of its databases; pi's entries with signs of its own, or in its folders."""
        if not values:
            return {openclaw_rows.EVENTS, openclaw_rows.WINDOWS} <= tables_of(path)
        if not any(map(pi_events.looks_like, values)):
            return False
        signs = (str(one.get("customType", "")) for one in values)
        version = pi_events.header_of(list(values)).get("version")
        newer = isinstance(version, int) and version > pi_events.VERSION
        inside = path.parent.name == "sessions" and path.parent.parent.parent.name == "agents"
        return newer or inside or any(sign.startswith("openclaw.") for sign in signs)

    def _agent_folders(self, env: Env) -> list[Path]:
        """The folders of each agent's own state."""
        try:
            given = [settings.expanded(env, one.get("agentDir")) for _, one in settings.agents_of(env)]
        except SkillClawError:
            given = []
        named = [env.told(text) for text in given if text]
        found = [
            path for state in settings.state_folders(env) for path in sorted(state.glob("agents/*/agent"))
        ]
        return list(dict.fromkeys([*found, *named]))


def _providers(env: Env) -> list[str]:
    """The providers of the models that the settings name for agents, besides the one in use."""
    defaults = settings.held(env, "agents", "defaults", "model")
    given: list[Any] = [defaults, *(one.get("model") for _, one in settings.agents_of(env))]
    refs = [ref for one in given for ref in (_refs(one) if one else [])]
    return [ref.partition("/")[0].lower() for ref in refs if "/" in ref]


def _refs(model: Any) -> list[str]:
    if isinstance(model, dict):
        more = model.get("fallbacks")
        found = [model.get("primary"), *(more if isinstance(more, list) else [])]
        return [ref for ref in found if isinstance(ref, str)]
    return [model] if isinstance(model, str) else []


ADAPTER = OpenClaw()
