"""What stands beside a pattern: who carries it, where it was seen, whether it is still so, what it costs."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.bench.planted import START, Script, session
from skillclaw.evolve.conclude import settled
from skillclaw.evolve.jobs import Found, Mining
from skillclaw.evolve.mine import mine
from skillclaw.evolve.statistics import Row, benjamini_hochberg, carriers, mantel_haenszel, stratified
from skillclaw.skills.records import Pattern, Ref, Stats
from skillclaw.trajectory.model import Trajectory, meta, with_meta

NOW = START + timedelta(days=60)


def conclude(minings: list[Mining], **given: Any) -> list[Pattern]:
    """The patterns alone."""
    return [one.pattern for one in settled(minings, **given)]


def in_place(trajectory: Trajectory, **env: str) -> Trajectory:
    return with_meta(trajectory, msgspec.structs.replace(meta(trajectory), env=env))


def recovering(number: int, *, day: int, user: str = "", npm: str = "9.8") -> Trajectory:
    script: Script = [
        ("Bash", {"command": "npm test"}, "Error: watch mode needs a terminal", False),
        ("Bash", {"command": "cat package.json"}, "{}", True),
        ("Bash", {"command": "CI=1 npm test"}, "9 passing", True),
    ]
    made = session(
        f"r{number}", user or f"u{number % 3}", f"check change {number}", script, success=True, day=day
    )
    return in_place(made, os="linux", npm=npm)


def plain(number: int, *, day: int, npm: str) -> Trajectory:
    script: Script = [("Bash", {"command": "npm run build"}, "built", True)]
    made = session(f"p{number}", "zoe", f"build it, number {number}", script, success=True, day=day)
    return in_place(made, os="linux", npm=npm)


def only(sessions: list[Trajectory]) -> Pattern:
    found = mine(sessions, now=NOW, half_life_days=180).patterns
    (pattern,) = [p for p in found if p.kind == "recovery"]
    return pattern


def test_a_pattern_says_who_and_what_stands_behind_it_and_what_it_costs() -> None:
    found = only([recovering(n, day=n) for n in range(6)])
    assert found.support is not None
    assert (found.support.sessions, found.support.users, found.support.days) == (6, 3, 6)
    assert found.env == {"npm": ["9.8"], "os": ["linux"]}
    assert found.stats.cost == 2  # the failing call, and the look into the file that helped nothing
    assert found.stale == []


def test_a_fact_goes_stale_when_its_tool_is_later_seen_in_other_versions_only() -> None:
    old = [recovering(n, day=n) for n in range(6)]
    (told,) = only([*old, *(plain(n, day=20 + n, npm="11.2") for n in range(3))]).stale
    assert told.startswith("npm is 11.2 since 2026-01-2")
    assert "9.8" in told
    assert only([*old, *(plain(n, day=20 + n, npm="9.8") for n in range(3))]).stale == []
    confirmed = [recovering(10 + n, day=30 + n, npm="11.2") for n in range(2)]
    assert only([*old, *(plain(n, day=20 + n, npm="11.2") for n in range(3)), *confirmed]).stale == []


def test_a_version_that_was_there_before_the_evidence_ended_makes_nothing_stale() -> None:
    beside = [plain(20, day=1, npm="11.2"), plain(21, day=40, npm="11.2")]
    assert only([*(recovering(n, day=n) for n in range(6)), *beside]).stale == []


def test_every_version_that_the_evidence_saw_is_told() -> None:
    found = only([recovering(n, day=n, npm="9.8" if n < 4 else "10.1") for n in range(6)])
    assert found.env["npm"] == ["10.1", "9.8"]


def test_a_version_of_a_tool_that_a_pattern_is_not_about_does_not_matter() -> None:
    old = [in_place(recovering(n, day=n), os="linux", cargo="1.70") for n in range(6)]
    new = [in_place(plain(n, day=20 + n, npm=""), os="linux", cargo="1.95") for n in range(3)]
    assert only([*old, *new]).stale == []


def rows(model_effect: dict[str, tuple[float, float]], n: int = 60) -> list[Row]:
    """Rows in which each model succeeds with and without the thing at the given rates."""
    made = []
    for model, rates in model_effect.items():
        for inside, rate in zip((True, False), rates, strict=True):
            made += [
                Row(f"task\0{model}", inside, number < rate * n, model, f"u{number % 5}")
                for number in range(n)
            ]
    return made


def test_a_model_that_carries_an_effect_is_named() -> None:
    given_rows = rows({"strong": (0.9, 0.3), "weak": (0.3, 0.3)})
    whole = mantel_haenszel(stratified(given_rows))
    assert whole.ci is not None
    assert whole.ci[0] > 1
    (found,) = [c for c in carriers(given_rows, whole) if c.kind == "model"]
    assert (found.name, found.share) == ("strong", 0.75)
    assert found.ci is not None
    assert found.ci[0] < 1 < found.ci[1]


def test_a_model_without_which_nothing_is_left_is_named_though_half_of_the_successes_are_others() -> None:
    given_rows = rows({"strong": (0.9, 0.3), "sated": (0.9, 0.9)})
    found = [c for c in carriers(given_rows, mantel_haenszel(stratified(given_rows))) if c.kind == "model"]
    assert [(c.name, c.share) for c in found] == [("strong", 0.5)]


def test_an_effect_of_all_is_carried_by_nobody() -> None:
    given_rows = rows({"one": (0.8, 0.3), "two": (0.8, 0.3), "three": (0.8, 0.3)})
    assert carriers(given_rows, mantel_haenszel(stratified(given_rows))) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_q_values_keep_the_order_of_p_and_are_never_below_it(ps: list[float]) -> None:
    qs = benjamini_hochberg(ps)
    ordered = sorted(zip(ps, qs, strict=True))
    assert all(q is not None and q >= p - 1e-12 for p, q in ordered)
    assert all(one[1] <= other[1] + 1e-12 for one, other in pairwise(ordered))  # type: ignore[operator]


def claim(number: int, p: float) -> Found:
    stats = Stats(
        with_n=10, with_success=9, without_n=10, without_success=2, odds_ratio=9.0, ci=(2.0, 40.0), p=p
    )
    refs = [Ref(session=f"{number}-{n}", user=f"u{n}", agent="a", day="2026-01-05") for n in range(3)]
    pattern = Pattern(
        id=f"c{number}",
        kind="pitfall",
        title="t",
        topic="x",
        signature=f"s{number}",
        evidence=refs,
        stats=stats,
    )
    return Found(pattern=pattern, needed=True)


def test_claims_of_all_units_are_one_family_of_tests() -> None:
    """What is significant alone is not among many, whichever units the others are of."""
    alone = conclude([Mining(found=[claim(0, 0.02)])], now=NOW, half_life=0)
    assert [p.id for p in alone] == ["c0"]
    many = [Mining(found=[claim(n, 0.02 if n == 0 else 0.5)]) for n in range(20)]
    assert conclude(many, now=NOW, half_life=0) == []
    sure = [Mining(found=[claim(n, 0.0001 if n == 0 else 0.5)]) for n in range(20)]
    (kept,) = conclude(sure, now=NOW, half_life=0)
    assert (kept.id, kept.stats.q) == ("c0", 0.002)


def test_a_claim_that_may_be_luck_or_points_the_wrong_way_does_not_count() -> None:
    def kept(p: float, **stats: object) -> list[Pattern]:
        one = claim(0, p)
        pattern = msgspec.structs.replace(
            one.pattern, stats=msgspec.structs.replace(one.pattern.stats, **stats)
        )
        return conclude([Mining(found=[Found(pattern=pattern, needed=True)])], now=NOW, half_life=0)

    assert kept(0.04)
    assert kept(0.06) == []
    assert kept(0.001, with_success=1, without_success=9) == []
    assert kept(0.04, ci=(0.9, 40.0)) == []


def test_recent_evidence_weighs_more() -> None:
    one = claim(0, 0.0001)
    (fresh,) = conclude([Mining(found=[one])], now=START + timedelta(days=10), half_life=30)
    (old,) = conclude([Mining(found=[one])], now=START + timedelta(days=100), half_life=30)
    assert 0 < old.stats.recency < fresh.stats.recency <= 1
    assert abs(old.stats.recency - fresh.stats.recency / 8) < 0.01


def test_a_sample_of_the_evidence_is_the_same_in_any_order_and_of_as_many_people_as_there_are() -> None:
    one = claim(0, 0.0001)
    refs = [Ref(session=f"s{n}", user=f"u{n % 7}", agent="a", day="2026-01-05") for n in range(90)]
    shuffled = refs.copy()
    Random(3).shuffle(shuffled)
    kept = []
    for evidence in (refs, shuffled):
        pattern = msgspec.structs.replace(one.pattern, evidence=evidence)
        found = msgspec.structs.replace(one, pattern=pattern)
        kept.append(conclude([Mining(found=[found])], now=NOW, half_life=0, keep=10)[0].evidence)
    assert kept[0] == kept[1]
    assert len(kept[0]) == 10
    assert len({ref.user for ref in kept[0]}) == 7
