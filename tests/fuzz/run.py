"""Fuzzes every target, each in a process of its own: `python tests/fuzz/run.py [--target NAME]`.

With atheris (Linux) coverage guides the search, and hypothesis makes inputs for a quarter of the time on top;
without it hypothesis has all of the time. Corpora grow in `build/fuzz/NAME/atheris/corpus`, where a later
run goes on; findings lie beside them, as short as they go. Exits 1 when there are any, 2 where a target
could not be run.

`--json FILE` keeps the rows, with `--add` beside those that the file has of other targets; `--record
docs/reliability.md` puts the table of all of them there. With `--only-record` nothing is run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
sys.path[:0] = [str(FUZZ), str(FUZZ.parent / "support"), str(FUZZ.parent.parent / "src")]

from fuzzing.child import has_atheris  # noqa: E402  the folder is on the path from here
from fuzzing.drive import Result, TakenError, drive  # noqa: E402
from fuzzing.record import kept, recorded, rows_of, write  # noqa: E402
from fuzzing.target import CORPORA, MOST_SECONDS, TARGETS, names, said  # noqa: E402

HEAD = ("target", "engine", "inputs", "CPU s", "inputs/s", "edges", "features", "corpus", "MB", "findings")


def main() -> int:
    asked = argparse.ArgumentParser(description="Fuzz the decoders and parsers.")
    asked.add_argument("--cpu-minutes", type=float, default=2.0, help="CPU time for each target (2)")
    asked.add_argument("--target", action="append", help="only this one; may be given more than once")
    asked.add_argument("--engine", choices=("both", "atheris", "hypothesis"), default="both")
    asked.add_argument("--json", type=Path, help="write the rows to this file")
    asked.add_argument("--add", action="store_true", help="keep the rows that the file has of other targets")
    asked.add_argument("--record", type=Path, help="put the table of the file's rows into this document")
    asked.add_argument("--only-record", action="store_true", help="run nothing")
    asked.add_argument("--targets", type=Path, default=TARGETS, help="folder of the targets")
    asked.add_argument("--corpora", type=Path, default=CORPORA, help="folder of their seeds")
    asked.add_argument("--work", type=Path, default=FUZZ.parent.parent / "build" / "fuzz")
    given = asked.parse_args()
    if (given.record or given.add or given.only_record) and not given.json:
        asked.error("--record, --add and --only-record need --json FILE, which has the rows")
    if given.only_record:
        recorded(given.record, kept(given.json)) if given.record else asked.error("--record says where")
        return 0
    known = names(given.targets)
    wanted = given.target or known
    if unknown := sorted(set(wanted) - set(known)):
        asked.error(f"no target {', '.join(unknown)}; there are {', '.join(known)}")
    engines = {"both": ["atheris", "hypothesis"]}.get(given.engine, [given.engine])
    if "atheris" in engines and not has_atheris():
        print(
            "atheris is not here (it has wheels for Linux): hypothesis has all of the time, without coverage."
        )
        engines = ["hypothesis"]
    before = kept(given.json) if given.add else []
    rows: list[Result] = []
    failed: list[str] = []
    print(_line(HEAD))
    for name in wanted:
        for engine in engines:
            share = 0.25 if engine == "hypothesis" and len(engines) > 1 else 1.0
            path = given.targets.resolve() / f"{name}.py"
            try:
                row = drive(
                    path,
                    engine,
                    given.cpu_minutes * 60 * share,
                    given.work.resolve() / name / engine,
                    given.corpora.resolve() / name,
                    said(path, "MOST_SECONDS", MOST_SECONDS),
                )
            except (TakenError, RuntimeError) as error:
                failed.append(str(error))
                print(f"not run: {error}", flush=True)
                continue
            rows.append(row)
            print(_line(_cells(row)), flush=True)
            if given.json:
                write(given.json, rows_of(rows), before)
    if given.record:
        recorded(given.record, kept(given.json))
    found = [finding for row in rows for finding in row.findings]
    for finding in found:
        print(f"finding: {finding}")
    return 2 if failed else 1 if found else 0


def _cells(row: Result) -> tuple[str, ...]:
    rate = row.executions / row.cpu_seconds if row.cpu_seconds else 0
    counted = [str(n) if row.engine == "atheris" else "-" for n in (row.edges, row.features, row.corpus)]
    return (
        row.target,
        row.engine,
        f"{row.executions:,}",
        f"{row.cpu_seconds:.0f}",
        f"{rate:,.0f}",
        *counted,
        str(row.peak_mb),
        str(len(row.findings)),
    )


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
