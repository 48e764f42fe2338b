"""The benchmark runs and says what the contract promises; the figures themselves are for quiet machines."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from skillclaw.bench import proxy as bench
from skillclaw.bench.proxybench import figures, litellm
from skillclaw.bench.proxybench.cases import BARS, CASES
from skillclaw.bench.proxybench.show import BEGIN, END
from skillclaw.errors import BadInputError, SkillClawError, StorageError, UsageError

ROW = {"target", "case", "concurrency", "rps", "p50_ms", "p99_ms", "ttfb_p50_ms", "cpu_ms", "rss_mb"}
QUICK = [case for case in CASES if case.concurrency < 64 and "paced-" not in case.name]
"""Without the cells that take longest."""
CELL = {"p50_ms": 1.0, "p99_ms": 2.0, "ttfb_p50_ms": 1.0, "ttfb_p99_ms": 2.0, "rss_mb": 40.0}


@pytest.fixture(scope="module")
def measured() -> tuple[dict[str, Any], list[tuple[int, int | None, str]]]:
    told: list[tuple[int, int | None, str]] = []
    result = bench.run_proxy_bench(
        seconds=0.2,
        rounds=1,
        cases=QUICK,
        progress=lambda done, total, what: told.append((done, total, what)),
    )
    return result, told


@pytest.mark.slow
def test_each_target_does_each_case(measured: Any) -> None:
    result, told = measured
    rows = result["rows"]
    cases = {(r["case"], r["concurrency"]) for r in rows}
    assert cases == {(case.name, case.concurrency) for case in QUICK}
    assert len(rows) == 3 * len(cases) and {r["target"] for r in rows} == {"direct", "bare", "skillclaw"}
    assert all(set(row) >= ROW and row["rps"] > 0 for row in rows)
    assert told[-1][:2] == (18, 18) and told[0][2] == "sse10 x1 direct"


def test_the_cases_are_those_that_the_bars_name() -> None:
    streams = {case.concurrency for case in CASES if case.name == "sse10"}
    assert streams == {1, 16, 64}
    assert {16, 64} == {case.concurrency for case in CASES if case.name == "paced"}
    known = {(case.name, case.concurrency) for case in CASES}
    assert {(bar.case, bar.concurrency) for bar in BARS} <= known


@pytest.mark.slow
def test_the_proxy_records_under_load(measured: Any) -> None:
    """A busy machine may write less than a load without bounds brings: that is counted, and little. That
    nothing is lost of what people do is what the soak holds."""
    journal = measured[0]["journal"]
    assert journal["errors"] == 0 and journal["exchanges"] > 100
    assert journal["dropped"] <= journal["exchanges"] / 100


@pytest.mark.slow
def test_the_load_is_no_limit(measured: Any) -> None:
    assert measured[0]["headroom"] > 1.5


@pytest.mark.slow
def test_each_bar_is_told_with_its_value_and_whether_it_holds(measured: Any) -> None:
    result = measured[0]
    ratios = result["ratios"]
    assert {"rps_16", "cpu_above_bare_ms", "p50_1", "ttfb_added", "ttfb_added_200kb_unpaced", "rss_mb"} < set(
        ratios
    )
    assert "litellm_rps" not in ratios, "it did not run"
    for ratio in ratios.values():
        assert ratio["holds"] == (
            ratio["value"] >= ratio["bar"] if ratio["sense"] == "least" else ratio["value"] <= ratio["bar"]
        )
    assert ratios["rps_16"]["value"] > 0.3
    assert 0 < result["processes"]["skillclaw"]["ready_s"] < 20
    text = bench.summary(result)
    assert "requests/s at 16 streams, of the bare forwarder's" in text and "sse10-200kb" in text


@pytest.mark.slow
def test_tables_go_between_the_marks_and_nothing_else_changes(measured: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n", encoding="utf-8")
    for _ in range(2):
        bench.put_into(page, bench.markdown(measured[0], "proxy.svg"))
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n\n{BEGIN}\n| bar |") and text.endswith(f"{END}\n\nafter\n")
    assert "\nold\n" not in text and "| paced | 16 | skillclaw |" in text and "](proxy.svg)" in text


def test_a_page_without_marks_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(BadInputError):
        bench.check_place(page)
    assert page.read_text(encoding="utf-8") == "no marks"


def test_the_page_of_this_project_has_the_marks() -> None:
    bench.check_place(Path(__file__).parents[2] / "docs" / "benchmarks.md")


@pytest.mark.slow
def test_the_picture_is_svg_with_a_line_for_each_target(measured: Any) -> None:
    picture = ET.fromstring(bench.plot(measured[0]))
    lines = picture.findall("{http://www.w3.org/2000/svg}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [2, 2, 2]


def test_ratios_are_made_within_a_round() -> None:
    """A slow spell of the machine hits both targets of a round, so it must not change the ratio."""
    rounds = [(1000.0, 900.0), (100.0, 90.0), (500.0, 450.0)]
    cells = {
        ("direct", "sse10", 16): [CELL | {"rps": 9000.0, "cpu_ms": 0.0}] * 3,
        ("bare", "sse10", 16): [CELL | {"rps": bare, "cpu_ms": 0.2} for bare, _ in rounds],
        ("skillclaw", "sse10", 16): [CELL | {"rps": own, "cpu_ms": 0.25} for _, own in rounds],
        ("litellm", "sse10", 16): [CELL | {"rps": own / 100, "cpu_ms": 20.0} for _, own in rounds],
    }
    found = figures.ratios(cells, {"skillclaw": {"ready_s": 0.3, "rss_end_mb": 81.0}})
    assert found["rps_16"]["value"] == 0.9 and found["rps_16"]["holds"]
    assert found["cpu_above_bare_ms"]["value"] == 0.05 and not found["cpu_above_bare_ms"]["holds"]
    assert found["litellm_rps"]["value"] == 100 and found["litellm_rps"]["holds"]
    assert found["ready_s"]["holds"] and not found["rss_mb"]["holds"]


def test_litellm_is_not_installed_where_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litellm.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 100 << 20}))
    with pytest.raises(StorageError, match="no room"):
        litellm.install({"XDG_CACHE_HOME": str(tmp_path)})


def test_a_failed_installation_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **how: Any) -> Any:
        asked.append(command)
        failed = "pip" in command
        return type("Done", (), {"returncode": int(failed), "stderr": "ERROR: no network", "stdout": ""})

    monkeypatch.setattr(litellm.subprocess, "run", run)
    for _ in range(2):
        with pytest.raises(SkillClawError) as error:
            litellm.install({"XDG_CACHE_HOME": str(tmp_path)})
        assert "no network" in str(error.value) and "--with-litellm" in str(error.value)
    assert [litellm.PACKAGE in command for command in asked] == [False, True] * 2


def test_litellm_gets_nothing_of_the_users_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-user")
    monkeypatch.setenv("DATABASE_URL", "postgres://nowhere")
    seen: dict[str, Any] = {}

    def launch(command: list[str], **how: Any) -> Any:
        seen.update(how, command=command)

    litellm.start(tmp_path / "venv", tmp_path / "home", "http://127.0.0.1:9", 4000, launch)
    assert not {"OPENAI_API_KEY", "DATABASE_URL"} & set(seen["env"])
    assert seen["env"]["HOME"] == str(tmp_path / "home")
    assert seen["command"][3:5] == ["--host", "127.0.0.1"]


def test_a_measurement_from_which_the_host_took_time_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.03, 0.03, 0.04, 0.04, 0.04, 0.04, 9.0])
    monkeypatch.setattr(bench, "_stolen", lambda: next(clock))
    cells = iter([{"n": 1.0}, {"n": 2.0}, {"n": 3.0}, {"n": 4.0}])
    assert bench._undisturbed(lambda: next(cells)) == ({"n": 3.0}, 3, 0.0)


def test_where_the_host_always_takes_time_the_least_disturbed_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.3, 0.3, 0.4, 0.4, 0.6, 0.6, 0.9])
    monkeypatch.setattr(bench, "_stolen", lambda: next(clock))
    cells = iter([{"n": 1.0}, {"n": 2.0}, {"n": 3.0}, {"n": 4.0}])
    cell, tries, taken = bench._undisturbed(lambda: next(cells))
    assert (cell, tries, round(taken, 6)) == ({"n": 2.0}, 4, 0.1)


def test_only_known_cases_can_be_chosen() -> None:
    assert [case.name for case in bench.chosen(["paced-spread"])] == ["sse10", "paced-spread"]
    with pytest.raises(UsageError, match="no case 'fast'"):
        bench.chosen(["fast"])
