"""`skillclaw learned`: what the sessions on this machine already say; and how the first `up` gets there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.errors import SkillClawError

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["learned", "register", "show_once"]

LOOKED = "first-look"
"""The mark in the session store of the cycle after which a person was shown what was learned."""
PROGRESS = "progress: "


def register(parent: typer.Typer) -> None:
    """Add the command to `parent`."""
    command(parent, "learned")(learned)


def learned(ctx: Context) -> None:
    """What your sessions already say: failures and fixes, corrections, sequences, skills nobody opens.

    It reads what the last cycle kept; no model is asked, nothing is changed.
    """
    from skillclaw.agents import Env
    from skillclaw.server.machine import Machine
    from skillclaw.server.setup.first_look import first_look

    look = first_look(Machine(ctx.home), Env.current())
    if ctx.json:
        output.print_json(look)
    else:
        output.plain(look.text())


def show_once(machine: Machine) -> None:
    """The first time: learn from what was imported, and show it. Cut off, the next call does it again; what
    keeps it from being shown is told, and keeps nothing else from going on."""
    try:
        _show(machine)
    except SkillClawError as error:
        output.note(f"What was learned cannot be shown now: {' '.join(str(error).split())}")


def _show(machine: Machine) -> None:
    from skillclaw.agents import Env
    from skillclaw.server.setup.first_look import first_look

    if machine.sessions.get_mark(LOOKED) is not None:
        return
    if machine.sessions.count():
        began = time.monotonic()
        with output.progress("Learning") as progress:
            _learn(machine.home, progress)
        output.plain(f"Learned from them in {time.monotonic() - began:.0f} s.")
    look = first_look(machine, Env.current())
    output.plain(f"\n{look.text()}\n")
    if look.cycle:
        output.plain("\n".join(["Next:", *(f"  {step}" for step in look.next_steps()), ""]))
        machine.sessions.set_mark(LOOKED, look.cycle)


def _learn(home: Path, progress: output.Progress) -> None:
    """One cycle in a process of its own, so that its memory is given back; told as it goes. What keeps it
    from ending well is raised as SkillClawError. Ended here, it ends too, and the next one goes on."""
    process = subprocess.Popen(
        [sys.executable, "-m", "skillclaw", "evolve", "--json", "--home", str(home)],
        env={**os.environ, output.WATCHED: "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert process.stderr is not None
    said: deque[str] = deque(maxlen=3)
    try:
        for line in process.stderr:
            if line.startswith(PROGRESS):
                with suppress(ValueError, TypeError):
                    done, total, what = json.loads(line.removeprefix(PROGRESS))
                    progress(done, total, what)
            elif line.strip():
                said.append(line.strip().removeprefix("error: "))
        code = process.wait()
    except BaseException:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        raise
    finally:
        if process.poll() is None:
            process.kill()
        process.stderr.close()
    if code != 0:
        what, why, todo = [*said, "", "", ""][:3]
        raise SkillClawError(what or f"The cycle ended with exit code {code}.", why, todo)
