"""`metaclaw` on a small checkout in the benchmark's format: every grader has work that passes and work that
fails, and a checkout that is not whole is refused with the name of what is missing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.bench.suites.metaclaw import MetaClawSuite
from skillclaw.bench.suites.metaclaw_grade import chosen
from skillclaw.bench.suites.model import Grade, Message
from skillclaw.errors import BadInputError, UsageError
from skillclaw.sandbox import why_no_room

CHECKOUT = Path(__file__).parent / "checkouts" / "metaclaw"
DATA = Path("benchmark/data/metaclaw-bench")
LACKING = why_no_room()
boxed = pytest.mark.skipif(bool(LACKING), reason=LACKING or "-")


@pytest.fixture
def suite() -> MetaClawSuite:
    return MetaClawSuite(CHECKOUT)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CHECKOUT, tmp_path / "copy"))


def worked(suite: MetaClawSuite, template: str, folder: Path, *commands: str) -> Grade:
    task = suite.draw(template, 0)
    folder.mkdir()
    with suite.open(task, folder) as workspace:
        for command in commands:
            workspace.call("bash", {"command": command})
        first = suite.grade(task, workspace, [])
        assert suite.grade(task, workspace, []) == first, "grading changes nothing"
        return first


def answered(suite: MetaClawSuite, text: str) -> Grade:
    task = suite.draw("day01_r2", 0)
    said: list[Message] = [
        {"role": "user", "content": "\\bbox{A,C}"},
        {"role": "assistant", "content": "Perhaps \\bbox{B}."},
        {"role": "assistant", "content": text},
    ]

    class Nowhere:
        tools = ()
        box = None

        def call(self, name: str, arguments: Any) -> Any: ...

    return suite.grade(task, Nowhere(), said)


def change(copy: Path, name: str, edit: Callable[[Any], Any]) -> None:
    path = copy / DATA / name
    data = json.loads(path.read_text("utf-8"))
    edit(data)
    path.write_text(json.dumps(data), "utf-8")


def test_each_round_is_a_template_with_the_preferences_that_its_check_looks_at(suite: MetaClawSuite) -> None:
    assert [(t.id, t.category, t.rules) for t in suite.templates()] == [
        ("day01_r1", "arc-A", ("file_naming",)),
        ("day01_r2", "arc-A", ("file_naming",)),
        ("day01_r3", "arc-A", ("file_naming",)),
        ("day02_r1", "arc-B", ("workflow", "completion_log")),
        ("day02_r2", "arc-B", ("file_naming", "workflow", "completion_log")),
        ("day02_r3", "arc-B", ("workflow",)),
    ]
    assert list(suite.rules()) == ["file_naming", "workflow", "completion_log"]
    assert suite.rules()["file_naming"].say[0] == "Our files begin with the date: 20300107_orders.json."
    assert "Keep a copy first." in suite.rules()["workflow"].say
    check = suite.check()
    assert (check.days, check.rounds, check.problems) == (2, 6, ())
    assert check.kinds == {"file_check": 5, "multi_choice": 1}


def test_a_round_is_drawn_with_the_days_opening_and_what_its_check_needs(suite: MetaClawSuite) -> None:
    first, third = suite.draw("day01_r1", 3), suite.draw("day01_r3", 3)
    opening, asked = first.instruction.split("\n\n")
    assert opening == "Today is January 7, 2030, a Monday."
    assert asked == "Put the orders of day01/orders.txt into a JSON file in day01/."
    # It counts to two, so that the first file has to be made as well.
    assert "1. Put the orders" in third.instruction
    assert third.instruction.endswith("Then this: Write the sums of the day as JSON to day01/.")
    # It reads the file that the second round makes; the second reads only what is its own.
    assert "Write day02/20300108_rota.md." in suite.draw("day02_r3", 0).instruction
    assert "Earlier today" not in suite.draw("day02_r2", 0).instruction
    assert "Noted." not in suite.draw("day02_r2", 0).instruction
    assert suite.draw("day01_r1", 3) == first
    with pytest.raises(UsageError, match="no template 'day09_r1'"):
        suite.draw("day09_r1", 0)


@pytest.mark.slow
@boxed
def test_a_file_check_passes_and_fails_by_its_command(suite: MetaClawSuite, tmp_path: Path) -> None:
    good = worked(suite, "day01_r1", tmp_path / "a", "echo {} > day01/20300107_orders.json")
    assert good.success and good.score == 1.0
    bad = worked(suite, "day01_r1", tmp_path / "b", "echo {} > day01/orders.json")
    assert not bad.success and bad.broken == ("file_naming",) and not bad.error
    one = worked(suite, "day01_r3", tmp_path / "c", "echo {} > day01/20300107_orders.json")
    assert not one.success
    assert worked(suite, "day01_r3", tmp_path / "d", "touch day01/20300107_{orders,sums}.json").success


@pytest.mark.slow
@boxed
def test_the_failing_parts_of_a_command_say_which_preference_was_broken(
    suite: MetaClawSuite, tmp_path: Path
) -> None:
    add = "cp day02/roster.json day02/roster.json.bak; echo '[\"Ines\"]' > day02/roster.json"
    half = worked(suite, "day02_r1", tmp_path / "a", add)
    assert half.broken == ("completion_log",) and half.reason == "too few lines in done.log"
    none = worked(suite, "day02_r1", tmp_path / "b", "echo '[\"Ines\"]' > day02/roster.json")
    assert none.broken == ("workflow", "completion_log")
    assert worked(suite, "day02_r1", tmp_path / "c", add, "echo done >> done.log").success


@boxed
def test_a_check_may_ask_for_output_too(suite: MetaClawSuite, tmp_path: Path) -> None:
    assert worked(suite, "day02_r2", tmp_path / "a", "echo Ines  early > day02/20300108_rota.md").success
    assert not worked(suite, "day02_r2", tmp_path / "b", "echo Omar early > day02/20300108_rota.md").success


@boxed
def test_nothing_that_an_agent_leaves_behind_replaces_the_checks(
    suite: MetaClawSuite, tmp_path: Path
) -> None:
    grade = worked(
        suite,
        "day01_r1",
        tmp_path / "a",
        "mkdir scripts && echo 'raise SystemExit(0)' > scripts/check_filename.py",
        "echo 'raise SystemExit(0)' | tee json.py argparse.py scripts/json.py",
        "ln -s /etc eval",
    )
    assert not grade.success and not grade.error and grade.broken == ("file_naming",)


@boxed
def test_a_module_left_in_the_workspace_does_not_stand_in_for_a_real_one(copy: Path, tmp_path: Path) -> None:
    command = "python -c 'import json; raise SystemExit(json.loads(str(1)))'"
    change(copy, "eval/day01/questions.json", lambda data: data["rounds"][0]["eval"].update(command=command))
    suite = MetaClawSuite(copy)
    grade = worked(suite, "day01_r1", tmp_path / "a", "echo 'raise SystemExit(0)' > json.py")
    assert not grade.success and not grade.error


@boxed
def test_the_workspace_holds_the_tasks_day_and_no_check(suite: MetaClawSuite, tmp_path: Path) -> None:
    with suite.open(suite.draw("day02_r1", 0), tmp_path) as workspace:
        seen = workspace.call("bash", {"command": "find . -type f | sort; ls -d /opt/grading"}).text
        assert seen.splitlines()[:2] == ["./USER.md", "./day02/roster.json"]
        assert "check_" not in seen and "No such file" in seen


def test_a_choice_is_the_last_one_written_by_the_agent(suite: MetaClawSuite) -> None:
    assert answered(suite, "So \\bbox{C, a}.").success
    assert answered(suite, "First \\bbox{B}, no: \\bbox{A，C}").success
    assert answered(suite, "\\bbox{A}").reason == "chose A"
    assert answered(suite, "\\bbox{A,B,C}").broken == ("file_naming",)
    assert answered(suite, "no box here").reason == "chose B"
    assert chosen([{"role": "assistant", "content": "A and C"}]) is None
    assert suite.correction(suite.draw("day01_r2", 0)) == "A is right.\nC is right."
    assert suite.correction(suite.draw("day01_r1", 0)).startswith("Our files begin")


@given(st.sets(st.sampled_from("ABCDEFGH")), st.text(alphabet=" ,;\n", min_size=1), st.text())
def test_letters_are_found_however_they_are_set_apart(letters: set[str], between: str, around: str) -> None:
    around = around.replace("\\", "/")
    text = f"{around}\\bbox{{{between.join(sorted(letters))}}}{around}"
    assert chosen([{"role": "assistant", "content": text}]) == frozenset(letters)


def test_the_folder_of_data_and_the_variant_with_tests_json_serve_as_well(copy: Path) -> None:
    data = copy / DATA
    assert len(MetaClawSuite(data).templates()) == 6
    index = json.loads((data / "all_tests.json").read_text("utf-8"))
    (data / "all_tests.json").unlink()
    (data / "tests.json").write_text(
        json.dumps({"name": "x", "eval_dir": "eval", "tests": index["test"]}), "utf-8"
    )
    suite = MetaClawSuite(copy)
    assert len(suite.templates()) == 6
    assert suite.draw("day01_r1", 0).instruction.startswith("Today is January 7")


def test_what_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no checkout of MetaClaw-Bench(.|\n)*all_tests.json"):
        MetaClawSuite(tmp_path)


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("eval", r"lacks the questions"),
        ("workspaces", r"lacks the workspace"),
        ("eval/scripts", r"needs the script scripts/check_filename.py"),
    ],
)
def test_a_part_that_is_missing_is_named(copy: Path, gone: str, said: str) -> None:
    shutil.rmtree(copy / DATA / gone)
    with pytest.raises(BadInputError, match=said):
        MetaClawSuite(copy).templates()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda r: r.update(type="essay"), "type 'essay'"),
        (lambda r: r["eval"].pop("command"), "no command"),
        (lambda r: r["eval"].update(expect_exit="0"), "expect_exit"),
        (lambda r: r["eval"].update(timeout=-1), "timeout"),
        (lambda r: r["eval"].update(expect_stdout="(", expect_stdout_regex=True), "regular expression"),
        (lambda r: r.pop("question"), "no question"),
        (lambda r: r.update(id="../x"), "no id"),
        (lambda r: r.update(id="r2"), "more than one round r2"),
        (lambda r: r.update(type="multi_choice", eval={"options": {"A": ""}, "answer": ["Z"]}), "answer Z"),
    ],
)
def test_a_round_that_is_wrong_is_named(copy: Path, edit: Callable[[Any], Any], said: str) -> None:
    change(copy, "eval/day01/questions.json", lambda data: edit(data["rounds"][0]))
    suite = MetaClawSuite(copy)
    assert {template.id[:5] for template in suite.templates()} == {"day02"}, "the whole day is set aside"
    check = suite.check()
    assert check.days == 1 and len(check.problems) == 1
    assert "day01/questions.json" in check.problems[0] and said in check.problems[0]
    change(copy, "eval/day02/questions.json", lambda data: edit(data["rounds"][0]))
    with pytest.raises(BadInputError, match=r"day01/questions\.json"):
        MetaClawSuite(copy).templates()


def test_a_checkout_of_some_days_serves_with_these(copy: Path) -> None:
    shutil.rmtree(copy / DATA / "eval/day02")
    suite = MetaClawSuite(copy)
    assert [template.id for template in suite.templates()] == ["day01_r1", "day01_r2", "day01_r3"]
    lines = suite.check().lines()
    assert lines[0] == (
        "1 of 2 days can be read: 3 rounds (2 file_check, 1 multi_choice), of which 3 can be worked on."
    )
    assert lines[1:] == ["Without questions.json: day02."]


def test_a_round_whose_check_nobody_can_meet_is_set_aside(copy: Path) -> None:
    shared = copy / DATA / "workspaces/shared"
    (shared / "day02/roster.json").unlink()
    check = MetaClawSuite(copy).check()
    assert (check.rounds, check.open) == (6, 5)
    assert [line for line in check.problems if "set aside" in line] == [
        "day02_r1 is set aside: its check wants a copy of day02/roster.json, which the workspace lacks."
    ]
    assert "day02_r1" not in [template.id for template in MetaClawSuite(copy).templates()]


def test_a_log_that_earlier_days_must_have_filled_is_looked_at(copy: Path) -> None:
    command = "python scripts/check_done_log.py done.log --min-entries 3"
    change(copy, "eval/day02/questions.json", lambda data: data["rounds"][0]["eval"].update(command=command))
    (why,) = [line for line in MetaClawSuite(copy).check().problems if "set aside" in line]
    assert "counts 3 lines of done.log; the workspace has 0 and the day's rounds up to it add 1" in why
    (copy / DATA / "workspaces/shared/done.log").write_text("one\n\ntwo\n", "utf-8")
    assert "day02_r1" in [template.id for template in MetaClawSuite(copy).templates()]


def test_what_a_check_names_outside_the_workspace_is_not_looked_at(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("one\ntwo\nthree\n", "utf-8")
    shared = copy / DATA / "workspaces/shared"
    (shared / "linked").symlink_to(tmp_path / "log")
    for name in ("linked", f"{'../' * 20}{tmp_path / 'log'}"):
        command = f"python scripts/check_done_log.py {name} --min-entries 3"
        change(
            copy,
            "eval/day02/questions.json",
            lambda data, command=command: data["rounds"][0]["eval"].update(command=command),
        )
        assert any("the workspace has 0" in line for line in MetaClawSuite(copy).check().problems)


def test_it_is_told_when_nothing_says_the_date(copy: Path) -> None:
    shutil.rmtree(copy / DATA / "openclaw_state")
    assert MetaClawSuite(copy).check().problems == (
        "No day has a session before its first round: nothing tells an agent the date.",
    )


def test_a_checkout_cannot_lead_out_of_itself(copy: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    shutil.copytree(copy / DATA / "eval", outside)
    change(copy, "all_tests.json", lambda data: data.update(eval_dir=str(outside)))
    assert MetaClawSuite(copy).place.eval == (copy / DATA / "eval").resolve()
    shutil.rmtree(copy / DATA / "eval" / "day01")
    (copy / DATA / "eval" / "day01").symlink_to(outside / "day01")
    suite = MetaClawSuite(copy)
    assert {template.id[:5] for template in suite.templates()} == {"day02"}
    assert "leads out of the checkout" in suite.check().problems[0]
