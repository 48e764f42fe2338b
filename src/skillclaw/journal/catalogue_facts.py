"""What the catalogue notes of one session: a pure function of the session."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillclaw.journal.store_file import started_at
from skillclaw.trajectory.model import (
    Metrics,
    Record,
    SessionMeta,
    Step,
    Trajectory,
    meta,
    result_meta,
    step_meta,
    text_of,
)
from skillclaw.trajectory.skilluse import plain_name
from skillclaw.trajectory.text import one_line
from skillclaw.trajectory.told import own_text

__all__ = ["Facts", "Use", "facts_of", "query_of", "spaced", "title_of"]

TITLE = 120
"""Characters of a title."""
WORDS = 20_000
"""Characters of one session that can be searched, and of one message."""
MESSAGE = 4_000
ASKED = 10
"""Words of a search that count."""

MOST = 2**60
"""A count that no session has; what claims more is cut down to it, so that the file can hold it."""

_SCRIPT = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af])")
"""Characters of scripts without blanks between words: each is a word, and several are a phrase."""


class Use(Record, frozen=True, kw_only=True):
    """A skill that was before the agent: `used` where it was read or invoked, else it was only offered."""

    name: str
    hub: str = ""
    used: bool = False


class Facts(Record, frozen=True, kw_only=True):
    """What the catalogue notes of a session.

    title   the first words of the user's first request, masked as they are stored
    words   what user and agent said, as the index takes it; no results of tools
    tokens_in, tokens_out, usd  where the session tells, sub-agents with it; else None
    calls, errors  calls of tools, and results that were errors
    """

    started: str
    agent: str
    project: str
    outcome: str
    source: str
    title: str
    words: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    usd: float | None = None
    calls: int = 0
    errors: int = 0
    uses: tuple[Use, ...] = ()
    env: dict[str, str] = {}


def facts_of(trajectory: Trajectory) -> Facts:
    """What is noted of this session."""
    known = meta(trajectory)
    whole = [trajectory, *(trajectory.subagent_trajectories or [])]
    steps = [step for one in whole for step in one.steps]
    results = [result_meta(r) for s in steps for r in (s.observation.results if s.observation else [])]
    totals = [_totals(one) for one in whole]
    return Facts(
        started=started_at(trajectory),
        agent=trajectory.agent.name,
        project=known.project,
        outcome=known.outcome,
        source=known.source,
        title=title_of(trajectory),
        words=_words(trajectory),
        tokens_in=_whole([one.prompt_tokens for one in totals]),
        tokens_out=_whole([one.completion_tokens for one in totals]),
        usd=_sum([one.cost_usd for one in totals]),
        calls=sum(len(step.tool_calls or []) for step in steps),
        errors=sum(1 for one in results if one.is_error or one.exit_code not in (None, 0)),
        uses=_uses(known),
        env=known.env,
    )


def _uses(known: SessionMeta) -> tuple[Use, ...]:
    """Each skill once, by the name that it has whatever its agent puts before it; what an evolver did to
    write skills is no use of any."""
    found: dict[tuple[str, str], bool] = {}
    for use in known.skills if known.kind != "evolver" else []:
        mark = (plain_name(use.name), use.hub or "")
        found[mark] = found.get(mark, False) or use.read_step is not None or use.invoked_step is not None
    return tuple(Use(name=name, hub=hub, used=used) for (name, hub), used in found.items())


def spaced(text: str) -> str:
    """The text with each character of a script without blanks as a word of its own."""
    return _SCRIPT.sub(r" \1 ", text)


def query_of(words: str) -> str:
    """What somebody searches for, as a query of FTS5 (SQLite manual, "FTS5 Extension", 3): all words; one
    that ends in `*` as it begins. Empty where there is no word. Nothing else in it is an operator."""
    found = []
    for word in words[:400].split()[:ASKED]:
        parts = spaced("".join(char if char.isalnum() else " " for char in word)).split()
        if not parts:
            continue
        phrase = '"' + " ".join(parts) + '"'
        begins = word.endswith("*") and not _SCRIPT.match(parts[-1])
        found.append(f"{phrase} *" if begins else phrase)
    return " AND ".join(found)


def title_of(trajectory: Trajectory) -> str:
    """The first words of the user's first request on one line; empty where there is none."""
    for step in trajectory.steps:
        own = step_meta(step)
        if step.source == "user" and own.kind == "turn" and not own.injected:
            text = own_text(text_of(step.message)[:20_000])
            if text.strip():
                return one_line(text, TITLE)
    return ""


def _words(trajectory: Trajectory) -> str:
    parts: list[str] = []
    left = WORDS
    for text in _said(trajectory.steps):
        parts.append(text[: min(left, MESSAGE)])
        left -= len(parts[-1])
        if left <= 0:
            break
    return spaced("\n".join(parts))


def _said(steps: list[Step]) -> Iterator[str]:
    """What user and agent said: not what a host put there, nor system prompts."""
    for step in steps:
        own = step_meta(step)
        if step.source != "system" and own.kind == "turn" and not own.injected and not step.is_copied_context:
            text = text_of(step.message)
            if text.strip():
                yield text


def _totals(trajectory: Trajectory) -> Metrics:
    """The totals that the session tells, else the sums of what its steps tell."""
    total = trajectory.final_metrics
    steps = [step.metrics for step in trajectory.steps if step.metrics is not None]
    return Metrics(
        prompt_tokens=total.total_prompt_tokens
        if total and total.total_prompt_tokens is not None
        else _whole([one.prompt_tokens for one in steps]),
        completion_tokens=total.total_completion_tokens
        if total and total.total_completion_tokens is not None
        else _whole([one.completion_tokens for one in steps]),
        cost_usd=total.total_cost_usd
        if total and total.total_cost_usd is not None
        else _sum([one.cost_usd for one in steps]),
    )


def _whole(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return max(-MOST, min(MOST, sum(known))) if known else None


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
