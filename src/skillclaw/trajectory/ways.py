"""What failed in a request, and the way toward the same goal that then worked."""

from __future__ import annotations

import re
from typing import Any

from skillclaw.trajectory import web
from skillclaw.trajectory.episode import Episode, make
from skillclaw.trajectory.flow import Act
from skillclaw.trajectory.moves import Move
from skillclaw.trajectory.outcomes import same_goal
from skillclaw.trajectory.shapes import target_of
from skillclaw.trajectory.silenced import silences

__all__ = ["recoveries"]

REACH = 8
"""Actions after a failure within which a way that works belongs to it."""

_NOT_THERE = re.compile(
    r"no such file|\b(?:file|path|directory|folder)\b.{0,60}?(?:not found|does(?:n't| not) exist)|ENOENT|"
    r"EISDIR|is a directory|not a (?:file|directory)|outside|permission denied|EACCES",
    re.I,
)
"""Errors that another path is an answer to."""


def recoveries(acts: list[Act], moves: list[Move], intent: str, base: dict[str, Any]) -> list[Episode]:
    """For each way that failed: the first way toward the same goal that worked, or that it did not work
    either. A call that only makes the failure silent is no way.
    """
    found: list[Episode] = []
    seen: set[tuple[str, str]] = set()
    for index, act in enumerate(acts):
        if act.ok is not False:
            continue
        failed = moves[index]
        mark = (failed.key, failed.error)
        later = [
            other
            for other in range(index + 1, min(len(acts), index + 1 + REACH))
            if acts[other].ok is not None
            and _tries_again(act, acts[other])
            and not (acts[other].ok and silences(act, acts[other]))
        ]
        worked = next((i for i in later if acts[i].ok), None)
        again = next((i for i in later if acts[i].ok and _same_call(moves[i], failed)), None)
        if again is not None and again != worked:
            # What came between is not another way to the goal: it made the failed command itself work.
            steps = [m for m in moves[index + 1 : again] if m.ok and m.writes and not _same_call(m, failed)]
            found.append(
                make(
                    "recovery",
                    base,
                    intent,
                    [*steps[-3:], moves[again]],
                    failed=failed,
                    worked=True,
                    steps=sorted({failed.step, *(m.step for m in steps[-3:]), moves[again].step}),
                )
            )
            continue
        if worked is None and mark not in seen:
            seen.add(mark)
            found.append(make("pitfall", base, intent, [], failed=failed, steps=[failed.step]))
        for other in later:
            if worked is not None and other > worked:
                break
            between = [
                moves[i]
                for i in range(index + 1, other)
                if acts[i].ok
                and (
                    _helps(acts[i], act, moves[i], moves[other], i)
                    or (moves[i].writes and _same_call(moves[other], failed))
                )
            ]
            found.append(
                make(
                    "recovery",
                    base,
                    intent,
                    [*between[-3:], moves[other]],
                    failed=failed,
                    worked=bool(acts[other].ok),
                    steps=sorted({failed.step, *(m.step for m in between[-3:]), moves[other].step}),
                )
            )
    return found


def _tries_again(failed: Act, later: Act) -> bool:
    """Whether an action is another try for what failed: made knowing of it, and toward the same thing."""
    if later.lane == failed.lane:
        knows = later.turn > failed.turn
    else:
        knows = later.lane == 0 and later.step > failed.step
    return knows and same_goal(failed, later) and not _elsewhere(failed, later)


def _elsewhere(failed: Act, later: Act) -> bool:
    """Whether a call of the same kind is about another thing: another file, another server."""
    if failed.command is None and later.command is None:
        first, second = target_of(failed.arguments), target_of(later.arguments)
        if first and second and first != second and "://" not in first + second:
            same_name = _file_name(first) == _file_name(second)
            return not (same_name or _NOT_THERE.search(failed.result[:600]))
    first, second = web.host_of(_address(failed)), web.host_of(_address(later))
    return bool(first and second and first != second and second not in failed.result[:4000].lower())


def _address(act: Act) -> str:
    return act.command if act.command is not None else web.url_of(act.arguments)


def _file_name(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def _same_call(move: Move, failed: Move) -> bool:
    """Whether a command is the failed one once more, word by word."""
    return bool(move.command) and move.command == failed.command


def _helps(act: Act, failed: Act, move: Move, final: Move, index: int) -> bool:
    """Whether an action between failure and success belongs to the way: it changes something, or the final
    call uses it.
    """
    if same_goal(failed, act):
        return False
    if any(f"result:{index}" in a.origins for a in final.args):
        return True
    target = target_of(failed.arguments)
    if target and target == target_of(act.arguments):
        return True
    if act.command is None:
        return False
    # `sed -n 1,80p a.py` before the patch of a.py is tried again
    name = _file_name(target)
    return move.writes or (len(name) > 2 and name in act.command)
