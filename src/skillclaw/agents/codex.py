"""Codex CLI: https://github.com/openai/codex

Settings `$CODEX_HOME|~/.codex/config.toml`. The built-in provider takes its base URL from the top-level
key `openai_base_url` (run with 0.169, with an API key and with a ChatGPT login, also as `-c
openai_base_url=...`; the variable OPENAI_BASE_URL is not read any more), a provider of the user's from
`model_providers.<name>.base_url`. The agent adds `/responses` and `/models`. Its own login goes with each
request. With a configured upstream SkillClaw's own provider is chosen instead (`model_providers.skillclaw`),
since neither a login nor a provider's `env_key` can be replaced by a token. Skills: `~/.codex/skills` and
`~/.agents/skills`. Histories: `history/codex.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents import edits
from skillclaw.agents.connections import connection
from skillclaw.agents.history import codex, codex_files, lines
from skillclaw.agents.platform import Place, Platform
from skillclaw.agents.programs import file_stat, oldest_first, version_of
from skillclaw.agents.records import (
    ConnectPlan,
    Env,
    Finding,
    HistoryFile,
    HistoryRead,
    Launch,
    replace_pending,
)
from skillclaw.agents.texts import Key
from skillclaw.agents.urls import is_own
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "Codex"]

WITH_KEY = "https://api.openai.com/v1"
WITH_LOGIN = "https://chatgpt.com/backend-api/codex"
BUILT_IN = "openai"
OWN = "skillclaw"
"""The provider that `connect` defines for a configured upstream."""
VARIABLE = "SKILLCLAW_TOKEN"
SINCE = (0, 115)
"""First version seen with `openai_base_url`; 0.113 does not have it and reads OPENAI_BASE_URL instead."""
FIXED = frozenset({"oss", "ollama", "lmstudio", "amazon-bedrock"})
"""Built-in providers whose address is not a setting."""


class Codex(Platform):
    """The adapter of Codex CLI."""

    name = "codex"
    title = "Codex"
    programs = ("codex",)

    @property
    def default_upstream(self) -> str:
        """OpenAI's API for an API key, ChatGPT's backend for a ChatGPT login, as the login on disk is now."""
        return WITH_LOGIN if self._login(Env.current()) == "chatgpt" else WITH_KEY

    def folder(self, env: Env) -> Path:
        """`~/.codex` or what CODEX_HOME says."""
        return env.folder("CODEX_HOME", ".codex")

    def place(self, env: Env) -> Place:
        """`config.toml`, the base URL of the provider that the settings choose."""
        path = self.folder(env) / "config.toml"
        return Place(path=path, format="toml", keys=_url_keys(path, env.read_bytes(path)))

    def upstream(self, env: Env) -> str:
        """The base URL of the provider that the settings choose."""
        return self.own_url(env) or (WITH_LOGIN if self._login(env) == "chatgpt" else WITH_KEY)

    def connect(self, env: Env, base_url: str, token: str = "") -> ConnectPlan:
        """Set the base URL of the provider in use; the one that was there is the upstream.

        With a token: choose a provider of our own, with the token as its key.
        """
        path = self.folder(env) / "config.toml"
        before = env.read_bytes(path)
        data = _without_own(path, before, self.name)
        if not token:
            # The file that the common way reads is the one without a provider of ours.
            seen = replace_pending(env, {path: data}) if data != before else env
            return super().connect(seen, base_url)
        changes: dict[tuple[Key, ...], str] = {_chosen_by(path, data): OWN, **_own_provider(base_url)}
        changes["model_providers", OWN, "experimental_bearer_token"] = token
        return ConnectPlan(
            edits=[edits.set_keys(path, data, "toml", changes)],
            upstream=self.own_url(env) or None,
            notes=["Codex lists its past sessions by provider: `codex resume --all` shows those of before."],
        )

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """Version and login."""
        found = []
        program = self.program(env)
        built_in = len(self.place(env).keys) == 1
        if built_in and program is not None and _older(version_of(env, program) or ""):
            text = f"older than {SINCE[0]}.{SINCE[1]}, it does not know the setting openai_base_url"
            mend = "Upgrade Codex, or use: skillclaw run codex"
            found.append(self.finding("warn", "version", text, mend))
        login = self._login(env)
        record = connection(env.skillclaw_home, self.name)
        own = self.own_url(env) or (record.upstream if record else "")
        if login == "unknown" and built_in and not own:  # a provider of the user's has its own key
            text = "no login found on disk; unless agents.codex.upstream is set, requests go to OpenAI's API"
            mend = f"With a ChatGPT login: skillclaw config set agents.codex.upstream {WITH_LOGIN}"
            found.append(self.finding("warn", "login", text, mend))
        elif login != "unknown":
            found.append(self.finding("ok", "login", "ChatGPT" if login == "chatgpt" else "API key"))
        return found

    def skills(self, env: Env) -> list[Path]:
        """Its own folder and the shared one."""
        return [env.home / ".agents" / "skills", self.folder(env) / "skills"]

    def launch(self, env: Env, base_url: str, args: Sequence[str], token: str = "") -> Launch:
        """By `-c` on the command line, which wins over the settings file; a token by the environment."""
        path = self.folder(env) / "config.toml"
        if token:
            changes = {_chosen_by(path, env.read_bytes(path)): OWN, **_own_provider(base_url)}
            changes["model_providers", OWN, "env_key"] = VARIABLE
            given = [part for keys, value in changes.items() for part in ("-c", _override(keys, value))]
            return Launch(argv=[env.which("codex") or "codex", *given, *args], env={VARIABLE: token})
        keys = _url_keys(path, env.read_bytes(path))
        override = _override(keys, base_url)
        # Versions before SINCE know the variable only, later ones the key only.
        variables = {"OPENAI_BASE_URL": base_url} if len(keys) == 1 else {}
        return Launch(argv=[env.which("codex") or "codex", "-c", override, *args], env=variables)

    def histories(self, env: Env) -> list[HistoryFile]:
        """Rollouts of root sessions in `sessions/` and `archived_sessions/`, without SkillClaw's own."""
        roots: dict[str, tuple[Path, int, float]] = {}
        subs: list[tuple[str, int, float]] = []
        own = env.skillclaw_home
        for path in _rollouts(self.folder(env)):
            stat = file_stat(path)
            if stat is None:
                continue
            thread, root, cwd = codex_files.head(path)
            if root and root != thread:
                subs.append((root, *stat))
            elif not (cwd and (Path(cwd) == own or own in Path(cwd).parents)):
                roots[thread or path.name] = (path, *stat)
        for root, size, mtime in subs:
            if root in roots:
                path, total, newest = roots[root]
                roots[root] = (path, total + size, max(newest, mtime))
        found = [HistoryFile(path=path, size=size, mtime=mtime) for path, size, mtime in roots.values()]
        return oldest_first(found)

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/codex.py`."""
        return codex.read(file.path, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """The lines of a rollout."""
        return any(map(codex_files.looks_like, values))

    def _login(self, env: Env) -> str:
        """`chatgpt`, `key` or `unknown`, from the environment and `auth.json`; no credential is kept."""
        if env.environ.get("CODEX_API_KEY"):
            return "key"
        try:
            value = lines.json_value(env.read_bytes(self.folder(env) / "auth.json") or b"{}")
        except SkillClawError:
            return "unknown"
        if not isinstance(value, dict):
            return "unknown"
        mode = value.get("auth_mode")
        if isinstance(mode, str):
            return "chatgpt" if mode.lower().startswith("chatgpt") else "key"
        if value.get("OPENAI_API_KEY"):
            return "key"
        return "chatgpt" if value.get("tokens") else "unknown"


def _url_keys(path: Path, data: bytes | None) -> tuple[Key, ...]:
    """The key that holds the base URL of the provider in use; BadInputError when it has none."""

    def value(*keys: str) -> Any:
        return edits.get_key(path, data, "toml", list(keys))[1]

    provider = value("model_provider")
    profile = value("profile")
    if isinstance(profile, str):
        provider = value("profiles", profile, "model_provider") or provider
    if not isinstance(provider, str) or provider == BUILT_IN:
        return ("openai_base_url",)
    if isinstance(value("model_providers", provider), dict):
        return ("model_providers", provider, "base_url")
    raise BadInputError(
        f"Codex uses the provider {provider!r}, which cannot be pointed at the proxy.",
        "Its address is built in." if provider in FIXED else f"{path} does not define it.",
        f"Define it under [model_providers.{provider}], or choose another.",
    )


def _chosen_by(path: Path, data: bytes | None) -> tuple[Key, ...]:
    """The key that names the provider in use."""
    profile = edits.get_key(path, data, "toml", ["profile"])[1]
    if isinstance(profile, str):
        keys = ("profiles", profile, "model_provider")
        if edits.get_key(path, data, "toml", list(keys))[0]:
            return keys
    return ("model_provider",)


def _without_own(path: Path, data: bytes | None, agent: str) -> bytes | None:
    """The settings without the provider that a SkillClaw whose record is gone left in them."""
    keys = ["model_providers", OWN]
    url = edits.get_key(path, data, "toml", [*keys, "base_url"])[1]
    if data is None or not isinstance(url, str) or not is_own(url, agent):
        return data
    chosen = list(_chosen_by(path, data))
    if edits.get_key(path, data, "toml", chosen)[1] == OWN:
        data = edits.without_key(path, data, "toml", chosen)
    return edits.without_key(path, data, "toml", keys)


def _own_provider(base_url: str) -> dict[tuple[Key, ...], str]:
    """Our provider: https://developers.openai.com/codex/config-reference, `model_providers.<id>`."""
    values = {"name": "SkillClaw", "base_url": base_url, "wire_api": "responses"}
    return {("model_providers", OWN, key): value for key, value in values.items()}


def _override(keys: Sequence[Key], value: str) -> str:
    """A value for Codex's `-c`; BadInputError for names that it does not take."""
    path = [str(key) for key in keys]
    if any("." in key or not key.replace("-", "").replace("_", "").isalnum() for key in path):
        raise BadInputError(
            f"{'.'.join(path)!r} cannot be given on Codex's command line.",
            "The name has characters that -c does not take.",
            "Use: skillclaw connect codex",
        )
    return f"{'.'.join(path)}={json.dumps(value)}"


def _rollouts(folder: Path) -> list[Path]:
    try:
        found = [
            *(folder / "sessions").rglob("rollout-*.jsonl*"),
            *(folder / "archived_sessions").rglob("rollout-*.jsonl*"),
        ]
    except OSError:
        return []
    return sorted(path for path in found if path.name.endswith((".jsonl", ".jsonl.zst", ".jsonl.gz")))


def _older(version: str) -> bool:
    """True for a version before SINCE."""
    match = re.match(r"(\d+)\.(\d+)", version)
    return match is not None and (int(match[1]), int(match[2])) < SINCE


ADAPTER = Codex()
