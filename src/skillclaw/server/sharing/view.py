"""What the decision to share is made from: settings, grants, hubs and sessions of this machine, gathered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from skillclaw import settings as settings_module
from skillclaw import zstd
from skillclaw.errors import UNREADABLE, SkillClawError, UsageError, VerifyError
from skillclaw.journal.grants import load_grants, save_grants
from skillclaw.journal.share_rules import Grant, HubView, Subject, observe
from skillclaw.server.machine import PERSONAL
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub import Hub, HubState
    from skillclaw.journal.records import SessionRow
    from skillclaw.server.machine import Machine
    from skillclaw.settings import Settings

__all__ = ["OpenHub", "bound", "clock", "current", "hub_names", "open_hub", "regrant", "remotes", "subjects"]


class OpenHub(Record, frozen=True, kw_only=True):
    """A group's hub that could be read: the hub, its state, and what the decision needs of it."""

    hub: Any
    state: Any
    view: HubView


class _Env(msgspec.Struct):
    git_remote: str = ""


class _Own(msgspec.Struct):
    env: _Env = msgspec.field(default_factory=_Env)


class _Extra(msgspec.Struct):
    skillclaw: _Own = msgspec.field(default_factory=_Own)


class _Head(msgspec.Struct):
    """The part of a stored session that tells its remote; the rest is skipped while decoding."""

    extra: _Extra = msgspec.field(default_factory=_Extra)


_head = msgspec.json.Decoder(_Head)


def clock() -> str:
    """Now, as records have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def current(machine: Machine) -> tuple[Settings, dict[str, Grant]]:
    """Settings and grants as of now, read anew: a running process must not share on what it read before.

    A rule that was not seen before is noted with the time, so that it does not reach back.
    """
    settings = settings_module.load(machine.home, machine.environ)
    before = load_grants(machine.home)
    now = clock()
    grants = observe(settings.share, before, now, lambda: _ahead(machine, now))
    if grants != before and (before or settings.share != settings_module.ShareSettings()):
        save_grants(machine.home, grants)
    return settings, grants


def _ahead(machine: Machine, now: str) -> list[str]:
    """The keys of sessions that are here and say that they began after `now`."""
    if not (machine.home / "sessions.db").exists():
        return []
    return [row.id for row in machine.sessions.rows(native=False) if row.started > now]


def regrant(machine: Machine, grants: dict[str, Grant]) -> None:
    """Remember `grants` in place of what was."""
    save_grants(machine.home, grants)


def hub_names(settings: Settings) -> list[str]:
    """The groups' hubs that this machine knows, in the order of the settings."""
    return [name for name, hub in settings.hubs.items() if hub.url]


def open_hub(machine: Machine, settings: Settings, name: str) -> OpenHub:
    """The group's hub of this name. UsageError where there is none; StorageError, VerifyError as `Hub`.

    The personal hub is never one of a group: sessions stay on this machine for it.
    """
    from skillclaw.hub import Hub
    from skillclaw.hub.seen import load_seen
    from skillclaw.hub.store import plain

    given = settings.hubs.get(name)
    if name == PERSONAL or given is None or not given.url:
        known = ", ".join(hub_names(settings)) or "none"
        raise UsageError(
            f"There is no group's hub {name!r}.",
            f"Known: {known}. The personal hub gets no sessions.",
            "Join one: skillclaw hub join INVITE",
        )
    seen = machine.home / "hubs.json"
    hub = Hub.open(given.url, machine.home / "keys", seen)
    own = plain(machine.hub_url)
    if plain(given.url) == own or load_seen(seen).urls.get(own) == hub.info.group:
        raise VerifyError(
            f"Hub {name} is the personal hub of this machine.",
            "No session is ever sent there.",
            f"Set hubs.{name}.url to the group's hub.",
        )
    return OpenHub(hub=hub, state=hub.state(), view=HubView(name=name, group=hub.info.group))


def group_of(machine: Machine, name: str) -> str | None:
    """The group that was seen at the hub of this name; the hub itself is not asked."""
    from skillclaw.hub.seen import load_seen
    from skillclaw.hub.store import plain

    # without the record of consent, which may be damaged: taking back needs none
    hub = settings_module.load(machine.home, machine.environ).hubs.get(name)
    return load_seen(machine.home / "hubs.json").urls.get(plain(hub.url)) if hub and hub.url else None


def name_of(machine: Machine, group: str, was: str) -> str | None:
    """What the hub of `group`, which `was` called so, is called here now; None where it is not known here."""
    named = settings_module.load(machine.home, machine.environ).hubs
    return next((name for name in (was, *named) if group_of(machine, name) == group), None)


def bound(machine: Machine, opened: OpenHub, grants: dict[str, Grant]) -> OpenHub:
    """The hub with the group's rules and the grants; a permission for no group yet is for this one."""
    name = f"hubs.{opened.view.name}"
    grant = grants.get(name)
    if grant is not None and grant.value == "redacted" and not grant.group:
        # Opening a hub may take long: what was read before it must not undo what the user said meanwhile.
        grants |= current(machine)[1]
        grant = grants[name]
    if grant is not None and grant.value == "redacted" and not grant.group:
        grants[name] = msgspec.structs.replace(grant, group=opened.view.group)
        save_grants(machine.home, grants)
    state: HubState = opened.state
    hub: Hub = opened.hub
    view = HubView(name=opened.view.name, group=hub.info.group, settings=state.settings, grants=grants)
    return OpenHub(hub=hub, state=state, view=view)


def subjects(
    machine: Machine, rows: Iterable[SessionRow], *views: HubView
) -> Iterator[tuple[SessionRow, Subject]]:
    """The sessions of these rows as the decision sees them, for hubs with these views.

    Git remotes are looked up, which reads every session, only where a rule here or in a hub names one.
    """
    rows = list(rows)
    marks = machine.outbox.marks()
    wanted = _names_remotes(machine, views)
    now = clock()
    known = dict(remotes(machine, [row.id for row in rows])) if wanted else {}
    for row in rows:
        mark, asked = marks.get(row.id, ("", ""))
        yield (
            row,
            Subject(
                key=row.id,
                agent=row.agent,
                project=row.project,
                remote=known.get(row.id, ""),
                started=row.started,
                other=row.source == "import" and row.user != machine.user,
                mark=mark,
                asked=asked,
                ahead=row.started > now,
            ),
        )


def _names_remotes(machine: Machine, views: Iterable[HubView]) -> bool:
    names = [*current(machine)[0].share.projects]
    for view in views:
        names += view.grants
        share = view.settings.get("share")
        projects = share.get("projects") if isinstance(share, dict) else None
        names += [str(name) for name in projects] if isinstance(projects, dict) else []
    return any("/" in name for name in names)


def remotes(machine: Machine, keys: list[str]) -> Iterator[tuple[str, str]]:
    """The git remote (`host/path`) of each of these sessions; empty where it has none. Reads each session."""
    for key, _, body in machine.sessions.bodies(keys):
        try:
            yield key, _head.decode(zstd.decompress(body)).extra.skillclaw.env.git_remote
        except (zstd.Damaged, *UNREADABLE) as error:
            raise SkillClawError(f"Session {key} is damaged.", str(error), "See: skillclaw doctor") from error
