"""The bench of scale: sessions made by substitution are as real as their originals, and figures are whole."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.bench import scale
from skillclaw.bench.multiply import multiplied, read_real
from skillclaw.bench.planted_session import session
from skillclaw.bench.scale import exponent, run_scale_bench, summary
from skillclaw.bench.substitution import fill, names_in, template
from skillclaw.errors import BadInputError, SkillClawError, StorageError, UsageError
from skillclaw.journal.store import SessionStore
from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.model import Trajectory, decode, encode, meta, text_of


@pytest.fixture(scope="module")
def real() -> list[Trajectory]:
    return read_real(None)


@pytest.fixture(scope="module")
def made(real: list[Trajectory]) -> list[Trajectory]:
    return list(multiplied(real, 40, seed=2, long_share=0.1))


def said(trajectory: Trajectory) -> str:
    return "\n".join(text_of(s.message) for s in trajectory.steps if s.source == "user")


def structure(episodes: list[Episode]) -> list[Any]:
    """What mining learns from: kinds, tools, whether calls worked, arguments and where values came from."""
    return [
        (
            e.kind,
            e.worked,
            [(m.key, m.ok, m.writes, [(a.name, a.origins) for a in m.args]) for m in e.actions],
        )
        for e in episodes
    ]


def test_tools_results_and_origins_of_values_stay_real(real: list[Trajectory]) -> None:
    names = names_in(real)
    differ = 0
    for number, before in enumerate(real):
        made = fill(template(before, names), number, 7)
        assert [s.source for s in made.steps] == [s.source for s in before.steps]
        assert meta(made).outcome == meta(before).outcome
        assert meta(made).signals == meta(before).signals
        differ += structure(cut(made)) != structure(cut(before))
    # A replaced word may by chance be found, or no longer be found, in another text.
    assert differ <= 0.03 * len(real)


def test_names_ids_and_dates_are_replaced_everywhere(real: list[Trajectory]) -> None:
    original = next(t for t in real if "shannon" in encode(t).decode().lower() and meta(t).user)
    names = names_in(real)
    made = encode(fill(template(original, names), 0, 1)).decode()
    before = encode(original).decode()
    assert "hannon" not in made
    ids = set(re.findall(r"\d{8}", before))
    assert not ids & set(re.findall(r"\d{8}", made))
    assert len(set(re.findall(r"\d{8}", made)) - {"00000000"}) >= len(ids)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_sessions_and_a_longer_run_begins_alike(real: list[Trajectory]) -> None:
    short = [encode(t) for t in multiplied(real, 20, seed=3, long_share=0.1)]
    assert [encode(t) for t in multiplied(real, 20, seed=3, long_share=0.1)] == short
    assert [encode(t) for t in islice(multiplied(real, 10**9, seed=3, long_share=0.1), 12)] == short[:12]
    assert [encode(t) for t in multiplied(real, 5, seed=3, long_share=0.1, start=15)] == short[15:]
    assert encode(next(multiplied(real, 1, seed=4))) != short[0]


@pytest.mark.slow
def test_requests_users_and_keys_grow_with_the_count(real: list[Trajectory]) -> None:
    users: dict[int, int] = {}
    for count in (300, 2000):
        made = list(multiplied(real, count, seed=1))
        assert len({meta(t).key for t in made}) == count
        assert len({encode(t) for t in made}) == count
        assert len({said(t) for t in made}) > 0.95 * count
        users[count] = len({meta(t).user for t in made})
    assert 12 <= users[300] <= 18
    assert 38 <= users[2000] <= 45
    assert len({t.agent.model_name for t in made}) == 6
    days = {t.steps[0].timestamp[:10] for t in made if t.steps[0].timestamp}
    assert len(days) == 180


def test_sessions_are_whole(made: list[Trajectory]) -> None:
    for whole in made:
        assert decode(encode(whole)) == whole
        assert [s.step_id for s in whole.steps] == list(range(1, len(whole.steps) + 1))
        assert not re.search(r"zz[a-z]+zz", encode(whole).decode())
        for step in whole.steps:
            calls = [c.tool_call_id for c in step.tool_calls or []]
            assert len(calls) == len(set(calls))
            results = step.observation.results if step.observation else []
            assert {r.source_call_id for r in results} <= {*calls, None}


def test_a_tenth_of_the_sessions_is_long_with_long_outputs(made: list[Trajectory]) -> None:
    long = [t for t in made if len(t.steps) > 190]
    assert len(long) == 4
    assert all(len(t.steps) < 260 for t in long)
    sizes = [
        len(text_of(r.content))
        for s in long[0].steps
        for r in (s.observation.results if s.observation else [])
        if s.tool_calls and s.tool_calls[0].function_name in ("Bash", "Read")
    ]
    assert sum(2_000 <= size <= 21_000 for size in sizes) > 60
    found = cut(long[0])
    assert len([e for e in found if e.kind == "procedure"]) >= 3
    assert any(e.kind == "recovery" and e.worked for e in found)


def test_words_of_tools_and_of_the_format_are_no_names() -> None:
    result = "user.agent@a.com system.source@a.com orders.search@a.com ann.query@a.com and ann asked"
    whole = session(
        "n", "u", "find it for ann", [("orders.search", {"query": "ann"}, result, True)], success=True
    )
    assert set(names_in([whole])) == {"ann"}
    made = fill(template(whole, names_in([whole])), 0, 0)
    assert [c.function_name for s in made.steps for c in s.tool_calls or []] == ["orders.search"]
    assert "ann" not in re.findall(r"[a-z]+", encode(made).decode())


def dates(trajectory: Trajectory) -> list[str]:
    given = str([call.arguments for step in trajectory.steps for call in step.tool_calls or []])
    return re.findall(r"\d{4}-\d\d-\d\d", given)


def test_weekdays_stay_and_so_does_the_way_a_date_is_written(real: list[Trajectory]) -> None:
    names = names_in(real)
    original = next(t for t in real if re.search(r"on (?:December|November) \d", said(t)))
    for number in range(5):
        made = fill(template(original, names), number, 0)
        for old, new in zip(dates(original), dates(made), strict=True):
            assert date.fromisoformat(old).weekday() == date.fromisoformat(new).weekday()
        assert re.search(r"on [A-Z][a-z]+ \d", said(made))


def test_a_file_without_sessions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(BadInputError, match="holds no sessions"):
        read_real(tmp_path)


@given(st.floats(0.2, 2.5), st.floats(0.001, 10), st.sets(st.integers(1, 10**6), min_size=2, max_size=5))
def test_the_exponent_is_the_slope_in_logarithms(power: float, factor: float, sizes: set[int]) -> None:
    assert exponent([(n, factor * n**power) for n in sizes]) == pytest.approx(power, abs=0.002)


def test_one_size_has_no_exponent() -> None:
    assert exponent([]) is None
    assert exponent([(10, 1.0), (10, 2.0)]) is None


def one_cycle(home: Path) -> Mapping[str, Any]:
    from skillclaw.evolve.cycle import run_cycle
    from skillclaw.server.machine import Machine
    from skillclaw.server.work import cycle_inputs

    machine = Machine(home, {})
    report = run_cycle(**cycle_inputs(machine))
    return {"sessions": report.sessions, "patterns": len(report.patterns), "released": len(report.released)}


def count_only(home: Path) -> Mapping[str, Any]:
    store = SessionStore(home)
    return {"sessions": sum(1 for _ in store.trajectories()), "patterns": 0}


def fail(home: Path) -> Mapping[str, Any]:
    raise UsageError("No such engine.", "", f"See {home.name[:9]}.")


def die(home: Path) -> Mapping[str, Any]:
    os._exit(9)


@pytest.mark.slow
def test_a_whole_cycle_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    told: list[str] = []
    found = run_scale_bench(
        sizes=[150],
        data=None,
        long_row=False,
        increment=20,
        home=tmp_path / "bench",
        cycle=one_cycle,
        progress=lambda done, total, what: told.append(f"{done}/{total} {what}"),
    )
    (row,) = found["rows"]
    assert (row["sessions"], row["long"], row["found"]["sessions"]) == (150, 0.0, 150)
    assert row["increment"]["sessions"] == 20
    assert row["increment"]["found"]["sessions"] == 170
    assert row["found"]["patterns"] > 0
    assert row["found"]["released"] > 0
    for part in (row, row["increment"]):
        assert part["seconds"] > 0
        assert part["cpu_seconds"] > 0
        assert 30 < part["rss_mb"] < 1000
        assert part["read_mb"] is None or part["read_mb"] > 0
    assert row["store_mb"] > 0
    assert row["fill_seconds"] > 0
    assert found["exponent"] is None
    assert "150" in summary(found)
    assert told[0] == "0/4 150 sessions: filling"
    assert told[-1].startswith("4/4")
    assert list((tmp_path / "bench").iterdir()) == []


@pytest.mark.slow
def test_the_second_row_has_long_sessions(tmp_path: Path) -> None:
    found = run_scale_bench(
        sizes=[20], data=None, long_row=True, increment=0, home=tmp_path, cycle=count_only
    )
    assert found["rows"][0]["increment"] is None
    assert "20" in summary(found)
    assert [row["long"] for row in found["rows"]] == [0.0, 0.1]
    assert found["rows"][1]["store_mb"] > 2 * found["rows"][0]["store_mb"]


@pytest.mark.slow
def test_errors_of_a_cycle_come_through(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such engine") as told:
        run_scale_bench(sizes=[5], data=None, long_row=False, home=tmp_path, cycle=fail)
    assert told.value.todo == "See skillclaw."
    with pytest.raises(SkillClawError, match="process died"):
        run_scale_bench(sizes=[5], data=None, long_row=False, home=tmp_path, cycle=die)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_small_is_said_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(scale.shutil, "disk_usage", lambda path: Usage(1_000_000))
    with pytest.raises(StorageError, match="too small for 100,100 sessions"):
        run_scale_bench(sizes=[1_000, 100_000], data=None, long_row=False, home=tmp_path, cycle=count_only)


def test_a_size_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="1 at least"):
        run_scale_bench(sizes=[0], data=None, long_row=False, home=tmp_path, cycle=count_only)
