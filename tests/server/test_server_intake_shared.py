"""Past sessions that are masked by several processes, and those that wait for the next import."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from skillclaw.agents import Env
from skillclaw.bench.histories import past_machine
from skillclaw.errors import BadInputError
from skillclaw.evolve.executors import local
from skillclaw.journal.store import SessionStore
from skillclaw.server.machine import Machine
from skillclaw.server.sessions import following, intake, masking
from skillclaw.server.sessions.intake import ImportReport, import_histories, import_paths
from skillclaw.server.up.timetable import Every
from skillclaw.trajectory.model import Trajectory, encode

pytestmark = pytest.mark.live

SECRET = "ghp_" + "A1b2C3d4E5f6G7h8I9j0" + "K1l2M3n4O5p6Q7r8"


@pytest.fixture
def megabytes() -> float:
    """How much the past sessions are; a megabyte takes seconds to mask."""
    return 0.3


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, megabytes: float) -> Path:
    """A person's home with 20 past sessions, one of which holds a secret."""
    home = tmp_path / "person"
    past_machine(home, sessions=20, megabytes=megabytes, progress=lambda done, total, what: None)
    one = min(home.glob(".claude/projects/*/*.jsonl"))
    lines = [json.loads(line) for line in one.read_text("utf-8").splitlines()]
    asked = next(line for line in lines if line["type"] == "user")
    asked["message"]["content"] = f"The token is {SECRET}."
    one.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    os.utime(one, (time.time() - 86_400,) * 2)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("PATH", str(home / "bin"))
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    return home


def made(home: Path) -> Machine:
    machine = Machine(home)
    machine.prepare()
    assert machine.identity.client
    return machine


def env(person: Path) -> Env:
    return Env(home=person, environ={"PATH": str(person / "bin")}, cwd=person)


