"""The hubs in the browser: members, invites, keys, settings, log, votes, spending; and who may do what."""

from __future__ import annotations

import ast
import re
import time
from itertools import pairwise
from pathlib import Path

import pytest
import team
from dashboard_house import Dash, Node, Page, Visitor, dashboard

from skillclaw.hub import log
from skillclaw.hub.kinds import BODIES
from skillclaw.server.groups.keys import request
from skillclaw.web.reading import told
from skillclaw.web.site.language import words

HOSTILE = "<script>alert(7)</script>{{7*7}}\u202e"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    team.found(tmp_path, "--policy", "team", "--model", "a model")
    return tmp_path


@pytest.fixture
def dash(place: Path):
    with dashboard(team.home(place, "ada"), {}) as one:
        yield one


def form(page: Page, where: str, **fields: str) -> Node:
    """The form that acts there."""
    found = [
        one
        for one in page.html.find("form")
        if one.attrs.get("action", "").endswith(where)
        and all(
            any(i.attrs.get("value") == value for i in one.find("input", name=name))
            for name, value in fields.items()
        )
    ]
    assert found, where
    return found[0]


def rows(page: Page) -> list[str]:
    return [one.text for one in page.html.one("table", id="members").one("tbody").find("tr")]


def entries(page: Page) -> list[str]:
    return [one.text for one in page.html.one("ol", cls="log").find("li")]


def test_every_hub_is_listed_with_what_one_is_there(dash: Dash) -> None:
    page = dash.visitor().get("/group")
    assert [one.text for one in page.html.find("h3")] == ["Your own hub", "team"]
    assert "You are owner" in page.text


def test_members_stand_with_role_day_and_whether_they_count(place: Path, dash: Dash) -> None:
    team.joined(place, "ben")
    text = team.invited(place, "", "--uses", "5")
    team.sc(place, "cleo", "hub", "join", text, "--as", HOSTILE)
    team.taken(place)
    dash.app.site.house.fresh()
    page = dash.visitor().get("/group/team")
    known = rows(page)
    assert any(re.search(r"^ada this machine member \d{4}-\d\d-\d\d \d\d:\d\d in full", one) for one in known)
    assert any(one.startswith("ben member") and "in full" in one for one in known)
    assert any("new: half" in one and "alert(7)" in one for one in known)
    assert "<script>alert" not in page.body
    assert "49" not in next(one for one in known if "alert(7)" in one).split("member")[0]
    assert "[U+202E]" in page.body


def test_an_invite_is_shown_once_and_lets_somebody_join(place: Path, dash: Dash) -> None:
    visitor = dash.visitor()
    page = visitor.submit(form(visitor.get("/group/team"), "/invite"), role="reviewer", name="dora", days="3")
    text = page.html.one("textarea", id="made").text
    assert text.startswith("skillclaw-invite")
    assert "reviewer" in page.text
    again = visitor.get(page.url)
    assert again.status == 400
    assert text not in again.body
    assert text not in visitor.get("/group/team").body
    assert "dora" in visitor.get("/group/team").html.one("section", id="invites").text
    joined = team.sc(place, "dora", "hub", "join", text)
    assert joined["role"] == "reviewer"


def test_the_machine_that_evolves_for_a_group_is_offered_its_cycle(dash: Dash) -> None:
    visitor = dash.visitor()
    page = visitor.submit(form(visitor.get("/group/team"), "/jobs/evolve/begin"))
    assert page.told == "Begun: skillclaw evolve --hub team"
    assert "skillclaw evolve --hub team" in page.html.one("section", id="jobs").text
    own = visitor.get("/group/personal").html
    assert not [one for one in own.find("form") if "/jobs/evolve/" in one.attrs.get("action", "")]


def test_an_invite_is_no_other_browser_s(dash: Dash) -> None:
    one, two = dash.visitor(), dash.visitor()
    answer = one.ask(
        "POST", f"{dash.base}/group/team/invite", f"csrf={one.csrf()}&role=member&days=7&uses=1".encode()
    )
    assert answer.status == 303
    where = answer.headers["location"]
    assert "skillclaw-invite" not in where
    assert "skillclaw-invite" not in two.get(where).body
    assert "skillclaw-invite" in one.get(where).body


def test_an_invite_is_withdrawn(place: Path, dash: Dash) -> None:
    team.invited(place, "eve")
    dash.app.site.house.fresh()
    visitor = dash.visitor()
    page = visitor.submit(form(visitor.get("/group/team"), "/uninvite"))
    assert "nobody joins with it any more" in page.told
    assert "No invite is open." in page.text
    assert "withdrew the invite" in entries(page)[0]


