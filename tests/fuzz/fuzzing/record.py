"""What a run of the fuzzer came to, kept as JSON and shown as a table in a document.

A row is a `Result` with what it was run by and when, so that rows of several runs can stand in one file: a
run over all targets takes hours, and may be done in parts. In the document the table stands between two
marks, and whatever stood there before goes.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fuzzing.drive import Result

__all__ = ["BEGIN", "END", "kept", "recorded", "rows_of", "table", "write"]

BEGIN = "<!-- fuzz runs: written by tests/fuzz/run.py --record -->"
END = "<!-- end of fuzz runs -->"
HEAD = (
    "| target | CPU s | inputs | edges | features | most memory, MB | findings | CPU s | inputs | findings |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)
NONE = "–"

Row = dict[str, Any]


def rows_of(results: Sequence[Result]) -> list[Row]:
    """The results with the versions of this run; a row of hypothesis has no edges."""
    made_by = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
    return [{**one._asdict(), "version": _version(one.engine), **made_by} for one in results]


def _version(engine: str) -> str:
    try:
        return importlib.metadata.version(engine)
    except importlib.metadata.PackageNotFoundError:
        return ""


def kept(path: Path) -> list[Row]:
    """The rows of the file; none where there is no file yet."""
    if not path.exists():
        return []
    rows: list[Row] = json.loads(path.read_text("utf-8"))["rows"]
    return rows


def write(path: Path, rows: Sequence[Row], before: Sequence[Row] = ()) -> None:
    """Writes the rows, after those of `before` that are of other targets or engines."""
    own = {(row["target"], row["engine"]) for row in rows}
    others = [row for row in before if (row["target"], row["engine"]) not in own]
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {"rows": sorted([*others, *rows], key=lambda row: (row["target"], row["engine"]))}
    path.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")


def table(rows: Sequence[Row]) -> str:
    """A line of Markdown for each target: under coverage, then hypothesis; before it what all were run by."""
    if not rows:
        return "No run is recorded.\n"
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["target"], {})[row["engine"]] = row
    by = sorted({f"{row['engine']} {row['version']}".strip() for row in rows})
    python = sorted({row["python"] for row in rows})
    days = sorted({row["date"] for row in rows})
    total = sum(row["executions"] for row in rows)
    spent = sum(row["cpu_seconds"] for row in rows) / 60
    many = sum(len(row["findings"]) for row in rows)
    systems = ", ".join(sorted({row["system"] for row in rows}))
    said = (
        f"{len(found)} targets, {total:,} inputs in {spent:,.0f} minutes of CPU, {many} findings. By "
        f"{', '.join(by)} on Python {', '.join(python)}, {systems}, "
        f"{days[0] if len(days) == 1 else f'{days[0]} to {days[-1]}'}. The first six columns of figures are "
        "under coverage, the last three by hypothesis."
    )
    lines = [_line(name, both) for name, both in sorted(found.items())]
    return "\n".join([said, "", *HEAD, *lines]) + "\n"


def _line(name: str, both: dict[str, Row]) -> str:
    guided, made = both.get("atheris"), both.get("hypothesis")
    first = (
        [
            *(f"{guided['cpu_seconds']:.0f}", f"{guided['executions']:,}", f"{guided['edges']:,}"),
            *(f"{guided['features']:,}", f"{guided['peak_mb']:,}", str(len(guided["findings"]))),
        ]
        if guided
        else [NONE] * 6
    )
    second = (
        [f"{made['cpu_seconds']:.0f}", f"{made['executions']:,}", str(len(made["findings"]))]
        if made
        else [NONE] * 3
    )
    return f"| {' | '.join([name, *first, *second])} |"


def recorded(document: Path, rows: Sequence[Row]) -> None:
    """Puts the table between the marks of the document. Raises ValueError where it has none."""
    text = document.read_text("utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document} has no place for the table, from {BEGIN} to {END}")
    document.write_text(f"{head}{BEGIN}\n{table(rows)}{END}{tail}", "utf-8")
