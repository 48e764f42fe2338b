"""Which executable cases a proposal gets here: none that taught it, and none of another's workspace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from atif_sessions import Ran, session
from chat_model import ChatModel
from replay_house import ASKED, bundle, ledger, minimal, obedient, proposal, write_case
from test_evolve_replay_choosing import context

from skillclaw.bench.replay_tasks import packaged
from skillclaw.evolve.replay.executable import Limits
from skillclaw.evolve.replay.executing import Executed, Runs, recorded_sessions
from skillclaw.evolve.replay.plan import ReplayPlan, RunPlan
from skillclaw.evolve.replay.replayer import Replayer
from skillclaw.journal.store import SessionStore
from skillclaw.sandbox import why_no_room
from skillclaw.settings import ModelSettings, ReplaySettings
from skillclaw.skills.records import Proposal, Ref
from skillclaw.trajectory.model import Trajectory, decode, meta, with_meta

SUITE = packaged()[0]
TASKS = [SUITE._suite.draw(template.id, 0) for template in SUITE._suite.templates()][:3]


def graded(number: int, **more: Any) -> Trajectory:
    """A session about one of the suite's tasks, with a reward."""
    task = TASKS[number]
    found = decode(json.dumps(session("u", number, task.instruction, [Ran("ls", 0, "a")])).encode())
    known = msgspec.structs.replace(meta(found), key=f"{number:016x}", task=task.id, reward=1.0)
    return with_meta(found, msgspec.structs.replace(known, **more))


def about(*instructions: str, sessions: tuple[str, ...] = ()) -> Proposal:
    """A proposal of a skill that comes up for these instructions."""
    told = " ".join(" ".join(instructions).split())[:1000].replace(":", " ")
    made = proposal("Be careful.", sessions=sessions)
    return msgspec.structs.replace(made, bundle=bundle("Be careful.", about=told))


def chosen(runs: Runs, made: Proposal, sessions: dict[str, Trajectory], left: Limits) -> str:
    """What would be run."""
    plan = ReplayPlan(settings=ReplaySettings(mode="executable"), model=ModelSettings(name="m"))
    own = msgspec.structs.replace(made)
    given = context()
    object.__setattr__(given, "sessions", sessions.get)
    done = runs(own, Replayer(plan=plan, context=given, home=Path("/nonexistent")), left)
    return runs.planned.get(made.skill, done.missing)


