"""Skills that have to go: never read though offered for long, harmful by the figures, or corrected.

A retirement archives; nothing is deleted, and `skills rollback` brings the skill back. What experience has
turned against line by line is the engine's matter. Agents choose what they read, so that a harm is an
observation, and is told as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from skillclaw.evolve.care.blaming import blamed, may_be_blamed
from skillclaw.evolve.care.situation import Situation
from skillclaw.evolve.cutting import skill_uses
from skillclaw.evolve.effects import SkillEffect, effects, skill_tables
from skillclaw.evolve.turns import turn_by_turn
from skillclaw.hub.records import HubState, ProposalState
from skillclaw.skills.records import Proposal, Ref, content_id
from skillclaw.skills.tokens import estimate
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.moments import moment_of

__all__ = ["BY_CARE", "NAME", "held_back", "retirements"]

NAME = "care"
"""Engine of what care proposes."""

BY_CARE = "care-"
"""How the id of a retirement by care begins, by which the log tells it from others."""

UNUSED_DAYS, UNUSED_SESSIONS = 30, 20
"""A skill is unused when it was there so long, was offered in so many sessions since, and read in none."""

QUIET_DAYS = 90
"""Days after a retirement in which no engine makes the skill anew."""

REFS = 60
"""Sessions that a retirement names, at most."""


def retirements(given: Situation) -> list[Proposal]:
    """One proposal for each skill that has to go, in order of name."""
    left = given.busy | _brought_back(given)
    harmful = {one.skill: one for one in given.effects if _harmful(one, given)}
    unused = [name for name in sorted(given.current) if name not in harmful and _may_be_unused(name, given)]
    wrong = {name for name in given.current if name not in left and may_be_blamed(name, given)}
    wanted = {name for name in (*harmful, *unused) if name not in left}
    if not wanted and not wrong:
        return []
    told: dict[str, list[Episode]] = {name: [] for name in wrong}
    seen: dict[str, list[Episode]] = {name: [] for name in wanted}
    read: set[str] = set()
    # All sessions are looked through, which is rare: only where the counts say that a skill may have to go.
    for episodes in given.memory.episodes():
        for name, was_read in skill_uses(episodes).items():
            if name in wrong and was_read:
                told[name] += episodes
            if name not in wanted or not _since(name, episodes[0].day, given):
                continue
            if was_read:
                read.add(name)
            if was_read == (name in harmful):
                seen[name].append(_last(episodes, name, given.current[name].version if was_read else None))
    found = []
    for name in sorted(wrong):
        against = blamed(name, told[name], given)
        if against:
            found.append(_retire_corrected(name, against, given))
    for name in sorted(wanted - {proposal.skill for proposal in found}):
        if name in harmful:
            proposal = _retire_harmful(name, harmful[name], seen[name], given)
        else:
            proposal = None if name in read else _retire_unused(name, seen[name], given)
        if proposal is not None:
            found.append(proposal)
    return found


def _brought_back(given: Situation) -> set[str]:
    """Skills that are there in a version that care has retired: people brought it back, and it is theirs to
    retire it now."""
    gone = {(one.skill, one.base) for one in given.state.proposals.values() if _by_care(one)}
    return {name for name, skill in given.current.items() if (name, skill.version) in gone}


def _by_care(one: ProposalState) -> bool:
    return one.action == "retire" and one.status == "released" and one.id.startswith(BY_CARE)


def _harmful(one: SkillEffect, given: Situation) -> bool:
    skill = given.current.get(one.skill)
    policy = given.context.policy
    return (
        skill is not None
        and one.version == skill.version
        and one.ci is not None
        and one.ci[1] < 1
        and one.with_n >= policy.sessions
        and one.users >= policy.users
    )


def _may_be_unused(name: str, given: Situation) -> bool:
    uses = given.memory.skill_uses().get(name)
    since = _released(name, given.state)
    return (
        uses is not None
        and uses.offered >= UNUSED_SESSIONS
        and since is not None
        and given.context.now - since >= timedelta(days=UNUSED_DAYS)
    )


def _released(name: str, state: HubState) -> datetime | None:
    """When the skill was released first; None too where the log says no time that a calendar has."""
    skill = state.skills.get(name)
    return moment_of(skill.releases[0].time) if skill is not None and skill.releases else None


def _since(name: str, day: str, given: Situation) -> bool:
    released = _released(name, given.state)
    return released is not None and day >= released.date().isoformat()


def _last(episodes: Sequence[Episode], name: str, version: str | None) -> Episode:
    """The last request of a session that had the skill before it, in that version where one is asked for."""
    asked = [e for e in episodes if e.kind == "procedure"]
    if version is None:
        return (asked or episodes)[-1]
    own = [e for e in asked if f"{name}@{version}" in e.skills]
    return (own or asked or episodes)[-1]


def _refs(episodes: Sequence[Episode]) -> list[Ref]:
    newest = sorted(episodes, key=lambda e: (e.day, e.session, e.user), reverse=True)
    ordered = turn_by_turn(newest, lambda e: e.user)[:REFS]
    return sorted(
        (Ref(session=e.session, user=e.user, agent=e.agent, day=e.day, success=e.success) for e in ordered),
        key=lambda ref: (ref.session, ref.user),
    )


def _retire_unused(name: str, offered: Sequence[Episode], given: Situation) -> Proposal | None:
    if len(offered) < UNUSED_SESSIONS:
        return None
    since = _released(name, given.state)
    day = since.date().isoformat() if since is not None else ""
    users = len({e.user for e in offered})
    cost = estimate(f"{name}: {given.entries[name].description}")
    why = (
        f"{name} was offered in {len(offered)} sessions of {users} user{'' if users == 1 else 's'} since "
        f"{day} and read in none; its description costs about {cost} tokens in each of them."
    )
    return _proposal(name, "unused", why, offered, given)


def _retire_harmful(
    name: str, effect: SkillEffect, read: Sequence[Episode], given: Situation
) -> Proposal | None:
    mark = f"{name}@{effect.version}"
    failed = [e for e in read if e.success is False and mark in e.skills]
    if len({e.session for e in failed}) < given.context.policy.sessions or effect.ci is None:
        return None
    if given.context.policy.users > 1 and not _by_others_too(read, mark, effect, given):
        return None
    why = (
        f"Sessions that read {name} succeed less: {effect.with_success} of {effect.with_n}, against "
        f"{effect.without_success} of {effect.without_n} with the same tasks and without it (odds ratio "
        f"{effect.odds_ratio or 0:.2f} [{effect.ci[0]:.2f}, {effect.ci[1]:.2f}]). Agents choose what they "
        "read, so that other causes are possible."
    )
    return _proposal(name, "harmful", why, failed, given)


def _retire_corrected(name: str, against: Sequence[Episode], given: Situation) -> Proposal:
    users = len({e.user for e in against})
    why = (
        f"In {len({e.session for e in against})} sessions of {users} user{'' if users == 1 else 's'} agents "
        f"read {name} and were told otherwise than it says, or did otherwise by a rule that people state, "
        "which went well; with fewer people it went well as it says."
    )
    return _proposal(name, "corrected", why, against, given)


def _by_others_too(read: Sequence[Episode], mark: str, effect: SkillEffect, given: Situation) -> bool:
    """Whether it holds whoever is left out, of those who read the skill and of those who did not: where
    several people share skills, none takes one from the others with sessions of their own, however many those
    are."""
    known = [e for e in read if mark in e.skills and e.success is not None]
    readers = {e.user for e in known}
    least = given.context.policy.sessions
    if any(sum(e.success is False for e in known if e.user != user) < least for user in readers):
        return False
    compared, places = _compared(known, given)
    for user in {e.user for e in compared}:
        others = [e for e in compared if e.user != user]
        tables = skill_tables(others, lambda e: places[e.intent])
        found = next((one for one in effects([tables]) if (one.skill, one.version) == _of(effect)), None)
        if found is None or found.odds_ratio is None or found.odds_ratio >= 1:
            return False
    return bool(known)


def _of(effect: SkillEffect) -> tuple[str, str | None]:
    return effect.skill, effect.version


def _compared(read: Sequence[Episode], given: Situation) -> tuple[list[Episode], dict[str, str]]:
    """The requests that are compared, those of the task clusters in which it was read, and their clusters."""
    own = {place.cluster for place in given.memory.places({e.intent for e in read}).values()}
    places: dict[str, str] = {}
    asked: set[str] = set()
    found = []
    for episodes in given.memory.episodes():
        for e in episodes:
            if e.kind != "procedure" or e.success is None:
                continue
            if e.intent not in asked:
                asked.add(e.intent)
                place = given.memory.places([e.intent]).get(e.intent)
                if place is not None and place.cluster in own:
                    places[e.intent] = place.cluster
            if e.intent in places:
                found.append(e)
    return found, places


def _proposal(name: str, kind: str, why: str, against: Sequence[Episode], given: Situation) -> Proposal:
    skill = given.current[name]
    scope, project = given.scope(name)
    step = len({e.session for e in against}).bit_length()
    return Proposal(
        id=f"{BY_CARE}{content_id('proposal', skill.version, kind, step, len({e.user for e in against}))}",
        action="retire",
        skill=name,
        base=skill.version,
        engine=NAME,
        why=why,
        scope="project" if scope == "project" else "global",
        project=project,
        against=_refs(against),
    )


def held_back(proposals: Sequence[Proposal], given: Situation) -> Iterator[tuple[str, str]]:
    """Names of new skills that care has retired before, with the day: they are not made again from what was
    there, but when enough time has passed, and sessions since then support them alone."""
    gone = _gone(given.state)
    policy = given.context.policy
    for proposal in proposals:
        before = gone.get(proposal.skill)
        if proposal.base is not None or before is None:
            continue
        day = before.time[:10]
        later = [
            r for i in (proposal.sidecar.items if proposal.sidecar else []) for r in i.evidence if r.day > day
        ]
        enough = (
            len({r.session for r in later}) >= policy.sessions
            and len({r.user for r in later}) >= policy.users
        )
        then = moment_of(before.time)  # none where no calendar has it: nothing says then that it is long ago
        old = then is not None and given.context.now - then >= timedelta(days=QUIET_DAYS)
        if not (enough and old):
            yield proposal.skill, day


def _gone(state: HubState) -> dict[str, ProposalState]:
    found = {}
    for proposal in sorted(state.proposals.values(), key=lambda p: p.seq):
        skill = state.skills.get(proposal.skill)
        if _by_care(proposal) and skill is not None and skill.current is None:
            found[proposal.skill] = proposal
    return found
