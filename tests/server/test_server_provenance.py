"""`skills verify`: every link from a released line to the session that a member signed, and forged ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from team import found, hub, joined, machine, sc, state
from test_server_group_cycle import RECOVERY, worked

from skillclaw.errors import BadInputError, VerifyError
from skillclaw.hub import log
from skillclaw.hub.sealed import list_sessions
from skillclaw.server.review.provenance import Chain, verify_skill
from skillclaw.skills.records import Proposal, Sidecar

pytestmark = pytest.mark.live


@pytest.fixture
def team(tmp_path: Path) -> Path:
    found(tmp_path)
    for who in ("bob", "cyd"):
        joined(tmp_path, who)
        worked(tmp_path, who, 1, 2)
    (released,) = sc(tmp_path, "ada", "evolve", "--hub", "team")["released"]
    assert released["skill"] == "install-httpie"
    return tmp_path


def verified(team: Path, who: str = "ada", *more: str) -> dict[str, Any]:
    told: dict[str, Any] = sc(team, who, "skills", "verify", "install-httpie", *more)
    return told


def broken(team: Path) -> Chain:
    """The chain on the evolver's machine, where the command ends with an error."""
    with pytest.raises(VerifyError, match="provenance"):
        verified(team)
    chain = verify_skill(machine(team, "ada"), "install-httpie")
    assert chain.status == "broken"
    return chain


def whys(chain: Chain) -> set[str]:
    links = [*chain.links, *(link for line in chain.lines for link in line.sessions)]
    return {link.why for link in links if link.status == "broken"}


def released_sidecar(team: Path) -> tuple[str, Sidecar]:
    skill = state(team).skills["install-httpie"]
    release = skill.release(skill.current or "")
    assert release is not None and release.sidecar is not None
    return release.sidecar, msgspec.json.decode(hub(team).get_object(release.sidecar), type=Sidecar)


def test_the_evolvers_machine_verifies_every_link(team: Path) -> None:
    told = verified(team)
    assert told["status"] == "verified"
    assert [link["link"] for link in told["links"]] == ["release", "files", "sidecar", "proposal"]
    cited = {link["of"] for line in told["lines"] for link in line["sessions"]}
    assert len(cited) == 4 and all(line["sessions"] for line in told["lines"])
    # nothing of what was said or done in a session is told, but the released lines themselves
    rest = str([line["sessions"] for line in told["lines"]]) + str(told["links"])
    assert "httpie please" not in rest and RECOVERY[2].output not in rest
    line = told["lines"][0]["item"]
    assert [one["item"] for one in verified(team, "ada", "--line", line)["lines"]] == [line]
    with pytest.raises(BadInputError, match="no line"):
        verified(team, "ada", "--line", "0000")


def test_a_member_verifies_what_it_can_and_is_told_what_it_cannot(team: Path) -> None:
    told = verified(team, "bob")
    assert told["status"] == "not here"
    assert {link["status"] for link in told["links"]} == {"verified"}
    sessions = [link for line in told["lines"] for link in line["sessions"]]
    assert {link["status"] for link in sessions} == {"not here"}
    # what the release publishes of a session tells nobody whose it is, or where it lies
    name, sidecar = released_sidecar(team)
    text = hub(team).get_object(name).decode()
    members = [key.public for key in state(team).keys.values()]
    places = [one.rsplit("/", 1)[1] for one in list_sessions(hub(team))]
    assert len(sidecar.receipts) == 4
    assert not [one for one in (*members, *places) if one in text]


def test_a_sidecar_whose_bytes_were_changed(team: Path) -> None:
    name, _ = released_sidecar(team)
    (team / "group" / "objects" / name).write_bytes(b"{}")
    assert any("changed" in why for why in whys(broken(team)))


def forged(team: Path, change: Callable[[Sidecar], Sidecar]) -> None:
    """A release that the evolver's own key signed, whose evidence is not what was taken in."""
    desk = hub(team)
    skill = state(team).skills["install-httpie"]
    known = state(team).proposals[skill.releases[-1].proposal or ""]
    record = msgspec.json.decode(desk.get_object(known.object), type=Proposal)
    assert record.sidecar is not None and record.bundle is not None
    files = [msgspec.structs.replace(one, data=one.data + b"\n") for one in record.bundle.files]
    bundle = msgspec.structs.replace(record.bundle, files=files)
    version, _ = desk.put_bundle(bundle)
    sidecar = msgspec.structs.replace(change(record.sidecar), version=version)
    desk.propose(
        msgspec.structs.replace(
            record, id="forged", action="refine", base=skill.current, bundle=bundle, sidecar=sidecar
        )
    )
    desk.record_verdicts("forged", known.verdicts, "passed")
    desk.release("forged", "canary")


