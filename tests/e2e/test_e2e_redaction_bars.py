"""The rules of redaction, held against the part of the corpus that they were not made from."""

from __future__ import annotations

import pytest

from skillclaw.bench.redaction_measure import run_redaction_bench, within

pytestmark = pytest.mark.e2e


@pytest.mark.timeout(300)
def test_the_part_that_the_rules_were_not_made_from_reaches_the_bars() -> None:
    """Its misses were not looked at, so they are not shown: who mends with them writes a new part."""
    result, _ = run_redaction_bench("sixth", 0)
    assert not within(result), "99.5% of secrets, 97% of personal data, 1% of clean lines"
    assert len(result["by_kind"]) >= 140
    assert result["clean"]["n"] >= 5000
