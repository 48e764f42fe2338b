"""Counts in the log: each member's once, signed by it, on what was proposed, while that is open."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from skillclaw.hub import Commit, HubInfo, HubState, keys, log, statements
from skillclaw.hub.kinds import format_of

ROLES = ("owner", "evolver", "reviewer", "member", "importer", "other")
SEEDS = {role: SigningKey(bytes([at + 1] * 32)) for at, role in enumerate(ROLES)}
STRANGER = SigningKey(b"s" * 32)
GROUP = "0" * 32
OBJECT, VERSION = "a" * 64, "b" * 64


class Book:
    """A log in memory."""

    def __init__(self) -> None:
        owner = keys.public_hex(SEEDS["owner"])
        self.state = log.initial(HubInfo(group=GROUP, owner=owner, created="2026-11-23T00:00:00Z"))
        for role in ROLES[1:]:
            named = "member" if role == "other" else role
            self.must("key-add", {"public": keys.public_hex(SEEDS[role]), "role": named}, "owner")
        about = {"id": "p", "skill": "git", "action": "create", "base": None}
        self.must("proposal", {**about, "object": OBJECT, "version": VERSION})

    def add(self, kind: str, body: dict[str, Any], role: str = "evolver", **changed: Any) -> str:
        """Why the entry does not count; empty where it does."""
        fields = {
            "v": format_of(kind, body),
            "seq": self.state.seq + 1,
            "prev": self.state.head,
            "time": "2026-11-23T00:00:00Z",
            "kind": kind,
            "body": body,
            "signer": "",
        }
        data = log.sign(Commit(**{**fields, **changed}), SEEDS[role], GROUP)
        reason = log.why_void(self.state, data)
        self.state = log.fold(self.state, data)
        return reason

    def must(self, kind: str, body: dict[str, Any], role: str = "evolver") -> None:
        assert self.add(kind, body, role) == ""

    @property
    def counted(self) -> dict[str, tuple[int, int]]:
        return {who: (one.won, one.lost) for who, one in self.state.proposals["p"].counts.items()}


def said(key: SigningKey = SEEDS["member"], group: str = GROUP, **more: Any) -> dict[str, Any]:
    """What a member says, signed by it."""
    fields = {
        "proposal": "p",
        "object": OBJECT,
        "won": 3,
        "lost": 0,
        "tied": 1,
        "void": 0,
        "model": "gpt",
        "calls": 40,
        "tokens": 4000,
        "seconds": 12,
        "skillclaw": "1.2.3",
        "n": 1,
    }
    return statements.counts(group, key, {**fields, **more})


def public(role: str) -> str:
    return keys.public_hex(SEEDS[role])


def test_a_members_counts_are_one_and_the_later_replaces_the_earlier() -> None:
    book = Book()
    book.must("counts", said())
    book.must("counts", said(SEEDS["other"], won=1))
    assert book.counted == {public("member"): (3, 0), public("other"): (1, 0)}
    book.must("counts", said(won=0, lost=2, n=2))
    assert book.counted[public("member")] == (0, 2)
    # an earlier one of before, sent again by whoever kept it
    assert "something later already" in book.add("counts", said())
    assert "something later already" in book.add("counts", said(won=0, lost=2, n=2))
    assert book.counted == {public("member"): (0, 2), public("other"): (1, 0)}


@pytest.mark.parametrize("name", ["won", "lost", "object", "proposal", "model", "calls", "skillclaw", "n"])
def test_nothing_of_it_can_be_changed_by_who_writes_the_log(name: str) -> None:
    book = Book()
    changed = {"object": "c" * 64, "proposal": "q", "model": "qwen", "skillclaw": "9"}.get(name, 7)
    assert book.add("counts", said() | {name: changed})
    assert book.counted == {}


def test_strangers_other_groups_and_other_roles_have_no_vote() -> None:
    book = Book()
    assert "no member" in book.add("counts", said(STRANGER))
    assert "has not signed" in book.add("counts", said(STRANGER) | {"public": public("member")})
    assert "has not signed" in book.add("counts", said(group="1" * 32))
    for role in ("owner", "evolver", "reviewer"):
        assert "counts are of members" in book.add("counts", said(SEEDS[role])), role
    assert "may not sign counts" in book.add("counts", said(), "member")
    assert book.counted == {}
    book.must("counts", said(SEEDS["importer"]))


def test_who_was_revoked_or_left_has_none_and_a_new_key_is_no_second_one() -> None:
    book = Book()
    book.must("counts", said())
    new = SigningKey(b"n" * 32)
    book.must("rotate", statements.rotate(GROUP, SEEDS["member"], new, 1))
    book.must("counts", said(new, won=1, n=2))
    assert book.counted == {public("member"): (1, 0)}, "known by the key that it began with"
    book.must("key-revoke", {"public": public("other")}, "owner")
    assert "no member any more" in book.add("counts", said(SEEDS["other"]))
    book.must("leave", statements.leave(GROUP, SEEDS["importer"]))
    assert "no member any more" in book.add("counts", said(SEEDS["importer"]))
    book.must("leave", statements.leave(GROUP, new))
    for key in (new, SEEDS["member"]):  # with the key that it left with, and with the one before
        assert "no member any more" in book.add("counts", said(key, won=9, n=3))


@pytest.mark.parametrize("status", ["passed", "held", "rejected"])
def test_what_comes_after_a_decision_changes_nothing(status: str) -> None:
    book = Book()
    book.must("verdict", {"proposal": "p", "verdicts": [], "status": status})
    assert "its time for votes is over" in book.add("counts", said())
    assert book.counted == {}


def test_an_older_reader_stops_and_a_newer_one_takes_it_in_one_form_alone() -> None:
    book = Book()
    assert "format 2" in book.add("counts", said(), v=1)
    assert format_of("counts", said()) == 2
    book.must("counts", said())


VALUES = st.one_of(st.integers(), st.text(max_size=5), st.none(), st.floats(), st.just("f" * 64))


@given(st.dictionaries(st.sampled_from([*said(), "extra"]), VALUES, max_size=3))
def test_whatever_a_body_holds_it_is_void_or_counts_once(changed: dict[str, Any]) -> None:
    book = Book()
    state: HubState = book.state
    body = said() | changed
    try:
        reason = book.add("counts", body)
    except (ValueError, OverflowError, TypeError):
        return  # cannot be written at all
    assert (reason == "") == (repr(body) == repr(said()))  # 0.0 is no 0 there
    assert book.state.seq == state.seq + 1
