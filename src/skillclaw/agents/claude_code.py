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
from typing import Literal

from skillclaw.agents import edits
from skillclaw.agents.history import claude, claude_events
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
from skillclaw.agents.tokens import PREFIX
from skillclaw.agents.urls import is_own
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "ClaudeCode"]

VARIABLE = "ANTHROPIC_BASE_URL"
KEYS = ("env", VARIABLE)
TOKEN = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105  the name of a variable
CONNECT = "skillclaw connect claude-code"
CLOUDS = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
"""Variables that make Claude Code talk to a cloud's own endpoint, past ANTHROPIC_BASE_URL."""


class ClaudeCode:
    """The adapter of Claude Code."""

    name = "claude-code"
    title = "Claude Code"
    default_upstream = "https://api.anthropic.com"

    def upstream(self, env: Env) -> str:
        """The user's own base URL: from the settings, else from the environment, else Anthropic's."""
        return self._custom(env) or self.default_upstream

    def detect(self, env: Env, versions: bool) -> Detection:
        """Installed when the program is on PATH or its folder holds sessions (editors bring none)."""
        folder = _folder(env)
        program = _program(env)
        return Detection(
            installed=program is not None or (folder / "projects").is_dir(),
            version=version_of(env, program) if versions and program else None,
            config=_settings(env),
            sessions=len(self.histories(env)),
        )

    def connect(self, env: Env, base_url: str, token: str = "") -> ConnectPlan:
        """Set `env.ANTHROPIC_BASE_URL`; what the settings or environment had is the upstream."""
        path = _settings(env)
        data = env.read_bytes(path)
        had, old = edits.get_key(path, data, "json", list(KEYS))
        notes = []
        if had and isinstance(old, str) and is_own(old, self.name) and data is not None:
            # Left by a SkillClaw whose record is gone: the URL leads nowhere, so it is no original.
            data = edits.without_key(path, data, "json", list(KEYS))
            left = edits.get_key(path, data, "json", ["env", TOKEN])[1]
            if isinstance(left, str) and left.startswith(PREFIX):
                data = edits.without_key(path, data, "json", ["env", TOKEN])
            notes.append(f"Replaced {old}, which an earlier SkillClaw had left in {path}.")
        notes += [
            f"{name} is set: requests go to the cloud and not through the proxy." for name in _clouds(env)
        ]
        return ConnectPlan(
            edits=[
                edits.set_keys(
                    path, data, "json", {KEYS: base_url, **({("env", TOKEN): token} if token else {})}
                )
            ],
            upstream=self._custom(env),
            notes=notes,
        )

    def disconnect(self, env: Env, record: Connection) -> list[FileEdit]:
        """Put `settings.json` back."""
        return edits.restore(env, record)

    def doctor(self, env: Env, base_url: str | None) -> list[Finding]:
        """Program, settings, what overrides them, skills folder, histories."""
        found = [_program_finding(env)]
        try:
            had, url = _url_in(env, _settings(env))
        except SkillClawError as error:
            return [*found, _fail("settings", " ".join(str(error).split()), "Mend the file.")]
        if base_url is None:
            if had and is_own(str(url), self.name):
                found.append(
                    _finding("warn", "settings", f"points to {url}", "skillclaw connect claude-code")
                )
            else:
                found.append(_finding("ok", "settings", "not connected"))
        elif url == base_url:
            found.append(_finding("ok", "settings", f"{_settings(env)} points to {base_url}"))
        else:
            text = f"{_settings(env)} points to {url if had else 'the provider'}, not to {base_url}"
            found.append(_fail("settings", text, CONNECT))
        if base_url is not None:
            found += self._overrides(env, base_url)
        found += [
            _finding(
                "warn",
                name,
                "is set, so requests go to the cloud and not through the proxy",
                f"Unset {name}.",
            )
            for name in _clouds(env)
        ]
        skills = _folder(env) / "skills"
        text = (
            f"{skills}"
            if skills.is_dir()
            else f"{skills} does not exist yet; it is made with the first skill"
        )
        found.append(_finding("ok", "skills", text))
        found.append(
            _finding("ok", "histories", f"{len(self.histories(env))} sessions in {_folder(env) / 'projects'}")
        )
        return found

    def launch(self, env: Env, base_url: str, args: Sequence[str], token: str = "") -> Launch:
        """By the environment; by `--settings` too where settings would win over it.

        Raises BadInputError where settings hold another token: it would win, and ours is no matter for argv.
        """
        argv = [_program(env) or "claude"]
        variables = {VARIABLE: base_url, **({TOKEN: token} if token else {})}
        for path in (_settings(env), *_project_settings(env)) if token else ():
            had, other = edits.get_key(path, env.read_bytes(path), "json", ["env", TOKEN])
            if had and other != token:
                raise BadInputError(
                    f"{path} sets {TOKEN}, which would be sent instead of SkillClaw's token.",
                    "",
                    f"Use: {CONNECT}; or take {TOKEN} out of the file.",
                )
        if any(_safe_url(env, path) for path in (_settings(env), *_project_settings(env))):
            argv += ["--settings", json.dumps({"env": {VARIABLE: base_url}})]
        return Launch(argv=[*argv, *args], env=variables)

    def histories(self, env: Env) -> list[HistoryFile]:
        """`projects/*/<session id>.jsonl`, without sessions that SkillClaw itself had."""
        own = _munged(env.skillclaw_home)
        found: list[HistoryFile] = []
        for folder in _folders(_folder(env) / "projects"):
            if folder.name == own or folder.name.startswith(own + "-"):
                continue
            beside: dict[str, list[tuple[int, float]]] = {}
            try:
                files = sorted(p for p in folder.iterdir() if p.suffix == ".jsonl")
            except OSError:
                continue
            for file in files:
                if claude_events.is_subagent_file(file):
                    root, stat = claude_events.root_of(file), file_stat(file)
                    if stat:
                        beside.setdefault(root, []).append(stat)
            for file in files:
                stat = file_stat(file)
                if claude_events.is_subagent_file(file) or stat is None:
                    continue
                parts = [stat, *beside.get(file.stem, [])]
                parts += [s for s in map(file_stat, claude_events.subagent_files(file)) if s]
                size, mtime = sum(part[0] for part in parts), max(part[1] for part in parts)
                found.append(HistoryFile(path=file, size=size, mtime=mtime))
        return sorted(found, key=lambda file: (file.mtime, str(file.path)))

    def read_history(self, path: Path, env: Env) -> HistoryRead:
        """One session; see `history/claude.py`."""
        return claude.read(path, env)

    def _custom(self, env: Env) -> str | None:
        had, url = _url_in(env, _settings(env))
        for value in (url if had else None, env.environ.get(VARIABLE)):
            if isinstance(value, str) and value.strip() and not is_own(value, self.name):
                return value.strip().rstrip("/")
        return None

    def _overrides(self, env: Env, base_url: str) -> list[Finding]:
        found = []
        for path in _project_settings(env):
            url = _safe_url(env, path)
            if url and url != base_url:
                text = f"{path} sets {VARIABLE} to {url}, which wins over your own settings"
                found.append(_finding("warn", "project settings", text, f"Take {VARIABLE} out of it."))
        given = env.environ.get(VARIABLE)
        if given and given != base_url and not is_own(given, self.name):
            text = f"the environment sets {given}; settings.json wins over it in current versions"
            found.append(_finding("warn", VARIABLE, text, f"Unset {VARIABLE} where your shell sets it."))
        return found


