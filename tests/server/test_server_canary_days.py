"""Machines of a group over days: each has a canary in its own blocks, and obeys commits at the next poll."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli import ok, ok_json
from hubs_at_hand import Hubs, bundle, counted

from skillclaw import settings
from skillclaw.hub import keys
from skillclaw.hub.arms import block, treated
from skillclaw.library.pace import Schedule
from skillclaw.server.hubs import syncing
from skillclaw.server.hubs.syncing import Syncing
from skillclaw.server.machine import Machine
from skillclaw.server.work import sync
from skillclaw.skills.records import File

pytestmark = pytest.mark.live

START = datetime(2026, 9, 1, 23, 59, 30, tzinfo=UTC)


@pytest.fixture
def hubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hubs:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    one = Hubs(tmp_path)
    one.admit()
    return one


class Client:
    """One member's machine, with a clock of its own."""

    def __init__(self, hubs: Hubs, name: str) -> None:
        self.folder = hubs.place / name / "skills"
        self.folder.mkdir(parents=True)
        environ = {"SKILLCLAW_SYNC__TARGETS": json.dumps([str(self.folder)])}
        self.machine = Machine(hubs.place / name / ".skillclaw", environ)
        settings.set_value(self.machine.home, "hubs.team.url", str(hubs.team_folder))
        key = keys.load_or_create(self.machine.home / "keys", hubs.team.info.group, "member")
        self.member = keys.public_hex(key)
        body = {"public": self.member, "role": "member", "name": name}
        hubs.team.commit("key-add", body, role="owner")

    def poll(self, now: datetime) -> str | None:
        """Sync at that time; the body that lies there then."""
        self.machine.hubs.clock = lambda: now
        sync(self.machine)
        path = self.folder / "deploy" / "SKILL.md"
        return path.read_text("utf-8").rstrip("\n").rsplit("\n", 1)[-1] if path.exists() else None


def test_clients_have_the_canary_on_their_own_days_and_obey_commits_at_once(hubs: Hubs) -> None:
    clients = [Client(hubs, name) for name in ("ann", "bob", "cem")]
    hubs.release(hubs.team, bundle("deploy", "stable"))
    canary = hubs.release(hubs.team, bundle("deploy", "canary"), stage="canary", share=0.5)
    seen: dict[str, set[str | None]] = {client.member: set() for client in clients}
    for number in range(8):
        now = START + timedelta(days=number)
        for client in clients:
            arm = treated(client.member, "deploy", canary, block(now), 0.5)
            found = client.poll(now)
            assert found == ("canary" if arm else "stable")
            seen[client.member].add(found)
    assert any(len(found) == 2 for found in seen.values())
    body = {"skill": "deploy", "version": canary, "base": canary, "stage": "stable"}
    hubs.team.commit("promote", body, role="owner")
    now = START + timedelta(days=8)
    assert {client.poll(now) for client in clients} == {"canary"}
    # the next one harms: everywhere it is, it is gone with the next poll
    bad = hubs.release(hubs.team, bundle("deploy", "harmful"), stage="canary", share=1.0)
    assert {client.poll(now) for client in clients} == {"harmful"}
    hubs.team.rollback("deploy", canary)
    assert {client.poll(now) for client in clients} == {"canary"}
    assert bad != canary
    hubs.release(hubs.team, bundle("deploy", "poisoned"), stage="canary", share=1.0)
    assert {client.poll(now) for client in clients} == {"poisoned"}
    hubs.team.revoke("deploy", None, "It reads keys.")
    assert {client.poll(now) for client in clients} == {None}
    assert all(client.machine.library.quarantined() for client in clients)


