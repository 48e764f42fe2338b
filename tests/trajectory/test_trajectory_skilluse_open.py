"""Skills as opencode 1.18.33 and Copilot CLI 1.0.102 show them, credited by their content."""

from __future__ import annotations

import pytest

from skillclaw.trajectory.model import (
    ATIF_VERSION,
    Agent,
    Observation,
    Result,
    Step,
    StepMeta,
    ToolCall,
    Trajectory,
    meta,
    with_step_meta,
)
from skillclaw.trajectory.skilluse import credit, known_bodies, skills_seen

SKILL = "---\nname: alpha\ndescription: Use for alpha things.\n---\n\n# Alpha\n\nDo alpha.\n\nThen rest.\n"
KNOWN = known_bodies("hub", "v1", SKILL)


def session(*steps: Step) -> Trajectory:
    return Trajectory(schema_version=ATIF_VERSION, agent=Agent(name="a", version="1"), steps=list(steps))


def called(tool: str, arguments: dict[str, object], output: str) -> Trajectory:
    step = Step(
        step_id=1,
        source="agent",
        message="",
        tool_calls=[ToolCall(tool_call_id="c", function_name=tool, arguments=arguments)],
        observation=Observation(results=[Result(source_call_id="c", content=output)]),
    )
    return session(step)


def opencode(body: str) -> str:
    return (
        f'<skill_content name="alpha">\n# Skill: alpha\n\n{body}\n\n'
        "Base directory for this skill: /home/ada/.agents/skills/alpha\n"
        "Relative paths in this skill (e.g., scripts/, reference/) are relative to this base directory.\n"
        "Note: file list is sampled.\n\n<skill_files>\n<file>/home/ada/a.sh</file>\n</skill_files>\n"
        "</skill_content>"
    )


BODY = "# Alpha\n\nDo alpha.\n\nThen rest."
NUMBERED = "\n".join(f"{number}: {line}" for number, line in enumerate(SKILL.rstrip("\n").split("\n"), 1))
PATH = "/home/ada/.agents/skills/alpha/SKILL.md"


@pytest.mark.parametrize(
    ("tool", "arguments", "output"),
    [
        pytest.param("skill", {"name": "alpha"}, opencode(BODY), id="opencode's tool"),
        pytest.param(
            "read",
            {"filePath": PATH},
            f"<path>{PATH}</path>\n<type>file</type>\n<content>\n{NUMBERED}\n\n"
            "(End of file - total 10 lines)\n</content>",
            id="opencode's reader",
        ),
        pytest.param(
            "bash",
            {"command": f"cat {PATH}"},
            f"{SKILL}<shellId: 0 completed with exit code 0>",
            id="Copilot's shell",
        ),
        pytest.param("view", {"path": PATH}, SKILL, id="Copilot's viewer"),
    ],
)
def test_bodies_are_credited(tool, arguments, output):
    (use,) = meta(credit(called(tool, arguments, output), KNOWN)).skills
    assert (use.name, use.read_step, use.version) == ("alpha", 1, "v1")


def test_a_body_that_was_edited_is_read_but_not_credited():
    (use,) = meta(credit(called("skill", {"name": "alpha"}, opencode(BODY + "\nMore.")), KNOWN)).skills
    assert (use.name, use.read_step, use.version) == ("alpha", 1, None)


def test_a_body_that_speaks_of_a_base_directory_is_whole():
    told = BODY + "\n\nBase directory for this skill: none"
    known = known_bodies("hub", "v2", f"---\nname: alpha\n---\n{told}\n")
    (use,) = meta(credit(called("skill", {"name": "alpha"}, opencode(told)), known)).skills
    assert use.version == "v2"


def test_copilot_shows_a_skill_in_the_users_place():
    text = (
        '<skill-context name="alpha">\nBase directory for this skill: /home/ada/.agents/skills/alpha\n\n'
        f"{BODY}\n\n</skill-context>"
    )
    step = with_step_meta(Step(step_id=1, source="user", message=text), StepMeta(injected=True))
    (use,) = meta(credit(session(step), KNOWN)).skills
    assert (use.read_step, use.version) == (1, "v1")


def test_lists_of_both_hosts():
    one = "  <skill>\n    <name>alpha</name>\n    <description>d</description>\n  </skill>"
    host = with_step_meta(
        Step(step_id=1, source="system", message=f"<available_skills>\n{one}\n</available_skills>"),
        StepMeta(injected=True),
    )
    assert [(use.name, use.offered) for use in skills_seen(session(host))] == [("alpha", True)]
