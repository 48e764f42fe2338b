"""Rules for arguments: what is the procedure's own, and what belongs to one request or one day."""

from __future__ import annotations

from msgspec.structs import replace

from skillclaw.evolve.procedures import learn_steps, path
from skillclaw.trajectory.episodes import ArgValue, Episode, Move
from skillclaw.trajectory.shapes import value_form

TODAY = "2026-11-23"


def listing(number: int, day: str, task: str = "") -> Episode:
    """One request in which the agent listed what is due, up to a date and in a fixed board."""
    args = (
        ArgValue(name="board", value="Back end", form="text", origins=("",)),
        ArgValue(name="until", value=TODAY, form="date", origins=("",)),
    )
    move = Move(step=2, tool="tasks.list", key="tasks.list", topic="tasks", writes=False, ok=True, args=args)
    return Episode(
        kind="procedure",
        session=f"s{number}",
        user="u",
        agent="a",
        model="m",
        day=day,
        project="",
        success=True,
        topic="tasks",
        intent=f"what is due, asked in way {number}",
        steps=[2],
        actions=[move],
        task=task,
    )


def constants(episodes: list[Episode]) -> dict[str, str | None]:
    (action,) = learn_steps([(path(e.actions), e) for e in episodes])
    return {arg.name: arg.constant for arg in action.args}


def test_a_date_that_all_share_on_one_day_is_that_days() -> None:
    assert constants([listing(n, TODAY) for n in range(8)]) == {"board": "Back end", "until": None}


def test_a_date_that_several_days_share_is_the_procedures() -> None:
    found = constants([listing(n, f"2026-11-{20 + n % 3}") for n in range(8)])
    assert found == {"board": "Back end", "until": TODAY}


def test_values_of_one_task_done_many_times_are_that_tasks() -> None:
    assert constants([listing(n, "", task="retail-7") for n in range(8)]) == {"board": None, "until": None}


def searched(*times: str) -> list[tuple[str, str]]:
    """The form and the made-up value of an argument that each call gave as one of `times`."""
    episodes = []
    for number, since in enumerate(times):
        one = listing(number, f"2026-11-{number + 1:02}")
        arg = ArgValue(name="since", value=since, form=value_form(since), origins=("user",))
        episodes.append(replace(one, actions=[replace(one.actions[0], args=(arg,))]))
    (action,) = learn_steps([(path(e.actions), e) for e in episodes])
    return [(arg.form, arg.sample) for arg in action.args]


def test_an_argument_tells_how_its_dates_and_times_are_written() -> None:
    assert searched("2026-11-02", "2026-12-24") == [("date", "2001-01-31")]
    assert searched("2026-11-02 08:00:00", "2026-12-24 18:30:00") == [("datetime", "2001-01-31 09:00:00")]
    assert searched("2026-11-02T08:00Z", "2026-12-24T18:30Z") == [("datetime", "2001-01-31T09:00Z")]


def test_writings_that_differ_have_no_sample() -> None:
    assert searched("2026-11-02 08:00", "2026-12-24T18:30") == [("datetime", "")]
    assert searched("2026-11-02", "2026-12-24T18:30") == [("", "")]
    assert searched("soon", "later") == [("text", "")]
