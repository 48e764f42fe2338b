"""A hub on a real folder: races, kills, tampering, full disks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from skillclaw.errors import (
    BadInputError,
    SkillClawError,
    StorageError,
    UpgradeNeededError,
    UsageError,
    VerifyError,
)
from skillclaw.hub import Hub, HubInfo, log
from skillclaw.hub.store import Store, masked, plain
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File, Proposal, Sidecar, Verdict

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and limits")


def bundle(text: str, name: str = "git") -> Bundle:
    return Bundle(name=name, files=[File(path="SKILL.md", data=text.encode())])


def proposal(id_: str, text: str, base: str | None = None, name: str = "git") -> Proposal:
    files = bundle(text, name)
    return Proposal(
        id=id_,
        action="refine" if base else "create",
        skill=name,
        base=base,
        engine="extractive",
        why="It helps.",
        bundle=files,
        sidecar=Sidecar(skill=name, version=version(files)),
    )


def opened(place: Path, user: str = "me") -> Hub:
    home = place / user
    return Hub.open_or_create(str(place / "hub"), home / "keys", seen=home / "hubs.json")


def released(hub: Hub, id_: str, text: str, base: str | None = None) -> str:
    hub.propose(proposal(id_, text, base))
    hub.record_verdicts(id_, [Verdict(check="spec", verdict="pass", reason="Fine.")], "passed")
    return hub.release(id_).version


def child(code: str, *args: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def log_files(place: Path) -> list[Path]:
    return sorted(path for path in (place / "hub" / "log").iterdir() if path.suffix == ".json")


def test_a_proposal_becomes_a_release_that_another_reader_checks(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    first = released(hub, "p1", "one")
    second = released(hub, "p2", "two", base=first)
    state = opened(tmp_path, "other").state()
    assert state == hub.state()
    skill = state.skills["git"]
    assert skill.current == second
    release = skill.release(second)
    assert release is not None
    assert release.base == first
    assert opened(tmp_path, "other").get_bundle(release) == bundle("two")
    assert release.sidecar is not None
    assert msgspec.json.decode(hub.get_object(release.sidecar), type=Sidecar).version == second
    hub.rollback("git", first)
    assert hub.state().skills["git"].current == first
    assert hub.verify() == []
    assert {key.role for key in state.keys.values()} == {"owner", "evolver", "member"}


def test_doing_it_twice_is_doing_it_once(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    released(hub, "p1", "one")
    before = hub.state().seq
    released(hub, "p1", "one")
    hub.tombstone("k")
    hub.tombstone("k")
    assert hub.state().seq == before + 1
    assert hub.state().tombstones == ["k"]


def test_held_rejected_and_retired(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    first = released(hub, "p1", "one")
    hub.commit("settings", {"policy": "team"}, role="owner")
    hub.propose(proposal("p2", "two", first))
    hub.record_verdicts(
        "p2", [Verdict(check="scripts", verdict="hold", reason="A person must look.")], "held"
    )
    with pytest.raises(BadInputError, match="does not take"):
        hub.release("p2")
    hub.approve("p2")
    hub.approve("p2")
    second = hub.release("p2", stage="canary")
    assert second.stage == "canary"
    hub.propose(proposal("p3", "three", second.version))
    assert hub.reject("p3", "No need.").status == "rejected"
    with pytest.raises(BadInputError):
        hub.release("p3")
    retire = Proposal(id="p4", action="retire", skill="git", base=second.version, engine="e", why="It harms.")
    hub.propose(retire)
    hub.record_verdicts("p4", [], "passed")
    assert hub.release("p4").stage == "archived"
    assert hub.state().skills["git"].current is None
    assert hub.verify() == []


def test_private_files_stay_private(tmp_path: Path) -> None:
    opened(tmp_path)
    for path in (tmp_path / "me").rglob("*"):
        if os.name == "posix":
            assert path.stat().st_mode & 0o077 == 0, path
    assert (tmp_path / "hub").stat().st_mode & 0o077 == 0 or os.name != "posix"


def test_who_has_no_key_reads_and_cannot_write(tmp_path: Path) -> None:
    released(opened(tmp_path), "p1", "one")
    other = opened(tmp_path, "other")
    assert other.state().skills["git"].current
    for act in (
        lambda: other.commit("tombstone", {"key": "k"}),
        lambda: other.rollback("git", None),
        lambda: other.approve("p1"),
    ):
        with pytest.raises(UsageError, match="may not sign"):
            act()


RACE = """
import sys
from pathlib import Path
from skillclaw.hub import Hub
place, who, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
hub = Hub.open_or_create(str(place / "hub"), place / "me" / "keys", seen=place / "me" / "hubs.json")
for i in range(count):
    hub.tombstone(f"{who}-{i}")
