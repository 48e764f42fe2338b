"""Claude Code, headless: `claude -p`, which goes on with `--resume`.

Its lines of `--output-format stream-json` are events with Anthropic messages inside; the last one, `result`,
has the answer, the usage and the session's id. Run with 2.1.197 and 2.1.330. Base URL, key and model come
from the environment; as root it works without asking only where IS_SANDBOX=1 says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skillclaw.headless.jsonlines import call, count, objects, text_of
from skillclaw.headless.model import Endpoint, Message, Platform, Turn

__all__ = ["ClaudeCode"]


class ClaudeCode(Platform):
    """See `Platform`."""

    name = "claude-code"
    title = "Claude Code"
    program = "claude"
    install = "npm install -g @anthropic-ai/claude-code, or `make clients` in a checkout of SkillClaw."

    def environ(self, endpoint: Endpoint) -> Mapping[str, str]:
        """Endpoint, key and model; what would reach for other hosts is off."""
        return {
            "ANTHROPIC_BASE_URL": endpoint.base_url.removesuffix("/v1"),  # it adds /v1/messages itself
            "ANTHROPIC_API_KEY": endpoint.key or "none",
            "ANTHROPIC_MODEL": endpoint.model,
            "ANTHROPIC_SMALL_FAST_MODEL": endpoint.model,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "DISABLE_TELEMETRY": "1",
            "IS_SANDBOX": "1",
        }

    def arguments(self, session: str, first: bool, text: str) -> tuple[list[str], str]:
        """The text goes by stdin: one that begins with a dash would be taken as an option."""
        kept = ["--session-id", session] if first else ["--resume", session]
        flags = ["-p", "--output-format", "stream-json", "--verbose", "--dangerously-skip-permissions"]
        return [*flags, *kept], text

    def read(self, out: str, err: str) -> Turn:
        """The events as messages, counts from the last one."""
        messages: list[Message] = []
        result: dict[str, Any] = {}
        session = last = ""
        for event in objects(out):
            session = str(event.get("session_id") or session)
            if event.get("type") == "result":
                result = event
            elif event.get("parent_tool_use_id"):
                continue  # a sub-agent's
            elif event.get("type") == "assistant":
                said = _assistant(event)
                # One message comes in as many events as it has blocks.
                if said and last and last == _id(event):
                    said = [_joined(messages.pop(), said[0])]
                messages += said
                last = _id(event) if said else last
            elif event.get("type") == "user":
                messages += _results(event)
                last = ""
        given = result.get("usage")
        usage = given if isinstance(given, dict) else {}
        read = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        text = str(result.get("result") or "")
        return Turn(
            messages=tuple(messages),
            text=text,
            steps=sum(len(message.get("tool_calls", ())) for message in messages),
            tokens_in=sum(count(usage.get(key)) for key in read),
            tokens_out=count(usage.get("output_tokens")),
            session=session,
            error=(text or str(result.get("subtype"))) if result.get("is_error") else "",
        )


def _blocks(event: dict[str, Any]) -> list[dict[str, Any]]:
    message = event.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _assistant(event: dict[str, Any]) -> list[Message]:
    blocks = _blocks(event)
    text = "\n".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")
    calls = [
        call(block.get("id"), block.get("name"), block.get("input"))
        for block in blocks
        if block.get("type") == "tool_use"
    ]
    if not text and not calls:
        return []
    return [{"role": "assistant", "content": text or None} | ({"tool_calls": calls} if calls else {})]


def _id(event: dict[str, Any]) -> str:
    message = event.get("message")
    return str(message.get("id") or "") if isinstance(message, dict) else ""


def _joined(one: Message, other: Message) -> Message:
    text = "\n".join(part["content"] for part in (one, other) if part["content"])
    calls = [*one.get("tool_calls", ()), *other.get("tool_calls", ())]
    return {"role": "assistant", "content": text or None} | ({"tool_calls": calls} if calls else {})


def _results(event: dict[str, Any]) -> list[Message]:
    return [
        {
            "role": "tool",
            "tool_call_id": str(block.get("tool_use_id")),
            "content": text_of(block.get("content")),
        }
        for block in _blocks(event)
        if block.get("type") == "tool_result"
    ]
