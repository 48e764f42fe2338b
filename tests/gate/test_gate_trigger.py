"""The check of triggers: whose requests bring up what, before a description changes and after it."""

from __future__ import annotations

import pytest
from gate_world import World, bash, proposal
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.evolve.evolvers import Current
from skillclaw.gate import GateContext, checks
from skillclaw.gate.triggers import confusion
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Proposal, Verdict
from skillclaw.skills.retrieval import Entry

ROSES = [f"{verb} the roses" for verb in ("water", "prune", "plant", "cut", "move", "spray", "feed", "sell")]
BILLS = [f"{verb} the bill" for verb in ("send", "print", "sign", "check", "copy", "file", "stamp", "pay")]
TEAM = ["ada", "bob"]


def made(world: World, name: str, description: str, requests: list[str], command: str) -> Proposal:
    refs = [ref for text in requests for ref in world.many(TEAM, text, [bash(command)])]
    line = ("Facts", "fact", f"Run `{command}`.", refs)
    return proposal([line], name=name, description=description)


def current(one: Proposal) -> Current:
    assert one.bundle is not None and one.sidecar is not None
    return Current(bundle=one.bundle, sidecar=one.sidecar, version=version(one.bundle))


def garden(world: World) -> Current:
    return current(
        made(world, "garden", "Water, prune, plant and cut the roses in beds.", ROSES, "garden plan")
    )


def verdict(one: Proposal, context: GateContext) -> Verdict:
    (check,) = [check for check in checks() if check.name == "trigger"]
    (said,) = check.check(one, context)
    return said


def test_a_description_in_its_users_words_passes_and_shows_the_matrix() -> None:
    world = World()
    context = world.context(current={"garden": garden(world)})
    said = verdict(made(world, "paper-work", "Send, print and sign a bill.", BILLS, "books list"), context)
    assert said.verdict == "pass"
    assert said.reason == "It comes up for 8 of 8 of its own requests and for 0 of 8 of other skills'."


@pytest.mark.parametrize(("policy", "expected"), [("team", "hold"), ("strict", "hold"), ("solo", "pass")])
def test_a_description_that_misses_its_requests_waits_in_a_group(policy: str, expected: str) -> None:
    world = World()
    context = world.context(policy, current={"garden": garden(world)})
    said = verdict(made(world, "paper-work", "Paperwork of any kind.", BILLS, "books list"), context)
    assert said.verdict == expected
    assert "misses most of the requests" in said.reason
    assert "0 of 8 of its own" in said.reason


@pytest.mark.parametrize("policy", ["solo", "team"])
def test_a_description_that_takes_another_skills_requests_is_refused(policy: str) -> None:
    world = World()
    before = current(made(world, "garden", "Roses and hedges.", ROSES, "plan"))
    context = world.context(policy, current={"garden": before})
    stolen = "Roses: water, prune, plant, cut, move, spray, feed and sell the roses."
    thief = made(world, "paper-work", stolen, BILLS, "books list")
    said = verdict(thief, context)
    assert said.verdict == "reject", said
    assert "takes requests from another skill" in said.reason
    assert "garden" in said.reason


def test_a_description_that_shares_another_skills_requests_waits_in_a_group() -> None:
    world = World()
    context = world.context(current={"garden": garden(world)})
    lilies = [text.replace("roses", "lilies") for text in ROSES]
    both = "Water, prune, plant and cut the roses and the lilies."
    said = verdict(made(world, "flowers", both, lilies, "garden plan"), context)
    assert said.verdict == "hold"
    assert "comes up for most requests of garden too" in said.reason


def test_too_few_requests_are_told_and_a_change_that_leaves_the_description_passes() -> None:
    world = World()
    few = made(world, "paper-work", "Send a bill.", BILLS[:2], "books list")
    said = verdict(few, world.context())
    assert said.verdict == "n/a"
    assert "Too few different requests" in said.reason
    said = verdict(few, world.context(current={"paper-work": current(few)}))
    assert said.reason == "The description stays as it is."


def test_a_merge_may_draw_what_the_skill_that_goes_had() -> None:
    from msgspec.structs import replace

    from skillclaw.skills.records import Retired

    world = World()
    old = garden(world)
    one = made(world, "outdoors", "Water, prune, plant and cut the roses.", ROSES, "garden plan")
    merged = replace(one, retires=[Retired(skill="garden", version=old.version)])
    assert verdict(merged, world.context(current={"garden": old})).verdict == "pass"


WORDS = st.lists(
    st.sampled_from(["rose", "bill", "garden", "mail", "order", "ship", "cat", "dog"]), max_size=5
).map(" ".join)


@given(
    st.lists(WORDS, max_size=6),
    st.dictionaries(st.sampled_from("xyz"), st.lists(WORDS, max_size=6), max_size=3),
    st.dictionaries(st.sampled_from("xyz"), WORDS, min_size=3, max_size=3),
    WORDS,
)
def test_the_counts_of_the_matrix_fit_together(
    own: list[str], others: dict[str, list[str]], texts: dict[str, str], description: str
) -> None:
    before = {name: Entry(name=name, description=text) for name, text in texts.items()}
    after = {**before, "new": Entry(name="new", description=description)}
    found = confusion("new", own, others, before, after)
    assert 0 <= found.found <= found.own == len(set(own))
    assert found.drawn <= found.others <= sum(len(set(texts)) for texts in others.values())
    for row in found.losses:
        assert 0 <= row.lost <= min(row.had, row.drawn)
        assert max(row.had, row.drawn) <= row.asked
    assert max((row.drawn for row in found.losses), default=0) <= found.drawn
    assert found.drawn <= sum(row.drawn for row in found.losses)
