"""pi: https://pi.dev

npm `@mariozechner/pi-coding-agent` (run: 0.73.1), now `@earendil-works/pi-coding-agent` (run: 0.87.1).

`$PI_CODING_AGENT_DIR|~/.pi/agent`: `settings.json` (`defaultProvider`, `defaultModel`; JSON) says which
provider is in use, `models.json` (JSON with `//` comments and trailing commas) where it is:
`providers.<name>.baseUrl`, for a built-in one too, whose models and login stay. pi reads no environment
variable with a base URL; `skillclaw run` starts it with the extension `pi_session.js`, which sets it for
the one process.

The session on the wire: over Chat Completions `session_id`, once `compat.sendSessionAffinityHeaders` is set;
over Responses by itself; over Messages by the same extension, as `metadata.user_id`; over Gemini's protocol
not at all. Requests for a summary never have it. Skills: `skills` here and `~/.agents/skills`. Histories:
`history/pi.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents import edits
from skillclaw.agents.history import pi, pi_events
from skillclaw.agents.pi_providers import BUILT_IN, KEYS, REFUSED
from skillclaw.agents.platform import Place, Platform, Setting
from skillclaw.agents.programs import oldest_first
from skillclaw.agents.records import Env, Finding, HistoryFile, HistoryRead
from skillclaw.agents.texts import Key
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "Pi"]

SESSION_DIR = "PI_CODING_AGENT_SESSION_DIR"
EXTENSION = Path(__file__).with_name("pi_session.js")


class Pi(Platform):
    """The adapter of pi."""

    name = "pi"
    title = "pi"
    programs = ("pi",)

    def folder(self, env: Env) -> Path:
        """`~/.pi/agent` or what PI_CODING_AGENT_DIR says."""
        return env.folder("PI_CODING_AGENT_DIR", ".pi/agent")

    def place(self, env: Env) -> Place:
        """`baseUrl` of the provider in use in `models.json`, or of its model, where that has its own."""
        path = self.folder(env) / "models.json"
        name, model = self._in_use(env)
        if name in REFUSED:
            raise BadInputError(
                f"pi's provider {name} cannot be led through the proxy.",
                REFUSED[name],
                "Choose another provider in pi; or learn from its history alone: "
                "skillclaw connect --history-only pi",
            )
        held = _held(env, path, ("providers", name))
        if name not in BUILT_IN and not isinstance(held, dict):
            raise BadInputError(
                f"pi uses the provider {name}, which {path} does not describe.",
                "An extension brings it, and SkillClaw cannot change its address.",
                f"Use: skillclaw run {self.name}",
            )
        models = held.get("models") if isinstance(held, dict) else None
        own = next(
            (
                at
                for at, one in enumerate(models if isinstance(models, list) else [])
                if isinstance(one, dict) and one.get("id") == model and one.get("baseUrl")
            ),
            None,
        )
        keys: tuple[Key, ...] = ("providers", name, "baseUrl")
        # A key of pi's own, from its login or the environment, wins over `apiKey`; the header goes beside it.
        token: tuple[Key, ...] = ("providers", name, "apiKey")
        if self._has_key(env, name):
            token = ("providers", name, "headers", "x-api-key")
        return Place(
            path=path,
            format="json5",
            keys=keys if own is None else ("providers", name, "models", own, "baseUrl"),
            token_keys=token,
            default=BUILT_IN.get(name, ("", ""))[0],
            provider=name,
        )

    def extras(self, env: Env, base_url: str) -> list[Setting]:
        """What makes pi name the session in its requests."""
        place = self.place(env)
        match self._protocol(env, place):
            case "openai-completions":
                keys = ("providers", place.provider, "compat", "sendSessionAffinityHeaders")
                return [Setting(path=place.path, format="json5", keys=keys, value=True)]
            case "anthropic-messages":
                path = self.folder(env) / "extensions" / "skillclaw.js"
                return [Setting(path=path, format="text", value=EXTENSION.read_text("utf-8"))]
        return []

    def notes(self, env: Env) -> list[str]:
        """Another provider, chosen for one run, is past the proxy."""
        name = self.place(env).provider
        return [f"Only pi's provider {name} goes through the proxy; connect again when you use another."]

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """A project with a provider of its own."""
        path = env.cwd / ".pi" / "settings.json"
        chosen = _held(env, path, ("defaultProvider",))
        if base_url is None or not chosen or chosen == self.place(env).provider:
            return []
        text = f"{path} chooses the provider {chosen}, whose requests do not go through the proxy"
        return [self.finding("warn", "project settings", text, "Take defaultProvider out of it.")]

    def launch_env(self, env: Env, base_url: str, token: str) -> dict[str, str]:
        """For the extension, which leads the provider in use to the proxy."""
        given = {"SKILLCLAW_PI_PROVIDER": self._in_use(env)[0], "SKILLCLAW_PI_URL": base_url}
        return given | ({"SKILLCLAW_PI_TOKEN": token} if token else {})

    def launch_args(self, env: Env, base_url: str, token: str) -> list[str]:
        """The extension."""
        return ["--extension", str(EXTENSION)]

    def skills(self, env: Env) -> list[Path]:
        """The shared folder, its own, and those that the settings name."""
        folder = self.folder(env)
        try:
            named = _held(env, folder / "settings.json", ("skills",))
        except SkillClawError:
            named = None
        more = [text for text in named if isinstance(text, str)] if isinstance(named, list) else []
        found = [env.home / ".agents/skills", folder / "skills"]
        return found + [_path(env, folder, text) for text in more if text and text[0] not in "!+-*"]

    def histories(self, env: Env) -> list[HistoryFile]:
        """`sessions/*/*.jsonl`, or straight in the folder that the user chose for them."""
        own = "--" + _munged(env.skillclaw_home)
        found = []
        for folder in dict.fromkeys(self._session_folders(env)):
            try:
                paths = [*folder.glob("*.jsonl"), *folder.glob("*/*.jsonl")]
            except OSError:
                continue
            for path in paths:
                # Folders of other projects may be named alike: what the session says decides.
                alike = path.parent.name == own + "--" or path.parent.name.startswith(own + "-")
                found += [] if alike and pi.is_own(path, env) else self.histories_in(path, env)
        return oldest_first(found)

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/pi.py`."""
        return pi.read(file.path, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """Its entries."""
        return any(map(pi_events.looks_like, values))

    def _in_use(self, env: Env) -> tuple[str, str]:
        """(provider, model) as the settings say, else what pi takes by the keys that it finds."""
        path = self.folder(env) / "settings.json"
        name, model = _held(env, path, ("defaultProvider",)), _held(env, path, ("defaultModel",))
        if isinstance(name, str) and name:
            return name, model if isinstance(model, str) else ""
        told = next((known for known, names in KEYS.items() if any(env.environ.get(n) for n in names)), "")
        if told:
            return told, ""
        own = _held(env, self.folder(env) / "models.json", ("providers",))
        for known, held in own.items() if isinstance(own, dict) else ():
            if isinstance(held, dict) and held.get("apiKey") and held.get("models"):
                return str(known), ""
        raise BadInputError(
            "pi has not been told which provider to use.",
            f"{path} names no defaultProvider.",
            "Start pi once and choose a model (/login, /model), then try again.",
        )

    def _protocol(self, env: Env, place: Place) -> str:
        """The `api` of the provider in use."""
        held = _held(env, place.path, ("providers", place.provider))
        given = held if isinstance(held, dict) else {}
        models = given.get("models")
        model = self._in_use(env)[1]
        for one in models if isinstance(models, list) else []:
            if isinstance(one, dict) and one.get("id") == model and isinstance(one.get("api"), str):
                return str(one["api"])
        api = given.get("api")
        return api if isinstance(api, str) else BUILT_IN.get(place.provider, ("", ""))[1]

    def _has_key(self, env: Env, provider: str) -> bool:
        """Whether pi has a key or a login of its own for a provider: names are looked at, not values."""
        if any(env.environ.get(name) for name in KEYS.get(provider, ())):
            return True
        path = self.folder(env) / "auth.json"
        try:
            return edits.get_key(path, env.read_bytes(path), "json", (provider, "type"))[0]
        except SkillClawError:
            return False

    def _session_folders(self, env: Env) -> list[Path]:
        folder = self.folder(env)
        found = [folder / "sessions"]
        try:
            named = _held(env, folder / "settings.json", ("sessionDir",))
        except SkillClawError:
            named = None
        given = env.environ.get(SESSION_DIR, "").strip()
        if given:
            found.append(env.placed_by(SESSION_DIR, _path(env, env.cwd, given)))
        if isinstance(named, str) and named.strip():
            found.append(_path(env, env.cwd, named.strip()))
        return found


def _held(env: Env, path: Path, keys: Sequence[Key]) -> Any:
    return edits.get_key(path, env.read_bytes(path), "json5", keys)[1]


def _path(env: Env, base: Path, text: str) -> Path:
    return env.home if text == "~" else base / env.told(text)


def _munged(path: Path) -> str:
    """The folder name that pi makes from a working folder, without the dashes around it."""
    return re.sub(r"[/\\:]", "-", str(path).lstrip("/\\"))


ADAPTER = Pi()
