"""All targets of a cycle through the stages of the engine `llm`, and what happens where the model fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skillclaw.evolve.dossier import Dossier, Shown, dossiers, line
from skillclaw.evolve.drafting import Target, having_shown
from skillclaw.evolve.engines.llm_digest import batches, digest_question, notes
from skillclaw.evolve.engines.llm_draft import Declined, Written, finish, write
from skillclaw.evolve.engines.llm_questions import ANSWER, attribute_question
from skillclaw.evolve.engines.llm_records import Attribution, Digest
from skillclaw.evolve.engines.llm_standing import settled
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.evolvers._select import contradicted, qualifies
from skillclaw.evolve.models import ModelError
from skillclaw.evolve.models.asker import Asker
from skillclaw.evolve.models.fallback import fall_back
from skillclaw.skills.records import Proposal

__all__ = ["SCHEMA", "Room", "run", "to_ask"]

RULES, SCHEMA = 900, 400
"""Tokens of a question beside the evidence: the rules; the form of the answer and what stands between."""


@dataclass(frozen=True)
class Room:
    """How much of what is shown: tokens for the `facts` and `notes` of a draft, for one question of `digest`
    with its answers, for one `session` in it; and how many `sessions`."""

    facts: int
    notes: int
    digest: int
    session: int
    sessions: int

    @classmethod
    def of(cls, context_tokens: int) -> Room:
        """What a model with this context can take; more than is useful is not asked of a large one.

        A review holds the draft's question, its answer, and what is wrong with it.
        """
        free = max(int(min(context_tokens, 32_000) * SAFE) - 2 * ANSWER - RULES - SCHEMA, 900)
        return cls(
            facts=int(free * 0.6),
            notes=int(free * 0.3),
            digest=min(free + ANSWER, 10_000),
            session=min(int(free * 0.4), 2_500),
            sessions=4 if context_tokens <= SMALL else 8,
        )


SAFE = 0.9
"""Part of a context that is planned with: our estimate of tokens may be lower than the model's count."""

SMALL = 8_192
"""A context up to which a model is taken for a small one, which is slow to read."""


def run(
    wanted: Sequence[Target], current: Mapping[str, Current], context: EvolveContext, engine: str
) -> list[Proposal]:
    """A proposal at most for each target, in their order; what the model cannot do is written by rules."""
    declined: list[str] = []
    left: list[str] = []
    found: list[Proposal] = []
    useless: list[ModelError] = []
    for target in wanted:
        try:
            if len(useless) >= USELESS:
                raise useless[-1]
            proposal = _by_model(target, context, engine)
            useless = []
        except Declined:
            declined.append(target.skill)
            useless = []
            continue
        except ModelError as error:
            if error.kind == "unusable":
                useless.append(error)
            if target.base is not None and target.base.sidecar.engine == engine:
                # By rules its lines would be put into other words, and back again by the next answer.
                context.failed.update({pattern.topic: _why(error) for pattern in target.patterns})
                left.append(target.skill)
                continue
            others = {one.skill for one in wanted if one.base is None and one is not target}
            own = dataclasses.replace(context, taken=context.taken | others)
            found += fall_back(error, target.patterns, current, own)
            continue
        if proposal is not None:
            found.append(proposal)
    if left:
        context.notes.append(f"Skills that the model wrote stay as they are until it answers: {_few(left)}.")
    if declined:
        context.notes.append(f"The model found nothing to write or to change: {_few(declined)}.")
    return found


USELESS = 3
"""Skills in a row for which nothing that the model wrote could be used, after which it is asked no more."""


