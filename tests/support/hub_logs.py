"""Hubs with long logs on a folder, and what readers and owners ask of the storage."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from skillclaw.hub import Hub, keys, log
from skillclaw.hub.store import Store

LATER = timedelta(days=400)


def opened(place: Path, user: str = "me") -> Hub:
    """The hub of `place`, as the machine of `user`; the first one is the owner's and the evolver's."""
    home = place / user
    return Hub.open_or_create(str(place / "hub"), home / "keys", seen=home / "hubs.json")


def key_of(place: Path, hub: Hub, role: str, user: str = "me") -> keys.SigningKey:
    key = keys.load(place / user / "keys", hub.info.group, role)
    assert key is not None
    return key


def grow(place: Path, hub: Hub, count: int, name: str = "k") -> None:
    """Add `count` tombstones by the evolver, written straight to the folder: quick, and as `Hub` would."""
    state, key = hub.state(), key_of(place, hub, "evolver")
    for n in range(count):
        entry = log.Commit(
            seq=state.seq + 1,
            prev=state.head,
            time="2026-01-01T00:00:00Z",
            kind="tombstone",
            body={"key": f"{name}-{n}"},
            signer="",
        )
        data = log.sign(entry, key, state.group)
        (place / "hub" / log.key_of(entry.seq)).write_bytes(data)
        state = log.fold(state, data)
    assert hub.state() == state


def entry(place: Path, seq: int) -> Path:
    return place / "hub" / log.key_of(seq)


def names(place: Path, kind: str) -> list[str]:
    """The files in `log/` that begin with `kind`: `0` for entries, `checkpoint`, `pack`."""
    return sorted(p.name for p in (place / "hub" / "log").iterdir() if p.name.startswith(kind))


def packed(hub: Hub) -> list[str]:
    """Pack all that a year from now is old."""
    return hub.compact(now=datetime.now(UTC) + LATER).packs


def aged(place: Path, days: float = 400) -> None:
    """Make every file of the log look that old."""
    then = time.time() - days * 86400
    for path in (place / "hub" / "log").iterdir():
        os.utime(path, (then, then))


@contextmanager
def asked() -> Iterator[Counter[str]]:
    """Counts what every Store is asked for, by operation, while it does it."""
    counts: Counter[str] = Counter()
    kept: dict[str, Callable[..., Any]] = {
        n: getattr(Store, n) for n in ("get", "list", "create", "put", "delete")
    }

    def counted(name: str) -> Callable[..., Any]:
        def call(self: Store, *args: Any) -> Any:
            counts[name] += 1
            return kept[name](self, *args)

        return call

    for name in kept:
        setattr(Store, name, counted(name))
    try:
        yield counts
    finally:
        for name, function in kept.items():
            setattr(Store, name, function)
