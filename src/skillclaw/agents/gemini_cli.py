"""Gemini CLI: https://github.com/google-gemini/gemini-cli

Run with 0.61.0: with an API key, with Vertex's express keys, and with a token in a Google login's place.
Settings `$GEMINI_CLI_HOME|~/.gemini/settings.json`, JSON with comments. The agent adds `/v1beta/models/..`
(Vertex `/v1beta1/publishers/..`, a Google login `/v1internal:..`) to its base URL, whose path is kept. It
sends no session id, but with a Google login.

Documented for the base URL are environment variables. They are read from one `.env` file only, the nearest of
`.gemini/.env` and `.env` in the working folder and those above it, else the home folder's; `.gemini/.env`
counts in folders that are trusted, and elsewhere nothing but keys. GOOGLE_GEMINI_BASE_URL moreover stops an
agent whose way of signing in is not chosen in its settings. So the base URL goes into settings.json, where
the options of each request stand: into the model alias `base`, which the models and sub-agents go back to,
and into an override for what does not (compaction). That holds in every folder. Counting tokens, which is
asked for pictures only, does not go that way. A Google login takes its address from CODE_ASSIST_ENDPOINT
alone, so that goes into the home folder's `.env`.

Skills: `~/.agents/skills`, `~/.gemini/skills`; those that its background review drafts wait in
`tmp/<project>/memory/skills`. Histories: `history/gemini.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from skillclaw.agents import edits
from skillclaw.agents.platform import Place, Platform, Setting, files_like
from skillclaw.agents.programs import file_stat, oldest_first
from skillclaw.agents.records import ConnectPlan, Env, Finding, HistoryFile, HistoryRead
from skillclaw.agents.texts import Key
from skillclaw.agents.urls import is_own, shown
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "GeminiCli"]

Auth = Literal["key", "vertex", "google"]
OPTIONS: tuple[Key, ...] = (
    "modelConfigs",
    "aliases",
    "base",
    "modelConfig",
    "generateContentConfig",
    "httpOptions",
)
OVERRIDES: tuple[Key, ...] = ("modelConfigs", "customOverrides")
VARIABLES: dict[Auth, str] = {
    "key": "GOOGLE_GEMINI_BASE_URL",
    "vertex": "GOOGLE_VERTEX_BASE_URL",
    "google": "CODE_ASSIST_ENDPOINT",
}
KEYS: dict[Auth, str] = {"key": "GEMINI_API_KEY", "vertex": "GOOGLE_API_KEY"}
TYPES: dict[str, Auth] = {
    "gemini-api-key": "key",
    "gateway": "key",
    "vertex-ai": "vertex",
    "oauth-personal": "google",
    "compute-default-credentials": "google",
    "cloud-shell": "google",
}
"""Values of `security.auth.selectedType`."""
NAMES: dict[Auth, str] = {"key": "Gemini API", "vertex": "Vertex AI", "google": "Google login"}


class GeminiCli(Platform):
    """The adapter of Gemini CLI."""

    name = "gemini-cli"
    title = "Gemini CLI"
    programs = ("gemini",)
    default_url = "https://generativelanguage.googleapis.com"

    def __init__(self, token: str = "") -> None:
        self._token = token
        """What `extras` writes as the key, while connecting; else what stands there counts."""

    def connect(self, env: Env, base_url: str, token: str = "") -> ConnectPlan:
        """As for all; the second place needs the token too."""
        return Platform.connect(GeminiCli(token), env, base_url, token)

    def folder(self, env: Env) -> Path:
        """`.gemini` in the home folder, or in what GEMINI_CLI_HOME says."""
        return self._home(env) / ".gemini"

    def place(self, env: Env) -> Place:
        """The base URL among the options of each request; for a Google login a line of a `.env` file."""
        auth = self._auth(env)
        if auth == "google":
            return Place(
                path=self._user_env(env),
                format="env",
                keys=(VARIABLES[auth],),
                default="https://cloudcode-pa.googleapis.com",
                provider=NAMES[auth],
            )
        return Place(
            path=self._settings(env),
            format="json5",
            keys=(*OPTIONS, "baseUrl"),
            token_keys=(*OPTIONS, "headers", "x-goog-api-key"),
            default=self._vertex(env) if auth == "vertex" else self.default_url,
            provider=NAMES[auth],
        )

    def extras(self, env: Env, base_url: str) -> list[Setting]:
        """The same for what does not go back to the model alias."""
        if self._auth(env) == "google":
            return []
        place = self.place(env)
        key = self._token or self._chosen(env, place.token_keys)
        options: dict[str, Any] = {"baseUrl": base_url}
        if isinstance(key, str) and key:
            options["headers"] = {"x-goog-api-key": key}
        value = {
            "match": {"overrideScope": "core"},
            "modelConfig": {"generateContentConfig": {"httpOptions": options}},
        }
        return [Setting(path=place.path, format=place.format, keys=OVERRIDES, value=value, item=True)]

    def own_url(self, env: Env) -> str:
        """The user's base URL: in the settings, else in the environment, else in the `.env` file it reads.

        For a Google login the environment goes first, since it wins over the file that is changed.
        """
        auth = self._auth(env)
        variable = VARIABLES[auth]
        place = self.place(env)
        given = edits.get_key(place.path, env.read_bytes(place.path), place.format, place.keys)[1]
        told = env.environ.get(variable)
        first = (told, given) if auth == "google" else (given, told)
        for value in (*first, self._from_file(env, variable)):
            if isinstance(value, str) and "://" in value and not is_own(value.strip(), self.name):
                return value.strip().rstrip("/")
        return ""

    def notes(self, env: Env) -> list[str]:
        """Where a Google login's address is not read."""
        if self._auth(env) != "google":
            return []
        return [
            f"Gemini CLI reads {self._user_env(env)} in folders that it trusts and that have no .env file of"
            f" their own; in others use: skillclaw run {self.name}"
        ]

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """What hides or beats what `connect` wrote."""
        if base_url is None:
            return []
        auth = self._auth(env)
        found: list[Finding] = []
        if auth != "google":
            path = env.cwd / ".gemini" / "settings.json"
            own = self._settings(env)
            had, other = edits.get_key(path, env.read_bytes(path), "json5", (*OPTIONS, "baseUrl"))
            if path != own and had and other != base_url:
                text = f"{path} sets the base URL to {other}, which wins over your own settings"
                found.append(self.finding("warn", "project settings", text, "Take it out of the file."))
            return found
        variable = VARIABLES[auth]
        given = env.environ.get(variable, "")
        if given and given != base_url:
            text = f"{variable}={shown(given)} wins over the file"
            found.append(
                self.finding("warn", "environment", text, f"Unset {variable} where your shell sets it.")
            )
        read = self._env_file(env)
        if read is not None and read != self._user_env(env):
            text = f"in this folder {read} is read instead of {self._user_env(env)}"
            found.append(self.finding("warn", ".env", text, f"Use: skillclaw run {self.name}"))
        return found

    def launch_env(self, env: Env, base_url: str, token: str) -> dict[str, str]:
        """The variable of the way of signing in; BadInputError where the agent would not start with it."""
        auth = self._auth(env)
        connected = self._chosen(env, (*OPTIONS, "baseUrl"))
        if auth != "google" and connected == base_url:
            return {KEYS[auth]: token} if token else {}
        if auth != "google" and isinstance(connected, str):
            raise BadInputError(
                f"{self._settings(env)} names a base URL, which wins over the environment.",
                "",
                f"Use: skillclaw connect {self.name}",
            )
        if auth == "google" and token:
            raise BadInputError(
                "A Google login cannot be used with a configured upstream.",
                "Gemini CLI sends no key then.",
                "Choose 'Use Gemini API Key' with /auth in gemini.",
            )
        if auth == "key" and self._chosen(env, ("security", "auth", "selectedType")) is None:
            raise BadInputError(
                f"Gemini CLI does not start with {VARIABLES[auth]} before a way of signing in is chosen.",
                f"{self._settings(env)} has no security.auth.selectedType.",
                f"Choose it with /auth in gemini; or use: skillclaw connect {self.name}",
            )
        return {VARIABLES[auth]: base_url} | ({KEYS[auth]: token} if token else {})

    def skills(self, env: Env) -> list[Path]:
        """The shared folder, then its own; of one name in both the shared one's counts."""
        return [self._home(env) / ".agents" / "skills", self.folder(env) / "skills"]

    def learned(self, env: Env) -> list[Path]:
        """Drafts of its background review, which the user has not taken up yet."""
        found: list[Path] = []
        for root in self._runtime(env):
            found += [path.parent for path in files_like(root / "tmp", "*/memory/skills/*/SKILL.md")]
        return found

    def histories(self, env: Env) -> list[HistoryFile]:
        """`tmp/*/chats/session-*`; of a session in both forms the newer one."""
        found: list[HistoryFile] = []
        for root in self._runtime(env):
            for file in files_like(root / "tmp", "*/chats/session-*.json*"):
                if file.suffix == ".jsonl" or (
                    file.suffix == ".json" and not file.with_suffix(".jsonl").exists()
                ):
                    found += self.histories_in(file, env)
        return oldest_first(found)

    def histories_in(self, path: Path, env: Env) -> list[HistoryFile]:
        """One session a file; its sub-agents' files count with it."""
        from skillclaw.agents.history import gemini

        stat = file_stat(path)
        if stat is None:
            return []
        parts = [stat]
        if not gemini.is_subagent(path):
            native = gemini.native_id(path)
            parts += [s for s in map(file_stat, gemini.subagent_files(path.parent, native)) if s]
        size, mtime = sum(part[0] for part in parts), max(part[1] for part in parts)
        return [HistoryFile(path=path, size=size, mtime=mtime)]

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/gemini.py`."""
        from skillclaw.agents.history import gemini

        return gemini.read(file.path, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """Its first line, or a document of the old form."""
        from skillclaw.agents.history import gemini

        return any(gemini.looks_like(value) for value in values)

    def _home(self, env: Env) -> Path:
        return env.folder("GEMINI_CLI_HOME", ".")

    def _runtime(self, env: Env) -> list[Path]:
        """Where histories lie; in macOS' sandbox they go to the cache."""
        return [self.folder(env), self._home(env) / ".cache" / ".gemini"]

    def _settings(self, env: Env) -> Path:
        return self.folder(env) / "settings.json"

    def _chosen(self, env: Env, keys: tuple[Key, ...]) -> Any:
        path = self._settings(env)
        return edits.get_key(path, env.read_bytes(path), "json5", keys)[1]

    def _auth(self, env: Env) -> Auth:
        """How the agent signs in: as its settings say, else as the variables that are set do."""
        chosen = TYPES.get(str(self._chosen(env, ("security", "auth", "selectedType"))))
        if chosen is not None:
            return chosen
        if self._variable(env, "GOOGLE_GENAI_USE_GCA") == "true":
            return "google"
        return "vertex" if self._variable(env, "GOOGLE_GENAI_USE_VERTEXAI") == "true" else "key"

    def _vertex(self, env: Env) -> str:
        """Vertex's address: of a place, or the one for keys and for no place."""
        location = self._variable(env, "GOOGLE_CLOUD_LOCATION")
        if self._variable(env, "GOOGLE_API_KEY") or location in ("", "global"):
            return "https://aiplatform.googleapis.com"
        if location in ("us", "eu"):
            return f"https://aiplatform.{location}.rep.googleapis.com"
        return f"https://{location}-aiplatform.googleapis.com"

    def _variable(self, env: Env, name: str) -> str:
        return env.environ.get(name, "") or self._from_file(env, name)

    def _from_file(self, env: Env, name: str) -> str:
        """A variable's value in the `.env` file that is read; empty where it cannot be."""
        path = self._env_file(env)
        try:
            had, value = edits.get_key(path, env.read_bytes(path), "env", (name,)) if path else (False, None)
        except SkillClawError:
            return ""
        return value if had and isinstance(value, str) else ""

    def _env_file(self, env: Env) -> Path | None:
        """The one `.env` file that the agent reads in this folder, if it trusts it."""
        home = self._home(env)
        folders = [env.cwd, *env.cwd.parents, home]
        candidates = [folder / name for folder in folders for name in (".gemini/.env", ".env")]
        return next((path for path in candidates if path.exists() or env.pending.get(path)), None)

    def _user_env(self, env: Env) -> Path:
        """The home folder's `.env` that is read: a new one must not hide the one that is there."""
        own, general = self.folder(env) / ".env", self._home(env) / ".env"
        return general if general.is_file() and not own.is_file() else own


ADAPTER = GeminiCli()
