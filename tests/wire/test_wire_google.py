"""What Gemini CLI, Qwen Code and Cline send, as recorded: sub-agents, summaries, side requests, skills."""

from __future__ import annotations

import json
from typing import Any

import atif
import msgspec
import pytest
from recorded import call_of, post, recorded

from skillclaw.journal.assemble import assemble
from skillclaw.trajectory.model import (
    SessionMeta,
    Trajectory,
    encode,
    meta,
    result_meta,
    step_meta,
    text_of,
    with_meta,
)
from skillclaw.trajectory.skilluse import bodies, credit, known_bodies
from skillclaw.wire.decode import decode
from skillclaw.wire.records import Decoded, Identity
from skillclaw.wire.results import facts

SKILL = "---\nname: uv-install\ndescription: x\n---\n# Install with uv\n\nRun `uv pip install NAME`.\n"
ROOT = "11111111-2222-4333-8444-555555555555"
CHILD = "99999999-2222-4333-8444-555555555555"


def only(name: str) -> Trajectory:
    (found,) = assemble(recorded(name))
    atif.Trajectory.model_validate_json(encode(found))
    return found


def told(trajectory: Trajectory) -> list[str]:
    """User and agent in turn, without what the host put there; calls by their names."""
    said = []
    for step in trajectory.steps:
        if step_meta(step).kind == "turn" and not step_meta(step).injected and step.source != "system":
            calls = "".join(f"[{call.function_name}]" for call in step.tool_calls or [])
            said.append(f"{step.source}: {text_of(step.message)}{calls}")
    return said


def codes(trajectory: Trajectory) -> list[int | None]:
    return [
        result_meta(result).exit_code
        for step in trajectory.steps
        if step.observation
        for result in step.observation.results
    ]


def kinds(trajectory: Trajectory) -> list[str]:
    return [step_meta(step).kind for step in trajectory.steps if step_meta(step).kind != "turn"]


GEMINI = [
    "user: Please count the lines of @sample.txt",
    "agent: Step 1.[run_shell_command]",
    "agent: Step 2.[activate_skill]",
    "agent: Step 3.[run_shell_command]",
    "agent: There are three lines.",
    "user: Now delegate this to somebody",
    "agent: Step 1.[invoke_agent]",
    "agent: Delegated.",
    "user: Now the third question",
    "agent: Step 1.[run_shell_command]",
    "agent: Third answer.",
]
QWEN = [
    "user: Please count the lines of @sample.txt",
    "agent: [run_shell_command]",
    "agent: [skill]",
    "agent: [run_shell_command]",
    "agent: There are three lines.",
    "user: Now delegate this",
    "agent: [agent]",
    "agent: Delegated.",
    "agent: Delegated.",
    "user: Now the second question",
    "agent: [run_shell_command]",
    "agent: Second answer.",
]


def test_gemini_cli_is_one_session_over_resumes_a_sub_agent_and_two_compactions() -> None:
    found = only("gemini-cli-resumed.json")
    assert told(found) == GEMINI
    assert codes(found) == [0, None, 1, None, 0]
    assert kinds(found)[:5] == ["compaction"] * 5
    (sub,) = found.subagent_trajectories or []
    assert told(sub) == [
        "user: Helper: run the pwd job",
        "agent: Step 1.[run_shell_command]",
        "agent: [complete_task]",
    ]
    (ref,) = [
        ref.trajectory_id
        for step in found.steps
        if step.observation
        for result in step.observation.results
        for ref in result.subagent_trajectory_ref or []
    ]
    assert ref == sub.trajectory_id
    assert (meta(found).project, meta(found).env["os"]) == ("proj", "linux")


def test_files_that_the_user_names_are_not_his_words() -> None:
    for name in ("gemini-cli-resumed.json", "qwen-code.json"):
        step = next(
            step for step in only(name).steps if "Content from referenced files" in text_of(step.message)
        )
        assert step_meta(step).injected
        assert "\na\nb\nc\n" in text_of(step.message)
        assert text_of(step.message).endswith("--- End of content ---")


