"""Turn, side request or compaction: what an exchange is for, by what is on the wire alone."""

from __future__ import annotations

import re
from typing import Any

from skillclaw.trajectory.model import text_of
from skillclaw.wire.body import header
from skillclaw.wire.content import as_dict, as_list, as_str
from skillclaw.wire.identity import codex_metadata
from skillclaw.wire.records import Call, Item, Kind

__all__ = ["kind_of"]

# What a host asks its model beside the conversation, by the words of its own prompts.
SIDE_SYSTEM = re.compile(
    r"(?i)\bgenerate a (?:concise|short|brief)[^\n]{0,80}\btitle\b|\btitle generator\b"
    r"|\banalyze if this message indicates a new conversation topic\b"
    r"|\bmanaged memory extraction subagent\b"
    r"|\bextract any file paths that this command reads or modifies\b"
    r"|\byou are an assistant for performing a web search tool use\b"
    r"|\bsummarize this coding conversation in under \d+ characters\b"
)
SIDE_USER = re.compile(r"\A\s*Review the conversation above and (?:update|consider|save)")
# gemini-cli.
COMPACT_SYSTEM = re.compile(r"(?i)\bdistilling chat history into a structured XML <state_snapshot>")
COMPACT_USER = re.compile(
    r"\A\s*CRITICAL: Respond with TEXT ONLY\. Do NOT call any tools\."
    r"|\A\s*Your task is to create a detailed summary of the conversation so far"
    r"|\A\s*You are performing a CONTEXT CHECKPOINT COMPACTION"
)


def kind_of(call: Call, body: dict[str, Any], request: list[Item], offered: list[dict[str, Any]]) -> Kind:
    """What a request is for; `offered` are its tools."""
    codex = codex_metadata(call.request_headers, body)
    told = as_str(codex.get("request_kind"))
    if told == "compaction" or header(call.request_headers, "x-openai-subagent") == "compact":
        return "compaction"
    # On a terminal Codex 0.169 asks for a title in a thread of its own, as a turn with all its tools.
    if (told and told != "turn") or codex.get("thread_source") == "thread_title":
        return "side"
    last = next((item for item in reversed(request) if item.role != "system"), None)
    last_text = text_of(last.content) if last is not None and last.role == "user" else ""
    if COMPACT_USER.match(last_text):
        return "compaction"
    if SIDE_USER.match(last_text) or body.get("generate") is False:
        return "side"
    config = as_dict(body.get("generationConfig"))
    limit = (
        body.get("max_tokens")
        or body.get("max_output_tokens")
        or body.get("max_completion_tokens")
        or config.get("maxOutputTokens")
    )
    if not offered and isinstance(limit, int) and limit <= 16:
        return "side"
    system = "\n".join(text_of(item.content)[:4000] for item in request if item.role == "system")
    if COMPACT_SYSTEM.search(system):
        return "compaction"
    if SIDE_SYSTEM.search(system):
        return "side"
    if config.get("responseMimeType") == "application/json" and not offered:
        return "side"
    if header(call.request_headers, "user-agent").startswith("GeminiCLI") and not _declared(body):
        return "side"
    claude = header(call.request_headers, "x-claude-code-session-id") != ""
    if claude and not _own_tools(body):
        return "side"
    wants_json = as_dict(as_dict(body.get("output_config")).get("format")).get("type") == "json_schema"
    return "side" if wants_json and not offered else "turn"


def _declared(body: dict[str, Any]) -> bool:
    """Whether gemini-cli offers tools that it runs itself: what it does beside the conversation has none."""
    return any("functionDeclarations" in as_dict(tool) for tool in as_list(body.get("tools")))


def _own_tools(body: dict[str, Any]) -> bool:
    """Whether there is a tool that the client itself runs (server tools have a dated type)."""
    return any(
        not as_str(as_dict(tool).get("type")).startswith(("web_search_", "web_fetch_"))
        for tool in as_list(body.get("tools"))
    )
