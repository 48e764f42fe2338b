"""An agent that the user connects, follows or disconnects for good: its settings file, and what is remembered
of the user's wish.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from skillclaw.errors import BadInputError, SkillClawError, UsageError, in_one_line
from skillclaw.server.quiet import at_work
from skillclaw.server.setup.connections import connect_agent, disconnect_agent, forget, open_port
from skillclaw.server.setup.consent import agree, resume, unfollow
from skillclaw.server.setup.wishes import drop, revert, want, wishes
from skillclaw.server.up.proxy_process import leave

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skillclaw.agents import Wired
    from skillclaw.server.machine import Machine

log = logging.getLogger("skillclaw.up")

__all__ = ["follow", "followable", "join", "part"]


def join(machine: Machine, names: Sequence[str]) -> Iterator[Wired]:
    """Connect these agents one by one, and remember that they are wanted. Where one cannot be connected, it
    and those after it are wanted as they were before; raises what keeps it from being connected. BusyError
    while the home is taken away: the settings would point at a proxy that nobody remembers."""
    with at_work(machine, "connect"):
        before = wishes(machine.home)
        done = 0
        try:
            port = open_port(machine, names) if names else 0
            for name in names:
                wired = connect_agent(machine, name, port)
                want(machine.home, [name])
                resume(machine.home, [name])
                done += 1
                yield wired
        finally:
            # To open the port all were wanted.
            revert(machine.home, names[done:], before)


def followable(machine: Machine, names: Sequence[str]) -> None:
    """UsageError where one of these agents is wanted through the proxy, whether that runs now or not."""
    joined = [name for name in names if name in wishes(machine.home).proxy]
    if joined:
        raise UsageError(
            f"You chose the proxy for {', '.join(joined)}: `up` connects them while it runs.",
            "What goes through the proxy is not followed as a history too.",
            f"First: skillclaw disconnect {' '.join(joined)}",
        )


def follow(machine: Machine, names: Sequence[str]) -> None:
    """Learn from the histories of these agents alone, from now on. Raises as `followable` does."""
    followable(machine, names)
    machine.prepare()
    want(machine.home, names, history_only=True)
    agree(machine.home, names)


def part(machine: Machine, names: Iterable[str]) -> list[Wired]:
    """Put the settings of these agents back; they are wanted no longer, and their histories not imported."""
    names = list(names)
    for name in names:
        try:
            leave(machine, name)
        except SkillClawError as error:  # a full disk, say; the settings are put back all the same
            log.warning("%s: %s", name, in_one_line(error))
    done = [disconnect_agent(machine, name) for name in names]
    if names:
        unfollow(machine.home, names)
        drop(machine.home, names)
        for name in names:
            try:
                forget(machine, name)
            except BadInputError as error:  # the settings are broken, and what was asked for is done
                log.warning("%s: %s", name, in_one_line(error))
    return done
