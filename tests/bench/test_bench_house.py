"""Every task of the house: its solution passes its grader, and an agent that breaks a rule is told apart."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from skillclaw.bench.loop.attempt import install
from skillclaw.bench.suites.house import House, programs
from skillclaw.bench.suites.model import Grade
from skillclaw.headless.agents import skillbook
from skillclaw.headless.agents.minimal import PICKED, SKILL_TOKENS
from skillclaw.sandbox import why_no_room

HOUSE = House()
TEMPLATES = [template.id for template in HOUSE.templates()]
CATEGORIES = sorted({template.category for template in HOUSE.templates()})
SHOWN = {min(t for t in TEMPLATES if t.startswith(category)) for category in CATEGORIES}
"""Run always, one of each category; the others with the e2e tests, since a template takes two seconds."""

needs_sandbox = pytest.mark.skipif(bool(why_no_room()), reason=f"no sandbox here: {why_no_room()}")


def fixtures(template: str) -> list[str]:
    return sorted(path.stem for path in HOUSE.tasks[template].folder.glob("*.sh"))


def tried(template: str, fixture: str, seed: int, folder: Path) -> Grade:
    task = HOUSE.draw(template, seed)
    with HOUSE.open(task, folder) as workspace:
        said = workspace.call("bash", {"command": HOUSE.script(task, fixture)}).text
        transcript = [
            {"role": "user", "content": task.instruction},
            {"role": "assistant", "content": said},
        ]
        grade = HOUSE.grade(task, workspace, transcript)
    assert grade.error == "", (fixture, said, grade)
    return grade


@needs_sandbox
@pytest.mark.parametrize(
    "template", [pytest.param(t, marks=() if t in SHOWN else pytest.mark.slow) for t in TEMPLATES]
)
def test_solutions_pass_and_each_criterion_fails_where_it_should(template: str, tmp_path: Path) -> None:
    rules = HOUSE.tasks[template].rules
    runs = [(name, 1) for name in fixtures(template)] + [("solve", 2), ("solve", 3)]
    grades = {(name, seed): tried(template, name, seed, tmp_path / f"{name}{seed}") for name, seed in runs}
    for (name, _), grade in grades.items():
        assert grade.success == (name == "solve" or name.startswith("pass")), (name, grade)
        assert set(rules) <= set(grade.criteria), "a criterion is named like each rule"
    assert grades["naive", 1].broken
    broken = {grade.broken for grade in grades.values()}
    assert {(rule,) for rule in rules} <= broken, f"a fixture breaks each rule alone: {broken}"
    lacking = {name for grade in grades.values() for name, score in grade.criteria.items() if score < 1.0}
    assert lacking == set(grades["solve", 1].criteria), "each criterion fails somewhere"


@needs_sandbox
@pytest.mark.parametrize(
    "template", [pytest.param(t, marks=() if t in SHOWN else pytest.mark.slow) for t in TEMPLATES]
)
def test_nothing_done_and_odd_files_are_failures_not_errors(template: str, tmp_path: Path) -> None:
    task = HOUSE.draw(template, 1)
    with HOUSE.open(task, tmp_path / "room") as workspace:
        nothing = HOUSE.grade(task, workspace, [])
        workspace.call("bash", {"command": ODD})
        odd = HOUSE.grade(task, workspace, [])
    assert nothing.error == "" and not nothing.success and set(nothing.broken) == set(task.rules), nothing
    assert odd.error == "" and not odd.success, odd


ODD = r"""
for file in /var/lib/house/*.json; do echo '{"log": [1, {"did": []}, null, {"words": 3}]}' > $file; done
find . -type f > /tmp/files
while read -r file; do rm -f "$file"; mkdir -p "$file"; done < /tmp/files
"""


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_task_hides_its_rules_and_has_nothing_left_to_fill_in(template: str) -> None:
    task, file = HOUSE.draw(template, 3), HOUSE.tasks[template].file
    assert not re.search(r"\{\{\w+\}\}", task.instruction)
    assert len(task.instruction.split()) <= 60
    assert file.category == Path(file.workspace).parent.name
    assert file.expected and file.criteria and 1 <= len(task.rules) <= 2
    assert HOUSE.draw(template, 3) == task
    assert len({HOUSE.draw(template, seed).instruction for seed in range(200)}) >= 12
    assert {"solve", "naive"} <= set(fixtures(template))


def test_each_category_has_ten_templates_and_keeps_three_from_learning() -> None:
    held_out = HOUSE.held_out()
    for category in CATEGORIES:
        names = [name for name in TEMPLATES if HOUSE.tasks[name].file.category == category]
        assert len(names) == 10, category
        assert len(held_out & set(names)) == 3, category


def test_each_rule_is_needed_in_learning_and_in_a_task_that_learning_never_sees() -> None:
    needed = Counter(rule for task in HOUSE.tasks.values() for rule in task.rules)
    for rule, said in HOUSE.rules().items():
        assert 2 <= needed[rule] <= 4, (rule, needed[rule])
        held_out = {task.held_out for task in HOUSE.tasks.values() if rule in task.rules}
        assert held_out == {True, False}, rule
        assert len({task.file.category for task in HOUSE.tasks.values() if rule in task.rules}) == 1, rule
        assert 3 <= len(set(said.say)) <= 5, rule


def test_curated_skills_are_short_and_name_no_value_of_an_instance() -> None:
    folder = HOUSE.curated()
    assert folder is not None
    skills = {path.parent.name: path.read_text("utf-8") for path in folder.glob("*/SKILL.md")}
    assert len(skills) == 2 * len(CATEGORIES)
    checked = 0
    for name, text in skills.items():
        values = {
            choice
            for task in HOUSE.tasks.values()
            if programs_in(text) & programs_in(task.file.prompt)
            for choices in task.values.values()
            for choice in choices
        }
        checked += bool(values)
        assert re.match(rf"---\nname: {name}\ndescription: \S.*\n---\n", text), name
        assert len(text.split("---\n", 2)[2].split()) <= 150, name
        # In commands only, and no word that the instructions have anyway: prose shares words with file names.
        shown = " ".join(re.findall(r"`([^`]*)`", text))
        own = {word for task in HOUSE.tasks.values() for word in re.findall(r"[\w-]+", task.file.prompt)}
        named = {v for v in values - own if re.search(rf"(?<![\w-]){re.escape(v)}(?![\w-])", shown)}
        assert not named, (name, named)
    assert checked >= len(skills) - 2


def programs_in(text: str) -> set[str]:
    return {name for name in programs(HOUSE.data / "tools") if re.search(rf"\b{name}\b", text)}


def test_graders_use_the_standard_library_alone() -> None:
    for name, task in HOUSE.tasks.items():
        for node in ast.walk(ast.parse(task.file.checks)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = node.names[0].name if isinstance(node, ast.Import) else node.module
                assert module in {"json", "re", "pathlib", "csv", "io", "hashlib", "datetime"}, (name, module)


def test_the_built_in_agent_picks_the_skills_that_tell_a_tasks_rules(tmp_path: Path) -> None:
    install(HOUSE.curated(), tmp_path)
    known = skillbook.read_skills(tmp_path)
    for template in TEMPLATES:
        task = HOUSE.draw(template, 1)
        picked = skillbook.shortened(skillbook.pick(known, task.instruction, PICKED), SKILL_TOKENS)
        text = "\n".join(body for _, body in picked)
        assert all(HOUSE.told(rule, text) for rule in task.rules), (template, [s.name for s, _ in picked])
