"""What the engine `llm` asks for in the stages attribute, draft and review.

The evidence comes first and the same each time, so that a server that keeps what it has read reads on from
there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from skillclaw.evolve.dossier import Dossier, fenced, line
from skillclaw.evolve.engines.llm_records import Attribution, NewSkill, Revision
from skillclaw.evolve.engines.llm_rules import ATTRIBUTE, CREATE, REVISE
from skillclaw.evolve.models import Question

__all__ = ["ANSWER", "attribute_question", "create_question", "mend_question", "revise_question"]

W = TypeVar("W", NewSkill, Revision)

ANSWER = 1500
"""Tokens that a draft may take."""

FAULTS = 12
"""Faults told at once."""


def attribute_question(view: Dossier, noted: str) -> Question[Attribution]:
    """Whose fault is it that sessions with the skill go wrong?"""

    def check(answer: Attribution) -> str:
        if answer.fault == "skill" and not any(label in " ".join(answer.evidence) for label in view.patterns):
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
        if answer.action == "skip" and answer.lines:
            return "You say skip and give lines. Say create for a skill with these lines, or leave them out."
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
        if answer.action == "skip" and answer.changes:
            return "You say skip and give changes. Say refine for these changes, or leave them out."
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


def _listed(faults: Sequence[str]) -> str:
    every = [f"- {line(fault, 300)}" for fault in dict.fromkeys(faults)]
    more = [f"- and {len(every) - FAULTS} more of this kind"] if len(every) > FAULTS else []
    return "\n".join([*every[:FAULTS], *more])


def mend_question(question: Question[W], answer: W, faults: Sequence[str]) -> Question[W]:
    """The draft once more, with what is wrong with the one before."""
    parts = [
        question.prompt,
        fenced("your answer before", msgspec.json.encode(answer).decode()),
        fenced("what is wrong with it", _listed(faults)),
        "Write the whole answer again. Mend each line concerned with what its patterns list, or leave it "
        "out. Keep the other lines word for word.",
    ]
    return dataclasses.replace(question, stage="review", prompt="\n\n".join(parts))