"""


def test_of_several_founders_one_wins_and_no_commit_is_lost(tmp_path: Path) -> None:
    """Four processes open a hub that is not there yet, and all write at once."""
    children = [child(RACE, str(tmp_path), f"w{n}", "15") for n in range(4)]
    for one in children:
        _, error = one.communicate(timeout=60)
        assert one.returncode == 0, error.decode()
    hub = opened(tmp_path)
    state = hub.state()
    assert sorted(state.tombstones) == sorted(f"w{n}-{i}" for n in range(4) for i in range(15))
    assert state.void == 0
    assert state.seq == 2 + 60
    assert hub.verify() == []
    assert [p.name for p in (tmp_path / "me" / "keys").iterdir()] == [state.group]


@POSIX
def test_a_kill_while_writing_leaves_a_log_that_goes_on(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    for round_ in range(5):
        one = child(RACE, str(tmp_path), f"r{round_}", "10000")
        floor = len(log_files(tmp_path)) + 3
        until = time.monotonic() + 20
        while len(log_files(tmp_path)) < floor and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(0.003 * round_)
        one.kill()
        one.communicate()
        hub.tombstone(f"after-{round_}")
    state = opened(tmp_path).state()
    assert state.void == 0
    assert {f"after-{n}" for n in range(5)} <= set(state.tombstones)
    for round_ in range(5):
        numbers = [int(key.split("-")[1]) for key in state.tombstones if key.startswith(f"r{round_}-")]
        assert numbers == list(range(len(numbers)))
    assert hub.verify() == []


@pytest.mark.parametrize("garbage", [b"", b"{", b"\xff" * 40, b"null", b"[" * 5000, b'{"v":1}'])
def test_garbage_in_the_log_is_void_and_blocks_nobody(tmp_path: Path, garbage: bytes) -> None:
    hub = opened(tmp_path)
    (tmp_path / "hub" / log.key_of(hub.state().seq + 1)).write_bytes(garbage)
    hub.tombstone("k")
    state = opened(tmp_path, "other").state()
    assert state == hub.state()
    assert (state.void, state.tombstones) == (1, ["k"])
    assert any("void" in line for line in hub.verify())


def test_a_cut_or_replaced_log_is_refused(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    first = released(hub, "p1", "one")
    shutil.copytree(tmp_path / "hub", tmp_path / "old")
    released(hub, "p2", "two", base=first)
    # cut back: an attacker hides the last release
    shutil.rmtree(tmp_path / "hub")
    shutil.copytree(tmp_path / "old", tmp_path / "hub")
    with pytest.raises(VerifyError, match="cut back"):
        opened(tmp_path).state()
    with pytest.raises(VerifyError, match="cut back"):
        hub.tombstone("k")
    assert any("were seen" in line for line in opened(tmp_path).verify())
    # forked: the owner's key wrote another history
    keys_only = tmp_path / "fork"
    shutil.copytree(tmp_path / "me" / "keys", keys_only / "keys")
    fork = Hub.open_or_create(str(tmp_path / "hub"), keys_only / "keys", seen=keys_only / "hubs.json")
    for n in range(10):
        fork.tombstone(f"k{n}")
    with pytest.raises(VerifyError, match="cut back or replaced"):
        opened(tmp_path).state()


def test_a_cut_log_is_refused_from_a_checkpoint_too(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    for n in range(70):
        hub.tombstone(f"k{n}")
    assert list((tmp_path / "me" / "hubs").glob("*.state.json"))
    assert opened(tmp_path).state() == hub.state()
    last = log_files(tmp_path)[-1]
    kept = last.read_bytes()
    last.unlink()
    with pytest.raises(VerifyError):
        opened(tmp_path).state()
    last.write_bytes(kept)
    assert opened(tmp_path).state() == hub.state()
    next((tmp_path / "me" / "hubs").glob("*.state.json")).write_bytes(b"{")
    assert opened(tmp_path).state() == hub.state()


def test_another_group_in_the_same_place_is_refused(tmp_path: Path) -> None:
    opened(tmp_path)
    shutil.rmtree(tmp_path / "hub")
    with pytest.raises(StorageError, match="could not be opened") as gone:
        opened(tmp_path)
    assert gone.value.todo.startswith("Mount the share")
    assert not (tmp_path / "hub").exists()
    (tmp_path / "hub").mkdir()
    with pytest.raises(StorageError, match="not whole"):
        opened(tmp_path)
    opened(tmp_path, "attacker")
    with pytest.raises(VerifyError, match="not the one"):
        opened(tmp_path)


def test_hub_json_gone_with_a_log_there_is_not_made_anew(tmp_path: Path) -> None:
    opened(tmp_path)
    (tmp_path / "hub" / "hub.json").unlink()
    with pytest.raises(StorageError, match=r"hub\.json is gone"):
        opened(tmp_path, "other")


def test_a_changed_object_is_refused(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    current = released(hub, "p1", "one")
    release = hub.state().skills["git"].release(current)
    assert release is not None
    path = tmp_path / "hub" / "objects" / release.object
    good = path.read_bytes()
    path.write_bytes(good + b"x")
    with pytest.raises(VerifyError, match="was changed"):
        hub.get_bundle(release)
    assert len(hub.verify()) == 1
    path.unlink()
    with pytest.raises(StorageError, match="is not in the hub"):
        hub.get_bundle(release)
    assert hub.put_bundle(bundle("one")) == (current, release.object)
    assert hub.verify() == []
    wrong = hub.put_object(b"not a bundle")
    with pytest.raises(BadInputError):
        hub.get_bundle(msgspec.structs.replace(release, object=wrong))
    _, other = hub.put_bundle(bundle("two"))
    with pytest.raises(VerifyError, match="not what its object holds"):
        hub.get_bundle(msgspec.structs.replace(release, object=other))
    with pytest.raises(VerifyError):
        hub.get_object("../hub.json")


def test_a_newer_hub_stops_and_changes_nothing(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    info = tmp_path / "hub" / "hub.json"
    info.write_bytes(msgspec.json.encode(msgspec.structs.replace(hub.info, v=2)))
    with pytest.raises(UpgradeNeededError):
        opened(tmp_path)
    info.write_bytes(msgspec.json.encode(HubInfo(group="../x", owner="0", created="")))
    with pytest.raises(BadInputError):
        opened(tmp_path)


def test_unreadable_is_not_absent(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    released(hub, "p1", "one")
    entry = log_files(tmp_path)[-1]
    kept = entry.read_bytes()
    entry.unlink()
    entry.symlink_to(entry)  # reading it fails, and not because nothing is there
    with pytest.raises(StorageError, match=r"could not be (read|listed)"):
        opened(tmp_path, "other").state()
    entry.unlink()
    entry.write_bytes(kept)
    assert opened(tmp_path, "other").state() == hub.state()


FULL = """
import resource, signal, sys
from pathlib import Path
from skillclaw.errors import StorageError
from skillclaw.hub import Hub
place = Path(sys.argv[1])
hub = Hub.open_or_create(str(place / "hub"), place / "me" / "keys", seen=place / "me" / "hubs.json")
hub.state()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
for act in (lambda: hub.tombstone("k"), lambda: hub.put_object(b"x" * 100_000)):
    try:
        act()
    except StorageError as error:
        print(error.what)
    else:
        print("went through")
