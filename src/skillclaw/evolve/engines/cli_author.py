"""One agent in one closed room, at work on one skill: what it may touch, how it ends, what is taken out."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from skillclaw.evolve.drafting import Draft, DraftError, Target, build, review
from skillclaw.evolve.engines.cli_desk import INSIDE, collect, lay_out, others, put
from skillclaw.evolve.engines.cli_meter import RunMeter
from skillclaw.evolve.engines.cli_rules import AGAIN, FAULTS, OPENING, faults_text, rules_files
from skillclaw.evolve.engines.reasons import explained
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.headless import HOME, Endpoint, Platform, Turn
from skillclaw.headless.gateway import INSIDE as MODEL
from skillclaw.headless.gateway import Way, gateway
from skillclaw.headless.programs import Program
from skillclaw.headless.run import Headless
from skillclaw.journal.records import Exchange
from skillclaw.sandbox import Mount, leftovers, open_box
from skillclaw.skills.records import Proposal
from skillclaw.trajectory.model import Record

__all__ = ["Authored", "author"]

ENGINE = "cli"


class Authored(Record, frozen=True, kw_only=True):
    """What came of it.

    proposal   what the newest draft stands for; None where there is none, or it changes nothing
    skipped    the agent's reason to leave the skill as it is
    faults     what is wrong with the newest draft
    limit      at which limit it was ended; empty when it ended by itself
    error      why the program could not go on
    exchanges  its requests to the model with their answers
    left       other things that it left in `out/`
    """

    proposal: Proposal | None = None
    skipped: str | None = None
    faults: list[str] = []
    limit: str = ""
    error: str = ""
    exchanges: list[Exchange] = []
    left: list[str] = []


def author(
    target: Target,
    context: EvolveContext,
    texts: Mapping[str, str],
    *,
    platform: Platform,
    program: Program,
    way: Way,
    model: str,
    meter: RunMeter,
) -> Authored:
    """Let the agent work on `target`, mend its draft once, and take the draft out.

    Raises UsageError where no room can be opened, StorageError where the disk refuses.
    """
    end = time.monotonic() + context.agent.seconds
    with leftovers.scratch("skillclaw-author-") as folder:
        desk, state = folder / "desk", folder / "state"
        state.mkdir(mode=0o700)
        lay_out(desk, {**texts, **rules_files()})
        mounts = [
            Mount(outside=desk, inside=INSIDE),
            Mount(outside=desk / "out", inside=f"{INSIDE}/out", writable=True),
            Mount(outside=state, inside=HOME, writable=True),
            *program.mounts,
        ]
        with (
            gateway(way, folder, platform.name, model, meter) as gate,
            open_box(mounts, workspace=INSIDE, runner="bubblewrap", socket=gate.socket) as box,
        ):
            endpoint = Endpoint(base_url=MODEL, model=model, key=gate.token)
            headless = Headless(
                platform, program, box, endpoint, str(uuid.uuid4()), stop=lambda: bool(meter.over)
            )
            headless.settle()
            turn = headless.say(OPENING, end - time.monotonic())
            found = _judged(desk / "out", target, context)
            if found.faults and not (turn.late or turn.error or meter.over):
                put(desk, FAULTS, faults_text(found.faults))
                turn = headless.say(AGAIN, end - time.monotonic())
                found = _better(found, _judged(desk / "out", target, context))
        return _told(found, turn, meter, context, gate.exchanges, others(desk / "out"))


def _judged(out: Path, target: Target, context: EvolveContext) -> Authored:
    """The draft that lies there now, built and reviewed."""
    draft, wrong = collect(out)
    if draft is None:
        return Authored(faults=[wrong] if wrong else [])
    if draft.action == "skip":
        return Authored(skipped=_plain(draft))
    try:
        proposal = build(draft, target, context, ENGINE)
    except DraftError as error:
        return Authored(faults=error.faults)
    if proposal is None:
        return Authored(skipped="The draft changes nothing.")
    faults = review(proposal, context)
    if context.gate is not None:
        proposal = explained(proposal, context.gate)
    return Authored(proposal=proposal, faults=faults)


def _better(before: Authored, after: Authored) -> Authored:
    """The mended draft, unless it can no longer be built and the one before could."""
    if after.proposal is None and after.skipped is None and before.proposal is not None:
        return before
    return after


def _told(
    found: Authored,
    turn: Turn,
    meter: RunMeter,
    context: EvolveContext,
    exchanges: list[Exchange],
    left: list[str],
) -> Authored:
    limit = f"It came to its limit of {meter.over}." if meter.over and meter.error is None else meter.over
    if turn.late and not limit:
        limit = f"It came to its limit of {context.agent.seconds:g} s (evolve.agent.seconds)."
    return Authored(
        proposal=found.proposal,
        skipped=found.skipped,
        faults=found.faults,
        limit=limit,
        error="" if limit else turn.error,
        exchanges=exchanges,
        left=left,
    )


def _plain(draft: Draft) -> str:
    return " ".join(draft.why.split())[:600] or "It gave no reason."
