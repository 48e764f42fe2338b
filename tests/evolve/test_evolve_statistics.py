"""Odds ratios, intervals and false discovery rates against published and library values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, fisher_exact

from skillclaw.evolve.statistics import (
    Table,
    benjamini_hochberg,
    clustered_difference,
    mantel_haenszel,
    wilson,
)
from skillclaw.evolve.traits import fisher

counts = st.integers(0, 30)
tables = st.lists(st.builds(Table, counts, counts, counts, counts), max_size=6)


def test_one_table_gives_the_plain_odds_ratio_with_woolfs_interval() -> None:
    """With one stratum Robins-Breslow-Greenland is Woolf's standard error of the log odds ratio."""
    found = mantel_haenszel([Table(20, 10, 12, 24)])
    assert found.odds_ratio == pytest.approx(4.0)
    assert found.ci is not None
    spread = 1.959964 * math.sqrt(1 / 20 + 1 / 10 + 1 / 12 + 1 / 24)
    assert found.ci == pytest.approx((4 * math.exp(-spread), 4 * math.exp(spread)), rel=1e-6)
    assert found.p is not None
    # Expected are 30 * 32 / 66 = 14.545; the variance is 30 * 36 * 32 * 34 / (66 ** 2 * 65) = 4.150.
    assert found.p == pytest.approx(math.erfc((20 - 30 * 32 / 66 - 0.5) / math.sqrt(2 * 4.150)), rel=1e-3)


def test_the_common_ratio_of_several_tables() -> None:
    """Berkeley admissions by department (Bickel 1975): the published Mantel-Haenszel ratio is 0.905."""
    berkeley = [
        Table(512, 313, 89, 19),
        Table(353, 207, 17, 8),
        Table(120, 205, 202, 391),
        Table(138, 279, 131, 244),
        Table(53, 138, 94, 299),
        Table(22, 351, 24, 317),
    ]
    found = mantel_haenszel(berkeley)
    assert found.odds_ratio == pytest.approx(0.9047, abs=1e-3)
    assert found.ci == pytest.approx((0.7719, 1.0603), abs=2e-3)


def test_what_cannot_be_computed_is_none() -> None:
    assert mantel_haenszel([]) == (None, None, None)
    assert mantel_haenszel([Table(5, 3, 0, 0)]) == (None, None, None)
    perfect = mantel_haenszel([Table(9, 0, 0, 9)])
    assert perfect.odds_ratio is None
    assert perfect.ci is None
    assert perfect.p is not None
    assert perfect.p < 0.01


@given(tables)
def test_turning_the_tables_turns_the_ratio(given_tables: list[Table]) -> None:
    found = mantel_haenszel(given_tables)
    turned = mantel_haenszel([Table(t.c, t.d, t.a, t.b) for t in given_tables])
    assert (found.odds_ratio is None) == (turned.odds_ratio is None)
    if found.odds_ratio is not None and turned.odds_ratio is not None:
        assert found.odds_ratio == pytest.approx(1 / turned.odds_ratio)
        assert found.ci is not None
        assert found.ci[0] <= found.odds_ratio <= found.ci[1]


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30))
def test_q_values_are_those_of_scipy(ps: list[float]) -> None:
    assert benjamini_hochberg(ps) == pytest.approx(list(false_discovery_control(ps)))


def test_missing_p_values_stay_missing() -> None:
    assert benjamini_hochberg([None, 0.04, None, 0.01]) == [None, 0.04, None, 0.02]


@given(counts, counts, counts, counts)
def test_fisher_is_that_of_scipy(a: int, b: int, c: int, d: int) -> None:
    assert fisher(a, b, c, d) == pytest.approx(fisher_exact([[a, b], [c, d]], alternative="greater").pvalue)


def test_wilson() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_clusters_widen_the_interval() -> None:
    alone = [(f"{i}", i % 2 == 0, i % 4 == 0) for i in range(80)]
    together = [(f"{i % 4}", i % 2 == 0, i % 4 == 0) for i in range(80)]
    one, two = clustered_difference(alone), clustered_difference(together)
    assert one is not None
    assert two is not None
    assert one[0] == two[0] == pytest.approx(0.5)
    assert two[1][1] - two[1][0] > one[1][1] - one[1][0]
    assert clustered_difference([("a", True, True)]) is None
