"""Whose a file is: each agent's own files and no other's, in little time whatever the file holds."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from agents_material import Claude, Codex, make_env, text, use
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.agents import adapters, sniff
from skillclaw.agents.history import lines
from skillclaw.agents.history.sqlite import is_database
from skillclaw.errors import BadInputError, SkillClawError, StorageError

SAMPLES = Path(__file__).parent / "samples"
FILES = sorted(path for path in SAMPLES.rglob("*") if path.is_file())
MB = 1 << 20


def values_of(path: Path) -> list[dict[str, Any]]:
    """What `recognises` is given."""
    if is_database(path):
        return []
    try:
        found = [json.loads(path.read_bytes())]
    except ValueError:
        found = [value for _, value in lines.objects(path, lines.Tally())]
    return [value for value in found if isinstance(value, dict)]


def owners(path: Path) -> list[str]:
    values = values_of(path)
    return [name for name, adapter in adapters().items() if adapter.recognises(path, values)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SAMPLES)))
def test_a_sample_is_claimed_by_its_own_agent_or_by_none(path: Path) -> None:
    assert set(owners(path)) <= {path.relative_to(SAMPLES).parts[0]}


def test_every_agent_with_samples_knows_some_of_them(tmp_path: Path) -> None:
    for agent in sorted(path.name for path in SAMPLES.iterdir()):
        files = [path for path in FILES if path.relative_to(SAMPLES).parts[0] == agent]
        for script in [path for path in files if path.suffix == ".sql"]:
            made = tmp_path / f"{agent}.db"
            made.unlink(missing_ok=True)
            db = sqlite3.connect(made)
            db.executescript(script.read_text("utf-8"))
            db.close()
            assert owners(made) == [agent] and sniff(made) == agent
            files.append(made)
        assert [path for path in files if owners(path) == [agent]], agent


def test_claude_code_and_codex_are_told_apart(tmp_path: Path) -> None:
    env = make_env(tmp_path)
    claude, codex = Claude(), Codex()
    claude.user("go")
    claude.said("m1", text("done"), use("t1", "Bash", command="ls"))
    codex.says("user", "go")
    for log, agent in ((claude, "claude-code"), (codex, "codex")):
        path = log.save(env)
        assert owners(path) == [agent]
        for count in range(1, len(log.events) + 1):
            path.write_text("".join(json.dumps(event) + "\n" for event in log.events[:count]), "utf-8")
            assert set(owners(path)) <= {agent}
    described = tmp_path / "s" / "subagents" / "agent-a1.meta.json"
    described.parent.mkdir(parents=True)
    described.write_text('{"agentType": "Explore", "description": "look"}', "utf-8")
    assert owners(described) == ["claude-code"]
    other = tmp_path / "agent-x.jsonl"
    other.write_text('{"some": "other program"}\n', "utf-8")
    assert owners(other) == [] and sniff(other) == ""


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v, max_size=3),
    max_leaves=6,
)
WORDS = [
    "type",
    "payload",
    "message",
    "parts",
    "sessionId",
    "session_id",
    "uuid",
    "id",
    "parentId",
    "messages",
    "agent",
    "origin",
    "provenance",
    "projectHash",
    "$set",
    "$rewindTo",
    "_type",
    "last_consolidated",
    "messages_path",
    "cwd",
    "timestamp",
    "agentType",
    "instructions",
]


@given(st.lists(st.dictionaries(st.sampled_from(WORDS), ODD, max_size=6), max_size=3), st.booleans())
def test_whatever_is_in_a_file_nobody_raises(values: list[dict[str, Any]], named: bool) -> None:
    path = Path("/nowhere/subagents/agent-a.meta.json" if named else "/nowhere/base_state.json")
    for adapter in adapters().values():
        assert adapter.recognises(path, values) in (True, False)


def hostile(folder: Path) -> dict[str, bytes]:
    item = b'{"a":[1,2,{"b":3}]}'
    return {
        "line.json": b'{"a":"' + b"x" * 32 * MB + b'"}',
        "array.json": b"[" + b",".join([item] * (32 * MB // 20)) + b"]",
        "pretty.json": b'{\n"a":[\n' + b",\n".join([item] * (32 * MB // 21)) + b"\n]}",
        "zeros.jsonl": b"\0" * 32 * MB,
        "open.jsonl": b"[" * 32 * MB,
        "quote.jsonl": b'"' + b"\\\\" * 16 * MB,
        "long.jsonl": (b'{"a":"' + b"x" * 2 * MB + b'"}\n') * 16,
        "bomb.jsonl.gz": gzip.compress(b"\0" * 200 * MB, 1),
    }


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited there")
def test_a_file_of_any_size_takes_a_second_and_little_memory(tmp_path: Path) -> None:
    for name, data in hostile(tmp_path).items():
        (tmp_path / name).write_bytes(data)
    with (tmp_path / "large.db").open("wb") as file:
        file.write(b"SQLite format 3\0")
        file.truncate(2 << 30)
    program = (
        "import resource, sys, time\nfrom pathlib import Path\nfrom skillclaw.agents import sniff\n"
        "resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20))\n"
        "from skillclaw.errors import SkillClawError\n"
        "for path in sorted(Path(sys.argv[1]).iterdir()):\n"
        "    start = time.monotonic()\n"
        "    try:\n        sniff(path)\n    except SkillClawError:\n        pass\n"
        "    print(path.name, time.monotonic() - start)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    spent = {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}
    assert len(spent) == 9 and max(spent.values()) < 5, done.stdout


def test_a_long_history_is_told_by_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    message = {"id": "1", "type": "user", "content": "x" * 1000}
    facts = {"sessionId": "s", "projectHash": "h", "startTime": "t", "messages": [message] * 12_000}
    for indent in (None, 2):
        path.write_text(json.dumps(facts, indent=indent), "utf-8")
        assert sniff(path) == "gemini-cli"
    steps = {"agent": {"name": "a", "version": "1"}, "steps": [message] * 12_000}
    for indent in (None, 2):
        path.write_text(json.dumps(steps, indent=indent), "utf-8")
        assert sniff(path) == "atif"


@pytest.mark.skipif(os.name == "nt", reason="pipes and links")
def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    start = time.monotonic()
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(BadInputError, match="is no file"):
            sniff(path)
    for path in (tmp_path / "loop", tmp_path / "gone"):
        with pytest.raises(StorageError):
            sniff(path)
    assert time.monotonic() - start < 5


def test_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n' * 1000)[:-20])
    with pytest.raises(SkillClawError, match="damaged"):
        sniff(path)
