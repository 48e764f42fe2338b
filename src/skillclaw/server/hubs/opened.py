"""The hubs of this machine: the personal one, then each group's in the order of the settings.

Each is opened once in a process, so that a later poll is one request; one that fails is opened anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from skillclaw import settings as settings_module
from skillclaw.errors import SkillClawError, StorageError, UsageError, VerifyError
from skillclaw.hub.arms import block
from skillclaw.hub.taken import as_wanted
from skillclaw.hub.unapproved import by_person
from skillclaw.library.choose import HubView, canary_share
from skillclaw.library.objects import ObjectCache
from skillclaw.library.past import past
from skillclaw.server.hubs.approved import check_approved, client_policy
from skillclaw.server.machine import PERSONAL
from skillclaw.skills import bundle as bundles

if TYPE_CHECKING:
    from skillclaw.hub import Hub, HubState, Release
    from skillclaw.server.machine import Machine
    from skillclaw.settings import Settings
    from skillclaw.skills.records import Bundle

__all__ = ["Hubs", "Source"]


@dataclass(frozen=True)
class Source:
    """One hub as it could be read: `state` is None where it could not, and `error` says why."""

    name: str
    hub: Hub | None = None
    state: HubState | None = None
    error: SkillClawError | None = None


class Hubs:
    """The hubs of one machine, with what was last read of each. By `clock` goes which canaries are there."""

    def __init__(self, machine: Machine, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.machine = machine
        self.clock = clock
        self._cache = ObjectCache(machine.home / "objects")
        self._opened: dict[tuple[str, str], Hub] = {}
        self._last: dict[str, HubState] = {}
        self._asked: set[str] = set()
        self._remotes: dict[str, tuple[int, str]] = {}

    def names(self) -> list[str]:
        """The hubs in the order of precedence, by the settings as they are now."""
        return self._names(self.settings())

    def source(self, name: str) -> Source:
        """One hub, read now; UsageError where none has the name. What keeps it from being read is in it."""
        settings = self.settings()
        if name not in self._names(settings):
            raise UsageError(
                f"There is no hub {name!r}.",
                f"Known: {', '.join(self._names(settings))}.",
                "Join one: skillclaw hub join INVITE",
            )
        return self._read(settings, name)

    def sources(self, due: Collection[str] | None = None) -> list[Source]:
        """Every hub in the order of precedence. Where `due` names some, the others are as they were last
        read: without a request, and unreadable where they never were."""
        settings = self.settings()
        found = []
        for name in self._names(settings):
            if due is None or name in due:
                found.append(self._read(settings, name))
            else:
                found.append(Source(name=name, hub=self._known(settings, name), state=self._last.get(name)))
        return found

    def view(self, source: Source) -> HubView:
        """The hub as a sync takes it in: releases' files from this machine where they are here already, each
        with the approvals that its policy asks for."""
        hub, state = source.hub, source.state
        if hub is None or state is None:
            canaries = self.settings().sync.canary
            return HubView(name=source.name, state=None, fetch=_nothing, canaries=canaries)
        group = source.name != PERSONAL

        def plain(release: Release) -> Bundle:
            return self.bundle(hub, release)

        def fetch(release: Release) -> Bundle:
            found = plain(release)
            policy = client_policy(state, release.skill, group=group)
            lay = past(self.machine.home).had(state.group, release.skill, release.version)
            lay = lay and by_person(state, release)
            check_approved(state, release, found, policy, plain, lay_here=lay)
            return found

        return HubView(
            name=source.name,
            state=as_wanted(state),
            fetch=fetch,
            base=plain,
            projects=self._projects(state) if group else None,
            # on a personal hub sessions know this machine by its installation
            client=self._client(hub, state) if group else self.machine.identity.client,
            canary=canary_share(state.settings, _clients(state)) if group else 1.0,
            day=block(self.clock()),
            canaries=self.settings().sync.canary,
        )

    def object(self, hub: Hub, name: str) -> bytes:
        """An object of the hub, fetched only where it is not on this machine; its bytes hash to its name.
        Raises as `Hub.get_object`."""
        folder = hub.store.folder
        if folder is not None and folder.is_relative_to(self.machine.home):
            return hub.get_object(name)  # the hub is on this machine
        data = self._cache.get(name)
        if data is None:
            data = hub.get_object(name)
            self._cache.put(name, data)
        return data

    def bundle(self, hub: Hub, release: Release) -> Bundle:
        """The files of `release`, with the version checked. Raises as `Hub.get_bundle`."""
        bundle = bundles.unpack(self.object(hub, release.object), release.skill)
        if bundles.version(bundle) != release.version:
            raise VerifyError(
                f"Release {release.version[:16]} of {release.skill} is not what its object holds.",
                "The version does not match the files.",
                "It is not installed. Tell the group's owner.",
            )
        return bundle

    def at_hand(self) -> list[Source]:
        """The groups' hubs as they were last read in this process, each asked once where it was not: for what
        must not wait for storage again and again. Those that could not be read are left out."""
        settings = self.settings()
        found = []
        for name in self._names(settings)[1:]:
            if name not in self._last and name not in self._asked:
                self._asked.add(name)
                self._read(settings, name)
            if name in self._last:
                found.append(Source(name=name, hub=self._known(settings, name), state=self._last[name]))
        return found

    def text(self, hub: Hub, release: Release, *, fetch: bool) -> str | None:
        """SKILL.md of `release` where it is on this machine; else, with `fetch`, from the hub. None where it
        cannot be had."""
        try:
            data = self._cache.get(release.object)
            if data is None and not fetch:
                return None
            bundle = self.bundle(hub, release)
        except SkillClawError:
            return None
        main = next((file.data for file in bundle.files if file.path == "SKILL.md"), None)
        return None if main is None else main.decode("utf-8", "replace")

    def settings(self) -> Settings:
        """The settings as they are now: a process that runs for days read them when it began."""
        return settings_module.load(self.machine.home, self.machine.environ)

    def _names(self, settings: Settings) -> list[str]:
        from skillclaw.server.sharing.view import hub_names

        return [PERSONAL, *hub_names(settings)]

    def _read(self, settings: Settings, name: str) -> Source:
        self._last.pop(name, None)
        try:
            if name == PERSONAL:
                hub = self.machine.hub
                state = hub.state()
            elif (known := self._opened.get((name, settings.hubs[name].url))) is not None:
                hub = known
                state = hub.state()
            else:
                from skillclaw.server.sharing.view import open_hub

                opened = open_hub(self.machine, settings, name)
                hub, state = opened.hub, opened.state
                self._opened[name, settings.hubs[name].url] = hub
            _check_there(hub)
        except SkillClawError as error:
            for key in [key for key in self._opened if key[0] == name]:
                del self._opened[key]
            return Source(name=name, error=error)
        self._last[name] = state
        return Source(name=name, hub=hub, state=state)

    def _known(self, settings: Settings, name: str) -> Hub | None:
        if name not in self._last:
            return None
        return self.machine.hub if name == PERSONAL else self._opened.get((name, settings.hubs[name].url))

    def _client(self, hub: Hub, state: HubState) -> str:
        """Who this machine is in the group: the key that its member began with, so that a new key draws no
        canary anew; before it has one, this installation."""
        from skillclaw.hub import keys

        key = keys.load(self.machine.home / "keys", hub.info.group, "member")
        if key is None:
            return self.machine.identity.client
        known = state.keys.get(keys.public_hex(key))
        return known.member if known is not None else keys.public_hex(key)

    def _projects(self, state: HubState) -> frozenset[str]:
        """The group's ids of the projects that sessions of this machine were in; looked up only where some
        release is of one project, since it reads every session that is new."""
        from skillclaw.trajectory.projects import group_project_id

        scoped = (r.scope == "project" for skill in state.skills.values() for r in skill.releases)
        if not any(scoped) or not (self.machine.home / "sessions.db").exists():
            return frozenset()
        from skillclaw.server.sharing.view import remotes

        now = self.machine.sessions.changes()
        self._remotes = {key: known for key, known in self._remotes.items() if now.get(key) == known[0]}
        new = [key for key in now if key not in self._remotes]
        self._remotes |= {key: (now[key], remote) for key, remote in remotes(self.machine, new)}
        return frozenset(group_project_id(state.group, r) for _, r in self._remotes.values() if r)


def _clients(state: HubState) -> int:
    """How many members the group has whose key counts."""
    return len({key.member for key in state.keys.values() if key.active and key.role == "member"})


def _check_there(hub: Hub) -> None:
    """A folder that is gone, such as a share that is not mounted, would look like a log without news."""
    if hub.store.folder is not None and not (hub.store.folder / "hub.json").exists():
        raise StorageError(
            f"There is no hub at {hub.url} now.",
            "It has no hub.json.",
            "If it lies on a share or another disk: see that it is mounted.",
        )


def _nothing(release: Release) -> Bundle:
    raise AssertionError(f"nothing is fetched from a hub that could not be read ({release.skill})")
