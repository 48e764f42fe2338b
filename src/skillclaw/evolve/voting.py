"""The evolver's side of votes: members' machines are asked, and what they say decides.

What was held never passes by itself, so votes come before the verdict: what no other check rejects stays
`open` in the log, with a job beside it, until the votes decide or their time is over. The job is written
first and holds what the other checks said: whichever evolver comes next can finish it, whatever became of the
one that asked. The log takes one verdict of an open proposal, so that it ends in one state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

import msgspec

from skillclaw.errors import (
    BadInputError,
    BlockedError,
    GoneError,
    SkillClawError,
    UpgradeNeededError,
    VerifyError,
    in_one_line,
)
from skillclaw.evolve.report import Judged
from skillclaw.evolve.settle import release
from skillclaw.evolve.signatures import signatures_of
from skillclaw.gate import decide
from skillclaw.gate.context import Masker
from skillclaw.gate.standing import MemberFacts
from skillclaw.gate.voting import Ballot, Tally, tally, votes_verdict
from skillclaw.hub import Hub, HubState, vote_jobs
from skillclaw.hub.approval import OUTDATED, policy_of, waits_for_people
from skillclaw.hub.counts import VOTERS
from skillclaw.hub.proposing import recorded
from skillclaw.hub.records import Key, ProposalState, Stage
from skillclaw.hub.vote_jobs import VoteJob, VoteRules
from skillclaw.skills.records import Proposal, Verdict
from skillclaw.trajectory.moments import moment_of, utc_text

__all__ = ["GroupVotes", "rules_of"]

WAITS = "open"
"""The verdict, in reports, of a proposal that waits for votes; it is its status in the log too."""
_record = msgspec.json.Encoder(order="deterministic")
Unread = Literal["blocked", "later"]
"""In the place of what cannot be read here: the storage does not give it, or a later evolver wrote it."""


def rules_of(settings: dict[str, object]) -> VoteRules | None:
    """The group's setting `votes`; None where it has none, or none that is one."""
    try:
        return msgspec.convert(settings["votes"], VoteRules) if "votes" in settings else None
    except msgspec.ValidationError:
        return None


