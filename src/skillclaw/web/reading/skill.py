"""One skill of one hub: its text with what each line rests on, its versions, its rollout, who uses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillclaw.errors import BadInputError
from skillclaw.evolve.counts import latest
from skillclaw.library.choose import choose
from skillclaw.server.skills.naming import Found, find_skill
from skillclaw.server.skills.reports import evolver_home, sidecar_of
from skillclaw.skills.frontmatter import parse, split
from skillclaw.skills.items import placed_items, placed_lines
from skillclaw.skills.records import Bundle, Effect, Item, Ref
from skillclaw.web.reading.skills import last_effect, shown_release

if TYPE_CHECKING:
    from skillclaw.hub import Release
    from skillclaw.library.records import Row
    from skillclaw.server.machine import Machine
    from skillclaw.skills.frontmatter import Head

__all__ = ["Line", "Rollout", "SkillView", "TextFile", "find", "read_skill", "skill_text"]

LARGEST_FILE = 200_000
ALL_FILES = 400_000
MOST_LINES = 2000
"""Bytes of a file that is shown beside SKILL.md, and of all of them; lines whose evidence is told."""


@dataclass(frozen=True)
class Line:
    """An item of the skill where it stands (`place`: the block; -1: the description), and what it rests on.
    Evidence is one reference for each session, the newest first."""

    item: Item
    path: str
    place: int
    evidence: list[Ref]
    users: int

    @property
    def id(self) -> str:
        """Its id, as pages anchor it."""
        return self.item.id if self.item.id.isalnum() else ""


@dataclass(frozen=True)
class TextFile:
    """Another file of the bundle; `text` is None where it is no text, or too large to be shown."""

    path: str
    size: int
    executable: bool
    text: str | None
    markdown: bool = False


@dataclass(frozen=True)
class Rollout:
    """Where the version stands: `arm` as in `library.choose`; `share`: the part of the days on which a client
    has a canary; `effect`: what was measured last."""

    stage: str
    share: float | None
    arm: str
    effect: Effect | None


@dataclass(frozen=True)
class SkillView:
    """All that the page of a skill shows, but for versions and uses, which are asked for apart."""

    found: Found
    release: Release
    bundle: Bundle
    head: Head | None
    raw_head: str
    body: str
    lines: list[Line]
    files: list[TextFile]
    rollout: Rollout
    installed: list[Row]
    sessions: int
    users: int
    agents: list[str] = field(default_factory=list)

    @property
    def own(self) -> int:
        """Lines that a person wrote, which rest on no session."""
        return sum(not line.evidence for line in self.lines)


def find(machine: Machine, hub: str, name: str) -> Found:
    """The skill of that name in that hub. BadInputError, UsageError, and what reading the hub raises."""
    return find_skill(machine, f"{hub}/{name}")


def read_skill(machine: Machine, hub: str, name: str) -> SkillView:
    """The current version of a skill, else its last one. Raises as `find`, and what reading objects does."""
    found = find(machine, hub, name)
    release = shown_release(found.skill)
    if release is None:
        raise BadInputError(f"{name} was never released.")
    bundle = machine.hubs.bundle(found.hub, release)
    sidecar = sidecar_of(machine, found.hub, found.state, release)
    items = latest(evolver_home(machine, found), sidecar.items if sidecar is not None else [])
    main = skill_text(bundle)
    head, raw = _head(main)
    files = _files(bundle)
    lines = _lines(_within(bundle, files), items, whole=head is not None)
    refs = [ref for line in lines for ref in line.evidence]
    rows = machine.library.status({(hub, name)})
    copies = [row for row in rows if row.target]
    choice = choose(found.skill, machine.hubs.view(found.source), has_copy=bool(copies))
    return SkillView(
        found=found,
        release=release,
        bundle=bundle,
        head=head,
        raw_head=raw,
        body=split(main)[1],
        lines=lines,
        files=files,
        rollout=Rollout(found.skill.stage, release.share, choice.arm, last_effect(release)),
        installed=rows,
        sessions=len({ref.session for ref in refs}),
        users=len({ref.user for ref in refs}),
        agents=sorted({ref.agent for ref in refs}),
    )


def skill_text(bundle: Bundle) -> str:
    """SKILL.md; what is no UTF-8 in it is replaced."""
    data = next((file.data for file in bundle.files if file.path == "SKILL.md"), b"")
    return data.decode("utf-8", "replace")


def _head(text: str) -> tuple[Head | None, str]:
    try:
        return parse(text)[0], ""
    except BadInputError:
        return None, split(text)[0]


def _within(bundle: Bundle, files: Sequence[TextFile]) -> Bundle:
    """The files whose lines are told: those that are shown, and SKILL.md where it is no larger than they may
    be. Finding the lines of more takes minutes."""
    shown = {file.path for file in files if file.text is not None}
    kept = [
        file
        for file in bundle.files
        if file.path in shown or (file.path == "SKILL.md" and len(file.data) <= LARGEST_FILE)
    ]
    return Bundle(name=bundle.name, files=kept)


def _lines(bundle: Bundle, items: Sequence[Item], *, whole: bool) -> list[Line]:
    placed = placed_items(bundle, items) if whole else placed_lines(bundle, items)
    found = []
    for path, place, item in placed[:MOST_LINES]:
        newest = sorted(item.evidence, key=lambda ref: (ref.day, ref.session), reverse=True)
        once = {ref.session: ref for ref in reversed(newest)}
        evidence = [ref for ref in newest if once[ref.session] is ref]
        found.append(Line(item, path, place, evidence, len({ref.user for ref in evidence})))
    return found


def _files(bundle: Bundle) -> list[TextFile]:
    found = []
    left = ALL_FILES
    for file in bundle.files:
        if file.path == "SKILL.md":
            continue
        text: str | None = None
        if len(file.data) <= min(left, LARGEST_FILE) and b"\0" not in file.data:
            try:
                text = file.data.decode("utf-8")
            except UnicodeDecodeError:
                text = None
        left -= len(file.data) if text is not None else 0
        markdown = text is not None and file.path.lower().endswith(".md")
        found.append(TextFile(file.path, len(file.data), file.executable, text, markdown))
    return found
