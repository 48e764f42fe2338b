"""Last stage: what the cycle found, did and spent."""

from __future__ import annotations

from skillclaw.evolve.last import LastCycle, keep_last
from skillclaw.evolve.modelled import foreseen, notes_of, spent_of
from skillclaw.evolve.models.fallback import reasons
from skillclaw.evolve.replay.replayer import Replayer
from skillclaw.evolve.replay.telling import replay_notes, with_replays
from skillclaw.evolve.report import CycleReport, ReleasedVersion, compared, view_of
from skillclaw.evolve.settle import proposal_version
from skillclaw.evolve.stages.judging import Decided
from skillclaw.evolve.stages.proposing import Proposed
from skillclaw.evolve.stages.reading import Read
from skillclaw.evolve.stages.run import Run
from skillclaw.evolve.stages.standing import Standing
from skillclaw.skills.records import content_id

__all__ = ["report"]

LEFT_OUT = 3
"""Notes on what was left out; the rest stands in `CycleReport.left_out`."""


def report(
    run: Run,
    found: Read,
    standing: Standing,
    proposed: Proposed,
    decided: Decided,
    replayer: Replayer | None,
) -> CycleReport:
    """The report, with what is otherwise than in the cycle before. It is kept for people to look at."""
    mined, given, models, dry_run = found.mined, proposed.given, run.models, run.dry_run
    ledgers = [*([models.ledger] if models is not None else []), *(replayer.ledgers if replayer else [])]
    made = compared(
        run.memory,
        CycleReport(
            cycle=content_id(
                "cycle", standing.state.head, sorted(p.id for p in mined.patterns), run.now.isoformat()
            ),
            time=run.now.isoformat(timespec="seconds"),
            sessions=mined.sessions,
            episodes=mined.episodes,
            patterns=mined.patterns,
            proposals=decided.judged,
            released=[
                ReleasedVersion(skill=one.skill, version=proposal_version(one), stage=run.asked.stage(one))
                for one in (decided.passed if dry_run else decided.released)
            ],
            spent=spent_of(ledgers, run.watch.total(), given.paid),
            units=mined.units,
            remade=mined.remade,
            stages=run.watch.laps,
            aside=[*found.aside, *mined.aside, *standing.aside, *decided.aside],
            clusters=mined.clusters,
            effects=mined.effects,
            notes=[
                *found.notes,
                *mined.notes,
                *[one.told for one in proposed.left_out[:LEFT_OUT]],
                *proposed.cared.notes,
                *notes_of(run.evolver, models, given, run.settings),
                *replay_notes(decided.judged, replayer, models, run.settings.budget, dry_run=dry_run),
            ],
            model=run.asks or (replayer.model if replayer is not None else ""),
            forecast=with_replays(foreseen(models, proposed.forecast), replayer) if dry_run else [],
            care=proposed.cared.report,
            rollouts=standing.rolled,
            degraded=""
            if dry_run
            else reasons({**given.failed, **(replayer.cut_off if replayer is not None else {})}),
            replays=list(replayer.results.values()) if replayer is not None else [],
            supported=proposed.shown,
            left_out=proposed.left_out,
        ),
        keep=not dry_run,
    )
    if not dry_run:
        keep_last(run.memory, LastCycle(view=view_of(made), asked=mined.work.asked, taken=run.taken))
    return made
