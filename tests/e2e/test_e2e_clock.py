"""The machine's clock is set while `up` runs, and between commands: years forth, a year back, right again.

Traffic goes on, each session is there once, nothing is thrown away that no session was made of, hubs are
asked and the log holds.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from attacks import provider, request, say, up
from cli import ok, ok_json, skillclaw

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.name != "posix", reason="starts Python with a clock of its own"),
]

YEAR = 365 * 86400.0
TEXT = json.dumps(
    {
        "id": "c",
        "model": "m",
        "choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    }
).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(TEXT),
    TEXT,
)
FIX = (
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing"),
)


class Clock:
    """The clock of all that is started with `environ`."""

    def __init__(self, place: Path) -> None:
        self._file = place / "clock"
        folder = Path(__file__).parents[1] / "support" / "clock"
        found = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.environ = {"TEST_CLOCK": str(self._file), "PYTHONPATH": os.pathsep.join(found)}
        self.set(0)

    def set(self, wrong_by: float) -> None:
        self._file.write_text(str(wrong_by), "ascii")


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[Clock]:
    made = Clock(tmp_path)
    was = {name: os.environ.get(name) for name in made.environ}
    os.environ.update(made.environ)  # what stops it has the same clock
    yield made
    for name, value in was.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


def wait(what: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.3)
    return found


def asked(port: int, number: int) -> None:
    body = json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": f"say hello {number}"}]}
    ).encode()
    got = say(port, request("POST /generic/v1/chat/completions HTTP/1.1", body=body), seconds=20)
    assert got.startswith(b"HTTP/1.1 200") and got.endswith(TEXT)


def sessions(home: Path) -> list[str]:
    return sorted(row["started"][:4] for row in ok_json("sessions", "list", home=home))


def has(home: Path, many: int) -> bool:
    return len(sessions(home)) == many


def test_the_clock_is_set_forth_and_back_while_it_runs(tmp_path: Path, clock: Clock) -> None:
    ok("config", "set", "journal.idle", "2", home=tmp_path)
    ok("config", "set", "sync.interval", "1", home=tmp_path)
    write(tmp_path / "s.jsonl", [session("ada", n, "run the tests of this project", FIX) for n in range(5)])
    ok("import", str(tmp_path / "s.jsonl"), home=tmp_path)
    ok("evolve", home=tmp_path)
    year = time.gmtime().tm_year
    with provider(ANSWER) as (url, _), up(tmp_path, url) as port:
        asked(port, 0)
        assert wait(lambda: len(sessions(tmp_path)) == 6)
        # a session that is not at rest yet when the clock is set back: it does not wait for a year
        for number, wrong in enumerate((10 * YEAR, -YEAR, 0, -3600, 3600, 0), 1):
            asked(port, number)
            clock.set(wrong)
            asked(port, number + 100)
            state = ok_json("status", home=tmp_path)
            assert state["running"] and not state["errors"], (wrong, state["errors"])
            assert wait(partial(has, tmp_path, 6 + 2 * number)), (wrong, sessions(tmp_path))
        (name,) = [row["name"] for row in ok_json("skills", "list", home=tmp_path)]
        assert any(year_ == str(year + 10) for year_ in sessions(tmp_path))
    ok("hub", "verify", home=tmp_path)
    ok("evolve", home=tmp_path)
    assert [row["name"] for row in ok_json("skills", "list", home=tmp_path)] == [name]
    assert len(sessions(tmp_path)) == 18


@pytest.mark.slow
def test_commands_work_under_a_clock_that_is_years_wrong(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path / "s.jsonl", [session("ada", n, "run the tests of this project", FIX) for n in range(5)])
    (tmp_path / ".claude").mkdir()
    for wrong in (-30 * YEAR, 10 * YEAR, 0):
        clock.set(wrong)
        ok("import", str(tmp_path / "s.jsonl"), home=tmp_path)
        ok("evolve", home=tmp_path)
        ok("sync", home=tmp_path)
        (name,) = [row["name"] for row in ok_json("skills", "list", home=tmp_path)]
        assert (tmp_path / ".claude" / "skills" / name / "SKILL.md").exists()
        ok("config", "set", "proxy.port", "0", home=tmp_path)
        ok("backup", str(tmp_path / f"backup{wrong}"), home=tmp_path)
        ok("hub", "verify", home=tmp_path)
    assert len(sessions(tmp_path)) == 5
    for wrong in (-30 * YEAR, 10 * YEAR, 0):
        ok("restore", str(tmp_path / f"backup{wrong}"), "--over", home=tmp_path)
        assert len(sessions(tmp_path)) == 5
    assert skillclaw("status", home=tmp_path).returncode == 0
