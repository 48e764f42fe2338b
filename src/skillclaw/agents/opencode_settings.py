"""OpenCode's settings: which files there are, in which order they win, and which provider they choose.

Seen with 1.18.33, the later wins: `<config>/config.json`, `opencode.json`, `opencode.jsonc`; the file that
OPENCODE_CONFIG names; the project's `opencode.json(c)` from the repository down to the working folder; the
same names in the project's `.opencode` folders, in `~/.opencode` and in OPENCODE_CONFIG_DIR;
OPENCODE_CONFIG_CONTENT; the administrator's. Any of them may hold comments. Without `model` OpenCode takes
what was used last (`<state>/model.json`), else the first provider that it has a key for, else its own free
models.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.agents import edits, texts
from skillclaw.agents.history.opencode_store import folder as data_folder
from skillclaw.agents.opencode_providers import KNOWN, key_variables
from skillclaw.agents.records import Env
from skillclaw.errors import UNREADABLE, BadInputError, SkillClawError

__all__ = [
    "CONTENT",
    "base_url_in",
    "catalogue",
    "chosen",
    "config_folder",
    "entry",
    "load",
    "logins",
    "overriding",
    "own_files",
    "provider_in",
    "providers",
    "substituted",
    "unset",
]

CONTENT = "OPENCODE_CONFIG_CONTENT"
FREE = "opencode"
"""The provider that it has without any key."""
NAMES = ("opencode.json", "opencode.jsonc")
MANAGED = Path("/etc/opencode")

_FROM_ENV = re.compile(r"\{env:([^{}]{1,200})\}")


class _Login(msgspec.Struct):
    """What may be known of a login; all else in the file is skipped unread."""

    type: str = ""


def config_folder(env: Env) -> Path:
    """OpenCode's own folder."""
    return env.folder("XDG_CONFIG_HOME", ".config") / "opencode"


def own_files(env: Env) -> list[Path]:
    """The settings that are the user's for every project, the later ones win; they need not exist."""
    found = [config_folder(env) / name for name in ("config.json", *NAMES)]
    if env.environ.get("OPENCODE_CONFIG", "").strip():
        found.append(env.folder("OPENCODE_CONFIG", ""))
    found += [env.home / ".opencode" / name for name in NAMES]
    if env.environ.get("OPENCODE_CONFIG_DIR", "").strip():
        found += [env.folder("OPENCODE_CONFIG_DIR", "") / name for name in NAMES]
    return found


def overriding(env: Env) -> list[tuple[str, dict[str, Any]]]:
    """(where, what it holds) of the settings that win over the user's own in the working folder."""
    found: list[tuple[str, dict[str, Any]]] = []
    own = set(own_files(env))
    if not env.environ.get("OPENCODE_DISABLE_PROJECT_CONFIG"):
        folders = _project_folders(env)
        for path in [f / n for f in folders for n in NAMES] + [
            f / ".opencode" / n for f in folders for n in NAMES
        ]:
            if path not in own and (held := _tolerant(env, path)):
                found.append((str(path), held))
    content = env.environ.get(CONTENT, "").strip()
    if content:
        with contextlib.suppress(texts.TextError):
            found.append((CONTENT, texts.load(content, "json5")))
    found += [(str(MANAGED / name), held) for name in NAMES if (held := _tolerant(env, MANAGED / name))]
    return found


def chosen(env: Env) -> tuple[str, str]:
    """(provider, model) in use by the user's own settings; the model may be empty.

    Raises BadInputError for a file that does not parse, and where OpenCode would choose among several.
    """
    held = [load(env, path) for path in own_files(env)]
    named = _model(held)
    if named:
        return named
    catalogued, known = catalogue(env), set(logins(env))
    configured = list(dict.fromkeys(name for one in held for name in providers(one)))
    keyed = [
        name
        for name in dict.fromkeys([*KNOWN, *catalogued])
        if any(env.environ.get(variable) for variable in key_variables(name, entry(catalogued, name)))
    ]
    for provider, model in _recent(env):
        if provider == FREE or provider in known or provider in configured or provider in keyed:
            return provider, model
    candidates = configured or list(dict.fromkeys([*keyed, *sorted(known)]))
    if len(candidates) > 1:
        raise BadInputError(
            f"OpenCode knows the providers {', '.join(candidates[:6])}, and no model is chosen.",
            "Which one it uses cannot be told.",
            f'Set "model": "provider/model" in {config_folder(env) / NAMES[0]}, or choose with /models.',
        )
    return (candidates[0] if candidates else FREE), ""


