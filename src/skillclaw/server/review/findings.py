"""What the last cycle of a hub found, on the machine that ran it: its own, and those of groups that it
evolves for. For people to look at; nothing is made anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from skillclaw.errors import LASTING
from skillclaw.evolve.last import LastCycle, cluster_sessions, last_cycle, last_id, taken_back
from skillclaw.server.machine import PERSONAL
from skillclaw.skills.records import Item, Pattern, Ref, Sidecar, record_in
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from pathlib import Path

    from skillclaw.server.hubs.opened import Source
    from skillclaw.server.machine import Machine
    from skillclaw.trajectory.flow import Event

__all__ = ["Episode", "Happening", "Seen", "episodes", "find_cycle", "items_from", "others", "seen", "sides"]

CLUSTERS, LOOKED, OTHERS = 3, 300, 20
"""Clusters of a pattern, and newest sessions of each, among which others are looked for; others at most."""
EVENTS = 14
"""Events of one episode that are shown."""
SAID, GIVEN, ERROR, RESULT = 500, 500, 600, 240
"""Characters of one message, of what a call was given, of an error, and of a result that is none."""


class Seen(NamedTuple):
    """Where the last cycle of a hub lies on this machine, and which it is: `stamp` changes with it, and with
    what was taken back in the hub since."""

    source: Source
    folder: Path
    cycle: str
    stamp: tuple[str, int]


class Happening(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Something that was said or done in a session, masked and cut short.

    kind   `user` and `agent`: said; `call`: a tool call, `tool` with what it was `text` given and what came
           of it (`result`); `ok` null where no result came
    cited  the pattern names this step
    """

    kind: Literal["user", "agent", "call"]
    text: str
    tool: str = ""
    result: str = ""
    ok: bool | None = None
    cited: bool = False


