"""Whole commands over a storage that fails by a seeded schedule: `sync`, `up` and `evolve --hub`.

A relay on loopback stands between the machine and the bucket (storage_faults.py) and does to a few of a
command's requests what networks and storages do. Whatever it did: nothing is half installed, the log is valid
and none of its entries void, the command went through or says what happened, and once the storage is well the
next one goes through. `STORAGE_SEEDS` says how many schedules of each command are tried.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from bucket_server import Bucket, bucket_server
from cli import ok, ok_json, skillclaw
from hubs_at_hand import bundle
from storage_faults import Fault, Faults, faulty

from skillclaw.hub import Hub

pytestmark = [pytest.mark.timeout(900), pytest.mark.skipif(os.name != "posix", reason="forks commands")]
SEEDS = int(os.environ.get("STORAGE_SEEDS", "4"))
SYNC, SENT = 20, 15
"""The seeds that `make e2e` has: much of their schedules hits, also what is written."""


def seeds(first: int) -> list[Any]:
    """Seeds from `first` on, which is part of `make e2e`."""
    marks = {first: pytest.mark.e2e}
    return [
        pytest.param(seed, marks=marks.get(seed, pytest.mark.slow)) for seed in range(first, first + SEEDS)
    ]


KINDS: tuple[dict[str, Any], ...] = (
    {"does": "refuse", "status": 500},
    {"does": "refuse", "status": 503, "code": "SlowDown"},
    {"does": "refuse", "status": 503, "code": "SlowDown", "count": 40},
    {"does": "fail", "status": 500},
    {"does": "fail", "status": 503, "code": "ServiceUnavailable"},
    {"does": "reset"},
    {"does": "drop"},
    {"does": "hang", "seconds": 1.6},
    {"does": "slow", "seconds": 0.4},
    {"does": "late", "seconds": 0.5},
    {"does": "twice"},
    {"does": "torn", "method": "GET"},
    {"does": "short", "method": "GET"},
    {"does": "wrong", "method": "GET"},
    {"does": "stale", "method": "GET"},
    {"does": "lost", "where": "list-type"},
    {"does": "blank", "where": "list-type"},
    {"does": "double", "where": "list-type"},
    {"does": "lie", "method": "PUT"},
    {"does": "portal", "count": 2},
)
FIX = (
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing"),
)


def schedule(seed: str) -> list[Fault]:
    """Some faults, each for the first requests that fit after some others; about half of them for writes, of
    which a command makes two or three after dozens of reads.
    """
    rng = Random(seed)
    made = []
    for kind in rng.sample(KINDS, rng.randint(2, 6)):
        told = {"count": rng.choice((1, 1, 2, 5)), **kind}
        if not told.keys() & {"method", "where"}:
            told["method"] = rng.choice(("", "PUT", "PUT", "DELETE"))
        most = 3 if told.get("method") in ("PUT", "DELETE") else rng.choice((8, 40))
        made.append(Fault(**told, skip=rng.randrange(most)))
    return made


@dataclass
class World:
    """A group on a bucket, and its founder's machine, whose commands pass the relay with every request."""

    place: Path
    bucket: Bucket
    relay: Faults
    releases: int = 0

    @property
    def home(self) -> Path:
        return self.place / "home"

    @property
    def environ(self) -> dict[str, str]:
        targets = json.dumps([str(self.home / "skills")])
        return {"SKILLCLAW_SYNC__TARGETS": targets, "SKILLCLAW_SYNC__INTERVAL": "1"}

    @property
    def owner(self) -> Hub:
        """The hub as its owner reaches it without the relay."""
        return Hub.open(self.bucket.url(), self.home / ".skillclaw" / "keys", self.place / "seen.json")

    def prepare(self) -> None:
        """The machine founds the group and is its evolver; its own sessions count alone."""
        (self.home / "skills").mkdir(parents=True)
        ok("hub", "init", self.bucket.url(), "--name", "team", "--evolver", home=self.home)
        self.owner.commit("settings", {"policy": "solo"}, role="owner")
        url = self.bucket.url(endpoint=self.relay.endpoint, timeout="1", retries="1")
        ok("config", "set", "hubs.team.url", url, home=self.home)
        ok("config", "set", "share.default", "redacted", home=self.home)
        ok("share", "allow", "--hub", "team", "--past", home=self.home)

    def release(self) -> None:
        """A new text of the skill, for all."""
        self.releases += 1
        hub, one = self.owner, bundle("deploy", f"way {self.releases}")
        made, name = hub.put_bundle(one)
        known = hub.state().skills.get("deploy")
        body = {"skill": "deploy", "version": made, "base": known.current if known else None}
        hub.commit("release", {**body, "object": name, "stage": "stable"}, role="owner")

    def learn(self, number: int) -> None:
        """Sessions that wait to be sent."""
        made = []
        for one in range(3):
            told = session("", number * 10 + one, "run the tests of this project", FIX)
            del told["extra"]["skillclaw"]["user"]
            made.append({**told, "session_id": f"s-{number}-{one}"})
        ok("import", str(write(self.home / f"s{number}.jsonl", made)), home=self.home)

    def whole(self) -> None:
        """Each installed skill is one that was released, byte for byte, and the log holds."""
        known = {bundle("deploy", f"way {n + 1}").files[0].data for n in range(self.releases)}
        for skill in (self.home / "skills").iterdir():
            assert not skill.name.startswith(".") and "#" not in skill.name, f"left over: {skill.name}"
            text = (skill / "SKILL.md").read_bytes()
            assert skill.name != "deploy" or text in known, text
            assert text.startswith(b"---\nname: ") and text.endswith(b"\n")
        self.relay.settle()
        hub = self.owner
        assert hub.state().void == 0
        assert hub.verify() == []

    def text(self) -> str:
        path = self.home / "skills" / "deploy" / "SKILL.md"
        return path.read_text("utf-8").rstrip("\n").rsplit("\n", 1)[-1] if path.exists() else ""

    def told(self, *args: str) -> set[str]:
        """Runs a command amid faults: it went through, or said so in words. The methods that a fault hit."""
        before = len(self.relay.passed)
        done = skillclaw(*args, home=self.home, environ=self.environ, timeout=200)
        said = done.stdout + done.stderr
        assert done.returncode in (0, 1), said
        assert "Traceback" not in said and "did not expect" not in said, said
        assert done.returncode == 0 or len(said.strip().splitlines()) >= 1
        hit = [(one.fault, one.method) for one in self.relay.passed[before:] if one.fault]
        print(
            f"\n{' '.join(args)}: exit {done.returncode}, {len(self.relay.passed) - before} requests, {hit}"
        )
        return {method for _, method in hit}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    place = tmp_path_factory.mktemp("schedules")
    with bucket_server(dialect="oss") as bucket, faulty(bucket.port) as relay:
        made = World(place, bucket, relay)
        made.prepare()
        yield made


