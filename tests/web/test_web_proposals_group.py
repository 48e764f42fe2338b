"""Proposals of a group: who decides, who votes, who may not because of where the change comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest
from api_house import proposal
from dashboard_house import Visitor, dashboard
from team import found, home, hub, joined, sc, state, taken

from skillclaw.hub import keys
from skillclaw.server.groups.collecting import pseudonym
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Item, Proposal, Verdict

HELD = [Verdict(check="approval", verdict="hold", reason="It waits for a reviewer.")]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("team")
    found(place)
    for who in ("rev", "rae"):
        joined(place, who, "--role", "reviewer")
    joined(place, "bob")
    return place


def held(team: Path, number: int, given: Proposal | None = None) -> str:
    made = given or proposal(number, skill=f"skill-{number}")
    hub(team).propose(made)
    hub(team).record_verdicts(made.id, HELD, "held")
    return made.id


@contextmanager
def browsers(team: Path, *names: str) -> Iterator[list[Visitor]]:
    with ExitStack() as open_:
        yield [
            open_.enter_context(dashboard(home(team, who), {**os.environ, "HOME": str(team)})).visitor()
            for who in names
        ]


def test_a_member_votes_and_cannot_decide(team: Path) -> None:
    id_ = held(team, 1)
    at = f"/proposals/team/{id_}"
    with browsers(team, "bob", "rev") as (bob, rev):
        page = bob.get(at)
        assert "Owners and reviewers of the hub decide; this machine's key is: member." in page.text
        assert not page.html.find("form", id="approve") + page.html.find("form", id="reject")
        for what in ("approve", "reject"):
            told = bob.post(f"{at}/{what}", {"note": "mine"}).told
            assert told and "Approved" not in told and "Rejected" not in told
        assert state(team).proposals[id_].status == "held"
        assert "no vote 'maybe'" in bob.post(f"{at}/vote", {"vote": "maybe"}).told
        voted = bob.submit(page.html.one("form", id="vote"), vote="against", note="Not with uv.")
        assert "It counts once the group has taken it in." in voted.told
        taken(team)
        seen = rev.get(at)
        assert "voted against bob Not with uv." in seen.text
        assert "votes: 0 for, 1 against" in rev.get("/proposals").text
        done = rev.submit(seen.html.one("form", id="approve"), note="It is right all the same.")
        assert "Approved and released as canary." in done.told
        assert "approved rev (reviewer) It is right all the same." in done.text
    assert state(team).proposals[id_].status == "released"


def test_two_people_where_the_group_asks_for_it(team: Path) -> None:
    sc(team, "ada", "hub", "settings", "reviewers", "2")
    made = proposal(2, skill="skill-2")
    group = hub(team)
    assert made.bundle is not None
    name = group.put_object(msgspec.json.encode(made, order="deterministic"))
    body = {"id": made.id, "skill": made.skill, "action": made.action, "base": None, "object": name}
    # what the log has bound since: its place, and what it takes in
    bound = {"version": version(made.bundle), "scope": "global", "project": None, "retires": []}
    group.commit("proposal", body | bound, role="owner")
    group.record_verdicts(made.id, HELD, "held")
    at = f"/proposals/team/{made.id}"
    try:
        with browsers(team, "ada", "rev", "rae") as (ada, rev, rae):
            page = ada.get(at)
            assert "two different people approve a change" in page.text
            assert "You wrote this proposal" in page.html.one("p", id="barred").text
            assert "disabled" in page.html.one("form", id="approve").one("button").attrs
            assert "You wrote this proposal" in ada.post(f"{at}/approve").told
            first = rev.submit(rev.get(at).html.one("form", id="approve"))
            assert "It needs 1 more reviewer" in first.told
            again = rev.submit(rev.get(at).html.one("form", id="approve"))
            assert "It needs 1 more reviewer" in again.told
            done = rae.submit(rae.get(at).html.one("form", id="approve"))
            assert "Approved and released as canary." in done.told
    finally:
        sc(team, "ada", "hub", "settings", "reviewers", "1")


def test_who_is_a_source_is_told_that_they_may_not_decide(team: Path) -> None:
    sc(team, "ada", "hub", "settings", "policies", '{"skill-3": "strict"}')
    log = state(team)
    secret = keys.load_or_create(home(team, "ada") / "keys", log.group, "pseudonyms")
    own = next(key for key in log.keys.values() if key.name == "ada" and key.role in ("member", "owner"))
    made = cited_by(proposal(3, skill="skill-3"), pseudonym(own, secret.encode()))
    at = f"/proposals/team/{held(team, 3, made)}"
    with browsers(team, "ada", "rev") as (ada, rev):
        page = ada.get(at)
        assert "Sessions of yours are among what this proposal cites." in page.html.one("p", id="barred").text
        assert "disabled" in page.html.one("form", id="approve").one("button").attrs
        assert "Sessions of yours" in ada.post(f"{at}/approve").told
        assert state(team).proposals[made.id].approvals == []
        assert "This machine cannot tell whether sessions of yours" in rev.get(at).text


def cited_by(made: Proposal, user: str) -> Proposal:
    """The proposal with one session of `user` among what it cites."""
    assert made.sidecar is not None
    replace = msgspec.structs.replace

    def with_user(item: Item) -> Item:
        return replace(item, evidence=[replace(item.evidence[0], user=user), *item.evidence[1:]])

    return replace(made, sidecar=replace(made.sidecar, items=[with_user(one) for one in made.sidecar.items]))
