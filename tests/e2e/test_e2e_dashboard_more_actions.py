"""The rest of what people do in the dashboard, in Chromium: skills of theirs, sharing, agents, a group."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import Window
from dashboard_desk import Desk, did
from dashboard_process import started
from team import machine, sc, state, taken

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Response

SKILL, EDITED = "/skills/personal/{skill}", "/skills/personal/{edited}"


def wait_for(what: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether it came to be; folders follow a decision a moment later."""
    end = time.monotonic() + seconds
    while not (done := what()) and time.monotonic() < end:
        time.sleep(0.1)
    return done


def installed(desk: Desk, name: str) -> Path:
    """Where the agent of Ada's machine finds the skill."""
    return desk.house.user / ".claude" / "skills" / desk.names[name] / "SKILL.md"


def test_a_job_is_begun_and_shown_done_without_a_reload(desk: Desk) -> None:
    window, page = desk.window, desk.window.page
    more = desk.house.user / ".other" / "skills"
    more.mkdir(parents=True)
    targets = [(desk.house.user / ".claude" / "skills").as_posix(), more.as_posix()]
    desk.said("config", "set", "sync.targets", str(targets).replace("'", '"'))
    desk.open("/")
    window.button("Sync now")
    window.told("Begun: skillclaw sync")
    for _ in range(600):  # other tests on this desk may have begun syncs that are done already
        if (more / desk.names["skill"] / "SKILL.md").exists():
            break
        page.wait_for_timeout(100)
    assert (more / desk.names["skill"] / "SKILL.md").exists()
    page.locator("#jobs li.job-done:first-child", has_text="skillclaw sync").first.wait_for(timeout=60_000)
    page.locator("#jobs").get_by_role("link", name="skillclaw sync").first.click()
    page.get_by_role("heading", level=1, name="skillclaw sync").wait_for()
    assert "done" in window.text()
    desk.did("begin")


def test_an_edited_copy_is_proposed_and_a_newer_release_merged_into_it(desk: Desk) -> None:
    window, page, name = desk.window, desk.window.page, desk.names["skill"]
    copy = installed(desk, "skill")
    copy.write_text(copy.read_text("utf-8") + "\n- Tell the user when it is done.\n", "utf-8")
    before = {one["id"] for one in desk.said("proposals", "list")}

    desk.open(SKILL)
    page.get_by_role("link", name="Look at it: propose, merge or keep").click()
    page.get_by_label("What the change is for").fill("Users asked.")
    window.button("Propose it")
    window.told("It is proposal")
    (mine,) = {one["id"] for one in desk.said("proposals", "list")} - before
    record = desk.said("proposals", "show", mine)["proposal"]
    assert (record["skill"], record["why"]) == (name, "Users asked.")
    desk.did("propose-copy")

    desk.open(SKILL)
    page.get_by_role("link", name="Edit", exact=True).click()
    source = page.locator("#skill-source")
    lines = source.input_value().splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("- "))
    lines[at] += " Look twice."
    source.fill("\n".join(lines) + "\n")
    page.locator("#skill-note").fill("It was overlooked.")
    window.button("Propose")
    window.told("It is proposal")
    (other,) = {one["id"] for one in desk.said("proposals", "list")} - before - {mine}
    assert page.url.endswith(f"/proposals/personal/{other}")
    desk.did("propose-skill")

    page.locator("#approve button").click()
    page.locator("#approve").wait_for(state="detached")
    desk.open(SKILL)
    window.button("Promote")  # a canary is nothing for an edited copy
    window.told("is stable")
    assert "Look twice." not in copy.read_text("utf-8"), "an edited copy stays as it is"
    desk.open(SKILL + "/copies")
    assert "It would merge cleanly." in window.text()
    window.button("Merge the newer version in")
    window.told("Merged.")
    merged = copy.read_text("utf-8")
    assert "Look twice." in merged and "Tell the user when it is done." in merged
    desk.did("approve-proposal", "promote-skill", "merge-copies")


