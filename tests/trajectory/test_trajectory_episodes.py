"""Sessions are cut into recoveries, corrections, procedures and pitfalls."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from turns import session

from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.model import (
    ATIF_VERSION,
    Agent,
    Observation,
    Result,
    Step,
    SubagentRef,
    ToolCall,
    Trajectory,
)


def of(kind: str, *turns: Any, **more: Any) -> list[Episode]:
    return [e for e in cut(session(*turns, **more)) if e.kind == kind]


def sh(command: str, text: str, worked: bool = True) -> tuple[str, dict[str, Any], str, bool]:
    return ("exec_command", {"cmd": command}, text, worked)


def test_a_command_that_another_command_replaces() -> None:
    (found,) = of(
        "recovery",
        "install it",
        sh("pip install rich", "error: externally-managed-environment", False),
        sh("uv pip install --system rich", "Installed"),
    )
    assert found.failed is not None
    assert found.failed.error == "error: externally-managed-environment"
    assert [m.command for m in found.actions] == ["uv pip install --system rich"]
    assert found.steps == [2, 3]
    assert found.worked


@pytest.mark.parametrize(
    ("fails", "works"),
    [
        ("pytest", "cd app || exit 1; pytest"),
        ("pytest", "cd app || exit; pytest"),
        ("npm test", "set -e; cd web || exit 1; npm test"),
        ("npm run build", "cd web && npm run build || exit 1"),
        ("docker compose up -d", "docker compose up -d || (docker compose logs; exit 1)"),
    ],
)
def test_a_command_that_passes_its_failure_on_replaces_another(fails: str, works: str) -> None:
    turns = "try it", sh(fails, "error: nothing found here", False), sh(works, "3 passed")
    (found,) = of("recovery", *turns)
    assert [m.command for m in found.actions] == [works]
    assert of("pitfall", *turns) == []


def test_an_action_in_between_belongs_to_the_way() -> None:
    (found,) = of(
        "recovery",
        "start it",
        sh("npm run dev", "Error: listen EADDRINUSE :::3000", False),
        sh("ls", "a"),
        sh("lsof -ti:3000 | xargs kill", ""),
        sh("npm run dev", "ready"),
    )
    assert [m.key for m in found.actions] == ["lsof | xargs kill", "npm run dev"]


def test_a_lookup_that_gave_the_value_belongs_to_the_way() -> None:
    (found,) = of(
        "recovery",
        "delete the mail from nia",
        ("email.delete", {"id": "123"}, "Email not found.", False),
        ("email.search", {"query": "nia"}, "id 00000431", True),
        ("email.delete", {"id": "00000431"}, "deleted", True),
    )
    assert [m.tool for m in found.actions] == ["email.search", "email.delete"]
    assert found.actions[1].args[0].origins == ("result:1",)
    assert found.actions[0].args[0].origins == ("user",)


def test_an_edit_after_reading() -> None:
    (found,) = of(
        "recovery",
        "rename it",
        ("Edit", {"file_path": "a.py", "old_string": "x"}, "File has not been read yet", False),
        ("Read", {"file_path": "a.py"}, "y", True),
        ("Edit", {"file_path": "a.py", "old_string": "y"}, "ok", True),
    )
    assert [m.tool for m in found.actions] == ["Read", "Edit"]


def test_what_nothing_made_good_is_a_pitfall() -> None:
    turns = ("deploy", sh("make deploy", "fatal: no key", False), ("say", "I give up"))
    assert [e.failed.key for e in of("pitfall", *turns) if e.failed] == ["make deploy"]
    assert of("recovery", *turns) == []


def test_a_try_that_failed_again_speaks_against_it() -> None:
    found = of(
        "recovery",
        "test it",
        sh("npm test", "failed", False),
        sh("npm test --force", "failed", False),
        sh("CI=1 npm test", "ok"),
    )
    assert [(e.failed.command if e.failed else "", e.actions[-1].command, e.worked) for e in found] == [
        ("npm test", "npm test --force", False),
        ("npm test", "CI=1 npm test", True),
        ("npm test --force", "CI=1 npm test", True),
    ]


def test_a_correction_in_the_users_words() -> None:
    (found,) = of(
        "correction",
        "commit my change",
        sh("git commit -m 'Fixed it'", "ok"),
        ("say", "Committed."),
        "No. Use conventional commits, please. Like fix: x",
        sh("git commit --amend -m 'fix: it'", "ok"),
        ("say", "Amended."),
        "thanks",
    )
    assert found.user_text == "Use conventional commits, please." or "conventional" in found.user_text
    assert found.failed is not None
    assert found.actions[0].command.startswith("git commit --amend")
    assert found.accepted


def test_each_request_gives_one_procedure_and_answers_do_not_begin_a_new_one() -> None:
    found = of(
        "procedure",
        "book a flight to Rome for me",
        ("say", "Which day?"),
        "on Friday in the morning",
        ("flights.search", {"to": "Rome"}, "AZ1", True),
        ("flights.book", {"id": "AZ1"}, "ok", True),
        ("say", "Booked."),
        "now write a packing list into notes",
        ("notes.write", {"text": "socks"}, "ok", True),
        ("say", "Done."),
    )
    assert [[m.tool for m in e.actions] for e in found] == [
        ["flights.search", "flights.book"],
        ["notes.write"],
    ]
    assert found[0].intent == "book a flight to Rome for me"
    assert found[1].topic == "notes"


def test_skill_reads_and_bookkeeping_are_no_actions() -> None:
    (found,) = of(
        "procedure",
        "release it",
        ("Skill", {"skill": "release"}, "body", True),
        sh("cat ~/.agents/skills/release/SKILL.md", "body"),
        ("TodoWrite", {"todos": []}, "ok", True),
        sh("git tag v1", ""),
    )
    assert [m.key for m in found.actions] == ["git tag"]


def test_subagents_count_with_their_root() -> None:
    sub = Trajectory(
        schema_version=ATIF_VERSION,
        agent=Agent(name="codex", version="1"),
        trajectory_id="sub",
        steps=[
            Step(step_id=1, source="user", message="No, stop"),
            Step(
                step_id=2,
                source="agent",
                message="",
                tool_calls=[
                    ToolCall(tool_call_id="s", function_name="Bash", arguments={"command": "make x"})
                ],
                observation=Observation(results=[Result(source_call_id="s", content="ok")]),
            ),
        ],
    )
    made = session("do it", ("Task", {"prompt": "x"}, "done", True), subagent_trajectories=[sub])
    step = made.steps[1]
    assert step.observation is not None
    result = msgspec.structs.replace(
        step.observation.results[0], subagent_trajectory_ref=[SubagentRef(trajectory_id="sub")]
    )
    steps = [made.steps[0], msgspec.structs.replace(step, observation=Observation(results=[result]))]
    (found,) = cut(msgspec.structs.replace(made, steps=steps))
    assert [(m.key, m.step) for m in found.actions] == [("make x", 2)]
    assert found.session == "k"
