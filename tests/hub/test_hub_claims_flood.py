"""A flood of names where a job's claims lie: no more of it is read than is told, and it is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hub_logs import opened

from skillclaw.hub import store
from skillclaw.hub.claim_entries import folder_of, place_of
from skillclaw.hub.claims import NAMES, Claims, LitteredError

JOB = "votes/p-1/slot-0"


def test_no_more_names_are_read_than_the_bound_and_the_job_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may write in a slot can write any number of names there, to be listed at each sign of life."""
    hub = opened(tmp_path)
    hub.state()
    claims = Claims(hub)
    claim = claims.take(JOB, 60)
    assert claim is not None
    real, read = store.listed, list[str]()

    def counted(folder: Path, prefix: str, longest: int) -> Iterator[tuple[str, datetime]]:
        for one in real(folder, prefix, longest):
            read.append(one[0])
            yield one

    monkeypatch.setattr(store, "listed", counted)
    claim.check()
    assert len(read) == 1
    for n in range(NAMES + 200):
        # behind the claim, before it in no order that a storage has to heed, and names that are no entries
        name = place_of(JOB, n + 10) if n % 2 else f"{folder_of(JOB)}/x{n}"
        (tmp_path / "hub" / name).write_bytes(b"")
    for ask in (claim.check, lambda: claims.take(JOB, 60), lambda: claims.holder(JOB)):
        read.clear()
        with pytest.raises(LitteredError, match=f"{NAMES} objects or more") as caught:
            ask()
        assert len(read) <= NAMES
        assert folder_of(JOB) in caught.value.todo
    other = claims.take("votes/p-1/slot-1", 60)
    assert other is not None, "the job's other slots are free"
    other.check()
