"""Gemini as the scripted upstream speaks it: generateContent, streamGenerateContent, countTokens.

Source of the forms: the Gemini API reference (v1beta). The script is chosen as for the other protocols; calls
carry no ids, as the provider's have none. A request without declared functions is one that the client makes
beside the conversation; it gets JSON with an answer to each of the questions that gemini-cli 0.61 asks there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scripted import Script, Upstream

__all__ = ["account", "asked", "gemini"]

ASIDE = json.dumps({"title": "Scripted title", "next_speaker": "user", "reasoning": "The answer is whole."})
SNAPSHOT = "<state_snapshot>\n<overall_goal>As scripted.</overall_goal>\n</state_snapshot>"
"""What stands for a shortened conversation."""
_METHOD = re.compile(r"/(?:models/([^/:]+)|v1internal):(generateContent|streamGenerateContent|countTokens)\Z")


def asked(path: str) -> tuple[str, str] | None:
    """(model, method) of a path without its query; None when it is none of Gemini's."""
    found = _METHOD.search(path)
    return (found[1] or "scripted", found[2]) if found else None


def account(path: str) -> bytes | None:
    """What Code Assist says of the user's account; None for a path that is none of its own."""
    found = re.search(r"/v1internal:(\w+)\Z", path)
    if found is None or asked(path):
        return None
    tier = {"id": "standard-tier", "name": "Scripted"}
    told = {"currentTier": tier, "paidTier": tier, "cloudaicompanionProject": "scripted"}
    return json.dumps(told if found[1] == "loadCodeAssist" else {}).encode()


def gemini(
    request: Mapping[str, Any], model: str, owner: Upstream
) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """The whole answer, and the same as the events of a stream."""
    given = request.get("request", request)  # what Code Assist wraps
    said, done, last = "", 0, ""
    for content in given.get("contents", []):
        parts = content.get("parts", []) if content.get("role") != "model" else []
        done += sum("functionResponse" in part for part in parts)
        text = last = "\n".join(part["text"] for part in parts if "text" in part)
        if owner.spawned(text) or owner.script_for(text):
            said, done = text, 0
    tools = [
        function for tool in given.get("tools") or [] for function in tool.get("functionDeclarations", [])
    ]
    script = owner.spawned(said) or owner.script_for(said)
    if not tools or script is None:
        parts = [{"text": SNAPSHOT if "<state_snapshot>" in last else ASIDE}]
    else:
        parts = _parts(script, done, tools, given)
    whole = _answer(model, parts)
    if "request" in request:
        whole = {"response": whole}
    return whole, [("", piece) for piece in _pieces(model, parts, wrapped="request" in request)]


def _parts(script: Script, done: int, tools: list[Any], request: Mapping[str, Any]) -> list[dict[str, Any]]:
    if done >= len(script.steps):
        if any(tool["name"] == "complete_task" for tool in tools):  # gemini-cli's sub-agents report by it
            report = {"result": {"response": script.final}}
            return [{"functionCall": {"name": "complete_task", "args": report}}]
        return [{"text": script.final}]
    from scripted import Spawn, tool_for  # which imports this module

    step = script.steps[done]
    if isinstance(step, Spawn):
        name, arguments = "invoke_agent", {"agent_name": "generalist", "prompt": step.prompt}
    else:
        name, arguments = tool_for(step, tools, request)
    return [
        {"text": f"**Step {done + 1}** What is next?", "thought": True},
        {"text": f"Step {done + 1}."},
        {"functionCall": {"name": name, "args": arguments}, "thoughtSignature": "c2NyaXB0ZWQ="},
    ]


def _usage() -> dict[str, int]:
    return {
        "promptTokenCount": 100,
        "candidatesTokenCount": 8,
        "thoughtsTokenCount": 2,
        "totalTokenCount": 110,
        "cachedContentTokenCount": 64,
    }


def _answer(model: str, parts: list[dict[str, Any]], *, last: bool = True) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if last:
        candidate["finishReason"] = "STOP"
    return {
        "candidates": [candidate],
        "modelVersion": model,
        "responseId": "scripted-response",
        "usageMetadata": _usage(),
    }


def _pieces(model: str, parts: list[dict[str, Any]], *, wrapped: bool) -> list[dict[str, Any]]:
    """A stream gives text word by word, and a call whole."""
    pieces: list[dict[str, Any]] = []
    for part in parts:
        if "text" in part:
            pieces += [{**part, "text": word} for word in re.findall(r"\S+\s*", part["text"])]
        else:
            pieces.append(part)
    answers = [_answer(model, [piece], last=index == len(pieces) - 1) for index, piece in enumerate(pieces)]
    return [{"response": answer} if wrapped else answer for answer in answers]
