"""The sources of cases of this machine, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from skillclaw.errors import BadInputError, in_one_line
from skillclaw.evolve.replay.cases import CaseSources, TaskSource
from skillclaw.evolve.replay.checkouts import Checkouts, read_checkouts
from skillclaw.evolve.replay.folder_cases import read_cases
from skillclaw.evolve.replay.recorded_cases import Recorder
from skillclaw.settings_gate import ReplaySettings
from skillclaw.trajectory.model import Trajectory

__all__ = ["CASES", "case_sources", "cases_folder"]

CASES = "cases"
"""The folder of the user's own cases in SkillClaw's home, unless another is named."""


def cases_folder(home: Path, settings: ReplaySettings) -> Path:
    """The folder of the user's own cases; `home` is SkillClaw's."""
    return Path(settings.cases).expanduser() if settings.cases else home / CASES


def case_sources(
    home: Path,
    folder: Path,
    *,
    user_home: Path,
    sessions: Callable[[], Iterable[Trajectory]],
    tasks: Sequence[TaskSource] = (),
    recorded: bool = True,
) -> tuple[CaseSources, list[str]]:
    """The user's own cases, packaged tasks and recorded sessions; and what is wrong with cases that cannot be
    used (sentences for the user). Nothing is run yet.

    home       SkillClaw's folder; `user_home` the user's, for `~` in `projects.toml`
    folder     of the user's own cases
    sessions   the recorded sessions, asked when cases are looked for
    recorded   whether recorded sessions may become cases, by the repositories that `projects.toml` names
    """
    cases, faults = read_cases(folder)
    try:
        checkouts = read_checkouts(folder, user_home) if recorded else Checkouts()
    except BadInputError as error:
        checkouts = Checkouts()
        faults.append(error)
    recorder = Recorder(checkouts, home) if checkouts != Checkouts() else None
    found = CaseSources(cases=cases, tasks=tasks, sessions=sessions, recorded=recorder)
    return found, [in_one_line(fault) for fault in faults]
