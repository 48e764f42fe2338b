"""Nobody outweighs the others by volume, in what mining counts."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime

import msgspec
from atif_sessions import Ran
from atif_sessions import session as written
from hypothesis import given
from hypothesis import strategies as st
from test_evolve_extractive import NPM

from skillclaw.evolve.cutting import cut_session, pack
from skillclaw.evolve.evolvers._select import qualifies, turned_against
from skillclaw.evolve.fairness import ALWAYS, TIMES, fairly, most
from skillclaw.evolve.mine import mine_state
from skillclaw.evolve.state import EvolveState
from skillclaw.gate.policies import policy
from skillclaw.skills.records import Pattern, Ref
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.model import SessionMeta, decode, with_meta

counts = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 500), max_size=6)


def session(user: str, number: int) -> list[Episode]:
    episode = Episode(
        kind="procedure",
        session=f"{user}{number}",
        user=user,
        agent="x",
        day="2026-11-01",
        project="",
        model="m",
        success=True,
        intent="do it",
        topic="x",
        actions=[],
        steps=[1],
    )
    return [episode]


@given(counts)
def test_who_has_most_has_no_more_than_twice_the_next(has: dict[str, int]) -> None:
    kept = most(has)
    assert all(kept[user] <= n for user, n in has.items())
    if len(has) > 1:
        first, second = sorted(kept.values(), reverse=True)[:2]
        assert first <= max(ALWAYS, TIMES * second)
    else:
        assert kept == has, "on one's own hub there is nobody to be fair to"
    assert all(kept[user] == n for user, n in has.items() if n <= ALWAYS)


@given(counts, st.randoms())
def test_the_same_sessions_stay_in_any_order(has: dict[str, int], chance: random.Random) -> None:
    sessions = [session(user, n) for user, total in has.items() for n in range(min(total, 60))]
    kept = fairly(sessions)
    chance.shuffle(sessions)
    assert {one[0].session for one in fairly(sessions)} == {one[0].session for one in kept}
    assert Counter(one[0].user for one in kept) == most(Counter(one[0].user for one in sessions))


def test_a_large_units_sample_is_of_all_its_people() -> None:
    """Where only some sessions are looked at, a member with very many crowds nobody out."""

    def one(user: str, number: int) -> bytes:
        made = decode(json.dumps(written(user, number, "do the thing", [Ran("make it")])))
        known = SessionMeta(key=f"{user}{number:05d}", user=user, project="p")
        return pack(cut_session(with_meta(made, known)))

    state = EvolveState(None)
    with state.writing():
        for number in range(400):
            state.take(one("eve", number))
        for user in ("ada", "bob"):
            for number in range(5):
                state.take(one(user, number))
    mine_state(state, now=datetime(2026, 11, 2, tzinfo=UTC), half_life_days=90)
    (family,) = {unit.partition(":")[2] for unit in state.units("task")}
    found = Counter(head.user for head, _ in state.asking(family, 30))
    assert found == {"eve": 20, "ada": 5, "bob": 5}
    assert len(state.asking(family, 1000)) == 410
    # the same of the parts of a unit, and of the sessions of some projects
    (calls,) = state.units("calls")
    assert Counter(head.user for head, _ in state.members(calls, 12)) == {"eve": 4, "ada": 4, "bob": 4}
    assert Counter(head.user for head, _ in state.members_in(calls, ["p"], 12)) == {
        "eve": 4,
        "ada": 4,
        "bob": 4,
    }
    assert state.members_in(calls, ["other"], 12) == []
    state.close()


def against(*people: str, n: int = 20) -> list[Ref]:
    return [
        Ref(
            session=f"x{number}",
            user=people[number % len(people)],
            agent="x",
            day="2026-11-02",
            success=False,
        )
        for number in range(n)
    ]


def test_one_persons_failures_turn_nothing_and_several_peoples_do() -> None:
    def met(refs: list[Ref]) -> Pattern:
        return msgspec.structs.replace(NPM, contradictions=refs)

    assert not turned_against(met(against("eve", n=1000)))
    assert turned_against(met(against("eve", "dan", "cyd", n=30)))
    # on one's own hub there are no others
    own = msgspec.structs.replace(
        met(against("me", n=30)), evidence=[msgspec.structs.replace(ref, user="me") for ref in NPM.evidence]
    )
    assert turned_against(own)


def test_one_person_keeps_no_lesson_from_the_others_and_several_do() -> None:
    def met(refs: list[Ref]) -> Pattern:
        return msgspec.structs.replace(NPM, contradictions=refs)

    many = 3 * NPM.sessions
    assert qualifies(NPM, policy("team"))
    assert qualifies(met(against("eve", n=many)), policy("team"))
    assert not qualifies(met(against("eve", "dan", n=many)), policy("team"))
    # nor does one who has done it well too
    mixed = msgspec.structs.replace(NPM.evidence[0], user="eve", session="e")
    both = msgspec.structs.replace(met(against("eve", n=many)), evidence=[*NPM.evidence, mixed])
    assert qualifies(both, policy("team"))
    alone = [msgspec.structs.replace(ref, user="me") for ref in NPM.evidence]
    own = msgspec.structs.replace(met(against("me", n=many)), evidence=alone)
    assert not qualifies(own, policy("solo"))


def test_a_new_member_counts_for_a_topic_once_it_is_known() -> None:
    from skillclaw.evolve.fresh import topic_marks

    whose = NPM.evidence[0].user
    now = topic_marks([NPM], {}, [])
    new = topic_marks([NPM], {}, [], new={whose})
    assert new != now and topic_marks([NPM], {}, [], new={"somebody else"}) == now
