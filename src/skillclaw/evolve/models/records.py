"""What the engines ask a model and what comes of it, as records. No I/O, and no library of models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import msgspec

from skillclaw.errors import SkillClawError
from skillclaw.trajectory.model import Record

__all__ = ["Forecast", "Kind", "ModelError", "Question", "Spending", "StageSpent", "as_tokens"]

T = TypeVar("T")

Kind = Literal["refused", "unusable", "unreachable", "late", "budget", "not recorded"]

CHARS_PER_TOKEN = 3
"""Bytes that a token stands for at least, in estimates: English has four to five, code and paths three."""


@dataclass(frozen=True, kw_only=True)
class Question(Generic[T]):
    """One question to a model.

    stage       what it is asked for: "digest", "attribute", "draft", "review" and the like
    rules       the system text: fixed words of this project, never those of a session
    prompt      what is asked, with the evidence fenced
    answer      the msgspec Record that the answer must be; its JSON Schema goes along
    max_tokens  that the answer may take
    check       says what is wrong with an answer that fits its type ("" for nothing); the model is told
    """

    stage: str
    rules: str
    prompt: str
    answer: type[T]
    max_tokens: int = 2000
    check: Callable[[T], str] | None = None


class ModelError(SkillClawError):
    """A model gave no answer that can be used. `final`: it will give none in this cycle, so ask no more.

    refused       the provider or the model said no (key, rights, request, content)
    unusable      it answered, but not what was asked for
    unreachable   no connection, or the provider failed at every try
    late          no answer in time
    budget        the question would cost more than is left
    not recorded  only recorded answers may be used, and there is none to this question
    """

    def __init__(self, kind: Kind, what: str, why: str = "", todo: str = "", *, final: bool = False) -> None:
        super().__init__(what, why, todo)
        self.kind = kind
        self.final = final


class Forecast(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What a stage will cost at most; `usd` None where no price is known, `recorded` answers cost nothing."""

    stage: str
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float | None = None
    recorded: int = 0


class StageSpent(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What a stage used: requests to the provider, tokens both ways, money; answers that were recorded."""

    stage: str
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0
    recorded: int = 0


class Spending(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What was used up to now, in all and by stage."""

    tokens: int = 0
    calls: int = 0
    usd: float = 0.0
    recorded: int = 0
    stages: list[StageSpent] = []


def as_tokens(text: str) -> int:
    """About how many tokens a text is, rather too many: what is asked may not pass a cap."""
    return len(text.encode("utf-8", "replace")) // CHARS_PER_TOKEN + 1


def added(one: StageSpent, **more: float) -> StageSpent:
    """The stage with more of what is named."""
    return msgspec.structs.replace(one, **{name: getattr(one, name) + value for name, value in more.items()})
