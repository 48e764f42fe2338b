"""A hub in an attacker's hands: flipped bits, swapped and replayed objects, and what `hub verify` says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hub_logs import entry, grow, names, opened, packed

from skillclaw.errors import SkillClawError, VerifyError
from skillclaw.hub import Hub, checkpoints, log, packs
from skillclaw.hub.store import Store
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File, Proposal, Sidecar, Verdict


def bundle(text: str, name: str) -> Bundle:
    return Bundle(name=name, files=[File(path="SKILL.md", data=text.encode() * 40)])


def released(hub: Hub, id_: str, text: str, name: str, base: str | None = None) -> str:
    files = bundle(text, name)
    record = Proposal(
        id=id_,
        action="refine" if base else "create",
        skill=name,
        base=base,
        engine="extractive",
        why="It helps.",
        bundle=files,
        sidecar=Sidecar(skill=name, version=version(files)),
    )
    hub.propose(record)
    hub.record_verdicts(id_, [Verdict(check="spec", verdict="pass", reason="Fine.")], "passed")
    return hub.release(id_).version


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub with packed entries, a checkpoint, a tail, and releases in each of them."""
    place = tmp_path_factory.mktemp("whole")
    hub = opened(place)
    first = released(hub, "p1", "one", "git")
    grow(place, hub, 20)
    assert hub.checkpoint(every=1)
    released(hub, "p2", "two", "git", first)
    assert len(packed(hub)) == 1
    released(hub, "p3", "three", "pytest")
    hub.tombstone("last")
    assert hub.verify() == []
    return place


@pytest.fixture
def place(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "it")
    return tmp_path / "it"


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def own(place: Path) -> Hub:
    """The owner's hub; it remembers what it saw at the place that the hub was copied from."""
    seen = place / "me" / "hubs.json"
    if "whole" in (text := seen.read_text()):
        was = next(line.split('"')[1] for line in text.splitlines() if "whole" in line)
        seen.write_text(text.replace(was, str(place / "hub")))
    return opened(place)


def installable(hub: Hub) -> dict[str, Bundle]:
    """What a machine would install: every current release that can be had."""
    found: dict[str, Bundle] = {}
    for skill in hub.state().skills.values():
        release = skill.release(skill.current) if skill.current else None
        if release is not None:
            found[release.version] = hub.get_bundle(release)
    return found


GOOD = {
    version(made): made for made in (bundle("one", "git"), bundle("two", "git"), bundle("three", "pytest"))
}


def told_of(name: str) -> str:
    """How `hub verify` calls this object."""
    if name.startswith("log/0"):
        return f"log entry {int(name[4:24])} is void"
    return name if name.startswith("log/") else f"Object {name.removeprefix('objects/')[:16]}"


@pytest.mark.parametrize("at", [0, 0.3, 0.5, 0.8, -1])
def test_one_flipped_bit_anywhere_is_named_and_nothing_else_is_installed(place: Path, at: float) -> None:
    objects = sorted(path for path in (place / "hub").rglob("*") if path.is_file())
    assert len(objects) == 20
    for number, path in enumerate(objects):
        name = path.relative_to(place / "hub").as_posix()
        kept = path.read_bytes()
        flip(path, at if isinstance(at, int) else int(len(kept) * at))
        if name == "hub.json":
            with pytest.raises(SkillClawError):
                own(place).state()
        else:
            told = own(place).verify()
            assert told, name
            assert told_of(name) in told[0], (name, told)
        try:
            found = installable(opened(place, f"new-{number}"))
        except SkillClawError:
            found = {}
        assert found.items() <= GOOD.items(), name
        path.write_bytes(kept)
    assert own(place).verify() == []
    assert installable(opened(place, "new")).keys() == set(GOOD) - {version(bundle("one", "git"))}


def numbers(told: list[str]) -> list[int]:
    return [int(line.split()[2]) for line in told if line.startswith("log entry ")]


