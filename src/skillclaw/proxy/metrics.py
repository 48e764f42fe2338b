"""The metrics of a running `up` in Prometheus' text format, made when somebody asks.

Nothing here is kept between two looks: the numbers are the proxy's counters and what `up` told last. Labels
are names of agents and hubs from the settings and fixed words, never anything out of a request. Loaded at the
first look, since most proxies are asked by nobody.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from skillclaw import __version__
from skillclaw.proxy.facts import ProcessFacts, UpFacts, own_process, read_facts

if TYPE_CHECKING:
    from skillclaw.journal.writer import JournalWriter
    from skillclaw.proxy.counts import Counts, Spread
    from skillclaw.proxy.standing import Standing

__all__ = ["CONTENT_TYPE_LATEST", "text"]

CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")

Samples = Iterable[tuple[tuple[str, ...], float]]


def text(counts: Counts, now: Standing, journal: JournalWriter, home: Path, parent: int) -> bytes:
    """The proxy's metrics, with what the process `parent` told of itself. Any thread may call it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Look(counts, now, journal, home, parent))
    return generate_latest(registry)


class _Look(Collector):
    """One look at a proxy and the `up` that began it."""

    def __init__(
        self, counts: Counts, now: Standing, journal: JournalWriter, home: Path, parent: int
    ) -> None:
        self.counts = counts
        self.now = now
        self.journal = journal
        self.home = home
        self.parent = parent

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        facts = read_facts(self.home, self.parent)
        yield from _passed(self.counts)
        yield from _connections(self.now)
        yield from _journal(self.journal)
        taken = {"proxy": own_process()} | ({"up": facts.process} if facts is not None else {})
        yield from _processes(taken)
        yield _gauge("proxy_info", "The version that runs.", [((__version__,), 1.0)], "version")
        try:
            free = float(shutil.disk_usage(self.home).free)
        except OSError:
            pass
        else:
            yield _gauge("home_free_bytes", "Room on the disk of SkillClaw's folder.", [((), free)])
        if facts is not None:
            yield from _up(facts)


def _passed(counts: Counts) -> Iterator[Metric]:
    agents = sorted(counts.agents.items())
    yield _counter(
        "proxy_exchanges",
        "Exchanges that ended, by the class of their answer's status; none: there was no answer.",
        [((n, name), found) for n, one in agents for name, found in zip(CLASSES, one.classes, strict=True)],
        "agent",
        "status",
    )
    yield _counter(
        "proxy_exchanges_unfinished",
        "Exchanges that ended before they were whole, by who ended them (the proxy's limits: upstream).",
        [
            (key, found)
            for n, one in agents
            for key, found in (((n, "agent"), one.left), ((n, "upstream"), one.broken))
        ],
        "agent",
        "by",
    )
    yield _counter(
        "proxy_request_bytes", "Bytes of requests' bodies.", [((n,), o.sent) for n, o in agents], "agent"
    )
    yield _counter(
        "proxy_response_bytes", "Bytes of answers' bodies.", [((n,), o.received) for n, o in agents], "agent"
    )
    yield _counter(
        "proxy_own_errors",
        "Errors that the proxy answered itself, by their status.",
        [((str(status),), found) for status, found in sorted(list(counts.own.items()))],
        "status",
    )
    yield _histogram(
        "proxy_first_byte_seconds",
        "From a request's begin to the first byte of its answer: the model's time.",
        [((n,), one.first_byte) for n, one in agents],
        "agent",
    )
    yield _histogram(
        "proxy_added_seconds",
        "What the proxy adds: from a request's end to its being sent on.",
        [(("kept",), counts.added_kept), (("new",), counts.added_new)],
        "connection",
    )
    yield _histogram(
        "proxy_late_seconds",
        "How late the proxy's event loop was, looked at twice a second.",
        [((), counts.late)],
    )


def _connections(now: Standing) -> Iterator[Metric]:
    yield _gauge("proxy_under_way", "Requests under way.", [((), now.under_way)])
    yield _gauge("proxy_connections", "Connections of agents that are open.", [((), now.connections)])
    if now.most:
        yield _gauge("proxy_connections_most", "Files that connections may take.", [((), now.most)])
    yield _counter("proxy_connections_refused", "Connections turned away: no file left.", [((), now.refused)])
    yield _gauge("proxy_upstreams", "Agents that have an upstream.", [((), now.upstreams)])
    yield _gauge("proxy_upstreams_wrong", "Agents whose upstream is no URL to use.", [((), len(now.wrong))])


