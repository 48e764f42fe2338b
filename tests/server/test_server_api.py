"""The evolve server's HTTP API, over a real hub and a real service."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from api_house import LINES, House, again, house
from team import home
from watched import OWN, queries, samples

from skillclaw.skills.items import item_id


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("api")) as made:
        yield made


def test_the_server_and_its_groups(at: House) -> None:
    status = at.get("status")
    assert (status["state"], status["paused"], status["engine"]) == ("running", True, "extractive")
    page = at.get("groups")
    assert [one["hub"] for one in page["items"]] == ["team"] and page["next"] is None
    assert at.get("groups/team")["group"] == at.hub.info.group
    assert at.post("groups/team/resume") == {"hub": "team", "paused": False}
    assert at.get("groups/team")["state"] == "paused"  # since all are
    assert at.post("groups/team/pause") == {"hub": "team", "paused": True}
    assert at.post("pause") == {"hub": None, "paused": True}


def test_a_proposal_is_shown_approved_explained_and_rolled_back(at: House) -> None:
    first = at.propose(1)
    (row,) = at.get("groups/team/proposals?status=held&skill=pip-venv")["items"]
    assert (row["id"], row["status"]) == (first, "held")
    assert row["why_not"] == ["approval: It waits for a reviewer."]
    shown = at.get(f"groups/team/proposals/{first}")
    assert f"+- {LINES['condition']}" in shown["diff"]["text"] and not shown["diff"]["cut"]
    assert [(one["sessions"], one["users"], one["odds_ratio"]) for one in shown["items"]] == [(6, 3, 4.5)] * 2
    assert shown["decide"] == {"approve": True, "reject": True, "why_not": ""}
    done = at.post(f"groups/team/proposals/{first}/approve", {"note": "good"})
    assert done["status"] == "released" and done["needs"] == ""
    (approval,) = done["approved_by"]
    assert (approval["role"], approval["note"], approval["counts"]) == ("owner", "good", True)
    version = done["version"]
    assert at.hub.state().skills["pip-venv"].current == version

    refused = at.ask("POST", f"/api/v1/groups/team/proposals/{first}/approve")
    assert refused.status == 409 and refused.json["what"].endswith("is released, so it cannot be approved.")

    (skill,) = at.get("groups/team/skills")["items"]
    assert (skill["name"], skill["current"], skill["pinned"]) == ("pip-venv", version, False)
    text = at.get("groups/team/skills/pip-venv")["text"].splitlines()
    line = text.index(f"- {LINES['condition']}") + 1
    why = at.get(f"groups/team/skills/pip-venv/lines/{line}/why")
    assert (why["line"], why["item"]["sessions"], why["item"]["users"]) == (line, 6, 3)
    assert (why["item"]["helpful"], why["item"]["harmful"]) == (5, 1)
    assert [(one["id"], one["title"]) for one in why["patterns"]] == [("p1", None)]  # no cycle found it here
    origin = why["origin"]
    assert (origin["proposal"], origin["engine"], origin["why"]) == (
        first,
        "extractive",
        "Six sessions of three people met it.",
    )
    assert [one["role"] for one in origin["approved_by"]] == ["owner"]
    item = item_id("pip-venv", "condition", LINES["condition"])
    assert at.get(f"groups/team/skills/pip-venv/items/{item}/why") == why
    assert at.ask("GET", "/api/v1/groups/team/skills/pip-venv/lines/5/why").status == 404  # an empty line
    assert at.get("groups/team/skills/pip-venv/lines/2/why")["item"]["section"] == "description"

    second = at.propose(2, "Then use `.venv/bin/pip`.", base=version)
    change = at.get(f"groups/team/proposals/{second}")["diff"]["text"]
    assert (
        "+2. Then use `.venv/bin/pip`." in change and f"- {LINES['condition']}" not in change.split("@@")[0]
    )
    at.post(f"groups/team/proposals/{second}/approve")
    # a line that was there before was decided then; the new one has no evidence: a person's
    assert at.get(f"groups/team/skills/pip-venv/lines/{line}/why")["origin"]["proposal"] == first
    text = at.get("groups/team/skills/pip-venv")["text"].splitlines()
    new = at.get(f"groups/team/skills/pip-venv/lines/{text.index('2. Then use `.venv/bin/pip`.') + 1}/why")
    assert new["item"]["sessions"] == 0 and new["origin"]["version"] != version

    log = at.get("groups/team/skills/pip-venv/log?limit=1")
    assert [(one["proposal"], one["current"]) for one in log["items"]] == [(second, True)]
    older = at.get(f"groups/team/skills/pip-venv/log?limit=1&after={log['next']}")
    assert [one["proposal"] for one in older["items"]] == [first] and older["next"] is None
    (released,) = older["items"][0]["told"]
    assert released["what"] == "release" and "(owner: good)" in released["text"]
    assert older["items"][0]["share"] == 0.5

    now = at.get("groups/team/skills/pip-venv")["current"]
    ask = {"current": now, "why": "We use uv."}
    back = at.post("groups/team/skills/pip-venv/rollback", ask, Idempotency_Key="k1")
    assert back == {"skill": "pip-venv", "version": version}
    assert at.post("groups/team/skills/pip-venv/rollback", ask, Idempotency_Key="k1") == back  # once
    assert at.hub.state().skills["pip-venv"].current == version
    told = at.get("groups/team/skills/pip-venv/log")["items"][0]["told"][-1]
    assert (told["what"], told["why"], told["effect"]) == ("rollback", "We use uv.", None)
    with again(at) as later:
        assert later.post("groups/team/skills/pip-venv/rollback", ask, Idempotency_Key="k1") == back
    other = at.ask(
        "POST", "/api/v1/groups/team/skills/pip-venv/rollback", {}, headers={"Idempotency-Key": "k1"}
    )
    assert other.status == 409  # the key stands for another request
    stale = at.ask("POST", "/api/v1/groups/team/skills/pip-venv/rollback", ask)
    assert stale.status == 409 and at.hub.state().skills["pip-venv"].current == version

    assert at.post("groups/team/skills/pip-venv/pin", {"pinned": True})["pinned"] is True
    assert at.hub.state().skills["pip-venv"].pinned
    at.post("groups/team/skills/pip-venv/pin", {"pinned": False})


def test_a_rejection_keeps_its_note(at: House) -> None:
    id_ = at.propose(7, skill="other")
    done = at.post(f"groups/team/proposals/{id_}/reject", {"note": "We use uv."})
    assert done["status"] == "rejected" and done["verdicts"][-1]["reason"] == "We use uv."
    assert at.post(f"groups/team/proposals/{id_}/reject")["status"] == "rejected"


def test_two_people_approve_and_what_is_missing_is_told(at: House) -> None:
    at.hub.commit("settings", {"reviewers": 2}, role="owner")
    try:
        id_ = at.propose(11, skill="by-two")
        shown = at.get(f"groups/team/proposals/{id_}")
        assert (shown["policy"], shown["needs"].split(";")[0]) == ("team", "It needs 2 reviewers")
        assert [one["new"] for one in shown["items"]] == [True, True]
        done = at.post(f"groups/team/proposals/{id_}/approve", {"note": "fine by me"})
        assert (done["status"], done["needs"].split(";")[0]) == ("held", "It needs 1 more reviewer")
        assert (
            at.ask("POST", f"/api/v1/groups/team/proposals/{id_}/approve", {"note": "x" * 501}).status == 422
        )
    finally:
        at.hub.commit("settings", {"reviewers": None}, role="owner")
    done = at.post(f"groups/team/proposals/{id_}/approve")
    assert done["status"] == "released", "one is enough by now"
    assert [one["note"] for one in done["approved_by"]] == ["fine by me"]


def test_without_a_persons_key_the_server_decides_nothing(at: House) -> None:
    id_ = at.propose(9, skill="undecided")
    folder = home(at.place, "ada") / "keys"
    (key,) = folder.rglob("owner*")
    key.rename(at.place / "key")
    try:
        shown = at.get(f"groups/team/proposals/{id_}")["decide"]
        assert (shown["approve"], shown["reject"]) == (False, False) and "owner" in shown["why_not"]
        for path, body in (
            (f"proposals/{id_}/approve", None),
            (f"proposals/{id_}/reject", {"note": "no"}),
            ("skills/pip-venv/rollback", {}),
            ("skills/pip-venv/pin", {"pinned": True}),
        ):
            assert at.post(f"groups/team/{path}", body, 403)["what"]
    finally:
        (at.place / "key").rename(key)
    assert at.hub.state().proposals[id_].status == "held"


def test_a_proposal_that_is_too_large_to_compare_is_shown_without(at: House) -> None:
    id_ = at.propose(8, *("abcdefghij"[n % 10] for n in range(20_000)), skill="large")
    began = time.monotonic()
    shown = at.get(f"groups/team/proposals/{id_}")
    assert shown["diff"] == {"text": "", "cut": True} and shown["files"][0]["size"] > 100_000
    assert time.monotonic() - began < 5


def test_lists_are_given_in_parts(at: House) -> None:
    ids = [at.propose(100 + n, skill="many") for n in range(5)]
    seen: list[str] = []
    after = ""
    while True:
        page = at.get(f"groups/team/proposals?skill=many&limit=2{after}")
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == ids[::-1]


def test_metrics_and_health(at: House) -> None:
    assert at.ask("GET", "/metrics", headers={"Authorization": ""}).status == 401
    assert at.ask("GET", "/api/v1/status").status == 200
    text = at.ask("GET", "/metrics").body.decode()
    assert 'skillclaw_group_state{hub="team",state="paused"} 1.0' in text
    assert 'skillclaw_cycles_total{hub="team",outcome="done"} 0.0' in text
    assert 'skillclaw_api_refused_total{reason="token"}' in text
    assert 'skillclaw_api_requests_total{method="GET",route="server_status",status="200"}' in text
    asked = {one.name for query in queries() for one in query.selectors() if not OWN.fullmatch(one.name)}
    assert len(asked) > 15
    assert asked - samples(text).keys() == {"up"}, "alerts and dashboard ask for what it exports"
    bare = {"Authorization": ""}
    probed = at.ask("GET", "/healthz", headers=bare | {"Host": "10.1.2.3"})
    assert (probed.status, probed.json) == (200, {"ready": True, "checks": {}})
    ready = at.ask("GET", "/readyz", headers=bare)
    assert (ready.status, ready.json) == (200, {"ready": True, "checks": {}})
    told = at.ask("GET", "/readyz").json["checks"]
    assert told == {"scheduler": "", "disk": "", "provider": "", "hub team": ""}


def test_a_hub_that_is_gone_is_told(at: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at.app.api.ready, "fresh", 0.0)
    assert at.ask("GET", "/readyz").status == 200
    (at.place / "group").rename(at.place / "away")
    try:
        answer = at.ask("GET", "/api/v1/groups/team/skills")
        assert answer.status == 503 and set(answer.json) == {"what", "why", "todo"}
        assert answer.headers["retry-after"]
        ready = at.ask("GET", "/readyz")
        assert ready.status == 503 and "group" in ready.json["checks"]["hub team"]
        bare = at.ask("GET", "/readyz", headers={"Authorization": ""})
        assert bare.json == {"ready": False, "checks": {}}
    finally:
        (at.place / "away").rename(at.place / "group")
    assert at.ask("GET", "/readyz").status == 200


def test_methods_that_somebody_made_up_make_no_metrics(at: House) -> None:
    for number in range(20):
        assert at.ask(f"M{number}MADEUP", "/healthz", headers={"Authorization": ""}).status == 405
    text = at.ask("GET", "/metrics").body.decode()
    assert "MADEUP" not in text and 'method="other"' in text
