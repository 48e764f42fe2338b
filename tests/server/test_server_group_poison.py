"""What one member, or a stranger with write access, leaves to stop a group stops nobody else."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import pytest
from bucket_server import Bucket, bucket_server
from storage_faults import Fault, Faults, faulty
from team import found, home, hub, invited, joined, sc, state, taken
from test_server_group_cycle import claimed, posted, worked

from skillclaw.hub import Hub, keys
from skillclaw.hub.inbox import send
from skillclaw.hub.sealed import list_sessions, object_name, put_session, seal, sealing_key


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
    put_session(hub(team, "bob"), name, b"SKSEAL\x02" + b"\0" * 100)
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
    place = object_name(b"k" * 32, state(team).group, "x", 9, "2026-11-20")
    sealed = seal(b"{}", other, group=state(team).group, evolver=evolver.sealing, name=place)
    put_session(hub(team, "bob"), place, sealed)
    assert set(collected(team)["refused"]) == {place}
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
    # as S3 answers where an object was encrypted with a key that the reader does not have
    wire.on(
        Fault("refuse", "GET", bad, count=99, status=400, code="InvalidRequest"),
        Fault("refuse", "GET", names[0], count=99, status=400, code="InvalidRequest"),
    )
    told = sc(tmp_path, "ada", "evolve", "--hub", "team")["collected"]
    assert (told["taken"], list(told["refused"])) == (1, [bad])
    withdrawn = group.state().withdrawn
    cyd = keys.public_hex(opened["cyd"].own_key("member"))
    assert withdrawn == {cyd: ["a"]}