def test_wrong_numbers_make_no_invite(place: Path, dash: Dash) -> None:
    visitor = dash.visitor()
    before = team.state(place).seq
    for fields in ({"days": "0"}, {"days": "x"}, {"uses": "1001"}, {"role": "owner"}, {"role": HOSTILE}):
        page = visitor.post("/group/team/invite", {"role": "member", "days": "7", "uses": "1"} | fields)
        assert page.html.find("div", cls="wrong")
    assert team.state(place).seq == before


def test_a_request_is_looked_at_and_admitted(place: Path, dash: Dash) -> None:
    team.joined(place, "ben")
    text = request(team.machine(place, "ben"), "team", "reviewer", "ben the reviewer").request
    visitor = dash.visitor()
    page = visitor.get("/group/team/admit", request=text)
    assert "ben the reviewer" in page.text
    assert "reviewer" in page.text
    page = visitor.submit(form(page, "/admit"))
    assert "is admitted as reviewer" in page.told
    assert any(one.startswith("ben the reviewer reviewer") for one in rows(page))
    assert "admitted ben the reviewer as reviewer" in entries(page)[0]
    assert visitor.get("/group/team/admit", request="nonsense").status in (400, 404)


def test_a_member_is_revoked_when_one_is_sure(place: Path, dash: Dash) -> None:
    team.joined(place, "ben")
    dash.app.site.house.fresh()
    visitor = dash.visitor()
    key = next(one.public for one in team.state(place).keys.values() if one.name == "ben")
    page = visitor.get("/group/team")
    assert "Nothing was revoked" in visitor.submit(form(page, "/revoke", key=key)).told
    page = visitor.submit(form(page, "/revoke", key=key), sure="1")
    assert "ben is revoked" in page.told
    assert team.state(place).keys[key].revoked
    assert not any(one.startswith("ben") for one in rows(page))
    assert "1 former key" in page.text


def test_the_owner_changes_settings_and_wrong_values_change_nothing(place: Path, dash: Dash) -> None:
    visitor = dash.visitor()
    page = visitor.get("/group/team")
    page = visitor.submit(form(page, "/set", key="policy"), value="strict")
    assert "The group's policy is changed." in page.told
    page = visitor.submit(form(page, "/set", key="votes"), value='{"needed": 2, "voters": 4}')
    page = visitor.submit(form(page, "/set", key="canary"), value="0.25")
    found = team.state(place).settings
    assert (found["policy"], found["canary"]) == ("strict", 0.25)
    assert found["votes"] == {"needed": 2, "voters": 4}
    for key, value in (("canary", "0"), ("votes", "yes"), ("no-such", "1"), ("push", "1"), ("policy", "")):
        assert visitor.post("/group/team/set", {"key": key, "value": value}).html.find("div", cls="wrong")
    visitor.post("/group/team/set", {"key": "canary", "value": "0.25", "unset": "1"})
    assert "canary" not in team.state(place).settings
    assert team.state(place).settings["policy"] == "strict"
    assert "votes = " in " ".join(entries(visitor.get("/group/team")))


def test_a_member_sees_all_of_it_and_changes_nothing(place: Path) -> None:
    team.joined(place, "ben")
    before = team.state(place).seq
    key = next(one.public for one in team.state(place).keys.values() if one.name == "ada")
    with dashboard(team.home(place, "ben"), {}) as dash:
        visitor = dash.visitor()
        page = visitor.get("/group/team")
        assert "You are member" in page.text
        assert "Only the group's owner invites" in page.text
        assert "Only the owner can change them." in page.text
        for part in ("/invite", "/uninvite", "/revoke", "/set", "/admit"):
            assert not [one for one in page.html.find("form") if one.attrs.get("action", "").endswith(part)]
        for route, fields in (
            ("invite", {"role": "member", "days": "7", "uses": "1"}),
            ("revoke", {"key": key, "sure": "1"}),
            ("set", {"key": "policy", "value": "strict"}),
        ):
            answer = visitor.post(f"/group/team/{route}", fields)
            assert "may not sign as owner" in answer.told, route
    assert team.state(place).seq == before


