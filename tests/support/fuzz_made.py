"""Hostile values and damage, drawn from the bytes that a fuzzer gives.

Every byte is one choice, and where no byte is left the plain choice is made: equal bytes give equal values, a
shorter input gives a simpler one, and what a fuzzer learns of a byte stays true when it changes others.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from skillclaw.trajectory.model import ATIF_VERSION

__all__ = ["Drawn", "dumped", "example", "session"]

_T = TypeVar("_T")
TEXTS = (
    "",
    " ",
    "x",
    "\x00",
    "\ud800",
    "a\ud83d",
    "\ufeff",
    "\u202e",
    "\u200b",
    "../../x",
    "/etc/passwd",
    "a/b\\c:d",
    "2026-03-01T10:00:00Z",
    "9999-99-99T99:99:99Z",
    "-1",
    "nan",
    "1e999",
    "data:image/png;base64,!!!",
    "<script>x</script>",
    "</system-reminder>",
    "```",
    "---\n",
    "\n",
    "\r\n\r",
    '{"a": [',
    "[" * 600,
    "user",
    "assistant",
    "tool",
    "tool_result",
    "SKILL.md",
    "x" * 3000,
    "sk-" + "aB3" * 16,
    "export API_KEY=x",
)
NUMBERS = (0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**70), 10**400, 0.5, -0.0, 1e308, 1e-320, 1767225600000)


class Drawn:
    """The choices in `data`, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        """0 to 255; 0 where nothing is left."""
        if self._at >= len(self._data):
            return 0
        self._at += 1
        return self._data[self._at - 1]

    def below(self, most: int) -> int:
        """0 to `most` - 1."""
        if most <= 256:
            return self.byte() % most
        return (self.byte() << 16 | self.byte() << 8 | self.byte()) % most

    def pick(self, of: Sequence[_T]) -> _T:
        """One of them; the first where nothing is left."""
        return of[self.below(len(of))]

    def yes(self, one_in: int = 2) -> bool:
        """Whether; no where nothing is left."""
        return self.byte() % one_in == 1

    def bytes(self, most: int = 40) -> bytes:
        """Up to `most` of the bytes to come, as they are."""
        size = min(self.below(most + 1), len(self._data) - self._at)
        self._at += size
        return self._data[self._at - size : self._at]

    def rest(self) -> bytes:
        """All that is left."""
        found, self._at = self._data[self._at :], len(self._data)
        return found

    def text(self) -> str:
        """A text that somebody might put somewhere to do harm, or one of the input's own."""
        if self.yes(3):
            return self.bytes().decode("utf-8", self.pick(("replace", "surrogateescape", "ignore")))
        return self.pick(TEXTS)

    def value(self, depth: int = 0) -> Any:
        """Any JSON value, of any type."""
        kind = self.below(9)
        if kind < 3 or depth > 3:
            return self.text()
        if kind == 3:
            return self.pick(NUMBERS)
        if kind == 4:
            return self.pick(
                (None, True, False, [], {}, [None], [[]], {"": None}, float("inf"), float("nan"))
            )
        if kind == 5:
            return [self.value(depth + 1) for _ in range(self.below(4))]
        if kind == 6:
            return {self.text(): self.value(depth + 1) for _ in range(self.below(4))}
        if kind == 7:
            return [{"type": self.text(), "text": self.value(depth + 1)}, self.value(depth + 1)]
        return nested(self.pick((2, 60, 120, 400)), self.yes())

    def harmed(self, tree: Any, value: Callable[[], Any] | None = None) -> Any:
        """`tree` with some values, at any depth, replaced, dropped, doubled or swapped."""
        value = value or self.value
        tree = copy.deepcopy(tree)
        for _ in range(1 + self.below(6)):
            node = tree
            while isinstance(node, dict | list) and node:
                keys: list[Any] = list(node) if isinstance(node, dict) else [*range(len(node))]
                key = self.pick(keys)
                below = node[key]
                if isinstance(below, dict | list) and below and not self.yes(4):
                    node = below
                    continue
                self._harm(node, key, keys, value)
                break
        return tree

    def _harm(self, node: Any, key: Any, keys: list[Any], value: Callable[[], Any]) -> None:
        how = self.below(8)
        if how < 4:
            node[key] = value()
        elif how == 4:
            del node[key]
        elif how == 5 and isinstance(node, list):
            node.insert(self.below(len(node) + 1), node[key])  # no copy: it may be nested too deep for one
        elif how == 6:
            other = self.pick(keys)
            node[key], node[other] = node[other], node[key]
        elif isinstance(node, dict):
            node[self.text()] = value()
        else:
            node.append(value())

    def torn(self, data: bytes) -> bytes:
        """`data` with a few places cut, overwritten or doubled."""
        for _ in range(self.below(5)):
            at = self.below(len(data) + 1)
            how = self.below(5)
            if how == 0:
                data = data[:at] + self.bytes() + data[at:]
            elif how == 1:
                new = self.bytes()
                data = data[:at] + new + data[at + len(new) :]
            elif how == 2:
                data = data[:at] + data[at + self.below(64) :]
            elif how == 3:
                data = data[:at]
            else:
                data = data[:at] + data[at : at + self.below(200)] * 2 + data[at:]
        return data

    def lines(self, events: Sequence[Any]) -> bytes:
        """Harmed events as JSON lines; texts with halves of characters are escaped as agents do."""
        events = self.harmed(list(events))
        ascii = not self.yes(3)
        return b"\n".join(dumped(event, ascii) for event in events) + (b"" if self.yes(4) else b"\n")


