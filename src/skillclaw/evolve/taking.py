"""What is new in the session store goes into the evolver's state: cut once, then kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator

from skillclaw.evolve.cutting import cut_bodies
from skillclaw.evolve.executors import Executor, SetAside
from skillclaw.evolve.state import EvolveState
from skillclaw.evolve.transcripts import forget_transcripts
from skillclaw.journal.store import SessionStore
from skillclaw.trajectory.model import Record

__all__ = ["Aside", "take_sessions"]

BATCH = 64
"""Sessions that go to a worker at a time."""

TOGETHER = 1024
"""Sessions taken in one transaction."""

STORE = "store"
"""Mark in the session store by which it is known again: change numbers of another store mean nothing."""

Progress = Callable[[int, int | None, str], None]


class Aside(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Something that could not be read or mined, and why; it is tried again when it has changed, a proposal
    in each cycle."""

    what: str
    reason: str


def take_sessions(
    state: EvolveState,
    sessions: SessionStore,
    executor: Executor,
    *,
    without: Collection[str] = (),
    progress: Progress,
) -> list[Aside]:
    """Bring the state to what the store holds, less the sessions `without`; gives those set aside."""
    _know(state, sessions)
    there = {key: changed for key, changed in sessions.changes().items() if key not in without}
    known = {**state.known(), **{key: changed for key, (changed, _) in state.aside().items()}}
    if not known.keys() <= there.keys():
        # Forgotten, and what units gave, names of requests and facts may still tell of it.
        state.renew()
        if state.path is not None:
            forget_transcripts(state.path.parent)
        known = {}
        _know(state, sessions)
    due = [key for key, changed in there.items() if known.get(key) != changed]
    marks: list[tuple[str, int]] = []

    def bodies() -> Iterator[bytes]:
        for key, changed, body in sessions.bodies(due):
            marks.append((key, changed))
            yield body

    def told(done: int) -> None:
        progress(done, len(due), "reading sessions")

    found = executor.run(cut_bodies, bodies(), batch=BATCH, on_progress=told)
    ended = not due
    while not ended:
        with state.writing():
            for _ in range(TOGETHER):
                answer = next(found, None)
                if answer is None:
                    ended = True
                    break
                key, changed = marks[answer[0]]
                # What the store holds now counts, also where its revision is a lower one.
                state.drop([key])
                if isinstance(answer[1], SetAside):
                    state.set_aside(key, changed, answer[1].reason)
                else:
                    state.take(answer[1], changed)
    return [Aside(what=key, reason=reason) for key, (_, reason) in sorted(state.aside().items())]


def _know(state: EvolveState, sessions: SessionStore) -> None:
    """Begin anew when the state was made from another store, as after a `sessions.db` that was made again."""
    store = sessions.get_mark(STORE)
    if store is None:
        store = secrets.token_hex(16)
        sessions.set_mark(STORE, store)
    if state.get_meta(STORE) != store.encode():
        state.clear()
        state.put_meta(STORE, store.encode())
