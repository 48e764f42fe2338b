"""Cases from recorded sessions: real repositories, real tests, tried in real rooms."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from chat_model import ChatModel, call, results, text
from hypothesis import given
from hypothesis import strategies as st
from made_sessions import made
from msgspec.structs import replace
from replay_house import bundle, ledger, minimal, proposal

from skillclaw.errors import BadInputError
from skillclaw.evolve.replay.cases import Case, find_cases
from skillclaw.evolve.replay.checkouts import Checkouts, known_commit, read_checkouts
from skillclaw.evolve.replay.executable import Limits, executable_scores
from skillclaw.evolve.replay.recorded_cases import Recorder, test_command
from skillclaw.evolve.replay.sources import CASES, case_sources
from skillclaw.headless.tasks.folders import FolderWorkspace
from skillclaw.sandbox import why_no_room
from skillclaw.trajectory.model import SessionMeta, Trajectory

test_command.__test__ = False  # type: ignore[attr-defined]
needs_sandbox = pytest.mark.skipif(bool(why_no_room()), reason=why_no_room())
BROKEN, MENDED = "def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a + b\n"
TEST = "import unittest\nfrom calc import add\nclass T(unittest.TestCase):\n"
TEST += "    def test_add(self): self.assertEqual(add(2, 2), 4)\n"
RUN = "python3 -m unittest"
REMOTE = "git.example/acme/calc"


def git(folder: Path, *words: str, day: int = 1) -> str:
    date = f"2026-01-{day:02d}T12:00:00Z"
    environ = {**os.environ, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    name = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    done = subprocess.run(["git", *name, *words], cwd=folder, env=environ, check=True, capture_output=True)
    return done.stdout.decode().strip()


def commit(repository: Path, day: int, **files: str | None) -> str:
    for name, body in files.items():
        path = repository / name.replace("_dot_", ".")
        path.unlink(missing_ok=True) if body is None else path.write_text(body, "utf-8")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", f"day {day}", day=day)
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Day 1: a fault that a test shows. Day 5: mended."""
    folder = tmp_path / "calc"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "remote", "add", "origin", f"https://{REMOTE}.git")
    commit(folder, 1, calc_dot_py=BROKEN, test_calc_dot_py=TEST)
    return folder


def session(*turns: Any, day: int = 3, env: dict[str, str] | None = None) -> Trajectory:
    turns = turns or ("Mend add in calc.py.", ("Bash", {"command": RUN}, "OK", 0), ("say", "Done."))
    told = SessionMeta(key="k1", user="ada", project="calc", env=env or {"git_remote": REMOTE})
    trajectory = made(*turns, meta=told)
    steps = [
        replace(step, timestamp=f"2026-01-{day:02d}T12:{number:02d}:00Z")
        for number, step in enumerate(trajectory.steps)
    ]
    return replace(trajectory, steps=steps)


def recorder(repository: Path, tmp_path: Path) -> Recorder:
    return Recorder(Checkouts(remotes={REMOTE: str(repository)}), tmp_path / "home")


def graded(case: Case, tmp_path: Path, command: str) -> float:
    with case.room(tmp_path / "room", None, ()) as workspace:
        assert isinstance(workspace, FolderWorkspace)
        ran = workspace.call("bash", {"command": command})
        assert not ran.is_error, ran
        return case.judge(workspace, []).score


@needs_sandbox
def test_a_session_whose_work_was_committed_is_a_case(repository: Path, tmp_path: Path) -> None:
    commit(repository, 5, calc_dot_py=MENDED)
    (repository / "calc.py").write_text("not committed", "utf-8")
    before = sorted((path, path.stat().st_mtime_ns) for path in repository.rglob("*"))
    case = recorder(repository, tmp_path)(session())
    assert isinstance(case, Case), case
    assert (case.source, case.user, case.session, case.instruction) == (
        "recorded", "ada", "k1", "Mend add in calc.py.",
    )  # fmt: skip
    assert graded(case, tmp_path / "1", "ls -A; cat calc.py") == 0.0
    assert graded(case, tmp_path / "2", "sed -i s/-/+/ calc.py") == 1.0
    # The tests are the session's own, whatever the agent makes of them.
    assert graded(case, tmp_path / "3", "echo > test_calc.py; rm -rf .git; mkdir -p __pycache__") == 0.0
    assert before == sorted((path, path.stat().st_mtime_ns) for path in repository.rglob("*"))


@needs_sandbox
def test_tests_that_came_with_the_work_are_laid_over_what_the_agent_left(
    repository: Path, tmp_path: Path
) -> None:
    more = TEST.replace("add(2, 2), 4", "add(-1, 2), 1")
    commit(repository, 2, test_calc_dot_py=TEST.replace("add(2, 2), 4", "add(2, 0), 2"))
    git(repository, "rm", "-q", "--cached", "test_calc.py")
    # What a project keeps out of its releases is there all the same.
    commit(
        repository, 5, calc_dot_py=MENDED, test_calc_dot_py=more, _dot_gitattributes="test_* export-ignore\n"
    )
    case = recorder(repository, tmp_path)(session())
    assert isinstance(case, Case), case
    assert graded(case, tmp_path / "1", "true") == 0.0
    assert (
        graded(case, tmp_path / "2", "sed -i s/-/+/ calc.py; echo 'raise SystemExit(1)' > test_calc.py")
        == 1.0
    )
    assert graded(case, tmp_path / "3", "rm test_calc.py; mkdir test_calc.py") == 0.0


