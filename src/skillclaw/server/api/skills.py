"""Skills of a group as the API tells them, and why a line of one exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import BadInputError, UpgradeNeededError
from skillclaw.server.api import models
from skillclaw.server.api.errors import ApiError
from skillclaw.server.api.proposals import approvals, files, item, items, votes
from skillclaw.server.skills.story import stories
from skillclaw.skills.frontmatter import parse, split
from skillclaw.skills.items import Placed, blocks, markdown, placed_items
from skillclaw.skills.records import Sidecar, record_in

if TYPE_CHECKING:
    from skillclaw.hub import Release, SkillState
    from skillclaw.server.api.desk import Opened
    from skillclaw.skills.records import Bundle

__all__ = ["detail", "log_page", "row", "rows", "why_item", "why_line"]

TEXT = 200_000
"""Characters of a SKILL.md that are shown."""
FAR = 200
"""Versions that are looked through for the first that had a line."""


def rows(opened: Opened, *, after: str | None, limit: int) -> models.Page[models.Skill]:
    """A page of skills by name; `after` is the last name that was seen."""
    found = sorted(
        (skill for name, skill in opened.state.skills.items() if after is None or name > after),
        key=lambda skill: skill.name,
    )
    page = [row(skill) for skill in found[:limit]]
    return models.Page(items=page, next=found[limit - 1].name if len(found) > limit else None)


def row(skill: SkillState) -> models.Skill:
    """A skill in a line."""
    return models.Skill.model_validate(_facts(skill))


def _facts(skill: SkillState) -> dict[str, object]:
    return {
        "name": skill.name,
        "current": skill.current,
        "stage": skill.stage,
        "pinned": skill.pinned,
        "versions": len({release.version for release in skill.releases}),
    }


def detail(opened: Opened, skill: SkillState) -> models.SkillDetail:
    """A skill with its current text."""
    facts = _facts(skill) | {"description": "", "text": "", "files": [], "engine": "", "items": []}
    release = skill.release(skill.current) if skill.current else None
    if release is not None:
        bundle = opened.machine.hubs.bundle(opened.hub, release)
        text = markdown(bundle).get("SKILL.md", "")
        sidecar = _sidecar(opened, release)
        facts |= {
            "description": _description(text),
            "text": text[:TEXT],
            "files": files(bundle),
            "engine": sidecar.engine,
            "items": items(placed.item for placed in _placed(bundle, sidecar)),
        }
    return models.SkillDetail.model_validate(facts)


def log_page(opened: Opened, skill: SkillState, *, after: int | None, limit: int) -> models.Page[models.Line]:
    """A page of a skill's versions with their stories, newest first."""
    found = [one for one in reversed(skill.releases) if after is None or one.seq < after]
    page = models.of_all(models.Line, stories(opened.machine, opened.hub, opened.state, skill, found[:limit]))
    return models.Page(items=page, next=str(found[limit - 1].seq) if len(found) > limit else None)


def why_item(
    opened: Opened, skill: SkillState, item_id: str, patterns: Mapping[str, models.Pattern]
) -> models.Why:
    """Why the item with this id is in the current version."""
    release, bundle, sidecar = _current(opened, skill)
    for placed in _placed(bundle, sidecar):
        if placed.item.id == item_id:
            return _why(opened, skill, release, bundle, placed, patterns)
    raise ApiError(404, "The current version has no such item.", "", f"See them: skills/{skill.name}")


def why_line(
    opened: Opened, skill: SkillState, line: int, file: str, patterns: Mapping[str, models.Pattern]
) -> models.Why:
    """Why line `line` (from 1) of a file is in the current version."""
    release, bundle, sidecar = _current(opened, skill)
    for placed in _placed(bundle, sidecar):
        first, last = _lines(bundle, placed)
        if placed.path == file and first <= line <= last:
            return _why(opened, skill, release, bundle, placed, patterns)
    raise ApiError(
        404,
        "No item stands in this line.",
        "It is a heading, an empty line, text between items, or behind the file's end.",
        f"See the items: skills/{skill.name}",
    )


