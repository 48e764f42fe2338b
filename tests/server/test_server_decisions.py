"""People's decisions on skills and proposals, as commits of the personal hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillclaw.errors import UsageError
from skillclaw.server.machine import Machine
from skillclaw.server.review import decisions
from skillclaw.skills.records import Bundle, File, Proposal, Verdict


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "home", {})


def bundle(text: str) -> Bundle:
    head = "---\nname: git\ndescription: How to git.\n---\n"
    return Bundle(name="git", files=[File(path="SKILL.md", data=f"{head}{text}\n".encode())])


def release(machine: Machine, text: str, base: str | None) -> str:
    made, name = machine.hub.put_bundle(bundle(text))
    body = {"skill": "git", "version": made, "base": base, "object": name, "stage": "stable"}
    machine.hub.commit("release", body, role="owner")
    return made


def current(machine: Machine) -> str | None:
    return machine.hub.state().skills["git"].current


def test_rollback_goes_to_the_version_before_then_to_none(machine: Machine) -> None:
    first = release(machine, "one", None)
    second = release(machine, "two", first)
    third = release(machine, "three", second)
    assert decisions.rollback(machine, "git", None) == second == current(machine)
    assert decisions.rollback(machine, "git", None) == first == current(machine)
    assert decisions.rollback(machine, "git", third[:12]) == third == current(machine)
    with pytest.raises(UsageError):
        decisions.rollback(machine, "git", third)
    decisions.rollback(machine, "git", first)
    assert decisions.rollback(machine, "git", None) is None
    with pytest.raises(UsageError):
        decisions.rollback(machine, "git", None)


@pytest.mark.parametrize("status", ["open", "rejected", "passed", "held"])
def test_only_what_is_held_can_be_approved(machine: Machine, status: str) -> None:
    proposal = Proposal(
        id="p1", action="create", skill="git", base=None, engine="x", why="", bundle=bundle("one")
    )
    machine.hub.propose(proposal)
    if status != "open":
        machine.hub.record_verdicts("p1", [Verdict(check="spec", verdict="pass", reason="Fine.")], status)
    if status == "held":
        done = decisions.approve(machine, "p")
        assert done.release is not None and done.release.version == current(machine)
        return
    with pytest.raises(UsageError, match=f"is {status}, so it cannot be approved"):
        decisions.approve(machine, "p")
    assert machine.hub.state().skills == {}
    assert machine.hub.state().proposals["p1"].approvals == []
