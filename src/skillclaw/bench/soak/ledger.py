"""Which requests were asked and how they ended, and whether the journal says the same, each exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from skillclaw.bench.soak.plans import MARK, Plan, answer_of, body_of, from_mark
from skillclaw.journal import segment
from skillclaw.journal.reader import START, read
from skillclaw.journal.records import Exchange

__all__ = ["Ledger", "Seen"]


class Seen(NamedTuple):
    """How a request ended for its client.

    status    0 when there was no answer
    received  bytes of the answer's body
    recorded  whether the journal must hold it
    """

    status: int
    received: int
    recorded: bool = True


class _Record(NamedTuple):
    """What the journal says of a request that is not yet finished for its client, or is not told of."""

    status: int
    received: int
    complete: bool


class Ledger:
    """Matches clients and journal while both go on. `fail` gets each difference, as text."""

    def __init__(self, journal: Path, fail: Callable[[str], None]) -> None:
        self.finished: Counter[str] = Counter()
        self.records = 0
        self.skipped = 0
        self.missing = 0
        self._journal = journal
        self._fail = fail
        self._position = START
        self._waiting: dict[int, tuple[Plan, Seen]] = {}
        self._early: dict[int, _Record] = {}
        self._count = bytearray()

    def finish(self, plan: Plan, seen: Seen) -> None:
        """A client is done with a request."""
        self.finished[plan.kind.name] += 1
        record = self._early.pop(plan.number, None)
        if record is not None:
            self._compare(plan, seen, record)
        elif seen.recorded:
            self._waiting[plan.number] = (plan, seen)

    def read(self) -> None:
        """Take in what the journal has more, then delete its segments that are read."""

        def skip(path: Path, offset: int, why: str) -> None:
            self.skipped += 1
            self._fail(f"the journal is damaged: {path.name} at {offset}: {why}")

        for exchange, position in read(self._journal, self._position, on_skip=skip):
            self._position = position
            self.records += 1
            self._take(exchange)
        for number in segment.segments(self._journal):
            if number < self._position.segment:
                segment.path_of(self._journal, number).unlink(missing_ok=True)

    def close(self) -> None:
        """Everything is over: what was not found is missing."""
        self.missing = len(self._waiting)
        for plan, _ in list(self._waiting.values())[:5]:
            self._fail(f"{plan.mark}: finished, but not in the journal")
        for number in list(self._early)[:5]:
            self._fail(f"request {number}: in the journal, but its client never finished")

    @property
    def waiting(self) -> int:
        """Finished requests that the journal has not shown yet."""
        return len(self._waiting)

    def _take(self, exchange: Exchange) -> None:
        mark = next((value for name, value in exchange.request_headers if name.lower() == MARK), "")
        try:
            plan = from_mark(mark)
        except ValueError:
            self._fail(f"the journal holds an exchange of nobody: {exchange.method} {exchange.path}")
            return
        self._count.extend(b"\0" * (plan.number + 1 - len(self._count)))
        self._count[plan.number] += 1
        if self._count[plan.number] > 1:
            self._fail(f"{plan.mark}: twice in the journal")
            return
        if plan.kind.name != "websocket":
            self._check_bytes(plan, exchange)
        record = _Record(exchange.status, len(exchange.response_body), exchange.complete)
        waiting = self._waiting.pop(plan.number, None)
        if waiting is not None:
            self._compare(plan, waiting[1], record)
        else:
            self._early[plan.number] = record

    def _check_bytes(self, plan: Plan, exchange: Exchange) -> None:
        if exchange.request_body != body_of(plan):
            self._fail(f"{plan.mark}: the journal's request has {len(exchange.request_body)} other bytes")
        if plan.kind.status == 0 or plan.kind.method == "HEAD":
            return  # no answer, or one of the proxy's own
        answer, kept = answer_of(plan), exchange.response_body
        if not (kept == answer if plan.kind.whole else answer.startswith(kept)):
            self._fail(f"{plan.mark}: the journal's answer has {len(kept)} bytes of {len(answer)}")

    def _compare(self, plan: Plan, seen: Seen, record: _Record) -> None:
        """`record` against what the client saw. What was cut off may reach the journal in part only, but
        never less than the client has."""
        kind = plan.kind
        if kind.name == "websocket":
            return
        if not seen.recorded:
            self._fail(f"{plan.mark}: in the journal though the proxy refused it")
        if kind.whole and (not record.complete or record.status != kind.status):
            self._fail(f"{plan.mark}: the journal has status {record.status}, complete: {record.complete}")
        if not kind.whole and record.complete and not kind.name.startswith("leave"):
            self._fail(f"{plan.mark}: a broken exchange is complete in the journal")
        if seen.status and kind.status and record.status != seen.status:
            self._fail(f"{plan.mark}: status {seen.status}, but {record.status} in the journal")
        if kind.status and record.received < seen.received:
            self._fail(f"{plan.mark}: {seen.received} bytes arrived, the journal has {record.received}")