@pytest.mark.parametrize("seed", seeds(SYNC))
def test_sync_by_a_schedule_installs_the_whole_or_nothing(world: World, seed: int) -> None:
    world.release()
    world.relay.on(*schedule(f"sync {seed}"))
    hit = world.told("sync", "--json")
    assert hit or seed != SYNC
    world.whole()
    world.relay.on()
    ok("sync", home=world.home, environ=world.environ)
    assert world.text() == f"way {world.releases}"
    world.whole()


@pytest.mark.parametrize("seed", seeds(SENT))
def test_what_is_sent_and_a_groups_cycle_by_a_schedule_lose_nothing(world: World, seed: int) -> None:
    world.learn(seed)
    world.relay.on(*schedule(f"send {seed}"))
    hit = world.told("share", "send", "--json")
    assert "PUT" in hit or seed != SENT
    world.relay.on()
    ok("share", "send", home=world.home)
    sent = {receipt["object"] for receipt in ok_json("sessions", "receipts", home=world.home)}
    lying = {name.removeprefix("hub/") for name in world.bucket.objects}
    assert sent <= lying, "what a receipt says was sent lies there"
    world.relay.on(*schedule(f"evolve {seed}"))
    hit = world.told("evolve", "--hub", "team", "--json")
    assert "PUT" in hit or seed != SENT
    world.whole()
    world.relay.on()
    report = ok_json("evolve", "--hub", "team", home=world.home, environ=world.environ)
    assert report["collected"]["refused"] == {}
    assert report["sessions"] == len(sent) > 0
    assert report["patterns"]
    world.whole()


@pytest.mark.slow
def test_up_by_schedules_goes_on_and_ends_with_the_newest(world: World) -> None:
    ok(
        "up",
        "-d",
        "--yes",
        "--history-only",
        home=world.home,
        environ=world.environ | {"PATH": os.environ["PATH"]},
    )
    try:
        for seed in range(SEEDS):
            world.release()
            world.relay.on(*schedule(f"up {seed}"))
            time.sleep(2.5)
            now = ok_json("status", home=world.home, environ=world.environ)
            assert now["running"]
            world.whole()
        world.relay.on()
        ok("sync", home=world.home, environ=world.environ)
        assert world.text() == f"way {world.releases}"
        world.release()
        end = time.monotonic() + 90
        while world.text() != f"way {world.releases}" and time.monotonic() < end:
            time.sleep(0.2)
        assert world.text() == f"way {world.releases}", "`up` by itself"
        log = (world.home / ".skillclaw" / "logs" / "up.log").read_text("utf-8")
        assert "Traceback" not in log
    finally:
        ok("stop", home=world.home, environ=world.environ)
    world.whole()
