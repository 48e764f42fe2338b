"""Whether two actions try the same thing."""

from __future__ import annotations

import re

from skillclaw.trajectory.flow import Act
from skillclaw.trajectory.shapes import command_key, target_of
from skillclaw.trajectory.shell import main_commands, remembered

__all__ = ["same_goal", "similar", "tail"]


def same_goal(first: Act, second: Act) -> bool:
    """Whether two actions try the same thing: same program or tool, or the same file."""
    if first.command is not None and second.command is not None:
        one, two = command_key(first.command), command_key(second.command)
        return one == two or (
            bool(_parts(first.command) & _parts(second.command) - {"-m", "run", "install"})
            and similar(first.command, second.command)
        )
    if (first.command is None) != (second.command is None):
        return False
    target = target_of(first.arguments)
    if target and target == target_of(second.arguments) and second.writes == first.writes:
        return True
    return tail(first.tool) == tail(second.tool)


def tail(tool: str) -> str:
    """A function's name without its namespace, lower case."""
    return re.split(r"[.:/]|__", tool)[-1].lower()


def similar(first: str, second: str) -> bool:
    """Whether two commands share at least half of the words of the shorter one."""
    one, two = _parts(first), _parts(second)
    return bool(one and two) and len(one & two) / min(len(one), len(two)) >= 0.5


@remembered
def _parts(command: str) -> set[str]:
    found: set[str] = set()
    for simple in main_commands(command):
        for word in simple.words:
            found.update(
                part for part in re.split(r"[/=:]|(?<=\w)-(?=\w)", word) if part and not part.startswith("-")
            )
    return found
