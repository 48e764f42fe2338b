"""What a model or an agent's program says: answers of a Chat Completions server, calls written as text, JSON
between other lines, and the output of each program that runs without a screen.

The first byte chooses. Half a call is never made a whole one, and nothing raises.
"""

from __future__ import annotations

import json

from skillclaw.headless.agents import chat, toolprompt
from skillclaw.headless.claude_code import ClaudeCode
from skillclaw.headless.codex import Codex
from skillclaw.headless.hermes import Hermes
from skillclaw.headless.jsonlines import objects, text_of
from skillclaw.headless.model import Turn
from skillclaw.headless.openclaw import OpenClaw

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
PLATFORMS = (ClaudeCode(), Codex(), Hermes(), OpenClaw())
PART = "\n====\n"
"""Between what a program wrote, what it wrote of errors, and the session that it was asked for afterwards."""
DICT = (
    PART.encode(),
    b'{"type":"result","usage":{"input_tokens":',
    b'{"type":"assistant","message":{"content":[{"type":"tool_use"',
    b'{"type":"item.completed","item":{"type":',
    b'{"type":"turn.completed","usage":',
    b'{"meta":{"agentMeta":{"usage":',
    b'{"source":"transcript","data":{"message":{"role":',
    b"session_id: ",
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
    """As an answer's body, as text with a call in it, as lines, as a program's output."""
    first, body = (data[0], data[1:]) if data else (0, b"")
    text = body.decode("utf-8", "replace")
    if first & 128:
        _program(first, text)
    elif first % 3 == 0:
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


def _program(first: int, text: str) -> None:
    """What was said and done, which can be kept; an unreadable session leaves what was told before."""
    out, _, rest = text.partition(PART)
    err, _, more = rest.partition(PART)
    platform = PLATFORMS[first % len(PLATFORMS)]
    turn = platform.read(out, err)
    _kept(turn)
    platform.after(["program"], turn.session)
    _kept(platform.more(turn, more))


def _kept(turn: Turn) -> None:
    json.dumps([*turn.messages, turn.text, turn.session, turn.error])
    assert turn.tokens_in >= 0 and turn.tokens_out >= 0 and turn.steps >= 0
    for text in (turn.text, turn.session, turn.error):
        assert isinstance(text, str)
