"""Where a cycle has a model, a better description needs its yes; its no, or its silence, is told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from chat_model import ChatModel, Raw, text
from test_evolve_care import NOW, House, by_care, two_desks

from skillclaw.evolve.cycle import run_cycle
from skillclaw.evolve.report import CycleReport
from skillclaw.server.work import cycle_inputs

pytestmark = pytest.mark.slow


def prompt_of(request: dict[str, Any]) -> str:
    content = next(m["content"] for m in request["messages"] if m["role"] == "user")
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def opens(skill: str) -> Any:
    """Opens `skill` for each request that speaks of an invoice or a payment."""

    def answer(request: dict[str, Any]) -> Any:
        asked = re.findall(r"^\| (\d+)\. (.*)$", prompt_of(request), re.M)
        chosen = [
            {"request": int(n), "skills": [skill] if re.search("invoice|payment", wish) else []}
            for n, wish in asked
        ]
        return text(json.dumps({"requests": chosen}))

    return answer


def cycle(path: Path, monkeypatch: pytest.MonkeyPatch, server: ChatModel) -> tuple[House, CycleReport]:
    monkeypatch.setenv("HOME", str(path))
    house = House(path, {"SKILLCLAW_EVOLVE__MODEL__NAME": "m", "SKILLCLAW_EVOLVE__MODEL__URL": server.url})
    two_desks(house)
    return house, run_cycle(**{**cycle_inputs(house.machine), "now": NOW, "engine": "llm"})


def test_a_yes_lets_it_through_and_the_model_sees_fenced_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ChatModel(opens("ledger-work")) as server:
        _, report = cycle(tmp_path, monkeypatch, server)
    assert ("describe", "ledger-work", "passed") in by_care(report)
    assert [stage.stage for stage in report.spent.stages] == ["trigger"]
    assert not any("No model" in note for note in report.notes), report.notes
    prompt = prompt_of(server.seen[0])
    assert prompt.count("BEGIN DATA") == 2
    assert "ledger-work: Ledger work: what to run." in prompt


def test_a_no_keeps_the_description_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: dict[str, Any]) -> Any:
        # As it is, the model finds the skill; with more words it does not any more.
        return opens("diary-work" if "Also about" in prompt_of(request) else "ledger-work")(request)

    with ChatModel(answer) as server:
        house, report = cycle(tmp_path, monkeypatch, server)
    assert by_care(report) == []
    assert "Also about" not in house.text("ledger-work")
    assert any("The description of ledger-work stays" in note for note in report.notes), report.notes


def test_a_model_that_fails_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatModel(lambda request: Raw(b"{}", status=401)) as server:
        _, report = cycle(tmp_path, monkeypatch, server)
    assert ("describe", "ledger-work", "passed") in by_care(report)
    assert any("No model was asked about the description of ledger-work" in note for note in report.notes)
