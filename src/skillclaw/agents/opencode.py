"""OpenCode: https://opencode.ai

Settings `~/.config/opencode/opencode.json(c)` (`opencode_settings`), `provider.<name>.options.baseURL` for
every provider, those that are built in too (`opencode_providers`); run with 1.18.33. The user's key or login
goes with each request, a ChatGPT login as well: with a base URL that has no `/v1` OpenCode leaves its
requests where the settings say. It writes `"$schema"` into a settings file that lacks it. Sessions are named
in headers. Skills: `~/.agents/skills`, `~/.claude/skills`, `~/.config/opencode/skills`, `~/.opencode/skills`;
a name that is in several is offered once, and which copy it is differs from start to start. Histories:
`history/opencode.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents import opencode_settings as settings
from skillclaw.agents import texts
from skillclaw.agents.history import opencode, opencode_store
from skillclaw.agents.opencode_providers import CHATGPT, REFUSED, Address, address
from skillclaw.agents.platform import Place, Platform, Setting
from skillclaw.agents.records import ConnectPlan, Env, Finding, HistoryFile, HistoryRead, Launch
from skillclaw.agents.texts import Key
from skillclaw.agents.urls import is_own, names_host, shown
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "OpenCode"]

SCHEMA = "https://opencode.ai/config.json"
SHORT = "https://api.anthropic.com"
"""What OpenCode takes for the same with `/v1`."""


class OpenCode(Platform):
    """The adapter of OpenCode."""

    name = "opencode"
    title = "OpenCode"
    programs = ("opencode",)
    default_url = "https://opencode.ai/zen/v1"

    def folder(self, env: Env) -> Path:
        """`~/.config/opencode`."""
        return settings.config_folder(env)

    def place(self, env: Env) -> Place:
        """The base URL of the provider in use, in the user's file that wins; never in a project's."""
        provider, model = settings.chosen(env)
        if provider in REFUSED:
            raise BadInputError(
                f"OpenCode uses the provider {provider}, which cannot be pointed at the proxy.",
                REFUSED[provider],
                "Choose another, or learn from its history alone: skillclaw connect --history-only opencode",
            )
        keys: tuple[Key, ...] = ("provider", provider, "options", "baseURL")
        path = self._path(env, provider)
        return Place(
            path=path,
            format="json5",
            keys=keys,
            token_keys=(*keys[:-1], "apiKey"),
            default=self._address(env, provider, model).url,
            provider=provider,
        )

    def connect(self, env: Env, base_url: str, token: str = "") -> ConnectPlan:
        """As all; a token is refused where OpenCode sends an account's login whatever the settings say."""
        self._no_account(env, token)
        return super().connect(env, base_url, token)

    def own_url(self, env: Env) -> str:
        """The base URL that the user's files give the provider in use, else its variable's."""
        provider, model = settings.chosen(env)
        url = ""
        for path in settings.own_files(env):
            url = settings.base_url_in(settings.load(env, path), provider) or url
        found = settings.substituted(env, url)
        if found and (settings.unset(env, url) or not names_host(found)):
            raise BadInputError(
                f"The base URL of OpenCode's provider {provider} cannot be read: {shown(url)}",
                "It names something that is not set here.",
                f"Write it out in {self._path(env, provider)}.",
            )
        given = env.environ.get(self._address(env, provider, model).variable, "").strip()
        for one in (found, given):
            if "://" in one and not is_own(one, self.name):
                bare = one.rstrip("/")
                return f"{bare}/v1" if bare == SHORT else bare
        return ""

    def extras(self, env: Env, base_url: str) -> list[Setting]:
        """In a new file what OpenCode would write into it itself."""
        path = self.place(env).path
        if env.read_bytes(path) is not None:
            return []
        return [Setting(path=path, format="json5", keys=("$schema",), value=SCHEMA)]

    def notes(self, env: Env) -> list[str]:
        """Which provider goes through the proxy, and what in this folder does not."""
        provider = settings.chosen(env)[0]
        told = [f"Only OpenCode's provider {provider} goes through the proxy; connect again for another."]
        return told + [text for text, _ in self._overrides(env, "")]

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """What wins over the user's settings here; ripgrep; skills that are in several folders."""
        found = []
        if base_url is not None:
            for text, mend in self._overrides(env, base_url):
                found.append(self.finding("warn", "project settings", text, mend))
        if not self._has_ripgrep(env):
            text = "rg is not on PATH; OpenCode loads it down for its skill tool, which fails where it cannot"
            found.append(self.finding("warn", "ripgrep", text, "Install ripgrep."))
        twice = self._twice(env)
        if twice:
            text = f"OpenCode offers only one of several different copies, by chance: {', '.join(twice[:5])}"
            found.append(
                self.finding("warn", "skills", text, "Keep one copy of each, or the same text in all.")
            )
        return found

    def launch(self, env: Env, base_url: str, args: Sequence[str], token: str = "") -> Launch:
        """By OPENCODE_CONFIG_CONTENT, which wins over all files; what the user has in it stays.

        Raises BadInputError where this folder's settings send the provider to an address of their own: the
        user's key for it must not go elsewhere.
        """
        self._no_account(env, token)
        provider = self.place(env).provider
        for where, held in settings.overriding(env):
            url = settings.base_url_in(held, provider)
            usual = self.upstream(env)
            leads = settings.substituted(env, url)
            if url and leads.rstrip("/") not in (base_url, usual):
                other = shown(url)
                whole = other == url == leads
                named = other if whole else "URL"
                mend = f"skillclaw config set agents.{self.name}.upstream {named}"
                raise BadInputError(
                    f"{where} sends {provider} to {other}, not to {shown(usual)}.",
                    "The proxy forwards OpenCode's requests to one address only.",
                    f"Take baseURL out of it, or{'' if whole else ', with that baseURL as URL'}: {mend}",
                )
        given = env.environ.get(settings.CONTENT, "").strip()
        try:
            text = given or "{}"
            for key, value in (("baseURL", base_url), ("apiKey", token)):
                if value:
                    text = texts.set_value(text, "json5", ("provider", provider, "options", key), value)
            content = texts.load(text, "json5")
        except texts.TextError as error:
            raise BadInputError(
                f"{settings.CONTENT} cannot be read.", str(error), "Mend it, or unset it."
            ) from error
        launch = super().launch(env, base_url, args, token)
        return Launch(argv=launch.argv, env={settings.CONTENT: json.dumps(content)})

    def skills(self, env: Env) -> list[Path]:
        """The folders that it shares with others, its own, and those that the settings name."""
        found = []
        if not _on(env, "OPENCODE_DISABLE_EXTERNAL_SKILLS"):
            found.append(env.home / ".agents" / "skills")
            claude = ("OPENCODE_DISABLE_CLAUDE_CODE_SKILLS", "OPENCODE_DISABLE_CLAUDE_CODE")
            if not any(_on(env, name) for name in claude):
                found.append(env.home / ".claude" / "skills")
        found += [folder / "skills" for folder in (self.folder(env), env.home / ".opencode")]
        for path in settings.own_files(env):
            named = _tolerant(env, path).get("skills")
            more = named.get("paths") if isinstance(named, dict) else None
            for text in more if isinstance(more, list) else []:
                if isinstance(text, str) and text.startswith(("~/", "/")):
                    found.append(env.told(text))
        return list(dict.fromkeys(found))

    def histories(self, env: Env) -> list[HistoryFile]:
        """The sessions of its databases, and of its older files where no database has them."""
        found: dict[str, HistoryFile] = {}
        old = opencode_store.folder(env) / "storage" / "session"
        try:
            files = sorted(old.glob("*/ses_*.json"))
        except OSError:
            files = []
        for path in [*opencode_store.databases(env), *files]:
            for file, directory in self._sessions(path):
                name = file.session or path.stem
                if name not in found and not env.is_own(directory):
                    found[name] = file
        return sorted(found.values(), key=lambda file: (file.mtime, file.key))

    def histories_in(self, path: Path, env: Env) -> list[HistoryFile]:
        """All sessions of a database; one of an older file or an export."""
        try:
            return [file for file, _ in opencode_store.files_in(path)]
        except SkillClawError:
            return super().histories_in(path, env)  # its reading says what is wrong

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/opencode.py`."""
        return opencode.read(file, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """A database of its tables; a session's file, or an export."""
        return any(map(opencode_store.looks_like, values)) or (not values and opencode_store.is_ours(path))

    def _sessions(self, path: Path) -> list[tuple[HistoryFile, str]]:
        try:
            return opencode_store.files_in(path)
        except SkillClawError:
            return []

    def _path(self, env: Env, provider: str) -> Path:
        """The user's file that has the last word on a provider's base URL, else the usual one."""
        files = settings.own_files(env)
        last = [path for path in files if settings.base_url_in(settings.load(env, path), provider)]
        usual = [self.folder(env) / name for name in settings.NAMES]
        there = [path for path in usual if env.read_bytes(path) is not None]
        return (last or there or usual)[-1]

    def _address(self, env: Env, provider: str, model: str) -> Address:
        if provider == "openai" and settings.logins(env).get(provider) == "oauth":
            return Address(CHATGPT, "")
        own: dict[str, Any] = {}
        for path in settings.own_files(env):
            own |= settings.providers(settings.load(env, path)).get(provider, {})
        catalogued = settings.entry(settings.catalogue(env), provider)
        return address(provider, model, own, catalogued, env.environ)

    def _overrides(self, env: Env, base_url: str) -> list[tuple[str, str]]:
        """(what, mend) of the settings that lead requests past the proxy in the working folder."""
        provider = settings.chosen(env)[0]
        found = []
        for where, held in settings.overriding(env):
            url = settings.base_url_in(held, provider)
            if url and url != base_url:
                text = f"{where} sends {provider} to {shown(url)}, past the proxy"
                found.append((text, "Take baseURL out of it, or use: skillclaw run opencode"))
            other = settings.provider_in(held)
            if other and other != provider:
                text = f"{where} chooses the provider {other}, whose requests do not go through the proxy"
                found.append((text, "Take model out of it, or choose that provider in your own settings."))
        return found

    def _no_account(self, env: Env, token: str) -> None:
        provider = settings.chosen(env)[0]
        if token and settings.logins(env).get(provider) == "oauth":
            raise BadInputError(
                f"OpenCode is logged in to {provider} with an account, and sends that instead of a token.",
                "A configured upstream needs SkillClaw's token.",
                "Log out (opencode auth logout) and give an API key, or choose another provider.",
            )

    def _has_ripgrep(self, env: Env) -> bool:
        cached = env.folder("XDG_CACHE_HOME", ".cache") / "opencode" / "bin" / "rg"
        return env.which("rg") is not None or cached.is_file()

    def _twice(self, env: Env) -> list[str]:
        """The skills that are in several folders with different texts."""
        seen: dict[str, set[bytes]] = {}
        for folder in self.skills(env):
            try:
                paths = sorted(folder.glob("*/SKILL.md"))
            except OSError:
                continue
            for path in paths:
                try:
                    seen.setdefault(path.parent.name, set()).add(path.read_bytes())
                except OSError:
                    continue
        return sorted(name for name, texts_ in seen.items() if len(texts_) > 1)


def _on(env: Env, name: str) -> bool:
    return env.environ.get(name, "").lower() in ("1", "true")


def _tolerant(env: Env, path: Path) -> dict[str, Any]:
    try:
        return settings.load(env, path)
    except SkillClawError:
        return {}


ADAPTER = OpenCode()
