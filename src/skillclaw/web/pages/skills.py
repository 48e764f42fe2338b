"""The page `skills`: all skills of all hubs, and one of them with what each of its lines rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.responses import Response

from skillclaw.skills.frontmatter import split
from skillclaw.trajectory.moments import moment_of
from skillclaw.web.evidence import chip, marks, ratio, summary
from skillclaw.web.markdown import rendered
from skillclaw.web.pages import skill_acts, skill_editing, skill_versions
from skillclaw.web.pages.skill_access import access
from skillclaw.web.reading import uses
from skillclaw.web.reading.sidecars import Sidecars
from skillclaw.web.reading.skill import SkillView, read_skill
from skillclaw.web.reading.skills import SORTS, STAGES, Light, Wish, chosen, hub_key, lights, with_use
from skillclaw.web.site.ask import Ask, page

if TYPE_CHECKING:
    from skillclaw.library.records import Row
    from skillclaw.server.hubs.opened import Source
    from skillclaw.server.machine import Machine

__all__ = ["ROUTES"]

ROWS = 50
"""Skills on one page of the list."""
STORIES = 30
"""Versions whose story is told, the newest."""
SESSIONS = 12
"""Sessions of a line that are named before the reader asks for more."""


@dataclass(frozen=True)
class Shown:
    """A row of the list: `here` counts how it stands in folders of this machine; `arm`: `library.choose`."""

    light: Light
    here: dict[str, int]
    arm: str
    age: Markup


def show(ask: Ask) -> Response:
    """The list."""
    given = ask.query
    stage, sort = given.get("stage", ""), given.get("sort", "")
    wish = Wish(
        words=given.get("q", "")[:200],
        hub=given.get("hub", "")[:200],
        stage=stage if stage in STAGES else STAGES[0],
        agent=given.get("agent", "")[:200],
        sort=sort if sort in SORTS else SORTS[0],
    )
    counts = uses.counts(ask.house)
    with ask.house.open() as machine:
        sources = machine.hubs.sources()
        rows = _rows(ask, machine, sources, counts)
        found = chosen(rows, wish)
        start = min(ask.whole("from", 0, 0, 1_000_000), max(0, len(found) - 1) // ROWS * ROWS)
        shown = _shown(ask, machine, sources, found[start : start + ROWS])

    def at(place: int) -> str:
        return ask.url(
            "skills", **{name: value for name, value in given.items() if name != "from"} | {"from": place}
        )

    return ask.render(
        "skills/index.html",
        page="skills",
        wish=wish,
        rows=shown,
        total=len(found),
        known=len(rows),
        first=start + 1 if found else 0,
        before=at(max(0, start - ROWS)) if start else "",
        next=at(start + ROWS) if start + ROWS < len(found) else "",
        hubs=[source.name for source in sources],
        unread=[source for source in sources if source.error is not None],
        agents=sorted({agent for row in rows for agent in row.agents}),
        stages=STAGES,
        sorts=SORTS,
        days=uses.DAYS,
        waiting=counts.waiting,
    )


def _rows(ask: Ask, machine: Machine, sources: Sequence[Source], counts: uses.Counts) -> list[Light]:
    """Every skill with its uses."""
    house = ask.house
    sidecars = house.kept("skills.sidecars", 0, Sidecars)
    rows: list[Light] = []
    for source in sources:
        if source.state is not None:
            mark = (source.state.group, source.state.seq, source.state.head)
            rows += house.kept(
                ("skills.lights", source.name), mark, partial(lights, machine, source, sidecars)
            )
    keys = {source.name: hub_key(source) for source in sources}
    return with_use(rows, counts.by_skill, keys)


def _shown(ask: Ask, machine: Machine, sources: Sequence[Source], rows: Sequence[Light]) -> list[Shown]:
    """The rows with how they stand on this machine."""
    from skillclaw.library.choose import choose

    states: dict[tuple[str, str], Counter[str]] = {}
    for row in machine.library.status({(one.hub, one.name) for one in rows}):
        states.setdefault((row.hub, row.skill), Counter())[row.state] += 1
    by_name = {source.name: source for source in sources}
    views = {hub: machine.hubs.view(by_name[hub]) for hub in {one.hub for one in rows}}
    found = []
    for one in rows:
        state = by_name[one.hub].state
        here = states.get((one.hub, one.name), Counter())
        skill = state.skills.get(one.name) if state is not None else None
        arm = choose(skill, views[one.hub], has_copy=bool(here)).arm if skill is not None else ""
        found.append(Shown(one, dict(here), arm, age(ask, one.began)))
    return found


def age(ask: Ask, time: str) -> Markup:
    """How long ago something was, in days."""
    moment = moment_of(time)
    if moment is None:
        return ask.t("unknown")
    days = max(0, (datetime.now(UTC) - moment).days)
    return ask.t("{n} day|{n} days", n=days) if days else ask.t("today")


def one(ask: Ask) -> Response:
    """One skill."""
    from skillclaw.server.skills.story import stories

    hub, name = ask.path["hub"], ask.path["name"]
    with ask.house.open() as machine:
        view = read_skill(machine, hub, name)
        found = view.found
        may = access(ask, found.source)
        first = next(
            (
                source.name
                for source in machine.hubs.sources()
                if source.state is not None
                and name in source.state.skills
                and source.state.skills[name].current
            ),
            hub,
        )
        hubs = [hub_key(found.source), *([""] if first == hub else [])]
        releases = list(reversed(found.skill.releases))[:STORIES]
        told = stories(machine, found.hub, found.state, found.skill, releases)
    use = uses.skill_use(ask.house, name, hubs)
    t = ask.t
    by_id = {line.id: line for line in view.lines if line.id}
    return ask.render(
        "skills/one.html",
        page="skills",
        view=view,
        hub=hub,
        name=name,
        may=may,
        use=use,
        bars=_bars(use),
        stories=told,
        left_out=len(found.skill.releases) - len(told),
        versions=list({row.version: row for row in reversed(told)}.values())[::-1],
        undecided=next((row for row in told if row.undecided), None),
        text=rendered(view.body, marks(view.lines, "SKILL.md", view.body, t)),
        files=_files(view, ask),
        lines=list(by_id.values()),
        described=next((chip(line, t) for line in view.lines if line.place == -1), ""),
        summary=lambda line: summary(line, t),
        ratio=lambda line: ratio(line.item.odds_ratio, line.item.ci, t),
        listed=SESSIONS,
        edited=_edited(view.installed),
        age=age(ask, found.skill.releases[0].time),
        personal=hub == "personal",
    )


def _files(view: SkillView, ask: Ask) -> list[tuple[object, Markup | None]]:
    """The other files; Markdown rendered, with the evidence of its lines."""
    found: list[tuple[object, Markup | None]] = []
    for file in view.files:
        body = split(file.text)[1] if file.markdown and file.text is not None else None
        found.append(
            (file, rendered(body, marks(view.lines, file.path, body, ask.t)) if body is not None else None)
        )
    return found


def _edited(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.state == "edited"]


@dataclass(frozen=True)
class Column:
    """A week of the drawing: where it stands, how high, in units of the drawing."""

    x: int
    offered: float
    read: float
    label: str
    week: uses.Week


def _bars(use: uses.SkillUse) -> list[Column]:
    most = max((week.offered for week in use.weeks), default=0) or 1
    return [
        Column(
            x=12 * index,
            offered=round(48 * week.offered / most, 1),
            read=round(48 * week.read / most, 1),
            label=week.monday.isoformat(),
            week=week,
        )
        for index, week in enumerate(use.weeks)
    ]


ROUTES = [
    page("/skills", "skills", show),
    page("/skills/{hub}/{name}", "skill", one),
    *skill_versions.ROUTES,
    *skill_editing.ROUTES,
    *skill_acts.ROUTES,
]
