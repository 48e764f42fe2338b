"""Whoever decides at the same moment: each proposal ends in one state, the same for all who read the log."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub_logs import opened
from races import at_once, machines

from skillclaw.errors import BadInputError
from skillclaw.hub import Hub, HubState
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File, Proposal, Verdict

HELD = [Verdict(check="approval", verdict="hold", reason="It waits for a reviewer.")]
CHANCE = 2
TURNS = range(CHANCE + 1)
"""Either machine is the first in the log, and once it is left to chance."""


def proposed(hub: Hub, name: str, status: str, base: str | None = None) -> str:
    """A proposal for the skill `git` in this status; its version."""
    head = "---\nname: git\ndescription: How to use git.\n---\n"
    bundle = Bundle(name="git", files=[File(path="SKILL.md", data=f"{head}\n- {name}\n".encode())])
    action = "refine" if base else "create"
    made = Proposal(id=name, action=action, skill="git", base=base, engine="llm", why="", bundle=bundle)
    hub.propose(made)
    hub.record_verdicts(name, HELD, status)
    return version(bundle)


def ended(place: Path, name: str) -> tuple[HubState, str]:
    """The state as a machine reads it that was never there, and the proposal's status."""
    hub = opened(place, "new")
    state = hub.state()
    assert (state.void, hub.verify()) == (0, [])
    return state, state.proposals[name].status


@pytest.mark.parametrize("turn", TURNS)
def test_two_people_approve_and_release_at_once(tmp_path: Path, turn: int) -> None:
    hubs = machines(tmp_path, 2)
    proposed(hubs[0], "p", "held")

    def approve(hub: Hub) -> None:
        hub.approve("p", note=f"by {hub.keys_folder.parent.name}")
        hub.release("p", stage="canary")

    assert at_once(hubs, [approve, approve], turn) == [None, None], "the slower one finds it done"
    state, status = ended(tmp_path, "p")
    assert (status, len(state.skills["git"].releases)) == ("released", 1)


@pytest.mark.parametrize("turn", TURNS)
def test_one_person_decides_on_two_machines_at_once(tmp_path: Path, turn: int) -> None:
    hubs = machines(tmp_path, 3)[1:]
    proposed(hubs[0], "p", "held")
    proposed(hubs[0], "q", "held")
    assert at_once(hubs, [lambda hub: hub.approve("p")] * 2, turn) == [None, None]
    assert at_once(hubs, [lambda hub: hub.reject("q", "no")] * 2, turn) == [None, None]
    state, status = ended(tmp_path, "q")
    assert (len(state.proposals["p"].approvals), status) == (1, "rejected")


@pytest.mark.parametrize("turn", TURNS)
def test_one_approves_and_one_rejects_at_once(tmp_path: Path, turn: int) -> None:
    hubs = machines(tmp_path, 2)
    proposed(hubs[0], "p", "held")

    def approve(hub: Hub) -> None:
        hub.approve("p")
        hub.release("p", stage="canary")

    told = at_once(hubs, [approve, lambda hub: hub.reject("p", "not so")], turn)
    state, status = ended(tmp_path, "p")
    assert [error is None for error in told] == [status == "released", status == "rejected"]
    assert ("git" in state.skills) == (status == "released")
    reasons = [one.reason for one in state.proposals["p"].verdicts if one.verdict == "reject"]
    assert reasons == (["not so"] if status == "rejected" else [])


@pytest.mark.parametrize("status", ["held", "passed"])
@pytest.mark.parametrize("turn", TURNS)
def test_people_approve_while_the_evolver_rejects(tmp_path: Path, turn: int, status: str) -> None:
    hubs = machines(tmp_path, 2)
    proposed(hubs[0], "p", status)
    refused = [Verdict(check="support", verdict="reject", reason="It was taken back.")]

    def approve(hub: Hub) -> None:
        hub.approve("p")
        hub.release("p")

    told = at_once(hubs, [approve, lambda hub: hub.record_verdicts("p", refused, "rejected")], turn)
    state, status = ended(tmp_path, "p")
    assert status in ("released", "rejected")
    assert (told[0] is None) == (status == "released") == ("git" in state.skills)


