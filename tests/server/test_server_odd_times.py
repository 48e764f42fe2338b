"""Sessions with times that no clock tells, as programs write for none and as somebody may to stop others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from cli import fails, ok_json
from team import found, joined, sc
from test_server_group_cycle import claimed, posted, worked

pytestmark = pytest.mark.live

ODD = (
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+05:00",
    "0999-01-01T00:00:00Z",
    "9999-12-31T23:59:59-05:00",
)


def dated(number: int, time: str) -> dict[str, Any]:
    one = session("ada", number, f"run the tests of part {number}", [Ran("pytest -q", 0, "ok")])
    one["steps"][0]["timestamp"] = time
    return one


def test_each_is_kept_without_a_time_and_no_other_is_lost(tmp_path: Path) -> None:
    given = [dated(number, time) for number, time in enumerate((*ODD, "2026-11-20T09:00:00Z"))]
    told = ok_json("import", str(write(tmp_path / "s.jsonl", given)), home=tmp_path)
    assert told["imported"] == len(given) and not told["failed"]
    rows = ok_json("sessions", "list", home=tmp_path)
    assert sorted(row["started"] for row in rows) == ["", "", "", "", "2026-11-20T09:00:00Z"]
    assert rows[0]["started"], "those of no known time come last"
    assert ok_json("evolve", home=tmp_path)["sessions"] == len(given)


@pytest.mark.parametrize("day", [ODD[1], ODD[3], "soon"])
def test_a_day_that_is_none_is_refused(day: str, tmp_path: Path) -> None:
    ok_json("import", str(write(tmp_path / "s.jsonl", [dated(1, ODD[0])])), home=tmp_path)
    assert "no day" in fails("sessions", "forget", "--before", day, "--yes", home=tmp_path, code=2)


@pytest.mark.parametrize("time", ODD)
def test_a_history_of_no_time_keeps_no_other_out(time: str, tmp_path: Path) -> None:
    folder = tmp_path / ".claude" / "projects" / "-work"
    folder.mkdir(parents=True)
    for number, at in enumerate((time, "2026-11-20T10:00:00Z")):
        name = f"0b0e1c0a-0000-4000-8000-00000000000{number}"
        head = {"sessionId": name, "version": "2.1.0", "cwd": "/work", "isSidechain": False, "timestamp": at}
        said = [("user", "u1", None, f"run part {number}"), ("assistant", "u2", "u1", "Done.")]
        lines = [
            {
                **head,
                "type": who,
                "uuid": id_,
                "parentUuid": parent,
                "message": {"role": who, "content": text},
            }
            for who, id_, parent, text in said
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines), "utf-8")
    told = ok_json("import", home=tmp_path)
    assert told["imported"] == 2 and not told["failed"]


def test_a_members_session_of_no_time_stops_no_cycle(tmp_path: Path) -> None:
    found(tmp_path)
    for who in ("bob", "cyd"):
        joined(tmp_path, who)
    for number, time in enumerate(ODD):
        body = json.loads(claimed(f"{number:016x}", number))
        body["steps"][0]["timestamp"] = time
        posted(tmp_path, "bob", json.dumps(body).encode(), number)
    worked(tmp_path, "cyd", 1)
    told = sc(tmp_path, "ada", "evolve", "--hub", "team")["collected"]
    assert told["taken"] == len(ODD) + 1 and not told["refused"]
