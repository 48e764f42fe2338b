"""Executable replay: an agent works on each case with the skills as they are, and as they would be.

Repeats are the outer loop and cases the inner one, both arms of a repeat run one after the other with the
same seed, and which goes first takes turns: what changes over the time of a replay meets both alike. Where
the budget ends all cases have as many repeats.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from skillclaw.errors import SkillClawError, UsageError, in_one_line
from skillclaw.evolve.models.ledger import Ledger
from skillclaw.evolve.replay.cases import Case
from skillclaw.evolve.replay.executable_agents import Run, Runner
from skillclaw.evolve.replay.executable_meter import Meter
from skillclaw.evolve.replay.executable_rooms import arms, skills_home, workroom
from skillclaw.gate.context import CurrentSkill
from skillclaw.gate.replay.records import CaseScore, Cost
from skillclaw.sandbox import leftovers, why_no_room
from skillclaw.skills.records import Proposal
from skillclaw.trajectory.model import Record

__all__ = ["Limits", "executable_scores", "run_once", "sampling_seed"]

BROKEN = 3
"""Runs in a row that the model's server may fail before the replay is given up."""


class Limits(Record, frozen=True, kw_only=True):
    """How far the replay of one proposal may go; looked at between runs, so that one run may pass them.

    calls    requests to the model; 0 is no limit
    seconds  of wall time
    """

    calls: int = 0
    seconds: float = 900.0


def executable_scores(
    proposal: Proposal,
    cases: Sequence[Case],
    *,
    current_skills: Mapping[str, CurrentSkill],
    agent: Runner,
    repeats: int,
    seed: int,
    limits: Limits,
    ledger: Ledger,
    home: Path,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[list[CaseScore], Cost, str]:
    """The cases with their scores, what it cost, and why not all of it was run (empty: all was).

    current_skills  the library as it is
    seed            of the replay; each repeat of a case has one of its own, the same for both arms
    ledger          what is asked is paid for from it; `limits` hold besides
    home            SkillClaw's folder; rooms are made below it, and are gone afterwards
    progress        told how many runs of how many are done

    It never runs anything outside a sandbox: without one nothing is tried, and the reason is told.
    """
    if proposal.bundle is None or not cases:
        return [], Cost(), "There is nothing to run."
    if reason := why_no_room():
        return [], Cost(), f"Cases run in a sandbox only, and none can be made here: {reason}"
    began = time.monotonic()
    replay = _Replay(cases, agent, repeats, seed, Meter(ledger), limits, began)
    missing = ""
    try:
        with workroom(home) as folder, agent.ready():
            homes = tuple(
                skills_home(folder / name, skills)
                for name, skills in zip(("before", "after"), arms(proposal, current_skills), strict=True)
            )
            missing = replay.all(folder, (homes[0], homes[1]), progress)
    except UsageError as error:
        missing = in_one_line(error)
    except (SkillClawError, OSError) as error:
        missing = f"The replay broke off: {' '.join(str(error).split())}"
    return replay.scores(), replay.meter.cost(time.monotonic() - began), missing


class _Replay:
    def __init__(
        self,
        cases: Sequence[Case],
        agent: Runner,
        repeats: int,
        seed: int,
        meter: Meter,
        limits: Limits,
        began: float,
    ) -> None:
        self.meter = meter
        self._cases, self._agent, self._repeats, self._seed = list(cases), agent, repeats, seed
        self._limits, self._began = limits, began
        self._rows: list[tuple[list[float | None], list[float | None]]] = [
            ([None] * repeats, [None] * repeats) for _ in cases
        ]
        self._notes: list[str] = ["" for _ in cases]
        self._broken = 0

    def all(self, folder: Path, homes: tuple[Path, Path], progress: Callable[[int, int], None]) -> str:
        """Run everything; why it ended early, or empty."""
        whole = len(self._cases) * self._repeats * 2
        done = 0
        for repeat in range(self._repeats):
            for number, case in enumerate(self._cases):
                for arm in ((0, 1), (1, 0))[repeat % 2]:
                    if why := self._stop():
                        return f"{why} {done} of {whole} runs were made."
                    progress(done, whole)
                    run = self._once(case, folder / "run", homes[arm], repeat)
                    self._rows[number][arm][repeat] = run.score
                    if run.score is None or not run.graded:
                        self._notes[number] = run.note
                    self._broken = self._broken + 1 if run.broken else 0
                    done += run.score is not None
        progress(whole, whole)
        return self._stop() if self.meter.over else ""

    def _once(self, case: Case, folder: Path, home: Path, repeat: int) -> Run:
        return run_once(case, self._agent, folder, home, sampling_seed(case, self._seed, repeat), self.meter)

    def _stop(self) -> str:
        if self.meter.over:
            return self.meter.over
        if self._broken >= BROKEN:
            last = next(note for note in reversed(self._notes) if note)
            return f"The model failed {BROKEN} times in a row ({last})."
        if self._limits.calls and self.meter.calls >= self._limits.calls:
            return f"The limit of {self._limits.calls} calls for one proposal is reached."
        if time.monotonic() - self._began >= self._limits.seconds:
            return f"The limit of {self._limits.seconds:g} s for one proposal is reached."
        return ""

    def scores(self) -> list[CaseScore]:
        """The cases that were run at all."""
        return [
            CaseScore(
                case=case.id,
                kind="executable",
                source=case.source,
                user=case.user,
                before=before,
                after=after,
                note=note,
            )
            for case, (before, after), note in zip(self._cases, self._rows, self._notes, strict=True)
            if note or any(score is not None for score in (*before, *after))
        ]


def run_once(case: Case, agent: Runner, folder: Path, home: Path, seed: int, meter: Meter) -> Run:
    """One run in the new folder `folder`, which is gone afterwards. What breaks in it is in its note; only
    what holds for every run is raised (UsageError)."""
    meter.next_run()
    try:
        folder.mkdir(mode=0o700)
        return agent.run(case, folder, home, seed, meter)
    except UsageError:
        raise
    except SkillClawError as error:
        return Run(score=None, note=in_one_line(error)[:300])
    except Exception as error:
        # An agent's words or a grader's set this off; the other runs are none the worse for it.
        return Run(score=None, note=f"Not expected: {type(error).__name__}: {error}"[:300])
    finally:
        leftovers.remove(folder)


def sampling_seed(case: Case, seed: int, repeat: int) -> int:
    """The seed of a repeat: the case's own where it has one, else made from the replay's."""
    if repeat < len(case.seeds):
        return case.seeds[repeat]
    body = f"{seed} {case.id} {repeat}"
    return int.from_bytes(hashlib.sha256(body.encode()).digest()[:4]) % 2**31
