"""`bench capacity`: the arithmetic of a day, the table, and in small what a real server takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from team import sc

from skillclaw.bench.capacity import BEGIN, END, Prices, _row, markdown, run_capacity_bench, summary
from skillclaw.bench.proxybench.show import check_place, put_into
from skillclaw.bench.sync_wire import _lists
from skillclaw.errors import BadInputError, UsageError


def measured(**more: Any) -> dict[str, Any]:
    one = {"seconds": 2.0, "cpu_seconds": 1.5, "peak_mb": 200.0, "released": 2, "requests": 100, "dear": 10}
    found = {
        "members": 10,
        "sessions": 300,
        "a_day": 100,
        "first": one,
        "day": one,
        "objects": 500,
        "hub_mb": 5.0,
        "objects_a_day": 110,
        "mb_a_day": 1.0,
        "sent": {"requests": 200, "dear": 100},
    }
    return found | more


def test_a_day_is_what_was_measured_and_the_polls_and_fetches_of_all_members() -> None:
    row = _row(measured(), Prices(dear=1.0, cheap=0.1, gigabyte=10.0))
    assert row["polls"] == pytest.approx(10 * 1728, abs=10)
    assert row["requests_a_day"] == row["polls"] + 18_720 + 10 * 3 * 2 + 200 + 100
    assert row["dear_a_day"] == 110
    spent = 30 * (110 * 1.0 + (row["requests_a_day"] - 110) * 0.1) / 1000 + 180 / 1000 * 10
    assert row["dollars_a_month"] == round(spent, 2)


def test_of_a_folder_no_request_is_told_and_no_price() -> None:
    row = _row(measured(sent=None), Prices())
    assert (row["requests_a_day"], row["dollars_a_month"]) == (None, None)
    result = {
        "rows": [row],
        "daily": 10,
        "days": 3,
        "storage": "folder",
        "prices": {"dear": 1, "cheap": 1, "gigabyte": 1},
    }
    table = markdown(result).splitlines()
    assert table[2].split("|")[1:4] == [" 10 ", " 100 ", " 300 "]
    assert table[2].endswith("| - | - | - |")
    assert len({line.count("|") for line in table[:3]}) == 1
    assert "10 sessions a member and day" in summary(result)


def test_the_table_takes_the_place_between_its_own_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    put_into(page, "new", BEGIN, END)
    assert page.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    with pytest.raises(BadInputError, match="no place"):
        check_place(page)


def test_lists_are_dear_and_reads_are_not() -> None:
    assert _lists(b"GET /team?list-type=2&prefix=log HTTP/1.1\r\nHost: x\r\n\r\n")
    assert not _lists(b"GET /team/log/1.json HTTP/1.1\r\nX-Note: list-type=2\r\n\r\n")


def test_what_cannot_be_measured_is_told(tmp_path: Path) -> None:
    for wrong in ({"members": []}, {"members": [0]}, {"daily": 0}, {"days": 0}):
        with pytest.raises(UsageError):
            run_capacity_bench(**({"members": [1], "daily": 1, "days": 1, "into": tmp_path} | wrong))
    with pytest.raises(UsageError, match="--members cannot be 'few'"):
        sc(tmp_path, "ada", "bench", "capacity", "--members", "few")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_group_on_a_folder(tmp_path: Path) -> None:
    result = run_capacity_bench(members=[2], daily=3, days=4, into=tmp_path)
    (row,) = result["rows"]
    assert (row["first"]["taken"], row["day"]["taken"]) == (24, 6)
    assert row["objects_a_day"] >= 6
    assert row["objects"] > 30
    assert row["hub_mb"] > 0
    assert row["day"]["seconds"] > 0
    assert list(tmp_path.iterdir()) == [], "nothing is left"
