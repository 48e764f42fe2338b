"""The soak notices what it is for: lost, doubled and changed exchanges, and what is not let go."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from skillclaw.bench.soak import plans, run, run_soak, summary
from skillclaw.bench.soak import verdict as verdicts
from skillclaw.bench.soak.ledger import Ledger, Seen
from skillclaw.bench.soak.plans import KINDS, Plan
from skillclaw.bench.soak.watch import Held, Sample, floors, slope
from skillclaw.journal.records import Exchange
from skillclaw.journal.writer import JournalWriter

HELD = {"open connections afterwards", "file descriptors afterwards"}
LOSING = """
import runpy, sys
from skillclaw.journal.writer import JournalWriter
whole, count = JournalWriter.put, 0
def put(self, *given):
    global count
    count += 1
    if count % 20:
        whole(self, *given)
JournalWriter.put = put
sys.argv = ["skillclaw.proxy", sys.argv[1]]
runpy.run_module("skillclaw.proxy", run_name="__main__", alter_sys=True)
"""
LEAKING = """
import runpy, sys
from skillclaw.journal.writer import JournalWriter
whole, kept = JournalWriter.put, []
def put(self, *given):
    kept.append(bytearray(50_000))
    whole(self, *given)
JournalWriter.put = put
sys.argv = ["skillclaw.proxy", sys.argv[1]]
runpy.run_module("skillclaw.proxy", run_name="__main__", alter_sys=True)
"""
GROWTH = "MB of growth, last two thirds"


def checks(result: dict[str, Any]) -> dict[str, Any]:
    return {check["name"]: check["holds"] for check in result["checks"]}


@pytest.mark.slow
def test_a_proxy_that_keeps_everything_passes() -> None:
    """Only what idle connections hold is left, since nobody waits for those here."""
    result = run_soak(minutes=0.08, rate=40, stall=0.5, settle=0)
    failed = {name for name, holds in checks(result).items() if holds is False}
    assert failed <= HELD, summary(result)
    assert result["requests"] > 100 and len(result["finished"]) > 15
    assert "requests in" in summary(result)


@pytest.mark.slow
def test_a_proxy_that_loses_records_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "command", lambda path: [sys.executable, "-c", LOSING, str(path)])
    result = run_soak(minutes=0.05, rate=40, stall=0.2, settle=0)
    assert not result["holds"]
    assert checks(result)["finished exchanges missing in the journal"] is False
    assert any("not in the journal" in failure for failure in result["failures"])


@pytest.mark.slow
def test_a_proxy_that_leaks_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "command", lambda path: [sys.executable, "-c", LEAKING, str(path)])
    monkeypatch.setattr(verdicts, "SHORT", 30.0)
    result = run_soak(minutes=0.7, rate=40, stall=0.2, settle=0)
    assert checks(result)[GROWTH] is False and not result["holds"], summary(result)


def test_growth_is_judged_from_ten_minutes_on() -> None:
    held = Held(fds=16, connections=0, threads=4)

    def growth(seconds: int, an_hour: float) -> bool | None:
        samples = [Sample(float(at), 60.0 + an_hour * at / 3600, 16) for at in range(0, seconds, 2)]
        facts = verdicts.Facts(
            seconds=seconds,
            rate=50,
            seed=0,
            samples=samples,
            idle=held,
            left=held,
            health={},
            alive=True,
            hung=0,
            left_out=0,
            finished={"json": 9},
            records=9,
            missing=0,
            no_websocket=0,
            failures=0,
            told=(),
            cpu=1.0,
            log=(),
            errors=0,
        )
        return checks(verdicts.verdict(facts))[GROWTH]

    assert growth(3600, 20) is False and growth(600, 90) is False
    assert growth(3600, 9) is True and growth(180, 900) is None


def journal_of(folder: Path, *exchanges: Exchange) -> None:
    writer = JournalWriter(folder, max_mb=10)
    for exchange in exchanges:
        writer.put(exchange)
    writer.close()


def exchange_of(plan: Plan, **changed: Any) -> Exchange:
    given: dict[str, Any] = {
        "id": f"{plan.number:016x}",
        "agent": "soak",
        "method": "POST",
        "path": plan.path,
        "started": 1.0,
        "request_headers": [(plans.MARK, plan.mark)],
        "request_body": plans.body_of(plan),
        "status": 200,
        "response_body": plans.answer_of(plan),
    }
    return Exchange(**(given | changed))


@pytest.mark.parametrize(
    ("kind", "changed", "said"),
    [
        ("json", {}, ""),
        ("json", {"response_body": b"other"}, "answer has 5 bytes"),
        ("json", {"request_body": b"other"}, "request has 5 other bytes"),
        ("json", {"complete": False}, "complete: False"),
        ("json", {"status": 500}, "status 500"),
        ("cut-sized", {"complete": True}, "a broken exchange is complete"),
        ("cut-sized", {"complete": False, "response_body": b""}, "the journal has 0"),
    ],
)
def test_the_ledger_tells_what_differs(tmp_path: Path, kind: str, changed: dict[str, Any], said: str) -> None:
    plan = Plan(KINDS[kind], 3, 0)
    journal_of(tmp_path, exchange_of(plan, **changed))
    failures: list[str] = []
    ledger = Ledger(tmp_path, failures.append)
    ledger.finish(plan, Seen(200, len(plans.answer_of(plan)) // 2))
    ledger.read()
    ledger.close()
    assert (not failures) if not said else any(said in failure for failure in failures), failures


def test_the_ledger_tells_a_missing_and_a_doubled_record(tmp_path: Path) -> None:
    one, two = Plan(KINDS["json"], 1, 0), Plan(KINDS["short"], 2, 0)
    journal_of(tmp_path, exchange_of(one), exchange_of(one))
    failures: list[str] = []
    ledger = Ledger(tmp_path, failures.append)
    ledger.read()
    for plan in (one, two):
        ledger.finish(plan, Seen(200, 0))
    ledger.close()
    assert ledger.missing == 1 and ledger.records == 2
    assert any("twice" in failure for failure in failures)
    assert any(two.mark in failure and "not in the journal" in failure for failure in failures)


def test_a_plan_is_the_same_wherever_it_is_made_and_unlike_others() -> None:
    for kind in KINDS.values():
        if kind.upload < 1_000_000 and kind.size < 1_000_000:
            plan = Plan(kind, 17, 4)
            again = plans.from_mark(plan.mark)
            assert again == plan and plans.body_of(again) == plans.body_of(plan)
            assert plans.answer_of(again) == plans.answer_of(plan)
            if kind.events or kind.size:
                assert plans.answer_of(plan) != plans.answer_of(plan._replace(number=18))


def test_a_conversation_grows_by_turns_that_repeat_those_before() -> None:
    bodies = [plans.body_of(Plan(KINDS["json"], 5 + plans.CONVERSATIONS * turn, 0)) for turn in range(5)]
    for earlier, later in pairwise(bodies):
        assert later.startswith(earlier[:-2])


def test_the_slope_is_that_of_the_run_not_of_a_few_large_bodies() -> None:
    flat = [Sample(float(at), 50.0 + (60.0 if at % 10 == 0 else 0.0), 9) for at in range(400)]
    leaking = [Sample(at, rss + at * 0.05, fds) for at, rss, fds in flat]
    assert abs(slope(flat)) < 0.001
    assert slope(leaking) == pytest.approx(0.05, rel=0.1)


def test_a_machine_that_grows_busy_is_no_leak_but_a_leak_under_load_is_one() -> None:
    # The later, the more often a body is under way when one looks.
    busy = [Sample(float(at), 50.0 + (at % 10) * (at / 40), 9) for at in range(100, 300)]
    leaking = [Sample(at, rss + at * 0.05, fds) for at, rss, fds in busy]
    assert slope(busy) * 200 > 8, "the samples themselves do look like a leak"
    assert abs(slope(floors(busy))) < 0.001
    assert slope(floors(leaking)) == pytest.approx(0.05, rel=0.1)
