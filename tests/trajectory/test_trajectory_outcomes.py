"""How a session went, from its signals."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.journal.merge import merge
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
from skillclaw.trajectory.outcomes import BASE, RULES, outcome


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
    assert 0.5 < confidence <= 0.95
    assert [s.source for s in signals if s.kind == "tests"] == ["last test run passed"]
    assert all(s.value > 0 for s in signals if s.kind == "tests")


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
    assert any(s.source == "user corrects" and s.value < 0 for s in signals)


def test_a_correction_that_was_taken_up_is_no_failure() -> None:
    _, _, signals = outcome(
        session(
            "cancel order 17",
            ("cancel_order", {"id": 17}, "ok", None),
            ("say", "Done."),
            "No, use order 18",
            ("cancel_order", {"id": 18}, "ok", None),
            ("say", "Done."),
        )
    )
    assert [(s.source, s.value) for s in signals if s.kind == "correction"] == [
        ("user corrects, taken up", 0.0)
    ]


def test_no_as_an_answer_to_a_question_is_no_correction() -> None:
    asked = session("do it", ("query", {"q": 1}, "rows", None), ("say", "Shall I delete it?"), "No, keep it")
    told = session("do it", ("query", {"q": 1}, "rows", None), ("say", "I deleted it."), "No, keep it")
    assert all(s.kind != "correction" for s in outcome(asked)[2])
    assert any(s.kind == "correction" for s in outcome(told)[2])


@pytest.mark.parametrize("words", ["Thanks, works now", "可以了，谢谢"])
def test_words_that_it_works_are_a_success(words: str) -> None:
    verdict, _, signals = outcome(
        session("do it", ("query", {"q": 1}, "rows", None), ("say", "Done."), words)
    )
    assert verdict == "success"
    assert any(s.source == "user says it works" for s in signals)


def test_that_works_after_a_question_agrees_with_a_plan() -> None:
    turns = ("do it", ("query", {"q": 1}, "rows", None), ("say", "Shall I take the last one?"))
    _, _, signals = outcome(session(*turns, "Yes, that works for me, thanks"))
    assert "user says it works" not in {s.source for s in signals}


@pytest.mark.parametrize(
    ("asked", "sign"), [("delete the meeting with Ana", True), ("delete both meetings with Ana", False)]
)
def test_two_changes_are_a_sign_only_where_one_was_asked_for(asked: str, sign: bool) -> None:
    changes = [("delete_event", {"event_id": n}, "ok", None) for n in ("a1", "a2")]
    _, _, signals = outcome(session(asked, *changes, ("say", "Done.")))
    assert ("several changes, one was asked for" in {s.source for s in signals}) is sign


@pytest.mark.parametrize(("after", "left"), [(5, True), (6, False)])
def test_a_failure_that_much_work_followed_is_not_left_unresolved(after: int, left: bool) -> None:
    failed = ("get_user", {"name": "ana"}, "Error: no such user", 1)
    others = [("list_files", {"page": n}, "a, b", 0) for n in range(after)]
    _, _, signals = outcome(session("look around", failed, *others, ("say", "A few files.")))
    assert ("tool error left unresolved" in {s.source for s in signals}) is left


def test_thanks_alone_decide_nothing() -> None:
    verdict, _, signals = outcome(
        session("do it", ("query", {"q": 1}, "rows", None), ("say", "Here they are."), "谢谢")
    )
    assert verdict == "unknown"
    assert [s.source for s in signals] == ["user gives thanks"]


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
    assert not {s.kind for s in signals} & {"correction", "accept"}


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


def sources(*turns: Any) -> set[str]:
    return {s.source for s in outcome(session(*turns))[2]}


FIND = ("crm.search_customers", {"name": "Lee"}, '[{"customer_id": "00000042"}]', None)


def delete(customer: str, result: str = "deleted") -> tuple[str, dict[str, Any], str, None]:
    return ("crm.delete_customer", {"customer_id": customer}, result, None)


def test_an_identifier_that_nobody_gave_speaks_against_a_change() -> None:
    assert "identifier from nowhere" in sources("delete Lee", FIND, delete("00000043"), ("say", "Deleted."))
    assert "identifiers were given or looked up" in sources(
        "delete Lee", FIND, delete("00000042"), ("say", "Deleted.")
    )
    assert "identifiers were given or looked up" in sources("delete 00000042", delete("00000042"))


def test_a_claim_to_be_done_is_checked_against_the_calls() -> None:
    assert "says it is done" in sources("delete Lee", FIND, delete("00000042"), ("say", "Deleted."))
    assert "says it is done, changed nothing" in sources("delete Lee", FIND, ("say", "Successfully deleted."))
    failed = delete("00000042", "Error: no permission")
    assert "says it is done, changed nothing" in sources("delete Lee", FIND, failed, ("say", "Deleted."))


def test_a_condition_that_does_not_hold_is_told_from_nothing_to_do() -> None:
    answer = ("say", "There are no open orders, so nothing was deleted.")
    assert "says the condition does not hold" in sources("delete Lee if no order is open", FIND, answer)
    assert "says nothing was needed" in sources("delete Lee", FIND, answer)


def test_calls_made_again_word_by_word_are_a_loop() -> None:
    again = delete("00000042", "Error: not found")
    assert "same failing call repeated" in sources("delete Lee", FIND, again, again)
    assert "same call repeated" in sources("find Lee", FIND, FIND, FIND, ("say", "Found."))
    assert not sources("run it", bash("ls", "a", 0), bash("ls", "a", 0), bash("ls", "a", 0)) & {
        "same call repeated"
    }


def test_nothing_done_though_a_change_was_asked_for() -> None:
    rule = "asked for a change, nothing called"
    assert rule in sources("Please cancel my order 17", ("say", "I will do that."))
    assert rule not in sources("Write a poem about rain", ("say", "Rain."))
    assert rule not in sources("How tall is the tower?", ("say", "324 m."))


def test_runs_that_broke_off() -> None:
    assert "stopped at a limit" in sources(
        "plot it", FIND, ("say", "Agent stopped due to iteration limit or time limit.")
    )
    assert "never answered" in sources("plot it")
    assert "handed over to a person" in sources(
        "refund me", ("transfer_to_human_agents", {"summary": "x"}, "ok", None)
    )


def test_each_rule_counts_once_however_often_it_applies() -> None:
    one = session("do it", ("query", {"q": 1}, "rows", None), ("say", "Done."), "wrong")
    two = session("do it", ("query", {"q": 1}, "rows", None), ("say", "Done."), "wrong", "that is wrong")
    assert outcome(one)[1] == outcome(two)[1]


def test_what_is_undecided_has_no_confidence() -> None:
    made = session("do it", bash("pytest", "3 passed", 0), bash("make", "", 1), ("say", "Hm."))
    verdict, confidence, signals = outcome(made)
    assert (verdict, confidence) == ("unknown", 0.0)
    assert {"tests", "exit"} <= {s.kind for s in signals}


def test_a_signal_alone_says_what_it_makes_of_even_odds() -> None:
    signals = outcome(session("do it", bash("make", "", 0), ("say", "Hm.")))[2]
    weight = RULES["last changing command worked"].weight
    assert signals[0].value == pytest.approx(2 / (1 + math.exp(-weight)) - 1, abs=1e-3)


def test_the_docs_hold_every_rule_with_its_weight() -> None:
    text = (Path(__file__).parents[2] / "docs" / "outcomes.md").read_text("utf-8")
    for name, rule in RULES.items():
        row = next(line for line in text.splitlines() if f"| {name} |" in line)
        assert row.startswith(f"| `{rule.kind}` |")
        assert f"| {rule.weight:+.2f}{'' if rule.fitted else ' (set)'} |" in row
    assert f"The base is {BASE:+.2f}" in text


def test_every_weight_has_the_direction_of_its_rule() -> None:
    assert all(rule.weight >= 0 if rule.good else rule.weight <= 0 for rule in RULES.values())


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


def test_a_sign_of_a_sub_agent_alone_names_no_step() -> None:
    """A step that is not there made a session grow each time that it was merged with itself."""
    sub = msgspec.structs.replace(session(("Bash", {"command": "ls"}, None, None)), trajectory_id="s")
    alone = msgspec.structs.replace(session(), subagent_trajectories=[sub])
    assert [(one.source, one.step) for one in outcome(alone)[2]] == [("ended with an open call", None)]
    one, two = (with_meta(alone, SessionMeta(source="history", project=name)) for name in ("", "x"))
    grown = merge(one, two)
    assert grown is not None
    assert merge(grown, two) is None
