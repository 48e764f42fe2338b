"""Whether a soak held: each thing that must be so, with what was measured and the bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from skillclaw.bench.soak.watch import Held, Sample, floors, slope

__all__ = ["GROWTH_MB", "SHORT", "Facts", "summary", "verdict"]

GROWTH_MB = 8.0
"""MB that memory may grow by over the last two thirds of a run, as the median slope of its floors tells."""
SHORT = 600.0
"""Seconds below which growth is told but not judged: for minutes, what a process makes once (the pools of its
allocator, each kind of request's first) looks like a leak, the more the slower the machine."""


class Facts(NamedTuple):
    """What was seen.

    seconds, rate, seed  how long, requests a second, the seed
    idle, left           what the process held before and after the load
    hung                 requests that never ended; `left_out`: arrivals that were too many at once
    finished             requests that ended, by kind
    records, missing     exchanges in the journal; finished ones that it lacks
    failures, told       differences of bytes, states and records: how many, and the first
    cpu                  seconds of CPU that the proxy used
    log, errors          the end of what the proxy wrote to stderr, and how many errors are in it
    """

    seconds: float
    rate: float
    seed: int
    samples: Sequence[Sample]
    idle: Held
    left: Held
    health: Mapping[str, Any]
    alive: bool
    hung: int
    left_out: int
    finished: Mapping[str, int]
    records: int
    missing: int
    no_websocket: int
    failures: int
    told: Sequence[str]
    cpu: float
    log: Sequence[str]
    errors: int


def verdict(facts: Facts) -> dict[str, Any]:
    """The result: `holds`, `checks` with `{name, value, bound, holds}` (null: not judged), and figures."""
    late = [one for one in facts.samples if one.at >= facts.seconds / 3]
    window = late[-1].at - late[0].at if late else 0.0
    per_second = slope(floors(late))
    growth = per_second * window
    journal = facts.health.get("journal", {})
    judged = facts.seconds >= SHORT
    # Left-out websockets reached no upstream, so that nothing had to be recorded.
    due = sum(facts.finished.values()) - facts.no_websocket
    checks = [
        _check("the proxy lived to the end", int(facts.alive), 1, facts.alive),
        _check("differences of bytes or states", facts.failures, 0, facts.failures == 0),
        _check("requests that hung", facts.hung, 0, facts.hung == 0),
        _check("finished exchanges missing in the journal", facts.missing, 0, facts.missing == 0),
        _check("records for each exchange that was due", facts.records, due, facts.records == due),
        _check(
            "records as /healthz counts them", journal.get("exchanges"), due, journal.get("exchanges") == due
        ),
        _check("dropped by the journal", journal.get("dropped"), 0, journal.get("dropped") == 0),
        _check("errors of the journal", journal.get("errors"), 0, journal.get("errors") == 0),
        _check(
            "MB of growth, last two thirds",
            round(growth, 2),
            GROWTH_MB,
            growth <= GROWTH_MB if judged else None,
        ),
        _check("open connections afterwards", facts.left.connections, 0, facts.left.connections == 0),
        _check(
            "file descriptors afterwards", facts.left.fds, facts.idle.fds, facts.left.fds <= facts.idle.fds
        ),
        _check("errors that the proxy logged", facts.errors, 0, facts.errors == 0),
    ]
    if "under_way" in facts.health:
        left = facts.health["under_way"]
        checks.append(_check("requests under way afterwards", left, 0, left == 0))
    rss = [one.rss_mb for one in facts.samples] or [0.0]
    requests = sum(facts.finished.values())
    return {
        "holds": all(check["holds"] is not False for check in checks),
        "checks": checks,
        "seconds": round(facts.seconds, 1),
        "seed": facts.seed,
        "rate": facts.rate,
        "requests": requests,
        "finished": dict(facts.finished),
        "websocket": "refused" if facts.no_websocket else "passed",
        "left_out": facts.left_out,
        "rss_mb": {
            "first": round(rss[0], 1),
            "median": round(sorted(rss)[len(rss) // 2], 1),
            "peak": round(max(rss), 1),
            "last": round(rss[-1], 1),
            "slope_mb_per_hour": round(per_second * 3600, 2),
        },
        "fds": {
            "idle": facts.idle.fds,
            "peak": max((one.fds for one in facts.samples), default=0),
            "left": facts.left.fds,
        },
        "threads": {"idle": facts.idle.threads, "left": facts.left.threads},
        "cpu_ms_per_request": round(facts.cpu / max(1, requests) * 1000, 3),
        "failures": list(facts.told),
        "log": list(facts.log),
    }


def _check(name: str, value: Any, bound: Any, holds: bool | None) -> dict[str, Any]:
    return {"name": name, "value": value, "bound": bound, "holds": holds}


def summary(result: Mapping[str, Any]) -> str:
    """For people."""
    rss, fds = result["rss_mb"], result["fds"]
    lines = [
        f"{result['requests']:,} requests in {result['seconds']:.0f} s, {len(result['finished'])} kinds; "
        f"WebSocket {result['websocket']}; {result['left_out']} arrivals left out.",
        f"Memory {rss['first']:.0f} MB at first, {rss['median']:.0f} median, {rss['peak']:.0f} peak, "
        f"{rss['last']:.0f} at the end; slope of the last two thirds {rss['slope_mb_per_hour']:+.1f} MB/h.",
        f"File descriptors {fds['idle']} idle, {fds['peak']} peak, {fds['left']} afterwards; "
        f"CPU {result['cpu_ms_per_request']:.2f} ms for a request.",
        "",
    ]
    words = {True: "holds", False: "FAILS", None: "-"}
    lines += [
        f"{words[check['holds']]:<6} {check['name']}: {check['value']} ({check['bound']})"
        for check in result["checks"]
    ]
    lines += [f"  {line}" for line in result["failures"]]
    return "\n".join(lines)