class GroupVotes:
    """The votes of one group, as one cycle sees them.

    now       the time, which deadlines are made from and compared with
    masker    masks what a job tells; `user_of` is what a member is called where evidence names users
    code_of   what stands for such a user in the job of one proposal, which others cannot make or compare
    members   what is known of each, by that name: who is new has no vote yet, since keys cost nothing to who
              holds an invite for several
    later     after `collect`: the skills whose voting jobs cannot be read here, or are of a later format
    blocked   after `collect`: the skills whose release the storage does not take, with what it says
    """

    def __init__(
        self,
        hub: Hub,
        *,
        now: datetime,
        masker: Masker,
        user_of: Callable[[Key], str],
        code_of: Callable[[str, str], str],
        members: Mapping[str, MemberFacts] = MappingProxyType({}),
    ) -> None:
        self.hub = hub
        self._members = members
        self.now = now
        self._masker = masker
        self._user_of = user_of
        self._code_of = code_of
        self._rules = rules_of(hub.last_state().settings)
        self.later: list[str] = []
        self.blocked: list[tuple[str, str]] = []

    def voting(self, proposal: Proposal) -> tuple[Tally, VoteRules] | None:
        """What the gate's check asks (`gate.voting.Voting`): how the votes stand on a new proposal."""
        rules = self._rules
        if rules is None or not vote_jobs.votable(proposal.id):
            return None
        if not signatures_of(proposal, proposal.patterns, self._masker):
            none = Tally(state="few", why="nothing can be said of its cases without quoting sessions")
            return none, rules
        state = self.hub.last_state()
        taught = _sources(proposal).__contains__
        return self._tally(state, state.proposals.get(proposal.id), taught, rules, over=False), rules

    def ask(self, proposal: Proposal, verdicts: Sequence[Verdict], public: Proposal) -> None:
        """Write the job for a proposal that waits; `public` is what the log is going to have of it."""
        rules = self._rules
        if rules is None:
            return
        known = self.hub.last_state().proposals.get(proposal.id)
        # Each time, so that what somebody deleted is there again: nothing could end the proposal else.
        made = self.hub.put_object(_record.encode(public))
        until = self.now + timedelta(hours=rules.hours)
        job = VoteJob(
            proposal=proposal.id,
            object=known.object if known is not None else made,
            skill=proposal.skill,
            patterns=signatures_of(proposal, proposal.patterns, self._masker),
            rules=rules,
            verdicts=[one for one in verdicts if one.check != "votes"],
            sources=sorted(self._code_of(proposal.id, user) for user in _sources(proposal)),
            created=utc_text(self.now),
            expires=utc_text(until),
        )
        place = vote_jobs.place_of(proposal.id)
        if self._job(self.hub.last_state(), proposal.id) is not None:
            return  # whoever asked before set the time, be it in a later format
        self.hub.store.put(place, vote_jobs.write(job, self.hub.info.group, self.hub.own_key("evolver")))

    def collect(
        self,
        *,
        stage: Callable[[Proposal], Stage],
        counts: Callable[[str], bool],
        fence: Callable[[], None],
    ) -> tuple[list[Judged], list[Proposal], dict[str, Collection[str]]]:
        """Decide what the votes, or the time, decide: these proposals as judged; those of them that are
        released then; and by proposal that still waits the skills that it is about.

        `counts` says whether a session, by its key, is evidence still; `fence` is called before each commit.
        """
        judged: list[Judged] = []
        released: list[Proposal] = []
        waiting: dict[str, Collection[str]] = {}
        names = self.hub.store.list(vote_jobs.FOLDER, most=vote_jobs.NAMES)
        for one in vote_jobs.asked(self.hub.last_state(), names, "open", "passed"):
            state = self.hub.last_state()
            known = state.proposals[one.id]
            job = self._job(state, one.id)
            record = self._record(known)
            if isinstance(job, str) or isinstance(record, str):
                self.later.append(known.skill)
                waiting[known.id] = _about(known)
                continue
            # One that is not what the log says of it, or gone, may be made again until its time is over.
            if job is None or record is None or known.status not in ("open", "passed"):
                continue
            if self._end(known, job) > self._latest(job):
                fence()
                job = self._in_time(job)
            result = self._result(state, known, job, record, counts)
            if result.verdict == WAITS:
                waiting[known.id] = _about(record)
                continue
            before = known.status == result.verdict
            if not before:
                fence()
                if not self._decided(known, result):
                    continue
            try:
                done = result.verdict == "passed" and release(self.hub, record, stage(record), fence=fence)
            except BlockedError as error:  # decided, and released once the storage takes it
                self.blocked.append((record.skill, in_one_line(error)))
                waiting[known.id] = _about(record)
                continue
            if done:
                released.append(record)
            # One that passed before, and that the log releases by people alone, is no news.
            judged.append(msgspec.structs.replace(result, known=before and not done))
        return judged, released, waiting

    def sweep(self, fence: Callable[[], None]) -> None:
        """End what nobody can finish, and delete the jobs of what is decided. Asked at the end of a cycle."""
        state = self.hub.state()
        for known in list(state.proposals.values()):
            reason = self._lost(state, known)
            if reason:
                fence()
                self._decided(known, _as_judged(_bare(known), [_no(reason)], "rejected"))
        state = self.hub.state()
        names = self.hub.store.list(vote_jobs.FOLDER, most=vote_jobs.NAMES)
        over = {one: self._is_over(one, state) for one in {vote_jobs.proposal_of(name) for name in names}}
        for name in names:
            if over[vote_jobs.proposal_of(name)]:
                try:
                    self.hub.store.delete(name)
                except SkillClawError:
                    continue  # the next cycle tries again

    def _lost(self, state: HubState, known: ProposalState) -> str:
        """Why nobody can finish a proposal that waits, whatever members say; empty where somebody may."""
        if known.status != "open" or known.author is not None:
            return ""
        job = self._job(state, known.id) if vote_jobs.votable(known.id) else None
        if job == "blocked":
            return ""
        if job is not None and job != "later":
            over = self._end(known, job) <= utc_text(self.now) or self._rules is None
            if over and self._record(known) is None:
                return "What was proposed is gone from the hub's storage, or was changed there."
            return ""
        rules = self._rules or VoteRules()
        if known.time < utc_text(self.now - timedelta(hours=2 * rules.hours)):
            if job == "later":
                return "Its voting job cannot be read here, and whoever asked for votes has not ended it."
            return "Its voting job is gone, and nobody proposed it again."
        return ""

    def _is_over(self, proposal_id: str, state: HubState) -> bool:
        """Whether what lies there for a proposal is of no use any more; so is what is of none."""
        now = state.proposals.get(proposal_id)
        if now is not None:
            return now.status not in ("open", "passed")
        # A job without its proposal is of a cycle that was cut off between the two, or just begins.
        job = self._job(state, proposal_id) if proposal_id else None
        return job is None or (not isinstance(job, str) and job.expires < utc_text(self.now))

    def _end(self, known: ProposalState, job: VoteJob) -> str:
        """When the votes decide at last: by the clock of who asked, or by the log's, whichever is earlier."""
        began = moment_of(known.time)
        if began is None:
            return job.expires
        return min(job.expires, utc_text(began + timedelta(hours=job.rules.hours)))

    def _latest(self, job: VoteJob) -> str:
        """When a job that is asked now ends."""
        return utc_text(self.now + timedelta(hours=job.rules.hours))

    def _in_time(self, job: VoteJob) -> VoteJob:
        """The job, written anew by this machine's clock: whose clock is far ahead keeps nothing waiting."""
        job = msgspec.structs.replace(job, created=utc_text(self.now), expires=self._latest(job))
        data = vote_jobs.write(job, self.hub.info.group, self.hub.own_key("evolver"))
        self.hub.store.put(vote_jobs.place_of(job.proposal), data)
        return job

    def _record(self, known: ProposalState) -> Proposal | Unread | None:
        """What was proposed; None where it is gone, or is not what the log says of it."""
        try:
            return recorded(self.hub, known)
        except BlockedError:
            return "blocked"
        except UpgradeNeededError:
            return "later"
        except (BadInputError, GoneError, VerifyError):
            return None

    def _job(self, state: HubState, proposal_id: str) -> VoteJob | Unread | None:
        """The job that lies there and holds."""
        try:
            data = self.hub.read(vote_jobs.place_of(proposal_id), vote_jobs.MAX_JOB)
        except BlockedError:
            return "blocked"
        if data is None:
            return None
        try:
            return vote_jobs.read(data, state, proposal_id)
        except UpgradeNeededError:
            return "later"
        except VerifyError:
            return None

    def _tally(
        self,
        state: HubState,
        known: ProposalState | None,
        taught: Callable[[str], bool],
        rules: VoteRules,
        *,
        over: bool,
    ) -> Tally:
        voters = [
            key for key in state.keys.values() if key.role in VOTERS and key.active and not self._is_new(key)
        ]
        free = [key for key in voters if not taught(self._user_of(key))]
        standing = {key.member: key for key in voters}
        given = known.counts if known is not None else {}
        ballots = [
            Ballot(member=member, counts=counts, source=taught(self._user_of(standing[member])))
            for member, counts in sorted(given.items())
            if member in standing  # not of who was revoked or left since, or is new
        ]
        return tally(ballots, rules, voters=len(free), everyone=len(voters), over=over)

    def _is_new(self, key: Key) -> bool:
        facts = self._members.get(self._user_of(key))
        return facts is not None and not facts.known

    def _result(
        self,
        state: HubState,
        known: ProposalState,
        job: VoteJob,
        record: Proposal,
        counts: Callable[[str], bool],
    ) -> Judged:
        """What is to become of a proposal with a job."""
        base = state.skills.get(known.skill)
        if (base.current if base is not None else None) != known.base:
            reason = "The skill changed while it was voted on."
            return _as_judged(record, [*job.verdicts, _no(reason, OUTDATED)], "rejected")
        names = [known.skill, *(gone.skill for gone in record.retires)]
        pinned = [name for name in names if name in state.skills and state.skills[name].pinned]
        if pinned:
            reason = f"{' and '.join(pinned)} was pinned while it was voted on, and no cycle changes it."
            return _as_judged(record, [*job.verdicts, _no(reason, OUTDATED)], "rejected")
        items = record.sidecar.items if record.sidecar is not None else []
        if not all(counts(ref.session) for item in items for ref in item.evidence):
            reason = "A session that it rests on was taken back while it was voted on."
            return _as_judged(record, [*job.verdicts, _no(reason)], "rejected")
        if known.status == "passed":
            return _as_judged(record, known.verdicts, "passed")
        over = self._end(known, job) <= utc_text(self.now) or self._rules is None
        users = _sources(record)

        def taught(user: str) -> bool:
            return user in users or self._code_of(known.id, user) in job.sources

        found = self._tally(state, known, taught, job.rules, over=over)
        verdicts = [*job.verdicts, votes_verdict(found, job.rules)]
        if found.state == "wait":
            return _as_judged(record, verdicts, WAITS)
        if decide(verdicts) == "passed":  # the policy may be another than when it was judged
            verdicts = _by_now(verdicts, state, known, policy_of(state.settings, *names))
        return _as_judged(record, verdicts, decide(verdicts))

    def _decided(self, known: ProposalState, result: Judged) -> bool:
        """Write the verdict; False where another's stands, which the log took before."""
        try:
            self.hub.record_verdicts(known.id, result.reasons, result.verdict)
        except UpgradeNeededError:
            raise
        except BadInputError:
            return False  # or the log does not take it: that is no reason to stop a cycle
        return True


