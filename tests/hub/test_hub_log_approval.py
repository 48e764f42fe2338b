"""Who has to approve: the fold alone decides, so that no key of one person or evolver goes round it."""

from __future__ import annotations

from typing import Any

import pytest
from nacl.signing import SigningKey
from test_hub_log import OBJECT, SEEDS, V1, V2, V3, Writer

from skillclaw.hub import keys, statements
from skillclaw.hub.approval import approved, approvers, missing, policy_of, stricter

SECOND = SigningKey(b"2" * 32)
_PROPOSAL = {"skill": "git", "action": "create", "base": None, "object": OBJECT, "version": V1}


def group(policy: str = "team", **more: Any) -> Writer:
    """A group with an owner and two reviewers."""
    w = Writer(policy)
    w.must("key-add", {"public": keys.public_hex(SECOND), "role": "reviewer", "name": "second"}, "owner")
    if more:
        w.must("settings", more, "owner")
    return w


def approve(w: Writer, key: SigningKey, note: str = "") -> str:
    return w.add(w.entry("approval", {"proposal": "p1"} | ({"note": note} if note else {}), key))


def release(w: Writer, role: str = "evolver", **more: Any) -> str:
    body = {"skill": "git", "version": V1, "base": None, "object": OBJECT, "proposal": "p1"}
    return w.try_("release", {**body, "stage": "canary", **more}, role)


def test_one_is_enough_by_default_and_its_note_is_kept() -> None:
    w = group()
    w.propose("p1", V1, None, "held")
    assert "an owner or a reviewer" in release(w)
    assert approve(w, SEEDS["reviewer"], "I tried it.") == ""
    assert release(w) == ""
    state = w.replay()
    assert state.proposals["p1"].notes == {keys.public_hex(SEEDS["reviewer"]): "I tried it."}


def test_the_two_person_rule_asks_for_two_different_people() -> None:
    w = group(reviewers=2)
    w.propose("p1", V1, None, "held")
    assert "2 owners or reviewers" in release(w)
    assert approve(w, SEEDS["reviewer"]) == ""
    assert "already" in approve(w, SEEDS["reviewer"])
    for role in ("evolver", "reviewer", "owner"):
        assert "an owner or a reviewer" in release(w, role)
    assert approve(w, SECOND) == ""
    assert release(w) == ""


def test_a_new_key_of_the_same_person_is_no_second_person() -> None:
    w = group(reviewers=2)
    w.propose("p1", V1, None, "held")
    approve(w, SEEDS["reviewer"])
    new = SigningKey(b"n" * 32)
    w.must("rotate", statements.rotate(w.info.group, SEEDS["reviewer"], new, 0), "owner")
    assert "already" in approve(w, new)
    assert missing(w.state, w.state.proposals["p1"]) == 1


def test_a_revoked_persons_approval_counts_no_more() -> None:
    w = group(reviewers=2)
    w.propose("p1", V1, None, "held")
    approve(w, SEEDS["reviewer"])
    approve(w, SECOND)
    w.must("key-revoke", {"public": keys.public_hex(SECOND)}, "owner")
    assert "an owner or a reviewer" in release(w)


def test_who_wrote_it_is_none_of_the_two() -> None:
    w = group(reviewers=2)
    author = keys.public_hex(SEEDS["reviewer"])
    id_ = f"m-{author[:8]}-1"
    sig = statements.proposal(w.info.group, SEEDS["reviewer"], id_, "git", "create", None, V1)
    body = {"skill": "git", "action": "create", "base": None, "object": OBJECT, "version": V1}
    w.must("proposal", {**body, "id": id_, "author": author, "sig": sig})
    w.must("verdict", {"proposal": id_, "verdicts": [], "status": "held"})
    for key in (SEEDS["reviewer"], SECOND):
        assert w.add(w.entry("approval", {"proposal": id_}, key)) == ""
    assert approvers(w.state, w.state.proposals[id_]) == [keys.public_hex(SECOND)]
    assert release(w, proposal=id_) != ""
    w.must("approval", {"proposal": id_}, "owner")
    assert release(w, proposal=id_) == ""


def test_what_a_person_wrote_into_the_log_by_themselves_is_theirs_too() -> None:
    w = group(reviewers=2)
    body = {"id": "p1", "skill": "git", "action": "create", "base": None, "object": OBJECT, "version": V1}
    w.must("proposal", body, "owner")
    w.must("verdict", {"proposal": "p1", "verdicts": [], "status": "held"}, "owner")
    w.must("approval", {"proposal": "p1"}, "owner")
    approve(w, SECOND)
    assert not approved(w.state, w.state.proposals["p1"])
    approve(w, SEEDS["reviewer"])
    assert release(w) == ""


def test_one_person_alone_brings_back_only_what_was_released_before() -> None:
    w = group()
    w.must("release", {"skill": "git", "version": V1, "base": None, "object": OBJECT}, "owner")
    w.must("settings", {"reviewers": 2}, "owner")
    again = {"skill": "git", "base": V1, "object": OBJECT}
    assert "two people" in w.try_("release", {**again, "version": V2}, "owner")
    w.must("archive", {"skill": "git", "base": V1}, "owner")
    w.must("release", {**again, "version": V1, "base": None}, "owner")


