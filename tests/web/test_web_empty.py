"""Looking at a home in which nothing is yet makes nothing there but what the dashboard needs for itself."""

from __future__ import annotations

from pathlib import Path

from dashboard_house import dashboard


def test_looking_founds_no_hub(tmp_path: Path) -> None:
    home = tmp_path / ".skillclaw"
    with dashboard(home) as dash:
        visitor = dash.visitor(read_only=True)
        for path in (
            "/",
            "/skills",
            "/proposals",
            "/patterns",
            "/sessions",
            "/group",
            "/group/personal",
            "/settings",
        ):
            page = visitor.get(path)
            assert page.status in (200, 404), (path, page.text)
    assert not (home / "hub").exists()
    assert not (home / "keys").exists()
