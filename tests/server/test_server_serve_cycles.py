"""`skillclaw serve` over a group on a folder: when cycles run, and what is left when something dies."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import psutil
import pytest
from cli import fails, skillclaw
from providers import Fail, Provider
from serving import Server, running_up, serving, wait
from team import found, home, hub, joined, machine, sc, state
from test_server_group_cycle import worked

from skillclaw.server.groups.claiming import CYCLE, claims_of
from skillclaw.server.serving.history import History

pytestmark = pytest.mark.timeout(300)
MANY = ("bob", "cyd", "dan")


@pytest.fixture
def team(tmp_path: Path) -> Path:
    found(tmp_path)
    for who in MANY:
        joined(tmp_path, who)
    return tmp_path


def all_worked(team: Path, *numbers: int) -> None:
    for who in MANY:
        worked(team, who, *numbers)


def releases(team: Path) -> int:
    """Releases that the log has, of all skills."""
    return sum(len(skill.releases) for skill in state(team).skills.values())


def claimed_by(team: Path, who: str = "ada") -> object:
    """Who has the group's cycle."""
    return claims_of(machine(team, who), hub(team, who)).holder(CYCLE)


@pytest.mark.e2e
def test_many_new_sessions_start_a_cycle_and_a_stopped_server_leaves_nothing(team: Path) -> None:
    with serving(team, "ada", "--log-format", "json", interval=2, sessions=6) as server:
        wait(lambda: server.group()["state"] == "idle", 120)
        all_worked(team, 1, 2)
        (line,) = wait(lambda: [one for one in server.cycles() if one["outcome"] == "done"], 120)
        assert (line["trigger"], line["new"], line["sessions"], line["released"]) == ("sessions", 6, 6, 1)
        after = wait(lambda: (one := server.group())["state"] == "idle" and one, 120)
        assert (after["sessions_waiting"], after["failures"], after["error"]) == (0, 0, "")
        report = server.ask(f"groups/team/cycles/{line['id']}")
        assert report["cycle"] == line and len(report["released"]) == 1
        assert server.stop() == 0
    assert releases(team) == 1 and claimed_by(team) is None
    told = [json.loads(text) for text in server.log.read_text().splitlines()]
    assert {"server started", "cycle running", "cycle done", "server stopped"} <= {
        one["event"] for one in told
    }
    assert {one.get("stage") for one in told} >= {"collect", "read", "mine", "propose", "judge"}
    assert "httpie" not in server.log.read_text(), "no words of sessions"


@pytest.mark.slow
def test_a_killed_cycle_is_lost_and_the_next_one_finishes_what_it_began(team: Path) -> None:
    all_worked(team, 1, 2)
    with serving(team, "ada", interval=60, sessions=0) as server:
        (running,) = wait(lambda: server.cycles(), 120)
        assert running["trigger"] == "catch-up", "what came while no server ran"
        (child,) = server.children()
        wait(lambda: server.cycles()[0]["stage"] in ("read", "mine", "propose"), 120)
        child.kill()
        lost = server.over(running["id"])
        assert lost["outcome"] == "lost" and "signal 9" in lost["error"]
        assert server.group()["failures"] == 1
        assert server.over(server.run())["outcome"] == "done"
        assert server.group()["failures"] == 0
    assert releases(team) == 1


@pytest.mark.slow
def test_a_killed_server_takes_its_cycle_with_it_and_the_next_one_goes_on(team: Path) -> None:
    all_worked(team, 1, 2)
    with serving(team, "ada", interval=60, sessions=0) as server:
        wait(lambda: server.cycles() and server.cycles()[0]["stage"] == "collect", 120)
        (child,) = server.children()
        first = server.cycles()[0]["id"]
        server.process.kill()
        server.process.wait()
        wait(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 10)
    with serving(team, "ada", interval=60, sessions=0, ttl=600) as server:
        assert server.over(first)["outcome"] == "lost"
        second = wait(lambda: next((one for one in server.cycles() if one["id"] != first), None), 120)
        assert second["trigger"] == "catch-up", "the dead one's claim holds nobody up on its own machine"
        assert server.over(second["id"])["outcome"] == "done"
    assert releases(team) == 1


@pytest.mark.slow
def test_a_cycle_that_does_not_end_in_time_is_stopped_and_goes_on_later(team: Path) -> None:
    all_worked(team, 1, 2)
    with serving(team, "ada", interval=60, sessions=0, grace=0) as server:
        wait(lambda: server.children(), 120)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 25
    assert claimed_by(team) is None or claims_of(machine(team, "ada"), hub(team)).take(CYCLE, 5) is not None
    with serving(team, "ada", interval=60, sessions=0) as server:
        assert [one["outcome"] for one in server.cycles()][-1] == "stopped"
        second = wait(lambda: next((one for one in server.cycles() if one["outcome"] == "done"), None), 120)
        assert second["trigger"] == "catch-up"
    assert releases(team) == 1


