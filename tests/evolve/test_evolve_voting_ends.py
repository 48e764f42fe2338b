"""A change that waits for votes ends, whatever became of its skill, the settings or a clock meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hubs_at_hand import Hubs, bundle

from skillclaw.evolve.report import Judged
from skillclaw.evolve.voting import GroupVotes
from skillclaw.gate.static import default_masker
from skillclaw.hub import keys, vote_jobs
from skillclaw.hub.records import ProposalState
from skillclaw.skills.records import Proposal, Verdict

NOW = datetime.now(UTC)
LATE = timedelta(hours=80)
CHECKED = [
    Verdict(check="spec", verdict="pass", reason="It follows the specification."),
    Verdict(check="approval", verdict="pass", reason="Nobody needs to approve it."),
]


def group(place: Path, **settings: Any) -> Hubs:
    """A group that asks for votes, for three days, with a skill `deploy`."""
    hubs = Hubs(place)
    hubs.team.commit("settings", {"policy": "team", "canary": 1, "votes": {}, **settings}, role="owner")
    hubs.evolve(hubs.team, bundle("deploy", "- Run it."))
    return hubs


def votes(hubs: Hubs, now: datetime) -> GroupVotes:
    return GroupVotes(
        hubs.team,
        now=now,
        masker=default_masker(),
        user_of=lambda key: key.member,
        code_of=lambda proposal, user: proposal + user,
    )


def waits(hubs: Hubs, id_: str = "ab12", *, asked: datetime = NOW) -> None:
    """A change of `deploy` that members are asked about, by a machine whose clock says `asked`."""
    base = hubs.team.state().skills["deploy"].current
    changed = bundle("deploy", f"- Run it.\n- Then wait for {id_}.")
    proposal = Proposal(
        id=id_, action="refine", skill="deploy", base=base, engine="extractive", why="", bundle=changed
    )
    votes(hubs, asked).ask(proposal, CHECKED, proposal)
    hubs.team.propose(proposal)


def collected(hubs: Hubs, now: datetime) -> tuple[list[Judged], list[Proposal], dict[str, Collection[str]]]:
    return votes(hubs, now).collect(
        stage=lambda proposal: "canary", counts=lambda session: True, fence=lambda: None
    )


def known(hubs: Hubs, id_: str = "ab12") -> ProposalState:
    return hubs.team.state().proposals[id_]


def pin(hubs: Hubs) -> None:
    hubs.team.commit("pin", {"skill": "deploy", "pinned": True}, role="owner")


def test_a_skill_that_was_pinned_meanwhile_ends_it_and_stops_no_cycle(tmp_path: Path) -> None:
    hubs = group(tmp_path)
    waits(hubs)
    pin(hubs)
    (told,), released, _ = collected(hubs, NOW + LATE)
    assert (told.verdict, released, known(hubs).status) == ("rejected", [], "rejected")
    assert "deploy was pinned while it was voted on" in known(hubs).verdicts[-1].reason
    assert collected(hubs, NOW + LATE) == ([], [], {})


def test_one_that_passed_before_the_skill_was_pinned_ends_too(tmp_path: Path) -> None:
    hubs = group(tmp_path)
    waits(hubs)
    hubs.team.record_verdicts("ab12", CHECKED, "passed")
    pin(hubs)
    collected(hubs, NOW + LATE)
    assert known(hubs).status == "rejected"


def test_where_the_policy_wants_a_person_by_now_it_is_held_and_a_person_releases_it(tmp_path: Path) -> None:
    hubs = group(tmp_path)
    waits(hubs)
    hubs.team.commit("settings", {"policies": {"deploy": "strict"}}, role="owner")
    (told,), released, _ = collected(hubs, NOW + LATE)
    assert (told.verdict, released, known(hubs).status) == ("held", [], "held")
    assert [one.verdict for one in known(hubs).verdicts if one.check == "approval"] == ["hold"]
    hubs.team.approve("ab12")
    hubs.team.release("ab12", stage="canary")
    assert known(hubs).status == "released"


def test_one_that_passed_before_the_policy_was_stricter_waits_for_a_person(tmp_path: Path) -> None:
    hubs = group(tmp_path)
    waits(hubs)
    hubs.team.record_verdicts("ab12", CHECKED, "passed")
    hubs.team.commit("settings", {"policy": "strict"}, role="owner")
    (told,), released, _ = collected(hubs, NOW + LATE)
    assert (told.known, released, known(hubs).status) == (True, [], "passed")
    hubs.team.approve("ab12")
    assert len(collected(hubs, NOW + LATE)[1]) == 1


def voters(hubs: Hubs, count: int = 4) -> None:
    for number in range(count):
        public = keys.public_hex(keys.SigningKey(bytes([number + 1] * 32)))
        body = {"public": public, "role": "member", "name": f"m{number}"}
        hubs.team.commit("key-add", body, role="owner")


def test_a_clock_that_is_ahead_keeps_nothing_waiting(tmp_path: Path) -> None:
    hubs = group(tmp_path)
    voters(hubs)
    waits(hubs, asked=NOW + timedelta(days=365))
    assert list(collected(hubs, NOW)[2]) == ["ab12"]
    collected(hubs, NOW + LATE)
    assert known(hubs).status == "released", "its time ran from the log's entry"


def test_nor_where_the_logs_entry_is_by_that_clock_too(tmp_path: Path) -> None:
    hubs = group(tmp_path)
    voters(hubs)
    hubs.team.clock = lambda: NOW + timedelta(days=365)
    waits(hubs, asked=NOW + timedelta(days=365))
    hubs.team.clock = lambda: NOW
    for hours in (0, 40):
        assert list(collected(hubs, NOW + timedelta(hours=hours))[2]) == ["ab12"]
    collected(hubs, NOW + LATE)
    assert known(hubs).status == "released", "its time ran from when it was seen first"


def test_one_whose_job_is_gone_ends_in_a_group_that_asks_for_votes_no_more(tmp_path: Path) -> None:
    hubs = group(tmp_path)
    waits(hubs)
    hubs.team.store.delete(vote_jobs.place_of("ab12"))
    hubs.team.commit("settings", {"votes": None}, role="owner")
    votes(hubs, NOW + LATE).sweep(lambda: None)
    assert known(hubs).status == "open", "it may be proposed again, and is judged then"
    votes(hubs, NOW + timedelta(days=7)).sweep(lambda: None)
    assert known(hubs).status == "rejected"
    assert "job is gone" in known(hubs).verdicts[-1].reason


def test_what_a_later_version_proposed_is_left_to_it(tmp_path: Path) -> None:
    """One of two evolvers was upgraded; the other neither decides nor ends what it cannot read."""
    hubs = group(tmp_path)
    base = hubs.team.state().skills["deploy"].current
    later = Proposal(
        id="ab12",
        v=99,
        action="refine",
        skill="deploy",
        base=base,
        engine="extractive",
        why="",
        bundle=bundle("deploy", "- Run it twice."),
    )
    votes(hubs, NOW).ask(later, CHECKED, later)
    hubs.team.propose(later)
    for now in (NOW, NOW + LATE):
        both = votes(hubs, now)
        judged, _, waiting = both.collect(
            stage=lambda proposal: "canary", counts=lambda session: True, fence=lambda: None
        )
        both.sweep(lambda: None)
        assert (judged, both.later) == ([], ["deploy"]) and {*waiting["ab12"]} == {"deploy"}
        assert hubs.team.state().proposals["ab12"].status == "open"
