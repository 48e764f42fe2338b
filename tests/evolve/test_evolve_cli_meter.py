"""What one author in a room may ask of its model, with several requests under way at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skillclaw.evolve.engines.cli_meter import BYTES, RunMeter
from skillclaw.evolve.models.ledger import Ledger
from skillclaw.settings import AuthorSettings, BudgetSettings

FREE = BudgetSettings(tokens=0, calls=0, usd=0.0, day_tokens=0, day_calls=0, day_usd=0.0)


def meter(tokens: int = 1000, steps: int = 10, budget: BudgetSettings = FREE) -> RunMeter:
    return RunMeter(Ledger(budget), AuthorSettings(tokens=tokens, steps=steps))


def test_requests_under_way_count_before_their_answers_are_there() -> None:
    one = meter()
    assert one.begin(400 * BYTES, 10) == ""
    assert one.begin(400 * BYTES, 10) == ""
    assert one.begin(400 * BYTES, 10) == "1,000 tokens (evolve.agent.tokens)"
    one.end(400 * BYTES, 400, 5)
    assert one.begin(1, 1), "what is over stays over"
    assert (one.tokens_in, one.tokens_out, one.steps) == (400, 5, 2)


def test_an_answer_frees_what_was_set_aside_beyond_its_count() -> None:
    one = meter()
    assert one.begin(400 * BYTES, 10) == ""
    one.end(400 * BYTES, 100, 5)
    assert one.begin(800 * BYTES, 10) == ""
    one.end(0, 0, 0)
    assert one.begin(895 * BYTES, 10) == ""
    assert one.begin(BYTES, 10) == "1,000 tokens (evolve.agent.tokens)"


@given(st.lists(st.tuples(st.integers(0, 500), st.booleans()), max_size=30))
def test_what_was_asked_never_passes_the_limit_however_the_answers_come(made: list[tuple[int, bool]]) -> None:
    one = meter(tokens=1000, steps=100)
    under_way: list[int] = []
    for tokens, answered in made:
        if not one.begin(tokens * BYTES, 0):
            under_way.append(tokens)
        if answered and under_way:
            asked = under_way.pop(0)
            one.end(asked * BYTES, asked, 0)
        assert one.tokens_in + sum(under_way) <= 1000