def test_every_kind_of_damage_at_once_is_told_in_the_order_of_the_log(place: Path) -> None:
    hub = own(place)
    state = hub.state()
    (pack,) = names(place, "pack")
    (checkpoint,) = names(place, "checkpoint")
    first, second = (state.skills["git"].releases[n] for n in (0, 1))
    flip(place / "hub" / "objects" / first.object, 9)
    assert second.sidecar is not None
    (place / "hub" / "objects" / second.sidecar).unlink()
    flip(place / "hub" / "log" / checkpoint, 200)
    (place / "hub" / "log" / "notes.txt").write_bytes(b"hello")
    end = entry(place, state.seq)
    end.write_bytes(end.read_bytes().replace(b"last", b"lost"))
    entry(place, state.seq + 2).write_bytes(b"far")
    where = f"the hub at {hub.url}"
    assert hub.verify() == [
        f"release {first.version[:16]} of git: Object {first.object[:16]} of {where} was changed. "
        "Its bytes do not hash to its name.",
        f"log/{checkpoint} is not used: its signature does not hold",
        f"the sidecar of release {second.version[:16]} of git: Object {second.sidecar[:16]} is not in "
        f"{where}. The log names it.",
        f"log entry {state.seq} is void: its signature does not hold",
        f"log entry {state.seq} is not the one that this machine has seen",
        f"log entry {state.seq + 1} is missing, and later ones are there",
        f"log entry {state.seq + 2} lies behind the gap and cannot be checked",
        "log/notes.txt is no part of a log",
    ]
    flip(place / "hub" / "log" / pack, 300)
    told = hub.verify()
    assert told[0] == f"log/{pack} is not used: its signature does not hold"
    assert told[1] == "log entry 1 is missing, and later ones are there"
    assert numbers(told) == sorted(numbers(told))


def test_a_changed_entry_takes_its_followers_with_it_and_is_named_first(place: Path) -> None:
    """All that follows it does not follow the last valid commit any more, though its bytes are the same."""
    before = own(place).state()
    single = names(place, "0")
    at = int(single[1][:20])
    flip(entry(place, at), -10)
    told = own(place).verify()
    assert told[0].startswith(f"log entry {at} is void: ")
    assert numbers(told)[: len(single) - 1] == list(range(at, at + len(single) - 1))
    for act in (lambda: own(place).state(), lambda: own(place).tombstone("k")):
        with pytest.raises(VerifyError, match="cut back or replaced"):
            act()
    assert opened(place, "new").state().skills["git"].current == before.skills["git"].releases[0].version


def test_swapped_entries_and_objects(place: Path) -> None:
    hub = own(place)
    one, other = (entry(place, int(name[:20])) for name in names(place, "0")[2:4])
    a, b = one.read_bytes(), other.read_bytes()
    one.write_bytes(b)
    other.write_bytes(a)
    told = hub.verify()
    assert told[0] == f"log entry {int(one.stem)} is void: it lies at another number than its own"
    assert any(line.startswith(f"log entry {int(other.stem)} is void") for line in told)
    one.write_bytes(a)
    other.write_bytes(b)
    releases = hub.state().skills["git"].releases
    x, y = (place / "hub" / "objects" / release.object for release in releases)
    a, b = x.read_bytes(), y.read_bytes()
    x.write_bytes(b)
    y.write_bytes(a)
    told = hub.verify()
    assert [line.split(":")[0] for line in told] == [
        f"release {release.version[:16]} of git" for release in releases
    ]
    for release in releases:
        with pytest.raises(VerifyError, match="was changed"):
            hub.get_bundle(release)
    x.write_bytes(a)
    y.write_bytes(b)
    assert hub.verify() == []


def test_packs_and_checkpoints_under_each_others_names(place: Path) -> None:
    hub = own(place)
    (pack,), (checkpoint,) = names(place, "pack"), names(place, "checkpoint")
    folder = place / "hub" / "log"
    for name, from_ in ((pack, checkpoint), (checkpoint, pack), (checkpoint, names(place, "0")[0])):
        kept = (folder / name).read_bytes()
        (folder / name).write_bytes((folder / from_).read_bytes())
        assert hub.verify()[0].startswith(f"log/{name} is not used: ")
        (folder / name).write_bytes(kept)
    moved = folder / packs.key_of(2, 29)[4:]
    (folder / pack).rename(moved)
    assert any(line.startswith("log/" + moved.name) for line in hub.verify())
    moved.rename(folder / pack)
    late = folder / checkpoints.key_of(hub.state().seq)[4:]
    shutil.copy(folder / checkpoint, late)
    assert hub.verify() == [
        f"log/{late.name} is not used: it is of another entry or group than where it lies"
    ]
    assert opened(place, "new").state() == hub.state()


