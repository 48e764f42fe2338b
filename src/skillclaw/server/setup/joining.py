"""An agent that the user connects, follows or disconnects for good: its settings file, and what is remembered
of the user's wish.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from skillclaw.errors import BadInputError, UsageError
from skillclaw.server.quiet import at_work
from skillclaw.server.setup.connections import connect_agent, disconnect_agent, forget, open_port
from skillclaw.server.setup.consent import agree, resume, unfollow
from skillclaw.server.setup.wishes import drop, revert, want, wishes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skillclaw.agents import Wired
    from skillclaw.server.machine import Machine

log = logging.getLogger("skillclaw.up")

__all__ = ["follow", "join", "part"]


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


def follow(machine: Machine, names: Sequence[str]) -> None:
    """Learn from the histories of these agents alone, from now on. UsageError where one is connected."""
    joined = [name for name in names if name in wishes(machine.home).proxy]
    if joined:
        raise UsageError(
            f"{', '.join(joined)} goes through the proxy now.", "", f"First: skillclaw disconnect {joined[0]}"
        )
    machine.prepare()
    want(machine.home, names, history_only=True)
    agree(machine.home, names)


def part(machine: Machine, names: Iterable[str]) -> list[Wired]:
    """Put the settings of these agents back; they are wanted no longer, and their histories not imported."""
    names = list(names)
    done = [disconnect_agent(machine, name) for name in names]
    if names:
        unfollow(machine.home, names)
        drop(machine.home, names)
        for name in names:
            try:
                forget(machine, name)
            except BadInputError as error:  # the settings are broken, and what was asked for is done
                log.warning("%s: %s", name, " ".join(str(error).split()))
    return done
