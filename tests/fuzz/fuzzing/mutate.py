"""Inputs that are nearly right: bytes changed, and JSON inside them changed where it stands.

Most inputs are text with JSON in it (a body, a line of a log, the data of an event). Changing bytes alone
would break the JSON and test nothing but its parser; so half of the changes take one JSON value out, change
a node of it, and put it back.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["mutate"]

Way = Callable[[bytes, random.Random, Sequence[bytes], Sequence[bytes]], bytes]

ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    1 << 31,
    1 << 63,
    1 << 70,
    -(1 << 70),
    1.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    " ",
    "0",
    "null",
    "\x00",
    "\ud800",
    "\ufeff",
    "\u202e",
    "\U0010ffff",
    "a" * 3000,
    "../../etc/passwd",
    "data:image/png;base64,!!!",
    "{}",
    '{"a": 1}',
    "[",
    "2026-13-45T99:99:99Z",
    "9999-12-31T23:59:59.999999+14:00",
    "9999-12-31T23:59:59-05:00",
    "0001-01-01T00:00:00+05:00",
    "0999-01-01T00:00:00Z",
    [],
    {},
    [[]],
    [None],
    [{}],
    {"": None},
    [{"type": []}],
    {"type": {}},
    [1, "x", None, {"text": 5}],
)
DEPTHS = (30, 200, 1100, 5000)
"""Levels of nesting: below, about and beyond what Python's recursion bears."""


def mutate(
    data: bytes,
    rng: random.Random,
    words: Sequence[bytes] = (),
    others: Sequence[bytes] = (),
    most: int = 1 << 16,
) -> bytes:
    """`data` with one to five changes, at most `most` bytes. `others` are inputs to take pieces from."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        way = rng.choice(JSON_WAYS) if rng.random() < 0.5 else rng.choice(BYTE_WAYS)
        data = way(data, rng, words, others)[:most]
    return data


def _span(data: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice((1, 1, 2, 4, 16, 64, 1024)))


def _flip(data: bytes, rng: random.Random, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    if not data:
        return bytes([rng.randrange(256)])
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def _drop(data: bytes, rng: random.Random, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + data[end:]


def _again(data: bytes, rng: random.Random, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    start, end = _span(data, rng)
    return data[:end] + data[start:end] * rng.choice((1, 2, 20, 300)) + data[end:]


def _cut(data: bytes, rng: random.Random, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] if rng.random() < 0.7 else data[at:]


def _word(data: bytes, rng: random.Random, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    start, end = _span(data, rng)
    word = (
        rng.choice(words)
        if words
        else rng.choice((b"\x00", b"\xff\xff\xff\xff", b"\n\n", b'"', b"{", b"9" * 40))
    )
    return data[:start] + word + data[start if rng.random() < 0.5 else end :]


def _noise(data: bytes, rng: random.Random, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + rng.randbytes(end - start or 4) + data[end:]


def _splice(data: bytes, rng: random.Random, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    other = rng.choice(others) if others else data
    start, end = _span(data, rng)
    taken, until = _span(other, rng)
    return data[:start] + other[taken:until] + data[end:]


def _lines(data: bytes, rng: random.Random, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    """A line left out, said twice, moved, or taken from another input."""
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    match rng.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines[at:at] = [lines[at]] * rng.choice((1, 2, 50))
        case 2:
            lines.insert(rng.randrange(len(lines)), lines.pop(at))
        case 3:
            rng.shuffle(lines)
        case _:
            lines[at] = rng.choice(rng.choice(others).split(b"\n")) if others else lines[at][::-1]
    return b"\n".join(lines)


BYTE_WAYS: tuple[Way, ...] = (_flip, _drop, _again, _cut, _word, _word, _noise, _splice, _lines)


def _json_in(data: bytes, rng: random.Random) -> tuple[int, int, Any] | None:
    """Some JSON object or array in `data`: where it begins and ends, and its value."""
    text_starts = [at for at in (data.find(b"{"), data.find(b"[")) if at >= 0]
    if not text_starts:
        return None
    places = [(min(text_starts), len(data))]
    at = 0
    for line in data.split(b"\n")[:500]:
        found = [start for start in (line.find(b"{"), line.find(b"[")) if start >= 0]
        if found:
            places.append((at + min(found), at + len(line.rstrip())))
        at += len(line) + 1
    # The whole is tried first, as a rule: where it is one document its lines are not.
    tried = places if rng.random() < 0.8 else places[1:]
    for start, end in [*tried[:1], *rng.sample(tried[1:], min(3, len(tried[1:])))]:
        try:
            return start, end, json.loads(data[start:end])
        except (ValueError, RecursionError):
            continue
    return None


def _nodes(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) below `value`."""
    found: list[tuple[Any, Any]] = []
    left = [value]
    while left and len(found) < 5000:
        one = left.pop()
        keys: Any = one.keys() if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            found.append((one, key))
            left.append(one[key])
    return found


def _changed(value: Any, rng: random.Random, words: Sequence[bytes]) -> Any:
    """An odd value in the place of `value`, or `value` with something done to it."""
    if isinstance(value, str) and rng.random() < 0.5:
        at = rng.randint(0, len(value))
        word = (
            rng.choice(words).decode("utf-8", "replace")
            if words and rng.random() < 0.6
            else rng.choice("\x00\ud800\n{\"'<%\u200b")
        )
        return value[:at] + word + value[at if rng.random() < 0.5 else at + 1 :]
    if isinstance(value, list) and value and rng.random() < 0.4:
        return value * rng.choice((2, 3, 100))
    if isinstance(value, dict) and value and rng.random() < 0.4:
        return list(value.values()) if rng.random() < 0.5 else [value]
    return rng.choice(ODD)


def _json(data: bytes, rng: random.Random, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    """One node changed, left out, repeated, renamed, nested, or put in another's place."""
    found = _json_in(data, rng)
    if found is None:
        return _word(data, rng, words, others)
    start, end, value = found
    nodes = _nodes(value)
    if not nodes:
        return data[:start] + _dumped(rng.choice(ODD), rng) + data[end:]
    inside, key = rng.choice(nodes)
    match rng.randrange(8):
        case 0 | 1 | 2:
            inside[key] = _changed(inside[key], rng, words)
        case 3:
            del inside[key]
        case 4 if isinstance(inside, list):
            inside[key:key] = [inside[key]] * rng.choice((1, 2, 50))
        case 4:
            inside[rng.choice(("", "type", "id", "\x00", "content"))] = inside.pop(key)
        case 5:
            other, its = rng.choice(nodes)
            # By way of text, so that nothing contains itself.
            inside[key] = json.loads(json.dumps(other[its]))
        case 6 if rng.random() < 0.3:
            depth = rng.choice(DEPTHS)
            left, right = rng.choice((("[", "]"), ('{"a":', "}")))
            mark = "\u2605deep\u2605"
            inside[key] = mark
            deep = (left * depth + "0" + right * depth).encode()
            return data[:start] + _dumped(value, rng).replace(json.dumps(mark).encode(), deep) + data[end:]
        case _:
            donor = _json_in(rng.choice(others), rng) if others else None
            pieces = _nodes(donor[2]) if donor else []
            taken = rng.choice(pieces) if pieces else (inside, key)
            inside[key] = json.loads(json.dumps(taken[0][taken[1]]))
    return data[:start] + _dumped(value, rng) + data[end:]


def _dumped(value: Any, rng: random.Random) -> bytes:
    text = json.dumps(value, ensure_ascii=rng.random() < 0.7, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


JSON_WAYS: tuple[Way, ...] = (_json,)