def test_what_somebody_writes_stays_while_the_page_renews_itself(desk: Desk) -> None:
    page, name = desk.window.page, desk.names["skill"]

    def renewed(answer: Response) -> bool:
        return "hx-request" in answer.request.headers and answer.url == page.url

    desk.open(SKILL)
    page.locator("summary", has_text="Archive").click()
    why = page.locator("form[action$='/archive']").get_by_label("Why (for its log)")
    with page.expect_response(renewed):
        desk.said("skills", "pin", name)  # nothing is written yet: the part is fetched anew
    page.wait_for_timeout(1000)
    # news that came before the first letter, and an answer that takes its time
    desk.said("skills", "unpin", name)
    why.fill("Nobody needs it.")
    page.get_by_role("heading", level=1).click()
    desk.said("skills", "pin", name)
    page.wait_for_timeout(3000)
    assert why.input_value() == "Nobody needs it."
    with page.expect_response(renewed):
        why.fill("")
        why.blur()
    desk.said("skills", "unpin", name)
    desk.window.clean()


def test_a_skill_is_promoted_archived_and_revoked(desk: Desk) -> None:
    window, page, name = desk.window, desk.window.page, desk.names["edited"]
    assert desk.skill(name)["stage"] == "canary"
    desk.open(EDITED)
    window.button("Promote")
    window.told("is stable")
    assert desk.skill(name)["stage"] == "stable"
    desk.did("promote-skill")

    page.locator("summary", has_text="Archive").click()
    form = page.locator("form[action$='/archive']")
    form.get_by_label("Why (for its log)").fill("Nobody writes mails.")
    form.get_by_label("I am sure.").check()
    window.button("Archive")
    window.told("is archived")
    assert "Nobody writes mails." in str(desk.said("skills", "log", name))
    assert desk.skill(name) is None
    desk.did("archive-skill")

    page.locator("summary", has_text="Revoke as unsafe").click()
    form = page.locator("form[action$='/revoke']")
    form.get_by_label("Why (for its log)").fill("It leaks.")
    form.get_by_label("I am sure.").check()
    window.button("Revoke")
    window.told("Every copy moves to quarantine")
    assert "It leaks." in str(desk.said("skills", "log", name))
    assert wait_for(lambda: not installed(desk, "edited").exists()), "edited copies go too"
    desk.did("revoke-skill")


def test_what_is_shared_is_said_and_taken_back(desk: Desk) -> None:
    window, page = desk.window, desk.window.page
    desk.open("/settings")
    sharing = page.locator("#sharing-here")
    sharing.get_by_role("heading", name="team").wait_for()
    window.button("Allow", within="#sharing-here")
    window.told()
    assert desk.said("config", "get", "share.hubs.team") == "redacted"
    sharing.get_by_role("button", name="Share no more").wait_for()
    window.button("Share no more", within="#sharing-here")
    window.told()
    assert desk.said("config", "get", "share.hubs.team") == "off"
    desk.did("share")

    desk.open("/sessions/{session}")
    page.locator("#said").select_option("never")
    window.button("Save")
    window.told("It is never shared.")
    assert machine(desk.house.place, "ada").outbox.marks()[desk.names["session"]][0] == "never"
    desk.open("/sessions/{session}/preview")
    assert "You said of this session that it is never shared." in window.text()
    desk.did("session-share")


def test_a_member_votes_and_the_owner_sets_what_counts(desk: Desk) -> None:
    window, page = desk.window, desk.window.page
    desk.open("/proposals/team/{open}")
    page.locator("#vote-note").fill("It helped me.")
    window.button("Vote for")
    window.told("It counts once the group has taken it in.")
    taken(desk.house.place)
    assert "It helped me." in str(desk.said("proposals", "show", desk.names["open"]))
    desk.did("vote-proposal")

    desk.open("/group/team")
    setting = page.locator("form.setting-form", has=page.locator("input[value='policy']"))
    setting.locator("select").select_option("strict")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        setting.get_by_role("button", name="Save").click()
    window.told()
    assert state(desk.house.place).settings["policy"] == "strict"
    desk.did("set-group")


