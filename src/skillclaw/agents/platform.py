"""What most agents have in common: a settings file with a key for the base URL of the provider in use.

A platform says where that key stands (`place`) and what else is special to it; finding, connecting, putting
back, examining and starting follow from that. All of a platform's answers come from `Env`, nothing is cached.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from skillclaw.agents import edits, undo
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
    is_folder,
)
from skillclaw.agents.texts import Format, Key
from skillclaw.agents.tokens import PREFIX
from skillclaw.agents.urls import filled, is_own, sent_elsewhere, shown
from skillclaw.errors import BadInputError, SkillClawError, UsageError, in_one_line
from skillclaw.trajectory.model import Record

__all__ = ["Place", "Platform", "Setting", "files_like"]


class Place(Record, frozen=True, kw_only=True):
    """Where the base URL of the provider in use stands in an agent's settings.

    keys        the path to the base URL
    token_keys  the path to the provider's API key, which becomes SkillClaw's token in configured mode
    default     the provider's own base URL, where none stands; empty when it is not known
    provider    the provider's name, for people
    item        the base URL is an item of the list at `keys`, behind this text, e.g. `ANTHROPIC_API_BASE=`
    """

    path: Path
    format: Format
    keys: tuple[Key, ...]
    token_keys: tuple[Key, ...] = ()
    default: str = ""
    provider: str = ""
    item: str = ""


class Setting(Record, frozen=True, kw_only=True):
    """Something more that connecting sets: a key, an item of a list (`item`), or with `text` a whole file."""

    path: Path
    format: Format
    keys: tuple[Key, ...] = ()
    value: Any = None
    item: bool = False


class Platform:
    """The common part of adapters; see `records.Adapter` for what each method gives."""

    name = ""
    title = ""
    programs: tuple[str, ...] = ()
    """Names of its program on PATH; the first is what people type."""
    variables: tuple[str, ...] = ()
    """Environment variables that hold a base URL for it."""
    key_variables: tuple[str, ...] = ()
    """Environment variables that hold its API key."""
    environment_wins = False
    """Whether `variables` win over the settings file."""
    inject: bool | Literal["index", "bodies"] = False
    """Whether the proxy puts the list of skills into its requests: for agents without skills folders."""
    why_not = "It takes its base URL from the environment only."
    """What `connect` says of an agent without a place in a settings file."""

    default_url = ""
    """The base URL of the provider that it uses where nothing else is chosen."""

    @property
    def default_upstream(self) -> str:
        """The base URL where neither the settings nor the environment name one."""
        return self.default_url

    # --- what a platform says of itself

    def folder(self, env: Env) -> Path:
        """The agent's own folder."""
        return env.home / f".{self.name}"

    def place(self, env: Env) -> Place | None:
        """Where the base URL of the provider in use stands; None where no file holds one.

        Raises BadInputError for settings that do not parse, and for a provider whose address is built in.
        """
        return None

    def extras(self, env: Env, base_url: str) -> list[Setting]:
        """What else connecting sets, such as headers that name the session."""
        return []

    def notes(self, env: Env) -> list[str]:
        """What a user who connects should know."""
        return []

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """What else `doctor` should look at."""
        return []

    def launch_env(self, env: Env, base_url: str, token: str) -> dict[str, str]:
        """The environment that `skillclaw run` starts it with."""
        found = dict.fromkeys(self.variables, base_url)
        return found | (dict.fromkeys(self.key_variables, token) if token else {})

    def launch_args(self, env: Env, base_url: str, token: str) -> list[str]:
        """Arguments that `skillclaw run` puts before the user's; never a token."""
        return []

    def skills(self, env: Env) -> list[Path]:
        """The user's skills folders that it reads."""
        return []

    def listing(self, env: Env, folder: Path, names: Sequence[str]) -> list[FileEdit]:
        """What must be written so that skills which were just installed in a folder of its are listed."""
        return []

    def learned(self, env: Env) -> list[Path]:
        """None that are known."""
        return []

    def histories(self, env: Env) -> list[HistoryFile]:
        """None that can be read."""
        return []

    def histories_in(self, path: Path, env: Env) -> list[HistoryFile]:
        """One session a file."""
        stat = file_stat(path)
        return [HistoryFile(path=path, size=stat[0], mtime=stat[1])] if stat else []

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """Refused."""
        raise BadInputError(
            f"{file.path} cannot be read as a history of {self.title}.",
            "Its format is not known.",
            "Import it as an ATIF file instead.",
        )

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """No file."""
        return False

    # --- what follows from it

    def program(self, env: Env) -> str | None:
        """The full path of its program, or None."""
        return next((found for name in self.programs if (found := env.which(name))), None)

    def own_url(self, env: Env) -> str:
        """The base URL that the user chose: in the settings, else in the environment; empty for none.

        Raises BadInputError where it is made from a variable that is not set: the provider's own address
        instead would get the key of the user's.
        """
        place = self.place(env)
        given = [_value(env, place)] if place else []
        told = [env.environ.get(name, "") for name in self.variables]
        for value in [*told, *given] if self.environment_wins else [*given, *told]:
            url = filled(env, value.strip()) if isinstance(value, str) else ""
            if "://" in url and not is_own(url, self.name):
                return url.rstrip("/")
        return ""

    def upstream(self, env: Env) -> str:
        """The user's own base URL, else that of the provider in use, else the agent's usual one."""
        url = self.own_url(env)
        if url:
            return url
        place = self.place(env)
        return (place.default if place else "") or self.default_upstream

    def detect(self, env: Env, versions: bool) -> Detection:
        """Installed when its program is on PATH or it left sessions (editors bring no program)."""
        program = self.program(env)
        sessions = len(self.histories(env))
        try:
            place = self.place(env)
        except SkillClawError:
            place = None
        return Detection(
            installed=program is not None or sessions > 0,
            version=version_of(env, program) if versions and program else None,
            config=place.path if place else None,
            sessions=sessions,
        )

    def connect(self, env: Env, base_url: str, token: str = "") -> ConnectPlan:
        """Set the base URL of the provider in use, and what the platform adds to it."""
        place = self.place(env)
        if place is None:
            raise UsageError(
                f"{self.title} cannot be connected by a settings file.",
                self.why_not,
                f"Use: skillclaw run {self.name}; or learn from its history alone: "
                f"skillclaw connect --history-only {self.name}",
            )
        if token and not place.token_keys:
            raise BadInputError(
                f"{self.title} has no place for SkillClaw's token in its settings.",
                "A configured upstream needs one.",
                f"Use: skillclaw run {self.name}",
            )
        url = self.own_url(env) or place.default
        settings = [
            Setting(
                path=place.path,
                format=place.format,
                keys=place.keys,
                value=f"{place.item}{base_url}",
                item=bool(place.item),
            )
        ]
        if token:
            settings.append(Setting(path=place.path, format=place.format, keys=place.token_keys, value=token))
        settings += self.extras(env, base_url)
        notes: list[str] = []
        made: list[FileEdit] = []
        for path in dict.fromkeys(setting.path for setting in settings):
            here = [setting for setting in settings if setting.path == path]
            data = env.read_bytes(path)
            if here[0].format == "text":
                after = str(here[0].value).encode("utf-8")
                made.append(FileEdit(path=path, before=data, after=after, format="text"))
                continue
            if path == place.path:
                data, left = self._without_leftovers(place, data)
                notes += left
            data = self._without_more_leftovers(here, data)
            made.append(
                edits.set_keys(
                    path,
                    data,
                    here[0].format,
                    {setting.keys: setting.value for setting in here if not setting.item},
                    {setting.keys: setting.value for setting in here if setting.item},
                )
            )
        return ConnectPlan(edits=made, upstream=url or None, notes=notes + self.notes(env))

    def disconnect(self, env: Env, record: Connection) -> list[FileEdit]:
        """Put the settings back."""
        return undo.restore(env, record)

    def doctor(self, env: Env, base_url: str | None) -> list[Finding]:
        """Program, settings, what overrides them, what the platform adds, skills folders, histories."""
        found = [self._program_finding(env)] if self.programs else []
        try:
            found += self._settings_findings(env, base_url)
            found += self.findings(env, base_url)
        except SkillClawError as error:
            return [*found, self.finding("fail", "settings", in_one_line(error), "Mend the file.")]
        if base_url is not None and (variable := sent_elsewhere(env.environ)):
            text = f"{variable} may send what is meant for this machine, the key too, to another one"
            found.append(self.finding("warn", "network", text, "Add 127.0.0.1 to NO_PROXY."))
        folders = self.skills(env)
        if folders:
            present = [str(folder) for folder in folders if is_folder(folder)]
            text = ", ".join(present) or f"{folders[0]} does not exist yet; it is made with the first skill"
            found.append(self.finding("ok", "skills", text))
        sessions = len(self.histories(env))
        if sessions:
            found.append(self.finding("ok", "histories", f"{sessions} sessions on disk"))
        return found

    def launch(self, env: Env, base_url: str, args: Sequence[str], token: str = "") -> Launch:
        """By environment and arguments."""
        program = self.program(env) or (self.programs[0] if self.programs else self.name)
        given = self.launch_args(env, base_url, token)
        return Launch(argv=[program, *given, *args], env=self.launch_env(env, base_url, token))

    def finding(
        self, level: Literal["ok", "warn", "fail"], subject: str, text: str, mend: str = ""
    ) -> Finding:
        """A finding about this agent."""
        mend = "" if level == "ok" else mend
        return Finding(level=level, subject=f"{self.title} {subject}", text=text, mend=mend)

    def _without_leftovers(self, place: Place, data: bytes | None) -> tuple[bytes | None, list[str]]:
        """The settings without what a SkillClaw whose record is gone left in them: it leads nowhere."""
        keys, old = _found(place, data)
        if data is None or not (isinstance(old, str) and is_own(old, self.name)):
            return data, []
        data = edits.without_key(place.path, data, place.format, keys)
        if place.token_keys:
            token = edits.get_key(place.path, data, place.format, place.token_keys)[1]
            if isinstance(token, str) and token.startswith(PREFIX):
                data = edits.without_key(place.path, data, place.format, place.token_keys)
        return data, [f"Replaced {old}, which an earlier SkillClaw had left in {place.path}."]

    def _without_more_leftovers(self, settings: Sequence[Setting], data: bytes | None) -> bytes | None:
        """The same for what else connecting sets: else a URL that leads nowhere would count as the user's."""
        for one in settings:
            if data is None or one.item or not (isinstance(one.value, str) and is_own(one.value, self.name)):
                continue
            there = edits.get_key(one.path, data, one.format, one.keys)[1]
            if isinstance(there, str) and is_own(there, self.name):
                data = edits.without_key(one.path, data, one.format, one.keys)
        return data

    def _program_finding(self, env: Env) -> Finding:
        program, name = self.program(env), self.programs[0]
        if program is None:
            text, mend = f"{name} is not on PATH", f"Install {self.title}, or put it on PATH."
            return self.finding("warn", "program", text, mend)
        version = version_of(env, program)
        if version is None:
            text, mend = f"{program} does not tell its version", f"Run: {name} --version"
            return self.finding("warn", "program", text, mend)
        return self.finding("ok", "program", f"{program}, version {version}")

    def _settings_findings(self, env: Env, base_url: str | None) -> list[Finding]:
        place = self.place(env)
        if place is None:
            return [self.finding("ok", "settings", f"{self.why_not} Use: skillclaw run {self.name}")]
        url = _value(env, place)
        again = f"skillclaw connect {self.name}"
        if base_url is None:
            if isinstance(url, str) and is_own(url, self.name):
                return [self.finding("warn", "settings", f"points to {url}", again)]
            return [self.finding("ok", "settings", "not connected")]
        if url != base_url:
            other = (shown(str(url)) if url else place.provider) or "the provider"
            text = f"{place.path} points to {other}, not to {base_url}"
            return [self.finding("fail", "settings", text, again)]
        found = [self.finding("ok", "settings", f"{place.path} points to {base_url}")]
        for setting in self.extras(env, base_url):
            if not _is_set(env, setting):
                text = f"{setting.path} lacks what SkillClaw had set: {_shown(setting)}"
                found.append(self.finding("warn", "settings", text, again))
        for name in self.variables:
            given = env.environ.get(name, "")
            if given and given != base_url and not is_own(given, self.name):
                wins = (
                    "wins over the settings" if self.environment_wins else "is set; the settings win over it"
                )
                text = f"{name}={shown(given)} {wins}"
                found.append(
                    self.finding("warn", "environment", text, f"Unset {name} where your shell sets it.")
                )
        return found


