"""Synthetic sessions whose lessons are known: are the planted ones found, and is nothing invented?

`measure` plants lessons of all four kinds at 1% to 50% of the sessions (`planted_world`, `planted_lessons`),
beside data sets of noise alone, and scores by identity (`planted_score`). `synthetic` makes one small data
set with a fixed few lessons, each in many sessions, for tests and trials.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from skillclaw.bench.planted_score import measure_planted
from skillclaw.bench.planted_session import NAMES, START, THINGS, Script, session
from skillclaw.trajectory.model import Trajectory

__all__ = ["START", "Script", "measure", "session", "synthetic"]

SESSIONS = 320
USERS = ("ana", "bo", "chen", "dee")
MODELS = ("model-a", "model-b")
ASKS = (
    "Summarise what changed about the {thing} page for {name}",
    "Look up how many {thing} units we sold and tell {name}",
    "Clean up the notes on the {thing} rollout that {name} wrote",
    "Compare the {thing} vendors and write a table for {name}",
    "Draft a reply to {name} about the broken {thing}",
    "Plan the {thing} photo shoot with {name}",
)
TOOLS = (
    "wiki.search",
    "wiki.edit_page",
    "sales.query",
    "sales.export_sheet",
    "notes.read",
    "notes.update",
    "vendor.list",
    "vendor.set_rating",
    "mail.search",
    "mail.create_draft",
    "studio.find_slot",
    "studio.book_slot",
)
ERRORS = ("Internal error, try again", "Timeout after 30 s", "Service unavailable (503)")


def synthetic(seed: int, *, planted: bool, sessions: int = SESSIONS) -> list[Trajectory]:
    """The sessions of one seed, with the planted lessons or without."""
    random = Random(f"{seed} {planted}")  # noqa: S311 - data, not secrets
    made: list[Trajectory] = []
    for number in range(sessions):
        user, model = random.choice(USERS), random.choice(MODELS)
        thing, name = random.choice(THINGS), random.choice(NAMES)
        lesson = LESSONS[number // 2 % len(LESSONS)] if planted and number % 2 == 0 else None
        ask = random.choice(ASKS).format(thing=thing, name=name)
        script = _noise(random, thing, name)
        success: bool = random.random() < 0.5
        if lesson is not None:
            ask, script, success = lesson(random, thing, name, ask, script, success)
        made.append(
            session(f"{seed}-{number}", user, ask, script, success=success, model=model, day=number // 8)
        )
    return made


def _call(random: Random, tool: str, thing: str, name: str) -> tuple[str, dict[str, Any], str, bool]:
    args: dict[str, Any] = {"subject": random.choice((thing, name, random.choice(THINGS)))}
    if random.random() < 0.5:
        args["limit"] = random.randint(1, 50)
    if random.random() < 0.3:
        args["record_id"] = str(random.randint(10_000_000, 99_999_999))
    if random.random() < 0.125:
        return tool, args, random.choice(ERRORS), False
    return tool, args, f"ok {random.randint(10_000_000, 99_999_999)} {random.choice(NAMES)}", True


def _noise(random: Random, thing: str, name: str) -> Script:
    script: Script = []
    for _ in range(random.randint(2, 6)):
        call = _call(random, random.choice(TOOLS), thing, name)
        script.append(call)
        if not call[3] and random.random() < 0.6:
            script.append(_call(random, call[0], thing, name))
    return script


Lesson = Callable[[Random, str, str, str, Script, bool], tuple[str, Script, bool]]


def _install(
    random: Random, thing: str, name: str, ask: str, script: Script, success: bool
) -> tuple[str, Script, bool]:
    package = random.choice(("requests", "pandas", "rich", "httpx", "flask"))
    error = (
        f"error: externally-managed-environment\nThis environment is managed by uv, see /usr/lib/{package}"
    )
    extra: Script = [("Bash", {"command": f"pip install {package}"}, error, False)]
    extra.append(
        ("Bash", {"command": f"uv pip install --system {package}"}, f"Installed 1 package: {package}", True)
    )
    return ask, script[:1] + extra + script[1:], success


def _testing(
    random: Random, thing: str, name: str, ask: str, script: Script, success: bool
) -> tuple[str, Script, bool]:
    extra: Script = [("Bash", {"command": "npm test"}, "Error: watch mode needs a terminal", False)]
    extra.append(
        ("Bash", {"command": "CI=1 npm test 2>&1 | tail -5"}, f"{random.randint(10, 90)} passing", True)
    )
    return ask, script[:1] + extra + script[1:], success


def _ticket(
    random: Random, thing: str, name: str, ask: str, script: Script, success: bool
) -> tuple[str, Script, bool]:
    first = {"title": f"{thing} {random.randint(1, 99)}", "owner": name}
    extra: Script = [("tickets.create", first, "Queue not provided.", False)]
    extra.append(
        (
            "tickets.create",
            {**first, "queue": random.choice(("front", "back", "stock"))},
            "T-" + str(random.randint(1000, 9999)),
            True,
        )
    )
    return ask, script + extra, success


def _procedure(ask: str, tools: tuple[str, str, str]) -> Lesson:
    def lesson(
        random: Random, thing: str, name: str, old: str, script: Script, success: bool
    ) -> tuple[str, Script, bool]:
        del old, success
        mark = str(random.randint(10_000_000, 99_999_999))
        wanted: Script = [
            (tools[0], {"query": thing}, f"found {mark}", True),
            (tools[1], {"record_id": mark}, "checked", True),
            (tools[2], {"record_id": mark, "receiver": name}, "done", True),
        ]
        if random.random() < 0.6:
            return ask.format(thing=thing, name=name), wanted, random.random() < 0.9
        return (
            ask.format(thing=thing, name=name),
            [wanted[0], wanted[2]] if random.random() < 0.5 else script,
            random.random() < 0.2,
        )

    return lesson


def _guess(tool: str, lookup: str, ask: str) -> Lesson:
    def lesson(
        random: Random, thing: str, name: str, old: str, script: Script, success: bool
    ) -> tuple[str, Script, bool]:
        del old, success
        mark = str(random.randint(10_000_000, 99_999_999))
        said = ask.format(thing=thing, name=name)
        if random.random() < 0.5:
            guess = str(random.randint(10_000_000, 99_999_999))
            return (
                said,
                [*script[:1], (tool, {"record": guess}, "Record not found.", False)],
                random.random() < 0.1,
            )
        return (
            said,
            [
                *script[:1],
                (lookup, {"query": thing}, f"found {mark}", True),
                (tool, {"record": mark}, "done", True),
            ],
            random.random() < 0.85,
        )

    return lesson


LESSONS: tuple[Lesson, ...] = (
    _install,
    _testing,
    _ticket,
    _procedure(
        "Refund the {thing} that {name} sent back", ("orders.search", "orders.verify", "payments.refund")
    ),
    _procedure(
        "Onboard {name} as our new {thing} supplier",
        ("registry.lookup", "registry.verify", "contracts.issue"),
    ),
    _procedure(
        "Publish the {thing} announcement and invite {name}",
        ("drafts.find", "drafts.approve", "channel.publish"),
    ),
    _guess("parcels.redirect", "parcels.search", "Redirect the {thing} parcel of {name} to the depot"),
    _guess("rooms.release", "rooms.search", "Release the {thing} room that {name} reserved"),
)


def measure(seeds: int, progress: Callable[[int, int | None, str], None]) -> dict[str, Any]:
    """Recall, precision and inventions over `seeds` seeds, and how they came about (see
    `planted_score.summarise`).
    """
    return measure_planted(seeds, progress)
