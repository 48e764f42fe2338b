"""Compaction: old entries go into packs, nothing is lost, and every reader reads the same at every step."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli import fails, ok, ok_json
from hub_logs import LATER, aged, asked, entry, grow, key_of, names, opened, packed
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.errors import SkillClawError, StorageError, UsageError, VerifyError
from skillclaw.hub import Hub, checkpoints, compaction, keys, log, packs
from skillclaw.hub.store import Store

pytestmark = pytest.mark.live


def hub_with(place: Path, count: int) -> Hub:
    """A hub of `count` entries with a checkpoint and ten entries behind it."""
    hub = opened(place)
    grow(place, hub, count - hub.state().seq)
    assert hub.checkpoint(every=1)
    grow(place, hub, 10, "tail")
    return hub


def test_a_packed_log_is_read_alike_by_all_and_goes_on(tmp_path: Path) -> None:
    hub, offline = hub_with(tmp_path, 300), opened(tmp_path, "offline")
    shutil.copytree(tmp_path / "offline", tmp_path / "months")
    entry(tmp_path, 8).write_bytes(entry(tmp_path, 8).read_bytes())
    offline.state()
    assert packed(hub) == [packs.key_of(1, 299)]
    assert names(tmp_path, "0")[0] == f"{300:020}.json", "the checkpoint's own entry stays"
    assert len(names(tmp_path, "0")) == 11
    hub.tombstone("after")
    now = hub.state()
    with asked() as counts:
        assert opened(tmp_path, "new").state() == now
    assert counts["get"] < 20
    assert offline.state() == now
    assert opened(tmp_path, "months").state() == now
    (tmp_path / "hub" / checkpoints.key_of(300)).unlink()
    with asked() as counts:
        assert opened(tmp_path, "from the start").state() == now
    assert counts["get"] < 20, "the pack is one object"
    assert hub.verify() == []


def test_who_was_away_for_months_catches_up_and_may_write(tmp_path: Path) -> None:
    hub = hub_with(tmp_path, 40)
    shutil.copytree(tmp_path / "me", tmp_path / "away")
    away = opened(tmp_path, "away")  # an owner's second machine, that slept with the log read to here
    known = away.state().seq
    grow(tmp_path, hub, 30, "meanwhile")
    assert hub.checkpoint(every=1)
    grow(tmp_path, hub, 5, "newest")
    packed(hub)
    assert not entry(tmp_path, known).exists()
    away.tombstone("back again")
    assert "back again" in hub.state().tombstones
    assert away.state() == hub.state()
    assert hub.verify() == []
    assert names(tmp_path, "0")[0] > f"{known:020}.json", "it did not write where packed entries were"


def test_young_entries_stay_and_the_next_run_goes_on(tmp_path: Path) -> None:
    hub = hub_with(tmp_path, 60)
    assert hub.compact().why.endswith("older than 180 days.")
    for seq in range(1, 31):
        os.utime(entry(tmp_path, seq), (1, 1))
    os.utime(entry(tmp_path, 35), (1, 1))
    assert hub.compact().packs == [packs.key_of(1, 30)]
    assert packed(hub) == [packs.key_of(31, 59)]
    again = hub.compact(now=datetime.now(UTC) + LATER)
    assert (again.packs, again.deleted, again.entries) == ([], 0, 0)
    assert opened(tmp_path, "new").state() == hub.state()
    assert hub.verify() == []


def test_void_entries_are_packed_as_they_are(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    rubbish = [b"\xff\xfe", b"", b"base64:!", b'{"v":1}', b"\x00" * 50, b"x" * (log.MAX_COMMIT + 9)]
    for data in rubbish:
        entry(tmp_path, hub.state().seq + 1).write_bytes(data)
    grow(tmp_path, hub, 20)
    assert hub.checkpoint(every=1)
    grow(tmp_path, hub, 2, "tail")
    before = hub.verify()
    assert len(before) == len(rubbish)
    assert packed(hub)
    assert hub.verify() == before
    (tmp_path / "hub" / checkpoints.key_of(hub.state().seq - 2)).unlink()
    assert opened(tmp_path, "new").state() == hub.state()


def test_many_packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = hub_with(tmp_path, 90)
    monkeypatch.setattr(packs, "MAX_ENTRIES", 40)
    assert packed(hub) == [packs.key_of(1, 40), packs.key_of(41, 80)]
    (tmp_path / "hub" / checkpoints.key_of(90)).unlink()
    assert opened(tmp_path, "new").state() == hub.state()
    assert hub.verify() == []


class KilledError(Exception):
    """Stands for the end of the process."""


def test_cut_off_at_any_step_it_is_read_alike_and_ended_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = hub_with(tmp_path, compaction.LEAST + 1)
    now = hub.state()
    shutil.copytree(tmp_path / "hub", tmp_path / "whole")
    real = {name: getattr(Store, name) for name in ("create", "delete")}
    for point in range(1, 40):
        shutil.rmtree(tmp_path / "hub")
        shutil.copytree(tmp_path / "whole", tmp_path / "hub")
        left = [None] * (point - 1)

        def counted(name: str, left: list[None] = left) -> object:
            def call(self: Store, *args: object) -> object:
                if not left:
                    raise KilledError
                left.pop()
                return real[name](self, *args)

            return call

        for name in real:
            monkeypatch.setattr(Store, name, counted(name))
        try:
            packed(opened(tmp_path))
            through = True
        except KilledError:
            through = False
        for name, function in real.items():
            monkeypatch.setattr(Store, name, function)
        for user in ("me", f"new-{point}"):
            assert opened(tmp_path, user).state() == now, point
        assert opened(tmp_path).verify() == [], point
        packed(opened(tmp_path))
        assert len(names(tmp_path, "0")) == 11, point
        assert opened(tmp_path, f"later-{point}").state() == now
        if through:
            break
    assert through
    assert point > compaction.LEAST


def second_owner(place: Path, hub: Hub) -> Hub:
    """The hub as a second owner's machine has it; new machines take no checkpoint of theirs."""
    key = keys.load_or_create(place / "second" / "keys", hub.info.group, "owner")
    hub.commit("key-add", {"public": keys.public_hex(key), "role": "owner"}, role="owner")
    return opened(place, "second")


