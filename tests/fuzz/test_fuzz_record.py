"""A run of the fuzzer that ran nothing is no row, two in one folder are told, and what was seen is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from fuzzing.drive import Result, TakenError, drive
from fuzzing.record import BEGIN, END, kept, recorded, rows_of, table, write

RUN = Path(__file__).with_name("run.py")
PLANTED = Path(__file__).with_name("planted")
SEEN = [
    Result("sse", "atheris", 12_345, 61.2, 400, 900, 55, 210, []),
    Result("sse", "hypothesis", 678, 15.0, 0, 0, 0, 90, ["crash: x"]),
]


def run(place: Path, *args: object) -> tuple[int, str]:
    (place / "corpora" / "fine").mkdir(parents=True, exist_ok=True)
    (place / "corpora" / "fine" / "seed").write_bytes(b"x")
    argv = [sys.executable, RUN, "--targets", PLANTED, "--corpora", place / "corpora", "--target", "fine"]
    argv += ["--engine", "hypothesis", "--work", place / "work", *args]
    done = subprocess.run(
        [str(one) for one in argv],
        capture_output=True,
        text=True,
        timeout=100,
        env=os.environ | {"HOME": str(place)},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_the_shortest_run_runs_inputs_and_puts_its_row_into_the_document(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Head\n\n{BEGIN}\nold\n{END}\n\n## Next\n")
    rows = tmp_path / "rows.json"
    write(rows, rows_of(SEEN))
    # a share of so little time is below the half second that is not worth another child
    code, told = run(tmp_path, "--cpu-minutes", "0.004", "--json", rows, "--add", "--record", page)
    assert code == 0, told
    by = {(row["target"], row["engine"]): row for row in kept(rows)}
    assert set(by) == {("fine", "hypothesis"), ("sse", "atheris"), ("sse", "hypothesis")}
    fine = by["fine", "hypothesis"]
    assert fine["executions"] > 0 and fine["peak_mb"] > 10 and fine["version"]
    assert fine["python"] == ".".join(map(str, sys.version_info[:3]))
    text = page.read_text()
    assert text.startswith(f"# Head\n\n{BEGIN}\n") and text.endswith(f"{END}\n\n## Next\n")
    assert "old" not in text
    assert "| sse | 61 | 12,345 | 400 | 900 | 210 | 0 | 15 | 678 | 1 |" in text
    assert "| fine | – | – |" in text


def test_two_runs_in_one_folder_are_told_and_make_no_row(tmp_path: Path) -> None:
    folder = tmp_path / "work" / "fine" / "hypothesis"
    folder.mkdir(parents=True)
    with FileLock(folder / "lock"):
        with pytest.raises(TakenError, match="another run"):
            drive(PLANTED / "fine.py", "hypothesis", 1.0, folder, tmp_path, 5.0)
        code, told = run(tmp_path, "--cpu-minutes", "0.004", "--json", tmp_path / "rows.json")
    assert code == 2 and "another run works in" in told
    assert not (tmp_path / "rows.json").exists()


def test_a_target_that_ran_no_input_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fuzzing import drive as driving

    def ended(*_: Any) -> Any:
        (tmp_path / "said").write_bytes(b"nothing to do")
        return driving.Watched(None, b"", 0, 3.0, 10.0)

    monkeypatch.setattr(driving, "watch", ended)
    with pytest.raises(RuntimeError, match="ran no input"):
        drive(PLANTED / "fine.py", "atheris", 1.0, tmp_path, tmp_path, 5.0)


def test_a_document_without_a_place_is_left_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Head\n")
    with pytest.raises(ValueError, match="no place"):
        recorded(page, rows_of(SEEN))
    assert page.read_text() == "# Head\n"
    assert table([]) == "No run is recorded.\n"
    assert json.loads(json.dumps(rows_of(SEEN)))[0]["target"] == "sse"
