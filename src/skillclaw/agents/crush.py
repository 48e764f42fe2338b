"""Crush: https://github.com/charmbracelet/crush

By its documents and sources; it has not been driven. Settings `~/.config/crush/crush.json`
(CRUSH_GLOBAL_CONFIG names the folder), over it what Crush itself keeps in `~/.local/share/crush/crush.json`
(CRUSH_GLOBAL_DATA), over both the project's `crush.json` and `.crush.json`: `models.large.provider`
chooses, `providers.<name>.base_url` points. Built-in providers take their address from the catalogue in
`providers.json`, some from a variable. It calls `/chat/completions`, with `type` anthropic `/v1/messages`,
and names the session in `x-session-id`. Skills: four folders. Histories: `history/crush.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.agents import edits
from skillclaw.agents.history import crush
from skillclaw.agents.platform import Place, Platform
from skillclaw.agents.records import Env, Finding, HistoryFile, HistoryRead
from skillclaw.agents.urls import is_own, names_host, shown
from skillclaw.errors import UNREADABLE, BadInputError, SkillClawError

__all__ = ["ADAPTER", "Crush"]

BUILT_IN = {
    "anthropic": ("https://api.anthropic.com", "ANTHROPIC_API_ENDPOINT", "ANTHROPIC_API_KEY"),
    "openai": ("https://api.openai.com/v1", "OPENAI_API_ENDPOINT", "OPENAI_API_KEY"),
    "gemini": ("https://generativelanguage.googleapis.com", "GEMINI_API_ENDPOINT", "GEMINI_API_KEY"),
    "openrouter": ("https://openrouter.ai/api/v1", "", "OPENROUTER_API_KEY"),
    "groq": ("https://api.groq.com/openai/v1", "", "GROQ_API_KEY"),
    "xai": ("https://api.x.ai/v1", "", "XAI_API_KEY"),
    "cerebras": ("https://api.cerebras.ai/v1", "", "CEREBRAS_API_KEY"),
    "deepseek": ("https://api.deepseek.com/v1", "", "DEEPSEEK_API_KEY"),
    "huggingface": ("https://router.huggingface.co/v1", "", "HF_TOKEN"),
}
"""Provider -> (its address, the variable that it is taken from before, the variable with its key)."""
REFUSED = frozenset({"bedrock", "vertexai", "copilot", "hyper"})
"""Providers whose requests are signed for their own address, or speak a protocol of their own."""
VARIABLE = re.compile(r"\$(?:\{(\w{1,100})\}|(\w{1,100}))")


class Crush(Platform):
    """The adapter of Crush."""

    name = "crush"
    title = "Crush"
    programs = ("crush",)

    def folder(self, env: Env) -> Path:
        """`~/.config/crush` or what CRUSH_GLOBAL_CONFIG says."""
        if _given(env, "CRUSH_GLOBAL_CONFIG"):
            return env.folder("CRUSH_GLOBAL_CONFIG", "")
        return env.folder("XDG_CONFIG_HOME", ".config") / "crush"

    def place(self, env: Env) -> Place:
        """The base URL of the large model's provider, in the user's file that has the last word."""
        provider = self._provider(env)
        if provider in REFUSED:
            raise BadInputError(
                f"Crush uses the provider {provider}, which cannot be pointed at the proxy.",
                "Its requests are signed for, or speak, what only its own address knows.",
                "Choose another, or learn from its history alone: skillclaw connect --history-only crush",
            )
        files = self._files(env)
        last = [path for path in files if _held(env, path, "providers", provider, "base_url")]
        return Place(
            path=(last or files[:1])[-1],
            format="json",
            keys=("providers", provider, "base_url"),
            token_keys=("providers", provider, "api_key"),
            default=self._default(env, provider),
            provider=provider,
        )

    def own_url(self, env: Env) -> str:
        """The base URL that the user's files give, else that of the provider's variable."""
        provider = self._provider(env)
        urls = [_held(env, path, "providers", provider, "base_url") for path in self._files(env)]
        given = next((url for url in reversed(urls) if isinstance(url, str) and url), "")
        unset = [
            name for match in VARIABLE.findall(given) for name in match if name not in env.environ and name
        ]
        found = _filled(env, given)
        if given and (unset or not names_host(found)):
            raise BadInputError(
                f"The base URL of Crush's provider {provider} cannot be read: {shown(given)}",
                "It names something that is not set here, or a command.",
                f"Write it out in {self._files(env)[0]}.",
            )
        told = env.environ.get(BUILT_IN.get(provider, ("", "", ""))[1], "").strip()
        for url in (found, told):
            if "://" in url and not is_own(url, self.name):
                return url.rstrip("/")
        return ""

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """The project's settings, and those in the form of a script, win over the user's."""
        found = []
        provider = self._provider(env)
        for name in ("crush.json", ".crush.json"):
            path = env.cwd / name
            url = _tolerant(env, path, "providers", provider, "base_url")
            other = _tolerant(env, path, "models", "large", "provider")
            if base_url is not None and isinstance(url, str) and url and url != base_url:
                text = f"{path} sends {provider} to {shown(url)}, past the proxy"
                found.append(self.finding("warn", "project settings", text, "Take base_url out of it."))
            if base_url is not None and isinstance(other, str) and other not in ("", provider):
                text = f"{path} chooses the provider {other}, whose requests do not go through the proxy"
                found.append(self.finding("warn", "project settings", text, "Take models.large out of it."))
        script = self.folder(env) / "crushrc"
        if base_url is not None and script.is_file():
            text = f"{script} may set providers too; SkillClaw changes crush.json only"
            found.append(self.finding("warn", "settings", text, f"Point {provider} to {base_url} there."))
        return found

    def launch_env(self, env: Env, base_url: str, token: str) -> dict[str, str]:
        """The variables of a built-in provider; BadInputError where only a file points it."""
        provider = self.place(env).provider
        _, endpoint, key = BUILT_IN.get(provider, ("", "", ""))
        pointed = any(_held(env, path, "providers", provider, "base_url") for path in self._files(env))
        if not endpoint or pointed:
            raise BadInputError(
                f"Crush takes the address of {provider} from its settings only.",
                "",
                f"Use: skillclaw connect {self.name}",
            )
        return {endpoint: base_url, **({key: token} if token else {})}

    def skills(self, env: Env) -> list[Path]:
        """The folders that it shares with others, and its own."""
        found = [env.home / ".agents" / "skills", env.home / ".claude" / "skills"]
        if _given(env, "CRUSH_SKILLS_DIR"):
            found.append(env.folder("CRUSH_SKILLS_DIR", ""))
        config = env.folder("XDG_CONFIG_HOME", ".config")
        return [*found, self.folder(env) / "skills", config / "agents" / "skills"]

    def histories(self, env: Env) -> list[HistoryFile]:
        """The sessions of every project that Crush remembers, and of the working folder."""
        found: dict[str, HistoryFile] = {}
        for path, project in self._databases(env).items():
            if path.is_file() and not env.is_own(project):
                found |= {file.key: file for file in self._files_in(path)}
        return sorted(found.values(), key=lambda file: (file.mtime, file.key))

    def histories_in(self, path: Path, env: Env) -> list[HistoryFile]:
        """The sessions of one database."""
        return self._files_in(path) or super().histories_in(path, env)

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/crush.py`."""
        home = file.path.parent
        project = self._databases(env).get(file.path) or (str(home.parent) if home.name == ".crush" else "")
        return crush.read(file, project, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """A database of its tables."""
        return not values and crush.is_ours(path)

    def _files_in(self, path: Path) -> list[HistoryFile]:
        try:
            return crush.files_in(path)
        except SkillClawError:
            return []

    def _data(self, env: Env) -> Path:
        if _given(env, "CRUSH_GLOBAL_DATA"):
            return env.folder("CRUSH_GLOBAL_DATA", "")
        return env.folder("XDG_DATA_HOME", ".local/share") / "crush"

    def _files(self, env: Env) -> list[Path]:
        """The user's settings, the later one wins."""
        return [self.folder(env) / "crush.json", self._data(env) / "crush.json"]

    def _provider(self, env: Env) -> str:
        """The provider of the large model; else the one that is configured or has its key set."""
        named = [_held(env, path, "models", "large", "provider") for path in self._files(env)]
        chosen = next((name for name in reversed(named) if isinstance(name, str) and name), "")
        if chosen:
            return chosen
        held = [_held(env, path, "providers") for path in self._files(env)]
        known = list(dict.fromkeys(name for one in held if isinstance(one, dict) for name in one))
        known += [
            name for name, (_, _, key) in BUILT_IN.items() if env.environ.get(key) and name not in known
        ]
        if len(known) == 1:
            return known[0]
        raise BadInputError(
            "Crush has not been told which model to use." if known else "Crush has no provider.",
            f"It knows {', '.join(known[:6])}." if known else f"{self._files(env)[0]} names none.",
            "Start Crush once and choose a model, then try again.",
        )

    def _default(self, env: Env, provider: str) -> str:
        """The provider's own address, as the catalogue of Crush has it."""
        try:
            listed = msgspec.json.decode(env.read_bytes(self._data(env) / "providers.json") or b"[]")
        except (SkillClawError, *UNREADABLE):
            listed = []
        for one in listed if isinstance(listed, list) else []:
            if isinstance(one, dict) and one.get("id") == provider:
                url = _filled(env, str(one.get("api_endpoint") or ""))
                if "://" in url:
                    return url.rstrip("/")
        return BUILT_IN.get(provider, ("", "", ""))[0]

    def _databases(self, env: Env) -> dict[Path, str]:
        """Database -> project, of the projects that Crush remembers and of the working folder."""
        found = {env.cwd / ".crush" / "crush.db": str(env.cwd)}
        try:
            held = msgspec.json.decode(env.read_bytes(self._data(env) / "projects.json") or b"{}")
        except (SkillClawError, *UNREADABLE):
            held = {}
        listed = held.get("projects") if isinstance(held, dict) else None
        for one in listed if isinstance(listed, list) else []:
            project, data = (one.get("path"), one.get("data_dir")) if isinstance(one, dict) else (None, None)
            if isinstance(project, str) and project and isinstance(data, str):
                found[Path(project) / (data or ".crush") / "crush.db"] = project
        return found


def _given(env: Env, name: str) -> bool:
    return bool(env.environ.get(name, "").strip())


def _held(env: Env, path: Path, *keys: str) -> Any:
    return edits.get_key(path, env.read_bytes(path), "json", keys)[1]


def _tolerant(env: Env, path: Path, *keys: str) -> Any:
    try:
        return _held(env, path, *keys)
    except SkillClawError:
        return None


def _filled(env: Env, text: str) -> str:
    """A setting with `$NAME` and `${NAME}` in it replaced."""
    return VARIABLE.sub(lambda match: env.environ.get(match[1] or match[2], ""), text).strip()


ADAPTER = Crush()