def test_who_reads_from_the_start_meanwhile_reads_the_same(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    second = second_owner(tmp_path, hub)
    grow(tmp_path, hub, 400)
    second.commit("key-revoke", {"public": hub.info.owner}, role="owner")
    last = second.state().seq
    assert names(tmp_path, "checkpoint") == [f"checkpoint-{last:020}.json"]
    grow(tmp_path, hub, 5, "tail")
    now = second.state()
    readers = [opened(tmp_path, f"new-{n}") for n in range(12)]
    with ThreadPoolExecutor(4) as pool:
        packing = pool.submit(packed, second)
        states = list(pool.map(lambda one: one.state(), readers))
        assert packing.result() == [packs.key_of(1, last - 1)]
    assert all(state == now for state in states)


def test_a_pack_counts_only_by_an_owner_and_never_before_the_end(tmp_path: Path) -> None:
    """Who may add objects, with or without the evolver's key, has nobody step over an entry to come."""
    hub = hub_with(tmp_path, 30)
    seq = hub.state().seq
    for key in (key_of(tmp_path, hub, "evolver"), keys.SigningKey(b"s" * 32), key_of(tmp_path, hub, "owner")):
        name = packs.key_of(seq + 1, seq + 3)
        (tmp_path / "hub" / name).write_bytes(packs.pack(seq + 1, [b"void"] * 3, key, hub.info.group))
        assert opened(tmp_path, "new").state() == hub.state()
        assert len(hub.verify()) == 1
        (tmp_path / "hub" / name).unlink()
    key = key_of(tmp_path, hub, "evolver")
    (tmp_path / "hub" / packs.key_of(seq + 1, seq + 3)).write_bytes(
        packs.pack(seq + 1, [b"void"] * 3, key, hub.info.group)
    )
    entry(tmp_path, seq + 4).write_bytes(b"void")
    with pytest.raises(VerifyError, match="has a gap"):
        opened(tmp_path).state()
    with pytest.raises(VerifyError, match="has a gap"):
        opened(tmp_path, "newer").state()


def test_a_pack_by_an_owner_who_came_later_counts(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    grow(tmp_path, hub, 30)
    second = second_owner(tmp_path, hub)
    assert hub.checkpoint(every=1)
    grow(tmp_path, hub, 3, "tail")
    assert packed(second)
    for path in (tmp_path / "hub" / "log").glob("checkpoint-*"):
        path.unlink()
    assert opened(tmp_path, "new").state() == hub.state()
    assert hub.verify() == []
    # the same by someone who never becomes an owner
    name = names(tmp_path, "pack")[0]
    entries, _ = packs.unpack((tmp_path / "hub" / "log" / name).read_bytes(), 1, 32, hub.info.group)
    stranger = packs.pack(1, entries, keys.SigningKey(b"s" * 32), hub.info.group)
    (tmp_path / "hub" / "log" / name).write_bytes(stranger)
    with pytest.raises(VerifyError, match="not signed by an owner"):
        opened(tmp_path, "newer").state()
    assert any("its signer is no owner" in line for line in hub.verify())


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "newer", "range"])
def test_a_damaged_pack_is_refused_and_named(tmp_path: Path, damage: str) -> None:
    hub = hub_with(tmp_path, 30)
    packed(hub)
    now = hub.state()
    path = tmp_path / "hub" / packs.key_of(1, 29)
    data = path.read_bytes()
    key = key_of(tmp_path, hub, "owner")
    entries, _ = packs.unpack(data, 1, 29, hub.info.group)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {
                "flip": data[:500] + bytes([data[500] ^ 1]) + data[501:],
                "cut": data[:-9],
                "newer": data.replace(b'{"entries"', b'{"v":2,"entries"'),
                "range": packs.pack(2, entries[1:], key, hub.info.group),
            }[damage]
        )
    for user in ("me", "new"):
        assert opened(tmp_path, user).state() == now, "what it had, or the checkpoint, is enough"
    told = hub.verify()
    assert "log entry 1 is missing, and later ones are there" in told
    assert damage == "gone" or told[0].startswith(f"{packs.key_of(1, 29)} is not used: ")
    (tmp_path / "hub" / checkpoints.key_of(30)).unlink()
    with pytest.raises(VerifyError, match=r"Entry 1 .* is missing"):
        opened(tmp_path, "newer").state()


