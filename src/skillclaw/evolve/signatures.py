"""What a voting job tells of a pattern, and which sessions of one's own are of that kind. Pure.

The job is read by every member, and a pattern quotes sessions. So its signature has no example, no reference,
and no word that the proposal's own text does not have: that text was grounded in what several people did, and
is published anyway. What is left out is `<...>`; what then says too little to tell a session is no signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from skillclaw.gate.context import Masker
from skillclaw.hub.vote_jobs import Signature
from skillclaw.skills.records import ActionShape, Pattern, Proposal, Ref, content_id
from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.model import Record, Trajectory, meta
from skillclaw.trajectory.shapes import command_key, is_shell
from skillclaw.trajectory.text import words

__all__ = ["Match", "matching", "signatures_of", "with_patterns"]

LEFT_OUT = "<...>"
LEAST_TERMS = 2
"""Words of a request that have to agree, where no failing action tells a session."""
ERROR_SHARE = 0.5
"""Part of the words left in an error's template that a session's error has to have."""
_PLACEHOLDER = re.compile(r"<[^<>\s]*>")
_SIGNS = frozenset({"&&", "||", "|", ";"})


def signatures_of(proposal: Proposal, patterns: Sequence[Pattern], masker: Masker) -> list[Signature]:
    """What may be told of the patterns that `proposal` was made from; empty where nothing can be."""
    text = _text(proposal)
    found: list[Signature] = []
    for pattern in patterns:
        one = _signature(pattern, text, masker)
        if one is not None and one not in found:
            found.append(one)
    return found


class Match(Record, frozen=True, kw_only=True):
    """A session that is of the kind that signature `number` tells, at `steps`, with `error`."""

    session: Trajectory
    number: int
    steps: list[int] = []
    error: str = ""


def matching(signatures: Sequence[Signature], sessions: Iterable[Trajectory], limit: int) -> list[Match]:
    """The first `limit` sessions that are of the kind that one of the signatures tells."""
    found: list[Match] = []
    for session in sessions:
        if len(found) == limit:
            break
        episodes = cut(session)
        for number, one in enumerate(signatures):
            shown = _shown(one, episodes)
            if shown is not None:
                steps, error = shown
                found.append(Match(session=session, number=number, steps=steps, error=error))
                break
    return found


def with_patterns(proposal: Proposal, signatures: Sequence[Signature], matches: Sequence[Match]) -> Proposal:
    """The proposal as its reader knows it, with what the job tells in place of the patterns behind it.

    A job does not tell the error, of which there is one pattern each: those that the reader's own sessions
    met. `evidence` refers to these sessions. All of it is for this machine alone.
    """
    groups: dict[tuple[int, str], list[Match]] = {}
    for match in matches:
        groups.setdefault((match.number, match.error), []).append(match)
    patterns = []
    for (number, error), own in groups.items():
        one = signatures[number]
        patterns.append(
            Pattern(
                id=content_id("signature", one, error),
                kind=one.kind,
                title=proposal.skill,
                topic=one.topic,
                signature=content_id("signature", one),
                failed=_as_called(one.failed) if one.failed is not None else None,
                error=error,
                actions=[_as_called(action) for action in one.actions],
                evidence=[_ref(match) for match in own],
            )
        )
    return replace(proposal, patterns=patterns)


def _ref(match: Match) -> Ref:
    known = meta(match.session)
    day = next((step.timestamp[:10] for step in match.session.steps if step.timestamp), "")
    return Ref(session=known.key, user=known.user, agent=match.session.agent.name, day=day, steps=match.steps)


def _as_called(shape: ActionShape) -> ActionShape:
    """The shape with a call that it stands for, from which alone it is told what is run."""
    return (
        replace(shape, example=_PLACEHOLDER.sub("x", shape.command)) if shape.command is not None else shape
    )


def _text(proposal: Proposal) -> str:
    files = proposal.bundle.files if proposal.bundle is not None else []
    return "\n".join(file.data.decode("utf-8", "replace") for file in files)


def _signature(pattern: Pattern, text: str, masker: Masker) -> Signature | None:
    failed = _masked(pattern.failed, text, masker) if pattern.failed is not None else None
    actions = [found for one in pattern.actions if (found := _masked(one, text, masker)) is not None]
    known = set(words(text))
    said = pattern.intent.terms if pattern.intent is not None else []
    terms = [
        term
        for term in said
        if words(term)
        and set(words(term)) <= known
        # words are compared by their stems, and leave numbers out
        and all(part in text.lower() for part in term.lower().split())
        and masker.text(term)[0] == term
    ]
    if failed is None and (pattern.failed is not None or len(terms) < LEAST_TERMS):
        return None
    topic = pattern.topic if pattern.topic in text else ""
    error = _left(pattern.error, text, masker)
    return Signature(
        kind=pattern.kind, topic=topic, failed=failed, error=error, actions=actions, terms=terms[:20]
    )


def _masked(shape: ActionShape, text: str, masker: Masker) -> ActionShape | None:
    """The shape with the words that `text` has; None where what it calls is not among them."""
    if shape.command is not None:
        command = _left(shape.command, text, masker)
        tool = shape.tool if is_shell(shape.tool) else "bash"
        return ActionShape(tool=tool, command=command, times=shape.times) if _key(command) else None
    if shape.tool not in text:
        return None
    args = []
    for arg in shape.args:
        if arg.name in text:
            constant = arg.constant
            if constant is not None and (
                constant.strip('"') not in text or _left(constant, text, masker) != constant
            ):
                constant = None
            args.append(replace(arg, constant=constant, form="" if "|" in arg.form else arg.form))
    return ActionShape(tool=shape.tool, args=args, times=shape.times)


def _left(given: str, text: str, masker: Masker) -> str:
    """What of `given` may be told, word by word; neighbours that may not are one `<...>`."""
    kept: list[str] = []
    for word in masker.text(given)[0].split():
        told = word in _SIGNS or _PLACEHOLDER.fullmatch(word) is not None or word in text
        if told or not kept or kept[-1] != LEFT_OUT:
            kept.append(word if told else LEFT_OUT)
    return " ".join(kept)


def _key(command: str) -> str:
    """What is run (`Move.key`), empty where that was left out."""
    if LEFT_OUT in command.split()[:1]:
        return ""
    return command_key(_PLACEHOLDER.sub("x", command))


def _shown(signature: Signature, episodes: Sequence[Episode]) -> tuple[list[int], str] | None:
    """At which steps, and with which error, the episodes are of the kind; None where they are not."""
    if signature.failed is None:
        wanted = [set(words(term)) for term in signature.terms]
        least = max(LEAST_TERMS, len(wanted) // 2)
        for one in episodes:
            intent = set(words(one.intent))
            if one.kind == signature.kind and sum(term <= intent for term in wanted) >= least:
                return list(one.steps), ""
        return None
    shape = signature.failed
    key = _key(shape.command) if shape.command is not None else shape.tool
    error = set(words(_PLACEHOLDER.sub(" ", signature.error)))
    for one in episodes:
        pitfall = signature.kind == "pitfall"
        if one.kind != ("procedure" if pitfall else signature.kind):
            continue
        for move in one.actions if pitfall else [one.failed]:
            if move is None or move.key != key:
                continue
            met = set(words(move.error))
            if not error or not met or len(error & met) >= ERROR_SHARE * len(error):
                return [move.step], move.error
    return None