def _why(
    opened: Opened,
    skill: SkillState,
    release: Release,
    bundle: Bundle,
    placed: Placed,
    patterns: Mapping[str, models.Pattern],
) -> models.Why:
    from skillclaw.evolve.counts import latest
    from skillclaw.server.groups.collecting import group_folder

    first, _ = _lines(bundle, placed)
    (counted,) = latest(group_folder(opened.machine, opened.hub.info.group), [placed.item])
    known = [
        models.of(models.Known, patterns[name].model_dump()) if name in patterns else models.Known(id=name)
        for name in counted.patterns
    ]
    return models.Why(
        skill=skill.name,
        version=release.version,
        file=placed.path,
        line=first,
        item=item(counted),
        patterns=known,
        origin=_origin(opened, skill, release, placed.item.id),
    )


def _origin(opened: Opened, skill: SkillState, current: Release, item_id: str) -> models.Origin:
    """Back along the versions to the first that had the item without a break; what was decided of that."""
    since, sidecar = current, _sidecar(opened, current)
    engine = sidecar.engine
    for _ in range(FAR):
        base = skill.release(since.base) if since.base is not None else None
        if base is None or base.seq >= since.seq:
            break
        older = _sidecar(opened, base)
        if item_id not in {one.id for one in older.items}:
            break
        since, engine = base, older.engine
    state = opened.state.proposals.get(since.proposal) if since.proposal is not None else None
    why = ""
    if state is not None:
        from skillclaw.hub.proposing import recorded

        why = recorded(opened.hub, state).why
    return models.Origin(
        version=since.version,
        time=since.time,
        stage=since.stage,
        engine=engine,
        proposal=since.proposal,
        action=state.action if state is not None else None,
        why=why,
        verdicts=models.of_all(models.Reason, state.verdicts if state is not None else ()),
        approved_by=approvals(opened.state, state) if state is not None else [],
        voted=votes(opened.state, state) if state is not None else [],
    )


def _current(opened: Opened, skill: SkillState) -> tuple[Release, Bundle, Sidecar]:
    release = skill.release(skill.current) if skill.current else None
    if release is None:
        raise ApiError(404, "The skill has no current version.", "", f"See: skills/{skill.name}/log")
    return release, opened.machine.hubs.bundle(opened.hub, release), _sidecar(opened, release)


def _sidecar(opened: Opened, release: Release) -> Sidecar:
    """What a version rests on, without what was taken back since; empty where it has none."""
    if release.sidecar is None:
        return Sidecar(skill=release.skill, version=release.version)
    try:
        found = record_in(opened.machine.hubs.object(opened.hub, release.sidecar), Sidecar)
    except UpgradeNeededError:
        raise
    except BadInputError as error:
        raise BadInputError(f"What version {release.version[:16]} rests on cannot be read.") from error
    gone = set(opened.state.tombstones)
    kept = [
        msgspec.structs.replace(one, evidence=[ref for ref in one.evidence if ref.session not in gone])
        for one in found.items
    ]
    return msgspec.structs.replace(found, items=kept)


def _placed(bundle: Bundle, sidecar: Sidecar) -> list[Placed]:
    try:
        return placed_items(bundle, sidecar.items)
    except BadInputError:  # no frontmatter that says anything: lines still have their evidence
        from skillclaw.skills.items import placed_lines

        return placed_lines(bundle, sidecar.items)


def _description(text: str) -> str:
    try:
        return parse(text)[0].description
    except BadInputError:
        return ""


def _lines(bundle: Bundle, placed: Placed) -> tuple[int, int]:
    """The first and the last line, from 1, where an item stands. The description is the whole head."""
    head, body = split(markdown(bundle)[placed.path])
    above = head.count("\n")
    if placed.place < 0:
        return 1, above
    parts = blocks(body)
    first = above + sum(part.raw.count("\n") for part in parts[: placed.place]) + 1
    raw = parts[placed.place].raw
    return first, first + max(raw.rstrip("\n").count("\n"), 0)
