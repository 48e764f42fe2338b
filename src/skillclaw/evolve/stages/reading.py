"""First stage: what sessions say is taken in, and mined."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from skillclaw import gate
from skillclaw.errors import SkillClawError
from skillclaw.evolve.embeddings import CachedEmbedder, Embedder, departs, make_embedder
from skillclaw.evolve.executors import Executor, make_executor
from skillclaw.evolve.holdout import Hold
from skillclaw.evolve.mine import Mined, mine_state
from skillclaw.evolve.stages.run import Run
from skillclaw.evolve.taking import Aside, take_sessions

__all__ = ["Read", "read"]


@dataclass(frozen=True)
class Read:
    """What was mined; sessions that could not be read, and what a user should know of how it was done."""

    mined: Mined
    aside: list[Aside]
    notes: list[str]


def read(run: Run) -> Read:
    """Read what is new, and mine."""
    with closing(make_executor(run.settings)) as executor:
        return _read(run, executor)


def _read(run: Run, executor: Executor) -> Read:
    if run.full:
        run.memory.clear()
    run.progress(0, None, "reading sessions")
    aside = take_sessions(
        run.memory, run.sessions, executor, without=set(run.forgotten), progress=run.progress
    )
    run.watch.lap("read")
    run.progress(0, None, "mining")
    embedder, notes = _embedder(run)
    rules = gate.policy(run.asked.policy)
    mined = mine_state(
        run.memory,
        now=run.now,
        half_life_days=run.settings.half_life,
        executor=executor,
        embedder=embedder,
        progress=run.progress,
        hold=Hold(sessions=rules.sessions, users=rules.users) if run.trying is not None else None,
    )
    run.watch.lap("mine")
    return Read(mined, aside, notes)


def _embedder(run: Run) -> tuple[Embedder | None, list[str]]:
    """What embeds requests, with what a user should know of it. A cycle does without one that is missing."""
    notes = []
    try:
        made = make_embedder(run.settings, run.environ)
    except SkillClawError as error:
        return None, [f"Requests were clustered without embeddings. {error.what} {error.todo}".strip()]
    host = departs(run.settings)
    if host is not None:
        notes.append(f"The redacted requests of users went to {host} to be embedded.")
    return CachedEmbedder(made, run.memory) if made is not None else None, notes
