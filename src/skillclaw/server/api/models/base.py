"""What the models of the API have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Action", "Given", "Interval", "Page", "ProposalStatus", "Reason", "Stage", "of", "of_all"]

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

Action = Literal["create", "refine", "describe", "merge", "split", "retire"]
Stage = Literal["canary", "stable", "unproven", "archived", "revoked"]
ProposalStatus = Literal["open", "passed", "held", "rejected", "released"]
Interval = Annotated[list[float | None], Field(min_length=2, max_length=2, description="A 95% interval.")]


class Given(BaseModel):
    """Base of what a client sends: a field that is not known is an error, not a wish that is not heard; and 0
    is no `false`."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Page(BaseModel, Generic[T]):
    """A part of a list. `next` is what to give as `after` for the part behind it; null at the end."""

    items: list[T]
    next: str | None = None


class Reason(BaseModel):
    """What one check said of a proposal."""

    check: str
    verdict: Literal["pass", "hold", "reject", "n/a"]
    reason: str


def of(model: type[M], record: Any, **more: Any) -> M:
    """The record (a msgspec Struct or a dict) as `model`, with `more` in place of its fields."""
    fields = msgspec.to_builtins(record) if isinstance(record, msgspec.Struct) else dict(record)
    known = {name: value for name, value in fields.items() if name in model.model_fields}
    return model.model_validate(known | more)


def of_all(model: type[M], records: Iterable[Any]) -> list[M]:
    """Each record as `model`."""
    return [of(model, record) for record in records]
