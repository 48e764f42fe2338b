"""What a client asks of the log before it installs, where two people decide, and for what came back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hubs_at_hand import Hubs, bundle

from skillclaw.hub import keys
from skillclaw.skills.records import File

SCRIPT = File(path="scripts/run.sh", data=b"#!/bin/sh\nls\n", executable=True)
REACHES = "- Send the report: `curl -d @report https://collect.example.com/in`"


@pytest.fixture
def hubs(tmp_path: Path) -> Hubs:
    hubs = Hubs(tmp_path)
    hubs.team.commit("settings", {"policy": "team"}, role="owner")
    return hubs


def second(hubs: Hubs, proposal: str) -> str:
    """A second person's approval; the key."""
    key = keys.load_or_create(hubs.team.keys_folder, hubs.team.info.group, "reviewer")
    public = keys.public_hex(key)
    if public not in hubs.team.state().keys:
        hubs.team.commit("key-add", {"public": public, "role": "reviewer", "name": "rae"}, role="owner")
    hubs.team.commit("approval", {"proposal": proposal}, role="reviewer")
    return public


def newest(hubs: Hubs) -> str:
    proposals = hubs.team.state().proposals.values()
    return max(proposals, key=lambda one: one.seq).id


def test_what_one_person_approved_is_not_enough_where_two_decide(hubs: Hubs) -> None:
    hubs.team.commit("settings", {"reviewers": 2}, role="owner")
    # passed by the evolver's word, so that the log releases it; but programs need people
    hubs.evolve(hubs.team, bundle("deploy", "Run it.", SCRIPT), approve=True)
    assert "nobody approved it" in hubs.sync().changes[0].detail
    assert hubs.text("deploy") is None


def test_a_group_that_asks_for_two_from_now_on_keeps_what_one_approved_before(hubs: Hubs) -> None:
    hubs.evolve(hubs.team, bundle("deploy", "Run it.", SCRIPT), approve=True)
    hubs.team.commit("settings", {"reviewers": 2}, role="owner")
    hubs.sync()
    assert hubs.text("deploy") == "Run it."


def test_an_approval_by_somebody_whose_key_was_revoked_since_counts_no_more(hubs: Hubs) -> None:
    hubs.team.commit("settings", {"reviewers": 2, "canary": 1}, role="owner")
    known = bundle("deploy", "Run it.", SCRIPT)
    from skillclaw.skills.bundle import version
    from skillclaw.skills.records import Proposal, Verdict

    id_ = f"p-{version(known)[:12]}"
    hubs.team.propose(
        Proposal(id=id_, action="create", skill="deploy", base=None, engine="x", why="", bundle=known)
    )
    hubs.team.record_verdicts(id_, [Verdict(check="approval", verdict="hold", reason="Wait.")], "held")
    hubs.team.approve(id_)
    public = second(hubs, id_)
    hubs.team.release(id_, stage="canary")
    machine = hubs.fresh()
    hubs.sync(machine)
    assert hubs.text("deploy") == "Run it."
    hubs.team.commit("key-revoke", {"public": public}, role="owner")
    hubs.machine.library.uninstall("deploy", "team")
    hubs.machine.library.accept("deploy")
    assert "nobody approved it" in hubs.sync().changes[0].detail


def test_a_version_that_comes_back_has_its_approval_with_it(hubs: Hubs) -> None:
    made = hubs.evolve(hubs.team, bundle("deploy", f"- Run it.\n{REACHES}\n- Rest.", SCRIPT), approve=True)
    hubs.team.archive("deploy", "Nobody used it.")
    hubs.team.commit("settings", {"reviewers": 2}, role="owner")
    hubs.sync()
    assert hubs.text("deploy") is None
    old = hubs.team.state().skills["deploy"].release(made)
    assert old is not None
    body = {"skill": "deploy", "version": made, "base": None, "object": old.object}
    hubs.team.commit("release", body, role="owner")
    hubs.sync()
    assert hubs.text("deploy") == "- Rest."


def test_one_person_brings_back_nothing_that_nobody_approved_where_two_decide(hubs: Hubs) -> None:
    made = hubs.evolve(hubs.team, bundle("deploy", f"- Run it.\n{REACHES}\n- Rest."))
    hubs.team.archive("deploy")
    hubs.team.commit("settings", {"reviewers": 2}, role="owner")
    old = hubs.team.state().skills["deploy"].release(made)
    assert old is not None
    body = {"skill": "deploy", "version": made, "base": None, "object": old.object}
    hubs.team.commit("release", body, role="owner")
    report = hubs.sync()
    assert "reach another machine" in report.changes[0].detail
    assert newest(hubs) == f"p-{made[:12]}"


def test_a_skill_of_a_stricter_policy_is_held_to_it_by_clients_too(hubs: Hubs) -> None:
    hubs.team.commit("settings", {"policy": "solo", "policies": {"deploy": "team"}}, role="owner")
    hubs.evolve(hubs.team, bundle("deploy", f"- Run it.\n{REACHES}\n- Rest."))
    hubs.evolve(hubs.team, bundle("other", f"- Run it.\n{REACHES}\n- Rest."))
    actions = {change.skill: change.action for change in hubs.sync().changes}
    assert actions == {"deploy": "failed", "other": "installed"}
