"""Claims on a piece of work: one holder at a time, taken over when it died, whatever lies beside them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from examples import examples
from hub_logs import opened
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.errors import StorageError, UpgradeNeededError, UsageError
from skillclaw.hub import Hub, keys
from skillclaw.hub.claim_entries import Entry, numbers, place_of, read, write
from skillclaw.hub.claims import KEEP, Claims, LostClaimError
from skillclaw.hub.signed import signed

JOB = "cycle"


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def machine(place: Path, name: str) -> Hub:
    """Another machine with the evolver's key of `me`."""
    opened(place).state()
    if not (place / name).exists():
        shutil.copytree(place / "me" / "keys", place / name / "keys")
    return opened(place, name)


def entry(place: Path, n: int) -> Path:
    return place / "hub" / place_of(JOB, n)


def made(hub: Hub, place: Path, n: int, **more: object) -> bytes:
    """An entry by the evolver of `me`, as another machine would write it."""
    key = keys.load(place / "me" / "keys", hub.info.group, "evolver")
    assert key is not None
    facts = {
        "job": JOB,
        "n": n,
        "claim": "c",
        "kind": "hold",
        "place": "p",
        "since": "",
        "time": "",
        "ttl": 5.0,
    }
    return write(Entry(**{**facts, **more}), hub.info.group, key)  # type: ignore[arg-type]


def test_one_has_it_until_it_is_released(tmp_path: Path) -> None:
    ours, theirs = Claims(machine(tmp_path, "me")), Claims(machine(tmp_path, "b"))
    assert ours.holder(JOB) is None
    claim = ours.take(JOB, 60)
    assert claim is not None
    assert (theirs.take(JOB, 60), ours.take(JOB, 60)) == (None, None)
    assert theirs.take("other", 60) is not None
    known = theirs.holder(JOB)
    assert known is not None and (known.stale, known.here, known.beats) == (False, False, 0)
    claim.check()
    claim.release("done")
    assert theirs.holder(JOB) is None
    again = theirs.take(JOB, 60)
    assert again is not None
    with pytest.raises(LostClaimError, match="taken over"):
        claim.check()
    again.check()


def test_who_gives_no_sign_of_life_is_taken_over_and_notices_before_it_writes(tmp_path: Path) -> None:
    clock = Clock()
    slow = Claims(machine(tmp_path, "me"), clock=clock)
    other = Claims(machine(tmp_path, "b"), clock=clock)
    claim = slow.take(JOB, 60)
    assert claim is not None and other.take(JOB, 60) is None
    clock.now += 59
    claim.beat()
    clock.now += 2
    assert other.take(JOB, 60) is None, "it was renewed, so the waiting begins anew"
    clock.now += 60
    assert other.take(JOB, 60) is None
    clock.now += 1
    taken = other.take(JOB, 60)
    assert taken is not None
    for act in (claim.check, claim.beat):
        with pytest.raises(LostClaimError):
            act()
    claim.release()
    taken.check()
    assert slow.take(JOB, 60) is None


def test_old_entries_go_and_a_place_that_became_free_is_no_way_in(tmp_path: Path) -> None:
    clock = Clock()
    ours = Claims(machine(tmp_path, "me"), clock=clock)
    stuck = Claims(machine(tmp_path, "b"), clock=clock)
    claim = stuck.take(JOB, 1)
    assert claim is not None
    ours.take(JOB, 1)
    clock.now += 2
    winner = ours.take(JOB, 1)
    assert winner is not None
    for _ in range(10):
        clock.now += 0.5
        winner.beat()
    there = sorted(path.name for path in entry(tmp_path, 1).parent.iterdir())
    assert len(there) == KEEP and not entry(tmp_path, 2).exists()
    with pytest.raises(LostClaimError):
        claim.beat()  # writes number 2, which is free again, and finds that others are far beyond
    winner.check()
    winner.beat()


