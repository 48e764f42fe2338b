"""One cycle of one group in a process of its own: its memory is given back, and killing it loses nothing.

`python -m skillclaw.cli.cycle_worker` calls `main`, which reads one line from its standard input, an
`Order`, and writes lines of JSON to its standard output: `Said` as it goes, the last one with the `Result`.
What it found goes into the file of the order. It ends at once when its input closes, since then its server
is gone; at SIGTERM it stops where it next tells how far it is, which leaves everything as a kill would:
kept, to go on from.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from skillclaw.errors import BusyError, SkillClawError, StorageError
from skillclaw.evolve.models.records import Spending
from skillclaw.limits import lacking
from skillclaw.own_log import keep
from skillclaw.private import close_files, no_dumps, whole_file
from skillclaw.server.serving import notes
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub import Hub
    from skillclaw.hub.claims import Claim
    from skillclaw.server.groups.cycle import GroupCycle
    from skillclaw.server.machine import Machine
    from skillclaw.server.work import Tasks

__all__ = ["Order", "Result", "Said", "main"]

OFTEN = 0.25
"""Seconds between lines of progress at least, within a stage."""
SHOWN = 300
"""Characters of a reason that are passed on."""
ORPHAN = 75
"""Exit code of a worker whose server is gone."""
log = logging.getLogger("skillclaw.serve")
Ended = Literal["done", "failed", "lost", "stopped", "elsewhere"]
STAGES = (
    ("collecting", "collect"),
    ("reading", "read"),
    ("mining", "mine"),
    ("clustering", "mine"),
    ("proposing", "propose"),
    ("judging", "judge"),
)
"""How what a cycle says of its progress begins -> its stage."""


class Order(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What a worker is to do: `hub` by its name in the settings of `home`; `ttl` of its claim in seconds;
    `report` the file that gets what the cycle found."""

    home: str
    hub: str
    cycle: str
    report: str
    ttl: float = 60.0
    engine: str | None = None
    dry_run: bool = False


class Result(Record, frozen=True, kw_only=True, omit_defaults=False):
    """How a cycle ended. `slowly`: somebody has to mend something before another try can do better;
    `withdrawn`: sessions that members took back, ever. The rest as in `CycleLine`."""

    outcome: Ended
    error: str = ""
    kind: str = ""
    slowly: bool = False
    engine: str = ""
    seq: int = 0
    sessions: int = 0
    new: int = 0
    patterns: int = 0
    proposals: int = 0
    verdicts: dict[str, int] = {}
    released: int = 0
    spent: Spending = Spending()
    aside: dict[str, int] = {}
    refused: dict[str, int] = {}
    forecast: float | None = None
    degraded: str = ""
    withdrawn: int = 0


class Said(Record, frozen=True, kw_only=True):
    """A line of a worker: the stage and how far it is in it, or how it ended."""

    stage: str = ""
    done: int = 0
    total: int = 0
    result: Result | None = None


class StoppedError(SkillClawError):
    """The server told the cycle to end."""


class Teller:
    """Tells the server how far a cycle is, and stops the cycle there when it was asked to."""

    def __init__(self, out: int) -> None:
        self.stop = threading.Event()
        self.stage = ""
        self._out = out
        self._said = 0.0

    def progress(self, done: int, total: int | None, what: str) -> None:
        """As `run_cycle` calls it."""
        self.check()
        stage = next((stage for begin, stage in STAGES if what.startswith(begin)), self.stage)
        now = time.monotonic()
        if stage != self.stage or now - self._said >= OFTEN:
            self.stage, self._said = stage, now
            self.say(Said(stage=stage, done=done, total=total or 0))

    def enter(self, stage: str) -> None:
        """A stage begins."""
        self.check()
        if stage != self.stage:
            self.stage, self._said = stage, time.monotonic()
            self.say(Said(stage=stage))

    def check(self) -> None:
        """Raise StoppedError when the server said so."""
        if self.stop.is_set():
            raise StoppedError(
                "The cycle was stopped.", "The server ends.", "It goes on when one runs again."
            )

    def say(self, said: Said) -> None:
        """Write one line."""
        with suppress(BrokenPipeError):  # the server is gone, which the input tells too
            os.write(self._out, msgspec.json.encode(said) + b"\n")


