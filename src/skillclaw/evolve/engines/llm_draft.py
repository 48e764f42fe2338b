"""The stages attribute, draft and review: from a dossier to a proposal that the gate lets pass.

What the gate says of a draft goes back to the model, twice at most; it mends or leaves out the lines
concerned. Lines that still cannot stay are taken out by the gate's own pruning. So a model decides what to
say and how, and never whether it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from skillclaw import gate
from skillclaw.evolve.dossier import Dossier, line
from skillclaw.evolve.dossier.skill import items_of
from skillclaw.evolve.drafting import Draft, DraftError, Target, build, review
from skillclaw.evolve.drafting.checking import MOST_EDITS
from skillclaw.evolve.engines.llm_answers import as_draft
from skillclaw.evolve.engines.llm_parts import joined
from skillclaw.evolve.engines.llm_questions import create_question, mend_question, revise_question
from skillclaw.evolve.engines.llm_records import Attribution, NewSkill, Revision
from skillclaw.evolve.engines.llm_standing import echoes, titled
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.models import ModelError, Question
from skillclaw.gate.lines import added_items
from skillclaw.skills.items import DESCRIPTION, same_text
from skillclaw.skills.records import Proposal

if TYPE_CHECKING:
    from skillclaw.evolve.models.asker import Asker

__all__ = ["ROUNDS", "Declined", "Written", "finish", "write"]

W = TypeVar("W", NewSkill, Revision)

ROUNDS = 2
"""How often the gate's answer goes back to the model."""


class Declined(Exception):  # noqa: N818 - an answer, no failure
    """The model says that there is nothing to write or to change; the text says why."""


class Written(NamedTuple):
    """A draft, and the proposal that was built of what holds of it."""

    draft: Draft
    proposal: Proposal


def write(
    target: Target,
    view: Dossier,
    noted: str,
    opinion: Attribution | None,
    context: EvolveContext,
    asker: Asker,
    engine: str,
) -> Written | None:
    """The best that the model's drafts give; None where they give none that changes anything.

    Raises Declined, and ModelError where the first draft does not come. A failure later keeps what is there.
    """
    work = _Work(target, view, context, asker, engine)
    if target.base is None or opinion is None:
        return work.rounds(create_question(view, noted, context.changes))
    return work.rounds(revise_question(view, noted, opinion, context.changes))


@dataclass(frozen=True)
class _Work:
    """One target under way."""

    target: Target
    view: Dossier
    context: EvolveContext
    asker: Asker
    engine: str

    def rounds(self, question: Question[W]) -> Written | None:
        """Draft, and mend what the gate faults."""
        items = {item.id: item for item in items_of(self.target.base)}
        answer = self.asker.ask(question)
        best: tuple[int, Draft, Proposal] | None = None
        for turn in range(ROUNDS + 1):
            if answer.action == "skip":
                if best is not None and best[0] > 0:
                    break
                raise Declined(line(answer.why, 200))
            draft, faults = as_draft(answer, self.view, items)
            draft = titled(draft, self.target, self.context)
            proposal, more = _attempt(draft, self.target, self.context, self.engine)
            good = _good(proposal, self.context)
            if proposal is not None and (best is None or good > best[0]):
                best = good, draft, proposal
            faults += more
            if not faults or turn == ROUNDS:
                break
            try:
                answer = self.asker.ask(mend_question(question, answer, faults))
            except ModelError:
                if best is None:
                    raise
                break
        return Written(best[1], best[2]) if best is not None else None


def finish(parts: Sequence[Written], target: Target, context: EvolveContext, engine: str) -> Proposal | None:
    """One proposal of what was written from each part of the evidence, the best supported first."""
    draft, proposal = parts[0]
    if len(parts) > 1:
        draft = joined([part.draft for part in parts])
        built, _ = _attempt(draft, target, context, engine)
        proposal = built or proposal
    return _without_echoes(draft, proposal, target, context, engine)


def _without_echoes(
    draft: Draft, proposal: Proposal, target: Target, context: EvolveContext, engine: str
) -> Proposal | None:
    """The proposal without the lines that only tool output asked for; a procedure goes as a whole."""
    bad = echoes(proposal, context)
    if not bad or context.gate is None:
        return proposal
    gone = [item for item in added_items(proposal, context.gate) if item.id in bad]
    if any(item.section == DESCRIPTION for item in gone):
        return None
    texts = {same_text(item.text) for item in gone}
    procedures = {item.section for item in gone if item.kind == "step"}
    kept = [
        edit
        for edit in draft.edits
        if same_text(edit.text) not in texts and not (edit.kind == "step" and edit.section in procedures)
    ]
    again = _salvage(msgspec.structs.replace(draft, edits=kept), target, context, engine)
    return again if again is not None and not echoes(again, context) else None


def _attempt(
    draft: Draft, target: Target, context: EvolveContext, engine: str
) -> tuple[Proposal | None, list[str]]:
    """What the draft builds, and what is wrong with it. Edits that alone cannot be built are left out."""
    try:
        proposal = build(draft, target, context, engine)
        faults: list[str] = []
    except DraftError as error:
        faults = list(error.faults)
        proposal = _salvage(draft, target, context, engine)
    if proposal is not None:
        faults += review(proposal, context)
        faults += echoes(proposal, context).values()
    return proposal, faults


def _salvage(draft: Draft, target: Target, context: EvolveContext, engine: str) -> Proposal | None:
    kept: list[int] = []
    found: Proposal | None = None
    for index in range(min(len(draft.edits), MOST_EDITS)):
        chosen = [draft.edits[i] for i in [*kept, index]]
        try:
            built = build(msgspec.structs.replace(draft, edits=chosen), target, context, engine)
        except DraftError:
            continue
        kept.append(index)
        found = built or found
    return found


def _good(proposal: Proposal | None, context: EvolveContext) -> int:
    """How many new lines may stay as they are."""
    if proposal is None:
        return -1
    if context.gate is None or proposal.bundle is None:
        return 0
    bad = {fault.item for fault in gate.faults(proposal, context.gate)} | set(echoes(proposal, context))
    added = [item for item in added_items(proposal, context.gate) if item.section != DESCRIPTION]
    return sum(item.id not in bad for item in added)
