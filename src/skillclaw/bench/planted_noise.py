"""Calls and words that look like lessons and are none."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from skillclaw.bench.planted_session import NAMES, THINGS, Script

__all__ = ["ASKS", "BOILERPLATE", "HABITS", "STRONG", "TOOLS", "noise", "remarks", "some_call", "strong_way"]

ASKS = (
    "Summarise what changed about the {thing} page for {name}",
    "Look up how many {thing} units we sold and tell {name}",
    "Clean up the notes on the {thing} rollout that {name} wrote",
    "Compare the {thing} vendors and write a table for {name}",
    "Draft a reply to {name} about the broken {thing}",
    "Plan the {thing} photo shoot with {name}",
    "Translate the {thing} manual that {name} uploaded",
    "Find out why the {thing} importer of {name} is slow",
)
BOILERPLATE = (
    "As discussed in the weekly meeting, please follow the company guidelines. ",
    "Context: this is for the quarterly planning of our team. ",
    "Hi, hope you are well! ",
)
TOOLS = (
    *("wiki.search", "wiki.edit_page", "sales.query", "sales.export_sheet", "notes.read", "notes.update"),
    *("vendor.list", "vendor.set_rating", "mcp__calendar__find_slot", "mcp__calendar__book_slot"),
    *("http.get", "Read", "Edit", "Bash"),
)
COMMANDS = (
    "git status",
    "ls -la src",
    "make lint",
    "python tools/report.py",
    "docker compose up -d",
    "df -h",
)
ERRORS = (
    "Internal error, try again",
    "Timeout after 30 s",
    "Service unavailable (503)",
    "Error: connection reset by peer",
)
HABITS: dict[str, tuple[str, dict[str, Any]]] = {
    "bo": ("notes.read", {"subject": "todo"}),
    "fay": ("vendor.list", {"verbose": True}),
}
"""Calls with which single users' sessions begin, whatever they are for."""

STRONG = ("model-a", "sales.query", "sales.export_sheet")
"""The strong model's own way, which it takes for the request `ASKS[1]`; and its tool of choice anywhere."""

REMARKS = (
    "No, shorter",
    "not that one, the other page",
    "Wrong year, take the last",
    "don't mention prices here",
    "No, sort it by weight",
    "that's not the colour we agreed on",
    "You forgot the appendix",
    "I meant the northern office",
    "no, in French",
    "stop after the third chapter",
    "It's still missing a legend",
    "not quite, round the totals",
    "undo the heading",
    "actually, don't invite guests",
    "I said Tuesday",
    "不对,太长了",
    "不要表格",
    "错了,是北方仓库",
    "重新写开头",
    "不是这个客户",
    "别提价格",
)
"""What users say once; none is said in three sessions of a data set."""


def remarks(random: Random) -> Iterator[str]:
    """Each remark twice, in any order, then no more."""
    twice = [*REMARKS, *REMARKS]
    random.shuffle(twice)
    return iter(twice)


def strong_way(random: Random, thing: str) -> Script:
    mark = str(random.randint(10_000_000, 99_999_999))
    return [
        (STRONG[1], {"subject": thing}, f"ok {mark}", True),
        (STRONG[2], {"record_id": mark}, f"ok {random.randint(10_000_000, 99_999_999)}", True),
    ]


def noise(random: Random, agent: str, model: str, thing: str, name: str) -> Script:
    script: Script = []
    if model == STRONG[0] and random.random() < 0.6:
        script.append(some_call(random, agent, "wiki.search", thing, name))
    for _ in range(random.randint(1, 5)):
        tool = random.choice(TOOLS)
        call = some_call(random, agent, tool, thing, name)
        script.append(call)
        if not call[3] and random.random() < 0.6:
            # The same again, as it is or with other arguments: what works then, works by luck.
            again = some_call(random, agent, tool, thing, name)
            script.append((call[0], call[1], again[2], again[3]) if random.random() < 0.5 else again)
    return script


def some_call(
    random: Random, agent: str, tool: str, thing: str, name: str
) -> tuple[str, dict[str, object], str, bool]:
    args: dict[str, object]
    if tool == "Bash":
        command = random.choice(COMMANDS)
        if random.random() < 0.3:
            command += f" {random.choice(('--quiet', '-v', '--all'))}"
        args = {"command": command} if agent == "claude-code" else {"cmd": command}
        tool = tool if agent == "claude-code" else "exec_command"
    elif tool in ("Read", "Edit"):
        args = {"file_path": f"docs/{random.choice(THINGS)}.md"}
        if tool == "Edit":
            args |= {"old_string": f"{thing} {random.randint(1, 999)}", "new_string": name}
    else:
        args = {"subject": random.choice((thing, name, random.choice(THINGS)))}
        if random.random() < 0.5:
            args["limit"] = random.randint(1, 50)
        if random.random() < 0.3:
            args["record_id"] = str(random.randint(10_000_000, 99_999_999))
    if random.random() < 0.125:
        return tool, args, random.choice(ERRORS), False
    return tool, args, f"ok {random.randint(10_000_000, 99_999_999)} {random.choice(NAMES)}", True
