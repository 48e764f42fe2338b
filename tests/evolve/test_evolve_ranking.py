"""Expected value of patterns, and what changed between two cycles."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.evolve.ranking import (
    Change,
    CycleView,
    PatternMark,
    ProposalLine,
    carriers,
    changed,
    expected_value,
    marks,
    ranked,
)
from skillclaw.skills.records import Pattern, PatternKind, Ref, Stats


def refs(count: int, first: int = 0, *, success: bool | None = True, user: str = "") -> list[Ref]:
    return [
        Ref(
            session=f"s{n}", user=user or f"u{n % 3}", agent="a", day=f"2026-01-0{n % 9 + 1}", success=success
        )
        for n in range(first, first + count)
    ]


def pattern(
    kind: PatternKind = "procedure",
    *,
    evidence: int = 6,
    against: int = 0,
    without: tuple[int, int] = (12, 3),
    name: str = "p",
    **more: object,
) -> Pattern:
    stats = Stats(with_n=evidence, with_success=evidence, without_n=without[0], without_success=without[1])
    made = Pattern(
        id=name,
        kind=kind,
        title=name,
        topic="t",
        signature=name,
        evidence=refs(evidence),
        contradictions=refs(against, 100, success=False),
        stats=stats,
    )
    return msgspec.structs.replace(made, **more)


def test_the_value_is_frequency_times_failure_rate_times_cost() -> None:
    found = expected_value(pattern(evidence=6, against=2, without=(12, 3)), 200, cost=4.0)
    assert found.met == 6 + 2 + 12
    assert found.frequency == pytest.approx(10.0)
    assert found.failure_rate == pytest.approx(0.75)
    assert found.value == pytest.approx(10.0 * 0.75 * 4)
    assert found.cost_known


def test_an_unknown_cost_counts_as_one_call_and_is_said() -> None:
    found = expected_value(pattern(), 200)
    assert found.cost == 1.0
    assert not found.cost_known


def test_where_every_session_followed_nothing_is_claimed_and_it_ranks_last() -> None:
    alone = pattern(name="alone", evidence=50, without=(0, 0))
    found = expected_value(alone, 200)
    assert found.value is None and found.ci is None and found.failure_rate is None and found.weak
    assert [r.pattern.id for r in ranked([alone, pattern(name="small", evidence=3)], 200)] == [
        "small",
        "alone",
    ]


def test_sessions_that_tried_a_recovery_in_vain_count_once() -> None:
    """They are among the sessions without, whose end is known."""
    failed = expected_value(pattern("recovery", evidence=5, against=4, without=(10, 2)), 100)
    assert failed.met == 15
    open_end = pattern("recovery", evidence=5, without=(10, 2), contradictions=refs(4, 100, success=None))
    assert expected_value(open_end, 100).met == 19
    both = msgspec.structs.replace(open_end, contradictions=refs(2, success=None))
    assert expected_value(both, 100).met == 15, "found the way at another try"


def test_a_pitfall_is_met_by_those_who_fell_and_not_by_all_who_used_the_tool() -> None:
    made = pattern("pitfall", evidence=9, against=1, without=(10, 1))
    many = msgspec.structs.replace(made, stats=msgspec.structs.replace(made.stats, with_n=80))
    assert expected_value(many, 100).met == 10
    assert expected_value(many, 100).value == pytest.approx(9.0)


def test_every_correction_is_a_failure_that_somebody_had_to_mend() -> None:
    found = expected_value(pattern("correction", evidence=12, against=3, without=(0, 0)), 100)
    assert found.failure_rate == 1.0
    assert found.value == pytest.approx(15.0)


def test_few_sessions_are_marked_weak() -> None:
    assert not expected_value(pattern(evidence=5, without=(10, 3)), 100).weak
    assert expected_value(pattern(evidence=5, without=(9, 3)), 100).weak
    assert expected_value(pattern(evidence=4, without=(10, 3)), 100).weak


@given(
    kind=st.sampled_from(["procedure", "recovery", "pitfall", "correction"]),
    evidence=st.integers(1, 40),
    against=st.integers(0, 20),
    without=st.integers(0, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    sessions=st.integers(0, 500),
    cost=st.none() | st.floats(0.1, 50),
)
def test_the_value_lies_in_its_interval_and_within_what_is_possible(
    kind: PatternKind,
    evidence: int,
    against: int,
    without: tuple[int, int],
    sessions: int,
    cost: float | None,
) -> None:
    found = expected_value(
        pattern(kind, evidence=evidence, against=against, without=without), sessions, cost=cost
    )
    assert 0 < found.frequency <= 100 + 1e-9
    if found.value is None or found.ci is None:
        assert found.judged == 0
        return
    low, high = found.ci
    assert -1e-9 <= low <= found.value + 1e-9
    assert found.value <= high + 1e-9
    assert high <= 100 * found.cost * (1 + 1e-9)


@pytest.mark.parametrize(("share", "rate"), [(0.05, 0.3), (0.2, 0.6), (0.4, 0.9)])
def test_the_interval_holds_the_truth_in_about_19_of_20_samples(share: float, rate: float) -> None:
    rng = np.random.default_rng(7)
    sessions, held, total = 400, 0, 600
    for _ in range(total):
        met = int(rng.binomial(sessions, share))
        followed = met // 3
        failed = int(rng.binomial(met - followed, rate))
        made = pattern(evidence=max(1, followed), without=(met - followed, met - followed - failed))
        ci = expected_value(made, sessions).ci
        held += ci is not None and ci[0] <= 100 * share * rate <= ci[1]
    assert 0.93 <= held / total <= 0.99


@given(st.permutations(list(range(8))))
def test_the_ranking_does_not_depend_on_the_order_of_the_patterns(order: list[int]) -> None:
    made = [pattern(name=f"p{n}", evidence=3 + n // 2, without=(10, 4)) for n in range(8)]
    expected = ["p6", "p7", "p4", "p5", "p2", "p3", "p0", "p1"]
    assert [r.pattern.id for r in ranked([made[n] for n in order], 100)] == expected


def test_a_greater_cost_ranks_higher() -> None:
    made = [pattern(name="cheap"), pattern(name="dear")]
    assert [r.pattern.id for r in ranked(made, 100, {"dear": 3.0})] == ["dear", "cheap"]


def test_a_user_or_day_that_carries_the_evidence_is_named() -> None:
    assert carriers(pattern(evidence=6)) == []
    alone = pattern(evidence=6, name="one").evidence
    same = [msgspec.structs.replace(r, user="ann") for r in alone[:5]] + [alone[5]]
    carried = msgspec.structs.replace(pattern(), evidence=same)
    assert carriers(carried) == ["5 of 6 sessions from one user (ann)"]


def mark(name: str, **more: object) -> PatternMark:
    return msgspec.structs.replace(
        PatternMark(id=name, title=name, kind="recovery", sessions=5, users=2, odds_ratio=3.0, ci=(2.0, 4.5)),
        **more,
    )


def test_what_changed_is_told_by_kind_of_change() -> None:
    before = [mark(n) for n in ("same", "gone", "grown", "shrunk", "shifted", "judged", "both")]
    now = [
        mark("same", odds_ratio=4.4),
        mark("new"),
        mark("grown", sessions=9),
        mark("shrunk", sessions=4),
        mark("shifted", odds_ratio=4.6),
        mark("judged", verdicts={"git": "passed"}),
        mark("both", sessions=8, odds_ratio=1.9),
    ]
    found = changed(before, now)
    assert [m.id for m in found.new] == ["new"]
    assert [m.id for m in found.gone] == ["gone"]
    assert [c.now.id for c in found.grown] == ["grown", "both"]
    assert [c.now.id for c in found.shrunk] == ["shrunk"]
    assert [c.now.id for c in found.shifted] == ["shifted", "both"]
    assert found.verdicts == [Change(mark("judged"), now[5])]
    assert found.same == 1


def test_a_ratio_that_could_not_be_computed_has_not_shifted() -> None:
    assert not changed([mark("a", ci=None)], [mark("a", odds_ratio=99.0)]).shifted
    assert not changed([mark("a")], [mark("a", odds_ratio=None)]).shifted


@given(st.lists(st.integers(0, 20), unique=True))
def test_nothing_changed_against_itself(names: list[int]) -> None:
    found = changed([mark(f"p{n}") for n in names], [mark(f"p{n}") for n in names])
    assert msgspec.structs.replace(found, same=0) == changed([], [])
    assert found.same == len(names)


def test_what_is_kept_of_a_cycle_holds_values_and_verdicts_and_survives_json() -> None:
    view = CycleView(
        cycle="c",
        time="2026-01-01T00:00:00Z",
        sessions=100,
        episodes=200,
        patterns=[pattern(name="low", evidence=3), pattern(name="high", evidence=30)],
        proposals=[
            ProposalLine(id="1", skill="git", action="create", verdict="held", patterns=["high"]),
            ProposalLine(id="2", skill="deploy", action="refine", verdict="passed", patterns=["high", "low"]),
        ],
    )
    kept = marks(view)
    assert [m.id for m in kept] == ["high", "low"]
    assert kept[0].verdicts == {"deploy": "passed", "git": "held"}
    assert kept[0].value == pytest.approx(42 * 0.75)
    assert msgspec.json.decode(msgspec.json.encode(kept), type=list[PatternMark]) == kept
