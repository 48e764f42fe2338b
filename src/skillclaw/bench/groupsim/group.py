"""One simulated group on a hub of its own: every decision is the real code's.

The world says what happens, the log of a real hub holds what is decided: proposals are judged by the gate,
written and released as the evolver does; `library.choose` says what each client has; sessions go into the
evolver's memory; `roll_out` and care decide each evening. Only two clocks are not real: the hub's, and `now`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from skillclaw import gate
from skillclaw.bench.groupsim import attempts, texts
from skillclaw.bench.groupsim.lived import Lived, clusters
from skillclaw.bench.groupsim.records import Attempt, End, Fate, Told
from skillclaw.bench.groupsim.texts import TASKS, Call
from skillclaw.bench.groupsim.world import Arm, Happened, World
from skillclaw.evolve import rollouts
from skillclaw.evolve.care.retiring import retirements
from skillclaw.evolve.care.situation import Situation
from skillclaw.evolve.current import current_skills
from skillclaw.evolve.effects import effects, skill_tables
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.report import Judged
from skillclaw.evolve.settle import proposal_version, release, settle
from skillclaw.evolve.state import EvolveState, Place
from skillclaw.gate.standing import MemberFacts
from skillclaw.hub import Hub, HubState, arms, keys, statements
from skillclaw.hub.records import Release, Stage
from skillclaw.journal.redact import Redactor
from skillclaw.library.choose import HubView, choose
from skillclaw.skills.records import Pattern, Proposal, Ref
from skillclaw.trajectory.episodes import Episode

__all__ = ["Newcomers", "play"]

Newcomers = Callable[[HubState, Mapping[str, str], datetime], dict[str, MemberFacts]]
"""`server.groups.newcomers.facts_of`, not to be imported here: what is known of members by when they came."""

START = datetime(2026, 3, 2, tzinfo=UTC)
EVENING = timedelta(hours=23, minutes=50)
CARE = 7
"""Days between two looks of care at skills that are no canaries any more."""

POLICY = "team"


def play(seed: int, arm: Arm, days: int, folder: Path, newcomers: Newcomers) -> Told:
    """The group made of `seed`, watched for so many days, with its hub in `folder` (empty or absent)."""
    with closing(_Group(World(seed, arm, days), folder, newcomers)) as group:
        for day in range(days):
            group.morning(day)
            group.work(day)
            group.evening(day)
        return group.told()


class _Group:
    """The real parts, and what was seen of them."""

    def __init__(self, world: World, folder: Path, newcomers: Newcomers) -> None:
        self.world, self.newcomers = world, newcomers
        self.now = START - timedelta(days=10)
        self.hub = Hub.open_or_create(str(folder / "hub"), folder / "keys", folder / "seen.json")
        self.hub.clock = lambda: self.now
        self.hub.commit("settings", {"policy": POLICY}, role="owner")
        self.keys = [keys.SigningKey(member.seed) for member in world.members]
        self.clients = [keys.public_hex(key) for key in self.keys]
        self.memory = EvolveState(None)
        self.redactor = Redactor(b"simulated" * 4, home=Path("/home/simulated"), user_names=())
        self.lived = Lived(self.memory)
        self.joined: dict[str, str] = {}
        self.patterns: list[Pattern] = []
        self.fates: dict[int, Fate] = {}
        self.tried: dict[str, str] = {}
        self.strangers = self._strangers()
        self._sessions = 0
        self._seen, self._honest = [0] * len(TASKS), [0] * len(TASKS)
        for n, member in enumerate(world.members):
            if member.joins == 0:
                self._join(n)

    def close(self) -> None:
        """Let go of the memory."""
        self.memory.close()

    # The days

    def morning(self, day: int) -> None:
        """Who comes and who goes."""
        self.now = START + timedelta(days=day)
        for n, member in enumerate(self.world.members):
            if member.joins == day and day:
                self._join(n)
            if member.leaves == day:
                body = statements.leave(self.hub.info.group, self.keys[n])
                self.hub.commit("leave", dict(body), role="owner")

    def work(self, day: int) -> None:
        """The sessions about each skill that is there, with what the library gives each client today."""
        state = self.hub.state()
        today = arms.block(self.now)
        found: list[bytes] = []
        for task, skill in enumerate(TASKS):
            known = state.skills.get(skill.skill)
            current = known.release(known.current) if known is not None and known.current else None
            if known is None or current is None:
                continue
            if current.stage != "canary" and self.fates[task].kind == "neutral":
                continue  # nothing more can become of it that matters
            has, drawn = {}, {}
            for n in self.world.there(day):
                view = HubView(
                    name="team",
                    state=state,
                    fetch=self.hub.get_bundle,
                    client=self.clients[n],
                    day=today,
                    canaries=self.world.members[n].canaries,
                )
                chosen = choose(known, view, has_copy=False).release
                has[n] = chosen is not None and chosen.version == current.version
                share = current.share if current.share is not None else 1.0
                drawn[n] = arms.treated(self.clients[n], skill.skill, current.version, today, share)
            lived = self.world.sessions(day, task, has, drawn)
            found += [self._packed(day, one, current, has[one.member]) for one in lived]
            if current.stage == "canary":
                counted = [m for one in lived if (m := self.world.members[one.member]).canaries]
                self._seen[task] += len(counted)
                self._honest[task] += sum(not member.liar for member in counted)
        self._sessions += len(found)
        with self.memory.writing():
            for packed in found:
                self.memory.take(packed)

    def evening(self, day: int) -> None:
        """A cycle: what became of canaries, of skills that are there for good, and what is new."""
        self.now = START + timedelta(days=day) + EVENING
        state = self.hub.state()
        self._place()
        for one in rollouts.roll_out(
            self.hub,
            state,
            self.memory,
            current=current_skills(self.hub, state),
            foreign=(),
            patterns=self.patterns,
            policy=lambda skill: gate.policy(POLICY),
            sessions=self.lived.session,
            now=self.now,
            dry_run=False,
            fence=lambda: None,
        ):
            if one.action != "wait":
                self._ended(one.skill, one.action, day)
        state = self.hub.state()
        if day % CARE == CARE - 1 and any(s.current and s.stage != "canary" for s in state.skills.values()):
            self._care(state, day)
        due = [one for one in self.world.skills if one.day == day]
        for planned in due:
            made = texts.proposal(
                TASKS[planned.task], self._evidence(planned.task, day), events=planned.events
            )
            self.patterns += made.patterns
            self._judge(made)
            known = self.hub.state().skills.get(made.skill)
            end: End = "refused" if known is None else "stable" if known.stage == "stable" else "canary"
            self.fates[planned.task] = Fate(
                kind=planned.kind,
                events=planned.events,
                effect=planned.effect,
                end=end,
                released=None if end == "refused" else day,
                flipped=planned.flips,
            )
        # One attempt every few days, in the order of the list.
        every = max(1, self.world.days // len(attempts.ATTEMPTS))
        if day % every == 0 and day // every < len(attempts.ATTEMPTS):
            what = list(attempts.ATTEMPTS)[day // every]
            backing = attempts.Backing((self.clients[0], self.clients[1]), self.strangers)
            self.tried[what] = self._judge(attempts.make(what, backing, self._put))

    def told(self) -> Told:
        """What became of it all."""
        state = self.hub.state()
        liars = sum(member.liar for member in self.world.members)
        return Told(
            seed=self.world.seed,
            arm=self.world.arm,
            members=len(self.world.members),
            liars=liars,
            sessions=self._sessions,
            log=state.seq,
            problems=self.hub.verify(),
            fates=[self.fates[task] for task in sorted(self.fates)],
            attempts=[Attempt(what=what, status=status) for what, status in self.tried.items()],
        )

    # People

    def _join(self, n: int) -> None:
        body = {"public": self.clients[n], "role": "member", "name": f"member {n}"}
        self.joined[self.clients[n]] = self.hub.commit("key-add", body, role="owner").time

    def _strangers(self) -> tuple[str, str]:
        """Two keys of one person who got hold of an invite that several may use."""
        invite, *own = (keys.SigningKey(bytes([fill]) * 32) for fill in (1, 2, 3))
        body = {
            "public": keys.public_hex(invite),
            "role": "member",
            "expires": "2027-01-01T00:00:00Z",
            "uses": 5,
        }
        self.hub.commit("invite", body, role="owner")
        self.now = START + timedelta(days=self.world.days // len(attempts.ATTEMPTS) - 1)
        for key in own:
            said = statements.join(self.hub.info.group, invite, key, "newcomer")
            self.joined[keys.public_hex(key)] = self.hub.commit("join", dict(said), role="owner").time
        self.now = START - timedelta(days=10)
        return keys.public_hex(own[0]), keys.public_hex(own[1])

    def _evidence(self, task: int, day: int) -> list[Ref]:
        """Sessions of a few members in which the failure occurred and was made good."""
        there = self.world.there(day)
        users = [there[(task + at) % len(there)] for at in range(min(len(there), 2 + task % 3))]
        about = TASKS[task]
        return [
            self._put(self.clients[n], about.asks[back % 3], about.failure, back)
            for n in users
            for back in (1, 2, 3)
        ]

    def _packed(self, day: int, one: Happened, current: Release, has: bool) -> bytes:
        at = START + timedelta(days=day, minutes=1 + (37 * one.number) % 1400)
        key = f"{day:04x}{one.task:02x}{one.member:02x}{one.number:08x}"
        member = self.world.members[one.member]
        return self.lived.packed(key, at, self.clients[one.member], one, current, has, member.canaries)

    def _put(self, user: str, ask: str, calls: Sequence[Call], back: int) -> Ref:
        return self.lived.put(self.now, user, ask, calls, back)

    # Decisions

    def _context(self, state: HubState) -> gate.GateContext:
        return gate.GateContext(
            policy=gate.policy(POLICY),
            redactor=self.redactor,
            sessions=self.lived.session,
            current=current_skills(self.hub, state),
            members=self.newcomers(state, self.joined, self.now),
        )

    def _judge(self, proposal: Proposal) -> str:
        """Have the gate judge it, and the log keep that; gives its status there."""
        context = self._context(self.hub.state())
        pruned, dropped = gate.prune(proposal, context)
        verdicts = gate.judge(pruned, context)
        judged = Judged(proposal=pruned, verdict=gate.decide(verdicts), reasons=verdicts, dropped=dropped)
        passed = settle(self.hub, judged, private=True, fence=lambda: None)
        if passed:
            rollouts.keep_events(self.memory, pruned, proposal_version(pruned))
            at_once: Stage = "stable" if context.policy.release == "at once" else "canary"
            stage: Stage = "archived" if pruned.action == "retire" else at_once
            release(self.hub, pruned, stage, fence=lambda: None)
        known = self.hub.state().proposals.get(pruned.id)
        return known.status if known is not None else "not logged"

    def _ended(self, skill: str, action: str, day: int) -> None:
        task = next(n for n, one in enumerate(TASKS) if one.skill == skill)
        ends: Mapping[str, End] = {"promote": "stable", "unproven": "unproven", "rollback": "rolled back"}
        fate = self.fates[task]
        assert fate.released is not None
        # The log decides, not what was announced.
        stage = self.hub.state().skills[skill]
        assert (stage.current is None) == (action == "rollback")
        self.fates[task] = msgspec.structs.replace(
            fate,
            end=ends[action],
            ended=day,
            effect=self.world.skills[task].effect_on(day),
            sessions=self._seen[task],
            a_day=round(self._honest[task] / max(1, day - fate.released), 1),
        )

    def _place(self) -> None:
        """Each kind of task is a cluster of its own, as the miner's clusters are when they are right."""
        with self.memory.writing():
            self.memory.assign({ask: Place(ask, skill, skill) for ask, skill in clusters().items()})

    def _care(self, state: HubState, day: int) -> None:
        """Retire what harms by the figures, as care does."""
        context = self._context(state)
        places = clusters()

        def cluster(episode: Episode) -> str:
            return places.get(episode.intent, "")

        seen = (episode for session in self.memory.episodes() for episode in session)
        given = Situation(
            current=rollouts.left_alone(current_skills(self.hub, state), state),
            proposals=(),
            patterns=self.patterns,
            effects=effects([skill_tables(seen, cluster)]),
            memory=self.memory,
            state=state,
            context=EvolveContext(policy=context.policy, now=self.now, gate=context),
            gate=context,
        )
        for one in retirements(given):
            if self._judge(one) == "released":
                task = next(n for n, about in enumerate(TASKS) if about.skill == one.skill)
                self.fates[task] = msgspec.structs.replace(self.fates[task], retired=day)
