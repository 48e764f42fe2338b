"""Topics without news are left out, but never one on which another topic's proposal depends."""

from __future__ import annotations

from skillclaw.evolve.evolvers import Current
from skillclaw.evolve.fresh import fresh, keep_marks, topic_marks
from skillclaw.evolve.state import EvolveState
from skillclaw.evolve.view import ClusterPoint
from skillclaw.evolve.work import Work
from skillclaw.skills.records import Bundle, Item, Pattern, Ref, Sidecar


def pattern(mark: str, topic: str, sessions: int = 3) -> Pattern:
    evidence = [Ref(session=f"{mark}{n}", user="ana", agent="cli", day="2026-11-01") for n in range(sessions)]
    return Pattern(id=mark, kind="recovery", title=mark, topic=topic, signature=mark, evidence=evidence)


def asked(before: list[Pattern], now: list[Pattern], current: dict[str, Current] | None = None) -> list[str]:
    memory = EvolveState(None)
    keep_marks(memory, topic_marks(before, current or {}, []))
    return [p.id for p in fresh(now, topic_marks(now, current or {}, []), memory)]


def test_only_topics_with_news_are_proposed_again() -> None:
    git, npm = pattern("one", "git"), pattern("two", "npm")
    assert asked([git, npm], [git, npm]) == []
    assert asked([git, npm], [git, pattern("two", "npm", 4)]) == ["two"]


def test_a_new_topic_does_not_take_the_name_that_another_is_held_under() -> None:
    held = pattern("one", "web shop")
    assert asked([held], [held, pattern("two", "web-shop")]) == ["one", "two"]


def test_the_topics_of_one_job_are_proposed_together() -> None:
    build, tag = pattern("one", "make"), pattern("two", "git")
    point = ClusterPoint(id="c", label="Release it", topic="make", sessions=3, users=1)
    job = Work(points={"c": point}, asked={"one": {"c": 3}, "two": {"c": 3}})
    memory = EvolveState(None)
    keep_marks(memory, topic_marks([build, tag], {}, [], job))
    assert fresh([build, tag], topic_marks([build, tag], {}, [], job), memory) == []
    grown = [build, pattern("two", "git", 4)]
    assert fresh(grown, topic_marks(grown, {}, [], job), memory) == grown
    apart = topic_marks([build, tag], {}, [], Work())
    assert fresh([build, tag], apart, memory) == [build, tag], "what belongs together has changed"


def test_the_topics_of_one_skill_are_proposed_together() -> None:
    one, two = pattern("one", "git"), pattern("two", "npm")
    items = [
        Item(id=f"i{n}", kind="fix", text="Do.", section="Fixes", patterns=[p.id], evidence=p.evidence)
        for n, p in enumerate((one, two))
    ]
    skill = Current(
        bundle=Bundle(name="tools", files=[]),
        sidecar=Sidecar(skill="tools", version="v", items=items),
        version="v",
        pinned=False,
    )
    grown = pattern("two", "npm", 4)
    assert asked([one, two], [one, grown], {"tools": skill}) == ["one", "two"]
