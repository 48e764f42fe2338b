"""Turn, side request or compaction: what an exchange is for, by what is on the wire alone."""

from __future__ import annotations

import re
from typing import Any

from skillclaw.trajectory.model import text_of
from skillclaw.wire.body import header
from skillclaw.wire.content import as_dict, as_list, as_str
from skillclaw.wire.identity import codex_metadata
from skillclaw.wire.injected import is_review
from skillclaw.wire.once import once_a_text
from skillclaw.wire.openclaw import is_flush
from skillclaw.wire.records import Call, Item, Kind

__all__ = ["kind_of"]

# What a host asks its model beside the conversation, by the words of its own prompts.
SIDE_SYSTEM = re.compile(
    r"(?i)\bgenerate a (?:concise|short|brief)[^\n]{0,80}\btitle\b|\btitle generator\b"
    r"|\banalyze if this message indicates a new conversation topic\b"
    r"|\bmanaged memory extraction subagent\b|\bperforming a managed memory dream\b"
    r"|\breviewing this conversation to extract reusable skills\b"
    r"|\bselecting memories that will be useful to an AI coding assistant\b"
    r"|\ban independent Goal Verifier\b|\bspecialized Task Routing AI\b"
    r"|\bextract any file paths that this command reads or modifies\b"
    r"|\byou are an assistant for performing a web search tool use\b"
    r"|\bsummarize this coding conversation in under \d+ characters\b"
    # OpenClaw: names of topics, the line that tells a chat what the agent is doing.
    r"|\bgenerate a very short topic label\b|\A\s*You write the live status line for an AI assistant\b"
    # aider: commit messages, and edits that its architect has decided on; nanobot's judge of its own notices.
    r"|\bgenerates concise, one-line Git commit messages\b"
    r"|\A\s*Act as an expert software developer (?:who edits source code|and make changes to source code)\."
    r"|\A\s*You are a notification gate for a background agent\b"
    # Hermes: whether a goal is met, its board of tasks, what to look up, whether a command may run.
    r"|\bYou are a strict judge evaluating whether an autonomous agent\b"
    r"|\bfor the Hermes Agent (?:kanban )?board\b"
    r"|\bYou rewrite a user's latest message into one concise English question\b"
    r"|\bRespond with exactly one word: APPROVE, DENY, or ESCALATE\b"
    # QwenPaw: titles, and what its memory notes down and dreams about.
    r"|\bYou generate short titles for chat sessions\b"
    r"|\bYou are an automatic (?:memory|resource interpretation) system\b"
    r"|\bYou are the dream (?:global extraction|unit integration) agent\b"
    r"|\bYou select final daily user-interest topics\b|\byou are a text compression engine\b"
    r"|你是自动(?:记忆|资源解读)系统|你是 dream 的?|你负责从 dream 候选|你是一个文本压缩引擎"
)
# nanobot tidying its memory; OpenClaw naming a file; OpenHands asked about a conversation from outside of it.
SIDE_USER = re.compile(
    r"\A\s*You are running Dream\. Consolidate\b"
    r"|\A\s*Based on this conversation, generate a short 1-2 word filename slug\b"
    r"|\A\s*<QUESTION>\s*Based on the activity so far answer the following question\b"
)
# gemini-cli; aider; pi and OpenClaw, opencode; QwenPaw; qwen-code where it has no conversation to go on with.
COMPACT_SYSTEM = re.compile(
    r"(?i)\bdistilling chat history into a structured XML <state_snapshot>"
    r"|\A\s*\*Briefly\* summarize this partial conversation about programming\."
    r"|\AYou are a context summarization (?:assistant|agent)\."
    r"|\A\s*You update a compact continuation summary\.|\A\s*你负责更新一份紧凑的 continuation summary"
    r"|\A\s*You are the component that summarizes a conversation when its context window is about to overflow"
)
COMPACT_USER = re.compile(
    r"\A\s*CRITICAL: Respond with TEXT ONLY\. Do NOT call any tools\."
    r"|\A\s*Your task is to create a detailed summary of the conversation so far"
    r"|\A\s*You are performing a CONTEXT CHECKPOINT COMPACTION"
    # Copilot, nanobot, OpenHands.
    r"|\A\s*Please create a detailed summary of the conversation so far\. The history is being compacted"
    r"|\A\s*Create a compact replacement checkpoint for this session\."
    r"|\A\s*You are maintaining a context-aware state summary for an interactive agent\."
    r"|\A\s*You are a summarization agent creating a context checkpoint\."
    r"|\A\s*You are the component that summarizes a conversation when its context window is about to overflow"
)


def kind_of(call: Call, body: dict[str, Any], request: list[Item], offered: list[dict[str, Any]]) -> Kind:
    """What a request is for; `offered` are its tools."""
    codex = codex_metadata(call.request_headers, body)
    told = as_str(codex.get("request_kind"))
    copilot = header(call.request_headers, "x-interaction-type")
    if told == "compaction" or header(call.request_headers, "x-openai-subagent") == "compact":
        return "compaction"
    if copilot == "conversation-compaction":
        return "compaction"
    # On a terminal Codex 0.169 asks for a title in a thread of its own, as a turn with all its tools.
    if (told and told != "turn") or codex.get("thread_source") == "thread_title":
        return "side"
    last = next((item for item in reversed(request) if item.role != "system"), None)
    last_text = text_of(last.content) if last is not None and last.role == "user" else ""
    if COMPACT_USER.match(last_text):
        return "compaction"
    asked = _asked(request)
    if is_review(asked) or is_flush(asked) or SIDE_USER.match(last_text) or body.get("generate") is False:
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
    if asked_by_host := _kind_by_system(system):
        return asked_by_host
    if config.get("responseMimeType") == "application/json" and not offered:
        return "side"
    if header(call.request_headers, "user-agent").startswith("GeminiCLI") and not _declared(body):
        return "side"
    claude = header(call.request_headers, "x-claude-code-session-id") != ""
    if claude and not _own_tools(body):
        return "side"
    wants_json = as_dict(as_dict(body.get("output_config")).get("format")).get("type") == "json_schema"
    return "side" if wants_json and not offered else "turn"


@once_a_text
def _kind_by_system(system: str) -> Kind | None:
    if COMPACT_SYSTEM.search(system):
        return "compaction"
    return "side" if SIDE_SYSTEM.search(system) else None


def _asked(request: list[Item]) -> str:
    """What the user's place said last, however many calls were made since, before OpenClaw's context."""
    for item in reversed(request):
        text = text_of(item.content) if item.role == "user" and item.kind == "text" else ""
        if text and not text.startswith("<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>"):
            return text
    return ""


def _declared(body: dict[str, Any]) -> bool:
    """Whether gemini-cli offers tools that it runs itself: what it does beside the conversation has none."""
    return any("functionDeclarations" in as_dict(tool) for tool in as_list(body.get("tools")))


def _own_tools(body: dict[str, Any]) -> bool:
    """Whether there is a tool that the client itself runs (server tools have a dated type)."""
    return any(
        not as_str(as_dict(tool).get("type")).startswith(("web_search_", "web_fetch_"))
        for tool in as_list(body.get("tools"))
    )
