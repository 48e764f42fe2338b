"""Requests for the same are found by their words, in any order, at a cost that grows linearly."""

from __future__ import annotations

import random

from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.evolve import cluster
from skillclaw.evolve.cluster import cluster_texts
from skillclaw.evolve.slots import slotted
from skillclaw.trajectory.episodes import ArgValue, Episode, Move

TEXTS = [
    "Delete the newest email from the newsletter",
    "Please delete the newest email from that newsletter",
    "Plot total visits as a bar chart",
    "Can you plot the total visits as bar chart?",
    "把代码提交到主分支",
    "请把代码提交到主分支",
    "",
]


def groups(texts: list[str], numbers: list[int]) -> set[frozenset[str]]:
    found: dict[int, set[str]] = {}
    for text, number in zip(texts, numbers, strict=True):
        if number >= 0:
            found.setdefault(number, set()).add(text)
    return {frozenset(g) for g in found.values()}


def test_the_same_request_in_other_words() -> None:
    assert groups(TEXTS, cluster_texts(TEXTS)) == {
        frozenset(TEXTS[0:2]),
        frozenset(TEXTS[2:4]),
        frozenset(TEXTS[4:6]),
    }


@settings(max_examples=examples(25))
@given(st.permutations(TEXTS * 2))
def test_order_and_repeats_do_not_matter(texts: list[str]) -> None:
    by_text = dict(zip(texts, cluster_texts(texts), strict=True))
    assert by_text == dict(zip(TEXTS, cluster_texts(TEXTS), strict=True))


def test_more_than_one_block() -> None:
    """Beyond the exact block, texts join the clusters that are there, and new ones are still found."""
    rng = random.Random(1)
    verbs = [f"verb{i}" for i in range(60)]
    colours = [f"colour{chr(97 + i)}{chr(97 + j)}" for i in range(8) for j in range(8)]
    texts = [f"{v} every {v}thing near {v}place {c}" for v in verbs for c in rng.sample(colours, 60)]
    numbers = cluster_texts(texts)
    assert len(texts) > 2 * cluster.EXACT
    for verb in verbs:
        own = {n for t, n in zip(texts, numbers, strict=True) if t.startswith(f"{verb} ")}
        assert len(own) == 1
    assert len(set(numbers)) == len(verbs)


def episode(intent: str, **values: str) -> Episode:
    args = tuple(ArgValue(name=k, value=v, form="text", origins=("user",)) for k, v in values.items())
    move = Move(step=2, tool="t", key="t", topic="t", writes=True, ok=True, args=args)
    return Episode(
        kind="procedure",
        session="s",
        user="u",
        agent="a",
        model="m",
        day="",
        project="",
        success=True,
        topic="t",
        intent=intent,
        steps=[2],
        actions=[move],
    )


def test_values_in_requests_become_slots_and_are_known_elsewhere() -> None:
    found = slotted(
        [
            episode("mail nia about lunch", to="nia"),
            episode("call nia about lunch", to="nia", topic="no"),
            episode("write to Nia now"),
            episode("no mail today", q="no"),
        ]
    )
    assert found["mail nia about lunch"] == "mail <to> about lunch"
    assert found["write to Nia now"] == "write to <to> now"
    assert found["no mail today"] == "no mail today"
