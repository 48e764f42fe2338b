"""Codex's tool calls and what they gave back, in the forms that its versions use."""

from __future__ import annotations

import re
from typing import Any

from skillclaw.agents.history import lines, marks
from skillclaw.agents.history.drafts import message_of
from skillclaw.agents.history.steps import as_str, image_part
from skillclaw.errors import BadInputError
from skillclaw.trajectory.model import Part, ResultMeta, ToolCall

__all__ = ["call_of", "exit_of", "output_of"]

_EXITED = re.compile(r"^(?:Process exited with code|Exit code:) (-?\d{1,10})\s*$", re.MULTILINE)
_FAILED = (
    "failed to ",
    "exec_command failed",
    "apply_patch verification failed",
    "unsupported call:",
    "error:",
)


def call_of(item: dict[str, Any]) -> tuple[str, object]:
    """(tool, arguments) of a call item; arguments that are no JSON object stay as they are."""
    match item.get("type"):
        case "function_call":
            raw = item.get("arguments")
            arguments: object = raw
            if isinstance(raw, str):
                try:
                    parsed = lines.json_value(raw.encode("utf-8", "replace")) if raw.strip() else {}
                except BadInputError:
                    parsed = raw
                arguments = parsed if isinstance(parsed, dict) else raw
            name = as_str(item.get("name"))
            space = as_str(item.get("namespace"))
            return (f"{space}.{name}" if space else name), arguments
        case "custom_tool_call":
            return as_str(item.get("name")), as_str(item.get("input"))
        case "local_shell_call":
            action = item.get("action")
            return "local_shell", action if isinstance(action, dict) else {}
        case kind:
            action = item.get("action") or item.get("arguments") or {}
            return as_str(kind).removesuffix("_call"), action if isinstance(action, dict) else {
                "input": action
            }


def output_of(item: dict[str, Any], tool: str, call: ToolCall | None) -> tuple[str | list[Part], ResultMeta]:
    """The content of a call's result, with its exit code where the text or its wrapping tells one.

    Forms: text with a head (`Process exited with code N`, `Exit code: N`) before `Output:`; JSON text
    `{"output", "metadata": {"exit_code"}}`; `{"content", "success"}`; a list of content parts.
    """
    raw = item.get("output")
    failed: bool | None = None
    code: int | None = None
    parts: list[Part] = []
    if isinstance(raw, dict):
        success = raw.get("success")
        failed = not success if isinstance(success, bool) else None
        raw = raw.get("content") if raw.get("content") is not None else raw.get("body")
    if isinstance(raw, list):
        for block in raw:
            if isinstance(block, dict) and as_str(block.get("image_url")):
                parts.append(image_part(None, block.get("image_url")))
            elif isinstance(block, dict) and as_str(block.get("text")):
                parts.append(Part(type="text", text=block["text"]))
    elif as_str(raw):
        text = as_str(raw)
        inner, code = _wrapped(text)
        parts = [Part(type="text", text=inner)]
        if code is None:
            code = _head_code(text)
        if code is None and failed is None and text.startswith(_FAILED):
            failed = True
    if code is not None and failed is None:
        failed = code != 0
    target = " ".join(as_str(value) for value in call.arguments.values()) if call else ""
    skill = "skill" if re.search(r"[/\\]SKILL\.md\b", target) else None
    meta = ResultMeta(exit_code=code, is_error=failed, taint=skill or marks.taint_of(tool))
    return message_of(parts) if parts else "", meta


def exit_of(event: dict[str, Any]) -> tuple[int | None, bool | None]:
    """(exit code, whether it failed) that an event or a completed item tells of its call."""
    raw = event.get("exit_code")
    code = raw if isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < 2**31 else None
    if code is not None:
        return code, code != 0
    success = event.get("success")
    if isinstance(success, bool):
        return None, not success
    result = event.get("result")
    if isinstance(result, dict) and "Err" in result:
        return None, True
    if event.get("type") in ("CommandExecution", "FileChange", "McpToolCall"):
        return None, {"completed": False, "failed": True, "declined": True}.get(as_str(event.get("status")))
    return None, None


def _head_code(text: str) -> int | None:
    """The code in the lines before `Output:`; the output itself may hold anything."""
    match = _EXITED.search(text[:400].split("\nOutput:")[0])
    return int(match[1]) if match else None


def _wrapped(text: str) -> tuple[str, int | None]:
    if not (text.startswith("{") and '"metadata"' in text):
        return text, None
    try:
        value = lines.json_value(text.encode("utf-8", "replace"))
    except BadInputError:
        return text, None
    if not isinstance(value, dict) or not isinstance(value.get("output"), str):
        return text, None
    return value["output"], exit_of(value["metadata"])[0] if isinstance(value.get("metadata"), dict) else None
