"""Lessons that sessions of a group teach, the sessions, and a model that writes each lesson down."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from llm_script import asked
from made_sessions import made, sh
from providers import Act, Answer

from skillclaw.trajectory.model import SessionMeta, Trajectory

USERS = ("ana", "ben", "cleo", "dov")
LESSONS = (
    ("shop", "npm test", "CI=1 npm test", "Error: watch mode needs a terminal"),
    ("ledger", "cargo build", "cargo build --offline", "error: failed to get `serde`: no network here"),
    ("atlas", "terraform plan", "terraform plan -lock-timeout=5m", "Error: Error acquiring the state lock"),
    ("press", "hugo build", "hugo build --minify", "ERROR the site is larger than the limit"),
    ("loom", "go test ./...", "go test -count=1 ./...", "FAIL: a cached result is stale"),
    ("forge", "gradle check", "gradle check --no-daemon", "FAILURE: the daemon has died"),
)
"""What a project is called, what fails there, what works instead, and what the failure says."""


def lesson_session(lesson: int, number: int, user: str = "") -> Trajectory:
    """The session with this number, of somebody who met the lesson."""
    project, fails, works, error = LESSONS[lesson]
    return made(
        f"Please check the {project} project before the release",
        sh(fails, error, 1),
        sh(works, f"{number % 40 + 3} passed"),
        meta=SessionMeta(
            key=f"{lesson:04x}{number:012x}",
            user=user or USERS[number % len(USERS)],
            source="history",
            outcome="success",
        ),
    )


def writer(then: Callable[[dict[str, Any]], Act | None] = lambda request: None) -> Callable[[Any], Act]:
    """What a scripted provider does: it writes the lesson down that a question is about. `then` is asked
    first, and may do something else instead."""

    def act(request: dict[str, Any]) -> Act:
        if made := then(request):
            return made
        stage, prompt = asked(request)
        if stage == "draft" and '"create"' not in json.dumps(request):
            return Answer({"why": "The skill says it.", "action": "skip"})
        return Answer(_answer(stage, prompt))

    return act


def _answer(stage: str, prompt: str) -> dict[str, Any]:
    if stage == "digest":
        count = sum(row.startswith("BEGIN DATA") for row in prompt.splitlines())
        one = {"goal": "Check the project", "worked": [], "failed": [], "corrected": []}
        return {"sessions": [{"session": n, **one} for n in range(1, count + 1)]}
    if stage == "attribute":
        return {"why": "A line is missing.", "fault": "skill", "items": [], "evidence": ["P1"]}
    project, fails, works, _ = next((one for one in LESSONS if one[2] in prompt), LESSONS[0])
    return {
        "why": "What fails has a way that works.",
        "action": "create",
        "title": f"Checking {project}",
        "description": f"Check the {project} project. Use when `{fails}` fails.",
        "lines": [
            {
                "kind": "condition",
                "text": f"The user asks to check the {project} project.",
                "evidence": ["P1"],
            },
            {"kind": "fix", "text": f"If `{fails}` fails, run `{works}`.", "evidence": ["P1"]},
        ],
    }
