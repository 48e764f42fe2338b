"""Every page of the dashboard in Chromium, on real data: in both languages and colours, on a phone and wide.

Nothing is complained of, nothing leaves the machine, the page does not scroll sideways, and axe-core finds
nothing serious.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from browser import PHONE, WIDE, Window, axe_source
from dashboard_data import House, names_of
from dashboard_process import another, started

from skillclaw.web.pages import ROUTES

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = {
    "home": "/",
    "home-agents": "/agents",
    "skills": "/skills",
    "skill": "/skills/personal/{skill}",
    "skill-diff": "/skills/personal/{skill}/diff",
    "skill-provenance": "/skills/personal/{skill}/provenance",
    "edit-skill": "/skills/personal/{skill}/edit",
    "skill-copies": "/skills/personal/{edited}/copies",
    "proposals": "/proposals",
    "proposal": "/proposals/personal/{held}",
    "patterns": "/patterns",
    "pattern-map": "/patterns/personal/map",
    "pattern": "/patterns/personal/{pattern}",
    "sessions": "/sessions",
    "session": "/sessions/{session}",
    "session-preview": "/sessions/{session}/preview",
    "session-forget": "/sessions/{session}/forget",
    "group": "/group",
    "group-hub": "/group/team",
    "settings": "/settings",
    "settings-agents": "/settings/agents",
    "settings-sharing": "/settings/sharing",
    "agent-plan": "/settings/agents/claude-code",
    "doctor": "/settings/doctor",
}
"""By the name of their route."""
MORE = {
    "skill of a group": "/skills/team/install-httpie",
    "proposal of a group that waits for votes": "/proposals/team/{open}",
    "sessions with words": "/sessions?words=email",
    "skills by use": "/skills?sort=use",
}
"""Further forms of them, with what the group's data give."""
BY_LINK = {"cluster": "/patterns/personal/map"}
"""Pages that another one leads to, whose address has this name."""
BY_ACTION = {"group-made", "admit-look", "job"}
"""Pages that an action leads to (test_e2e_dashboard_actions.py)."""
FILES = {"session-preview-file", "session-export"}
LANGUAGES = ["en", pytest.param("zh", marks=pytest.mark.slow)]
EMPTY = ("home", "skills", "proposals", "patterns", "sessions", "group", "settings", "doctor")
THERE = {route.name for route in ROUTES if "GET" in (route.methods or ())}
CASES = [
    *((name, path) for name, path in PAGES.items() if name in THERE),
    *((name, path) for name, path in MORE.items() if name.partition(" ")[0] in THERE),
]


@dataclass(frozen=True)
class Place:
    """The dashboard of a machine that learned, and of one that has nothing yet; the names in its paths."""

    link: str
    user: Path
    empty_link: str
    empty_user: Path
    names: dict[str, str]


@pytest.fixture(scope="module")
def place(learned: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    names = names_of(learned)
    empty = tmp_path_factory.mktemp("nobody")
    with started(learned.user) as link, started(empty) as empty_link:
        yield Place(link, learned.user, empty_link, empty, names)


@pytest.fixture(scope="module")
def windows(chrome: Browser, place: Place) -> dict[str, Window]:
    """A window by language, logged in."""
    made = {}
    for language in ("en", "zh"):
        made[language] = Window.make(chrome, language=language)
        made[language].enter(place.link if language == "en" else another(place.user, place.link))
    return made


def looked(window: Window, name: str, path: str, status: int = 200) -> None:
    """Open the page in both colours and widths, and judge what is there."""
    language = "zh-Hans" if (window.page.evaluate("navigator.language") or "").startswith("zh") else "en"
    for theme in ("light", "dark"):
        window.choose(theme=theme)
        window.size(WIDE)
        window.open(path, status)
        html = window.page.locator("html")
        assert html.get_attribute("lang") == language
        assert window.page.title().endswith("SkillClaw")
        assert len(window.page.title()) > len(" · SkillClaw"), name
        heading = window.page.get_by_role("heading", level=1)
        assert heading.count() == 1 and heading.inner_text().strip(), name
        for size in (WIDE, PHONE):
            window.size(size)
            assert window.wider() <= 0, f"{name} at {size[0]} px: {window.sticking_out()}"
            if language == "en" or (theme, size) == ("light", PHONE):
                found = window.axe(axe_source())
                assert not found, f"{name} ({theme}, {size[0]} px): {found}"
    window.clean(name)


def test_every_page_is_in_the_list() -> None:
    assert set(PAGES) | set(BY_LINK) | BY_ACTION | FILES >= THERE, "a page that nobody looks at"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "path"), CASES, ids=[name for name, _ in CASES])
def test_a_page(name: str, path: str, language: str, windows: dict[str, Window], place: Place) -> None:
    looked(windows[language], name, path.format(**place.names))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in BY_LINK if name in THERE])
def test_a_page_that_another_leads_to(name: str, language: str, windows: dict[str, Window]) -> None:
    window = windows[language]
    window.open(BY_LINK[name])
    link = window.page.locator(f"main a[href*='/{name}/']").first.get_attribute("href") or ""
    looked(window, name, link.removeprefix(urlsplit(window.root).path))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_address_where_nothing_is(language: str, windows: dict[str, Window]) -> None:
    looked(windows[language], "error", "/nothing/here", 404)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_login(language: str, chrome: Browser, place: Place) -> None:
    window = Window.make(chrome, language=language)
    window.root = place.link.partition("/login#")[0]
    for path, status in (("/login", 200), ("/skills", 401)):
        window.choose(theme="auto")
        looked(window, "login", path, status)
    window.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_first_visit_with_nothing_recorded(language: str, chrome: Browser, place: Place) -> None:
    window = Window.make(chrome, language=language)
    window.enter(another(place.empty_user, place.empty_link))
    for name in EMPTY:
        if name in THERE:
            looked(window, f"empty {name}", PAGES[name])
    window.context.close()


def test_what_is_wrong_with_a_page_is_seen(chrome: Browser) -> None:
    """The judge itself: a page that complains, asks elsewhere, is too wide and keeps people out."""
    window = Window.make(chrome, size=PHONE)
    window.page.set_content(
        "<title>x</title><h1 style='width: 900px; color: #eee'>Pale</h1><input><img src='http://example.org/a'>"
        "<script>console.error('broken'); throw new Error('thrown')</script>"
    )
    window.page.wait_for_timeout(200)
    found = window.axe(axe_source())
    assert any("color-contrast" in one for one in found) and any(" label:" in one for one in found), found
    assert window.wider() > 400 and "Pale" in window.sticking_out()[0]
    assert window.away == ["http://example.org/a"]
    assert any("broken" in one for one in window.troubles), window.troubles
    assert any("thrown" in one for one in window.troubles), window.troubles
    with pytest.raises(AssertionError, match="beyond loopback"):
        window.clean()
    window.context.close()