@pytest.fixture
def hired(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The processes that masked."""
    monkeypatch.setattr(intake, "PAYS", 1 << 16)
    usual, seen = local._Crew.hire, list[int]()

    def hire(crew: local._Crew) -> local._Process:
        worker = usual(crew)
        seen.append(worker._process.pid or 0)
        return worker

    monkeypatch.setattr(local._Crew, "hire", hire)
    return seen


def kept(machine: Machine) -> list[bytes]:
    return sorted(encode(one) for one in machine.sessions.trajectories())


def test_sessions_are_as_one_process_would_have_masked_them(
    person: Path, tmp_path: Path, hired: list[int]
) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    made(alone)
    shutil.copytree(alone, together)
    reports = [
        import_histories(Machine(home), env(person), workers=workers)
        for home, workers in ((alone, 1), (together, 3))
    ]
    assert reports[0] == reports[1] and reports[0].imported == 20 and not reports[0].failed
    assert len(hired) == 3
    one, other = kept(Machine(alone)), kept(Machine(together))
    assert one == other and len(one) == 20
    assert SECRET.encode() not in b"".join(one) and b"<secret:github" in b"".join(one)
    again = import_histories(Machine(together), env(person), workers=3)
    assert again == ImportReport(skipped=20, reasons={"unchanged since the last import": 20})


def test_what_cannot_be_masked_is_named_and_tried_again(
    person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = made(tmp_path / "home")
    usual = masking.encode

    def breaks(trajectory: Trajectory) -> bytes:
        body = usual(trajectory)
        if b"<secret:github" in body:
            raise ValueError(f"no way with {SECRET}")
        return body

    monkeypatch.setattr(masking, "encode", breaks)
    report = import_histories(machine, env(person))
    assert report.imported == 19 and len(report.failed) == 1
    assert "cannot mask it (ValueError" in report.failed[0].reason and SECRET not in str(report)
    monkeypatch.undo()
    assert import_histories(Machine(tmp_path / "home"), env(person)).imported == 1


def test_the_newest_come_first_and_what_is_left_comes_next(
    person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = made(tmp_path / "home")
    clock = iter([0.0] * 8 + [100.0] * 100)
    # The clock of the import alone: what other threads of this process ask the time for is not counted here.
    monkeypatch.setattr(intake, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    report = import_histories(machine, env(person), seconds=25)
    monkeypatch.undo()
    assert (report.imported, report.left) == (8, 12)
    files = sorted(person.glob(".c*/**/*.jsonl"), key=lambda path: -path.stat().st_mtime)
    stems = {path.stem[-36:] for path in files[:8]}
    assert {one.session_id for one in machine.sessions.trajectories()} == stems
    rest = import_histories(machine, env(person), seconds=600)
    assert (rest.imported, rest.left, rest.skipped) == (12, 0, 8)


@pytest.mark.slow
def test_rules_that_cannot_be_used_end_an_import_and_nothing_is_marked(person: Path, tmp_path: Path) -> None:
    machine = made(tmp_path / "home")
    (machine.home / "config.toml").write_text('[redact.rules]\nbad = "("\n', "utf-8")
    with pytest.raises(BadInputError):
        import_histories(Machine(machine.home), env(person))
    (machine.home / "config.toml").unlink()
    assert import_histories(Machine(machine.home), env(person)).imported == 20


def test_a_part_that_left_something_is_due_at_once() -> None:
    left = [True, False]
    part = Every(60.0, lambda: True, lambda: left.pop(0))
    assert part.is_due() and part.run() and part.is_due()
    assert part.run() and not part.is_due()


@pytest.mark.slow
def test_paths_are_shared_out_too(person: Path, tmp_path: Path, hired: list[int]) -> None:
    machine = made(tmp_path / "home")
    report = import_paths(machine, env(person), [person / ".claude" / "projects"], workers=2)
    assert report.imported == report.agents["claude-code"] == 14
    assert len(hired) == 2


@pytest.mark.slow
def test_where_no_process_can_be_started_one_does_it_all(
    person: Path, tmp_path: Path, hired: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(pickled: bytes) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(local, "_Process", refuses)
    machine = made(tmp_path / "home")
    assert import_histories(machine, env(person), workers=2).imported == 20 and not hired


@pytest.mark.slow
def test_what_cannot_be_masked_and_what_grows_keep_nothing_else_waiting(
    person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = made(tmp_path / "home")
    files = sorted(person.glob(".c*/**/*.jsonl"), key=lambda path: -path.stat().st_mtime)
    grows, bad = files[0], {path.stem[-36:] for path in files[1:4]}
    usual = masking.encode

    def breaks(trajectory: Trajectory) -> bytes:
        if trajectory.session_id in bad:
            raise ValueError
        return usual(trajectory)

    monkeypatch.setattr(masking, "encode", breaks)
    monkeypatch.setattr(following, "SLICE", -1.0)  # one file a look
    news = following.Following(machine)
    looks = []
    for look in range(23):
        done = news.follow()
        looks.append((done, news.behind))
        os.utime(grows, (time.time() + look,) * 2)
    assert looks[:4] == [(True, True), *[(False, False)] * 3], "what fails is not tried again at once"
    assert looks[4:19] == [(True, True)] * 15, "then comes what is new"
    assert machine.sessions.count() == 17
    assert import_histories(machine, env(person)).failed


def test_a_session_that_goes_on_all_the_time_keeps_no_other_waiting(
    person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = made(tmp_path / "home")
    import_histories(machine, env(person))
    busy, ended = sorted(person.glob(".c*/**/*.jsonl"))[:2]
    with ended.open("ab") as file:
        file.write(b"\n")
    monkeypatch.setattr(following, "SLICE", -1.0)  # one file a look
    news = following.Following(machine)
    for look in range(1, 4):
        os.utime(busy, (time.time() + look,) * 2)
        news.follow()
    facts = ended.stat()
    assert machine.sessions.seen_file(str(ended), facts.st_size, facts.st_mtime)


@pytest.mark.parametrize("megabytes", [2.5])
def test_a_killed_import_leaves_no_process_and_the_next_one_has_all(person: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    environ = {**os.environ, "SKILLCLAW_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "skillclaw", "import"]
    child = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    workers: list[psutil.Process] = []
    end = time.monotonic() + 60
    while not workers and child.poll() is None and time.monotonic() < end:
        workers = [one for one in psutil.Process(child.pid).children() if "spawn_main" in str(one.cmdline())]
        time.sleep(0.01)
    child.kill()
    child.wait()
    gone, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive
    if local.cores() > 1:
        assert gone, "it was to be killed while others masked"
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert "Imported" in done.stdout and SessionStore(home).count() == 20
