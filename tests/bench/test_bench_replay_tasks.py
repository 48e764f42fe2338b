"""The suites' tasks as cases of a replay, worked on by the minimal agent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from chat_model import ChatModel, call, results, text
from replay_house import bundle, ledger, minimal, proposal

from skillclaw.bench.replay_tasks import SuiteTasks, packaged
from skillclaw.bench.suites import load_suite
from skillclaw.bench.suites.house import House
from skillclaw.evolve.replay.cases import CaseSources, find_cases
from skillclaw.evolve.replay.executable import Limits, executable_scores
from skillclaw.gate.replay.deciding import outcome
from skillclaw.sandbox import why_no_room

needs_sandbox = pytest.mark.skipif(bool(why_no_room()), reason=why_no_room())


def test_tasks_are_found_by_the_ids_that_sessions_have() -> None:
    house, workbench = packaged()
    task = load_suite("workbench").draw(load_suite("workbench").templates()[0].id, 8)
    case = workbench.find(task.id)
    assert case is not None
    assert (case.instruction, case.source, case.suite) == (task.instruction, "graded", "workbench")
    assert house.find(task.id) is None and workbench.find("nowhere") is None
    template = load_suite("house").templates()[0].id
    for seed in (0, 123_456):
        drawn = load_suite("house").draw(template, seed)
        found = house.find(drawn.id)
        assert found is not None and found.instruction == drawn.instruction
    assert house.find(f"{template}-") is None and house.find(f"{template}-x") is None


@needs_sandbox
def test_a_skill_that_tells_the_customs_wins_a_task_of_the_house(tmp_path: Path) -> None:
    suite = House()
    task = suite.draw(suite.templates()[0].id, 3)
    case = SuiteTasks(suite).find(task.id)
    assert case is not None
    solution, naive = suite.script(task, "solve"), suite.script(task, "naive")

    def model(request: dict[str, Any]) -> Any:
        if not results(request):
            told = "Keep all customs." in str(request["messages"])
            return call("bash", command=solution if told else naive)
        return text(request["messages"][-1]["content"])

    about = " ".join(case.instruction.replace(":", " ").replace('"', " ").split())[:400]
    made = msgspec.structs.replace(proposal("x"), bundle=bundle("Keep all customs.", about=about))
    sources = CaseSources(cases=[case])
    assert find_cases(made, sources, current_skills={}).cases == [case]
    with ChatModel(model) as server:
        scores, _, missing = executable_scores(
            made,
            [case],
            current_skills={},
            agent=minimal(server.url),
            repeats=1,
            seed=1,
            limits=Limits(),
            ledger=ledger(),
            home=tmp_path / "home",
        )
    assert missing == ""
    assert outcome(scores[0]) == "won", scores
