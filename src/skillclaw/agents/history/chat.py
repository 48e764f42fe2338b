"""Messages in the shape of Chat Completions, as several agents keep them in their histories."""

from __future__ import annotations

from typing import Any

from skillclaw.agents.history import lines
from skillclaw.agents.history.drafts import Draft
from skillclaw.agents.history.steps import Transcript, as_str, image_part
from skillclaw.errors import BadInputError
from skillclaw.trajectory.model import Part, ResultMeta
from skillclaw.wire.results import facts

__all__ = ["calls", "parts", "result"]


def parts(content: Any) -> list[Part]:
    """The texts and pictures of a message's content: a text, or a list of blocks."""
    if isinstance(content, str):
        return [Part(type="text", text=content)] if content else []
    made = []
    for block in content if isinstance(content, list) else []:
        if not isinstance(block, dict):
            continue
        url = block.get("image_url")
        if block.get("type") == "image_url":
            made.append(image_part("image/png", url.get("url") if isinstance(url, dict) else url))
        elif as_str(block.get("text")):
            made.append(Part(type="text", text=block["text"]))
    return made


def calls(out: Transcript, draft: Draft, given: Any, tally: lines.Tally) -> None:
    """The `tool_calls` of an answer, with the skills whose files they name."""
    for call in given if isinstance(given, list) else []:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            tally.add("tool calls without a function")
            continue
        arguments = function.get("arguments")
        try:
            value = lines.json_value(arguments.encode()) if isinstance(arguments, str) else arguments
        except (BadInputError, UnicodeEncodeError):
            value = arguments
        out.call(draft, call.get("id"), function.get("name"), value)
        for name in ("path", "command"):
            out.skill_files(as_str(value.get(name)) if isinstance(value, dict) else "", draft)


def result(out: Transcript, message: dict[str, Any], content: Any, stamp: str) -> None:
    """A message with `tool_call_id`: what a call gave back."""
    found = parts(content)
    text = "\n".join(part.text or "" for part in found)
    call = out.call_of(as_str(message.get("tool_call_id")))
    name = call.function_name if call else as_str(message.get("name"))
    known = facts(name, call.arguments if call else {}, text, None)
    meta = ResultMeta(exit_code=known.exit_code, is_error=known.is_error, taint=known.taint)
    pictures = any(part.type != "text" for part in found)
    out.result(message.get("tool_call_id"), found if pictures else text, meta, stamp)
