"""Checkpoints: a new machine reads one object and the tail, and is not misled by a wrong one."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hub_logs import LATER, asked, entry, grow, key_of, names, opened, packed
from msgspec.structs import replace

from skillclaw.errors import UsageError, VerifyError
from skillclaw.hub import Hub, checkpoints, keys, log, statements
from skillclaw.hub.compaction import compact
from skillclaw.hub.signed import signed


def test_a_new_machine_reads_one_object_and_the_tail(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    grow(tmp_path, hub, 300)
    hub.tombstone("one more")
    seq = hub.state().seq
    assert names(tmp_path, "checkpoint") == [f"checkpoint-{seq:020}.json"]
    grow(tmp_path, hub, 5, "tail")
    with asked() as counts:
        assert opened(tmp_path, "new").state() == hub.state()
    # hub.json; the checkpoint, its entry; five of the tail and the end; and the owner's own poll
    assert counts == {"get": 1 + 2 + 5 + 1 + 1, "list": 2}
    assert hub.verify() == []


def test_an_idle_poll_is_one_request(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    grow(tmp_path, hub, 20)
    with asked() as counts:
        for _ in range(10):
            hub.state()
    assert counts == {"get": 10}


def test_a_commit_is_three_requests(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    hub.tombstone("first")
    with asked() as counts:
        hub.commit("tombstone", {"key": "second"})
    assert counts == {"get": 2, "create": 1}, "what is new, whether the log still ends there, the entry"


def test_checkpoints_are_due_every_256_entries_and_are_written_once(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    grow(tmp_path, hub, 250)
    assert not hub.checkpoint()
    grow(tmp_path, hub, 10, "more")
    twin = opened(tmp_path)
    twin.state()
    with asked() as counts:
        assert hub.checkpoint()
        assert not hub.checkpoint()
    assert counts == {"create": 1}
    before = (tmp_path / "hub" / checkpoints.key_of(hub.state().seq)).read_bytes()
    assert twin.checkpoint(), "the same owner's same bytes"
    assert (tmp_path / "hub" / checkpoints.key_of(hub.state().seq)).read_bytes() == before
    assert len(names(tmp_path, "checkpoint")) == 1


def test_only_the_founder_writes_them_while_its_key_counts(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    second = keys.load_or_create(tmp_path / "second" / "keys", hub.info.group, "owner")
    hub.commit("key-add", {"public": keys.public_hex(second), "role": "owner"}, role="owner")
    grow(tmp_path, hub, 5)
    other = opened(tmp_path, "second")
    other.state()
    assert not other.checkpoint(every=1)
    assert names(tmp_path, "checkpoint") == []
    reader = opened(tmp_path, "reader")
    reader.state()
    assert not reader.checkpoint(every=1), "it has no owner's key"
    other.commit("key-revoke", {"public": hub.info.owner}, role="owner")
    assert other.checkpoint(every=1)
    hub.state()
    assert not hub.checkpoint(every=1)
    with asked() as counts:
        assert opened(tmp_path, "new").state() == other.state()
    assert counts["get"] > other.state().seq, "a new machine cannot know the second owner, so it reads all"
    assert other.verify() == []


def test_a_key_that_was_replaced_signs_neither_checkpoints_nor_packs(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    grow(tmp_path, hub, 40)
    assert hub.checkpoint(every=1)
    grow(tmp_path, hub, 5, "more")
    assert len(packed(hub)) == 1, "what it packed before the rotation still counts"
    old = key_of(tmp_path, hub, "owner")
    new = keys.load_or_create(tmp_path / "next" / "keys", hub.info.group, "owner")
    hub.commit("rotate", statements.rotate(hub.info.group, old, new, 0), role="owner")
    grow(tmp_path, hub, 20, "later")
    assert not checkpoints.write(hub.store, hub.info.owner, hub.state(), hub.reader.tip, old)
    owner = opened(tmp_path, "next")
    owner.state()
    assert owner.checkpoint(every=1)
    grow(tmp_path, hub, 3, "tail")
    with pytest.raises(UsageError, match="does not count"):
        compact(hub.store, hub.info, old, 180, datetime.now(UTC) + LATER)
    lie = hidden(hub)
    forge(tmp_path, hub, lie, old)
    assert f"{checkpoints.key_of(lie.state.seq)} is not used: its signer is no owner" in hub.verify()
    (tmp_path / "hub" / checkpoints.key_of(lie.state.seq)).unlink()
    assert len(packed(owner)) == 1
    assert opened(tmp_path, "new").state() == hub.state()
    assert hub.verify() == []


def hidden(hub: Hub) -> checkpoints.Checkpoint:
    """A fold that hides all tombstones; the log holds its last entry."""
    state = hub.state()
    return checkpoints.Checkpoint(
        fold=checkpoints.FOLD, tip=hub.reader.tip, state=replace(state, tombstones=[])
    )


def forge(place: Path, hub: Hub, checkpoint: checkpoints.Checkpoint, key: keys.SigningKey) -> Path:
    path = place / "hub" / checkpoints.key_of(checkpoint.state.seq)
    path.write_bytes(signed("checkpoint", hub.info.group, checkpoint, key))
    return path


@pytest.mark.parametrize(
    "wrong",
    [
        "evolver",
        "stranger",
        "another owner",
        "unsigned",
        "flipped",
        "tip",
        "later fold",
        "later format",
        "number",
        "group",
        "rubbish",
        "owner taken out",
    ],
)
def test_a_wrong_checkpoint_is_passed_over_and_told(tmp_path: Path, wrong: str) -> None:
    hub = opened(tmp_path)
    grow(tmp_path, hub, 10)
    owner = key_of(tmp_path, hub, "owner")
    second = keys.SigningKey(b"2" * 32)
    hub.commit("key-add", {"public": keys.public_hex(second), "role": "owner"}, role="owner")
    lie = hidden(hub)
    forge(tmp_path, hub, lie, owner)
    assert opened(tmp_path, "misled").state().tombstones == [], "the founder's word is taken"
    key = {"evolver": key_of(tmp_path, hub, "evolver"), "stranger": keys.SigningKey(b"s" * 32)}.get(
        wrong, owner
    )
    key = second if wrong == "another owner" else key
    changed = {
        "tip": replace(lie, tip="0" * 64),
        "later fold": replace(lie, fold=checkpoints.FOLD + 1),
        "later format": replace(lie, v=2),
        "number": replace(lie, state=replace(lie.state, seq=lie.state.seq - 1)),
        "group": replace(lie, state=replace(lie.state, group="f" * 32)),
        "owner taken out": replace(lie, state=replace(lie.state, keys={})),
    }.get(wrong, lie)
    path = tmp_path / "hub" / checkpoints.key_of(lie.state.seq)
    data = signed("checkpoint", hub.info.group, changed, key)
    if wrong == "unsigned":
        data = msgspec.json.encode(changed)
    if wrong == "flipped":
        data = data[:100] + bytes([data[100] ^ 1]) + data[101:]
    path.write_bytes(b"[" * 100_000 if wrong == "rubbish" else data)
    assert opened(tmp_path, "new").state() == hub.state()
    told = hub.verify()
    assert len(told) == 1
    assert told[0].startswith(f"{checkpoints.key_of(lie.state.seq)} is not used: ")


def test_a_lie_that_the_founder_signed_is_found_by_verify(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    grow(tmp_path, hub, 70)
    forge(tmp_path, hub, hidden(hub), key_of(tmp_path, hub, "owner"))
    assert [line.split(": ")[1] for line in hub.verify()] == ["it does not say what the log says"]
    assert opened(tmp_path).state() == hub.state(), "who folded the log itself keeps what it knows"


def test_a_checkpoint_of_older_rules_is_no_fault(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    grow(tmp_path, hub, 10)
    forge(tmp_path, hub, replace(hidden(hub), fold=checkpoints.FOLD - 1), key_of(tmp_path, hub, "owner"))
    assert opened(tmp_path, "new").state() == hub.state()
    assert hub.verify() == []


def test_the_next_older_one_is_taken_where_the_newest_is_wrong(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    grow(tmp_path, hub, 40)
    assert hub.checkpoint(every=1)
    grow(tmp_path, hub, 40, "more")
    forge(tmp_path, hub, hidden(hub), key_of(tmp_path, hub, "evolver"))
    with asked() as counts:
        assert opened(tmp_path, "new").state() == hub.state()
    assert counts["get"] < 50


def test_a_checkpoint_behind_the_end_of_the_log_is_told(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    grow(tmp_path, hub, 10)
    assert hub.checkpoint(every=1)
    seq = hub.state().seq
    entry(tmp_path, seq).unlink()
    new = opened(tmp_path, "new")
    assert new.state().seq == seq - 1
    assert new.verify() == [f"{checkpoints.key_of(seq)} lies after the end of the log"]


def test_what_was_seen_before_counts_more_than_a_checkpoint(tmp_path: Path) -> None:
    """The stored fold is gone (an upgrade), and the log was replaced by one that the founder's key signed."""
    hub = opened(tmp_path)
    shutil.copytree(tmp_path / "hub", tmp_path / "fork")
    grow(tmp_path, hub, 70)
    grow_fork = tmp_path / "forger"
    shutil.copytree(tmp_path / "me" / "keys", grow_fork / "me" / "keys")
    shutil.copytree(tmp_path / "fork", grow_fork / "hub")
    forged = opened(grow_fork)
    grow(grow_fork, forged, 90, "other")
    assert forged.checkpoint(every=1)
    shutil.rmtree(tmp_path / "hub")
    shutil.copytree(grow_fork / "hub", tmp_path / "hub")
    for path in (tmp_path / "me" / "hubs").iterdir():
        path.unlink()
    with pytest.raises(VerifyError, match="cut back or replaced"):
        opened(tmp_path).state()


