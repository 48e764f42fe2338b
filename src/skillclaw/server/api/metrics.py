"""Metrics in Prometheus' text format, in a registry of their own.

Counted from the cycles that the server remembers, when somebody looks; so counters begin where the memory
does, and a cycle counts once. Labels are names of hubs and fixed words, never what members wrote.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from skillclaw.server.api.service import Service
from skillclaw.server.serving.records import CycleLine, GroupStatus

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]

STATES = ("idle", "waiting", "running", "paused", "failing", "elsewhere")
OUTCOMES = ("done", "failed", "lost", "stopped")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LOOKED = 200
"""Cycles of a group that one look goes back."""
SECONDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)


class Metrics:
    """The metrics of one server."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._seen: dict[str, set[str]] = {}
        """Cycles that are counted, by hub; of a group that is served no more too, since it may come back."""
        self._shown: set[str] = set()
        more: Any = {"registry": self.registry, "namespace": "skillclaw"}
        self.cycles = Counter("cycles", "Cycles that ended.", ("hub", "outcome"), **more)
        self.seconds = Histogram("cycle_seconds", "How long cycles took.", ("hub",), buckets=SECONDS, **more)
        self.taken = Counter("sessions", "Sessions that cycles took in.", ("hub",), **more)
        self.aside = Counter("sessions_aside", "Sessions and units that were set aside.", ("hub",), **more)
        self.refused = Counter("objects_refused", "Objects on a hub that do not count.", ("hub",), **more)
        self.proposals = Counter("proposals", "Proposals by what the gate said.", ("hub", "verdict"), **more)
        self.releases = Counter("releases", "Versions that cycles released.", ("hub",), **more)
        self.tokens = Counter("model_tokens", "Tokens that models were asked with.", ("hub",), **more)
        self.calls = Counter("model_calls", "Requests to models.", ("hub",), **more)
        self.usd = Counter("model_usd", "Dollars that models cost, where a price is set.", ("hub",), **more)
        self.degraded = Counter("cycles_degraded", "Cycles that did without their model.", ("hub",), **more)
        self.lost = Counter("claims_lost", "Cycles that lost their claim or process.", ("hub",), **more)
        self.groups = Gauge("groups", "Groups by state.", ("state",), **more)
        self.state = Gauge("group_state", "1 for the state that a group is in.", ("hub", "state"), **more)
        self.waiting = Gauge("sessions_waiting", "Sessions that no cycle took in yet.", ("hub",), **more)
        self.failures = Gauge("group_failures", "Failures in a row.", ("hub",), **more)
        self.alive = Gauge("scheduler_age_seconds", "Since the scheduler last looked at the clock.", **more)
        self.running = Gauge("cycles_running", "Cycles that run.", **more)
        self.paused = Gauge("paused", "1 while all groups are paused.", **more)
        self.spent_today = Gauge("model_usd_today", "Dollars that models cost today (UTC).", **more)
        self.streams = Gauge("event_readers", "Readers of server-sent events.", **more)
        self.asked = Counter("api_requests", "Answers of the API.", ("method", "route", "status"), **more)
        self.took = Histogram("api_seconds", "How long answers took.", ("route",), **more)
        self.denied = Counter("api_refused", "Requests that were refused.", ("reason",), **more)
        self.dropped = Counter("event_readers_dropped", "Readers of events that were too slow.", **more)
        self.failed_looks = Counter("metrics_errors", "Looks at the server that failed.", **more)

    def text(self) -> bytes:
        """The metrics as of now."""
        with self._lock:
            try:
                self._look()
            except Exception:  # what can still be told is told
                self.failed_looks.inc()
            return generate_latest(self.registry)

    def answered(self, method: str, route: str, status: int, began: float) -> None:
        """Note an answer; `began` by time.monotonic."""
        # whoever can reach the server may call a method what they like: each would be a series for good
        self.asked.labels(method if method in METHODS else "other", route, str(status)).inc()
        self.took.labels(route).observe(time.monotonic() - began)

    def _look(self) -> None:
        status = self.service.status()
        self.alive.set(status.alive)
        self.running.set(status.running)
        self.paused.set(float(status.paused))
        if status.budget is not None:
            self.spent_today.set(status.budget.usd)
        groups = self.service.groups()
        for state in STATES:
            self.groups.labels(state).set(sum(one.state == state for one in groups))
        self._gone({one.hub for one in groups})
        for one in groups:
            self._group(one)
            self._cycles(one.hub, self.service.cycles(one.hub, LOOKED))

    def _gone(self, hubs: set[str]) -> None:
        """Groups that are served no more have no state."""
        for hub in self._shown - hubs:
            for state in STATES:
                self.state.remove(hub, state)
            self.waiting.remove(hub)
            self.failures.remove(hub)
        self._shown = hubs

    def _group(self, one: GroupStatus) -> None:
        self._seen.setdefault(one.hub, set())
        for state in STATES:
            self.state.labels(one.hub, state).set(float(one.state == state))
        self.waiting.labels(one.hub).set(one.sessions_waiting)
        self.failures.labels(one.hub).set(one.failures)

    def _cycles(self, hub: str, lines: Iterable[CycleLine]) -> None:
        ended = {line.id: line for line in lines if line.outcome in OUTCOMES}
        for outcome in OUTCOMES:
            self.cycles.labels(hub, outcome)
        for line in ended.values():
            if line.id not in self._seen[hub]:
                self._count(hub, line)
        self._seen[hub] = set(ended)  # what is older is asked for no more

    def _count(self, hub: str, line: CycleLine) -> None:
        self.cycles.labels(hub, line.outcome).inc()
        self.seconds.labels(hub).observe(line.seconds)
        self.taken.labels(hub).inc(line.new)
        self.aside.labels(hub).inc(sum(line.aside.values()))
        self.refused.labels(hub).inc(sum(line.refused.values()))
        self.tokens.labels(hub).inc(line.spent.tokens)
        self.calls.labels(hub).inc(line.spent.calls)
        self.usd.labels(hub).inc(line.spent.usd)
        self.degraded.labels(hub).inc(bool(line.degraded))
        self.lost.labels(hub).inc(line.outcome == "lost")
        if not line.dry_run:
            self.releases.labels(hub).inc(line.released)
            for verdict, count in line.verdicts.items():
                self.proposals.labels(hub, verdict).inc(count)
