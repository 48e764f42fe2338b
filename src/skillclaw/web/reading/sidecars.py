"""What lists need of releases' evidence, read once for each object: an object never changes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from skillclaw.errors import UNREADABLE, SkillClawError
from skillclaw.formats import stop_at_newer
from skillclaw.skills.frontmatter import split
from skillclaw.skills.items import DESCRIPTION
from skillclaw.skills.records import SIDECAR_FORMAT
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub import Hub, Release
    from skillclaw.server.machine import Machine

__all__ = ["Seen", "Sidecars", "Support"]

MOST = 20_000
"""Objects that are remembered."""


class Seen(Record, frozen=True, kw_only=True, gc=False):
    """A session that something rests on."""

    session: str
    user: str
    agent: str


class Support(NamedTuple):
    """What a release rests on, each session once, and what it says."""

    refs: tuple[Seen, ...]
    description: str
    words: str


class _Item(Record, frozen=True, kw_only=True):
    text: str
    section: str = ""
    evidence: list[Seen] = []


class _Sidecar(Record, frozen=True, kw_only=True):
    items: list[_Item] = []


_decoder = msgspec.json.Decoder(_Sidecar)
_DESCRIBED = re.compile(r"^description:[ \t]*[\"']?(.{1,1024}?)[\"']?[ \t]*\r?$", re.MULTILINE)


class Sidecars:
    """Remembers what was read, by the object's name. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: dict[str, Support] = {}

    def of(self, machine: Machine, hub: Hub, release: Release) -> Support | None:
        """What this release rests on; None where its objects cannot be had now."""
        name = release.sidecar or release.object
        known = self._known.get(name)
        if known is None:
            try:
                known = _read(machine, hub, release)
            except (SkillClawError, *UNREADABLE):
                return None
            if len(self._known) >= MOST:
                self._known = {}
            self._known[name] = known
        return known


def _read(machine: Machine, hub: Hub, release: Release) -> Support:
    if release.sidecar is None:  # a person released it: what it says is in its text alone
        return _told(machine, hub, release)
    data = machine.hubs.object(hub, release.sidecar)
    stop_at_newer(data, "what a skill's version rests on", SIDECAR_FORMAT)
    items = _decoder.decode(data).items  # a part of it alone: lists read many
    refs = tuple({ref.session: ref for item in items for ref in item.evidence}.values())
    described = next((item.text for item in items if item.section == DESCRIPTION), "")
    return Support(refs, described, "\n".join(item.text for item in items))


def _told(machine: Machine, hub: Hub, release: Release) -> Support:
    files = machine.hubs.bundle(hub, release).files
    main = next((file.data for file in files if file.path == "SKILL.md"), b"").decode("utf-8", "replace")
    found = _DESCRIBED.search(split(main)[0])
    return Support((), found[1] if found else "", main)