def _about(change: Proposal | ProposalState) -> set[str]:
    """The skills that nothing else changes as long as it waits."""
    return {change.skill, *(gone.skill for gone in change.retires)}


def _as_judged(record: Proposal, verdicts: list[Verdict], verdict: str) -> Judged:
    return Judged(proposal=record, verdict=verdict, reasons=verdicts, known=verdict == WAITS)


def _bare(known: ProposalState) -> Proposal:
    """What the log alone tells of a proposal."""
    return Proposal(id=known.id, action=known.action, skill=known.skill, base=known.base, engine="", why="")


def _by_now(verdicts: list[Verdict], state: HubState, known: ProposalState, policy: str) -> list[Verdict]:
    """The verdicts of what passed; where the log releases it by people alone by now, people are asked."""
    if not waits_for_people(state, msgspec.structs.replace(known, status="passed"), policy):
        return verdicts
    reason = f"By now the policy is {policy!r}, under which somebody has to approve it."
    rest = [one for one in verdicts if (one.check, one.verdict) != ("approval", "pass")]
    return [*rest, Verdict(check="approval", verdict="hold", reason=reason)]


def _no(reason: str, check: str = "votes") -> Verdict:
    return Verdict(check=check, verdict="reject", reason=reason)


def _sources(proposal: Proposal) -> set[str]:
    """The users whose sessions it was made from, or its author was shown."""
    items = proposal.sidecar.items if proposal.sidecar is not None else []
    refs = [ref for item in items for ref in item.evidence]
    refs += [ref for pattern in proposal.patterns for ref in pattern.evidence]
    return {ref.user for ref in (*refs, *proposal.shown)}
