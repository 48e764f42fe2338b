"""Texts of one long run, such as a stranger may put into a session or a skill: time grows with their length.

Each of these took the square of it: a second for 60,000 characters is five minutes for a megabyte, in which a
group's evolver does nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from skillclaw.skills.lint import spec
from skillclaw.skills.records import Bundle, File
from skillclaw.skills.text import claims
from skillclaw.trajectory.text import mask

LENGTH = 5000
HEAD = "---\nname: x\ndescription: Use it to try things.\n---\n\n# X\n\n"


def linted(text: str) -> object:
    return spec(Bundle(name="x", files=[File(path="SKILL.md", data=(HEAD + text).encode())]))


@pytest.mark.parametrize(
    ("read", "run"),
    [
        (mask, "a."),
        (mask, "0."),
        pytest.param(mask, "a-", marks=pytest.mark.slow),
        (claims, "["),
        (claims, "[a]("),
        (linted, "["),
    ],
)
def test_a_long_run_takes_time_in_proportion(read: Callable[[str], Any], run: str) -> None:
    read(run)
    spent = []
    for length in (LENGTH, 10 * LENGTH):
        began = time.process_time()
        read((run * length)[:length])
        spent.append(time.process_time() - began)
    assert spent[1] < 30 * max(spent[0], 0.01), spent


def test_what_is_masked_and_claimed_is_as_before() -> None:
    text = (
        "see https://a.example/x, a.b@c.example and src/app/main.py, 3f2c9a1 and a-1-b in [the page](b/c.md)"
    )
    assert mask(text) == "see <url> <email> and <path>, <id> and <id> in [the page](<path>)"
    assert [one.text for one in claims("see [it](https://a.example/b) and `npm ci` [1]")] == [
        "npm ci",
        "https://a.example/b",
        "1",
    ]
