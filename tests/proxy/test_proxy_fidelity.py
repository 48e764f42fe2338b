"""Byte equality, fuzzed: what an upstream answers, in any pieces, however it ends, arrives as it is."""

from __future__ import annotations

import time
from typing import Any

import pytest
from examples import examples
from fuzzed import Plan, Playing, plans
from hypothesis import HealthCheck, given, settings
from raw_http import Answer, Reader

pytestmark = pytest.mark.live

QUICK, MORE, MOST = 400, 1000, 10_000

QUIET = settings(deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


class Agent:
    """An agent with one kept connection, renewed when it ended."""

    def __init__(self, proxy: Any) -> None:
        self.proxy = proxy
        self.reader: Reader | None = None

    def ask(self, number: int, old: bool) -> Answer:
        reader = self.reader or Reader(self.proxy.connect(10))
        self.reader = None
        version = b"1.0" if old else b"1.1"
        reader.sock.sendall(b"GET /a/%d HTTP/%b\r\nHost: localhost\r\n\r\n" % (number, version))
        answer = reader.answer()
        if answer.whole and not old and answer.get(b"connection") != [b"close"]:
            self.reader = reader
        else:
            while reader.more():
                pass
            answer.closed, answer.reset = True, reader.reset
            reader.sock.close()
        assert not (answer.whole and reader.data)
        return answer


def check(plan: Plan, answer: Answer, asked: int) -> None:
    """What the agent got is what the plan says."""
    if len(plan.wire) < plan.head:
        # No head, no answer: the proxy's own, after one repetition at most.
        assert answer.status == 502 and answer.whole and b"no answer" in answer.body
        assert asked <= 2
        return
    assert asked == 1
    if plan.ending == "reset" and not answer.head.startswith(b"HTTP/1.1 200"):
        # A reset may overtake what was sent before it.
        assert answer.status in (0, 502)
        return
    assert answer.status == 200
    assert answer.get(b"content-encoding") == ([plan.coding] if plan.coding else [])
    if plan.ending == "reset":
        assert plan.sent.startswith(answer.body)
        assert not answer.whole or (plan.whole and answer.body == plan.sent)
    else:
        assert answer.body == plan.sent
        assert answer.whole == plan.whole
    if plan.old:
        assert not answer.get(b"transfer-encoding")


def fuzz(make_proxy: Any, count: int) -> float:
    """Play `count` answers; how many a second."""
    answers: list[Answer] = []
    with Playing() as upstream:
        proxy = make_proxy({"a": upstream.url})
        agent = Agent(proxy)

        @settings(QUIET, max_examples=examples(count))
        @given(plans())
        def play(plan: Plan) -> None:
            number = len(answers)
            upstream.plans[number] = plan
            answers.append(agent.ask(number, plan.old))
            check(plan, answers[-1], upstream.asked[number])

        begun = time.monotonic()
        play()
        took = time.monotonic() - begun
        kept = {int(e.path[1:]): e for e in proxy.exchanges(len(answers), seconds=20)}
        assert len(kept) == len(answers) >= count
        for number, answer in enumerate(answers):
            plan, exchange = upstream.plans[number], kept[number]
            assert exchange.complete == (answer.status == 200 and answer.whole), (plan, exchange)
            assert exchange.status in (answer.status, 0)
            if exchange.status:
                assert exchange.response_body == answer.body
            assert bool(exchange.error) != exchange.complete
    return len(answers) / took


@pytest.mark.hypothesis
def test_fuzzed_answers_arrive_as_they_were_sent(make_proxy: Any) -> None:
    fuzz(make_proxy, QUICK)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "count", [pytest.param(MORE, marks=pytest.mark.e2e), pytest.param(MOST, marks=pytest.mark.slow)]
)
def test_thousands_of_fuzzed_answers_arrive_as_they_were_sent(make_proxy: Any, count: int) -> None:
    print(f"{fuzz(make_proxy, count):.0f} cases/s")
