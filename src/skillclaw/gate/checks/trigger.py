"""`trigger`: the description brings the skill up for what it is for, and takes nothing from other skills.

A retrieval confusion matrix over the library (`gate.triggers`): rows are whose requests they are, columns
which skill comes up, before the change and after it. What words can tell is not what a model would choose, so
a description that misses or draws too much waits for people at most; one that takes most of another skill's
requests away would switch that skill off, and is refused.
"""

from __future__ import annotations

from skillclaw.gate.cited import cited_requests, refs_of_items
from skillclaw.gate.context import GateContext
from skillclaw.gate.triggers import Confusion, Loss, confusion, description_of, entries_of
from skillclaw.skills.records import Proposal, Verdict
from skillclaw.skills.retrieval import Entry

__all__ = ["check", "name", "order"]

name = "trigger"
order = 78

LEAST = 5
"""Different requests of one side below which nothing is said of it: chance would decide."""

RECALL, PRECISION = 1 / 3, 0.5
"""Below these a person looks at a description in a group; authors are told earlier (`evolve.triggers`). Words
alone find 47% to 100% of the requests of WorkBench's skills; of 40 wrong descriptions (another skill's) this
holds 34, of the right ones none."""

TAKEN = 0.5
"""Share of another skill's requests that a new description may not take away."""


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Rejects a description that takes most of another skill's requests; holds, among several people, one
    that misses its own requests or draws mostly others'."""
    return [_judge(proposal, context)]


def _judge(proposal: Proposal, context: GateContext) -> Verdict:
    if proposal.bundle is None:
        return Verdict(check=name, verdict="n/a", reason="A retirement has no description.")
    before = entries_of(context.current, context.foreign)
    entry = Entry(name=proposal.skill, description=description_of(proposal.bundle))
    if before.get(proposal.skill) == entry:
        return Verdict(check=name, verdict="pass", reason="The description stays as it is.")
    gone = {one.skill for one in proposal.retires}
    after = {other: old for other, old in before.items() if other not in gone} | {proposal.skill: entry}
    others = {
        other: context.requests(other)
        for other in sorted(context.current)
        if other != proposal.skill and other not in gone
    }
    items = proposal.sidecar.items if proposal.sidecar else []
    own = cited_requests(refs_of_items(items), context.sessions)
    found = confusion(proposal.skill, own, others, before, after)
    taken = _worst(found)
    if taken is not None:
        reason = (
            f"The description takes requests from another skill: {taken.lost} of the {taken.had} that bring "
            f"up {taken.skill} would bring up this one instead. {_matrix(found)}"
        )
        return Verdict(check=name, verdict="reject", reason=reason)
    if found.own < LEAST:
        few = f"Too few different requests of its own are known ({found.own} of {LEAST})."
        return Verdict(check=name, verdict="n/a", reason=f"{few} {_matrix(found)}")
    return _own(found, context)


def _own(found: Confusion, context: GateContext) -> Verdict:
    precision = found.precision
    shared = next((r.skill for r in found.losses if r.drawn >= LEAST and r.drawn > TAKEN * r.asked), None)
    if found.found < RECALL * found.own:
        fault = "The description misses most of the requests that the skill was made from."
    elif found.drawn >= LEAST and precision is not None and precision < PRECISION:
        fault = "The description comes up for more requests of other skills than of its own."
    elif shared is not None:
        fault = f"The description comes up for most requests of {shared} too."
    else:
        return Verdict(check=name, verdict="pass", reason=_matrix(found))
    grave = context.policy.users > 1
    return Verdict(check=name, verdict="hold" if grave else "pass", reason=f"{fault} {_matrix(found)}")


def _worst(found: Confusion) -> Loss | None:
    """The skill that loses the largest share of its requests, if that is too much."""
    grave = [loss for loss in found.losses if loss.lost >= LEAST and loss.lost > TAKEN * loss.had]
    return max(grave, key=lambda loss: (loss.lost / loss.had, loss.skill), default=None)


def _matrix(found: Confusion) -> str:
    """The matrix in short: its own requests, then the others', the most drawn first."""
    text = f"It comes up for {found.found} of {found.own} of its own requests"
    if not found.others:
        return f"{text}; there are no others to compare with."
    text += f" and for {found.drawn} of {found.others} of other skills'"
    if not found.losses:
        return f"{text}."
    rows = sorted(found.losses, key=lambda loss: (-loss.lost, -loss.drawn, loss.skill))[:3]
    told = ", ".join(
        f"{row.skill} {row.drawn} of {row.asked}" + (f" ({row.lost} lost)" if row.lost else "")
        for row in rows
    )
    return f"{text}: {told}."
