"""Claude Code: https://code.claude.com

Settings `$CLAUDE_CONFIG_DIR|~/.claude/settings.json`; its `env.ANTHROPIC_BASE_URL` is where requests go,
and wins over the same variable in the environment (seen with 2.1.197). The base URL's path is kept: the
agent adds `/v1/messages`. The agent's own login or key goes with each request and is not touched; with a
configured upstream `env.ANTHROPIC_AUTH_TOKEN` is SkillClaw's token: it goes before a login, and the agent
does not ask whether it may be used, as it does with a key. Skills: `~/.claude/skills`. Histories:
`history/claude.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents import edits
from skillclaw.agents.history import claude, claude_events
from skillclaw.agents.platform import Place, Platform
from skillclaw.agents.programs import oldest_first
from skillclaw.agents.records import Env, Finding, HistoryFile, HistoryRead, Launch
from skillclaw.agents.urls import shown
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "ClaudeCode"]

VARIABLE = "ANTHROPIC_BASE_URL"
KEYS = ("env", VARIABLE)
TOKEN = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105  the name of a variable
CLOUDS = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
"""Variables that make Claude Code talk to a cloud's own endpoint, past ANTHROPIC_BASE_URL."""


class ClaudeCode(Platform):
    """The adapter of Claude Code."""

    name = "claude-code"
    title = "Claude Code"
    programs = ("claude",)
    variables = (VARIABLE,)
    key_variables = (TOKEN,)
    default_url = "https://api.anthropic.com"

    def folder(self, env: Env) -> Path:
        """`~/.claude` or what CLAUDE_CONFIG_DIR says."""
        return env.folder("CLAUDE_CONFIG_DIR", ".claude")

    def program(self, env: Env) -> str | None:
        """On PATH, or where its own installer puts it."""
        local = self.folder(env) / "local" / "claude"
        return super().program(env) or (str(local) if local.is_file() else None)

    def place(self, env: Env) -> Place:
        """`settings.json`, `env.ANTHROPIC_BASE_URL`."""
        return Place(
            path=self.folder(env) / "settings.json", format="json", keys=KEYS, token_keys=("env", TOKEN)
        )

    def notes(self, env: Env) -> list[str]:
        """Clouds are past the proxy."""
        past = "requests go to the cloud and not through the proxy"
        return [f"{name} is set{_in(path)}: {past}." for name, path in self._clouds(env)]

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """Settings of the project that win, clouds."""
        found = []
        for path in self._project_settings(env) if base_url is not None else ():
            url = _safe_url(env, path)
            if url and url != base_url:
                text = f"{path} sets {VARIABLE} to {shown(url)}, which wins over your own settings"
                found.append(self.finding("warn", "project settings", text, f"Take {VARIABLE} out of it."))
        for name, where in self._clouds(env):
            text = f"is set{_in(where)}, so requests go to the cloud and not through the proxy"
            mend = f"Take {name} out of it." if where else f"Unset {name}."
            found.append(self.finding("warn", name, text, mend))
        return found

    def skills(self, env: Env) -> list[Path]:
        """Its own folder only (2.1.197 does not read `~/.agents/skills`)."""
        return [self.folder(env) / "skills"]

    def launch(self, env: Env, base_url: str, args: Sequence[str], token: str = "") -> Launch:
        """By the environment; by `--settings` too where settings would win over it.

        Raises BadInputError where settings hold another token: it would win, and ours is no matter for argv.
        """
        settings = [self.place(env).path, *self._project_settings(env)]
        for path in settings if token else ():
            had, other = edits.get_key(path, env.read_bytes(path), "json", ["env", TOKEN])
            if had and other != token:
                raise BadInputError(
                    f"{path} sets {TOKEN}, which would be sent instead of SkillClaw's token.",
                    "",
                    f"Use: skillclaw connect {self.name}; or take {TOKEN} out of the file.",
                )
        given = list(args)
        if any(_safe_url(env, path) for path in settings):
            given = ["--settings", json.dumps({"env": {VARIABLE: base_url}}), *given]
        return super().launch(env, base_url, given, token)

    def histories(self, env: Env) -> list[HistoryFile]:
        """`projects/*/<session id>.jsonl`, without sessions that SkillClaw itself had."""
        own = _munged(env.skillclaw_home)
        found = []
        for folder in _folders(self.folder(env) / "projects"):
            files = claude_events.session_files(folder)
            # Folders of other projects may be named alike: what their sessions say decides.
            if folder.name == own or folder.name.startswith(own + "-"):
                files = [file for file in files if not claude.is_own(file.path, env)]
            found += files
        return oldest_first(found)

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/claude.py`."""
        return claude.read(file.path, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """Its events, or what describes a sub-agent; an empty file of a sub-agent by its name."""
        if claude_events.is_subagent_file(path) and not any(map(claude_events.looks_like, values)):
            return all("agentType" in value and "parentSessionId" not in value for value in values)
        return any(map(claude_events.looks_like, values))

    def _project_settings(self, env: Env) -> list[Path]:
        """Files that win over the user's settings: the project's, and the administrator's."""
        here = [env.cwd / ".claude" / name for name in ("settings.json", "settings.local.json")]
        own = self.folder(env) / "settings.json"
        return [path for path in here if path != own] + [Path("/etc/claude-code/managed-settings.json")]

    def _clouds(self, env: Env) -> list[tuple[str, Path | None]]:
        """The variables of CLOUDS that are on, each with the settings file that sets it, if one does."""
        files = [*reversed(self._project_settings(env)), self.place(env).path]
        found: list[tuple[str, Path | None]] = []
        for name in CLOUDS:
            told = [(path, _safe_variable(env, path, name)) for path in files]
            shell = (None, env.environ.get(name, ""))
            path, value = next((one for one in told if one[1] is not None), shell)
            if _is_on(value):
                found.append((name, path))
        return found


def _in(path: Path | None) -> str:
    return f" in {path}" if path else ""


def _is_on(value: Any) -> bool:
    return str(value).strip().lower() in ("1", "true", "yes", "on")


def _safe_url(env: Env, path: Path) -> str:
    """The base URL that a settings file names; empty where there is none or the file cannot be used."""
    url = _safe_variable(env, path, VARIABLE)
    return url if isinstance(url, str) else ""


def _safe_variable(env: Env, path: Path, name: str) -> Any:
    """What a settings file sets a variable to; None where it does not or cannot be used."""
    try:
        had, value = edits.get_key(path, env.read_bytes(path), "json", ("env", name))
    except SkillClawError:
        return None
    return value if had else None


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(p for p in path.iterdir() if p.is_dir())
    except OSError:
        return []


def _munged(path: Path) -> str:
    """The folder name that Claude Code makes from a working folder."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in str(path))


ADAPTER = ClaudeCode()
