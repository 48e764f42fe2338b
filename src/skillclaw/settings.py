"""The one typed settings tree (DESIGN 4).

Read from `config.toml` in SkillClaw's home; a file that SKILLCLAW_CONFIG names lies over that, and
`SKILLCLAW_<SECTION>__<KEY>` in the environment over both (`settings_layers`).
msgspec and tomlkit rather than pydantic-settings: every command and the proxy read settings, and pydantic
alone costs more than half of the 200 ms that `--help` may take (docs/design-changes.md).
"""

from __future__ import annotations

import contextlib
import os
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from skillclaw.errors import UNREADABLE, BadInputError, SkillClawError, StorageError, UsageError
from skillclaw.private import private_folder, whole_file
from skillclaw.settings_choices import choices, command, has, takes, wanted
from skillclaw.settings_evolve import (
    AuthorSettings,
    BudgetSettings,
    CliSettings,
    EvolveSettings,
    ModelSettings,
    Positive,
    Section,
)
from skillclaw.settings_gate import GateSettings, ReplaySettings
from skillclaw.settings_layers import Layer, layers, origin, put, read_file, scalar, united
from skillclaw.settings_log import LogSettings
from skillclaw.settings_serve import TOKEN_PLACE, Port, ServeSettings, no_token
from skillclaw.settings_unknown import known_part, tell
from skillclaw.settings_upstreams import AgentSettings, UpstreamSettings
from skillclaw.settings_web import DashboardSettings

__all__ = [
    "AgentSettings",
    "AuthorSettings",
    "BudgetSettings",
    "CliSettings",
    "DashboardSettings",
    "EvolveSettings",
    "GateSettings",
    "ModelSettings",
    "ReplaySettings",
    "ServeSettings",
    "Settings",
    "UpstreamSettings",
    "default_home",
    "flatten",
    "get_value",
    "load",
    "of_layers",
    "parts_of",
    "set_value",
    "stop_at_unknown",
    "unknown_in",
    "user_home",
]

Sharing = Literal["off", "redacted"]


class ProxySettings(Section, frozen=True, kw_only=True):
    """`proxy.*`. Times in seconds."""

    port: Port = 8787
    connect_timeout: Positive = 30.0
    drain: Positive = 10.0


class JournalSettings(Section, frozen=True, kw_only=True):
    """`journal.*`: when a session counts as idle (s), how long raw exchanges stay (days), size cap (MB)."""

    idle: Positive = 300.0
    expire_days: Positive = 7.0
    max_mb: Annotated[int, Meta(ge=1)] = 2048


class ShareSettings(Section, frozen=True, kw_only=True):
    """`share.*`: what groups may get of this machine's sessions (docs/sharing.md): `off` or `redacted`.

    `hubs`, `agents` and `projects` are by name; a project also by its git remote, as `host/path`. `default`
    holds for a session whose agent and project are both not named. Nothing goes to a hub that is not named.
    """

    default: Sharing = "off"
    hubs: dict[str, Sharing] = {}
    agents: dict[str, Sharing] = {}
    projects: dict[str, Sharing] = {}


class HubSettings(Section, frozen=True, kw_only=True):
    """`hub.*`: the personal hub's URL; empty is the `hub` folder in SkillClaw's home."""

    url: str = ""


class GroupHubSettings(Section, frozen=True, kw_only=True):
    """`hubs.<name>.*`: a group's hub beside the personal one; `url` is a folder or object storage."""

    url: str = ""


class SyncSettings(Section, frozen=True, kw_only=True):
    """`sync.*`: seconds between polls, at most; the folders that skills are installed into, by default those
    of the agents (`server.machine`); whether a newer release is merged into a copy that you edited where
    nothing conflicts (`auto`), or you do that (`ask`); whether this machine listens where a group says that
    it tells of news (`hub push`); whether it takes part in canaries, or has the version before always.
    """

    interval: Positive = 60.0
    targets: tuple[str, ...] = ()
    merge: Literal["ask", "auto"] = "ask"
    push: bool = False
    canary: bool = True


