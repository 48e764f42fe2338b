"""The inbox: what members leave becomes commits, once, in order; what does not hold stops nobody."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from team import found, home, hub, invited, joined, machine, sc, state, taken

from skillclaw.errors import BadInputError, BusyError, UpgradeNeededError, UsageError
from skillclaw.hub import inbox, keys, messages, statements
from skillclaw.hub.inbox import post, send, take_in, waiting
from skillclaw.hub.messages import Message, read, write
from skillclaw.hub.store import Store
from skillclaw.server.groups.membership import attend, judging
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File, Item, Proposal, Ref, Sidecar

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
SKILL = """---
name: {name}
description: {about}
---
# Deploy

- Run `make deploy` in the repository, and look at what it prints.
"""


def proposal(
    name: str = "deploy", about: str = "How the till is deployed. Use it when asked to deploy."
) -> Proposal:
    files = Bundle(
        name=name, files=[File(path="SKILL.md", data=SKILL.format(name=name, about=about).encode())]
    )
    return Proposal(
        id=f"p-{name}", action="create", skill=name, base=None, engine="person", why="It helps.", bundle=files
    )


def sent(place: Path, who: str, kind: str, body: Any) -> str:
    return send(hub(place, who), kind, msgspec.to_builtins(body))


def reasons(done: dict[str, Any]) -> list[str]:
    return [one["reason"] for one in done["refused"]]


def own(place: Path, who: str, role: str = "member") -> keys.SigningKey:
    return hub(place, who).own_key(role)


@pytest.fixture
def team(tmp_path: Path) -> Path:
    found(tmp_path)
    joined(tmp_path, "bob")
    return tmp_path


def test_messages_become_commits_in_order_and_once(team: Path) -> None:
    key = keys.public_hex(own(team, "bob"))
    first = sent(team, "bob", "tombstone", {"keys": ["a", "b"]})
    second = sent(team, "bob", "tombstone", {"key": "c"})
    assert first < second
    kept = {name: (team / "group" / name).read_bytes() for name in (first, second)}
    assert taken(team)["taken"] == {"tombstone": 2}
    assert state(team).withdrawn == {key: ["a", "b", "c"]}
    assert hub(team).store.list("inbox") == []
    assert sent(team, "bob", "tombstone", {"key": "d"}) > second, "no number is used twice"
    before = state(team).seq
    for name, data in kept.items():  # who holds the storage brings them back
        (team / "group" / name).write_bytes(data)
    assert taken(team)["taken"] == {"tombstone": 3}
    assert state(team).seq == before + 1
    assert hub(team).verify() == []


def test_a_members_proposal_waits_for_a_person_and_is_released(team: Path) -> None:
    sent(team, "bob", "proposal", proposal())
    assert taken(team)["taken"] == {"proposal": 1}
    (known,) = state(team).proposals.values()
    assert known.author == keys.public_hex(own(team, "bob"))
    assert known.status == "held"
    assert {v.check for v in known.verdicts} > {"approval"}
    assert known.id == inbox.authored(hub(team, "bob"), proposal()).id
    sent(team, "bob", "vote", {"proposal": known.id, "vote": "approve", "reason": "Mine."})
    sent(team, "bob", "vote", {"proposal": known.id, "vote": "against", "reason": "On second thought."})
    assert taken(team)["taken"] == {"vote": 2}
    (vote,) = state(team).proposals[known.id].votes.values()
    assert (vote.vote, vote.reason, vote.n) == ("against", "On second thought.", 2)
    owner = hub(team)
    with pytest.raises(BadInputError, match="waits for the approval"):
        owner.release(known.id, stage="canary")
    owner.approve(known.id)
    release = owner.release(known.id, stage="canary")
    assert hub(team, "bob").get_bundle(release) == proposal().bundle
    sent(team, "bob", "proposal", proposal())
    assert taken(team)["taken"] == {"proposal": 1}, "again changes nothing"
    sent(team, "bob", "proposal", proposal(about="Something else under the same id, for when it is asked."))
    assert "in the log already" in reasons(taken(team))[0]
    assert state(team).proposals[known.id].status == "released"


def test_what_the_gate_refuses_never_reaches_the_objects(team: Path) -> None:
    token = "ghp_" + "x7Kq2mZp9Rw4Tn8Vb3Hc6Yd1Lf5Gs0Ja2QeU"
    bad = proposal(about=f"How the till is deployed with {token}.")
    sent(team, "bob", "proposal", bad)
    (reason,) = reasons(taken(team))
    assert "secret" in reason
    assert token not in reason
    assert state(team).proposals == {}
    assert not [
        path for path in (team / "group").rglob("*") if path.is_file() and token.encode() in path.read_bytes()
    ]
    (told,) = sc(team, "bob", "hub", "status", "--hub", "team")["refused"]
    assert (told["kind"], told["n"]) == ("proposal", 2)


def test_evidence_that_is_only_claimed_is_left_out(team: Path) -> None:
    ref = Ref(session="s", user="u-other", agent="codex", day="2026-01-01")
    item = Item(id="i", kind="step", text="Run `make deploy`", evidence=[ref], patterns=["p"], odds_ratio=9.0)
    made = proposal()
    assert made.bundle is not None
    made = msgspec.structs.replace(
        made, sidecar=Sidecar(skill="deploy", version=version(made.bundle), items=[item])
    )
    sent(team, "bob", "proposal", made)
    taken(team)
    (known,) = state(team).proposals.values()
    stored = msgspec.json.decode(hub(team).get_object(known.object), type=Proposal)
    assert stored.sidecar is not None
    (left,) = stored.sidecar.items
    assert (left.text, left.evidence, left.patterns, left.odds_ratio) == (item.text, [], [], None)
    owner = hub(team)
    owner.approve(known.id)
    owner.release(known.id, stage="canary")
    # what the version has by itself stays with an edit of it
    base = state(team).skills["deploy"].current
    edit = msgspec.structs.replace(
        made,
        id="p2",
        action="refine",
        base=base,
        bundle=Bundle(
            name="deploy",
            files=[
                File(
                    path="SKILL.md",
                    data=SKILL.format(name="deploy", about="Deploys the till, when asked to.").encode(),
                )
            ],
        ),
    )
    assert edit.bundle is not None
    edit = msgspec.structs.replace(
        edit, sidecar=Sidecar(skill="deploy", version=version(edit.bundle), items=[left])
    )
    sent(team, "bob", "proposal", edit)
    assert taken(team)["taken"] == {"proposal": 1}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"engine": "extractive"}, "not by an evolver"),
        ({"bundle": None}, "has files"),
        ({"skill": "other"}, "another skill"),
        ({"scope": "project"}, "project"),
        ({"bundle": Bundle(name="deploy", files=[File(path="../x", data=b"")])}, "leads out"),
        ({"skill": "Deploy!", "bundle": Bundle(name="Deploy!", files=[])}, "A name is"),
        ({"why": "x" * 3000}, "too long"),
    ],
)
def test_a_proposal_that_cannot_be_a_members(team: Path, changed: dict[str, Any], why: str) -> None:
    sent(team, "bob", "proposal", msgspec.structs.replace(proposal(), **changed))
    assert why in reasons(taken(team))[0]
    assert state(team).proposals == {}


def test_one_member_cannot_pile_up_proposals(team: Path) -> None:
    for n in range(22):
        sent(team, "bob", "proposal", proposal(f"deploy-{n:02}"))
    done = taken(team)
    assert done["taken"] == {"proposal": 20}
    assert all("wait for a decision" in one for one in reasons(done))


def test_a_message_speaks_for_its_sender_only(team: Path) -> None:
    joined(team, "eve")
    bob, eve = own(team, "bob"), own(team, "eve")
    group = hub(team).info.group
    mallory = hub(team, "eve")
    for kind, body in (
        ("leave", statements.leave(group, bob)),
        ("leave", {**statements.leave(group, eve), "public": keys.public_hex(bob)}),
        ("rotate", statements.rotate(group, bob, keys.SigningKey(b"n" * 32), 1)),
        ("tombstone", {"keys": ["a"], "sigs": [statements.tombstone(group, bob, "a")["sig"]]}),
        ("tombstone", {"keys": ["a"], "sigs": []}),
        ("tombstone", {"keys": [["a"]], "sigs": [None]}),
        ("vote", statements.vote(group, bob, "p", "approve", "", 1)),
        ("join", statements.join(group, keys.SigningKey(b"i" * 32), eve, "eve")),
    ):
        post(mallory, eve, kind, lambda n, body=body: dict(body))  # type: ignore[arg-type,misc]
    done = taken(team)
    assert done["taken"] == {}
    assert len(done["refused"]) == 8
    assert all(key.active for key in state(team).keys.values())
    assert state(team).withdrawn == {}


def hostile(group: str, key: keys.SigningKey) -> list[bytes]:
    """Bytes that may lie in an inbox and are no message."""
    good = Message(group=group, client=keys.public_hex(key), n=1, time="t", kind="leave", body={})
    data = write(good, key)
    deep = b'{"v":1,"body":' + b"[" * 60_000 + b"]" * 60_000 + b"}"
    return [
        b"",
        b"null",
        b"[1]",
        b"\xff\xfe",
        data[:-1],
        data + b" ",
        json.dumps(json.loads(data)).encode(),
        data.replace(b'"leave"', b'"lease"'),
        data.replace(b'"n":1', b'"n":99999999999999999999999'),
        write(msgspec.structs.replace(good, group="f" * 32), key),
        write(msgspec.structs.replace(good, n=2), key),
        deep,
        b" " * (messages.MAX_MESSAGE + 1),
        b'{"kind":"proposal","x":"' + b"x" * messages.MAX_PROPOSAL + b'"}',
    ]


def test_hostile_messages_are_set_aside_and_block_nobody(team: Path) -> None:
    eve = keys.SigningKey(b"e" * 32)
    joined(team, "carl")
    store, group = hub(team).store, hub(team).info.group
    for number, data in enumerate(hostile(group, own(team, "bob")), 10):
        store.create(messages.place(keys.public_hex(own(team, "bob")), number), data)
        store.create(messages.place(keys.public_hex(eve), number), data)
    for name in ("inbox/x.json", "inbox/" + "a" * 64 + "/1.json", "inbox/" + "A" * 64 + f"/{1:020}.json"):
        store.create(name, b"{}")
    sent(team, "bob", "tombstone", {"key": "mine"})
    sent(team, "carl", "tombstone", {"key": "his"})
    done = taken(team)
    assert done["taken"] == {"tombstone": 2}
    assert len(done["refused"]) == len(hostile(group, eve)) + 1, "of a stranger one at a time"
    assert not [n for n in store.list("inbox/" + keys.public_hex(own(team, "bob"))) if "refused" not in n]
    while taken(team)["refused"]:
        pass
    assert store.list("inbox/" + keys.public_hex(eve)) == [], "nothing is kept for a stranger"


def test_a_newer_message_waits_and_holds_up_only_its_sender(team: Path) -> None:
    joined(team, "carl")
    bob = own(team, "bob")
    group = hub(team).info.group
    newer = {"v": 3, "group": group, "client": keys.public_hex(bob), "n": 5, "kind": "leave", "new": True}
    newer["sig"] = keys.sign(
        bob,
        b"skillclaw message\0" + group.encode() + b"\0" + msgspec.json.encode(newer, order="deterministic"),
    )
    data = msgspec.json.encode(newer, order="deterministic")
    with pytest.raises(UpgradeNeededError):
        read(data, group, keys.public_hex(bob), 5)
    hub(team).store.create(messages.place(keys.public_hex(bob), 5), data)
    for _ in range(5):
        sent(team, "bob", "tombstone", {"key": f"b{_}"})
    sent(team, "carl", "tombstone", {"key": "c"})
    done = taken(team)
    assert done["taken"]["tombstone"] == 4, "those before it, and carl's"
    assert done["waiting"] == 3
    stranger = keys.SigningKey(b"z" * 32)
    forged = msgspec.json.encode(newer | {"client": keys.public_hex(stranger)}, order="deterministic")
    hub(team).store.create(messages.place(keys.public_hex(stranger), 5), forged)
    assert len(taken(team)["refused"]) == 1


def test_a_flood_delays_only_its_sender(team: Path) -> None:
    joined(team, "carl")
    store = hub(team).store
    bob = keys.public_hex(own(team, "bob"))
    for n in range(300):
        store.create(messages.place(bob, n + 100), b"flood")
    for n in range(150):
        store.create(messages.place(keys.public_hex(keys.SigningKey(n.to_bytes(32, "big"))), 1), b"flood")
    text = invited(team, "dora")
    sc(team, "dora", "hub", "join", text)
    sent(team, "carl", "tombstone", {"key": "c"})
    done = taken(team)
    assert done["taken"]["tombstone"] == 1
    assert len(done["refused"]) >= 199
    assert done["waiting"] >= 200
    notes = [name for name in store.list(f"inbox/{bob}") if "refused" in name]
    assert len(notes) == 20
    joins = done["taken"].get("join", 0)
    while not joins:  # chosen by chance, and each pass thins the others out
        joins = taken(team)["taken"].get("join", 0)
    assert sc(team, "dora", "hub", "join", text)["state"] == "member"


@pytest.mark.slow
def test_one_member_has_so_many_commits_written_in_a_pass(team: Path) -> None:
    wanted = [[f"{part}-{n}" for n in range(200)] for part in range(3)]
    for part in wanted:
        sent(team, "bob", "tombstone", {"keys": part})
    done = taken(team)
    assert (done["taken"], done["waiting"]) == ({"tombstone": 2}, 1)
    assert taken(team)["taken"] == {"tombstone": 1}
    assert sum(map(len, state(team).withdrawn.values())) == 600


def test_who_may_not_write_takes_nothing_in(team: Path) -> None:
    sent(team, "bob", "tombstone", {"key": "a"})
    with pytest.raises(UsageError, match="may not take in"):
        take_in(hub(team, "bob"), judging(hub(team, "bob")))
    assert attend(machine(team, "bob")) == []
    joined(team, "rita", "--role", "reviewer")
    assert taken(team, "rita")["taken"] == {}
    sent(team, "bob", "proposal", proposal())
    assert take_in(hub(team)).waiting == 1, "nobody judges it here"
    assert taken(team, "rita")["taken"] == {"proposal": 1}


def test_a_machine_that_loses_its_right_loses_no_message(team: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    joined(team, "rita", "--role", "reviewer")
    sent(team, "bob", "tombstone", {"key": "a"})
    rita = hub(team, "rita")
    real = Store.get

    def get(self: Store, key: str, limit: int) -> bytes | None:
        if key.startswith("inbox/"):  # right after the pass began
            monkeypatch.setattr(Store, "get", real)
            sc(team, "ada", "hub", "revoke-key", "rita", "--yes")
        return real(self, key, limit)

    monkeypatch.setattr(Store, "get", get)
    with pytest.raises(UsageError, match="may not take in"):
        take_in(rita, judging(rita))
    assert taken(team)["taken"] == {"tombstone": 1}


def test_attending_goes_on_where_one_hub_fails(team: Path) -> None:
    sc(team, "ada", "hub", "init", str(team / "second"), "--name", "second")
    sent(team, "bob", "tombstone", {"key": "a"})
    (team / "second" / "hub.json").unlink()
    done = {one.hub: one for one in attend(machine(team, "ada"))}
    assert done["team"].messages.taken == {"tombstone": 1}
    assert "no hub" in done["second"].error


def test_nothing_is_sent_while_a_new_key_waits(team: Path) -> None:
    sc(team, "bob", "hub", "rotate")
    with pytest.raises(BusyError, match="not in the log"):
        sent(team, "bob", "tombstone", {"key": "a"})
    taken(team)
    state(team, "bob")
    sent(team, "bob", "tombstone", {"key": "a"})
    assert taken(team)["taken"] == {"tombstone": 1}
    assert len(state(team).withdrawn) == 1


def test_wrong_words_are_told_to_the_sender(team: Path) -> None:
    bob = hub(team, "bob")
    for kind, body, error in (
        ("dance", {}, UsageError),
        ("tombstone", {"keys": []}, BadInputError),
        ("tombstone", {"keys": [1]}, BadInputError),
        ("tombstone", {"keys": ["a"] * 201}, BadInputError),
        ("proposal", {"id": 1}, BadInputError),
        ("vote", {"proposal": "p", "vote": "maybe"}, BadInputError),
        ("vote", {"proposal": "p", "vote": "approve"}, BadInputError),
    ):
        with pytest.raises(error):
            send(bob, kind, body)
    with pytest.raises(UsageError, match="may not sign"):
        send(bob, "tombstone", {"key": "a"}, role="reviewer")
    huge = Bundle(name="deploy", files=[File(path="SKILL.md", data=b"x" * 4_000_000)])
    with pytest.raises(BadInputError, match="too large"):
        sent(team, "bob", "proposal", msgspec.structs.replace(proposal(), bundle=huge))
    assert waiting(bob, keys.public_hex(own(team, "bob"))) == []


def full(place: Path) -> None:
    """A group whose inbox holds a message of every kind."""
    found(place)
    for who in ("bob", "dan"):
        joined(place, who)
    sent(place, "bob", "proposal", proposal("first"))
    taken(place)
    (known,) = state(place).proposals.values()
    sc(place, "carl", "hub", "join", invited(place, "carl"))
    sent(place, "bob", "tombstone", {"keys": ["a", "b"]})
    sent(place, "bob", "proposal", proposal())
    sent(place, "bob", "vote", {"proposal": known.id, "vote": "approve"})
    hub(place).store.create(messages.place(keys.public_hex(own(place, "bob")), 8), b"rubbish")
    sc(place, "dan", "hub", "leave", "--yes")
    sc(place, "bob", "hub", "rotate")


def essence(place: Path) -> Any:
    """What the log says, without times and order; and what is left in the inbox."""
    now = state(place)
    return (
        sorted((key.name, key.role, key.active) for key in now.keys.values()),
        sorted(map(sorted, now.withdrawn.values())),
        sorted(
            (p.skill, p.status, len(p.verdicts), [v.vote for v in p.votes.values()])
            for p in now.proposals.values()
        ),
        now.void,
        [name for name in hub(place).store.list("inbox") if "refused" not in name],
        hub(place).verify(),
    )


class Cut(BaseException):
    """The process ends here."""


OPS = ("get", "put", "create", "list", "delete")


def cut_at(monkeypatch: pytest.MonkeyPatch, step: int) -> list[int]:
    """Have the storage end the process before its `step`th operation; returns the count."""
    count = [0]

    def cutting(real: Any) -> Any:
        def act(self: Store, *args: Any, **more: Any) -> Any:
            count[0] += 1
            if count[0] == step:
                raise Cut
            return real(self, *args, **more)

        return act

    for op in OPS:
        monkeypatch.setattr(Store, op, cutting(getattr(Store, op)))
    return count


def survives_cuts(place: Path, monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    full(place)
    whole = again(place, "whole")
    with monkeypatch.context() as patched:
        count = cut_at(patched, 0)
        taken(whole)
    wanted = essence(whole)
    assert wanted[3:] == (0, [], [])
    assert wanted[1] == [["a", "b"]]
    cuts = 0
    for step in range(1, count[0] + 1, every):
        copy = again(place, f"cut-{step}")
        with monkeypatch.context() as patched:
            cut_at(patched, step)
            with pytest.raises(Cut):
                taken(copy)
        cuts += 1
        taken(copy)
        taken(copy)
        assert essence(copy) == wanted, step
        shutil.rmtree(copy)
    assert cuts > 3


def again(place: Path, name: str) -> Path:
    """A copy of the owner\'s machine and of the hub; its settings name the copy."""
    copy = place / "copies" / name
    for part in ("ada", "group"):
        shutil.copytree(place / part, copy / part)
    for file in ("config.toml", "hubs.json"):
        path = home(copy, "ada") / file
        path.write_text(path.read_text().replace(str(place / "group"), str(copy / "group")))
    return copy


