"""A release that takes another skill in: one commit for both, and one on the way back."""

from __future__ import annotations

from typing import Any

import pytest
from test_hub_log import OBJECT, V1, V2, V3, Writer

from skillclaw.hub.undoing import archived_by, comes_back


@pytest.fixture
def log() -> Writer:
    """Two skills, git at V1 and svn at V3, and a merge of svn into git that passed."""
    made = Writer("team")
    for skill, version in (("git", V1), ("svn", V3)):
        body = {"id": f"p-{skill}", "skill": skill, "action": "create", "base": None}
        made.must("proposal", {**body, "object": OBJECT, "version": version})
        made.must("verdict", {"proposal": f"p-{skill}", "verdicts": [], "status": "passed"})
        made.must("release", entry(version, None, f"p-{skill}", skill=skill))
    body = {"id": "merge", "skill": "git", "action": "merge", "base": V1, "object": OBJECT, "version": V2}
    made.must("proposal", body)
    made.must("verdict", {"proposal": "merge", "verdicts": [], "status": "passed"})
    return made


def entry(
    version: str, base: str | None, proposal: str | None, skill: str = "git", **more: Any
) -> dict[str, Any]:
    body = {"skill": skill, "version": version, "base": base, "object": OBJECT, "proposal": proposal}
    return {**body, "stage": "canary", **more}


def taking_in(**more: Any) -> dict[str, Any]:
    return {**entry(V2, V1, "merge", retires=[{"skill": "svn", "version": V3}]), **more}


def current(log: Writer) -> dict[str, str | None]:
    return {name: skill.current for name, skill in log.replay().skills.items()}


def test_both_happen_with_one_commit_and_both_are_undone_with_one(log: Writer) -> None:
    log.must("release", taking_in(stage="stable"), "owner")
    assert current(log) == {"git": V2, "svn": None}
    log.must("rollback", {"skill": "git", "version": V1, "base": V2})
    assert current(log) == {"git": V1, "svn": V3}


def test_a_canary_archives_nothing_before_it_is_stable(log: Writer) -> None:
    log.must("release", taking_in(stage="canary"))
    assert current(log) == {"git": V2, "svn": V3}
    log.must("promote", {"skill": "git", "version": V2, "base": V2})
    assert current(log) == {"git": V2, "svn": None}


def test_what_changed_while_the_canary_ran_stays(log: Writer) -> None:
    log.must("release", taking_in(stage="canary"))
    log.must("pin", {"skill": "svn", "pinned": True}, "owner")
    log.must("promote", {"skill": "git", "version": V2, "base": V2})
    assert current(log) == {"git": V2, "svn": V3}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"retires": [{"skill": "svn", "version": V1}]}, "its base is not the current version"),
        ({"retires": [{"skill": "cvs", "version": V1}]}, "there is no such skill"),
        ({"retires": [{"skill": "git", "version": V1}]}, "a release retires other skills, by a proposal"),
        ({"retires": [{"skill": "svn"}]}, "its body is wrong"),
    ],
)
def test_a_merge_that_does_not_fit_is_void_as_a_whole(
    log: Writer, given: dict[str, Any], reason: str
) -> None:
    assert reason in log.try_("release", {**taking_in(), **given})
    assert current(log) == {"git": V1, "svn": V3}


def test_a_pinned_skill_is_not_taken_in_by_the_evolver(log: Writer) -> None:
    log.must("pin", {"skill": "svn", "pinned": True}, "owner")
    assert "pinned" in log.try_("release", taking_in())
    assert current(log) == {"git": V1, "svn": V3}


def test_nothing_is_retired_without_a_proposal(log: Writer) -> None:
    assert log.try_("release", taking_in(proposal=None), "owner") != ""
    assert current(log) == {"git": V1, "svn": V3}


def test_what_was_approved_as_another_change_retires_nothing(log: Writer) -> None:
    log.propose("mend", V2, V1)
    said = log.try_("release", taking_in(proposal="mend"))
    assert said == "only a merge retires other skills, which is what people approved"
    assert current(log) == {"git": V1, "svn": V3}


def test_what_was_revoked_since_comes_back_with_no_undone_merge(log: Writer) -> None:
    log.must("release", taking_in(stage="stable"), "owner")
    log.must("revoke", {"skill": "svn", "version": V3, "why": "it leaks"}, "owner")
    log.must("rollback", {"skill": "git", "version": V1, "base": V2})
    assert current(log) == {"git": V1, "svn": None}


def undone(log: Writer) -> tuple[list[str], list[str]]:
    """What the log by itself would bring back with the merge's rollback, and what the merge archived."""
    state = log.replay()
    release = state.skills["git"].release(V2)
    assert release is not None
    return comes_back(state, release), archived_by(state, release)


def test_a_rollback_that_names_what_returns_brings_back_nothing_else(log: Writer) -> None:
    log.must("release", taking_in(stage="stable"), "owner")
    assert undone(log) == (["svn"], ["svn"])
    log.must("rollback", {"skill": "git", "version": V1, "base": V2, "returns": []})
    assert current(log) == {"git": V1, "svn": None}


@pytest.mark.parametrize("took_away", ["archive", "rollback"])
def test_what_people_took_away_before_the_merge_is_not_what_the_merge_archived(
    log: Writer, took_away: str
) -> None:
    log.must("release", taking_in(stage="canary"))
    assert undone(log) == ([], [])
    body = {"skill": "svn", "base": V3, "why": "it is wrong"}
    log.must(took_away, body if took_away == "archive" else {**body, "version": None}, "owner")
    assert undone(log) == (["svn"], [])


@pytest.mark.parametrize("stage", ["canary", "stable"])
def test_nor_is_an_older_version_of_what_people_archived(log: Writer, stage: str) -> None:
    log.must("release", taking_in(stage=stage), "owner")
    newer = "4" * 64
    base = None if stage == "stable" else V3
    log.must("release", entry(newer, base, None, skill="svn", stage="stable"), "owner")
    log.must("archive", {"skill": "svn", "base": newer, "why": "it is wrong"}, "owner")
    assert undone(log) == (["svn"], [])


def test_nor_what_is_pinned_since(log: Writer) -> None:
    log.must("release", taking_in(stage="stable"), "owner")
    log.must("pin", {"skill": "svn", "pinned": True}, "owner")
    assert undone(log) == (["svn"], [])


def test_what_was_rolled_back_before_it_was_taken_in_comes_back(log: Writer) -> None:
    newer = "4" * 64
    log.must("release", entry(newer, V3, None, skill="svn", stage="stable"), "owner")
    log.must("rollback", {"skill": "svn", "version": V3, "base": newer})
    log.must("release", taking_in(stage="stable"), "owner")
    assert undone(log) == (["svn"], ["svn"])
    log.must("rollback", {"skill": "git", "version": V1, "base": V2})
    assert current(log) == {"git": V1, "svn": V3}
