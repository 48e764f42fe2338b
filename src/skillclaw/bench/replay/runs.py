"""Agents at the suite's tasks, each run remembered in a file, so that a bench that was killed goes on.

The file has a line for each run that says something. What a run was is hashed: the case, the skills in the
agent's home, the seed, the agent and its model.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec

from skillclaw.errors import StorageError
from skillclaw.evolve.models import Ledger
from skillclaw.evolve.replay.cases import Case
from skillclaw.evolve.replay.executable import Limits, executable_scores
from skillclaw.evolve.replay.executable_agents import Run, Runner
from skillclaw.evolve.replay.executable_meter import Meter
from skillclaw.evolve.replay.executing import Executed
from skillclaw.evolve.replay.replayer import Replayer
from skillclaw.gate.replay.records import Cost
from skillclaw.headless.tasks.model import Workspace
from skillclaw.sandbox import Mount
from skillclaw.skills.records import Proposal
from skillclaw.trajectory.model import Record

__all__ = ["RememberedRunner", "SuiteRuns", "with_tools"]


class _Row(Record, frozen=True, kw_only=True):
    """One run: what it was (a hash), what came of it, and what it cost."""

    key: str
    run: Run
    calls: int
    tokens: int
    seconds: float


class RememberedRunner:
    """A `Runner` that makes each run once. `cost` adds up what the runs took that were asked for, whenever
    they were made."""

    def __init__(self, inner: Runner, file: Path) -> None:
        self.name, self.model = inner.name, inner.model
        self._inner, self._file = inner, file
        self._known = _read(file)
        self.cost = Cost()

    def ready(self) -> AbstractContextManager[None]:
        """See `Runner.ready`."""
        return self._inner.ready()

    @property
    def each(self) -> float | None:
        """Seconds of a run, on average; None while none was made."""
        return sum(row.seconds for row in self._known.values()) / len(self._known) if self._known else None

    def run(self, case: Case, folder: Path, home: Path, seed: int, meter: Meter) -> Run:
        """See `Runner.run`."""
        key = self._key(case, home, seed)
        row = self._known.get(key)
        if row is None:
            began, calls, tokens = time.monotonic(), meter.calls, meter.tokens_in + meter.tokens_out
            run = self._inner.run(case, folder, home, seed, meter)
            row = _Row(
                key=key,
                run=run,
                calls=meter.calls - calls,
                tokens=meter.tokens_in + meter.tokens_out - tokens,
                seconds=round(time.monotonic() - began, 2),
            )
            if run.score is not None and not run.broken:
                self._keep(row)
        self.cost = Cost(
            calls=self.cost.calls + row.calls,
            tokens=self.cost.tokens + row.tokens,
            seconds=self.cost.seconds + row.seconds,
        )
        return row.run

    def _key(self, case: Case, home: Path, seed: int) -> str:
        digest = hashlib.sha256(msgspec.json.encode([case.id, seed, self.name, self.model]))
        for path in sorted(path for path in home.rglob("*") if path.is_file()):
            digest.update(msgspec.json.encode([path.relative_to(home).as_posix()]) + path.read_bytes())
        return digest.hexdigest()

    def _keep(self, row: _Row) -> None:
        self._known[row.key] = row
        try:
            with self._file.open("ab") as file:
                file.write(msgspec.json.encode(row) + b"\n")
        except OSError as error:
            raise StorageError(
                f"Cannot write {self._file}.", str(error), "Free space; then go on."
            ) from error


def _read(file: Path) -> dict[str, _Row]:
    """The rows of a file; one that was being written when the bench was killed is made again."""
    found: dict[str, _Row] = {}
    try:
        data = file.read_bytes() if file.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        if whole != data:
            file.write_bytes(whole)
    except OSError as error:
        raise StorageError(f"Cannot read {file}.", str(error)) from error
    for line in whole.splitlines():
        try:
            row = msgspec.json.decode(line, type=_Row)
        except msgspec.DecodeError:
            continue
        found[row.key] = row
    return found


@dataclasses.dataclass
class SuiteRuns:
    """What runs executable cases for a replay (`evolve.replay.executing.Executable`): always these.

    cut_off  why not all of the last proposal's runs were made; empty where all were
    """

    cases: Sequence[Case]
    runner: RememberedRunner
    ledger: Ledger
    seed: int = 0
    cut_off: str = ""
    planned: dict[str, str] = dataclasses.field(default_factory=dict)
    tried: bool = False

    def __call__(self, proposal: Proposal, replayer: Replayer, left: Limits, /) -> Executed:
        """See `Executable`."""
        self.runner.cost = Cost()
        self.tried = True
        scores, _, self.cut_off = executable_scores(
            proposal,
            self.cases,
            current_skills=replayer.context.current,
            agent=self.runner,
            repeats=replayer.plan.settings.repeats,
            seed=self.seed,
            limits=left,
            ledger=self.ledger,
            home=replayer.home,
            progress=replayer.progress,
        )
        return Executed(scores=scores, cost=self.runner.cost, missing=self.cut_off, cut_off=self.cut_off)


def with_tools(case: Case, domains: Collection[str], seconds: float) -> Case:
    """The case with the tools of these parts of the office alone, as in WorkBench's own second set of tools,
    and `seconds` for the agent."""

    @contextmanager
    def room(folder: Path, socket: Path | None, mounts: Sequence[Mount]) -> Iterator[Workspace]:
        with case.room(folder, socket, mounts) as workspace:
            workspace.tools = [tool for tool in workspace.tools if tool.name.partition("__")[0] in domains]
            yield workspace

    return dataclasses.replace(case, room=room, timeout=seconds)
