"""What can be said of one call, so that calls that fail can be told from calls that work.

A trait is a short text: `has end` or `lacks end` (an argument given or not; `lacks +--all` for a word of a
command), `end=2023` (its value), `end:date` (its form), `id<-result`, `id<-user`, `id<-nowhere` (where its
value came from); for commands the words of their shape (`+--system`), and `key` of what is run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from skillclaw.trajectory.episodes import Move

__all__ = ["SHORT", "Rates", "fisher", "given", "lasting", "rates", "traits"]

SHORT = 40
"""Longer values are the user's business, not a trait."""


def traits(move: Move, names: Collection[str] = ()) -> frozenset[str]:
    """The traits of a call; `names` are the arguments that calls of this tool may have."""
    found = {f"key {move.key}"}
    own = given(move)
    found.update(name for name in own if name.startswith("+"))
    for arg in move.args:
        found.add(f"has {arg.name}")
        if arg.form:
            found.add(f"{arg.name}:{arg.form}")
        if len(arg.value) <= SHORT:
            found.add(f"{arg.name}={arg.value}")
        sources = {o.split(":")[0] for o in arg.origins}
        if "result" in sources:
            found.add(f"{arg.name}<-result")
        if "user" in sources:
            found.add(f"{arg.name}<-user")
        if not sources - {"history"}:
            found.add(f"{arg.name}<-nowhere")
    found.update(f"lacks {name}" for name in names if name not in own)
    return frozenset(found)


def given(move: Move) -> set[str]:
    """The names of a call's arguments; of a command its words and flags, as `+word`."""
    words = {f"+{w}" for w in move.tokens if not w.startswith("<") and w not in ("&&", "|", "||")}
    return words | {arg.name for arg in move.args}


def lasting(trait: str) -> bool:
    """Whether a trait is of the way a call is made, and not of what it happened to be about."""
    if trait.startswith("+"):
        return True
    return (
        not trait.startswith("lacks ")
        and "<-nowhere" not in trait
        and ("=" not in trait or trait.startswith("key "))
    )


class Rates(NamedTuple):
    """How often calls of two ways worked. `p`: chance that the second seems better by luck (Fisher)."""

    first_ok: int
    first_n: int
    second_ok: int
    second_n: int
    p: float

    @property
    def first(self) -> float:
        """Share of the first way that worked; 1 when it was never seen."""
        return self.first_ok / self.first_n if self.first_n else 1.0

    @property
    def second(self) -> float:
        """Share of the second way that worked; 0 when it was never seen."""
        return self.second_ok / self.second_n if self.second_n else 0.0


def rates(first: Iterable[bool], second: Iterable[bool]) -> Rates:
    """Compare two ways by whether their calls worked."""
    one, two = list(first), list(second)
    a, b = sum(two), len(two) - sum(two)
    c, d = sum(one), len(one) - sum(one)
    return Rates(c, len(one), a, len(two), fisher(a, b, c, d))


def fisher(a: int, b: int, c: int, d: int) -> float:
    """Fisher's exact test, one-sided: chance of at least `a` of `a + b` when both rows succeed alike."""
    total = a + b + c + d
    if total == 0:
        return 1.0
    from scipy.stats import hypergeom  # half a second that the dashboard need not pay

    return float(hypergeom.sf(a - 1, total, a + c, a + b))
