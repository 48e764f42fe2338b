"""What is taken as ATIF and what is refused, beside the format's own package."""

from __future__ import annotations

import contextlib
import copy
import json
from pathlib import Path
from typing import Any

import atif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from skillclaw.agents import read_atif
from skillclaw.agents.atif_rules import judged
from skillclaw.errors import BadInputError
from skillclaw.trajectory import model


def sound(**source: Any) -> dict[str, Any]:
    return {"type": "audio", "source": {"media_type": "audio/wav", "path": "a.wav", **source}}


def whole() -> dict[str, Any]:
    """A document that has each kind of thing that ATIF knows."""
    image = {"type": "image", "source": {"media_type": "image/png", "path": "a.png"}}
    call = {"tool_call_id": "c1", "function_name": "sh", "arguments": {"cmd": "ls"}, "extra": {"a": 1}}
    results = [
        {"source_call_id": "c1", "content": [{"type": "text", "text": "x"}, sound()], "extra": {}},
        {"content": "x", "subagent_trajectory_ref": [{"trajectory_id": "sub", "session_id": "s"}]},
    ]
    agent_step = {
        "step_id": 2,
        "source": "agent",
        "message": [{"type": "text", "text": "y"}, image],
        "timestamp": "2026-03-01T10:00:00.25+02:00",
        "model_name": "m",
        "reasoning_effort": 0.5,
        "reasoning_content": "z",
        "tool_calls": [call],
        "observation": {"results": results},
        "metrics": {"prompt_tokens": 5, "cost_usd": 0.1, "logprobs": [-1.0], "prompt_token_ids": [1]},
        "llm_call_count": 1,
        "is_copied_context": False,
    }
    made: dict[str, Any] = {
        "schema_version": "ATIF-v1.8",
        "session_id": "s1",
        "agent": {"name": "bot", "version": "1", "tool_definitions": [{"name": "sh"}]},
        "steps": [{"step_id": 1, "source": "user", "message": "list"}, agent_step],
        "final_metrics": {"total_steps": 2, "total_cost_usd": 1},
        "notes": "n",
        "extra": {"free": [1]},
    }
    inner = copy.deepcopy(made) | {"trajectory_id": "sub"}
    return made | {"subagent_trajectories": [inner, copy.deepcopy(made) | {"trajectory_id": "u"}]}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each thing in a document that ATIF says something of."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in items:
        if name not in ("extra", "arguments", "tool_definitions"):
            found += places(child, (*path, name))
    return found


PLACES = places(whole())
WORDS = ("x", "5", "sub", "user", "system", "text", "image", "audio", " Audio/MP3", "c1")
VALUES = (*WORDS, None, 5, -1, 1.5, 0, [], {})
DAYS = ("2026-03-01T10:00:00Z", "2026-03-01", "20260301T100000Z", "2026-W09-7")
STAMPS = (*DAYS, "Z", "2026-3-1T1:0:0", "25:00", "")


def verdicts(value: dict[str, Any]) -> tuple[Any, Any]:
    """The document as ours and as the package's, each None where it is refused."""
    ours: Any = None
    theirs: Any = None
    with contextlib.suppress(BadInputError):
        ours = judged(copy.deepcopy(value))
    with contextlib.suppress(ValidationError):
        theirs = atif.Trajectory.model_validate(copy.deepcopy(value))
    return ours, theirs


@given(data=st.data())
def test_the_formats_own_package_takes_and_refuses_the_same(data: st.DataObject) -> None:
    value = whole()
    for _ in range(data.draw(st.integers(1, 2))):
        *way, last = data.draw(st.sampled_from(PLACES))
        at: Any = value
        try:
            for name in way:
                at = at[name]
            at[last]
        except (KeyError, IndexError, TypeError):
            continue
        change = data.draw(st.sampled_from(("drop", "put", "twice", "more")))
        if change == "drop":
            del at[last]
        elif change == "twice" and isinstance(at, list):
            at.append(copy.deepcopy(at[last]))
        elif change == "more" and isinstance(at, dict):
            at["odd"] = 1
        else:
            at[last] = data.draw(st.sampled_from(STAMPS if last == "timestamp" else VALUES))
    ours, theirs = verdicts(value)
    assert (ours is None) == (theirs is None)
    if ours is not None:
        assert json.loads(model.encode(ours)) == json.loads(
            model.encode(model.decode(json.dumps(theirs.to_json_dict()).encode()))
        )


@pytest.mark.parametrize(
    ("where", "change", "reason"),
    [
        ((), {"odd": 1}, "odd: ATIF knows no such field"),
        (
            ("steps", 1, "observation", "results", 0),
            {"why": 1},
            "steps.1.observation.results.0.why: ATIF knows",
        ),
        (("steps", 1), {"llm_call_count": 0}, "steps.1: a step without a model's call"),
        (("steps", 1), {"llm_call_count": -1}, "llm_call_count is negative"),
        (("steps", 1, "message", 1), {"source": None}, "message.1: a part of type image requires `source`"),
        (("steps", 1, "observation", "results", 0, "content", 1), sound(duration_sec=-1), "not negative"),
        (
            ("steps", 1, "observation", "results", 1),
            {"subagent_trajectory_ref": [{}]},
            "needs trajectory_id or",
        ),
        (("subagent_trajectories", 1), {"trajectory_id": "sub"}, "is another sub-agent's"),
        (("subagent_trajectories", 0, "steps", 0), {"source": 5}, "subagent_trajectories.0.steps.0.source"),
        (("agent",), {"version": None}, "agent.version"),
    ],
)
def test_a_reason_says_where(where: tuple[Any, ...], change: dict[str, Any], reason: str) -> None:
    value = whole()
    at: Any = value
    for name in where:
        at = at[name]
    at.update(change)
    assert verdicts(value) == (None, None)
    with pytest.raises(BadInputError) as told:
        judged(value)
    assert reason in told.value.what


def test_what_is_written_differently_is_taken_as_what_it_is(tmp_path: Path) -> None:
    value = whole()
    value["steps"][1]["observation"]["results"][0]["content"][1]["source"] = {
        "media_type": " Audio/MP3",
        "path": "a",
        "duration_sec": "1.5",
    }
    value["steps"][0]["step_id"] = "1"
    value["steps"][0]["timestamp"] = "20260301T100000Z"
    (tmp_path / "a.json").write_text(json.dumps(value))
    (item,) = read_atif(tmp_path / "a.json")
    assert item.trajectory is not None
    assert item.trajectory.steps[1].observation is not None
    content = item.trajectory.steps[1].observation.results[0].content
    assert isinstance(content, list) and content[1].source is not None
    assert (content[1].source.media_type, content[1].source.duration_sec) == ("audio/mpeg", 1.5)
    assert item.trajectory.steps[0].step_id == 1
