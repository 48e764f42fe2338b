"""A member with write access to its own prefixes of a shared folder: what it can leave there for others."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from team import found, joined, sc, state

from skillclaw.errors import StorageError
from skillclaw.hub.store import Store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(str(tmp_path / "hub"))
    made.put("inbox/aa/1.json", b"x")
    made.put("objects/ab", b"y")
    return made


@pytest.mark.parametrize("name", [b"x\x01\n", b"..x", b"a\\b", b"\xff\xfe", "ünï".encode(), b"a b", b"x#1"])
def test_a_name_that_no_object_has_hides_no_other(store: Store, tmp_path: Path, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path / "hub/inbox") + b"/" + name)).write_bytes(b"q")
    assert "inbox/aa/1.json" in store.list("inbox")
    assert set(store.times("inbox")) >= {"inbox/aa/1.json"}


@pytest.mark.parametrize("seconds", [2**40, -(2**40)])
def test_a_time_that_no_calendar_has_hides_no_other(tmp_path: Path, seconds: int) -> None:
    # ext4 has no such times; tmpfs, btrfs and ZFS keep them
    at = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(dir=at) as folder:
        store = Store(folder)
        for name in ("sessions/a", "sessions/b"):
            store.put(name, b"x")
        os.utime(f"{folder}/sessions/a", (seconds, seconds))
        assert sorted(store.times("sessions")) == store.list("sessions") == ["sessions/a", "sessions/b"]
        assert store.get("sessions/a", 10) == b"x"


def test_when_a_file_was_put_there_is_not_for_its_owner_to_say(store: Store, tmp_path: Path) -> None:
    os.utime(tmp_path / "hub/inbox/aa/1.json", (1, 1))
    found = store.dated("inbox/aa/1.json", 10)
    assert found is not None
    assert found[1] > datetime(1970, 1, 2, tzinfo=UTC)


def test_links_are_named_and_not_followed(store: Store, tmp_path: Path) -> None:
    inbox, out = tmp_path / "hub/inbox", tmp_path / "out"
    out.mkdir()
    (out / "f").write_bytes(b"someone else's")
    for name, to in (("loop", "loop"), ("out", str(out)), ("file", str(out / "f")), ("gone", "/nowhere")):
        (inbox / name).symlink_to(to)
    assert store.list("inbox") == [
        "inbox/aa/1.json",
        *(f"inbox/{n}" for n in ("file", "gone", "loop", "out")),
    ]
    assert store.get("inbox/file", 100) == b""
    for act in (
        lambda: store.get("inbox/out/f", 100),
        lambda: store.delete("inbox/out/f"),
        lambda: store.put("inbox/out/f", b"x"),
        lambda: store.create("inbox/out/new", b"x"),
        lambda: store.list("inbox/out"),
    ):
        with pytest.raises(StorageError, match="not followed"):
            act()
    store.delete("inbox/file")
    assert [path.name for path in out.iterdir()] == ["f"]
    assert (out / "f").read_bytes() == b"someone else's"


def test_a_pipe_and_a_folder_in_an_objects_place_keep_nobody_waiting(store: Store, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hub/inbox/aa/2.json")
    (tmp_path / "hub/inbox/aa/3.json").mkdir()
    assert store.get("inbox/aa/2.json", 100) == b""
    assert store.get("inbox/aa/3.json", 100) == b""
    assert not store.create("inbox/aa/2.json", b"x")
    store.delete("inbox/aa/2.json")
    assert store.create("inbox/aa/2.json", b"x")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_is_locked_hides_no_other(store: Store, tmp_path: Path) -> None:
    store.put("inbox/bb/1.json", b"x")
    (tmp_path / "hub/inbox/bb").chmod(0)
    assert store.list("inbox") == ["inbox/aa/1.json"]


def test_when_a_file_was_written_is_told(store: Store) -> None:
    (when,) = store.times("objects").values()
    assert abs((datetime.now(UTC) - when).total_seconds()) < 60


def test_a_member_cannot_have_the_evolver_delete_the_groups_objects(tmp_path: Path) -> None:
    """A link among the sessions, of a day that the group keeps no longer, to where the hub's objects lie."""
    hub = found(tmp_path)
    joined(tmp_path, "bob")
    kept = Store(str(hub)).put
    kept("objects/" + "ab" * 32, b"of a release")
    (hub / "sessions").mkdir(exist_ok=True)
    (hub / "sessions/2020-01-01").symlink_to("../objects")
    sc(tmp_path, "ada", "evolve", "--hub", "team")
    assert (hub / "objects" / ("ab" * 32)).read_bytes() == b"of a release"


def test_a_pipe_in_the_inbox_is_set_aside(tmp_path: Path) -> None:
    hub = found(tmp_path)
    public = joined(tmp_path, "bob")["key"]
    folder = next(path for path in (hub / "inbox").iterdir() if path.name.startswith(public))
    os.mkfifo(folder / f"{7:020d}.json")
    (told,) = sc(tmp_path, "ada", "hub", "inbox")
    assert [r["n"] for r in told["messages"]["refused"]] == [7]
    assert sc(tmp_path, "ada", "hub", "inbox")[0]["messages"]["refused"] == []
    assert state(tmp_path).seq