def citing(sidecar: Sidecar, **more: str) -> Sidecar:
    """The sidecar whose lines cite the same sessions, changed so."""
    items = [
        msgspec.structs.replace(
            item, evidence=[msgspec.structs.replace(ref, **more) for ref in item.evidence]
        )
        for item in sidecar.items
    ]
    return msgspec.structs.replace(sidecar, items=items)


def swapped(sidecar: Sidecar) -> Sidecar:
    """Each session with the receipt of another one."""
    names = sorted(sidecar.receipts)
    others = [sidecar.receipts[name] for name in (*names[1:], names[0])]
    return msgspec.structs.replace(sidecar, receipts=dict(zip(names, others, strict=True)))


FORGED: dict[str, tuple[Callable[[Sidecar], Sidecar], str]] = {
    "receipts that were made up": (
        lambda one: msgspec.structs.replace(one, receipts=dict.fromkeys(one.receipts, "0" * 64)),
        "fits no session",
    ),
    "receipts of other sessions": (swapped, "fits no session"),
    "another person": (lambda one: citing(one, user="m-0000000000000000"), "Another member"),
}


@pytest.mark.parametrize("how", FORGED)
def test_evidence_that_the_evolver_made_up(team: Path, how: str) -> None:
    change, why = FORGED[how]
    forged(team, change)
    told = whys(broken(team))
    assert len(told) == 1 and why in told.pop()


def test_a_session_that_was_never_there_is_not_verified(team: Path) -> None:
    forged(team, lambda one: citing(one, session="f" * 16))
    told = verified(team)
    assert told["status"] == "not here"
    assert {link["status"] for line in told["lines"] for link in line["sessions"]} == {"not here"}


def test_a_session_that_was_put_in_anothers_place(team: Path) -> None:
    first, second = list_sessions(hub(team))[:2]
    (team / "group" / first).write_bytes((team / "group" / second).read_bytes())
    assert len(whys(broken(team))) == 1


def test_sessions_that_the_group_keeps_no_longer_are_no_fault(team: Path) -> None:
    for name in list_sessions(hub(team)):
        (team / "group" / name).unlink()
    told = verified(team)
    assert told["status"] == "not here"
    assert {link["status"] for link in told["links"]} == {"verified"}


def test_a_log_whose_release_was_replaced_is_not_even_read(team: Path) -> None:
    seq = state(team).skills["install-httpie"].releases[-1].seq
    sc(team, "ada", "hub", "settings", "model", "none")
    place = team / "group" / log.key_of(seq)
    place.write_bytes(place.read_bytes().replace(b'"stage":"canary"', b'"stage":"stable"'))
    with pytest.raises(BadInputError, match="cut back or replaced"):
        verified(team)


def approvals(team: Path) -> list[tuple[str, str]]:
    links = verify_skill(machine(team, "ada"), "install-httpie").links
    return [(link.status, link.why) for link in links if link.link == "approval"]


def test_an_approval_is_told_only_while_it_counts(team: Path) -> None:
    joined(team, "rev", "--role", "reviewer")
    owner = hub(team)
    skill = owner.state().skills["install-httpie"]
    made = "again"
    known = state(team).proposals[skill.releases[-1].proposal or ""]
    record = msgspec.json.decode(owner.get_object(known.object), type=Proposal)
    owner.rollback("install-httpie", None)
    owner.propose(msgspec.structs.replace(record, id=made))
    owner.record_verdicts(made, [], "held")
    hub(team, "rev").approve(made)
    owner.release(made, "canary")
    assert approvals(team) == [("verified", "Approved by rev.")]
    (public,) = owner.state().proposals[made].approvals
    owner.commit("key-revoke", {"public": public}, role="owner")
    ((status, why),) = approvals(team)
    assert status == "not here" and why.startswith("An approval by rev does not count")
