"""Sub-agents of agents that send no ids: they belong to the session whose call told them what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skillclaw.journal.assemble import assemble
from skillclaw.journal.records import Exchange
from skillclaw.trajectory.model import text_of

BRIEF = "Count the files in this folder and report."


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {}}}


def exchange(at: float, messages: list[dict[str, Any]], answer: dict[str, Any], **more: Any) -> Exchange:
    body = {"model": "m", "messages": messages, "tools": [tool("spawn"), tool("exec")], **more}
    whole = {"choices": [{"index": 0, "message": answer, "finish_reason": "stop"}], "model": "m"}
    return Exchange(
        id=f"x-{at}",
        agent="nanobot",
        method="POST",
        path="/v1/chat/completions",
        request_headers=[],
        request_body=json.dumps(body).encode(),
        status=200,
        response_headers=[("content-type", "application/json")],
        response_body=json.dumps(whole).encode(),
        started=at,
        finished=at + 0.5,
    )


def call(ident: str, name: str, **arguments: Any) -> dict[str, Any]:
    made = {"id": ident, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    return {"role": "assistant", "content": None, "tool_calls": [made]}


def said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


ROOT = [
    {"role": "system", "content": "You are helpful."},
    {"role": "user", "content": "Delegate the counting"},
]
SUB = [{"role": "system", "content": "# Subagent"}, {"role": "user", "content": BRIEF}]
SPAWN = call("call_spawn_00001", "spawn", task=BRIEF, label="count")
STARTED = {"role": "tool", "tool_call_id": "call_spawn_00001", "content": "Subagent [count] started (id: 1)."}


def talk(begin: float = 1000.0) -> list[Exchange]:
    """A session whose sub-agent works beside it."""
    listed = call("call_list_000001", "exec", command="ls | wc -l")
    counted = {"role": "tool", "tool_call_id": "call_list_000001", "content": "3\n\nExit code: 0"}
    return [
        exchange(begin, ROOT, SPAWN),
        exchange(begin + 2, SUB, listed),
        exchange(begin + 1, [*ROOT, SPAWN, STARTED], said("It is being counted.")),
        exchange(begin + 3, [*SUB, listed, counted], said("Three files.")),
    ]


def test_a_sub_agent_is_part_of_the_session_that_told_it_what_to_do() -> None:
    (made,) = assemble(talk())
    assert [text_of(step.message) for step in made.steps if step.source == "user"] == [
        "Delegate the counting"
    ]
    (sub,) = made.subagent_trajectories or []
    assert [text_of(step.message) for step in sub.steps if step.source != "system"] == [
        BRIEF,
        "",
        "Three files.",
    ]
    spawned = next(step for step in made.steps if step.tool_calls)
    assert spawned.observation is not None
    (ref,) = spawned.observation.results[0].subagent_trajectory_ref or []
    assert ref.trajectory_id == sub.trajectory_id


def test_the_sub_agent_keeps_its_id_when_older_traffic_has_expired() -> None:
    before = exchange(10.0, [{"role": "user", "content": "another talk"}], said("yes"))
    (_, whole) = sorted(assemble([before, *talk()]), key=lambda made: len(made.steps))
    (later,) = assemble(talk())
    ids = [[sub.trajectory_id for sub in made.subagent_trajectories or []] for made in (whole, later)]
    assert ids[0] == ids[1] and len(ids[0]) == 1


@pytest.mark.parametrize(("tool", "sessions"), [("spawn_subagent", 1), ("web_fetch", 2)])
def test_only_the_tool_that_starts_sub_agents_says_whose_they_are(tool: str, sessions: int) -> None:
    def prompt(name: str) -> dict[str, Any]:
        return {"role": "system", "content": f"You are QwenPaw.\n- User ID: ada\n- Session ID: {name}\n"}

    asked = call("call_page_000001", tool, text="look")
    told = {"role": "tool", "tool_call_id": "call_page_000001", "content": "[SESSION: sub-6ff4ff81]\nowls"}
    words = {"role": "user", "content": "look"}
    made = assemble(
        [
            exchange(1000.0, [prompt("s1"), words], asked),
            exchange(1001.0, [prompt("sub-6ff4ff81"), {"role": "user", "content": "owls?"}], said("owls")),
            exchange(1002.0, [prompt("s1"), words, asked, told], said("done")),
        ]
    )
    assert len(made) == sessions


def test_two_sub_agents_with_one_brief_stay_two() -> None:
    again = call("call_spawn_00002", "spawn", task=BRIEF, label="count")["tool_calls"]
    both = {**SPAWN, "tool_calls": [*SPAWN["tool_calls"], *again]}
    begun = {**STARTED, "tool_call_id": "call_spawn_00002"}
    (made,) = assemble(
        [
            exchange(1000.0, ROOT, both),
            exchange(1001.0, [*ROOT, both, STARTED, begun], said("They are being counted.")),
            exchange(1002.0, SUB, said("Three.")),
            exchange(1002.5, SUB, said("Also three.")),
        ]
    )
    assert len(made.subagent_trajectories or []) == 2


def test_the_same_words_long_after_are_a_persons() -> None:
    first, _, proceeds, _ = talk()
    for at, count in ((1000.0 + 3000, 1), (1000.0 + 4000, 2)):
        assert len(assemble([first, proceeds, exchange(at, SUB, said("Three."))])) == count
