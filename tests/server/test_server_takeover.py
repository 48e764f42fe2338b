"""What one evolver of a group began another finishes: nothing is paid, proposed or released twice."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from chat_model import ChatModel
from llm_script import honest, model
from team import found, home, hub, joined, machine, sc, state

from skillclaw.errors import BusyError
from skillclaw.evolve.models.daybook import today
from skillclaw.hub import HubState
from skillclaw.hub.answers import FOLDER
from skillclaw.hub.claims import LostClaimError
from skillclaw.hub.spendings import HubSpendings
from skillclaw.server.groups.claiming import CYCLE, claims_of
from skillclaw.server.groups.cycle import group_cycle

ERROR = "error: externally-managed-environment\n\nThis environment is externally managed"
RECOVERY = (
    Ran("pip install httpie", 1, ERROR),
    Ran("python3 -m venv .venv", 0, ""),
    Ran(".venv/bin/pip install httpie", 0, "Successfully installed httpie"),
)
MEMBERS = ("bob", "cyd", "dan")


def worked(place: Path, who: str) -> None:
    """Two sessions of the machine's own user, shared with the team."""
    made = []
    for number in (1, 2):
        one = session("", number, "install httpie please", RECOVERY)
        del one["extra"]["skillclaw"]["user"]
        one["session_id"] = f"{who}-{number}"
        made.append(one)
    sc(place, who, "import", str(write(place / who / "s.jsonl", made)))
    sc(place, who, "config", "set", "share.default", "redacted")
    sc(place, who, "share", "allow", "--hub", "team", "--past")
    sc(place, who, "share", "send")


def second(place: Path, who: str = "eve") -> None:
    """Another machine with the evolver's key, the hub and the settings of Ada's, and nothing else."""
    shutil.copytree(home(place, "ada") / "keys", home(place, who) / "keys")
    for path in home(place, "ada").glob("*.toml"):
        shutil.copy(path, home(place, who))


@pytest.fixture
def team(tmp_path: Path) -> Path:
    found(tmp_path)
    for who in MEMBERS:
        joined(tmp_path, who)
        worked(tmp_path, who)
    return tmp_path


@pytest.fixture
def asked(team: Path) -> Iterator[ChatModel]:
    """The model that Ada's machine asks, with what it was asked."""
    with model(honest) as server:
        for key, value in {"engine": "llm", "model.name": "m", "model.url": server.url}.items():
            sc(team, "ada", "config", "set", f"evolve.{key}", value)
        yield server


def counted(now: HubState) -> tuple[int, int]:
    """Proposals and releases in the log, each of which is there once or not at all."""
    ids = [one.proposal for skill in now.skills.values() for one in skill.releases]
    assert len(ids) == len(set(ids))
    return len(now.proposals), len(ids)


class Died(Exception):  # noqa: N818 - what ends a cycle in these tests
    """As if the machine had died there."""


def cut(place: Path, who: str, after: int) -> int:
    """A cycle that ends at its fence after it passed `after` times; how often it passed, where it came
    through."""
    own = machine(place, who)
    group = hub(place, who)
    claim = claims_of(own, group).take(CYCLE, 0.05)
    assert claim is not None
    passed = 0

    def fence() -> None:
        nonlocal passed
        passed += 1
        if passed > after:
            raise Died

    try:
        group_cycle(own, group, claim=claim, fence=fence)
    except Died:
        claim.let_go()  # as the system does with the locks of a process that is gone
        return -1
    claim.release()
    return passed


@pytest.mark.e2e
def test_an_identical_re_run_costs_zero_model_calls_and_makes_zero_versions(
    team: Path, asked: ChatModel
) -> None:
    first = sc(team, "ada", "evolve", "--hub", "team")
    assert first["released"] and first["spent"]["calls"] == len(asked.seen) > 0
    before, log = len(asked.seen), state(team)
    for more in ((), ("--full",)):
        again = sc(team, "ada", "evolve", "--hub", "team", *more)
        assert (again["spent"]["calls"], again["released"], len(asked.seen)) == (0, [], before)
    assert state(team) == log
    # nor on a machine that has the evolver's key and knows nothing yet
    second(team)
    other = sc(team, "eve", "evolve", "--hub", "team")
    assert (other["sessions"], other["spent"]["calls"], other["released"]) == (6, 0, [])
    assert [one["id"] for one in other["patterns"]] == [one["id"] for one in first["patterns"]]
    assert len(asked.seen) == before
    assert state(team) == log