@pytest.mark.slow
def test_two_servers_share_the_work_of_one_group(team: Path) -> None:
    asked = sc(team, "bob", "hub", "key", "--role", "evolver")
    sc(team, "ada", "hub", "admit", asked["request"], "--yes")
    sc(team, "ada", "evolve", "--hub", "team")  # tells the new one how people are named
    all_worked(team, 1, 2)
    at_work = claims_of(machine(team, "ada"), hub(team)).take(CYCLE, 120)
    assert at_work is not None
    with at_work.beating(), serving(team, "bob", interval=3, sessions=0) as two:
        seen = wait(lambda: (now := two.group())["state"] == "elsewhere" and now, 120)
        assert seen["holder"] == at_work.public[:16] and seen["sessions_waiting"] == 6
        assert two.cycles() == []
        at_work.release()
        line = wait(lambda: next((one for one in two.cycles() if one["outcome"] == "done"), None), 120)
        assert (line["trigger"], line["new"], line["released"]) == ("catch-up", 6, 1)
        with serving(team, "ada", interval=3, sessions=0) as one:
            # what the other did is not done again
            wait(lambda: (now := one.group())["state"] == "idle" and now["sessions_waiting"] == 0, 120)
            assert one.cycles() == []
            # this one can be asked too, and makes nothing twice
            line = one.over(one.run())
            assert (line["outcome"], line["new"], line["released"]) == ("done", 6, 0)
    assert releases(team) == 1


@pytest.mark.slow
def test_paused_outlives_a_restart_and_people_may_still_ask(team: Path) -> None:
    with serving(team, "ada", interval=0.1, sessions=1) as server:
        wait(lambda: server.group()["state"] == "idle", 120)
        server.ask("groups/team/pause", "POST")
        assert server.stop() == 0
    all_worked(team, 1)
    with serving(team, "ada", interval=0.1, sessions=1) as server:
        wait(lambda: server.group()["sessions_waiting"] == 3, 120)
        time.sleep(2)
        assert server.group()["state"] == "paused" and server.cycles() == []
        tried = server.over(server.run(dry_run=True))
        assert (tried["dry_run"], tried["new"], tried["released"]) == (True, 3, 1)
        assert releases(team) == 0
        server.ask("groups/team/resume", "POST")
        # the dry run took the sessions in, but what they teach was not released
        wait(lambda: any(one["released"] and not one["dry_run"] for one in server.cycles()), 120)
    assert releases(team) == 1


@pytest.mark.slow
def test_a_broken_group_is_told_and_delays_no_other(team: Path) -> None:
    sc(team, "ada", "hub", "init", str(team / "second"), "--name", "second", "--evolver", "--as", "ada")
    shutil.move(team / "second", team / "away")
    all_worked(team, 1, 2)
    with serving(team, "ada", interval=1, sessions=1) as server:
        wait(lambda: any(one["outcome"] == "done" for one in server.cycles()), 120)
        broken = server.group("second")
        assert broken["state"] == "failing" and str(team / "second") in broken["error"]
        shutil.move(team / "away", team / "second")
        wait(lambda: server.group("second")["state"] == "idle", 120)


@pytest.mark.slow
def test_once_runs_every_group_once_and_says_how_it_went(team: Path) -> None:
    all_worked(team, 1, 2)
    done = skillclaw("serve", "--once", "--json", home=team / "ada", environ={"PYTHONUNBUFFERED": "1"})
    told = json.loads(done.stdout)
    assert done.returncode == 0 and told["without"] == []
    assert [(one["hub"], one["outcome"], one["released"]) for one in told["cycles"]] == [("team", "done", 1)]
    sc(team, "ada", "config", "set", "evolve.engine", "llm")  # and no model
    failed = skillclaw("serve", "--once", "--json", home=team / "ada", environ={"PYTHONUNBUFFERED": "1"})
    (line,) = json.loads(failed.stdout)["cycles"]
    assert failed.returncode == 1 and line["outcome"] == "failed" and "needs a model" in line["error"]


@pytest.mark.slow
def test_one_home_has_one_server(team: Path) -> None:
    with serving(team, "ada"):
        second = Server(team, "ada", environ={})
        assert second.process.wait(60) == 1
        assert "Another `skillclaw serve` is at work" in second.log.read_text()


def test_a_wrong_log_format_is_told(tmp_path: Path) -> None:
    assert "xml" in fails("serve", "--log-format", "xml", home=tmp_path, code=2)


@pytest.mark.slow
def test_up_runs_the_cycles_of_the_groups_that_its_machine_evolves_for(team: Path) -> None:
    all_worked(team, 1, 2)
    with running_up(team, "ada"):
        wait(lambda: releases(team) == 1, 90)
        assert skillclaw("serve", "--once", home=team / "ada").returncode == 1, "one home has one server"
    lines = History(home(team, "ada")).cycles(state(team).group)
    assert [line.outcome for line in lines] == ["done"]


@pytest.mark.slow
def test_a_model_that_fails_degrades_the_cycle_and_is_asked_again_after_the_canary(team: Path) -> None:
    all_worked(team, 1, 2)
    with Provider("chat", Fail(401)) as provider:
        own = {
            "evolve.engine": "llm",
            "evolve.model.name": "m",
            "evolve.model.url": provider.url,
            "evolve.model.key": "env:MODEL_KEY",
        }
        for name, value in own.items():
            sc(team, "ada", "config", "set", name, value)
        with serving(team, "ada", environ={"MODEL_KEY": "k" * 20}, interval=60, sessions=0) as server:
            line = wait(lambda: next((one for one in server.cycles() if one["outcome"] == "done"), None), 120)
            assert "401" in line["degraded"] and line["released"] == 1
            now = server.group()
            assert (now["state"], now["failures"]) == ("waiting", 0) and "401" in now["degraded"]
            asked = len(provider.seen)
            (name,) = state(team).skills
            # What is measured is not changed meanwhile.
            assert server.over(server.run())["degraded"] == "" and len(provider.seen) == asked
            sc(team, "ada", "skills", "promote", name)
            assert "401" in server.over(server.run())["degraded"] and len(provider.seen) > asked
    assert releases(team) == 1
