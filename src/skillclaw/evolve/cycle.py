"""One cycle: sessions -> patterns -> proposals -> verdicts -> releases.

Idempotent: a proposal's id is the hash of its inputs, what the log already decided is not decided again,
and a second cycle over the same sessions releases nothing new. The stages are in `evolve.stages`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ParamSpec

from skillclaw import gate
from skillclaw.errors import UsageError
from skillclaw.evolve.evolvers import Evolver, evolvers
from skillclaw.evolve.last import taken_back
from skillclaw.evolve.modelled import asking
from skillclaw.evolve.models import check_forgotten
from skillclaw.evolve.replay.executing import recorded_sessions
from skillclaw.evolve.replay.replayer import replaying
from skillclaw.evolve.report import CycleReport
from skillclaw.evolve.stages.judging import judge, keep
from skillclaw.evolve.stages.proposing import propose
from skillclaw.evolve.stages.reading import read
from skillclaw.evolve.stages.reporting import report
from skillclaw.evolve.stages.run import Asked, Fence, Progress, Run
from skillclaw.evolve.stages.standing import Standing, stand
from skillclaw.evolve.state import DamagedStateError, EvolveState
from skillclaw.gate.stretches import running
from skillclaw.hub import Hub, HubState
from skillclaw.hub.unapproved import Finder, covers, unapproved
from skillclaw.journal.store import SessionStore
from skillclaw.settings import EvolveSettings

if TYPE_CHECKING:
    from skillclaw.evolve.engines.cli_plan import CliPlan
    from skillclaw.evolve.models.answers import SharedAnswers
    from skillclaw.evolve.models.asker import Asker
    from skillclaw.evolve.models.daybook import DayBook
    from skillclaw.evolve.replay.plan import ReplayPlan, RunPlan
    from skillclaw.evolve.replay.replayer import Replayer
    from skillclaw.evolve.voting import GroupVotes
    from skillclaw.gate.context import ForeignSkill, Masker
    from skillclaw.gate.standing import MemberFacts
    from skillclaw.skills.records import Proposal
    from skillclaw.trajectory.model import Trajectory

__all__ = ["run_cycle"]

P = ParamSpec("P")

Replaying = Callable[[gate.GateContext], "Replayer"] | None


def _once_more(cycle: Callable[P, CycleReport]) -> Callable[P, CycleReport]:
    """The cycle; once more where what it remembers of sessions was damaged, which is gone then."""

    @wraps(cycle)
    def run(*args: P.args, **kwargs: P.kwargs) -> CycleReport:
        try:
            return cycle(*args, **kwargs)
        except DamagedStateError:
            return cycle(*args, **kwargs)

    return run


@_once_more
def run_cycle(
    *,
    sessions: SessionStore,
    hub: Hub,
    policy: str,
    policies: Mapping[str, str] = MappingProxyType({}),
    settings: EvolveSettings,
    redactor: Masker,
    foreign: Sequence[ForeignSkill],
    now: datetime,
    home: Path,
    environ: Mapping[str, str] | None = None,
    spending: DayBook | Path | None = None,
    replay: Path | None = None,
    record: Path | None = None,
    cli: CliPlan | None = None,
    withdrawn: Collection[str] = (),
    engine: str | None = None,
    dry_run: bool = False,
    full: bool = False,
    private: bool = False,
    progress: Progress = lambda done, total, what: None,
    fence: Fence = lambda: None,
    shared: SharedAnswers | None = None,
    switchback: bool = False,
    members: Mapping[str, MemberFacts] | None = None,
    receipt: Callable[[str], str | None] = lambda key: None,
    votes: GroupVotes | None = None,
    trying: ReplayPlan | None = None,
    on: RunPlan | None = None,
) -> CycleReport:
    """Mine the sessions, decide on canaries, propose, judge, release what passed.

    `policy` is a name of gate.policies, `policies` has such names by skill, where they are stricter;
    `foreign` are skills on this machine that the hub does not know;
    `home` is where the evolver's state lies; `environ` holds the keys of APIs. `spending` has the days'
    sums of what models cost (else the book of `home`); `replay` is a folder of recorded answers, and no model
    is asked then; `record` gets a copy of every answer used (docs/evolvers.md). `cli` says which agent of the
    user's the engine of that name may run. With `full` the state is made
    anew from the sessions alone; `withdrawn` are keys of sessions that count no longer, beside the log's
    tombstones. With `private` others read the hub, but not the sessions: it gets no words of single users
    (patterns quote them; so does what was refused), and no text that holds a secret. With `dry_run` nothing
    is written to the hub, `released` says what would have been, no model is asked, and the report has a
    forecast. `fence` is called at every stage boundary and before each write to the hub; what it raises ends
    the cycle, and all that was found so far is kept. `shared` has models' answers of other machines and gets
    those of this one. With `switchback` what the policy would release at once is a canary first, so that
    its effect is measured. `votes` asks members' machines for theirs, and ends what they decided. `trying`
    says how proposals are replayed: sessions are held out for it, and what could not be tried to the end, and
    is held for that, is not settled, so that the next cycle tries it again; `on` what this machine has for
    executable cases. Raises UsageError for an engine or policy that does not exist, StorageError and
    VerifyError of the hub and the store.
    """
    rules = gate.policy(policy)
    evolver = _evolver(engine or settings.engine)
    state = hub.state()
    forgotten = frozenset({*state.tombstones, *withdrawn})
    cursor = sessions.cursor()
    check_forgotten(home, forgotten)

    def recorded(whole: bool) -> Iterator[Trajectory]:
        return recorded_sessions(sessions, forgotten.__contains__, whole=whole)

    with (
        closing(EvolveState(home)) as memory,
        _models(
            evolver,
            settings,
            trying,
            on,
            recorded,
            home=home,
            spending=spending,
            environ=environ or {},
            replay=replay,
            record=record,
            offline=dry_run,
            shared=shared,
        ) as (models, replayer_for),
    ):
        run = Run(
            sessions=sessions,
            hub=hub,
            memory=memory,
            asked=Asked(policy, policies, switchback),
            settings=settings,
            redactor=redactor,
            foreign=foreign,
            now=now,
            home=home,
            environ=environ or {},
            evolver=evolver,
            forgotten=forgotten,
            cursor=cursor,
            cli=cli,
            models=models,
            dry_run=dry_run,
            full=full,
            private=private,
            progress=progress,
            fence=fence,
            members=members or {},
            receipt=receipt,
            votes=votes,
            trying=trying,
            taken=taken_back(state),
        )
        return _through_the_stages(run, rules, state, replayer_for)


def _through_the_stages(
    run: Run, rules: gate.Policy, state: HubState, replayer_for: Replaying
) -> CycleReport:
    """Read, stand, propose, judge, keep, report: each is given what those before it found."""
    found = read(run)
    run.fence()
    run.progress(0, None, "proposing")
    run.check_forgotten()
    standing = stand(run, found.mined, state)
    context = _gate_context(run, rules, standing)
    replayer = _replayer(run, replayer_for, context)
    proposed = propose(run, found.mined, standing, context)
    run.watch.lap("propose")
    run.fence()
    decided = judge(run, standing, proposed, context, replayer)
    if not run.dry_run:
        keep(run, found.mined, standing, proposed, decided, replayer)
    run.watch.lap("judge")
    return report(run, found, standing, proposed, decided, replayer)


def _gate_context(run: Run, rules: gate.Policy, standing: Standing) -> gate.GateContext:
    """What the gate looks at beside a proposal."""
    return gate.GateContext(
        policy=rules,
        redactor=run.redactor,
        sessions=run.session,
        current=standing.current,
        foreign=run.foreign,
        members=run.members,
        voting=run.votes.voting if run.votes is not None else None,
        unseen=_unseen(run, standing.state),
    )


def _unseen(run: Run, state: HubState) -> Callable[[Proposal, Finder], Collection[str]]:
    """What clients would not take of a skill as it is: it came before it was asked for, or past the gate."""

    def unseen(proposal: Proposal, find: Finder) -> Collection[str]:
        skill = state.skills[proposal.skill]
        release = skill.release(skill.current) if skill.current is not None else None
        if release is None:
            return ()
        bundle = run.hub.get_bundle(release)
        if not covers(release, proposal):
            return find(bundle)
        persons = find is not running
        return unapproved(state, release, bundle, find, run.hub.get_bundle, persons=persons)

    return unseen


def _replayer(run: Run, replayer_for: Replaying, context: gate.GateContext) -> Replayer | None:
    """What tries proposals, where they are tried; it tells how far it is as the other stages do."""
    replayer = replayer_for(context) if replayer_for is not None else None
    if replayer is not None:
        replayer.progress = lambda done, total: run.progress(done, total, "replaying")
    return replayer


@contextmanager
def _models(
    evolver: Evolver,
    settings: EvolveSettings,
    trying: ReplayPlan | None,
    on: RunPlan | None,
    recorded: Callable[[bool], Iterator[Trajectory]],
    *,
    home: Path,
    spending: DayBook | Path | None,
    environ: Mapping[str, str],
    replay: Path | None,
    record: Path | None,
    offline: bool,
    shared: SharedAnswers | None,
) -> Iterator[tuple[Asker | None, Replaying]]:
    """The model of the evolver, if it asks one, and what makes a replayer."""
    with (
        asking(
            evolver,
            settings,
            home=home,
            spending=spending,
            environ=environ,
            replay=replay,
            record=record,
            offline=offline,
            shared=shared,
            beside=trying is not None and trying.asks,
        ) as models,
        replaying(
            trying,
            settings,
            home=home,
            shared_with=models,
            spending=spending,
            environ=environ,
            replay=replay,
            record=record,
            offline=offline,
            shared=shared,
            on=on,
            sessions=recorded,
        ) as replayer_for,
    ):
        yield models, replayer_for


def _evolver(name: str) -> Evolver:
    known = evolvers()
    if name not in known:
        raise UsageError(f"There is no evolver {name!r}.", "", f"Known: {', '.join(sorted(known))}")
    return known[name]
