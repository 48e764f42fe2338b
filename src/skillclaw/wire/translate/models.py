"""What a model takes, by its name, where the protocol alone does not tell.

A parameter that a model does not know makes the provider refuse the whole request, so what the agent only
set by habit is sent only where it is taken. Names as the providers' model lists gave them in 2026.
"""

from __future__ import annotations

import re

__all__ = [
    "claude_max_tokens",
    "claude_thinking",
    "openai_effort",
    "openai_fixed_sampling",
    "openai_made",
    "reasons",
]

CLAUDE = re.compile(r"claude-(?:([a-z]+)-)?(\d{1,2})(?:[-.](\d{1,2})(?!\d))?(?:-([a-z]+))?")
OPENAI_REASONING = re.compile(r"(?:^|/)(?:o\d|gpt-(?:[5-9]|\d\d)|codex-)")
OPENAI_PLAIN = re.compile(r"(?:^|/)(?:gpt-(?:3|4)|chatgpt-4o|davinci|babbage)|chat-latest")
OTHER_REASONING = re.compile(r"(?:^|/)(?:gpt-oss|grok-[4-9]|gemini-(?:2\.5|[3-9]))")

MAX_TOKENS = 32000
"""Anthropic wants max_tokens, OpenAI's agents often send none. The most that every Claude since 4 takes."""


def _claude(model: str) -> tuple[int, int] | None:
    found = CLAUDE.search(model)
    return (int(found[2]), int(found[3] or 0)) if found else None


def claude_max_tokens(model: str) -> int:
    """max_tokens for a request that names none."""
    version = _claude(model)
    if version is None or version >= (3, 7):
        return MAX_TOKENS
    return 8192 if version >= (3, 5) else 4096


def claude_thinking(model: str) -> str:
    """How a model of an Anthropic upstream is told to think: `adaptive`, `budget`, or empty for not at all.

    Adaptive from Claude 4.6 on (later ones refuse a budget); other makers' models take the older form.
    """
    version = _claude(model)
    if version is None:
        return "budget"
    return "adaptive" if version >= (4, 6) else "budget" if version >= (3, 7) else ""


def reasons(model: str, *, chat: bool) -> bool:
    """Whether an OpenAI-speaking upstream takes an effort for this model.

    Chat Completions is spoken by many servers, and some refuse the field: there only known names get it. On
    Responses all do but the models known not to reason.
    """
    if OPENAI_PLAIN.search(model):
        return False
    return not chat or bool(OPENAI_REASONING.search(model) or OTHER_REASONING.search(model))


def openai_fixed_sampling(model: str) -> bool:
    """Whether the model refuses temperature and top_p, and wants `max_completion_tokens`."""
    return bool(OPENAI_REASONING.search(model)) and not OPENAI_PLAIN.search(model)


def openai_made(model: str) -> bool:
    """Whether the name is one of OpenAI's own models, which OpenAI or Azure runs, with their limits."""
    return bool(OPENAI_REASONING.search(model) or OPENAI_PLAIN.search(model))


def openai_effort(effort: str, budget: int) -> str:
    """Anthropic's effort or thinking budget as OpenAI's effort.

    `xhigh` and `max` become `high`, which every reasoning model takes. Budgets by the steps that Anthropic's
    guide names for small, middle and large tasks: up to 4,096 low, up to 16,384 medium, above high.
    """
    if effort:
        return effort if effort in ("low", "medium", "high") else "high"
    return "low" if budget <= 4096 else "medium" if budget <= 16384 else "high"
