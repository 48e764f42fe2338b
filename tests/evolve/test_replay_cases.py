"""Which cases a proposal is tried on: those about its skill, and none of what it was made from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
from replay_house import ASKED, SKILL, Skill, bundle, proposal, write_case

from skillclaw.evolve.replay.cases import Case, CaseSources, find_cases, taught_sessions
from skillclaw.evolve.replay.folder_cases import read_case
from skillclaw.skills.records import Item, Pattern, Ref, Retired, Sidecar
from skillclaw.trajectory.model import (
    ATIF_VERSION,
    Agent,
    SessionMeta,
    Step,
    Trajectory,
    meta,
    with_meta,
)

OTHER = bundle("Water them.", "house-plants", "Water the plants of the house. Use when plants are dry.")


def session(key: str, asked: str = ASKED.format("May"), **told: object) -> Trajectory:
    made = Trajectory(
        schema_version=ATIF_VERSION,
        session_id=key,
        agent=Agent(name="codex", version="1"),
        steps=[
            Step(step_id=1, source="user", message=asked),
            Step(step_id=2, source="agent", message="Done."),
        ],
    )
    return with_meta(made, SessionMeta(key=key, **told))  # type: ignore[arg-type]


class Tasks:
    """Packaged tasks: each is the case with its name."""

    def __init__(self, case: Case) -> None:
        self.case, self.asked = case, list[str]()

    def find(self, task: str) -> Case | None:
        self.asked.append(task)
        return replace(self.case, id=task, source="graded") if task.startswith("report") else None


def test_a_case_is_used_where_the_skill_comes_up_or_the_case_names_it(tmp_path: Path) -> None:
    write_case(tmp_path, "May")
    write_case(tmp_path, "plants", toml='instruction = "Water the dry plants of the house."\n')
    write_case(tmp_path, "named", toml=f'instruction = "Water the dry plants."\nskills = ["{SKILL}"]\n')
    write_case(tmp_path, "another", toml=f'instruction = "{ASKED.format("June")}"\nskills = ["other"]\n')
    cases = [read_case(tmp_path / name) for name in ("May", "another", "named", "plants")]
    current = {"house-plants": Skill(OTHER)}
    found = find_cases(proposal("Reports are sealed."), CaseSources(cases=cases), current_skills=current)
    assert ([case.name for case in found.cases], found.missing) == (["May", "named"], [])
    few = find_cases(proposal("x"), CaseSources(cases=cases), current_skills=current, most=1)
    assert [case.name for case in few.cases] == ["May"]
    none = find_cases(proposal("x"), CaseSources(cases=cases[1:2]), current_skills=current)
    assert (none.cases, none.missing) == ([], ["No case that can be run is about this skill."])
    retired = msgspec.structs.replace(proposal("x"), action="retire", bundle=None)
    assert find_cases(retired, CaseSources(cases=cases), current_skills=current).cases == []


def test_a_change_that_makes_the_skill_come_up_no_longer_is_tried_where_it_came_up(tmp_path: Path) -> None:
    write_case(tmp_path, "May", toml='instruction = "Fill in the weekly sheet for May."\n')
    base = Skill(bundle("Sheets are sealed.", SKILL, "Fill in the weekly sheet. Use for weekly sheets."))
    away = msgspec.structs.replace(
        proposal("Reports are sealed.", base=base), bundle=bundle("x", SKILL, "Feed the cats at night.")
    )
    cases = [read_case(tmp_path / "May")]
    assert find_cases(away, CaseSources(cases=cases), current_skills={SKILL: base}).cases == cases
    assert find_cases(away, CaseSources(cases=cases), current_skills={}).cases == []


def test_what_the_proposal_was_made_from_never_tests_it(tmp_path: Path) -> None:
    ref = lambda key: Ref(session=key, user="ada", agent="codex", day="2026-01-01")  # noqa: E731
    pattern = Pattern(
        id="p",
        kind="pitfall",
        title="t",
        topic="t",
        signature="s",
        evidence=[ref("a")],
        contradictions=[ref("b")],
        calls=[ref("m")],
    )
    item = Item(id="i", kind="step", text="t", evidence=[ref("c")])
    made = msgspec.structs.replace(
        proposal("x"),
        patterns=[pattern],
        sidecar=Sidecar(skill=SKILL, version="v", items=[item]),
        against=[ref("d")],
        retires=[Retired(skill="gone", version="v")],
        shown=[ref("l")],
    )
    assert taught_sessions(made) == {"a", "b", "c", "d", "l", "m"}
    write_case(tmp_path, "May")
    tasks = Tasks(read_case(tmp_path / "May"))
    graded = {"reward": 1.0, "user": "bob"}
    sessions = [
        session("a", task="report-1", **graded),  # taught
        session("e", task="report-1", **graded),  # the same task, which taught in a
        session("f", task="report-2", **graded),
        session("g", task="report-2", **graded),  # once is enough
        session("h", task="elsewhere-3", **graded),
        session("i", task="report-4"),  # not graded
        session("j", task="report-5", **graded),  # not allowed
        session("k", task="report-6", kind="evolver", **graded),
        session("l", task="report-7", **graded),  # the author was shown it
        session("m", task="report-8", **graded),  # its call stands in a line
    ]
    found = find_cases(
        made,
        CaseSources(tasks=[tasks], sessions=lambda: sessions),
        current_skills={},
        allowed=lambda one: meta(one).key != "j",
    )
    assert [(case.id, case.source) for case in found.cases] == [("report-2", "graded")]
    assert tasks.asked == ["report-2", "elsewhere-3"]


def test_recorded_sessions_that_give_no_case_are_told_with_the_reason() -> None:
    seen: list[str] = []

    def recorded(one: Trajectory) -> str:
        seen.append(meta(one).key)
        return "it ran no tests."

    sessions = [session("b"), session("a"), session("c", asked="Water the dry plants now please.")]
    found = find_cases(
        proposal("x", sessions=("b",)),
        CaseSources(sessions=lambda: [*sessions, session("d")], recorded=recorded),
        current_skills={},
    )
    assert seen == ["a", "d"]
    assert found.missing == ["2 recorded sessions give no case: it ran no tests."]
