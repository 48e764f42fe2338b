"""Turn by turn: nothing is lost, each person's order stays, and nobody's many come before another's first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skillclaw.evolve.turns import turn_by_turn


@given(st.lists(st.sampled_from("abc")))
def test_turns(people: list[str]) -> None:
    given_ = [(who, n) for n, who in enumerate(people)]
    ordered = turn_by_turn(given_, lambda one: one[0])
    assert sorted(ordered) == sorted(given_)
    for who in "abc":
        own = [one for one in given_ if one[0] == who]
        assert [one for one in ordered if one[0] == who] == own
    counts = [sum(who == one[0] for one in ordered[:at]) for at, (who, _) in enumerate(ordered)]
    assert counts == sorted(counts)
