"""Limits of a process, as a part of SkillClaw meets them: the user is told of the limit, not of the file."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

from skillclaw import zstd
from skillclaw.cli import output
from skillclaw.cli.trouble import machine_trouble
from skillclaw.errors import BadInputError, SkillClawError, StorageError
from skillclaw.journal.store import SessionStore
from skillclaw.journal.store_file import told
from skillclaw.server.sessions import intake

USUAL = "Delete it, then connect the agents again."
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX limits")


def made_amid(error: Exception, why: str) -> SkillClawError:
    """What a part makes of `error`, as all of them do."""
    try:
        try:
            raise error
        except (OSError, ImportError) as found:
            raise BadInputError("Cannot read wanted.json.", why, USUAL) from found
    except BadInputError as made:
        return made


@pytest.mark.parametrize(
    ("number", "todo"),
    [
        (errno.EMFILE, "ulimit -n"),
        (errno.ENFILE, "ulimit -n"),
        (errno.EFBIG, "ulimit -f"),
        (errno.ENOMEM, "ulimit -v"),
    ],
)
def test_an_error_made_amid_a_limit_says_what_to_do_about_that(number: int, todo: str) -> None:
    error = OSError(number, os.strerror(number), "/some/wanted.json")
    made = made_amid(error, str(error))
    assert made.what == "Cannot read wanted.json." and made.why == str(error)
    assert todo in made.todo and USUAL not in made.todo
    assert os.strerror(number) in made_amid(error, "in a part's own words").why


def test_any_other_error_says_what_the_part_says() -> None:
    error = OSError(errno.EACCES, os.strerror(errno.EACCES), "/some/wanted.json")
    assert made_amid(error, str(error)).todo == USUAL
    assert made_amid(ImportError("No module named 'x'"), "no x").todo == USUAL
    assert StorageError("Cannot read it.", "", USUAL).todo == USUAL


@pytest.mark.parametrize(
    ("said", "todo"),
    [
        ("libx.so: cannot open shared object file: Too many open files", "ulimit -n"),
        ("libx.so: failed to map segment from shared object", "ulimit -v"),
        ("libx.so: cannot allocate memory in static TLS block", "ulimit -v"),
        ("\n\nIMPORTANT: read this\n\nOriginal error was: libx.so: failed to map segment", "ulimit -v"),
    ],
)
def test_a_library_that_a_limit_keeps_from_loading(said: str, todo: str) -> None:
    assert todo in made_amid(ImportError(said), said).todo
    found = machine_trouble(ImportError(said))
    assert found is not None and todo in found[2] and "\n" not in found[1]


def test_what_packs_may_lack_memory_too() -> None:
    told = machine_trouble(
        zstd.Damaged("Unable to compress Zstandard data: Allocation error : not enough memory")
    )
    assert told is not None and "ulimit -v" in told[2]
    assert (
        machine_trouble(zstd.Damaged("Unable to decompress Zstandard data: Unknown frame descriptor")) is None
    )


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (MemoryError(), "there is not enough memory"),
        (ImportError("re2.so: failed to map segment from shared object"), "there is not enough memory"),
        (KeyError("ours"), "please report this"),
    ],
)
def test_a_session_that_cannot_be_read_for_lack_of_memory_is_no_fault_to_report(
    error: Exception, asked: str
) -> None:
    assert intake._reason(error) == f"SkillClaw cannot read it ({type(error).__name__}); {asked}"


@contextmanager
def no_more_files() -> Iterator[None]:
    """No file can be opened any more."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = os.open(os.devnull, os.O_RDONLY)
    os.close(highest)  # the lowest number that is free: all below it are open
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@posix
def test_a_database_that_too_many_open_files_keep_closed(tmp_path: Path) -> None:
    SessionStore(tmp_path).close()
    with no_more_files():
        try:
            sqlite3.connect(tmp_path / "sessions.db")
        except sqlite3.OperationalError as error:
            made = told(tmp_path / "sessions.db", error)
            raw = machine_trouble(error)
    assert made.why == "unable to open database file: Too many open files" and "ulimit -n" in made.todo
    assert raw is not None and raw[0] == "Too many files are open." and "ulimit -n" in raw[2]
    try:
        sqlite3.connect(tmp_path / "no" / "sessions.db")  # the same words, of a place that is none
    except sqlite3.OperationalError as error:
        made = told(tmp_path / "no" / "sessions.db", error)
    assert made.why == "unable to open database file" and "Mend permissions" in made.todo


@posix
def test_the_session_store_where_no_file_can_be_opened(tmp_path: Path) -> None:
    SessionStore(tmp_path).close()
    with no_more_files(), pytest.raises(StorageError) as found:
        SessionStore(tmp_path)
    assert "Too many open files" in found.value.why and "ulimit -n" in found.value.todo


def test_what_prints_an_error_may_lack_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacks(*, stderr: bool) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), "rich/__init__.py")

    monkeypatch.setattr(output, "console", lacks)
    output.error("Cannot read it.", "Too many open files", "Close programs.")
    assert capsys.readouterr().err == "error: Cannot read it.\n  Too many open files\n  Close programs.\n"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, os.strerror(errno.EMFILE), "cli/app.py"),
        ImportError("libx.so: failed to map segment from shared object"),
        MemoryError(),
    ],
)
def test_a_limit_met_before_anything_is_loaded(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main = import_module("skillclaw.cli.main")

    def fails() -> None:
        raise error

    monkeypatch.setattr(main, "_run", fails)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ") and "ulimit" in told and len(told.splitlines()) in (2, 3), told


def test_a_fault_of_skillclaw_itself_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    main = import_module("skillclaw.cli.main")

    def fails() -> None:
        raise KeyError("ours")

    monkeypatch.setattr(main, "_run", fails)
    with pytest.raises(KeyError):
        main.main()
