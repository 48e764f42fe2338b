"""The folder of fetched objects: nothing in it is trusted, and no trouble with it is an error."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from skillclaw.library import ObjectCache


def name_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_what_is_put_is_there_for_its_owner_alone(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "objects")
    assert cache.get(name_of(b"x")) is None
    cache.put(name_of(b"x"), b"x")
    assert cache.get(name_of(b"x")) == b"x"
    if os.name == "posix":
        assert (tmp_path / "objects").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "objects" / name_of(b"x")).stat().st_mode & 0o777 == 0o600


def test_what_does_not_hash_to_its_name_never_comes_out(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "objects")
    cache.put(name_of(b"x"), b"y")
    assert not (tmp_path / "objects").exists()
    cache.put(name_of(b"whole"), b"whole")
    path = tmp_path / "objects" / name_of(b"whole")
    for spoilt in (b"who", b"whole and more", b""):
        path.write_bytes(spoilt)
        assert cache.get(name_of(b"whole")) is None
        assert not path.exists()
        cache.put(name_of(b"whole"), b"whole")
    assert cache.get(name_of(b"whole")) == b"whole"


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_in_an_objects_place_is_not_followed(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "objects")
    cache.put(name_of(b"x"), b"x")
    path = tmp_path / "objects" / name_of(b"x")
    path.unlink()
    (tmp_path / "outside").write_bytes(b"x")
    path.symlink_to(tmp_path / "outside")
    assert cache.get(name_of(b"x")) is None
    assert (tmp_path / "outside").read_bytes() == b"x"


@pytest.mark.parametrize("name", ["", "../x", "a" * 63, "A" * 64, "/etc/passwd", "0" * 64 + "\n"])
def test_what_is_no_name_of_an_object_names_no_file(tmp_path: Path, name: str) -> None:
    cache = ObjectCache(tmp_path / "objects")
    cache.put(name, b"x")
    assert cache.get(name) is None
    assert list(tmp_path.iterdir()) == []


def test_the_folder_stays_within_its_size_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "objects", most_bytes=1000)
    blocks = [bytes([number]) * 300 for number in range(5)]
    for number, data in enumerate(blocks[:3]):
        cache.put(name_of(data), data)
        os.utime(tmp_path / "objects" / name_of(data), (number, number))
    assert cache.get(name_of(blocks[0])) == blocks[0]
    cache.put(name_of(blocks[3]), blocks[3])
    kept = [number for number, data in enumerate(blocks) if cache.get(name_of(data)) is not None]
    assert kept == [0, 2, 3]
    cache.put(name_of(b"z" * 2000), b"z" * 2000)
    assert cache.get(name_of(b"z" * 2000)) is None


def test_a_folder_that_cannot_be_made_costs_a_fetch_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file")
    cache = ObjectCache(tmp_path / "objects")
    cache.put(name_of(b"x"), b"x")
    assert cache.get(name_of(b"x")) is None


def test_many_at_once_never_see_half_of_one(tmp_path: Path) -> None:
    blocks = [bytes([number]) * 50_000 for number in range(4)]
    wrong: list[bytes] = []

    def work() -> None:
        cache = ObjectCache(tmp_path / "objects", most_bytes=120_000)
        for _ in range(20):
            for data in blocks:
                cache.put(name_of(data), data)
                found = cache.get(name_of(data))
                if found not in (None, data):
                    wrong.append(found or b"")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
