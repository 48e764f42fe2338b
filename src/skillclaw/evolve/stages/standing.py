"""Second stage: what earlier cycles left is brought to its end (releases that were cut off, votes, canaries),
before anything new is proposed."""

from __future__ import annotations

from dataclasses import dataclass

from skillclaw.errors import SkillClawError, in_one_line
from skillclaw.evolve.current import current_skills
from skillclaw.evolve.evolvers import Current
from skillclaw.evolve.mine import Mined
from skillclaw.evolve.report import Judged
from skillclaw.evolve.rollouts import Rollout, left_alone, roll_out
from skillclaw.evolve.settle import finish
from skillclaw.evolve.stages.run import Run
from skillclaw.evolve.taking import Aside
from skillclaw.hub import HubState
from skillclaw.skills.records import Proposal

__all__ = ["Standing", "stand"]


@dataclass(frozen=True)
class Standing:
    """How the hub stands then.

    given     the skills that it makes available; `current` as engines should see them, canaries left alone
    finished  proposals that were released now, `judged` those that votes decided
    waiting   skills of which a change waits for votes
    aside     proposals that passed, and whose text could not be read; skills of which the files or the
              evidence could not
    """

    state: HubState
    given: dict[str, Current]
    current: dict[str, Current]
    finished: list[Proposal]
    judged: list[Judged]
    waiting: set[str]
    rolled: list[Rollout]
    aside: list[Aside]


def stand(run: Run, mined: Mined, state: HubState) -> Standing:
    """Finish, count votes, decide on canaries; `state` is the log's as the cycle began."""
    hub = run.hub
    finished: list[Proposal] = []
    judged: list[Judged] = []
    waiting: set[str] = set()
    aside: list[Aside] = []
    broken: dict[str, SkillClawError] = {}
    if not run.dry_run:
        counting = run.memory.known().keys() - run.forgotten
        finished, aside = finish(hub, stage=run.asked.stage, counts=counting.__contains__, fence=run.fence)
        if run.votes is not None:
            judged, voted, open_ = run.votes.collect(
                stage=run.asked.stage, counts=counting.__contains__, fence=run.fence
            )
            finished += voted
            aside += [
                Aside(
                    what=f"the voting job about {name}",
                    reason="It cannot be read, or is newer (upgrade). To end it: skillclaw proposals reject",
                )
                for name in run.votes.later
            ]
            aside += [Aside(what=f"the release of {name}", reason=why) for name, why in run.votes.blocked]
            waiting = {skill for about in open_.values() for skill in about}
        state = hub.state()
    given = current_skills(hub, state, broken.__setitem__)
    rolled = roll_out(
        hub,
        state,
        run.memory,
        current=given,
        foreign=run.foreign,
        patterns=mined.patterns,
        policy=run.asked.of,
        sessions=run.session,
        now=run.now,
        dry_run=run.dry_run,
        fence=run.fence,
        members=run.members,
    )
    if not run.dry_run and any(one.action != "wait" for one in rolled):
        state = hub.state()
        broken.clear()
        given = current_skills(hub, state, broken.__setitem__)
    aside += [
        Aside(what=f"skill {name}", reason=in_one_line(error)) for name, error in sorted(broken.items())
    ]
    return Standing(state, given, left_alone(given, state), finished, judged, waiting, rolled, aside)