@pytest.mark.skipif(os.name != "posix", reason="the agent's program is a shell script")
def test_an_agent_is_connected_and_put_back(desk: Desk, chrome: Browser, tmp_path: Path) -> None:
    user = tmp_path / "ada"
    settings = user / ".claude" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"model": "opus"}\n', "utf-8")
    program = tmp_path / "bin" / "claude"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho '2.1.197 (Claude Code)'\n", "utf-8")
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        with started(user) as link:
            window = Window.make(chrome)
            window.enter(link)
            window.open("/settings")
            card = "#agents-here .agent:has-text('Claude Code')"
            window.page.locator(card).wait_for()
            assert "2.1.197" in window.page.locator(card).inner_text()
            window.button("Connect", within=card)
            window.told("Claude Code is connected")
            assert "/claude-code" in settings.read_text("utf-8")
            window.page.locator(card).get_by_role("button", name="Disconnect").wait_for()
            window.button("Disconnect", within=card)
            window.told("put back")
            assert settings.read_text("utf-8") == '{"model": "opus"}\n'
            did(window, "connect", "disconnect")
            window.context.close()


def test_a_group_is_founded_joined_and_left(chrome: Browser, tmp_path: Path) -> None:
    """Ada's browser and Ben's, each before a dashboard of its own; they hand strings to each other."""
    for who in ("ada", "ben", "cyd"):
        (tmp_path / who).mkdir()
    with started(tmp_path / "ada") as link, started(tmp_path / "ben") as other:
        ada, ben = Window.make(chrome), Window.make(chrome)
        ada.enter(link)
        ben.enter(other)

        ada.open("/group")
        ada.page.locator("#found-url").fill(str(tmp_path / "group"))
        ada.page.locator("#found-name").fill("team")
        ada.page.locator("#found-who").fill("ada")
        ada.button("Make the group")
        ada.told("The group is made")
        assert {one["role"] for one in members(tmp_path)} == {"owner", "member", "evolver"}
        did(ada, "found")

        ben.open("/group")
        ben.page.locator("#join-invite").fill(invite(ada, "ben"))
        ben.button("Join")
        ben.told("You asked to join as member")
        taken(tmp_path)
        assert "ben" in {one["name"] for one in members(tmp_path)}
        did(ben, "join")

        ben.open("/group/team")
        ben.page.locator("summary", has_text="Ask for another role").click()
        ben.page.locator("#ask-role").select_option("reviewer")
        ben.page.locator("#ask-name").fill("ben reviews")
        ben.button("Make a request for the owner")
        asked = ben.page.locator("#made").input_value()
        did(ben, "request-key")

        ada.open("/group/team")
        ada.page.locator("#admit-request").fill(asked)
        ada.page.get_by_role("button", name="Look at it").click()
        ada.page.get_by_text("ben reviews").wait_for()
        ada.button("Admit")
        ada.told("is admitted as reviewer")
        assert ("ben reviews", "reviewer") in {(one["name"], one["role"]) for one in members(tmp_path)}
        did(ada, "admit")

        sc(tmp_path, "cyd", "hub", "join", invite(ada, "cyd"))
        taken(tmp_path)
        ada.open("/group/team")
        row = ada.page.locator("#members tr", has_text="cyd")
        row.locator("summary").click()
        row.get_by_label("I am sure").check()
        ada.button("Revoke cyd")
        ada.told("cyd is revoked")
        (cyd,) = [one for one in members(tmp_path) if one["name"] == "cyd"]
        assert cyd["state"] == "revoked"
        did(ada, "revoke-key")

        ben.open("/group/team")
        ben.page.locator("summary", has_text="Leave the group").click()
        ben.page.locator("form[action$='/leave']").get_by_label("I am sure").check()
        ben.button("Leave")
        ben.told()
        taken(tmp_path)
        assert {one["state"] for one in members(tmp_path) if one["name"].startswith("ben")} == {"left"}
        did(ben, "leave-group")
        ada.context.close()
        ben.context.close()


def members(place: Path) -> list[dict[str, str]]:
    """The group's keys as `hub members` lists them on Ada's machine."""
    found: list[dict[str, str]] = sc(place, "ada", "hub", "members")["members"]
    return found


def invite(window: Window, name: str) -> str:
    """An invite that the owner's page shows once."""
    window.open("/group/team")
    window.page.locator("#invite-name").fill(name)
    window.button("Make an invite")
    window.page.locator("#made").wait_for()
    return window.page.locator("#made").input_value()
