"""A lesson goes once people correct what it teaches, and stays against a few who do otherwise."""

from __future__ import annotations

from typing import Any

from skillclaw.evolve.evolvers._superseded import superseded
from skillclaw.gate.policies import policy
from skillclaw.skills.records import ActionShape, Pattern, Ref

TEAM = policy("team")


def lesson(name: str, before: str, after: str, users: int, **more: Any) -> Pattern:
    refs = [
        Ref(session=f"{name}{number}", user=f"u{number}", agent="a", day="2026-01-01", steps=[1])
        for number in range(users)
    ]
    values: dict[str, Any] = {"kind": "correction", "topic": "orders", **more}
    return Pattern(
        id=name,
        title=name,
        signature=name,
        failed=ActionShape(tool="bash", command=before),
        actions=[ActionShape(tool="bash", command=after)],
        evidence=refs,
        **values,
    )


OLD = lesson("old", "orders list", "orders list --site main", 6)


def test_what_is_now_corrected_is_no_lesson_any_more() -> None:
    new = lesson("new", "orders list --site main", "orders list --shop main", 3)
    assert superseded([OLD, new], TEAM) == {"old"}
    assert superseded([new, OLD], TEAM) == {"old"}


def test_too_few_who_say_so_change_nothing() -> None:
    few = lesson("new", "orders list --site main", "orders list --shop main", 2)
    assert superseded([OLD, few], TEAM) == set()
    many = lesson("old", "orders list", "orders list --site main", 50)
    three = lesson("new", "orders list --site main", "orders list --shop main", 3)
    assert superseded([many, three], TEAM) == set()


def test_two_lessons_that_each_correct_the_other_both_stay() -> None:
    one = lesson("one", "orders list --shop main", "orders list --site main", 6)
    two = lesson("two", "orders list --site main", "orders list --shop main", 6)
    assert superseded([one, two], TEAM) == set()


def test_another_option_beside_it_takes_no_place() -> None:
    beside = lesson("new", "orders list --site main", "orders list --site main --month may", 6)
    elsewhere = lesson("far", "stock list --site main", "stock list --shop main", 6, topic="stock")
    assert superseded([OLD, beside, elsewhere], TEAM) == set()


def test_another_value_of_the_same_option_takes_its_place() -> None:
    local = lesson("old", "rota list", "rota list --zone local > <path>", 4)
    utc = lesson("new", "rota list --zone local > <path>", "rota list --zone utc > <path>", 3)
    assert superseded([local, utc], TEAM) == {"old"}
