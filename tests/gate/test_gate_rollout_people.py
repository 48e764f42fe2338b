"""Nobody alone makes what becomes of a canary, and nobody alone prevents it; and it is told who would."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from skillclaw.gate.rollout import Decision, Observation, Rules, decide
from skillclaw.gate.rollout.betting import KEPT, evidence, trimmed
from skillclaw.gate.rollout.blocks import blocks
from skillclaw.gate.rollout.contrast import contrast
from skillclaw.gate.rollout.contrast import trimmed as without_ends
from skillclaw.gate.rollout.people import left_out
from skillclaw.hub.arms import block, treated

BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
RULES = Rules()


def day_of(at: int) -> str:
    return block(BEGAN + timedelta(days=at))


def person(
    name: str,
    days: int,
    each: int,
    good: Callable[[int, bool], bool],
    event: Callable[[int, bool], bool] | None = None,
) -> list[Observation]:
    """The sessions of one person; `good` says of the n-th and its arm how it went."""
    found = []
    for at in range(days):
        arm = treated(name, "skill", "v", day_of(at), RULES.share)
        for number in range(each):
            n = at * each + number
            found.append(
                Observation(
                    client=name,
                    user=name,
                    day=day_of(at),
                    session=f"{name}-{n}",
                    treated=arm,
                    success=good(n, arm),
                    event=event(n, arm) if event is not None else None,
                )
            )
    return found


def every(share: float) -> Callable[[int], bool]:
    """True for that share of numbers, spread evenly."""
    return lambda n: math.floor((n + 1) * share) > math.floor(n * share)


def others(people: int, days: int, with_it: float, without: float, each: int = 3) -> list[Observation]:
    better, worse = every(with_it), every(without)
    return [
        one
        for number in range(people)
        for one in person(f"p{number}", days, each, lambda n, arm: better(n) if arm else worse(n))
    ]


def liar(days: int, *, speaks_for: bool, each: int = 50) -> list[Observation]:
    return person("liar", days, each, lambda n, arm: arm == speaks_for)


def decided(found: list[Observation], days: float) -> Decision:
    return decide(found, released=BEGAN, now=BEGAN + timedelta(days=days), rules=RULES)


def daily(found: list[Observation], days: int) -> Decision:
    """What is decided first, where it is looked at every day."""
    for at in range(1, days + 1):
        done = decided([one for one in found if one.day < day_of(at)], at)
        if done.action != "wait":
            return done
    return done


# Evidence


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.floats(-4, 4), max_size=7), st.integers(0, 3))
def test_without_both_ends_is_the_least_of_the_means_over_all_who_may_be_left_out(
    logs: list[float], speakers: int
) -> None:
    values = [math.exp(one) for one in logs]
    speakers = min(speakers, len(values))
    means = []
    for out in itertools.combinations(range(len(values)), speakers):
        rest = [value for at, value in enumerate(values) if at not in out]
        mean = 0.0
        for heard in itertools.product([False, True], repeat=len(rest)):
            chance = math.prod(1 - KEPT if one else KEPT for one in heard)
            mean += chance * math.prod(value for value, one in zip(rest, heard, strict=True) if one)
        means.append(mean)
    assert trimmed(np.array(logs).reshape(-1, 1), speakers) == pytest.approx(min(means), rel=1e-9)


@settings(max_examples=examples(8), deadline=None)
@given(st.lists(st.booleans(), min_size=6, max_size=6), st.sampled_from([1, 8]))
def test_where_the_skill_changes_nothing_evidence_is_1_on_average_whatever_one_liar_does(
    outcomes: list[bool], each: int
) -> None:
    """All 256 draws of four people's two days. Three people's days go as they go; the fourth knows all draws
    and sends what makes the evidence largest, for each of them anew."""
    names = ["a", "b", "c", "liar"]
    places = [(name, at) for name in names for at in range(2)]
    helps = harms = of_all = 0.0
    for draw in itertools.product([False, True], repeat=len(places)):
        best = [0.0, 0.0, 0.0]
        for lies in itertools.product([False, True], repeat=2):
            went = [*outcomes, *lies]
            found = [
                Observation(client=name, user=name, day=day_of(at), session="s", treated=arm, success=fine)
                for (name, at), arm, fine in zip(places, draw, went, strict=True)
                for _ in range(each)
            ]
            said = evidence(blocks(found, "outcome", RULES.cap), RULES.share, 1)
            now = [said.helps_trimmed, said.harms_trimmed, said.helps]
            best = [max(pair) for pair in zip(best, now, strict=True)]
        helps, harms, of_all = helps + best[0] / 256, harms + best[1] / 256, of_all + best[2] / 256
    assert helps <= 1 + 1e-9 and harms <= 1 + 1e-9
    assert of_all > 1.02  # so the liar does speak


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.floats(-4, 4), max_size=9), st.floats(-60, 0))
def test_who_hides_evidence_costs_no_more_than_the_part_that_is_kept_back(
    logs: list[float], hides: float
) -> None:
    shown = trimmed(np.array(logs).reshape(-1, 1), 0)
    hidden = trimmed(np.array([*logs, hides]).reshape(-1, 1), 0)
    assert hidden >= KEPT * shown * (1 - 1e-9)


def test_a_tenth_is_left_out_at_either_end_and_one_at_least() -> None:
    assert [left_out(n, 0.1) for n in (1, 4, 19, 20, 30, 200)] == [1, 1, 1, 2, 3, 20]
    assert left_out(50, 0.0) == 0


# Comparing


@pytest.mark.parametrize("lie", [True, False])
@pytest.mark.parametrize("people", [4, 7, 25])
def test_a_difference_without_both_ends_is_what_the_others_show(people: int, lie: bool) -> None:
    honest = others(people - 1, 14, 0.75, 0.5)
    found = blocks([*honest, *liar(14, speaks_for=lie)], "outcome", RULES.cap)
    all_of_them, less = contrast(found), without_ends(found, left_out(people, RULES.left_out))
    alone = contrast(blocks(honest, "outcome", RULES.cap))
    assert all_of_them is not None and alone is not None and less.contrast is not None
    assert "liar" in (less.help if lie else less.harm)
    assert abs(less.contrast.difference - alone.difference) < 0.06
    assert abs(all_of_them.difference - alone.difference) > 0.06


def test_of_a_large_group_several_are_left_out_at_once_and_never_more_than_a_tenth() -> None:
    less = without_ends(blocks(others(70, 4, 0.6, 0.6, each=1), "outcome", RULES.cap), left_out(70, 0.1))
    assert len(set(less.help)) == len(set(less.harm)) == 7 and not set(less.help) & set(less.harm)


def test_who_says_by_many_sessions_that_nothing_changes_does_not_make_it_so() -> None:
    honest = others(7, 14, 0.45, 0.7, each=2)
    half = every(0.5)
    loud = person("liar", 14, 50, lambda n, arm: half(n))
    alone = contrast(blocks(honest, "outcome", RULES.cap))
    found = blocks([*honest, *loud], "outcome", RULES.cap)
    all_of_them, less = contrast(found), without_ends(found, 1)
    assert alone is not None and all_of_them is not None and less.contrast is not None
    assert all_of_them.difference > 0.7 * alone.difference
    assert abs(less.contrast.difference - alone.difference) < 0.05


def test_who_sends_most_does_not_say_what_is_usual_for_others() -> None:
    honest = others(6, 10, 0.6, 0.6)
    known = {(one.user, one.day): one.usual for one in blocks(honest, "outcome", RULES.cap)}
    loud = [*honest, *person("liar", 10, 1000, lambda n, arm: False)]
    moved = [
        abs(one.usual - known[one.user, one.day])
        for one in blocks(loud, "outcome", RULES.cap)
        if one.user != "liar"
    ]
    assert max(moved) < 0.15  # by sessions it were 0.58


# Decisions


@pytest.mark.parametrize("people", [4, 8, 21])
def test_one_liar_alone_rolls_no_good_skill_back(people: int) -> None:
    found = [*others(people - 1, 28, 0.85, 0.55), *liar(28, speaks_for=False)]
    assert daily(found, 28).action in ("promote", "unproven")


@pytest.mark.parametrize("share", [0.5, 1.0])
@pytest.mark.parametrize("draw", range(6))
def test_one_liar_alone_rolls_nothing_back_where_the_others_days_are_all_the_same(
    draw: int, share: float
) -> None:
    half = every(share)
    honest = [one for n in range(5) for one in person(f"p{draw}-{n}", 28, 4, lambda n, arm: half(n))]
    found = [*honest, *person(f"liar {draw}", 28, 20, lambda n, arm: not arm)]
    for day in (14, 28):
        done = decided([one for one in found if one.day < day_of(day)], day)
        assert (done.action, done.people) == ("wait" if day == 14 else "unproven", (f"liar {draw}",)), done


@pytest.mark.parametrize("people", [3, 8])
def test_where_everybody_always_succeeds_no_help_waits_for_a_harm_to_be_excluded(people: int) -> None:
    found = [
        one
        for n in range(people)
        for one in person(f"q{n}", 8, 6, lambda n, arm: True, lambda n, arm: not arm)
    ]
    assert decided([one for one in found if one.day < day_of(7)], 7).action == "promote"


@pytest.mark.parametrize("people", [3, 4, 8, 21])
def test_one_liar_alone_hides_no_harm(people: int) -> None:
    found = [*others(people - 1, 28, 0.4, 0.75), *liar(28, speaks_for=True)]
    done = daily(found, 28)
    assert done.action == "rollback"


def test_one_of_a_few_is_enough_to_roll_back() -> None:
    """Of three there is no telling who is right: what may harm goes."""
    found = [*others(2, 14, 0.6, 0.6), *liar(14, speaks_for=False)]
    assert daily(found, 14).action == "rollback"


def test_a_harm_that_one_person_alone_shows_is_told_with_who_it_is_and_waits() -> None:
    found = [*others(5, 14, 0.7, 0.6), *liar(14, speaks_for=False)]
    done = decided(found, 14)
    assert (done.action, done.people) == ("wait", ("liar",))
    assert "sessions of 1 of 6 people alone speak against it; the others' show no harm." in done.why
    assert "liar" not in done.why  # the log is read by all
    late = decided([*others(5, 28, 0.62, 0.6), *liar(28, speaks_for=False)], 28)
    assert (late.action, late.people) == ("unproven", ("liar",))
    assert "1 of 6 people alone speak against it" in late.why


def test_a_harm_that_one_person_hides_is_told_with_who_it_is() -> None:
    found = [*others(5, 13, 0.5, 0.7, each=4), *liar(13, speaks_for=True)]
    done = decided(found, 13)
    assert (done.action, done.people) == ("rollback", ("liar",))
    assert "1 of 6 people alone speak for it; by the others' it is worse" in done.why


def test_where_all_say_the_same_nobody_is_named() -> None:
    assert decided(others(6, 14, 0.4, 0.8), 14).people == ()
    assert decided(others(6, 20, 0.9, 0.5), 20).people == ()


@pytest.mark.parametrize(("people", "action"), [(3, "rollback"), (4, "unproven")])
def test_who_changed_the_copy_alone_of_more_than_a_few_takes_nothing_back(people: int, action: str) -> None:
    found = [
        replace(one, treated=True, edited=one.user == "p0") for one in others(people, 28, 0.6, 0.6, each=1)
    ]
    assert decided(found, 28).action == action


def test_after_its_two_looks_the_guard_needs_everybodys_sessions_too() -> None:
    found = [*others(5, 13, 0.5, 0.7, each=4), *liar(13, speaks_for=True)]
    assert [decided(found, days).action for days in (12, 13, 14, 15, 27)] == [
        "wait",
        "rollback",
        "rollback",
        "wait",
        "wait",
    ]
    assert decided(others(5, 13, 0.5, 0.7, each=4), 15).action == "rollback"
