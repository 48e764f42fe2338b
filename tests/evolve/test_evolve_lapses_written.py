"""How procedures with repeats, and pitfalls where no call fails, read in a skill."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from skillclaw.evolve.evolvers import EvolveContext, evolvers
from skillclaw.gate import policy
from skillclaw.skills.items import all_items, markdown
from skillclaw.skills.records import ActionShape, ArgShape, Intent, Pattern, PatternKind, Ref, Stats

GOOD = Stats(with_n=20, with_success=16, without_n=20, without_success=3, odds_ratio=12.0, ci=(3.0, 60.0))


def pattern(kind: PatternKind, *actions: ActionShape, **more: object) -> Pattern:
    evidence = [Ref(session=f"s{n}", user=f"u{n % 3}", agent="a", day="2026-11-01") for n in range(6)]
    base = Pattern(
        id=kind, kind=kind, title="", topic="mail", signature="", actions=list(actions), evidence=evidence,
        stats=GOOD, **more,  # type: ignore[arg-type]
    )  # fmt: skip
    return base


def written(one: Pattern) -> str:
    context = EvolveContext(policy=policy("team"), now=datetime(2026, 11, 23, tzinfo=UTC))
    (proposal,) = evolvers()["extractive"].propose([one], {}, context)
    assert proposal.bundle is not None
    assert proposal.sidecar is not None
    items = all_items(proposal.bundle, proposal.sidecar)
    assert len({item.id for item in items}) == len(items)
    return markdown(proposal.bundle)["SKILL.md"]


FIND = ActionShape(tool="people.find", args=[ArgShape(name="name", form="text", origin="user")])
SEND = ActionShape(tool="mail.forward", args=[ArgShape(name="to", form="email", origin="result:0")])


def test_a_step_that_is_done_again_says_so_and_keeps_its_number() -> None:
    text = written(pattern("procedure", FIND, FIND, FIND, SEND, intent=Intent(label="Forward it to two")))
    assert "1. Call `people.find` with `name` from the user's words.\n" in text
    assert "2. Call `people.find` with `name` from the user's words, once more.\n" in text
    assert "3. Call `people.find` with `name` from the user's words, once more (3).\n" in text
    assert "4. Call `mail.forward` with `to` from the result of step 1." in text


def test_a_look_up_that_was_left_out_is_blamed_for_the_task_not_the_call() -> None:
    text = written(pattern("pitfall", FIND, SEND, failed=SEND, before=[(1, 0)]))
    assert "before `mail.forward`; tasks done without it tend to fail." in text


def test_an_argument_that_was_left_out_is_blamed_for_the_task_not_the_call() -> None:
    lacking = ActionShape(tool="mail.search", args=[ArgShape(name="since", share=0.0)])
    text = written(pattern("pitfall", FIND, failed=lacking))
    assert "Always give `since` to `mail.search`: tasks done without it tend to fail." in text


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (ArgShape(name="since", form="date", sample="2001-01-31"), "`since` (a date, such as `2001-01-31`)"),
        (
            ArgShape(name="since", form="datetime", sample="2001-01-31T09:00Z", share=0.6),
            "`since` (a date and time, such as `2001-01-31T09:00Z`)",
        ),
        (ArgShape(name="since", form="datetime"), "`since` (a date and time)"),
        (ArgShape(name="since", form="email"), "`since` (an address)"),
        (ArgShape(name="since", share=0.0), "`since`"),
    ],
)
def test_an_argument_that_was_left_out_is_told_as_those_that_worked_gave_it(
    known: ArgShape, told: str
) -> None:
    lacking = ActionShape(tool="mail.search", args=[ArgShape(name="since", share=0.0)])
    worked = ActionShape(tool="mail.search", args=[known])
    text = written(pattern("pitfall", FIND, worked, failed=lacking))
    assert f"- Always give {told} to `mail.search`: tasks done without it tend to fail." in text
