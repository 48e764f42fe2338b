"""What of a release its signer does not choose: where it belongs, and how a group measures it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hub_logs import opened
from test_hub_log import OBJECT, V1, V2, V3, Writer

from skillclaw.errors import BadInputError, VerifyError
from skillclaw.hub import kinds
from skillclaw.hub.proposing import recorded
from skillclaw.skills.records import Bundle, File, Proposal, Retired

BODY = {"id": "p1", "skill": "git", "action": "refine", "base": V1, "object": OBJECT, "version": V2}
RELEASE = {"skill": "git", "version": V2, "base": V1, "object": OBJECT, "proposal": "p1"}
CANARY = {**RELEASE, "stage": "canary", "share": 0.5}


def group(policy: str = "team", **said: Any) -> Writer:
    """A group where git is current and a change of it was proposed, and approved by people."""
    w = Writer(policy)
    for skill, version in (("git", V1), ("svn", V3)):
        w.must("release", {"skill": skill, "version": version, "base": None, "object": OBJECT}, "owner")
    w.must("proposal", {**BODY, **said})
    w.must("verdict", {"proposal": "p1", "verdicts": [], "status": "held"})
    w.must("approval", {"proposal": "p1"}, "reviewer")
    return w


@pytest.mark.parametrize("role", ["evolver", "owner"])
def test_what_people_approved_for_one_place_is_released_for_no_other(role: str) -> None:
    w = group(scope="project", project="web")
    for other in ({}, {"scope": "project", "project": "till"}):
        assert "scope or project differ" in w.try_("release", {**CANARY, **other}, role)
    w.must("release", {**CANARY, "scope": "project", "project": "web"}, role)
    assert w.replay().proposals["p1"].project == "web"


@pytest.mark.parametrize("role", ["evolver", "owner"])
def test_a_release_takes_in_the_skills_of_its_proposal_and_no_other(role: str) -> None:
    taking = [{"skill": "svn", "version": V3}]
    w = group(scope="global", action="merge", retires=taking)
    assert "retires differ" in w.try_("release", CANARY, role)
    w.must("release", {**CANARY, "retires": taking}, role)
    w = group(scope="global", action="merge")
    assert "retires differ" in w.try_("release", {**CANARY, "retires": taking}, role)


@pytest.mark.parametrize("policy", ["team", "strict"])
def test_an_evolvers_release_in_a_group_is_a_canary_with_the_groups_share(policy: str) -> None:
    w = group(policy, scope="global")
    for stage in ("stable", "unproven"):
        assert "canary first" in w.try_("release", {**RELEASE, "stage": stage})
    for share in (0, 0.001, 1):
        assert "share" in w.try_("release", {**CANARY, "share": share})
    assert "share" in w.try_("release", {**RELEASE, "stage": "canary"})
    w.must("settings", {"canary": 0.25}, "owner")
    assert "share" in w.try_("release", CANARY)
    w.must("release", {**CANARY, "share": 0.25})


def test_people_release_at_once_and_so_does_the_evolver_of_ones_own_hub() -> None:
    group("team", scope="global").must("release", {**RELEASE, "stage": "stable"}, "owner")
    group("solo", scope="global").must("release", {**RELEASE, "stage": "stable"})


def test_a_proposal_of_before_format_2_is_released_as_it_was_then_but_not_at_once() -> None:
    w = group("team")
    assert "canary first" in w.try_("release", {**RELEASE, "stage": "stable"})
    assert "share" in w.try_("release", {**CANARY, "share": 0})
    w.must("release", {**RELEASE, "stage": "canary", "scope": "project", "project": "any"})


def test_once_proposals_of_a_group_say_their_place_none_leaves_it_out() -> None:
    """Else a stolen evolver's key shows people a change for one project, and gives it to everybody."""
    w = group("team", scope="project", project="web")
    assert "say their scope" in w.try_("proposal", {**BODY, "id": "p2"})
    w.must("proposal", {**BODY, "id": "p2", "scope": "global"})
    w.must("settings", {"policy": "solo", "policies": {"svn": "strict"}}, "owner")
    w.must("proposal", {**BODY, "id": "p3"})
    svn = {**BODY, "skill": "svn", "base": V3}
    assert "say their scope" in w.try_("proposal", {**svn, "id": "p4"})
    state = w.replay()
    assert {one.id: one.scope for one in state.proposals.values()} == {
        "p1": "project",
        "p2": "global",
        "p3": None,
    }