@pytest.mark.parametrize("turn", TURNS)
def test_a_release_and_a_rollback_at_once(tmp_path: Path, turn: int) -> None:
    hubs = machines(tmp_path, 2)
    first = proposed(hubs[0], "one", "passed")
    hubs[0].release("one")
    second = proposed(hubs[0], "two", "passed", base=first)
    told = at_once(
        hubs,
        [lambda hub: hub.release("two", stage="canary"), lambda hub: hub.rollback("git", None, base=first)],
        turn,
    )
    state, status = ended(tmp_path, "two")
    assert sum(error is not None for error in told) == 1, "both change what is current: one is outdated"
    assert turn == CHANCE or told[turn] is None, "who was first in the log has done it"
    if status == "released":
        assert state.skills["git"].current == second
    else:
        assert (status, state.skills["git"].current) == ("passed", None)
        with pytest.raises(BadInputError, match="release"):
            hubs[0].release("two")


@pytest.mark.parametrize("turn", TURNS)
def test_a_promotion_and_a_rollback_at_once(tmp_path: Path, turn: int) -> None:
    hubs = machines(tmp_path, 2)
    made = proposed(hubs[0], "p", "passed")
    hubs[0].release("p", stage="canary")
    told = at_once(
        hubs,
        [
            lambda hub: hub.promote("git", version=made, why="It helps."),
            lambda hub: hub.rollback("git", None, base=made, why="It harms."),
        ],
        turn,
    )
    state, _ = ended(tmp_path, "p")
    (release,) = state.skills["git"].releases
    assert told[1] is None, "what harms is gone in any order"
    assert state.skills["git"].current is None
    assert turn == CHANCE or (told[0] is None) == (turn == 0)
    wanted = ["rollback"] if told[0] is not None else ["promote", "rollback"]
    assert [one.what for one in release.story] == wanted


def canary(hub: Hub) -> str:
    """The skill with one version, a canary; the version."""
    made = proposed(hub, "one", "passed")
    hub.release("one", stage="canary")
    return made


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(("deed", "stage"), [("archive", "archived"), ("revoke", "revoked")])
def test_a_promotion_while_the_skill_is_taken_out(tmp_path: Path, turn: int, deed: str, stage: str) -> None:
    hubs = machines(tmp_path, 2)
    made = canary(hubs[0])

    def out(hub: Hub) -> None:
        if deed == "archive":
            hub.archive("git", "Nobody uses it.", base=made)
        else:
            hub.revoke("git", made, "It leaks a token.")

    promote, gone = at_once(hubs, [lambda hub: hub.promote("git", version=made, why="It helps."), out], turn)
    state, status = ended(tmp_path, "one")
    skill = state.skills["git"]
    (release,) = skill.releases
    assert gone is None, "what is taken out is gone in any order"
    assert turn == CHANCE or (promote is None) == (turn == 0)
    assert (status, skill.current, skill.stage) == ("released", None, stage)
    assert [one.what for one in release.story] == [*(["promote"] if promote is None else []), deed]
    assert (release.stage == "revoked") == (deed == "revoke")


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("deed", ["archive", "revoke"])
def test_a_release_while_the_version_before_it_is_taken_out(tmp_path: Path, turn: int, deed: str) -> None:
    hubs = machines(tmp_path, 2)
    first = canary(hubs[0])
    second = proposed(hubs[0], "two", "passed", base=first)

    def out(hub: Hub) -> None:
        if deed == "archive":
            hub.archive("git", base=first)
        else:
            hub.revoke("git", first, "It leaks a token.")

    release, gone = at_once(hubs, [lambda hub: hub.release("two", stage="canary"), out], turn)
    state, status = ended(tmp_path, "two")
    skill = state.skills["git"]
    assert turn == CHANCE or (release is None) == (turn == 0)
    assert (release is None) == (status == "released") == (skill.current == second)
    assert status in ("released", "passed")
    if deed == "archive":
        assert (release is None) != (gone is None), "both change what is current: one is outdated"
    else:
        assert gone is None, "a version is unsafe whatever is current"
        assert skill.release(first).stage == "revoked"  # type: ignore[union-attr]
    if release is not None:
        assert (skill.current, skill.stage) == (None, f"{deed}d")
        with pytest.raises(BadInputError, match="release"):
            hubs[0].release("two")


