"""Codex, headless: `codex exec --json`, which goes on with `codex exec resume ID`.

Its lines are events: `thread.started` with the id, `item.completed` with what was said or done,
`turn.completed` with the usage, `turn.failed` and `error`. Run with 0.169.0. It speaks the Responses API
alone; the room is its sandbox, so its own is off.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from skillclaw.headless.jsonlines import call, count, objects, text_of
from skillclaw.headless.model import Endpoint, Message, Platform, Turn

__all__ = ["Codex"]

KEY = "CODEX_MODEL_KEY"
NOT_CALLS = frozenset({"agent_message", "reasoning", "error", "todo_list"})


class Codex(Platform):
    """See `Platform`."""

    name = "codex"
    title = "Codex"
    program = "codex"
    install = "npm install -g @openai/codex, or `make clients` in a checkout of SkillClaw."
    cumulative = True  # seen with 0.169: a resumed thread counts on from the run before

    def files(self, endpoint: Endpoint, folder: str) -> Mapping[str, str]:
        """A provider of its own name, so that no login is asked for."""
        lines = [
            f"model = {json.dumps(endpoint.model)}",
            'model_provider = "room"',
            "check_for_update_on_startup = false",
            "[model_providers.room]",
            'name = "room"',
            f"base_url = {json.dumps(endpoint.base_url)}",
            f'env_key = "{KEY}"',
            'wire_api = "responses"',
            "",
        ]
        return {".codex/config.toml": "\n".join(lines)}

    def environ(self, endpoint: Endpoint) -> Mapping[str, str]:
        """The key, under the name that the settings give."""
        return {KEY: endpoint.key or "none"}

    def arguments(self, session: str, first: bool, text: str) -> tuple[list[str], str]:
        """`-` takes the text from stdin."""
        flags = ["--json", "--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check"]
        return (["exec", *flags, "-"] if first else ["exec", "resume", *flags, session, "-"]), text

    def read(self, out: str, err: str) -> Turn:
        """The items as messages; the counts are those of the thread so far."""
        messages: list[Message] = []
        session = error = text = ""
        tokens = [0, 0]
        for event in objects(out):
            kind = event.get("type")
            item = event.get("item")
            if kind == "thread.started":
                session = str(event.get("thread_id") or "")
            elif kind == "item.completed" and isinstance(item, dict):
                if item.get("type") == "agent_message":
                    text = str(item.get("text") or "")
                messages += _messages(item)
            elif kind == "turn.completed" and isinstance(event.get("usage"), dict):
                usage = event["usage"]
                tokens = [count(usage.get("input_tokens")), count(usage.get("output_tokens"))]
                error = ""
            elif kind in ("turn.failed", "error"):
                given = event.get("error") or event
                error = text_of(given.get("message") if isinstance(given, dict) else given)
        return Turn(
            messages=tuple(messages),
            text=text,
            steps=sum(len(message.get("tool_calls", ())) for message in messages),
            tokens_in=tokens[0],
            tokens_out=tokens[1],
            session=session,
            error=error,
        )


def _messages(item: dict[str, Any]) -> list[Message]:
    kind = str(item.get("type"))
    if kind == "agent_message":
        return [{"role": "assistant", "content": str(item.get("text") or "")}]
    if kind in NOT_CALLS:
        return []
    ident = item.get("id")
    if kind == "command_execution":
        made = call(ident, "shell", {"command": item.get("command")})
        code = item.get("exit_code")
        result = text_of(item.get("aggregated_output")) + (f"\n(exit code {code})" if code else "")
    else:
        # File changes, MCP calls, searches: told as they are, without their own wrapping.
        given = {key: part for key, part in item.items() if key not in ("id", "type", "result", "status")}
        made = call(ident, kind, given)
        result = text_of(item.get("result") or item.get("status"))
    return [
        {"role": "assistant", "content": None, "tool_calls": [made]},
        {"role": "tool", "tool_call_id": str(ident), "content": result},
    ]
