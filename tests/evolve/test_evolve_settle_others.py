"""A cycle writes its decisions while others write theirs: people, other evolvers, members who vote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from races import at_once, machines
from test_evolve_settle import decided

from skillclaw.errors import BadInputError
from skillclaw.evolve.report import Judged
from skillclaw.evolve.settle import finish, release, settle
from skillclaw.hub import Hub, keys, statements
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File, Proposal, Ref, Verdict

PASSED = [Verdict(check="support", verdict="pass", reason="3 sessions of 2 users.")]
HELD = [*PASSED, Verdict(check="approval", verdict="hold", reason="It waits for a reviewer.")]


def judged(text: str, base: str | None = None, verdict: str = "passed") -> Judged:
    head = "---\nname: git\ndescription: How to use git.\n---\n"
    bundle = Bundle(name="git", files=[File(path="SKILL.md", data=f"{head}\n- {text}\n".encode())])
    made = version(bundle)
    proposal = Proposal(
        id=f"p-{made[:8]}",
        action="refine" if base else "create",
        skill="git",
        base=base,
        engine="llm",
        why="It helps.",
        bundle=bundle,
    )
    return Judged(proposal=proposal, verdict=verdict, reasons=PASSED if verdict == "passed" else HELD)


def whole(hub: Hub, result: Judged) -> bool:
    """What a cycle does with a judged proposal."""
    done = settle(hub, result, private=False, fence=lambda: None)
    return done and release(hub, result.proposal, "canary", fence=lambda: None)


@pytest.mark.parametrize("turn", range(3))
def test_two_cycles_at_once_release_the_same_proposal_once(tmp_path: Path, turn: int) -> None:
    hubs = machines(tmp_path, 2)
    result = judged("Run it.")
    assert at_once(hubs, [lambda hub: whole(hub, result)] * 2, turn) == [None, None]
    state = hubs[0].state()
    (known,) = state.proposals.values()
    assert (known.status, len(state.skills["git"].releases)) == ("released", 1)
    assert hubs[0].verify() == []


@pytest.mark.parametrize("verdict", ["passed", "held", "rejected"])
def test_a_hub_that_others_read_does_not_get_what_the_author_was_shown(tmp_path: Path, verdict: str) -> None:
    (hub,) = machines(tmp_path, 1)
    made = judged("Run it.", verdict=verdict)
    shown = [Ref(session="s-shown", user="u-shown", agent="codex", day="2026-11-01")]
    made = msgspec.structs.replace(made, proposal=msgspec.structs.replace(made.proposal, shown=shown))
    settle(hub, made, private=True, fence=lambda: None)
    (known,) = hub.state().proposals.values()
    assert b"shown" not in hub.get_object(known.object)


@pytest.mark.parametrize("turn", range(3))
def test_two_cycles_that_found_otherwise_release_one_of_both(tmp_path: Path, turn: int) -> None:
    """Both were made for the same version; the later one is for the next cycle to propose again."""
    hubs = machines(tmp_path, 2)
    one, two = judged("Run it."), judged("Run it twice.")
    assert at_once(hubs, [lambda hub: whole(hub, one), lambda hub: whole(hub, two)], turn) == [None, None]
    state = hubs[0].state()
    assert sorted(known.status for known in state.proposals.values()) == ["passed", "released"]
    assert len(state.skills["git"].releases) == 1
    assert finish(hubs[0], stage=lambda p: "canary", counts=lambda s: True, fence=lambda: None) == ([], [])


def test_what_a_person_released_while_the_cycle_ran_stays(tmp_path: Path) -> None:
    hub, person = machines(tmp_path, 2)
    first = decided(hub, "git")
    hub.release(f"p-git-{first[:8]}")
    result = judged("The cycle's own.", first)
    assert settle(hub, result, private=False, fence=lambda: None)
    own = decided(person, "git", "A person's own words.", first, engine="person")
    person.release(f"p-git-{own[:8]}", stage="canary")
    assert not release(hub, result.proposal, "canary", fence=lambda: None)
    state = hub.state()
    assert state.skills["git"].current == own
    assert state.proposals[result.proposal.id].status == "passed"
    assert finish(hub, stage=lambda p: "canary", counts=lambda s: True, fence=lambda: None) == ([], [])
    assert hub.state().skills["git"].current == own


def test_one_vote_for_it_releases_nothing_against_three_that_are_not(tmp_path: Path) -> None:
    hub = machines(tmp_path, 1)[0]
    hub.commit("settings", {"policy": "team"}, role="owner")
    result = judged("Run it.", verdict="held")
    assert not whole(hub, result)
    for n, word in enumerate(("approve", "against", "against", "against"), 1):
        member = keys.SigningKey(bytes([n] * 32))
        hub.commit("key-add", {"public": keys.public_hex(member), "role": "member"}, role="owner")
        hub.commit("vote", statements.vote(hub.info.group, member, result.proposal.id, word, "", 1))
    assert not whole(hub, result), "the next cycle releases it as little"
    with pytest.raises(BadInputError, match="not take this release"):
        hub.release(result.proposal.id, stage="canary")
    state = hub.state()
    assert (state.proposals[result.proposal.id].status, "git" in state.skills) == ("held", False)
    assert len(state.proposals[result.proposal.id].votes) == 4


NAMES: list[Any] = [
    "../etc",
    "git/../svn",
    "Git",
    "gít",
    "git\u200b",
    "a" * 65,
    "-git",
    "git--x",
    "",
    None,
    "git\n",
    "con\0",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_forged_name_gets_nowhere(tmp_path: Path, name: Any) -> None:
    hub = machines(tmp_path, 1)[0]
    before = hub.state()
    body = {"skill": name, "version": "1" * 64, "base": None, "object": "a" * 64}
    proposal = {"id": "p", "skill": name, "action": "create", "base": None, "object": "a" * 64}
    for kind, said in (
        ("release", body),
        ("proposal", {**proposal, "version": "1" * 64}),
        ("settings", {"policies": {name if name is not None else "x y": "strict"}}),
    ):
        with pytest.raises(BadInputError):
            hub.commit(kind, said, role="owner")
    assert hub.state() == before
