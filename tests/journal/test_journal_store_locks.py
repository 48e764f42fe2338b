"""A store that is opened twice in one process keeps its locks: another process that opens and closes it must
not take the write-ahead log away under it.

Closing any handle of a file lets go of every lock that the process has on it (POSIX), SQLite's too.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from made_sessions import made

from skillclaw.journal.catalogue import Catalogue
from skillclaw.journal.outbox import Outbox
from skillclaw.journal.store import SessionStore
from skillclaw.trajectory.model import SessionMeta, meta

LOOK = """
import sys
from pathlib import Path
from skillclaw.journal.store import SessionStore
store = SessionStore(Path(sys.argv[1]))
print(store.count())
store.close()
"""


def look(home: Path) -> int:
    """What another process sees, which opens the file and closes it."""
    done = subprocess.run([sys.executable, "-c", LOOK, str(home)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.parametrize("second", [Outbox, SessionStore, None], ids=["outbox", "store", "catalogue"])
def test_another_process_takes_nothing_away(tmp_path: Path, second: Callable[[Path], object] | None) -> None:
    with ExitStack() as stack:
        store = stack.enter_context(closing(SessionStore(tmp_path)))
        store.put(made("one", meta=SessionMeta(key="1" * 16)))
        if second is None:
            Catalogue(tmp_path, store).refresh(1)
            Catalogue(tmp_path, store).refresh(1)
        else:
            second(tmp_path)
        assert look(tmp_path) == 1
        for number in range(2, 5):
            store.put(made(f"number {number}", meta=SessionMeta(key=str(number) * 16)))
            assert look(tmp_path) == number
        assert len({meta(one).key for one in store.trajectories()}) == 4