@pytest.mark.parametrize(
    "said",
    [
        {"scope": "project"},
        {"scope": "global", "project": "web"},
        {"project": "web"},
        {"scope": "global", "retires": [{"skill": "svn", "version": V3}]},
        {"action": "merge", "retires": [{"skill": "svn", "version": V3}]},
        {"scope": "everywhere"},
    ],
)
def test_a_proposal_that_contradicts_itself_is_void(said: dict[str, Any]) -> None:
    w = Writer("team")
    assert kinds.format_of("proposal", {**BODY, **said}) == (1 if said.keys() <= BODY.keys() else 2)
    assert w.try_("proposal", {**BODY, **said}) != ""


def proposal(**more: Any) -> Proposal:
    made = Bundle(
        name="git",
        files=[File(path="SKILL.md", data=b"---\nname: git\ndescription: Use it.\n---\n\n# git\n\nPull.\n")],
    )
    given = {"action": "create", "base": None, "engine": "person", "why": "", "bundle": made, **more}
    return Proposal(id="p1", skill="git", **given)


def test_a_group_is_told_where_a_proposal_belongs_and_ones_own_hub_stays_readable(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    assert hub.propose(proposal(scope="project", project="web")).scope is None
    assert not any(b'"v":2' in path.read_bytes() for path in (tmp_path / "hub" / "log").glob("0*.json"))
    hub.commit("settings", {"policy": "team"}, role="owner")
    made = msgspec.structs.replace(proposal(scope="project", project="web"), id="p2")
    known = hub.propose(made)
    assert (known.scope, known.project) == ("project", "web")
    assert recorded(hub, known) == made
    hub.record_verdicts("p2", [], "passed")
    with pytest.raises(BadInputError, match="release") as told:
        hub.release("p2")
    assert "canary first" in told.value.why
    assert (found := hub.release("p2", stage="canary")).project == "web"
    assert found.share == 0.5


@pytest.mark.parametrize(
    "other",
    [{"scope": "global"}, {"scope": "project", "project": "till"}],
)
def test_nobody_approves_what_the_log_names_another_place_for(tmp_path: Path, other: dict[str, Any]) -> None:
    hub = opened(tmp_path)
    hub.commit("settings", {"policy": "team"}, role="owner")
    honest = hub.propose(proposal(scope="project", project="web"))
    body = {"skill": "git", "action": "create", "base": None, "version": honest.version}
    hub.commit("proposal", {**body, "id": "p2", "object": forged(hub, "p2"), **other})
    hub.record_verdicts("p2", [], "held")
    with pytest.raises(VerifyError, match="not what its object holds"):
        hub.approve("p2")


def forged(hub: Any, id_: str) -> str:
    made = msgspec.structs.replace(proposal(scope="project", project="web"), id=id_)
    name: str = hub.put_object(msgspec.json.encode(made, order="deterministic"))
    return name


def test_a_merge_goes_from_a_proposal_to_its_release_as_it_was_approved(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    hub.commit("settings", {"policy": "team"}, role="owner")
    svn = {"skill": "svn", "version": V3, "base": None, "object": OBJECT}
    for one in (svn, {"skill": "git", "version": V1, "base": None, "object": OBJECT}):
        hub.commit("release", one, role="owner")
    taking = [Retired(skill="svn", version=V3)]
    known = hub.propose(proposal(action="merge", base=V1, retires=taking))
    hub.record_verdicts("p1", [], "passed")
    assert known.retires == hub.release("p1", stage="canary").retires == taking
