"""NanoClaw: https://github.com/nanocoai/nanoclaw

From its documentation and sources (2.0.64 and newer), not from a run. NanoClaw is a checkout of its
repository that a service runs; each group of its users has a container with Claude Code in it. The container
gets ANTHROPIC_BASE_URL from the checkout's `.env`, and placeholders for keys: a gateway puts in those that
its user gave it for that host, unless NANOCLAW_NATIVE_CREDENTIALS has the keys come from `.env`.

What works is therefore little, and `connect` refuses the rest rather than break a working agent:

- The container must reach SkillClaw, which listens on 127.0.0.1 alone. Docker Desktop leads
  `host.docker.internal` there; Docker on Linux leads it to a bridge, where nobody listens.
- The gateway must have a key for that host: so it has where the base URL already is one at
  `host.docker.internal` (a gateway of the user's own on this machine), or without the gateway.
- Older versions forward through `src/credential-proxy.ts`, which drops the path of a base URL.

Everywhere else its sessions tell what it did: Claude Code's files, which the containers leave in the checkout
under `data`. The session id on the wire is Claude Code's, so both become one. Skills: `container/skills`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from skillclaw.agents import edits
from skillclaw.agents.history import claude, claude_events
from skillclaw.agents.platform import Place, Platform
from skillclaw.agents.programs import oldest_first
from skillclaw.agents.records import ConnectPlan, Detection, Env, Finding, HistoryFile, HistoryRead, Launch
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "NanoClaw"]

INSIDE = "host.docker.internal"
OUTSIDE = "127.0.0.1"
"""The name of this machine inside of containers, and where SkillClaw listens."""
VARIABLE = "ANTHROPIC_BASE_URL"
NATIVE = "NANOCLAW_NATIVE_CREDENTIALS"
USUAL = ("nanoclaw", "code/nanoclaw", "src/nanoclaw", "projects/nanoclaw", ".nanoclaw")
"""Folders below the home in which people have the checkout."""
SERVICES = (".config/systemd/user/*nanoclaw*.service", "Library/LaunchAgents/*nanoclaw*.plist")
WORKING = re.compile(
    r"(?m)^\s*WorkingDirectory=(?P<unit>[^\n]+)"
    r"|<key>WorkingDirectory</key>\s*<string>(?P<plist>[^<\n]+)</string>"
)
SESSIONS = ("data/v2-sessions/*/.claude-shared/projects/*", "data/sessions/*/.claude/projects/*")
HISTORY_ONLY = "Learn from its sessions instead: skillclaw connect --history-only nanoclaw"


class NanoClaw(Platform):
    """The adapter of NanoClaw."""

    name = "nanoclaw"
    title = "NanoClaw"
    default_url = "https://api.anthropic.com"

    def folder(self, env: Env) -> Path:
        """The checkout; the usual place where there is none."""
        return _checkout(env) or env.home / USUAL[0]

    def detect(self, env: Env, versions: bool) -> Detection:
        """Installed where its checkout is; its version is that of the package."""
        root = _checkout(env)
        if root is None:
            return Detection(installed=False)
        version = _package(env, root).get("version")
        return Detection(
            installed=True,
            version=version if versions and isinstance(version, str) else None,
            config=root / ".env",
            sessions=len(self.histories(env)),
        )

    def place(self, env: Env) -> Place:
        """The checkout's `.env`, where the containers can reach SkillClaw and have a key for it."""
        root = _checkout(env)
        if root is None:
            raise BadInputError(
                "NanoClaw's checkout was not found.",
                "It is in none of the usual places, and no service of that name runs it.",
                "Start skillclaw in its folder.",
            )
        path = root / ".env"
        held = edits.get_key(path, env.read_bytes(path), "env", ())[1]
        values = held if isinstance(held, dict) else {}
        if (root / "src/credential-proxy.ts").is_file():
            raise BadInputError(
                "This version of NanoClaw cannot be pointed at the proxy.",
                "What it forwards through drops the path of a base URL.",
                HISTORY_ONLY,
            )
        if not _reaches(env):
            raise BadInputError(
                "NanoClaw's containers cannot reach SkillClaw on this machine.",
                f"SkillClaw listens on 127.0.0.1 alone, and Docker on Linux leads {INSIDE} to a bridge.",
                HISTORY_ONLY,
            )
        keyed = _host(str(values.get(VARIABLE) or "")) == INSIDE
        native = str(values.get(NATIVE) or "").lower() in ("1", "true", "yes")
        if not keyed and not native:
            raise BadInputError(
                "NanoClaw's gateway has no key for SkillClaw's address.",
                f"It puts in the key that it was given for a host, and {path} names none at {INSIDE}.",
                f"{HISTORY_ONLY}; or set NanoClaw up with a base URL at {INSIDE}.",
            )
        return Place(path=path, format="env", keys=(VARIABLE,), default=self.default_url)

    def own_url(self, env: Env) -> str:
        """The user's base URL as this machine has it, not the containers."""
        url = super().own_url(env)
        return url.replace(f"//{INSIDE}", f"//{OUTSIDE}", 1)

    def connect(self, env: Env, base_url: str, token: str = "") -> ConnectPlan:
        """With the name that this machine has inside of the containers."""
        return super().connect(env, _inside(base_url), token)

    def doctor(self, env: Env, base_url: str | None) -> list[Finding]:
        """With that name too; what does not allow a connection is no failure where there is none."""
        if base_url is not None:
            return super().doctor(env, _inside(base_url))
        if _checkout(env) is None:
            return [self.finding("warn", "checkout", "was not found", "Start skillclaw in its folder.")]
        found = super().doctor(env, None)
        return [
            self.finding("ok", "settings", finding.text) if finding.level == "fail" else finding
            for finding in found
        ]

    def notes(self, env: Env) -> list[str]:
        """A running service has read its settings already."""
        return ["Restart NanoClaw: it reads its settings when it starts a container."]

    def launch(self, env: Env, base_url: str, args: Sequence[str], token: str = "") -> Launch:
        """Refused: it is a service."""
        raise BadInputError(
            "NanoClaw is a service, which is not started by hand.", "", "Use: skillclaw connect nanoclaw"
        )

    def skills(self, env: Env) -> list[Path]:
        """The skills that all containers get."""
        root = _checkout(env)
        return [root / "container" / "skills"] if root else []

    def histories(self, env: Env) -> list[HistoryFile]:
        """Claude Code's sessions of all groups."""
        root = _checkout(env)
        found: list[HistoryFile] = []
        for pattern in SESSIONS if root else ():
            try:
                folders = sorted(root.glob(pattern)) if root else []
            except OSError:
                continue
            found += [file for folder in folders for file in claude_events.session_files(folder)]
        return oldest_first(found)

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session, as Claude Code's."""
        return claude.read(file.path, env, self.name)