def main(tasks: Tasks = tuple) -> None:
    """Do what the first line of the standard input says; `tasks` gives packaged tasks."""
    close_files()
    no_dumps()
    _logs()
    out = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no line of ours
    teller = Teller(out)
    signal.signal(signal.SIGTERM, lambda *_: teller.stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = msgspec.json.decode(_first_line(), type=Order)
    threading.Thread(target=_end_with_server, daemon=True).start()
    keep(Path(order.home) / "logs" / "serve.log")
    teller.say(Said(result=_done(order, teller, tasks)))


def _done(order: Order, teller: Teller, tasks: Tasks) -> Result:
    try:
        return _cycle(order, teller, tasks)
    except StoppedError as error:
        return Result(outcome="stopped", error=_told(error), kind="StoppedError")
    except SkillClawError as error:
        lost = type(error).__name__ == "LostClaimError" or getattr(error, "lost", False)
        return Result(
            outcome="lost" if lost else "failed",
            error=_told(error),
            kind=type(error).__name__,
            slowly=not isinstance(error, StorageError | BusyError),
        )
    except Exception as error:
        log.exception("cycle %s failed", order.cycle)
        limit = lacking(error)
        ours = f"Something that should not happen ({type(error).__name__}). See: skillclaw logs serve"
        return Result(
            outcome="failed",
            error=f"{limit[0]}. {limit[1]}" if limit else ours,
            kind=type(error).__name__,
        )


def _cycle(order: Order, teller: Teller, tasks: Tasks) -> Result:
    from skillclaw.server.groups.claiming import CYCLE, claimed, claims_of, why_not
    from skillclaw.server.groups.membership import find
    from skillclaw.server.machine import Machine

    machine = Machine(Path(order.home))
    teller.enter("collect")
    hub = find(machine, order.hub).hub
    if order.dry_run:  # changes nothing in the hub, so it claims nothing there
        with claimed(machine, hub, ttl=order.ttl, dry_run=True):
            return _evolved(order, machine, hub, teller, None, tasks)
    hub.state()
    claims = claims_of(machine, hub)
    claim = claims.take(CYCLE, order.ttl)
    if claim is None:
        return Result(outcome="elsewhere", error=_told(why_not(claims)), kind="BusyError")
    note = "failed"
    try:
        result = _evolved(order, machine, hub, teller, claim, tasks)
        covered = _covered(machine, hub)
        note = notes.text(notes.Done(seq=result.seq, names=covered, missed=bool(result.degraded)))
        return result
    except StoppedError:
        note = "stopped"
        raise
    finally:
        claim.release(note)


def _evolved(
    order: Order, machine: Machine, hub: Hub, teller: Teller, claim: Claim | None, tasks: Tasks
) -> Result:
    from skillclaw.server.groups.cycle import group_cycle

    done = group_cycle(
        machine,
        hub,
        engine=order.engine,
        dry_run=order.dry_run,
        progress=teller.progress,
        claim=claim,
        fence=teller.check,
        tasks=tasks,
    )
    _write(Path(order.report), _facts(order, done))
    if not order.dry_run:
        with suppress(SkillClawError):  # a share that cannot be written can be read from
            hub.checkpoint()
    return _result(order, machine, hub, done)


def _covered(machine: Machine, hub: Hub) -> str:
    """What stands for the sealed sessions that are in the hub and were taken in here."""
    from skillclaw.hub.sealed import list_sessions
    from skillclaw.server.groups.collecting import group_folder, taken_in

    taken = taken_in(group_folder(machine, hub.info.group))
    return notes.digest(name for name in list_sessions(hub) if name in taken)


def _result(order: Order, machine: Machine, hub: Hub, done: GroupCycle) -> Result:
    from skillclaw.server.serving.looking import withdrawn_of

    report, state = done.report, hub.last_state()
    spent = report.spent
    prices = [one.usd for one in report.forecast]
    return Result(
        outcome="done",
        engine=order.engine or machine.settings.evolve.engine,
        seq=state.seq,
        sessions=report.sessions,
        new=done.collected.taken + done.collected.grown,
        patterns=len(report.patterns),
        proposals=sum(not one.known for one in report.proposals),
        verdicts=dict(Counter(one.verdict for one in report.proposals if not one.known)),
        released=len(report.released),
        spent=Spending(
            tokens=spent.tokens,
            calls=spent.calls,
            usd=spent.usd,
            recorded=spent.recorded,
            stages=spent.stages,
        ),
        aside=dict(Counter(one.reason[:SHOWN] for one in report.aside)),
        refused=dict(Counter(why[:SHOWN] for why in done.collected.refused.values())),
        forecast=None if None in prices else sum(usd for usd in prices if usd is not None),
        degraded=report.degraded[:SHOWN],
        withdrawn=withdrawn_of(state),
    )


def _facts(order: Order, done: GroupCycle) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(done.report),
        "id": order.cycle,
        "hub": order.hub,
        "dry_run": order.dry_run,
        "collected": done.collected,
    }


def _write(path: Path, value: Any) -> None:
    try:
        with whole_file(path) as file:
            file.write(msgspec.json.encode(value))
    except OSError as error:
        raise StorageError(
            f"Cannot write {path}.", str(error), "The cycle itself is done. Free space or mend permissions."
        ) from error


def _told(error: SkillClawError) -> str:
    """An error in one line, with what to do."""
    return " ".join(" ".join(part.split()) for part in (error.what, error.why, error.todo) if part)[:1000]


def _first_line() -> bytes:
    """The first line of the standard input, read without a buffer: a thread waits for its end later."""
    data = b""
    while not data.endswith(b"\n"):
        more = os.read(0, 1 << 16)
        if not more:
            os._exit(ORPHAN)
        data += more
    return data


def _end_with_server() -> None:
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    os._exit(ORPHAN)


def _logs() -> None:
    from skillclaw.log_format import LogFormatter

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter())
    logging.getLogger("skillclaw").addHandler(handler)
