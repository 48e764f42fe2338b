"""What a prompt says about the place that the agent works in."""

from __future__ import annotations

import re

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
        if not cwd and (found := CWD.search(text)):
            cwd = next(group for group in found.groups() if group).strip()
        for name, pattern in FACTS:
            if name not in facts and (found := pattern.search(text)):
                facts[name] = next(group for group in found.groups() if group).strip()
    return cwd, facts
