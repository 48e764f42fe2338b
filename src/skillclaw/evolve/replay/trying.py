"""Cases by hand: whether a case can tell work from no work, and how an agent does at one with the skills as
they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from skillclaw.errors import UsageError
from skillclaw.evolve.models.ledger import Ledger
from skillclaw.evolve.replay.cases import Case
from skillclaw.evolve.replay.executable import run_once, sampling_seed
from skillclaw.evolve.replay.executable_agents import Runner
from skillclaw.evolve.replay.executable_meter import Meter
from skillclaw.evolve.replay.executable_rooms import skills_home, workroom
from skillclaw.gate.replay.records import Cost
from skillclaw.headless.tasks.folders import FolderWorkspace
from skillclaw.headless.tasks.model import Grade
from skillclaw.sandbox import Limits, why_no_room
from skillclaw.skills.records import Bundle
from skillclaw.trajectory.model import Record

__all__ = ["CaseCheck", "CaseRuns", "check_case", "needs_sandbox", "try_case"]


class CaseCheck(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What a check of a case found. `good`: its grader fails an untouched workspace and passes the solution.

    solution  null where the case has none (`solve.sh`)
    faults    what is wrong, a sentence each
    """

    case: str
    good: bool
    empty: bool | None = None
    solution: bool | None = None
    faults: list[str] = []


class CaseRuns(Record, frozen=True, kw_only=True, omit_defaults=False):
    """How an agent did at one case. `scores` one a repeat, 0 to 1; null where it could not be tried, and
    `notes` say why, or what was lacking."""

    case: str
    agent: str
    model: str
    skills: list[str] = []
    scores: list[float | None] = []
    notes: list[str] = []
    spent: Cost = Cost()


def needs_sandbox() -> None:
    """Raises UsageError where no sandbox can be made: cases are run in nothing else."""
    if reason := why_no_room():
        raise UsageError(
            "Cases run in a sandbox only, and none can be made here.",
            reason,
            "Install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap), or mend what it says.",
        )


def check_case(case: Case, home: Path) -> CaseCheck:
    """Grade the workspace as it is, and as the solution leaves it. Raises UsageError, StorageError, and
    BadInputError where the workspace cannot be made."""
    needs_sandbox()
    faults: list[str] = []
    with workroom(home) as folder:
        empty = _graded(case, folder / "empty", "")
        if empty.error:
            faults.append(f"The grader does not work: {empty.error}.")
        elif empty.success:
            faults.append("The grader passes a workspace in which nothing was done.")
        solved: Grade | None = None
        if not case.solution:
            faults.append("There is no solve.sh, so that nothing shows that it can be solved.")
        else:
            solved = _graded(case, folder / "solved", case.solution)
            if solved.error or not solved.success:
                faults.append(
                    f"The grader does not pass what solve.sh leaves: {solved.error or solved.reason}."
                )
    return CaseCheck(
        case=case.name,
        good=not faults,
        empty=None if empty.error else empty.success,
        solution=None if solved is None or solved.error else solved.success,
        faults=faults,
    )


def _graded(case: Case, folder: Path, script: str) -> Grade:
    with case.room(folder, None, ()) as workspace:
        if script:
            assert isinstance(workspace, FolderWorkspace)
            ran = workspace.room.run(["bash", "-ec", script], limits=Limits(seconds=case.timeout))
            if ran.code != 0:
                said = " ".join(ran.output.split())[-200:]
                how = "took too long" if ran.code is None else f"ended with exit code {ran.code}"
                return Grade(success=False, score=0.0, error=f"solve.sh {how} ({said})")
        return case.judge(workspace, [])


def try_case(
    case: Case,
    agent: Runner,
    skills: Mapping[str, Bundle],
    *,
    repeats: int,
    seed: int,
    ledger: Ledger,
    home: Path,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> CaseRuns:
    """Let `agent` work on the case `repeats` times with `skills`. Raises UsageError, StorageError."""
    needs_sandbox()
    began = time.monotonic()
    meter = Meter(ledger)
    scores: list[float | None] = []
    notes: list[str] = []
    with workroom(home) as folder, agent.ready():
        own = skills_home(folder / "home", skills)
        for repeat in range(repeats):
            progress(repeat, repeats)
            run = run_once(case, agent, folder / "run", own, sampling_seed(case, seed, repeat), meter)
            scores.append(run.score)
            notes += [run.note] if run.note and run.note not in notes else []
            if meter.over:
                break
    return CaseRuns(
        case=case.name,
        agent=agent.name,
        model=agent.model,
        skills=sorted(skills),
        scores=scores,
        notes=notes,
        spent=meter.cost(time.monotonic() - began),
    )
