"""Personal data by form, check digits and the words before it; and what only looks like it."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from redaction_dev import PRIVATE, PUBLIC

from skillclaw.journal.redact import Redactor

REDACTOR = Redactor(b"k" * 32, home=PurePosixPath("/home/alice"), user_names=["alice"])


@pytest.mark.parametrize(
    ("kind", "text", "value"), PRIVATE, ids=[f"{kind} {value}" for kind, _, value in PRIVATE]
)
def test_personal_data_is_masked(kind: str, text: str, value: str) -> None:
    masked, counts = REDACTOR.text(text.replace("@@", value, 1))
    assert value not in masked, masked
    assert counts[kind] >= 1, counts
    assert REDACTOR.text(masked) == (masked, {})


@pytest.mark.parametrize("text", PUBLIC)
def test_what_names_nobody_stays(text: str) -> None:
    assert REDACTOR.text(text) == (text, {})
