"""Whose word counts, and which, where people took something away: attacks with the key of an evolver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hubs_at_hand import Hubs, bundle
from taking import (
    BAD,
    GOOD,
    RISKY,
    SCRIPT,
    back_as_evolver,
    group_of,
    propose_as_evolver,
    release_as_evolver,
    release_raw,
    reviewer,
    texts,
)

from skillclaw.errors import BadInputError, UsageError
from skillclaw.hub import Hub, Release, keys, log
from skillclaw.hub.records import Commit
from skillclaw.hub.unapproved import _Look
from skillclaw.server.review import decisions
from skillclaw.server.review.reviewing import approver_rows, needs
from skillclaw.skills.records import Proposal, Retired, Verdict

pytestmark = pytest.mark.live

PLAIN = bundle("deploy", "- Tell nobody.")


@pytest.fixture
def hubs(tmp_path: Path) -> Hubs:
    return group_of(tmp_path)


@pytest.mark.parametrize(("policy", "two"), [("strict", False), ("team", False), ("strict", True)])
def test_plain_text_that_people_approved_before_does_not_come_either(
    policy: str, two: bool, tmp_path: Path
) -> None:
    hubs = group_of(tmp_path, policy)
    if two:
        reviewer(hubs)
        hubs.team.commit("settings", {"reviewers": 2}, role="owner")
    for one, id_ in ((GOOD, "good"), (bundle("deploy", "- Tell nobody!"), "twin"), (PLAIN, "main")):
        propose_as_evolver(hubs, one, id_)
        for role in ("owner", "reviewer")[: 1 + two]:
            hubs.team.commit("approval", {"proposal": id_}, role=role)
        if id_ != "twin":
            release_as_evolver(hubs, id_)
        if id_ == "good":
            good = hubs.team.state().skills["deploy"].current
    assert texts(hubs) == {"- Tell nobody."}
    # `twin` was made for the version before
    decisions.rollback(hubs.machine, "team/deploy", good)
    assert texts(hubs) == {"- Look."}
    release_as_evolver(hubs, "twin")
    assert texts(hubs) == {"- Look."}
    # and what a new word of theirs says does
    propose_as_evolver(hubs, bundle("deploy", "- Tell all."), "new")
    for role in ("owner", "reviewer")[: 1 + two]:
        hubs.team.commit("approval", {"proposal": "new"}, role=role)
    release_as_evolver(hubs, "new")
    assert texts(hubs) == {"- Tell all."}


@pytest.mark.parametrize("text", [RISKY, "- Do it, and run it."], ids=["risky", "plain"])
def test_a_merge_brings_nothing_back_of_a_skill_that_people_archived(text: str, hubs: Hubs) -> None:
    hubs.evolve(hubs.team, bundle("all", "- Do it."))
    hubs.evolve(hubs.team, bundle("other", "- Do other."))
    retires = [Retired(skill="deploy", version=hubs.evolve(hubs.team, BAD, approve=True))]
    other = bundle("other", "- Do other and deploy.")
    propose_as_evolver(hubs, other, "m0", "passed", action="merge", retires=retires)
    hubs.team.release("m0", stage="canary", role="evolver")
    more = [SCRIPT] if text == RISKY else []
    propose_as_evolver(hubs, bundle("all", text, *more), "m1", action="merge", retires=retires)
    hubs.team.commit("approval", {"proposal": "m1"}, role="owner")
    hubs.team.archive("deploy", "It wipes disks.", role="owner")
    merged = hubs.team.state().skills["other"].releases[-1]
    body = {"skill": "other", "version": merged.base, "base": merged.version}
    hubs.team.commit("rollback", body, role="evolver")
    assert hubs.team.state().skills["deploy"].current is not None
    release_raw(hubs.team, "m1")
    hubs.team.promote("all", role="evolver")
    hubs.sync(hubs.fresh())
    assert hubs.text("all") == "- Do it." and hubs.text("deploy") is None
    assert not (hubs.skills / "all" / "scripts").exists()


def test_what_came_back_by_a_key_that_was_revoked_goes_though_somebody_approved_it_before(
    hubs: Hubs,
) -> None:
    public = reviewer(hubs)
    good = hubs.evolve(hubs.team, GOOD)
    bad = hubs.evolve(hubs.team, PLAIN)
    back_as_evolver(hubs, good)
    propose_as_evolver(hubs, PLAIN, "again")
    hubs.team.commit("approval", {"proposal": "again"}, role="owner")
    hubs.team.rollback("deploy", good, base=bad, role="owner")
    assert texts(hubs) == {"- Look."}
    hubs.team.commit("approval", {"proposal": "again"}, role="reviewer")
    release_as_evolver(hubs, "again")
    assert texts(hubs) == {"- Tell nobody."}
    hubs.team.commit("key-revoke", {"public": public}, role="owner")
    assert texts(hubs) == {"- Look."}


@pytest.mark.parametrize("whole", [False, True], ids=["version", "all"])
def test_an_owner_revokes_what_an_evolver_revoked_before(whole: bool, hubs: Hubs) -> None:
    propose_as_evolver(hubs, bundle("deploy", RISKY + "\n- Twin.", SCRIPT), "twin")
    made = hubs.evolve(hubs.team, BAD, approve=True)
    hubs.team.commit("approval", {"proposal": "twin"}, role="owner")
    version = None if whole else made
    hubs.team.commit("revoke", {"skill": "deploy", "version": version, "why": "x"}, role="evolver")
    assert decisions.revoke(hubs.machine, "team/deploy", version, "It wipes disks.") == [made]
    with pytest.raises(UsageError, match="revoked already"):
        decisions.revoke(hubs.machine, "team/deploy", version, "It wipes disks.")
    release_as_evolver(hubs, "twin")
    assert texts(hubs) == {None}


def test_and_where_another_version_is_current(hubs: Hubs) -> None:
    good = hubs.evolve(hubs.team, GOOD)
    propose_as_evolver(hubs, bundle("deploy", RISKY + "\n- Twin.", SCRIPT), "twin")
    made = hubs.evolve(hubs.team, BAD, approve=True)
    hubs.team.commit("approval", {"proposal": "twin"}, role="owner")
    back_as_evolver(hubs, good)
    hubs.team.commit("revoke", {"skill": "deploy", "version": made, "why": "x"}, role="evolver")
    assert decisions.revoke(hubs.machine, "team/deploy", made, "It wipes disks.") == [made]
    release_as_evolver(hubs, "twin")
    assert texts(hubs) == {"- Look."}


def test_saying_so_of_an_old_version_brings_nothing_back_and_takes_nothing_else(hubs: Hubs) -> None:
    old = hubs.evolve(hubs.team, bundle("deploy", "- Old."), approve=True)
    good = hubs.evolve(hubs.team, GOOD, approve=True)
    hubs.evolve(hubs.team, PLAIN)
    decisions.rollback(hubs.machine, "team/deploy", good)
    propose_as_evolver(hubs, PLAIN, "again", "passed")
    release_as_evolver(hubs, "again")
    hubs.team.commit("revoke", {"skill": "deploy", "version": old, "why": "x"}, role="evolver")
    assert texts(hubs) == {"- Look."}
    decisions.revoke(hubs.machine, "team/deploy", old, "It errs.")
    assert texts(hubs) == {"- Look."}
    skill = hubs.team.state().skills["deploy"]
    assert [one.taken for one in skill.releases] == [False, False, True, True]
    assert skill.taken_at == hubs.team.state().seq


def test_what_an_evolver_revoked_and_people_too_leaves_the_good_version_to_go_back_to(hubs: Hubs) -> None:
    good = hubs.evolve(hubs.team, GOOD, approve=True)
    bad = hubs.evolve(hubs.team, BAD, approve=True)
    hubs.team.commit("revoke", {"skill": "deploy", "version": bad, "why": "x"}, role="evolver")
    decisions.revoke(hubs.machine, "team/deploy", bad, "It wipes disks.")
    assert texts(hubs) == {None}
    assert decisions.rollback(hubs.machine, "team/deploy", good) == good
    assert texts(hubs) == {"- Look."}


def test_where_two_decide_each_ones_revocation_counts(hubs: Hubs) -> None:
    reviewer(hubs)
    old = hubs.evolve(hubs.team, bundle("deploy", "- Old."))
    good = hubs.evolve(hubs.team, GOOD)
    hubs.team.commit("settings", {"policy": "strict", "reviewers": 2}, role="owner")
    propose_as_evolver(hubs, bundle("deploy", "- Old, twin."), "twin")
    for role in ("owner", "reviewer"):
        hubs.team.commit("approval", {"proposal": "twin"}, role=role)
    hubs.team.commit("revoke", {"skill": "deploy", "version": old, "why": "x"}, role="evolver")
    decisions.revoke(hubs.machine, "team/deploy", old, "It errs.")
    release_as_evolver(hubs, "twin")
    assert texts(hubs) == {"- Look."} and hubs.team.state().skills["deploy"].current != good


@pytest.mark.parametrize("by", ["owner, one of two", "owner, long ago", "reviewer without a key"])
def test_people_revoke_what_no_persons_word_that_counts_revoked(by: str, hubs: Hubs) -> None:
    public = reviewer(hubs)
    twin = bundle("deploy", RISKY + "\n- Twin.", SCRIPT)
    if by == "owner, one of two":  # made for a skill without a current version, which it is again at the end
        propose_as_evolver(hubs, twin, "twin")
    good = hubs.evolve(hubs.team, GOOD)
    bad = hubs.evolve(hubs.team, BAD, approve=True)
    gone: str | None = bad
    if by == "owner, one of two":
        hubs.team.commit("revoke", {"skill": "deploy", "version": good, "why": "x"}, role="owner")
        gone = None
    elif by == "owner, long ago":
        decisions.rollback(hubs.machine, "team/deploy", good)
    else:
        hubs.team.commit("revoke", {"skill": "deploy", "version": bad, "why": "x"}, role="reviewer")
    if by != "owner, one of two":
        propose_as_evolver(hubs, twin, "twin")
    hubs.team.commit("approval", {"proposal": "twin"}, role="owner")
    if by == "reviewer without a key":
        hubs.team.commit("key-revoke", {"public": public}, role="owner")
    else:
        hubs.team.commit("revoke", {"skill": "deploy", "version": gone, "why": "x"}, role="evolver")
    decisions.revoke(hubs.machine, "team/deploy", gone, "It wipes disks.")
    release_as_evolver(hubs, "twin")
    assert texts(hubs) == {"- Look." if by == "owner, long ago" else None}
    with pytest.raises(UsageError, match="revoked already"):
        decisions.revoke(hubs.machine, "team/deploy", gone or bad, "It wipes disks.")


def test_a_retirement_that_people_agreed_to_is_theirs_whatever_was_revoked_since(hubs: Hubs) -> None:
    old = hubs.evolve(hubs.team, bundle("deploy", "- Old."))
    good = hubs.evolve(hubs.team, GOOD)
    hubs.evolve(hubs.team, bundle("all", "- All."))
    hubs.team.propose(Proposal(id="gone", action="retire", skill="deploy", base=good, engine="x", why=""))
    hubs.team.record_verdicts("gone", [Verdict(check="spec", verdict="pass", reason="Fine.")], "passed")
    hubs.team.commit("approval", {"proposal": "gone"}, role="owner")
    hubs.team.commit("revoke", {"skill": "deploy", "version": old, "why": "x"}, role="owner")
    hubs.team.commit("archive", {"skill": "deploy", "base": good, "proposal": "gone"}, role="evolver")
    assert all(one.taken for one in hubs.team.state().skills["deploy"].releases)


def test_who_is_overtaken_by_a_revocation_is_told(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two decide: between the second approval and the release somebody revokes an old version."""
    reviewer(hubs)
    old = hubs.evolve(hubs.team, bundle("deploy", "- Old."))
    hubs.evolve(hubs.team, GOOD)
    hubs.team.commit("settings", {"policy": "strict", "reviewers": 2}, role="owner")
    propose_as_evolver(hubs, PLAIN, "new")
    hubs.team.commit("approval", {"proposal": "new"}, role="reviewer")
    real = Hub.release

    def late(self: Hub, *args: Any, **more: Any) -> Release:
        hubs.team.commit("revoke", {"skill": "deploy", "version": old, "why": "x"}, role="reviewer")
        self.state()
        return real(self, *args, **more)

    monkeypatch.setattr(Hub, "release", late)
    with pytest.raises(BadInputError, match="before people took a version of deploy away"):
        decisions.approve(hubs.machine, "new")
    assert hubs.team.state().proposals["new"].status == "held" and texts(hubs) == {"- Look."}