def _folder(env: Env) -> Path:
    return env.folder("CLAUDE_CONFIG_DIR", ".claude")


def _settings(env: Env) -> Path:
    return _folder(env) / "settings.json"


def _project_settings(env: Env) -> list[Path]:
    """Files that win over the user's settings: the project's, and the administrator's."""
    here = [env.cwd / ".claude" / name for name in ("settings.json", "settings.local.json")]
    return [path for path in here if path != _settings(env)] + [
        Path("/etc/claude-code/managed-settings.json")
    ]


def _program(env: Env) -> str | None:
    found = env.which("claude")
    if found:
        return found
    local = _folder(env) / "local" / "claude"
    return str(local) if local.is_file() else None


def _clouds(env: Env) -> list[str]:
    return [name for name in CLOUDS if env.environ.get(name, "").lower() in ("1", "true", "yes")]


def _url_in(env: Env, path: Path) -> tuple[bool, object]:
    return edits.get_key(path, env.read_bytes(path), "json", list(KEYS))


def _safe_url(env: Env, path: Path) -> str:
    """The base URL that a settings file names; empty where there is none or the file cannot be used."""
    try:
        had, url = _url_in(env, path)
    except SkillClawError:
        return ""
    return url if had and isinstance(url, str) else ""


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(p for p in path.iterdir() if p.is_dir())
    except OSError:
        return []


def _munged(path: Path) -> str:
    """The folder name that Claude Code makes from a working folder."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in str(path))


def _program_finding(env: Env) -> Finding:
    program = _program(env)
    if program is None:
        return _finding("warn", "program", "claude is not on PATH", "Install Claude Code, or put it on PATH.")
    version = version_of(env, program)
    if version is None:
        return _finding("warn", "program", f"{program} does not tell its version", "Run: claude --version")
    return _finding("ok", "program", f"{program}, version {version}")


def _finding(level: Literal["ok", "warn", "fail"], subject: str, text: str, mend: str = "") -> Finding:
    return Finding(
        level=level, subject=f"Claude Code {subject}", text=text, mend="" if level == "ok" else mend
    )


def _fail(subject: str, text: str, mend: str) -> Finding:
    return _finding("fail", subject, text, mend)


ADAPTER = ClaudeCode()
