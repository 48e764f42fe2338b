"""Planted secrets and their harmless look-alikes, each in a context as agents meet it."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from redaction_dev import HARMLESS, PLANTED
from redaction_goes import GOES
from redaction_stays import STAYS

from skillclaw.bench.redaction_measure import caught
from skillclaw.journal.redact import Redactor

REDACTOR = Redactor(b"k" * 32, home=PurePosixPath("/home/alice"), user_names=["alice"])


@pytest.mark.parametrize(("name", "text", "secret"), PLANTED, ids=[one[0] for one in PLANTED])
def test_every_planted_secret_is_masked(name: str, text: str, secret: str) -> None:
    masked, counts = REDACTOR.text(text.replace("@@", secret, 1))
    assert secret not in masked, masked
    for piece in secret.split("\n"):
        assert len(piece) < 30 or piece not in masked
    assert counts
    again, none = REDACTOR.text(masked)
    assert again == masked
    assert not none


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_one_stays(text: str) -> None:
    masked, counts = REDACTOR.text(text)
    assert masked == text
    assert not counts


def test_a_credential_is_masked_wherever_it_stands() -> None:
    missed, changed = [], []
    for text, value in GOES:
        masked, _ = REDACTOR.text(text)
        if not caught(value, text, masked, [value]):
            missed.append(text)
        elif REDACTOR.text(masked)[0] != masked:
            changed.append(masked)
    assert not missed
    assert not changed, "redacting twice changes more"


def test_what_is_public_stays() -> None:
    assert [text for text in STAYS if REDACTOR.text(text)[0] != text] == []


def test_an_address_beside_a_public_key_is_masked() -> None:
    key = next(text for text in STAYS if text.startswith("ssh-ed25519"))
    masked, counts = REDACTOR.text(f"{key} maria.lopez@atlas.com")
    assert masked.startswith(key)
    assert "maria" not in masked
    assert counts == {"email": 1}


def test_the_corpus_is_large_enough() -> None:
    assert len(GOES) >= 600
    assert len(STAYS) >= 140
    assert len(PLANTED) >= 60
    assert len(HARMLESS) >= 60


def test_a_long_word_behind_my_is_judged_at_once() -> None:
    for text in ("my_" + "a" * 100, "my_" + "ab-" * 50):
        assert REDACTOR.text(f"DB_PASSWORD={text}")[0] == f"DB_PASSWORD={text}", "a stand-in"
        assert text not in REDACTOR.text(f"DB_PASSWORD={text}1")[0]