class RedactSettings(Section, frozen=True, kw_only=True):
    """`redact.*`: what is masked in sessions beside what SkillClaw knows by itself.

    `rules` name -> pattern (RE2's syntax), masked as `<custom:name:...>`; `words` that are masked wherever
    they stand alone, in any case (customers' names); `allow` values that stay, whatever a rule says.
    """

    rules: dict[str, str] = {}
    words: Annotated[tuple[str, ...], Meta(max_length=5000)] = ()
    allow: Annotated[tuple[str, ...], Meta(max_length=5000)] = ()


class Settings(Section, frozen=True, kw_only=True):
    """The whole tree."""

    agents: dict[str, AgentSettings] = {}
    upstreams: dict[str, UpstreamSettings] = {}
    proxy: ProxySettings = ProxySettings()
    journal: JournalSettings = JournalSettings()
    gate: GateSettings = GateSettings()
    evolve: EvolveSettings = EvolveSettings()
    share: ShareSettings = ShareSettings()
    hub: HubSettings = HubSettings()
    hubs: dict[str, GroupHubSettings] = {}
    sync: SyncSettings = SyncSettings()
    redact: RedactSettings = RedactSettings()
    serve: ServeSettings = ServeSettings()
    dashboard: DashboardSettings = DashboardSettings()
    log: LogSettings = LogSettings()
    user: str = ""


def default_home(environ: Mapping[str, str] | None = None) -> Path:
    """SkillClaw's home: `SKILLCLAW_HOME`, else `~/.skillclaw`."""
    environ = os.environ if environ is None else environ
    given = environ.get("SKILLCLAW_HOME")
    return Path(given).expanduser() if given else user_home() / ".skillclaw"


def user_home() -> Path:
    """The user's home folder: HOME, unless that is empty or relative; then what the system says.

    An empty HOME, as some service managers leave it, would else stand for the root of all files.
    """
    try:
        home = Path("~").expanduser()
    except RuntimeError:
        home = Path()
    if os.name != "nt" and not os.environ.get("HOME", "").startswith("/"):
        import pwd

        with contextlib.suppress(KeyError):
            home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    if not home.is_absolute():
        raise UsageError("Nobody says where your home folder is.", "HOME is no absolute path.", "Set HOME.")
    return home


