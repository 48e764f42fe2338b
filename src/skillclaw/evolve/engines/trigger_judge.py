"""A model as the second opinion on a description: which skills it would open for requests held out.

The words decide first; a model is asked only about a description that did better by them, where a cycle has a
model at all, and can only say no. It sees names, descriptions and requests, fenced, and answers with names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from skillclaw.evolve.dossier import DATA_RULE, fenced, line
from skillclaw.evolve.models import Question
from skillclaw.gate.triggers import Trial, TriggerScore
from skillclaw.skills.retrieval import Entry
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.evolve.models.asker import Asker

__all__ = ["Opened", "Opens", "score_by_model"]

MOST = 24
"""Requests in one question."""

RULES = f"""You are an agent with a list of skills. For each numbered request say which skills of the list you
would open before you begin, by their descriptions alone. Most requests need one skill or none; name more only
where they are needed together. Use the names exactly as they are listed.

{DATA_RULE}"""


class Opened(Record, frozen=True, kw_only=True):
    """The skills for one request, by its number; none is an answer too."""

    request: int
    skills: list[str] = []


class Opens(Record, frozen=True, kw_only=True):
    """One entry for each request."""

    requests: list[Opened]


def score_by_model(
    asker: Asker, name: str, entries: Mapping[str, Entry], trials: Sequence[Trial]
) -> TriggerScore:
    """How the skill `name` does on the trials as the model sees them. Raises ModelError."""
    own = [trial for trial in trials if trial.own][: MOST // 2]
    asked = sorted([*own, *[t for t in trials if not t.own][: MOST - len(own)]], key=lambda t: t.request)
    answer = asker.ask(_question(entries, asked))
    up = {one.request for one in answer.requests if name in one.skills}
    hits = [trial for number, trial in enumerate(asked, 1) if number in up]
    return TriggerScore(
        own=len(own),
        found=sum(trial.own for trial in hits),
        near=len(asked) - len(own),
        drawn=sum(not trial.own for trial in hits),
    )


def _question(entries: Mapping[str, Entry], asked: Sequence[Trial]) -> Question[Opens]:
    skills = "\n".join(f"{name}: {line(entry.description, 1024)}" for name, entry in sorted(entries.items()))
    requests = "\n".join(f"{number}. {line(trial.request, 400)}" for number, trial in enumerate(asked, 1))

    def check(answer: Opens) -> str:
        if sorted(one.request for one in answer.requests) != list(range(1, len(asked) + 1)):
            return f"There are {len(asked)} requests, numbered from 1: answer each once."
        unknown = sorted({name for one in answer.requests for name in one.skills} - set(entries))
        return f"There is no skill {unknown[0][:60]!r} in the list." if unknown else ""

    return Question(
        stage="trigger",
        rules=RULES,
        prompt=f"{fenced('skills', skills)}\n\n{fenced('requests', requests)}\n\nWhich skills for each?",
        answer=Opens,
        max_tokens=60 * len(asked) + 100,
        check=check,
    )
