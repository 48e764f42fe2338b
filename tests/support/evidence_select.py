"""Cut the two public sets of evidence from the whole collections.

    python tests/support/evidence_select.py FOLDER-WITH-workbench-AND-tau-bench

WorkBench: of each domain the templates whose runs succeed most often, the first instances of each. tau-bench:
the retail dialogues of which every call is recorded. The choice depends on the collections alone.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import zstandard
from evidence import packed

from skillclaw.bench.datasets import Row, read_rows, taubench_session, workbench_session
from skillclaw.bench.workbench import instances
from skillclaw.trajectory.model import Trajectory, encode

TEMPLATES = 3
"""Of each domain of WorkBench."""
INSTANCES = 6
"""Of each template; eight models and tool sets tried each."""


def workbench(rows: list[Row]) -> list[Trajectory]:
    """The sessions of the set `workbench`."""
    good = Counter((row["domain"], row["template_id"]) for row in rows if row["success"])
    ranked = sorted(good, key=lambda name: (name[0], -good[name], name[1]))
    kept = {
        template
        for domain in {domain for domain, _ in ranked}
        for template in [t for d, t in ranked if d == domain][:TEMPLATES]
    }
    number = instances(rows)
    return [
        workbench_session(row)
        for row in rows
        if row["template_id"] in kept and number[row["task_id"]] <= INSTANCES
    ]


def taubench(rows: list[Row]) -> list[Trajectory]:
    """The sessions of the set `taubench`."""
    return [taubench_session(row) for row in rows if row["domain"] == "retail" and row["trace_complete"]]


def write(name: str, found: list[Trajectory]) -> int:
    """Package the set; its size in bytes."""
    lines = b"".join(encode(one) + b"\n" for one in found)
    packed(name).parent.mkdir(parents=True, exist_ok=True)
    return packed(name).write_bytes(zstandard.ZstdCompressor(level=22).compress(lines))


def main(folder: Path) -> None:
    for name, place, choose in (("workbench", "workbench", workbench), ("taubench", "tau-bench", taubench)):
        found = choose(list(read_rows(folder / place / "trajectories.jsonl.gz")))
        print(f"{name}: {len(found)} sessions, {write(name, found)} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
