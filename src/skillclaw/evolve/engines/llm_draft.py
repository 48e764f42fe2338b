"""The stages attribute, draft and review: from a dossier to a proposal that the gate lets pass.

What the gate says of a draft goes back to the model, twice at most; it mends or leaves out the lines
concerned. Lines that still cannot stay are taken out by the gate's own pruning. So a model decides what to
say and how, and never whether it holds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec

from skillclaw import gate
from skillclaw.evolve.dossier import Dossier, fenced, line
from skillclaw.evolve.dossier.patterns import number
from skillclaw.evolve.dossier.skill import items_of
from skillclaw.evolve.drafting import Draft, DraftError, Target, build, review
from skillclaw.evolve.drafting.building import refs_of
from skillclaw.evolve.engines.echo import echoed
from skillclaw.evolve.engines.llm_answers import as_draft
from skillclaw.evolve.engines.llm_records import Attribution, NewSkill, Revision
from skillclaw.evolve.engines.llm_rules import ATTRIBUTE, CREATE, REVISE
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.models import ModelError, Question
from skillclaw.gate.lines import added_items, all_evidence
from skillclaw.gate.prune import item_reason
from skillclaw.skills.items import DESCRIPTION, same_text
from skillclaw.skills.records import Item, Proposal

if TYPE_CHECKING:
    from skillclaw.evolve.models.asker import Asker

__all__ = ["ANSWER", "ROUNDS", "Declined", "attribute_question", "create_question", "revise_question"]
__all__ += ["settled", "write"]

W = TypeVar("W", NewSkill, Revision)

ANSWER = 1500
"""Tokens that a draft may take."""

ROUNDS = 2
"""How often the gate's answer goes back to the model."""

FAULTS = 12
"""Faults told at once."""


class Declined(Exception):  # noqa: N818 - an answer, no failure
    """The model says that there is nothing to write or to change; the text says why."""


def attribute_question(view: Dossier, noted: str) -> Question[Attribution]:
    """Whose fault is it that sessions with the skill go wrong?"""

    def check(answer: Attribution) -> str:
        if answer.fault == "skill" and not any(label in view.patterns for label in answer.evidence):
            return f"Name the patterns that show it: {', '.join(view.patterns)}."
        return ""

    prompt = "\n\n".join(part for part in (view.facts, noted, "Whose fault is it?") if part)
    return Question(
        stage="attribute", rules=ATTRIBUTE, prompt=prompt, answer=Attribution, max_tokens=500, check=check
    )


def create_question(view: Dossier, noted: str, changes: int) -> Question[NewSkill]:
    """What should a new skill say?"""

    def check(answer: NewSkill) -> str:
        if answer.action == "create" and not answer.lines:
            return "A new skill needs lines. Give them, or say skip."
        if answer.action == "create" and not answer.description.strip():
            return "A new skill needs a description."
        return ""

    return Question(
        stage="draft",
        rules=CREATE,
        prompt=_prompt(view, noted, "", f"{changes} lines"),
        answer=NewSkill,
        max_tokens=ANSWER,
        check=check,
    )


def revise_question(view: Dossier, noted: str, opinion: Attribution, changes: int) -> Question[Revision]:
    """What should change in the skill?"""

    def check(answer: Revision) -> str:
        if answer.action == "refine" and not answer.changes:
            return "To refine a skill, give changes; or say skip."
        if answer.action == "describe" and not answer.description.strip():
            return "Give the new description; or say skip."
        return ""

    told = fenced("opinion on what is at fault", _opinion(opinion))
    return Question(
        stage="draft",
        rules=REVISE,
        prompt=_prompt(view, noted, told, f"{changes} changes"),
        answer=Revision,
        max_tokens=ANSWER,
        check=check,
    )


def _prompt(view: Dossier, noted: str, opinion: str, most: str) -> str:
    ask = f"Write your answer: at most {most}, citing only {_labels(view)}."
    return "\n\n".join(part for part in (view.facts, noted, opinion, ask) if part)


def _labels(view: Dossier) -> str:
    return ", ".join(sorted(view.patterns, key=lambda label: (len(label), label)))


def _opinion(opinion: Attribution) -> str:
    lines = f" (lines {', '.join(line(one, 8) for one in opinion.items[:8])})" if opinion.items else ""
    return f"fault of: {opinion.fault}{lines}; {line(opinion.why, 400)}"


