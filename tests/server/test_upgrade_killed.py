"""kill -9 at any moment of what a new version does to an old one's files: whole before, or whole after."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from skillclaw.evolve.state import EvolveState
from skillclaw.journal import catalogue_file
from skillclaw.server.setup.consent import agree, agreed, followed
from skillclaw.server.setup.wishes import want, wishes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="processes are forked"),
    pytest.mark.flaky(reruns=0),
]

KILLS = int(os.environ.get("E2E_KILLS", "100"))


def wanted(home: Path) -> Callable[[], None]:
    """The list of 0.1's first days becomes an object."""
    path = home / "wanted.json"
    path.write_text('["codex"]')

    def whole() -> None:
        raw = json.loads(path.read_text("utf-8"))
        assert raw == ["codex"] or raw["proxy"] == ["codex"]
        assert wishes(home).proxy == ["codex"]

    return whole


def consent(home: Path) -> Callable[[], None]:
    """A yes without names of agents becomes one with them."""
    path = home / "consent.json"
    path.write_text('{"agreed": true}')

    def whole() -> None:
        assert agreed(home)
        assert followed(home) is None

    return whole


def catalogue(home: Path) -> Callable[[], None]:
    """A catalogue of another version is made anew."""
    db = sqlite3.connect(home / catalogue_file.FILE)
    db.execute("CREATE TABLE facts (other TEXT)")
    db.execute("PRAGMA user_version = 1")
    db.commit()
    db.close()

    def whole() -> None:
        again = catalogue_file.connect(home)
        assert again.execute("SELECT count(*) FROM facts WHERE agent = ''").fetchone() == (0,)
        assert again.execute("PRAGMA user_version").fetchone() == (catalogue_file.VERSION,)
        again.close()

    return whole


def evolver(home: Path) -> Callable[[], None]:
    """The evolver's state of another version is made anew."""
    state = EvolveState(home)
    state.put_meta("miner", b"another")
    state.close()

    def whole() -> None:
        again = EvolveState(home)
        assert again.known() == {}
        again.close()

    return whole


def move(home: Path) -> None:
    """All of it, as commands of the new version come to it."""
    want(home, ["claude-code"], history_only=True)
    agree(home)
    catalogue_file.connect(home).close()
    EvolveState(home).close()


def test_each_ends_whole(tmp_path: Path) -> None:
    picks = random.Random(15)
    done = 0
    began = time.perf_counter()
    first = tmp_path / "first"
    first.mkdir()
    for part in (wanted, consent, catalogue, evolver):
        part(first)
    start = time.perf_counter()
    move(first)
    takes = time.perf_counter() - start
    for number in range(KILLS):
        home = tmp_path / str(number)
        home.mkdir()
        checks = [part(home) for part in (wanted, consent, catalogue, evolver)]
        child = os.fork()
        if child == 0:
            try:
                move(home)
            finally:
                os._exit(0)
        time.sleep(picks.uniform(0, takes * 1.5))
        os.kill(child, signal.SIGKILL)
        done += os.waitpid(child, 0)[1] == 0
        for whole in checks:
            whole()
        move(home)
        assert wishes(home).history == ["claude-code"]
        left = [path.name for path in home.iterdir() if path.suffix in (".db", ".json")]
        assert sorted(left) == ["catalogue.db", "consent.json", "evolve.db", "wanted.json"]
    print(f"\n{KILLS} kills in {time.perf_counter() - began:.0f} s, {done} after the end")
    assert done < KILLS, "none of them was killed on its way"
