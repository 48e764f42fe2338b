"""One cycle: sessions -> patterns -> proposals -> verdicts -> releases (DESIGN 3.4, 3.5).

Idempotent: a proposal's id is the hash of its inputs, what the log already decided is not decided again,
and a second cycle over the same sessions releases nothing new.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from skillclaw import gate
from skillclaw.errors import BadInputError, BusyError, SkillClawError, UsageError
from skillclaw.evolve.by_hand import changed_by_hand
from skillclaw.evolve.care import care
from skillclaw.evolve.counts import keep_counts, recounted
from skillclaw.evolve.current import current_skills
from skillclaw.evolve.embeddings import CachedEmbedder, Embedder, departs, make_embedder
from skillclaw.evolve.evolvers import Current, EvolveContext, Evolver, evolvers
from skillclaw.evolve.executors import make_executor
from skillclaw.evolve.fresh import fresh, keep_marks, topic_marks
from skillclaw.evolve.holdout import Hold
from skillclaw.evolve.mine import Mined, mine_state
from skillclaw.evolve.modelled import asking, forecast_of, foreseen, notes_of, spent_of
from skillclaw.evolve.models import check_forgotten, forget_answers
from skillclaw.evolve.models.fallback import reasons
from skillclaw.evolve.receipts import with_receipts
from skillclaw.evolve.replay.replayer import ReplayPlan, replaying
from skillclaw.evolve.replay.telling import replay_notes, waiting_topics, waits, with_replays
from skillclaw.evolve.report import CycleReport, Judged, ReleasedVersion, compared
from skillclaw.evolve.rollouts import keep_events, left_alone, roll_out
from skillclaw.evolve.scripts import propose_scripts
from skillclaw.evolve.settle import DECIDED, finish, proposal_version, release, settle
from skillclaw.evolve.state import DamagedStateError, EvolveState
from skillclaw.evolve.taking import Aside, take_sessions
from skillclaw.evolve.transcripts import forget_transcripts
from skillclaw.evolve.tried import remember, tried
from skillclaw.hub import Hub, HubState
from skillclaw.hub.approval import policy_of
from skillclaw.hub.records import Stage
from skillclaw.journal.store import SessionStore
from skillclaw.settings import EvolveSettings
from skillclaw.skills.records import HOST, Proposal, Verdict, content_id
from skillclaw.trajectory.model import Trajectory

if TYPE_CHECKING:
    from skillclaw.evolve.engines.cli_plan import CliPlan
    from skillclaw.evolve.models.answers import SharedAnswers
    from skillclaw.evolve.models.daybook import DayBook
    from skillclaw.evolve.voting import GroupVotes
    from skillclaw.gate.context import ForeignSkill, Masker
    from skillclaw.gate.standing import MemberFacts

__all__ = ["run_cycle"]

Progress = Callable[[int, int | None, str], None]
Fence = Callable[[], None]


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
    is held for that, is not settled, so that the next cycle tries it again. Raises UsageError for an engine
    or policy that does not exist, StorageError and VerifyError of the hub and the store.
    """
    watch = _Watch()
    rules = gate.policy(policy)
    asked = {"policy": policy, "policies": dict(policies)}

    def stage(one: Proposal) -> Stage:
        return _stage(one, asked, switchback)

    evolver = _evolver(engine or settings.engine)
    state = hub.state()
    forgotten = {*state.tombstones, *withdrawn}
    cursor = sessions.cursor()
    check_forgotten(home, forgotten)
    with (
        closing(EvolveState(home)) as memory,
        asking(
            evolver,
            settings,
            home=home,
            spending=spending,
            environ=environ or {},
            replay=replay,
            record=record,
            offline=dry_run,
            shared=shared,
            beside=trying is not None and trying.asks,
        ) as models,
        replaying(
            trying,
            settings,
            home=home,
            shared_with=models,
            spending=spending,
            environ=environ or {},
            replay=replay,
            record=record,
            offline=dry_run,
            shared=shared,
        ) as replayer_for,
    ):
        with closing(make_executor(settings)) as executor:

            def find() -> tuple[list[Aside], list[str], Mined]:
                if full:
                    memory.clear()
                progress(0, None, "reading sessions")
                aside = take_sessions(memory, sessions, executor, without=forgotten, progress=progress)
                watch.lap("read")
                progress(0, None, "mining")
                embedder, notes = _embedder(settings, environ, memory)
                mined = mine_state(
                    memory,
                    now=now,
                    half_life_days=settings.half_life,
                    executor=executor,
                    embedder=embedder,
                    progress=progress,
                    hold=Hold(sessions=rules.sessions, users=rules.users) if trying is not None else None,
                )
                watch.lap("mine")
                return aside, notes, mined

            try:
                aside, notes, mined = find()
            except DamagedStateError:
                memory.renew()
                aside, notes, mined = find()
        fence()
        progress(0, None, "proposing")
        _check_forgotten(memory, sessions, cursor, home)
        finished: list[Proposal] = []
        if not dry_run:
            counting = memory.known().keys() - forgotten
            finished = finish(
                hub,
                stage=lambda one: _stage(one, asked, switchback),
                counts=counting.__contains__,
                fence=fence,
            )
            state = hub.state()
        judged: list[Judged] = []
        waiting: set[str] = set()
        if not dry_run and votes is not None:
            decided, voted, open_ = votes.collect(
                stage=lambda one: _stage(one, asked, switchback), counts=counting.__contains__, fence=fence
            )
            judged += decided
            finished += voted
            waiting = {skill for about in open_.values() for skill in about}
            state = hub.state()
        given_now = current_skills(hub, state)
        rolled = roll_out(
            hub,
            state,
            memory,
            current=given_now,
            foreign=foreign,
            patterns=mined.patterns,
            policy=lambda skill: gate.policy(policy_of(asked, skill)),
            sessions=lambda key: None if key in forgotten else _session(sessions, key),
            now=now,
            dry_run=dry_run,
            fence=fence,
        )
        if not dry_run and any(one.action != "wait" for one in rolled):
            state = hub.state()
            given_now = current_skills(hub, state)
        current = left_alone(given_now, state)
        context = gate.GateContext(
            policy=rules,
            redactor=redactor,
            sessions=lambda key: None if key in forgotten else _session(sessions, key),
            current=current,
            foreign=foreign,
            members=members or {},
            voting=votes.voting if votes is not None else None,
        )
        replayer = replayer_for(context) if replayer_for is not None else None
        if replayer is not None:
            replayer.progress = lambda done, total: progress(done, total, "replaying")
        judging = context.with_replayer(replayer)
        taken = frozenset(skill.name for skill in foreign)
        asks = models.name if models is not None else cli.name if cli and evolver.name == "cli" else ""
        asked_by = f"{evolver.name} {asks}".strip()
        rest = [_named(asked), asked_by, sorted(taken), *([trying] if trying is not None else [])]
        new = {user for user, facts in context.members.items() if not facts.known}
        marks_now = topic_marks(mined.patterns, current, rest, mined.work, new)
        given = EvolveContext(
            policy=rules,
            now=now,
            gate=context,
            taken=taken,
            models=models,
            tried=[*tried(hub, state, memory), *changed_by_hand(hub, state)],
            mined=mined.patterns,
            work=mined.work,
            home=home,
            environ=environ or {},
            agent=settings.agent,
            cli=cli,
            dry_run=dry_run,
        )
        due = fresh(mined.patterns, marks_now, memory)
        forecast = forecast_of(evolver, due, current, given) if dry_run else []
        proposals = evolver.propose(due, current, given)
        changed = {one.skill for one in proposals}
        proposals += propose_scripts(due, current, given, evolver.name, changed)
        proposals += _orphans(given_now, forgotten)
        cared = care(proposals, mined, memory, current, state, given, settings.descriptions)
        proposals = recounted(cared.proposals, mined.patterns)
        watch.lap("propose")
        fence()
        if not dry_run and not private:  # what a group's policy is, its owner says
            _settle_policy(hub, state, asked)
        passed: list[Proposal] = []
        later: set[str] = set()
        for at, proposal in enumerate(proposals):
            if proposal.skill in waiting or not waiting.isdisjoint(gone.skill for gone in proposal.retires):
                # One change of a skill at a time; what is known by then is proposed once this is decided.
                later |= {pattern.topic for pattern in proposal.patterns}
                continue
            progress(at, len(proposals), f"judging {proposal.skill}")
            result = _known(proposal, state) or _judge(proposal, judging.under(_rules(proposal, asked)))
            if result is None:
                continue
            judged.append(result)
            if result.known or waits(result, replayer):
                continue
            if result.verdict == "open":  # asked again each time, so that a job that is gone is written anew
                later |= {pattern.topic for pattern in proposal.patterns}
            done = result.verdict == "passed"
            if not dry_run:
                _check_forgotten(memory, sessions, cursor, home)
                result = msgspec.structs.replace(
                    result, proposal=with_receipts(result.proposal, context.base(result.proposal), receipt)
                )
                remember(memory, result.proposal)
                ask = votes.ask if votes is not None else None
                done = settle(hub, result, private=private, fence=fence, ask=ask)
            if done:
                passed.append(result.proposal)
        for proposal in passed if not dry_run else []:
            _check_forgotten(memory, sessions, cursor, home)
            keep_events(memory, proposal, proposal_version(proposal))
            if release(hub, proposal, stage(proposal), fence=fence):
                finished.append(proposal)
        released = [
            ReleasedVersion(
                skill=one.skill, version=proposal_version(one), stage=_stage(one, asked, switchback)
            )
            for one in (passed if dry_run else finished)
        ]
        if not dry_run:
            keep_marks(memory, marks_now, {*given.failed, *later, *waiting_topics(judged, replayer)})
            if votes is not None:
                votes.sweep(fence)
            cared.keep(memory)
            keep_counts(home, mined.patterns)
        watch.lap("judge")
        report = CycleReport(
            cycle=content_id("cycle", state.head, sorted(p.id for p in mined.patterns), now.isoformat()),
            time=now.isoformat(timespec="seconds"),
            sessions=mined.sessions,
            episodes=mined.episodes,
            patterns=mined.patterns,
            proposals=judged,
            released=released,
            spent=spent_of([models, replayer.asker if replayer else None], watch.total(), given.paid),
            units=mined.units,
            remade=mined.remade,
            stages=watch.laps,
            aside=[*aside, *mined.aside],
            clusters=mined.clusters,
            effects=mined.effects,
            notes=[
                *notes,
                *mined.notes,
                *cared.notes,
                *notes_of(evolver, models, given, settings),
                *replay_notes(judged, replayer, models, dry_run=dry_run),
            ],
            model=asks or (replayer.asker.name if replayer is not None and replayer.asker else ""),
            forecast=with_replays(foreseen(models, forecast), replayer) if dry_run else [],
            care=cared.report,
            rollouts=rolled,
            degraded=""
            if dry_run
            else reasons({**given.failed, **(replayer.cut_off if replayer is not None else {})}),
            replays=list(replayer.results.values()) if replayer is not None else [],
        )
        return compared(memory, report, keep=not dry_run)


