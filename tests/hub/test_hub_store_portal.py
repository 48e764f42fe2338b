"""A page in the place of a storage (a network's login, another server) is no entry, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from bucket_server import Bucket
from storage_faults import Fault, Faults, faulty

from skillclaw.errors import StorageError
from skillclaw.hub import Hub
from skillclaw.hub.log import key_of
from skillclaw.hub.store import Store


def opened(url: str, home: Path) -> Hub:
    return Hub.open_or_create(url, home / "keys", seen=home / "hubs.json")


def test_a_page_is_no_entry_of_the_log(oss: Bucket, tmp_path: Path) -> None:
    owner = opened(oss.url(), tmp_path / "owner")
    owner.commit("tombstone", {"key": "a"})
    relay: Faults
    with faulty(oss.port) as relay:
        url = oss.url(endpoint=relay.endpoint)
        reader = opened(url, tmp_path / "reader")
        known = reader.state()
        owner.commit("tombstone", {"key": "b"})
        relay.on(Fault("portal", count=50))
        for act in (
            reader.state,
            lambda: opened(url, tmp_path / "reader").state(),
            lambda: Store(url).put("objects/x", b"x"),
            lambda: Store(url).create("log/x", b"x"),
        ):
            with pytest.raises(StorageError, match="no object storage"):
                act()
        assert len(relay.passed) < 40
        relay.on()
        for one in (reader, opened(url, tmp_path / "reader")):
            state = one.state()
            assert (state.seq, state.void, state.tombstones) == (known.seq + 1, 0, ["a", "b"])
    assert owner.verify() == []


def test_what_no_list_has_is_not_void_for_ever(oss: Bucket, tmp_path: Path) -> None:
    owner = opened(oss.url(), tmp_path / "owner")
    seq = owner.state().seq
    place = f"hub/{key_of(seq + 1)}"
    oss.objects[place] = b"garbage"
    with faulty(oss.port) as relay:
        reader = opened(oss.url(endpoint=relay.endpoint), tmp_path / "reader")
        relay.on(Fault("blank", where="list-type", count=50))
        with pytest.raises(StorageError, match="no entry of a log"):
            reader.state()
        relay.on()
        assert reader.state().void == 1


def test_a_flood_of_void_entries_costs_one_list(oss: Bucket, tmp_path: Path) -> None:
    owner = opened(oss.url(), tmp_path / "owner")
    with faulty(oss.port) as relay:
        reader = opened(oss.url(endpoint=relay.endpoint), tmp_path / "reader")
        seq = reader.state().seq
        for n in range(30):
            oss.objects[f"hub/{key_of(seq + 1 + n)}"] = b"garbage"
        relay.passed.clear()
        assert reader.state().void == 30
        assert len([one for one in relay.passed if "list-type" in str(one)]) == 1
        assert len(relay.passed) <= 2 * 30 + 2, "each is read twice, and its end is seen"
    assert owner.state().void == 30
