"""The log on a real S3 server: 32 writers at once, a long first read, checkpoints, packs."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hub_logs import LATER, asked
from test_hub_log_race import race, told

from skillclaw.hub import Hub, keys, log

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
ENTRIES = 2000


def opened(url: str, place: Path, user: str) -> Hub:
    return Hub.open_or_create(url, place / user / "keys", seen=place / user / "hubs.json")


@pytest.mark.slow
@pytest.mark.flaky(reruns=0)
def test_32_writers_on_s3(s3: str, tmp_path: Path) -> None:
    hub = opened(s3, tmp_path, "me")
    hub.state()
    told(32, 1024, race(hub, s3, tmp_path, 8, 4, 32), "S3")
    assert opened(s3, tmp_path, "new").state() == hub.state()


def test_a_long_log_is_read_at_once_from_a_checkpoint_and_from_packs(s3: str, tmp_path: Path) -> None:
    hub = opened(s3, tmp_path, "me")
    state, key = hub.state(), keys.load(tmp_path / "me" / "keys", hub.info.group, "evolver")
    assert key is not None
    entries: list[tuple[str, bytes]] = []
    for n in range(ENTRIES):
        made = log.Commit(
            seq=state.seq + 1,
            prev=state.head,
            time="2026-01-01T00:00:00Z",
            kind="tombstone",
            body={"key": f"k-{n}"},
            signer="",
        )
        entries.append((log.key_of(made.seq), log.sign(made, key, state.group)))
        state = log.fold(state, entries[-1][1])
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda entry: hub.store.create(*entry), entries))

    def first_read(how: str, requests: int) -> None:
        began = time.monotonic()
        with asked() as counts:
            assert opened(s3, tmp_path, how).state() == now
        took = time.monotonic() - began
        print(f"{now.seq} entries, {how}: {counts.total()} requests, {took:.2f} s")
        assert counts.total() <= requests

    now = hub.state()
    assert now == state
    first_read("one by one", now.seq + 4)
    assert hub.checkpoint()
    first_read("with a checkpoint", 8)
    for n in range(3):
        hub.tombstone(f"tail-{n}")
    done = hub.compact(now=datetime.now(UTC) + LATER)
    assert done.entries >= ENTRIES
    now = hub.state()
    first_read("with a checkpoint and packs", 12)
    hub.store.delete(f"log/checkpoint-{hub.reader.checkpoint:020}.json")
    first_read("from packs alone", 16)
    assert hub.verify() == []
    hub.tombstone("it goes on")
    assert opened(s3, tmp_path, "last").state() == hub.state()