def test_a_pass_that_is_cut_off_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    survives_cuts(tmp_path, monkeypatch, 13)


@pytest.mark.slow
def test_a_pass_can_be_cut_off_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    survives_cuts(tmp_path, monkeypatch, 1)


@POSIX
def test_a_process_that_is_killed_after_the_commit(team: Path) -> None:
    sent(team, "bob", "tombstone", {"key": "a"})
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom skillclaw.hub.store import Store\n"
        "from skillclaw.server.groups.membership import attend\n"
        "from skillclaw.server.machine import Machine\n"
        "Store.delete = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "attend(Machine(Path(sys.argv[1]), environ={}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home(team, "ada"))], capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    before = state(team)
    assert list(before.withdrawn.values()) == [["a"]]
    assert taken(team)["taken"] == {"tombstone": 1}
    assert state(team).seq == before.seq
    assert hub(team).store.list("inbox") == []


RACE = """
import sys
from pathlib import Path
from skillclaw.server.groups.membership import attend
from skillclaw.server.machine import Machine
for report in attend(Machine(Path(sys.argv[1]), environ={})):
    assert not report.error, report
    assert not report.messages.refused, report
"""


def test_two_machines_take_in_at_once(team: Path) -> None:
    joined(team, "rita", "--role", "reviewer")
    wanted = [f"s{n}" for n in range(24)]
    for key in wanted:
        sent(team, "bob", "tombstone", {"key": key})
    running = [
        subprocess.Popen([sys.executable, "-c", RACE, str(home(team, who))], stderr=subprocess.PIPE)
        for who in ("ada", "rita")
    ]
    for process in running:
        _, err = process.communicate(timeout=100)
        assert process.returncode == 0, err.decode()
    assert [sorted(gone) for gone in state(team).withdrawn.values()] == [sorted(wanted)]
    assert state(team).void == 0
    assert hub(team).store.list("inbox") == []


