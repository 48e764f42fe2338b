"""A hub through a network that breaks: what it says is done is done once, and nothing else happens.

The relay stands between the hub and its storage: OSS's dialect in every run, a real S3 server in `make e2e`.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from bucket_server import Bucket
from storage_faults import Fault, Faults, faulty

from skillclaw.errors import SkillClawError, StorageError, VerifyError
from skillclaw.hub import Hub
from skillclaw.hub.store import Store
from skillclaw.hub.store_url import options_of
from skillclaw.skills.records import Bundle, File, Proposal

pytestmark = pytest.mark.live

QUICK = "&timeout=4&retries=2"


@dataclass
class Wire:
    """A storage, reached through a relay that can be told to fail, or directly."""

    direct: str
    relay: Faults

    @property
    def url(self) -> str:
        endpoint = options_of(self.direct)["endpoint"]
        assert endpoint in self.direct
        return self.direct.replace(endpoint, self.relay.endpoint) + QUICK

    @property
    def store(self) -> Store:
        return Store(self.url)

    @property
    def truth(self) -> Store:
        return Store(self.direct)

    def hub(self, home: Path, *, direct: bool = False) -> Hub:
        url = self.direct if direct else self.url
        return Hub.open_or_create(url, home / "keys", seen=home / "hubs.json")


@pytest.fixture(params=["oss", pytest.param("s3", marks=pytest.mark.e2e)])
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    if request.param == "oss":
        bucket: Bucket = request.getfixturevalue("oss")
        direct = bucket.url()
    else:
        direct = request.getfixturevalue("s3")
    port = urlsplit(options_of(direct)["endpoint"]).port
    assert port is not None
    with faulty(port) as relay:
        yield Wire(direct, relay)


def readers_agree(wire: Wire, home: Path) -> Hub:
    """A reader without faults and without memory: the log holds, and nothing in it is void."""
    hub = wire.hub(home / "reader", direct=True)
    state = hub.state()
    assert state.void == 0
    assert hub.verify() == []
    return hub


TRANSIENT = [
    Fault("refuse", count=2, status=500),
    Fault("refuse", count=2, status=503, code="SlowDown"),
    Fault("fail", count=2, status=500),
    Fault("fail", count=2, status=503, code="ServiceUnavailable"),
    Fault("reset", count=2),
    Fault("drop", count=2),
    Fault("torn", method="GET", count=2),
    Fault("short", method="GET"),
    Fault("wrong", method="GET"),
    Fault("twice", count=50),
    Fault("slow", count=3, seconds=0.2),
]


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda f: f"{f.does}-{f.status}")
def test_a_fault_that_passes_is_not_noticed(wire: Wire, fault: Fault) -> None:
    store, data = wire.store, b"data" * 50
    again = Fault(**fault.__dict__)
    wire.relay.on(Fault(**fault.__dict__))
    assert store.create("log/1", data)
    wire.relay.on(again)
    assert store.get("log/1", 1000) == data
    wire.relay.on(Fault(**fault.__dict__))
    assert not store.create("log/1", b"other")
    assert store.list("log") == ["log/1"]
    assert wire.truth.get("log/1", 1000) == data
    store.delete("log/1")
    assert wire.truth.list("log") == []


LASTING = [
    (Fault("refuse", count=99, status=500), "fault of its own"),
    (Fault("refuse", count=99, status=503, code="SlowDown"), "slow down"),
    (Fault("refuse", count=99, status=429, code="TooManyRequests"), "slow down"),
    (Fault("reset", count=99), "connection broke"),
    (Fault("hang", count=99, seconds=8.0), "in time"),
]


@pytest.mark.parametrize(("fault", "why"), LASTING, ids=lambda f: getattr(f, "does", None))
def test_a_fault_that_stays_is_an_error_within_the_time_limits(wire: Wire, fault: Fault, why: str) -> None:
    store = Store(wire.url.replace("timeout=4", "timeout=0.4"))
    for act in (
        lambda: store.get("log/1", 1000),
        lambda: store.put("log/1", b"x"),
        lambda: store.create("log/1", b"x"),
        lambda: store.list("log"),
        lambda: store.delete("log/1"),
        store.probe,
    ):
        wire.relay.on(Fault(**fault.__dict__))
        before, start = len(wire.relay.passed), time.monotonic()
        with pytest.raises(StorageError) as caught:
            act()
        # one limit for the last try, one for those before it, pauses, and a machine that is busy
        assert time.monotonic() - start < 2 * 0.4 + 4.0
        assert why in caught.value.why, str(caught.value)
        assert len(wire.relay.passed) - before <= 3
    assert wire.truth.list("log") == []
    assert wire.truth.list("inbox") == []


def test_bytes_that_stay_wrong_are_an_error_and_never_read(wire: Wire) -> None:
    store = wire.store
    store.put("log/1", b"data" * 50)
    wire.relay.on(*[Fault(does, method="GET") for does in ("short", "wrong", "short", "wrong")])
    with pytest.raises(StorageError, match="could not be read"):
        store.get("log/1", 1000)
    wire.relay.on(Fault("torn", method="GET", count=99))
    with pytest.raises(StorageError, match="could not be read"):
        store.get("log/1", 1000)
    wire.relay.on()
    assert store.get("log/1", 1000) == b"data" * 50
    for does in ("short", "wrong"):  # the same each time, as a bad cache gives it
        wire.relay.on(Fault(does, method="GET", count=99))
        with pytest.raises(StorageError, match="could not be read") as caught:
            store.get("log/1", 1000)
        assert "checksums=off" in caught.value.todo
        assert Store(wire.url + "&checksums=off").get("log/1", 1000) != b"data" * 50


def test_a_create_that_met_another_request_is_tried_again(wire: Wire) -> None:
    """S3 answers 409 to a create beside a delete of the same key, and then nothing is there."""
    store = wire.store
    met = {"method": "PUT", "status": 409, "code": "ConditionalRequestConflict"}
    wire.relay.on(Fault("refuse", **met, count=2))
    assert store.create("log/1", b"x")
    wire.relay.on(Fault("refuse", **met, count=99))
    with pytest.raises(StorageError) as caught:
        store.create("log/2", b"x")
    assert "that it is not" in caught.value.why
    assert wire.truth.list("log") == ["log/1"]


def test_a_create_is_not_fooled_by_an_old_answer(wire: Wire) -> None:
    store = wire.store
    assert store.create("log/1", b"x")
    wire.relay.on(Fault("stale", method="GET", count=2))
    assert not store.create("log/1", b"y")
    wire.relay.on(Fault("stale", method="GET", count=2))
    assert store.create("log/1", b"x")
    wire.relay.on(Fault("stale", method="GET", count=99))
    with pytest.raises(StorageError):
        store.create("log/1", b"y")
    assert wire.truth.get("log/1", 10) == b"x"


def test_a_commit_whose_answer_is_lost_is_in_the_log_once(wire: Wire, tmp_path: Path) -> None:
    hub = wire.hub(tmp_path)
    seq = hub.state().seq
    for n, does in enumerate(["drop", "fail", "twice", "reset", "refuse"]):
        wire.relay.on(Fault(does, method="PUT", where=r"/log/"))
        hub.tombstone(f"k{n}")
        assert hub.state().seq == seq + n + 1
    reader = readers_agree(wire, tmp_path)
    assert reader.state() == hub.state()
    assert reader.state().tombstones == [f"k{n}" for n in range(5)]


def test_a_commit_that_is_reported_as_failed_may_be_repeated(wire: Wire, tmp_path: Path) -> None:
    hub = wire.hub(tmp_path)
    wire.relay.on(Fault("drop", method="PUT", where=r"/log/", count=99))
    with pytest.raises(StorageError) as caught:
        hub.tombstone("k")
    assert "may have been done" in caught.value.why
    wire.relay.on()
    hub.tombstone("k")
    assert readers_agree(wire, tmp_path).state().tombstones == ["k"]


def test_a_write_that_comes_late_harms_nobody(wire: Wire, tmp_path: Path) -> None:
    """The first commit is stuck on its way, given up, and arrives after another took its number."""
    home = tmp_path / "a"
    hub = wire.hub(home)
    one = wire.hub(home)
    wire.relay.on(Fault("late", method="PUT", where=r"/log/", count=3, seconds=60))
    with pytest.raises(StorageError):
        hub.tombstone("late")
    wire.relay.on()
    one.tombstone("next")
    wire.relay.settle()
    hub.tombstone("last")
    state = readers_agree(wire, home).state()
    assert state.tombstones[0] == "next"
    assert set(state.tombstones) <= {"late", "next", "last"}
    assert {"next", "last"} <= set(state.tombstones)


@pytest.mark.parametrize("does", ["short", "wrong", "torn", "reset", "refuse", "hang"])
def test_what_cannot_be_read_changes_nothing(wire: Wire, tmp_path: Path, does: str) -> None:
    writer = wire.hub(tmp_path / "writer", direct=True)
    for n in range(3):
        writer.tombstone(f"k{n}")
    reader = Hub.open(
        wire.url.replace("timeout=4", "timeout=0.5"),
        tmp_path / "r" / "keys",
        seen=tmp_path / "r" / "hubs.json",
    )
    before = reader.state()
    seen = (tmp_path / "r" / "hubs.json").read_bytes()
    writer.tombstone("k3")
    wire.relay.on(Fault(does, method="GET", where=r"/log/", count=99, seconds=1.5))
    with pytest.raises(StorageError, match="could not be read"):
        reader.state()
    assert (tmp_path / "r" / "hubs.json").read_bytes() == seen
    wire.relay.on()
    assert reader.state().tombstones == [*before.tombstones, "k3"]
    assert writer.state().tombstones == [f"k{n}" for n in range(4)]


def test_old_answers_hide_news_and_undo_nothing(wire: Wire, tmp_path: Path) -> None:
    hub = wire.hub(tmp_path / "a")
    for n in range(3):
        hub.tombstone(f"k{n}")
    last = hub.state()
    # a cache says that the newest entries are not there: a reader that saw them says so and keeps them
    wire.relay.on(Fault("stale", method="GET", where=r"/log/0*[3-9]\.json", count=99))
    with pytest.raises(VerifyError, match="cut back"):
        wire.hub(tmp_path / "a").state()
    assert hub.state() == last
    # and a writer that is shown an old end of the log overwrites nothing
    wire.relay.on(Fault("stale", method="GET", where=r"/log/", count=3))
    try:
        hub.tombstone("k3")
    except SkillClawError:
        wire.relay.on()
        hub.tombstone("k3")
    assert readers_agree(wire, tmp_path).state().tombstones == [f"k{n}" for n in range(4)]


def test_a_hub_that_a_cache_hides_is_not_founded_anew(wire: Wire, tmp_path: Path) -> None:
    group = wire.hub(tmp_path / "a", direct=True).info.group
    for faults in (
        [Fault("stale", method="GET", where=r"hub\.json")],
        [Fault("stale", method="GET", where=r"hub\.json"), Fault("lost", where="list-type", count=9)],
    ):
        wire.relay.on(*faults)
        try:
            assert wire.hub(tmp_path / "b").info.group == group
        except StorageError as error:
            assert "not whole" in error.what or "could not be written" in error.what
    wire.relay.on()
    assert wire.hub(tmp_path / "c", direct=True).info.group == group


def test_an_idle_poll_is_one_request_of_less_than_a_kilobyte(wire: Wire, tmp_path: Path) -> None:
    wire.hub(tmp_path / "a").tombstone("k")
    reader = wire.hub(tmp_path / "b")
    reader.state()
    for _ in range(3):
        before = len(wire.relay.passed)
        reader.state()
        asked = wire.relay.passed[before:]
        assert [(one.method, one.status) for one in asked] == [("GET", 404)]
        assert asked[0].sent + asked[0].received < 1024, asked


def a_day(wire: Wire, home: Path) -> Hub:
    """Found a hub, release a skill, take it back: each step is a command, and can be done again."""
    url = wire.url.replace("retries=2", "retries=0")
    hub = Hub.open_or_create(url, home / "keys", seen=home / "hubs.json")
    bundle = Bundle(name="git", files=[File(path="SKILL.md", data=b"x")])
    proposal = Proposal(id="p", action="create", skill="git", base=None, engine="e", why="w", bundle=bundle)
    hub.propose(proposal)
    if hub.state().proposals["p"].status != "released":
        hub.record_verdicts("p", [], "passed")
    release = hub.release("p")
    assert hub.get_bundle(release) == bundle
    hub.tombstone("k")
    return hub


@pytest.mark.parametrize("does", ["drop", pytest.param("reset", marks=pytest.mark.slow)])
def test_storage_that_goes_away_in_the_middle_leaves_work_that_can_go_on(
    wire: Wire, tmp_path: Path, does: str
) -> None:
    """It goes away at each request of a day in turn: before that request is done, or right after."""
    every = 1 if does == "reset" else 6
    for at in range(0, 200, every):
        home, place = tmp_path / str(at), replace(wire, direct=wire.direct.replace("?", f"-{at}?", 1))
        wire.relay.on(Fault(does, skip=at, count=1), Fault("reset", skip=at, count=999))
        try:
            a_day(place, home)
        except StorageError:
            wire.relay.on()
            hub = a_day(place, home)
        else:
            break  # no request was left to fail
        state = readers_agree(place, home).state()
        assert state == hub.state()
        assert (state.tombstones, state.skills["git"].current is not None) == (["k"], True)
        assert [p.name for p in (home / "keys").iterdir() if p.name == state.group] == [state.group]
    else:
        raise AssertionError("the day had no end")
    assert at > 16


DOES = ["refuse", "fail", "reset", "drop", "twice", "short", "wrong", "torn", "slow", "late"]


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_three_writers_through_a_bad_network_keep_one_log(wire: Wire, tmp_path: Path, seed: int) -> None:
    """Of ten requests three go wrong, each in its own way. What a writer was told is done is there once, what
    it was told failed is there once or not at all.
    """
    home = tmp_path / "owner"
    wire.hub(home, direct=True)
    dice = random.Random(seed)
    faults = [
        Fault(dice.choice(DOES), skip=0, status=dice.choice([500, 503]), seconds=dice.choice([0.05, 0.2]))
        for _ in range(60)
    ]
    plan: list[Fault | None] = [None] * 140 + list(faults)
    dice.shuffle(plan)
    wire.relay.take = _planned(plan)  # type: ignore[method-assign]
    done: list[str] = []
    failed: list[str] = []

    def write(who: int) -> None:
        hub: Hub | None = None
        for n in range(8):
            try:
                hub = hub or wire.hub(home)
                hub.commit("tombstone", {"key": f"{who}-{n}"})
            except SkillClawError:
                failed.append(f"{who}-{n}")
            else:
                done.append(f"{who}-{n}")

    threads = [threading.Thread(target=write, args=(who,)) for who in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
        assert not thread.is_alive()
    wire.relay.take = lambda *_: None  # type: ignore[method-assign]
    wire.relay.settle()
    there = Counter(readers_agree(wire, tmp_path).state().tombstones)
    assert max(there.values()) == 1
    assert set(done) <= set(there)
    assert set(there) <= {*done, *failed}
    assert len(done) > 12


def _planned(plan: list[Fault | None]) -> Any:
    lock = threading.Lock()

    def take(_method: str, _path: str) -> Fault | None:
        with lock:
            return plan.pop() if plan else None

    return take
