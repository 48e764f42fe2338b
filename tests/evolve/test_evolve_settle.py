"""What a cycle that was cut off while it released leaves to the next: released as decided, or left alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hub_logs import opened

from skillclaw.evolve.settle import finish
from skillclaw.hub import Hub
from skillclaw.skills.bundle import version
from skillclaw.skills.items import item_id
from skillclaw.skills.records import Bundle, File, Item, Proposal, Ref, Sidecar, Verdict

WAYS = ("git", "make", "npm")


def decided(hub: Hub, skill: str, text: str = "Run it.", base: str | None = None, engine: str = "llm") -> str:
    """A proposal that passed, with one line that rests on the session s-<skill>; its version."""
    head = f"---\nname: {skill}\ndescription: How to use {skill}.\n---\n"
    body = f"{head}\n# {skill}\n\n## Steps\n\n1. {text}\n".encode()
    bundle = Bundle(name=skill, files=[File(path="SKILL.md", data=body)])
    ref = Ref(session=f"s-{skill}", user="u", agent="codex", day="2026-11-01", steps=[2], success=True)
    line = Item(id=item_id(skill, "step", text), kind="step", section="Steps", text=text, evidence=[ref])
    made = version(bundle)
    proposal = Proposal(
        id=f"p-{skill}-{made[:8]}",
        action="refine" if base else "create",
        skill=skill,
        base=base,
        engine=engine,
        why="It helps.",
        bundle=bundle,
        sidecar=Sidecar(skill=skill, version=made, engine=engine, items=[line]),
    )
    hub.propose(proposal)
    hub.record_verdicts(proposal.id, [Verdict(check="spec", verdict="pass", reason="")], "passed")
    return made


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """A hub in whose log three proposals passed."""
    hub = opened(tmp_path)
    for skill in WAYS:
        decided(hub, skill)
    return hub


def ids(hub: Hub) -> dict[str, str]:
    return {one.skill: one.id for one in hub.state().proposals.values()}


def finished(hub: Hub, counts: Callable[[str], bool] = lambda session: True) -> Sequence[str]:
    done, aside = finish(hub, stage=lambda one: "stable", counts=counts, fence=lambda: None)
    assert aside == []
    return [one.skill for one in done]


def test_releases_that_were_begun_are_gone_on_with_once(hub: Hub) -> None:
    hub.release(ids(hub)["git"])
    assert finished(hub) == ["make", "npm"]
    assert {name for name, skill in hub.state().skills.items() if skill.current} == set(WAYS)
    assert finished(hub) == []
    assert hub.verify() == []


def test_what_no_release_follows_is_left_to_the_cycle(hub: Hub) -> None:
    assert finished(hub) == []
    assert hub.state().skills == {}


def test_what_rests_on_a_session_that_was_taken_back_is_not_released(hub: Hub) -> None:
    hub.release(ids(hub)["git"])
    assert finished(hub, lambda session: session != "s-make") == ["npm"]
    assert "make" not in hub.state().skills


def test_a_skill_that_changed_since_or_was_pinned_is_left_alone(hub: Hub) -> None:
    names = ids(hub)
    first = hub.release(names["git"]).version
    second = decided(hub, "git", "Run it twice.", first)
    late = decided(hub, "git", "Run it thrice.", first)
    hub.release(f"p-git-{second[:8]}")
    hub.rollback("git", first)  # the base of `late` is current again, and people went back to it
    hub.release(names["make"])
    made = hub.state().skills["make"].current
    assert made is not None
    decided(hub, "make", "Run it twice.", made)
    hub.commit("pin", {"skill": "make", "pinned": True}, role="owner")
    hub.release(names["npm"])
    assert finished(hub) == []
    assert hub.state().skills["git"].current == first != late
    assert hub.state().skills["make"].current == made


def test_what_a_person_proposed_is_not_the_cycles(hub: Hub) -> None:
    decided(hub, "pip", engine="person")
    hub.release(ids(hub)["git"])
    assert finished(hub) == ["make", "npm"]


def test_one_whose_text_is_lost_or_changed_holds_up_none_of_the_others(hub: Hub) -> None:
    known = {one.skill: one for one in hub.state().proposals.values()}
    hub.release(known["git"].id)
    lost, torn = (objects(hub) / known[skill].object for skill in ("make", "npm"))
    whole = lost.read_bytes(), torn.read_bytes()
    decided(hub, "pip")
    decided(hub, "uv")
    lost.unlink()
    torn.write_bytes(whole[1][:100])
    hub.release(ids(hub)["uv"])  # so that a release follows them all
    done, aside = finish(hub, stage=lambda one: "stable", counts=lambda key: True, fence=lambda: None)
    assert [one.skill for one in done] == ["pip"]
    assert [one.what.split(" (")[0] for one in aside] == ["make", "npm"]
    assert "is not in the hub" in aside[0].reason
    assert "hash" in aside[1].reason
    lost.write_bytes(whole[0])
    torn.write_bytes(whole[1])
    hub.commit("pin", {"skill": "uv", "pinned": True}, role="owner")
    assert finished(hub) == ["make", "npm"]


def test_what_holds_no_proposal_is_told_too(hub: Hub) -> None:
    name = hub.put_object(b"{")
    said = {"id": "p-odd", "skill": "odd", "action": "create", "base": None}
    hub.commit("proposal", {**said, "object": name, "version": "0" * 64}, role="evolver")
    hub.record_verdicts("p-odd", [], "passed")
    decided(hub, "uv")
    hub.release(ids(hub)["uv"])
    done, aside = finish(hub, stage=lambda one: "stable", counts=lambda key: True, fence=lambda: None)
    assert [one.skill for one in done] == list(WAYS)
    assert [(one.what, "hub verify" in one.reason) for one in aside] == [("odd (p-odd)", True)]


def objects(hub: Hub) -> Path:
    """The folder of the hub's objects."""
    assert hub.store.folder is not None
    return hub.store.folder / "objects"
