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
from typing import Any, Literal

from skillclaw.agents import edits
from skillclaw.agents.history import codex, codex_files, lines
from skillclaw.agents.programs import file_stat, version_of
from skillclaw.agents.records import (
    Connection,
    ConnectPlan,
    Detection,
    Env,
    FileEdit,
    Finding,
    HistoryFile,
    HistoryRead,
    Launch,
)
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


class Codex:
    """The adapter of Codex CLI."""

    name = "codex"
    title = "Codex"

    @property
    def default_upstream(self) -> str:
        """OpenAI's API for an API key, ChatGPT's backend for a ChatGPT login, as the login on disk is now."""
        return _provider_url(Env.current())

    def upstream(self, env: Env) -> str:
        """The base URL of the provider that the settings choose."""
        return self._custom(env) or _provider_url(env)

    def detect(self, env: Env, versions: bool) -> Detection:
        """Installed when the program is on PATH or its folder holds sessions."""
        folder = _folder(env)
        program = env.which("codex")
        return Detection(
            installed=program is not None or (folder / "sessions").is_dir(),
            version=version_of(env, program) if versions and program else None,
            config=_settings(env),
            sessions=len(self.histories(env)),
        )

    def connect(self, env: Env, base_url: str, token: str = "") -> ConnectPlan:
        """Set the base URL of the provider in use; the one that was there is the upstream.

        With a token: choose a provider of our own, with the token as its key.
        """
        path = _settings(env)
        data = _without_own(path, env.read_bytes(path), self.name)
        if token:
            changes = {_chosen_by(path, data): OWN, **_own_provider(base_url)}
            changes["model_providers", OWN, "experimental_bearer_token"] = token
            return ConnectPlan(
                edits=[edits.set_keys(path, data, "toml", changes)],
                upstream=self._custom(env),
                notes=[
                    "Codex lists its past sessions by provider: `codex resume --all` shows those of before."
                ],
            )
        keys = _url_keys(path, data)
        had, old = edits.get_key(path, data, "toml", list(keys))
        notes = []
        if had and isinstance(old, str) and is_own(old, self.name) and data is not None:
            # Left by a SkillClaw whose record is gone: the URL leads nowhere, so it is no original.
            data = edits.without_key(path, data, "toml", list(keys))
            notes.append(f"Replaced {old}, which an earlier SkillClaw had left in {path}.")
        return ConnectPlan(
            edits=[edits.set_keys(path, data, "toml", {keys: base_url})],
            upstream=self._custom(env),
            notes=notes,
        )

    def disconnect(self, env: Env, record: Connection) -> list[FileEdit]:
        """Put `config.toml` back."""
        return edits.restore(env, record)

    def doctor(self, env: Env, base_url: str | None) -> list[Finding]:
        """Program, settings, login, skills folders, histories."""
        found = [_program_finding(env)]
        try:
            path = _settings(env)
            data = env.read_bytes(path)
            keys = _url_keys(path, data)
            had, url = edits.get_key(path, data, "toml", list(keys))
        except SkillClawError as error:
            return [*found, _finding("fail", "settings", " ".join(str(error).split()), "Mend the file.")]
        if base_url is None:
            if had and is_own(str(url), self.name):
                found.append(_finding("warn", "settings", f"points to {url}", "skillclaw connect codex"))
            else:
                found.append(_finding("ok", "settings", "not connected"))
        elif url == base_url:
            found.append(_finding("ok", "settings", f"{path} points to {base_url}"))
        else:
            text = f"{path} points to {url if had else 'the provider'}, not to {base_url}"
            found.append(_finding("fail", "settings", text, "skillclaw connect codex"))
        if len(keys) == 1 and _older(found[0].text):
            text = f"older than {SINCE[0]}.{SINCE[1]}, it does not know the setting openai_base_url"
            found.append(_finding("warn", "version", text, "Upgrade Codex, or use: skillclaw run codex"))
        login = _login(env)
        if login == "unknown" and not self._custom(env):
            text = "no login found on disk; requests are forwarded to OpenAI's API"
            mend = f"With a ChatGPT login: skillclaw config set agents.codex.upstream {WITH_LOGIN}"
            found.append(_finding("warn", "login", text, mend))
        elif login != "unknown":
            found.append(_finding("ok", "login", "ChatGPT" if login == "chatgpt" else "API key"))
        folders = [_folder(env) / "skills", env.home / ".agents" / "skills"]
        present = [str(folder) for folder in folders if folder.is_dir()]
        text = ", ".join(present) or f"{folders[1]} does not exist yet; it is made with the first skill"
        found.append(_finding("ok", "skills", text))
        count = len(self.histories(env))
        found.append(_finding("ok", "histories", f"{count} sessions in {_folder(env) / 'sessions'}"))
        return found

    def launch(self, env: Env, base_url: str, args: Sequence[str], token: str = "") -> Launch:
        """By `-c` on the command line, which wins over the settings file; a token by the environment."""
        path = _settings(env)
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
        for path in _rollouts(_folder(env)):
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
        return sorted(found, key=lambda file: (file.mtime, str(file.path)))

    def read_history(self, path: Path, env: Env) -> HistoryRead:
        """One session; see `history/codex.py`."""
        return codex.read(path, env)

    def _custom(self, env: Env) -> str | None:
        path = _settings(env)
        data = env.read_bytes(path)
        had, url = edits.get_key(path, data, "toml", list(_url_keys(path, data)))
        if had and isinstance(url, str) and url.strip() and not is_own(url, self.name):
            return url.strip().rstrip("/")
        return None