KEY = keys.SigningKey(b"k" * 32)
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=examples(100), deadline=None)
@given(
    st.sampled_from(messages.KINDS),
    st.dictionaries(st.text(max_size=10), BODIES, max_size=4),
    st.integers(1, 10**12),
    st.data(),
)
def test_what_is_written_is_read_and_no_changed_byte_counts(
    kind: messages.Kind, body: dict[str, Any], n: int, data: st.DataObject
) -> None:
    group, client = "0" * 32, keys.public_hex(KEY)
    message = Message(group=group, client=client, n=n, time="2026-01-01T00:00:00Z", kind=kind, body=body)
    written = write(message, KEY)
    told = read(written, group, client, n)
    assert (told.kind, told.body, told.n) == (kind, body, n)
    assert messages.parse_place(messages.place(client, n)) == (client, n)
    for wrong in (
        (group, client, n + 1),
        ("1" * 32, client, n),
        (group, keys.public_hex(keys.SigningKey(b"x" * 32)), n),
    ):
        with pytest.raises(BadInputError):
            read(written, *wrong)
    at = data.draw(st.integers(0, len(written) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BadInputError):
        read(written[:at] + bytes([written[at] ^ bit]) + written[at + 1 :], group, client, n)


@settings(max_examples=examples(150), deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BadInputError):
        read(data, "0" * 32, keys.public_hex(KEY), 1)
