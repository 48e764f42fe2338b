"""Commands that are begun in the dashboard: processes of their own, told as they go, gone with it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from dashboard_house import Dash, dashboard

from skillclaw.errors import BusyError, UsageError
from skillclaw.web.site.jobs import KEPT, Job, Jobs, write

pytestmark = pytest.mark.live


@pytest.fixture
def dash(tmp_path: Path):
    (tmp_path / "user").mkdir()
    environ = {**os.environ, "HOME": str(tmp_path / "user")}
    with dashboard(tmp_path / ".skillclaw", environ) as one:
        yield one


def ended(jobs: Jobs, id_: str, seconds: float = 40) -> Job:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = next(one for one in jobs.all() if one.id == id_)
        if found.state != "running":
            return found
        time.sleep(0.05)
    raise AssertionError("it did not end")


def test_a_button_begins_a_command_whose_result_is_shown(dash: Dash) -> None:
    visitor = dash.visitor()
    page = visitor.post("/jobs/sync/begin")
    assert "Begun: skillclaw sync" in page.told
    (job,) = dash.app.site.house.jobs.all()
    done = ended(dash.app.site.house.jobs, job.id)
    assert (done.state, done.code) == ("done", 0)
    assert isinstance(done.result, dict)
    path = dash.home / "dashboard" / "jobs" / f"{job.id}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "skillclaw sync" in visitor.get("/").html.one("section", id="jobs").text
    shown = visitor.get(f"/jobs/{job.id}")
    assert "changes" in shown.text


@pytest.mark.slow
def test_what_fails_says_why(dash: Dash) -> None:
    visitor = dash.visitor()
    visitor.post("/jobs/import/begin", {"path": "/no/such/place", "since": ""})
    (job,) = dash.app.site.house.jobs.all()
    done = ended(dash.app.site.house.jobs, job.id)
    assert done.state == "failed"
    assert "/no/such/place" in visitor.get(f"/jobs/{job.id}").text


def test_what_is_typed_is_no_option(dash: Dash) -> None:
    visitor = dash.visitor()
    visitor.post("/jobs/import/begin", {"path": "--help", "since": ""})
    (job,) = dash.app.site.house.jobs.all()
    assert job.args == ["--", "--help"]
    assert ended(dash.app.site.house.jobs, job.id).state == "failed"
    assert "no number of days" in visitor.post("/jobs/import/begin", {"since": "1 --agent x"}).told
    assert "no number of days" in visitor.post("/jobs/import/begin", {"since": "9" * 5000}).told
    assert "no hub of this name" in visitor.post("/jobs/verify/begin", {"hub": "--help"}).told
    assert "There is no job 'rm'" in visitor.post("/jobs/rm/begin").told
    assert len(dash.app.site.house.jobs.all()) == 1


def test_a_browser_that_only_looks_begins_nothing(dash: Dash) -> None:
    visitor = dash.visitor(read_only=True)
    assert "may look" in visitor.post("/jobs/sync/begin").told
    assert not dash.app.site.house.jobs.all()


def test_one_of_a_kind_runs_at_a_time(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, os.environ)
    first = jobs.start("demo")
    try:
        with pytest.raises(BusyError):
            jobs.start("demo")
        with pytest.raises(UsageError):
            jobs.start("no-such-kind")
    finally:
        jobs.end()
    assert ended(jobs, first.id).state == "failed"


def test_one_that_is_wanted_while_one_runs_comes_after_it(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / ".skillclaw", {**os.environ, "HOME": str(tmp_path)})
    first = jobs.start("sync")
    waits = [threading.Thread(target=jobs.soon, args=("sync",)) for _ in range(3)]
    try:
        for one in waits:
            one.start()
        for one in waits:
            one.join(60)
        assert ended(jobs, first.id).state == "done"
        assert len(jobs.all()) == 2, "one more for all who wanted it"
    finally:
        jobs.end()


def test_none_begins_when_the_dashboard_has_ended(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, os.environ)
    jobs.end()
    with pytest.raises(UsageError):
        jobs.soon("sync")
    assert jobs.all() == []


def test_when_the_dashboard_is_killed_nothing_is_left(tmp_path: Path) -> None:
    begin = (
        "import sys, time, os; from pathlib import Path; from skillclaw.web.site.jobs import Jobs;"
        "print(Jobs(Path(sys.argv[1]), os.environ).start('demo').id, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", begin, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    id_ = owner.stdout.readline().strip()
    watcher = psutil.Process(Jobs(tmp_path, os.environ).all()[0].pid)
    until = time.monotonic() + 20
    while not watcher.children() and time.monotonic() < until:
        time.sleep(0.02)
    left = [watcher, *watcher.children(recursive=True)]
    assert len(left) >= 2
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    gone, alive = psutil.wait_procs(left, timeout=15)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
    found = next(one for one in Jobs(tmp_path, os.environ).all() if one.id == id_)
    assert found.state == "failed"
    assert gone


@pytest.mark.slow
def test_few_are_kept_and_one_whose_watcher_died_is_told_as_failed(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, os.environ)
    jobs.folder.mkdir(parents=True)
    for number in range(KEPT + 10):
        write(
            jobs.folder / f"sync-{number:012x}.json",
            Job(
                id=f"sync-{number:012x}",
                kind="sync",
                began=f"2026-01-01T00:00:{number:02d}Z",
                pid=1,
                created=1.0,
            ),
        )
    assert {one.state for one in jobs.all()} == {"failed"}
    (jobs.folder / "x.json").write_text("no job")
    assert len(jobs.all()) == KEPT + 10
    started = jobs.start("sync")
    assert len(jobs.all()) == KEPT
    assert jobs.all()[0].id == started.id
    jobs.end()


def test_a_command_tells_a_program_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    folder = tmp_path / "sessions"
    folder.mkdir()
    (folder / "a.json").write_text("{}")
    done = subprocess.run(
        [sys.executable, "-m", "skillclaw", "import", str(folder), "--json", "--home", str(tmp_path / "h")],
        env={**os.environ, "HOME": str(tmp_path / "user"), "SKILLCLAW_PROGRESS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [
        one.removeprefix("progress: ") for one in done.stderr.splitlines() if one.startswith("progress: ")
    ]
    assert lines
    assert len(json.loads(lines[0])) == 3
    assert json.loads(done.stdout)["failed"]
