"""Gemini, WebSocket and chained requests become sessions: every message, call and result once."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import atif
import msgspec
import pytest
from recorded import lines, recorded

from skillclaw.journal.assemble import assemble, assemble_placed
from skillclaw.journal.merge import merge
from skillclaw.journal.records import Exchange
from skillclaw.trajectory.model import Step, Trajectory, encode, meta, step_meta, text_of

START = 1795444696.0


def sessions(exchanges: list[Exchange]) -> list[Trajectory]:
    found = assemble(exchanges)
    for one in found:
        atif.Trajectory.model_validate_json(encode(one))
    return found


def only(exchanges: list[Exchange]) -> Trajectory:
    (found,) = sessions(exchanges)
    return found


def told(trajectory: Trajectory) -> list[str]:
    """User and agent in turn, without what the host put there; calls by their names."""
    said = []
    for step in trajectory.steps:
        if step_meta(step).kind == "turn" and not step_meta(step).injected and step.source != "system":
            calls = "".join(f"[{call.function_name}]" for call in step.tool_calls or [])
            said.append(f"{step.source}: {text_of(step.message)}{calls}")
    return said


def once(steps: list[Step]) -> None:
    calls = [call.tool_call_id for step in steps for call in step.tool_calls or []]
    results = [r.source_call_id for step in steps if step.observation for r in step.observation.results]
    assert max(Counter(calls).values()) == max(Counter(results).values()) == 1
    assert sorted(calls) == sorted(result or "" for result in results)


def test_gemini_cli_as_recorded() -> None:
    found = only(recorded("gemini-cli.json"))
    assert told(found) == [
        "user: Please read sample.txt and count",
        "agent: Let me look.[run_shell_command][list_directory]",
        "agent: [run_shell_command]",
        "agent: All done.",
        "user: Now do it again",
        "agent: Let me look.[run_shell_command][list_directory]",
        "agent: [run_shell_command]",
        "agent: All done.",
    ]
    once(found.steps)
    known = meta(found)
    assert (known.source, known.project, known.env) == ("wire", "proj", {"os": "linux"})
    assert (found.agent.version, found.agent.model_name) == ("0.61.0", "gemini-2.5-pro")
    assert [u.name for u in known.skills] == ["uv-install"]
    assert found.steps[3].reasoning_content == "**Looking** I think about it."
    assert found.final_metrics is not None
    assert (found.final_metrics.total_prompt_tokens, found.final_metrics.total_cached_tokens) == (720, 384)


def test_two_gemini_conversations_that_begin_alike_stay_two() -> None:
    def turn(number: int, who: str, at: float) -> Exchange:
        contents = [{"role": "user", "parts": [{"text": "Same words"}]}]
        for past in range(number):
            call = {"name": "ls", "args": {"dir": who * past}}
            contents.append({"role": "model", "parts": [{"functionCall": call}]})
            response = {"name": "ls", "response": {"output": f"{who} {past}"}}
            contents.append({"role": "user", "parts": [{"functionResponse": response}]})
        part: dict[str, Any] = {"functionCall": {"name": "ls", "args": {"dir": who * number}}}
        reply = {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}]}
        return Exchange(
            id=f"{int(at):016x}",
            agent="any",
            method="POST",
            path="/v1beta/models/m:generateContent",
            started=START + at,
            finished=START + at + 0.5,
            request_body=json.dumps({"contents": contents}).encode(),
            status=200,
            response_headers=[("content-type", "application/json")],
            response_body=json.dumps(reply).encode(),
        )

    mixed = [turn(number, who, 2 * number + at) for number in range(3) for at, who in enumerate("ab")]
    found = sessions(mixed)
    assert sorted(len(one.steps) for one in found) == [4, 4]
    results = [
        [text_of(r.content) for s in one.steps if s.observation for r in s.observation.results]
        for one in found
    ]
    assert sorted(results) == [["a 0", "a 1"], ["b 0", "b 1"]]


def test_codex_over_websocket_is_the_session_that_it_is_over_http() -> None:
    exchanges = recorded("codex-websocket.json")
    found = only(exchanges)
    assert told(found) == [
        "user: Please read sample.txt and count",
        "agent: [exec_command]",
        "agent: [exec_command]",
        "agent: [multi_agent_v1.spawn_agent]",
        "agent: [multi_agent_v1.wait_agent]",
        "agent: All done.",
        "user: Now do it again",
        "agent: [exec_command]",
        "agent: Done again.",
    ]
    once(found.steps)
    (sub,) = found.subagent_trajectories or []
    assert told(sub) == ["user: Count the files here", "agent: [exec_command]", "agent: There are 2 files."]
    assert (found.session_id, meta(found).project) == ("01a21635-9459-7f00-a34c-91f31277720e", "proj")
    # The prewarm and what was sent after it are one prompt, told once.
    assert sum("coding agent" in text_of(step.message) for step in found.steps) == 1
    assert encode(only(list(reversed(exchanges)))) == encode(found)


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_lost_turn_costs_only_itself(lost: int) -> None:
    exchanges = recorded("codex-websocket.json")
    found = only(exchanges[:lost] + exchanges[lost + 1 :])
    assert [text_of(s.message) for s in found.steps if s.source == "user" and not step_meta(s).injected][
        -1
    ] == ("Now do it again")
    calls = [call.tool_call_id for step in found.steps for call in step.tool_calls or []]
    outputs = [text_of(r.content) for s in found.steps if s.observation for r in s.observation.results]
    assert max(Counter(calls).values()) == max(Counter(outputs).values()) == 1
    assert len(outputs) >= 4 and len(calls) == 5
    assert len(found.subagent_trajectories or []) == 1


def chained(number: int, text: str, *, at: float, session: str = "", socket: bool = False) -> Exchange:
    """Turn `number` (from 1) of a client that has the provider remember the rest."""
    body: dict[str, Any] = {"model": "m", "store": True, "input": text, "instructions": "Be brief."}
    if number > 1:
        body["previous_response_id"] = f"resp_{number - 1}"
    item = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": f"so {text}"}],
    }
    whole = {"id": f"resp_{number}", "status": "completed", "model": "m", "output": [item]}
    headers = [("x-session-id", session)] if session else []
    common: dict[str, Any] = {"id": f"{number:016x}", "agent": "any", "started": START + at}
    common["finished"] = START + at + 1
    if socket:
        return Exchange(
            **common,
            method="GET",
            path="/v1/responses",
            request_headers=[*headers, ("Upgrade", "websocket")],
            request_body=lines([{"type": "response.create", **body}]),
            status=101,
            response_body=lines([{"type": "response.completed", "response": whole}]),
        )
    return Exchange(
        **common,
        method="POST",
        path="/v1/responses",
        request_headers=headers,
        request_body=json.dumps(body).encode(),
        status=200,
        response_headers=[("content-type", "application/json")],
        response_body=json.dumps(whole).encode(),
    )


@pytest.mark.parametrize("session", ["", "s-1"])
@pytest.mark.parametrize("socket", [False, True])
def test_requests_that_name_the_response_before_are_one_session(session: str, socket: bool) -> None:
    turns = [chained(n, f"ask {n}", at=n * 10, session=session, socket=socket) for n in range(1, 5)]
    found = only(turns)
    assert told(found) == [line for n in range(1, 5) for line in (f"user: ask {n}", f"agent: so ask {n}")]
    assert sum(step.source == "system" for step in found.steps) == 1


def test_what_goes_on_from_a_response_long_gone_follows_what_is_stored() -> None:
    turns = [chained(n, f"ask {n}", at=n * 10, session="s-1") for n in range(1, 5)]
    stored, late = only(turns[:2]), only(turns[2:])
    assert told(late) == ["user: ask 3", "agent: so ask 3", "user: ask 4", "agent: so ask 4"]
    merged = merge(stored, late)
    assert merged is not None and told(merged) == told(only(turns))
    assert merge(merged, late) is None


def test_a_failed_turn_that_is_sent_again_whole_is_told_once() -> None:
    first, second = (
        chained(1, "ask 1", at=0, session="s"),
        chained(2, "ask 2", at=10, session="s", socket=True),
    )
    error = {"type": "error", "status": 400, "error": {"message": "previous_response_not_found"}}
    failed = msgspec.structs.replace(second, response_body=lines([error]))
    whole = json.loads(chained(2, "ask 2", at=20, session="s").request_body)
    del whole["previous_response_id"]
    whole["input"] = [
        {"role": "user", "content": "ask 1"},
        {"role": "assistant", "content": "so ask 1"},
        {"role": "user", "content": "ask 2"},
    ]
    again = msgspec.structs.replace(
        chained(2, "ask 2", at=20, session="s"), request_body=json.dumps(whole).encode()
    )
    assert told(only([first, failed, again])) == [
        "user: ask 1",
        "agent: so ask 1",
        "user: ask 2",
        "agent: so ask 2",
    ]


def test_a_prewarm_alone_is_no_session() -> None:
    assert sessions(recorded("codex-websocket.json")[:1]) == []


def test_legacy_completions_are_sessions() -> None:
    one = Exchange(
        id="0" * 16,
        agent="any",
        method="POST",
        path="/v1/completions",
        started=START,
        request_body=json.dumps({"model": "m", "prompt": "def add("}).encode(),
        status=200,
        response_headers=[("content-type", "application/json")],
        response_body=json.dumps({"choices": [{"text": "a, b):", "finish_reason": "stop"}]}).encode(),
    )
    assert told(only([one])) == ["user: def add(", "agent: a, b):"]


def test_what_cannot_be_read_is_told_with_its_place_and_the_rest_is_read() -> None:
    good = recorded("gemini-cli.json")
    bad = msgspec.structs.replace(good[0], path="/v9/chat?q=secret")
    garbled = msgspec.structs.replace(
        good[5], response_headers=[("content-encoding", "lz9")], response_body=b"?"
    )
    seen: list[tuple[int, str, str]] = []
    found = assemble_placed(
        [bad, *good[:5], garbled], lambda place, _, unread: seen.append((place, unread.reason, unread.path))
    )
    assert len(found) == 1
    assert seen == [
        (0, "unknown protocol", "/v9/chat"),
        (6, "unknown encoding", "/v1beta/models/gemini-2.5-pro:streamGenerateContent"),
    ]