def test_an_entry_that_differs_from_its_pack_is_told(tmp_path: Path) -> None:
    hub = hub_with(tmp_path, 30)
    kept = entry(tmp_path, 12).read_bytes()
    packed(hub)
    entry(tmp_path, 12).write_bytes(kept)
    assert hub.verify() == []
    entry(tmp_path, 12).write_bytes(kept + b" ")
    assert f"log entry 12 is not the one that {packs.key_of(1, 29)} holds" in hub.verify()


def test_nothing_is_packed_that_does_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = hub_with(tmp_path, 30)
    (tmp_path / "hub" / packs.key_of(1, 29)).write_bytes(b"something else")
    assert packed(hub) == []
    (tmp_path / "hub" / packs.key_of(1, 29)).unlink()
    monkeypatch.setattr(Store, "create", lambda self, key, data: False)
    with pytest.raises(StorageError, match="not what was written"):
        packed(hub)
    monkeypatch.undo()
    assert len(names(tmp_path, "0")) == 40
    kept = entry(tmp_path, 12).read_bytes()
    entry(tmp_path, 12).unlink()
    with pytest.raises(VerifyError, match="gap"):
        packed(opened(tmp_path, "me"))
    entry(tmp_path, 12).write_bytes(kept)
    with pytest.raises(UsageError, match="may not sign as owner"):
        packed(opened(tmp_path, "other"))
    assert len(names(tmp_path, "0")) == 40
    assert names(tmp_path, "pack") == []


