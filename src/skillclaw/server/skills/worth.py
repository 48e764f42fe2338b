"""Whether a skill that an agent wrote by itself is worth offering: what says the same, and its use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.server.skills.uses import Uses
    from skillclaw.skills.records import Bundle

__all__ = ["Like", "Worth", "worth_of"]

NEAR = 0.4
"""Share of a candidate's commands and terms from which on another skill is named beside it."""

ALIKE = 0.35
"""How alike two descriptions are (cosine) from which on they would come up for the same requests."""


class Like(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A current skill that is like a candidate. `overlap` share of the candidate's commands and terms that it
    has; `alike` how alike the descriptions are (0 to 1).
    """

    skill: str
    overlap: float
    alike: float


class Worth(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What speaks for offering a candidate, or against it.

    verdict  offer: sessions used it and no skill says the same; duplicate: one does; leave: no session is
             known that used it, or those that did failed more often than not
    """

    verdict: Literal["offer", "duplicate", "leave"]
    reason: str
    like: list[Like] = []


def worth_of(bundle: Bundle, uses: Uses, current: Mapping[str, Bundle]) -> Worth:
    """The worth of a candidate beside the current skills; it is advice, and a person decides."""
    # `status` counts candidates and weighs none: it has no time to load what weighing takes.
    from skillclaw.gate.checks.duplicate import SAME

    like = _like(bundle, current)
    same = next((one for one in like if one.overlap >= SAME), None)
    if same is not None:
        reason = f"{same.skill} says the same already ({same.overlap:.0%} of its commands and terms)"
        return Worth(verdict="duplicate", reason=reason, like=like)
    used = uses.read if uses.read.sessions >= uses.invoked.sessions else uses.invoked
    if not used.sessions:
        return Worth(verdict="leave", reason="no session is known that used it", like=like)
    if used.failure > used.success:
        return Worth(verdict="leave", reason=f"used in {used.text(' sessions')}", like=like)
    near = f"; {like[0].skill} is near ({like[0].overlap:.0%})" if like else ""
    return Worth(verdict="offer", reason=f"used in {used.text(' sessions')}{near}", like=like)


def _like(bundle: Bundle, current: Mapping[str, Bundle]) -> list[Like]:
    """The current skills that are like it, the likest first."""
    from skillclaw.gate.checks.duplicate import overlap
    from skillclaw.gate.triggers import description_of
    from skillclaw.skills.retrieval import Entry, Index

    index = Index(Entry(name=name, description=description_of(other)) for name, other in current.items())
    alike = {
        hit.name: hit.score
        for hit in index.ranked(f"{bundle.name.replace('-', ' ')}. {description_of(bundle)}")
    }
    found = [
        Like(skill=name, overlap=round(overlap(bundle, other), 3), alike=round(alike.get(name, 0.0), 3))
        for name, other in current.items()
    ]
    found = [one for one in found if one.overlap >= NEAR or one.alike >= ALIKE]
    return sorted(found, key=lambda one: (-one.overlap, -one.alike, one.skill))
