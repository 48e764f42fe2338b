"""The rules of a rollout: what they do not depend on, who can move them, and what they say."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.gate.policies import POLICIES
from skillclaw.gate.rollout import Decision, Observation, Rules, decide, rules_for
from skillclaw.gate.rollout.betting import evidence, interval
from skillclaw.gate.rollout.blocks import blocks
from skillclaw.hub.arms import block, treated

BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
RULES = Rules()


def seen(
    chance: Callable[[int, bool], float],
    *,
    days: int = 13,
    clients: int = 6,
    each: int = 3,
    seed: int = 0,
    event: Callable[[int, bool], float] | None = None,
) -> list[Observation]:
    """Sessions of a group: `chance` of success by client and arm, and of `event` where there is one."""
    rng = random.Random(seed)
    found = []
    for day in range(days):
        name = block(BEGAN + timedelta(days=day))
        for client in range(clients):
            arm = treated(f"c{client}", "s", f"{seed}", name, RULES.share)
            for number in range(each):
                found.append(
                    Observation(
                        client=f"c{client}",
                        user=f"u{client}",
                        day=name,
                        session=f"{day}-{client}-{number}",
                        treated=arm,
                        success=rng.random() < chance(client, arm),
                        event=rng.random() < event(client, arm) if event else None,
                        read=arm,
                        stratum=f"t{number % 2}",
                    )
                )
    return found


def decided(found: Sequence[Observation], days: float = 13, rules: Rules = RULES) -> Decision:
    return decide(found, released=BEGAN, now=BEGAN + timedelta(days=days), rules=rules)


def helping(client: int, arm: bool) -> float:
    return 0.95 if arm else 0.4


sessions = st.lists(
    st.builds(
        Observation,
        client=st.sampled_from("abc"),
        user=st.sampled_from("xy"),
        day=st.sampled_from(["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]),
        session=st.just("s"),
        treated=st.booleans(),
        event=st.none() | st.booleans(),
        success=st.none() | st.booleans(),
        read=st.booleans(),
        stratum=st.sampled_from("pq"),
    ),
    max_size=40,
)


@settings(max_examples=examples(60), deadline=None)
@given(sessions, st.randoms(use_true_random=False), st.floats(0, 40))
def test_any_order_of_the_sessions_gives_the_same(
    found: list[Observation], rng: random.Random, days: float
) -> None:
    other = [*found]
    rng.shuffle(other)
    assert decided(other, days) == decided(found, days)


@settings(max_examples=examples(60), deadline=None)
@given(sessions, st.floats(0, 40))
def test_what_clients_people_and_tasks_are_called_does_not_matter(
    found: list[Observation], days: float
) -> None:
    names = {"a": "z9", "b": "b", "c": "a1", "x": "y", "y": "x", "p": "qq", "q": "p"}
    other = [
        msgspec.structs.replace(o, client=names[o.client], user=names[o.user], stratum=names[o.stratum])
        for o in found
    ]
    one, two = decided(found, days), decided(other, days)
    assert one.action == two.action
    if one.effect is not None and two.effect is not None:
        assert two.effect.helps == pytest.approx(one.effect.helps, rel=1e-3)
        assert two.effect.difference == pytest.approx(one.effect.difference, abs=1e-3)


@settings(max_examples=examples(60), deadline=None)
@given(sessions)
def test_what_was_seen_lies_in_words_and_bounds(found: list[Observation]) -> None:
    done = decided(found, 5)
    assert 0 < len(done.why) <= 500
    effect = done.effect
    if effect is not None and effect.ci is not None:
        assert -1 <= effect.ci[0] <= effect.ci[1] <= 1


def test_one_person_cannot_promote_however_much_that_person_sends() -> None:
    fair = seen(lambda client, arm: 0.6, clients=3, days=25)
    liar = seen(lambda client, arm: float(arm), clients=1, each=100, days=25)
    liar = [msgspec.structs.replace(o, client="liar", user="liar") for o in liar]
    done = decided([*fair, *liar], 25)
    assert done.effect is not None and done.effect.helps is not None
    assert done.effect.helps > 20  # that would do, if one person's word were enough
    assert done.action == "wait" and done.people == ("liar",)
    assert "The sessions of 1 of 4 people alone speak for it; the others' do not show it." in done.why
    assert done.effect.treated_rate is not None and done.effect.treated_rate < 0.9


def test_one_person_cannot_hide_that_success_falls_where_a_failure_becomes_rarer() -> None:
    harmed = seen(lambda c, arm: 0.5 if arm else 0.75, event=lambda c, arm: 0.05 if arm else 0.8, days=14)
    liar = seen(lambda c, arm: float(arm), event=lambda c, arm: float(not arm), clients=1, each=100, days=14)
    liar = [msgspec.structs.replace(o, client="liar", user="liar") for o in liar]
    alone = msgspec.structs.replace(RULES, left_out=0.0)
    assert decided([*harmed, *liar], 14, alone).action == "promote"  # so the liar does hide it
    done = decided([*harmed, *liar], 14)
    assert done.action == "rollback" and done.people == ("liar",)
    assert "sessions of 1 of 7 people alone speak for it; by the others'" in done.why
    late = decided([*harmed, *liar], 15)
    assert late.action == "wait" and "not certain yet that success does not fall" in late.why


def test_more_sessions_of_one_day_say_no_more_than_the_cap() -> None:
    for each in (RULES.cap, 10 * RULES.cap):
        found = blocks(seen(helping, clients=1, each=each), "outcome", RULES.cap)
        assert {one.weight for one in found} == {1.0}


def test_several_clients_of_one_person_share_one_weight() -> None:
    found = [msgspec.structs.replace(o, user="one") for o in seen(helping, clients=5, each=8)]
    days: dict[str, float] = {}
    for one in blocks(found, "outcome", RULES.cap):
        days[one.day] = days.get(one.day, 0.0) + one.weight
    assert max(days.values()) == pytest.approx(1.0)


def test_a_skill_that_helps_is_promoted_with_an_interval_above_zero() -> None:
    done = decided(seen(helping))
    assert done.action == "promote" and done.why.startswith("It helps: success 9")
    assert done.effect is not None and done.effect.ci is not None
    assert done.effect.endpoint == "outcome" and done.effect.ci[0] > 0.1
    assert done.effect.ci[0] <= 0.55 <= done.effect.ci[1]


def test_a_skill_that_harms_is_rolled_back_before_any_time_is_over() -> None:
    done = decided(seen(lambda client, arm: 0.2 if arm else 0.9, days=6), 6)
    assert done.action == "rollback" and done.why.startswith("It harms: success ")


def test_a_skill_that_prevents_its_failure_and_lowers_success_is_rolled_back() -> None:
    found = seen(
        lambda client, arm: 0.3 if arm else 0.8, event=lambda client, arm: 0.05 if arm else 0.8, days=10
    )
    done = decided(found, 10)
    assert done.action == "rollback" and done.effect is not None and done.effect.endpoint == "outcome"


def test_less_of_an_event_is_better_and_told_as_less() -> None:
    done = decided(seen(lambda c, arm: 0.7, event=lambda c, arm: 0.05 if arm else 0.8, days=20), 20)
    assert done.action == "promote" and done.effect is not None and done.effect.endpoint == "event"
    assert done.effect.difference is not None and done.effect.difference < -0.5
    assert done.effect.ci is not None and done.effect.ci[1] < 0


def test_a_large_harm_that_cannot_be_excluded_is_rolled_back_at_the_guard() -> None:
    found = seen(lambda client, arm: 0.5 if arm else 0.6, seed=4)
    assert decided(found, 12).action == "wait"
    done = decided(found, 13)
    assert done.action == "rollback" and "a large harm cannot be excluded" in done.why


@pytest.mark.parametrize("people", [1, 2])
def test_a_group_asks_for_two_people_and_one_for_oneself(people: int) -> None:
    found = seen(helping, clients=people, each=8, days=25)
    team = decided(found, 25, rules_for(POLICIES["team"]))
    assert team.action == ("wait" if people == 1 else "promote")
    assert decided(found, 25, rules_for(POLICIES["solo"])).action == "promote"


def test_nothing_to_compare_is_not_measured() -> None:
    assert decided([], 3) == Decision(
        action="wait", why="Not enough data yet: 0 of 40 eligible sessions, 0 of 2 people."
    )
    one_arm = [msgspec.structs.replace(o, treated=True) for o in seen(helping, days=5)]
    done = decided(one_arm, 5)
    assert done.effect is None and "all 90 eligible sessions are with it; nothing can be compared" in done.why
    late = decided(one_arm, 28)
    assert (late.action, late.effect) == ("unproven", None)
    assert "not measured, since nothing could be compared" in late.why


def test_time_is_over_without_evidence() -> None:
    found = seen(lambda client, arm: 0.6, days=28, each=1, seed=3)
    assert decided(found, 27.9).action == "wait"
    done = decided(found, 28)
    assert done.action == "unproven" and done.why.startswith("No evidence of harm in 28 days")
    assert done.effect is not None and done.effect.difference is not None


def test_harm_at_the_end_needs_less_to_be_rolled_back() -> None:
    found = seen(lambda client, arm: 0.35 if arm else 0.7, days=28, each=1, clients=3, seed=2)
    assert decided(found, 28).action == "rollback"


def test_an_interval_holds_the_difference_at_every_look() -> None:
    missed = 0
    for seed in range(40):
        found = seen(lambda client, arm: 0.7 if arm else 0.5, seed=seed, days=20)
        by_day = sorted({o.day for o in found})
        ends = (interval(blocks([o for o in found if o.day <= d], "outcome", 8), 0.5) for d in by_day[::4])
        missed += any(ci is not None and not ci[0] <= 0.2 <= ci[1] for ci in ends)
    assert missed <= 6  # 5% would be 2; more than 6 of 40 happens by chance in 1 of 100


def test_chance_alone_seldom_speaks_for_a_skill_however_sessions_hang_together() -> None:
    """Whole blocks go well or badly, good days of one client run on, and it is looked at every day."""
    won = 0
    for seed in range(150):
        rng = random.Random(1000 + seed)
        mood = {client: rng.random() for client in range(6)}

        def chance(client: int, arm: bool, mood: dict[int, float] = mood, rng: random.Random = rng) -> float:
            mood[client] = min(1.0, max(0.0, mood[client] + rng.uniform(-0.3, 0.3)))
            return float(mood[client] > 0.5)

        found = seen(chance, seed=seed, each=4, days=28)
        days = sorted({o.day for o in found})
        looks = (evidence(blocks([o for o in found if o.day <= d], "outcome", 8), 0.5, 0) for d in days[4::6])
        won += any(look.helps >= 20 for look in looks)
    assert won <= 14  # at most 7.5 are expected; more than 14 happens by chance in less than 1 of 100


def test_a_difference_is_never_more_than_all() -> None:
    for seed in range(20):
        found = seen(lambda client, arm: 0.0 if arm else 1.0, days=6, clients=5, each=1, seed=seed)
        effect = decided(found, days=6).effect
        assert effect is not None and effect.difference is not None
        assert -1 <= effect.difference < -0.8