class Episode(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A place in a session that a pattern cites, or (`cited` false) one with the same request that went
    another way. `events` null: this machine has the session not (any more). `left_out` events are not shown.
    """

    session: str
    agent: str
    day: str
    success: bool | None
    events: list[Happening] | None
    left_out: int = 0
    cited: bool = True


def seen(machine: Machine, source: Source) -> Seen | None:
    """The last cycle of a hub; None where this machine ran none, or where it is not kept."""
    if source.hub is None or source.state is None:
        return None
    group = source.hub.info.group
    folder = machine.home if source.name == PERSONAL else machine.home / "groups" / group
    cycle = last_id(folder)
    if cycle is None:
        return None
    return Seen(source, folder, cycle, (cycle, taken_back(source.state)))


def find_cycle(found: Seen) -> LastCycle | None:
    """What that cycle found. None where it cannot be read, and where more was taken back in the hub since: it
    may tell of that, and the next cycle does not."""
    last = last_cycle(found.folder)
    return last if last is not None and found.stamp[1] <= last.taken else None


def sides(pattern: Pattern) -> tuple[list[Ref], list[Ref]]:
    """The places where it went wrong, and where it worked; those whose end says so first, the newest first.

    A pitfall's evidence is what went wrong, and who did the same and came through speaks against it. With the
    other kinds it is the other way round.
    """
    wrong, right = pattern.contradictions, pattern.evidence
    if pattern.kind == "pitfall":
        wrong, right = right, wrong
    return _ordered(wrong, False), _ordered(right, True)


def others(found: Seen, pattern: Pattern, clusters: Sequence[str]) -> list[Ref]:
    """Sessions with the same requests (`clusters`, those of most of the evidence first) that the pattern does
    not cite: failed ones, which went another way; of a pitfall those that came through without the call."""
    wanted = "success" if pattern.kind == "pitfall" else "failure"
    cited = {ref.session for refs in (pattern.evidence, pattern.contradictions) for ref in refs}
    rows = [row for one in clusters[:CLUSTERS] for row in cluster_sessions(found.folder, one, LOOKED)]
    left = {row.key: row for row in rows if row.outcome == wanted and row.key not in cited}
    return [
        Ref(session=row.key, user=row.user, agent="", day=row.day, success=wanted == "success")
        for row in list(left.values())[:OTHERS]
    ]


def _ordered(refs: Sequence[Ref], wanted: bool) -> list[Ref]:
    newest = sorted(refs, key=lambda ref: (ref.day, ref.session), reverse=True)
    return sorted(newest, key=lambda ref: {wanted: 0, None: 1}.get(ref.success, 2))


def episodes(machine: Machine, source: Source, refs: Sequence[Ref]) -> list[Episode]:
    """What happened there."""
    from skillclaw.server.review.reviewing import sessions_of
    from skillclaw.trajectory.flow import flow

    assert source.hub is not None
    assert source.state is not None
    hub = None if source.name == PERSONAL else source.hub
    known = sessions_of(machine, hub, source.state, [ref.session for ref in refs])
    if known:
        machine.renew_redactor()
    found = []
    for ref in refs:
        trajectory = known.get(ref.session)
        events = flow(trajectory) if trajectory is not None else []
        chosen = _chosen(events, set(ref.steps))
        found.append(
            Episode(
                session=ref.session,
                agent=ref.agent or (trajectory.agent.name if trajectory is not None else ""),
                day=ref.day,
                success=ref.success,
                events=None
                if trajectory is None
                else [_happening(machine, events[n], set(ref.steps)) for n in chosen],
                left_out=len(events) - len(chosen),
                cited=bool(ref.steps),
            )
        )
    return found


def _chosen(events: Sequence[Event], steps: set[int]) -> list[int]:
    """The first request, the steps that are cited (else what failed), and what stands next to them."""
    from skillclaw.trajectory.flow import Act, Said

    cited = [n for n, event in enumerate(events) if event.step in steps]
    cited = cited or [n for n, event in enumerate(events) if isinstance(event, Act) and event.ok is False]
    first = next((n for n, event in enumerate(events) if isinstance(event, Said)), None)
    order = [*([first] if first is not None else []), *cited]
    order += [n for c in cited for n in (c + 1, c - 1) if 0 <= n < len(events)]
    order += range(len(events)) if not cited else []
    return sorted(list(dict.fromkeys(order))[:EVENTS])


def _happening(machine: Machine, event: Event, steps: set[int]) -> Happening:
    from skillclaw.evolve.dossier.fence import clean, cut
    from skillclaw.trajectory.flow import Act, Said

    def shown(text: str, most: int, tail: float = 0.5) -> str:
        masked, _ = machine.redactor.text(cut(clean(text).strip(), most, tail=tail))
        return masked

    cited = event.step in steps
    if not isinstance(event, Act):
        kind: Literal["user", "agent"] = "user" if isinstance(event, Said) else "agent"
        return Happening(kind=kind, text=shown(event.text, SAID), cited=cited)
    given = event.command
    if given is None:
        given = msgspec.json.encode(event.arguments, order="deterministic").decode("utf-8", "replace")
    most, tail = (ERROR, 0.8) if event.ok is False else (RESULT, 0.5)
    return Happening(
        kind="call",
        text=shown(given, GIVEN),
        tool=clean(event.tool)[:80],
        result=shown(event.result, most, tail),
        ok=event.ok,
        cited=cited,
    )


def items_from(machine: Machine, source: Source, skill: str, pattern: str) -> list[Item]:
    """The lines of a skill's current version that came of a pattern; none where it is not available."""
    assert source.hub is not None
    assert source.state is not None
    known = source.state.skills.get(skill)
    release = known.release(known.current) if known is not None and known.current else None
    if release is None or release.sidecar is None:
        return []
    try:
        sidecar = record_in(machine.hubs.object(source.hub, release.sidecar), Sidecar)
    except LASTING:
        return []
    return [item for item in sidecar.items if pattern in item.patterns]
