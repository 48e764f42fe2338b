"""Who is new in a group, from what its log says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from skillclaw.gate.standing import MemberFacts
from skillclaw.hub.records import HubState, Invite, Key
from skillclaw.server.groups.newcomers import facts_of, newcomer_days

NOW = datetime(2026, 11, 27, tzinfo=UTC)
TODAY, BEFORE = "2026-11-26T08:00:00Z", "2026-11-01T08:00:00Z"


def group(*invites: Invite, keys: dict[str, Key] | None = None, **settings: Any) -> HubState:
    made = {"ada": Key(public="ada", role="owner")}
    for number, invite in enumerate(invites, 2):
        made |= {one: Key(public=one, role=invite.role, seq=number) for one in invite.used}
    return HubState(
        group="g",
        seq=9,
        head="0",
        settings=settings,
        keys=made | (keys or {}),
        invites={invite.public: invite for invite in invites},
    )


def several(name: str, *used: str) -> Invite:
    return Invite(public=name, role="member", expires="", uses=9, used=list(used))


def new(state: HubState, **joined: str) -> set[str]:
    return {member for member, facts in facts_of(state, joined, NOW).items() if not facts.known}


def test_who_is_known_and_who_is_new() -> None:
    named = Invite(public="i", role="member", expires="", name="bob", used=["bob"])
    nameless = Invite(public="j", role="member", expires="", used=["cyd"])
    state = group(
        named, nameless, several("k", "dan", "eve"), keys={"fay": Key(public="fay", role="reviewer")}
    )
    today = {"bob": TODAY, "cyd": TODAY, "dan": TODAY, "eve": TODAY}
    assert new(state, **today) == {"cyd", "dan", "eve"}, "the founder, who was admitted and named are known"
    assert new(state, **(today | {"eve": BEFORE})) == {"cyd", "dan"}
    assert new(state, **(today | {"eve": ""})) == {"cyd", "dan", "eve"}, "nobody knows since when"
    assert new(state, **(today | {"eve": "2027-01-01T00:00:00Z"})) == {"cyd", "dan", "eve"}
    assert new(state, **(today | {"eve": "yesterday"})) == {"cyd", "dan", "eve"}
    assert new(group(several("k", "dan"), newcomer_days=0), dan=TODAY) == set()
    assert new(group(several("k", "dan"), newcomer_days=60), dan=BEFORE) == {"dan"}


def test_those_of_one_invite_or_day_are_together_and_so_is_who_is_of_both() -> None:
    state = group(several("k", "dan", "eve"), several("l", "fay", "gus"), several("m", "hal"))
    facts = facts_of(
        state, {"dan": TODAY, "eve": "2026-11-24T08:00:00Z", "fay": TODAY, "gus": "", "hal": ""}, NOW
    )
    apart = facts_of(state, dict(zip(("dan", "eve", "fay"), (TODAY, TODAY, BEFORE), strict=True)), NOW)
    # dan and eve by invite, dan and fay by day, fay and gus by invite, gus and hal by a day that nobody knows
    assert len({facts[who].cohort for who in ("dan", "eve", "fay", "gus", "hal")}) == 1
    assert apart["fay"] == MemberFacts() and apart["dan"].cohort == apart["eve"].cohort != apart["gus"].cohort


def test_a_key_that_was_replaced_is_the_same_member() -> None:
    later = Key(public="dan2", role="member", first="dan", seq=2)
    state = group(several("k", "dan"), keys={"dan2": later})
    assert set(facts_of(state, {"dan": TODAY}, NOW)) == {"ada", "dan"}


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.floats()))
def test_any_setting_is_some_number_of_days(value: Any) -> None:
    assert 0 <= newcomer_days(group(newcomer_days=value)) <= 365
