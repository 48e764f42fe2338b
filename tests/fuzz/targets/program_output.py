"""What a model or an agent's program says: answers of a Chat Completions server, calls written as text, JSON
between other lines.

The first byte chooses. Half a call is never made a whole one, and nothing raises.
"""

from __future__ import annotations

import json

from skillclaw.headless.agents import chat, toolprompt
from skillclaw.headless.jsonlines import objects, text_of

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "bash",
            "parameters": {
                "type": "object",
                "required": ["command"],
                "properties": {"command": {"type": "string"}},
            },
        },
    },
    {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}},
]
DICT = (
    b'{"tool":',
    b'"arguments":',
    b'"bash"',
    b'"command"',
    b'{"answer":',
    b"```bash\n",
    b"```",
    b'"tool_calls"',
    b'"choices"',
    b'"function"',
    b'"name"',
    b"\\u",
    b"{" * 60,
    b"[" * 2000,
)


def once(data: bytes) -> None:
    """As an answer's body, as text with a call in it, as lines."""
    first, body = (data[0], data[1:]) if data else (0, b"")
    text = body.decode("utf-8", "replace")
    if first % 3 == 0:
        answer = chat._read(body)
        chat._reason(body)
        for call in answer.calls:
            json.dumps(call.arguments)
    elif first % 3 == 1:
        said = toolprompt.read(text, TOOLS)
        json.dumps(said.arguments)
    else:
        for value in objects(text):
            text_of(value.get("content"))
