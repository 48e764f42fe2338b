"""What a prompt says about the place that the agent works in."""

from __future__ import annotations

import re

__all__ = ["place"]

CWD = re.compile(
    r"(?m)^\s*(?:-\s*)?(?:(?:Primary |Current )?[Ww]orking directory|cwd):[ ]*(\S[^\n]*?)\s*$"
    r"|<cwd>([^<\n]+)</cwd>"
    r"|^# AGENTS\.md instructions for ([^\n]+?)\s*$"
)
FACTS = (
    ("os", re.compile(r"(?m)^\s*(?:-\s*)?(?:Platform|OS|Operating system):[ ]*([^\n]{1,80}?)\s*$")),
    ("os_version", re.compile(r"(?m)^\s*(?:-\s*)?OS Version:[ ]*([^\n]{1,80}?)\s*$")),
    ("shell", re.compile(r"(?m)^\s*(?:-\s*)?Shell:[ ]*([^\n]{1,80}?)\s*$|<shell>([^<\n]{1,80})</shell>")),
    ("git_branch", re.compile(r"(?m)^Current branch:[ ]*(\S[^\n]{0,120}?)\s*$")),
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
