"""The sources of cases of this machine, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from skillclaw.errors import BadInputError
from skillclaw.evolve.replay.cases import CaseSources, TaskSource
from skillclaw.evolve.replay.checkouts import Checkouts, read_checkouts
from skillclaw.evolve.replay.folder_cases import read_cases
from skillclaw.evolve.replay.recorded_cases import Recorder
from skillclaw.trajectory.model import Trajectory

__all__ = ["CASES", "case_sources"]

CASES = "cases"
"""The folder of the user's own cases in SkillClaw's home, unless another is named."""


def case_sources(
    home: Path,
    *,
    user_home: Path,
    sessions: Callable[[], Iterable[Trajectory]],
    folder: Path | None = None,
    tasks: Sequence[TaskSource] = (),
) -> tuple[CaseSources, list[str]]:
    """The user's own cases, packaged tasks and recorded sessions; and what is wrong with cases that cannot be
    used (sentences for the user). Nothing is run yet.

    home       SkillClaw's folder; `user_home` the user's, for `~` in `projects.toml`
    sessions   the recorded sessions, asked when cases are looked for
    folder     of the user's own cases, where it is not `cases` in `home`
    """
    place = folder if folder is not None else home / CASES
    cases, faults = read_cases(place)
    try:
        checkouts = read_checkouts(place, user_home)
    except BadInputError as error:
        checkouts = Checkouts()
        faults.append(error)
    recorded = Recorder(checkouts, home) if checkouts != Checkouts() else None
    found = CaseSources(cases=cases, tasks=tasks, sessions=sessions, recorded=recorded)
    return found, [" ".join(str(fault).split()) for fault in faults]