def _journal(journal: JournalWriter) -> Iterator[Metric]:
    stats = journal.stats()
    yield _counter("journal_records", "Exchanges that were recorded.", [((), stats.exchanges)])
    yield _counter("journal_records_lost", "Exchanges that could not be recorded.", [((), stats.dropped)])
    yield _counter("journal_written_bytes", "Bytes that were written.", [((), stats.bytes)])
    yield _counter("journal_errors", "Writes that failed.", [((), stats.errors)])
    yield _gauge("journal_failing", "1 while nothing can be recorded.", [((), bool(stats.last_error))])
    yield _gauge("journal_queue", "Exchanges that wait to be written.", [((), stats.queue)])
    yield _gauge("journal_queue_bytes", "Bytes that wait to be written.", [((), journal.waiting)])
    yield _gauge("journal_bytes", "Bytes of the journal on the disk.", [((), journal.on_disk)])
    yield _gauge("journal_most_bytes", "Bytes that the journal may have.", [((), journal.cap)])
    yield _gauge("journal_segments", "Files of the journal.", [((), stats.segments)])


def _processes(taken: dict[str, ProcessFacts]) -> Iterator[Metric]:
    def of(field: str) -> Samples:
        return [((name,), value) for name, one in taken.items() if (value := getattr(one, field)) is not None]

    label = "process"
    yield _gauge("process_resident_bytes", "Memory that a process has.", of("memory"), label)
    yield _counter("process_cpu_seconds", "CPU that a process took.", of("cpu"), label)
    yield _gauge("process_open_files", "Files that a process has open.", of("files"), label)
    yield _gauge("process_threads", "Threads of a process.", of("threads"), label)
    yield _gauge("process_start_time_seconds", "When a process began (Unix time).", of("started"), label)


def _up(facts: UpFacts) -> Iterator[Metric]:
    now = time.time()
    yield _gauge("up_info", "The version that runs.", [((facts.version,), 1.0)], "version")
    yield _gauge(
        "up_loop_age_seconds", "Since `up` last told how it stands.", [((), max(0.0, now - facts.at))]
    )
    yield _gauge("up_agreed", "1 once it may import, connect and install.", [((), facts.agreed)])
    yield _gauge(
        "up_part_failing",
        "1 for a part of `up` whose last try failed.",
        [((part,), part in facts.failing) for part in facts.parts],
        "part",
    )
    yield _gauge(
        "up_part_last_seconds",
        "When a part of `up` last did something (Unix time).",
        [((part,), at) for part, at in facts.last.items()],
        "part",
    )
    cycle = facts.cycle
    yield _counter(
        "up_cycles", "Cycles that ended.", [(("done",), cycle.done), (("failed",), cycle.failed)], "outcome"
    )
    yield _gauge("up_cycle_running", "1 while a cycle runs.", [((), cycle.running)])
    if cycle.ended is not None:
        yield _gauge("up_cycle_last_seconds", "When the last cycle ended (Unix time).", [((), cycle.ended)])
        yield _gauge(
            "up_cycle_last_duration_seconds", "How long the last cycle took.", [((), cycle.seconds or 0.0)]
        )
        yield _gauge("up_cycle_last_well", "1 where the last cycle ended well.", [((), bool(cycle.well))])
    if facts.sessions is not None:
        yield _gauge("up_sessions", "Sessions that are stored here.", [((), facts.sessions)])
    if facts.skills is not None:
        yield _gauge("up_skills_installed", "Skills that are installed here.", [((), facts.skills)])
    hubs = sorted(facts.hubs.items())
    yield _gauge(
        "up_hub_age_seconds",
        "Since a hub last answered.",
        [((n,), max(0.0, now - one.answered)) for n, one in hubs if one.answered is not None],
        "hub",
    )
    yield _gauge(
        "up_hub_failures",
        "How often in a row a hub did not answer.",
        [((n,), o.failures) for n, o in hubs],
        "hub",
    )
    groups = sorted(facts.groups.items())
    yield _gauge(
        "up_group_failures",
        "Failures in a row of a group's cycles that `up` runs.",
        [((n,), one.failures) for n, one in groups],
        "hub",
    )
    yield _gauge(
        "up_group_sessions_waiting",
        "Sessions of a group that no cycle of this `up` took in yet.",
        [((n,), one.waiting) for n, one in groups],
        "hub",
    )


def _gauge(name: str, told: str, samples: Samples, *labels: str) -> Metric:
    family = GaugeMetricFamily(f"skillclaw_{name}", told, labels=labels)
    for values, value in samples:
        family.add_metric(values, float(value))
    return family


def _counter(name: str, told: str, samples: Samples, *labels: str) -> Metric:
    family = CounterMetricFamily(f"skillclaw_{name}", told, labels=labels)
    for values, value in samples:
        family.add_metric(values, float(value))
    return family


def _histogram(
    name: str, told: str, samples: Iterable[tuple[tuple[str, ...], Spread]], *labels: str
) -> Metric:
    family = HistogramMetricFamily(f"skillclaw_{name}", told, labels=labels)
    for values, spread in samples:
        family.add_metric(values, spread.up_to(), spread.total)
    return family
