"""What the engine `llm` would ask at most, before it asks anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skillclaw.evolve.drafting import Target
from skillclaw.evolve.engines.llm_digest import batches, digest_question
from skillclaw.evolve.engines.llm_draft import ROUNDS
from skillclaw.evolve.engines.llm_questions import ANSWER, attribute_question, create_question
from skillclaw.evolve.engines.llm_rules import REVISE
from skillclaw.evolve.engines.llm_run import SCHEMA, Room, to_ask
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.models import Forecast, Question, as_tokens

__all__ = ["forecast"]

STAGES = ("digest", "attribute", "draft", "review")


def forecast(targets: Sequence[Target], context: EvolveContext, engine: str) -> list[Forecast]:
    """By stage the calls and tokens if every draft is faulted as often as may be; nothing without a model.

    Answers that need mending for their form alone, and requests that are repeated, are not foreseen: the
    budget counts them when they come.
    """
    asker = context.models
    if asker is None:
        return []
    room = Room.of(asker.context_tokens)
    sums = {stage: [0, 0, 0] for stage in STAGES}

    def count(question: Question[Any], more: int = 0, times: int = 1, stage: str = "") -> None:
        sent = as_tokens(question.rules) + as_tokens(question.prompt) + SCHEMA + more
        entry = sums[stage or question.stage]
        entry[0] += times
        entry[1] += times * sent
        entry[2] += times * question.max_tokens

    for target, view in ((one, part) for one in targets for part in to_ask(one, context, room, engine)):
        for batch in batches(view.sessions(context, room.session), room.digest):
            count(digest_question(batch))
        draft = create_question(view, "", context.changes)
        if target.base is not None:
            count(attribute_question(view, ""), room.notes)
        rules = max(as_tokens(REVISE) - as_tokens(draft.rules), 0) if target.base is not None else 0
        count(draft, room.notes + rules)
        count(draft, room.notes + rules + ANSWER + MENDING, ROUNDS, "review")
    return [asker.ledger.price(stage, *sums[stage]) for stage in STAGES if sums[stage][0]]


MENDING = 500
"""Tokens in which faults are told."""
