"""How the commands of the docs' pages are run: what has to be there before, and why some are not run.

A page's `console` blocks print what it says. Its plain blocks that list commands with their meaning are run
too, unless there is a reason: each must end well.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from atif_sessions import Ran, session
from doc_blocks import Block

HUB = "/srv/skillclaw"
"""Where pages have a group's folder."""
SERVER = "/etc/skillclaw"
COLLECTOR = "http://127.0.0.1:4318"
IMPORT = ("you", "skillclaw import docs/tutorial/ada.jsonl")
TEAM = (
    ("ada", f"skillclaw hub init {HUB} --name team --evolver --as ada"),
    ("ada", "skillclaw hub invite --name you"),
    ("you", "skillclaw hub join skillclaw-invite-1:..."),
    ("ada", "skillclaw hub inbox"),
    ("you", "skillclaw hub join skillclaw-invite-1:..."),
)
ONE_FOLDER = """skillclaw config set sync.targets '["~/.claude/skills"]'"""
COPY = "~/.claude/skills/deploy/SKILL.md"
BEFORE = {
    ("sharing.md", 0): (*TEAM, ("you", "skillclaw import three.jsonl")),
    ("sync.md", 0): (
        *TEAM,
        ("ada", ONE_FOLDER),
        ("you", ONE_FOLDER),
        ("ada", "skillclaw hub import-skillclaw skills --hub team"),
        ("you", "skillclaw hub import-skillclaw own"),
    ),
    ("sync.md", 1): (
        ("ada", "skillclaw sync"),
        ("ada", f"sed -i 's/Run the checks/Run the quick checks/' {COPY}"),
        ("you", f"sed -i 's/Run the checks/Run the checks twice/' {COPY}"),
        ("ada", "skillclaw skills propose deploy --hub team"),
        ("ada", "skillclaw hub inbox"),
        ("ada", "skillclaw evolve --hub team"),
        ("ada", "skillclaw proposals approve m-"),
        ("ada", "skillclaw skills promote team/deploy"),
    ),
    ("gate.md", 0): TEAM[:1],
    ("serve.md", 0): (("you", 'skillclaw config set hubs.team.url "s3://team/hub?region=eu-central-1"'),),
}
"""What is done before a page's console block of that number, by whom."""
FIRST = {
    "evolvers.md": (IMPORT,),
    "gate.md": (IMPORT, ("you", "skillclaw hub import-skillclaw scripted")),
}
"""What is done before the commands that a page lists."""
EVERYWHERE = {
    "skillclaw evolve --engine llm": "asks a model; tests/evolve asks scripted ones",
    "skillclaw evolve --engine cli": "starts an agent; tests/evolve starts scripted ones",
    "skillclaw config key": "asks for a key; tests/server/test_server_configured.py gives one",
    "skillclaw connect": "wants an agent; tests/agents_live connects each",
    "skillclaw dashboard": "serves; tests/e2e/test_e2e_dashboard_newcomer.py opens it",
    "skillclaw bench": "a synopsis, or measures for long; tests/bench runs each on little data",
    "make": "runs for long; the Makefile's own",
}
"""How a command begins -> why no page's is run."""
OWN = {
    ("gate.md", "skillclaw evolve"): "asks a model by now; tests/cli/test_cli_replay.py asks a scripted one",
    ("gate.md", "skillclaw proposals replay"): "asks a model; as above",
}
RUN = ("skillclaw evolve --engine llm --dry-run", "skillclaw evolve --dry-run")
"""Begin like one that is not run, and are."""


def listed(block: Block) -> list[str]:
    """The commands that a plain block lists, without their meaning."""
    given = re.compile(r"(?:skillclaw|make|pip|docker|curl|python3?|systemd-run) |[a-z]*\$ |[A-Z]+=\$")
    lines = [] if block.kind or block.not_run else block.text.splitlines()
    return [re.split(r"\s{2,}|\s+#", line)[0].strip() for line in lines if given.match(line)]


def why_not(page: str, command: str) -> str:
    """Why a listed command is not run; empty where it is."""
    if command in RUN:
        return ""
    own = [why for (of, begins), why in OWN.items() if of == page and command.startswith(begins)]
    return next(iter(own + [why for begins, why in EVERYWHERE.items() if command.startswith(begins)]), "")


def lay(place: Path) -> None:
    """The files that the commands above read."""
    rows = []
    said = "Use OPENAI_API_KEY=sk-proj-Zx81kQmB4tYw7NvR2LcJ9dHs and ask https://till.corp.example/api "
    said += "to run the tests."
    for number, (project, task) in enumerate(
        (("till", said), ("till", "Run the tests."), ("diary", "Write."))
    ):
        one = session("you", number, task, [Ran("npm test", 0, "7 passed")], project=project, outcome=None)
        del one["extra"]["skillclaw"]["user"]
        rows.append(json.dumps(one) + "\n")
    (place / "three.jsonl").write_text("".join(rows), "utf-8")
    lines = {
        "skills/git": "Sign commits.",
        "skills/deploy": "Run the checks.",
        "own/git": "Sign commits of mine.",
        "scripted/lint": "Run `scripts/go.sh`.",
        "scripted/tidy": "Run `scripts/go.sh`.",
    }
    for where, line in lines.items():
        (place / where / "scripts").mkdir(parents=True)
        name = where.partition("/")[2]
        head = f"---\nname: {name}\ndescription: How we {name}. Use when the user asks to {name}.\n---\n\n"
        (place / where / "SKILL.md").write_text(f"{head}- {line}\n", "utf-8")
        if where.startswith("scripted"):
            (place / where / "scripts" / "go.sh").write_text(f"echo {name}\n", "utf-8")
    (place / "etc").mkdir()
    text = '[serve]\nhost = "0.0.0.0"\ntoken = "file:/etc/skillclaw/token"\n'
    (place / "etc" / "serve.toml").write_text(text.replace("/etc/skillclaw", str(place / "etc")), "utf-8")