def test_the_log_is_told_newest_first_in_parts_and_what_is_void_is_marked(place: Path, dash: Dash) -> None:
    hub = team.hub(place)
    for number in range(30):
        hub.commit("settings", {"canary": 0.1 + number / 100}, role="owner")
    seq = hub.state().seq
    # what somebody puts into the storage who has no key
    data = hub.store.get(log.key_of(seq), log.MAX_COMMIT)
    assert data is not None
    assert hub.store.create(log.key_of(seq + 1), data.replace(b'"canary"', b'"policy"'))
    hub.commit("settings", {"canary": 0.9}, role="owner")
    dash.app.site.house.fresh()
    visitor = dash.visitor()
    page = visitor.get("/group/team")
    lines = page.html.one("ol", cls="log").find("li")
    assert [int(one.attrs["value"]) for one in lines] == list(range(seq + 2, seq - 23, -1))
    assert "canary = 0.9" in lines[0].text
    assert "void: it does not count" in lines[1].text
    assert all("void" not in one.text for one in lines[2:])
    older = page.html.one("a", rel="next").attrs["href"].partition("#")[0]
    path, _, query = older.partition("?")
    page = visitor.get(path, **dict([query.split("=")]))
    lines = page.html.one("ol", cls="log").find("li")
    assert int(lines[-1].attrs["value"]) == 1
    assert all("void" not in one.text for one in lines)
    with dashboard(dash.home, {}) as fresh:  # which has to walk there first
        again = fresh.visitor().get("/group/team", upto=query.split("=")[1])
        assert entries(again) == entries(page)


def test_the_whole_log_is_checked_by_a_button(place: Path) -> None:
    with dashboard(team.home(place, "ada")) as dash:
        visitor = dash.visitor()
        visitor.submit(form(visitor.get("/group/team"), "/jobs/verify/begin"))
        until = time.monotonic() + 40
        while dash.app.site.house.jobs.running() and time.monotonic() < until:
            time.sleep(0.1)
        page = visitor.get("/group/team")
        assert "Every entry and every object held at" in page.text
        assert "verified" in page.text


def test_a_group_is_made_and_joined_in_the_browser(tmp_path: Path) -> None:
    for who in ("ada", "ben"):
        (tmp_path / who).mkdir()
    with dashboard(team.home(tmp_path, "ada"), {}) as dash:
        visitor = dash.visitor()
        page = visitor.get("/group")
        assert "You are alone so far." in page.text
        page = visitor.submit(
            form(page, "/group/found"), url=str(tmp_path / "group"), name="team", policy="strict", evolver="1"
        )
        assert "The group is made" in page.told
        assert "You are owner" in page.text
        made = visitor.submit(form(page, "/invite"), name="ben", role="member")
        text = made.html.one("textarea", id="made").text
    with dashboard(team.home(tmp_path, "ben"), {}) as dash:
        visitor = dash.visitor()
        page = visitor.submit(form(visitor.get("/group"), "/group/join"), invite=text)
        assert "You asked to join as member" in page.told
        assert "Who alone can read what members share: evolver" in page.told
        assert "Nothing of yours is shared until you allow it." in page.told
        team.taken(tmp_path)
        dash.app.site.house.fresh()
        page = visitor.get("/group/team")
        assert "You are member" in page.text
        assert text not in page.body
        page = visitor.submit(form(page, "/leave"), sure="1")
        assert "waits until a machine that may write the log" in page.told
        page = visitor.post("/group/join", {"invite": "skillclaw-invite-nonsense"})
        assert page.html.find("div", cls="wrong")


def test_keys_that_are_secret_are_on_no_page(place: Path, dash: Dash) -> None:
    secrets = [path.read_text().strip() for path in (dash.home / "keys").rglob("*") if path.is_file()]
    assert len(secrets) >= 3
    visitor: Visitor = dash.visitor()
    for page in (
        visitor.get("/group"),
        visitor.get("/group/team"),
        visitor.get("/group/personal"),
        visitor.get("/"),
    ):
        assert page.status == 200
        assert not [one for one in secrets if len(one) > 20 and one in page.body]


def test_in_chinese_and_an_unknown_hub(dash: Dash) -> None:
    visitor = dash.visitor(language="zh-CN")
    page = visitor.get("/group/team")
    for text in ("成员与密钥", "团队设置", "任务与投票", "预算与花费", "准入 ada 为成员"):
        assert text in page.text
    assert visitor.get("/group/nobody").status == 400
    levels = [int(one) for one in re.findall(r"<h([1-6])", page.body)]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_kind_of_entry_is_told_in_both_languages() -> None:
    tree = ast.parse(Path(told.__file__).read_text("utf-8"))
    assert set(told._KINDS) == set(BODIES)
    texts = {
        one.value
        for one in ast.walk(tree)
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and "{" in one.value
    } - {"{kind}"}
    assert len(texts) >= 20
    assert sorted(texts - set(words("zh"))) == []
