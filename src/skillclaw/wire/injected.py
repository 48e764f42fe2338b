"""Which texts in a user's place the host put there, and which stand for a shortened history."""

from __future__ import annotations

import re

from skillclaw.wire.records import Item

__all__ = ["is_compaction", "is_injected", "split_injected", "user_items"]

# A text that starts like this was written by the host. Claude Code: reminders, command output, skill bodies,
# task notifications; Codex: context blocks, AGENTS.md, skill bodies; gemini-cli: context, files that the user
# named; OpenClaw, nanobot, Copilot, qwen-code.
INJECTED = re.compile(
    r"""\s*(?:
      <(?:system-reminder|environments?_context|user_instructions|permissions[ ]instructions
         |skills_instructions|skill|skill-context|turn_aborted|subagent_notification|collaboration_mode|personality_spec
         |apps_instructions|plugins_instructions|model_switch|user_shell_command|user_action|goal_context
         |context_window|token_budget|local-command-caveat|local-command-stdout|local-command-stderr
         |command-name|command-message|command-args|bash-input|bash-stdout|bash-stderr|task-notification
         |teammate-message|tick|available_skills|project_context
         |ide_opened_file|ide_selection|ide_diagnostics|user-prompt-submit-hook|session_context)[\s>]
      | \#[ ]AGENTS\.md[ ]instructions
      | Base[ ]directory[ ]for[ ]this[ ]skill:
      | Caveat:[ ]The[ ]messages[ ]below[ ]were[ ]generated
      | \[Request[ ]interrupted[ ]by[ ]user
      | Continue[ ]from[ ]where[ ]you[ ]left[ ]off\.\s*\Z
      | <<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>
      | \[nanobot-ctx\]
      | Stop[ ]hook[ ]feedback:
      | ---[ ]Content[ ]from[ ]referenced[ ]files[ ]---
      | Warning:[ ]apply_patch[ ]was[ ]requested[ ]via
    )""",
    re.VERBOSE,
)

COMPACTION = re.compile(
    r"""\s*(?:
      This[ ]session[ ]is[ ]being[ ]continued[ ]from[ ]a[ ]previous[ ]conversation
      | Another[ ]language[ ]model[ ]started[ ]to[ ]solve[ ]this[ ]problem
      | <(?:compaction_summary|conversation_summary|state_snapshot)>
      | The[ ]conversation[ ]history[ ]before[ ]this[ ]point[ ]was[ ]compacted
    )""",
    re.VERBOSE,
)

OPEN, CLOSE = "<system-reminder>", "</system-reminder>"


def is_injected(text: str) -> bool:
    """Whether the host, not the user, wrote this text."""
    return INJECTED.match(text) is not None or is_compaction(text)


def is_compaction(text: str) -> bool:
    """Whether this text stands for a shortened history."""
    return COMPACTION.match(text) is not None


def split_injected(text: str) -> list[tuple[str, bool]]:
    """A user text as (text, injected) pieces: reminders that the host glued to it stand alone."""
    pieces: list[tuple[str, bool]] = []
    while True:
        start = text.find(OPEN)
        end = text.find(CLOSE, start + len(OPEN)) if start >= 0 else -1
        if end < 0:
            break
        before, block = text[:start], text[start : end + len(CLOSE)]
        if before.strip():
            pieces.append((before, is_injected(before)))
        pieces.append((block, True))
        text = text[end + len(CLOSE) :]
    if text.strip() or not pieces:
        pieces.append((text, is_injected(text)))
    return pieces


def user_items(text: str, group: int) -> list[Item]:
    """A text in the user's place as items: the user's words, and apart from them what the host put there."""
    return [
        Item(
            role="user",
            kind="text",
            content=piece,
            group=group,
            injected=injected,
            compaction=is_compaction(piece),
        )
        for piece, injected in split_injected(text)
        if piece
    ]
