"""Qwen Code: https://github.com/QwenLM/qwen-code

Run with 0.24.4 (Node.js 24): Chat Completions and Messages. Settings `$QWEN_HOME|~/.qwen/settings.json`, JSON
with comments. The model in use is `model.name` (and `model.baseUrl`, where several have the name) among the
entries of `modelProviders` that fit `security.auth.selectedType`; its `baseUrl` wins over variables and
arguments. Without an entry the base URL is a variable (the environment's, else of a `.env` file, else of the
settings' `env`), for Gemini `security.auth.baseUrl`. All entries with the base URL of the one in use are
pointed at the proxy with it.

The session's id goes along in a header `x-session-id`, which the settings allow for (`customHeaders` with
`outboundCorrelation.allowDynamicHeaderValues`). Over DashScope the body has it too; that the proxy stands for
DashScope is told by DASHSCOPE_PROXY_BASE_URL, or its cache would not be used. What else the agent does by its
provider's host name (DeepSeek, MiniMax, ModelScope and others) it does not do through the proxy. A Qwen login
(discontinued in April 2026) names its own address.

Skills: `~/.agents/skills`, `~/.qwen/skills`; those that its background review writes are the project's
`.qwen/skills/auto-skill-*`, and wait in `.qwen/pending-skills` where the user is asked. Histories:
`history/qwen.py`, below `$QWEN_RUNTIME_DIR` if that is set.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from skillclaw.agents import edits, texts
from skillclaw.agents.platform import Place, Platform, Setting, files_like
from skillclaw.agents.programs import file_stat, oldest_first
from skillclaw.agents.qwen_models import Entry, alike, at, entries, every
from skillclaw.agents.records import ConnectPlan, Env, Finding, HistoryFile, HistoryRead
from skillclaw.agents.texts import Key, TextError
from skillclaw.agents.urls import is_own, shown
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "QwenCode"]

PROTOCOLS = ("openai", "anthropic", "gemini", "vertex-ai", "qwen-oauth")
VARIABLES = {"openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL"}
KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
MODELS = {
    "openai": ("OPENAI_MODEL", "QWEN_MODEL"),
    "anthropic": ("ANTHROPIC_MODEL",),
    "gemini": ("GEMINI_MODEL",),
    "vertex-ai": ("GOOGLE_MODEL",),
}
DEFAULTS = {
    "openai": "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "vertex-ai": "https://aiplatform.googleapis.com",
}
"""Where requests go without a base URL."""
KEY: tuple[Key, ...] = ("generationConfig", "customHeaders", "x-api-key")
"""Where SkillClaw's token goes in a model's entry, and below `model` without one."""
HEADER = "x-session-id"
SESSION = "${session_id}"
DASHSCOPE = re.compile(
    r"(?:.+\.)?dashscope(?:-\w+)?\.aliyuncs\.com|token-plan\..+\.maas\.aliyuncs\.com"
    r"|.+\.(?:alibaba-inc|aliyun-inc|alicloudapi)\.com"
)
"""Hosts to which the agent speaks as to DashScope."""
RUNTIME = re.compile(r"\A(?:\$runtime\|[^|]*\|)+")
AUTO = re.compile(r"\A---[ \t]*\r?\n(?:(?!---).*\r?\n)*?source:[ \t]*auto-skill[ \t]*\r?\n")


class QwenCode(Platform):
    """The adapter of Qwen Code."""

    name = "qwen-code"
    title = "Qwen Code"
    programs = ("qwen",)
    default_url = DEFAULTS["openai"]

    def __init__(self, token: str = "") -> None:
        self._token = token
        """What `extras` writes as the key, while connecting; else what stands there counts."""

    def connect(self, env: Env, base_url: str, token: str = "") -> ConnectPlan:
        """As for all; the other models of the base URL need the token too."""
        return Platform.connect(QwenCode(token), env, base_url, token)

    def folder(self, env: Env) -> Path:
        """`~/.qwen` or what QWEN_HOME says."""
        return env.folder("QWEN_HOME", ".qwen")

    def place(self, env: Env) -> Place:
        """The base URL of the model in use: of its entry, else the variable that holds it."""
        held = self._held(env)
        protocol = self._protocol(env, held)
        if protocol == "qwen-oauth":
            raise BadInputError(
                "Qwen Code uses a Qwen login, which cannot be pointed at the proxy.",
                "The login names its own address.",
                "Choose another way with /auth in qwen.",
            )
        path = self._settings(env)
        entry = self._entry(env, held, protocol)
        if entry is not None:
            return Place(
                path=path,
                format="json5",
                keys=(*entry.keys, "baseUrl"),
                token_keys=(*entry.keys, *KEY),
                default=DEFAULTS[protocol],
                provider=str(entry.held.get("name") or entry.held["id"]),
            )
        token_keys: tuple[Key, ...] = ("model", *KEY)
        variable = VARIABLES.get(protocol)
        if variable is None:
            return Place(
                path=path,
                format="json5",
                keys=("security", "auth", "baseUrl"),
                token_keys=token_keys,
                default=DEFAULTS[protocol],
                provider=protocol,
            )
        for file in self._user_files(env):
            if _variable(env, file, variable):
                # It wins over the settings' own variables.
                return Place(
                    path=file, format="env", keys=(variable,), default=DEFAULTS[protocol], provider=protocol
                )
        return Place(
            path=path,
            format="json5",
            keys=("env", variable),
            token_keys=token_keys,
            default=DEFAULTS[protocol],
            provider=protocol,
        )

    def extras(self, env: Env, base_url: str) -> list[Setting]:
        """The header with the session's id, the other models of the same base URL, DashScope's variable."""
        held = self._held(env)
        protocol = self._protocol(env, held)
        entry = self._entry(env, held, protocol)
        path = self._settings(env)

        def setting(*keys: Key, value: Any) -> Setting:
            return Setting(path=path, format="json5", keys=keys, value=value)

        made: list[Setting] = []
        headers: list[tuple[Key, ...]] = [("model", "generationConfig", "customHeaders", HEADER)]
        if entry is not None:
            same = [one for one in entries(held, protocol) if alike(one, entry)]
            others = [one for one in same if one.keys != entry.keys]
            made += [setting(*one.keys, "baseUrl", value=base_url) for one in others]
            key = self._token or at(entry.held, *KEY)
            made += [setting(*one.keys, *KEY, value=key) for one in others if key]
            headers = [(*one.keys, "generationConfig", "customHeaders", HEADER) for one in same]
            chosen = at(held, "model", "baseUrl")
            if chosen and chosen == entry.held.get("baseUrl"):
                made.append(setting("model", "baseUrl", value=base_url))
        for keys in headers:
            if at(held, *keys) in (None, SESSION):
                made.append(setting(*keys, value=SESSION))
        made.append(setting("outboundCorrelation", "allowDynamicHeaderValues", value=True))
        url = self.own_url(env) or (DEFAULTS[protocol] if not _points_to(held, base_url) else "")
        if protocol == "openai" and DASHSCOPE.fullmatch(urlsplit(url).hostname or ""):
            made.append(setting("env", "DASHSCOPE_PROXY_BASE_URL", value=base_url))
        return made

    def own_url(self, env: Env) -> str:
        """The user's base URL: of the model's entry; else of the environment, else of a file."""
        place = self.place(env)
        given = edits.get_key(place.path, env.read_bytes(place.path), place.format, place.keys)[1]
        candidates = [given]
        if place.keys[0] != "modelProviders":
            held = self._held(env)
            variable = VARIABLES.get(self._protocol(env, held), "")
            candidates = [env.environ.get(variable), given, at(held, "security", "auth", "baseUrl")]
        for value in candidates:
            if isinstance(value, str) and "://" in value and not is_own(value.strip(), self.name):
                return value.strip().rstrip("/")
        return ""

    def notes(self, env: Env) -> list[str]:
        """Models with other base URLs stay as they are."""
        held = self._held(env)
        protocol = self._protocol(env, held)
        entry = self._entry(env, held, protocol)
        if entry is None:
            return []
        near = [one.keys for one in entries(held, protocol) if alike(one, entry)]
        others = [str(one.held["id"]) for one in every(held) if one.keys not in near]
        others = [name for name in dict.fromkeys(others) if name != entry.held["id"]]
        if not others:
            return []
        return [f"Models with other base URLs do not go through the proxy: {', '.join(others[:8])}"]

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """What wins over the user's settings in this folder and this shell."""
        if base_url is None:
            return []
        found: list[Finding] = []
        held = self._held(env)
        project = env.cwd / ".qwen" / "settings.json"
        if project != self._settings(env):
            told = _load(env, project)
            named: list[str] = [key for key in ("modelProviders", "model") if key in told]
            named += ["security.auth"] if at(told, "security", "auth") is not None else []
            if named:
                text = f"{project} sets {', '.join(named)}, which wins over your own settings"
                found.append(self.finding("warn", "project settings", text, "Take it out of the file."))
        variable = VARIABLES.get(self._protocol(env, held), "")
        given = env.environ.get(variable, "")
        if given and given != base_url and self.place(env).keys[0] != "modelProviders":
            text = f"{variable}={shown(given)} wins over the settings"
            found.append(
                self.finding("warn", "environment", text, f"Unset {variable} where your shell sets it.")
            )
        return found

    def launch_env(self, env: Env, base_url: str, token: str) -> dict[str, str]:
        """The variable of the base URL; BadInputError where a model's entry names one, which wins."""
        held = self._held(env)
        protocol = self._protocol(env, held)
        place = self.place(env)
        given = edits.get_key(place.path, env.read_bytes(place.path), place.format, place.keys)[1]
        if given == base_url and place.keys[0] == "modelProviders":
            return {}
        variable = VARIABLES.get(protocol)
        if variable is None or (place.keys[0] == "modelProviders" and given):
            raise BadInputError(
                "Qwen Code cannot be started through the proxy by its environment.",
                f"{place.path} names the base URL of {place.provider}, and wins."
                if variable
                else f"No variable holds the base URL for {protocol}.",
                f"Use: skillclaw connect {self.name}",
            )
        made = {variable: base_url} | ({KEYS[protocol]: token} if token else {})
        host = urlsplit(self.upstream(env)).hostname or ""
        return made | ({"DASHSCOPE_PROXY_BASE_URL": base_url} if DASHSCOPE.fullmatch(host) else {})

    def skills(self, env: Env) -> list[Path]:
        """The shared folder, and its own."""
        return [env.home / ".agents" / "skills", self.folder(env) / "skills"]

    def learned(self, env: Env) -> list[Path]:
        """What its background review wrote, in this folder and those of its sessions."""
        found: list[Path] = []
        for folder in self._projects(env):
            found += [path.parent for path in files_like(folder / ".qwen" / "pending-skills", "*/SKILL.md")]
            own = files_like(folder / ".qwen" / "skills", "auto-skill-*/SKILL.md")
            found += [path.parent for path in own if _is_auto(path)]
        return found

    def histories(self, env: Env) -> list[HistoryFile]:
        """`projects/*/chats/*.jsonl`."""
        found = [
            one
            for file in files_like(self._runtime(env) / "projects", "*/chats/*.jsonl")
            for one in self.histories_in(file, env)
        ]
        return oldest_first(found)

    def histories_in(self, path: Path, env: Env) -> list[HistoryFile]:
        """One session a file; its sub-agents' files count with it."""
        from skillclaw.agents.history import qwen

        stat = file_stat(path)
        if stat is None:
            return []
        files = [] if qwen.is_subagent(path) else qwen.subagent_files(path, path.name.split(".")[0])
        parts = [stat, *(s for s in map(file_stat, files) if s)]
        size, mtime = sum(part[0] for part in parts), max(part[1] for part in parts)
        return [HistoryFile(path=path, size=size, mtime=mtime)]

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/qwen.py`."""
        from skillclaw.agents.history import qwen

        return qwen.read(file.path, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """Its events, which hold parts, and what describes a sub-agent."""
        from skillclaw.agents.history import qwen

        if path.name.endswith(".meta.json") and qwen.is_subagent(path):
            return any("parentSessionId" in value for value in values)
        return any(qwen.looks_like(value) for value in values)

    def _settings(self, env: Env) -> Path:
        return self.folder(env) / "settings.json"

    def _runtime(self, env: Env) -> Path:
        return env.folder("QWEN_RUNTIME_DIR", "") if env.environ.get("QWEN_RUNTIME_DIR") else self.folder(env)

    def _held(self, env: Env) -> dict[str, Any]:
        """The settings; BadInputError when they do not parse."""
        path = self._settings(env)
        edits.get_key(path, env.read_bytes(path), "json5", ("model",))
        return _load(env, path)

    def _user_files(self, env: Env) -> list[Path]:
        """The user's `.env` files, in the order in which they count."""
        return [self.folder(env) / ".env", env.home / ".env"]

    def _protocol(self, env: Env, held: dict[str, Any]) -> str:
        """What the agent speaks: as it was chosen, else by the variables that are set, as it does."""
        chosen = at(held, "security", "auth", "selectedType")
        if isinstance(chosen, str):
            return "openai" if chosen == "openai-responses" else chosen if chosen in PROTOCOLS else "openai"

        def known(*names: str) -> bool:
            return all(self._known(env, held, name) for name in names)

        if known("OPENAI_API_KEY", "OPENAI_BASE_URL") and (known("OPENAI_MODEL") or known("QWEN_MODEL")):
            return "openai"
        if known("GEMINI_API_KEY", "GEMINI_MODEL"):
            return "gemini"
        if known("GOOGLE_API_KEY", "GOOGLE_MODEL"):
            return "vertex-ai"
        return (
            "anthropic" if known("ANTHROPIC_API_KEY", "ANTHROPIC_MODEL", "ANTHROPIC_BASE_URL") else "openai"
        )

    def _known(self, env: Env, held: dict[str, Any], name: str) -> str:
        """A variable's value, wherever it is set."""
        given = env.environ.get(name, "")
        for file in self._user_files(env):
            given = given or _variable(env, file, name)
        own = at(held, "env", name)
        return given or (own if isinstance(own, str) else "")

    def _entry(self, env: Env, held: dict[str, Any], protocol: str) -> Entry | None:
        """The entry of the model in use."""
        chosen = at(held, "model", "name")
        name = RUNTIME.sub("", chosen) if isinstance(chosen, str) else ""
        if not name:
            name = next((v for var in MODELS.get(protocol, ()) if (v := self._known(env, held, var))), "")
        fit = [entry for entry in entries(held, protocol) if entry.held["id"] == name]
        url = at(held, "model", "baseUrl")
        return next(
            (entry for entry in fit if url and entry.held.get("baseUrl") == url), fit[0] if fit else None
        )

    def _projects(self, env: Env) -> list[Path]:
        """The working folders of its sessions, this one first."""
        from skillclaw.agents.history import lines

        found = {env.cwd: None}
        newest: dict[Path, HistoryFile] = {file.path.parent: file for file in self.histories(env)}
        for file in newest.values():
            try:
                first = lines.json_value(lines.beginning(file.path, 65536).lstrip().partition(b"\n")[0])
            except SkillClawError:
                continue
            cwd = first.get("cwd") if isinstance(first, dict) else None
            if isinstance(cwd, str) and Path(cwd).is_absolute() and "\0" not in cwd:
                found[Path(cwd)] = None
        return list(found)


def _load(env: Env, path: Path) -> dict[str, Any]:
    """A settings file; empty where there is none that can be used."""
    try:
        held = texts.load((env.read_bytes(path) or b"").decode("utf-8"), "json5")
    except (SkillClawError, TextError, UnicodeDecodeError):
        return {}
    return held if isinstance(held, dict) else {}


def _variable(env: Env, path: Path, name: str) -> str:
    try:
        value = edits.get_key(path, env.read_bytes(path), "env", (name,))[1]
    except SkillClawError:
        return ""
    return value if isinstance(value, str) else ""


def _points_to(held: dict[str, Any], url: str) -> bool:
    told = [entry.held.get("baseUrl") for entry in every(held)]
    return url in [*told, *(at(held, "env", name) for name in VARIABLES.values())]


def _is_auto(path: Path) -> bool:
    """Whether the skill says that the agent wrote it; the user may have made it his own."""
    try:
        return AUTO.match(path.read_bytes()[:8192].decode("utf-8", "replace")) is not None
    except OSError:
        return False


ADAPTER = QwenCode()
