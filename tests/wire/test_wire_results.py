"""What results say of themselves: exit codes in the forms that clients send, errors, taint."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skillclaw.wire.results import facts


@pytest.mark.parametrize(
    ("tool", "text", "said", "code", "error"),
    [
        (
            "exec_command",
            "Chunk ID: 1\nWall time: 0.1 s\nProcess exited with code 3\nOutput:\nx",
            None,
            3,
            True,
        ),
        ("exec_command", "Wall time: 0.1 s\nProcess exited with code 0\nOutput:\nx", None, 0, False),
        ("apply_patch", "Exit code: 1\nWall time: 0 seconds\nOutput:\nno", None, 1, True),
        ("shell", "Exit code: 0\nWall time: 0 seconds\nOutput:\nyes", None, 0, False),
        ("Bash", "Exit code 2\nno such file", True, 2, True),
        ("Bash", "Error: Exit code 127\nnot found", True, 127, True),
        ("Bash", "Exit code 2 is what it prints", False, 0, False),
        ("Bash", "fine", False, 0, False),
        ("Bash", "Command running in background with ID: b1", False, None, False),
        ("Bash", "Command was manually backgrounded by user", False, None, False),
        ("run_shell_command", "Command: ls\nOutput: x\nExit Code: 4", None, 4, True),
        ("exec", "no\n(Command exited with code 5)", None, 5, True),
        ("shell", '{"output": "x", "metadata": {"exit_code": 6}}', None, 6, True),
        ("shell", '{"output": "x", "exit_code": true}', None, None, None),
        ("exec_command", "exec_command failed: no such shell", None, None, True),
        ("exec_command", "aborted by user after 3 s", None, None, True),
        ("exec_command", "plain text", None, None, None),
        ("read", "Process exited with code 1\n", None, None, None),
    ],
)
def test_exit_codes_and_errors(
    tool: str, text: str, said: bool | None, code: int | None, error: bool | None
) -> None:
    found = facts(tool, {}, text, said)
    assert (found.exit_code, found.is_error) == (code, error)


@pytest.mark.parametrize(
    ("tool", "arguments", "taint"),
    [
        ("WebFetch", {"url": "https://a.example"}, "web"),
        ("functions.web_search", {}, "web"),
        ("Skill", {"skill": "git"}, "skill"),
        ("Read", {"file_path": "/home/u/.claude/skills/git/SKILL.md"}, "skill"),
        ("Bash", {"command": "cat skills/git/SKILL.md"}, "skill"),
        ("Read", {"file_path": "README.md"}, "file"),
        ("Bash", {"command": "make"}, None),
    ],
)
def test_where_the_text_of_a_result_comes_from(
    tool: str, arguments: dict[str, Any], taint: str | None
) -> None:
    assert facts(tool, arguments, "text", None).taint == taint


@pytest.mark.parametrize(
    ("codes", "code", "is_error"),
    [([0, 0], 0, False), ([2, 1, 0], 1, True), ([None], None, None), ([], None, None)],
)
def test_a_script_of_codex_has_the_last_failure_of_its_commands(
    codes: list[int | None], code: int | None, is_error: bool | None
) -> None:
    lines = [
        json.dumps({"chunk_id": "a"} | ({} if one is None else {"exit_code": one}) | {"output": "x\n"})
        for one in codes
    ]
    text = "\n".join(["Script completed", "Wall time 0.1 seconds", "Output:", "", *lines, '{"exit_code": 7}'])
    found = facts("functions.exec", {}, text, None)
    assert (found.exit_code, found.is_error) == (code, is_error)
