"""Which topics are proposed from again: those of which something changed that their proposals rest on."""

from __future__ import annotations

from skillclaw.evolve.evolvers import Current
from skillclaw.evolve.fresh import fresh, keep_marks, topic_marks
from skillclaw.evolve.state import EvolveState
from skillclaw.skills.records import Bundle, Item, Pattern, Ref, Sidecar, Stats


def pattern(topic: str, **stats: float) -> Pattern:
    refs = [Ref(session=f"{topic}{n}", user=f"u{n}", agent="a", day="") for n in range(3)]
    return Pattern(
        id=topic, kind="pitfall", title="t", topic=topic, signature=topic, evidence=refs,
        stats=Stats(**stats),  # type: ignore[arg-type]
    )  # fmt: skip


def current(version: str, *, pinned: bool = False) -> dict[str, Current]:
    sidecar = Sidecar(
        skill="mail-rules", version=version, items=[Item(id="i", kind="fact", text="t", patterns=["mail"])]
    )
    return {
        "mail-rules": Current(
            bundle=Bundle(name="mail-rules", files=[]), sidecar=sidecar, version=version, pinned=pinned
        )
    }


MARKS = topic_marks([pattern("mail"), pattern("git")], current("v1"), ["team"])


def test_what_was_proposed_from_is_not_again_until_it_changes() -> None:
    state = EvolveState(None)
    both = [pattern("mail"), pattern("git")]
    assert fresh(both, MARKS, state) == both
    with state.writing():
        keep_marks(state, MARKS)
    assert fresh(both, MARKS, state) == []
    more = [pattern("mail"), pattern("git", with_n=4)]
    assert [p.id for p in fresh(more, topic_marks(more, current("v1"), ["team"]), state)] == ["git"]
    state.close()


def test_age_alone_is_no_news() -> None:
    assert topic_marks([pattern("mail", recency=0.4), pattern("git")], current("v1"), ["team"]) == MARKS


def test_another_version_or_a_pin_of_the_skill_made_from_a_topic_is_news_of_that_topic() -> None:
    for now in (current("v2"), current("v1", pinned=True)):
        marks = topic_marks([pattern("mail"), pattern("git")], now, ["team"])
        assert marks["mail"] != MARKS["mail"]
        assert marks["git"] == MARKS["git"]