def _check_forgotten(memory: EvolveState, sessions: SessionStore, cursor: int, home: Path) -> None:
    """Raise BusyError if a session that this cycle read was forgotten since the store was at `cursor`."""
    if sessions.cursor() != cursor and not memory.known().keys() <= sessions.changes().keys():
        forget_answers(home)  # some may be of this cycle, and younger than the forgetting
        forget_transcripts(home)
        raise BusyError(
            "A session was forgotten while the cycle ran.",
            "What was found may tell of it, so nothing more is made of it.",
            "Run it again: skillclaw evolve",
        )


def _embedder(
    settings: EvolveSettings, environ: Mapping[str, str] | None, memory: EvolveState
) -> tuple[Embedder | None, list[str]]:
    """What embeds requests, with what a user should know of it. A cycle does without one that is missing."""
    notes = []
    try:
        made = make_embedder(settings, environ or {})
    except SkillClawError as error:
        return None, [f"Requests were clustered without embeddings. {error.what} {error.todo}".strip()]
    host = departs(settings)
    if host is not None:
        notes.append(f"The redacted requests of users went to {host} to be embedded.")
    return CachedEmbedder(made, memory) if made is not None else None, notes


class _Watch:
    """Seconds of wall time by stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._began = self._last = time.monotonic()

    def lap(self, stage: str) -> None:
        """A stage is over."""
        now = time.monotonic()
        self.laps[stage] = round(now - self._last, 3)
        self._last = now

    def total(self) -> float:
        """Seconds since the beginning."""
        return round(time.monotonic() - self._began, 3)


def _known(proposal: Proposal, state: HubState) -> Judged | None:
    """What was decided of the very same proposal before."""
    known = state.proposals.get(proposal.id)
    if known is None or known.status not in DECIDED:
        return None
    return Judged(proposal=proposal, verdict=known.status, reasons=known.verdicts, known=True)


def _rules(proposal: Proposal, asked: Mapping[str, Any]) -> gate.Policy:
    """The policy for what the proposal changes, the skills that it takes in among it."""
    return gate.policy(policy_of(asked, proposal.skill, *(gone.skill for gone in proposal.retires)))


def _named(asked: Mapping[str, Any]) -> str:
    """The policies in a line; what was tried under others is tried again."""
    own = [f"{skill}={name}" for skill, name in sorted(asked["policies"].items())]
    return " ".join([asked["policy"], *own])


def _stage(proposal: Proposal, asked: Mapping[str, Any], switchback: bool) -> Stage:
    if proposal.action == "retire":
        return "archived"
    at_once = _rules(proposal, asked).release == "at once" and not switchback
    return "stable" if at_once else "canary"


FORGOTTEN = "forgotten"
"""Engine and check of the retirements that follow from `sessions forget`."""


def _orphans(current: dict[str, Current], forgotten: set[str]) -> list[Proposal]:
    """Retirements of the skills whose every session was forgotten: what people took back must not live on.

    The sessions that a skill of an agent's own cites used it; it was not learned from them.
    """
    found = []
    for name, skill in sorted(current.items()):
        if skill.sidecar.engine.startswith(HOST):
            continue
        cited = {ref.session for item in skill.sidecar.items for ref in item.evidence}
        if cited and cited <= forgotten and not skill.pinned:
            found.append(
                Proposal(
                    id=content_id("proposal", skill.version, "forgotten", sorted(cited)),
                    action="retire",
                    skill=name,
                    base=skill.version,
                    engine=FORGOTTEN,
                    why=f"All {len(cited)} sessions that {name} was learned from were forgotten.",
                )
            )
    return found


def _session(sessions: SessionStore, key: str) -> Trajectory | None:
    try:
        return sessions.get(key)
    except BadInputError:
        return None  # forgotten or expired meanwhile: it supports nothing any more


def _evolver(name: str) -> Evolver:
    known = evolvers()
    if name not in known:
        raise UsageError(f"There is no evolver {name!r}.", "", f"Known: {', '.join(sorted(known))}")
    return known[name]


def _settle_policy(hub: Hub, state: HubState, asked: Mapping[str, Any]) -> None:
    """The log must know the policies, since its fold enforces approvals."""
    now = {key: state.settings.get(key) or None for key in asked}
    changed = {key: value or None for key, value in asked.items() if (value or None) != now[key]}
    if changed:
        hub.commit("settings", changed, role="owner")


def _judge(proposal: Proposal, context: gate.GateContext) -> Judged | None:
    """The proposal without the lines that fail alone, and the gate's answer; None when it changes nothing."""
    if proposal.engine == FORGOTTEN:
        # Nothing to weigh: what people took back is no evidence, and a skill without any is nobody's.
        verdict = Verdict(check=FORGOTTEN, verdict="pass", reason=proposal.why)
        return Judged(proposal=proposal, verdict="passed", reasons=[verdict])
    pruned, dropped = gate.prune(proposal, context)
    if proposal.base is not None and proposal_version(pruned) == proposal.base:
        return None
    verdicts = gate.judge(pruned, context)
    waits = context.waits(pruned) and all(one.verdict != "reject" for one in verdicts)
    said = "open" if waits else gate.decide(verdicts)
    return Judged(proposal=pruned, verdict=said, reasons=verdicts, dropped=dropped)
