"""An agent without ids: what the proxy saw and what its history says become one session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from skillclaw.journal.store import SessionStore
from skillclaw.trajectory.keys import anonymous_native_id, session_key
from skillclaw.trajectory.model import (
    ATIF_VERSION,
    Agent,
    SessionMeta,
    Step,
    Trajectory,
    text_of,
    with_meta,
)

MADE_UP = anonymous_native_id("hello there", "2026-03-01T10:00")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    made = SessionStore(tmp_path)
    yield made
    made.close()


def session(
    source: Literal["wire", "history", "import"],
    native: str,
    at: str,
    *words: str,
    agent: str = "nanobot",
) -> Trajectory:
    steps = [
        Step(step_id=2 * n + k, source=who, message=text, timestamp=f"2026-03-01T{at}Z")  # type: ignore[arg-type]
        for n, word in enumerate(words)
        for k, (who, text) in enumerate((("user", word), ("agent", f"re: {word}")), 1)
    ]
    made = Trajectory(
        schema_version=ATIF_VERSION, session_id=native, agent=Agent(name=agent, version="1"), steps=steps
    )
    return with_meta(made, SessionMeta(key=session_key(agent, native), source=source))


def told(store: SessionStore) -> list[list[str]]:
    """What the user said in each session."""
    return [
        [text_of(step.message) for step in one.steps if step.source == "user"] for one in store.trajectories()
    ]


@pytest.mark.parametrize("first", ["wire", "history"])
def test_both_views_become_one_session_and_grow_as_one(store: SessionStore, first: str) -> None:
    wire = session("wire", MADE_UP, "10:00:02", "hello there")
    history = session("history", "cli:direct", "09:59:58", "hello there")
    order = [wire, history] if first == "wire" else [history, wire]
    results = [store.put(one) for one in order]
    assert results[0] == "new"
    assert results[1] != "new"
    assert told(store) == [["hello there"]]
    grown = session("history", "cli:direct", "09:59:58", "hello there", "and again")
    assert store.put(grown) == "grown"
    assert store.put(grown) == "same"
    assert store.put(wire) == "same"
    assert told(store) == [["hello there", "and again"]]


@pytest.mark.parametrize(
    "other",
    [
        session("history", "cli:direct", "10:02:00", "hello there"),
        session("history", "cli:direct", "10:00:05", "hello you"),
        session("history", "cli:direct", "10:00:05", "hello there", agent="cline"),
        session("wire", "0" * 32, "10:00:05", "hello there"),
        session("import", "cli:direct", "10:00:05", "hello there"),
    ],
    ids=["later", "other words", "other agent", "same source", "imported file"],
)
def test_what_is_another_session_stays_one(store: SessionStore, other: Trajectory) -> None:
    store.put(session("wire", MADE_UP, "10:00:02", "hello there"))
    assert store.put(other) == "new"
    assert store.count() == 2


def test_agents_with_ids_of_their_own_on_both_sides_are_told_apart_by_them(store: SessionStore) -> None:
    for source, native in (("wire", "019b-a"), ("history", "019b-b")):
        store.put(session(source, native, "10:00:02", "hello there"))  # type: ignore[arg-type]
    assert store.count() == 2


def test_of_sessions_that_begin_alike_each_finds_the_nearest_that_is_free(store: SessionStore) -> None:
    for native, at in (("a" * 32, "10:00:10"), ("b" * 32, "10:00:50")):
        store.put(session("wire", native, at, "hi", "w" + at))
    store.put(session("history", "one", "10:00:06", "hi", "one"))
    store.put(session("history", "two", "10:00:07", "hi", "two"))
    store.put(session("history", "three", "10:00:08", "hi", "three"))
    assert sorted(map(sorted, told(store))) == [
        ["hi", "one", "w10:00:10"],
        ["hi", "three"],
        ["hi", "two", "w10:00:50"],
    ]


def test_what_was_forgotten_does_not_come_back_by_its_other_name(store: SessionStore) -> None:
    wire = session("wire", MADE_UP, "10:00:02", "hello there")
    store.put(wire)
    history = session("history", "cli:direct", "10:00:00", "hello there")
    store.put(history)
    (row,) = store.rows()
    store.forget(row.id)
    assert [store.put(one) for one in (wire, history)] == ["forgotten", "forgotten"]
    assert store.count() == 0


@pytest.mark.parametrize("first", ["wire", "history"])
def test_the_other_view_of_a_forgotten_session_is_known_though_it_comes_later(
    store: SessionStore, first: str
) -> None:
    views = {
        "wire": session("wire", MADE_UP, "10:00:02", "hello there"),
        "history": session("history", "cli:direct", "09:59:58", "hello there"),
    }
    one, other = views[first], views["history" if first == "wire" else "wire"]
    store.put(one)
    store.forget(store.rows()[0].id)
    assert [store.put(view) for view in (other, one, other)] == ["forgotten"] * 3
    assert store.forgotten() == {session_key("nanobot", MADE_UP), session_key("nanobot", "cli:direct")}
    assert store.put(session("wire", "0" * 32, "10:05:00", "hello there")) == "new", "another minute"
    assert store.put(session("history", "cli:2", "10:00:00", "hello you")) == "new", "other words"


def test_a_forgotten_conversation_that_goes_on_without_its_times_is_known(store: SessionStore) -> None:
    """An agent without ids sends again all that was said, and what answered it then has no time."""
    store.put(session("wire", MADE_UP, "10:00:02", "hello there"))
    store.forget(store.rows()[0].id)

    def later(*words: str, timed: bool) -> Trajectory:
        made = session("wire", "e" * 32, "14:00:00", *words)
        kept = 0 if timed else 2 * len(words) - 2
        steps = [
            msgspec.structs.replace(step, timestamp=None) if n < kept else step
            for n, step in enumerate(made.steps)
        ]
        return msgspec.structs.replace(made, steps=steps)

    assert store.put(later("hello there", "and again", timed=False)) == "forgotten"
    for native, words, timed in (("d" * 32, "hello you", False), ("c" * 32, "hello there", True)):
        known = SessionMeta(key=session_key("nanobot", native), source="wire")
        assert store.put(with_meta(later(words, "and again", timed=timed), known)) == "new", (
            "one with other words, or said anew"
        )
