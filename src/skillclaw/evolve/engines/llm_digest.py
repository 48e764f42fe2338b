"""The stage digest: what each session teaches, in a few lines.

A digest depends on the session's text alone, never on labels or on what is drafted from it, so that a
recorded answer serves every cycle. Small sessions go several to a question; where one question ends and the
next begins follows from the sessions themselves, so that a new session remakes one question and not all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from skillclaw.evolve.dossier import Shown, fenced, line
from skillclaw.evolve.engines.llm_records import Digest, Digests
from skillclaw.evolve.engines.llm_rules import DIGEST
from skillclaw.evolve.models import Question
from skillclaw.skills.tokens import estimate

__all__ = ["ANSWER", "batches", "digest_question", "notes"]

ANSWER = 350
"""Tokens that the digest of one session may take."""

BORDER = 3
"""One session in so many ends its question, whatever comes after."""

MOST = 5
"""Sessions in one question."""


def batches(sessions: Sequence[Shown], room: int) -> list[list[Shown]]:
    """The sessions as they go into questions of at most about `room` tokens, answers counted."""
    found: list[list[Shown]] = []
    open_, left = False, 0
    for one in sorted(sessions, key=lambda s: s.key):
        cost = estimate(one.text) + 40 + ANSWER
        if not open_ or cost > left or len(found[-1]) == MOST:
            found.append([])
            left = room
        found[-1].append(one)
        left -= cost
        open_ = hashlib.sha256(one.key.encode()).digest()[0] % BORDER != 0
    return found


def digest_question(batch: Sequence[Shown]) -> Question[Digests]:
    """What is asked of these sessions."""
    texts = [fenced(f"session {number}", one.text) for number, one in enumerate(batch, 1)]

    def check(answer: Digests) -> str:
        numbers = [one.session for one in answer.sessions]
        if sorted(numbers) == list(range(1, len(batch) + 1)):
            return ""
        return f"There are {len(batch)} sessions, numbered from 1: give one digest for each, no more."

    ask = (
        "Write the digest of session 1."
        if len(batch) == 1
        else f"Write the digests of all {len(batch)} sessions."
    )
    return Question(
        stage="digest",
        rules=DIGEST,
        prompt="\n\n".join([*texts, ask]),
        answer=Digests,
        max_tokens=ANSWER * len(batch) + 100,
        check=check,
    )


def notes(shown: Sequence[tuple[Shown, Digest]], room: int) -> str:
    """The digests as fenced notes with the labels of their sessions, in at most about `room` tokens."""
    for limit in (240, 160, 100, 60):
        rows = [row for one, digest in shown for row in _rows(one, digest, limit)]
        text = "\n".join(rows)
        if estimate(text) <= room:
            break
    else:
        while rows and estimate("\n".join(rows)) > room:
            rows.pop()
        text = "\n".join(rows)
    return fenced("notes on sessions", text) if text else ""


def _rows(one: Shown, digest: Digest, limit: int) -> list[str]:
    rows = [f"{one.label} ({one.about}): {line(digest.goal, limit)}"]
    rows += [f"  worked: {line(text, limit)}" for text in digest.worked[:4]]
    rows += [f"  failed: {line(text, limit)}" for text in digest.failed[:3]]
    rows += [f"  corrected: {line(text, limit)}" for text in digest.corrected[:3]]
    if digest.skills.strip():
        rows.append(f"  skills: {line(digest.skills, limit)}")
    return rows
