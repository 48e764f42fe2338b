"""Planted secrets and their harmless look-alikes, each in a context as agents meet it."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from redaction_dev import HARMLESS, PLANTED

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


def test_the_corpus_is_large_enough() -> None:
    assert len(PLANTED) >= 60
    assert len(HARMLESS) >= 60
