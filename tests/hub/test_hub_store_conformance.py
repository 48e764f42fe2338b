"""What a hub expects of its storage, the same on every kind: a folder, S3, OSS, Azure, Google."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from bucket_server import Bucket
from emulators import azurite

from skillclaw.errors import BadInputError
from skillclaw.hub.store import Store


@dataclass
class Place:
    """Where to run, and how many keys make more than one page of a list there."""

    url: str
    many: int

    @property
    def store(self) -> Store:
        return Store(self.url)


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with azurite(tmp_path_factory.mktemp("azurite")) as url:
        yield url


@pytest.fixture(
    params=[
        "folder",
        "oss",
        pytest.param("gcs", marks=pytest.mark.slow),
        pytest.param("s3", marks=pytest.mark.e2e),
        pytest.param("azure", marks=pytest.mark.slow),
    ]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return Place(str(tmp_path / "hub"), 50)
    if request.param in ("oss", "gcs"):
        bucket: Bucket = request.getfixturevalue(request.param)
        return Place(bucket.url(), 3 * bucket.page + 10)
    if request.param == "s3":
        return Place(request.getfixturevalue("s3"), 1100)
    azure: str = request.getfixturevalue("azure_server")
    return Place(azure.replace("/hub?", f"/{secrets.token_hex(6)}?"), 5010)


@pytest.mark.parametrize("size", [0, 1, 1000, 1_000_000, 6_000_000])
def test_what_is_written_is_read(place: Place, size: int) -> None:
    store, data = place.store, os.urandom(size)
    store.put("objects/a", data)
    assert store.get("objects/a", size) == data
    assert store.create("objects/b", data)
    assert store.get("objects/b", 10_000_000) == data
    if size > 1:
        assert store.get("objects/a", size - 1) == data
        assert store.get("objects/a", 0) == data[:1]
        part = store.get("objects/a", size // 2)
        assert part == data[: size // 2 + 1]


def test_what_is_not_there_is_no_error(place: Place) -> None:
    store = place.store
    assert store.get("hub.json", 10) is None
    assert store.get("log/00000000000000000001.json", 10) is None
    assert store.list("log") == []
    store.delete("objects/a")
    store.put("objects/a", b"x")
    store.delete("objects/a")
    store.delete("objects/a")
    assert store.get("objects/a", 10) is None
    assert store.create("objects/a", b"y")


def test_a_write_replaces_and_a_create_does_not(place: Place) -> None:
    store = place.store
    store.put("objects/a", b"one")
    store.put("objects/a", b"two")
    assert not store.create("objects/a", b"three")
    assert not store.create("objects/a", b"twofold")
    assert not store.create("objects/a", b"")
    assert store.get("objects/a", 10) == b"two"
    # a broken connection may have made it ours before
    assert store.create("objects/a", b"two")
    store.put("objects/empty", b"")
    assert store.create("objects/empty", b"")
    assert not store.create("objects/empty", b"x")


def test_what_was_written_is_seen_at_once_by_another(place: Place) -> None:
    one, two = place.store, place.store
    for n in range(20):
        key = f"log/{n:020d}.json"
        assert two.get(key, 10) is None
        assert one.create(key, b"%d" % n)
        assert two.get(key, 10) == b"%d" % n
        assert not two.create(key, b"other")
        assert two.list("log") == [f"log/{m:020d}.json" for m in range(n + 1)]
    one.delete("log/00000000000000000003.json")
    assert two.get("log/00000000000000000003.json", 10) is None
    assert "log/00000000000000000003.json" not in two.list("log")


def test_a_list_has_all_keys_however_many(place: Place) -> None:
    store = place.store
    keys = [f"log/{n:020d}.json" for n in range(place.many)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put(key, b"x"), keys))
    store.put("logs/1", b"x")
    store.put("log.json", b"x")
    store.put("sessions/deep/er/1", b"x")
    assert store.list("log") == keys
    assert store.list("log/") == keys
    assert store.list("log", after=keys[-3]) == keys[-2:]
    assert store.list("log", after=keys[-1]) == []
    assert len(store.list("log", most=5)) == 5 and set(store.list("log", most=5)) <= set(keys)
    assert store.list("sessions") == ["sessions/deep/er/1"]
    times = store.times("log")
    assert sorted(times) == keys
    assert all(when.utcoffset() == timedelta(0) for when in times.values())


def test_when_an_object_was_put_there_comes_with_its_bytes(place: Place) -> None:
    store = place.store
    store.put("sessions/a", b"a")
    found, listed = store.dated("sessions/a", 10), store.times("sessions")["sessions/a"]
    assert found is not None
    assert found[0] == b"a"
    # S3 tells parts of seconds in lists alone
    assert timedelta(0) <= abs(found[1] - listed) < timedelta(seconds=1)
    assert store.dated("sessions/b", 10) is None


def test_names_are_kept_as_they_are(place: Place) -> None:
    store = place.store
    names = ["inbox/ab-cd/1.json", "inbox/AB_cd/1=2.json", "inbox/a.b.c/-1", "inbox/" + "n" * 200]
    for name in names:
        assert store.create(name, name.encode())
    assert store.list("inbox") == sorted(names)
    for name in names:
        assert store.get(name, 1000) == name.encode()


@pytest.mark.parametrize(
    "name",
    ["", "/", "/etc/x", "../x", "a/../x", "a/./x", "a//x", "a/", "a\\x", "a\0x", "C:x", "é", "a b", ".x",
     "a/.x", "a%2fx", "a\nx", "x\n", "n" * 513],
)  # fmt: skip
def test_names_that_could_lie_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    store = Store(str(tmp_path / "hub"))
    for act in (
        lambda: store.get(name, 10),
        lambda: store.put(name, b"x"),
        lambda: store.create(name, b"x"),
        lambda: store.delete(name),
    ):
        with pytest.raises(BadInputError, match="not the name"):
            act()
    assert list(tmp_path.rglob("*")) == [tmp_path / "hub"]


def test_of_32_threads_that_create_one_wins(place: Place) -> None:
    store, won = place.store, []
    start = threading.Barrier(32)

    def one(who: int) -> None:
        start.wait(30)
        for n in range(5):
            if store.create(f"log/{n}", b"%d" % who):
                won.append((n, who))

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(one, range(32)))
    assert sorted(n for n, _ in won) == list(range(5))
    for n, who in won:
        assert store.get(f"log/{n}", 10) == b"%d" % who


RACE = """
import sys
from skillclaw.hub.store import Store
store, who = Store(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
print(*[n for n in range(25) if store.create(f"log/{n}", f"{who} {n}".encode())])
"""


def test_of_four_processes_that_create_one_wins(place: Place) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, place.url, str(who)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for who in range(4)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    won = {}
    for who, child in enumerate(children):
        out, error = child.communicate(timeout=60)
        assert child.returncode == 0, error
        for n in out.split():
            assert n not in won
            won[n] = who
    assert sorted(map(int, won)) == list(range(25))
    for n, who in won.items():
        assert place.store.get(f"log/{n}", 20) == f"{who} {n}".encode()


def test_a_reader_sees_objects_whole(place: Place) -> None:
    store = place.store
    both = [letter * 300_000 for letter in (b"a", b"b")]
    done = threading.Event()

    def write() -> None:
        for n in range(20):
            store.put("objects/x", both[n % 2])
        done.set()

    store.put("objects/x", both[1])
    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        assert store.get("objects/x", 1_000_000) in both
    writer.join()


def test_the_probe_finds_nothing_wrong_and_leaves_nothing(place: Place) -> None:
    store = place.store
    store.probe()
    assert store.list("inbox") == []
    store.put("hub.json", b"{}")
    store.probe("hub.json", b"{}")
    assert store.get("hub.json", 10) == b"{}"
