"""Every small file of the home, with what a disk's fault may leave in it: told, or made again."""

from __future__ import annotations

import pytest
from fuzz_made import dumped
from fuzzing.target import TARGETS, load

TARGET = load(TARGETS / "home_files.py")
FILES = TARGET.once.__globals__["FILES"]
RAW = 0
"""The choice by which the rest of an input is the file as it stands."""
DAMAGES = {
    "nested without end": lambda held: b'{"v": 1, "new": ' + b"[" * 100_000,
    "a list without end": lambda held: b"[" * 100_000,
    "text that is no UTF-8": lambda held: (
        dumped(held).replace(b'"x"', b'"\xff\xe9"').replace(b'"a"', b'"\xff"')
    ),
    "a number without end": lambda held: b'{"v": ' + b"9" * 5000 + b"}",
    "half of it": lambda held: dumped(held)[: len(dumped(held)) // 2],
    "zeros": lambda held: b"\x00" * 4096,
    "nothing": lambda held: b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("number", range(len(FILES)), ids=[file.path[-24:] for file in FILES])
def test_a_damaged_file_of_the_home_is_told_or_made_again(number: int, damage: str) -> None:
    held = FILES[number].held
    data = DAMAGES[damage](held.decode() if isinstance(held, bytes) else held)
    TARGET.once(bytes([number, RAW]) + data)
