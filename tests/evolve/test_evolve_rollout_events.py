"""The event that a canary is measured by: which patterns have one, and which episodes it is in."""

from __future__ import annotations

import json

import pytest
from atif_sessions import Ran, session

from skillclaw.evolve.mine import mine
from skillclaw.evolve.rollouts.events import EventShape, new_patterns, occurred, shapes_of, steps_to
from skillclaw.skills.records import Item, Pattern, Sidecar
from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.model import decode

BROKEN = Ran("npm test", 1, "Error: Cannot find module 'left-pad'")
FIXED = [Ran("npm ci"), Ran("npm test")]


def episodes(*ran: Ran) -> list[Episode]:
    return cut(decode(json.dumps(session("u", 1, "run the tests", ran)).encode()))


@pytest.fixture(scope="module")
def mined() -> list[Pattern]:
    from datetime import UTC, datetime

    made = [
        decode(json.dumps(session("ab"[n % 2], n, "run the tests", [BROKEN, *FIXED])).encode())
        for n in range(6)
    ]
    return mine(made, now=datetime.now(UTC), half_life_days=90).patterns


def test_a_mined_failure_is_found_again_and_nothing_else_is(mined: list[Pattern]) -> None:
    shapes = shapes_of(mined)
    assert [shape.kind for shape in shapes] == ["failure"]
    assert occurred(shapes, episodes(BROKEN, *FIXED))
    assert occurred(shapes, episodes(Ran("npm test", 1, "Error: Cannot find module 'other'")))
    assert not occurred(shapes, episodes(*FIXED))
    assert not occurred(shapes, episodes(Ran("npm test", 1, "Error: 3 tests failed, expected 4 to equal 5")))
    assert not occurred(shapes, episodes(Ran("cargo test", 1, "Error: Cannot find module 'left-pad'")))


def test_steps_count_from_the_failure_to_what_worked(mined: list[Pattern]) -> None:
    shapes = shapes_of(mined)
    assert steps_to(shapes, episodes(BROKEN, *FIXED)) == 2
    assert steps_to(shapes, episodes(*FIXED)) is None
    assert steps_to(shapes, episodes(BROKEN)) is None


def test_a_procedure_and_a_silent_pitfall_have_no_event() -> None:
    patterns = [
        Pattern(id="p", kind="procedure", title="t", topic="npm", signature="s"),
        Pattern(id="q", kind="pitfall", title="t", topic="npm", signature="s"),
    ]
    assert shapes_of(patterns) == []


def test_a_correction_occurs_where_the_user_says_it_again() -> None:
    shape = EventShape(kind="correction", key="npm", texts=["use pnpm, not npm, in this repository"])
    base = episodes(*FIXED)[0]

    def said(text: str, topic: str = "npm") -> Episode:
        import msgspec

        return msgspec.structs.replace(base, kind="correction", topic=topic, user_text=text)

    assert occurred([shape], [said("use pnpm, not npm, in this repository please")])
    assert not occurred([shape], [said("write the summary in French")])
    assert not occurred([shape], [said("use pnpm, not npm, in this repository", topic="git")])


def test_a_refined_skill_is_measured_by_what_is_new_in_it() -> None:
    def sidecar(*patterns: str) -> Sidecar:
        items = [Item(id=p, kind="fix", text=p, patterns=[p]) for p in patterns]
        return Sidecar(skill="s", version="v", items=items)

    assert new_patterns(sidecar("a", "b"), sidecar("a")) == {"b"}
    assert new_patterns(sidecar("a", "b"), None) == {"a", "b"}
    assert new_patterns(sidecar("a"), sidecar("a", "b")) == {"a"}
