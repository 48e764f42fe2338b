"""The procedures of a family: what is sure, what counts for it, and when two ways are one."""

from __future__ import annotations

import msgspec
import pytest

from skillclaw.bench.planted import session
from skillclaw.bench.workbench import learning
from skillclaw.evolve.family import family_procedures
from skillclaw.evolve.intents import Vocabulary
from skillclaw.skills.records import Pattern
from skillclaw.trajectory.episodes import Episode, Move, cut

LOOK = ("tasks.search",)
ACT = ("tasks.search", "tasks.update")
CLOSE = ("tasks.search", "tasks.close")
Call = tuple[str, dict[str, str], str, bool]
ASK = "move the open tasks of the team"


def requests(
    keys: tuple[str, ...], good: int, n: int, *, task: str = "", model: str = "m", ask: str = ASK
) -> list[Episode]:
    """`n` sessions served by these calls, the first `good` of them well; without `task` each has its own."""
    moves = [
        Move(step=p + 2, place=p, tool=k, key=k, topic="tasks", writes=p > 0, ok=True)
        for p, k in enumerate(keys)
    ]
    name = f"{task}{model}{ask}{' '.join(keys)}"
    return [
        Episode(
            kind="procedure", session=f"{name}{i}", user=f"u{i % 3}", agent="a", model=model, day="",
            project="", success=i < good, attested=i < good, topic="tasks", intent=ask, steps=[],
            actions=moves, task=task or f"{name}{i}",
        )
        for i in range(n)
    ]  # fmt: skip


def procedures(**clusters: list[Episode]) -> list[tuple[Pattern, bool]]:
    slots = {e.intent: e.intent for es in clusters.values() for e in es}
    return family_procedures(
        clusters, slots, Vocabulary.of([*slots, *(f"about thing {n}" for n in "abcdefgh")])
    )


def sure(found: list[tuple[Pattern, bool]]) -> list[Pattern]:
    return [pattern for pattern, needed in found if not needed]


def tools(pattern: Pattern) -> tuple[str, ...]:
    return tuple(action.tool for action in pattern.actions)


def test_those_that_went_the_way_in_vain_speak_against_it() -> None:
    (found,) = sure(procedures(one=[*requests(ACT, 18, 20), *requests(LOOK, 2, 20)]))
    assert tools(found) == ACT
    assert (found.sessions, len(found.contradictions)) == (18, 2)
    assert {ref.success for ref in found.contradictions} == {False}


def test_requests_count_only_where_others_recommend_the_way() -> None:
    # Without any one of the three tasks that went it, looking only would have been chosen for it.
    acted = [e for t in "abc" for e in requests(ACT, 6, 6, task=t)]
    looked = [e for t in "defghij" for e in requests(LOOK, 3, 3, task=t)]
    looked += [e for t in "klm" for e in requests(LOOK, 0, 3, task=t)]
    (found,) = [p for p, _ in procedures(one=[*acted, *looked]) if tools(p) == ACT]
    assert found.sessions == 18
    assert found.stats.with_n == 0


STRONG = [*requests(ACT, 28, 40, model="strong"), *requests(LOOK, 20, 20, model="strong")]
WEAK = requests(LOOK, 0, 40, model="weak")


def test_a_way_of_a_strong_model_that_it_does_better_without_is_no_sure_procedure() -> None:
    assert ACT not in [tools(p) for p in sure(procedures(one=[*STRONG, *WEAK]))]


def test_the_next_best_way_is_taken_where_the_best_is_not_sure() -> None:
    found = sure(procedures(one=[*STRONG, *WEAK, *requests(CLOSE, 34, 50, model="weak")]))
    assert [tools(p) for p in found] == [CLOSE]


def test_the_same_way_for_requests_in_other_words_is_one_procedure_where_they_are_kin() -> None:
    def asked(ask: str) -> list[Episode]:
        return [*requests(ACT, 18, 20, ask=ask), *requests(LOOK, 2, 20, ask=ask)]

    one, near, far = ASK, "move all the open tasks that this team has", "tell Noor what the weather will be"
    assert len(sure(procedures(one=asked(one), two=asked(near)))) == 1
    assert len(sure(procedures(one=asked(one), two=asked(far)))) == 2


@pytest.mark.parametrize(("attested", "found"), [(0, 0), (1, 0), (2, 1)])
def test_what_only_the_agents_themselves_call_a_success_is_no_procedure(attested: int, found: int) -> None:
    """A weak agent's wrong way ends in "deleted" each time, and no other way does."""
    acted = [msgspec.structs.replace(e, attested=n < attested) for n, e in enumerate(requests(ACT, 18, 20))]
    assert len(sure(procedures(one=[*acted, *requests(LOOK, 0, 20)]))) == found


def test_what_attests_a_success() -> None:
    search, delete = (
        ("calendar.search", {"day": "2026-11-30"}, "id 00000200", True),
        ("calendar.delete", {"id": "00000200"}, "Event deleted.", True),
    )

    def ends(
        *calls: tuple[str, dict[str, str], str, bool], after: tuple[str, ...] = ()
    ) -> tuple[bool | None, bool]:
        one = session(
            "s", "ana", "Cancel what I have on 2026-11-30", list(calls), success=None, said_after=after
        )
        made = next(e for e in cut(learning(one)) if e.kind == "procedure")
        return made.success, made.attested

    assert ends(search, delete) == (True, False)
    assert ends(search, delete, after=("Thanks, that works.",)) == (True, True)
    pytest_run = ("Bash", {"command": "pytest -q"}, "3 passed", True)
    assert ends(pytest_run) == (True, True)
    assert ends(("Bash", {"command": "npm install left-pad"}, "added 1 package", True)) == (True, True)
