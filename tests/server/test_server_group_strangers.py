"""Objects that a member, or a stranger with write access, could leave among messages and sealed sessions."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from bucket_server import bucket_server
from storage_faults import Fault, faulty
from team import found, joined, sc
from test_server_group_cycle import worked

from skillclaw.errors import StorageError
from skillclaw.hub import Hub, sealed
from skillclaw.hub.store import Store
from skillclaw.server.groups import collecting


def test_an_object_that_claims_a_newer_format_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = found(tmp_path)
    for who in ("bob", "cyd"):
        joined(tmp_path, who)
    name = "sessions/2026-11-26/" + "ab" * 32
    newer = sealed.MAGIC[:-1] + bytes([sealed.MAGIC[-1] + 1]) + b"anything"
    Store(str(hub)).put(name, newer)
    worked(tmp_path, "bob", 1)
    worked(tmp_path, "cyd", 1)
    first = sc(tmp_path, "ada", "evolve", "--hub", "team")["collected"]
    assert first["taken"] == 2
    assert "newer format" in first["refused"][name]
    fetched: list[str] = []
    real = collecting.dated_session

    def get(hub: Hub, wanted: str) -> tuple[bytes, datetime] | None:
        fetched.append(wanted)
        return real(hub, wanted)

    monkeypatch.setattr(collecting, "dated_session", get)
    assert "newer format" in sc(tmp_path, "ada", "evolve", "--hub", "team")["collected"]["refused"][name]
    assert fetched == [], "this version cannot read it, however often it is fetched"
    monkeypatch.setattr(collecting, "_NEWER", "newer than 9.9")
    assert "newer format" in sc(tmp_path, "ada", "evolve", "--hub", "team")["collected"]["refused"][name]
    assert fetched == [name], "another one may"


def test_an_object_that_the_storage_does_not_give_stops_no_other(tmp_path: Path) -> None:
    with bucket_server(dialect="s3") as bucket, faulty(bucket.port) as relay:
        url = bucket.url().replace(bucket.endpoint, relay.endpoint) + "&retries=0"
        sc(tmp_path, "ada", "hub", "init", url, "--name", "team", "--evolver", "--as", "ada")
        for one in ("aa", "bb"):
            bucket.objects[f"hub/inbox/{one * 32}/{1:020d}.json"] = b"no message"
            bucket.objects[f"hub/sessions/2026-11-26/{one * 32}"] = b"no session"
        relay.on(Fault("refuse", "GET", "/" + "aa" * 32, count=99, status=403, code="AccessDenied"))
        (told,) = sc(tmp_path, "ada", "hub", "inbox")
        why = {one["client"][:2]: one["reason"] for one in told["messages"]["refused"]}
        assert sorted(why) == ["aa", "bb"] and why["aa"].startswith("it stays there")
        assert told["messages"]["waiting"] == 1
        refused = sc(tmp_path, "ada", "evolve", "--hub", "team")["collected"]["refused"]
        assert "could not be read" in refused["sessions/2026-11-26/" + "aa" * 32]
        assert "no sealed session" in refused["sessions/2026-11-26/" + "bb" * 32]
        relay.on()
        assert sc(tmp_path, "ada", "hub", "inbox")[0]["messages"]["waiting"] == 0


def test_a_name_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    with bucket_server(dialect="s3") as bucket:
        store = Store(bucket.url())
        store.put("inbox/aa/1.json", b"x")
        bucket.objects["hub/inbox//x"] = b""
        with pytest.raises(StorageError) as told:
            store.list("inbox")
    assert "hub/inbox//x" in told.value.why
    assert "Delete" in told.value.todo
