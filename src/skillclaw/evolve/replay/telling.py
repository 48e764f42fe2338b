"""What a cycle makes of its replays: what waits for the next one, what a user is told, what is foreseen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillclaw.evolve.modelled import departures
from skillclaw.evolve.models import Forecast, departs_to
from skillclaw.evolve.models.fallback import reasons
from skillclaw.evolve.replay.plan import MINIMAL
from skillclaw.evolve.replay.replayer import Replayer
from skillclaw.evolve.report import Judged
from skillclaw.settings_evolve import BudgetSettings
from skillclaw.settings_needs import replay_short

if TYPE_CHECKING:
    from skillclaw.evolve.models.asker import Asker

__all__ = ["replay_notes", "waiting_topics", "waits", "with_replays"]


def waits(result: Judged, replayer: Replayer | None) -> bool:
    """Whether it is held, or waits for votes, and a replay was cut off: another cycle may let it through,
    which the log would not once it says that it is held; machines are asked once it was tried here."""
    undecided = result.verdict in ("held", "open")
    return replayer is not None and undecided and result.proposal.id in replayer.cut_off


def waiting_topics(judged: Sequence[Judged], replayer: Replayer | None) -> set[str]:
    """The topics of what waits: they are proposed from again."""
    return {p.topic for one in judged if waits(one, replayer) for p in one.proposal.patterns}


def replay_notes(
    judged: Sequence[Judged],
    replayer: Replayer | None,
    models: Asker | None,
    budget: BudgetSettings,
    *,
    dry_run: bool,
) -> list[str]:
    """What a user should know of the replays; `models` is what the evolver asks."""
    if replayer is None:
        return []
    short = replay_short(replayer.plan.settings, budget)
    notes = [short] if short else []
    if replayer.asker is not None and replayer.asker is not models:
        notes += departures(replayer.asker, replayer.plan.model)
    runs = replayer.executable
    if dry_run:
        planned = sorted(runs.planned.items()) if runs is not None else []
        return notes + [f"Without --dry-run an agent would work on cases. {text}." for _, text in planned]
    host = departs_to(replayer.plan.model) if replayer.plan.settings.agent == MINIMAL else None
    if runs is not None and runs.tried and host is not None:
        notes.append(f"Skills, and what cases ask, went to {host}, where the agent of the replay asked.")
    waiting = sorted({one.proposal.skill for one in judged if waits(one, replayer)})
    if waiting:
        why = reasons(replayer.cut_off)
        notes.append(f"The next cycle tries {', '.join(waiting)} again: the replay was cut off. {why}")
    return notes


def with_replays(foreseen: list[Forecast], replayer: Replayer | None) -> list[Forecast]:
    """What the evolver foresees, and what the replays would take."""
    own = replayer.forecast() if replayer is not None else []
    return [*(one for one in foreseen if one.stage not in {other.stage for other in own}), *own]
