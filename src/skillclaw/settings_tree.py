"""The one typed settings tree: every setting with its type and default.

Sections that know much of their own lie in files of theirs; `settings` reads and checks the tree.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from skillclaw.settings_evolve import EvolveSettings, Positive, Section
from skillclaw.settings_gate import GateSettings
from skillclaw.settings_log import LogSettings
from skillclaw.settings_serve import Port, ServeSettings
from skillclaw.settings_upstreams import AgentSettings, UpstreamSettings
from skillclaw.settings_web import DashboardSettings

__all__ = [
    "PORT",
    "GroupHubSettings",
    "HubSettings",
    "JournalSettings",
    "ProxySettings",
    "RedactSettings",
    "Settings",
    "ShareSettings",
    "SyncSettings",
]

Sharing = Literal["off", "redacted"]


PORT = 8787
"""Where the proxy listens, unless the settings say otherwise."""


class ProxySettings(Section, frozen=True, kw_only=True):
    """`proxy.*`. Times in seconds."""

    port: Port = PORT
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
