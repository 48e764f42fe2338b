"""The published data of WorkBench: a folder that someone has, or the copy of it in this package.

github.com/olly-styles/WorkBench at 42f1b6d (arXiv 2405.00823), MIT. A folder holds `databases/` (six CSV
files) and `trajectories.jsonl.gz`; what is packaged is listed in data/README.md.
"""

from __future__ import annotations

from pathlib import Path

from skillclaw.bench.datasets import read_rows
from skillclaw.bench.suites.workbench.tables import Office
from skillclaw.errors import BadInputError, StorageError
from skillclaw.trajectory.model import Record

__all__ = ["OFFICE", "RUNS", "TASKS", "Given", "read_office", "read_tasks"]

_HERE = Path(__file__).parent / "data"
OFFICE = _HERE / "office.jsonl.zst"
"""All six tables, one a line: `file` and `text`."""
TASKS = _HERE / "tasks.jsonl.zst"
"""All 690 tasks, with what is expected."""
RUNS = _HERE / "runs.jsonl.zst"
"""Some recorded runs, in the form of trajectories.jsonl.gz without the agents' thoughts."""


class Given(Record, frozen=True, kw_only=True):
    """A published task; `gold` are the calls whose effect is expected, as recorded."""

    id: str
    template: str
    domain: str
    query: str
    gold: tuple[str, ...]


def read_office(source: Path) -> Office:
    """The office from a folder of CSV files, or from a file like `OFFICE`. Raises StorageError or
    BadInputError."""
    try:
        if source.is_dir():
            return Office.read(lambda name: (source / name).read_text(encoding="utf-8"))
        return Office.read({row["file"]: row["text"] for row in read_rows(source)}.__getitem__)
    except OSError as error:
        raise StorageError(f"Cannot read {source}.", str(error), "Check the path.") from error
    except (ValueError, KeyError) as error:
        raise BadInputError(
            f"{source} does not hold the tables of WorkBench.", repr(error), "Take them as published."
        ) from error


def read_tasks(source: Path) -> list[Given]:
    """The tasks in a file of recorded runs, or in one like `TASKS`, each once, in the order of their IDs.
    Raises StorageError or BadInputError."""
    found: dict[str, Given] = {}
    for row in read_rows(source):
        try:
            if row["task_id"] not in found:
                found[row["task_id"]] = Given(
                    id=row["task_id"],
                    template=row["template_id"],
                    domain=row["domain"],
                    query=row["query"],
                    gold=tuple(row["gold_calls"]),
                )
        except KeyError as error:
            raise BadInputError(
                f"{source} does not hold tasks of WorkBench.", f"No {error}.", "Take it as published."
            ) from error
    return [found[task] for task in sorted(found)]
