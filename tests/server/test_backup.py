"""`skillclaw backup` and `restore`: what comes back, what does not, and what is refused."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import tarfile
import threading
import time
from contextlib import closing
from pathlib import Path, PurePosixPath

import pytest
import zstandard
from backups import KEPT, KEY, files_of, small_home
from cli import fails, ok, ok_json
from group import Group, imported

from skillclaw.errors import BadInputError
from skillclaw.journal.store import SessionStore
from skillclaw.server.backup import back_up, packing, restore, sealing
from skillclaw.server.backup.contents import how
from skillclaw.server.machine import Machine

pytestmark = pytest.mark.live


def test_what_matters_is_in_it_and_comes_back(tmp_path: Path) -> None:
    home = tmp_path / "a"
    own = small_home(home)
    file = tmp_path / "disk" / "home.backup"
    file.parent.mkdir()
    told = ok("backup", str(file), home=home)
    assert "as secret as the home" in told
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["home.backup"]
    done = ok_json("restore", str(file), home=tmp_path / "b")
    new = tmp_path / "b" / ".skillclaw"
    assert {name: data for name, data in files_of(new).items() if not name.endswith(".lock")} == {
        name: (own / name).read_bytes() for name in KEPT
    }
    assert done["files"] == len(KEPT)
    assert any("use one of the two" in line for line in done["todo"]) is (own / "identity.json").exists()
    for path in [new, *new.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_people_can_open_it_with_tar_and_two_of_one_home_are_alike(tmp_path: Path) -> None:
    own = small_home(tmp_path)
    names = []
    for name in ("one", "two"):
        back_up(own, tmp_path / name)
        data = zstandard.ZstdDecompressor().stream_reader((tmp_path / name).open("rb")).read()
        (tmp_path / "tar").write_bytes(data)
        with tarfile.open(tmp_path / "tar") as tar:
            names.append([(one.name, one.size, one.mode, one.mtime) for one in tar.getmembers()])
    assert names[0] == names[1]
    first, *between, last = [name for name, *_ in names[0]]
    assert (first, last) == ("BACKUP.json", "MANIFEST.json")
    assert sorted(between) == sorted(KEPT)


def test_a_passphrase_seals_it(tmp_path: Path) -> None:
    small_home(tmp_path)
    secret, file = tmp_path / "secret", tmp_path / "sealed"
    secret.write_text("short\n")
    said = fails("backup", str(file), "--passphrase-file", str(secret), home=tmp_path, code=2)
    assert "8 are the least" in said
    secret.write_text("correct horse battery\n")
    told = ok("backup", str(file), "--passphrase-file", str(secret), home=tmp_path)
    assert "Without the passphrase nobody can open it" in told
    assert "--passphrase-file" in fails("restore", str(file), home=tmp_path / "b", code=2)
    ok("restore", str(file), "--passphrase-file", str(secret), home=tmp_path / "b")
    assert (tmp_path / "b" / ".skillclaw" / KEY).read_bytes() == b"ab" * 32


def test_a_seal_tells_nothing_and_opens_for_its_passphrase_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "_OPS", 1)
    monkeypatch.setattr(sealing, "_MEMORY", 8192)
    own = small_home(tmp_path)
    (own / "quarantine" / "x" / "big").write_bytes(os.urandom(200_000))
    file = tmp_path / "sealed"
    back_up(own, file, passphrase=b"correct horse")
    data = file.read_bytes()
    assert b"abababab" not in data
    assert b"config.toml" not in data
    for wrong in (b"correct horse ", b"wrong horse"):
        with pytest.raises(BadInputError, match="cannot be opened"):
            restore(tmp_path / "b", file, passphrase=wrong)
    assert not (tmp_path / "b").exists()
    assert restore(tmp_path / "b", file, passphrase=b"correct horse").files == len(KEPT) + 1
    assert files_of(tmp_path / "b")["quarantine/x/big"] == (own / "quarantine" / "x" / "big").read_bytes()
    # pieces that stand at another place, and one that is missing, do not hold
    piece, end = 64 * 1024 + 17, packing._END
    head = 8 + 16 + 12 + 24
    for changed in (
        data[:head]
        + data[head + piece : head + 2 * piece]
        + data[head : head + piece]
        + data[head + 2 * piece :],
        data[: head + piece] + data[head + 2 * piece :],
    ):
        inside = changed[:-end]
        file.write_bytes(inside + data[-end:-32] + hashlib.sha256(inside).digest())
        with pytest.raises(BadInputError, match="cannot be opened"):
            restore(tmp_path / "c", file, passphrase=b"correct horse")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    own = small_home(tmp_path)
    file = tmp_path / "file"
    file.write_text("mine")
    assert "never overwritten" in fails("backup", str(file), home=tmp_path, code=2)
    assert file.read_text() == "mine"
    assert "inside of what it backs up" in fails("backup", str(own / "x"), home=tmp_path, code=2)
    assert "nothing in" in fails("backup", str(tmp_path / "y"), home=tmp_path / "none", code=2)
    ok("backup", str(tmp_path / "good"), home=tmp_path)
    before = files_of(own)
    assert "--over" in fails("restore", str(tmp_path / "good"), home=tmp_path, code=2)
    assert files_of(own) == before
    (own / "config.toml").write_text("[proxy]\nport = 9001\n")
    done = ok_json("restore", str(tmp_path / "good"), "--over", home=tmp_path)
    assert b"9000" in (own / "config.toml").read_bytes()
    assert b"9001" in (Path(done["old"]) / "config.toml").read_bytes()
    assert (Path(done["old"]) / "logs" / "up.log").exists()


def test_a_file_that_is_not_there_is_told_before_what_is_in_the_home(tmp_path: Path) -> None:
    small_home(tmp_path)
    for over in ((), ("--over",)):
        said = fails("restore", str(tmp_path / "nope"), *over, home=tmp_path)
        assert f"Cannot read {tmp_path / 'nope'}." in said and "already" not in said


def test_sessions_are_of_one_moment_while_they_are_written(tmp_path: Path) -> None:
    home = tmp_path / "a"
    imported(home, 1, 2, 3)
    own = home / ".skillclaw"
    stop = threading.Event()

    def write() -> None:
        with closing(SessionStore(own)) as store:
            number = 0
            while not stop.is_set():
                number += 1
                store.set_mark(f"m{number}", "x" * 2000)
                time.sleep(0.001)

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for number in range(3):
            back_up(own, tmp_path / f"file{number}")
    finally:
        stop.set()
        writing.join()
    for number in range(3):
        new = tmp_path / f"new{number}"
        restore(new, tmp_path / f"file{number}")
        with closing(sqlite3.connect(new / "sessions.db")) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert db.execute("SELECT count(*) FROM sessions").fetchone() == (3,)


def test_raw_exchanges_only_where_asked_for(tmp_path: Path) -> None:
    own = small_home(tmp_path)
    (own / "journal").mkdir()
    (own / "journal" / "00000001.seg").write_bytes(b"SKCJRNL\x01")
    assert any("--with-journal" in note for note in back_up(own, tmp_path / "one").notes)
    back_up(own, tmp_path / "two", journal=True)
    restore(tmp_path / "n1", tmp_path / "one")
    restore(tmp_path / "n2", tmp_path / "two")
    assert not (tmp_path / "n1" / "journal").exists()
    assert (tmp_path / "n2" / "journal" / "00000001.seg").exists()


def test_what_a_backup_cannot_hold_is_told(tmp_path: Path) -> None:
    own = small_home(tmp_path)
    (own / "quarantine" / "x" / "link").symlink_to("/etc/passwd")
    os.mkfifo(own / "quarantine" / "x" / "pipe")
    (own / "quarantine" / "x" / "new\nline").write_text("x")
    told = back_up(own, tmp_path / "one")
    assert {one.path.split("/")[-1] for one in told.left_out} == {"link", "pipe", "new\nline"}
    assert told.files == len(KEPT)


def test_it_waits_for_nothing_that_runs(tmp_path: Path) -> None:
    own = small_home(tmp_path)
    back_up(own, tmp_path / "one")
    with Machine(own).alone("up"):
        back_up(own, tmp_path / "two")
        said = fails("restore", str(tmp_path / "one"), "--over", home=tmp_path)
        assert "at work" in said
    assert (own / "logs" / "up.log").exists()


def test_what_was_forgotten_does_not_come_back(tmp_path: Path) -> None:
    group = Group.make(tmp_path)
    home = tmp_path / "ada"
    home.mkdir()
    group.admit(home)
    one, two, three = imported(home, 1, 2, 3)
    ok("config", "set", "share.default", "redacted", home=home)
    ok("share", "allow", "--hub", "team", "--past", home=home)
    ok("share", "send", home=home)
    file = tmp_path / "file"
    ok("backup", str(file), home=home)
    ok("sessions", "forget", one, "--yes", home=home)
    from skillclaw.hub.inbox import take_in
    from skillclaw.server.groups.membership import judging

    take_in(group.hub, judging(group.hub))
    # another machine, which has only the file: the group's log knows
    done = ok_json("restore", str(file), home=tmp_path / "new")
    assert done["forgotten"] == 1
    assert any("on this machine alone" in line for line in done["unknown"])
    rows = {row["id"] for row in ok_json("sessions", "list", home=tmp_path / "new")}
    assert rows == {two, three}
    # the same machine: what was there before knows, also of what no hub was told
    with closing(SessionStore(home / ".skillclaw")) as store:
        store.forget(two)
    done = ok_json("restore", str(file), "--over", home=home)
    assert done["forgotten"] == 2
    assert not done["unknown"]
    assert {row["id"] for row in ok_json("sessions", "list", home=home)} == {three}
    # and where the hub is away, that is said
    group.folder.rename(tmp_path / "away")
    done = ok_json("restore", str(file), home=tmp_path / "third")
    assert any("Hub team could not be asked" in line for line in done["unknown"])


@pytest.mark.skipif(os.name != "posix", reason="modes")
def test_a_home_behind_a_link_is_restored_where_the_link_leads(tmp_path: Path) -> None:
    own = small_home(tmp_path / "a")
    back_up(own, tmp_path / "one")
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    restore(tmp_path / "link", tmp_path / "one")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "disk" / "config.toml").exists()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("sessions.db", "database"),
        ("cases/x/sessions.db", "plain"),
        ("catalogue.db", "leave"),
        ("cases/x/catalogue.db", "plain"),
        ("evolve.db", "leave"),
    ],
)
def test_names_of_databases_count_where_skillclaw_gives_them(path: str, kind: str) -> None:
    assert how(PurePosixPath(path), journal=True) == kind
