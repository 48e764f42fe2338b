"""The commands that a README lists, and why some of them are not run by the test that plays the newcomer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")
NOT_RUN = {
    ".venv/bin/pip": "installs packages from the network",
    "skillclaw evolve --engine": "asks a model; tests/e2e and tests/evolve do, of scripted ones",
    "make": "tests/e2e/test_e2e_fresh_clone.py, from an empty machine",
}
"""How a command begins -> why."""
BUCKET = "s3://bucket/acme"
"""Where the page has its group; a folder stands for it, and docs/teams.md is run with a bucket."""
WHO = {
    "skillclaw hub init": "ada",
    "skillclaw hub invite": "ada",
    "skillclaw hub join": "bob",
    "skillclaw share allow": "bob",
    "skillclaw evolve --hub": "ada",
    "skillclaw sync": "bob",
    "skillclaw config set hubs.acme.url": "server",
    "skillclaw serve": "server",
}
"""How a command begins -> whose machine it is on; "you" else."""
GIVEN = {
    "skillclaw hub join": " skillclaw-invite-1:...",
    "skillclaw dashboard": " --no-browser --port 0",
    "skillclaw serve": " --port 0",
}
"""What is put behind a command: an invite that a person would paste, a port that is free for sure."""
BEFORE = {
    "skillclaw connect --history-only": (("you", "skillclaw disconnect --all"),),
    "skillclaw run": (
        ("you", "skillclaw connect claude-code"),
        ("you", "skillclaw up -d --json --port 0"),
    ),
    "skillclaw share allow": (
        ("ada", "skillclaw hub inbox"),
        ("bob", "skillclaw hub join skillclaw-invite-1:..."),
    ),
}
"""What has to be done before a command, which the page tells in words, or which `up` does by itself."""
TYPED = {
    "skillclaw connect": ("agents? [Y/n]", "y\n"),
    "skillclaw uninstall": ("Go on? [y/N]", "y\n"),
    "skillclaw dashboard": ("/login", "\x03"),
    "skillclaw serve": ("skillclaw-key-1:", "\x03"),
}
"""Commands that want a person at a terminal: what they write -> what the person types then."""


def listed(page: str) -> list[str]:
    """The commands of all code blocks that list commands with their meaning, in order, without it."""
    found = []
    for block in re.findall(r"^```\n(.*?)^```$", page, re.M | re.S):
        lines = block.splitlines()
        if any(line.startswith("$ ") for line in lines):
            continue  # an example with its output
        for line in lines:
            if line.startswith(("make ", "skillclaw ", ".venv/")):
                found.append(re.split(r"\s{2,}|\s+#|(?<=page\.html) ", line)[0].strip())
    return found


def not_run(command: str) -> str:
    """Why the command is not run; empty where it is."""
    return next((why for begins, why in NOT_RUN.items() if command.startswith(begins)), "")


def of(command: str, table: Mapping[str, T], otherwise: T) -> T:
    """What a table above has for a command."""
    return next((value for begins, value in table.items() if command.startswith(begins)), otherwise)
