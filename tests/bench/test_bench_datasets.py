"""Recorded runs become sessions: valid ATIF, and nothing that was made for grading."""

from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path

import atif
import pytest

from skillclaw.bench.datasets import DATASETS, read_rows, taubench_session, workbench_session, write_atif
from skillclaw.errors import BadInputError, StorageError
from skillclaw.trajectory.model import decode, encode, meta, result_meta

WORKBENCH_ROW = {
    "session_id": "email-000-m-all",
    "domain": "email",
    "task_id": "email-000",
    "template_id": "SECRET-template",
    "template": "SECRET {name}",
    "query": "Delete my last email from nia",
    "model": "m",
    "toolset": "all",
    "steps": [
        {
            "tool": "email.delete_email",
            "args": {"email_id": "1"},
            "thought": "hm",
            "observation": "Email not found.",
        },
        {
            "tool": "email.search_emails",
            "args": {"query": "nia"},
            "thought": "",
            "observation": [{"email_id": "00000042"}],
        },
        {
            "tool": "email.delete_email",
            "args": {"email_id": "00000042"},
            "thought": "",
            "observation": "Email deleted successfully.",
        },
    ],
    "final_output": "Done",
    "error": "",
    "predicted_calls": ["SECRET"],
    "gold_calls": ["SECRET"],
    "success": True,
    "reward": 1.0,
    "unwanted_side_effects": False,
}

TAUBENCH_ROW = {
    "session_id": "retail-x-000-0",
    "domain": "retail",
    "run": "x",
    "task_id": 0,
    "trial": 0,
    "user_id": "u",
    "instruction": "SECRET goal",
    "gold_actions": ["SECRET"],
    "gold_outputs": ["SECRET"],
    "messages": [
        {"role": "user", "content": "cancel my order"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "a", "function": {"name": "get_order", "arguments": '{"order_id": "#W1"}'}}
            ],
        },
        {"role": "tool", "content": "Error: order not found", "tool_call_id": "a"},
        {"role": "assistant", "content": "Which order?"},
        {"role": "user", "content": "W2"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "id": "b",
                    "function": {"name": "get_order", "arguments": "{'input': \"{'order_id': '#W2'}\"}"},
                }
            ],
        },
    ],
    "reward": 0.0,
    "success": False,
}


def test_a_workbench_run() -> None:
    made = workbench_session(WORKBENCH_ROW)
    atif.Trajectory.model_validate_json(encode(made))
    known = meta(made)
    assert (known.user, known.project, known.task, known.outcome, known.reward) == (
        "m-all",
        "",
        "email-000",
        "success",
        1.0,
    )
    assert [s.source for s in made.steps] == ["user", "agent", "agent", "agent", "agent"]
    results = [s.observation.results[0] for s in made.steps if s.observation]
    assert [result_meta(r).is_error for r in results] == [True, None, None]
    assert b"SECRET" not in encode(made)


def test_a_taubench_run() -> None:
    made = taubench_session(TAUBENCH_ROW)
    atif.Trajectory.model_validate_json(encode(made))
    calls = [c for s in made.steps for c in s.tool_calls or []]
    assert [c.arguments for c in calls] == [{"order_id": "#W1"}, {"order_id": "#W2"}]
    assert meta(made).outcome == "failure"
    assert b"SECRET" not in encode(made)


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_files_of_sessions(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "runs.jsonl"
    source.write_text(json.dumps(WORKBENCH_ROW) + "\n\n" + json.dumps(WORKBENCH_ROW) + "\n", "utf-8")
    out = tmp_path / "deep" / f"out.jsonl{suffix}"
    assert write_atif("workbench", source, out) == 2
    assert [decode(json.dumps(row)).session_id for row in read_rows(out)] == ["email-000-m-all"] * 2


def test_wrong_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        list(read_rows(tmp_path / "none.jsonl"))
    bad = tmp_path / "bad.jsonl.gz"
    bad.write_bytes(b"no gzip")
    with pytest.raises((BadInputError, StorageError)):
        list(read_rows(bad))
    other = tmp_path / "other.jsonl"
    other.write_text('{"a": 1}\n', "utf-8")
    for dataset in DATASETS:
        with pytest.raises(BadInputError):
            write_atif(dataset, other, tmp_path / "o")


def test_the_packaged_slice_is_small_valid_and_licensed() -> None:
    demo = files("skillclaw.bench") / "demo"
    names = {p.name for p in demo.iterdir()}
    assert {"LICENSE-workbench", "LICENSE-tau-bench", "README.md"} <= names
    size = 0
    users: dict[str, set[str]] = {}
    for name in ("workbench", "tau-bench"):
        path = Path(str(demo / f"{name}.jsonl.zst"))
        size += path.stat().st_size
        for row in read_rows(path):
            made = decode(json.dumps(row))
            users.setdefault(name, set()).add(meta(made).user)
            assert meta(made).outcome in ("success", "failure")
            assert not {"gold_calls", "instruction", "template_id"} & set(json.dumps(row).split('"'))
        atif.Trajectory.model_validate(row)
    assert size < 600_000
    assert len(users["workbench"]) >= 2


@pytest.mark.parametrize(
    ("dataset", "variable", "count"),
    [("workbench", "E2E_WORKBENCH", 5520), ("tau-bench", "E2E_TAUBENCH", 600)],
)
def test_the_whole_data_sets(dataset: str, variable: str, count: int, tmp_path: Path) -> None:
    source = os.environ.get(variable)
    if not source:
        pytest.skip(f"{variable} names no file of recorded runs")
    assert write_atif(dataset, Path(source), tmp_path / "out.jsonl") == count
