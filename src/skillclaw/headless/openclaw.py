"""OpenClaw, headless: `openclaw agent --local --json`, which goes on by the session's key.

Its answer is one JSON document with the text and the usage of the run; what was done is asked for with
`openclaw sessions export-trajectory`, whose events hold the messages. Run with 2026.9.6 on Node 24.21.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from skillclaw.headless.jsonlines import call, count, objects, text_of
from skillclaw.headless.model import Endpoint, Message, Platform, Turn

__all__ = ["OpenClaw"]

# The export goes to a folder of the command's own: into the workspace it would be before the grader.
EXPORT = (
    'mkdir /tmp/export && "$@" --workspace /tmp/export >/dev/null '
    "&& cat /tmp/export/.openclaw/trajectory-exports/*/events.jsonl"
)


class OpenClaw(Platform):
    """See `Platform`."""

    name = "openclaw"
    title = "OpenClaw"
    program = "openclaw"
    install = "npm install -g openclaw; it needs Node.js 24.16 or newer."

    def files(self, endpoint: Endpoint, folder: str) -> Mapping[str, str]:
        """A provider of its own name, which names the session in headers; the task's folder as workspace."""
        model = {
            "id": endpoint.model,
            "name": endpoint.model,
            "reasoning": False,
            "input": ["text"],
            "contextWindow": 128_000,
            "maxTokens": 8_192,
            "compat": {"supportsPromptCacheKey": True, "sendSessionAffinityHeaders": True},
        }
        provider = {
            "baseUrl": endpoint.base_url,
            "apiKey": endpoint.key or "none",
            "api": "openai-completions",
            "models": [model],
        }
        defaults = {
            "workspace": folder,
            "skipBootstrap": True,  # or it writes files about itself into the workspace
            "model": {"primary": f"room/{endpoint.model}"},
        }
        config = {
            "agents": {"defaults": defaults},
            "models": {"mode": "merge", "providers": {"room": provider}},
        }
        return {".openclaw/openclaw.json": json.dumps(config, indent=1)}

    def environ(self, endpoint: Endpoint) -> Mapping[str, str]:
        """Plain text in what is shown of its errors."""
        return {"NO_COLOR": "1"}

    def arguments(self, session: str, first: bool, text: str) -> tuple[list[str], str]:
        """With `=`, as a text that begins with a dash would be taken as an option."""
        key = f"agent:main:{session.removeprefix('agent:main:')}"
        start = ["agent", "--local", "--agent", "main", "--session-key", key]
        return [*start, f"--message={text}", "--json"], ""

    def read(self, out: str, err: str) -> Turn:
        """The document; where there is none, what stderr said."""
        meta = _meta(out)
        if not meta:
            return Turn()
        text = text_of(meta.get("finalAssistantVisibleText"))
        agent = _dict(meta.get("agentMeta"))
        usage = _dict(agent.get("usage"))
        read = ("input", "cacheRead", "cacheWrite")
        return Turn(
            messages=({"role": "assistant", "content": text},) if text else (),
            text=text,
            steps=count(_dict(meta.get("toolSummary")).get("calls")),
            tokens_in=sum(count(usage.get(key)) for key in read),
            tokens_out=count(usage.get("output")),
            session=text_of(agent.get("sessionFile")),  # the session's key
            error=text_of(_dict(meta.get("error")).get("message")) if meta.get("error") else "",
        )

    def after(self, program: Sequence[str], session: str) -> list[str]:
        """The session's events."""
        told = [*program, "sessions", "export-trajectory", "--session-key", session, "--json"]
        return ["sh", "-c", EXPORT, "export", *told]

    def more(self, turn: Turn, out: str) -> Turn:
        """What came after the user's last message."""
        messages: list[Message] = []
        for event in objects(out):
            message = _dict(_dict(event.get("data")).get("message"))
            if event.get("source") != "transcript" or not message:
                continue
            if message.get("role") == "user":
                messages.clear()
            elif message.get("role") == "assistant":
                messages.append(_assistant(message))
            elif message.get("role") == "toolResult":
                ident = str(message.get("toolCallId"))
                content = text_of(message.get("content"))
                messages.append({"role": "tool", "tool_call_id": ident, "content": content})
        return msgspec.structs.replace(turn, messages=tuple(messages) or turn.messages)


def _meta(out: str) -> dict[str, Any]:
    start = out.find("{")
    try:
        value = json.JSONDecoder().raw_decode(out, start)[0] if start >= 0 else {}
    except (ValueError, RecursionError):
        return {}
    return _dict(_dict(value).get("meta"))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _assistant(message: dict[str, Any]) -> Message:
    content = message.get("content")
    blocks = [_dict(part) for part in content] if isinstance(content, list) else []
    text = "\n".join(text_of(part.get("text")) for part in blocks if part.get("type") == "text")
    if isinstance(content, str):
        text = content
    calls = [
        call(part.get("id"), part.get("name"), part.get("arguments"))
        for part in blocks
        if part.get("type") == "toolCall"
    ]
    return {"role": "assistant", "content": text or None} | ({"tool_calls": calls} if calls else {})
