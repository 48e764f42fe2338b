"""Skill texts as hosts show them to their agents: in blocks, numbered by lines, with words around. Pure.

What each pattern is from stands beside it; all are anchored or bounded, since a result may hold megabytes of
anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

import msgspec

__all__ = ["given_by_tool", "is_asked", "shown", "told"]

BLOCK = re.compile(r"\s*<skill>\s*<name>\s*(?=\S)([^<\n]{1,128})</name>\s*(?:<path>[^<\n]*</path>)?")
BASE = re.compile(r"\s*Base directory for this skill: ([^\n]{1,4096})")
NAMED_BLOCK = re.compile(
    r"\s*<(?:skill_content|activated_skill|skill-context)\s{1,8}name=\"?([^\">\s]{1,128})\"?[^>]{0,4096}>"
)
# pi: the user wrote `/skill:name`.
PI_BLOCK = re.compile(
    r'<skill name="([^"\n]{1,128})" location="[^"\n]{0,4096}">\n'
    r"(?:References are relative to [^\n]{1,4096}\n\n)?"
)
# Hermes: skills that the user invoked or that were loaded at the start; what follows the text is the host's.
LOADED = re.compile(
    r'\[(?:IMPORTANT: The (?:user [^"\n]{1,40})?"([^"\n]{1,128})" skill(?! bundle)[^\]\n]{0,300}'
    r"|Loaded as part of the [^\]\n]{1,200})\]\n\n"
)
LOADED_END = "\n\n[Skill directory: "
NAME = re.compile(r"(?m)^name:[ \t]*[\"']?([A-Za-z0-9][\w-]{0,63})")
# Cline.
COMMAND = re.compile(
    r"\s*<command-name>\s*(?=\S)([^<\n]{1,128})</command-name>"
    r"\s*<command-instructions>\n?(?:Description: [^\n]*\n)?"
)
# qwen-code, behind the folder.
ABSOLUTE = re.compile(r"\A\s*Important: ALWAYS resolve absolute paths from this base directory[^\n]*\n")
# gemini-cli, inside its block, with a list of the skill's files behind.
INSTRUCTIONS = re.compile(
    r"\s*<instructions>[ \t]*\n(.*)\n[ \t]*</instructions>\s*(?:<available_resources>.*)?\Z", re.DOTALL
)
CLINE = re.compile(r'\A\s*\[\s*\{\s*"query"\s*:')
WRAPPINGS = (BLOCK, NAMED_BLOCK, PI_BLOCK, COMMAND)
HEADING = re.compile(r"\s*# Skill: [^\n]{1,128}\n\n")
BEHIND = "\n\nBase directory for this skill: "
CLOSINGS = (
    "</skill>",
    "</skill_content>",
    "</activated_skill>",
    "</skill-context>",
    "</command-instructions>",
)
ACTIVE = re.compile(r"\s*\[Active Skills \u2014[^\]\n]{0,80}\]\n(.*)\[/Active Skills\]\s*\Z", re.DOTALL)
ACTIVE_ONE = re.compile(r"(?:\A|\n\n---\n\n)### Skill: ([^\n]{1,128})\n\n")
# What tools put before a text: Codex; OpenHands' and opencode's readers of files.
OUTPUT_HEAD = re.compile(
    r"\A(?:(?:[^\n]*\n){1,6}?Output:\n|Here's the result of running `cat -n` on [^\n]{1,4096}:\n"
    r"|<path>[^<\n]{1,4096}</path>\n<type>file</type>\n<content>\n)"
)
# And behind it: nanobot's reader and shell; OpenHands' shell, and its tool for skills; opencode's reader;
# Copilot's shell.
OUTPUT_TAILS = (
    re.compile(r"\n\n\(End of file - total \d+ lines\)\n</content>\s*\Z"),
    re.compile(r"\n<shellId: [^>\n]{1,40} completed with exit code 0>\s*\Z"),
    re.compile(r"\n\n\(End of file \u2014 \d+ lines total\)\s*\Z"),
    re.compile(r"\n\nExit code: 0\s*\Z"),
    re.compile(
        r"(?:\n\[(?:The command completed|Current working directory|Python interpreter)[^\n]{0,2000}\])*"
        r"\n\[Command finished with exit code 0\]\s*\Z"
    ),
    re.compile(r"\n\n---\nThis skill is located at `[^\n]{1,4000}\Z"),
)
TAIL = 8000
"""Characters at the end of an output that a tool's own words may take."""


