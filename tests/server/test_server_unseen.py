"""What nobody approved in the version before is no approved thing of a skill that is refined."""

from __future__ import annotations

from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from team import home, sc

from skillclaw.hub import Hub
from skillclaw.server.machine import Machine
from skillclaw.skills.records import Bundle, File

NAME = "npm-know-how"
SCRIPT = File(path="scripts/clean.sh", data=b"#!/bin/sh\nls\n", executable=True)


def worked(place: Path, who: str, first: int, *ran: Ran) -> None:
    made = [session(who, first + n, "run the tests of this package", ran) for n in range(6)]
    sc(place, "ada", "import", str(write(place / f"{who}.jsonl", made)))


def with_a_script(hub: Hub, role: str) -> None:
    """Release what is current with a program beside it, as whoever has the key of `role` can on a hub of
    one's own."""
    skill = hub.state().skills[NAME]
    now = skill.release(skill.current or "")
    assert now is not None
    files = hub.get_bundle(now).files
    version, name = hub.put_bundle(Bundle(name=NAME, files=[*files, SCRIPT]))
    body = {"skill": NAME, "version": version, "base": skill.current, "object": name, "sidecar": now.sidecar}
    hub.commit("release", {**body, "stage": "stable"}, role=role)


@pytest.mark.parametrize("approved", [False, True])
def test_a_refinement_waits_where_clients_would_refuse_what_stood_before(
    approved: bool, tmp_path: Path
) -> None:
    fails = Ran("npm test", 1, "Error: Cannot find module 'x'")
    worked(tmp_path, "u", 0, fails, Ran("npm ci"), Ran("npm test", 0, "ok"))
    sc(tmp_path, "ada", "evolve")
    machine = Machine(home(tmp_path, "ada"), {})
    if approved:
        installed = tmp_path / "ada" / ".claude" / "skills" / NAME
        (installed / "scripts").mkdir()
        (installed / SCRIPT.path).write_bytes(SCRIPT.data)
        made = sc(tmp_path, "ada", "skills", "propose", NAME)
        sc(tmp_path, "ada", "proposals", "approve", made["proposal"])
    else:
        with_a_script(machine.hub, "evolver")
    full = Ran("npm test", 1, "Error: ENOSPC: System limit for number of file watchers reached")
    worked(tmp_path, "w", 30, full, Ran("npm test -- --runInBand", 0, "ok"))
    (judged,) = [one for one in sc(tmp_path, "ada", "evolve")["proposals"] if one["skill"] == NAME]
    assert judged["verdict"] == ("passed" if approved else "held")
    changes = sc(tmp_path, "ada", "sync")["changes"]
    assert "failed" not in {change["action"] for change in changes if approved}
    text = (tmp_path / "ada" / ".claude" / "skills" / NAME / "SKILL.md").read_text("utf-8")
    assert ("runInBand" in text) == approved