def test_old_checkpoints_go_and_the_newest_stays(tmp_path: Path) -> None:
    hub = hub_with(tmp_path, 30)
    assert hub.checkpoint(every=1)
    assert len(names(tmp_path, "checkpoint")) == 2
    packed(hub)
    assert names(tmp_path, "checkpoint") == [f"checkpoint-{40:020}.json"]
    assert opened(tmp_path, "new").state() == hub.state()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    ok("sync", home=tmp_path)
    base = tmp_path / ".skillclaw"
    hub = Hub.open(str(base / "hub"), base / "keys", base / "hubs.json")
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "hub").symlink_to(base / "hub")
    (tmp_path / "place" / "me").symlink_to(base)
    grow(tmp_path / "place", hub, 300)
    ok("sync", home=tmp_path)
    grow(tmp_path / "place", hub, 4, "tail")
    return tmp_path


def test_hub_compact(home: Path) -> None:
    place = home / "place"
    assert "older than 180 days" in ok("hub", "compact", home=home)
    before = ok_json("hub", "status", home=home)
    aged(place)
    done = ok_json("hub", "compact", home=home)
    last = before["commits"] - 5
    assert done == {"entries": last, "packs": [packs.key_of(1, last)], "deleted": last, "why": ""}
    assert ok_json("hub", "status", home=home) == before
    assert json.loads(ok("hub", "verify", "--json", home=home)) == {"ok": True, "problems": []}
    assert "There is no group's hub" in fails("hub", "compact", "--hub", "team", home=home, code=2)
    fails("hub", "compact", "--keep-days", "0", home=home, code=2)
    entry(place, last + 3).unlink()
    said = fails("sync", home=home)
    assert "has a gap" in said
    assert f"Entry {last + 3} " in said
    assert "Nothing is changed" in said


ENTRIES = st.lists(
    st.one_of(st.binary(max_size=40), st.text(max_size=20).map(str.encode)), min_size=1, max_size=9
)
KEY, GROUP = keys.SigningKey(b"k" * 32), "a" * 32


@given(ENTRIES, st.integers(1, 10**12))
def test_a_pack_gives_back_the_very_bytes(entries: list[bytes], first: int) -> None:
    data = packs.pack(first, entries, KEY, GROUP)
    last = first + len(entries) - 1
    assert packs.unpack(data, first, last, GROUP) == (entries, keys.public_hex(KEY))
    assert data == packs.pack(first, entries, KEY, GROUP)
    with pytest.raises(VerifyError):
        packs.unpack(data, first, last, "b" * 32)
    with pytest.raises(VerifyError):
        packs.unpack(data, first + 1, last + 1, GROUP)


@given(ENTRIES, st.data())
def test_no_changed_byte_of_a_pack_counts(entries: list[bytes], data: st.DataObject) -> None:
    good = packs.pack(1, entries, KEY, GROUP)
    at = data.draw(st.integers(0, len(good) - 1))
    changed = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    with suppress(VerifyError):  # hex digits may be written in capitals, too
        assert packs.unpack(changed, 1, len(entries), GROUP)[0] == entries


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_a_reason(data: bytes) -> None:
    for read in (lambda: packs.unpack(data, 1, 1, GROUP), lambda: checkpoints.parse(data, 1, GROUP)):
        with pytest.raises(SkillClawError):
            read()


def test_small_rests_wait(tmp_path: Path) -> None:
    hub = hub_with(tmp_path, compaction.LEAST)
    assert packed(hub) == []
    assert len(names(tmp_path, "0")) == compaction.LEAST + 10
