"""What models answer, as the evolver and the built-in agent read it: calls in fences, records, half a JSON.

The first byte says which reader; the rest is the answer (text that is no UTF-8 comes as a model server gives
it). An answer that is none is told by the reader's own error, or taken for words; half a call is never whole.
"""

from __future__ import annotations

import json

from skillclaw.evolve.drafting.records import Draft
from skillclaw.evolve.models.shapes import Unfit, read_answer
from skillclaw.evolve.models.told_tools import Unread, read_call
from skillclaw.headless.agents import toolprompt

ALLOWED = (Unfit, Unread)
DICT = (
    b"```json\n",
    b"\n```",
    b'{"tool": "',
    b'"arguments": {',
    b'{"name": "bash"',
    b'{"answer": "',
    b"NaN",
    b"\\u",
)
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "bash",
            "parameters": {
                "type": "object",
                "properties": {"command": {"type": "string"}},
                "required": ["command"],
            },
        },
    },
    {"type": "function", "function": {"name": "read", "parameters": {"type": "object", "properties": {}}}},
]


def once(data: bytes) -> None:
    """One answer."""
    kind, text = (
        (data[0] % 4, data[1:].decode("utf-8", "surrogateescape" if data[0] & 64 else "replace"))
        if data
        else (0, "")
    )
    if kind == 0:
        call = read_call(text)
        assert call.tool and isinstance(call.arguments, dict)
        json.dumps(call.arguments)
    elif kind == 1:
        read_answer(text, Draft)
    else:
        said = toolprompt.read(text, TOOLS if kind == 2 else [])
        assert said.name in ("", "bash", "read")
        json.dumps(said.arguments)