def dumped(value: Any, ascii: bool = True) -> bytes:
    """JSON as a careless program writes it; what Python's own writer finds too deep is deep lists."""
    try:
        return json.dumps(value, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    except RecursionError:
        return b"[" * 3000 + b"]" * 3000


def nested(depth: int, lists: bool) -> Any:
    """A value in a value in a value."""
    made: Any = "deep"
    for _ in range(depth):
        made = [made] if lists else {"a": made}
    return made


def example(kind: Any) -> Any:
    """A JSON value that `kind` (what msgspec decodes) takes, with every field of its records said."""
    return msgspec.to_builtins(_example(inspect.type_info(kind), 0))


def _example(info: Any, depth: int) -> Any:
    match info:
        case inspect.StructType():
            fields = [field for field in info.fields if depth < 6 or field.required]
            made = {field.encode_name: _example(field.type, depth + 1) for field in fields}
            return {info.tag_field: info.tag, **made} if info.tag_field else made
        case inspect.LiteralType():
            return info.values[0]
        case inspect.UnionType():
            return _example(next(one for one in info.types if not isinstance(one, inspect.NoneType)), depth)
        case inspect.ListType() | inspect.SetType() | inspect.FrozenSetType() | inspect.VarTupleType():
            return [_example(info.item_type, depth + 1)] if depth < 6 else []
        case inspect.TupleType():
            return [_example(one, depth + 1) for one in info.item_types]
        case inspect.DictType():
            return {"a": _example(info.value_type, depth + 1)} if depth < 6 else {}
        case inspect.IntType():
            return 1
        case inspect.FloatType():
            return 1.0
        case inspect.BoolType():
            return True
        case inspect.BytesType():
            return b"0" * 32
        case inspect.NoneType():
            return None
        case _:
            return "x"


def session() -> dict[str, Any]:
    """An ATIF document with all that one can hold."""
    call = {"tool_call_id": "c1", "function_name": "Bash", "arguments": {"command": "cd app && make test"}}
    read = {"tool_call_id": "c2", "function_name": "Read", "arguments": {"file_path": "/srv/app/SKILL.md"}}
    image = {"type": "image", "source": {"media_type": "image/png", "path": "a.png"}}
    failed = "Exit code 2\nmake: *** No rule to make target 'test'.  Stop."
    sub = {
        "schema_version": ATIF_VERSION,
        "trajectory_id": "sub",
        "agent": {"name": "helper", "version": "1"},
        "steps": [{"step_id": 1, "source": "user", "message": "look"}],
    }
    return {
        "schema_version": ATIF_VERSION,
        "session_id": "s1",
        "trajectory_id": "t1",
        "agent": {
            "name": "codex",
            "version": "1.2",
            "model_name": "m",
            "tool_definitions": [{"type": "function", "function": {"name": "Bash"}}],
            "extra": {"os": "linux"},
        },
        "steps": [
            {"step_id": 1, "source": "system", "message": "Be brief.", "timestamp": "2026-03-01T10:00:00Z"},
            {
                "step_id": 2,
                "source": "user",
                "message": [{"type": "text", "text": "Run the tests of the app"}, image],
                "timestamp": "2026-03-01T10:00:01.5+01:00",
                "extra": {"skillclaw": {"kind": "turn"}},
            },
            {
                "step_id": 3,
                "source": "agent",
                "message": "I look.",
                "model_name": "m",
                "reasoning_effort": 0.5,
                "reasoning_content": "hm",
                "llm_call_count": 1,
                "tool_calls": [call, read],
                "observation": {
                    "results": [
                        {
                            "source_call_id": "c1",
                            "content": failed,
                            "extra": {"skillclaw": {"exit_code": 2, "is_error": True, "taint": "web"}},
                        },
                        {"source_call_id": "c2", "content": "---\nname: a\ndescription: b\n---\n# A\n"},
                        {"content": None, "subagent_trajectory_ref": [{"trajectory_id": "sub"}]},
                    ]
                },
                "metrics": {"prompt_tokens": 5, "completion_tokens": 3, "cached_tokens": 1, "cost_usd": 0.1},
            },
            {
                "step_id": 4,
                "source": "agent",
                "message": "",
                "tool_calls": [{**call, "arguments": {"command": "make -C app check"}}],
                "observation": {"results": [{"source_call_id": "c1", "content": "ok\nExit code: 0"}]},
            },
            {"step_id": 5, "source": "user", "message": "No, use `npm test` instead. token=abc123def456"},
            {"step_id": 6, "source": "agent", "message": "All 12 tests pass."},
        ],
        "notes": "none",
        "final_metrics": {"total_prompt_tokens": 5, "total_steps": 6},
        "subagent_trajectories": [sub],
        "extra": {
            "skillclaw": {
                "v": 1,
                "user": "ada",
                "project": "app",
                "outcome": "failure",
                "reward": 0.5,
                "task": "t",
                "signals": [{"kind": "tests", "value": 1.0, "step": 3}],
                "skills": [{"name": "a", "offered": True, "read_step": 3}],
            }
        },
    }