def load(home: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of `home`; raises BadInputError with the file and the place that is wrong."""
    return of_layers(layers(home, os.environ if environ is None else environ))


def of_layers(found: list[Layer]) -> Settings:
    """The settings that these sources say together; raises BadInputError with the source and the place.

    Only the first, the home's own file, may hold keys that this version does not know, since a later one may
    have written it; what somebody names or sets now is held to be meant for this one.
    """
    strange = known_part(Settings, found[0].tree)[1]
    for path in strange:
        tell(".".join(path), found[0].name)
    found = _understood(found)

    def where(*parts: str) -> str:
        return (origin(found, parts) if parts else _first_wrong(found)) or found[0].name

    return _convert(united(found), where)


def _understood(found: list[Layer]) -> list[Layer]:
    return [msgspec.structs.replace(found[0], tree=known_part(Settings, found[0].tree)[0]), *found[1:]]


def unknown_in(found: list[Layer]) -> list[str]:
    """Dotted keys in the home's own file, the first, that this version does not know, and passes over."""
    return [".".join(path) for path in known_part(Settings, found[0].tree)[1]]


def stop_at_unknown(home: Path, environ: Mapping[str, str] | None, sections: Collection[str]) -> None:
    """BadInputError where a key below one of `sections` is not known: what it was to forbid is not known
    either, so nothing is sent or released that it might have kept back."""
    for key in unknown_in(layers(home, os.environ if environ is None else environ)):
        if key.split(".")[0] in sections:
            raise BadInputError(
                f"There is no setting {key} in this version, so this is not done.",
                "It may forbid what this version does not know of.",
                "Upgrade SkillClaw, or take the key out. See: skillclaw config check",
            )


def _first_wrong(found: list[Layer]) -> str:
    """The name of the first layer with which the tree is no tree of settings any more."""
    for count in range(1, len(found) + 1):
        try:
            msgspec.convert(united(found[:count]), Settings)
        except msgspec.ValidationError:
            return found[count - 1].name
    return ""


def get_value(settings: Settings, key: str) -> Any:
    """The value at the dotted `key`; raises UsageError with the keys that exist."""
    node: Any = msgspec.to_builtins(settings)
    for part in parts_of(key):
        if not isinstance(node, dict) or part not in node:
            raise UsageError(f"There is no setting {key!r}.", "", "See them all: skillclaw config show")
        node = node[part]
    return node


def set_value(home: Path, key: str, value: str) -> Any:
    """Write one setting into `config.toml`, keeping comments and order; returns the value as stored."""
    import tomlkit  # only `config set` writes; 15 ms that other commands need not pay
    from tomlkit.exceptions import TOMLKitError

    path = home / "config.toml"
    parts = parts_of(key)
    if _KEY_SETTING.fullmatch(key) and not _KEY_PLACE.fullmatch(value):
        raise _no_key(key, UsageError)
    if key == "serve.token" and not TOKEN_PLACE.fullmatch(value):
        raise no_token(UsageError)
    if not _is_text(key + value):
        raise UsageError(f"{key!a} cannot be set to that.", "It holds bytes that are no UTF-8 text.")
    there = read_file(path)
    old, _ = known_part(Settings, there)
    last: BadInputError | None = None
    for candidate in _candidates(value):
        tree = deepcopy(old)
        put(tree, parts, candidate, key)
        try:
            settings = _convert(tree, lambda *parts: f"setting {key}")
        except BadInputError as error:
            last = last or error
            continue
        stored = get_value(settings, key)
        wanted = deepcopy(there)  # with what this version does not know
        put(wanted, parts, _as_read(stored), key)
        try:
            document = tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()
            put(document, parts, stored, key, tomlkit.table)
            text = tomlkit.dumps(document)
            fits = tomllib.loads(text) == wanted
        except (*UNREADABLE, TOMLKitError, KeyError, TypeError, AttributeError) as error:
            raise _cannot_edit(path, key, str(error)) from error
        if not fits:
            raise _cannot_edit(path, key, "What else stands there would not stay as it is.")
        _write_private(path, text)
        return stored
    assert last is not None
    raise _refused(path, old, parts, key, value, last)


def _cannot_edit(path: Path, key: str, why: str) -> BadInputError:
    return BadInputError(f"{key} cannot be set in {path}, so it was left as it is.", why, "Set it by hand.")


def _as_read(value: Any) -> Any:
    """A value as it comes back from the file: lists in the place of tuples."""
    if isinstance(value, dict):
        return {name: _as_read(below) for name, below in value.items()}
    return [_as_read(one) for one in value] if isinstance(value, list | tuple) else value


def _is_text(given: str) -> bool:
    try:
        given.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refused(
    path: Path, old: dict[str, Any], parts: list[str], key: str, value: str, error: BadInputError
) -> SkillClawError:
    """Why nothing that `value` may stand for can be `key`: what was given, what it takes, an example."""
    try:
        _convert(old, lambda *parts: str(path))
    except BadInputError as before:
        if before.why == error.why:
            return before  # the file was wrong before
    words = choices(Settings, parts)
    said = f"one of: {', '.join(words)}" if words else takes(Settings, parts)
    if not said:
        there = has(Settings, parts)
        todo = f"There are: {', '.join(there)}." if there else "See them all: skillclaw config show"
        return UsageError(f"There is no setting {key!r}.", "", todo)
    # What somebody tries to put beside an upstream's URL may be its key, which no terminal should repeat.
    shown = parts[0] != "upstreams" or parts[-1] in {*UpstreamSettings.__struct_fields__} - {"url"}
    hidden = ("redact.allow", "evolve.cli.upstream")
    shown = shown and key not in hidden and not key.startswith("evolve.model.key")
    given = repr(value) if shown else "what was given"
    what = f"{key} cannot be {given}."
    if not isinstance(error.__cause__, msgspec.ValidationError):
        return UsageError(what, error.why, error.todo)  # it says in words what does not fit together
    why = f"It is {said}." if words else f"It takes {said}."
    return UsageError(what, why, f"For example: {command(Settings, parts)}")


def flatten(settings: Settings) -> dict[str, Any]:
    """Every setting by its dotted key."""
    flat: dict[str, Any] = {}

    def walk(node: Any, prefix: str) -> None:
        if isinstance(node, dict) and (node or not prefix):
            for name, child in node.items():
                walk(child, f"{prefix}.{name}" if prefix else name)
        else:
            flat[prefix] = node

    walk(msgspec.to_builtins(settings), "")
    return flat


_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_KEY_SETTING = re.compile(r"upstreams\.[^.]+\.key|evolve\.model\.key")
_KEY_PLACE = re.compile(r"(?:env:[A-Za-z_][A-Za-z0-9_]{0,99}|keyring:[A-Za-z0-9_.@-]{1,100})?")


def _convert(tree: dict[str, Any], where: Callable[..., str]) -> Settings:
    """The tree as settings; `where` names the source of what is at a path, or is no setting."""
    try:
        settings = msgspec.convert(tree, Settings)
    except msgspec.ValidationError as error:
        raise BadInputError(
            f"A setting in {where()} is wrong.",
            wanted(Settings, str(error)),
            "See the keys and values: skillclaw config show",
        ) from error
    _check_upstreams(settings, where)
    if not _KEY_PLACE.fullmatch(settings.evolve.model.key):
        raise _no_key("evolve.model.key", BadInputError)
    if not TOKEN_PLACE.fullmatch(settings.serve.token):
        raise no_token(BadInputError)
    if settings.redact.rules:
        from skillclaw.custom_rules import compile_rules

        compile_rules(settings.redact.rules)
    for name in settings.hubs:
        if not _NAME.fullmatch(name) or name == "personal":
            why = (
                f"{name!r} is no name for a group's hub: small letters, digits, - and _, and not 'personal'."
            )
            raise _wrong(where("hubs", name), why, "Give the hub another name.")
    return settings


def _wrong(where: str, why: str, todo: str) -> BadInputError:
    return BadInputError(f"A setting in {where} is wrong.", why, todo)


def _check_upstreams(settings: Settings, where: Callable[..., str]) -> None:
    """What holds between settings: names that lead somewhere, and keys that are none. BadInputError."""
    known = settings.upstreams
    for name, upstream in known.items():
        if not _NAME.fullmatch(name):
            why = f"{name!r} is not a name: small letters, digits, - and _."
            raise _wrong(where("upstreams", name), why, "Give the upstream another name.")
        if not _KEY_PLACE.fullmatch(upstream.key):
            raise _no_key(f"upstreams.{name}.key", BadInputError)
        for other in upstream.fallback:
            if other not in known or other == name:
                why = f"upstreams.{name}.fallback names {other!r}, which is no other upstream."
                raise _wrong(where("upstreams", name, "fallback"), why, _defined(known))
    for name, agent in settings.agents.items():
        given = agent.upstream or ""
        if given and "://" not in given and given not in known:
            why = f"agents.{name}.upstream is {given!r}: neither a URL nor the name of an upstream."
            raise _wrong(where("agents", name, "upstream"), why, _defined(known))


def _defined(known: Mapping[str, UpstreamSettings]) -> str:
    names = ", ".join(sorted(known)) or "none"
    return (
        f"Upstreams that are set: {names}. Set one first: skillclaw config set upstreams.NAME.url https://..."
    )


def _no_key(key: str, kind: type[SkillClawError]) -> SkillClawError:
    """The error for a key where its place belongs; it never repeats what was given."""
    name = "evolve.model" if key.startswith("evolve.") else key.split(".")[1]
    return kind(
        f"{key} says where the key is, never the key itself.",
        "It is env:NAME (a variable of the environment that `skillclaw up` starts in) or keyring:NAME.",
        f"Store the key in the keyring: skillclaw config key {name}; or: skillclaw config set {key} env:NAME",
    )


def parts_of(key: str) -> list[str]:
    """A dotted key as its parts; models, and what `share` names, are one name each, since those hold dots."""
    found = re.fullmatch(r"(upstreams)\.([^.]+)\.(models)\.(.+)", key, re.DOTALL) or re.fullmatch(
        r"(share)\.(hubs|agents|projects)\.(.+)", key, re.DOTALL
    )
    return list(found.groups()) if found else key.split(".")


def _candidates(value: str) -> list[Any]:
    given = scalar(value)
    return [given, value] if given != value else [value]


def _write_private(path: Path, text: str) -> None:
    try:
        private_folder(path.parent)
        with whole_file(path) as file:
            file.write(text.encode("utf-8"))
    except OSError as error:
        raise StorageError(f"Cannot write {path}.", str(error), "Free space or mend permissions.") from error