def _folder(env: Env) -> Path:
    return env.folder("CODEX_HOME", ".codex")


def _settings(env: Env) -> Path:
    return _folder(env) / "config.toml"


def _url_keys(path: Path, data: bytes | None) -> tuple[str, ...]:
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


def _chosen_by(path: Path, data: bytes | None) -> tuple[str, ...]:
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


def _own_provider(base_url: str) -> dict[tuple[str, ...], str]:
    """Our provider: https://developers.openai.com/codex/config-reference, `model_providers.<id>`."""
    values = {"name": "SkillClaw", "base_url": base_url, "wire_api": "responses"}
    return {("model_providers", OWN, key): value for key, value in values.items()}


def _override(keys: Sequence[str], value: str) -> str:
    """A value for Codex's `-c`; BadInputError for names that it does not take."""
    if any("." in key or not key.replace("-", "").replace("_", "").isalnum() for key in keys):
        raise BadInputError(
            f"{'.'.join(keys)!r} cannot be given on Codex's command line.",
            "The name has characters that -c does not take.",
            "Use: skillclaw connect codex",
        )
    return f"{'.'.join(keys)}={json.dumps(value)}"


def _login(env: Env) -> str:
    """`chatgpt`, `key` or `unknown`, from the environment and `auth.json`; no credential is kept."""
    if env.environ.get("CODEX_API_KEY"):
        return "key"
    try:
        value = lines.json_value(env.read_bytes(_folder(env) / "auth.json") or b"{}")
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


def _provider_url(env: Env) -> str:
    return WITH_LOGIN if _login(env) == "chatgpt" else WITH_KEY


def _rollouts(folder: Path) -> list[Path]:
    try:
        found = [
            *(folder / "sessions").rglob("rollout-*.jsonl*"),
            *(folder / "archived_sessions").rglob("rollout-*.jsonl*"),
        ]
    except OSError:
        return []
    return sorted(path for path in found if path.name.endswith((".jsonl", ".jsonl.zst", ".jsonl.gz")))


def _program_finding(env: Env) -> Finding:
    program = env.which("codex")
    if program is None:
        return _finding("warn", "program", "codex is not on PATH", "Install Codex, or put it on PATH.")
    version = version_of(env, program)
    if version is None:
        return _finding("warn", "program", f"{program} does not tell its version", "Run: codex --version")
    return _finding("ok", "program", f"{program}, version {version}")


def _older(text: str) -> bool:
    """True when a program's finding tells a version before SINCE."""
    match = re.search(r"version (\d+)\.(\d+)", text)
    return match is not None and (int(match[1]), int(match[2])) < SINCE


def _finding(level: Literal["ok", "warn", "fail"], subject: str, text: str, mend: str = "") -> Finding:
    return Finding(level=level, subject=f"Codex {subject}", text=text, mend="" if level == "ok" else mend)


ADAPTER = Codex()
