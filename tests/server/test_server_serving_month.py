"""A month of a group with two servers, faulty storage, clocks that jump: nothing lost, nothing doubled."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from lessons import LESSONS
from log_facts import doubles
from month import Month, Odds

from skillclaw.journal.store import SessionStore
from skillclaw.server.groups.membership import find


def lived(place: Path, seed: int, days: int) -> Month:
    """So many days with this seed, and what has to hold after them."""
    world = Month(place, seed, Odds())
    with world.open():
        world.run(days)
        reports = world.finish()
        seen, hub = world.seen, find(world.servers[0].machine, "team").hub
        told = f"seed {seed}: {seen}"
        # nothing lost: every session counts, once, on both machines
        assert [report.sessions for report in reports] == [seen.sent, seen.sent], told
        assert [server.stored() for server in world.servers] == [seen.sent, seen.sent], told
        # nothing doubled
        assert doubles(hub) == [], told
        # a server that lost its work finishes what it is amid, and no more
        for what in ("question", "create log/"):
            assert sum(what in one for one in seen.late) <= seen.taken_over, told
        # what was learned is there
        skills = {name for name, skill in hub.state().skills.items() if skill.current}
        assert len(skills) >= min(len(LESSONS), days // 4) - 1, f"{told} {skills}"
        # no question was paid twice but where the answer was lost with its server
        paid = sum(count - 1 for count in world.asked.values())
        assert paid <= seen.cycles["died"] + seen.cycles["failed"] + seen.cycles["lost"], told
    return world


@pytest.mark.e2e
def test_days_of_faults_lose_nothing(tmp_path: Path) -> None:
    world = lived(tmp_path, 4, 6)
    assert world.seen.faults.keys() >= {"refused", "slow"}, world.seen


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_month_of_faults_loses_nothing(tmp_path: Path) -> None:
    worlds = [lived(tmp_path / str(seed), seed, 30) for seed in range(3)]
    seen = [world.seen for world in worlds]
    # what the month is about did happen
    for name in ("refused", "unanswered", "slow", "death"):
        assert sum(one.faults[name] for one in seen) > 10, seen
    for name in ("failed", "died", "lost"):
        assert sum(one.cycles[name] for one in seen) > 0, seen
    assert sum(one.taken_over for one in seen) > 0, seen
    assert sum(one.degraded for one in seen) > 0, seen


@pytest.mark.slow
def test_a_month_in_which_sessions_get_lost_is_seen_to_break(tmp_path: Path) -> None:
    """The simulation is able to fail. Claims broken on purpose no longer break it: since a canary that is
    measured is left alone, two servers that both believe to have the work find little to double."""
    count = itertools.count()

    def forgetful(store: SessionStore, *given: Any, **more: Any) -> Any:
        return put(store, *given, **more) if next(count) % 10 < 9 else None

    put = SessionStore.put
    with patch.object(SessionStore, "put", forgetful), pytest.raises(AssertionError, match="seed"):
        lived(tmp_path, 0, 12)
