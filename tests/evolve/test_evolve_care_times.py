"""Times in the log that no calendar has: a signer's broken clock ends no cycle."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from atif_sessions import Ran
from test_evolve_care import MEETINGS, NOW, House, by_care, offered

from skillclaw.evolve.care.retiring import held_back
from skillclaw.skills.records import Proposal

NO_TIMES = ("2026-13-45T99:99:99Z", "yesterday", "", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00")


class BrokenClock:
    """What a signer with this clock writes is signed and chained as ever."""

    def __init__(self, said: str) -> None:
        self.said = said

    def __call__(self) -> BrokenClock:
        return self

    def astimezone(self, _: object) -> BrokenClock:
        return self

    def strftime(self, _: str) -> str:
        return self.said


@pytest.mark.slow
@pytest.mark.parametrize("said", NO_TIMES[:1])
def test_a_release_of_no_known_time_is_not_judged_by_age_and_the_cycle_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    house = House(tmp_path)
    refs = house.talk("diary", MEETINGS, Ran("diary show --today", 0, "2 meetings"))
    hub: Any = house.machine.hub
    right, hub.clock = hub.clock, BrokenClock(said)
    house.skill("diary-work", "Schedule a meeting.", ["Run `diary show --today`."], refs)
    hub.clock = right
    (release,) = hub.state().skills["diary-work"].releases
    assert release.time == said and hub.verify() == []
    offered(house, "diary-work")
    assert by_care(house.cycle(days=40)) == []
    assert "diary-work" in house.current()


@pytest.mark.parametrize("said", [*NO_TIMES, "2026-03-01T10:00:00", "2026-03-01T10:00:00Z"])
def test_a_retirement_of_no_known_time_still_holds_the_skill_back(said: str) -> None:
    gone = SimpleNamespace(
        id="care-1", seq=1, skill="a", status="released", action="retire", time=said, base="v"
    )
    state = SimpleNamespace(proposals={"care-1": gone}, skills={"a": SimpleNamespace(current=None)})
    policy = SimpleNamespace(sessions=0, users=0)
    given = SimpleNamespace(
        state=state, context=SimpleNamespace(policy=policy, now=NOW + timedelta(days=2000))
    )
    made = Proposal(id="p", action="create", skill="a", base=None, engine="extractive", why="")
    held = list(held_back([made], cast(Any, given)))
    assert held == ([("a", said[:10])] if said in NO_TIMES else [])
