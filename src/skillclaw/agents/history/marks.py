"""Which text in a user's turn the host wrote, and where a result's text comes from."""

from __future__ import annotations

import re

__all__ = ["exit_code_at_start", "injected_claude", "injected_codex", "split_reminders", "taint_of"]

_CLAUDE = (
    "<system-reminder>",
    "<command-name>",
    "<command-message>",
    "<command-args>",
    "<local-command-",
    "<bash-input>",
    "<bash-stdout>",
    "<bash-stderr>",
    "<task-notification>",
    "<user-prompt-submit-hook>",
    "<ide_opened_file>",
    "<ide_selection>",
    "<ide_diagnostics>",
    "<teammate-message",
    "<tick>",
    "Caveat: The messages below were generated",
    "[Request interrupted by user",
    "Base directory for this skill:",
    "This session is being continued from a previous conversation",
    "Stop hook feedback:",
)
_CODEX = (
    "<environment_context>",
    "<environments_context>",
    "<skills_instructions>",
    "<user_instructions>",
    "<permissions instructions>",
    "<collaboration_mode>",
    "<apps_instructions>",
    "<plugins_instructions>",
    "<model_switch>",
    "<personality_spec>",
    "<subagent_notification>",
    "<turn_aborted>",
    "<user_shell_command>",
    "<user_action>",
    "<skill>",
    "<goal_context>",
    "<INSTRUCTIONS>",
    "<context_window",
    "<token_budget",
    "# AGENTS.md instructions",
    "Another language model started to solve this problem",
    "Warning: apply_patch was requested via",
)
_REMINDER = re.compile(r"<(system-reminder|ide_opened_file|ide_selection)>")
_EXIT = re.compile(r"(?:Error: )?Exit code:? (-?\d{1,10})(?:\s|$)")
_WEB = frozenset({"webfetch", "websearch", "web_search", "web_search_call", "web_fetch", "browser", "fetch"})
_FILES = frozenset(
    {"read", "grep", "glob", "ls", "notebookread", "read_file", "view_image", "list_dir", "grep_files"}
)


def injected_claude(text: str) -> bool:
    """True for a text that Claude Code, not the user, put into a user's turn."""
    return text.lstrip().startswith(_CLAUDE)


def injected_codex(text: str) -> bool:
    """True for a text that Codex, not the user, put into a user's turn."""
    return text.lstrip().startswith(_CODEX)


def split_reminders(text: str) -> tuple[str, list[str]]:
    """The user's own words, and the blocks that the host put around them."""
    if "</" not in text:
        return text, []
    own: list[str] = []
    found: list[str] = []
    at = 0
    unclosed: set[str] = set()
    for opening in _REMINDER.finditer(text):
        tag = opening[1]
        if opening.start() < at or tag in unclosed:
            continue
        end = text.find(f"</{tag}>", opening.end())
        if end < 0:
            unclosed.add(tag)  # nor is any behind it; looking again each time would take long
            continue
        own.append(text[at : opening.start()].strip())
        at = end + len(f"</{tag}>")
        found.append(text[opening.start() : at])
    return ("\n".join([*own, text[at:].strip()]).strip() if found else text), found


def exit_code_at_start(text: str) -> int | None:
    """N of a result that begins with `Exit code N`."""
    match = _EXIT.match(text)
    return int(match[1]) if match else None


def taint_of(tool: str, target: str = "") -> str | None:
    """`web`, `file` or `skill` for a result whose text somebody else wrote; None for a command's output."""
    name = tool.lower()
    if name == "skill" or target.replace("\\", "/").endswith("SKILL.md"):
        return "skill"
    if name in _WEB or name.startswith("mcp__"):
        return "web"
    return "file" if name in _FILES else None
