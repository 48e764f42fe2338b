"""Marks by how their names begin: all of them, no others, and without looking at the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.journal.store import SessionStore

WORDS = st.text("ab:é\x00\U0001f600", max_size=4)


def steps(store: SessionStore, prefix: str) -> int:
    """How much work, in hundreds of SQLite's own steps, it is to find the marks that begin so."""
    count = 0

    def one_more() -> int:
        nonlocal count
        count += 1
        return 0

    store._db.set_progress_handler(one_more, 100)
    store.marks(prefix)
    store._db.set_progress_handler(None, 0)
    return count


@pytest.mark.hypothesis
def test_the_marks_that_begin_so(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)

    @given(names=st.sets(WORDS, max_size=12), prefix=WORDS)
    @settings(max_examples=examples(25))
    def holds(names: set[str], prefix: str) -> None:
        with store._write():
            store._db.execute("DELETE FROM marks")
            store._db.executemany("INSERT INTO marks VALUES (?, 'x')", [(name,) for name in names])
        assert store.marks(prefix) == {name[len(prefix) :] for name in names if name.startswith(prefix)}

    holds()


def test_it_is_no_more_work_among_many(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    store.set_mark("receipt:s1:a", "x")
    alone = steps(store, "receipt:s1:")
    with store._write():
        store._db.executemany(
            "INSERT INTO marks VALUES (?, 'x')", [(f"receipt:t{n}:a",) for n in range(5000)]
        )
    assert store.marks("receipt:s1:") == {"a"}
    assert steps(store, "receipt:s1:") <= alone + 1