def died_after_it_paid(place: Path, asked: ChatModel) -> None:
    """Ada's machine dies once it has asked the model all that it wanted to know."""
    after = 0
    while not asked.seen:
        assert cut(place, "ada", after) < 0, "it came through and asked nothing"
        after += 1
    assert counted(state(place)) == (0, 0)


@pytest.mark.slow
def test_who_takes_over_elsewhere_pays_nothing_for_what_was_paid(team: Path, asked: ChatModel) -> None:
    died_after_it_paid(team, asked)
    paid = len(asked.seen)
    second(team)
    own, group = machine(team, "eve"), hub(team, "eve")
    while (claim := claims_of(own, group).take(CYCLE, 60)) is None:
        time.sleep(0.02)
    done = group_cycle(own, group, claim=claim)
    claim.release("done")
    assert done.report.spent.calls == 0 and done.report.spent.recorded >= paid
    assert (len(asked.seen), len(done.report.released)) == (paid, 1)
    log = state(team)
    assert counted(log) == (1, 1)
    assert sc(team, "ada", "evolve", "--hub", "team")["released"] == []
    assert (state(team), len(asked.seen)) == (log, paid)


@pytest.mark.slow
def test_the_cap_of_a_day_holds_over_the_machines_of_a_group(team: Path, asked: ChatModel) -> None:
    """Ada's machine pays; the other, whose own book is empty, may not pay beyond what is left of the day."""
    died_after_it_paid(team, asked)
    paid = len(asked.seen)
    second(team)
    shutil.rmtree(team / "group" / FOLDER)  # it cannot take over the answers, so that it would have to ask
    # what is written without the model waits for a person: a canary would be left alone while it is measured
    sc(team, "ada", "hub", "settings", "policy", "strict")
    for who, calls in (("eve", paid), ("eve", paid + 1)):
        sc(team, who, "config", "set", "evolve.budget.day_calls", str(calls))
        before = len(asked.seen)
        own, group = machine(team, who), hub(team, who)
        while (claim := claims_of(own, group).take(CYCLE, 60)) is None:
            time.sleep(0.02)
        done = group_cycle(own, group, claim=claim, dry_run=False)
        claim.release("done")
        assert len(asked.seen) - before == done.report.spent.calls == calls - paid
        if calls == paid:
            assert "budget" in done.report.degraded
    # and what the other paid counts for the first one
    spent = HubSpendings(hub(team), claims_of(machine(team, "ada"), hub(team)).here.place())
    assert spent.others(today())[1] == 1


@pytest.mark.e2e
def test_killed_at_every_boundary_each_proposal_and_release_is_made_once(team: Path) -> None:
    second(team)
    machines = ("ada", "eve")
    deaths = 0
    while True:
        who = machines[deaths % 2]
        own, group = machine(team, who), hub(team, who)
        claim = None
        while claim is None:  # until the one before is seen to be dead
            claim = claims_of(own, group).take(CYCLE, 0.05)
        claim.release()
        if cut(team, who, deaths) >= 0:
            break
        deaths += 1
        counted(state(team))
    assert deaths >= 7, "the fence is asked at every stage and before every commit"
    assert counted(state(team)) == (1, 1)
    kinds = [one.status for one in state(team).proposals.values()]
    assert kinds == ["released"]
    assert state(team).void == 0


