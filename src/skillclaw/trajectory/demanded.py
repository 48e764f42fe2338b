"""Demands of one request beside its calls: which call lacked what was demanded, and which has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from skillclaw.trajectory.demands import Demand, with_it
from skillclaw.trajectory.flow import Act, Said
from skillclaw.trajectory.moves import Move, move_of
from skillclaw.trajectory.origins import Words
from skillclaw.trajectory.shapes import is_write
from skillclaw.trajectory.shell import FEEDERS, main_commands

__all__ = ["Demanded", "demanded", "has_it", "without_refused"]


SEEN = 2000
"""Characters of an error in which a refused option is looked for."""

_OPTION = re.compile(r"(?<=\s)--[A-Za-z][\w-]*")


class Demanded(NamedTuple):
    """One demand with the calls that it is about.

    failed  the last call of the program before the words, which lacks what is demanded; None where there
            was no call of the program
    action  the call that lacks it with that put in: agents drop other words as they put it in; without such
            a call the agent's own. Its `ok` is True where the agent then made a call that has it and did not
            fail, else None
    worked  nobody asked for another value of the same option afterwards
    """

    demand: Demand
    step: int
    failed: Move | None
    action: Move
    worked: bool


def demanded(
    moves: Sequence[Move],
    acts: Sequence[Act],
    corrections: Sequence[tuple[int, Said]],
    told: Mapping[int, tuple[Demand, ...]],
) -> list[Demanded]:
    """The demands `told` (by step) of the corrections of a request, each with how many calls came before."""
    every = [(at, said.step, one) for at, said in corrections for one in told.get(said.step, ())]
    shells = [act.tool for act in acts if act.command is not None]
    found: list[Demanded] = []
    if not shells:
        # The calls that the words are about are beyond those kept, or in another part of the request.
        return found
    for at, step, one in every:
        failed = next((m for m in reversed(moves[:at]) if _lacks(m, one)), None)
        before = ""
        if failed is not None:
            before = failed.command
            if failed.ok is False:
                before = without_refused(before, acts[failed.place].result, one.wanted.split()[0])
        own = next((m for m in moves[at:] if m.ok is not False and has_it(m.command, one)), None)
        command = with_it(before, one)
        if own is not None and failed is None and one.option:
            command = own.command
        act = Act(
            step=own.step if own is not None else step,
            tool=failed.tool if failed is not None else shells[0],
            arguments={},
            command=command,
            ok=True if own is not None else None,
            result="",
            writes=is_write(shells[0], command),
        )
        action = move_of(act, Words(), own.place if own is not None else at)
        worked = not any(_takes_back(one, other) for later, _, other in every if later > at)
        found.append(Demanded(one, step, failed, action, worked))
    return found


def without_refused(command: str, result: str, kept: str = "") -> str:
    """A call that failed, less the options that its error names; `kept` stays."""
    for option in dict.fromkeys(_OPTION.findall(command)):
        word = rf"(?<![\w-]){re.escape(option)}(?![\w-])"
        if option != kept and re.search(word, result[:SEEN]):
            command = re.sub(rf"\s{word}(?:[ =](?!-)[^\s|;&<>]+)?", "", command, count=1)
    return command


def has_it(command: str, demand: Demand) -> bool:
    """Whether a command does what is demanded."""
    wanted = re.escape(demand.wanted).replace(r"\ ", r"[ =]+")
    return any(re.search(rf"(?<![\w-]){wanted}(?![\w-])", call) for call in _calls(command, demand.program))


def _lacks(move: Move, demand: Demand) -> bool:
    return any(True for _ in _calls(move.command, demand.program)) and not has_it(move.command, demand)


def _calls(command: str, program: str) -> Iterator[str]:
    """The calls of a program within a command, up to a pipe or redirection; what is only printed, or given to
    another program as an argument, is none."""
    run = {simple.words[0].rsplit("/", 1)[-1] for simple in main_commands(command) if simple.words}
    given = program.split(" ")[0] not in run
    for call in re.finditer(rf"(?<![\w.-]){re.escape(program)}(?![\w.-])[^|;&<>\n]*", command):
        since = max(command.rfind(mark, 0, call.start()) for mark in "|;&\n")
        before = command[since + 1 : call.start()].split(maxsplit=1)
        if not before or not (given or before[0] in FEEDERS):
            yield call.group()


def _takes_back(one: Demand, other: Demand) -> bool:
    """Whether the later demand puts another value in the place of the first."""
    return (
        one.option
        and one.program == other.program
        and one.wanted != other.wanted
        and one.wanted.split()[0] == other.wanted.split()[0]
    )
