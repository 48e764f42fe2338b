"""Skills and the evidence behind their lines, found by words: for programs, and for agents by MCP.

Excerpts are of this machine's own sessions alone, never of those that a group's members sealed to its
evolver, and masked anew with what redaction knows now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from skillclaw.errors import BadInputError, UsageError
from skillclaw.server.machine import PERSONAL
from skillclaw.server.review.reviewing import texts_of
from skillclaw.server.sharing.reasons import withheld
from skillclaw.server.skills.reports import sidecar_of
from skillclaw.skills.retrieval import Entry, Index
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub import Hub, HubState, Release
    from skillclaw.server.machine import Machine
    from skillclaw.skills.records import Item

__all__ = ["Excerpts", "LineExcerpt", "LineHit", "SkillHit", "search_lines", "search_skills"]

Excerpts = Literal["none", "shared", "own"]
"""Which sessions excerpts are given of: none; those that the rules of sharing (`share.agents`,
`share.projects`, `share.default`) let out redacted; all of the user's own, but for those marked `never`."""
MOST = 50
"""Hits at most."""
LONGEST = 4000
"""Characters of a query."""
SHOWN = 2
"""Sessions of a line of which an excerpt is given."""


class SkillHit(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A skill that a query brings up; `score` is how alike they are (0 to 1)."""

    name: str
    hub: str
    description: str
    stage: str
    version: str
    score: float


class LineExcerpt(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A part of a session that a line rests on: `text` is masked and cut short, null where it may not be
    given, for the reason in `withheld`."""

    session: str
    agent: str
    day: str
    success: bool | None
    text: str | None
    withheld: str = ""


class LineHit(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A line of a released skill, with how many sessions of how many people stand behind it."""

    skill: str
    hub: str
    version: str
    item: str
    text: str
    sessions: int
    users: int
    odds_ratio: float | None
    ci: tuple[float, float] | None
    score: float
    excerpts: list[LineExcerpt] = []


def search_skills(machine: Machine, query: str, limit: int = 10) -> list[SkillHit]:
    """The skills that are available now and most like `query`. UsageError for a query that is none."""
    _check(query, limit)
    known: dict[str, SkillHit] = {}
    entries = []
    for name, hub, state, release in _current(machine):
        sidecar = sidecar_of(machine, hub, state, release)
        described = (
            next((one.text for one in sidecar.items if one.section == "description"), "") if sidecar else ""
        )
        described = described or _described(machine, hub, release)
        shown = f"{name}/{release.skill}"
        known[shown] = SkillHit(
            name=release.skill,
            hub=name,
            description=described,
            stage=release.stage,
            version=release.version,
            score=0,
        )
        entries.append(Entry(name=shown, description=f"{release.skill.replace('-', ' ')}. {described}"))
    hits = Index(entries).ranked(query)[:limit]
    return [_scored(known[hit.name], hit.score) for hit in hits]


def _scored(hit: SkillHit, score: float) -> SkillHit:
    from msgspec.structs import replace

    return replace(hit, score=score)


def search_lines(
    machine: Machine, query: str, limit: int = 10, *, excerpts: Excerpts = "none"
) -> list[LineHit]:
    """The lines of available skills that have evidence and are most like `query`."""
    _check(query, limit)
    found: dict[str, tuple[str, Release, Item, HubState]] = {}
    entries = []
    for name, hub, state, release in _current(machine):
        sidecar = sidecar_of(machine, hub, state, release)
        for item in sidecar.items if sidecar else ():
            if item.evidence:
                key = f"{len(found):06}"
                found[key] = (name, release, item, state)
                entries.append(Entry(name=key, description=f"{release.skill.replace('-', ' ')}. {item.text}"))
    hits = []
    for hit in Index(entries).ranked(query)[:limit]:
        name, release, item, state = found[hit.name]
        hits.append(
            LineHit(
                skill=release.skill,
                hub=name,
                version=release.version,
                item=item.id,
                text=item.text,
                sessions=len({ref.session for ref in item.evidence}),
                users=len({ref.user for ref in item.evidence}),
                odds_ratio=item.odds_ratio,
                ci=item.ci,
                score=hit.score,
                excerpts=_excerpts(machine, name, state, item, excerpts) if excerpts != "none" else [],
            )
        )
    return hits


def _excerpts(machine: Machine, hub: str, state: HubState, item: Item, which: Excerpts) -> list[LineExcerpt]:
    refs = list({ref.session: ref for ref in item.evidence}.values())[:SHOWN]
    reasons = {ref.session: "it is not a session of this machine's own hub" for ref in refs}
    if hub == PERSONAL:
        reasons = _reasons(machine, [ref.session for ref in refs], which)
    given = [ref for ref in refs if not reasons.get(ref.session)]
    texts = texts_of(machine, None, state, given) if given else {}
    return [
        LineExcerpt(
            session=ref.session,
            agent=ref.agent,
            day=ref.day,
            success=ref.success,
            text=texts.get(ref.session),
            withheld=reasons.get(ref.session)
            or ("" if ref.session in texts else "it is not on this machine"),
        )
        for ref in refs
    ]


def _reasons(machine: Machine, wanted: list[str], which: Excerpts) -> dict[str, str]:
    """By session why nothing of it may be given; empty where it may."""
    rows = [row for key in wanted for row in machine.sessions.rows(key=key)]
    missing = dict.fromkeys(wanted, "it is not on this machine")
    return missing | withheld(machine, rows, own=which == "own")


def _current(machine: Machine) -> list[tuple[str, Hub, HubState, Release]]:
    """The current release of every skill of every hub that could be read."""
    found = []
    for source in machine.hubs.sources():
        if source.hub is None or source.state is None:
            continue
        for _, skill in sorted(source.state.skills.items()):
            release = skill.release(skill.current) if skill.current else None
            if release is not None:
                found.append((source.name, source.hub, source.state, release))
    return found


def _described(machine: Machine, hub: Hub, release: Release) -> str:
    from skillclaw.skills.frontmatter import parse

    text = machine.hubs.text(hub, release, fetch=True) or ""
    try:
        return parse(text)[0].description
    except BadInputError:
        return ""


def _check(query: str, limit: int) -> None:
    if not query.strip() or len(query) > LONGEST:
        raise UsageError("A query has 1 to 4,000 characters.", f"This one has {len(query)}.")
    if not 1 <= limit <= MOST:
        raise UsageError(f"At most {MOST} hits can be asked for, and at least one.", f"Asked: {limit}.")
