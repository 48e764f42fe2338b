"""What one attempt says of the agent, and what is no result at all."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from skillclaw.bench.loop.attempt import attempt
from skillclaw.bench.loop.effects import paired
from skillclaw.bench.loop.page import render
from skillclaw.bench.loop.plan import Draw
from skillclaw.bench.loop.results import Arm, Attempt
from skillclaw.bench.loop.summary import result_json, summary
from skillclaw.bench.loop.users import User, make_users
from skillclaw.bench.suites import Grade, Rule, Task
from skillclaw.errors import BadInputError, UsageError
from skillclaw.headless.agents import Endpoint, Reply


class Desk:
    """A suite of one task; work is right when it was said `right`, and breaks the rule `bell` otherwise."""

    name = "desk"

    def __init__(self, opening: Exception | None = None) -> None:
        self._opening = opening

    def rules(self) -> Mapping[str, Rule]:
        return {"bell": Rule(id="bell", say=("Ring the bell first.",))}

    def draw(self, template: str, seed: int) -> Task:
        at = {"template": template, "category": "c", "seed": seed, "rules": ("bell",)}
        return Task(suite="desk", id=f"{template}-{seed}", instruction="Work.", **at)  # type: ignore[arg-type]

    @contextmanager
    def open(self, task: Task, folder: Path, **more: Any) -> Iterator[None]:
        if self._opening:
            raise self._opening
        yield None

    def grade(self, task: Task, workspace: object, transcript: Sequence[Mapping[str, Any]]) -> Grade:
        right = any(message["content"] == "right" for message in transcript)
        return Grade(success=right, score=float(right), broken=() if right else ("bell",))


class Said:
    """An agent that answers as given, one reply for each thing said; what it heard is in `heard`."""

    name = "said"

    def __init__(self, *replies: Reply) -> None:
        self._replies = iter(replies)
        self.heard: list[str] = []
        self.seeds: list[int] = []
        self.transcript: list[dict[str, Any]] = []

    def mounts(self, home: Path, state: Path) -> Sequence[Any]:
        return ()

    @contextmanager
    def open(self, task: Task, workspace: object, endpoint: Endpoint, **more: Any) -> Iterator[Any]:
        self.seeds.append(more["seed"])
        yield self

    def say(self, text: str) -> Reply:
        self.heard.append(text)
        reply = next(self._replies)
        self.transcript.append({"role": "assistant", "content": reply.text})
        return reply


def reply(text: str, **more: Any) -> Reply:
    given: dict[str, Any] = {"steps": 1, "tokens_in": 10, "tokens_out": 2, "seconds": 0.1}
    return Reply(text=text, **(given | more))


def tried(
    agent: Said, home: Path, *, user: User | None = None, suite: Desk | None = None, **at: Any
) -> Attempt:
    place: dict[str, Any] = {"arm": "evolving", "phase": "stream" if user else "held_out", "day": 1}
    return attempt(
        suite or Desk(),  # type: ignore[arg-type]
        agent,
        Endpoint(base_url="http://127.0.0.1:9/v1", model="m"),
        Draw(template="t", seed=5, user=user.name if user else ""),
        home=home,
        variant="instance",
        user=user,
        **(place | at),
    )


KNOWS = User(name="user1", knows=frozenset({"bell"}))


def test_an_agent_that_runs_out_of_time_failed_and_is_no_error(tmp_path: Path) -> None:
    # Skills make prompts longer, and long prompts are slow: left out, the slow attempts would flatter them.
    slow = tried(Said(reply("nearly", late=True)), tmp_path)
    assert (slow.success, slow.late, slow.error) == (False, True, "")
    done = tried(Said(reply("right", late=True)), tmp_path)
    assert done.success and done.late, "what it had done counts"
    other = tried(Said(reply("right")), tmp_path, arm="frozen")
    assert len(paired([slow, other]).pairs) == 1
    told = result_json([slow, other], seed=0)
    assert [(row["arm"], row["late"]) for row in told["errors"]["rows"]] == [("evolving", 1), ("frozen", 0)]
    assert "Out of time: 1" in summary(told) and "out of time" in render(told)


def test_nobody_corrects_an_agent_that_has_no_time_left(tmp_path: Path) -> None:
    agent = Said(reply("wrong", late=True), reply("right"))
    assert not tried(agent, tmp_path, user=KNOWS).success
    assert agent.heard == ["Work."]


def test_a_measured_attempt_hears_its_instruction_alone(tmp_path: Path) -> None:
    agent = Said(reply("wrong"), reply("right"))
    assert not tried(agent, tmp_path).success and agent.heard == ["Work."]


def test_a_correction_counts_when_it_was_followed(tmp_path: Path) -> None:
    agent = Said(reply("wrong"), reply("right"), reply("thanks"))
    found = tried(agent, tmp_path, user=KNOWS)
    assert found.success and agent.heard[:2] == ["Work.", "Ring the bell first."]
    assert found.turns == len(agent.heard) and found.steps == found.turns


def test_a_user_gives_up_after_the_second_correction(tmp_path: Path) -> None:
    agent = Said(*[reply("wrong")] * 9)
    found = tried(agent, tmp_path, user=KNOWS)
    assert not found.success and found.turns == 3 and found.broken == ("bell",)


def test_a_user_who_knows_nothing_says_nothing(tmp_path: Path) -> None:
    agent = Said(reply("wrong"), reply("right"))
    tried(agent, tmp_path, user=User(name="user2", knows=frozenset()))
    assert agent.heard == ["Work."]


def test_a_task_with_its_own_words_for_what_went_wrong_is_corrected_in_these(tmp_path: Path) -> None:
    class Outspoken(Desk):
        def correction(self, task: Task) -> str:
            return f"In {task.id} the bell was not rung."

    agent = Said(reply("wrong"), reply("right"), reply("thanks"))
    tried(agent, tmp_path, user=KNOWS, suite=Outspoken())
    assert agent.heard[1] == "In t-5 the bell was not rung."


def test_sampling_is_the_same_in_all_arms_and_on_all_days_and_not_in_the_stream(tmp_path: Path) -> None:
    arms: tuple[Arm, ...] = ("evolving", "frozen", "ceiling")
    measured = [Said(reply("wrong")) for _ in arms]
    for agent, arm in zip(measured, arms, strict=True):
        tried(agent, tmp_path, arm=arm)
    assert [agent.seeds for agent in measured] == [[5]] * 3
    quiet = [User(name=name, knows=frozenset()) for name in ("user1", "user2")]
    stream = [Said(reply("wrong")) for _ in range(3)]
    for agent, (user, day) in zip(stream, [(quiet[0], 1), (quiet[1], 1), (quiet[0], 2)], strict=True):
        tried(agent, tmp_path, user=user, day=day)
    assert len({agent.seeds[0] for agent in stream} | {5}) == 4


def test_a_workspace_that_cannot_be_made_is_an_error_and_a_missing_sandbox_ends_the_run(
    tmp_path: Path,
) -> None:
    broken = tried(Said(), tmp_path, suite=Desk(BadInputError("The workspace cannot be made.")))
    assert "cannot be made" in broken.error and not broken.turns
    with pytest.raises(UsageError, match="no sandbox"):
        tried(Said(), tmp_path, suite=Desk(UsageError("There is no sandbox here.")))


def test_a_broken_grader_or_model_is_an_error(tmp_path: Path) -> None:
    assert tried(Said(reply("", error="503")), tmp_path).error == "503"


def test_users_thank_for_half_of_what_is_right_and_know_different_rules() -> None:
    good = Grade(success=True, score=1.0)
    thanked = sum(bool(KNOWS.answer(good, {}, 0, random.Random(n))[0]) for n in range(400))
    assert 160 <= thanked <= 240
    users = make_users(6, [f"rule{n}" for n in range(20)], 0)
    assert len({user.knows for user in users}) == 6 and all(user.knows for user in users)
