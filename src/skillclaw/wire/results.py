"""What a tool result says about itself: exit code, error, and whether its text comes from outside.

The shapes are those that the clients were seen to send (Claude Code 2.1, Codex 0.169) and the common forms
of others; a result of unknown shape says nothing.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from skillclaw.trajectory.model import text_of
from skillclaw.wire.body import load_json
from skillclaw.wire.records import Item

__all__ = ["Facts", "facts", "with_facts"]

# Codex, unified exec: `Chunk ID: ..`, `Wall time: ..`, `Process exited with code N`, .., `Output:`.
CODEX_EXIT = re.compile(r"\A(?:[^\n]*\n){0,5}?Process exited with code (-?\d+)\s*(?:\n|\Z)")
# Codex, shell and apply_patch: `Exit code: N`, `Wall time: ..`, `Output:`.
CODEX_SHELL = re.compile(r"\AExit code: (-?\d+)\s*\n")
# Claude Code, a Bash call that failed: `Exit code N` on the first line.
CLAUDE_EXIT = re.compile(r"\A(?:Error: )?Exit code:? (-?\d+)\b")
# qwen-code, gemini-cli: `Exit Code: N` on a line of its own; OpenClaw, pi: `Command exited with code N`.
OTHER_EXIT = re.compile(r"(?m)^(?:Exit Code: (-?\d+)|\(?Command exited with code (-?\d+)\)?)\s*$")
# Codex's `exec` of scripts: the script's fate, then what it said; each command it ran is a line of JSON.
CODEX_SCRIPT = re.compile(r"\AScript (?:completed|failed|running)\b")
CODEX_ABORTED = re.compile(r"\A(?:Wall time: [^\n]*\n)?aborted by user")
CODEX_REFUSED = re.compile(
    r"\A(?:exec_command failed|failed to |apply_patch verification failed|unsupported call)"
)
# gemini-cli: `Output: ..`, then `Error: ..`, `Exit Code: N` (unless it is 0), `Signal: ..`, and at last
# `Process Group PGID: ..`.
GEMINI_SHELL = re.compile(r"\A(?:<untrusted_context>\s*)?Output: ")
GEMINI_END = re.compile(
    r"(?:\n(?P<trouble>(?:Error|Exit Code|Signal): [^\n]*))?(?:\nBackground PIDs: [^\n]*)?"
    r"\nProcess Group PGID: \d+\s*(?:</untrusted_context>\s*)?\Z"
)
BACKGROUND = re.compile(r"\ACommand running in background|\ACommand was manually backgrounded")

SHELL_TOOLS = frozenset(
    {
        "bash",
        "shell",
        "exec_command",
        "exec",
        "local_shell",
        "run_shell_command",
        "terminal",
        "execute_command",
        "run_command",
        "write_stdin",
        "container.exec",
        "apply_patch",
    }
)
WEB_TOOLS = frozenset({"webfetch", "websearch", "web_search", "web_fetch", "fetch", "browser", "read_url"})
FILE_TOOLS = frozenset({"read", "read_file", "view", "cat", "notebookread", "grep", "glob"})
SKILL_TOOLS = frozenset({"skill", "skills", "activate_skill", "invoke_skill", "skill_view", "read_skill"})
EXIT_KEYS = ("exit_code", "exitCode", "returncode", "return_code", "exit_status")


class Facts(NamedTuple):
    """What is known of a result; None is unknown."""

    exit_code: int | None = None
    is_error: bool | None = None
    taint: str | None = None


def with_facts(item: Item, called: dict[str, Item]) -> Item:
    """A result with what is known of it, by the call that it answers (`called`: by call id)."""
    if item.kind != "result":
        return item
    call = called.get(item.call_id)
    name = call.name if call is not None else ""
    arguments = call.arguments if call is not None else {}
    known = facts(name, arguments, text_of(item.content), item.is_error)
    return msgspec.structs.replace(
        item, name=name, exit_code=known.exit_code, is_error=known.is_error, taint=known.taint
    )


def facts(tool: str, arguments: dict[str, Any], text: str, is_error: bool | None) -> Facts:
    """The facts of one result of `tool`; `is_error` is what the protocol itself said."""
    short = tool.rpartition(".")[2].lower()
    code = _exit_code(short, text, is_error)
    if is_error is None and code is not None:
        is_error = code != 0
    if is_error is None and short in SHELL_TOOLS and (CODEX_ABORTED.match(text) or CODEX_REFUSED.match(text)):
        is_error = True
    return Facts(code, is_error, _taint(short, arguments))


def _of_script(text: str) -> int | None:
    """The exit code of a script's commands: the last that is not 0; None when it ran none."""
    codes = [_from_json(line) for line in text.splitlines() if line.startswith("{") and '"chunk_id"' in line]
    known = [code for code in codes if code is not None]
    return next((code for code in reversed(known) if code), 0) if known else None


def _exit_code(tool: str, text: str, is_error: bool | None) -> int | None:
    if tool not in SHELL_TOOLS:
        return _from_json(text) if text.startswith("{") and "exit" in text[:4000] else None
    for pattern in (CODEX_EXIT, CODEX_SHELL):
        if found := pattern.match(text):
            return _number(found[1])
    if CODEX_SCRIPT.match(text):
        return _of_script(text)
    if is_error is not False and (found := CLAUDE_EXIT.match(text)):
        return _number(found[1])
    if text.startswith("{"):
        return _from_json(text)
    if tool == "bash" and is_error is False:
        # Claude Code says is_error false only for a command that ended with 0, or that still runs.
        return None if BACKGROUND.match(text) else 0
    tail = text[-400:]
    if found := OTHER_EXIT.search(tail):
        return _number(found[1] or found[2])
    if GEMINI_SHELL.match(text) and (end := GEMINI_END.search(tail)):
        return None if end["trouble"] else 0
    return None


def _number(digits: str) -> int | None:
    value = int(digits) if len(digits) < 12 else None
    return value if value is not None and -(2**31) <= value < 2**32 else None


def _from_json(text: str) -> int | None:
    value = load_json(text)
    if not isinstance(value, dict):
        return None
    nested = value.get("metadata")
    for holder in (value, nested if isinstance(nested, dict) else {}):
        for key in EXIT_KEYS:
            code = holder.get(key)
            if isinstance(code, int) and not isinstance(code, bool) and -(2**31) <= code < 2**32:
                return code
    return None


def _taint(tool: str, arguments: dict[str, Any]) -> str | None:
    if tool in WEB_TOOLS:
        return "web"
    if tool in SKILL_TOOLS or any(
        isinstance(value, str) and "SKILL.md" in value for value in arguments.values()
    ):
        return "skill"
    return "file" if tool in FILE_TOOLS else None
