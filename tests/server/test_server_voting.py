"""Votes of members' machines on a group's change: asked for, tried at home, counted, and decided by."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from team import hub, machine, printed, sc, state, taken
from voters import PRIVATE, counts, every_byte, evolved, member, scored, status, taught, voted

from skillclaw.errors import BusyError, UsageError
from skillclaw.hub import vote_jobs
from skillclaw.server.groups.cycle import group_cycle


def verdict(place: Path, proposal: str) -> tuple[str, str]:
    """What the check `votes` said in the log."""
    (found,) = [one for one in state(place).proposals[proposal].verdicts if one.check == "votes"]
    return found.verdict, found.reason


def test_a_change_waits_for_votes_and_is_released_by_them(tmp_path: Path) -> None:
    proposal = taught(tmp_path)
    assert status(tmp_path, proposal) == "open"
    assert state(tmp_path).skills == {}
    told = printed(tmp_path, "ada", "proposals", "show", proposal)
    assert "members' machines may have to try it first" in told
    assert told.count("for Zanzibarbob") + told.count("for Zanzibarcyd") + told.count("for Zanzibardan") <= 4
    assert "rests on 6 sessions of 3 users, such as those above" in told
    # the same sessions again: it waits, nothing is proposed anew, and nobody is asked twice
    again = evolved(tmp_path)
    assert again["released"] == []
    assert len(state(tmp_path).proposals) == 1

    (shown,) = sc(tmp_path, "eve", "jobs", "list")["open"]
    assert (shown["proposal"], shown["voters"], shown["counted"], shown["why"]) == (proposal, 3, 0, "")
    job = sc(tmp_path, "eve", "jobs", "show", proposal)["job"]
    assert job["patterns"][0]["failed"]["command"].startswith("pip install")

    (eve,) = voted(tmp_path, "eve", scored(3))
    assert (eve.state, eve.sessions, eve.cases["won"], eve.calls) == ("sent", 4, 3, 7)
    assert voted(tmp_path, "eve", scored(3)) == [], "a machine tries a change once"
    taken(tmp_path)
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "open", "one is not enough"
    (_,) = voted(tmp_path, "fay", scored(1))
    taken(tmp_path)
    done = evolved(tmp_path)
    assert [(one["id"], one["verdict"]) for one in done["proposals"]] == [(proposal, "passed")]
    (released,) = done["released"]
    assert released["stage"] == "canary"
    assert status(tmp_path, proposal) == "released"
    sc(tmp_path, "ada", "config", "set", "gate.replay.mode", "decision")
    sc(tmp_path, "ada", "config", "set", "evolve.model.name", "m")
    with pytest.raises(UsageError, match="one of hub team"):
        sc(tmp_path, "ada", "proposals", "replay", proposal)
    said, reason = verdict(tmp_path, proposal)
    assert said == "pass" and "2 of the members' machines found that it helps" in reason
    assert hub(tmp_path).store.list(vote_jobs.FOLDER) == [], "the job is gone with the decision"
    assert sc(tmp_path, "gus", "jobs", "list")["open"] == []
    # the log tells who found what: numbers, and the kind of model
    found = state(tmp_path).proposals[proposal].counts
    assert {key: (one.won, one.lost, one.model, one.calls) for key, one in found.items()} == {
        member(tmp_path, "eve"): (3, 0, "gpt", 7),
        member(tmp_path, "fay"): (1, 0, "gpt", 7),
    }
    assert sc(tmp_path, "ada", "hub", "verify", "--hub", "team")["ok"]


@pytest.mark.slow
def test_no_object_of_the_hub_has_a_word_of_a_session(tmp_path: Path) -> None:
    proposal = taught(tmp_path)
    voted(tmp_path, "eve", scored(3))
    voted(tmp_path, "fay", scored(2, 1))
    before = every_byte(tmp_path / "group")
    taken(tmp_path)
    evolved(tmp_path)
    text = before + every_byte(tmp_path / "group")
    assert b"httpie" in text or b"venv" in text, "what the skill says is there"
    for word in (PRIVATE, PRIVATE.lower(), "Successfully installed", "eve-1", "fay-2"):
        assert word.encode() not in text, word
    for who in ("eve", "fay"):
        for row in sc(tmp_path, who, "sessions", "list"):
            assert row["id"].encode() not in text
    assert status(tmp_path, proposal) == "open"


@pytest.mark.slow
def test_one_that_it_helps_against_three_that_it_harms_is_never_released(tmp_path: Path) -> None:
    proposal = taught(tmp_path, ("eve", "fay", "gus", "hal"), needed=2, voters=4)
    counts(tmp_path, "eve", proposal, 100, 0)
    for who in ("fay", "gus", "hal"):
        voted(tmp_path, who, scored(2, 1))
    taken(tmp_path)
    (done,) = evolved(tmp_path)["proposals"]
    assert done["verdict"] == "rejected"
    assert status(tmp_path, proposal) == "rejected"
    assert "At least 2 of the members' machines found that it harms." in verdict(tmp_path, proposal)[1]
    assert state(tmp_path).skills == {}
    assert evolved(tmp_path)["released"] == []
    assert status(tmp_path, proposal) == "rejected"


@pytest.mark.slow
@pytest.mark.parametrize(("required", "ends"), [(False, "released"), (True, "held")])
def test_when_the_time_is_over_it_goes_on_without_votes_or_waits_for_people(
    tmp_path: Path, required: bool, ends: str
) -> None:
    proposal = taught(tmp_path, hours=0.001, required=required)
    counts(tmp_path, "eve", proposal, 5, 0)
    taken(tmp_path)
    time.sleep(4)
    (shown,) = sc(tmp_path, "fay", "jobs", "list")["open"]
    assert shown["why"] == "Its time is over."
    assert voted(tmp_path, "fay", scored(3)) == [], "so nothing is spent on it"
    evolved(tmp_path)
    assert status(tmp_path, proposal) == ends
    said, reason = verdict(tmp_path, proposal)
    assert (said, "Not enough votes (the time for it is over)" in reason) == (
        "hold" if required else "n/a",
        True,
    )
    # who answers after that is told plainly, and changes nothing
    counts(tmp_path, "fay", proposal, 0, 9)
    (refused,) = taken(tmp_path)["refused"]
    assert f"the proposal is {ends} already: its time for votes is over" in refused["reason"]
    assert status(tmp_path, proposal) == ends
    assert member(tmp_path, "fay") not in state(tmp_path).proposals[proposal].counts


@pytest.mark.slow
def test_one_that_it_harms_and_too_few_others_is_left_to_people(tmp_path: Path) -> None:
    proposal = taught(tmp_path, hours=0.001)
    counts(tmp_path, "eve", proposal, 0, 2)
    taken(tmp_path)
    time.sleep(4)
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "held"
    assert "A person has to look" in verdict(tmp_path, proposal)[1]


@pytest.mark.slow
def test_who_taught_it_has_no_vote_nor_has_who_was_revoked(tmp_path: Path) -> None:
    proposal = taught(tmp_path)
    for who in ("bob", "cyd", "eve", "fay"):
        counts(tmp_path, who, proposal, 9, 0)
    taken(tmp_path)
    sc(tmp_path, "ada", "hub", "revoke-key", "fay", "--yes")
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "open", "bob and cyd taught it, fay is gone: eve is alone"
    voted(tmp_path, "gus", scored(3))
    taken(tmp_path)
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "released"
    assert "taught" not in verdict(tmp_path, proposal)[1], "who it was is not told, nor how many"


@pytest.mark.slow
def test_what_was_taken_back_or_changed_meanwhile_is_not_released_by_votes(tmp_path: Path) -> None:
    proposal = taught(tmp_path)
    for who in ("eve", "fay"):
        counts(tmp_path, who, proposal, 9, 0)
    key = sc(tmp_path, "bob", "sessions", "list")[0]["id"]
    sc(tmp_path, "bob", "sessions", "forget", key, "--yes")
    sc(tmp_path, "bob", "sync")
    taken(tmp_path)
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "rejected"
    assert "taken back" in verdict(tmp_path, proposal)[1]
    assert not [
        one for one in state(tmp_path).skills.values() if one.current and proposal in str(one.releases)
    ]


@pytest.mark.slow
def test_a_group_that_is_strict_by_now_holds_it_and_its_cycles_go_on(tmp_path: Path) -> None:
    proposal = taught(tmp_path)
    sc(tmp_path, "ada", "hub", "settings", "policy", "strict")
    for who in ("eve", "fay"):
        voted(tmp_path, who, scored(3))
    taken(tmp_path)
    for _ in range(2):
        assert evolved(tmp_path)["released"] == []
        assert status(tmp_path, proposal) == "held"
    assert "It needs 1 reviewer." in printed(tmp_path, "ada", "proposals", "show", proposal)


@pytest.mark.slow
@pytest.mark.parametrize("lost", [False, True])
def test_a_cycle_that_is_cut_off_anywhere_leaves_one_state_and_is_finished(
    tmp_path: Path, lost: bool
) -> None:
    proposal = taught(tmp_path)
    ada = machine(tmp_path, "ada")

    def cut_off(at: int) -> bool:
        """A cycle that ends at its `at`th step towards the hub; whether it came that far."""
        left = iter(range(at, -1, -1))

        def fence() -> None:
            if next(left) == 0:
                raise BusyError("cut off", "", "")

        try:
            group_cycle(ada, hub(tmp_path), fence=fence)
        except BusyError:
            return True
        return False

    assert status(tmp_path, proposal) == "open"
    if lost:  # then the proposal has to be made again, too
        hub(tmp_path).store.delete(vote_jobs.place_of(proposal))
    for who in ("eve", "fay"):
        counts(tmp_path, who, proposal, 9, 0)
    taken(tmp_path)
    seen = [status(tmp_path, proposal)]
    at = 1
    while cut_off(at):
        seen.append(status(tmp_path, proposal))
        at += 1
        assert at < 40
    evolved(tmp_path)
    seen.append(status(tmp_path, proposal))
    order = ["open", "passed", "released"]
    assert seen == sorted(seen, key=order.index) and seen[-1] == "released", seen
    releases = [one for skill in state(tmp_path).skills.values() for one in skill.releases]
    assert [one.proposal for one in releases] == [proposal], "released once"
    assert hub(tmp_path).store.list(vote_jobs.FOLDER) == []


@pytest.mark.slow
def test_a_job_that_is_gone_or_forged_is_asked_anew(tmp_path: Path) -> None:
    proposal = taught(tmp_path)
    store = hub(tmp_path).store
    place = vote_jobs.place_of(proposal)
    data = store.get(place, vote_jobs.MAX_JOB)
    assert data is not None
    # another's word on what to try, or on what the checks said, is nobody's
    forged = json.loads(data) | {"verdicts": [], "expires": "2020-01-01T00:00:00Z"}
    store.put(place, json.dumps(forged, sort_keys=True, separators=(",", ":")).encode())
    assert sc(tmp_path, "eve", "jobs", "list")["open"] == []
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "open"
    (again,) = sc(tmp_path, "eve", "jobs", "list")["open"]
    assert (again["proposal"], again["why"]) == (proposal, "")
    assert len(state(tmp_path).proposals) == 1