def test_qwen_code_is_one_session_with_its_sub_agent_and_its_compaction() -> None:
    found = only("qwen-code.json")
    assert told(found) == QWEN
    assert codes(found) == [0, None, 1, None, 0]
    (sub,) = found.subagent_trajectories or []
    assert told(sub)[0] == "user: Helper: run the pwd job"
    assert kinds(found) == ["compaction"] * 3
    assert (meta(found).project, meta(found).env["os"]) == ("proj", "linux")


def test_what_qwen_code_asks_beside_the_conversation_is_no_turn() -> None:
    found = [decode(call_of(one)) for one in recorded("qwen-code-review.json")]
    assert [one.kind for one in found if one] == ["turn", "turn", "turn", "side", "compaction"]
    session = only("qwen-code-review.json")
    assert told(session)[0] == "user: Please use many tools"
    assert told(session)[-1] == "agent: Many done."
    assert not session.subagent_trajectories
    assert [s.source for s in session.steps if step_meta(s).kind == "turn"].count("system") == 1


def test_cline_is_one_session_over_a_resume_and_one_with_a_sub_agent() -> None:
    found = {told(one)[0]: one for one in assemble(recorded("cline.json"))}
    resumed = found["user: Please count the lines of sample.txt"]
    assert told(resumed) == [
        "user: Please count the lines of sample.txt",
        "agent: [run_commands]",
        "agent: [skills]",
        "agent: [run_commands]",
        "agent: There are three lines.",
        "user: Now the second question please",
        "agent: [run_commands]",
        "agent: Second answer.",
    ]
    assert codes(resumed) == [0, None, 1, 0]
    delegated = found["user: Please delegate this work"]
    assert len(found) == 2
    (sub,) = delegated.subagent_trajectories or []
    assert told(sub)[0] == "user: Helper: run the pwd job"
    assert resumed.agent.version == "unknown", "the library's version is not the agent's"
    assert (meta(resumed).project, meta(resumed).env["os"]) == ("proj", "linux")


@pytest.mark.parametrize("name", ["gemini-cli-resumed.json", "qwen-code.json", "cline.json"])
def test_a_skill_is_offered_invoked_and_credited_by_its_content(name: str) -> None:
    found = next(one for one in assemble(recorded(name)) if bodies(one))
    credited = credit(found, known_bodies("hub", "v7", SKILL))
    use = next(use for use in meta(credited).skills if use.name == "uv-install")
    assert use.offered and use.read_step == use.invoked_step is not None
    assert (use.hub, use.version) == ("hub", "v7")
    other = credit(found, known_bodies("hub", "v8", SKILL.replace("NAME", "OTHER")))
    assert next(use for use in meta(other).skills if use.name == "uv-install").version in (None, "")


def wrapped(prompt: str, *contents: dict[str, Any]) -> Decoded:
    body = {
        "model": "gemini-2.5-pro",
        "user_prompt_id": prompt,
        "request": {"session_id": ROOT, "contents": list(contents)},
    }
    found = decode(post("/v1internal:streamGenerateContent?alt=sse", body, {"response": {}}))
    assert found is not None
    return found


def test_a_google_login_names_the_session_and_the_sub_agent() -> None:
    user = {"role": "user", "parts": [{"text": "Helper: do it"}]}
    assert wrapped(f"{ROOT}########0", user).identity == Identity(root=ROOT, thread=ROOT)
    assert wrapped(ROOT, user).identity == Identity(root=ROOT, thread=ROOT)
    assert wrapped(f"{CHILD}#2", user).identity == Identity(
        root=ROOT, thread=CHILD, parent=ROOT, is_subagent=True
    )


