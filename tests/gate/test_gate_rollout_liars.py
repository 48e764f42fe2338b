"""Who knows the draws beforehand (everybody can), names days to come, or looks into a day as it goes on."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import numpy as np
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from skillclaw.gate.rollout import Observation, Rules, decide
from skillclaw.gate.rollout.betting import by_person, evidence, trimmed
from skillclaw.gate.rollout.blocks import blocks
from skillclaw.gate.rollout.people import FEW
from skillclaw.hub.arms import block, treated

BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
RULES = Rules()
CLIENTS = 5


def day_of(at: int) -> str:
    return block(BEGAN + timedelta(days=at))


def arm(client: str, at: int) -> bool:
    return treated(client, "skill", "v", day_of(at), RULES.share)


def session(client: str, at: int, good: bool, stratum: str = "") -> Observation:
    return Observation(
        client=client,
        user=client,
        day=day_of(at),
        session="s",
        treated=arm(client, at),
        success=good,
        stratum=stratum,
    )


def steered(seed: int, days: int) -> list[Observation]:
    """A skill that changes nothing, and one liar: before a client's day with it the liar sends failures of
    that client's kind of task and model, before a day without it successes."""
    rng = random.Random(seed)
    names = [f"c{seed}-{number}" for number in range(CLIENTS)]
    found = []
    for at in range(days):
        for name in names:
            found += [session(name, at, rng.random() < 0.55, name) for _ in range(3)]
            found += [session("liar", at, not arm(name, at + 1), name)] * int(4 * 1.5**at)
    return found


def test_one_who_steers_what_is_forecast_for_others_by_their_draws_promotes_nothing() -> None:
    cheated = trimmed = 0
    for seed in range(8):
        said = evidence(blocks(steered(seed, 16), "outcome", RULES.cap), RULES.share, 1)
        cheated += said.helps >= 20
        trimmed += said.helps_trimmed >= 20
    assert cheated >= 3  # it does move the forecasts
    assert not trimmed


sessions = st.lists(
    st.builds(
        Observation,
        client=st.sampled_from("abc"),
        user=st.sampled_from("uvxyz"),
        day=st.sampled_from([day_of(at) for at in range(5)]),
        session=st.just("s"),
        treated=st.booleans(),
        success=st.booleans(),
        stratum=st.sampled_from("pq"),
    ),
    max_size=40,
)


@settings(max_examples=examples(100), deadline=None)
@given(sessions, st.integers(1, 2))
def test_without_those_who_speak_for_it_is_never_more_than_had_one_of_them_sent_nothing(
    found: list[Observation], left: int
) -> None:
    known = blocks(found, "outcome", 8)
    said = evidence(known, 0.5, left)
    people = {one.user for one in found}
    for user in people:
        silent = blocks([one for one in found if one.user != user], "outcome", 8)
        _, gains, losses = by_person(silent, 0.5) if silent else ([], np.zeros((0, 4)), np.zeros((0, 4)))
        most = trimmed(gains, left - 1)
        assert said.helps_trimmed <= most * (1 + 1e-9)
        if len(people) > FEW:
            most = trimmed(losses, left - 1)
            assert said.harms_trimmed <= most * (1 + 1e-9)


def test_days_to_come_say_nothing() -> None:
    """One client's session of each day of the next year: as many days as a rollout has in ten."""
    fair = [session(f"c{number}", at, True) for at in range(2) for number in range(4)]
    made_up = [session("liar", at, not arm("liar", at)) for at in range(3, 300) for _ in range(8)]
    now = BEGAN + timedelta(days=2.5)
    with_lies = decide([*fair, *made_up], released=BEGAN, now=now, rules=RULES)
    assert with_lies == decide(fair, released=BEGAN, now=now, rules=RULES)
    assert with_lies.action == "wait"


def test_a_day_that_goes_on_speaks_for_harm_at_once_and_for_help_when_it_is_over() -> None:
    names = [f"d{number}" for number in range(40)]
    found = [session(name, 0, arm(name, 0)) for name in names for _ in range(8)]
    noon, after = BEGAN + timedelta(hours=12), BEGAN + timedelta(days=1)
    assert decide(found, released=BEGAN, now=noon, rules=RULES).action == "wait"
    assert decide(found, released=BEGAN, now=after, rules=RULES).action == "promote"
    worse = [replace(one, success=not one.success) for one in found]
    assert decide(worse, released=BEGAN, now=noon, rules=RULES).action == "rollback"
