"""The pages and the commands say the same of one machine: its skills, proposals, sessions, sharing, group."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cli import skillclaw
from dashboard_house import Node, Visitor, dashboard
from home_data import busy_home
from hubs_at_hand import Hubs
from skills_house import deploy, used

from skillclaw.skills.records import Verdict


class House(NamedTuple):
    hubs: Hubs
    visitor: Visitor

    def cli(self, *args: str) -> Any:
        """What the command says, as JSON."""
        done = skillclaw(*args, "--json", home=self.hubs.home, environ=self.hubs.environ)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    from api_house import proposal

    hubs = busy_home(tmp_path_factory.mktemp("truth"))
    deploy(hubs)
    used(hubs, "deploy", 5, read=2)
    own = hubs.machine.hub
    for number, status in ((1, "held"), (2, "held"), (3, "rejected")):
        made = proposal(number, skill=f"skill-{number}")
        own.propose(made)
        verdict = "hold" if status == "held" else "reject"
        own.record_verdicts(made.id, [Verdict(check="support", verdict=verdict, reason="Few.")], status)  # type: ignore[arg-type]
    with dashboard(hubs.machine.home, hubs.environ) as dash:
        yield House(hubs, dash.visitor())


def cells(row: Node) -> list[str]:
    return [one.text for one in row.find("td")]


def body(page: Node, **attrs: str) -> list[Node]:
    return page.one("table", **attrs).one("tbody").find("tr")


def test_the_list_of_skills(house: House) -> None:
    said = {one["name"]: one for one in house.cli("skills", "list")}
    shown = {
        row.one("th").find("a")[0].text: row for row in body(house.visitor.get("/skills").html, cls="skills")
    }
    assert set(shown) == set(said) == {"deploy", "run-tests", "team-skill"}
    for name, one in said.items():
        stage, effect, _, rests, here, _ = cells(shown[name])
        assert stage.startswith(one["stage"])
        assert effect == "not measured"
        wanted = f"{one['sessions']} sessions · {one['users']} people {' '.join(one['agents'])}"
        assert rests == (wanted if one["sessions"] else "no evidence")
        withheld = " withheld today, as a control" if one["arm"] == "control" else ""
        assert here == ("installed" if one["installed"] else f"no{withheld}")
        assert (one["hub"] == "team") == (" team" in shown[name].one("th").text)


def test_a_skill_with_its_lines_and_versions(house: House) -> None:
    page = house.visitor.get("/skills/personal/deploy").html
    lines = {one["item"]: one for one in house.cli("skills", "evidence", "deploy")}
    shown = {one.attrs["id"].removeprefix("line-"): one for one in page.find("article", cls="evidence")}
    assert set(shown) == set(lines)
    for id_, one in lines.items():
        assert one["text"] in shown[id_].text
        given = dict(
            zip(
                [term.text for term in shown[id_].find("dt")],
                [value.text for value in shown[id_].find("dd")],
                strict=True,
            )
        )
        if not one["sessions"]:
            assert not given
            continue
        assert given["Sessions"] == str(len(one["sessions"]))
        assert given["People"] == str(one["users"])
        assert (given["Helped"], given["Failed"]) == (str(one["helpful"]), str(one["harmful"]))
        low, high = one["ci"] or (0, 0)
        measured = f"{one['odds_ratio']} [{low}, {high}]"
        assert given["Odds ratio"] == (measured if one["odds_ratio"] is not None else "not measured")
        assert {code.text for code in shown[id_].find("code")} == {key[:12] for key in one["sessions"]}
    for one in house.cli("skills", "log", "deploy"):
        assert one["version"][:12] in page.one("main").text
        for told in one["told"]:
            assert told["text"] in page.one("main").text


def test_what_was_never_measured_is_no_number(house: House) -> None:
    page = house.visitor.get("/skills/personal/deploy").html
    assert "Effect not measured" in page.one("dl", cls="figures").text
    for html in (page, house.visitor.get("/skills").html):
        assert not html.find("svg", cls="interval")
        assert "points of success" not in html.one("main").text


def test_the_proposals(house: House) -> None:
    said = house.cli("proposals", "list")
    page = house.visitor.get("/proposals")
    ids = [
        re.search(r"/proposals/[^/]+/([^/?]+)", one.attrs["href"]) for one in page.html.find("a", data_row="")
    ]
    assert {found[1] for found in ids if found} == {one["id"] for one in said}
    count = Counter(one["status"] for one in said)
    assert count["held"] == 2
    for words in ("waiting (2)", f"released ({count['released']})", f"rejected ({count['rejected']})"):
        assert words in page.text
    assert "2 proposals need people" in house.visitor.get("/").text
    held = next(one for one in said if one["status"] == "held")
    one = house.cli("proposals", "show", held["id"])["state"]
    text = house.visitor.get(f"/proposals/personal/{held['id']}").text
    for verdict in one["verdicts"]:
        assert f"{verdict['check']} {verdict['verdict']} {verdict['reason']}" in text


def test_the_sessions(house: House) -> None:
    said = house.cli("sessions", "list")
    page = house.visitor.get("/sessions").html
    keys = [
        one.attrs["id"].removeprefix("s-") for one in page.find("a") if one.attrs.get("id", "")[:2] == "s-"
    ]
    assert keys == [one["id"] for one in said]
    count = Counter(one["outcome"] for one in said)
    wanted = f"{len(said)} sessions: {count['success']} succeeded, {count['failure']} failed, of "
    assert f"{wanted}{count['unknown']} it is not known." in page.one("main").text
    for row, one in zip(body(page, cls="sessions"), said, strict=True):
        when, _, agent, project, steps, outcome, _, shared = cells(row)
        assert when == one["started"][:16].replace("T", " ")
        assert (agent, project) == (one["agent"], one["project"] or "–")
        assert (steps, outcome) == (str(one["steps"]), one["outcome"])
        assert shared == ("yes" if one["shared"] else "no")
    home = house.visitor.get("/").html.one("dl", cls="figures").text
    assert f"{count['success'] + count['failure']} / {len(said)}" in home


def test_what_is_shared(house: House) -> None:
    said = house.cli("share", "status")
    page = house.visitor.get("/settings/sharing").html
    (hub,) = said["hubs"]
    assert f"{hub['sent']} sent, {hub['waiting']} waiting" in page.one("main").text
    rows = [cells(row)[:7] for row in body(page)]
    assert rows == [
        [
            one["hub"],
            one["agent"],
            one["project"] or "–",
            "yes" if one["allowed"] else "no",
            one["why"] or one["rule"],
            str(one["sessions"]),
            str(one["shared"]),
        ]
        for one in said["rows"]
    ]


def test_the_group(house: House) -> None:
    said = house.cli("hub", "members", "--hub", "team")["members"]
    page = house.visitor.get("/group/team").html
    rows = body(page, id="members")
    shown = {
        (row.one("code").attrs["title"], cells(row)[0], "this machine" in row.one("th").text) for row in rows
    }
    assert shown == {(one["key"], one["role"], one["here"]) for one in said}
    assert f"Keys that count {len(said)}" in page.one("dl", cls="figures").text
    assert f"Entries of the log {house.hubs.team.state().seq}" in page.one("dl", cls="figures").text


def test_every_page_says_of_which_zone_its_times_are(house: House) -> None:
    for path in ("/", "/skills", "/proposals", "/patterns", "/sessions", "/group/team", "/settings"):
        assert "Times are of the zone" in house.visitor.get(path).html.one("footer").text


def test_looking_changes_nothing(house: House) -> None:
    """Of what counts: settings, hubs, sessions, what is installed."""
    home: Path = house.hubs.machine.home
    paths = ["/", "/skills", "/proposals", "/patterns", "/sessions", "/group", "/group/team", "/settings"]
    paths += ["/skills/personal/deploy", "/skills/personal/deploy/edit", "/skills/personal/deploy/copies"]
    paths += ["/skills/personal/deploy/provenance", "/settings/sharing", "/settings/doctor", "/agents"]
    paths += [
        f"/sessions/0-success-0{part}" for part in ("", "/preview", "/preview.json", "/atif", "/forget")
    ]

    def marks() -> dict[str, bytes]:
        files = [one for one in home.rglob("*") if one.is_file()]
        apart = ("dashboard", "catalogue", "objects", "sessions.db", "library.lock", "identity")
        return {
            str(one): one.read_bytes()
            for one in files
            if not one.relative_to(home).parts[0].startswith(apart)
        }

    house.visitor.get("/group/team")
    before, cursor = marks(), house.hubs.machine.sessions.cursor()
    for path in paths:
        assert house.visitor.get(path).status == 200, path
    assert marks() == before
    assert house.hubs.machine.sessions.cursor() == cursor
