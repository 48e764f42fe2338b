"""Votes by machines as processes, on a folder and on a real S3 server: races, deaths, forgeries, replays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from s3_server import seaweed
from serving import ended, wait
from team import home, hub, invited, sc, state, taken
from voters import PRIVATE, counts, evolved, imported, member, status, taught, unpacked

from skillclaw.hub import Hub, keys, messages, statements
from skillclaw.hub.vote_jobs import slot_of

pytestmark = pytest.mark.e2e
SUPPORT = Path(__file__).parents[1] / "support"


def client(place: Path, who: str, won: int, lost: int, *more: float) -> subprocess.Popen[str]:
    """A machine that votes; killed by the test's end at the latest."""
    base = {k: v for k, v in os.environ.items() if not k.startswith("SKILLCLAW_")}
    source = str(Path(__file__).parents[2] / "src")
    own = {"HOME": str(place / who), "PYTHONPATH": os.pathsep.join([str(SUPPORT), source])}
    return subprocess.Popen(
        [sys.executable, str(SUPPORT / "voting_client.py"), str(home(place, who)), str(won), str(lost)]
        + [str(one) for one in more],
        env=base | own,
        stdout=subprocess.PIPE,
        text=True,
    )


def ends(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """What a machine tried."""
    out, _ = process.communicate(timeout=120)
    found_: list[dict[str, Any]] = json.loads(out.strip().splitlines()[-1])
    return found_


def test_three_race_for_two_slots_and_two_votes_decide(tmp_path: Path) -> None:
    proposal = taught(tmp_path, needed=2, voters=2)
    racing = [client(tmp_path, who, 3, 0, 4.0) for who in ("eve", "fay", "gus")]
    tried = [ends(one) for one in racing]
    assert sorted(len(one) for one in tried) == [0, 1, 1], "there were two slots"
    taken(tmp_path)
    assert len(state(tmp_path).proposals[proposal].counts) == 2
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "released"


def test_a_machine_that_is_killed_is_taken_over(tmp_path: Path) -> None:
    proposal = taught(tmp_path, needed=1, voters=1, cases=1)
    dead = client(tmp_path, "eve", 3, 0, 600.0, 5.0)
    with ended(dead):
        assert dead.stdout is not None and dead.stdout.readline() == "trying\n"
        assert ends(client(tmp_path, "fay", 3, 0, 0.0, 5.0)) == [], "eve has the one slot"
        dead.kill()
        dead.wait()
    began = time.monotonic()

    def taken_over() -> list[dict[str, Any]]:
        return ends(client(tmp_path, "fay", 3, 0, 0.0, 5.0))

    (done,) = wait(taken_over, 90)
    assert done["state"] == "sent"
    assert time.monotonic() - began > 3, "not before its time was over"
    # what was spent may not be known, but that it was tried is, and it is not begun for ever
    assert [one["state"] for one in sc(tmp_path, "eve", "jobs", "list")["tried"]] == ["running"]
    taken(tmp_path)
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "released"


def test_forged_and_repeated_results_count_for_nothing(tmp_path: Path) -> None:
    proposal = taught(tmp_path, needed=2, voters=3)
    group, info = hub(tmp_path), state(tmp_path)
    known = info.proposals[proposal]
    eve = counts(tmp_path, "eve", proposal, 0, 3)
    (first,) = [n for n in group.store.list(f"inbox/{member(tmp_path, 'eve')}")]
    old = group.store.get(first, messages.MAX_MESSAGE)
    assert old is not None
    taken(tmp_path)
    # a stranger's, one in eve's name, and eve's own of before, put back by whoever kept it
    stranger = keys.SigningKey(b"z" * 32)
    body = statements.counts(info.group, stranger, {**eve, "won": 99, "lost": 0, "n": 1})
    for n, signer, given in ((1, stranger, body), (2, stranger, body | {"public": member(tmp_path, "eve")})):
        one = messages.Message(
            group=info.group, client=keys.public_hex(signer), n=n, time="", kind="counts", body=given
        )
        group.store.create(messages.place(keys.public_hex(signer), n), messages.write(one, signer))
    counts(tmp_path, "eve", proposal, 0, 4)
    taken(tmp_path)
    assert group.store.create(first, old)
    told = taken(tmp_path)
    assert [one["reason"] for one in told["refused"]] != []
    now = state(tmp_path).proposals[proposal]
    assert {who: (one.won, one.lost) for who, one in now.counts.items()} == {member(tmp_path, "eve"): (0, 4)}
    assert now.object == known.object
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "open"


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A group on a real S3 server; `team.hub` opens it there."""
    (tmp_path / "weed").mkdir()
    with seaweed(tmp_path / "weed") as url:
        monkeypatch.setenv("VOTES_URL", url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testkey")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testsecret")
        yield tmp_path


@pytest.mark.slow
def test_on_object_storage_it_is_the_same(bucket: Path) -> None:
    url = os.environ["VOTES_URL"]
    sc(bucket, "ada", "hub", "init", url, "--name", "team", "--evolver", "--as", "ada")
    for who in ("bob", "cyd", "dan", "eve", "fay"):
        text = invited(bucket, who)
        sc(bucket, who, "hub", "join", text)
        taken(bucket)
        assert sc(bucket, who, "hub", "join", text)["state"] == "member"
        imported(bucket, who, 1, 2, 3)
        if who in ("bob", "cyd", "dan"):
            sc(bucket, who, "config", "set", "share.default", "redacted")
            sc(bucket, who, "share", "allow", "--hub", "team", "--past")
            sc(bucket, who, "share", "send")
    sc(bucket, "ada", "hub", "settings", "votes", '{"needed": 2, "voters": 2}')
    (waits,) = [one for one in evolved(bucket)["proposals"] if one["verdict"] == "open"]
    racing = [client(bucket, who, 3, 0) for who in ("eve", "fay")]
    assert [one["state"] for process in racing for one in ends(process)] == ["sent", "sent"]
    store = Hub.open(url, home(bucket, "ada") / "keys", home(bucket, "ada") / "hubs.json").store
    before = {name: store.get(name, 1 << 24) or b"" for name in [*store.list("jobs"), *store.list("inbox")]}
    taken(bucket)
    (released,) = evolved(bucket)["released"]
    assert released["stage"] == "canary"
    machine = sc(bucket, "ada", "proposals", "show", waits["id"])
    assert machine["state"]["status"] == "released"
    assert {one["won"] for one in machine["state"]["counts"].values()} == {3}
    there = Hub.open(url, home(bucket, "ada") / "keys", home(bucket, "ada") / "hubs.json")
    names = [n for part in ("log", "objects", "inbox", "sessions", "jobs") for n in there.store.list(part)]
    assert any(slot_of(waits["id"], 0) in name for name in before), "a slot was claimed there"
    for name in [*names, *before]:
        data = (there.store.get(name, 1 << 24) or b"") + before.get(name, b"")
        assert PRIVATE.encode() not in unpacked(data), name
