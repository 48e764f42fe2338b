"""Rules for arguments: what is the procedure's own, and what belongs to one request or one day."""

from __future__ import annotations

from skillclaw.evolve.procedures import learn_steps, path
from skillclaw.trajectory.episodes import ArgValue, Episode, Move

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
