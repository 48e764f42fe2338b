"""Skills offered, read and invoked are seen in the forms that the agents use; credit needs the very text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.trajectory.model import (
    ATIF_VERSION,
    Agent,
    Observation,
    Result,
    SessionMeta,
    SkillUse,
    Step,
    StepMeta,
    ToolCall,
    Trajectory,
    meta,
    with_meta,
    with_step_meta,
)
from skillclaw.trajectory.skilluse import bodies, body_digest, credit, known_bodies, skills_seen

SKILL = (
    "---\nname: uv-install\ndescription: Install packages.\n---\n\n# Installing\n\n- Use `uv pip install`.\n"
)
BODY = "# Installing\n\n- Use `uv pip install`."
NUMBERED = "".join(f"{n}\t{line}\n" for n, line in enumerate(SKILL.split("\n"), 1))
ARROWS = "".join(f"{n:6}→{line}\n" for n, line in enumerate(SKILL.split("\n"), 1))


def host(text: str, number: int = 1, source: str = "user") -> Step:
    made = Step(step_id=number, source=source, message=text)  # type: ignore[arg-type]
    return with_step_meta(made, StepMeta(injected=True))


def tool(number: int, name: str, arguments: dict[str, object], output: str) -> Step:
    return Step(
        step_id=number,
        source="agent",
        message="",
        tool_calls=[ToolCall(tool_call_id=f"c{number}", function_name=name, arguments=arguments)],
        observation=Observation(results=[Result(source_call_id=f"c{number}", content=output)]),
    )


def session(*steps: Step, tools: list[dict[str, object]] | None = None) -> Trajectory:
    return Trajectory(
        schema_version=ATIF_VERSION,
        agent=Agent(name="codex", version="1", tool_definitions=tools),
        steps=list(steps),
    )


CLAUDE_LIST = (
    "The following skills are available for use with the Skill tool:\n\n"
    "- uv-install: Install packages. - When pip fails.\n"
    "- apps/web:deploy: Ship it.\n- plain\n\nAnother paragraph.\n- no: x"
)
CODEX_LIST = (
    "<skills_instructions>\n## Skills\n### Skill roots\n- `r1` = `/home/dev/skills`\n### Available skills\n"
    "- uv-install: Install. (file: r1/uv-install/SKILL.md)\n- other: Else. (file: r1/other/SKILL.md)\n"
    "### How to use\n- x: y"
)
XML_LIST = "<available_skills>\n<skill>\n<name>uv-install</name>\n</skill>\n</available_skills>"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (CLAUDE_LIST, ["apps/web:deploy", "plain", "uv-install"]),
        (CODEX_LIST, ["other", "uv-install"]),
        (XML_LIST, ["uv-install"]),
        (
            "<available_skills>\n  dev:\n    - uv-install: Install.\n</available_skills>\n- no: x",
            ["uv-install"],
        ),
    ],
)
def test_lists_of_skills_offered(text, names):
    expected = [SkillUse(name=name, offered=True) for name in names]
    assert skills_seen(session(host(text, source="system"))) == expected
    assert skills_seen(session(host(text))) == expected
    described = session(tools=[{"type": "function", "function": {"name": "skill", "description": text}}])
    assert skills_seen(described) == expected
    assert skills_seen(session(Step(step_id=1, source="user", message=text))) == []


def test_claude_code_skill_tool_and_its_body():
    found = session(
        tool(1, "Skill", {"skill": "uv-install"}, "Launching skill: uv-install"),
        host(f"Base directory for this skill: /home/dev/.claude/skills/uv-install\n\n{BODY}\n", 2),
    )
    assert skills_seen(found) == [SkillUse(name="uv-install", read_step=2, invoked_step=1)]
    assert bodies(found) == [("uv-install", 2, f"\n{BODY}\n")]
    credited = meta(credit(found, known_bodies("personal", "v1", SKILL))).skills
    assert credited == [
        SkillUse(name="uv-install", hub="personal", version="v1", read_step=2, invoked_step=1)
    ]


@pytest.mark.parametrize(
    ("name", "arguments", "output"),
    [
        ("Read", {"file_path": "/home/dev/.claude/skills/uv-install/SKILL.md"}, NUMBERED),
        ("Read", {"file_path": "C:\\Users\\dev\\skills\\uv-install\\SKILL.md"}, ARROWS),
        (
            "Read",
            {"file_path": "skills/uv-install/SKILL.md"},
            SKILL + "\n\n<system-reminder>\nx\n</system-reminder>\n",
        ),
        (
            "exec_command",
            {"cmd": "cat .agents/skills/uv-install/SKILL.md"},
            f"Chunk ID: 1\nWall time: 0.0 seconds\nProcess exited with code 0\nOutput:\n{SKILL}",
        ),
        ("shell", {"command": ["bash", "-lc", "sed -n '1,200p' 'skills/uv-install/SKILL.md'"]}, SKILL),
        ("skill", {"name": "uv-install"}, f'<skill_content name="uv-install">\n{BODY}\n</skill_content>'),
        ("skill", {"skill": "uv-install"}, f"Base directory for this skill: /x/uv-install\n\n{BODY}"),
        ("skill_view", {"name": "uv-install"}, SKILL),
    ],
)
def test_bodies_that_were_read_are_credited(name, arguments, output):
    found = credit(session(tool(1, name, arguments, output)), known_bodies("personal", "v1", SKILL))
    (use,) = meta(found).skills
    assert (use.name, use.hub, use.version, use.read_step) == ("uv-install", "personal", "v1", 1)


def test_codex_mention_is_read_and_invoked():
    text = f"<skill>\n<name>uv-install</name>\n<path>/home/dev/uv-install/SKILL.md</path>\n{SKILL}\n</skill>"
    found = credit(session(host(text)), known_bodies("team", "v2", SKILL))
    assert meta(found).skills == [
        SkillUse(name="uv-install", hub="team", version="v2", read_step=1, invoked_step=1)
    ]


def test_pi_command_is_read_and_invoked():
    place = "/home/dev/.pi/agent/skills/uv-install"
    head = f'<skill name="uv-install" location="{place}/SKILL.md">\nReferences are relative to {place}.'
    found = credit(session(host(f"{head}\n\n{BODY}\n</skill>")), known_bodies("team", "v2", SKILL))
    assert meta(found).skills == [
        SkillUse(name="uv-install", hub="team", version="v2", read_step=1, invoked_step=1)
    ]


def test_an_edited_or_partial_body_is_not_credited():
    known = known_bodies("personal", "v1", SKILL)
    for output in (SKILL + "- And my own line.", SKILL[:-20], "cat: no such file"):
        arguments = {"cmd": "cat skills/uv-install/SKILL.md"}
        (use,) = meta(credit(session(tool(1, "exec_command", arguments, output)), known)).skills
        assert (use.version, use.read_step) == (None, 1)


def test_writing_or_searching_a_skill_is_not_reading_it():
    found = session(tool(1, "Write", {"file_path": "skills/uv-install/SKILL.md", "content": SKILL}, "ok"))
    assert skills_seen(found) == []


def test_what_was_set_before_stays():
    before = session(host(CODEX_LIST))
    known = SkillUse(name="mine", hub="personal", version="v0", offered=True)
    found = credit(with_meta(before, SessionMeta(skills=[known])), {})
    assert known in meta(found).skills
    assert credit(found, {}) == found


@given(st.text(max_size=80), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["\t", "→"]))
def test_the_digest_is_of_the_text_alone(text, end, mark):
    body = "# Title\n" + text.replace("\r", "").replace("\n\n", "\n") + "\nlast"
    shown = end.join(f"{n:>5}{mark}{line}" for n, line in enumerate(body.split("\n"), 1))
    assert body_digest(shown) == body_digest(body) == body_digest(f"\n\n{body}  \n")


NANOBOT_LIST = (
    "# Skills\n\nThe following skills extend your capabilities.\n\n### Workspace skills (`skills`)\n"
    "- **uv-install** — Install packages: quickly.  `uv-install/SKILL.md`\n\n### Built-in skills (`skills`)\n"
    "- **cron** — Schedule. (unavailable: CLI: x)  `cron/SKILL.md`\n\n# Else\n- **no** — x"
)
PICOCLAW_LIST = (
    "<skills>\n  <skill>\n    <name>uv-install</name>\n    <location>/w/x</location>\n  </skill>\n</skills>"
)


@pytest.mark.parametrize(
    ("text", "names"), [(NANOBOT_LIST, ["cron", "uv-install"]), (PICOCLAW_LIST, ["uv-install"])]
)
def test_more_lists_of_skills_offered(text: str, names: list[str]) -> None:
    assert [use.name for use in skills_seen(session(host(text, source="system"))) if use.offered] == names


BARS = "\n".join(f"{n}| {line}" for n, line in enumerate(SKILL.strip().split("\n"), 1))
LINES = len(SKILL.strip().split("\n"))


@pytest.mark.parametrize(
    ("name", "arguments", "output"),
    [
        (
            "read_file",
            {"path": "skills/uv-install/SKILL.md"},
            f"{BARS}\n\n(End of file — {LINES} lines total)",
        ),
        ("exec", {"command": "cat skills/uv-install/SKILL.md"}, f"{SKILL}\n\nExit code: 0"),
        (
            "terminal",
            {"command": "cat /h/.agents/skills/uv-install/SKILL.md"},
            f"{SKILL.strip()}\n[The command completed with exit code 0.]\n[Current working directory: /w]\n"
            "[Python interpreter: /usr/bin/python]\n[Command finished with exit code 0]",
        ),
        (
            "file_editor",
            {"command": "view", "path": "/h/uv-install/SKILL.md"},
            "Here's the result of running `cat -n` on /h/uv-install/SKILL.md:\n" + NUMBERED,
        ),
        (
            "invoke_skill",
            {"name": "uv-install"},
            f"{BODY}\n\n---\nThis skill is located at `/h/uv-install`. Any files it references are there.",
        ),
    ],
)
def test_bodies_shown_by_nanobot_and_openhands_are_credited(name, arguments, output):
    found = credit(session(tool(1, name, arguments, output)), known_bodies("personal", "v1", SKILL))
    (use,) = meta(found).skills
    assert (use.name, use.version, use.read_step) == ("uv-install", "v1", 1)


def test_nanobot_mentions_are_read_and_invoked_each_with_its_own_text():
    other = "# Other\n\nDo it."
    text = (
        "[Active Skills — instructions for this user turn]\n"
        f"### Skill: uv-install\n\n{BODY}\n\n---\n\n### Skill: other\n\n{other}\n[/Active Skills]"
    )
    found = credit(session(host(text)), known_bodies("team", "v2", SKILL))
    uses = {use.name: use for use in meta(found).skills}
    assert (uses["uv-install"].version, uses["uv-install"].read_step, uses["uv-install"].invoked_step) == (
        "v2",
        1,
        1,
    )
    assert (uses["other"].version, uses["other"].read_step) == (None, 1)
    assert [body for _, _, body in bodies(found)] == [BODY, other]


def test_editing_a_skill_with_an_editor_is_not_reading_it():
    found = session(tool(1, "file_editor", {"command": "create", "path": "/h/x/SKILL.md"}, SKILL))
    assert skills_seen(found) == []