def test_what_does_not_hold_is_skipped(tmp_path: Path) -> None:
    hub = machine(tmp_path, "me")
    stranger = keys.load_or_create(tmp_path / "x", hub.info.group, "evolver")
    member = keys.load(tmp_path / "me" / "keys", hub.info.group, "member")
    assert member is not None
    facts = {"job": JOB, "claim": "c", "kind": "hold", "place": "p", "since": "", "time": "", "ttl": 9e9}
    entry(tmp_path, 1).parent.mkdir(parents=True)
    whole = made(hub, tmp_path, 5)
    for n, data in {
        1: b"",
        2: whole[: len(whole) // 2],
        3: write(Entry(n=3, **facts), hub.info.group, stranger),  # type: ignore[arg-type]
        4: write(Entry(n=4, **facts), hub.info.group, member),  # type: ignore[arg-type]
        6: whole,  # moved to another number
        7: made(hub, tmp_path, 7, job="other"),
        8: made(hub, tmp_path, 8).replace(b'"ttl":5.0', b'"ttl":9.0'),
        9: b"[" * 20_000,
        99_999_999_999_999_999_999: b"{}",
    }.items():
        entry(tmp_path, n).write_bytes(data)
    (entry(tmp_path, 1).parent / "readme.txt").write_text("no entry")
    claims = Claims(hub)
    assert claims.holder(JOB) is None
    claim = claims.take(JOB, 60)
    assert claim is not None
    claim.check()
    claim.release("done")
    assert Claims(machine(tmp_path, "b")).take(JOB, 60) is not None
    for n in range(11, 400):
        entry(tmp_path, n).write_bytes(b"no entry")
    with pytest.raises(StorageError, match="cannot be used"):
        Claims(hub).take(JOB, 60)


def test_the_entry_of_a_revoked_key_holds_nothing(tmp_path: Path) -> None:
    hub = machine(tmp_path, "me")
    second = keys.load_or_create(tmp_path / "two", hub.info.group, "evolver")
    public = keys.public_hex(second)
    data = write(
        Entry(job=JOB, n=1, claim="c", kind="hold", place="p", since="", time="", ttl=1e9),
        hub.info.group,
        second,
    )
    claims = Claims(hub)
    hub.store.create(place_of(JOB, 1), data)
    assert claims.holder(JOB) is None
    machine(tmp_path, "b").commit(
        "key-add", {"public": public, "role": "evolver", "name": "two"}, role="owner"
    )
    known = claims.holder(JOB)  # which this machine's reading of the log did not know yet
    assert known is not None and (known.public, known.name, known.ttl) == (public, "two", 3600)
    hub.commit("key-revoke", {"public": public}, role="owner")
    assert claims.take(JOB, 60) is not None


def test_an_entry_of_a_later_version_is_not_passed_over(tmp_path: Path) -> None:
    hub = machine(tmp_path, "me")
    key = keys.load(tmp_path / "me" / "keys", hub.info.group, "evolver")
    assert key is not None
    later = Entry(v=2, job=JOB, n=1, claim="c", kind="hold", place="p", since="", time="", ttl=5.0)
    hub.store.create(place_of(JOB, 1), signed("claim", hub.info.group, later, key))
    with pytest.raises(UpgradeNeededError):
        Claims(hub).take(JOB, 60)
    with pytest.raises(UsageError):
        Claims(hub).take("../log", 60)


def test_what_clocks_of_walls_say_changes_nothing(tmp_path: Path) -> None:
    hub, clock = machine(tmp_path, "me"), Clock()
    claims = Claims(machine(tmp_path, "b"), clock=clock)
    for n, when in enumerate(("1970-01-01T00:00:00Z", "2199-01-01T00:00:00Z", "no time"), start=1):
        hub.store.create(place_of(JOB, n), made(hub, tmp_path, n, since=when, time=when))
        assert claims.take(JOB, 5) is None
        clock.now += 4.9
        assert claims.take(JOB, 5) is None
    clock.now += 0.2
    assert claims.take(JOB, 5) is not None


def test_a_storage_that_fails_after_it_wrote_loses_no_claim(tmp_path: Path) -> None:
    hub, clock = machine(tmp_path, "me"), Clock()
    claim = Claims(hub, clock=clock).take(JOB, 3)
    assert claim is not None
    create = hub.store.create

    def cut(key: str, data: bytes) -> bool:
        create(key, data)
        raise StorageError("The connection broke.")

    clock.now += 2
    hub.store.create = cut  # type: ignore[method-assign]
    with pytest.raises(StorageError):
        claim.beat()
    hub.store.create = create  # type: ignore[method-assign]
    claim.beat()
    claim.check()
    assert Claims(machine(tmp_path, "b")).take(JOB, 3) is None


HOLD = """
import sys, time
from pathlib import Path
from skillclaw.hub import Hub
from skillclaw.hub.claims import Claims

url, home, folder, ttl = sys.argv[1:]
hub = Hub.open(url, Path(home) / "keys", Path(home) / "hubs.json")
claim = Claims(hub, Path(folder) if folder else None).take("cycle", float(ttl))
print("held" if claim else "none", flush=True)
with claim.beating():
    time.sleep(600)
"""


def holding(place: Path, who: str, ttl: float, folder: str = "") -> subprocess.Popen[bytes]:
    """A process on the machine of `who` that has the claim and beats."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(place / "hub"), str(place / who), folder, str(ttl)],
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    if child.stdout.readline() != b"held\n":
        child.kill()
        raise AssertionError("the child did not get the claim")
    return child


def test_a_holder_that_is_killed_is_taken_over_after_ttl_and_not_before(tmp_path: Path) -> None:
    machine(tmp_path, "me")
    claims = Claims(machine(tmp_path, "b"))
    child = holding(tmp_path, "me", 0.6)
    try:
        until = time.monotonic() + 1.2
        while time.monotonic() < until:
            assert claims.take(JOB, 60) is None, "it beats"
            time.sleep(0.05)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    died = time.monotonic()
    while (claim := claims.take(JOB, 60)) is None:
        time.sleep(0.02)
        assert time.monotonic() < died + 10
    assert 0.3 < time.monotonic() - died < 5
    claim.check()


@pytest.mark.skipif(not Path("/proc/sys/kernel/random/boot_id").exists(), reason="needs Linux")
def test_a_home_knows_at_once_that_its_own_process_died_and_remembers_what_it_watched(tmp_path: Path) -> None:
    ours = tmp_path / "me" / "claims"
    child = holding(tmp_path, "me", 600, str(ours)) if machine(tmp_path, "me") else None
    assert child is not None
    try:
        claims = Claims(machine(tmp_path, "me"), ours)
        assert claims.take(JOB, 600) is None
        known = claims.holder(JOB)
        assert known is not None and known.here
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    # a copy of the home is another machine, and has to wait
    assert Claims(machine(tmp_path, "b"), tmp_path / "b" / "claims").take(JOB, 600) is None
    claim = claims.take(JOB, 0.3)
    assert claim is not None
    # each of these is a process that looks once
    assert Claims(machine(tmp_path, "b"), tmp_path / "b" / "claims").take(JOB, 600) is None
    time.sleep(0.4)
    assert Claims(machine(tmp_path, "b"), tmp_path / "b" / "claims").take(JOB, 600) is not None
    with pytest.raises(LostClaimError):
        claim.check()


TAKERS = """
import os, random, sys, threading, time
from pathlib import Path
from skillclaw.hub import Hub
from skillclaw.hub.claims import Claims, LostClaimError

url, home, held, who, threads, rounds = sys.argv[1:5] + [int(n) for n in sys.argv[5:]]
failed = []

def take(n):
    hub = Hub.open(url, Path(home) / "keys", Path(home) / f"{who}-{n}.json")
    claims = Claims(hub)
    won = 0
    until = time.monotonic() + 120
    while won < rounds and time.monotonic() < until:
        claim = claims.take("cycle", 60)
        if claim is None:
            time.sleep(random.uniform(0, 0.01))
            continue
        claim.check()
        try:
            os.close(os.open(held, os.O_CREAT | os.O_EXCL))  # two at a time cannot
            time.sleep(0.002)
            os.unlink(held)
        except OSError as error:
            failed.append(repr(error))
        claim.release()
        won += 1
    if won < rounds:
        failed.append(f"{who}-{n} won {won} times only")

all_ = [threading.Thread(target=take, args=(n,)) for n in range(threads)]
for one in all_:
    one.start()
for one in all_:
    one.join()
sys.exit("; ".join(failed) or 0)
"""


def race(url: str, home: Path, held: Path, processes: int, threads: int, rounds: int) -> None:
    """Every taker gets the claim `rounds` times, and no two have it at a time."""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", TAKERS, url, str(home), str(held), f"t{n}", str(threads), str(rounds)],
            stderr=subprocess.PIPE,
        )
        for n in range(processes)
    ]
    try:
        for child in children:
            _, error = child.communicate(timeout=180)
            assert child.returncode == 0, error.decode()
    finally:
        for child in children:
            child.kill()


@pytest.mark.e2e
def test_many_takers_one_holder_at_a_time(tmp_path: Path) -> None:
    machine(tmp_path, "me")
    race(str(tmp_path / "hub"), tmp_path / "me", tmp_path / "held", 2, 3, 3)


@pytest.mark.e2e
def test_many_takers_one_holder_at_a_time_on_s3(s3: str, tmp_path: Path) -> None:
    home = tmp_path / "me"
    hub = Hub.open_or_create(s3, home / "keys", home / "hubs.json")
    hub.state()
    race(s3, home, tmp_path / "held", 2, 3, 3)
    clock = Clock()
    claim = Claims(hub, clock=clock).take(JOB, 3)
    assert claim is not None
    for _ in range(8):
        clock.now += 2
        claim.beat()
    assert len(hub.store.list(f"jobs/{JOB}/claims")) == KEEP


@settings(deadline=None, max_examples=examples(6))
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["take", "beat", "write", "release", "wait"]))
    )
)
def test_whatever_three_machines_do_one_at_a_time_may_write(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]]
) -> None:
    place = tmp_path_factory.mktemp("claims")
    clock = Clock()
    machines = [Claims(machine(place, name), clock=clock) for name in ("me", "b", "c")]
    held = {}
    for who, what in steps:
        if what == "wait":
            clock.now += 3
        elif what == "take" and who not in held:
            if (claim := machines[who].take(JOB, 5)) is not None:
                held[who] = claim
        elif who in held and what == "release":
            held.pop(who).release()
        elif who in held:
            try:
                held[who].beat() if what == "beat" else held[who].check()
            except LostClaimError:
                held.pop(who)
        may = 0
        for claim in held.values():
            try:
                claim.check()
                may += 1
            except LostClaimError:
                pass
        assert may <= 1
        assert len(list((place / "hub").glob("jobs/*/claims/*"))) <= 2 * KEEP + 1


@given(st.binary(max_size=300), st.integers(1, 10**20 - 1))
def test_any_bytes_are_an_entry_or_none(data: bytes, n: int) -> None:
    from skillclaw.errors import VerifyError

    with pytest.raises(VerifyError):
        read(data, "group", JOB, n)
    assert numbers(JOB, [place_of(JOB, n), place_of("other", n), f"jobs/{JOB}/claims/x.json", ""]) == [n]


def test_rubbish_behind_a_claim_is_not_read_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may write to the storage can put any number of objects there, to be read at each check."""
    hub = machine(tmp_path, "me")
    claim = Claims(hub).take(JOB, 60)
    assert claim is not None
    for n in range(500, 1500):
        entry(tmp_path, n).write_bytes(b"{}")
    read_, got = hub.store.get, list[str]()
    monkeypatch.setattr(hub.store, "get", lambda key, limit: got.append(key) or read_(key, limit))
    with pytest.raises(StorageError, match="cannot be used") as caught:
        claim.check()
    assert "Delete what lies below" in caught.value.todo
    assert len(got) < 200
