"""The order of days and nights, and what a run that was stopped does next: with a rig that only plays one."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from skillclaw.bench.loop import keeping
from skillclaw.bench.loop.plan import Plan
from skillclaw.bench.loop.results import Attempt, Night, read_results
from skillclaw.bench.loop.run import Run, run_loop
from skillclaw.bench.suites import Grade, Rule, Task, Template
from skillclaw.errors import BadInputError, SkillClawError, StorageError
from skillclaw.headless.agents import Endpoint, Reply

TEMPLATES = ("a", "b", "c", "d", "hopeless")
UNSEEN = ("d",)
SKILL = "---\nname: bell\ndescription: Ring the bell.\n---\n\nRing the bell first.\n"

MADE: list[PlayedRig] = []

NOBODY = "http://127.0.0.1:9"
USERS = {"user1": "http://127.0.0.1:1", "user2": "http://127.0.0.1:2"}


class Desk:
    """A suite: work is right where the bell was rung, and nothing helps with `hopeless`."""

    name = "desk"

    def __init__(self, skills: Path) -> None:
        self._skills = skills

    def templates(self) -> Sequence[Template]:
        return [Template(id=name, category="c") for name in TEMPLATES]

    def rules(self) -> Mapping[str, Rule]:
        return {"bell": Rule(id="bell", say=("Ring the bell first.",))}

    def draw(self, template: str, seed: int) -> Task:
        said = f"{template} number {seed % 90}"
        at: dict[str, Any] = {"suite": "desk", "category": "c", "rules": ("bell",)}
        return Task(id=f"{template}-{seed}", template=template, seed=seed, instruction=said, **at)

    @contextmanager
    def open(self, task: Task, folder: Path, **more: Any) -> Iterator[None]:
        yield None

    def grade(self, task: Task, workspace: object, transcript: Sequence[Mapping[str, Any]]) -> Grade:
        right = task.template != "hopeless" and any(m["content"] == "rings" for m in transcript)
        return Grade(success=right, score=float(right), broken=() if right else ("bell",))

    def curated(self) -> Path:
        return self._skills


class Worker:
    """Rings the bell where a skill or the user says so. It notes whom it asked, and with which seed."""

    name = "worker"

    def __init__(self, stop_after: int = 10**9, quiet: bool = False) -> None:
        self.calls: list[tuple[str, str, int]] = []
        self._left = stop_after
        self._quiet = quiet

    def mounts(self, home: Path, state: Path) -> Sequence[Any]:
        return ()

    @contextmanager
    def open(
        self, task: Task, workspace: object, endpoint: Endpoint, *, home: Path, seed: int
    ) -> Iterator[Any]:
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt
        self.calls.append((endpoint.base_url, task.id, seed))
        yield Talk(any(home.glob(".agents/skills/*/SKILL.md")), self._quiet)


class Talk:
    def __init__(self, knows: bool, quiet: bool) -> None:
        self._knows, self._quiet = knows, quiet
        self.transcript: list[dict[str, Any]] = []

    def say(self, text: str) -> Reply:
        if self._quiet:
            return Reply(text="", steps=0, tokens_in=0, tokens_out=0, seconds=0, error="refused")
        self._knows = self._knows or "bell" in text
        self.transcript.append({"role": "assistant", "content": "rings" if self._knows else "works"})
        return Reply(text="done", steps=1, tokens_in=10, tokens_out=2, seconds=0)


class PlayedRig:
    """After the second night everybody has the skill."""

    def __init__(self, place: Path, names: Sequence[str], **way: Any) -> None:
        self.place, self.names, self.way = place, names, way
        MADE.append(self)
        for name in names:
            self.home(name).mkdir(parents=True, exist_ok=True)

    def home(self, user: str) -> Path:
        return self.place / user

    @contextmanager
    def day(self, upstream: str, prefix: str) -> Iterator[Mapping[str, str]]:
        assert prefix == "generic"
        yield {name: USERS[name] for name in self.names}

    @contextmanager
    def measuring(self, upstream: str, prefix: str) -> Iterator[str]:
        assert prefix == "generic"
        yield NOBODY

    def night(self) -> Mapping[str, Any]:
        nights = len(list(self.place.glob("night*"))) + 1
        (self.place / f"night{nights}").write_text("was")
        if nights == 2:
            for name in self.names:
                folder = self.home(name) / ".agents" / "skills" / "bell"
                folder.mkdir(parents=True)
                (folder / "SKILL.md").write_text(SKILL)
        released = ["bell"] if nights == 2 else []
        return {"sessions": nights, "patterns": 1, "proposals": [], "released": released, "seconds": 0.5}

    def plant(self, skill: Path) -> str:
        for name in self.names:
            folder = self.home(name) / ".agents" / "skills" / skill.name
            folder.mkdir(parents=True)
            (folder / "SKILL.md").write_bytes((skill / "SKILL.md").read_bytes())
        return ""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    folder = tmp_path / "curated" / "bell"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(SKILL)
    return Desk(tmp_path / "curated")


def plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "suite": "desk",
        "source": "",
        "templates": TEMPLATES,
        "unseen": UNSEEN,
        "agent": "worker",
        "model": "m",
        "temperature": 0.0,
        "seed": 3,
        "users": 2,
        "days": 4,
        "stream": 3,
        "held_out": 2,
        "screen": 1,
        "threshold": 0.2,
    }
    return Plan(**(values | changes))


def begin(folder: Path, desk: Desk, worker: Worker, made: Plan | None = None, **more: Any) -> Run:
    endpoint = Endpoint(base_url="http://127.0.0.1:3", model="m")
    return Run(folder, made or plan(), desk, worker, endpoint, PlayedRig, **more)  # type: ignore[arg-type]


def go(folder: Path, desk: Desk, worker: Worker, made: Plan | None = None, **more: Any) -> bool:
    """Go on until the worker stops; as a process that ends, it lets go of the folder."""
    run = begin(folder, desk, worker, made, **more)
    try:
        return run_loop(run)
    except KeyboardInterrupt:
        return False
    finally:
        run.results.close()


def told(folder: Path) -> Any:
    attempts, nights = read_results(folder / "results.jsonl")
    return sorted((a.key, a.success, a.skills, a.turns) for a in attempts), nights


def of(folder: Path, phase: str) -> list[Attempt]:
    return [a for a in read_results(folder / "results.jsonl")[0] if a.phase == phase]


def test_each_day_is_measured_before_its_users_work_and_after_the_night_before(
    desk: Desk, tmp_path: Path
) -> None:
    assert go(tmp_path / "run", desk, Worker())
    shares = {
        (arm, day): [a.success for a in of(tmp_path / "run", "held_out") if (a.arm, a.day) == (arm, day)]
        for arm in ("evolving", "frozen", "ceiling")
        for day in (1, 2, 3, 4)
    }
    # The skill is released in the second night: the evolving arm alone has it, from the third day on.
    assert {key: set(got) for key, got in shares.items()} == {
        **{("evolving", day): {day >= 3} for day in (1, 2, 3, 4)},
        **{("frozen", day): {False} for day in (1, 2, 3, 4)},
        **{("ceiling", day): {True} for day in (1, 2, 3, 4)},
    }
    assert all(len(got) == 2 * 4 for got in shares.values())
    assert [night.day for night in read_results(tmp_path / "run" / "results.jsonl")[1]] == [1, 2, 3]


def test_what_is_measured_goes_through_nobodys_proxy_with_one_seed_for_all_arms(
    desk: Desk, tmp_path: Path
) -> None:
    worker = Worker()
    go(tmp_path / "run", desk, worker)
    measured = [(task, seed) for url, task, seed in worker.calls if url == NOBODY]
    work = [(url, task, seed) for url, task, seed in worker.calls if url != NOBODY]
    assert {url for url, _, _ in work} == set(USERS.values()) and len(work) == 3 * 2 * 3
    assert not {task for task, _ in measured} & {task for _, task, _ in work}
    held_out = {a.task for a in of(tmp_path / "run", "held_out")}
    assert set(Counter(one for one in measured if one[0] in held_out).values()) == {3}
    assert len({seed for _, _, seed in work}) == len(work)


def test_only_what_the_screening_lets_in_is_measured_and_worked_on(desk: Desk, tmp_path: Path) -> None:
    go(tmp_path / "run", desk, Worker())
    assert {a.template for a in of(tmp_path / "run", "held_out")} == set("abcd")
    assert {a.template for a in of(tmp_path / "run", "stream")} == set("abc")
    assert {a.variant for a in of(tmp_path / "run", "held_out") if a.template == "d"} == {"template"}
    assert {a.variant for a in of(tmp_path / "run", "held_out") if a.template == "a"} == {"instance"}


def test_the_threshold_of_the_plan_decides_what_is_let_in(desk: Desk, tmp_path: Path) -> None:
    run = begin(tmp_path / "run", desk, Worker(), plan(threshold=0.0, days=1))
    assert run_loop(run)
    assert {a.template for a in run.results.attempts if a.phase == "held_out"} == set(TEMPLATES)
    assert run.report(True)["valid"], "the report judges by the same threshold"


def test_where_nothing_is_let_in_the_run_says_so(desk: Desk, tmp_path: Path) -> None:
    run = begin(tmp_path / "run", desk, Worker(), plan(templates=("hopeless",)))
    with pytest.raises(SkillClawError, match="No template"):
        run_loop(run)


def test_the_arms_take_turns_in_going_first(desk: Desk, tmp_path: Path) -> None:
    go(tmp_path / "run", desk, Worker())
    first = of(tmp_path / "run", "held_out")[::3]
    assert Counter(a.arm for a in first[:6]) == {"evolving": 2, "frozen": 2, "ceiling": 2}


@pytest.mark.parametrize("parallel", [1, 3])
def test_a_run_that_is_stopped_anywhere_ends_as_one_that_was_not(
    desk: Desk, tmp_path: Path, parallel: int
) -> None:
    assert go(tmp_path / "whole", desk, Worker())
    stops = 0
    while not go(tmp_path / "run", desk, Worker(stop_after=7 + stops % 5), parallel=parallel):
        stops += 1
        assert stops < 60
    assert stops > 10
    assert told(tmp_path / "run") == told(tmp_path / "whole")
    assert not (tmp_path / "run" / "work").exists()


def test_the_work_of_a_day_goes_on_side_by_side(desk: Desk, tmp_path: Path) -> None:
    class Pair(Worker):
        """Works in the stream only where somebody else does at the same time."""

        def __init__(self) -> None:
            super().__init__()
            self._two = threading.Barrier(2)

        @contextmanager
        def open(
            self, task: Task, workspace: object, endpoint: Endpoint, *, home: Path, seed: int
        ) -> Iterator[Any]:
            if endpoint.base_url in USERS.values():
                self._two.wait(timeout=20)
            with super().open(task, workspace, endpoint, home=home, seed=seed) as talk:
                yield talk

    assert go(tmp_path / "pairs", desk, Pair(), parallel=2) and go(tmp_path / "alone", desk, Worker())
    assert told(tmp_path / "pairs") == told(tmp_path / "alone")


def test_a_run_whose_night_was_written_and_whose_results_were_not_goes_on(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert go(folder, desk, Worker())
    whole = told(folder)
    lines = (folder / "results.jsonl").read_bytes().splitlines(keepends=True)
    kept = [json.loads(line) for line in lines]
    last = max(n for n, line in enumerate(kept) if line.get("phase") == "held_out" and line["day"] == 3)
    (folder / "results.jsonl").write_bytes(b"".join(lines[: last + 1]))
    assert go(folder, desk, Worker())
    assert told(folder) == whole


def test_results_that_were_cut_behind_the_state_are_refused(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert go(folder, desk, Worker())
    lines = (folder / "results.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "results.jsonl").write_bytes(b"".join(lines[: len(lines) // 3]))
    with pytest.raises(BadInputError, match="lacks results of day"):
        go(folder, desk, Worker())


def test_time_that_is_up_stops_at_the_next_attempt(desk: Desk, tmp_path: Path) -> None:
    run = begin(tmp_path / "run", desk, Worker())
    assert not run_loop(run, minutes=0)
    assert run.results.attempts == [] and not run.report(False)["how"]["done"]


def test_time_that_is_up_after_measuring_leaves_the_users_work_for_later(desk: Desk, tmp_path: Path) -> None:
    run = begin(tmp_path / "run", desk, Worker())
    run.until = lambda: sum(a.phase == "held_out" for a in run.results.attempts) >= 4 * 2 * 3
    assert not run.go_on()
    assert run.results.nights == [] and not any(a.phase == "stream" for a in run.results.attempts)
    told = run.report(False)
    assert not told["complete"] and told["verdict"] is None, "one day is done of four"


def test_a_model_that_is_down_leaves_no_result(desk: Desk, tmp_path: Path) -> None:
    for parallel in (1, 4):
        folder = tmp_path / f"run{parallel}"
        with pytest.raises(SkillClawError, match="before the agent did anything"):
            go(folder, desk, Worker(quiet=True), parallel=parallel)
        assert read_results(folder / "results.jsonl") == ([], [])
    # In the stream too: the day begins anew when the model is there again.
    folder = tmp_path / "later"
    assert not go(folder, desk, Worker(stop_after=10 + 24))
    with pytest.raises(SkillClawError, match="before the agent did anything"):
        go(folder, desk, Worker(quiet=True))
    assert go(folder, desk, Worker()) and go(tmp_path / "whole", desk, Worker())
    assert told(folder) == told(tmp_path / "whole")


def test_a_plan_of_an_older_version_is_continued_and_another_plan_is_not(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert not go(folder, desk, Worker(stop_after=3))
    known = json.loads((folder / "plan.json").read_text())
    del known["relay"]
    (folder / "plan.json").write_text(json.dumps(known))
    assert not go(folder, desk, Worker(stop_after=3))
    for change in ({"seed": 4}, {"days": 5}, {"held_out": 1}, {"threshold": 0.1}, {"model": "other"}):
        with pytest.raises(BadInputError, match=f"another plan.*\n.*{next(iter(change))}"):
            begin(folder, desk, Worker(), plan(**change))


def test_the_forecast_is_what_is_done_in_the_end(desk: Desk, tmp_path: Path) -> None:
    run = begin(tmp_path / "run", desk, Worker())
    before = run.forecast()
    assert run_loop(run)
    after = run.forecast()
    assert after.left == 0 and after.attempts == len(run.results.attempts)
    # One template of five is not let in: less is measured than was to be expected at most.
    assert before.attempts == after.attempts + 4 * 3 * 2


def test_the_state_is_kept_as_it_was(tmp_path: Path) -> None:
    rig = tmp_path / "rig"
    (rig / "deep" / "er").mkdir(parents=True)
    (rig / "deep" / "er" / "file").write_bytes(b"\x00data")
    (rig / "secret").write_text("x")
    (rig / "secret").chmod(0o600)
    night = Night(day=2, sessions=3, patterns=1, seconds=0.5)
    keeping.save(tmp_path / "state", keeping.Kept(night=2, report=night), rig)
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600
    there = tmp_path / "there"
    there.mkdir()
    (there / "of another time").write_text("x")
    kept = keeping.load(tmp_path / "state", there)
    assert kept == keeping.Kept(night=2, report=night)
    assert (there / "deep" / "er" / "file").read_bytes() == b"\x00data"
    assert (there / "secret").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in there.iterdir()) == ["deep", "secret"]
    assert keeping.load(tmp_path / "none", there) == keeping.Kept() and list(there.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x28\xb5\x2f\xfd"])
def test_what_is_no_state_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "state").write_bytes(data)
    with pytest.raises(BadInputError, match="not the state of a run"):
        keeping.load(tmp_path / "state", tmp_path / "rig")


def test_a_state_made_by_somebody_else_writes_nothing_outside(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in (("kept.json", msgspec.json.encode(keeping.Kept())), ("rig/../../evil", b"x")):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    (tmp_path / "state").write_bytes(zstandard.compress(packed.getvalue()))
    with pytest.raises(BadInputError, match="not the state of a run"):
        keeping.load(tmp_path / "state", tmp_path / "deep" / "rig")
    assert not list(tmp_path.rglob("evil"))


def test_a_state_that_cannot_be_written_leaves_the_former_one(tmp_path: Path) -> None:
    (tmp_path / "rig").mkdir()
    keeping.save(tmp_path / "state", keeping.Kept(night=1), tmp_path / "rig")
    with pytest.raises(StorageError):
        keeping.save(tmp_path / "state", keeping.Kept(night=2), tmp_path / "gone")
    assert keeping.load(tmp_path / "state", tmp_path / "rig").night == 1
    assert [path.name for path in tmp_path.glob("state*")] == ["state"]


class Row(msgspec.Struct, kw_only=True):
    day: int
    arm: str
    success: float | None
    steps: float | None
    tokens: float | None
    ci: tuple[float, float] | None
    suite: str
    category: str | None
    seed: int
    variant: str | None
    n: int


class Contract(msgspec.Struct, kw_only=True):
    days: list[Row]
    effect: float | None
    ci: tuple[float, float] | None
    p: float | None


def test_the_result_keeps_the_contract_of_its_json(desk: Desk, tmp_path: Path) -> None:
    run = begin(tmp_path / "run", desk, Worker())
    run_loop(run)
    result = run.report(True)
    assert result == json.loads((tmp_path / "run" / "report.json").read_text())
    assert {"days", "effect", "ci", "p"} <= set(result)

    found = msgspec.convert(result, Contract)
    assert all(set(row) >= set(Row.__struct_fields__) for row in result["days"])
    assert {row.arm for row in found.days} == {"evolving", "frozen", "ceiling"}
    assert {row.variant for row in found.days} == {None, "instance", "template"}
    assert {row.category for row in found.days} == {None, "c"} and {row.seed for row in found.days} == {3}
    assert len({(r.day, r.arm, r.category, r.variant) for r in found.days}) == len(found.days) == 4 * 3 * 6
    assert (found.effect, found.ci, found.p) == (1.0, (1.0, 1.0), 2 * 0.5**8)


def test_a_run_without_days_or_results_has_nulls(desk: Desk, tmp_path: Path) -> None:
    run = begin(tmp_path / "run", desk, Worker(), plan(days=0))
    assert run_loop(run)
    result = run.report(True)
    assert (
        result["days"] == [] and result["effect"] is result["ci"] is result["p"] is result["verdict"] is None
    )
    assert (
        len(result["screen"]) == 5
        and "screening of templates" in (tmp_path / "run" / "report.html").read_text()
    )
