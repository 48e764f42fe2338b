"""The page `patterns`: what the last cycle found in the sessions, a map of what was asked for, and one
pattern with its episodes, failing and working."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import Response

from skillclaw.errors import BadInputError
from skillclaw.evolve.last import LastCycle, cluster_requests, cluster_sessions
from skillclaw.evolve.ranking import ranked
from skillclaw.evolve.view import ClusterPoint
from skillclaw.server.machine import PERSONAL
from skillclaw.server.review.findings import Seen, episodes, find_cycle, items_from, others, seen, sides
from skillclaw.web.clusters import DRAWN, HEIGHT, LEAST, WIDTH
from skillclaw.web.drawing import Axis, axis
from skillclaw.web.mapping import STEPS, colour, drawn
from skillclaw.web.rows import PatternRow, pattern_rows
from skillclaw.web.site.ask import Ask, page
from skillclaw.web.text import odds
from skillclaw.web.text import percent as share_of
from skillclaw.web.warm import then_load

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine
    from skillclaw.skills.records import Pattern

__all__ = ["ROUTES"]

PAGE = 25
"""Patterns on one page of the table."""
BESIDE = 2
"""Episodes of each side on one page."""
REQUESTS = 60
SESSIONS = 50
"""Requests, and sessions, of a cluster on one page."""
SKILLS = 5
"""Skills of which the lines that came of a pattern are looked up."""

SORTS: dict[str, Callable[[PatternRow], Any]] = {
    "worth": lambda row: row.place,
    "sessions": lambda row: (-row.entry.pattern.sessions, row.place),
    "people": lambda row: (-row.entry.pattern.users, -row.entry.pattern.sessions, row.place),
    "odds ratio": lambda row: (-(row.entry.pattern.stats.odds_ratio or 0.0), row.place),
    "newest": lambda row: (_against(_newest(row.entry.pattern)), row.place),
}


class Table(NamedTuple):
    """A cycle, ready to be shown: its patterns in the order of the ranking, its clusters, and the patterns of
    each cluster."""

    last: LastCycle
    rows: list[PatternRow]
    scale: Axis
    kinds: list[tuple[str, int]]
    clusters: dict[str, ClusterPoint]
    of_cluster: dict[str, list[PatternRow]]


def show(ask: Ask) -> Response:
    """The table of one hub's last cycle."""
    hubs, found, table = _asked(ask, ask.query.get("hub", ""))
    if found is None or table is None:
        return ask.render("patterns/none.html", page="patterns", hubs=hubs, found=found)
    kind, words = ask.query.get("kind", ""), ask.query.get("q", "").strip()[:100]
    sort = ask.query.get("sort", "")
    rows = [
        row
        for row in table.rows
        if kind in ("", row.entry.pattern.kind) and words.casefold() in _words(row.entry.pattern)
    ]
    if sort in SORTS and sort != "worth":
        rows = sorted(rows, key=SORTS[sort])
    begin = ask.whole("from", 0, 0, len(rows))

    def part(at: int) -> str:
        kept = {name: ask.query.get(name) or None for name in ("hub", "kind", "q", "sort")}
        return ask.url("patterns", **kept, **{"from": at or None})

    answer = ask.render(
        "patterns/index.html",
        page="patterns",
        hubs=hubs,
        hub=found.source.name,
        view=table.last.view,
        rows=rows[begin : begin + PAGE],
        total=len(rows),
        table=table,
        axis=table.scale,
        kind=kind,
        words=words,
        sort=sort if sort in SORTS else "worth",
        sorts=list(SORTS),
        before=part(max(0, begin - PAGE)) if begin else "",
        next=part(begin + PAGE) if begin + PAGE < len(rows) else "",
        **_drawing(found),
    )
    return then_load(answer, "skillclaw.journal.redact")


def show_map(ask: Ask) -> Response:
    """The cluster map: a page of its own, of which the table's page fetches its part. Where there are many
    clusters it takes seconds the first time."""
    _, found, table = _asked(ask, ask.path["hub"], exactly=True)
    assert found is not None
    assert table is not None
    # Outside of the house: nobody waits for it but who asked.
    map_ = ask.house.kept(("map", found.source.name), found.stamp, lambda: drawn(table.last.view))
    return ask.render(
        "patterns/map.html",
        page="patterns",
        hub=found.source.name,
        map=map_,
        width=WIDTH,
        height=HEIGHT,
        least=LEAST,
        most=DRAWN,
        colours=range(STEPS),
        share_of=share_of,
    )


def show_cluster(ask: Ask) -> Response:
    """One cluster: what was asked for, in which sessions, and the patterns found in them."""
    _, found, table = _asked(ask, ask.path["hub"], exactly=True)
    assert found is not None
    assert table is not None
    point = table.clusters.get(ask.path["id"])
    if point is None:
        raise BadInputError("The last cycle has no such cluster.", "Clusters change as sessions come in.")
    requests, different = cluster_requests(found.folder, point.id, REQUESTS)
    begin = ask.whole("from", 0, 0, 10_000_000)
    sessions = cluster_sessions(found.folder, point.id, SESSIONS + 1, begin)
    with ask.house.open() as machine:
        machine.renew_redactor()
        told = [(machine.redactor.text(one.text)[0], one.sessions) for one in requests]

    def part(at: int) -> str:
        return ask.url("cluster", hub=found.source.name, id=point.id, **{"from": at or None})

    return ask.render(
        "patterns/cluster.html",
        page="patterns",
        hub=found.source.name,
        own=found.source.name == PERSONAL,
        point=point,
        colour=colour(point.success, point.failure),
        requests=told,
        different=different,
        sessions=sessions[:SESSIONS],
        rows=table.of_cluster.get(point.id, []),
        axis=table.scale,
        before=part(max(0, begin - SESSIONS)) if begin else "",
        next=part(begin + SESSIONS) if len(sessions) > SESSIONS else "",
        **_drawing(found),
    )


