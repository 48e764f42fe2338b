"""What people do in the dashboard, done in Chromium, each action once; what the commands say afterwards."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import Window
from dashboard_desk import ACTS, Desk
from dashboard_process import another, behind_a_door

from skillclaw.web.pages import ROUTES

if TYPE_CHECKING:
    from playwright.sync_api import Browser

THERE = {route.name for route in ROUTES}
SKILL = "/skills/personal/{skill}"
DID = re.compile(r"\bdid\(([^()]*)\)")


def needs(*routes: str) -> pytest.MarkDecorator:
    """Skips where the dashboard has no such action."""
    return pytest.mark.skipif(not set(routes) <= THERE, reason=f"no {', '.join(routes)} in the dashboard")


def test_every_action_is_done_in_a_browser_somewhere() -> None:
    """`did` holds only where the browser sent the action's form, so to name it there is to have done it."""
    here = Path(__file__).parent
    texts = [one.read_text("utf-8") for one in here.glob("test_e2e_dashboard_*actions.py")]
    named = {word for text in texts for call in DID.findall(text) for word in re.findall(r'"([^"]+)"', call)}
    assert set(ACTS) == named, "an action that nobody does, or one that is none"


@needs("pin-skill")
def test_pin_and_unpin(desk: Desk) -> None:
    desk.open(SKILL)
    desk.window.button("Pin")
    assert desk.skill()["pinned"]
    desk.window.told()
    desk.window.button("Unpin")
    assert not desk.skill()["pinned"]
    desk.did("pin-skill")


@needs("rollback-skill")
def test_roll_back(desk: Desk) -> None:
    desk.open(SKILL)
    before = desk.skill()["version"]
    page = desk.window.page
    page.locator("summary", has_text="Roll back").click()
    page.get_by_label("Why (for its log)").first.fill("It was worse.")
    desk.window.button("Roll back")
    desk.window.told()
    after = desk.skill()
    assert after is None or after["version"] != before
    assert "It was worse." in str(desk.said("skills", "log", desk.names["skill"]))
    desk.did("rollback-skill")


@needs("approve-proposal")
def test_approve_with_a_note(desk: Desk) -> None:
    desk.open("/proposals/personal/{first}")
    desk.window.page.locator("#approve-note").fill("Looks right.")
    desk.window.page.locator("#approve button").click()
    desk.window.told()
    assert desk.proposal("first") in ("passed", "released")
    desk.did("approve-proposal")


@needs("reject-proposal")
def test_reject_by_keys_alone(desk: Desk) -> None:
    desk.open("/proposals/personal/{second}")
    desk.window.press("r")
    desk.window.page.keyboard.type("Too vague.")
    desk.window.press("Enter")
    desk.window.told()
    assert desk.proposal("second") == "rejected"
    desk.did("reject-proposal")


@needs("session-feedback")
def test_say_how_a_session_went(desk: Desk) -> None:
    desk.open("/sessions/{session}")
    desk.window.page.locator("#note").fill("It deleted the wrong event.")
    desk.window.button("It went badly")
    desk.window.told()
    row = next(
        one for one in desk.said("sessions", "list", "--limit", "0") if one["id"] == desk.names["session"]
    )
    assert row["outcome"] == "failure"
    desk.did("session-feedback")


@needs("forget-session")
def test_forget_a_session(desk: Desk) -> None:
    desk.open("/sessions/{gone}/forget")
    desk.window.button("Forget it for good")
    desk.window.told()
    rows = desk.said("sessions", "list", "--limit", "0")
    assert desk.names["gone"] not in {one["id"] for one in rows}
    desk.did("forget-session")


@needs("invite", "uninvite", "group-hub")
def test_invite_somebody_and_withdraw_it(desk: Desk) -> None:
    desk.open("/group/team")
    desk.window.page.locator("#invite-name").fill("yan")
    desk.window.button("Make an invite")
    desk.window.page.locator("#made").wait_for()
    text = desk.window.page.locator("#made").input_value()
    assert len(text) > 100
    invites = desk.said("hub", "members")
    assert "yan" in str(invites)
    desk.open("/group/team")
    item = desk.window.page.locator("#invites li", has_text="yan")
    item.get_by_role("button", name="Withdraw").click()
    desk.window.told()
    assert "yan" not in str(desk.said("hub", "members"))
    desk.did("invite", "uninvite")


@needs("change")
def test_change_a_setting(desk: Desk) -> None:
    desk.open("/settings")
    desk.window.page.locator("#key").fill("dashboard.hours")
    desk.window.page.locator("#value").fill("3")
    desk.window.button("Set")
    desk.window.told()
    assert desk.said("config", "get", "dashboard.hours") == 3
    desk.did("change")


def test_by_keyboard_alone(desk: Desk) -> None:
    """From the top by Tab: the skip link, each page, each choice in their order; Enter opens."""
    window = desk.window
    window.open("/")
    window.press("Tab")
    assert window.focused() == "Skip to the content"
    window.press("Enter")
    assert window.page.evaluate("document.activeElement.id") == "main"
    window.open("/")
    seen = []
    for _ in range(11):
        window.press("Tab")
        seen.append(window.focused())
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert window.page.evaluate(outline) != "none", f"{seen[-1]}: where one is is seen"
    assert seen[1] == "SkillClaw"
    assert seen[2:9] == ["Home", "Skills", "Proposals", "Patterns", "Sessions", "Group", "Settings"]
    assert seen[9] == "中文" and seen[10].startswith("Colours")
    window.page.get_by_role("link", name="Sessions", exact=True).first.focus()
    window.press("Enter")
    window.page.wait_for_url(f"{window.root}/sessions")
    window.page.get_by_role("heading", level=1).wait_for()
    window.clean("keyboard")


def test_language_and_colours(desk: Desk) -> None:
    window = desk.window
    window.open("/sessions")
    window.page.get_by_role("button", name="Colours: automatic").click()
    window.page.locator("html[data-theme=dark]").wait_for()
    window.page.get_by_role("button", name="中文").click()
    window.page.locator("html[lang=zh-Hans]").wait_for()
    assert window.page.url == f"{window.root}/sessions"
    assert window.page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    window.page.get_by_role("button", name="English").click()
    window.page.locator("html[lang=en]").wait_for()
    window.choose(theme="light")
    window.clean("choices")


def test_without_javascript(chrome: Browser, desk: Desk) -> None:
    """Everything but news and keys works without scripts."""
    context = chrome.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    link = another(desk.house.user, f"{desk.window.root}/login#x")
    page.goto(link)
    page.locator("#token").fill(link.partition("#")[2])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{desk.window.root}/")
    page.get_by_role("link", name="Sessions", exact=True).first.click()
    page.wait_for_url(f"{desk.window.root}/sessions")
    page.get_by_role("button", name="Colours: automatic").click()
    page.locator("html[data-theme=dark]").wait_for()
    page.get_by_role("button", name="Log out", exact=True).click()
    page.wait_for_url(f"{desk.window.root}/login")
    context.close()


def test_behind_the_door_of_up(chrome: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing runs behind the door until somebody comes; then the page is there."""
    import psutil
    from cli import ok_json

    user = tmp_path_factory.mktemp("door")
    with behind_a_door(user) as link:
        up = psutil.Process(ok_json("status", home=user)["pid"])
        assert not [one for one in up.children(recursive=True) if "dashboard" in one.cmdline()]
        window = Window.make(chrome)
        window.enter(link)
        assert len([one for one in up.children(recursive=True) if "dashboard" in one.cmdline()]) == 1
        window.clean("door")
        window.context.close()