def test_a_task_that_taught_is_no_case_in_whichever_session_it_is_met(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    sessions = {meta(one).key: one for one in (graded(0), graded(1), graded(2))}
    again = graded(0, key="f" * 16)
    store.put_many([*sessions.values(), again, graded(1, key="e" * 16, reward=None)])
    runs = Runs(
        on=RunPlan(home=tmp_path, tasks=lambda: [SUITE], recorded=False),
        folder=tmp_path / "cases",
        ledger=ledger(),
        runner=None,
        sessions=lambda whole: recorded_sessions(store, lambda key: False, whole=whole),
    )
    words = [one.instruction for one in TASKS]
    every = chosen(runs, about(*words), sessions, Limits(calls=0))
    assert "on 3 cases" in every
    fewer = chosen(runs, about(*words, sessions=(f"{0:016x}",)), sessions, Limits(calls=0))
    assert "on 2 cases" in fewer
    assert "20 runs" in fewer and "calls at most" not in fewer
    shown = [Ref(session=f"{1:016x}", user="u", agent="codex", day="2026-01-01")]
    fewest = msgspec.structs.replace(about(*words, sessions=(f"{0:016x}",)), shown=shown)
    assert "on 1 cases" in chosen(runs, fewest, sessions, Limits(calls=0)), "nor is one that was shown"
    store.close()


@pytest.mark.parametrize(("calls", "cases"), [(0, 12), (1000, 12), (240, 6), (10, 3)])
def test_as_many_cases_are_chosen_as_the_calls_will_do(tmp_path: Path, calls: int, cases: int) -> None:
    for number in range(14):
        write_case(tmp_path / "cases", f"M{number}")
    runs = Runs(on=RunPlan(home=tmp_path), folder=tmp_path / "cases", ledger=ledger(), runner=None)
    told = chosen(runs, about(ASKED.format("May")), {}, Limits(calls=calls))
    assert f"on {cases} cases" in told


def test_a_groups_sessions_become_no_cases_and_faults_are_told(tmp_path: Path) -> None:
    (tmp_path / "cases" / "bad").mkdir(parents=True)
    (tmp_path / "cases" / "projects.toml").write_text('folders = ["/nonexistent"]', "utf-8")
    read: list[bool] = []

    def sessions(whole: bool) -> list[Trajectory]:
        read.append(whole)
        return []

    for recorded, told in ((False, False), (True, True)):
        on = RunPlan(home=tmp_path, tasks=lambda: [SUITE], recorded=recorded)
        runs = Runs(on=on, folder=tmp_path / "cases", ledger=ledger(), runner=None, sessions=sessions)
        said = chosen(runs, about("anything"), {}, Limits())
        assert "bad" in said and ("There is no git repository" in said) == told
        assert "No case that can be run" in said
    assert read == [False, False], "without a repository no session is read whole"


def test_sessions_that_are_forgotten_or_not_graded_are_left_out(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    store.put_many([graded(0), graded(1), graded(2, reward=None)])
    keys = [meta(one).key for one in recorded_sessions(store, f"{0:016x}".__eq__, whole=False)]
    assert keys == [f"{1:016x}"]
    assert len(list(recorded_sessions(store, lambda key: False, whole=True))) == 3
    store.close()


@pytest.mark.skipif(bool(why_no_room()), reason=why_no_room())
@pytest.mark.slow
def test_what_a_whole_cycle_may_not_ask_is_not_begun_anew_by_each(tmp_path: Path) -> None:
    """60 calls for three cases, and 24 a cycle: each cycle would else pay for the first runs again."""
    for month in ("May", "June", "July"):
        write_case(tmp_path / "cases", month)
    made = proposal("Reports are sealed.")
    plan = ReplayPlan(settings=ReplaySettings(mode="executable"), model=ModelSettings(name="m"))
    with ChatModel(obedient) as model:

        def cycle(calls: int, before: int = 0) -> Executed:
            paid = ledger(calls=calls)
            for _ in range(before):
                paid.settle(paid.book("llm", 1, 1), 1, 1)
            runs = Runs(
                on=RunPlan(home=tmp_path), folder=tmp_path / "cases", ledger=paid, runner=minimal(model.url)
            )
            replayer = Replayer(plan=plan, context=context(), home=tmp_path)
            return runs(made, replayer, Limits(calls=100, seconds=100))

        first = cycle(24, before=4)
        assert first.cut_off and len(model.seen) == 20, "the next one has what another stage took of this"
        done = cycle(24)
        assert done.cut_off == "" and len(model.seen) == 44
        assert "Only 12 of 30 runs were made" in done.missing and "24 calls of this cycle" in done.missing
        assert cycle(24) == done and len(model.seen) == 44
        whole = cycle(80)
        assert len(model.seen) == 104, "another budget, another try"
        assert whole.missing == "" and all(None not in (*one.before, *one.after) for one in whole.scores)
        assert cycle(24) == whole and len(model.seen) == 104


def test_no_more_cases_are_chosen_than_a_cycle_may_try(tmp_path: Path) -> None:
    for number in range(14):
        write_case(tmp_path / "cases", f"M{number}")
    runs = Runs(on=RunPlan(home=tmp_path), folder=tmp_path / "cases", ledger=ledger(calls=200), runner=None)
    told = chosen(runs, about(ASKED.format("May")), {}, Limits(calls=480))
    assert "on 5 cases, 200 calls at most" in told