def test_an_old_copy_of_the_whole_hub_is_refused(place: Path) -> None:
    hub = own(place)
    shutil.copytree(place / "hub", place / "old")
    revoked = hub.state().skills["git"].current
    hub.revoke("git", revoked, "It harms.")
    opened(place, "reader").state()
    shutil.rmtree(place / "hub")
    shutil.copytree(place / "old", place / "hub")
    for user in ("me", "reader"):
        with pytest.raises(VerifyError, match="cut back"):
            opened(place, user).state()
    # with the revocation's number filled, so that the log is not shorter
    entry(place, int(names(place, "0")[-1][:20]) + 1).write_bytes(b"void")
    for user in ("me", "reader"):
        with pytest.raises(VerifyError, match="cut back or replaced"):
            opened(place, user).state()
        assert any("not the one that this machine has seen" in line for line in opened(place, user).verify())


def test_lies_that_a_key_of_the_group_signed_are_named(place: Path) -> None:
    """Each entry counts, and names an object that is not what it says."""
    hub = own(place)
    _, other = hub.put_bundle(bundle("other", "git"))
    rubbish = hub.put_object(b"rubbish")
    state = hub.state()
    for kind, body in (
        ("release", {"skill": "a", "version": "1" * 64, "base": None, "object": other}),
        ("release", {"skill": "b", "version": "2" * 64, "base": None, "object": rubbish}),
        (
            "release",
            {"skill": "c", "version": version(bundle("other", "git")), "base": None, "object": other}
            | {"sidecar": rubbish},
        ),
        ("release", {"skill": "d", "version": "4" * 64, "base": None, "object": "0" * 64}),
        (
            "proposal",
            {"id": "p9", "skill": "git", "action": "refine", "base": None, "version": "5" * 64}
            | {"object": state.proposals["p1"].object},
        ),
        (
            "proposal",
            {"id": "p10", "skill": "git", "action": "refine", "base": None, "version": "6" * 64}
            | {"object": rubbish},
        ),
    ):
        hub.commit(kind, body)
    told = hub.verify()
    assert [line.split(":")[0] for line in told] == [
        f"release {'1' * 16} of a",
        f"release {'2' * 16} of b",
        f"the sidecar of release {version(bundle('other', 'git'))[:16]} of c",
        f"release {'4' * 16} of d",
        "proposal p9",
        "proposal p10",
    ]
    assert "The version does not match the files." in told[0]
    assert "cannot be read" in told[1]
    assert "is not in the hub" in told[3]
    assert "another proposal than the log says" in told[4]


def forked(place: Path, seq: int) -> None:
    """Cut entry `seq` off, and put void ones in its place and behind it: a longer log, by who has no key."""
    for number in (seq, seq + 1):
        (place / "hub" / log.key_of(number)).write_bytes(b"{}")


def test_what_one_process_saw_another_that_runs_holds_the_log_to(place: Path) -> None:
    watching = own(place)  # as `up` keeps it
    seq = watching.state().seq
    opened(place).tombstone("later")
    assert opened(place).state().seq == seq + 1
    forked(place, seq + 1)
    for _ in range(2):
        for hub in (watching, opened(place), watching):
            with pytest.raises(VerifyError, match="cut back or replaced"):
                hub.state()


def test_what_another_process_saw_while_a_log_is_read_counts_too(place: Path) -> None:
    watching = own(place)
    seq = watching.state().seq
    seen = place / "me" / "hubs.json"
    before = seen.read_bytes()
    opened(place).tombstone("later")
    seen.write_bytes(before)
    later = (place / "hub" / log.key_of(seq + 1)).read_bytes()
    forked(place, seq + 1)

    class Between:
        """The storage, in which another process sees the true entry while this one reads the others."""

        def __init__(self, store: Store) -> None:
            self.store = store

        def __getattr__(self, name: str) -> object:
            return getattr(self.store, name)

        def get(self, key: str, most: int) -> bytes | None:
            if key == log.key_of(seq + 3):
                false = (place / "hub" / log.key_of(seq + 1)).read_bytes()
                (place / "hub" / log.key_of(seq + 1)).write_bytes(later)
                opened(place).state()
                (place / "hub" / log.key_of(seq + 1)).write_bytes(false)
            return self.store.get(key, most)

    watching.reader.store = Between(watching.store)  # type: ignore[assignment]
    with pytest.raises(VerifyError, match="cut back or replaced"):
        watching.state()
