"""Two views of one session become one: nothing doubled, nothing lost, and merging again changes nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import atif
import msgspec
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.journal.merge import merge
from skillclaw.trajectory.model import (
    ATIF_VERSION,
    Agent,
    Metrics,
    Observation,
    Result,
    ResultMeta,
    SessionMeta,
    Signal,
    SkillUse,
    Step,
    StepMeta,
    SubagentRef,
    ToolCall,
    Trajectory,
    encode,
    meta,
    result_meta,
    step_meta,
    text_of,
    with_meta,
    with_result_meta,
    with_step_meta,
)


def stamp(second: float) -> str:
    whole = int(second)
    return f"2026-11-23T{9 + whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}Z"


def user(text: str, at: float | None = None, injected: bool = False) -> Step:
    made = Step(step_id=1, source="user", message=text, timestamp=None if at is None else stamp(at))
    return with_step_meta(made, StepMeta(injected=injected))


def agent(
    text: str = "",
    *calls: str,
    at: float | None = None,
    code: int | None = None,
    output: str = "out",
    **rest: Any,
) -> Step:
    results = [
        with_result_meta(
            Result(source_call_id=c, content=f"{output} {c}"),
            ResultMeta(exit_code=code, is_error=None if code is None else code != 0),
        )
        for c in calls
    ]
    return Step(
        step_id=1,
        source="agent",
        message=text,
        timestamp=None if at is None else stamp(at),
        tool_calls=[
            ToolCall(tool_call_id=c, function_name="Bash", arguments={"command": f"run {c}"}) for c in calls
        ]
        or None,
        observation=Observation(results=results) if results else None,
        **rest,
    )


def session(*steps: Step, subs: list[Trajectory] | None = None, **known: Any) -> Trajectory:
    numbered = [msgspec.structs.replace(step, step_id=i) for i, step in enumerate(steps, 1)]
    made = Trajectory(
        schema_version=ATIF_VERSION,
        session_id="s",
        agent=Agent(name="claude-code", version="1"),
        steps=numbered,
        subagent_trajectories=subs,
    )
    return with_meta(made, SessionMeta(key="k" * 16, **{"source": "wire", **known}))


def merged(old: Trajectory, new: Trajectory) -> Trajectory:
    found = merge(old, new)
    assert found is not None
    atif.Trajectory.model_validate_json(encode(found))
    assert merge(found, new) is None
    assert merge(found, old) is None
    return found


def texts(trajectory: Trajectory) -> list[str]:
    return [text_of(step.message) for step in trajectory.steps]


def test_thoughts_in_the_text_or_apart_are_one_answer():
    told = session(user("fix it", 2), agent("<think>hm</think>\n\nDone.", at=5), source="history")
    apart = session(user("fix it", 2), agent("Done.", at=5, reasoning_content="hm"))
    for old, new in ((told, apart), (apart, told)):
        assert len(merged(old, new).steps) == 2


def test_wire_and_history_become_one():
    wire = session(
        Step(step_id=1, source="system", message="You are an agent."),
        user("name this", 1),
        agent("A title", at=1),
        user("fix it", 2),
        agent("Let me look.", "c1", at=3, reasoning_content="hm", metrics=Metrics(prompt_tokens=10)),
        agent("Done.", at=5),
    )
    history = session(
        user("fix it", 2),
        agent("Let me look.", "c1", at=3, code=3, metrics=Metrics(completion_tokens=4)),
        agent("Done.", at=5),
        user("thanks", 9),
        source="history",
    )
    found = merged(wire, history)
    assert texts(found) == [
        "You are an agent.",
        "name this",
        "A title",
        "fix it",
        "Let me look.",
        "Done.",
        "thanks",
    ]
    step = found.steps[4]
    assert step.reasoning_content == "hm"
    assert step.metrics == Metrics(prompt_tokens=10, completion_tokens=4)
    assert step.observation is not None
    assert result_meta(step.observation.results[0]).exit_code == 3
    assert (meta(found).source, meta(found).revision) == ("wire", 2)
    other = merged(history, wire)
    assert Counter(texts(other)) == Counter(texts(found))
    assert (meta(other).source, meta(other).revision) == ("history", 2)


def test_nothing_new_is_none():
    one = session(user("a", 1), agent("b", "c1", at=2, code=0))
    assert merge(one, one) is None
    assert merge(one, session(user("a", 1))) is None


def test_a_grown_session_is_appended_to():
    found = merged(
        session(user("a", 1), agent("b", "c1", at=2)),
        session(user("a", 1), agent("b", "c1", at=2), agent("c", "c2", at=3)),
    )
    assert [c.tool_call_id for s in found.steps for c in s.tool_calls or []] == ["c1", "c2"]


def test_an_answer_that_one_side_has_split():
    split = session(user("a"), agent("Let me."), agent("", "c1"), agent("", "c2", code=1), source="history")
    whole = session(user("a"), agent("Let me.", "c1", "c2", metrics=Metrics(prompt_tokens=7)))
    for old, new in ((split, whole), (whole, split)):
        found = merged(old, new)
        assert Counter(c.tool_call_id for s in found.steps for c in s.tool_calls or []) == {"c1": 1, "c2": 1}
        assert [t for t in texts(found) if t] == ["a", "Let me."]
        codes = [
            result_meta(r).exit_code for s in found.steps if s.observation for r in s.observation.results
        ]
        assert codes == [None, 1]
        assert sum(s.metrics.prompt_tokens or 0 for s in found.steps if s.metrics) == 7


def test_the_same_words_later_are_said_again():
    one = session(user("go on", 0), agent("ok", at=5))
    later = session(user("go on", 3000), agent("ok", at=3005))
    assert texts(merged(one, later)) == ["go on", "ok", "go on", "ok"]
    assert texts(merged(one, session(user("go on", 2), agent("ok", at=9), user("go on", 20)))) == [
        "go on",
        "ok",
        "go on",
    ]


def test_an_answer_does_not_take_the_place_of_a_later_one_in_the_same_words():
    """The later one is known by its call, whichever comes first in the other view."""
    made = [agent("go on", at=1), user("go on", 2), agent("go on", "c1", at=3), user("bye", 4)]
    for one, other in ((made[:3], made[1:]), (made[:3], made[2:3])):
        for old, new in ((one, other), (other, one)):
            found = merge(session(*old), session(*new))
            said = texts(found) if found is not None else texts(session(*old))
            assert Counter(said) == Counter(step.message for step in (made if len(other) > 1 else one))


def test_a_redacted_text_is_not_brought_back():
    masked = session(
        user("mail <email:9c0d1e> about it", 1), agent("sent", "c1", at=2, output="to <email:9c0d1e>")
    )
    plain = session(
        user("mail bob@example.org about it", 1), agent("sent", "c1", at=2, output="to bob@example.org")
    )
    assert merge(masked, plain) is None
    assert b"bob@" not in encode(merged(plain, masked))


def test_marks_signals_skills_and_masked_counts():
    old = session(
        user("a", 1),
        agent("b", "c1", at=2),
        signals=[Signal(kind="feedback", value=1.0, step=2, source="user: fine")],
        masked={"email": 2},
        skills=[SkillUse(name="x", hub="personal", version="v", offered=True)],
        user="u-1",
    )
    new = session(
        Step(step_id=1, source="system", message="prompt"),
        user("a", 1, injected=True),
        agent("b", "c1", at=2, code=0),
        masked={"email": 1, "secret": 3},
        skills=[SkillUse(name="x", read_step=3)],
        user="u-2",
        source="history",
        env={"os": "linux"},
    )
    found = merged(old, new)
    known = meta(found)
    assert texts(found)[0] == "prompt"
    assert [s for s in known.signals if s.kind == "feedback"] == [
        Signal(kind="feedback", value=1.0, step=3, source="user: fine")
    ]
    assert (known.outcome, known.confidence) == ("success", 1.0)
    assert known.masked == {"email": 2, "secret": 3}
    assert known.skills == [SkillUse(name="x", hub="personal", version="v", offered=True, read_step=3)]
    assert (known.user, known.env) == ("u-1", {"os": "linux"})
    assert step_meta(found.steps[1]).injected


def test_sub_agents_are_one_each():
    def sub(name: str, *steps: Step, below: list[Trajectory] | None = None) -> Trajectory:
        made = session(*steps, subs=below)
        return msgspec.structs.replace(made, trajectory_id=name, extra=None)

    ref = [SubagentRef(trajectory_id="a1")]
    step = agent("go", "c1")
    assert step.observation is not None
    linked = msgspec.structs.replace(
        step,
        observation=Observation(
            results=[msgspec.structs.replace(step.observation.results[0], subagent_trajectory_ref=ref)]
        ),
    )
    wire = session(
        user("x"), step, subs=[sub("a1", user("count"), agent("", "s1"), below=[sub("a2", user("deep"))])]
    )
    flat = session(
        user("x"),
        linked,
        subs=[
            sub("a1", user("count"), agent("", "s1", code=0)),
            sub("a2", user("deep")),
            sub("a3", user("new")),
        ],
        source="history",
    )
    found = merged(wire, flat)
    names = [s.trajectory_id for s in found.subagent_trajectories or []]
    assert names == ["a1", "a3"]
    assert [s.trajectory_id for s in (found.subagent_trajectories or [])[0].subagent_trajectories or []] == [
        "a2"
    ]
    observation = found.steps[1].observation
    assert observation is not None and observation.results[0].subagent_trajectory_ref == ref


def test_a_sub_agent_whose_ids_differ_is_one_by_what_it_was_told_and_when():
    def sub(name: str, *steps: Step) -> Trajectory:
        return msgspec.structs.replace(session(*steps), trajectory_id=name, extra=None)

    def calls(*names: str) -> Step:
        step = agent("go", *(f"c{n}" for n in range(len(names))))
        assert step.observation is not None
        results = [
            msgspec.structs.replace(result, subagent_trajectory_ref=[SubagentRef(trajectory_id=name)])
            for result, name in zip(step.observation.results, names, strict=True)
        ]
        return msgspec.structs.replace(step, observation=Observation(results=results))

    wire = session(
        user("x"),
        calls("made-1", "made-2"),
        subs=[sub("made-1", user("count", 5), agent("two", at=6)), sub("made-2", user("count", 9000))],
    )
    history = session(
        user("x"),
        calls("own-1", "own-2"),
        subs=[sub("own-1", user("count", 5.4), agent("two", at=6)), sub("own-2", user("count", 7))],
        source="history",
    )
    found = merged(wire, history)
    subs = {one.trajectory_id: texts(one) for one in found.subagent_trajectories or []}
    assert subs == {"made-1": ["count", "two"], "made-2": ["count"], "own-2": ["count"]}
    observation = found.steps[1].observation
    assert observation is not None
    refs = [[r.trajectory_id for r in one.subagent_trajectory_ref or []] for one in observation.results]
    assert refs[0] == ["made-1"]


WORD = st.sampled_from(["go on", "fix it", "done", "ok bob@example.org", ""])


@st.composite
def sessions(draw: st.DrawFn) -> list[Step]:
    """A session as it was: words may repeat, every call has its answer and its place."""
    made: list[Step] = []
    at = 0.0
    for number in range(draw(st.integers(0, 7))):
        at += draw(st.sampled_from([1.0, 30.0, 900.0]))
        kind = draw(st.sampled_from(["user", "agent", "calls", "system"]))
        if kind == "user":
            made.append(user(draw(WORD) or "hi", at, draw(st.booleans())))
        elif kind == "system":
            made.append(Step(step_id=1, source="system", message=draw(WORD) or "prompt", timestamp=stamp(at)))
        elif kind == "agent":
            made.append(
                agent(draw(WORD) or "hm", at=at, reasoning_content=draw(st.sampled_from([None, "so"])))
            )
        else:
            ids = [f"c{number}{letter}" for letter in "ab"[: draw(st.integers(1, 2))]]
            used = Metrics(prompt_tokens=draw(st.integers(1, 9)))
            code = draw(st.sampled_from([0, 2]))
            made.append(agent(draw(WORD), *ids, at=at, code=code, metrics=used))
    return made


@st.composite
def views(draw: st.DrawFn, made: list[Step]) -> Trajectory:
    """What one of wire and history tells of it: a stretch, some things unknown, answers perhaps split."""
    start = draw(st.integers(0, len(made)))
    split, bare, masked = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    seen: list[Step] = []
    for step in made[start : draw(st.integers(start, len(made)))]:
        if step.source == "system" and draw(st.booleans()):
            continue
        text = text_of(step.message)
        if masked:
            step = msgspec.structs.replace(step, message=text.replace("bob@example.org", "<email:9c0d1e>"))
        if bare:
            step = msgspec.structs.replace(step, metrics=None, reasoning_content=None)
        if split and step.tool_calls and text:
            only_text = msgspec.structs.replace(step, tool_calls=None, observation=None, metrics=None)
            seen += [only_text, msgspec.structs.replace(step, message="")]
        else:
            seen.append(step)
    return session(*seen, source="history" if split else "wire", masked={"email": 1} if masked else {})


two_views = sessions().flatmap(lambda made: st.tuples(st.just(made), views(made), views(made)))


@settings(max_examples=examples(150), deadline=None)
@given(two_views)
def test_any_two_views(given_views):
    made, one, other = given_views
    found = merge(one, other)
    if found is None:
        return
    atif.Trajectory.model_validate_json(encode(found))
    assert meta(found).revision == 2
    assert merge(found, other) is None
    assert merge(found, one) is None
    ids = [c.tool_call_id for s in found.steps for c in s.tool_calls or []]
    both = {c.tool_call_id for t in (one, other) for s in t.steps for c in s.tool_calls or []}
    assert Counter(ids) == Counter(both)
    answered = [r.source_call_id for s in found.steps if s.observation for r in s.observation.results]
    assert Counter(answered) == Counter(both)

    def words(trajectory: Trajectory) -> Counter[tuple[str, str]]:
        return Counter(
            (s.source, text_of(s.message).replace("<email:9c0d1e>", "bob@example.org"))
            for s in trajectory.steps
            if s.message
        )

    # Everything that either side tells is there, and nothing more often than it was said.
    assert not words(one) - words(found)
    assert not words(other) - words(found)
    assert not words(found) - words(session(*made))
    back = merge(other, one)
    assert words(back if back is not None else other) == words(found)


@settings(max_examples=examples(60), deadline=None)
@given(sessions(), st.integers(0, 7))
def test_a_session_and_its_beginning(made, count):
    whole = session(*made)
    begin = session(*made[:count])
    assert merge(whole, begin) is None
    found = merge(begin, whole)
    if found is not None:
        assert texts(found) == texts(whole)


MESS = st.lists(
    st.builds(
        lambda source, text, calls, at: agent(text, *calls, at=at) if source == "agent" else user(text, at),
        st.sampled_from(["agent", "user"]),
        st.sampled_from(["go on", "ok <email:9c0d1e>", "ok bob@example.org", ""]),
        st.lists(st.sampled_from(["c1", "c2", "c3"]), unique=True, max_size=2),
        st.none() | st.sampled_from([0.0, 500.0, 4000.0]),
    ),
    max_size=5,
)


@settings(max_examples=examples(60), deadline=None)
@given(MESS, MESS)
def test_views_that_contradict_each_other_still_make_a_valid_session(one, other):
    found = merge(session(*one), session(*other))
    if found is not None:
        atif.Trajectory.model_validate_json(encode(found))
        both = {c.tool_call_id for s in [*one, *other] for c in s.tool_calls or []}
        assert both == {c.tool_call_id for s in found.steps for c in s.tool_calls or []}
