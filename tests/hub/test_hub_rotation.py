"""Keys that change or are stolen, through the command line: nobody is cut off, and a thief gets nowhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from atif_sessions import Ran, session, write
from nacl.signing import SigningKey
from team import found, home, hub, invited, joined, printed, sc, state, taken

from skillclaw.errors import BadInputError, SkillClawError, UsageError, VerifyError
from skillclaw.hub import Hub, keys, statements
from skillclaw.hub.inbox import post, send
from skillclaw.hub.membership import counts
from skillclaw.hub.sealed import (
    get_session,
    list_sessions,
    open_any,
    private_key,
    sealing_keys,
    sealing_public,
)
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File, Proposal


def shared(place: Path, who: str, number: int) -> None:
    """Record a session on the machine of `who` and send it."""
    one = session("", number, f"run the tests {number}", [Ran("npm test", 0, "ok")], project="till")
    del one["extra"]["skillclaw"]["user"]
    one["session_id"] = f"native-{number}"
    sc(place, who, "import", str(write(place / who / f"s{number}.jsonl", [one])))
    sc(place, who, "config", "set", "share.default", "redacted")
    sc(place, who, "share", "allow", "--hub", "team", "--past")
    (report,) = sc(place, who, "share", "send")
    assert (report["sent"], report["error"]) == (1, "")


def opened(place: Path, who: str = "ada") -> list[tuple[str, str]]:
    """The sessions that the evolver on the machine of `who` can read: what was asked, and the signer."""
    at = hub(place, who)
    own = [private_key(key) for key in keys.with_earlier(at.keys_folder, at.info.group, "sealing")]
    found_ = []
    for name in list_sessions(at):
        data = get_session(at, name)
        assert data is not None
        one = open_any(data, own, group=at.info.group, name=name)
        assert counts(at.state(), one.signer, name.split("/")[1]) is not None
        found_.append((json.loads(one.body)["steps"][0]["message"], one.signer))
    return sorted(found_)


def test_the_evolver_rotates_while_a_member_shares(tmp_path: Path) -> None:
    found(tmp_path)
    joined(tmp_path, "bob")
    shared(tmp_path, "bob", 1)
    first = sc(tmp_path, "bob", "share", "status")["hubs"][0]["sealing"]
    assert sc(tmp_path, "ada", "hub", "rotate", "--role", "evolver")["state"] == "done"
    shared(tmp_path, "bob", 2)
    assert sc(tmp_path, "bob", "share", "status")["hubs"][0]["sealing"] != first
    assert [text for text, _ in opened(tmp_path)] == ["run the tests 1", "run the tests 2"]
    hub(tmp_path).commit("tombstone", {"key": "x"}, role="evolver")
    files = {path.name for path in (home(tmp_path, "ada") / "keys").rglob("*.key")}
    assert {"evolver.key", "sealing.key"} < files
    assert sum(name.startswith("sealing.old-") for name in files) == 1
    assert not any(".next." in name for name in files)
    sc(tmp_path, "ada", "hub", "rotate", "--role", "evolver")
    assert [text for text, _ in opened(tmp_path)] == ["run the tests 1", "run the tests 2"]


def test_a_member_rotates_while_it_shares(tmp_path: Path) -> None:
    found(tmp_path)
    old = joined(tmp_path, "bob")["key"]
    shared(tmp_path, "bob", 1)
    send(hub(tmp_path, "bob"), "tombstone", {"key": "before"})
    for _ in range(2):
        done = sc(tmp_path, "bob", "hub", "rotate")
        assert (done["old"], done["state"]) == (old, "waiting")
    assert (
        sc(tmp_path, "bob", "hub", "status", "--hub", "team")["here"]["member"] == "active, a new key waits"
    )
    shared(tmp_path, "bob", 2)
    assert taken(tmp_path)["taken"] == {"tombstone": 1, "rotate": 1}
    shared(tmp_path, "bob", 3)
    signers = [signer for _, signer in opened(tmp_path)]
    assert signers == [old, old, done["new"]]
    send(hub(tmp_path, "bob"), "tombstone", {"key": "after"})
    taken(tmp_path)
    assert state(tmp_path).withdrawn == {old: ["before", "after"]}, "one member, whatever its key"


def test_what_an_old_key_says_after_its_rotation_does_not_count(tmp_path: Path) -> None:
    found(tmp_path)
    old = joined(tmp_path, "bob")["key"]
    kept = hub(tmp_path, "bob").own_key("member")
    sc(tmp_path, "bob", "hub", "rotate")
    taken(tmp_path)
    bob = hub(tmp_path, "bob")
    said = statements.tombstone(bob.info.group, kept, "s")
    post(bob, kept, "tombstone", lambda n: {"keys": ["s"], "sigs": [said["sig"]]})
    (refused,) = taken(tmp_path)["refused"]
    assert (refused["client"], refused["reason"]) == (old, "it was sent after its key was replaced")


def test_the_owner_rotates(tmp_path: Path) -> None:
    found(tmp_path)
    before = invited(tmp_path, "bob")
    shutil.copytree(home(tmp_path, "ada") / "keys", tmp_path / "stolen")
    done = sc(tmp_path, "ada", "hub", "rotate", "--role", "owner")
    thief = Hub.open(str(tmp_path / "group"), tmp_path / "stolen", tmp_path / "seen.json")
    with pytest.raises(BadInputError, match="replaced"):
        thief.commit("settings", {"policy": "team"}, role="owner")
    assert sc(tmp_path, "bob", "hub", "join", before)["owner"] == done["old"], (
        "the founder's key stays the root"
    )
    after = invited(tmp_path, "carl")
    sc(tmp_path, "carl", "hub", "join", after)
    assert taken(tmp_path)["taken"] == {"join": 2}
    assert hub(tmp_path, "carl").verify() == []
    with pytest.raises(UsageError, match="Say which key"):
        sc(tmp_path, "ada", "hub", "rotate")


def test_a_rotation_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found(tmp_path)
    joined(tmp_path, "bob")
    from skillclaw.hub import keyring

    class Cut(BaseException):
        pass

    def cut(*_: Any, **__: Any) -> None:
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(Hub, "commit", cut)
        with pytest.raises(Cut):
            sc(tmp_path, "ada", "hub", "rotate", "--role", "evolver")
    assert state(tmp_path).keys[keys.public_hex(hub(tmp_path).own_key("evolver"))].active
    for where in ("keyring.keys.take_next", "keys.set_aside"):
        with monkeypatch.context() as patched:
            patched.setattr(keyring.keys, where.rsplit(".", 1)[1], cut)
            with pytest.raises(Cut):
                sc(tmp_path, "ada", "hub", "rotate", "--role", "evolver")
        # the next command that reads the log puts the new key in its place
        hub(tmp_path).commit("tombstone", {"key": where}, role="evolver")
        shared(tmp_path, "bob", len(where))
    assert len(opened(tmp_path)) == 2
    assert not list((home(tmp_path, "ada") / "keys").rglob("*.next.key"))


def test_a_stolen_evolver_key_makes_nobody_a_member(tmp_path: Path) -> None:
    found(tmp_path)
    joined(tmp_path, "bob")
    open_ = invited(tmp_path)
    sc(tmp_path, "carl", "hub", "join", open_)
    group = hub(tmp_path).info.group
    stolen = tmp_path / "eve" / ".skillclaw" / "keys" / group
    stolen.mkdir(parents=True)
    shutil.copy(home(tmp_path, "ada") / "keys" / group / "evolver.key", stolen)
    sc(tmp_path, "eve", "config", "set", "hubs.team.url", str(tmp_path / "group"))
    eve = hub(tmp_path, "eve")
    own, bob = keys.SigningKey(b"e" * 32), hub(tmp_path, "bob").own_key("member")
    (waiting,) = hub(tmp_path).store.list("inbox/" + keys.public_hex(hub(tmp_path, "carl").own_key("member")))
    seen = json.loads((tmp_path / "group" / waiting).read_bytes())["body"]
    for kind, body in (
        ("key-add", {"public": keys.public_hex(own), "role": "member"}),
        ("invite", {"public": keys.public_hex(own), "role": "member", "expires": "2099-01-01T00:00:00Z"}),
        ("key-revoke", {"public": keys.public_hex(bob)}),
        ("settings", {"policy": "solo"}),
        ("join", {**seen, "public": keys.public_hex(own)}),
        ("join", {**seen, "public": keys.public_hex(own), "proof": seen["sig"]}),
        ("rotate", statements.rotate(group, own, own, 1) | {"old": keys.public_hex(bob)}),
        ("leave", {"public": keys.public_hex(bob), "sig": seen["sig"]}),
        ("tombstone", {"key": "s", "client": keys.public_hex(bob), "sig": seen["sig"]}),
    ):
        with pytest.raises(BadInputError, match="does not take"):
            eve.commit(kind, body)
    for args in (("invite",), ("rotate", "--role", "owner"), ("revoke-key", "bob", "--yes")):
        with pytest.raises(SkillClawError):
            sc(tmp_path, "eve", "hub", *args)
    files = Bundle(name="till", files=[File(path="SKILL.md", data=b"x")])
    made = Proposal(id="p", action="create", skill="till", base=None, engine="e", why="w", bundle=files)
    eve.propose(made)
    eve.record_verdicts("p", [], "held")
    with pytest.raises(UsageError, match="may not sign as owner"):
        eve.approve("p")
    with pytest.raises(BadInputError, match="approval"):
        eve.commit(
            "release",
            {"skill": "till", "version": version(files), "base": None, "object": "a" * 64, "proposal": "p"},
        )
    # nor can the thief have sessions sealed to itself; it may replace the key, and the owner ends both
    assert sc(tmp_path, "eve", "hub", "rotate", "--role", "evolver")["state"] == "waiting"
    sealing = next(key.sealing for key in state(tmp_path).keys.values() if key.role == "evolver")
    stolen_key = eve.own_key("evolver")
    mine = statements.rotate(group, stolen_key, own, 99, sealing)
    with pytest.raises(BadInputError, match="needs an owner"):
        eve.commit("rotate", statements.rotate(group, stolen_key, own, 99, "b" * 64))
    eve.commit("rotate", mine)
    ended = sc(tmp_path, "ada", "hub", "revoke-key", "evolver", "--yes")
    assert [row["state"] for row in ended] == ["revoked", "revoked"]
    with pytest.raises(BadInputError, match="revoked"):
        eve.commit("tombstone", {"key": "s"})
    assert taken(tmp_path)["taken"] == {"join": 1}
    left = hub(tmp_path).store.list("inbox")
    assert not [name for name in left if "refused" not in name], "the thief's own message went with it"
    assert sum(1 for key in state(tmp_path).keys.values() if key.active) == 4
    assert state(tmp_path).void == 0


def test_an_evolver_without_the_owners_key_waits_for_the_owner(tmp_path: Path) -> None:
    sc(tmp_path, "ada", "hub", "init", str(tmp_path / "group"), "--name", "team")
    joined(tmp_path, "erik", "--role", "evolver")
    joined(tmp_path, "bob")
    shared(tmp_path, "bob", 1)
    rotated = sc(tmp_path, "erik", "hub", "rotate")
    asked = rotated["sealing"]
    assert (rotated["state"], len(asked)) == ("waiting", 64)
    asks = [{"client": rotated["old"], "name": "erik", "sealing": asked}]
    waits = {"taken": {}, "refused": [], "waiting": 1, "asks": asks, "accepted": []}
    assert taken(tmp_path, "erik") == waits
    shared(tmp_path, "bob", 2)
    assert taken(tmp_path) == waits, "nothing lets it in by itself, on the owner's machine neither"
    assert f"skillclaw hub inbox --accept {asked}" in printed(tmp_path, "ada", "hub", "inbox")
    assert asked in printed(tmp_path, "erik", "hub", "rotate")
    (done,) = sc(tmp_path, "ada", "hub", "inbox", "--accept", asked)
    assert (done["messages"]["taken"], done["messages"]["accepted"]) == ({"rotate": 1}, [asked])
    shared(tmp_path, "bob", 3)
    assert len(opened(tmp_path, "erik")) == 3
    assert sc(tmp_path, "erik", "hub", "status", "--hub", "team")["here"] == {"evolver": "active"}


def test_who_stole_an_evolvers_signing_key_gets_no_sessions_sealed_to_another(tmp_path: Path) -> None:
    found(tmp_path)
    joined(tmp_path, "erik", "--role", "evolver")
    sealed_to = sealing_keys(state(tmp_path))
    at = hub(tmp_path, "erik")
    stolen, new, own = at.own_key("evolver"), SigningKey.generate(), SigningKey.generate()
    for wanted in (sealing_public(own), "$(id)", "f" * 63):
        post(at, stolen, "rotate", lambda n, to=wanted: statements.rotate(at.info.group, stolen, new, n, to))
    for _ in range(2):
        sc(tmp_path, "ada", "sync")
    assert sealing_keys(state(tmp_path)) == sealed_to
    assert "asks for such a key" in printed(tmp_path, "ada", "hub", "inbox", "--accept", "e" * 64)
    # the owner ends it, and what waits goes with it
    sc(tmp_path, "ada", "hub", "revoke-key", "erik", "--yes")
    report = taken(tmp_path)
    assert (report["asks"], report["waiting"], len(report["refused"])) == ([], 0, 3)
    assert sealing_keys(state(tmp_path)) == sealed_to.split(",")[1]


def test_an_evolver_that_joined_reads_and_a_member_does_not(tmp_path: Path) -> None:
    sc(tmp_path, "ada", "hub", "init", str(tmp_path / "group"), "--name", "team")
    told = sc(tmp_path, "bob", "hub", "join", invited(tmp_path, "bob"))
    assert told["evolvers"] == []
    joined(tmp_path, "erik", "--role", "evolver")
    shared(tmp_path, "bob", 1)
    assert [text for text, _ in opened(tmp_path, "erik")] == ["run the tests 1"]
    at = hub(tmp_path)
    (name,) = list_sessions(at)
    data = get_session(at, name)
    assert data is not None
    with pytest.raises(VerifyError, match="no key"):
        open_any(data, [], group=at.info.group, name=name)
    member = private_key(hub(tmp_path, "bob").own_key("member"))
    with pytest.raises(VerifyError, match="another key"):
        open_any(data, [member], group=at.info.group, name=name)
    assert taken(tmp_path, "erik")["taken"] == {}


def test_forgetting_reaches_a_group_whose_hub_has_another_name_by_now(tmp_path: Path) -> None:
    found(tmp_path)
    joined(tmp_path, "bob")
    shared(tmp_path, "bob", 1)
    (row,) = sc(tmp_path, "bob", "sessions", "list")
    settings = home(tmp_path, "bob") / "config.toml"
    settings.write_text(f"[hubs.work]\nurl = '{tmp_path / 'group'}'\n", "utf-8")
    assert sc(tmp_path, "bob", "sessions", "forget", row["id"], "--yes")["kept"] == {}
    assert list_sessions(hub(tmp_path)) == []
    sc(tmp_path, "bob", "sync")
    taken(tmp_path)
    assert list(state(tmp_path).withdrawn.values()) == [[row["id"]]]


def test_forgetting_reaches_the_group_from_a_plain_member(tmp_path: Path) -> None:
    found(tmp_path)
    key = joined(tmp_path, "bob")["key"]
    shared(tmp_path, "bob", 1)
    shared(tmp_path, "bob", 2)
    first, second = (row["id"] for row in sc(tmp_path, "bob", "sessions", "list"))
    assert sc(tmp_path, "bob", "sessions", "forget", first, "--yes")["kept"] == {}
    assert sc(tmp_path, "bob", "hub", "status", "--hub", "team")["inbox"] == 1
    # a hub that is away is told later, by `share send` and `up`
    away = (tmp_path / "group").rename(tmp_path / "away")
    with pytest.raises(AssertionError):
        assert sc(tmp_path, "bob", "sessions", "forget", second, "--yes")["kept"] == {}
    away.rename(tmp_path / "group")
    sc(tmp_path, "bob", "share", "send")
    assert taken(tmp_path)["taken"] == {"tombstone": 2}
    assert {k: sorted(v) for k, v in state(tmp_path).withdrawn.items()} == {key: sorted([first, second])}
    before = state(tmp_path).seq
    sc(tmp_path, "bob", "share", "send")
    assert sc(tmp_path, "bob", "hub", "inbox") == []
    assert taken(tmp_path)["taken"] == {}
    assert state(tmp_path).seq == before


def test_what_a_revoked_member_shared_is_not_read(tmp_path: Path) -> None:
    found(tmp_path)
    key = joined(tmp_path, "bob")["key"]
    shared(tmp_path, "bob", 1)
    assert len(opened(tmp_path)) == 1
    sc(tmp_path, "ada", "hub", "revoke-key", "bob", "--yes")
    with pytest.raises(AssertionError):
        opened(tmp_path)
    assert counts(state(tmp_path), key, "2026-01-01") is None
    (report,) = sc(tmp_path, "bob", "share", "send")
    assert "no member" in report["error"]


def test_state_survives_storage(tmp_path: Path) -> None:
    found(tmp_path)
    joined(tmp_path, "bob")
    sc(tmp_path, "bob", "hub", "rotate")
    taken(tmp_path)
    now = state(tmp_path)
    assert msgspec.json.decode(msgspec.json.encode(now), type=type(now)) == now
