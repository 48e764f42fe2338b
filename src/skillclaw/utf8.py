"""Words of people and of models have to be text before they are written anywhere."""

from __future__ import annotations

from typing import Any

from skillclaw.errors import BadInputError

__all__ = ["need_utf8", "without_halves"]

SHOWN = 60
"""Characters of the text that the error shows."""


def need_utf8(what: str, value: object) -> None:
    """BadInputError where `value`, or a text anywhere in it, is no UTF-8. Bytes of another encoding come in
    by way of the command line, as halves of surrogate pairs, which no JSON can hold."""
    import msgspec

    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError as error:
        text = error.object[max(0, error.start - SHOWN // 2) :][:SHOWN]
        raise BadInputError(
            f"A text of the {what} is no UTF-8, so nothing was written.",
            f"It holds bytes of another encoding: {text!a}",
            "Say it again from a terminal that is set to UTF-8.",
        ) from error


def without_halves(node: Any) -> Any:
    """JSON with question marks for half surrogate pairs, which a model may write and no file can hold."""
    if isinstance(node, str):
        return node.encode("utf-8", "replace").decode("utf-8")
    if isinstance(node, dict):
        return {without_halves(key): without_halves(value) for key, value in node.items()}
    return [without_halves(one) for one in node] if isinstance(node, list) else node
