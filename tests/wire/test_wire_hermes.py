"""Hermes 0.19 on the wire: a session with a look back, a sub-agent, an invoked skill and a compaction.

The fixture was recorded with the plugin that `skillclaw connect hermes` puts in place; long texts of the host
are cut.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from recorded import post, recorded

from skillclaw.journal.assemble import assemble
from skillclaw.trajectory.model import Trajectory, meta, result_meta, step_meta, text_of
from skillclaw.trajectory.skilluse import credit, known_bodies
from skillclaw.wire.decode import decode
from skillclaw.wire.injected import split_injected
from skillclaw.wire.results import facts

SKILL = (
    "---\nname: owl-skill\ndescription: What the owl says and how to ask it\n---\n# Owl\n\n1. Ask the owl.\n"
)
REVIEW = "Review the conversation above and update two things:\n\n**Memory**: who the user is."


def turns(trajectory: Trajectory, source: str) -> list[str]:
    return [
        text_of(step.message)
        for step in trajectory.steps
        if step.source == source and step_meta(step).kind == "turn" and not step_meta(step).injected
    ]


def session() -> Trajectory:
    (found,) = assemble(recorded("hermes.json"))
    return found


def test_what_the_host_asks_beside_the_conversation_is_no_turn() -> None:
    found = session()
    asked = [
        "what does the owl say",
        "please delegate this",
        "and be kind",
        "and after compress",
        "make a skill",
    ]
    assert turns(found, "user") == asked
    said = [text for text in turns(found, "agent") if text]
    assert said == [
        "It says owl.",
        "Delegated fine.",
        "The child came back with 2.",
        "Asked it: hoot.",
        "Fine: and after compress",
        "Made.",
    ]
    sides = [text_of(step.message) for step in found.steps if step_meta(step).kind == "side"]
    assert {"Asking the owl", "Saved."} <= set(sides), "the title and the look back are kept as such"


def test_a_sub_agent_stands_under_its_parent_at_the_call_that_briefed_it() -> None:
    found = session()
    (child,) = found.subagent_trajectories or []
    assert child.trajectory_id == "20261126_084043_417134"
    assert turns(child, "user") == ["count the owls"]
    refs = [
        ref.trajectory_id
        for step in found.steps
        if step.observation
        for result in step.observation.results
        for ref in result.subagent_trajectory_ref or []
    ]
    assert refs == [child.trajectory_id]


def test_results_tell_their_exit_codes_and_errors() -> None:
    found = session()
    told = [
        (call.function_name, result_meta(result).exit_code, result_meta(result).is_error)
        for step in found.steps
        if step_meta(step).kind == "turn" and step.observation
        for call, result in zip(step.tool_calls or [], step.observation.results, strict=True)
    ]
    assert ("terminal", 2, True) in told and ("terminal", 0, False) in told
    assert ("read_file", None, True) in told, "its JSON holds an error"


def test_a_skill_that_is_listed_viewed_and_invoked_is_credited_to_its_version() -> None:
    found = credit(session(), known_bodies("team", "v1", SKILL))
    (use,) = meta(found).skills
    assert (use.name, use.version, use.offered) == ("owl-skill", "v1", True)
    viewed = found.steps[(use.read_step or 0) - 1]
    assert [call.function_name for call in viewed.tool_calls or []] == ["skill_view"]
    assert meta(found).project == "birds"


def invocation(request: str = "") -> str:
    asked = (
        f"\n\nThe user has provided the following instruction alongside the skill invocation: {request}"
        if request
        else ""
    )
    return (
        '[IMPORTANT: The user has invoked the "owl-skill" skill, indicating they want you to follow its '
        "instructions. The full skill content is loaded below.]\n\n"
        f"{SKILL.strip()}\n\n[Skill directory: /home/ada/.hermes/skills/owl-skill]\nResolve any paths.{asked}"
    )


def test_an_invoked_skill_alone_is_credited() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You are Hermes Agent."},
        {"role": "user", "content": invocation("and be kind")},
    ]
    made = assemble([made_exchange(messages)])
    found = credit(made[0], known_bodies("team", "v1", SKILL))
    (use,) = meta(found).skills
    assert use.version == "v1" and use.invoked_step == use.read_step is not None
    assert turns(found, "user") == ["and be kind"]


def made_exchange(messages: list[dict[str, Any]]) -> Any:
    from skillclaw.journal.records import Exchange

    answer = {"choices": [{"message": {"role": "assistant", "content": "Hoot."}, "finish_reason": "stop"}]}
    return Exchange(
        id="0" * 16,
        agent="hermes",
        method="POST",
        path="/v1/chat/completions",
        started=1795000000.0,
        request_headers=[("x-session-id", "20260101_000000_aaaaaa")],
        request_body=json.dumps({"model": "m", "messages": messages}).encode(),
        status=200,
        response_headers=[("content-type", "application/json")],
        response_body=json.dumps(answer).encode(),
    )


def test_what_the_user_asks_with_a_skill_is_told_from_the_skill() -> None:
    assert [piece for piece, injected in split_injected(invocation("and be kind")) if not injected] == [
        "and be kind"
    ]
    assert all(injected for _, injected in split_injected(invocation()))
    many = (
        '[IMPORTANT: The user has invoked the "a b" stacked skill bundle, loading 2 skills together. Treat '
        "every skill below as active guidance for this turn.]\n\nSkills loaded: a, b\n\n"
        'User instruction: sing\nit\n\n[Loaded as part of the stacked skill invocation "a".]\n\nText'
    )
    assert [piece for piece, injected in split_injected(many) if not injected] == ["sing\nit"]
    remembered = "what now\n\n<memory-context>\nThe owl is Ada's.\n</memory-context>"
    assert split_injected(remembered)[0] == ("what now\n\n", False)
    assert split_injected(remembered)[1][1] is True


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_a_summary_in_either_sides_message_stands_apart(role: str) -> None:
    summary = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted into the summary below."
    merged = (
        "[PRIOR CONTEXT — for reference only; not a new message]\nthe last words\n\n"
        f"[END OF PRIOR CONTEXT — COMPACTION SUMMARY BELOW]\n\n{summary}"
    )
    for text, words in ((summary, []), (merged, ["the last words"])):
        messages = [{"role": "user", "content": "first"}, {"role": role, "content": text}]
        decoded = decode(post("/v1/chat/completions", {"model": "m", "messages": messages}, {}))
        assert decoded is not None
        behind = decoded.request[1:]
        assert [text_of(item.content) for item in behind if not item.injected] == words
        assert [item.role for item in behind if not item.injected] == [
            "agent" if role == "assistant" else "user" for _ in words
        ]
        assert [item.compaction for item in behind if item.injected] == [True]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (REVIEW, "side"),
        ("Review the conversation above and update the skill library. Be ACTIVE", "side"),
        ("You are running as Hermes' background skill CURATOR. This is an umbrella pass", "side"),
        ("You are a summarization agent creating a context checkpoint. Treat the turns", "compaction"),
        ("Review the conversation above and update the README", "turn"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    tool = {"type": "function", "function": {"name": "skill_manage"}}
    call = {"id": "c1", "type": "function", "function": {"name": "skill_manage", "arguments": "{}"}}
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You are Hermes Agent."},
        {"role": "user", "content": text},
    ]
    more = [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "{}"},
    ]
    answer = {"choices": [{"message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}]}
    for sent in (messages, [*messages, *more]):
        if kind == "compaction" and sent is not messages:
            continue
        body = {"model": "m", "messages": sent, "tools": [tool]}
        decoded = decode(post("/v1/chat/completions", body, answer))
        assert decoded is not None and decoded.kind == kind, (text, len(sent))


@pytest.mark.parametrize(
    ("tool", "text", "code", "failed"),
    [
        (
            "terminal",
            '{"output": "", "exit_code": 1, "exit_code_meaning": "No matches (not an error)"}',
            1,
            False,
        ),
        ("terminal", '{"output": "", "exit_code": 1, "error": null}', 1, True),
        ("skill_manage", '{"success": false, "error": "There is one already."}', None, True),
        ("skill_manage", '{"success": true, "message": "Made."}', None, None),
        ("read_file", '{"error": "File not found"}', None, True),
        ("read_file", '{"error": "a file that holds an object", "code": 3}', None, None),
        ("terminal", '{"output": "[', None, None),
    ],
)
def test_what_its_json_results_say(tool: str, text: str, code: int | None, failed: bool | None) -> None:
    known = facts(tool, {}, text, None)
    assert (known.exit_code, known.is_error) == (code, failed)
