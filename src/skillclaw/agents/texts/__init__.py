"""Keys of settings files, as text: each format is edited where the key stands, all other bytes stay.

People keep their settings in an order, a layout and with comments of their own, and a rewrite by a library
loses these. A module a format (`jsontext` for JSON and JSON5, `yamltext`, `tomltext`, `envtext`), each with
`load`, `set_value`, `append` and `remove`. Here every edited text is parsed again and compared with what was
wanted before it counts. Pure: text in, text out.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Literal, Protocol

from skillclaw.agents.texts.errors import TextError

__all__ = ["Format", "Key", "TextError", "append", "at", "get", "load", "remove", "set_value"]

Format = Literal["json", "json5", "toml", "yaml", "env", "text"]
"""`json5` also stands for JSON with comments; `text` for a file that is written as a whole."""
Key = str | int
"""A name in an object, or a position in a list."""


class _Text(Protocol):
    def load(self, text: str, /) -> Any: ...
    def set_value(self, text: str, keys: Sequence[Key], value: Any, /) -> str: ...
    def append(self, text: str, keys: Sequence[Key], value: Any, /) -> str: ...
    def remove(self, text: str, keys: Sequence[Key], /) -> str: ...


def load(text: str, format: Format) -> Any:
    """What the text holds: an object, empty for an empty file. Raises TextError."""
    bare = text.removeprefix("\ufeff")
    held = _module(format).load(bare) if bare.strip() else {}
    if held is None:
        held = {}
    if not isinstance(held, dict):
        raise TextError("it holds no object")
    return held


def get(text: str, format: Format, keys: Sequence[Key]) -> tuple[bool, Any]:
    """(True, value) of the key at the path, or (False, None). Raises TextError."""
    return at(load(text, format), keys)


def set_value(text: str, format: Format, keys: Sequence[Key], value: Any) -> str:
    """The text with the key at the path set; objects on the way are made. Raises TextError."""
    wanted = load(text, format)
    _put(wanted, keys, value)
    return _checked(text, format, [wanted], lambda body: _module(format).set_value(body, keys, value))


def append(text: str, format: Format, keys: Sequence[Key], value: Any) -> str:
    """The text with one more item at the end of the list at the path, which is made. Raises TextError."""
    wanted = load(text, format)
    had, items = at(wanted, keys)
    if not had or items is None:
        return set_value(text, format, keys, [value])
    if not isinstance(items, list):
        raise TextError(f"{_shown(keys)} is not a list")
    _put(wanted, keys, [*items, value])
    return _checked(text, format, [wanted], lambda body: _module(format).append(body, keys, value))


def remove(text: str, format: Format, keys: Sequence[Key]) -> str:
    """The text without the key or the item at the path; the same text when it is not there."""
    wanted = load(text, format)
    if not at(wanted, keys)[0]:
        return text
    holder = at(wanted, keys[:-1])[1]
    del holder[keys[-1]]
    # With its last key an object may go, or become an empty value, where a format writes no empty one.
    right = [wanted, _pruned(wanted, keys[:-1]), _emptied(wanted, keys[:-1])]
    return _checked(text, format, right, lambda body: _module(format).remove(body, keys))


def _checked(text: str, format: Format, right: list[Any], edit: Any) -> str:
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    try:
        made: str = edit(text.removeprefix("\ufeff"))
    except IndexError as error:  # blanks and ends that the parser takes and the scanner does not
        raise TextError("the file's layout does not allow it") from error
    if load(made, format) not in right:
        raise TextError("the file's layout does not allow it")
    return bom + made


def _module(format: Format) -> _Text:
    from importlib import import_module

    name = {"json": "jsontext", "json5": "json5text"}.get(format, f"{format}text")
    if format == "text":
        raise TextError("it is no file of keys")
    module: Any = import_module(f"skillclaw.agents.texts.{name}")
    return module  # type: ignore[no-any-return]  # a module is its functions


def at(node: Any, keys: Sequence[Key]) -> tuple[bool, Any]:
    """(True, value) at a path in what `load` gave, or (False, None)."""
    for key in keys:
        if isinstance(key, int):
            if not isinstance(node, list) or not -len(node) <= key < len(node):
                return False, None
        elif not isinstance(node, dict) or key not in node:
            return False, None
        node = node[key]
    return True, node


def _put(tree: Any, keys: Sequence[Key], value: Any) -> None:
    for depth, key in enumerate(keys[:-1]):
        below = at(tree, [key])[1]
        if below is None and isinstance(key, str) and isinstance(tree, dict):
            below = tree[key] = {}
        if not isinstance(below, dict | list):
            raise TextError(f"{_shown(keys[: depth + 1])} is not an object")
        tree = below
    last = keys[-1]
    if isinstance(last, int) != isinstance(tree, list) or (isinstance(last, int) and last >= len(tree)):
        raise TextError(f"{_shown(keys)} is not there")
    tree[last] = deepcopy(value)


def _pruned(tree: Any, keys: Sequence[Key]) -> Any:
    """The tree without the empty objects at the end of a path."""
    if not keys or not isinstance(tree, dict) or not isinstance(tree.get(keys[0]), dict):
        return tree
    below = _pruned(tree[keys[0]], keys[1:])
    rest = {name: value for name, value in tree.items() if name != keys[0]}
    return {**rest, keys[0]: below} if below else rest


def _emptied(tree: Any, keys: Sequence[Key]) -> Any:
    """The tree with null for the empty object at a path."""
    made = deepcopy(tree)
    had, holder = at(made, keys[:-1])
    if keys and had and not holder[keys[-1]]:
        holder[keys[-1]] = None
    return made


def _shown(keys: Sequence[Key]) -> str:
    return ".".join(map(str, keys))
