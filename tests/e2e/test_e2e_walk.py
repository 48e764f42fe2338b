"""The walk of docs/architecture.md, done again: what lies on disk is what the page shows."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
VARIES = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"127\.0\.0\.1:\d+", "HOST"),
    (r"\b[0-9a-f]{16,128}\b", "ID"),
    (r"<email:[0-9a-f]{6}>", "<email>"),
    (r"\d{4} bytes", "BYTES"),
    (r'"base": \d+', '"base"'),
    (r"0{15}\d{5}\.json", "ENTRY"),
    (r'"seq": \d+', '"seq"'),
)


def _settled(text: str) -> str:
    """Without what differs from run to run: times, keys, ports, and where lines are wrapped."""
    text = text.replace("\n", "")
    for pattern, name in VARIES:
        text = re.sub(pattern, name, text)
    return text


def test_the_walk_is_as_the_page_tells() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    shown = dict(re.findall(r"<!-- walk: (\w+) -->\n```\S*\n(.*?)^```$", page, re.M | re.S))
    walked = runpy.run_path(str(ROOT / "packaging" / "site" / "walk.py"))["walked"]()
    assert walked.keys() == shown.keys()
    assert {name: _settled(text) for name, text in walked.items()} == {
        name: _settled(text) for name, text in shown.items()
    }
    secret = "sk-walk-4pT9qLx2vN7bRz8mKc3W"
    assert secret not in "".join(walked.values())
