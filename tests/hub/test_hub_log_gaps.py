"""Gaps in the log: absent is not unreadable, so nothing is changed, and the gap is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub_logs import asked, entry, grow, opened

from skillclaw.errors import VerifyError
from skillclaw.hub import log


def test_an_entry_that_is_missing_is_named_and_nothing_is_changed(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    grow(tmp_path, hub, 30)
    kept = entry(tmp_path, 12).read_bytes()
    entry(tmp_path, 12).unlink()
    before = sorted(tmp_path.rglob("*"))
    for user in ("new", "me"):
        one = opened(tmp_path, user)
        if user == "me":
            for stored in (tmp_path / "me" / "hubs").glob("*.state.json"):
                stored.unlink()
        for _ in range(2):
            with pytest.raises(VerifyError, match="has a gap") as caught:
                one.state()
            assert f"Entry 12 ({log.key_of(12)}) is missing, and entry 13 is there." in str(caught.value)
        with pytest.raises(VerifyError, match="has a gap"):
            one.commit("tombstone", {"key": "k"}) if user == "me" else one.state()
    assert [p for p in sorted(tmp_path.rglob("*")) if "new" not in p.parts] == before
    told = hub.verify()
    assert told[0] == "log entry 12 is missing, and later ones are there"
    assert len(told) == 1 + 20
    entry(tmp_path, 12).write_bytes(kept)
    assert opened(tmp_path, "new").state() == hub.state()
    assert hub.verify() == []


def test_a_gap_behind_what_was_read_is_seen_at_the_next_start_and_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, reader = opened(tmp_path), opened(tmp_path, "reader")
    known = reader.state()
    grow(tmp_path, hub, 5)
    entry(tmp_path, known.seq + 1).unlink()
    assert reader.state() == known, "an idle poll is one request, so it cannot see it"
    with pytest.raises(VerifyError, match="has a gap"):
        opened(tmp_path, "reader").state()
    reader.reader.look_again()
    with pytest.raises(VerifyError, match="has a gap"):
        reader.state()
    late = opened(tmp_path, "late")
    entry(tmp_path, known.seq + 1).write_bytes(b"void")
    now = late.state()
    entry(tmp_path, now.seq + 2).write_bytes(b"far")
    assert late.state() == now
    import time

    monkeypatch.setattr(time, "time", lambda: 4e9)
    with pytest.raises(VerifyError, match="has a gap"):
        late.state()


def test_a_log_without_a_gap_is_listed_once_a_process(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    grow(tmp_path, hub, 100)
    opened(tmp_path, "other").state()
    with asked() as counts:
        other = opened(tmp_path, "other")
        for _ in range(5):
            other.state()
    assert counts == {"get": 1 + 1 + 5, "list": 1}, "hub.json, the last entry that was seen, five polls"
