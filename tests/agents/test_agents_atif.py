"""ATIF files in, whatever their packing, with reasons for what is not ATIF; and what a file holds."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import zstandard

from skillclaw.agents import read_atif, sniff
from skillclaw.errors import BadInputError, StorageError
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import meta, result_meta


def document(**fields: Any) -> dict[str, Any]:
    call = {"tool_call_id": "c1", "function_name": "sh", "arguments": {"cmd": "ls"}}
    result = {"source_call_id": "c1", "content": "x", "extra": {"skillclaw": {"exit_code": 0}}}
    steps = [
        {"step_id": 1, "source": "user", "message": "list"},
        {
            "step_id": 2,
            "source": "agent",
            "message": "",
            "timestamp": "2026-03-01T10:00:00Z",
            "tool_calls": [call],
            "observation": {"results": [result]},
        },
    ]
    made = {
        "schema_version": "ATIF-v1.8",
        "session_id": "s1",
        "agent": {"name": "bot", "version": "1"},
        "steps": steps,
    }
    return made | fields


def put(path: Path, value: str | bytes) -> Path:
    data = value.encode() if isinstance(value, str) else value
    if path.suffix == ".gz":
        data = gzip.compress(data)
    if path.suffix == ".zst":
        data = zstandard.compress(data)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
@pytest.mark.parametrize("layout", ["one line", "pretty", "array", "pretty array", "lines", "bom"])
def test_every_layout_and_packing(tmp_path: Path, layout: str, packing: str) -> None:
    one, two = document(), document(session_id="s2")
    body = {
        "one line": json.dumps(one),
        "pretty": json.dumps(one, indent=2),
        "array": json.dumps([one, two]),
        "pretty array": json.dumps([one, two], indent=2),
        "lines": f"{json.dumps(one)}\n\n{json.dumps(two)}\n",
        "bom": "\ufeff" + json.dumps(one) + "\n",
    }[layout]
    path = put(tmp_path / f"a.json{packing}", body)
    items = list(read_atif(path))
    keys = [meta(item.trajectory).key for item in items if item.trajectory]
    wanted = [session_key("bot", "s1"), session_key("bot", "s2")]
    assert keys == (wanted if layout in ("array", "pretty array", "lines") else wanted[:1])
    assert sniff(path) == "atif"
    assert items[0].trajectory is not None and items[0].trajectory.steps[1].observation is not None
    assert result_meta(items[0].trajectory.steps[1].observation.results[0]).exit_code == 0


def test_our_fields_count_as_given_and_others_are_filled(tmp_path: Path) -> None:
    ours = {
        "user": "ann",
        "project": "shop",
        "outcome": "failure",
        "reward": 0,
        "task": "t1",
        "source": "wire",
    }
    (item,) = read_atif(put(tmp_path / "a", json.dumps(document(extra={"skillclaw": ours, "theirs": 1}))))
    assert item.trajectory is not None
    known = meta(item.trajectory)
    assert (known.user, known.project, known.outcome, known.reward, known.task) == (
        "ann",
        "shop",
        "failure",
        0,
        "t1",
    )
    assert known.source == "import"
    assert (item.trajectory.extra or {})["theirs"] == 1
    nameless = document()
    del nameless["session_id"]
    one, two = read_atif(put(tmp_path / "b", f"{json.dumps(nameless)}\n{json.dumps(nameless)}\n"))
    assert one.trajectory is not None and two.trajectory is not None
    assert meta(one.trajectory).key == meta(two.trajectory).key != known.key


def step(**fields: Any) -> dict[str, Any]:
    return {"step_id": 1, "source": "user", "message": "x"} | fields


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"steps": [step(step_id=2)]}, "not sequential"),
        ({"steps": [step(model_name="m")]}, "only valid on"),
        ({"steps": [step(timestamp="yesterday")]}, "ISO 8601"),
        ({"steps": [step(timestamp="2026-13-41T00:00:00Z")]}, "ISO 8601"),
        ({"steps": [step(source="robot")]}, "steps.0.source"),
        ({"steps": [step(message=[{"type": "image", "text": "x"}])]}, "requires `source`"),
        ({"steps": []}, "no steps"),
        ({"steps": 7}, "steps"),
        ({"agent": {"name": "x"}}, "agent.version"),
        ({"schema_version": None}, "schema_version"),
        ({"extra": {"skillclaw": 5}}, "expected an object"),
        ({"extra": {"skillclaw": {"outcome": "great"}}}, "great"),
        ({"extra": {"skillclaw": {"user": 5}}}, "extra.skillclaw"),
        ({"extra": {"skillclaw": {"v": 9}}}, "upgrade needed"),
        ({"steps": [step(extra={"skillclaw": {"kind": "odd"}})]}, "extra.skillclaw"),
        ({"subagent_trajectories": [document()]}, "trajectory_id"),
    ],
)
def test_reasons(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    path = put(tmp_path / "a.jsonl", json.dumps(document(**change)) + "\n" + json.dumps(document()) + "\n")
    bad, good = read_atif(path)
    assert (bad.trajectory, bad.line) == (None, 1)
    assert reason in bad.reason
    assert (good.trajectory is not None, good.line) == (True, 2)


def test_a_result_of_no_call(tmp_path: Path) -> None:
    made = document()
    made["steps"][1]["observation"]["results"][0]["source_call_id"] = "zz"
    (item,) = read_atif(put(tmp_path / "a", json.dumps(made)))
    assert "does not match any tool_call" in item.reason


def test_older_documents_and_what_atif_alone_understands(tmp_path: Path) -> None:
    refs = [{"trajectory_id": "sub"}]
    made = document(schema_version="ATIF-v1.2")
    made["steps"][1]["observation"]["results"][0]["subagent_trajectory_ref"] = refs
    made["steps"][0]["step_id"] = "1"
    (item,) = read_atif(put(tmp_path / "a", json.dumps(made)))
    assert item.trajectory is not None
    assert (item.trajectory.schema_version, item.trajectory.steps[0].step_id) == ("ATIF-v1.2", 1)


def test_broken_lines_do_not_stop_the_rest(tmp_path: Path) -> None:
    good = json.dumps(document())
    path = put(tmp_path / "a.jsonl", f"{{broken\n{good}\n[]\n{good[:50]}")
    items = list(read_atif(path))
    assert [(i.line, i.trajectory is not None) for i in items] == [
        (1, False),
        (2, True),
        (3, False),
        (4, False),
    ]
    assert items[0].reason.startswith("not JSON") and items[3].reason == "the last line is cut off"
    assert sniff(path) == "atif"


def test_files_that_are_no_json_at_all(tmp_path: Path) -> None:
    path = put(tmp_path / "a.json", '{\n  "schema_version": "x",\n  "steps": [\n')
    for look in (sniff, lambda p: list(read_atif(p))):
        with pytest.raises(BadInputError, match="line 4"):
            look(path)
    put(path, "plain words\n")
    with pytest.raises(BadInputError):
        sniff(path)
    put(path, '{"name": "package"}')
    assert sniff(path) == ""
    put(path, b"")
    assert (sniff(path), list(read_atif(path))) == ("", [])
    with pytest.raises(StorageError):
        sniff(tmp_path / "none")
    cut = put(tmp_path / "b.zst", json.dumps(document()) * 50)
    cut.write_bytes(cut.read_bytes()[:-9])
    assert all(item.reason for item in read_atif(cut))


def test_constant_memory(tmp_path: Path) -> None:
    count = 4000
    line = json.dumps(document(extra={"skillclaw": {"user": "ann", "outcome": "success"}}))
    path = put(tmp_path / "a.jsonl", (line + "\n") * count)
    assert sum(item.trajectory is not None for item in read_atif(path)) == count
    tracemalloc.start()
    for _ in read_atif(path):
        pass
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