"""


@POSIX
@pytest.mark.parametrize("room", ["0", "100"])
def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path, room: str) -> None:
    hub = opened(tmp_path)
    released(hub, "p1", "one")
    out, error = child(FULL, str(tmp_path), room).communicate(timeout=30)
    assert out.decode().count("could not be written") == 2, error.decode()
    state = opened(tmp_path, "other").state()
    assert state == hub.state()
    hub.tombstone("k")
    assert hub.verify() == []


def test_a_create_has_one_winner_and_the_same_bytes_count_as_ours(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s"))
    assert store.create("log/1", b"a")
    assert store.create("log/1", b"a")
    assert not store.create("log/1", b"b")
    assert store.get("log/1", 10) == b"a"
    assert store.get("log/2", 10) is None
    store.put("log/2", b"x" * 100)
    assert len(store.get("log/2", 10) or b"") == 11
    assert store.list("log") == ["log/1", "log/2"]
    store.delete("log/2")
    store.delete("log/2")
    assert store.list("log") == ["log/1"]


def test_urls_are_shown_without_secrets(tmp_path: Path) -> None:
    url = "s3://user:pw@bucket/team?secret_access_key=TOPSECRET&region=eu"
    assert plain(url) == "s3://bucket/team"
    assert "TOPSECRET" not in masked(url)
    assert "pw" not in masked(url)
    assert plain(str(tmp_path)) == plain(tmp_path.as_uri())
    with pytest.raises(SkillClawError, match="cannot lie"):
        Store("ftp://x/y")
    down = "s3://bucket/x?endpoint=http://127.0.0.1:9&access_key_id=AKIDX&secret_access_key=TOPSECRET"
    with pytest.raises(StorageError) as caught:
        Store(down).get("hub.json", 10)
    assert "TOPSECRET" not in str(caught.value)


@POSIX
def test_a_reader_in_a_loop_sees_only_whole_states(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    one = child(RACE, str(tmp_path), "w", "150")
    seen = 0
    while one.poll() is None:
        state = hub.state()
        assert state.void == 0
        assert state.tombstones == [f"w-{i}" for i in range(len(state.tombstones))]
        assert state.seq >= seen
        seen = state.seq
    assert one.returncode == 0
    assert len(hub.state().tombstones) == 150
