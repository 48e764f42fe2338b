"""The raw exchanges of forgotten sessions: found in the journal and erased, now or by who comes along next.

What is to be erased is noted in `sessions.db` before anything is forgotten, and struck out when it is done,
so that a crash or a busy proxy only delays it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import UNREADABLE, StorageError
from skillclaw.journal import segment
from skillclaw.trajectory.model import Record, Trajectory, meta, text_of
from skillclaw.trajectory.moments import moment_of

if TYPE_CHECKING:
    from skillclaw.journal.assemble import Assembled
    from skillclaw.journal.reader import Position
    from skillclaw.journal.records import Exchange
    from skillclaw.server.machine import Machine

__all__ = ["Span", "erase_noted", "note", "span_of"]

MARK = "erase:"
"""A mark for each session: who notes one, and who strikes out what is done, may be different processes."""
OLD = "erase"
"""All in one, as earlier versions noted them."""
BEFORE, AFTER = 120.0, 3600.0
"""Seconds around the words of a session within which its exchanges were recorded."""
TELLING = 24
"""Characters of first words by which a body that could not be decoded is known to be of a session."""


class Span(Record, frozen=True, kw_only=True):
    """When the exchanges of a session were recorded (ISO 8601, UTC); empty: not known. `noted` is another one
    each time that it is noted."""

    since: str = ""
    until: str = ""
    noted: str = ""


def note(machine: Machine, spans: Mapping[str, Span]) -> None:
    """Note sessions, by key, whose raw exchanges are to go."""
    made = {
        f"{MARK}{key}": msgspec.structs.replace(span, noted=secrets.token_hex(8))
        for key, span in spans.items()
    }
    machine.sessions.set_marks({name: msgspec.json.encode(span).decode() for name, span in made.items()})


def span_of(session: Trajectory) -> Span:
    """The span of a session as its steps tell."""
    told = (moment_of(step.timestamp) for step in session.steps)
    moments = [moment for moment in told if moment is not None]
    if not moments:
        return Span()
    return Span(since=min(moments).isoformat(), until=max(moments).isoformat())


def erase_noted(machine: Machine) -> int:
    """Erase what is noted and forgotten; how many exchanges went. BusyError, StorageError: it stays noted."""
    noted = machine.sessions.marked(OLD)
    spans = [span for name, value in noted.items() for span in _spans(name, value)]
    if not spans:
        return 0
    # With all that was ever forgotten: the journal may know a session by another key than the store does.
    gone = machine.sessions.forgotten()
    folder = machine.home / "journal"
    done = 0
    if gone and folder.exists():
        try:
            done = _erase(machine, gone, [_seconds(span) for span in spans])
        except OSError as error:
            raise StorageError(
                "Raw exchanges could not be erased from the journal.",
                str(error),
                "Free space or mend permissions, then: skillclaw sessions forget (the same)",
            ) from error
    machine.sessions.strike(noted)  # but for what another process noted meanwhile
    return done


def _spans(name: str, value: str) -> list[Span]:
    """The spans of one mark; one that cannot be read may mean any time."""
    try:
        if name == OLD:
            return list(msgspec.json.decode(value, type=dict[str, Span]).values())
        return [msgspec.json.decode(value, type=Span)]
    except UNREADABLE:
        return [Span()]


def _seconds(span: Span) -> tuple[float, float]:
    """The span in Unix seconds, with room for what began before its first words and ended after its last."""
    begin = datetime.fromisoformat(span.since).timestamp() - BEFORE if span.since else 0.0
    end = datetime.fromisoformat(span.until).timestamp() + AFTER if span.until else float("inf")
    return begin, end


def _erase(machine: Machine, gone: set[str], spans: Sequence[tuple[float, float]]) -> int:
    from skillclaw.journal.erase import closed

    folder = machine.home / "journal"
    with closed(folder) as numbers:
        since = min(begin for begin, _ in spans)
        later = [number for number in numbers if _is_after(machine, number, since)]
        return _erase_in(machine, later, gone, spans) or (
            # A clock that was set back since makes a segment seem to be from before.
            _erase_in(machine, numbers, gone, spans) if later != numbers else 0
        )


def _erase_in(
    machine: Machine, numbers: Sequence[int], gone: set[str], spans: Sequence[tuple[float, float]]
) -> int:
    """Erase from these segments, within `closed`."""
    from skillclaw.journal.assemble import assemble_placed
    from skillclaw.journal.erase import erase
    from skillclaw.journal.reader import Position, read
    from skillclaw.proxy.configured.replay import as_sent

    folder = machine.home / "journal"
    if numbers:
        begin = Position(segment=numbers[0])
        found: list[tuple[Exchange, Position]] = [
            (as_sent(machine.home, exchange), position)
            for exchange, position in read(folder, begin)
            if position.segment <= numbers[-1] and any(a <= exchange.started <= b for a, b in spans)
        ]
        assembled = assemble_placed(exchange for exchange, _ in found)
        places = {
            place for one in assembled if meta(one.trajectory).key in gone for place in one.places
        } | _by_words(found, assembled, gone)
        return erase(folder, [found[place][1] for place in places])
    return 0


def _is_after(machine: Machine, number: int, since: float) -> bool:
    """Whether a segment was written to after `since`; what was before holds nothing of the session."""
    try:
        written = segment.path_of(machine.home / "journal", number).stat().st_mtime
    except FileNotFoundError:
        return False
    return written >= since


def _by_words(
    found: Sequence[tuple[Exchange, Position]], assembled: Sequence[Assembled], gone: set[str]
) -> set[int]:
    """Exchanges of no session (token counts, cut-off ones) that quote a forgotten session's first words."""
    taken = {place for one in assembled for place in one.places}
    words: set[tuple[str, bytes]] = set()
    for one in assembled:
        if meta(one.trajectory).key in gone:
            said = (text_of(step.message).strip() for step in one.trajectory.steps if step.source == "user")
            for text in said:
                if len(text) >= TELLING:
                    for ascii_only in (True, False):
                        quoted = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
                        words.add((one.trajectory.agent.name, quoted.encode("utf-8", "surrogatepass")))
    return {
        place
        for place, (exchange, _) in enumerate(found)
        if place not in taken
        and any(agent == exchange.agent and text in exchange.request_body for agent, text in words)
    }
