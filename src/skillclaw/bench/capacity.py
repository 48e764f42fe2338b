"""What a group of so many members takes: the evolver's machine, the hub's storage, and what that costs.

For each size a group is made whose members sealed the sessions of some days; `skillclaw serve --once` evolves
over them, then over one day more. That is measured. What members' machines ask of the storage on a day is
arithmetic: their polls at the default interval, and each release fetched by each (see `bench sync`).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skillclaw import settings
from skillclaw.bench.serve import Fill, Progress, check_disk, fill_all, serve_once, under
from skillclaw.bench.sync_wire import counted
from skillclaw.errors import UsageError
from skillclaw.hub.store import Store
from skillclaw.library.pace import SPREAD
from skillclaw.settings import SyncSettings
from skillclaw.trajectory.model import Record

__all__ = ["BEGIN", "END", "Prices", "markdown", "run_capacity_bench", "summary"]

BEGIN = "<!-- bench capacity: made by `skillclaw bench capacity --markdown`, not by hand -->"
END = "<!-- end of bench capacity -->"
DAY = 86_400.0
MONTH = 30
KEPT = 180
"""Days that sealed sessions stay in a hub (`retention_days`)."""
LOOKS = 13 * 60 * 24
"""Requests of a server that looks at the group once a minute (docs/serve.md)."""
FETCHED = 3
"""Requests of a member for a release (`bench sync`)."""
SAMPLE = 50
"""Objects of a part of the hub that are read to estimate its size."""
LARGEST = 1 << 26
PARTS = ("log", "objects", "sessions", "inbox", "jobs")


class Prices(Record, frozen=True, kw_only=True):
    """In dollars: 1,000 requests that write or list, 1,000 others, a GB for a month. Transfer is not in it.

    Those of Amazon S3 Standard in us-east-1 as its list had them; they change, and differ by place.
    """

    dear: float = 0.005
    cheap: float = 0.0004
    gigabyte: float = 0.023


def run_capacity_bench(
    *,
    members: Sequence[int],
    daily: int,
    days: int,
    into: Path,
    url: str | None = None,
    data: Path | None = None,
    prices: Prices | None = None,
    progress: Progress = lambda done, total, what: None,
) -> dict[str, Any]:
    """Measure a group of each size. `daily`: sessions of a member on a day; `days`: how many of them there
    are before the day that is measured. `url` is empty object storage; without one hubs are folders, and
    requests are not counted.

    Returns `{"rows", "daily", "days", "storage", "prices"}`. A row: `members`, `sessions` (before the day),
    `a_day` (sessions on it); `first` and `day`, passes as `bench serve` has them; `objects` and `hub_mb`
    after them, `objects_a_day` and `mb_a_day`; `sent` (requests and `dear` ones of the members' sending,
    null for folders); `polls` and `looks` (requests on a day, by arithmetic); `requests_a_day` and
    `dear_a_day` (all together; of a folder null); `dollars_a_month`, with the storage of 180 days.
    """
    if not members or min(members) < 1 or daily < 1 or days < 1:
        raise UsageError(
            "A group has one member, one session and one day at least.",
            "",
            "For example: skillclaw bench capacity --members 5,25",
        )
    check_disk(into, max(members) * daily * (days + 1))
    prices = prices or Prices()
    rows = []
    for number, size in enumerate(sorted(set(members))):
        progress(number, len(members), f"{size} members")
        with tempfile.TemporaryDirectory(prefix="skillclaw-capacity-", dir=into) as folder:
            place = under(url, number) if url else str(Path(folder) / "hub")
            measured = _measured(Path(folder), place, size, daily, days, data, progress)
        rows.append(_row(measured, prices))
    return {
        "rows": rows,
        "daily": daily,
        "days": days,
        "storage": "folder" if url is None else "object storage",
        "prices": {"dear": prices.dear, "cheap": prices.cheap, "gigabyte": prices.gigabyte},
    }


def _measured(
    place: Path, url: str, members: int, daily: int, days: int, data: Path | None, progress: Progress
) -> dict[str, Any]:
    home = place / "server" / ".skillclaw"
    settings.set_value(home, "sync.targets", json.dumps([str(place / "skills")]))
    before = members * daily * days
    with counted(url if "://" in url else None) as (through, meter):
        through = through or url
        settings.set_value(home, "hubs.team.url", through)
        plan = Fill(through, place / "owner", home, data, 0, before, 0, members)
        fill_all([plan], progress)
        progress(0, None, f"{members} members: {before:,} sessions")
        first = serve_once(home, before, meter)
        store = Store(through)
        objects, size = _held(store)
        start = meter() if meter else None
        fill_all([plan._replace(start=before, sessions=members * daily)], progress)
        sent = None
        if meter and start:
            now = meter()
            sent = {"requests": now.requests - start.requests, "dear": now.dear - start.dear}
        progress(0, None, f"{members} members: a day more")
        day = serve_once(home, members * daily, meter)
        later, grown = _held(store)
    return {
        "members": members,
        "sessions": before,
        "a_day": members * daily,
        "first": first,
        "day": day,
        "objects": later,
        "hub_mb": round(grown / 1e6, 2),
        "objects_a_day": later - objects,
        "mb_a_day": round((grown - size) / 1e6, 3),
        "sent": sent,
    }


def _held(store: Store) -> tuple[int, float]:
    """How many objects lie in the hub, and about how many bytes."""
    count, size = 1, 0.0
    for part in PARTS:
        keys = store.list(part)
        some = keys[:: max(1, len(keys) // SAMPLE)]
        read = [len(data) for key in some if (data := store.get(key, LARGEST)) is not None]
        count += len(keys)
        size += len(keys) * sum(read) / len(read) if read else 0
    return count, size


def _row(measured: dict[str, Any], prices: Prices) -> dict[str, Any]:
    members, day, sent = measured["members"], measured["day"], measured["sent"]
    polls = round(members * DAY / (SyncSettings().interval * sum(SPREAD) / 2))
    fetched = members * FETCHED * day["released"]
    row = measured | {"polls": polls, "looks": LOOKS}
    if sent is None:
        return row | {"requests_a_day": None, "dear_a_day": None, "dollars_a_month": None}
    requests = polls + LOOKS + fetched + sent["requests"] + day["requests"]
    dear = sent["dear"] + day["dear"]
    kept = KEPT * max(measured["mb_a_day"], 0) / 1000
    dollars = MONTH * (dear * prices.dear + (requests - dear) * prices.cheap) / 1000 + kept * prices.gigabyte
    return row | {"requests_a_day": requests, "dear_a_day": dear, "dollars_a_month": round(dollars, 2)}


_HEAD = (
    "members",
    "sessions a day",
    "sessions before",
    "first cycle s",
    "a day's cycle s",
    "CPU s",
    "peak MB",
    "hub objects",
    "more a day",
    "hub MB",
    "requests a day",
    "of them dear",
    "$ a month",
)


def _cells(row: Mapping[str, Any]) -> list[str]:
    first, day = row["first"], row["day"]
    return [
        f"{row['members']:,}",
        f"{row['a_day']:,}",
        f"{row['sessions']:,}",
        f"{first['seconds']:.1f}",
        f"{day['seconds']:.1f}",
        f"{day['cpu_seconds']:.1f}",
        f"{max(first['peak_mb'], day['peak_mb']):.0f}",
        f"{row['objects']:,}",
        f"{row['objects_a_day']:,}",
        f"{row['hub_mb']:.1f}",
        *("-" if row[name] is None else f"{row[name]:,}" for name in ("requests_a_day", "dear_a_day")),
        "-" if row["dollars_a_month"] is None else f"{row['dollars_a_month']:.2f}",
    ]


def summary(result: Mapping[str, Any]) -> str:
    """For people: a line for each size."""
    rows = [_HEAD, *(_cells(row) for row in result["rows"])]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([*lines, _told(result)])


def markdown(result: Mapping[str, Any]) -> str:
    """The table for docs/benchmarks.md."""
    lines = [f"| {' | '.join(_HEAD)} |", f"|{' --- |' * len(_HEAD)}"]
    lines += [f"| {' | '.join(_cells(row))} |" for row in result["rows"]]
    return "\n".join([*lines, "", _told(result)])


def _told(result: Mapping[str, Any]) -> str:
    prices = result["prices"]
    return (
        f"{result['daily']} sessions a member and day, {result['days']} days before; {result['storage']}. "
        f"Prices: ${prices['dear']:g} for 1,000 requests that write or list, ${prices['cheap']:g} for 1,000 "
        f"others, ${prices['gigabyte']:g} for a GB and month."
    )
