"""What a prompt says about the place that the agent works in."""

from __future__ import annotations

import re

from skillclaw.wire.once import once_a_text

__all__ = ["place"]

# Blanks are matched within a line only, and values by length: a prompt may hold megabytes of anything.
CWD = re.compile(
    r"(?m)^[ \t]*(?:(?:[-*]|\d\.)[ \t]*)?(?:(?:Primary |Current )?[Ww]orking [Dd]irectory|cwd"
    r"|Your current working directory is|I'm currently working in the directory):[ ]*(\S[^\n]{0,1000})"
    r"|<cwd>\s{0,4}([^<\n]{1,1000})\s{0,4}</cwd>"
    r"|^[ \t]*- \*\*Workspace Directories:\*\*[ \t]*\n[ \t]*- ([^\n]{1,1000})"
    r"|^# AGENTS\.md instructions for ([^\n]{1,1000})"
)
FACTS = (
    (
        "os",
        re.compile(
            r"(?m)^[ \t]*(?:(?:[-*]|\d\.)[ \t]*)?(?:Platform|OS|(?:My |User )?[Oo]perating [Ss]ystem(?: is)?)"
            r":[ ]*(\S[^\n]{0,80})"
        ),
    ),
    ("os_version", re.compile(r"(?m)^[ \t]*(?:[-*][ \t]*)?OS Version:[ ]*(\S[^\n]{0,80})")),
    (
        "shell",
        re.compile(
            r"(?m)^[ \t]*(?:[-*][ \t]*)?Shell:[ ]*(\S[^\n]{0,80})|<shell>([^<\n]{1,80})</shell>"
            r"|^Runtime: [^\n]{1,4000}? \| shell=([^|\s]{1,80})"
        ),
    ),
    (
        "git_branch",
        re.compile(
            r"(?m)^Current branch:[ ]*(\S[^\n]{0,120})|^[ \t]*\"latestGitBranchName\": \"([^\"\n]{1,120})\""
        ),
    ),
)


def place(texts: list[str]) -> tuple[str, dict[str, str]]:
    """(working directory, facts) that the host's own texts state; empty where they don't."""
    cwd = ""
    facts: dict[str, str] = {}
    for text in texts:
        told, stated = _stated(text)
        cwd = cwd or told
        facts = {**dict(stated), **facts}
    return cwd, facts


@once_a_text
def _stated(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    where = CWD.search(text)
    found = ((name, pattern.search(text)) for name, pattern in FACTS)
    return _value(where) if where else "", tuple((name, _value(one)) for name, one in found if one)


def _value(found: re.Match[str]) -> str:
    return next(group for group in found.groups() if group).strip()
