"""Streamed tool calls of Chat Completions: which call each piece belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from skillclaw.wire.content import as_dict, as_str, whole_number

__all__ = ["Calls", "Piece", "piece_of"]


class Piece(NamedTuple):
    """What one delta says of a call.

    at     its index
    raw    a call in free text (`custom`)
    given  the input, as it came
    """

    at: int | None
    call_id: str
    name: str
    raw: bool
    given: Any


def piece_of(delta: dict[str, Any]) -> Piece:
    """A member of a delta's `tool_calls`."""
    raw = isinstance(delta.get("custom"), dict)
    function = as_dict(delta.get("custom" if raw else "function"))
    return Piece(
        at=whole_number(delta.get("index")),
        call_id=as_str(delta.get("id")),
        name=as_str(function.get("name")),
        raw=raw,
        given=function.get("input" if raw else "arguments"),
    )


class _Named(Protocol):
    call_id: str


Made = TypeVar("Made", bound=_Named)


class Calls(Generic[Made]):
    """The calls of one reply in the order in which they began; `make` gives what holds one."""

    def __init__(self, make: Callable[[Piece], Made]) -> None:
        self._make = make
        self._all: list[Made] = []
        self._at: dict[int, Made] = {}

    def __iter__(self) -> Iterator[Made]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def of(self, piece: Piece) -> Made:
        """The call that the piece is of: a known one, or one that begins with it."""
        index = piece.at
        call = self._at.get(index) if index is not None else (self._all[-1] if self._all else None)
        # Some servers give every call the same index, or none: a new id is a new call.
        other = call is not None and call.call_id and piece.call_id and piece.call_id != call.call_id
        if call is None or (other and piece.name):
            call = self._make(piece)
            self._all.append(call)
            if index is not None:
                self._at[index] = call
        return call
