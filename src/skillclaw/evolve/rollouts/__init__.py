"""The rollout's part of a cycle: what sessions say of each canary, what is decided, and the commit of it.

Whoever else is at it: a fence before each commit, a commit that holds only while the very version is still
the current canary, and what somebody did meanwhile stands. What is decided depends on the sessions alone, so
that a cycle that was cut off, or runs twice, ends in the same state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import LASTING, BadInputError
from skillclaw.evolve.evolvers import Current
from skillclaw.evolve.rollouts.collecting import Canary, observations
from skillclaw.evolve.rollouts.events import EventShape
from skillclaw.evolve.rollouts.report import Hinging, Rollout
from skillclaw.evolve.rollouts.settled import keep_events, mark_of, settled_events
from skillclaw.gate.rollout import Decision, Observation, Rules, decide, rules_for
from skillclaw.gate.standing import person_of
from skillclaw.gate.triggers import entries_of
from skillclaw.hub.records import Key, Release, SkillState
from skillclaw.hub.taken import taken
from skillclaw.skills.records import Bundle, Pattern
from skillclaw.skills.retrieval import Index
from skillclaw.trajectory.moments import FIRST, moment_of

if TYPE_CHECKING:
    from skillclaw.evolve.state import EvolveState
    from skillclaw.gate.context import ForeignSkill, SessionSource
    from skillclaw.gate.policies import Policy
    from skillclaw.gate.standing import MemberFacts
    from skillclaw.hub import Hub, HubState

__all__ = ["Rollout", "keep_events", "left_alone", "roll_out"]

BY_OUTCOME = "The failures that it is about are not known here, so success alone was looked at."
UNCONTROLLED = "It was released before canaries had a control, so what it does was not measured."


def roll_out(
    hub: Hub,
    state: HubState,
    memory: EvolveState,
    *,
    current: Mapping[str, Current],
    foreign: Sequence[ForeignSkill],
    patterns: Iterable[Pattern],
    policy: Callable[[str], Policy],
    sessions: SessionSource,
    now: datetime,
    dry_run: bool,
    fence: Callable[[], None],
    members: Mapping[str, MemberFacts] = MappingProxyType({}),
) -> list[Rollout]:
    """What becomes of each canary that is current, by what `memory` holds of sessions since its release.

    `current` is what `state` makes available, `policy` says which one holds for a skill. `patterns` tell the
    events of a version that the memory knows none of. `members` are those of a group: new ones who came in
    together are one person here too, else who holds an invite for several is as many people as it makes
    keys. With `dry_run` nothing is written. Raises what `fence` and the hub do.
    """
    there = {
        name: release
        for name, skill in sorted(state.skills.items())
        if skill.stage == "canary" and name in current and (release := skill.release(current[name].version))
    }
    if not there:
        return []
    compared = {
        name: _compared(hub, state.skills[name], release, current[name]) for name, release in there.items()
    }
    events = settled_events(hub, state, memory, there, current, patterns, now=now, keep=not dry_run)
    for name, release in there.items():
        if mark_of(release) not in events:
            compared[name] = "What it is measured by cannot be read, so nothing is decided on it."
    canaries = [
        _canary(state.skills[name], release, bundles, events[mark_of(release)] or [])
        for name, release in there.items()
        if release.share is not None and not isinstance(bundles := compared[name], str)
    ]
    index = Index(entries_of(current, foreign).values())
    seen = observations(memory, canaries, index, sessions)
    began = {one.skill: one.began for one in canaries}
    found = []
    for name, release in there.items():
        rules = rules_for(policy(name), share=release.share if release.share is not None else 0.0)
        if isinstance(why := compared[name], str):
            decision = Decision(action="wait", why=why)
        elif release.share is None:
            decision = _uncontrolled(release, rules, now)
        else:
            decision = decide(_by_person(seen[name], members), released=began[name], now=now, rules=rules)
            if events[mark_of(release)] is None:
                decision = msgspec.structs.replace(decision, why=f"{decision.why} {BY_OUTCOME}")
        kept = state.settings.get("retention_days")
        if isinstance(kept, int) and kept < rules.timeout and now - _began(release) > timedelta(days=kept):
            over = now - _began(release) >= timedelta(days=rules.timeout)
            decision = _cut_short(decision, kept, over=over)
        if decision.action == "rollback" and state.skills[name].pinned:
            why = f"It is pinned, so it stays; else it would be rolled back. {decision.why}"
            decision = msgspec.structs.replace(decision, action="wait", why=why)
        if decision.action != "wait" and not dry_run:
            decision = _commit(hub, release, decision, fence)
        found.append(
            Rollout(
                skill=name,
                version=release.version,
                action=decision.action,
                why=decision.why,
                effect=decision.effect,
                people=_hinging(decision, seen.get(name, []), state, members),
            )
        )
    return found


def _hinging(
    decision: Decision, seen: Sequence[Observation], state: HubState, members: Mapping[str, MemberFacts]
) -> list[Hinging]:
    """The people on whom it hangs as an owner knows them: each of new members who count as one."""
    counted = Counter(one.user for one in seen if person_of(one.user, members) in decision.people)
    return [
        Hinging(name=key.name, key=key.public[:16], sessions=n, of=len(seen))
        if (key := _key(user, state)) is not None
        else Hinging(name="", key=user[:16], sessions=n, of=len(seen))
        for user, n in sorted(counted.items())
    ]


def _key(member: str, state: HubState) -> Key | None:
    """The key that a member has by now."""
    own = [key for key in state.keys.values() if key.member == member]
    return max(own, key=lambda key: (key.active, key.seq, key.public), default=None)


def left_alone(current: Mapping[str, Current], state: HubState) -> dict[str, Current]:
    """The skills as engines should see them: a canary that is being measured is left alone like a pinned
    skill, for each change of it would begin its measuring anew. One that is there on all days has no control,
    so that nothing of it is measured: what is learned meanwhile need not wait."""

    def measured(name: str) -> bool:
        skill = state.skills.get(name)
        release = skill.release(skill.current) if skill is not None and skill.current else None
        if release is None or release.stage != "canary" or release.share is None:
            return False
        return release.share < 1

    return {
        name: msgspec.structs.replace(skill, pinned=True, measured=not skill.pinned)
        if measured(name)
        else skill
        for name, skill in current.items()
    }


def _canary(
    skill: SkillState, release: Release, bundles: tuple[Bundle, ...], shapes: Sequence[EventShape]
) -> Canary:
    return Canary(
        skill=skill.name,
        version=release.version,
        share=release.share if release.share is not None else 0.0,
        began=_began(release),
        versions=frozenset(one.version for one in skill.releases),
        bundles=bundles,
        shapes=tuple(shapes),
        project=release.project if release.scope == "project" else None,
    )


def _compared(hub: Hub, skill: SkillState, release: Release, current: Current) -> tuple[Bundle, ...] | str:
    """The texts of both arms; else why the canary cannot be measured: which requests bring it up is in its
    files, and whoever has another text than these is in no arm."""
    if not current.readable:
        return "Its files cannot be read, so nothing is decided on it."
    try:
        return current.bundle, *(hub.get_bundle(one) for one in _below(skill, release))
    except LASTING:
        return (
            "The files of the version that it is compared with cannot be read, so nothing is decided on it."
        )


def _below(skill: SkillState, release: Release) -> list[Release]:
    """What the control has: the last release that is no canary, behind canaries that people released another
    on top of, whose text a machine may still have."""
    found: list[Release] = []
    at = release.base
    while at is not None and (one := skill.release(at)) is not None and one not in found and one != release:
        found.append(one)
        at = one.base if one.stage == "canary" else None
    return found


def _began(release: Release) -> datetime:
    """When it became current the last time: what was measured before another version took its place for a
    while is not of the same days as its control."""
    times = [release.time, *(event.time for event in release.story if event.what == "return")]
    known = [found for text in times if (found := moment_of(text)) is not None]
    return max(known, default=FIRST)  # of a signer with a broken clock: long ago, so that its time is over


def _by_person(seen: Sequence[Observation], members: Mapping[str, MemberFacts]) -> list[Observation]:
    return [msgspec.structs.replace(one, user=person_of(one.user, members)) for one in seen]


def _cut_short(decision: Decision, kept: int, *, over: bool) -> Decision:
    """What is decided where the first days of a canary are gone: each day another stretch of it is seen, and
    who looks at many finds one that looks good. So it is not promoted by that."""
    why = f"The group keeps sessions for {kept} days (retention_days), so its first days are not measured."
    decision = msgspec.structs.replace(decision, why=f"{why} {decision.why}")
    if decision.action == "promote":
        return msgspec.structs.replace(decision, action="unproven" if over else "wait")
    return decision


def _uncontrolled(release: Release, rules: Rules, now: datetime) -> Decision:
    days = (now - _began(release)) / timedelta(days=1)
    return Decision(action="unproven" if days >= rules.timeout else "wait", why=UNCONTROLLED)


def _commit(hub: Hub, release: Release, decision: Decision, fence: Callable[[], None]) -> Decision:
    """Write what was decided; what is true where somebody else was at the skill meanwhile."""
    fence()
    skill = hub.state().skills[release.skill]
    back = decision.action == "rollback"
    if _decided(skill, release, back):
        return _overtaken(skill, release, decision)
    # As the evolver, also where this machine has the owner's key: so the fold keeps what people pinned.
    role = hub.acts_as("evolver", "owner", "reviewer") or "evolver"
    why, effect = decision.why[:500], decision.effect
    try:
        if back:
            behind = [one for one in skill.below(release) if one.version != release.version]
            state = hub.last_state()
            left = [one.version for one in behind if one.stage != "revoked" and not taken(state, one)]
            to = left[0] if left else None
            hub.rollback(release.skill, to, base=release.version, why=why, effect=effect, role=role)
        else:
            stage = "stable" if decision.action == "promote" else "unproven"
            version = release.version
            hub.promote(release.skill, stage, version=version, why=why, effect=effect, role=role)
    except BadInputError:
        skill = hub.state().skills[release.skill]
        if not _decided(skill, release, back):
            raise
        return _overtaken(skill, release, decision)
    return decision


def _decided(skill: SkillState, release: Release, back: bool) -> bool:
    """Whether somebody decided on the canary before us."""
    there = skill.current == release.version and skill.stage == "canary"
    return not there or (back and skill.pinned)


def _overtaken(skill: SkillState, release: Release, decision: Decision) -> Decision:
    if skill.current == release.version and skill.stage == "canary":
        why = f"It was pinned meanwhile, so it stays. {decision.why}"
    else:
        why = "Somebody decided on it meanwhile; that stands."
    return Decision(action="wait", why=why, effect=decision.effect)