@needs_sandbox
@pytest.mark.parametrize(
    ("day_5", "turns", "why"),
    [
        (None, (), "was not committed"),
        ({"calc_dot_py": BROKEN + "\n"}, (), "do not pass in the sandbox even with"),
        ({"calc_dot_py": MENDED}, ("Mend it.", ("say", "Done.")), "it ran no tests"),
        ({"calc_dot_py": MENDED}, ("Mend it.", ("Bash", {"command": RUN}, "FAILED", 1)), "test run failed"),
        (
            {"calc_dot_py": MENDED},
            ("Mend it.", ("Bash", {"command": "pytest /home/ada/calc"}, "ok", 0)),
            "cannot be run elsewhere",
        ),
        (
            {"calc_dot_py": MENDED},
            ("Mend it.", ("Bash", {"command": "phpunit"}, "ok", 0)),
            "do not pass in the sandbox even with",
        ),
        (
            {"calc_dot_py": MENDED},
            ("Send <secret:key:1> to calc.", ("Bash", {"command": RUN}, "OK", 0)),
            "is masked",
        ),
    ],
)
def test_what_cannot_be_made_again_is_no_case(
    repository: Path, tmp_path: Path, day_5: dict[str, str] | None, turns: tuple[Any, ...], why: str
) -> None:
    if day_5 is not None:
        commit(repository, 5, **day_5)
    told = recorder(repository, tmp_path)(session(*turns))
    assert isinstance(told, str)
    assert why in told
    assert not list((tmp_path / "home").glob("replay/run-*"))


@needs_sandbox
def test_tests_that_pass_before_anything_is_done_judge_nothing(repository: Path, tmp_path: Path) -> None:
    commit(repository, 2, calc_dot_py=MENDED)
    commit(repository, 5, notes="x")
    assert recorder(repository, tmp_path)(session()) == "its tests pass here before anything is done."


def test_projects_that_are_not_named_are_left_alone(repository: Path, tmp_path: Path) -> None:
    assert "not named" in str(Recorder(Checkouts(), tmp_path)(session()))
    other = session(env={"git_remote": "git.example/acme/other"})
    assert "not named" in str(recorder(repository, tmp_path)(other))
    cases = tmp_path / "cases"
    cases.mkdir()
    assert read_checkouts(cases, tmp_path) == Checkouts()
    (cases / "projects.toml").write_text('folders = ["~/calc"]\n', "utf-8")
    assert read_checkouts(cases, tmp_path).remotes == {REMOTE: str(repository)}
    for wrong in ('folders = ["~/nowhere"]', "folders = 3", "folders = [", 'other = "x"'):
        (cases / "projects.toml").write_text(wrong, "utf-8")
        with pytest.raises(BadInputError):
            read_checkouts(cases, tmp_path)


@needs_sandbox
def test_a_recorded_session_is_tried_for_a_skill_that_it_did_not_teach(
    repository: Path, tmp_path: Path
) -> None:
    commit(repository, 5, calc_dot_py=MENDED)
    home = tmp_path / "home"
    (home / "cases").mkdir(parents=True)
    (home / "cases" / "projects.toml").write_text('folders = ["~/calc"]\n', "utf-8")
    (home / "cases" / "half-done").mkdir()
    sources, faults = case_sources(home, home / CASES, user_home=tmp_path, sessions=lambda: [session()])
    assert len(faults) == 1 and "case.toml cannot be read" in faults[0]
    about = bundle("Mind the sign.", about="Mend add in calc.py. Use when add in calc is to be mended.")

    def model(request: dict[str, Any]) -> Any:
        if results(request) or "Mind the sign." not in str(request["messages"]):
            return text("Done.")
        return call("bash", command="sed -i s/-/+/ calc.py && python3 -m unittest")

    for taught, cases in (("k1", 0), ("k2", 1)):
        made = replace(proposal("x", sessions=(taught,)), bundle=about)
        found = find_cases(made, sources, current_skills={})
        assert len(found.cases) == cases
    with ChatModel(model) as server:
        scores, _, missing = executable_scores(
            made,
            found.cases,
            current_skills={},
            agent=minimal(server.url),
            repeats=1,
            seed=1,
            limits=Limits(),
            ledger=ledger(),
            home=home,
        )
    assert (missing, scores[0].source, scores[0].user) == ("", "recorded", "ada")
    assert (scores[0].before, scores[0].after) == ([0.0], [1.0]), scores[0].note


@pytest.mark.parametrize(
    ("command", "runs"),
    [
        ("pytest -q tests/test_a.py", "pytest -q tests/test_a.py"),
        ("cd /home/ada/calc && pytest -q 2>&1 | tail -5", "pytest -q"),
        ("cd sub && python3 -m pytest -k 'a b'", "cd sub && python3 -m pytest -k 'a b'"),
        ("npm test", "npm test"),
        ("pytest /etc", ""),
        ("pytest --rootdir=/root", ""),
        ("pytest ../other", ""),
        ("pytest $HOME/x", ""),
        ("pytest <path:home:1>/x", ""),
        ("ls -la", ""),
    ],
)
def test_a_test_command_is_taken_without_its_place(command: str, runs: str) -> None:
    assert test_command(command) == runs


@given(st.text(max_size=80))
def test_no_command_and_no_name_of_a_commit_makes_it_fail(text: str) -> None:
    assert "\n" not in test_command(f"pytest {text}")


def test_names_of_commits_are_no_options(repository: Path) -> None:
    for name in ("--output=/tmp/x", "HEAD~1", "a b", "", "nowhere", "-x"):
        assert known_commit(repository, name) == ""
    assert len(known_commit(repository, "main")) == 40
