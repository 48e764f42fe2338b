"""`agent`: an autonomous author for each skill, with tools over a read-only workspace (docs/evolvers.md).

It reads what was found and the sessions behind it, drafts, has the gate's own checks tell what is wrong,
mends, and hands in; or leaves the skill as it is. It has no shell, no network and no file: only texts in
memory. Where it comes to a limit, the newest draft without a fault is taken; where there is none, or the
model fails, the extractive engine takes over, and the user is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from skillclaw.errors import SkillClawError, UsageError
from skillclaw.evolve.drafting import Target, best_supported, targets
from skillclaw.evolve.engines.agent_desk import Desk
from skillclaw.evolve.engines.reasons import explained
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.models import Forecast
from skillclaw.evolve.models.fallback import fall_back
from skillclaw.evolve.workspace import files
from skillclaw.skills.records import Pattern, Proposal

if TYPE_CHECKING:
    from skillclaw.evolve.engines.agent_loop import Talk
    from skillclaw.evolve.models.asker import Asker

__all__ = ["EVOLVER", "Agent"]

NAME = "agent"
READ = 12_000
"""Characters that one reading gives, less where the model takes little."""


class Agent:
    """The engine with an author of its own for each skill."""

    name = NAME
    needs_model = True

    def propose(
        self, patterns: list[Pattern], current: dict[str, Current], context: EvolveContext
    ) -> list[Proposal]:
        """What the authors handed in, by the skills' names; those best supported come first to the model."""
        wanted = targets(patterns, current, context)
        models = context.models
        if models is None:
            raise UsageError(
                "The engine agent asks a model, and none is named.",
                "",
                "skillclaw config set evolve.model.name NAME; or: skillclaw evolve --engine extractive",
            )
        found: list[Proposal] = []
        left_alone: list[str] = []
        stopped: SkillClawError | None = None
        for target in sorted(wanted, key=best_supported):
            failed = stopped
            if failed is None:
                talk, desk = _author(target, context, models)
                proposal, failed = _outcome(target, talk, desk, context)
                found += [proposal] if proposal is not None else []
                left_alone += [target.skill] if proposal is None and failed is None else []
                stopped = _stops(talk, failed, context)
            if failed is not None:
                others = frozenset(one.skill for one in wanted if one.base is None and one is not target)
                alone = replace(context, taken=context.taken | others)
                found += fall_back(failed, target.patterns, current, alone)
        if left_alone:
            context.notes.append(
                f"The author left as they are: {', '.join(sorted(left_alone))}. "
                "Why: skillclaw sessions list --kind evolver"
            )
        return sorted(found, key=lambda one: one.skill)

    def forecast(self, wanted: Sequence[Target], context: EvolveContext) -> list[Forecast]:
        """What the authors take at most: every one goes to its limits."""
        models = context.models
        if models is None or not wanted:
            return []
        from skillclaw.evolve.engines.agent_loop import ANSWER_TOKENS

        limits = context.agent
        calls = limits.steps * len(wanted)
        answer = min(ANSWER_TOKENS, models.context_tokens // 4)
        tokens_in = (models.context_tokens - answer) * calls
        if limits.tokens:
            tokens_in = min(tokens_in, limits.tokens * len(wanted))
        return [models.ledger.price(NAME, calls, tokens_in, answer * calls)]


EVOLVER = Agent()


def _author(target: Target, context: EvolveContext, models: Asker) -> tuple[Talk, Desk]:
    """Let one author work on one skill."""
    from skillclaw.evolve.engines.agent_loop import Limits, converse
    from skillclaw.evolve.engines.agent_rules import opening

    room = max(1500, min(READ, models.context_tokens * 3 // 8))
    texts = files(target, context)
    told = models.tools == "prompt"
    desk = Desk(texts, target, context, engine=NAME, room=room, reads_first=told)
    limits = Limits(steps=context.agent.steps, tokens=context.agent.tokens, seconds=context.agent.seconds)
    talk = asyncio.run(
        converse(
            models.model(NAME),
            desk,
            opening(target.skill, texts, room),
            limits,
            context_tokens=models.context_tokens,
            tools=models.tools,
        )
    )
    return talk, desk


def _outcome(
    target: Target, talk: Talk, desk: Desk, context: EvolveContext
) -> tuple[Proposal | None, SkillClawError | None]:
    """What came of it: a proposal, or why there is none; neither where the author left the skill as it is."""
    why = _why(talk, context)
    proposal: Proposal | None = None
    failed: SkillClawError | None = None
    if talk.ending == "submitted":
        proposal, note = desk.last, "Handed in."
    elif talk.ending == "skipped":
        note = f"Left as it is: {desk.why}"
    elif desk.best is not None:
        proposal, note = desk.best, f"{why} The newest draft without a fault was taken."
        context.notes.append(f"{target.skill}: {note}")
    else:
        failed, note = talk.error or SkillClawError("The author came to no end.", why), why
    if proposal is not None and context.gate is not None:
        proposal = explained(proposal, context.gate)
    _keep(target, talk, context, note, None if talk.ending == "skipped" else proposal is not None)
    return proposal, failed


def _why(talk: Talk, context: EvolveContext) -> str:
    """Why the author did not end by itself, as a sentence."""
    limits = context.agent
    return {
        "steps": f"It came to its limit of {limits.steps} requests (evolve.agent.steps).",
        "tokens": f"It came to its limit of {limits.tokens:,} tokens (evolve.agent.tokens).",
        "time": f"It came to its limit of {limits.seconds:g} s (evolve.agent.seconds).",
        "repeats": "It made the same calls again and again.",
        "silent": "It answered in words alone, again and again, and called no tool.",
        "unread": "It wrote calls that cannot be read, again and again.",
        "model": " ".join(filter(None, (talk.error.what, talk.error.why))) if talk.error else "",
    }.get(talk.ending, "")


def _stops(talk: Talk, failed: SkillClawError | None, context: EvolveContext) -> SkillClawError | None:
    """Why no other author need begin, where that is so."""
    if talk.error is not None and talk.error.final:
        return talk.error
    if failed is not None and talk.ending in ("silent", "unread") and not talk.calls:
        told = context.models is not None and context.models.tools == "prompt"
        todo = "Name another: evolve.model.name"
        if not told:
            todo = "Tell it of the tools in words: skillclaw config set evolve.model.tools prompt; or name "
            todo += "another: evolve.model.name"
        return SkillClawError(failed.what, failed.why, f"The model seems to know no tools. {todo}")
    return None


def _keep(target: Target, talk: Talk, context: EvolveContext, note: str, good: bool | None) -> None:
    """Keep what the author did, where there is a home and a model was really asked."""
    if context.home is None or context.gate is None or context.models is None or context.models.offline:
        return
    from skillclaw.evolve.engines.agent_transcript import as_trajectory
    from skillclaw.evolve.transcripts import keep

    done = as_trajectory(
        talk.messages, skill=target.skill, model=context.models.name, now=context.now, note=note, good=good
    )
    try:
        keep(context.home, done, context.gate.redactor)
    except SkillClawError as error:
        context.notes.append(f"What the author of {target.skill} did could not be kept. {error.what}")
