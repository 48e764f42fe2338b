"""A machine that is to evolve for a group and is not admitted yet: its request, and waiting for the owner."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from skillclaw.errors import SkillClawError, UsageError
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["LOOK", "Standing", "await_admission", "keep_asking", "served", "standings"]

LOOK = 5.0
"""Seconds between looks at the logs of groups that have not admitted this machine."""


class Standing(Record, frozen=True, kw_only=True, omit_defaults=False):
    """How this machine stands as evolver of one group.

    state     `evolver`; `asking`: its key is not admitted; `ended`: it was revoked, or left; `unknown`: the
              hub could not be read
    request   where it is asking, the string for `skillclaw hub admit`; no secret
    error     why the hub could not be read
    """

    hub: str
    state: str
    key: str = ""
    request: str = ""
    error: str = ""


def served(machine: Machine) -> list[str]:
    """The hubs of the groups that the server is to work for (`serve.hubs`; none named: all that this machine
    knows). Raises UsageError where there is none."""
    from skillclaw import settings as settings_module
    from skillclaw.server.sharing.view import hub_names

    settings = settings_module.load(machine.home, machine.environ)
    names = list(settings.serve.hubs) or hub_names(settings)
    if not names:
        raise UsageError(
            "This machine knows no group's hub, so there is nothing to serve.",
            "",
            "Join one: skillclaw hub join; or make one: skillclaw hub init URL --evolver",
        )
    return names


def standings(machine: Machine) -> list[Standing]:
    """How this machine stands in every group that the server is to work for. Raises UsageError as `served`.

    Where it is asking and no evolver's key lies here, one is made.
    """
    return [_standing(machine, name) for name in served(machine)]


def keep_asking(machine: Machine, tell: Callable[[Standing], None], stop: threading.Event) -> None:
    """Wait in a thread of its own until every group that may has admitted this machine, or `stop` is set."""
    from skillclaw.server.machine import Machine

    own = Machine(machine.home, machine.environ)  # what one thread opened is no other's

    def ask() -> None:
        with contextlib.suppress(SkillClawError):
            await_admission(own, tell, stop, every=True)

    threading.Thread(target=ask, name="admission", daemon=True).start()


def await_admission(
    machine: Machine,
    tell: Callable[[Standing], None],
    stop: threading.Event,
    *,
    look: float = LOOK,
    every: bool = False,
) -> bool:
    """Wait until this machine is the evolver of one group at least, or of `every` one that still may admit
    it; True then, False when `stop` was set.

    Each group that it is not is told once, and again when that changes; so is one that has admitted it since.
    A hub that cannot be read is asked again, and so are settings that somebody broke meanwhile. Raises
    UsageError as `standings` where that is so from the beginning.
    """
    found, told = standings(machine), dict[str, Standing]()
    while True:
        for one in found:
            known = told.get(one.hub)
            if known != one and (known is not None or one.state != "evolver"):
                tell(one)
            told[one.hub] = one
        states = {one.state for one in found}
        if not states & {"asking", "unknown"} if every else "evolver" in states:
            return True
        if stop.wait(look):
            return False
        with contextlib.suppress(SkillClawError):
            found = standings(machine)


def _standing(machine: Machine, name: str) -> Standing:
    try:
        return _known(machine, name) or _asking(machine, name)
    except SkillClawError as error:
        try:  # it may have been admitted between the two looks
            found = _known(machine, name)
        except SkillClawError:
            found = None
        return found or Standing(hub=name, state="unknown", error=error.brief)


def _known(machine: Machine, name: str) -> Standing | None:
    """As the log has it; None where it does not know this machine's key."""
    from skillclaw.hub import keys
    from skillclaw.server.sharing.view import current, open_hub

    opened = open_hub(machine, current(machine)[0], name)
    own = keys.load(opened.hub.keys_folder, opened.hub.info.group, "evolver")
    known = opened.state.keys.get(keys.public_hex(own)) if own is not None else None
    if known is None:
        return None
    return Standing(hub=name, state="evolver" if known.active else "ended", key=known.public)


def _asking(machine: Machine, name: str) -> Standing:
    from skillclaw.server.groups.keys import request

    asked = request(machine, name, "evolver")
    return Standing(hub=name, state="asking", key=asked.key, request=asked.request)
