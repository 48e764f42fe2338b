"""Days and nights, seen through the command line: real proxies, sandbox, evolver, gate and sync."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from small_house import write_small_house

from skillclaw.bench.loop import keeping
from skillclaw.bench.loop.attempt import offered
from skillclaw.bench.loop.plan import Plan, draws, held_out_draws, screen_draws, serves, stream_draws
from skillclaw.bench.loop.results import read_results
from skillclaw.bench.loop.users import make_users
from skillclaw.bench.suites import Grade, Rule
from skillclaw.bench.suites.house import House
from skillclaw.sandbox import why_no_room
from skillclaw.server.rehearsal import Rehearsal

needs_sandbox = pytest.mark.skipif(bool(why_no_room()), reason=f"no sandbox here: {why_no_room()}")
METACLAW = str(Path(__file__).parent / "checkouts" / "metaclaw")
FIVE = ("--users", "2", "--stream", "6", "--held-out", "2", "--screen", "1")


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_house(tmp_path_factory.mktemp("house"))


def command(run: Path, house: Path, *options: str) -> list[str]:
    start = [sys.executable, "-m", "skillclaw", "bench", "loop", str(run), "--source", str(house)]
    return [*start, "--agent", "scripted", *options]


def loop(run: Path, house: Path, *options: str) -> dict[str, Any]:
    done = subprocess.run(
        command(run, house, *options, "--json"), capture_output=True, env=environ(run), timeout=110
    )
    assert done.returncode == 0, done.stderr.decode()
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def environ(run: Path) -> dict[str, str]:
    home = run.parent / "home"
    home.mkdir(exist_ok=True)
    return os.environ | {"HOME": str(home), "SKILLCLAW_HOME": str(home / ".skillclaw")}


def success(result: dict[str, Any], arm: str, day: int) -> float:
    rows = [
        row
        for row in result["days"]
        if (row["arm"], row["day"], row["category"], row["variant"]) == (arm, day, None, None)
    ]
    assert len(rows) == 1
    value: float = rows[0]["success"]
    return value


def attempts(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
    return [line for line in lines if line["type"] == "attempt"]


@needs_sandbox
@pytest.mark.slow
def test_what_users_say_by_day_is_a_skill_by_night_and_helps_the_next_day(
    house: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    result = loop(run, house, "--days", "2", "--rates", "0,1", *FIVE)

    assert result["complete"] and result["how"]["done"]
    assert [success(result, "frozen", day) for day in (1, 2)] == [0.0, 0.0]
    assert [success(result, "ceiling", day) for day in (1, 2)] == [1.0, 1.0]
    assert success(result, "evolving", 1) == 0.0
    assert success(result, "evolving", 2) > 0.0
    assert result["nights"][0]["released"]
    assert result["effect"] == success(result, "evolving", 2)
    # Measured work is never learned from, and the stream's work is never measured.
    done = attempts(run)
    assert result["nights"][0]["sessions"] == sum(a["phase"] == "stream" for a in done) == 12
    assert not {(a["template"], a["seed"]) for a in done if a["phase"] == "stream"} & {
        (a["template"], a["seed"]) for a in done if a["phase"] == "held_out"
    }
    # Every arm had the same instances each day.
    by_arm = {
        arm: sorted(
            (a["day"], a["template"], a["seed"]) for a in done if (a["arm"], a["phase"]) == (arm, "held_out")
        )
        for arm in ("evolving", "frozen", "ceiling")
    }
    assert by_arm["evolving"] == by_arm["frozen"] == by_arm["ceiling"]
    assert not any(a.get("skills") for a in done if a["arm"] == "frozen")
    # The state goes on in another place as it would have here.
    place = tmp_path / "moved" / "rig"
    keeping.load(run / "state.tar.zst", place)
    moved = Rehearsal(place, ["user1", "user2"])
    released = set(result["nights"][0]["released"])
    for user in ("user1", "user2"):
        assert set(offered(moved.home(user))) == released
    assert moved.night()["error"] == ""
    (moved.pool / "library.json").unlink()
    assert moved.night()["error"] == ", ".join(f"{s} was not installed (blocked)" for s in sorted(released))
    page = (run / "report.html").read_text()
    assert "<svg" in page and "frozen" in page
    assert not (run / "work").exists()


@needs_sandbox
@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_with_the_result_of_one_that_was_not(
    house: Path, tmp_path: Path
) -> None:
    options = ("--days", "2", "--rates", "0.2,0.9", *FIVE)
    whole = loop(tmp_path / "whole", house, *options)
    run = tmp_path / "killed"
    chance = random.Random(7)
    for _ in range(6):
        process = subprocess.Popen(
            command(run, house, *options),
            env=environ(run),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(chance.uniform(1.5, 12.0))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    resumed = loop(run, house, *options)

    def shape(result: dict[str, Any]) -> Any:
        days = [{k: v for k, v in row.items() if k != "seconds"} for row in result["days"]]
        nights = [(night["sessions"], night["released"]) for night in result["nights"]]
        return days, nights, result["effect"], result["ci"], result["p"]

    assert shape(resumed) == shape(whole)


@needs_sandbox
@pytest.mark.slow
def test_known_success_rates_are_measured_within_their_intervals(house: Path, tmp_path: Path) -> None:
    result = loop(
        tmp_path / "run",
        house,
        *("--days", "1", "--screen", "0", "--held-out", "15", "--stream", "0", "--users", "2"),
        *("--rates", "0.3,0.8", "--arms", "frozen,ceiling", "--parallel", "2"),
    )
    rows = {row["arm"]: row for row in result["days"] if row["category"] is None and row["variant"] is None}
    for arm, rate in (("frozen", 0.3), ("ceiling", 0.8)):
        low, high = rows[arm]["ci"]
        assert rows[arm]["n"] == 60
        assert low <= rate <= high, rows[arm]


@needs_sandbox
@pytest.mark.slow
def test_it_stops_when_time_is_up_and_goes_on_with_the_same_command(house: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    options = ("--days", "1", "--screen", "0", "--held-out", "1", "--stream", "0", "--arms", "frozen,ceiling")
    first = loop(run, house, *options, "--minutes", "0")
    assert not first["how"]["done"] and first["verdict"] is None
    assert first["forecast"]["left"] == 8
    second = loop(run, house, *options)
    assert second["how"]["done"] and second["forecast"]["left"] == 0


@pytest.mark.slow
@needs_sandbox
def test_ctrl_c_stops_it_with_a_word_and_keeps_what_is_done(house: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    argv = command(run, house, "--days", "1", "--screen", "9", "--held-out", "9")
    process = subprocess.Popen(argv, env=environ(run), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (run / "results.jsonl").exists():
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    if process.returncode == 0:  # the interrupt was dropped, and the run stopped at its next border
        assert not json.loads((run / "report.json").read_text())["how"]["done"]
    else:
        assert process.returncode == 130 and b"Stopped." in said and b"Traceback" not in said
    read_results(run / "results.jsonl")


@pytest.mark.slow
@needs_sandbox
def test_a_run_is_only_continued_with_its_own_plan(house: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    loop(run, house, "--days", "1", "--minutes", "0")
    other = subprocess.run(
        command(run, house, "--days", "2"), capture_output=True, env=environ(run), timeout=60
    )
    assert other.returncode == 1
    said = other.stderr.decode()
    assert "another plan" in said and "days" in said and "Traceback" not in said


@pytest.mark.slow
@needs_sandbox
def test_a_model_that_is_down_stops_the_run_and_is_nobodys_result(house: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    argv = [*command(run, house)[:-2], "--model-url", "http://127.0.0.1:9/v1", "--model", "m"]
    done = subprocess.run(argv, capture_output=True, env=environ(run), timeout=60)
    said = done.stderr.decode()
    assert (
        done.returncode == 1 and "failed before the agent did anything" in said and "Traceback" not in said
    ), said
    assert attempts(run) == []


@pytest.mark.slow
def test_a_forecast_writes_nothing(house: Path, tmp_path: Path) -> None:
    result = loop(tmp_path / "run", house, "--forecast", "--days", "3", *FIVE)
    assert result == {
        "attempts": 2 * 4 + 3 * 4 * 2 * 3 + 2 * 2 * 6,
        "left": 104,
        "each": None,
        "seconds": None,
    }
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--agent", "minimal"), "which model"),
        (("--arms", "evolving,magic"), "--arms"),
        (("--agent", "scripted", "--plant", "shift-times"), "--plant"),
        (("--agent", "scripted", "--plant", "nice-manners@2"), "no wrong skill"),
        (("--agent", "scripted", "--drift", "orders-site@9"), "--drift"),
        (("--agent", "scripted", "--drift", "bough-lock@3"), "cannot drift"),
        (("--suite", "workbench", "--plant", "shift-times@2"), "no wrong skills"),
        (("--suite", "nowhere"), "no suite"),
        (("--suite", "wildclaw"), "checkout"),
        (("--only", "nothing-like-this"), "named like"),
        (("--agent", "scripted", "--rates", "many"), "--rates"),
        (("--agent", "scripted", "--rates", "0.1,9"), "--rates"),
        (("--agent", "magic"), "no agent"),
        (("--suite", "workbench", "--days", "4"), "too few instances"),
        (("--suite", "metaclaw", "--source", METACLAW), "brings no hand-written skills"),
    ],
)
def test_wrong_options_are_told_without_a_traceback(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    argv = [sys.executable, "-m", "skillclaw", "bench", "loop", str(tmp_path / "run"), *options]
    done = subprocess.run(argv, capture_output=True, env=environ(tmp_path / "run"), timeout=60)
    text = done.stderr.decode()
    assert done.returncode == 2 and said in text and "Traceback" not in text, text


def plan(house: House, **changes: Any) -> Plan:
    templates = tuple(template.id for template in house.templates())
    values: dict[str, Any] = {
        "suite": "house",
        "source": "",
        "templates": templates,
        "unseen": templates[3:],
        "agent": "scripted",
        "model": "scripted",
        "temperature": 0.0,
        "seed": 0,
        "users": 3,
        "days": 3,
        "stream": 4,
        "held_out": 2,
        "screen": 2,
        "threshold": 0.2,
    }
    return Plan(**(values | changes))


@pytest.mark.slow
@settings(max_examples=examples(25), deadline=None)
@given(seed=st.integers(0, 10**6), users=st.integers(2, 5), days=st.integers(1, 4), stream=st.integers(0, 6))
def test_no_instance_serves_two_purposes(house: Path, seed: int, users: int, days: int, stream: int) -> None:
    suite = House(house)
    made = plan(suite, seed=seed, users=users, days=days, stream=stream)
    entered = made.templates
    screen = screen_draws(made, suite)
    work = [draw for day in stream_draws(made, suite, entered) for draw in day]
    measured = held_out_draws(made, suite, entered)
    kinds = [screen, work, [draw for day in measured for draw in day]]
    said = [{suite.draw(draw.template, draw.seed).instruction for draw in kind} for kind in kinds]
    assert not said[0] & said[1] and not said[0] & said[2] and not said[1] & said[2]
    assert len(work) == (days - 1) * users * stream
    assert not {draw.template for draw in work} & set(made.unseen)
    assert set(Counter(draw.user for draw in work).values()) <= {(days - 1) * stream}
    assert [len(day) for day in measured] == [2 * len(entered)] * days
    assert stream_draws(made, suite, entered) == stream_draws(made, suite, entered)
    for template in made.templates:
        dealt = Counter(
            serves(seed, suite, template, suite.draw(template, number).instruction)
            for number in range(suite.combinations(template))
        )
        assert min(dealt[purpose] for purpose in ("screen", "stream", "held out")) >= 20


def test_each_day_draws_anew(house: Path) -> None:
    suite = House(house)
    made = plan(suite)
    days = [draws(made, suite, "held out", made.templates[0], 4, str(day)) for day in (1, 2, 3)]
    assert days[0] != days[1] != days[2] != days[0]


@given(st.integers(2, 9), st.integers(0, 99), st.sets(st.text("abcdef", min_size=1, max_size=3), max_size=8))
def test_every_rule_is_known_to_half_of_the_users_and_to_two_at_least(
    count: int, seed: int, rules: set[str]
) -> None:
    users = make_users(count, sorted(rules), seed)
    for rule in rules:
        knowing = sum(rule in user.knows for user in users)
        assert knowing == min(count, max(2, round(count / 2)))


def test_a_user_corrects_what_is_known_and_gives_up_after_two_times() -> None:
    rules = {"a": Rule(id="a", say=("Do a.",)), "b": Rule(id="b", say=("Do b.",))}
    (user,) = make_users(2, ["a"], 0)[:1]
    bad = Grade(success=False, score=0.0, broken=("a", "b"))
    assert user.answer(bad, rules, 0, random.Random(1)) == ("Do a.", True)
    assert user.answer(bad, rules, 2, random.Random(1)) == ("", False)
    assert user.answer(Grade(success=False, score=0.0, broken=("b",)), rules, 0, random.Random(1)) == (
        "",
        False,
    )
    words, go_on = user.answer(Grade(success=True, score=1.0), rules, 0, random.Random(1))
    assert not go_on and (words == "" or "b" not in words.split())
