"""Trigger evaluation: real requests, a split that stays, and faults that an author can act on."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.evolve.care.describing import better
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.triggers import trigger_faults
from skillclaw.gate import policy
from skillclaw.gate.cited import cited_requests, refs_of_items
from skillclaw.gate.triggers import entries_of, evaluate, on_test, trials_for
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Proposal, Ref
from skillclaw.skills.retrieval import Entry, Index

sys.path.insert(0, str(Path(__file__).parents[1] / "gate"))
from gate_world import World, bash, proposal

VERBS = ("send", "print", "correct", "find", "mail", "check", "copy", "sign", "archive", "translate")
INVOICES = [f"{verb} the invoice" for verb in VERBS]
PLANTS = [
    f"{verb} the roses" for verb in ("water", "prune", "plant", "find", "mail", "check", "copy", "move")
]


def made(world: World, requests: list[str], name: str, description: str, command: str) -> Proposal:
    refs: list[Ref] = [ref for text in requests for ref in world.many(["a", "b"], text, [bash(command)])]
    line = f"Run `{command}`."
    return proposal([("fact", "Facts", line, refs)], name=name, description=description)


def judged(description: str) -> list[str]:
    world = World()
    other = made(world, PLANTS, "garden-work", "Water, prune and plant roses.", "garden plan")
    assert other.bundle is not None and other.sidecar is not None
    current = Current(bundle=other.bundle, sidecar=other.sidecar, version=version(other.bundle))
    mine = made(world, INVOICES, "paper-work", description, "books list")
    gate = world.context("solo", current={"garden-work": current})
    return trigger_faults(mine, EvolveContext(policy=policy("solo"), now=datetime.now(UTC), gate=gate))


def test_a_description_in_the_words_of_users_has_no_fault() -> None:
    assert judged("Send, print, correct, check, sign, copy and find an invoice.") == []


def test_a_description_that_misses_its_requests_is_told_which() -> None:
    (fault,) = judged("Paperwork of all kinds.")
    assert "comes up for 0 of" in fault
    assert "invoice" in fault


def test_a_description_that_draws_anothers_requests_is_told_which() -> None:
    faults = judged("Find the roses, water and plant the roses; send an invoice, print the invoice now.")
    assert any("another skill's" in fault and "roses" in fault for fault in faults), faults


def test_a_sentence_that_says_what_it_is_not_for_draws_nothing() -> None:
    assert (
        judged(
            "Send, print, correct, check and sign an invoice. Not for the roses or to water, prune or plant."
        )
        == []
    )


def test_requests_are_those_that_the_cited_steps_belong_to() -> None:
    world = World()
    refs = world.many(["a", "b"], "send the invoice of May", [bash("books list")])
    assert cited_requests(refs, world.sessions.get) == ["send the invoice of May"]
    gone = [Ref(session="gone", user="a", agent="x", day="", steps=[9])]
    assert cited_requests(gone, world.sessions.get) == []
    items = proposal([("fact", "Facts", "x", refs), ("fact", "Facts", "y", refs)]).sidecar
    assert items is not None
    assert [ref.session for ref in refs_of_items(items.items)] == sorted({ref.session for ref in refs})


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.text(max_size=30), max_size=8), st.lists(st.text(max_size=30), max_size=8))
def test_a_request_has_one_side_and_one_owner(own: list[str], others: list[str]) -> None:
    trials = trials_for(own, others)
    assert trials == trials_for(list(reversed(own)), list(reversed(others)))
    assert {t.request for t in trials if t.own} == set(own)
    assert all(t.request not in set(own) for t in trials if not t.own)
    assert all(t.test is on_test(t.request) for t in trials)


def test_values_do_not_change_the_side() -> None:
    assert on_test("send 3 invoices to a@example.org on 2026-01-02") == on_test(
        "send 5 invoices to b@example.org on 2026-03-04"
    )


@pytest.mark.parametrize("keep", [lambda word: True, lambda word: False])
def test_only_words_that_enough_people_have_are_taken(keep: object) -> None:
    entries = {
        "paper-work": Entry(name="paper-work", description="Paper work: what to run."),
        "garden-work": Entry(name="garden-work", description="Water, prune and plant roses."),
    }
    more = [
        f"{verb} every invoice {tail}"
        for verb in ("check", "sum", "mail", "file")
        for tail in ("twice", "late")
    ]
    trials = trials_for([*INVOICES, *more], PLANTS)
    found = better("paper-work", entries, trials, keep)  # type: ignore[arg-type]
    if not keep("x"):  # type: ignore[operator]
        assert found is None
        return
    assert found is not None
    assert found.description.startswith("Paper work: what to run. Also about ")
    assert found.test[1].value > found.test[0].value
    assert found.train[1].value >= found.train[0].value
    after = Index({**entries, "paper-work": Entry(name="paper-work", description=found.description)}.values())
    assert evaluate("paper-work", after, [t for t in trials if t.test]) == found.test[1]


def test_foreign_skills_are_in_the_list_too() -> None:
    class Foreign:
        name = "their-own"
        bundle = made(World(), [], "their-own", "Something of a person.", "x").bundle

    assert list(entries_of({}, [Foreign()])) == ["their-own"]  # type: ignore[list-item]