def test_the_block_turns_without_a_request_and_after_a_sleep(
    hubs: Hubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = hubs.release(hubs.team, bundle("deploy", "canary"), stage="canary", share=0.5)
    hubs.release(hubs.machine.hub, bundle("git", "personal way"))
    member = hubs.machine.hubs.view(hubs.machine.hubs.source("team")).client
    now = START
    hubs.machine.hubs.clock = lambda: now
    work = Syncing(hubs.machine, Schedule(clock=lambda: 0.0))
    work.step()
    with counted() as seen:
        for hours in (0, 1, 23, 1, 24 * 9, 24, 24, -48, 24):
            now += timedelta(hours=hours)
            work.step()
            arm = treated(member, "deploy", canary, block(now), 0.5)
            assert hubs.text("deploy") == ("canary" if arm else None)
        assert [key for key in seen.gets if key.startswith("log/")] == []
    # a session of an agent that reads the folder: nothing happens under it, and soon afterwards it does
    days = (START + timedelta(days=n) for n in range(30, 90))
    now = next(day for day in days if treated(member, "deploy", canary, block(day), 0.5))
    work.step()
    assert hubs.text("deploy") == "canary"
    history = _claude(hubs)
    now = next(day for day in days if not treated(member, "deploy", canary, block(day), 0.5))
    monkeypatch.setattr(syncing, "AGAIN", 0.001)
    for _ in range(3):
        work.step()
        assert hubs.text("deploy") == "canary"
        time.sleep(0.002)
    (row,) = hubs.machine.library.canaries()
    assert "waits for running sessions (Claude Code)" in row.detail
    os.utime(history, (time.time() - 400, time.time() - 400))
    work.step()
    assert hubs.text("deploy") is None


def _claude(hubs: Hubs) -> Path:
    """A session of Claude Code that just grew; it reads the machine's skills folder."""
    folder = hubs.home / ".claude" / "projects" / "-work-till"
    folder.mkdir(parents=True)
    path = folder / "0b9ad1f2-1111-4222-8333-444455556666.jsonl"
    line: dict[str, object] = {
        "type": "user",
        "sessionId": path.stem,
        "cwd": "/work/till",
        "uuid": "u1",
        "parentUuid": None,
    }
    line |= {"timestamp": "2026-09-01T10:00:00Z", "message": {"role": "user", "content": "Deploy it."}}
    path.write_text(json.dumps(line) + "\n")
    return path


@pytest.mark.parametrize("share", [0.0, pytest.param(1.0, marks=pytest.mark.slow)])
def test_it_is_told_plainly(hubs: Hubs, share: float) -> None:
    hubs.release(hubs.team, bundle("deploy", "stable"))
    canary = hubs.release(hubs.team, bundle("deploy", "canary"), stage="canary", share=share)
    hubs.release(hubs.team, bundle("fresh", "canary"), stage="canary", share=share)
    more = {"environ": hubs.environ}
    done = ok_json("sync", home=hubs.home, **more)
    there = {change["skill"] for change in done["changes"]}
    rows = {row["name"]: row for row in ok_json("skills", "list", home=hubs.home, **more)}
    states = ok_json("skills", "edit-status", home=hubs.home, **more)
    status = ok_json("status", home=hubs.home, **more)
    assert {row["arm"] for row in rows.values()} == {"treated" if share else "control"}
    assert rows["deploy"]["version"] == canary
    assert rows["deploy"]["installed"] == {str(hubs.skills): "installed"}
    if share:
        assert there == {"deploy", "fresh"}
        assert status["canaries"] == []
        table = ok("skills", "list", home=hubs.home, **more)
        assert "1 folder" in table
        assert "withheld" not in table
        return
    assert there == {"deploy"}
    assert rows["fresh"]["installed"] == {}
    assert "canary, withheld today (control)" in ok("skills", "list", home=hubs.home, **more)
    assert {(row["skill"], row["state"], row["target"]) for row in states} == {
        ("deploy", "installed", str(hubs.skills)),
        ("fresh", "withheld", ""),
    }
    assert all("withheld today (control)" in row["detail"] for row in states)
    assert [(row["skill"], row["state"]) for row in status["canaries"]] == [
        ("deploy", "withheld"),
        ("fresh", "withheld"),
    ]
    told = f"Skill team/fresh: canary {rows['fresh']['version'][:12]} is withheld today (control)"
    assert told in ok("status", home=hubs.home, **more)


def test_who_takes_no_part_says_so_by_a_setting(hubs: Hubs) -> None:
    hubs.release(hubs.team, bundle("deploy", "stable"))
    hubs.release(hubs.team, bundle("deploy", "canary"), stage="canary", share=1.0)
    hubs.sync()
    assert hubs.text("deploy") == "canary"
    more = {"environ": hubs.environ}
    ok("config", "set", "sync.canary", "false", home=hubs.home, **more)
    ok("sync", home=hubs.home, **more)
    assert hubs.text("deploy") == "stable"
    (row,) = ok_json("skills", "list", home=hubs.home, **more)
    assert row["arm"] == "off"
    assert "1 folder, takes no part in canaries" in ok("skills", "list", home=hubs.home, **more)


def test_programs_that_nobody_approved_do_not_come_as_a_canary_either(hubs: Hubs) -> None:
    hubs.release(hubs.team, bundle("deploy", "stable"))
    hubs.sync()
    script = File(path="run.sh", data=b"#!/bin/sh\necho hi\n", executable=True)
    hubs.release(hubs.team, bundle("deploy", "canary", script), stage="canary", share=1.0)
    report = hubs.sync()
    assert "nobody approved it" in "\n".join(report.lines())
    assert hubs.text("deploy") == "stable"


def test_two_processes_at_the_border_end_in_one_state(hubs: Hubs) -> None:
    canary = hubs.release(hubs.team, bundle("deploy", "canary"), stage="canary", share=0.5)
    machines = [hubs.fresh(), hubs.fresh()]
    member = machines[0].hubs.view(machines[0].hubs.source("team")).client
    for number in range(4):
        now = START + timedelta(days=number)
        for machine in machines:
            machine.hubs.clock = lambda now=now: now  # type: ignore[misc]
        threads = [threading.Thread(target=sync, args=(machine,)) for machine in machines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        arm = treated(member, "deploy", canary, block(now), 0.5)
        assert hubs.text("deploy") == ("canary" if arm else None)
        assert list(hubs.skills.glob(".skillclaw-tmp-*")) == []


_SWAPS = """
import sys, itertools
from datetime import datetime, timedelta
from pathlib import Path
from skillclaw.server.machine import Machine
from skillclaw.server.work import sync
machine, now = Machine(Path(sys.argv[1])), datetime.fromisoformat(sys.argv[2])
print("ready", flush=True)
for number in itertools.count():
    machine.hubs.clock = lambda: now + timedelta(days=number)
    sync(machine)
"""


@pytest.mark.slow
def test_kill_9_amid_a_swap_leaves_the_one_or_the_other(hubs: Hubs) -> None:
    hubs.release(hubs.team, bundle("deploy", "stable"))
    one = hubs.release(hubs.team, bundle("deploy", "canary"), stage="canary", share=0.5)
    two = hubs.release(hubs.team, bundle("fresh", "canary"), stage="canary", share=0.5)
    member = hubs.machine.hubs.view(hubs.machine.hubs.source("team")).client
    environ = os.environ | hubs.environ
    for round_ in range(12):
        command = [sys.executable, "-c", _SWAPS, str(hubs.machine.home), START.isoformat()]
        work = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE)
        assert work.stdout is not None
        work.stdout.readline()
        time.sleep(0.15 + 0.037 * round_)
        work.send_signal(signal.SIGKILL)
        work.wait()
        assert hubs.text("deploy") in (None, "stable", "canary")
        assert hubs.text("fresh") in (None, "canary")
        now = START + timedelta(days=400 + round_)
        fresh = hubs.fresh()
        fresh.hubs.clock = lambda now=now: now  # type: ignore[misc]
        sync(fresh)
        arms = [treated(member, name, v, block(now), 0.5) for name, v in (("deploy", one), ("fresh", two))]
        assert hubs.text("deploy") == ("canary" if arms[0] else "stable")
        assert hubs.text("fresh") == ("canary" if arms[1] else None)
        assert list(hubs.skills.glob(".skillclaw-tmp-*")) == []
