"""What the units of a cycle gave, put together: one family of tests, ages, facts that went stale."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from skillclaw.evolve.corpus import Weigh, fair
from skillclaw.evolve.jobs import FALSE_DISCOVERY, Found, Mining
from skillclaw.evolve.reversed import with_reversals
from skillclaw.evolve.state import Fact
from skillclaw.evolve.statistics import benjamini_hochberg
from skillclaw.skills.records import Pattern, content_id

__all__ = ["EVIDENCE", "FALSE_DISCOVERY", "settled", "stale"]

EVIDENCE = 200
"""References that a pattern holds; `Pattern.support` counts them all."""


def settled(
    minings: Sequence[Mining],
    *,
    now: datetime,
    half_life: float,
    facts: Sequence[Fact] = (),
    keep: int | None = EVIDENCE,
) -> list[Found]:
    """The patterns that count, best supported first, each with the requests that it was seen in.

    Over the whole cycle there are two families of tests for the false discovery rate: the claims about
    success of procedures and of failing calls; and all that was screened in tasks, what gave no pattern
    included. What is `needed` counts only with a small q; a procedure that beats the other ways by its own
    test is shown with whatever q it has. Recoveries and corrections rest on support and on their own tests.
    `facts` are all that was seen of environments; `keep` bounds the references that a pattern holds.
    """
    weigh = Weigh(now, half_life)
    found = _distinct([one for mining in minings for one in mining.found])
    patterns = with_reversals([one.pattern for one in found])
    found = [
        msgspec.structs.replace(one, pattern=pattern) for one, pattern in zip(found, patterns, strict=True)
    ]
    tested = [p for mining in minings for p in mining.tested]
    claims = iter(benjamini_hochberg([one.pattern.stats.p for one in found if _claims(one)]))
    screened = iter(benjamini_hochberg([*(one.pattern.stats.p for one in found if one.screened), *tested]))
    kept: list[Found] = []
    for one in found:
        q = next(claims) if _claims(one) else next(screened) if one.screened else None
        pattern = one.pattern
        if one.needed and not _holds(pattern, q):
            continue
        recency = weigh.recency(pattern.evidence)
        stats = msgspec.structs.replace(
            pattern.stats, p=_short(pattern.stats.p), q=_short(q), recency=recency
        )
        pattern = msgspec.structs.replace(
            pattern,
            stats=stats,
            stale=stale(pattern, facts),
            evidence=fair(pattern.evidence, keep),
            contradictions=fair(pattern.contradictions, keep),
            held_out=fair(pattern.held_out, keep),
        )
        kept.append(msgspec.structs.replace(one, pattern=pattern))
    kept.sort(key=lambda one: (-one.pattern.users, -one.pattern.sessions, one.pattern.kind, one.pattern.id))
    return kept


def stale(pattern: Pattern, facts: Sequence[Fact]) -> list[str]:
    """What changed in the environment after the last evidence: a tool that the pattern is about, or the
    system, was later seen only in versions that no evidence saw.
    """
    last = max((ref.day for ref in pattern.evidence), default="")
    about = _about(pattern)
    found: list[str] = []
    for name in sorted(pattern.env):
        if name not in about:
            continue
        newest = max((f for f in facts if f.name == name), key=lambda f: (f.last, f.value), default=None)
        if newest is not None and newest.value not in pattern.env[name] and newest.first > last:
            seen = ", ".join(pattern.env[name])
            found.append(f"{name} is {newest.value} since {newest.first}; this was seen with {seen}")
    return found


def _about(pattern: Pattern) -> set[str]:
    shapes = [*pattern.actions, *([pattern.failed] if pattern.failed else [])]
    said = " ".join([pattern.topic, *(f"{s.tool} {s.command or ''}" for s in shapes)])
    words = set(re.findall(r"[a-z][a-z0-9]+", said.lower()))
    return words | {"os"} | {tool for word in words for tool in _BEHIND.get(word, ())}


_BEHIND = {
    "npm": ("node",),
    "npx": ("node", "npm"),
    "yarn": ("node",),
    "pnpm": ("node",),
    "pip": ("python",),
    "pip3": ("python", "pip"),
    "python3": ("python",),
    "pytest": ("python",),
    "uv": ("python",),
}
"""Tools whose version matters to another."""


def _claims(one: Found) -> bool:
    """Whether it is of the first family of tests."""
    return not one.screened and (one.needed or one.pattern.kind == "procedure")


def _holds(pattern: Pattern, q: float | None) -> bool:
    """Whether what is claimed is no luck, and points the right way."""
    stats = pattern.stats
    better = stats.with_success * stats.without_n > stats.without_success * stats.with_n
    return q is not None and q <= FALSE_DISCOVERY and better and (stats.ci is None or stats.ci[0] > 1)


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _distinct(found: list[Found]) -> list[Found]:
    """Patterns of one id are numbered; the best supported keeps the id."""
    by_id: dict[str, list[Found]] = {}
    for one in found:
        by_id.setdefault(one.pattern.id, []).append(one)
    kept: list[Found] = []
    for same in by_id.values():
        same.sort(key=lambda f: (-f.pattern.sessions, f.pattern.evidence[0].session))
        kept.append(same[0])
        for number, one in enumerate(same[1:], 2):
            signature = f"{one.pattern.signature} #{number}"
            pattern = msgspec.structs.replace(
                one.pattern, signature=signature, id=content_id(one.pattern.kind, signature)
            )
            kept.append(msgspec.structs.replace(one, pattern=pattern))
    return kept
