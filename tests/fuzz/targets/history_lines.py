"""Histories that are JSON lines, of any bytes: the first byte chooses the agent, the rest is the file.

Readers of files skip what they do not know and say how much; what no reader can use is a SkillClawError with
a sentence for people. What is made of a file is always valid ATIF. What kind a file is of is told by its
content.
"""

from __future__ import annotations

import contextlib

from fuzz_histories import LINES, checked, read_all, tree

from skillclaw.agents.registry import adapters
from skillclaw.agents.sniffing import sniff
from skillclaw.errors import BadInputError, StorageError

ALLOWED: tuple[type[Exception], ...] = ()
NAMES = [*sorted(LINES), "aider", "generic"]
AIDER = ".aider.chat.history.md"
DICT = (
    b'"type"',
    b'"message"',
    b'"content"',
    b'"payload"',
    b'"tool_use"',
    b'"uuid"',
    b'"parentUuid"',
    b'"role"',
    b'"timestamp"',
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
)


def once(data: bytes) -> None:
    """One file of one agent."""
    agent = NAMES[data[0] % len(NAMES)] if data else NAMES[0]
    env = tree()
    path = env.home / LINES[agent][0] if agent in LINES else env.cwd / AIDER
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data[1:])
    with contextlib.suppress(BadInputError, StorageError):
        assert sniff(path) in ("", "atif", *adapters())
    for found in read_all(agent, env, path):
        checked(found)
