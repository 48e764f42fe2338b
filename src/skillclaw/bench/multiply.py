"""Any number of sessions out of real ones, by substitution.

Each real session becomes a template once: its JSON text cut at names, titles, addresses, dates, ids and
codes. A new session fills every place of one value with one new value, in the user's words, arguments and
results alike, so that where values came from stays true; tools, errors and outcomes stay real. The nth
session depends on the seed and n alone: a longer run begins like a shorter one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from random import Random

import msgspec

from skillclaw.bench.datasets import read_rows, taubench_session, workbench_session
from skillclaw.bench.long_sessions import long_sessions
from skillclaw.bench.substitution import Template, fill, names_in, template
from skillclaw.errors import BadInputError
from skillclaw.trajectory.model import Trajectory, meta, with_meta
from skillclaw.trajectory.outcomes import outcome

__all__ = ["multiplied", "read_real"]

LONG_FORMS = 12
"""Different long sessions, before substitution."""


def read_real(data: Path | None) -> list[Trajectory]:
    """The real sessions: the packaged slice; or of a file of recorded runs or ATIF, or every such file under
    a folder. Outcomes are judged as an import judges them. Raises BadInputError when there are none.
    """
    if data is None:
        with as_file(files("skillclaw.bench") / "demo") as demo:
            found = [t for path in sorted(demo.glob("*.jsonl.zst")) for t in _sessions(path)]
    elif data.is_dir():
        found = [t for path in sorted(data.rglob("*.jsonl*")) for t in _sessions(path)]
    else:
        found = list(_sessions(data))
    if not found:
        raise BadInputError(
            f"{data} holds no sessions.", "", "Name a file of recorded runs, or a folder of them."
        )
    return found


def _sessions(path: Path) -> Iterator[Trajectory]:
    for row in read_rows(path):
        if "schema_version" in row:
            given = msgspec.convert(row, Trajectory)
        else:
            given = workbench_session(row) if "toolset" in row else taubench_session(row)
        verdict, confidence, signals = outcome(given)
        known = msgspec.structs.replace(meta(given), outcome=verdict, confidence=confidence, signals=signals)
        yield with_meta(given, known)


def multiplied(
    real: Sequence[Trajectory], count: int, *, seed: int, long_share: float = 0.0, start: int = 0
) -> Iterator[Trajectory]:
    """`count` sessions made from `real`, one by one, from number `start` on.

    Users are drawn from a pool that grows (about the square root of the number so far, 8 at least), days from
    180, models from six. A share `long_share` of the sessions has about 200 steps: work of the same kind,
    one request after the other, with shell commands, file edits, test runs and long outputs between.
    """
    names = names_in(real)
    order = Random(seed)  # noqa: S311 - data, not secrets
    ranks = list(range(len(real)))
    order.shuffle(ranks)
    usual: dict[int, Template] = {}
    long = long_sessions(real, LONG_FORMS, seed, sorted(names)) if long_share else []
    lengthy: dict[int, Template] = {}
    for number in range(start, start + count):
        if int((number + 1) * long_share) > int(number * long_share):
            which, known, source = number % len(long), lengthy, long[number % len(long)]
        else:
            which, known = ranks[number % len(ranks)], usual
            source = real[which]
        if which not in known:
            known[which] = template(source, names)
        yield fill(known[which], number, seed)