def provider_in(held: Mapping[str, Any]) -> str:
    """The provider of the model that some settings choose; empty where they choose none."""
    return (_model([dict(held)]) or ("", ""))[0]


def base_url_in(held: Mapping[str, Any], provider: str) -> str:
    """The base URL that some settings give a provider; empty for none."""
    options = providers(held).get(provider, {}).get("options")
    url = options.get("baseURL") if isinstance(options, dict) else None
    return url if isinstance(url, str) else ""


def substituted(env: Env, text: str) -> str:
    """A setting with `{env:NAME}` in it replaced, as OpenCode does before it reads a file."""
    return _FROM_ENV.sub(lambda match: env.environ.get(match[1].strip(), ""), text).strip()


def unset(env: Env, text: str) -> list[str]:
    """The names in `{env:NAME}` that say nothing here."""
    return [name.strip() for name in _FROM_ENV.findall(text) if not env.environ.get(name.strip())]


def load(env: Env, path: Path) -> dict[str, Any]:
    """What a settings file holds; BadInputError when it does not parse."""
    data = env.read_bytes(path)
    if data is None:
        return {}
    held = edits.get_key(path, data, "json5", ())[1]
    return held if isinstance(held, dict) else {}


def catalogue(env: Env) -> dict[str, msgspec.Raw]:
    """The providers that OpenCode last learned of, for `entry` to read; empty if it never was online."""
    given = env.environ.get("OPENCODE_MODELS_PATH", "").strip()
    cache = env.folder("XDG_CACHE_HOME", ".cache") / "opencode"
    path = env.folder("OPENCODE_MODELS_PATH", "") if given else cache / "models.json"
    try:
        return msgspec.json.decode(env.read_bytes(path) or b"{}", type=dict[str, msgspec.Raw])
    except (SkillClawError, *UNREADABLE):
        return {}


def entry(catalogued: Mapping[str, msgspec.Raw], name: str) -> dict[str, Any]:
    """One provider of the catalogue; empty when it is not there."""
    if name not in catalogued:
        return {}
    try:
        held = msgspec.json.decode(catalogued[name])
    except UNREADABLE:
        return {}
    return held if isinstance(held, dict) else {}


def logins(env: Env) -> dict[str, str]:
    """Provider -> `api` or `oauth`, of those that the user logged in to; no credential is kept."""
    content = env.environ.get("OPENCODE_AUTH_CONTENT", "").encode()
    try:
        data = content or env.read_bytes(data_folder(env) / "auth.json") or b"{}"
        return {name: login.type for name, login in msgspec.json.decode(data, type=dict[str, _Login]).items()}
    except (SkillClawError, *UNREADABLE):
        return {}


def _model(held: list[dict[str, Any]]) -> tuple[str, str] | None:
    """The model that settings choose together: that of the agent that starts, else the common one."""
    agent, common = "build", ""
    agents: dict[str, str] = {}
    for one in held:
        agent = str(one.get("default_agent") or agent)
        common = one["model"] if isinstance(one.get("model"), str) else common
        for group in ("mode", "agent"):
            below = one.get(group)
            for name, entry in below.items() if isinstance(below, dict) else ():
                if isinstance(entry, dict) and isinstance(entry.get("model"), str):
                    agents[name] = entry["model"]
    provider, _, model = (agents.get(agent) or common).partition("/")
    return (provider, model) if provider and model else None


def providers(held: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The providers that some settings describe, by name."""
    found = held.get("provider")
    return {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}


def _recent(env: Env) -> list[tuple[str, str]]:
    """(provider, model) of the models used last, the newest first."""
    path = env.folder("XDG_STATE_HOME", ".local/state") / "opencode" / "model.json"
    held = _tolerant(env, path).get("recent")
    found = []
    for one in held if isinstance(held, list) else []:
        if isinstance(one, dict) and isinstance(one.get("providerID"), str):
            model = one.get("modelID")
            found.append((one["providerID"], model if isinstance(model, str) else ""))
    return found


def _project_folders(env: Env) -> list[Path]:
    """From the repository, or else the top, down to the working folder."""
    found = []
    for folder in (env.cwd, *env.cwd.parents):
        found.append(folder)
        if (folder / ".git").exists():
            break
    return found[::-1]


def _tolerant(env: Env, path: Path) -> dict[str, Any]:
    try:
        return load(env, path)
    except SkillClawError:
        return {}
