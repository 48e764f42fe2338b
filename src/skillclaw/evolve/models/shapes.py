"""The form that an answer must have: a record's JSON Schema, told to the model, and its answer read back."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import msgspec

__all__ = ["Unfit", "read_answer", "schema_of"]

T = TypeVar("T")


class Unfit(Exception):  # noqa: N818 - what is wrong with an answer, no fault of the program
    """An answer is not of the form that was asked for; the text says why, for the model to mend it."""


def schema_of(kind: type[Any]) -> dict[str, Any]:
    """The JSON Schema of a record, in one piece: small servers do not follow references. Objects take no keys
    but their own."""
    whole = msgspec.json.schema(kind)
    parts: dict[str, Any] = whole.get("$defs", {})
    made: dict[str, Any] = _inlined(whole, parts, ())
    return made


def _inlined(node: Any, parts: dict[str, Any], above: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_inlined(one, parts, above) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = str(node["$ref"]).rpartition("/")[2]
        if name in above:
            raise TypeError(f"{name} holds itself; an answer must have an end")
        return _inlined(copy.deepcopy(parts[name]), parts, (*above, name))
    made = {key: _inlined(value, parts, above) for key, value in node.items() if key != "$defs"}
    if made.get("type") == "object" and "properties" in made:
        made["additionalProperties"] = False
    return made


def read_answer(text: str, kind: type[T]) -> T:
    """The record in an answer, also where words or a fence stand around it. Raises Unfit."""
    text = text.strip()
    if not text:
        raise Unfit("The answer is empty.")
    first: msgspec.DecodeError | None = None
    for candidate in (text, text[text.find("{") : text.rfind("}") + 1]):
        if not candidate:
            continue
        try:
            return msgspec.json.decode(candidate, type=kind)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            fault = (
                error
                if isinstance(error, msgspec.DecodeError)
                else msgspec.DecodeError("not text" if isinstance(error, UnicodeError) else "too deep")
            )
            # What is JSON but does not fit says more than that the words around it are none.
            if first is None or isinstance(fault, msgspec.ValidationError):
                first = fault
    kind_of = "does not fit the schema" if isinstance(first, msgspec.ValidationError) else "is not JSON"
    raise Unfit(f"The answer {kind_of}: {first}.")
