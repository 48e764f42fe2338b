"""From the scores of cases to a verdict: ties and single repeats decide nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy.stats import binomtest

from skillclaw.gate import policy
from skillclaw.gate.replay.deciding import by_the_way, outcome, proven_p, replay_verdict
from skillclaw.gate.replay.records import CaseScore, ReplayResult

LEVELS = st.lists(st.sampled_from([0.0, 0.5, 1.0, None]), min_size=1, max_size=9)


def case(before: list[float | None], after: list[float | None], name: str = "c") -> CaseScore:
    return CaseScore(case=name, kind="decision", source="recorded", before=before, after=after)


def run(before: list[float | None], after: list[float | None]) -> CaseScore:
    return CaseScore(case="r", kind="executable", source="graded", before=before, after=after)


def result(won: int, lost: int, tied: int) -> ReplayResult:
    scores = [case([0.0] * 5, [1.0] * 5, f"w{n}") for n in range(won)]
    scores += [case([1.0] * 5, [0.0] * 5, f"l{n}") for n in range(lost)]
    scores += [case([1.0] * 5, [1.0] * 5, f"t{n}") for n in range(tied)]
    return ReplayResult(proposal="p", scores=scores)


@pytest.mark.parametrize(("better", "expected"), [(5, "won"), (4, "won"), (3, "tied"), (0, "tied")])
def test_four_of_five_repeats_have_to_agree(better: int, expected: str) -> None:
    assert outcome(case([0.0] * 5, [1.0] * better + [0.0] * (5 - better))) == expected


@pytest.mark.parametrize("after", [[None] * 5, [0.0, 0.0, 0.0, None, None], [None] * 4 + [1.0]])
@pytest.mark.parametrize("name", ["solo", "team", "strict"])
def test_a_skill_that_keeps_the_model_from_acting_waits_for_a_person(
    after: list[float | None], name: str
) -> None:
    scores = [case([0.0] * 5, [1.0] * 5, f"w{n}") for n in range(9)]
    quiet = ReplayResult(proposal="p", scores=[*scores, case([1.0] * 5, after)])
    said = replay_verdict(quiet, policy(name))
    assert (said.verdict, said.reason[:15]) == ("hold", "In 1 of 10 case")
    for other in (case([None] * 5, [None] * 5), case([1.0] * 5, [1.0] * 3 + [None] * 2), run([1.0], [None])):
        assert (
            replay_verdict(ReplayResult(proposal="p", scores=[*scores, other]), policy(name)).verdict
            == "pass"
        )


def test_a_case_that_could_not_be_tried_is_void() -> None:
    assert outcome(case([0.0, 0.0, None, None, 0.0], [1.0] * 5)) == "void"
    assert outcome(case([], [])) == "void"


@given(before=LEVELS, after=LEVELS)
def test_turning_a_case_round_turns_its_outcome(
    before: list[float | None], after: list[float | None]
) -> None:
    size = min(len(before), len(after))
    there, back = run(before[:size], after[:size]), run(after[:size], before[:size])
    assert outcome(back) == {"won": "lost", "lost": "won"}.get(outcome(there), outcome(there))


@given(before=LEVELS, after=LEVELS)
def test_a_decision_ends_like_a_run_but_is_not_won_by_what_nobody_knows_to_work(
    before: list[float | None], after: list[float | None]
) -> None:
    size = min(len(before), len(after))
    asked, ran = outcome(case(before[:size], after[:size])), outcome(run(before[:size], after[:size]))
    assert asked == ran or (ran, asked) == ("won", "tied")


def test_something_else_than_what_fails_is_no_gain_and_to_leave_what_works_is_a_loss() -> None:
    assert outcome(case([0.0] * 5, [0.5] * 5)) == "tied"
    assert outcome(case([0.0] * 5, [0.75] * 5)) == outcome(case([0.5] * 5, [1.0] * 5)) == "won"
    assert outcome(case([1.0] * 5, [0.5] * 5)) == outcome(case([0.5] * 5, [0.0] * 5)) == "lost"
    assert outcome(run([0.0] * 5, [0.5] * 5)) == "won"


@given(before=LEVELS, after=LEVELS, named=st.lists(st.booleans(), min_size=9, max_size=9))
def test_what_is_not_named_wins_nothing_and_may_be_lost(
    before: list[float | None], after: list[float | None], named: list[bool]
) -> None:
    size = min(len(before), len(after))
    whole = case(before[:size], after[:size])
    part = outcome(replace(whole, named=named[:size]))
    assert part == outcome(whole) or (outcome(whole), part) == ("won", "tied")
    nothing = replace(whole, named=[False] * size)
    assert outcome(nothing) == ("tied" if outcome(whole) == "won" else outcome(whole))
    assert by_the_way(nothing) is (outcome(whole) == "won") and not by_the_way(whole)


def test_it_is_told_that_what_worked_is_not_named() -> None:
    scores = [replace(case([0.0] * 5, [1.0] * 5, str(n)), named=[n == 9] * 5) for n in range(3)]
    said = replay_verdict(ReplayResult(proposal="p", scores=scores), policy("strict"))
    assert said.verdict == "hold"
    assert "In 3 the model did better, but by an action that the skill does not name." in said.reason
    scores.append(replace(scores[0], case="9", named=[True] * 4 + [False]))
    said = replay_verdict(ReplayResult(proposal="p", scores=scores), policy("strict"))
    assert (said.verdict, "does not name" in said.reason) == ("pass", False)


@given(won=st.integers(0, 40), lost=st.integers(0, 40))
def test_the_sign_test_is_the_exact_one(won: int, lost: int) -> None:
    expected = binomtest(won, won + lost, alternative="greater").pvalue if won + lost else 1.0
    assert proven_p(won, lost) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("won", "lost", "tied", "team", "strict"),
    [
        (2, 0, 0, "n/a", "hold"),
        (0, 0, 2, "n/a", "hold"),
        (3, 0, 0, "pass", "pass"),
        (1, 0, 9, "pass", "pass"),
        (0, 0, 9, "hold", "hold"),
        (9, 1, 0, "reject", "reject"),
    ],
)
def test_the_rule(won: int, lost: int, tied: int, team: str, strict: str) -> None:
    found = result(won, lost, tied)
    assert replay_verdict(found, policy("team")).verdict == team
    assert replay_verdict(found, policy("strict")).verdict == strict


def test_five_wins_are_proven_and_four_are_not() -> None:
    assert "proven (p = 0.0312)" in replay_verdict(result(5, 0, 0), policy("team")).reason
    assert "not yet proven" in replay_verdict(result(4, 0, 0), policy("team")).reason