def _few(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def _why(error: ModelError) -> str:
    return " ".join(part for part in (error.what, error.why, error.todo) if part)


def _by_model(target: Target, context: EvolveContext, engine: str) -> Proposal | None:
    """What the model proposes; None where nothing changes. Raises Declined and ModelError."""
    asker = context.models
    if asker is None:
        raise ModelError(
            "unreachable",
            f"The engine {engine} has no model.",
            "",
            "Name one: skillclaw config set evolve.model.name NAME",
        )
    room = Room.of(asker.context_tokens)
    views = to_ask(target, context, room, engine)
    if not views:
        return None
    parts: list[Written] = []
    declined: Declined | None = None
    for view in views:
        try:
            part = _written(target, view, context, asker, room, engine)
        except Declined as error:
            declined = error
            continue
        except ModelError as error:
            if not parts:
                raise
            context.notes.append(f"{target.skill} is written from a part of its evidence only: {_why(error)}")
            context.failed.update({pattern.topic: _why(error) for pattern in target.patterns})
            break
        parts += [part] if part is not None else []
    if not parts and declined is not None:
        raise declined
    proposal = finish(parts, target, context, engine) if parts else None
    if proposal is not None:
        proposal = settled(proposal, context)
    elif target.base is not None:
        return None
    if proposal is None:
        raise ModelError(
            "unusable", f"Nothing that {asker.name} wrote holds.", "The gate refused its drafts."
        )
    shown = {identity for view in views for identity in view.patterns.values()}
    return having_shown(proposal, (pattern for pattern in target.patterns if pattern.id in shown))


def to_ask(target: Target, context: EvolveContext, room: Room, engine: str) -> list[Dossier]:
    """The parts of the evidence that the model is asked about, each as large as a prompt can be."""
    return [
        view
        for view in dossiers(target, context, tokens=room.facts, sessions=room.sessions)
        if target.base is None or _has_news(target, target.base, view, context, engine)
    ]


def _written(
    target: Target, view: Dossier, context: EvolveContext, asker: Asker, room: Room, engine: str
) -> Written | None:
    """What the model writes from one part of the evidence. Raises Declined and ModelError."""
    noted = notes(_digests(view, context, asker, room), room.notes)
    opinion: Attribution | None = None
    if target.base is not None:
        opinion = asker.ask(attribute_question(view, noted))
        if opinion.fault != "skill" and not _unused(target.base, view):
            raise Declined(line(opinion.why, 200))
    return write(target, view, noted, opinion, context, asker, engine)


DOUBT = 0.3
"""Sessions that speak against a pattern, for each that supports it, from which on its lines are doubted."""


def _unused(base: Current, view: Dossier) -> set[str]:
    """The patterns shown that no line of the skill rests on."""
    return set(view.patterns.values()) - {one for item in base.sidecar.items for one in item.patterns}


def _has_news(target: Target, base: Current, view: Dossier, context: EvolveContext, engine: str) -> bool:
    """Whether there is something to ask about a skill that this engine wrote: a pattern that no line rests
    on, twice the evidence, or a pattern that is out of date or that experience speaks against.

    A model that is asked again whenever one more session says the same costs more than it can tell.
    """
    if base.sidecar.engine != engine or _unused(base, view):
        return True
    shown = set(view.patterns.values())
    for pattern in target.patterns:
        if pattern.id not in shown:
            continue
        lines = [item for item in base.sidecar.items if pattern.id in item.patterns]
        known = max(len({ref.session for ref in item.evidence}) for item in lines)
        if len({ref.session for ref in pattern.evidence}) >= 2 * known or pattern.stale:
            return True
        if not qualifies(pattern, context.policy) or contradicted(pattern) >= DOUBT:
            return True
    return False


def _digests(view: Dossier, context: EvolveContext, asker: Asker, room: Room) -> list[tuple[Shown, Digest]]:
    """Digests of the sessions shown, in the order of their labels. Those that the model cannot do are
    missing; raises ModelError where it will do no more."""
    found: dict[str, tuple[Shown, Digest]] = {}
    shown = view.sessions(context, room.session)
    for batch in batches(shown, room.digest):
        try:
            answer = asker.ask(digest_question(batch))
        except ModelError as error:
            if error.final or error.kind in ("budget", "not recorded"):
                raise
            continue
        for one in answer.sessions:
            session = batch[one.session - 1]
            found[session.label] = (session, one)
    return [found[one.label] for one in shown if one.label in found]
