"""The log: rules of each kind, tampering, and that all readers fold the same."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from skillclaw.errors import UpgradeNeededError
from skillclaw.hub import Commit, HubInfo, HubState, keys, kinds, log

SEEDS = {
    role: SigningKey(bytes([n] * 32)) for n, role in enumerate(("owner", "evolver", "reviewer", "member"))
}
STRANGER = SigningKey(b"s" * 32)
V1, V2, V3 = ("1" * 64, "2" * 64, "3" * 64)
OBJECT = "a" * 64


class Writer:
    """A log in memory, with a key for each role."""

    def __init__(self, policy: str | None = None) -> None:
        owner = keys.public_hex(SEEDS["owner"])
        self.info = HubInfo(group="0" * 32, owner=owner, created="2026-11-23T00:00:00Z")
        self.state = log.initial(self.info)
        self.entries: list[bytes] = []
        for role in ("evolver", "reviewer", "member"):
            self.must("key-add", {"public": keys.public_hex(SEEDS[role]), "role": role}, "owner")
        if policy:
            self.must("settings", {"policy": policy}, "owner")

    def entry(self, kind: str, body: dict[str, Any], key: SigningKey, **changed: Any) -> bytes:
        fields = {
            "v": kinds.format_of(kind, body),
            "seq": self.state.seq + 1,
            "prev": self.state.head,
            "time": "2026-11-23T00:00:00Z",
            "kind": kind,
            "body": body,
            "signer": "",
        }
        return log.sign(Commit(**{**fields, **changed}), key, self.info.group)

    def add(self, data: bytes) -> str:
        reason = log.why_void(self.state, data)
        self.state = log.fold(self.state, data)
        self.entries.append(data)
        return reason

    def try_(self, kind: str, body: dict[str, Any], role: str = "evolver") -> str:
        return self.add(self.entry(kind, body, SEEDS[role]))

    def must(self, kind: str, body: dict[str, Any], role: str = "evolver") -> None:
        assert self.try_(kind, body, role) == ""

    def propose(self, name: str, version: str, base: str | None, status: str = "passed") -> None:
        body = {
            "id": name,
            "skill": "git",
            "action": "refine",
            "base": base,
            "object": OBJECT,
            "version": version,
        }
        self.must("proposal", body)
        self.must("verdict", {"proposal": name, "verdicts": [], "status": status})

    def replay(self) -> HubState:
        state = log.initial(self.info)
        for data in self.entries:
            state = log.fold(state, data)
        return state


def release(version: str, base: str | None, proposal: str | None = None, **more: Any) -> dict[str, Any]:
    return {"skill": "git", "version": version, "base": base, "object": OBJECT, "proposal": proposal, **more}


def test_a_release_becomes_current_and_its_base_must_be_current() -> None:
    w = Writer()
    w.must("release", release(V1, None))
    assert w.state.skills["git"].current == V1
    assert "base" in w.try_("release", release(V2, None))
    assert "base" in w.try_("release", release(V2, V3))
    w.must("release", release(V2, V1, stage="canary"))
    assert w.state.skills["git"].stage == "canary"
    w.must("promote", {"skill": "git", "version": V2, "base": V2, "stage": "unproven"})
    assert w.state.skills["git"].stage == "unproven"
    assert "base" in w.try_("rollback", {"skill": "git", "version": V1, "base": V1})
    w.must("rollback", {"skill": "git", "version": V1, "base": V2})
    assert w.state.skills["git"].current == V1
    assert w.state.skills["git"].stage == "stable"
    w.must("rollback", {"skill": "git", "version": None, "base": V1})
    assert w.state.skills["git"].current is None
    assert w.state.void == 3
    assert w.replay() == w.state


@pytest.mark.parametrize("policy", ["solo", "team", "strict"])
def test_a_held_proposal_needs_people_whatever_the_evolver_signs(policy: str) -> None:
    w = Writer(policy)
    w.propose("p", V1, None, "held")
    assert "approval" in w.try_("release", release(V1, None, "p"))
    assert "may not sign" in w.try_("approval", {"proposal": "p"}, "evolver")
    assert "may not sign" in w.try_("approval", {"proposal": "p"}, "member")
    assert "cannot become passed" in w.try_("verdict", {"proposal": "p", "verdicts": [], "status": "passed"})
    if policy != "solo":
        assert "without a proposal" in w.try_("release", release(V1, None))
    w.must("approval", {"proposal": "p"}, "reviewer")
    assert "differ" in w.try_("release", release(V2, None, "p"))
    w.must("release", release(V1, None, "p", stage="canary"))
    assert w.state.proposals["p"].status == "released"
    w.must("rollback", {"skill": "git", "version": None, "base": V1})
    assert "cannot be released" in w.try_("release", release(V1, None, "p"))


def test_strict_asks_people_for_what_passed_too_and_a_revoked_reviewer_does_not_count() -> None:
    w = Writer("strict")
    w.propose("p", V1, None)
    assert "approval" in w.try_("release", release(V1, None, "p"))
    w.must("approval", {"proposal": "p"}, "reviewer")
    w.must("key-revoke", {"public": keys.public_hex(SEEDS["reviewer"])}, "owner")
    assert "approval" in w.try_("release", release(V1, None, "p"))
    w.must("approval", {"proposal": "p"}, "owner")
    w.must("release", release(V1, None, "p", stage="canary"))


def test_team_releases_what_passed() -> None:
    w = Writer("team")
    w.propose("p", V1, None)
    w.must("release", release(V1, None, "p", stage="canary"))
    w.propose("q", V2, V1, "rejected")
    assert "rejected" in w.try_("release", release(V2, V1, "q"))


@pytest.mark.parametrize("kind", sorted(log.rules.ROLES))
def test_members_and_strangers_write_nothing(kind: str) -> None:
    w = Writer()
    w.must("release", release(V1, None))
    before = w.state
    assert "may not sign" in w.try_(kind, {}, "member")
    assert "not a key of this group" in w.add(w.entry(kind, {}, STRANGER))
    assert w.state == msgspec.structs.replace(before, seq=before.seq + 2, void=before.void + 2)


def test_a_revoked_key_signs_no_more_and_the_last_owner_stays() -> None:
    w = Writer()
    w.must("key-revoke", {"public": keys.public_hex(SEEDS["evolver"])}, "owner")
    assert "revoked" in w.try_("release", release(V1, None))
    assert "already" in w.try_(
        "key-add", {"public": keys.public_hex(SEEDS["evolver"]), "role": "evolver"}, "owner"
    )
    assert "last owner" in w.try_("key-revoke", {"public": w.info.owner}, "owner")


def test_pins_hold_against_the_evolver_only() -> None:
    w = Writer()
    w.must("release", release(V1, None))
    assert "may not sign" in w.try_("pin", {"skill": "git", "pinned": True}, "evolver")
    w.must("pin", {"skill": "git", "pinned": True}, "owner")
    for kind, body in [
        ("release", release(V2, V1)),
        ("archive", {"skill": "git", "base": V1}),
        ("rollback", {"skill": "git", "version": None, "base": V1}),
    ]:
        assert "pinned" in w.try_(kind, body)
    w.must("rollback", {"skill": "git", "version": None, "base": V1}, "owner")


def test_a_revoked_version_does_not_come_back() -> None:
    w = Writer()
    w.must("release", release(V1, None))
    w.must("release", release(V2, V1))
    w.must("revoke", {"skill": "git", "version": V1}, "reviewer")
    assert w.state.skills["git"].current == V2
    assert "revoked" in w.try_("rollback", {"skill": "git", "version": V1, "base": V2})
    w.must("revoke", {"skill": "git", "version": V2})
    assert w.state.skills["git"].current is None
    assert w.state.skills["git"].stage == "revoked"
    assert "revoked" in w.try_("release", release(V2, None))
    w.must("release", release(V3, None))


def test_archive_settings_and_tombstones() -> None:
    w = Writer()
    w.must("release", release(V1, None))
    w.must("archive", {"skill": "git", "base": V1})
    assert w.state.skills["git"].stage == "archived"
    w.must("tombstone", {"key": "k"})
    assert "already" in w.try_("tombstone", {"key": "k"})
    w.must("settings", {"policy": "strict", "hosts": ["a"]}, "owner")
    assert "body" in w.try_("settings", {"policy": "lax"}, "owner")
    w.must("settings", {"hosts": None}, "owner")
    assert w.state.settings == {"policy": "strict"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        release("x", None),
        release(V1 + "\n", None),
        release(V1, None, extra=1),
        {**release(V1, None), "skill": "../x"},
        {**release(V1, None), "skill": "nul"},
        release(V1, None, scope="project"),
        release(V1, None, stage="revoked"),
    ],
)
def test_a_body_that_is_not_as_described_is_void(body: dict[str, Any]) -> None:
    assert Writer().try_("release", body)


def test_no_changed_byte_of_an_entry_counts() -> None:
    w = Writer()
    good = w.entry("release", release(V1, None), SEEDS["evolver"])
    for at in range(len(good)):
        changed = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        assert log.why_void(w.state, changed), at
    for data in (b"", good[:-1], good + b" ", b" " + good, json.dumps(json.loads(good)).encode(), good * 2):
        assert log.why_void(w.state, data)
    assert log.why_void(w.state, good) == ""


def test_an_entry_out_of_its_place_or_of_another_group_is_void() -> None:
    w = Writer()
    body = release(V1, None)
    assert "number" in w.add(w.entry("release", body, SEEDS["evolver"], seq=99))
    assert "follow" in w.add(w.entry("release", body, SEEDS["evolver"], prev="0" * 64))
    other = log.sign(
        msgspec.json.decode(w.entry("release", body, STRANGER), type=Commit), SEEDS["evolver"], "f" * 32
    )
    assert "signature" in w.add(other)
    assert "longer" in w.add(b" " * (log.MAX_COMMIT + 1))
    w.must("release", body)


def test_a_newer_format_stops_readers_if_an_owner_signed_it() -> None:
    w = Writer()
    newer = w.entry("release", release(V1, None), SEEDS["owner"], v=log.FORMAT + 1)
    with pytest.raises(UpgradeNeededError):
        log.fold(w.state, newer)
    assert "newer format" in w.add(w.entry("release", release(V1, None), STRANGER, v=log.FORMAT + 1))
    forged = w.entry("release", release(V1, None), SEEDS["owner"], v=log.FORMAT + 1).replace(
        b'"kind":"release"', b'"kind":"rel"'
    )
    assert "newer format" in w.add(forged)
    assert "newer format" in w.add(w.entry("release", release(V1, None), SEEDS["evolver"], v=log.FORMAT + 1))
    second = keys.SigningKey(b"2" * 32)
    w.must("key-add", {"public": keys.public_hex(second), "role": "owner"}, "owner")
    w.must("key-revoke", {"public": keys.public_hex(second)}, "owner")
    assert "newer format" in w.add(w.entry("release", release(V1, None), second, v=log.FORMAT + 1))


@settings(max_examples=examples(200), deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_fold(data: bytes) -> None:
    w = Writer()
    assert w.add(data)
    assert w.state.void == 1


KINDS = st.sampled_from(sorted(log.rules.ROLES))
VALUES = st.sampled_from(
    [None, V1, V2, V3, "git", "p", "q", "passed", "held", "stable", "canary", "refine", True, []]
)
FIELDS = [
    "skill",
    "version",
    "base",
    "object",
    "proposal",
    "stage",
    "id",
    "action",
    "status",
    "verdicts",
    "pinned",
]
BODIES = st.one_of(
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6),
    st.builds(release, st.sampled_from([V1, V2, V3]), st.sampled_from([None, V1, V2, V3])),
    st.builds(
        lambda v, b: {"skill": "git", "version": v, "base": b},
        st.sampled_from([None, V1, V2]),
        st.sampled_from([V1, V2, V3]),
    ),
    st.builds(lambda v: {"skill": "git", "version": v}, st.sampled_from([None, V1, V2])),
    st.builds(lambda b: {"skill": "git", "base": b}, st.sampled_from([V1, V2, V3])),
    st.builds(lambda p: {"skill": "git", "pinned": p}, st.booleans()),
    st.builds(lambda k: {"key": k}, st.sampled_from(["a", "b"])),
    st.builds(lambda p: {"policy": p}, st.sampled_from(["solo", "team", "strict", "?"])),
    st.builds(
        lambda v, b: {
            "id": "p",
            "skill": "git",
            "action": "refine",
            "base": b,
            "object": OBJECT,
            "version": v,
        },
        st.sampled_from([V1, V2]),
        st.sampled_from([None, V1]),
    ),
    st.builds(lambda s: {"proposal": "p", "verdicts": [], "status": s}, st.sampled_from(["passed", "held"])),
    st.just({"proposal": "p"}),
)


@settings(max_examples=examples(120), deadline=None)
@given(st.lists(st.tuples(KINDS, BODIES, st.sampled_from([*SEEDS, "stranger"]), st.booleans()), max_size=15))
def test_any_sequence_folds_the_same_for_all_readers(
    steps: list[tuple[str, dict[str, Any], str, bool]],
) -> None:
    w = Writer()
    for kind, body, role, torn in steps:
        before = w.state
        data = w.entry(kind, body, SEEDS.get(role, STRANGER))
        reason = w.add(data[: len(data) // 2] if torn else data)
        same = msgspec.structs.replace(before, seq=w.state.seq, void=before.void + 1)
        assert (w.state == same) == bool(reason)
        # what clients install is always a release that was not revoked
        for skill in w.state.skills.values():
            if skill.current is not None:
                found = skill.release(skill.current)
                assert found is not None
                assert found.stage != "revoked"
    assert w.replay() == w.state
    # a reader that goes on from a stored fold sees the same
    half = len(w.entries) // 2
    state = log.initial(w.info)
    for data in w.entries[:half]:
        state = log.fold(state, data)
    state = msgspec.json.decode(msgspec.json.encode(state), type=HubState)
    for data in w.entries[half:]:
        state = log.fold(state, data)
    assert state == w.state
