"""Skills whose own advice people correct: agents read them, and are told otherwise than they say.

Agents that do what such a skill says are told so afterwards. Others do not, or only half of it, and their
users ask for what the skill says otherwise: another value of the very option in a call that it shows.

Only for skills of which no line was learned: what was learned has its patterns, and the engine sees when
these turn. A skill that a person or a host wrote has no such evidence, and may be wrong from its first day.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from skillclaw.evolve.care.situation import Situation
from skillclaw.evolve.cutting import skill_name
from skillclaw.evolve.options import options
from skillclaw.gate.policies import Policy
from skillclaw.skills.items import markdown
from skillclaw.trajectory.demands import parted
from skillclaw.trajectory.episodes import Episode

__all__ = ["blamed", "may_be_blamed", "says_otherwise"]

SILENT = 0.5
"""What a session counts that seems to have gone well and of which nobody said so: who does not know better
says nothing, and a correction is somebody's word."""


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
    advice, calls = _advice(name, given), _calls(name, given)
    against = [
        e
        for e in episodes
        if e.kind == "correction"
        and _read(e, name)
        and (_corrected(e, advice) or any(says_otherwise(call, e.demand) for call in calls))
    ]
    bad = {(e.user, e.session) for e in against}
    good: dict[tuple[str, str], float] = {}
    for e in episodes:
        mark = (e.user, e.session)
        followed = e.kind == "procedure" and e.success and _read(e, name) and _followed(e, advice)
        if followed and mark not in bad:
            good[mark] = max(good.get(mark, 0.0), 1.0 if e.accepted else SILENT)
    return against if _enough(bad, good, given.context.policy) else []


def _enough(bad: set[tuple[str, str]], good: dict[tuple[str, str], float], policy: Policy) -> bool:
    users = {user for user, _ in bad}
    if len(bad) < policy.sessions or len(users) < policy.users:
        return False
    # Nobody takes a skill from the others with sessions of their own: it holds whoever is left out.
    left = users if policy.users > 1 else {""}
    return all(
        sum(user != out for user, _ in bad) > sum(much for (user, _), much in good.items() if user != out)
        for out in left
    )


def _text(name: str, given: Situation) -> str:
    return "\n".join(markdown(given.current[name].bundle).values())


def _advice(name: str, given: Situation) -> set[str]:
    """The options, with their values, of the calls that the skill shows."""
    return {one for one in options(_text(name, given).replace("`", " ")) if " " in one}


def _calls(name: str, given: Situation) -> list[str]:
    """What the skill shows as code, and the lines of its blocks."""
    return re.split(r"`+|\n", _text(name, given))


def says_otherwise(call: str, demand: str) -> bool:
    """Whether a call gives the demanded option of the demanded program another value (`rota --zone utc`)."""
    program, wanted = parted(demand)
    if " " not in wanted:
        return False
    option, value = wanted.split(" ", 1)
    name = re.escape(program.split(" ")[0])
    made = re.search(rf"(?<![\w./-]){name}\s[^|;&\n]*?(?<![\w-]){re.escape(option)}[ =]([\w./:@%+-]+)", call)
    return made is not None and made[1] != value


def _corrected(episode: Episode, advice: set[str]) -> bool:
    if episode.failed is None:
        return False
    after = {one for move in episode.actions for one in options(move.command)}
    return bool((options(episode.failed.command) - after) & advice)


def _followed(episode: Episode, advice: set[str]) -> bool:
    return any(options(move.command) & advice for move in episode.actions)


def _read(episode: Episode, name: str) -> bool:
    return name in {skill_name(mark) for mark in episode.skills}
