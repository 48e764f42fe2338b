"""Histories of every agent that keeps files, with values deep inside replaced, lost, doubled and swapped.

Each byte of the input is a choice (`fuzz_made.Drawn`): the agent, which nodes of a real session are harmed,
by what, and where the file is torn.
"""

from __future__ import annotations

from pathlib import Path

from fuzz_histories import LINES, TREES, checked, events, files, read_all, tree
from fuzz_made import Drawn, dumped

ALLOWED: tuple[type[Exception], ...] = ()
NAMES = [*sorted(LINES), *sorted(TREES)]


def once(data: bytes) -> None:
    """One session."""
    drawn = Drawn(data)
    agent = drawn.pick(NAMES)
    env = tree()
    if agent in LINES:
        path = env.home / LINES[agent][0]
        path.parent.mkdir(parents=True)
        made = drawn.lines(events(agent))
        path.write_bytes(drawn.torn(made) if drawn.yes(3) else made)
        if agent == "picoclaw":
            about = {"key": "a:b", "summary": "", "skip": 0, "created_at": "2026-06-01T10:00:30Z"}
            path.with_suffix(".meta.json").write_bytes(dumped(drawn.harmed(about)))
    else:
        path = _tree(drawn, agent, env.home)
    for found in read_all(agent, env, path):
        checked(found)


def _tree(drawn: Drawn, agent: str, home: Path) -> Path:
    """The files of a session, of which some are harmed; the one that is opened."""
    _, place, main = TREES[agent]
    held = files(agent)
    harm = {drawn.pick(sorted(held)) for _ in range(1 + drawn.below(3))}
    for name, value in held.items():
        path = home / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        made = dumped(drawn.harmed(value) if name in harm else value)
        path.write_bytes(drawn.torn(made) if name in harm and drawn.yes(3) else made)
    return home / place / (main or next(name for name in held if name.startswith("session/")))
