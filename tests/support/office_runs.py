"""Recorded runs of WorkBench made anew, and models that decide in that office, for the bench of the replay.

Five agents add tasks and forward mails. Each gives an invented address or id first, is refused by the real
office, looks it up and does it right; a sixth gives up.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from chat_model import call, results, text

from skillclaw.bench.suites.workbench.calls import parse_call
from skillclaw.bench.suites.workbench.published import TASKS, Given, read_tasks
from skillclaw.bench.suites.workbench.suite import WHEN, OfficeWorkspace, WorkBenchSuite

ADDS, FORWARDS = "project_management-t01", "email-t06"
AGENTS = ("ada", "bea", "cyd", "dan", "eve", "fay")
FIND = "`company_directory.find_email_address`"
GIVEN = [one for one in read_tasks(TASKS) if one.template in (ADDS, FORWARDS)]


def gold(given: Given) -> dict[str, str]:
    """The arguments of the call that the task expects."""
    parsed = parse_call(given.gold[0])
    assert parsed is not None
    return parsed[1]


def first_name(given: Given) -> str:
    """Of whom a task is for."""
    return gold(given)["assigned_to_email"].partition(".")[0]


def write_runs(folder: Path) -> Path:
    """The folder as the data set is laid out, with the runs in it."""
    folder.mkdir()
    with gzip.open(folder / "trajectories.jsonl.gz", "wt", encoding="utf-8") as file:
        for row in _rows():
            file.write(json.dumps(row) + "\n")
    return folder


def _rows() -> Iterator[dict[str, Any]]:
    suite = WorkBenchSuite()
    for given in GIVEN:
        for number, agent in enumerate(AGENTS):
            gives_up = number == len(AGENTS) - 1
            task = suite.draw(given.template, 0)
            with suite.open(task, Path()) as office:
                assert isinstance(office, OfficeWorkspace)
                made = _calls(given)[: 1 if gives_up else None]
                steps = [
                    {"tool": tool, "args": args, "observation": office.call(tool, args).text}
                    for tool, args in made
                ]
            yield {
                "session_id": f"{given.id}-{agent}",
                "domain": given.domain,
                "task_id": given.id,
                "template_id": given.template,
                "query": given.query,
                "model": agent,
                "toolset": "all",
                "steps": steps,
                "final_output": "It cannot be done." if gives_up else "Done.",
                "success": not gives_up,
                "reward": float(not gives_up),
                "gold_calls": list(given.gold),
            }


def _calls(given: Given) -> list[tuple[str, dict[str, str]]]:
    right = gold(given)
    if given.template == ADDS:
        name = first_name(given)
        return [
            ("project_management.create_task", right | {"assigned_to_email": f"{name}@example.com"}),
            ("company_directory.find_email_address", {"name": name}),
            ("project_management.create_task", right),
        ]
    sender = given.query.split(" from ")[1].split()[0]
    return [
        ("email.forward_email", {"email_id": "12345678", "recipient": right["recipient"]}),
        ("email.search_emails", {"query": sender}),
        ("email.forward_email", right),
    ]


SKILL = "## What goes wrong"
"""What every skill of theirs has."""


def decides(follows: bool = True, startled: bool = False) -> Callable[[dict[str, Any]], Any]:
    """A model that is asked for its next action: with `follows` it does what its skill says of addresses, and
    if it is `startled` any skill makes it look them up."""

    def answer(request: dict[str, Any]) -> Any:
        said = str(request["messages"][-1]["content"])
        given = next(one for one in GIVEN if one.query in said)
        heeds = SKILL in said if startled else follows and FIND in said
        looks = heeds and "project_management_create_task" in str(request["tools"])
        if looks:
            return call("company_directory_find_email_address", name=first_name(given))
        wrong = "@atlas.com" if follows and "@atlas.com`" in said else "@example.com"
        return call(
            "project_management_create_task", **gold(given) | {"assigned_to_email": first_name(given) + wrong}
        )

    return answer


def works(request: dict[str, Any]) -> Any:
    """A model that works on the task: it looks addresses up where a skill says so, and invents them else."""
    said = "\n".join(str(message["content"]) for message in request["messages"])
    given = next(one for one in GIVEN if f"{one.query}\n\n{WHEN}" in said)
    right, name, done = gold(given), first_name(given), results(request)
    if FIND not in said:
        invented = right | {"assigned_to_email": f"{name}@example.com"}
        return text("It cannot be done.") if done else call("project_management__create_task", **invented)
    made = [
        ("company_directory__find_email_address", {"name": name}),
        ("project_management__create_task", right),
    ]
    return call(made[done][0], **made[done][1]) if done < len(made) else text("Done.")
