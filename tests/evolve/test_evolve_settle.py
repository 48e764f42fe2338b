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
    done = finish(hub, stage=lambda one: "stable", counts=counts, fence=lambda: None)
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
