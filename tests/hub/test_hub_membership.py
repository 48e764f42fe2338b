"""The rules of the log about keys, invites, joining, rotation: by themselves, without storage."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from skillclaw.hub import Commit, HubInfo, HubState, keys, log, statements
from skillclaw.hub.membership import counts, left_at, member
from skillclaw.hub.sealed import sealing_key

GROUP = "0" * 32
NOW = "2026-11-26T12:00:00Z"
LATER = "2026-12-01T00:00:00Z"
OWNER, EVOLVER, REVIEWER, MEMBER = (SigningKey(bytes([n] * 32)) for n in (1, 2, 3, 4))
NEW, OTHER, INVITE, INVITE2 = (SigningKey(bytes([n] * 32)) for n in (5, 6, 7, 8))
BOX, BOX2 = "b" * 64, "c" * 64


def hex_(key: SigningKey) -> str:
    return keys.public_hex(key)


class Log:
    """A log in memory."""

    def __init__(self) -> None:
        self.info = HubInfo(group=GROUP, owner=hex_(OWNER), created=NOW)
        self.state = log.initial(self.info)
        self.entries: list[bytes] = []
        for key, role in ((EVOLVER, "evolver"), (REVIEWER, "reviewer"), (MEMBER, "member")):
            body = {"public": hex_(key), "role": role, "name": role}
            self.must("key-add", body | ({"sealing": BOX} if role == "evolver" else {}))

    def try_(self, kind: str, body: dict[str, Any], by: SigningKey = OWNER, time: str = NOW) -> str:
        entry = Commit(
            seq=self.state.seq + 1, prev=self.state.head, time=time, kind=kind, body=body, signer=""
        )
        data = log.sign(entry, by, GROUP)
        reason = log.why_void(self.state, data)
        self.state = log.fold(self.state, data)
        self.entries.append(data)
        return reason

    def must(self, kind: str, body: dict[str, Any], by: SigningKey = OWNER, time: str = NOW) -> None:
        assert self.try_(kind, body, by, time) == ""

    def invite(self, key: SigningKey = INVITE, role: str = "member", **more: Any) -> None:
        self.must("invite", {"public": hex_(key), "role": role, "expires": LATER, **more})

    def key(self, key: SigningKey) -> Any:
        return self.state.keys[hex_(key)]

    def replay(self) -> HubState:
        state = log.initial(self.info)
        for data in self.entries:
            state = log.fold(state, data)
        return state


def join(
    invite: SigningKey = INVITE, own: SigningKey = NEW, name: str = "n", sealing: str = ""
) -> dict[str, Any]:
    return statements.join(GROUP, invite, own, name, sealing)


def rotate(old: SigningKey, new: SigningKey = NEW, upto: int = 1, sealing: str = "") -> dict[str, Any]:
    return statements.rotate(GROUP, old, new, upto, sealing)


def test_an_invite_lets_one_in_with_its_role() -> None:
    w = Log()
    assert "no such invite" in w.try_("join", join(), EVOLVER)
    w.invite(role="reviewer", name="rita")
    w.must("join", join(name="calls itself owner"), EVOLVER)
    assert (w.key(NEW).role, w.key(NEW).name, w.key(NEW).active) == ("reviewer", "rita", True)
    assert "used already" in w.try_("join", join(own=OTHER), EVOLVER)
    assert "already" in w.try_("join", join(), EVOLVER)
    assert "no such skill" in w.try_("pin", {"skill": "x", "pinned": True}, NEW), "it may sign as a reviewer"
    assert w.replay() == w.state


def test_an_invite_ends() -> None:
    w = Log()
    w.invite()
    assert "expired" in w.try_("join", join(), EVOLVER, time="2026-12-01T00:00:01Z")
    assert "expired" in w.try_("join", join(), EVOLVER, time="")
    assert "expired" in w.try_("join", join(), EVOLVER, time="!")
    w.must("join", join(), EVOLVER, time=LATER)
    w.invite(INVITE2, uses=3)
    w.must("uninvite", {"public": hex_(INVITE2)})
    assert "withdrawn" in w.try_("join", join(INVITE2, OTHER), EVOLVER)
    assert "already" in w.try_("uninvite", {"public": hex_(INVITE2)})
    assert "already" in w.try_("invite", {"public": hex_(INVITE2), "role": "member", "expires": LATER})
    for body in (
        {"public": "1" * 64, "role": "owner", "expires": LATER},
        {"public": "1" * 64, "role": "member", "expires": "soon"},
        {"public": "1" * 64, "role": "member", "expires": LATER, "uses": 0},
    ):
        assert "body" in w.try_("invite", body)


def test_who_writes_the_log_can_make_nobody_a_member() -> None:
    w = Log()
    w.invite()
    good = join()
    for changed, why in (
        ({"public": hex_(OTHER)}, "invite's key"),
        ({"name": "x"}, "invite's key"),
        ({"sig": good["proof"]}, "invite's key"),
        ({"proof": good["sig"]}, "new key"),
        ({"sealing": BOX}, "sealed"),
    ):
        assert why in w.try_("join", {**good, **changed}, EVOLVER)
    forged = statements.join("1" * 32, INVITE, NEW, "n")
    assert "invite's key" in w.try_("join", forged, EVOLVER)
    own = statements.join(GROUP, OTHER, NEW, "n") | {"invite": hex_(INVITE)}
    assert "invite's key" in w.try_("join", own, EVOLVER)
    for kind, body in (
        ("key-add", {"public": hex_(OTHER), "role": "member"}),
        ("invite", {"public": hex_(OTHER), "role": "member", "expires": LATER}),
        ("key-revoke", {"public": hex_(MEMBER)}),
        ("uninvite", {"public": hex_(INVITE)}),
    ):
        assert "may not sign" in w.try_(kind, body, EVOLVER)
        assert "may not sign" in w.try_(kind, body, REVIEWER)
    assert set(w.state.keys) == {hex_(k) for k in (OWNER, EVOLVER, REVIEWER, MEMBER)}


def test_who_writes_the_log_puts_no_word_into_a_mouth() -> None:
    w = Log()
    leave = statements.leave(GROUP, OTHER) | {"public": hex_(MEMBER)}
    assert "not signed" in w.try_("leave", leave, EVOLVER)
    stolen = rotate(OTHER) | {"old": hex_(MEMBER)}
    assert "old key" in w.try_("rotate", stolen, EVOLVER)
    assert "new key" in w.try_("rotate", rotate(MEMBER) | {"proof": rotate(MEMBER)["sig"]}, EVOLVER)
    assert "old key" in w.try_("rotate", rotate(MEMBER) | {"upto": 9}, EVOLVER)
    grave = statements.tombstone(GROUP, OTHER, "s") | {"client": hex_(MEMBER)}
    assert "not signed" in w.try_("tombstone", grave, EVOLVER)
    assert "no member" in w.try_("tombstone", statements.tombstone(GROUP, OTHER, "s"), EVOLVER)
    w.must("tombstone", statements.tombstone(GROUP, MEMBER, "s"), EVOLVER)
    assert "already" in w.try_("tombstone", statements.tombstone(GROUP, MEMBER, "s"), EVOLVER)
    w.must("tombstone", {"key": "t", "client": hex_(MEMBER)}, OWNER)
    assert w.state.withdrawn == {hex_(MEMBER): ["s", "t"]}
    assert w.state.tombstones == []
    body = {"id": f"m-{hex_(MEMBER)[:8]}-p", "skill": "git", "action": "retire", "base": "1" * 64}
    body |= {"object": "a" * 64, "version": None, "author": hex_(MEMBER)}
    said = (body["id"], "git", "retire", "1" * 64, None)
    assert "not signed" in w.try_(
        "proposal", {**body, "sig": statements.proposal(GROUP, OTHER, *said)}, EVOLVER
    )
    assert "not signed" in w.try_("proposal", body, EVOLVER)
    other = ("p", "git", "retire", "1" * 64, None)
    plain = {**body, "id": "p", "sig": statements.proposal(GROUP, MEMBER, *other)}
    assert "begins with m-" in w.try_("proposal", plain, EVOLVER)
    w.must("proposal", {**body, "sig": statements.proposal(GROUP, MEMBER, *said)}, EVOLVER)
    vote = statements.vote(GROUP, MEMBER, body["id"], "against", "no", 1)
    assert "not signed" in w.try_("vote", {**vote, "vote": "approve"}, EVOLVER)
    w.must("vote", vote, EVOLVER)
    assert "later" in w.try_("vote", vote, EVOLVER)
    w.must("vote", statements.vote(GROUP, MEMBER, body["id"], "approve", "", 2), EVOLVER)
    assert [v.vote for v in w.state.proposals[body["id"]].votes.values()] == ["approve"]


def test_a_rotation_goes_over_and_ends_the_old_key() -> None:
    w = Log()
    assert "sealed" in w.try_("rotate", rotate(EVOLVER), EVOLVER)
    assert "only an evolver" in w.try_("rotate", rotate(MEMBER, sealing=BOX), EVOLVER)
    assert "needs an owner" in w.try_("rotate", rotate(EVOLVER, sealing=BOX2, upto=4), EVOLVER)
    assert "needs an owner" in w.try_("rotate", rotate(EVOLVER, sealing=BOX2, upto=4), REVIEWER)
    w.must("rotate", rotate(EVOLVER, sealing=BOX2, upto=4), OWNER, time=LATER)
    old, new = w.key(EVOLVER), w.key(NEW)
    assert (old.replaced, old.ended, old.upto, old.active) == (hex_(NEW), LATER, 4, False)
    assert (new.role, new.name, new.sealing, new.first, new.active) == (
        "evolver",
        "evolver",
        BOX2,
        hex_(EVOLVER),
        True,
    )
    assert "replaced" in w.try_("tombstone", {"key": "s"}, EVOLVER)
    w.must("tombstone", {"key": "s"}, NEW)
    assert member(w.state, hex_(NEW)) == member(w.state, hex_(EVOLVER)) == hex_(EVOLVER)
    assert "already" in w.try_("rotate", rotate(EVOLVER, OTHER, sealing=BOX), NEW)
    assert "in the log" in w.try_("rotate", rotate(NEW, EVOLVER, sealing=BOX), NEW)
    for key in (EVOLVER, NEW):
        assert counts(w.state, hex_(key), "9999-01-01") is not None
    assert w.replay() == w.state


def test_sessions_are_sealed_to_the_evolver_admitted_last_whoever_rotates() -> None:
    w = Log()
    w.must("key-add", {"public": hex_(OTHER), "role": "evolver", "sealing": BOX2})
    w.must("rotate", rotate(EVOLVER, sealing="d" * 64))
    assert sealing_key(w.state).sealing == BOX2  # type: ignore[union-attr]
    w.must("key-revoke", {"public": hex_(OTHER)})
    assert sealing_key(w.state).sealing == "d" * 64  # type: ignore[union-attr]
    w.must("leave", statements.leave(GROUP, NEW), NEW)
    assert sealing_key(w.state) is None


def test_an_owner_rotates_and_somebody_always_owns() -> None:
    w = Log()
    assert "last owner" in w.try_("leave", statements.leave(GROUP, OWNER))
    w.must("rotate", rotate(OWNER))
    assert "replaced" in w.try_("settings", {"policy": "team"}, OWNER)
    w.must("settings", {"policy": "team"}, NEW)
    assert "last owner" in w.try_("key-revoke", {"public": hex_(NEW)}, NEW)
    assert "last owner" in w.try_("key-revoke", {"public": hex_(OWNER)}, NEW)
    w.must("key-add", {"public": hex_(OTHER), "role": "owner"}, NEW)
    w.must("key-revoke", {"public": hex_(OWNER)}, OTHER)
    assert not w.key(NEW).active, "with the old key goes the one that a thief may have put in its place"
    assert "last owner" in w.try_("leave", statements.leave(GROUP, OTHER), OTHER)


def test_with_an_owner_go_the_invites() -> None:
    w = Log()
    w.must("key-add", {"public": hex_(OTHER), "role": "owner"})
    w.must("invite", {"public": hex_(INVITE), "role": "member", "expires": LATER}, OTHER)
    w.invite(INVITE2)
    w.must("key-revoke", {"public": hex_(OTHER)})
    assert "withdrawn" in w.try_("join", join(), EVOLVER)
    w.must("join", join(INVITE2), EVOLVER)


def test_one_person_approves_once_with_all_its_keys() -> None:
    w = Log()
    body = {
        "id": "p",
        "skill": "git",
        "action": "create",
        "base": None,
        "object": "a" * 64,
        "version": "1" * 64,
    }
    w.must("proposal", body, EVOLVER)
    w.must("verdict", {"proposal": "p", "verdicts": [], "status": "held"}, EVOLVER)
    w.must("approval", {"proposal": "p"}, REVIEWER)
    w.must("rotate", rotate(REVIEWER), REVIEWER)
    assert "already" in w.try_("approval", {"proposal": "p"}, NEW)
    release = {"skill": "git", "version": "1" * 64, "base": None, "object": "a" * 64, "proposal": "p"}
    w.must("release", release, EVOLVER)
    w.must("key-revoke", {"public": hex_(NEW)})


def test_a_member_that_is_gone_says_nothing() -> None:
    for how in ("leave", "revoke"):
        w = Log()
        if how == "leave":
            w.must("leave", statements.leave(GROUP, MEMBER), EVOLVER)
        else:
            w.must("key-revoke", {"public": hex_(MEMBER)})
        assert "any more" in w.try_("tombstone", statements.tombstone(GROUP, MEMBER, "s"), EVOLVER)
        assert "already" in w.try_("rotate", rotate(MEMBER), EVOLVER)
        assert (counts(w.state, hex_(MEMBER), NOW[:10]) is None) == (how == "revoke")
        assert counts(w.state, hex_(MEMBER), "9999-01-01") is None
        assert "already" in w.try_("leave", statements.leave(GROUP, MEMBER), EVOLVER)


def test_of_who_left_no_key_counts_beyond_that_day() -> None:
    w = Log()
    w.must("rotate", rotate(MEMBER), EVOLVER)
    assert left_at(w.state, w.key(MEMBER)) is None
    w.must("leave", statements.leave(GROUP, NEW), EVOLVER, time=LATER)
    for key in (MEMBER, NEW):
        assert left_at(w.state, w.key(key)) == LATER
        assert counts(w.state, hex_(key), LATER[:10]) is not None
        assert counts(w.state, hex_(key), "9999-01-01") is None


ALL = [OWNER, EVOLVER, REVIEWER, MEMBER, NEW, OTHER, INVITE, INVITE2]
KEY = st.sampled_from(ALL)
SEALED = st.sampled_from(["", BOX, BOX2])
WHEN = st.sampled_from([NOW, LATER, "2027-01-01T00:00:00Z"])
ROLE = st.sampled_from(["owner", "evolver", "reviewer", "member", "importer"])
STEP = st.one_of(
    st.builds(lambda k, r: ("invite", {"public": hex_(k), "role": r, "expires": LATER}), KEY, ROLE),
    st.builds(lambda k: ("uninvite", {"public": hex_(k)}), KEY),
    st.builds(lambda i, k, s: ("join", join(i, k, "n", s)), KEY, KEY, SEALED),
    st.builds(lambda k: ("leave", statements.leave(GROUP, k)), KEY),
    st.builds(lambda k, n, s: ("rotate", rotate(k, n, 1, s)), KEY, KEY, SEALED),
    st.builds(lambda k: ("key-revoke", {"public": hex_(k)}), KEY),
    st.builds(lambda k, r: ("key-add", {"public": hex_(k), "role": r}), KEY, ROLE),
    st.builds(lambda k, s: ("tombstone", statements.tombstone(GROUP, k, s)), KEY, st.sampled_from("st")),
)


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.tuples(STEP, KEY, WHEN), max_size=25))
def test_whatever_is_written_membership_holds(
    steps: list[tuple[tuple[str, dict[str, Any]], SigningKey, str]],
) -> None:
    w = Log()
    for (kind, body), by, when in steps:
        before = w.state
        reason = w.try_(kind, body, by, when)
        now = w.state
        # somebody owns the group, and no key comes back or changes its role
        assert any(key.role == "owner" and key.active for key in now.keys.values())
        for public, key in before.keys.items():
            assert now.keys[public].role == key.role
            assert key.active or not now.keys[public].active
        # members come by an owner's word, or in another's place
        fresh = set(now.keys) - set(before.keys)
        signer = before.keys.get(hex_(by))
        for public in fresh:
            assert signer is not None and signer.active
            assert kind in ("key-add", "join", "rotate")
            if kind == "key-add":
                assert signer.role == "owner"
            if kind == "join":
                invite = before.invites[body["invite"]]
                assert len(invite.used) < invite.uses and not invite.withdrawn and when <= invite.expires
                assert now.keys[public].role == invite.role != "owner"
            if kind == "rotate":
                assert before.keys[body["old"]].active and not now.keys[body["old"]].active
        # of one member one key counts at a time
        active = [key.member for key in now.keys.values() if key.active]
        assert len(active) == len(set(active))
        for invite in now.invites.values():
            assert len(invite.used) <= invite.uses
        if reason:
            assert now == msgspec.structs.replace(before, seq=now.seq, void=before.void + 1)
    assert w.replay() == w.state
    stored = msgspec.json.decode(msgspec.json.encode(w.state), type=HubState)
    assert stored == w.state


@pytest.mark.parametrize("kind", ["join", "leave", "rotate", "vote", "invite", "uninvite"])
def test_a_body_that_is_not_as_described_is_void(kind: str) -> None:
    w = Log()
    for body in ({}, {"public": 1}, {"sig": "x"}, {"old": "1" * 64}, {**join(), "extra": 1}):
        assert w.try_(kind, body)
