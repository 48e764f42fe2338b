"""Invite and request strings: what is written is read, and what was changed on its way is refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from skillclaw.errors import BadInputError, UpgradeNeededError
from skillclaw.hub import keys, statements
from skillclaw.hub.invites import Invitation, KeyRequest, read_invite, read_request, shareable, write

HASH = st.binary(min_size=32, max_size=32)
TEXT = st.text(max_size=30).filter(str.isprintable)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def request(**changed: Any) -> KeyRequest:
    key = SigningKey(b"k" * 32)
    told = {"group": "g", "role": "evolver", "name": "é", "sealing": "b" * 64}
    sig = statements.request(told["group"], key, told["role"], told["name"], told["sealing"])
    return KeyRequest(**{**told, "public": keys.public_hex(key), "sig": sig, **changed})


@settings(max_examples=examples(100), deadline=None)
@given(
    st.builds(
        Invitation,
        url=TEXT,
        group=TEXT,
        owner=HASH,
        seq=st.integers(1, 2**40),
        tip=HASH,
        head=HASH,
        role=st.sampled_from(["member", "evolver"]),
        expires=st.just("2026-12-01T00:00:00Z"),
        name=TEXT,
        seed=HASH,
        hub=TEXT,
    ),
    st.data(),
)
def test_an_invite_is_read_as_written_and_a_changed_one_is_not(told: Invitation, data: st.DataObject) -> None:
    text = write(told)
    assert text.isascii() and len(text.split()) == 1
    assert read_invite(text) == told
    wrapped = "\n ".join(text[at : at + 60] for at in range(0, len(text), 60))
    assert read_invite(f"  {wrapped}\n") == told, "mail programs break lines"
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from(LETTERS).filter(lambda one: one != text[at]))
    try:
        # the last letter may hold bits that mean nothing
        assert read_invite(text[:at] + letter + text[at + 1 :]) == told
        assert at == len(text) - 1
    except BadInputError:
        pass
    with pytest.raises(BadInputError):
        read_invite(text[: data.draw(st.integers(0, len(text) - 2))])


@settings(max_examples=examples(150), deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda b: base64.urlsafe_b64encode(b).decode()))
def test_any_text_is_refused(text: str) -> None:
    for head, reader in (("skillclaw-invite-1:", read_invite), ("skillclaw-key-1:", read_request)):
        for given_ in (text, head + text):
            with pytest.raises(BadInputError):
                reader(given_)


def test_a_request_is_signed_by_its_key() -> None:
    assert read_request(write(request())) == request()
    for changed in ({"role": "owner"}, {"name": "x"}, {"sealing": ""}, {"group": "h"}, {"sig": "0" * 128}):
        with pytest.raises(BadInputError, match="not signed"):
            read_request(write(request(**changed)))
    with pytest.raises(BadInputError, match="begin"):
        read_invite(write(request()))


@pytest.mark.parametrize("name", ["\x1b[2J", "a\u202eb", "two\nlines"])
def test_a_string_that_steers_the_terminal_is_refused(name: str) -> None:
    key = SigningKey(b"k" * 32)
    told = request(name=name, sig=statements.request("g", key, "evolver", name, "b" * 64))
    with pytest.raises(BadInputError, match="control"):
        read_request(write(told))


def test_a_newer_string_asks_for_an_upgrade() -> None:
    with pytest.raises(UpgradeNeededError):
        read_invite("skillclaw-invite-2:AAAA")


@pytest.mark.parametrize(
    ("url", "kept", "left"),
    [
        ("s3://acme/team", "s3://acme/team", []),
        ("s3://key:pass@acme/team/", "s3://acme/team", []),
        (
            "s3://acme/team?region=eu-1&access_key_id=AK&secret_access_key=SK&endpoint=https%3A%2F%2Fs3.acme.example",
            "s3://acme/team?region=eu-1&endpoint=https%3A%2F%2Fs3.acme.example",
            ["access_key_id", "secret_access_key"],
        ),
        (
            "s3://acme?endpoint=https://u:p@s3.acme.example/x",
            "s3://acme?endpoint=https%3A%2F%2Fs3.acme.example%2Fx",
            ["user of endpoint"],
        ),
        ("az://c/p?sas_token=abc", "az://c/p", ["sas_token"]),
        ("/srv/hub/", "/srv/hub", []),
    ],
)
def test_no_credential_is_passed_on(url: str, kept: str, left: list[str]) -> None:
    assert shareable(url) == (kept, left)