@pytest.mark.e2e
def test_who_lost_its_claim_writes_nothing_and_the_next_one_goes_on(team: Path) -> None:
    second(team)
    own, group = machine(team, "ada"), hub(team)
    claim = claims_of(own, group).take(CYCLE, 0.05)
    assert claim is not None
    log: list[HubState] = []

    def overtaken() -> None:
        if not log:
            theirs = claims_of(machine(team, "eve"), hub(team, "eve"))
            taken = None
            while taken is None:
                taken = theirs.take(CYCLE, 60)
            taken.release("done")
            log.append(state(team))

    claim.ttl = 1e9  # it sleeps, and gives no sign of life
    with pytest.raises(LostClaimError, match="taken over"):
        group_cycle(own, group, claim=claim, fence=overtaken)
    claim.release()
    assert state(team) == log[0]
    assert sc(team, "ada", "evolve", "--hub", "team")["released"]


def test_evolve_says_at_once_who_works(team: Path) -> None:
    second(team)
    claim = claims_of(machine(team, "eve"), hub(team, "eve")).take(CYCLE, 60)
    assert claim is not None
    with pytest.raises(BusyError, match="Another evolver") as told:
        sc(team, "ada", "evolve", "--hub", "team")
    assert "evolver" in told.value.why and "since" in told.value.why and "60 seconds" in told.value.todo
    claim.release()
    assert sc(team, "ada", "evolve", "--hub", "team")["released"]


@pytest.mark.slow
def test_shared_answers_are_sealed_and_go_with_the_first_session_that_is_taken_back(
    team: Path, asked: ChatModel
) -> None:
    died_after_it_paid(team, asked)
    answers = sorted((team / "group" / FOLDER).glob("*/*"))
    assert len(answers) == len(asked.seen) > 0
    for path in answers:
        assert b"venv" not in path.read_bytes() and b"response" not in path.read_bytes()
    # one that was changed is asked for again, and no error
    answers[0].write_bytes(answers[0].read_bytes()[:-1] + b"x")
    second(team)
    time.sleep(0.1)
    with suppress(BusyError):  # it looks for the first time, and cannot know that Ada's machine is dead
        sc(team, "eve", "evolve", "--hub", "team")
    time.sleep(0.1)
    assert sc(team, "eve", "evolve", "--hub", "team")["spent"]["calls"] == 1
    sc(team, "bob", "sessions", "forget", "--all", "--yes")
    sc(team, "ada", "hub", "inbox")
    before = {path.parent for path in answers}
    sc(team, "ada", "evolve", "--hub", "team")
    assert not {path.parent for path in (team / "group" / FOLDER).glob("*/*")} & before


@pytest.mark.e2e
def test_two_evolvers_with_keys_of_their_own_do_one_work(team: Path) -> None:
    joined(team, "eve", "--role", "evolver")
    # what was sent before she came nobody passed on yet, nor how people are named
    with pytest.raises(BusyError, match="name people"):
        sc(team, "eve", "evolve", "--hub", "team")
    joined(team, "fay")
    worked(team, "fay")  # sealed to both
    first = sc(team, "ada", "evolve", "--hub", "team")
    assert (first["collected"]["taken"], len(first["released"])) == (8, 1)
    passed = sorted(path.name for path in (team / "group" / "jobs" / "passed").glob("*/*"))
    assert len(passed) == 6
    log = state(team)
    other = sc(team, "eve", "evolve", "--hub", "team")
    assert (other["collected"]["taken"], other["collected"]["elsewhere"]) == (8, 0)
    assert (other["sessions"], other["released"]) == (8, [])
    assert [one["id"] for one in other["patterns"]] == [one["id"] for one in first["patterns"]]
    assert state(team) == log
    # what a member takes back goes, in whatever form it lies there
    sc(team, "bob", "sessions", "forget", "--all", "--yes")
    sc(team, "ada", "hub", "inbox")
    assert sc(team, "eve", "evolve", "--hub", "team")["sessions"] == 6
    assert len(list((team / "group" / "jobs" / "passed").glob("*/*"))) == 4
    # one that goes takes nothing with it
    (eve,) = (key.public for key in state(team).keys.values() if key.name == "eve")
    sc(team, "ada", "hub", "revoke-key", eve, "--yes")
    worked_again = sc(team, "ada", "evolve", "--hub", "team")
    assert worked_again["sessions"] == 6
