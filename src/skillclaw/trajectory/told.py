"""What of a user's message the user said: not what a host, a file or a page put into it.

Importers mark what a host wrote where they know the host. Files of other tools are not marked, and people
paste: a block in tags, a quotation and a code block are somebody else's words, and may hold an instruction.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["own_text", "own_words", "unpasted"]

_HOSTS = (
    r"system-reminder|command-[a-z]+|local-command-[a-z]+|bash-(?:input|stdout|stderr)|task-notification"
    r"|user-prompt-submit-hook|ide_[a-z_]+|teammate-message|environments?_context|user_instructions"
    r"|permissions instructions|skills?(?:[_-][a-z]+)?|INSTRUCTIONS|user_shell_command|user_action"
    r"|project_context|available_skills"
)
_AGENTS = re.compile(r"^[ \t]*# AGENTS\.md instructions[^\n]*\n?", re.M)
_TAG = re.compile(r"<([A-Za-z][\w-]{0,60})(?:\s[^<>]{0,1000})?>")
_OPEN = re.compile(rf"<(?:{_HOSTS})(?:\s[^<>]{0, 1000})?>.*", re.S)
_FENCE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[ \t]*$|\Z)", re.M | re.S)
_QUOTED = re.compile(r"^[ \t]*>[^\n]*$", re.M)


def own_text(text: str) -> str:
    """`text` without blocks in tags, what follows the tag of a host that is not closed, and quotations."""
    if "<" in text:
        text = _OPEN.sub(" ", _without_blocks(text))
    if "# AGENTS.md" in text:
        text = _AGENTS.sub("", text)
    if ">" in text:
        text = _QUOTED.sub("", text)
    return text.strip()


def own_words(text: str) -> str:
    """`own_text` without code blocks: what the user asks or says in prose."""
    text = own_text(text)
    return _FENCE.sub("", text).strip() if "```" in text or "~~~" in text else text


PASTED = 2
"""Lines in a row that are no accident: who writes one line that a tool showed means it."""

SHORTEST = 4
"""Characters of a line from which on it tells anything; shorter ones go with the lines around them."""


def unpasted(text: str, shown: Sequence[str]) -> str:
    """`text` without the lines that were copied from what tools had `shown` before.

    Copied are code blocks of which every line was shown, and elsewhere `PASTED` or more lines in a row.
    """
    if not shown or "\n" not in text:
        return text
    there = {" ".join(line.split()) for one in shown for line in one.splitlines()}
    lines = text.splitlines()
    keep = [True] * len(lines)
    at = 0
    while at < len(lines):
        fence = lines[at].lstrip()[:3]
        if fence in ("```", "~~~"):
            end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == fence), len(lines))
            if _copied(lines[at + 1 : end], there, 1):
                keep[at : end + 1] = [False] * len(keep[at : end + 1])
            at = end + 1
            continue
        end = at
        while end < len(lines) and _of(lines[end], there):
            end += 1
        if _copied(lines[at:end], there, PASTED):
            keep[at:end] = [False] * (end - at)
        at = max(end, at + 1)
    return "\n".join(line for line, kept in zip(lines, keep, strict=True) if kept)


def _of(line: str, there: set[str]) -> bool:
    return len(line.strip()) < SHORTEST or " ".join(line.split()) in there


def _copied(lines: Sequence[str], there: set[str], least: int) -> bool:
    telling = [line for line in lines if len(line.strip()) >= SHORTEST]
    return len(telling) >= least and all(_of(line, there) for line in telling)


def _without_blocks(text: str) -> str:
    parts: list[str] = []
    open_ended: set[str] = set()
    done = 0
    for tag in _TAG.finditer(text):
        if tag.start() < done or tag[1] in open_ended:
            continue
        close = f"</{tag[1]}>"
        end = text.find(close, tag.end())
        if end < 0:
            open_ended.add(tag[1])
            continue
        parts += [text[done : tag.start()], " "]
        done = end + len(close)
    return "".join([*parts, text[done:]])