def told(text: str, by_user: bool) -> Iterator[tuple[str, str]]:
    """(skill, text) of each skill text in a message, in the user's place or the system's."""
    wrapped = _wrapped(text) if by_user else None
    if wrapped is not None:
        yield wrapped
    else:
        yield from _active(text)
        yield from _loaded(text)


def given_by_tool(text: str, name: str) -> Iterator[tuple[str, str]]:
    """(skill, text) of what a tool gave back that opens the skill `name`."""
    wrapped = _wrapped(text)
    if wrapped is not None:
        yield wrapped
    elif text.lstrip().startswith(("---", "#")):
        yield name, shown(text)
    else:
        yield from _viewed(text)


def _wrapped(text: str) -> tuple[str, str] | None:
    """(skill, text) of a skill text in one of the hosts' wrappings."""
    found = BASE.match(text)
    if found:
        name = re.split(r"[/\\]", found[1].strip().rstrip("/\\"))[-1]
        body = ABSOLUTE.sub("", text[found.end() :].removeprefix("\n"), count=1)
        return (name, body) if name else None
    found = next((m for p in WRAPPINGS if (m := p.match(text))), None)
    if found is None:
        return None
    body = text[found.end() :].rstrip()
    closing = next((tag for tag in CLOSINGS if body.endswith(tag)), "")
    body = body.removesuffix(closing)
    inner = INSTRUCTIONS.match(body)
    return found[1].strip(), inner[1] if inner else _bare(body)


def _bare(body: str) -> str:
    """A skill's text without opencode's heading and what it says behind, and without Copilot's first line."""
    if heading := HEADING.match(body):
        end = body.rfind(BEHIND)
        return body[heading.end() : end if end >= heading.end() else len(body)]
    base = BASE.match(body)
    return body[base.end() :] if base else body


def is_asked(text: str) -> bool:
    named = any(pattern.match(text) is not None for pattern in (BLOCK, PI_BLOCK, ACTIVE))
    return named or LOADED.search(text) is not None


def _active(text: str) -> Iterator[tuple[str, str]]:
    """(skill, text) of the skills that nanobot puts behind the user's words."""
    found = ACTIVE.match(text)
    if found is None:
        return
    held = found[1].rstrip()
    heads = list(ACTIVE_ONE.finditer(held))
    for number, head in enumerate(heads):
        end = heads[number + 1].start() if number + 1 < len(heads) else len(held)
        yield head[1].strip(), held[head.end() : end]


def _loaded(text: str) -> Iterator[tuple[str, str]]:
    """(skill, text) of each skill that Hermes put into a message."""
    heads = list(LOADED.finditer(text))
    for found, behind in zip_longest(heads, heads[1:]):
        # Up to the next one: a text that is all heads must not be kept once for each of them.
        body = text[found.end() : behind.start() if behind else len(text)].partition(LOADED_END)[0]
        named = NAME.search(body[:2000]) if body.startswith("---") else None
        name = named[1] if named else found[1]
        if name:
            yield name, body


def _viewed(text: str) -> Iterator[tuple[str, str]]:
    """(skill, text) of a result in JSON: Hermes' skill_view, for the skill itself and not a file of it."""
    if not text.startswith("{"):
        return
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return
    if isinstance(value, dict) and "file" not in value:
        name, content = value.get("name"), value.get("content")
        if isinstance(name, str) and isinstance(content, str):
            yield name[:128], content


def shown(text: str) -> str:
    """A tool's output without what the tool put before and the host behind it."""
    text = OUTPUT_HEAD.sub("", text, count=1)
    if CLINE.match(text):
        text = _cline(text)
    if text.rstrip().endswith("</system-reminder>"):
        text = text[: max(0, text.rfind("<system-reminder>"))]
    begin = max(0, len(text) - TAIL)
    for pattern in OUTPUT_TAILS:
        if found := pattern.search(text, begin):
            return text[: found.start()]
    return text


def _cline(text: str) -> str:
    """What Cline's list of results holds, one after the other."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    entries = value if isinstance(value, list) else []
    shown = [one.get("result") for one in entries if isinstance(one, dict)]
    return "\n".join(part for part in shown if isinstance(part, str))
