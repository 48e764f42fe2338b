"""A user's own cases: the folder format, and `skillclaw cases` over it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chat_model import ChatModel
from cli import skillclaw
from hypothesis import given
from hypothesis import strategies as st
from replay_house import ASKED, obedient, write_case

from skillclaw.errors import BadInputError
from skillclaw.evolve.replay.folder_cases import read_case, read_cases
from skillclaw.sandbox import why_no_room

needs_sandbox = pytest.mark.skipif(bool(why_no_room()), reason=why_no_room())
PLAIN = f'instruction = "{ASKED.format("May")}"\n'
TASK = f"""---
id: house_task_1_report
timeout_seconds: 20
---
## Prompt

{ASKED.format("May")}

## Automated Checks

```python
def grade(transcript, workspace_path):
    from pathlib import Path
    path = Path(workspace_path, "report.txt")
    good = path.exists() and path.read_text() == "sealed May\\n"
    return {{"overall_score": float(good)}}
```

## Workspace Path

exec

## Skills

house-reports
"""


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"case.toml": None}, "cannot be read"),
        ({"case.toml": "instruction = "}, "is not a case"),
        ({"case.toml": 'instruction = ""'}, "is not a case"),
        ({"case.toml": 'instruction = "  "'}, "empty instruction"),
        ({"case.toml": PLAIN + "timeout = 0"}, "is not a case"),
        ({"case.toml": PLAIN + "typo = 1"}, "is not a case"),
        ({"case.toml": PLAIN + '[files]\n"../x" = "y"'}, "relative to the workspace"),
        ({"case.toml": PLAIN + '[files]\n"/x" = "y"'}, "relative to the workspace"),
        ({"grade.sh": None}, "no grader"),
        ({"grade.py": "pass"}, "two graders"),
        ({"grade.sh": "x" * 1_000_001}, "too large"),
    ],
)
def test_a_case_that_cannot_be_used_is_told_with_the_reason(
    tmp_path: Path, files: dict[str, str | None], told: str
) -> None:
    folder = write_case(tmp_path, "May")
    for name, body in files.items():
        (folder / name).unlink(missing_ok=True)
        if body is not None:
            (folder / name).write_text(body, "utf-8")
    write_case(tmp_path, "June")
    cases, faults = read_cases(tmp_path)
    assert [case.name for case in cases] == ["June"], "one that is wrong takes no other with it"
    assert len(faults) == 1
    assert told in str(faults[0])


@given(st.text(max_size=200))
def test_no_case_file_makes_the_reader_fail(tmp_path_factory: pytest.TempPathFactory, body: str) -> None:
    folder = tmp_path_factory.mktemp("cases") / "one"
    folder.mkdir()
    (folder / "grade.sh").write_text("true", "utf-8")
    (folder / "case.toml").write_text(body, "utf-8", "surrogatepass")
    try:
        assert read_case(folder).instruction.strip()
    except BadInputError as error:
        assert error.what


def test_the_id_of_a_case_follows_what_it_is_made_of(tmp_path: Path) -> None:
    folder = write_case(tmp_path, "May")
    first = read_case(folder).id
    assert read_case(folder).id == first
    for path in ("workspace/notes.txt", "truth/answer.txt", "grade.sh"):
        (folder / path).write_text("else\n", "utf-8")
        changed = read_case(folder).id
        assert changed != first
        first = changed


@needs_sandbox
def test_check_says_which_graders_tell_work_from_no_work(tmp_path: Path) -> None:
    cases = tmp_path / ".skillclaw" / "cases"
    write_case(cases, "May")
    write_case(cases, "always", grade="true")
    write_case(cases, "never", grade="false")
    write_case(cases, "stuck", solve="sleep 60", toml=PLAIN + "timeout = 0.5")
    (write_case(cases, "unsolved") / "solve.sh").unlink()
    (write_case(cases, "warm") / "case.toml").write_text(PLAIN + '[files]\n"in/a.txt" = "A"\n', "utf-8")
    (cases / "warm" / "grade.sh").unlink()
    (cases / "warm" / "grade.py").write_text(
        "import sys\nfrom pathlib import Path\nsys.exit(not (Path('in/a.txt').read_text() == 'A'"
        " and Path('notes.txt').exists() and Path('report.txt').exists()))\n",
        "utf-8",
    )
    task = cases / "task"
    (task / "exec").mkdir(parents=True)
    (task / "task.md").write_text(TASK, "utf-8")
    (task / "solve.sh").write_text("echo 'sealed May' > report.txt", "utf-8")
    done = skillclaw("cases", "check", "--json", home=tmp_path)
    assert done.returncode == 1, done.stderr
    found = {row["case"]: row for row in json.loads(done.stdout)}
    assert [name for name, row in found.items() if row["good"]] == ["May", "task", "warm"]
    assert (found["always"]["empty"], found["never"]["solution"]) == (True, False)
    assert "passes a workspace in which nothing was done" in found["always"]["faults"][0]
    assert "took too long" in found["stuck"]["faults"][0]
    assert "no solve.sh" in found["unsolved"]["faults"][0]
    listed = json.loads(skillclaw("cases", "list", "--json", home=tmp_path).stdout)
    assert [case["name"] for case in listed["cases"]] == sorted(found)
    assert listed["cases"][4]["skills"] == ["house-reports"]


@needs_sandbox
def test_run_lets_an_agent_work_on_one_case_and_says_what_it_cost(tmp_path: Path) -> None:
    write_case(tmp_path / ".skillclaw" / "cases", "May")
    with ChatModel(obedient) as model:
        for key, value in {"name": "m", "url": model.url, "usd_in": "1", "usd_out": "10"}.items():
            assert skillclaw("config", "set", f"evolve.model.{key}", value, home=tmp_path).returncode == 0
        done = skillclaw("cases", "run", "May", "--repeats", "2", "--json", home=tmp_path)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["case"], told["agent"], told["model"], told["scores"]) == (
            "May",
            "minimal",
            "m",
            [0.0, 0.0],
        )
        assert (told["spent"]["calls"], told["spent"]["tokens"], told["spent"]["usd"]) == (4, 440, 0.0008)
        assert len({request["seed"] for request in model.seen}) == 2
        day = json.loads((tmp_path / ".skillclaw" / "model-spending.json").read_text("utf-8"))
        assert [sums["calls"] for sums in day.values()] == [4], "it counts into the day's budget"
        shown = skillclaw("cases", "run", "May", home=tmp_path)
        assert "It took 2 calls, 220 tokens, $0.0004" in shown.stdout
        assert "the grader ended with exit code 1" in shown.stdout


@needs_sandbox
@pytest.mark.slow
def test_what_cannot_be_run_is_told_with_what_to_do(tmp_path: Path) -> None:
    write_case(tmp_path / ".skillclaw" / "cases", "May")
    for words, told in (
        (("check", "../cases"), "skillclaw cases list"),
        (("run", "May"), "evolve.model.name is empty"),
        (("run", "May", "--agent", "codex"), "config set evolve.cli.agent codex"),
    ):
        done = skillclaw("cases", *words, home=tmp_path)
        assert (done.returncode, told in done.stderr, "Traceback" in done.stderr) == (2, True, False)
