"""Which way is chosen: by how surely it succeeds over requests, not by how often it is gone."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skillclaw.evolve.choose import Choice, Way, choose, goes, unit_of
from skillclaw.evolve.intents import asked_label, wanted
from skillclaw.trajectory.episodes import Episode, Move

LOOK = ("tasks.search",)
ACT = ("tasks.search", "tasks.update")
OTHER = ("mail.search", "mail.send")


def request(
    number: int,
    keys: tuple[str, ...],
    success: bool,
    *,
    ask: str = "move the open tasks of the team",
    user: str = "",
    task: str = "",
) -> Episode:
    """One request that was served by these calls."""
    moves = [
        Move(
            step=n + 2,
            place=n,
            tool=k,
            key=k,
            topic=k.split(".")[0],
            writes=not k.endswith("search"),
            ok=True,
        )
        for n, k in enumerate(keys)
    ]
    return Episode(
        kind="procedure", session=f"s{number}", user=user or f"u{number % 3}", agent="a", model="m", day="",
        project="", success=success, topic=moves[-1].topic, intent=ask, steps=[], actions=moves, task=task,
    )  # fmt: skip


def chosen(episodes: list[Episode]) -> Choice:
    return choose(episodes, lambda e: tuple(wanted(e.intent)), lambda term: 1.0)


def the_way(episodes: list[Episode], ask: str = "move the open tasks of the team") -> Way | None:
    return chosen(episodes).by_bag.get(tuple(wanted(ask)))


def test_what_most_do_loses_to_what_succeeds() -> None:
    made = [request(n, LOOK, n % 4 == 0, task=f"t{n}") for n in range(16)]
    made += [request(20 + n, ACT, True, task=f"t{n}") for n in range(4)]
    assert the_way(made) == Way(ACT)


def test_one_request_tried_often_counts_once() -> None:
    # Twenty tries of one task that needed nothing, against five tasks that were really done.
    made = [request(n, LOOK, True, task="easy") for n in range(20)]
    made += [request(30 + n, LOOK, False, task=f"t{n}") for n in range(3)]
    made += [request(40, LOOK, True, task="t9")]
    made += [request(50 + n, ACT, n > 0, task=f"t{n}") for n in range(5)]
    assert the_way(made) == Way(ACT)


def test_a_compared_quantity_decides() -> None:
    low, high = "plot the visits if they were more than 3", "plot the visits if they were more than 21"
    made = [request(n, ACT, True, ask=low, task=f"a{n}") for n in range(3)]
    made += [request(10 + n, LOOK, False, ask=low, task=f"a{n}") for n in range(3)]
    made += [request(20 + n, LOOK, True, ask=high, task=f"b{n}") for n in range(3)]
    made += [request(30 + n, ACT, False, ask=high, task=f"b{n}") for n in range(3)]
    assert the_way(made, low) == Way(ACT)
    assert the_way(made, high) == Way(LOOK)


def test_tools_that_such_requests_never_use_are_no_way() -> None:
    made = [request(n, LOOK, False, task=f"t{n}") for n in range(9)]
    made += [
        request(20 + n, OTHER, True, ask="send the open notes of the team", task=f"n{n}") for n in range(9)
    ]
    assert the_way(made) is None
    assert the_way(made, "send the open notes of the team") == Way(OTHER)


def test_two_users_are_asked_for_where_there_are_two() -> None:
    alone = [request(n, ACT, True, user="ana", task=f"t{n}") for n in range(3)]
    assert the_way(alone) == Way(ACT)
    assert the_way([*alone, request(9, LOOK, False, user="bo", task="t9")]) is None


def test_no_request_speaks_for_itself() -> None:
    made = [request(n, ACT, True, task=f"t{n}") for n in range(5)]
    made += [request(10 + n, LOOK, n < 2, task=f"t{n}") for n in range(8)]
    bag = tuple(wanted("move the open tasks of the team"))
    turned = [
        request(90 + n, tuple(m.key for m in e.actions), not e.success, task="t0")
        if unit_of(e) == "t0"
        else e
        for n, e in enumerate(made)
    ]
    ways = [chosen(some).blind.get((bag, "t0")) for some in (made, turned)]
    assert Way(ACT) in ways
    assert set(ways) <= {Way(ACT), None}


def test_a_request_is_wholly_left_out_of_its_own_choice() -> None:
    # Of the way gone by its own task three of three are left (63%), of the other seven of ten (60%).
    made = [request(n, ACT, True, task=f"a{n}") for n in range(4)]
    made += [request(10 + n, LOOK, n < 7, task=f"l{n}") for n in range(10)]
    bag = tuple(wanted("move the open tasks of the team"))
    assert chosen(made).blind[bag, "a0"] == Way(ACT)


def test_many_forms_of_one_way_are_one_way() -> None:
    forms = [ACT, (*ACT, *LOOK), (*LOOK, *ACT), (*ACT, "tasks.update"), (*ACT, *LOOK, *LOOK)]
    made = [request(n, forms[n], True, task=f"t{n}") for n in range(5)]
    way = the_way(made)
    assert way == Way(ACT, tidy=True)
    assert all(goes(e, way) for e in made[:2])


@pytest.mark.slow
@given(st.permutations(range(12)))
def test_the_order_of_sessions_does_not_matter(order: list[int]) -> None:
    source = random.Random(3)
    made = [
        request(n, source.choice((LOOK, ACT)), source.random() < 0.6, task=f"t{n % 5}") for n in range(12)
    ]
    assert chosen([made[n] for n in order]) == chosen(made)


def test_a_label_keeps_what_is_compared_and_masks_the_rest() -> None:
    text = "Was it more than 11 on 2023-11-02, by at least than 5% or over 3 of 40?"
    shown = asked_label(text)
    assert "more than 11" in shown
    assert "over 3" in shown
    assert "40" not in shown
    assert wanted(shown) == wanted(text)


@given(st.text(max_size=200))
@example("0\\@")
def test_a_label_of_a_label_is_the_same(text: str) -> None:
    assert asked_label(asked_label(text)) == asked_label(text)
