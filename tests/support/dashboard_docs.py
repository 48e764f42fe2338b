"""What docs/dashboard.md shows that is measured or drawn: `make minutes` and `make screenshots` renew it."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from browser import PHONE, Window, chromium

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BEGIN", "END", "table"]

BEGIN, END = "<!-- minutes -->\n", "<!-- end of minutes -->"
LARGEST = 180_000
"""Bytes of a picture."""
WINDOW = (1200, 760)
PICTURES = (
    ("home", "home", "/", "en", "light", WINDOW),
    ("skill", "skill", "/skills/personal/{skill}", "en", "light", WINDOW),
    ("proposal", "proposal", "/proposals/personal/{held}", "en", "dark", WINDOW),
    ("patterns", "patterns", "/patterns", "zh", "light", WINDOW),
    ("session", "session", "/sessions/{session}", "en", "light", WINDOW),
    ("group", "group-hub", "/group/team", "zh", "dark", WINDOW),
    ("settings", "settings", "/settings", "en", "light", WINDOW),
    ("phone", "skills", "/skills", "en", "light", PHONE),
)
"""File, route, path, language, colours and size of each picture."""


def table(rows: Sequence[dict[str, str | float]]) -> str:
    """The steps of the first ten minutes with their seconds, as Markdown."""
    lines = [f"| {number} | {one['what']} | {one['seconds']:.1f} |" for number, one in enumerate(rows, 1)]
    head = "| | what somebody does | seconds |\n| ---: | --- | ---: |\n"
    return head + "\n".join(lines) + f"\n| | all of it | {sum(float(one['seconds']) for one in rows):.1f} |\n"


def write_table(figures: Path, page: Path) -> None:
    """Put the table of the figures between the marks of the page."""
    text = page.read_text("utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    assert after, f"{page} has no marks"
    rows = json.loads(figures.read_text("utf-8"))
    page.write_text(f"{before}{BEGIN}{table(rows)}{END}{after}", "utf-8")


def draw(folder: Path) -> None:
    """Write the pictures, of a machine that learned from the packaged sessions."""
    from dashboard_data import house, names_of
    from dashboard_process import another, started

    from skillclaw.web.pages import ROUTES

    there = {route.name for route in ROUTES}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as root:
        learned = house(Path(root))
        names = names_of(learned)
        with started(learned.user) as link, chromium() as browser:
            for file, route, path, language, theme, size in PICTURES:
                if route not in there:
                    continue
                window = Window.make(browser, language=language, size=size)
                window.enter(another(learned.user, link))
                window.choose(theme=theme)
                window.open(path.format(**names))
                window.page.wait_for_load_state("load")
                data = window.page.screenshot(path=folder / f"{file}.png")
                assert len(data) <= LARGEST, f"{file}.png has {len(data)} bytes"
                window.context.close()


if __name__ == "__main__":
    if sys.argv[1] == "pictures":
        draw(Path(sys.argv[2]))
    else:
        write_table(Path(sys.argv[2]), Path(sys.argv[3]))
