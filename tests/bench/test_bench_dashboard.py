"""`bench dashboard` in small: a machine is made and found again, every page and action timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillclaw.bench.dashboard import run_dashboard_bench, summary
from skillclaw.bench.dashboard.measure import PAGES
from skillclaw.bench.dashboard.visitor import forms_in, links_in
from skillclaw.errors import StorageError

PAGE = """<header><form method="post" action="/b/leave"><button>Log out</button></form></header><main>
<a href="/b/skills/personal/x">x</a> <form action="/b/skills"><input name="q"><button>Search</button></form>
<form method="post" action="/b/skills/personal/x/pin"><input type="hidden" name="csrf" value="1"><textarea
name="why"></textarea><input type="checkbox" name="all"><button name="go" value="yes">Pin <b>it</b></button>
<button disabled>Retire</button></form></main>"""


def test_forms_that_act_and_links_of_the_main_part() -> None:
    (one,) = forms_in(PAGE)
    assert (one.action, one.label) == ("/b/skills/personal/x/pin", "Pin it")
    assert one.fields == {"csrf": "1", "why": "because", "go": "yes"}
    assert links_in(PAGE) == ["/b/skills/personal/x"]


@pytest.mark.slow
def test_a_small_machine_is_made_measured_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "large"
    monkeypatch.setenv("PATH", "/nowhere")  # without a browser: server time is what counts
    monkeypatch.delenv("CHROMIUM", raising=False)
    for _ in range(2):
        result = run_dashboard_bench(into=place, sessions=150, skills=6, runs=2, closed_seconds=0.5)
        assert [row["page"] for row in result["pages"]][: len(PAGES)] == list(PAGES)
        assert all(row["server_ms"] > 0 and row["kb"] > 1 for row in result["pages"])
        assert not result["browser"]
        assert result["closed"]["door"]["processes"] == 0
        assert "150 sessions" in summary(result)
    with pytest.raises(StorageError, match="another number"):
        run_dashboard_bench(into=place, sessions=151, skills=6, runs=1)
