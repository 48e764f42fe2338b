"""Which patterns the numbers support, and which have turned against what they say."""

from __future__ import annotations

from collections import Counter

from skillclaw.gate.policies import Policy
from skillclaw.skills.records import Pattern

__all__ = ["contradicted", "qualifies", "strength", "turned_against"]

SUCCESS = 0.6
"""Share of successes that makes a procedure worth teaching where no comparison can be made."""


def qualifies(pattern: Pattern, policy: Policy) -> bool:
    """Whether `pattern` is well enough supported to be written down.

    All kinds need the policy's sessions and users, and fewer contradictions than evidence, or fewer without
    those of one of several people; a correction that others reverse needs the last word. A procedure must
    do better than other ways (interval above 1) or, where that is not computable or not clear yet, succeed
    in at least 60% of the sessions that followed it. A pitfall must be tied to failure by an interval that
    leaves out 1.
    """
    if pattern.sessions < policy.sessions or pattern.users < policy.users:
        return False
    if contradicted(pattern) >= 1 and _most_without_one(pattern) >= 0:
        return False
    if pattern.reversed:
        return False
    stats = pattern.stats
    if pattern.kind == "procedure":
        if not pattern.actions or (stats.ci is not None and stats.ci[1] < 1):
            return False
        return (stats.ci is not None and stats.ci[0] > 1) or _success(pattern) >= SUCCESS
    if pattern.kind == "pitfall":
        if stats.ci is None or (pattern.failed is None and not pattern.before):
            return False
        doing, leaving = (
            _rate(stats.with_success, stats.with_n),
            _rate(stats.without_success, stats.without_n),
        )
        if doing is not None and leaving is not None and doing < leaving and stats.ci[1] < 1:
            return True  # with = did it, and succeeded less
        return stats.ci[0] > 1  # the ratio speaks of avoiding it, or of failing
    # A rule holds whether or not somebody was seen to break it, and so do words.
    told = bool(pattern.demand) or (pattern.kind == "correction" and bool(pattern.user_text))
    return bool(pattern.actions) and (told or pattern.failed is not None or bool(pattern.error))


def contradicted(pattern: Pattern) -> float:
    """Sessions that contradict the pattern for each that supports it."""
    against = len({ref.session for ref in pattern.contradictions})
    return against / pattern.sessions if pattern.sessions else float(against > 0)


def turned_against(pattern: Pattern) -> bool:
    """Whether experience now speaks against the pattern: more contradictions than evidence, and those who did
    it succeed less (interval below 1), or twice as many where nothing can be compared; and more against it
    than for it whoever of several people is left out. So it does where people now ask for the reverse."""
    if pattern.reversed:
        return pattern.reversed == "overruled"
    ci = pattern.stats.ci
    if ci is not None and pattern.kind != "pitfall":
        turned = contradicted(pattern) > 1 and ci[1] < 1
    else:
        turned = contradicted(pattern) >= 2
    return turned and _most_without_one(pattern) > 0


def _most_without_one(pattern: Pattern) -> float:
    """By how many sessions more speaks against the pattern than for it, where those of the one of several
    people are left out with whom it is most: nobody takes or keeps from the others what works for them with
    sessions of their own, however many those are."""
    good = Counter({ref.session: ref.user for ref in pattern.evidence}.values())
    bad = Counter({ref.session: ref.user for ref in pattern.contradictions}.values())
    people = good.keys() | bad.keys()
    for_it, against = good.total(), bad.total()
    # a pattern holds a sample of its evidence, and says how much there is
    scale = pattern.sessions / for_it if for_it else 1.0
    if len(people) < 2:
        return against - scale * for_it
    return min(against - bad[user] - scale * (for_it - good[user]) for user in people)


def strength(pattern: Pattern) -> tuple[int, int, float, str]:
    """Sorts the best supported first: users, sessions, recency, then the id."""
    return (-pattern.users, -pattern.sessions, -pattern.stats.recency, pattern.id)


def _success(pattern: Pattern) -> float:
    stats = pattern.stats
    if stats.with_n:
        return stats.with_success / stats.with_n
    known = [ref.success for ref in pattern.evidence if ref.success is not None]
    return sum(known) / len(known) if known else 0.0


def _rate(success: int, n: int) -> float | None:
    return success / n if n else None
