"""How a session went, from its signals."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.trajectory.model import (
    ATIF_VERSION,
    Agent,
    Observation,
    Result,
    ResultMeta,
    SessionMeta,
    Signal,
    Step,
    StepMeta,
    ToolCall,
    Trajectory,
    meta,
    with_meta,
    with_result_meta,
    with_step_meta,
)
from skillclaw.trajectory.outcomes import outcome


def session(*turns: Any, known: SessionMeta | None = None) -> Trajectory:
    """Turns: text of the user, or (tool, arguments, result or None, exit code or None), or ("say", text)."""
    steps: list[Step] = []
    for turn in turns:
        number = len(steps) + 1
        if isinstance(turn, str):
            steps.append(Step(step_id=number, source="user", message=turn))
        elif turn[0] == "say":
            steps.append(Step(step_id=number, source="agent", message=turn[1]))
        else:
            tool, arguments, content, code = turn
            call = ToolCall(tool_call_id=f"c{number}", function_name=tool, arguments=arguments)
            results = []
            if content is not None:
                result = Result(source_call_id=f"c{number}", content=content)
                results.append(with_result_meta(result, ResultMeta(exit_code=code)))
            steps.append(
                Step(
                    step_id=number,
                    source="agent",
                    message="",
                    tool_calls=[call],
                    observation=Observation(results=results) if results else None,
                )
            )
    made = Trajectory(schema_version=ATIF_VERSION, agent=Agent(name="claude-code", version="2"), steps=steps)
    return with_meta(made, known or SessionMeta(source="history"))


def bash(command: str, text: str, code: int) -> tuple[str, dict[str, Any], str, int]:
    return ("Bash", {"command": command}, text, code)


def test_no_sign_is_unknown() -> None:
    assert outcome(session("what is this?", ("say", "A cat."))) == ("unknown", 0.0, [])


def test_tests_that_pass_in_the_end() -> None:
    verdict, confidence, signals = outcome(
        session(
            "fix it", bash("pytest -q", "1 failed", 1), bash("pytest -q", "3 passed", 0), ("say", "Fixed.")
        )
    )
    assert verdict == "success"
    assert 0 < confidence <= 0.9
    assert [s.value for s in signals if s.kind == "tests"] == [1.0]


def test_tests_that_fail_in_the_end() -> None:
    verdict, _, signals = outcome(session("fix it", bash("npm test", "2 failing", 1), ("say", "Hm.")))
    assert verdict == "failure"
    assert {s.kind for s in signals} >= {"tests", "error"}


@pytest.mark.parametrize(
    "words", ["No, that's wrong, use the other table", "不对，应该用另一个表", "you forgot the footer"]
)
def test_a_correction_left_standing_is_a_failure(words: str) -> None:
    verdict, _, signals = outcome(
        session("do it", ("query", {"q": 1}, "rows", None), ("say", "Done."), words)
    )
    assert verdict == "failure"
    assert any(s.kind == "correction" and s.value == -1 for s in signals)


@pytest.mark.parametrize("words", ["Thanks, works now", "谢谢"])
def test_thanks_are_a_success(words: str) -> None:
    verdict, _, signals = outcome(
        session("do it", ("query", {"q": 1}, "rows", None), ("say", "Done."), words)
    )
    assert verdict == "success"
    assert any(s.kind == "accept" for s in signals)


def test_no_problem_is_no_correction() -> None:
    assert all(s.kind != "correction" for s in outcome(session("do it", bash("ls", "a", 0), "no problem"))[2])


def test_asking_again_counts_against_it() -> None:
    ask = "please convert the report to pdf format"
    signals = outcome(
        session(ask, bash("make pdf", "", 0), ("say", "Done."), "convert the report to pdf format please")
    )[2]
    assert any(s.source == "user asks again" for s in signals)


def test_an_open_call_is_abandonment() -> None:
    verdict, _, signals = outcome(session("do it", ("Bash", {"command": "make"}, None, None)))
    assert verdict == "failure"
    assert [s.kind for s in signals] == ["abandoned"]


def test_injected_and_side_text_is_no_feedback() -> None:
    made = session("do it", bash("make", "", 0), ("say", "Done."), "No, wrong!", "thanks")
    steps = list(made.steps)
    steps[3] = with_step_meta(steps[3], StepMeta(injected=True))
    steps[4] = with_step_meta(steps[4], StepMeta(kind="side"))
    signals = outcome(msgspec.structs.replace(made, steps=steps))[2]
    assert {s.kind for s in signals} == {"exit"}


def test_feedback_wins_over_everything() -> None:
    known = SessionMeta(source="history", signals=[Signal(kind="feedback", value=-1.0, source="user")])
    verdict, confidence, signals = outcome(
        session("fix", bash("pytest", "3 passed", 0), ("say", "ok"), "thanks", known=known)
    )
    assert (verdict, confidence) == ("failure", 1.0)
    assert signals[0].kind == "feedback"


def test_the_latest_feedback_decides() -> None:
    both = [Signal(kind="feedback", value=value, source=f"user {value}") for value in (-1.0, 1.0)]
    assert outcome(session("fix", known=SessionMeta(signals=both)))[0] == "success"
    assert outcome(session("fix", known=SessionMeta(signals=both[::-1])))[0] == "failure"


def test_a_stated_outcome_outweighs_a_reward_that_is_only_a_part() -> None:
    known = SessionMeta(source="import", outcome="failure", reward=0.8)
    assert outcome(session("fix", known=known))[:2] == ("failure", 0.95)


def test_what_an_import_states_counts_as_given() -> None:
    known = SessionMeta(source="import", outcome="success", reward=1.0)
    verdict, confidence, signals = outcome(session("fix", bash("pytest", "1 failed", 1), known=known))
    assert (verdict, confidence) == ("success", 0.95)
    assert {s.kind: s.value for s in signals if s.source == "import"} == {"reward": 1.0, "reported": 1.0}


def test_a_wire_session_states_nothing() -> None:
    known = SessionMeta(source="wire", outcome="success", reward=1.0)
    assert outcome(session("hello", ("say", "hi"), known=known)) == ("unknown", 0.0, [])


TURNS = st.sampled_from(
    [
        "fix the build please",
        "No, not like that",
        "thanks",
        "不对",
        ("say", "Done?"),
        bash("pytest", "1 failed", 1),
        bash("pytest", "ok", 0),
        bash("git push", "fatal: rejected", 1),
        ("Bash", {"command": "make"}, None, None),
        ("search", {"q": "x"}, "Error: not found", None),
    ]
)


@given(st.lists(TURNS, max_size=8), st.sampled_from(["import", "history"]), st.sampled_from([None, 0.0, 1.0]))
def test_judging_twice_says_the_same(turns: list[Any], source: Any, reward: float | None) -> None:
    made = session(*turns, known=SessionMeta(source=source, reward=reward))
    first = outcome(made)
    known = msgspec.structs.replace(meta(made), outcome=first[0], confidence=first[1], signals=first[2])
    assert outcome(with_meta(made, known)) == first
    assert 0 <= first[1] <= 1
    assert all(-1 <= s.value <= 1 for s in first[2])
