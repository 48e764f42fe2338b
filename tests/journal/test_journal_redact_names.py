"""Names of tools, models and agents, and ids of calls: no secret stays there, whatever else does."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.journal.redact import Redactor
from skillclaw.journal.redact_hosts import mask_hosts
from skillclaw.settings import RedactSettings
from skillclaw.trajectory import model
from skillclaw.trajectory.model import ATIF_VERSION, Agent, Observation, Result, Step, ToolCall, Trajectory

TOKEN = "gh" + "p_" + "a1B2c3D4e5" * 4


def redactor(custom: RedactSettings | None = None) -> Redactor:
    return Redactor(b"k" * 32, home=PurePosixPath("/home/alice"), user_names=["alice"], custom=custom)


def session(name: str, call: str = "call_1", model_name: str | None = None, said: str = "") -> Trajectory:
    """A session that called one tool, and was answered."""
    step = Step(
        step_id=1,
        source="agent",
        message=said,
        model_name=model_name,
        tool_calls=[ToolCall(tool_call_id=call, function_name=name, arguments={})],
        observation=Observation(results=[Result(source_call_id=call, content="done")]),
    )
    agent = Agent(name="codex", version="1", model_name=model_name)
    return Trajectory(schema_version=ATIF_VERSION, agent=agent, steps=[step])


def links(found: Trajectory) -> tuple[str, str, str | None]:
    """Name and id of the call, and the id that its result names."""
    (step,) = found.steps
    assert step.tool_calls and step.observation
    (call,), (result,) = step.tool_calls, step.observation.results
    return call.function_name, call.tool_call_id, result.source_call_id


def test_a_command_that_a_weak_model_calls_by_name() -> None:
    """Seen of small models: the whole call stands where the tool's name belongs."""
    masked = redactor().trajectory(
        session(f"curl -H 'Authorization: Bearer {TOKEN}' https://api.example.com")
    )
    assert TOKEN.encode() not in model.encode(masked)
    assert links(masked)[0].startswith("curl -H ")
    assert model.meta(masked).masked == {"secret:github-token": 1}
    assert b"api.example.com" not in model.encode(mask_hosts(masked, b"k" * 32)[0])


def test_a_key_in_an_id_is_masked_alike_in_call_and_result() -> None:
    _, call, result = links(redactor().trajectory(session("f", f"{TOKEN}:0")))
    assert TOKEN not in call
    assert call == result and call.startswith("<secret:github-token:")


def test_a_password_that_the_session_gives_away_stays_in_no_name() -> None:
    masked = redactor().trajectory(session("login_Tr0ub4dor-9x", said='password = "Tr0ub4dor-9x"'))
    assert b"Tr0ub4dor" not in model.encode(masked)


def test_a_model_from_the_home_folder_names_nobody() -> None:
    masked = redactor().trajectory(session("f", model_name="/home/alice/models/qwen.gguf"))
    assert (masked.agent.model_name, masked.steps[0].model_name) == ("~/models/qwen.gguf",) * 2


def test_words_of_ones_own_are_masked_there_too() -> None:
    custom = RedactSettings(words=("Initech",), allow=())
    masked = redactor(custom).trajectory(session("f", model_name="initech-7b"))
    assert b"initech" not in model.encode(masked)


@pytest.mark.parametrize(
    "word",
    [
        "Bash",
        "mcp__github__create_issue",
        "functions.exec_command:12",
        "call_ISe0D4yG7XBPGB9QcTTWTffm",
        "toolu_01A09q90qw90lq917835lq9",
        "chatcmpl-tool-9f8e7d6c5b4a39281706f5e4d3c2b1a0",
        "fc_68a1f0d2c3b4819096e7f8a9b0c1d2e3f4a5b6c7d8e9f0a1",
        "0199a213-81c0-7800-8aa1-bbab2a035a53",
        "call_00_Xq7fP2mZ9sLw4Kd8Rt1v|fc_0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
        "Qwen/Qwen2.5-1.5B-Instruct-GGUF:Q4_K_M",
        "@cf/meta/llama-3-8b-instruct",
        "gpt-4o-2024-08-06",
    ],
)
def test_names_and_ids_as_agents_and_providers_make_them_stay(word: str) -> None:
    given = session(word, word, word)
    assert redactor().trajectory(given) == given
    assert mask_hosts(given, b"k" * 32)[0] == given


@settings(max_examples=examples(100), deadline=None)
@given(name=st.text(max_size=60), call=st.text(min_size=1, max_size=60))
def test_a_result_still_belongs_to_its_call_and_a_second_time_changes_nothing(name: str, call: str) -> None:
    masked = redactor().trajectory(session(name, call))
    assert links(masked)[1] == links(masked)[2]
    assert redactor().trajectory(masked) == masked
