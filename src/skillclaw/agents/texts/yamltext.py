"""YAML settings files, by the marks of PyYAML's nodes (https://yaml.org/spec/1.1): comments and layout stay.

A file must be one mapping. What hangs on an anchor, and values that begin below their key, are left alone:
the edit is then refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from skillclaw.agents.texts.errors import TextError
from skillclaw.agents.texts.scan import nest
from skillclaw.errors import NOT_YAML

__all__ = ["append", "load", "remove", "set_value"]


def load(text: str) -> Any:
    """The value that the text holds; values of unknown tags are kept apart, not made."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Safe, and knows what to do with tags that it does not know."""

    def unknown(loader: Any, tag: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return {"tag": tag, "held": loader.construct_mapping(node, deep=True)}
        if isinstance(node, yaml.SequenceNode):
            return {"tag": tag, "held": loader.construct_sequence(node, deep=True)}
        return {"tag": tag, "held": loader.construct_scalar(node)}

    Loader.add_multi_constructor("", unknown)
    try:
        return yaml.load(text, Loader)  # noqa: S506  a SafeLoader
    except (yaml.YAMLError, *NOT_YAML) as error:
        raise TextError(_where(error)) from None


def _where(error: Exception) -> str:
    """What PyYAML found and where, without any of the text: it quotes the line, which may hold a key."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return (
            "it is nested too deeply" if isinstance(error, RecursionError) else "it holds what YAML forbids"
        )
    problem = re.split(r"['\"`]", str(getattr(error, "problem", None) or "it cannot be read"))[0].strip()
    return f"{problem or 'it cannot be read'} in line {mark.line + 1}, column {mark.column + 1}"


def set_value(text: str, keys: Sequence[str | int], value: Any) -> str:
    """Set a key; the mappings on the way are made."""
    import yaml

    node = _root(text)
    if node is None:
        gap = "" if not text or text.endswith("\n") else _newline(text)
        return text + gap + _block(nest(keys, value), 0).replace("\n", _newline(text))
    for depth, key in enumerate(keys):
        below = _below(node, key)
        if below is None:
            if not isinstance(node, yaml.MappingNode):
                raise TextError(f"{key} is not there")
            return _insert(text, node, nest(keys[depth:], value))
        name, child = below
        empty = isinstance(child, yaml.ScalarNode) and child.tag.endswith(":null")
        if depth == len(keys) - 1 or empty:
            return _replace(text, name, child, nest(keys[depth + 1 :], value))
        node = child
    raise TextError("no key given")


def append(text: str, keys: Sequence[str | int], value: Any) -> str:
    """Add an item at the end of a list that is there."""
    node = _found(text, keys)
    if node.flow_style:
        at = node.end_mark.index - 1
        gap = ", " if node.value else ""
        return f"{text[:at].rstrip()}{gap}{_flow(value)}{text[at:]}"
    at = _line_end(text, _content_end(node))
    start = text.rfind("\n", 0, node.value[-1].start_mark.index) + 1
    line = text[start : node.value[-1].start_mark.index]
    indent = line[: len(line) - len(line.lstrip(" "))]
    return _at_line_end(text, at, f"{indent}- {_flow(value)}")


def remove(text: str, keys: Sequence[str | int]) -> str:
    """Remove an entry or an item; of a mapping's or list's only one, an empty one stays."""
    holder = _found(text, keys[:-1])
    below = _below(holder, keys[-1])
    assert below is not None, "the caller looked"
    name, child = below
    first = name if name is not None else child
    if len(holder.value) == 1 and len(keys) > 1:
        empty = "{}" if isinstance(keys[-1], str) else "[]"
        if holder.flow_style:
            return text[: holder.start_mark.index] + empty + text[holder.end_mark.index :]
        start = len(text[: holder.start_mark.index].rstrip(" \n\r"))
        begin = holder.start_mark.index if text[start - 1] != ":" else start
        gap = " " if begin == start else ""
        return text[:begin] + gap + empty + text[_line_end(text, _content_end(child)) :]
    if holder.flow_style:
        return _without_in_flow(text, holder, first, child)
    start = text.rfind("\n", 0, first.start_mark.index) + 1
    end = _line_end(text, _content_end(child))
    return text[:start] + text[end:].removeprefix("\r").removeprefix("\n")


def _root(text: str) -> Any:
    import yaml

    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TextError(_where(error)) from None
    if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
        return None
    return node


def _found(text: str, keys: Sequence[str | int]) -> Any:
    node = _root(text)
    for key in keys:
        below = _below(node, key)
        assert below is not None, "the caller looked"
        node = below[1]
    return node


def _below(node: Any, key: str | int) -> tuple[Any, Any] | None:
    """(key node or None, value node) in a mapping or list. What an alias stands for is refused."""
    import yaml

    if isinstance(key, int):
        items = node.value if isinstance(node, yaml.SequenceNode) else []
        return (None, items[key]) if -len(items) <= key < len(items) else None
    if not isinstance(node, yaml.MappingNode):
        return None
    for name, child in reversed(node.value):
        if name.value == key:
            if child.start_mark.index < name.end_mark.index:
                raise TextError(f"{key} is an alias of a value elsewhere")
            return name, child
    return None


def _replace(text: str, name: Any, child: Any, value: Any) -> str:
    import yaml

    start, end = child.start_mark.index, child.end_mark.index
    if isinstance(child, yaml.ScalarNode) and child.style in ("|", ">"):
        end = len(text[:end].rstrip(" \n\r"))
    if not isinstance(child, yaml.ScalarNode) and not child.flow_style:
        raise TextError(f"{name.value if name else 'an item'} holds a block of its own")
    if name is not None and start == end:
        # An empty value: its mark may be lines below, behind comments; `{a}` has no colon either.
        colon = text.find(":", name.end_mark.index, end)
        if colon < 0:
            colon = name.end_mark.index
            text = f"{text[:colon]}:{text[colon:]}"
        start = end = colon + 1
    gap = "" if text[start - 1 : start] in (" ", "\t", "[", "{", ",") else " "
    if isinstance(value, dict) and value and name is not None and not _in_flow(text, name):
        block = "\n" + _block(value, name.start_mark.column + 2).rstrip("\n")
        return text[:start].rstrip(" ") + block.replace("\n", _newline(text)) + text[end:]
    return f"{text[:start]}{gap}{_flow(value)}{text[end:]}"


def _in_flow(text: str, name: Any) -> bool:
    """Whether a key stands in `{...}`: something but blanks and dashes is before it on its line."""
    line = text[text.rfind("\n", 0, name.start_mark.index) + 1 : name.start_mark.index]
    return line.strip(" -") != ""


def _insert(text: str, node: Any, value: dict[str, Any]) -> str:
    """A new last entry of a mapping."""
    if node.flow_style:
        at = node.end_mark.index - 1
        inner = _flow(value)[1:-1]
        gap = ", " if node.value else ""
        return f"{text[:at].rstrip() if node.value else text[:at]}{gap}{inner}{text[at:]}"
    at = _line_end(text, _content_end(node))
    return _at_line_end(text, at, _block(value, node.start_mark.column).rstrip("\n"))


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _at_line_end(text: str, at: int, lines: str) -> str:
    newline = _newline(text)
    made = lines.replace("\n", newline)
    tail = text[at:] if text[at:].strip("\r\n") or text[at:] else newline
    return f"{text[:at]}{newline}{made}{tail}"


def _content_end(node: Any) -> int:
    """Where the last thing in a node ends; a block's own mark is behind the comments that follow it."""
    import yaml

    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        end = int(node.end_mark.index)
        if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
            buffer = node.end_mark.buffer or ""
            end = len(buffer[:end].rstrip(" \n\r\0"))
        return end
    last = node.value[-1]
    if not isinstance(last, tuple):
        return _content_end(last)
    name, child = last
    empty = isinstance(child, yaml.ScalarNode) and child.start_mark.index == child.end_mark.index
    if empty or child.start_mark.index < name.end_mark.index:
        return int(name.end_mark.index)  # nothing, or an alias: both are on the key's line
    return _content_end(child)


def _line_end(text: str, at: int) -> int:
    """The end of the line that `at` is in, before its line break; a comment behind a value belongs to it."""
    if at and text[at - 1 : at] == "\n":
        at -= 1
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end


def _without_in_flow(text: str, holder: Any, first: Any, child: Any) -> str:
    nodes = [pair[0] if isinstance(pair, tuple) else pair for pair in holder.value]
    index = next(number for number, node in enumerate(nodes) if node is first)
    if index + 1 < len(nodes):
        return text[: first.start_mark.index] + text[nodes[index + 1].start_mark.index :]
    before = holder.value[index - 1]
    end = (before[1] if isinstance(before, tuple) else before).end_mark.index
    return text[:end] + text[child.end_mark.index :]


def _block(value: dict[str, Any], indent: int) -> str:
    import yaml

    text = yaml.safe_dump(value, default_flow_style=False, sort_keys=False, allow_unicode=True, width=1 << 20)
    return "".join(" " * indent + line for line in text.splitlines(keepends=True))


def _flow(value: Any) -> str:
    """On one line: a bare word where that is safe, else as JSON, which YAML contains."""
    import yaml

    if isinstance(value, str):
        text = yaml.safe_dump(value, allow_unicode=True, width=1 << 20).splitlines()[0]
        plain = not any(sign in value for sign in ",[]{}")
        return text if plain and load(text) == value else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)
