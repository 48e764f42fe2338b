"""What an action tells is told once, on the page that the reader sees."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from dashboard_house import dashboard


def test_a_part_that_is_renewed_meanwhile_takes_nothing_that_is_to_be_told(tmp_path: Path) -> None:
    with dashboard(tmp_path / ".skillclaw") as dash:
        visitor = dash.visitor()
        fields = {"csrf": visitor.csrf(), "key": "dashboard.hours", "value": "3"}
        done = visitor.ask("POST", f"{dash.base}/settings/change", urlencode(fields).encode())
        assert done.status == 303
        part = visitor.ask("GET", f"{dash.base}/settings", headers={"HX-Request": "true"})
        assert part.told == ""
        boosted = {"HX-Request": "true", "HX-Boosted": "true"}
        assert "dashboard.hours" in visitor.ask("GET", f"{dash.base}/settings", headers=boosted).told
        assert visitor.get("/settings").told == "", "once"
