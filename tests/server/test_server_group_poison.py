"""What one member, or a stranger with write access, leaves to stop a group stops nobody else."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

import pytest
from bucket_server import Bucket, bucket_server
from storage_faults import Fault, Faults, faulty
from team import found, home, hub, invited, joined, sc, state, taken
from test_server_group_cycle import claimed, posted, worked

from skillclaw.errors import BadInputError, StorageError, UsageError
from skillclaw.hub import Hub, keys
from skillclaw.hub.inbox import send
from skillclaw.hub.messages import place, refusal_place
from skillclaw.hub.sealed import list_sessions, object_name, put_session, seal, sealing_key
from skillclaw.hub.store import Store


@pytest.fixture
def team(tmp_path: Path) -> Path:
    found(tmp_path)
    for who in ("bob", "cyd"):
        joined(tmp_path, who)
    return tmp_path


def collected(team: Path) -> dict[str, Any]:
    found: dict[str, Any] = sc(team, "ada", "evolve", "--hub", "team")["collected"]
    return found


def test_a_session_of_a_newer_format_stops_no_other(team: Path) -> None:
    name = f"sessions/2026-11-20/{secrets.token_hex(32)}"
    put_session(hub(team, "bob"), name, b"SKSEAL\x03" + b"\0" * 100)
    worked(team, "cyd", 1)
    for _ in range(2):  # it may be readable after an upgrade, so it is told each time
        told = collected(team)
        assert "newer format" in told["refused"][name]
    assert state(team) and told["known"] == 1


def test_a_strangers_session_is_fetched_again_only_once_it_is_a_member(team: Path) -> None:
    text = invited(team, "eve")
    sc(team, "eve", "hub", "join", text)
    name = posted(team, "eve", claimed("0123456789abcdef"), 1)
    early = sc(team, "ada", "evolve", "--hub", "team", "--dry-run")["collected"]
    assert "No member" in early["refused"][name]
    assert collected(team)["taken"] == 1, "her join was taken in by then"
    other = keys.SigningKey.generate()
    evolver = sealing_key(state(team))
    assert evolver is not None
    at = object_name(b"k" * 32, state(team).group, "x", 9, "2026-11-20")
    sealed = seal(b"{}", other, group=state(team).group, evolver=evolver.sealing, name=at)
    put_session(hub(team, "bob"), at, sealed)
    assert set(collected(team)["refused"]) == {at}
    assert collected(team)["refused"] == {}


@pytest.mark.skipif(os.name != "posix", reason="needs a file where a folder is wanted")
def test_a_reason_that_cannot_be_left_stops_nobody(team: Path) -> None:
    bob = hub(team, "bob").own_key("member")
    folder = team / "group" / "inbox" / keys.public_hex(bob)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "refused").write_text("no folder")
    (folder / f"{1:020d}.json").write_text("no message")
    send(hub(team, "cyd"), "tombstone", {"keys": ["a"]})
    done = taken(team)
    assert done["taken"] == {"tombstone": 1}
    assert [one["reason"][:16] for one in done["refused"]] == ["it does not pars"]


@pytest.fixture
def relay() -> Any:
    with bucket_server() as bucket, faulty(bucket.port) as made:
        yield bucket, made


def test_objects_that_the_evolver_cannot_read_stop_nobody(
    tmp_path: Path, relay: tuple[Bucket, Faults]
) -> None:
    bucket, wire = relay
    url = bucket.url(retries="0").replace(bucket.endpoint, wire.endpoint)
    sc(tmp_path, "ada", "hub", "init", url, "--name", "team", "--evolver", "--as", "ada")
    group = Hub.open(url, home(tmp_path, "ada") / "keys", home(tmp_path, "ada") / "hubs.json")
    text = sc(tmp_path, "ada", "hub", "invite", "--name", "bob", "--uses", "2")["invite"]
    for who in ("bob", "cyd"):
        sc(tmp_path, who, "hub", "join", text, "--url", url)
    sc(tmp_path, "ada", "hub", "inbox")
    worked(tmp_path, "bob", 1)
    worked(tmp_path, "cyd", 1)
    bad = list_sessions(group)[0]
    opened = {
        who: Hub.open(url, home(tmp_path, who) / "keys", home(tmp_path, who) / "hubs.json")
        for who in ("bob", "cyd")
    }
    names = [send(one, "tombstone", {"keys": ["a"]}) for one in opened.values()]
    send(opened["bob"], "tombstone", {"keys": ["b"]})
    messages_of = {who: keys.public_hex(one.own_key("member")) for who, one in opened.items()}
    odd = [place(f"{n:064x}", 1) for n in range(8)]
    for name in odd:
        group.store.create(name, b"x")
    # as S3 answers where an object was encrypted with a key that the reader does not have
    wire.on(
        Fault("refuse", "GET", bad, count=99, status=400, code="InvalidRequest"),
        *(Fault("refuse", "GET", n, count=99, status=400, code="InvalidRequest") for n in (names[0], *odd)),
    )
    told = sc(tmp_path, "ada", "evolve", "--hub", "team")["collected"]
    assert (told["taken"], list(told["refused"])) == (1, [bad])
    withdrawn = group.state().withdrawn
    assert withdrawn == {messages_of["cyd"]: ["a"], messages_of["bob"]: ["b"]}


def test_a_member_whose_next_numbers_were_taken_still_sends(team: Path) -> None:
    public = keys.public_hex(hub(team, "bob").own_key("member"))
    store = hub(team, "cyd").store
    for n in range(1, 300):
        store.create(place(public, n), b"x")
    send(hub(team, "bob"), "tombstone", {"keys": ["a"]})
    for _ in range(4):
        taken(team)
    assert state(team).withdrawn == {public: ["a"]}
    sc(team, "bob", "hub", "rotate")
    taken(team)
    assert sc(team, "bob", "hub", "status", "--hub", "team")["here"] == {"member": "active"}
    send(hub(team, "bob"), "tombstone", {"keys": ["b"]})
    assert taken(team)["taken"] == {"tombstone": 1}


def test_notes_that_others_left_are_not_all_read(team: Path) -> None:
    public = keys.public_hex(hub(team, "bob").own_key("member"))
    for n in range(1, 60):
        note = {"v": 1, "n": n, "kind": "vote", "reason": "r", "time": "2026-01-01T00:00:00Z"}
        hub(team, "cyd").store.put(refusal_place(public, n), json.dumps(note).encode())
    told = sc(team, "bob", "hub", "status", "--hub", "team")
    assert [one["n"] for one in told["refused"]] == list(range(40, 60))


def test_a_name_that_begins_anothers_key_revokes_nobody_else(team: Path) -> None:
    ada = next(key for key in state(team).keys.values() if key.name == "ada")
    joined(team, ada.public[:4])
    with pytest.raises(UsageError, match="more than one"):
        sc(team, "ada", "hub", "revoke-key", ada.public[:4], "--yes")
    assert state(team).keys[ada.public].active


def test_a_name_that_cannot_be_listed_is_told() -> None:
    with bucket_server(dialect="s3") as bucket:
        store = Store(bucket.url())
        store.put("inbox/aa/1.json", b"x")
        bucket.objects["hub/inbox//x"] = b""
        with pytest.raises(StorageError) as told:
            store.list("inbox")
    assert "hub/inbox//x" in told.value.why
    assert "Delete" in told.value.todo


def test_a_session_that_no_evolver_would_read_is_not_sealed(team: Path) -> None:
    with pytest.raises(BadInputError, match="too large"):
        posted(team, "bob", bytes((64 << 20) + 1), 1)
