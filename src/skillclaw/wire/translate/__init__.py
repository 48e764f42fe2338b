"""Translation between Anthropic Messages, OpenAI Chat Completions and OpenAI Responses. Pure.

For an agent whose configured upstream speaks another protocol. Each protocol has four files: `_in` reads a
request into `form.Ask`, `_out` writes one; `_heard` reads a reply into `form` events, `_said` writes one. So
six directions need three of each. What one protocol alone can say is left out (`lost` names it), refused
(`CannotTranslate`), or carried through the agent in an envelope (`seal`).
"""

from __future__ import annotations

from skillclaw.wire.translate.errors import translate_error
from skillclaw.wire.translate.form import CannotTranslate, Speech
from skillclaw.wire.translate.reply import ReplyTranslator, lost, path_of, translate_request

__all__ = [
    "CannotTranslate",
    "ReplyTranslator",
    "Speech",
    "lost",
    "path_of",
    "translate_error",
    "translate_request",
]