def write(
    target: Target,
    view: Dossier,
    noted: str,
    opinion: Attribution | None,
    context: EvolveContext,
    asker: Asker,
    engine: str,
) -> Proposal | None:
    """The best proposal that the model's drafts give; None where they give none that changes anything.

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

    def rounds(self, question: Question[W]) -> Proposal | None:
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
            draft = _titled(draft, self.target, self.context)
            proposal, more = _attempt(draft, self.target, self.context, self.engine)
            good = _good(proposal, self.context)
            if proposal is not None and (best is None or good > best[0]):
                best = good, draft, proposal
            faults += more
            if not faults or turn == ROUNDS:
                break
            try:
                answer = self.asker.ask(_again(question, answer, faults))
            except ModelError:
                if best is None:
                    raise
                break
        if best is None:
            return None
        return _without_echoes(best[1], best[2], self.target, self.context, self.engine)


def _without_echoes(
    draft: Draft, proposal: Proposal, target: Target, context: EvolveContext, engine: str
) -> Proposal | None:
    """The proposal without the lines that only tool output asked for; a procedure goes as a whole."""
    bad = _echoes(proposal, context)
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
    return again if again is not None and not _echoes(again, context) else None


def settled(proposal: Proposal, context: EvolveContext) -> Proposal | None:
    """The proposal as the gate would leave it; None where it would refuse it."""
    if context.gate is None:
        return proposal
    pruned, _ = gate.prune(proposal, context.gate)
    if gate.decide(gate.judge(pruned, context.gate)) == "rejected":
        return None
    return _explained(pruned, context.gate)


def _explained(proposal: Proposal, known: gate.GateContext) -> Proposal:
    """The proposal with a reason that people may read: the model's, where the gate would let it stand as a
    line, else one that counts. It is read before a decision, and must not plead with what a page says."""
    evidence = all_evidence(proposal)
    probe = Item(
        id="", kind="fact", text=proposal.why, patterns=[p.id for p in proposal.patterns], evidence=evidence
    )
    base = known.base(proposal)
    if not item_reason(probe, proposal, known) and not echoed(
        probe.text, evidence, known, base.bundle if base else None
    ):
        return proposal
    sessions, users = len({ref.session for ref in evidence}), len({ref.user for ref in evidence})
    why = f"Worded by a model from {number(sessions, 'session')} of {number(users, 'user')}."
    return msgspec.structs.replace(proposal, why=why)


def _listed(faults: Sequence[str]) -> str:
    every = [f"- {line(fault, 300)}" for fault in dict.fromkeys(faults)]
    more = [f"- and {len(every) - FAULTS} more of this kind"] if len(every) > FAULTS else []
    return "\n".join([*every[:FAULTS], *more])


def _again(question: Question[W], answer: W, faults: Sequence[str]) -> Question[W]:
    parts = [
        question.prompt,
        fenced("your answer before", msgspec.json.encode(answer).decode()),
        fenced("what is wrong with it", _listed(faults)),
        "Write the whole answer again. Mend each line concerned with what its patterns list, or leave it "
        "out. Keep the other lines word for word.",
    ]
    return dataclasses.replace(question, stage="review", prompt="\n\n".join(parts))


def _titled(draft: Draft, target: Target, context: EvolveContext) -> Draft:
    """The draft without a title that only tool output asked for: that of the topic takes its place."""
    known = context.gate
    if known is None or not draft.title or not echoed(draft.title, refs_of(target.patterns), known):
        return draft
    return msgspec.structs.replace(draft, title="")


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
        faults += _echoes(proposal, context).values()
    return proposal, faults


def _salvage(draft: Draft, target: Target, context: EvolveContext, engine: str) -> Proposal | None:
    kept: list[int] = []
    found: Proposal | None = None
    for index in range(min(len(draft.edits), 2 * context.changes)):
        chosen = [draft.edits[i] for i in [*kept, index]]
        try:
            built = build(msgspec.structs.replace(draft, edits=chosen), target, context, engine)
        except DraftError:
            continue
        kept.append(index)
        found = built or found
    return found


def _echoes(proposal: Proposal, context: EvolveContext) -> dict[str, str]:
    """By item the reason why it looks as if tool output had asked for it."""
    if context.gate is None:
        return {}
    base = context.gate.base(proposal)
    found = {}
    for item in added_items(proposal, context.gate):
        heading = item.section.partition(" / ")[2]
        why = next(
            (
                reason
                for text in (item.text, heading)
                if (reason := echoed(text, item.evidence, context.gate, base.bundle if base else None))
            ),
            None,
        )
        if why:
            found[item.id] = f"“{line(item.text, 60)}”: {why}"
    return found


def _good(proposal: Proposal | None, context: EvolveContext) -> int:
    """How many new lines may stay as they are."""
    if proposal is None:
        return -1
    if context.gate is None or proposal.bundle is None:
        return 0
    bad = {fault.item for fault in gate.faults(proposal, context.gate)} | set(_echoes(proposal, context))
    added = [item for item in added_items(proposal, context.gate) if item.section != DESCRIPTION]
    return sum(item.id not in bad for item in added)