def _inside(base_url: str) -> str:
    """SkillClaw's address as containers have it."""
    return base_url.replace(f"//{OUTSIDE}", f"//{INSIDE}", 1)


def _checkout(env: Env) -> Path | None:
    """The folder of its repository: the working folder, that of its service, a usual one."""
    here = [env.cwd, *env.cwd.parents]
    found = [path for path in here if path != env.home]
    for pattern in SERVICES:
        try:
            units = sorted(env.home.glob(pattern))
        except OSError:
            continue
        found += [path for unit in units for path in _working(env, unit)]
    found += [env.home / name for name in USUAL]
    return next((path for path in found if _package(env, path).get("name") == "nanoclaw"), None)


def _package(env: Env, root: Path) -> dict[str, Any]:
    """Its `package.json`; empty where there is none that can be read."""
    path = root / "package.json"
    try:
        held = edits.get_key(path, env.read_bytes(path), "json", ())[1]
    except SkillClawError:
        return {}
    return held if isinstance(held, dict) else {}


def _working(env: Env, unit: Path) -> list[Path]:
    """The folder that a service runs in."""
    try:
        text = (env.read_bytes(unit) or b"").decode("utf-8", "replace")
    except SkillClawError:
        return []
    given = [(found["unit"] or found["plist"]).strip().strip('"') for found in WORKING.finditer(text)]
    return [Path(path.replace("%h", str(env.home), 1)) for path in given]


def _reaches(env: Env) -> bool:
    """Whether `host.docker.internal` leads to this machine's own loopback: Docker Desktop, and on macOS and
    Windows what stands in for it."""
    if not sys.platform.startswith("linux"):
        return True
    path = env.home / ".docker" / "config.json"
    try:
        context = edits.get_key(path, env.read_bytes(path), "json", ("currentContext",))[1]
    except SkillClawError:
        return False
    return "desktop-linux" in (env.environ.get("DOCKER_CONTEXT") or context,)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


ADAPTER = NanoClaw()
