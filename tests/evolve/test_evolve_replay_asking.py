"""How a model is asked for its next action where its server knows no tools, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chat_model import ChatModel, Raw, text
from made_sessions import made

from skillclaw.evolve.models import open_models
from skillclaw.evolve.replay.decision_asking import Called, Tool, ask, tools_of
from skillclaw.settings import EvolveSettings, ModelSettings

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
