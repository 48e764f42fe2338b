"""What the redactor remembers of a session that comes whole each time it has grown."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from unittest import mock

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.journal import redact
from skillclaw.journal.redact import Redactor
from skillclaw.journal.seen import FILE, Seen, SeenWriter

KEY = b"k" * 32
LATER = "pq7ZtR2mVx9LkWc4"


def redactor(seen: Seen | None = None) -> Redactor:
    return Redactor(KEY, home=PurePosixPath("/home/alice"), user_names=["alice"], seen=seen)


def test_what_holds_nothing_is_looked_at_once_however_long_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redact, "CACHED_CHARACTERS", 1000)
    texts = [f"line {number} of a long file\n" * 20 for number in range(50)]
    made = redactor()
    first = [made.text(text) for text in texts]
    with mock.patch.object(Redactor, "_work", side_effect=AssertionError("looked at again")):
        assert [made.text(text) for text in texts] == first
        with pytest.raises(AssertionError, match="looked at again"):
            made.text("what is new")


def test_what_is_known_as_a_secret_later_is_masked_from_then_on(tmp_path: Path) -> None:
    made = redactor(Seen(KEY, tmp_path / FILE))
    text = f"the build says {LATER} and goes on"
    assert made.text(text) == (text, {})
    SeenWriter(tmp_path, KEY).add(LATER)
    masked, counts = made.text(text)
    assert LATER not in masked and counts


def test_it_forgets_before_it_grows_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "CLEAN", 10)
    made = redactor()
    for number in range(100):
        made.text(f"nothing {number}")
        assert len(made._clean) <= 10


@settings(max_examples=examples(100), deadline=None)
@given(
    st.lists(st.one_of(st.text(), st.text().map(lambda text: f"{text} bob@example.com {text}")), max_size=8)
)
def test_a_text_comes_out_the_same_however_often_it_was_seen(texts: list[str]) -> None:
    made = redactor()
    assert [made.text(text) for text in texts * 2] == [redactor().text(text) for text in texts] * 2
