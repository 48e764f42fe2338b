"""pi and OpenClaw on the wire: what the host puts into the user's place, and what it asks beside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from skillclaw.journal.assemble import assemble
from skillclaw.journal.records import Exchange
from skillclaw.trajectory.model import Trajectory, meta, result_meta, step_meta, text_of
from skillclaw.wire.decode import decode
from skillclaw.wire.records import Call, Decoded

SKILL = (
    '<skill name="tidy" location="/x/tidy/SKILL.md">\nReferences are relative to /x/tidy.\n\n# Tidy\n</skill>'
)
RAN = "Ran `make; exit 3`\n```\nout\n```\n\nCommand exited with code 3"
BRANCH = (
    "The following is a summary of a branch that this conversation came back from:\n\n<summary>\nx</summary>"
)


def chat(messages: list[dict[str, Any]], **rest: Any) -> Decoded:
    found = decode(
        Call(
            method="POST",
            path="/v1/chat/completions",
            request_body=json.dumps({"messages": messages, **rest}).encode(),
            status=200,
            response_headers=[("Content-Type", "application/json")],
            response_body=b'{"choices": []}',
        )
    )
    assert found is not None
    return found


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        (f"{SKILL}\n\nplease sort it", [(SKILL, True, False), ("please sort it", False, False)]),
        (SKILL, [(SKILL, True, False)]),
        (RAN, [(RAN, True, False)]),
        ("Ran `true`\n(no output)", [("Ran `true`\n(no output)", True, False)]),
        # A user who tells of a command himself says more than that.
        ("Ran `make`\n```\nout\n```\nand now?", [("Ran `make`\n```\nout\n```\nand now?", False, False)]),
        (BRANCH, [(BRANCH, True, True)]),
    ],
)
def test_what_pi_puts_into_the_users_place(text: str, pieces: list[tuple[str, bool, bool]]) -> None:
    found = chat([user(text)]).request
    assert [(text_of(item.content), item.injected, item.compaction) for item in found] == pieces


def test_summaries_are_compactions() -> None:
    system = {"role": "system", "content": "You are a context summarization assistant. (cut)"}
    assert chat([system, user("<conversation>(cut)")]).kind == "compaction"
    assert chat([user("You are a context summarization assistant.")]).kind == "turn"


FIXTURE = Path(__file__).parent / "fixtures" / "openclaw.json"
ROOT = "879e0b7b-7978-4df5-97eb-d86a7da4a75c"
CHILD = "28bde086-702f-4b9e-90d4-27623ba9c89b"
MARKED = {"role": "system", "content": "<!-- openclaw:attempt:STABLE -->\nYou are a personal assistant."}
RUNTIME = (
    f"Runtime: agent=main | session=agent:main:main | sessionId={ROOT} | host=desk | node=v24 | shell=bash"
)


def recorded() -> list[Exchange]:
    """What OpenClaw 2026.9.6 sent through its gateway: a turn with tools, one with a sub-agent, one with a
    hidden tool, a compaction, another turn. Long texts of its own are cut.
    """
    exchanges = []
    for one in json.loads(FIXTURE.read_text("utf-8")):
        request, response = one.pop("request"), one.pop("response")
        pairs = {name: [(k, v) for k, v in one.pop(name)] for name in ("request_headers", "response_headers")}
        body = json.dumps(request).encode()
        exchanges.append(Exchange(**one, **pairs, request_body=body, response_body=response.encode()))
    return exchanges


def told(trajectory: Trajectory) -> list[tuple[str, str]]:
    """Who said what, without what the host put there, and the calls."""
    found = []
    for step in trajectory.steps:
        if step_meta(step).injected or step.source == "system" or step_meta(step).kind != "turn":
            continue
        calls = [call.function_name for call in step.tool_calls or []]
        found.append((step.source, text_of(step.message) or ",".join(calls)))
    return found


def test_openclaw_as_recorded() -> None:
    (made,) = assemble(recorded())
    assert (made.session_id, meta(made).project, made.agent.name) == (ROOT, "work", "openclaw")
    assert told(made) == [
        ("user", "kindly do the sorting-work"),
        ("agent", "read"),
        ("agent", "exec"),
        ("agent", "exec"),
        ("agent", "Sorted it is."),
        ("user", "now the helper-work"),
        ("agent", "sessions_spawn"),
        ("agent", "sessions_yield"),
        ("agent", "The helper counted three."),
        ("user", "and the fetch-work"),
        ("agent", "tool_search"),
        ("agent", "web_fetch"),
        ("agent", "Fetched."),
        ("user", "once more the sorting-work"),
        ("agent", "read"),
        ("agent", "exec"),
        ("agent", "exec"),
        ("agent", "Sorted it is."),
    ]
    (child,) = made.subagent_trajectories or []
    assert child.trajectory_id == CHILD
    assert told(child) == [
        ("user", "kindly do the counting-work"),
        ("agent", "exec"),
        ("agent", "Counted: three."),
    ]
    by_tool = {call.function_name: step for step in made.steps for call in step.tool_calls or []}
    (spawned,) = by_tool["sessions_spawn"].observation.results  # type: ignore[union-attr]
    assert [ref.trajectory_id for ref in spawned.subagent_trajectory_ref or []] == [CHILD]
    (fetched,) = by_tool["web_fetch"].observation.results  # type: ignore[union-attr]
    assert (result_meta(fetched).is_error, result_meta(fetched).taint) == (True, "web")
    failed = next(step for step in made.steps for call in step.tool_calls or [] if "nothere" in str(call))
    assert failed.observation is not None and result_meta(failed.observation.results[0]).exit_code == 1
    (skill,) = [use for use in meta(made).skills if use.read_step]
    assert (skill.name, skill.offered) == ("csv-tidy", True)


def test_a_sub_agent_whose_parent_was_not_seen_is_a_session_of_its_own() -> None:
    alone = [one for one in recorded() if CHILD.encode() in one.request_body]
    (made,) = assemble(alone)
    assert (made.session_id, made.subagent_trajectories) == (CHILD, None)


def test_the_session_is_named_in_the_prompt_or_with_the_first_words() -> None:
    stamped = "[Mon 2026-11-23 01:07 UTC] sort it"
    for messages in (
        [MARKED, user(f"{stamped}\n\n{RUNTIME}")],
        [{**MARKED, "content": f"{MARKED['content']}\n\n{RUNTIME}\n(cut)"}, user(stamped)],
    ):
        found = chat(messages)
        assert found.identity is not None
        assert (found.identity.root, found.identity.key) == (ROOT, "agent:main:main")
        assert next(text_of(i.content) for i in found.request if i.role == "user") == "sort it"
        assert found.env["shell"] == "bash"


def test_compactions_are_counted_behind_the_id_in_headers() -> None:
    for number in (0, 1):
        call = Call(
            method="POST",
            path="/v1/chat/completions",
            request_headers=[("session_id", f"{ROOT}:{number}")],
            request_body=json.dumps({"messages": [user("hi")]}).encode(),
        )
        found = decode(call)
        assert found is not None and found.identity is not None and found.identity.root == ROOT


@pytest.mark.parametrize(
    "text",
    [
        "[OpenClaw heartbeat poll]",
        "[Mon 2026-11-23 01:07 UTC] [Inter-session message] sourceSession=agent:main:x",
        "Turn yielded.\n\n[Context: The previous turn ended]",
        "Follow the heartbeat monitor scratch context when provided. (cut)",
    ],
)
def test_what_openclaw_says_in_the_users_place(text: str) -> None:
    found = [item for item in chat([MARKED, user(text)]).request if item.role == "user"]
    assert [item.injected for item in found] == [True]
    # Another agent's user may write what he likes.
    other = [item for item in chat([user(text)]).request if item.role == "user"]
    assert [(text_of(item.content), item.injected) for item in other] == [(text, False)]


def test_what_a_channel_puts_before_the_words() -> None:
    context = 'Conversation info: ⟦openclaw:ctx⟧\n```json\n{"sender": "Ana"}\n```'
    older = 'Sender (untrusted metadata):\n```json\n{"name": "Ana"}\n```'
    words = chat([MARKED, user(f"[Mon 2026-11-23 01:07 UTC] {context}\n\n{older}\n\nsort it")]).request
    pieces = [(text_of(item.content), item.injected) for item in words if item.role == "user"]
    assert pieces == [(context, True), (older, True), ("sort it", False)]


def test_what_openclaw_asks_beside_the_conversation() -> None:
    floating = user("<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\nnone\n<<<END_OPENCLAW_INTERNAL_CONTEXT>>>")
    tools = [{"type": "function", "function": {"name": "write", "parameters": {}}}]
    flush = user("[Mon 2026-11-23 01:07 UTC] Pre-compaction memory flush. (cut)")
    assert chat([MARKED, flush, floating], tools=tools).kind == "side"
    title = {"role": "system", "content": "Generate a concise session title (3-6 words, max 60 characters)"}
    label = {"role": "system", "content": "Generate a very short topic label (2-4 words, max 25 chars)"}
    line = {"role": "system", "content": "You write the live status line for an AI assistant that is working"}
    assert [chat([system, user("x")]).kind for system in (title, label, line)] == ["side"] * 3
    slug = "Based on this conversation, generate a short 1-2 word filename slug (lowercase"
    assert chat([user(slug)]).kind == "side"
    assert chat([MARKED, user("sort it"), floating], tools=tools).kind == "turn"


@pytest.mark.parametrize("stays", [True, False])
def test_the_floating_context_moves_nothing_else(stays: bool) -> None:
    floating = user("<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\nnone\n<<<END_OPENCLAW_INTERNAL_CONTEXT>>>")
    words = user(f"[Mon 2026-11-23 01:07 UTC] sort it\n\n{RUNTIME}")
    function = {"name": "exec", "arguments": "{}"}
    asked = {
        "role": "assistant",
        "tool_calls": [{"id": "call_0123456789", "type": "function", "function": function}],
    }
    again = {
        "role": "assistant",
        "tool_calls": [{"id": "call0123456789", "type": "function", "function": function}],
    }
    result = {"role": "tool", "tool_call_id": "call0123456789", "content": "3"}
    rest = [floating, again, result] if stays else [again, result, floating]
    done = {"role": "assistant", "content": "done"}
    exchanges = [
        Exchange(
            id=f"{at:016x}",
            agent="openclaw",
            method="POST",
            path="/v1/chat/completions",
            started=1795683660.0 + at,
            finished=1795683660.5 + at,
            status=200,
            request_body=json.dumps({"messages": [MARKED, words, *more], "tools": [{}]}).encode(),
            response_body=json.dumps({"choices": [{"message": answer, "finish_reason": "stop"}]}).encode(),
        )
        for at, (more, answer) in enumerate([([floating], asked), (rest, done)])
    ]
    (made,) = assemble(exchanges)
    assert told(made) == [("user", "sort it"), ("agent", "exec"), ("agent", "done")]
