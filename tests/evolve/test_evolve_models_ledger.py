"""What models may cost: caps per cycle and per day, that neither a kill nor a second process passes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.errors import StorageError
from skillclaw.evolve.models.daybook import FILE
from skillclaw.evolve.models.ledger import Ledger
from skillclaw.evolve.models.records import ModelError
from skillclaw.settings import BudgetSettings

FREE = {"tokens": 0, "calls": 0, "usd": 0.0, "day_tokens": 0, "day_calls": 0, "day_usd": 0.0}


def caps(**given: float) -> BudgetSettings:
    """Only these caps."""
    return BudgetSettings(**{**FREE, **given})  # type: ignore[arg-type]


def spend(ledger: Ledger, tokens_in: int = 100, tokens_out: int = 10, most: int = 50) -> None:
    """One request that may take `most` tokens of an answer and takes `tokens_out`."""
    ledger.settle(ledger.book("draft", tokens_in, most), tokens_in, tokens_out)


@pytest.mark.parametrize("told", [-(10**12), 10**30])
def test_a_provider_that_counts_below_nothing_or_beyond_all_reason_frees_no_budget(
    told: int, tmp_path: Path
) -> None:
    for _ in range(2):
        ledger = Ledger(caps(calls=5, day_calls=5, day_tokens=10**12), book=tmp_path)
        ledger.settle(ledger.book("draft", 100, 50), told, told)
        assert 0 <= ledger.spent().tokens <= 10**9
    assert Ledger(caps(day_calls=3), book=tmp_path).fits(1, 1)
    assert not Ledger(caps(day_calls=2), book=tmp_path).fits(1, 1)


@pytest.mark.parametrize(
    ("given", "requests"),
    [
        ({"calls": 3}, 3),
        ({"tokens": 400}, 3),  # 110 each, and the fourth may take 150
        ({"usd": 0.01}, 16),  # 0.0006 each, and the next may take 0.001
        ({"day_calls": 2}, 2),
        ({"day_tokens": 260}, 2),
        ({"day_usd": 0.003}, 4),
    ],
)
def test_a_request_that_would_pass_a_cap_is_refused_and_the_reason_named(
    given: dict[str, float], requests: int
) -> None:
    ledger = Ledger(caps(**given), usd_in=5.0, usd_out=10.0)
    done = 0
    with pytest.raises(ModelError) as caught:
        for _ in range(20):
            spend(ledger)
            done += 1
    name = next(iter(given))
    told = {"usd": "dollars", "day_usd": "dollars"}.get(name, name.removeprefix("day_"))
    assert (done, caught.value.kind, caught.value.final) == (requests, "budget", True)
    assert told in caught.value.what and ("day" in caught.value.what) == name.startswith("day")
    assert ledger.spent().calls == requests and not ledger.fits(100, 50)


def test_zero_is_no_limit_and_an_unknown_price_costs_nothing() -> None:
    ledger = Ledger(caps())
    for _ in range(50):
        spend(ledger, 10**6, 10**6, 10**6)
    spent = ledger.spent()
    assert (spent.calls, spent.tokens, spent.usd) == (50, 10**8, 0.0)
    assert ledger.price("draft", 1, 2, 3).usd is None


def test_money_is_counted_by_direction_and_stage() -> None:
    ledger = Ledger(caps(), usd_in=2.0, usd_out=8.0)
    spend(ledger, 1_000_000, 500_000, 500_000)
    ledger.note_recorded("digest")
    spent = ledger.spent()
    assert spent.usd == 6.0
    assert [(s.stage, s.tokens_in, s.tokens_out, s.recorded) for s in spent.stages] == [
        ("draft", 1_000_000, 500_000, 0),
        ("digest", 0, 0, 1),
    ]
    assert ledger.price("draft", 3, 1_000_000, 1_000_000).usd == 10.0


def test_the_days_sums_outlive_the_process_and_end_with_the_day(tmp_path: Path) -> None:
    day = ["2026-11-25"]

    def opened() -> Ledger:
        return Ledger(caps(day_calls=2), book=tmp_path, day=lambda: day[0])

    spend(opened())
    spend(opened())
    with pytest.raises(ModelError):
        spend(opened())
    day[0] = "2026-11-26"
    spend(opened())
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_a_request_over_midnight_counts_for_the_day_that_it_began(tmp_path: Path) -> None:
    day = ["2026-11-25"]
    ledger = Ledger(caps(day_tokens=1000), book=tmp_path, day=lambda: day[0])
    booking = ledger.book("draft", 400, 400)
    day[0] = "2026-11-26"
    ledger.settle(booking, 400, 1)
    assert Ledger(caps(day_tokens=1000), book=tmp_path, day=lambda: day[0]).fits(500, 500)


WORK = """
import os, signal, sys, pathlib
from skillclaw.evolve.models.ledger import Ledger
from skillclaw.evolve.models.records import ModelError
from skillclaw.settings import BudgetSettings
ledger = Ledger(BudgetSettings(tokens=0, calls=0, usd=0, day_calls=20), book=pathlib.Path(sys.argv[1]))
done = 0
try:
    while True:
        booking = ledger.book("draft", 10, 10)
        if sys.argv[2] == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        ledger.settle(booking, 10, 1)
        done += 1
except ModelError:
    print(done)
"""


@pytest.mark.slow
def test_two_processes_share_a_day_and_what_a_kill_left_open_stays_booked(tmp_path: Path) -> None:
    def started(how: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", WORK, str(tmp_path), how], stdout=subprocess.PIPE, text=True
        )

    assert started("killed").wait() == -signal.SIGKILL
    both = [started("whole"), started("whole")]
    assert sum(int(one.communicate()[0]) for one in both) == 19


def test_a_damaged_file_stops_questions_instead_of_letting_a_day_cost_twice(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    with pytest.raises(StorageError, match="damaged"):
        spend(Ledger(caps(), book=tmp_path))


requests = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 2000)), max_size=40)


@settings(max_examples=examples(40))
@given(requests, st.integers(1, 8000), st.integers(1, 30))
def test_whatever_is_asked_no_cap_is_passed_and_the_sums_agree(
    made: list[tuple[int, int, int]], tokens: int, calls: int
) -> None:
    ledger = Ledger(caps(tokens=tokens, calls=calls, day_tokens=tokens), usd_in=1.0, usd_out=3.0)
    total = 0
    for tokens_in, tokens_out, more in made:
        fits = ledger.fits(tokens_in, tokens_out + more)
        try:
            spend(ledger, tokens_in, tokens_out, tokens_out + more)
        except ModelError:
            assert not fits
        else:
            assert fits
            total += tokens_in + tokens_out
    spent = ledger.spent()
    assert spent.tokens == total <= tokens
    assert spent.calls <= calls
    assert spent.tokens == sum(s.tokens_in + s.tokens_out for s in spent.stages)