def _value(env: Env, place: Place) -> Any:
    return _found(place, env.read_bytes(place.path))[1]


def _found(place: Place, data: bytes | None) -> tuple[tuple[Key, ...], Any]:
    """Where the base URL stands, and it; of a list's items with the same beginning the last counts."""
    value = edits.get_key(place.path, data, place.format, place.keys)[1]
    if not place.item:
        return place.keys, value
    for at, item in reversed(list(enumerate(value if isinstance(value, list) else []))):
        if isinstance(item, str) and item.startswith(place.item):
            return (*place.keys, at), item.removeprefix(place.item)
    return place.keys, None


def _is_set(env: Env, setting: Setting) -> bool:
    data = env.read_bytes(setting.path)
    if setting.format == "text":
        return data == str(setting.value).encode("utf-8")
    had, now = edits.get_key(setting.path, data, setting.format, setting.keys)
    return had and (
        setting.value in (now if isinstance(now, list) else []) if setting.item else now == setting.value
    )


def _shown(setting: Setting) -> str:
    return ".".join(map(str, setting.keys)) or setting.path.name


def files_like(folder: Path, pattern: str) -> list[Path]:
    """The files below a folder whose path fits, in order; none where it cannot be read."""
    try:
        return sorted(path for path in folder.glob(pattern) if path.is_file())
    except OSError:
        return []