@pytest.mark.parametrize("archives", [False, True])
def test_one_of_two_brings_back_what_one_sufficed_for_then(archives: bool, hubs: Hubs) -> None:
    good = hubs.evolve(hubs.team, GOOD)
    made = hubs.evolve(hubs.team, PLAIN, approve=True)
    reviewer(hubs)
    decisions.rollback(hubs.machine, "team/deploy", good)
    propose_as_evolver(hubs, PLAIN, "again")
    decisions.approve(hubs.machine, "again")
    hubs.team.promote("deploy", role="owner")
    hubs.team.commit("settings", {"reviewers": 2}, role="owner")
    assert texts(hubs) == {"- Tell nobody."}
    if archives:
        hubs.team.commit("archive", {"skill": "deploy", "base": made}, role="evolver")
    else:
        back_as_evolver(hubs, good)
    assert texts(hubs) == {None if archives else "- Look."}
    decisions.rollback(hubs.machine, "team/deploy", made)
    assert texts(hubs) == {"- Tell nobody."}


@pytest.mark.parametrize("role", ["member", "reviewer"])
def test_many_revoked_keys_do_not_make_a_sync_take_for_ever(
    role: str, hubs: Hubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asked twice as often for each key."""
    for number in range(14):
        place = hubs.place / "keys" / str(number)
        public = keys.public_hex(keys.load_or_create(place, hubs.team.info.group, role))
        hubs.team.commit("key-add", {"public": public, "role": role, "name": f"k{number}"}, role="owner")
        propose_as_evolver(hubs, bundle("deploy", f"{RISKY}\n- Step {number}.", SCRIPT), f"p{number}")
        if role == "reviewer":
            key = keys.load(place, hubs.team.info.group, role)
            assert key is not None
            state = hubs.team.state()
            given = {"proposal": f"p{number}"}
            entry = signed(hubs, key, "approval", given, 1)
            assert hubs.team.store.create(log.key_of(state.seq + 1), entry)
        hubs.team.commit("approval", {"proposal": f"p{number}"}, role="owner")
        release_as_evolver(hubs, f"p{number}")
        hubs.team.commit("key-revoke", {"public": public}, role="owner")
    asked = 0
    real = _Look._unseen

    def counted(self: _Look, *args: Any, **more: Any) -> dict[str, str]:
        nonlocal asked
        asked += 1
        return real(self, *args, **more)

    monkeypatch.setattr(_Look, "_unseen", counted)
    hubs.sync(hubs.fresh())
    assert hubs.text("deploy") == "- Step 13."
    assert 0 < asked < 14**3  # 2**15 before


def signed(hubs: Hubs, key: keys.SigningKey, kind: str, body: dict[str, object], format_: int) -> bytes:
    state = hubs.team.state()
    entry = Commit(
        v=format_,
        seq=state.seq + 1,
        prev=state.head,
        time="2026-01-01T00:00:00Z",
        kind=kind,
        body=body,
        signer=keys.public_hex(key),
    )
    return log.sign(entry, key, state.group)


@pytest.mark.parametrize("role", ["member", "evolver"])
def test_no_stolen_key_shuts_the_owner_out_by_an_entry_of_a_newer_format(role: str, hubs: Hubs) -> None:
    hubs.evolve(hubs.team, BAD, approve=True)
    hubs.sync()
    if role == "member":
        found = keys.load(hubs.machine.home / "keys", hubs.team.info.group, "member")
        assert found is not None
        key = found
    else:
        key = hubs.team.own_key("evolver")
    entry = signed(hubs, key, "pin", {"skill": "deploy"}, log.FORMAT + 1)
    assert hubs.team.store.create(log.key_of(hubs.team.state().seq + 1), entry)
    hubs.team.archive("deploy", "It wipes disks.", role="owner")
    hubs.team.commit("key-revoke", {"public": keys.public_hex(key)}, role="owner")
    hubs.sync(hubs.fresh())
    assert hubs.text("deploy") is None and hubs.team.state().void == 1


@pytest.mark.parametrize("two", [False, True])
def test_a_retirement_that_a_revoked_key_approved_is_not_peoples(two: bool, hubs: Hubs) -> None:
    public = reviewer(hubs)
    good = hubs.evolve(hubs.team, GOOD, approve=True)
    if two:
        hubs.team.commit("settings", {"reviewers": 2}, role="owner")
    hubs.team.propose(Proposal(id="gone", action="retire", skill="deploy", base=good, engine="x", why=""))
    hubs.team.record_verdicts("gone", [Verdict(check="spec", verdict="pass", reason="Fine.")], "passed")
    hubs.team.commit("approval", {"proposal": "gone"}, role="reviewer")
    hubs.team.commit("key-revoke", {"public": public}, role="owner")
    hubs.team.commit("archive", {"skill": "deploy", "base": good, "proposal": "gone"}, role="evolver")
    assert texts(hubs) == {None}
    decisions.rollback(hubs.machine, "team/deploy", good)
    assert texts(hubs) == {"- Look."}


@pytest.mark.parametrize("archived", [False, True])
def test_what_came_back_for_one_project_leaves_machines_that_do_not_know_it(
    archived: bool, hubs: Hubs
) -> None:
    good = hubs.evolve(hubs.team, GOOD)
    hubs.evolve(hubs.team, PLAIN)
    hubs.sync()
    assert hubs.text("deploy") == "- Tell nobody."
    if archived:
        decisions.archive(hubs.machine, "team/deploy")
    else:
        decisions.rollback(hubs.machine, "team/deploy", good)
    propose_as_evolver(hubs, PLAIN, "here", scope="project", project="p1")
    decisions.approve(hubs.machine, "here")
    # as a canary, and for good, what people went back to stays
    assert texts(hubs) == {None if archived else "- Look."}
    hubs.team.promote("deploy", role="owner")
    assert texts(hubs) == {None if archived else "- Look."}


def test_a_proposal_of_before_a_policy_that_says_no_place_is_not_approved_for_one(tmp_path: Path) -> None:
    hubs = group_of(tmp_path, "solo")
    propose_as_evolver(hubs, BAD, "here", scope="project", project="p1")
    hubs.team.commit("settings", {"policy": "team"}, role="owner")
    with pytest.raises(BadInputError, match="does not say the project p1") as refused:
        decisions.approve(hubs.machine, "here")
    assert "proposals reject here" in str(refused.value)
    assert hubs.team.state().proposals["here"].approvals == []


def test_who_approves_too_late_is_told_before_and_who_does_not_is_not(hubs: Hubs) -> None:
    """Where two decide and the word of one is old, a third still can."""
    good = hubs.evolve(hubs.team, GOOD)
    reviewer(hubs)
    hubs.team.commit("settings", {"reviewers": 2}, role="owner")
    propose_as_evolver(hubs, BAD, "held")
    propose_as_evolver(hubs, bundle("deploy", "- Junk."), "junk", "passed")
    hubs.team.commit("approval", {"proposal": "held"}, role="reviewer")
    hubs.team.release("junk", stage="canary", role="evolver")
    decisions.rollback(hubs.machine, "team/deploy", good)
    state = hubs.team.state()
    assert "do not count any more: reject it" in needs(state, state.proposals["held"], "team")
    assert [row.counts for row in approver_rows(state, state.proposals["held"])] == [False]
    with pytest.raises(UsageError, match="before people took"):
        decisions.approve(hubs.machine, "held")
    place = hubs.place / "third"
    third = keys.load_or_create(place, hubs.team.info.group, "owner")
    body = {"public": keys.public_hex(third), "role": "owner", "name": "third"}
    hubs.team.commit("key-add", body, role="owner")
    assert decisions.approve(hubs.machine, "held").needs.startswith("It needs 1 more reviewer")
    own = hubs.machine.home / "keys" / hubs.team.info.group / "owner.key"
    own.write_bytes((place / hubs.team.info.group / "owner.key").read_bytes())
    assert decisions.approve(hubs.fresh(), "held").release is not None
    hubs.team.promote("deploy", role="owner")
    assert texts(hubs) == {"- Run it."}


def test_only_people_say_so_and_only_of_what_is_revoked(hubs: Hubs) -> None:
    good = hubs.evolve(hubs.team, GOOD)
    body: dict[str, Any] = {"skill": "deploy", "version": good, "why": "x"}
    with pytest.raises(BadInputError, match="not revoked yet"):
        hubs.team.commit("revoke", {**body, "stays": True}, role="owner")
    hubs.team.commit("revoke", body, role="owner")
    with pytest.raises(BadInputError, match="only people say"):
        hubs.team.commit("revoke", {**body, "stays": True}, role="evolver")
    before = hubs.team.state().skills["deploy"]
    with pytest.raises(BadInputError, match="true, or left out"):
        hubs.team.commit("revoke", {**body, "stays": None}, role="evolver")
    assert hubs.team.commit("revoke", {**body, "stays": True}, role="owner").v == 5
    after = hubs.team.state().skills["deploy"]
    assert (after.current, after.stage) == (before.current, before.stage) == (None, "revoked")
    assert [event.what for event in after.releases[0].story][-2:] == ["revoke", "revoke"]


@pytest.mark.parametrize("how", ["back", "brought back"])
def test_that_a_version_stays_is_a_newer_word_than_an_old_retirement(how: str, hubs: Hubs) -> None:
    reviewer(hubs)
    good = hubs.evolve(hubs.team, GOOD, approve=True)
    hubs.team.propose(Proposal(id="gone", action="retire", skill="deploy", base=good, engine="x", why=""))
    hubs.team.record_verdicts("gone", [Verdict(check="spec", verdict="hold", reason="Old.")], "held")
    for role in ("owner", "reviewer"):
        hubs.team.commit("approval", {"proposal": "gone"}, role=role)
    if how == "back":
        hubs.evolve(hubs.team, PLAIN)
    else:
        decisions.archive(hubs.machine, "team/deploy")
    decisions.rollback(hubs.machine, "team/deploy", good, "It stays.")
    hubs.team.commit("settings", {"reviewers": 2}, role="owner")
    hubs.team.commit("archive", {"skill": "deploy", "base": good, "proposal": "gone"}, role="evolver")
    assert texts(hubs) == {None}
    decisions.rollback(hubs.machine, "team/deploy", good)
    assert texts(hubs) == {"- Look."}


def test_a_copy_goes_outside_the_project_where_what_stands_below_is_refused(hubs: Hubs) -> None:
    first = hubs.evolve(hubs.team, bundle("deploy", "- Look.", SCRIPT))  # nobody approved its program
    hubs.evolve(hubs.team, PLAIN, approve=True)
    hubs.sync()
    assert hubs.text("deploy") == "- Tell nobody."
    decisions.rollback(hubs.machine, "team/deploy", first)
    propose_as_evolver(hubs, PLAIN, "here", scope="project", project="p1")
    decisions.approve(hubs.machine, "here")
    hubs.team.promote("deploy", role="owner")
    hubs.sync(hubs.fresh())
    assert hubs.text("deploy") is None


def test_what_is_made_of_it_for_that_project_comes_no_further(hubs: Hubs) -> None:
    good = hubs.evolve(hubs.team, GOOD)
    hubs.evolve(hubs.team, PLAIN)
    decisions.rollback(hubs.machine, "team/deploy", good)
    assert texts(hubs) == {"- Look."}
    for id_, text in (("here", "- Tell nobody."), ("fix", "- Tell nobody.\n- Fixed.")):
        one = bundle("deploy", text)
        propose_as_evolver(hubs, one, id_, scope="project", project="p1")
        decisions.approve(hubs.machine, id_)
        hubs.team.promote("deploy", role="owner")
        assert texts(hubs) == {"- Look."}
    # for all, people approved the whole of it
    propose_as_evolver(hubs, bundle("deploy", "- Tell nobody.\n- Third."), "third")
    decisions.approve(hubs.machine, "third")
    assert texts(hubs) <= {"- Look.", "- Third."}
    hubs.team.promote("deploy", role="owner")
    assert texts(hubs) == {"- Third."}


def test_the_skill_that_was_taken_from_is_the_one_that_is_named(hubs: Hubs) -> None:
    old = hubs.evolve(hubs.team, bundle("deploy", "- Old."))
    gone = Retired(skill="deploy", version=hubs.evolve(hubs.team, GOOD))
    hubs.evolve(hubs.team, bundle("all", "- All."))
    propose_as_evolver(hubs, bundle("all", "- All, and look."), "m", action="merge", retires=[gone])
    hubs.team.commit("approval", {"proposal": "m"}, role="owner")
    decisions.revoke(hubs.machine, "team/deploy", old, "It errs.")
    with pytest.raises(UsageError, match="took a version of deploy away"):
        decisions.approve(hubs.machine, "m")
