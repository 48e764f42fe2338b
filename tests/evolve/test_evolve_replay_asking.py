"""How a model is asked for its next action where its server knows no tools, over real HTTP."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chat_model import ChatModel, Raw, text
from made_sessions import made
from msgspec.structs import replace

from skillclaw.evolve.models import open_models
from skillclaw.evolve.replay.decision import decision_scores
from skillclaw.evolve.replay.decision_asking import Called, Tool, ask, tools_of
from skillclaw.evolve.replay.decision_points import Point
from skillclaw.gate.replay.records import CaseScore
from skillclaw.journal.redact import Redactor
from skillclaw.settings import EvolveSettings, ModelSettings
from skillclaw.trajectory.episodes import cut

if TYPE_CHECKING:
    from skillclaw.evolve.models.asker import Asker

TOOLS = [
    Tool(
        name="crm.find",
        told="crm_find",
        schema={"type": "object", "properties": {"name": {"type": "string"}}},
    ),
    Tool(name="wait", told="wait", schema={"type": "object", "properties": {}}),
]
CALL = '{"tool": "crm.find", "arguments": {"name": "Ada"}}'
FOUND = Called("crm.find", {"name": "Ada"})


@contextmanager
def asking(url: str, home: Path, *, offline: bool = False) -> Iterator[Asker]:
    model = ModelSettings(name="m", url=url, tools="prompt")
    asker = open_models(EvolveSettings(model=model), home=home, environ={}, offline=offline)
    assert asker is not None
    with closing(asker):
        yield asker


def test_a_server_that_can_holds_the_model_to_one_call(tmp_path: Path) -> None:
    with ChatModel(lambda request: text(CALL)) as model, asking(model.url, tmp_path) as asker:
        assert ask(asker, "Next?", TOOLS, 1) == FOUND
    (request,) = model.seen
    form = request["response_format"]["json_schema"]["schema"]
    assert [one["properties"]["tool"]["const"] for one in form["anyOf"]] == ["crm.find", "wait"]
    assert "fence" not in request["messages"][0]["content"]


def test_a_server_that_cannot_is_asked_in_words_alone_from_then_on(tmp_path: Path) -> None:
    def answer(request: dict[str, Any]) -> Any:
        if "response_format" in request:
            return Raw(json.dumps({"error": {"message": "response_format is not supported"}}).encode(), 400)
        assert "fence" in request["messages"][0]["content"]
        return text(f"I look.\n```json\n{CALL}\n```")

    with ChatModel(answer) as model, asking(model.url, tmp_path) as asker:
        assert [ask(asker, "Next?", TOOLS, seed) for seed in (1, 2)] == [FOUND, FOUND]
        assert ["response_format" in request for request in model.seen] == [True, False, False]
        url = model.url
    # What was answered in words is found again without the server; only what was never asked is foreseen.
    with asking(url, tmp_path, offline=True) as asker:
        assert ask(asker, "Next?", TOOLS, 1) == FOUND
        foreseen = sum(one.calls for one in asker.missed())
    assert foreseen == 1


def test_tools_that_an_agent_made_up_are_not_offered() -> None:
    session = made(
        "look",
        ("crm.find", {"name": "Ada"}, "ada@example.org", False),
        ("find", {"name": "Ada"}, "find is not a valid tool, try one of [crm.find].", True),
        ("crm.add", {"name": "Ada"}, "Ada is there already.", True),
    )
    assert {one.name for one in tools_of([session])} == {"crm.find", "crm.add"}


SESSION = made(
    "Add a card for Ada",
    ("crm.find", {"name": "Ada"}, "ada@example.org", False),
    ("crm.add", {"email": "ada@example.com"}, "Email not valid.", True),
    ("crm.add", {"email": "ada@example.org"}, "Added.", False),
)
"""It looked an address up, wrote another one, and then the right one."""


def point() -> Point:
    """Where it wrote the wrong one."""
    found = next(one for one in cut(SESSION) if one.kind == "recovery")
    assert found.failed is not None
    at = next(i for i, step in enumerate(SESSION.steps) if step.step_id == found.failed.step)
    return Point(
        case="ab" * 16,
        pattern="p",
        user="ada",
        before=replace(SESSION, steps=SESSION.steps[:at]),
        step=found.failed.step,
        failing=[found.failed],
        working=[move for move in found.actions if move.step != found.failed.step],
    )


def tried(model: ChatModel, home: Path) -> list[float | None]:
    score = scored(model, home)
    return [*score.before, *score.after]


def scored(model: ChatModel, home: Path, *, skill: str = "# Cards", repeats: int = 1) -> CaseScore:
    names = ("crm.find", "crm.add")
    tools = [Tool(name=one, told=one.replace(".", "_"), schema={"type": "object"}) for one in names]
    with asking(model.url, home) as asker:
        done = decision_scores(
            [point()],
            before="",
            after=skill,
            tools={SESSION.agent.name: tools},
            asker=asker,
            redactor=Redactor(b"k" * 32, home=home, user_names=[]),
            repeats=repeats,
            max_calls=0,
            deadline=time.monotonic() + 60,
        )
    return done.scores[0]


def test_who_does_over_what_was_done_is_told_its_result_and_asked_on(tmp_path: Path) -> None:
    def answer(request: dict[str, Any]) -> Any:
        asked = request["messages"][-1]["content"]
        again = "You made this call already" in asked
        if again:
            assert asked.count("ada@example.org") >= 2  # where it stands in the session, and once more
            return text('{"tool": "crm.add", "arguments": {"email": "ada@example.org"}}')
        return text('{"tool": "crm.find", "arguments": {"name": " ADA "}}')

    with ChatModel(answer) as model:
        assert tried(model, tmp_path) == [1.0, 1.0]
        assert len(model.seen) == 4


def test_each_repeat_is_told_to_be_named_or_not(tmp_path: Path) -> None:
    """What works here is the address that was found: one skill says so, the other names another call."""
    right = '{"tool": "crm.add", "arguments": {"email": "ada@example.org"}}'
    wrong = '{"tool": "crm.add", "arguments": {"email": "ada@example.com"}}'
    turns = itertools.cycle([wrong, right, wrong, wrong])  # without, with; without, with

    def answer(request: dict[str, Any]) -> Any:
        return text(next(turns))

    for skill, named in (
        ("Give `crm.add` the `email` found.", [True, True]),
        ("Use `crm.find`.", [False, True]),
    ):
        with ChatModel(answer) as model:
            score = scored(model, tmp_path / str(named[0]), skill=skill, repeats=2)
        assert (score.before, score.after) == ([0.0, 0.0], [1.0, 0.0])
        assert score.named == named, "of what did not work there is nothing to name"


def test_who_does_it_over_and_over_is_asked_three_times(tmp_path: Path) -> None:
    with ChatModel(lambda request: text(CALL)) as model:
        assert tried(model, tmp_path) == [0.5, 0.5]
        assert len(model.seen) == 6


def test_another_call_of_the_kind_is_no_call_done_over(tmp_path: Path) -> None:
    other = '{"tool": "crm.find", "arguments": {"name": "Bob"}}'
    with ChatModel(lambda request: text(other)) as model:
        assert tried(model, tmp_path) == [0.5, 0.5]
        assert len(model.seen) == 2


def test_the_skill_is_read_last_and_all_before_it_is_the_same_without_it(tmp_path: Path) -> None:
    other = '{"tool": "crm.find", "arguments": {"name": "Bob"}}'
    with ChatModel(lambda request: text(other)) as model:
        tried(model, tmp_path)
        without, told = (request["messages"] for request in model.seen)
    assert without[0] == told[0]
    alone, question = without[1]["content"].rsplit("\n\n", 1)
    assert told[1]["content"].startswith(alone + "\n\nBEGIN DATA ")
    assert told[1]["content"].endswith("\n\n" + question)
    assert "| # Cards" in told[1]["content"].removeprefix(alone)