@pytest.mark.parametrize("turn", TURNS)
def test_a_rollback_to_a_version_while_that_is_revoked(tmp_path: Path, turn: int) -> None:
    hubs = machines(tmp_path, 2)
    first = canary(hubs[0])
    second = proposed(hubs[0], "two", "passed", base=first)
    hubs[0].release("two", stage="canary")
    back, gone = at_once(
        hubs,
        [
            lambda hub: hub.rollback("git", first, base=second),
            lambda hub: hub.revoke("git", first, "It leaks a token."),
        ],
        turn,
    )
    state, status = ended(tmp_path, "two")
    skill = state.skills["git"]
    assert (gone, status) == (None, "released")
    assert turn == CHANCE or (back is None) == (turn == 0)
    assert skill.release(first).stage == "revoked"  # type: ignore[union-attr]
    assert (skill.current, skill.stage) == ((None, "revoked") if back is None else (second, "canary"))


@pytest.mark.parametrize("turn", TURNS)
def test_a_rollback_and_an_archive_at_once(tmp_path: Path, turn: int) -> None:
    hubs = machines(tmp_path, 2)
    made = canary(hubs[0])
    told = at_once(
        hubs,
        [
            lambda hub: hub.rollback("git", None, base=made, why="It harms."),
            lambda hub: hub.archive("git", "Nobody uses it.", base=made),
        ],
        turn,
    )
    state, status = ended(tmp_path, "one")
    (release,) = state.skills["git"].releases
    assert sum(error is not None for error in told) == 1, "the slower one finds that it is gone"
    assert turn == CHANCE or told[turn] is None, "who was first in the log has done it"
    assert (status, state.skills["git"].current) == ("released", None)
    assert [one.what for one in release.story] == ["rollback" if told[0] is None else "archive"]


def test_a_decision_about_another_version_than_the_current_one_changes_nothing(tmp_path: Path) -> None:
    hub = machines(tmp_path, 1)[0]
    first = proposed(hub, "one", "passed")
    hub.release("one", stage="canary")
    second = proposed(hub, "two", "passed", base=first)
    hub.release("two", stage="canary")
    with pytest.raises(BadInputError, match="base is not the current"):
        hub.promote("git", version=first)
    with pytest.raises(BadInputError, match="base is not the current"):
        hub.rollback("git", base=first, why="It harms.")
    assert hub.state().skills["git"].current == second
    hub.rollback("git")
    assert hub.state().skills["git"].current == first, "left out: what was current before"
    hub.archive("git", "Nobody uses it.")
    assert hub.state().skills["git"].release(first).story[-1].why == "Nobody uses it."  # type: ignore[union-attr]
    with pytest.raises(BadInputError, match="no current version"):
        hub.archive("git")


def test_a_canary_gets_the_share_that_the_settings_name(tmp_path: Path) -> None:
    hub = machines(tmp_path, 1)[0]
    first = proposed(hub, "one", "passed")
    assert hub.release("one", stage="canary").share == 0.5
    hub.commit("settings", {"canary": 0.2}, role="owner")
    second = proposed(hub, "two", "passed", base=first)
    assert hub.release("two", stage="canary").share == 0.2
    proposed(hub, "three", "passed", base=second)
    assert hub.release("three").share is None


@pytest.mark.e2e
@pytest.mark.parametrize("turn", range(5))
def test_people_and_the_evolver_decide_at_once_on_s3(tmp_path: Path, s3: str, turn: int) -> None:
    hubs = machines(tmp_path, 3, s3)
    proposed(hubs[0], "p", "held")
    refused = [Verdict(check="support", verdict="reject", reason="It was taken back.")]

    def approve(hub: Hub) -> None:
        hub.approve("p")
        hub.release("p", stage="canary")

    told = at_once(
        hubs,
        [
            approve,
            lambda hub: hub.reject("p", "no"),
            lambda hub: hub.record_verdicts("p", refused, "rejected"),
        ],
        turn,
    )
    home = tmp_path / "new"
    hub = Hub.open(s3, home / "keys", home / "hubs.json")
    state = hub.state()
    status = state.proposals["p"].status
    assert status in ("released", "rejected")
    assert ("git" in state.skills) == (status == "released") == (told[0] is None)
    assert {one.state().proposals["p"].status for one in hubs} == {status}
    assert (state.void, hub.verify()) == (0, [])