def test_one_way_to_write_a_checkpoint(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    grow(tmp_path, hub, 3)
    key = key_of(tmp_path, hub, "owner")
    data = checkpoints.make(hub.state(), hub.reader.tip, key)
    found = checkpoints.parse(data, hub.state().seq, hub.info.group)
    assert found is not None
    assert found.state == hub.state()
    assert checkpoints.make(found.state, found.tip, key) == data
    assert found.tip == log.digest(entry(tmp_path, found.state.seq).read_bytes())


def test_with_new_rules_the_founders_machine_writes_the_next_one_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = opened(tmp_path)
    grow(tmp_path, hub, 300)
    with monkeypatch.context() as older:
        older.setattr(checkpoints, "FOLD", checkpoints.FOLD - 1)
        assert hub.checkpoint()
    (old,) = names(tmp_path, "checkpoint")
    for path in (tmp_path / "me" / "hubs").glob("*.state.json"):
        path.unlink()  # of older rules too, so that it would not be read
    upgraded = opened(tmp_path)
    upgraded.tombstone("one more")
    seq = upgraded.state().seq
    assert names(tmp_path, "checkpoint") == [old, f"checkpoint-{seq:020}.json"]
    with asked() as counts:
        assert opened(tmp_path, "new").state() == upgraded.state()
    assert counts["get"] < 10
