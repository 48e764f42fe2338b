"""Forms of vendors' keys, each bare in a sentence: nothing around it tells what it is."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from redaction_dev import FORMS

from skillclaw.journal.redact import Redactor
from skillclaw.journal.vendors import SHORTEST_TOKEN, VENDORS

REDACTOR = Redactor(b"k" * 32, home=PurePosixPath("/home/alice"), user_names=["alice"])


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("carrier", ["use @@ now", '{"cmd": "echo\\n@@\\n"}', "+X=@@", "('@@')"])
def test_each_form_is_masked_whole(kind: str, carrier: str) -> None:
    value = FORMS[kind]
    masked, counts = REDACTOR.text(carrier.replace("@@", value))
    secret = value.rpartition("=")[2] if "access_token=" in value or "?key=" in value else value
    tail = secret[-8:]
    assert secret not in masked
    assert tail not in masked, masked
    assert sum(counts.values()) == 1, masked


def test_the_table_is_large_and_its_shortest_token_is_known() -> None:
    assert len({rule.kind for rule in VENDORS}) >= 150
    assert min(len(value.rpartition(" ")[2]) for value in FORMS.values()) >= SHORTEST_TOKEN
