"""What an author leaves or asks for: the draft of a program in its room, and a model's calls at its desk.

The first byte chooses: a draft as the file that lies in the room's `out`, or calls, a line each:
{"name", "arguments"}. What does not fit is said in words; nothing that an author makes up ends the cycle.
"""

from __future__ import annotations

import shutil
from functools import cache

import npm_house
from fuzz_histories import scratch
from fuzzing.group import loaded

from skillclaw.evolve.drafting import DraftError, build, review
from skillclaw.evolve.engines import cli_desk
from skillclaw.evolve.engines.agent_desk import Desk
from skillclaw.trajectory.model import Trajectory

ALLOWED: tuple[type[Exception], ...] = ()
FILES = {"patterns/a.md": "npm test fails\nCI=1 npm test works\n", "skill/SKILL.md": "# Npm\n"}
MOST_SECONDS = 5.0
MOST_BYTES = 16_000
DICT = (
    b'{"name": "draft", "arguments": ',
    b'"action"',
    b'"create"',
    b'"refine"',
    b'"retire"',
    b'"edits"',
    b'"patterns"',
    b'"id-npm"',
    b'"regex": true',
    b'"path": "patterns/a.md"',
    b"CI=1 npm test",
    b"(?P<",
    b"{9999}",
    b"\\ud800",
)


@cache
def _sessions() -> dict[str, Trajectory]:
    return npm_house.house()


def once(data: bytes) -> None:
    """One draft, or some calls."""
    based = bool(data) and data[0] & 2 == 2
    base = npm_house.skill() if based else None
    context = npm_house.context(_sessions(), current={"npm": base} if base else {})
    target = npm_house.target(npm_house.pattern(_sessions()), base=base)
    if not data or data[0] % 2 == 0:
        _draft(data[1:], target, context)
        return
    desk = Desk(FILES, target, context, engine="agent", room=4000)
    for line in data[1:].split(b"\n")[:6]:
        call = loaded(line)
        if isinstance(call, dict):
            said = desk.call(str(call.get("name")), call.get("arguments"))
            assert isinstance(said, str) and said
            if "The tool failed" in said:
                raise AssertionError(said)


def _draft(data: bytes, target: npm_house.Target, context: npm_house.EvolveContext) -> None:
    out = scratch() / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    (out / "draft.json").write_bytes(data)
    draft, wrong = cli_desk.collect(out)
    assert (draft is None) == bool(wrong)
    assert cli_desk.others(out) == []
    if draft is None:
        return
    try:
        made = build(draft, target, context, "cli")
    except DraftError as error:
        assert error.faults
        return
    if made is not None:
        review(made, context)
