"""`sessions export` gives ATIF: every agent's history and every recorded client, judged by `atif` itself."""

from __future__ import annotations

import json
from pathlib import Path

import atif
import pytest
from fuzz_histories import DATABASES, LINES, TREES, events, files, read_all, serialized, tree
from recorded import FIXTURES, recorded
from team import sc

from skillclaw.journal.assemble import assemble
from skillclaw.server.machine import Machine
from skillclaw.server.sessions.intake import admit
from skillclaw.trajectory.model import Trajectory


def histories() -> list[Trajectory]:
    """A session of every agent whose history a sample is kept of."""
    found = []
    for agent, (place, _) in LINES.items():
        env = tree()
        path = env.home / place
        path.parent.mkdir(parents=True)
        path.write_text("".join(json.dumps(one) + "\n" for one in events(agent)), "utf-8")
        found += list(read_all(agent, env, path))
    for agent, (_, place, first) in TREES.items():
        env = tree()
        for name, value in files(agent).items():
            path = env.home / place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(value), "utf-8")
        found += list(read_all(agent, env, env.home / place / (first or min(files(agent)))))
    for agent, place in DATABASES.items():
        data = serialized(agent)  # it makes a tree of its own
        env = tree()
        path = env.home / place
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        found += list(read_all(agent, env, path))
    return found


@pytest.mark.slow
def test_what_is_exported_of_every_agent_is_atif_and_comes_back(tmp_path: Path) -> None:
    made = histories()
    wire = [one for path in sorted(FIXTURES.glob("*.json")) for one in assemble(recorded(path.name))]
    assert len(wire) >= len(list(FIXTURES.glob("*.json")))
    told = {one.agent.name for one in [*made, *wire]}
    assert told >= {*LINES, *DATABASES, "cline", "openhands"}, told
    (tmp_path / "ada").mkdir()
    machine = Machine(tmp_path / "ada" / ".skillclaw", {})
    results = machine.sessions.put_many([admit(machine, one) for one in [*made, *wire]])
    stored = sorted(row.id for row in machine.sessions.rows())
    assert len(stored) > len(told) and set(results) <= {"new", "grown", "same", "older"}
    machine.sessions.close()
    out = tmp_path / "all.jsonl"
    assert sc(tmp_path, "ada", "sessions", "export", "--out", str(out))["exported"] == len(stored)
    lines = out.read_bytes().splitlines()
    for line in lines:
        atif.Trajectory.model_validate_json(line)
    again = sc(tmp_path, "eve", "import", str(out))
    assert (again["imported"], again["failed"]) == (len(stored), [])
    first = json.loads(lines[0])
    assert first["schema_version"] == "ATIF-v1.8"
