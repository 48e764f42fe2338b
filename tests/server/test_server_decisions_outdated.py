"""A proposal whose skill is another by now: nobody can release it, so nobody approves it, and it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from hubs_at_hand import Hubs, bundle
from team import machine, printed, sc
from test_server_forget_skills import NAME, learned

from skillclaw.errors import BadInputError
from skillclaw.evolve.settle import end_outdated
from skillclaw.evolve.tried import tried
from skillclaw.hub import Hub
from skillclaw.hub.approval import OUTDATED
from skillclaw.server.review import decisions
from skillclaw.server.review.reviewing import needs
from skillclaw.skills.records import Proposal, Verdict

HELD = [Verdict(check="approval", verdict="hold", reason="It brings files that a machine runs.")]


def waits(hub: Hub, status: str = "held") -> str:
    """A change of the current `deploy`; its id."""
    base = hub.state().skills["deploy"].current
    changed = bundle("deploy", "- Run it slowly.")
    proposal = Proposal(
        id=f"p-{status}", action="refine", skill="deploy", base=base, engine="x", why="", bundle=changed
    )
    hub.propose(proposal)
    hub.record_verdicts(proposal.id, HELD, status)
    return proposal.id


def status(hub: Hub, proposal: str) -> str:
    return hub.state().proposals[proposal].status


@pytest.fixture
def hubs(tmp_path: Path) -> Hubs:
    """A group with a skill `deploy`."""
    hubs = Hubs(tmp_path)
    hubs.team.commit("settings", {"policy": "team", "canary": 1}, role="owner")
    hubs.evolve(hubs.team, bundle("deploy", "- Run it."))
    return hubs


@pytest.mark.parametrize("how", ["held", "passed"])
def test_it_is_not_approved_and_says_why_and_the_next_cycle_ends_it(hubs: Hubs, how: str) -> None:
    hub = hubs.team
    proposal = waits(hub, how)
    hubs.evolve(hub, bundle("deploy", "- Run it twice."))
    with pytest.raises(BadInputError, match="is outdated, so it cannot be approved"):
        hub.approve(proposal)
    known = hub.state().proposals[proposal]
    assert (known.status, known.approvals) == (how, [])
    assert "deploy is another by now" in needs(hub.state(), known, "team")
    end_outdated(hub, fence=lambda: None)
    known = hub.state().proposals[proposal]
    assert (known.status, known.verdicts[0]) == ("rejected", HELD[0])
    assert known.verdicts[-1].reason == "deploy is another by now than the one that it was made for."
    assert tried(hub, hub.state(), None) == [], "the same may be proposed for what is current now"


def test_while_a_canary_may_be_rolled_back_it_waits(hubs: Hubs) -> None:
    hub = hubs.team
    proposal = waits(hub)
    second = bundle("deploy", "- Run it twice.")
    base = hub.state().skills["deploy"].current
    hub.propose(
        Proposal(id="p-2", action="refine", skill="deploy", base=base, engine="x", why="", bundle=second)
    )
    hub.record_verdicts("p-2", [Verdict(check="spec", verdict="pass", reason="Fine.")], "passed")
    hub.release("p-2", stage="canary")
    end_outdated(hub, fence=lambda: None)
    assert status(hub, proposal) == "held"
    hub.rollback("deploy")
    hub.approve(proposal)
    hub.release(proposal, stage="canary")
    assert status(hub, proposal) == "released"


def test_while_the_skill_is_archived_it_waits(hubs: Hubs) -> None:
    hub = hubs.team
    proposal = waits(hub)
    base = hub.state().proposals[proposal].base
    hub.archive("deploy")
    end_outdated(hub, fence=lambda: None)
    assert status(hub, proposal) == "held"
    old = hub.state().skills["deploy"].release(base or "")
    assert old is not None
    body = {"skill": "deploy", "version": base, "base": None, "object": old.object, "stage": "stable"}
    hub.commit("release", body, role="owner")
    hub.approve(proposal)
    hub.release(proposal, stage="canary")
    assert status(hub, proposal) == "released"


def test_what_ended_as_outdated_is_judged_anew_where_its_base_is_current_again(tmp_path: Path) -> None:
    steps = [Ran("npm test", 1, "Error: Cannot find module 'x'"), Ran("npm ci"), Ran("npm test", 0, "ok")]
    made = [session("u", n, "run the tests of this package", steps) for n in range(6)]
    (tmp_path / "ada").mkdir()
    sc(tmp_path, "ada", "import", str(write(tmp_path / "s.jsonl", made)))
    (first,) = sc(tmp_path, "ada", "evolve", "--dry-run")["proposals"]
    hub = machine(tmp_path, "ada").hub
    id_ = first["id"]
    hub.propose(
        Proposal(
            id=id_, action="create", skill="other", base=None, engine="x", why="", bundle=bundle("other", "x")
        )
    )
    hub.record_verdicts(id_, [Verdict(check=OUTDATED, verdict="reject", reason="It changed.")], "rejected")
    report = sc(tmp_path, "ada", "evolve")
    assert [(one["verdict"], one["id"] == id_) for one in report["proposals"]] == [("passed", False)]
    assert [one["skill"] for one in report["released"]] == [first["skill"]]
    assert sc(tmp_path, "ada", "evolve")["released"] == []


def test_by_the_commands(tmp_path: Path) -> None:
    file = learned(tmp_path)
    text = file.read_text("utf-8")
    made = []
    for line in ("Keep the ledger tidy.", "Ask Bob about page 3."):
        file.write_text(f"{text}\n## House rules\n\n- {line}\n", "utf-8")
        made.append(sc(tmp_path, "ada", "skills", "propose", NAME)["proposal"])
    sc(tmp_path, "ada", "proposals", "approve", made[1])
    with pytest.raises(BadInputError, match="outdated"):
        decisions.approve(machine(tmp_path, "ada"), made[0])
    assert "It is outdated" in printed(tmp_path, "ada", "proposals", "show", made[0])
    sc(tmp_path, "ada", "evolve")
    told = sc(tmp_path, "ada", "proposals", "list")
    assert {one["id"]: one["status"] for one in told}[made[0]] == "rejected"