def test_ids_that_a_sub_agent_of_gemini_cli_makes_up_are_those_of_the_response() -> None:
    call = {"functionCall": {"name": "run_shell_command", "args": {"command": "pwd"}}}
    first = decode(
        post(
            "/v1beta/models/m:generateContent",
            {"contents": [{"role": "user", "parts": [{"text": "go"}]}]},
            {"candidates": [{"content": {"role": "model", "parts": [call]}, "finishReason": "STOP"}]},
        )
    )
    again = {"functionCall": {**call["functionCall"], "id": f"{CHILD}#0-0"}}
    result = {
        "functionResponse": {"id": f"{CHILD}#0-0", "name": "run_shell_command", "response": {"output": "x"}}
    }
    second = decode(
        post(
            "/v1beta/models/m:generateContent",
            {
                "contents": [
                    {"role": "user", "parts": [{"text": "go"}]},
                    {"role": "model", "parts": [again]},
                    {"role": "user", "parts": [result]},
                ]
            },
            {},
        )
    )
    assert first and second
    assert second.request[1].call_id == second.request[2].call_id == first.response[0].call_id


@pytest.mark.parametrize(
    ("body", "root"),
    [
        ({"metadata": {"sessionId": ROOT, "promptId": f"{ROOT}########0"}}, ROOT),
        ({"session_id": "1795683308714_wucwu"}, "1795683308714_wucwu"),
    ],
)
def test_ids_in_the_body(body: dict[str, Any], root: str) -> None:
    request = {"messages": [{"role": "user", "content": "hi"}], **body}
    found = decode(post("/v1/chat/completions", request, {}))
    assert found and found.identity == Identity(root=root, thread=root)


def listed(*results: dict[str, Any]) -> str:
    return json.dumps(results, separators=(",", ":"))


OK = {"query": "ls", "result": "a\n", "success": True}
FAILED = {"query": "x", "result": "[..]", "error": "Command exited with code 2", "success": False}
REFUSED = {"query": "y", "result": "", "error": "Tool not allowed", "success": False}


@pytest.mark.parametrize(
    ("tool", "text", "code", "failed"),
    [
        ("run_commands", listed(OK), 0, False),
        ("run_commands", listed(OK, FAILED, OK), 2, True),
        ("run_commands", listed(REFUSED), None, True),
        ("read_files", listed(OK), None, False),
        ("read_files", listed(REFUSED), None, True),
        ("run_commands", '[{"query":"cut off', None, None),
        ("run_commands", '[{"query":1}]', None, False),
    ],
)
def test_lists_of_results(tool: str, text: str, code: int | None, failed: bool | None) -> None:
    found = facts(tool, {}, text, None)
    assert (found.exit_code, found.is_error) == (code, failed)


def test_a_skill_that_cline_reads_as_a_file_is_credited() -> None:
    text = listed({"query": "/home/dev/.cline/skills/uv-install/SKILL.md", "result": SKILL, "success": True})
    step = {
        "step_id": 1,
        "source": "agent",
        "message": "",
        "tool_calls": [
            {
                "tool_call_id": "c1",
                "function_name": "read_files",
                "arguments": {"files": [{"path": "/home/dev/.cline/skills/uv-install/SKILL.md"}]},
            }
        ],
        "observation": {"results": [{"source_call_id": "c1", "content": text}]},
    }
    made = msgspec.convert(
        {"schema_version": "ATIF-v1.8", "agent": {"name": "cline", "version": "1"}, "steps": [step]},
        Trajectory,
    )
    credited = credit(with_meta(made, SessionMeta(key="k")), known_bodies("hub", "v7", SKILL))
    assert [(use.name, use.read_step, use.version) for use in meta(credited).skills] == [
        ("uv-install", 1, "v7")
    ]


def test_words_in_the_agent_s_place_that_stand_alone_stay_the_agent_s() -> None:
    contents = [
        {"role": "user", "parts": [{"text": "Remember this context."}]},
        {"role": "model", "parts": [{"text": "Got it. Thanks for the context!"}]},
        {"role": "user", "parts": [{"text": "Go on"}]},
    ]
    found = decode(post("/v1beta/models/m:generateContent", {"contents": contents}, {}))
    assert found and [item.role for item in found.request] == ["user", "agent", "user"]
