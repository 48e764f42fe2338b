"""The commands that a README lists, and why some of them are not run by the test that plays the newcomer."""

from __future__ import annotations

import re

NOT_RUN = {
    "skillclaw dashboard": "serves until it is stopped; tests/e2e/test_e2e_dashboard_newcomer.py opens it",
    "skillclaw connect": "wants an agent; tests/agents_live connects each",
    "skillclaw run claude-code": "wants the client; tests/agents_live drives it",
    "skillclaw skills rollback": "wants a second version; tests/server does it",
    "skillclaw uninstall": "asks a person; tests/server/test_server_leaving.py says yes",
    "skillclaw hub init": "wants a bucket; docs/teams.md is run with one",
    "skillclaw hub invite": "wants the group; docs/teams.md is run",
    "skillclaw hub join": "wants the group; docs/teams.md is run",
    "skillclaw share allow": "wants the group; docs/teams.md is run",
    "skillclaw evolve --hub": "wants the group; docs/teams.md is run",
    "skillclaw config set hubs.acme.url": "wants the group; e2e/test_e2e_serve_from_nothing.py sets one",
    "skillclaw serve": "serves until it is stopped; tests/e2e/test_e2e_serve_from_nothing.py",
    ".venv/bin/pip": "installs packages from the network",
    "skillclaw evolve --engine": "asks a model; tests/e2e and tests/evolve do, of scripted ones",
    "make": "tests/e2e/test_e2e_fresh_clone.py, from an empty machine",
}
"""How a command begins -> why."""


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
