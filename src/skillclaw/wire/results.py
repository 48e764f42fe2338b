"""What a tool result says about itself: exit code, error, and whether its text comes from outside.

The shapes are those that the clients were seen to send (Claude Code 2.1, Codex 0.169, nanobot 0.3.5,
OpenHands 1.16, opencode 1.18, Copilot 1.0) and the common forms of others; a result of unknown shape says
nothing.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from skillclaw.trajectory.model import text_of
from skillclaw.wire import openclaw
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
# nanobot: the last line (PicoClaw, by its sources: `Exit code: exit status N`); OpenHands: likewise, behind
# lines about the shell.
LAST_LINE = re.compile(
    r"(?:\A|\n)(?:Exit code: (?:exit status )?(-?\d+)|\[Command finished with exit code (-?\d+)\])\s*\Z"
)
# Copilot: the last line.
COPILOT_EXIT = re.compile(r"<shellId: [^>\n]{1,40} completed with exit code (-?\d+)>\s*\Z")
# Crush, by its sources: at the end, before the folder, and only where it is not 0.
CRUSH_EXIT = re.compile(r"(?:(?:\A|\n)Exit code (-?\d+)\s*)?\n\n<cwd>[^<\n]{1,300}</cwd>\s*\Z")
# opencode says why it ended a command, and never how one ended by itself.
OPENCODE_ENDED = re.compile(
    r"<(?:bash|shell)_metadata>\n[^<]{0,40}(?:tool terminated command|User aborted the command)[^<]{0,400}"
    r"</(?:bash|shell)_metadata>\s*\Z"
)
# nanobot ends what a tool says of its failure with this.
NANOBOT_HINT = "[Analyze the error above and try a different approach.]"
# QwenPaw: `Command failed with exit code N.`, then what it printed.
QWENPAW_EXIT = re.compile(
    r"\A(?:Command failed with exit code (-?\d+)\.|Command executed successfully \(no output\)\.)"
)
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
# Cline: a JSON list with an object for each command, file or search.
CLINE = re.compile(r'\A\s*\[\s*\{\s*"query"\s*:')
CLINE_EXIT = re.compile(r"\ACommand exited with code (-?\d+)")
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
        "execute_shell_command",
        "run_command",
        "run_commands",
        "write_stdin",
        "container.exec",
        "apply_patch",
    }
)
WEB_TOOLS = frozenset(
    {
        "webfetch",
        "websearch",
        "web_search",
        "web_fetch",
        "fetch",
        "browser",
        "read_url",
        "google_web_search",
        "fetch_web_content",
    }
)
FILE_TOOLS = frozenset(
    {
        "read",
        "read_file",
        "read_files",
        "read_many_files",
        "view",
        "cat",
        "notebookread",
        "grep",
        "grep_search",
        "glob",
        "search_codebase",
    }
)
SKILL_TOOLS = frozenset({"skill", "skills", "activate_skill", "invoke_skill", "skill_view", "read_skill"})
# Hermes (0.19) answers in JSON; what failed has `error`, or `success` false. Names that other agents' tools
# have too, whose results may be a file's own JSON, count with what Hermes says beside it.
HERMES_TOOLS = frozenset(
    {
        "terminal",
        "process",
        "execute_code",
        "delegate_task",
        "skill_view",
        "skill_manage",
        "skills_list",
        "search_files",
        "session_search",
        "memory",
        "todo",
        "cronjob",
        "vision_analyze",
        "web_extract",
    }
)
HERMES_FILES = {"read_file": "total_lines", "write_file": "bytes_written", "patch": "success"}
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
    if CLINE.match(text):
        code, failed = _of_list(text)
        return Facts(code if short in SHELL_TOOLS else None, failed, _taint(short, arguments))
    code = _exit_code(short, text, is_error)
    if text.startswith("{"):
        hidden, failed = openclaw.outcome(text)
        code = hidden if code is None else code
        is_error = failed if is_error is None else is_error
    if is_error is None and text.startswith("{"):
        is_error = _told(short, text)
    if is_error is None and code is not None:
        is_error = code != 0
    if is_error is None and short in SHELL_TOOLS and (CODEX_ABORTED.match(text) or CODEX_REFUSED.match(text)):
        is_error = True
    if is_error is None and (text.endswith(NANOBOT_HINT) or OPENCODE_ENDED.search(text[-800:])):
        is_error = True
    return Facts(code, is_error, _taint(short, arguments))


def _of_script(text: str) -> int | None:
    """The exit code of a script's commands: the last that is not 0; None when it ran none."""
    codes = [_from_json(line) for line in text.splitlines() if line.startswith("{") and '"chunk_id"' in line]
    known = [code for code in codes if code is not None]
    return next((code for code in reversed(known) if code), 0) if known else None


def _of_list(text: str) -> tuple[int | None, bool | None]:
    """(exit code, whether anything failed) of a list of results: the last code that is not 0."""
    value = load_json(text)
    entries = [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    codes: list[int | None] = []
    for one in entries:
        found = CLINE_EXIT.match(str(one.get("error") or ""))
        codes.append(0 if one.get("success") is True else _number(found[1]) if found else None)
    if not entries:
        return None, None
    failed = any(one.get("success") is False for one in entries)
    last = next((code for code in reversed(codes) if code != 0), 0)
    return last, failed


def _exit_code(tool: str, text: str, is_error: bool | None) -> int | None:
    if tool not in SHELL_TOOLS:
        return _from_json(text) if text.startswith("{") and "exit" in text[:4000] else None
    for pattern in (CODEX_EXIT, CODEX_SHELL):
        if found := pattern.match(text):
            return _number(found[1])
    if tool == "execute_shell_command" and (found := QWENPAW_EXIT.match(text)):
        return _number(found[1] or "0")
    if tool == "bash" and (found := CRUSH_EXIT.search(text[-400:])):
        return _number(found[1] or "0")
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
    if found := LAST_LINE.search(tail):
        return _number(found[1] or found[2])
    if found := COPILOT_EXIT.search(tail):
        return _number(found[1])
    if found := OTHER_EXIT.search(tail):
        return _number(found[1] or found[2])
    if GEMINI_SHELL.match(text) and (end := GEMINI_END.search(tail)):
        return None if end["trouble"] else 0
    return None


def _told(tool: str, text: str) -> bool | None:
    """Whether a result of Hermes says that it is an error, or that its exit code is none."""
    sign = HERMES_FILES.get(tool)
    if sign is None and tool not in HERMES_TOOLS:
        return None
    value = load_json(text)
    if not isinstance(value, dict):
        return None
    if "not an error" in str(value.get("exit_code_meaning", "")):
        return False
    failed = value.get("success") is False or bool(isinstance(value.get("error"), str) and value["error"])
    return True if failed and (sign is None or sign in value or len(value) == 1) else None


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
