"""Many simulated groups, in two processes, and what is told of them."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from skillclaw.bench.groupsim.figures import Figures, Row, figures
from skillclaw.bench.groupsim.group import Newcomers, play
from skillclaw.bench.groupsim.records import Told
from skillclaw.bench.groupsim.world import ARMS, Arm

__all__ = ["markdown", "run_group_bench", "summary"]

Progress = Callable[[int, int | None, str], None]

MEMORY = Path("/dev/shm")  # noqa: S108 - folders of our own are made there, with names that nobody knows


def run_group_bench(
    seeds: int,
    days: int,
    newcomers: Newcomers,
    *,
    jobs: int = 2,
    arms: Sequence[Arm] = ARMS,
    progress: Progress = lambda done, total, what: None,
) -> dict[str, Any]:
    """Every arm with every seed from 0 on; the same seeds in all arms. `jobs` 1: in this process."""
    began = time.monotonic()
    plan = [(seed, arm, days) for seed in range(seeds) for arm in arms]
    told: dict[tuple[int, Arm, int], Told] = {}
    if jobs <= 1:
        for at, job in enumerate(plan):
            told[job] = _play(job, newcomers)
            progress(at + 1, len(plan), "groups")
    else:
        # A fresh process has none of this one's threads.
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
            running = {pool.submit(_play, job, newcomers): job for job in plan}
            for at, done in enumerate(as_completed(running), 1):
                told[running[done]] = done.result()
                progress(at, len(plan), "groups")
    found = [told[job] for job in plan]
    return {
        "seeds": seeds,
        "days": days,
        "seconds": round(time.monotonic() - began, 1),
        "figures": figures(found),
        "groups": found,
    }


def _play(job: tuple[int, Arm, int], newcomers: Newcomers) -> Told:
    with tempfile.TemporaryDirectory(
        prefix="skillclaw-groups-", dir=MEMORY if MEMORY.is_dir() else None, ignore_cleanup_errors=True
    ) as folder:
        return play(*job, Path(folder), newcomers)


HEAD = (
    "skills",
    "n",
    "stable",
    "at most",
    "unproven",
    "rolled back",
    "in 14 days",
    "at least",
    "days to stable",
    "days to roll back",
)


def _cells(row: Row) -> tuple[str, ...]:
    shares = (
        row.stable,
        row.stable_upper,
        row.unproven,
        row.rolled_back,
        row.back_14,
        row.back_14_lower,
    )
    up = f"{row.up[1]:.0f} ({row.up[0]:.0f} to {row.up[2]:.0f})" if row.up else "-"
    down = f"{row.down[0]:.0f} (95%: {row.down[1]:.0f})" if row.down else "-"
    return (row.skills, str(row.n), *(f"{share:.1%}" for share in shares), up, down)


def _said(found: Figures) -> list[str]:
    """What the tables do not hold, a sentence each."""
    said = [
        f"{found.groups} groups of {found.members[0]} to {found.members[1]} people, {found.sessions:,} "
        f"sessions, {found.log:,} entries of their logs; `hub verify` found {found.problems} problems.",
        f"The gate let {found.proposed - found.refused_good} of {found.proposed} real lessons through.",
    ]
    for what, ends in found.attempts.items():
        told = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
        said.append(f"Must not be released, {what}: {told}.")
    for arm in ARMS:
        wrong = found.retired_wrongly.get(arm, 0)
        n, gone, days = found.turned_stable.get(arm, (0, 0, None))
        response = next(
            (r.response for r in found.rows if r.arm == arm and r.skills.startswith("turned") and r.response),
            None,
        )
        if response:
            said.append(
                f"{arm}: turned harmful as a canary: rolled back {response[0]:.0f} days after the change "
                f"(median; 95%: {response[1]:.0f})."
            )
        if n or wrong:
            after = f", {days:.0f} days after the change (median)" if days is not None else ""
            said.append(
                f"{arm}: turned harmful when no canary any more: {gone} of {n} retired by the end{after}; "
                f"retired though they did not harm: {wrong}."
            )
    return said


def summary(result: dict[str, Any]) -> str:
    """For people."""
    found: Figures = result["figures"]
    lines = []
    for arm in dict.fromkeys(row.arm for row in found.rows):
        table = [HEAD, *(_cells(row) for row in found.rows if row.arm == arm)]
        widths = [max(len(line[at]) for line in table) for at in range(len(HEAD))]
        lines.append(f"{arm}:")
        for line in table:
            cells = zip(line, widths, strict=True)
            lines.append(
                "  ".join(c.rjust(w) if n else c.ljust(w) for n, (c, w) in enumerate(cells)).rstrip()
            )
        lines.append("")
    return "\n".join([*lines, *_said(found)])


def markdown(result: dict[str, Any]) -> str:
    """The same as Markdown."""
    found: Figures = result["figures"]
    lines = [
        "| members | " + " | ".join(HEAD) + " |",
        "| --- | --- |" + " ---: |" * (len(HEAD) - 1),
        *(f"| {row.arm} | {' | '.join(_cells(row))} |" for row in found.rows),
        "",
        *(f"- {said}" for said in _said(found)),
    ]
    return "\n".join(lines) + "\n"