def test_a_policy_of_one_skill_is_only_ever_stricter() -> None:
    w = group("team", policies={"git": "strict", "svn": "solo"})
    assert [policy_of(w.state.settings, name) for name in ("git", "svn", "npm")] == ["strict", "team", "team"]
    assert policy_of(w.state.settings, "npm", "git") == "strict", "a merge changes both"
    w.propose("p1", V1, None, "passed")
    assert "waits for the approval" in release(w)
    approve(w, SECOND)
    assert release(w) == ""
    w.must("settings", {"policies": None}, "owner")
    w.propose("p2", V2, V1, "passed")
    assert release(w, version=V2, base=V1, proposal="p2") == ""


def test_a_merge_that_takes_a_strict_skill_in_is_strict() -> None:
    w = group("team", policies={"svn": "strict"})
    w.must("release", {"skill": "git", "version": V1, "base": None, "object": OBJECT}, "owner")
    w.must("release", {"skill": "svn", "version": V3, "base": None, "object": OBJECT}, "owner")
    body = {"id": "p1", "skill": "git", "action": "merge", "base": V1, "object": OBJECT, "version": V2}
    w.must("proposal", body)
    w.must("verdict", {"proposal": "p1", "verdicts": [], "status": "passed"})
    taking = {"version": V2, "base": V1, "retires": [{"skill": "svn", "version": V3}]}
    assert "waits for the approval" in release(w, **taking)
    approve(w, SECOND)
    assert release(w, "owner", **taking, stage="stable") == ""
    (gone,) = w.replay().skills["svn"].releases
    assert [(one.what, one.skill) for one in gone.story] == [("archive", "git")]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ([], "solo"),
        (["team", "solo"], "team"),
        (["strict", "team"], "strict"),
        (["x", 3, None, "team"], "team"),
    ],
)
def test_the_strictest_counts(names: list[object], wanted: str) -> None:
    assert stricter(names) == wanted


def test_an_evolver_never_brings_back_what_people_took_back() -> None:
    w = group("strict")
    for name, version, base in (("p1", V1, None), ("p2", V2, V1)):
        w.propose(name, version, base, "held")
        w.must("approval", {"proposal": name}, "reviewer")
        body = {"skill": "git", "version": version, "base": base, "object": OBJECT, "proposal": name}
        w.must("release", {**body, "stage": "canary"})
    w.must("rollback", {"skill": "git", "version": V1, "base": V2, "why": "It lost files."}, "owner")
    again = {"skill": "git", "version": V2, "base": V1}
    assert "nothing else" in w.try_("rollback", again)
    assert w.replay().skills["git"].current == V1
    w.must("rollback", again, "reviewer")  # people may
    w.must("rollback", {"skill": "git", "version": V1, "base": V2})  # and it may go back
    assert w.replay().skills["git"].current == V1


def test_nor_by_way_of_a_new_version() -> None:
    w = group("strict")
    for name, version in (("p1", V1), ("p2", V2)):
        w.propose(name, version, None, "held")
        w.must("approval", {"proposal": name}, "reviewer")
        body = {"skill": "git", "version": version, "base": None, "object": OBJECT, "proposal": name}
        w.must("release", {**body, "stage": "canary"})
        if version == V1:
            w.must("rollback", {"skill": "git", "version": None, "base": V1, "why": "It harms."}, "owner")
    assert "nothing else" in w.try_("rollback", {"skill": "git", "version": V1, "base": V2})
    assert w.replay().skills["git"].current == V2
    w.must("rollback", {"skill": "git", "version": None, "base": V2})


def test_an_evolver_goes_back_along_what_a_version_was_made_from() -> None:
    w = group("team")
    for name, version, base in (("p1", V1, None), ("p2", V2, V1), ("p3", V3, V2)):
        w.propose(name, version, base)
        assert release(w, version=version, base=base, proposal=name) == ""
    w.must("rollback", {"skill": "git", "version": V1, "base": V3})
    assert w.replay().skills["git"].current == V1


@pytest.mark.parametrize("written_by", ["reviewer", "evolver"])
def test_one_person_who_says_that_it_passed_is_not_two(written_by: str) -> None:
    w = group(reviewers=2)
    w.must("proposal", {**_PROPOSAL, "id": "p1"}, written_by)
    w.must("verdict", {"proposal": "p1", "verdicts": [], "status": "passed"}, "reviewer")
    for role in ("reviewer", "evolver", "owner"):
        assert "owners or reviewers" in release(w, role)
    approve(w, SECOND)
    w.must("approval", {"proposal": "p1"}, "owner")
    assert release(w) == ""


def test_what_an_evolver_lets_through_waits_for_nobody_under_the_two_person_rule() -> None:
    w = group(reviewers=2)
    w.propose("p1", V1, None)
    assert release(w) == ""
    alone = group()
    alone.must("proposal", {**_PROPOSAL, "id": "p1"}, "reviewer")
    alone.must("verdict", {"proposal": "p1", "verdicts": [], "status": "passed"}, "reviewer")
    assert release(alone, "reviewer") == "", "where one decides, that one has"
