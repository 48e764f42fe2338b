"""ATIF files that `import` takes: any bytes, and real documents harmed deep inside.

The first byte says which. What is no document is told with a reason for its line; what is one encodes and
decodes to itself and is valid by the `atif` package.
"""

from __future__ import annotations

import gzip

import msgspec
import zstandard
from fuzz_histories import atif_of, checked, scratch
from fuzz_made import Drawn, dumped, session

from skillclaw.errors import SkillClawError
from skillclaw.trajectory import model

ALLOWED: tuple[type[Exception], ...] = (SkillClawError,)
DICT = (b'"schema_version"', b'"ATIF-v1.8"', b'"steps"', b'"step_id"', b'"extra"', b'"skillclaw"', b"\\ud800")


def once(data: bytes) -> None:
    """One file."""
    kind, rest = (data[0] % 3, data[1:]) if data else (0, b"")
    if kind:
        drawn = Drawn(rest)
        rest = b"\n".join(dumped(drawn.harmed(session()), not drawn.yes(4)) for _ in range(kind))
        rest = b"[" + rest.replace(b"\n", b",") + b"]" if drawn.yes(3) else rest
        rest = drawn.torn(rest) if drawn.yes(3) else rest
        rest = drawn.pick((bytes, zstandard.compress, gzip.compress))(rest)
    path = scratch() / "given.jsonl"
    path.write_bytes(rest)
    try:
        made = model.decode(rest)
        assert model.decode(model.encode(made)) == made
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    for found in atif_of(path):
        checked(found)
