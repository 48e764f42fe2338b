"""Skills whose own advice people correct: agents read them, do what they say, and are told otherwise.

Only for skills of which no line was learned: what was learned has its patterns, and the engine sees when
these turn. A skill that a person or a host wrote has no such evidence, and may be wrong from its first day.
"""

from __future__ import annotations

from collections.abc import Sequence

from skillclaw.evolve.care.situation import Situation
from skillclaw.evolve.cutting import skill_name
from skillclaw.evolve.options import options
from skillclaw.gate.policies import Policy
from skillclaw.skills.items import markdown
from skillclaw.trajectory.episodes import Episode

__all__ = ["blamed", "may_be_blamed"]


def may_be_blamed(name: str, given: Situation) -> bool:
    """Whether it is worth while to look through the sessions for corrections of what the skill says."""
    uses = given.memory.skill_uses().get(name)
    items = given.current[name].sidecar.items
    return (
        uses is not None
        and uses.read >= given.context.policy.sessions
        and not any(item.patterns for item in items)
        and bool(_advice(name, given))
    )


def blamed(name: str, episodes: Sequence[Episode], given: Situation) -> list[Episode]:
    """The corrections of what the skill says among the episodes of sessions that read it; empty where they
    are too few for the policy, of too few people, or no more than the sessions in which its advice went well.
    """
    advice = _advice(name, given)
    against = [e for e in episodes if e.kind == "correction" and _corrected(e, name, advice)]
    bad = {(e.user, e.session) for e in against}
    good = {
        (e.user, e.session)
        for e in episodes
        if e.kind == "procedure" and e.success and _read(e, name) and _followed(e, advice)
    } - bad
    return against if _enough(bad, good, given.context.policy) else []


def _enough(bad: set[tuple[str, str]], good: set[tuple[str, str]], policy: Policy) -> bool:
    users = {user for user, _ in bad}
    if len(bad) < policy.sessions or len(users) < policy.users:
        return False
    # Nobody takes a skill from the others with sessions of their own: it holds whoever is left out.
    left = users if policy.users > 1 else {""}
    return all(sum(user != out for user, _ in bad) > sum(user != out for user, _ in good) for out in left)


def _advice(name: str, given: Situation) -> set[str]:
    """The options, with their values, of the calls that the skill shows."""
    text = "\n".join(markdown(given.current[name].bundle).values()).replace("`", " ")
    return {one for one in options(text) if " " in one}


def _corrected(episode: Episode, name: str, advice: set[str]) -> bool:
    if episode.failed is None or not _read(episode, name):
        return False
    after = {one for move in episode.actions for one in options(move.command)}
    return bool((options(episode.failed.command) - after) & advice)


def _followed(episode: Episode, advice: set[str]) -> bool:
    return any(options(move.command) & advice for move in episode.actions)


def _read(episode: Episode, name: str) -> bool:
    return name in {skill_name(mark) for mark in episode.skills}