def show_one(ask: Ask) -> Response:
    """One pattern."""
    _, found, table = _asked(ask, ask.path["hub"], exactly=True)
    assert found is not None
    assert table is not None
    row = next((one for one in table.rows if one.entry.pattern.id == ask.path["id"]), None)
    if row is None:
        raise BadInputError(
            "The last cycle has no such pattern.",
            "It has no longer enough support, or is said by another.",
        )
    pattern = row.entry.pattern
    asked = sorted(table.last.asked.get(pattern.id, {}).items(), key=lambda one: (-one[1], one[0]))
    wrong, right = sides(pattern)
    against = len(pattern.contradictions)
    (right if pattern.kind == "pitfall" else wrong).extend(
        others(found, pattern, [cluster for cluster, _ in asked])
    )
    begin = ask.whole("from", 0, 0, max(len(wrong), len(right)))
    with ask.house.open() as machine:
        failing = episodes(machine, found.source, wrong[begin : begin + BESIDE])
        working = episodes(machine, found.source, right[begin : begin + BESIDE])
        skills = list(dict.fromkeys(one.skill for one in row.proposals))[:SKILLS]
        lines = [(name, items_from(machine, found.source, name, pattern.id)) for name in skills]

    def part(at: int) -> str:
        there = ask.url("pattern", hub=found.source.name, id=pattern.id, **{"from": at or None})
        return f"{there}#episodes"

    return ask.render(
        "patterns/one.html",
        page="patterns",
        hub=found.source.name,
        own=found.source.name == PERSONAL,
        row=row,
        pattern=pattern,
        stats=pattern.stats,
        value=row.entry.value,
        axis=table.scale,
        failing=failing,
        working=working,
        counts=(len(wrong), len(right)),
        against=against,
        begin=begin,
        lines=[one for one in lines if one[1]],
        clusters=[(table.clusters[id_], n) for id_, n in asked if id_ in table.clusters][:10],
        before=part(max(0, begin - BESIDE)) if begin else "",
        next=part(begin + BESIDE) if begin + BESIDE < max(len(wrong), len(right)) else "",
        **_drawing(found),
    )


def _asked(ask: Ask, hub: str, *, exactly: bool = False) -> tuple[list[str], Seen | None, Table | None]:
    """The hubs whose last cycle this machine has, the one that is asked for (else the first), and its table.
    With `exactly` BadInputError where the hub has none."""
    with ask.house.open() as machine:
        known = _known(machine)
    found = next((one for one in known if one.source.name == hub), None)
    if found is None and not exactly and known:
        found = known[0]
    table = (
        ask.house.kept(("patterns", found.source.name), found.stamp, lambda: _table(found)) if found else None
    )
    if exactly and table is None:
        raise BadInputError(
            f"What the last cycle of {hub!r} found is not on this machine.",
            "Patterns stay where they were found; after sessions were taken back, until the next cycle.",
        )
    return [one.source.name for one in known], found, table


def _known(machine: Machine) -> list[Seen]:
    return [one for source in machine.hubs.sources() if (one := seen(machine, source)) is not None]


def _table(found: Seen) -> Table | None:
    last = find_cycle(found)
    if last is None:
        return None
    view = last.view
    entries = ranked(view.patterns, view.sessions)
    scale = axis([one.pattern.stats.ci for one in entries if one.pattern.stats.ci])
    rows = pattern_rows(view, entries, scale)
    of_cluster: dict[str, list[PatternRow]] = {}
    for row in rows:
        for cluster in last.asked.get(row.entry.pattern.id, {}):
            of_cluster.setdefault(cluster, []).append(row)
    return Table(
        last=last,
        rows=rows,
        scale=scale,
        kinds=sorted(Counter(p.kind for p in view.patterns).items()),
        clusters={point.id: point for point in view.clusters},
        of_cluster=of_cluster,
    )


def _drawing(found: Seen) -> dict[str, Any]:
    """What the drawings of the templates ask for. A proposal is told as the log has it by now."""
    state = found.source.state
    statuses = {one.id: one.status for one in state.proposals.values()} if state is not None else {}
    return {"share_of": share_of, "odds": odds, "statuses": statuses}


def _words(pattern: Pattern) -> str:
    return f"{pattern.title} {pattern.topic} {pattern.id}".casefold()


def _newest(pattern: Pattern) -> str:
    return max((ref.day for ref in pattern.evidence), default="")


def _against(day: str) -> tuple[int, ...]:
    """A key by which later days come first, and none comes last."""
    return tuple(-ord(char) for char in day) or (0,)


ROUTES = [
    page("/patterns", "patterns", show),
    page("/patterns/{hub}/map", "pattern-map", show_map),
    page("/patterns/{hub}/cluster/{id}", "cluster", show_cluster),
    page("/patterns/{hub}/{id}", "pattern", show_one),
]
