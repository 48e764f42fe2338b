"""By which events a canary is measured: settled at its release, whoever evolves, as long as it may return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from rollout_house import BROKEN, FIXED, House, only

from skillclaw.evolve.current import current_skills
from skillclaw.evolve.rollouts.settled import Events, mark_of, settled_events
from skillclaw.evolve.state import EvolveState
from skillclaw.hub.records import Release
from skillclaw.journal.store import SessionStore
from skillclaw.skills.records import Pattern


def events(
    house: House,
    memory: EvolveState,
    there: Mapping[str, Release],
    *,
    patterns: Sequence[Pattern] = (),
    days: float = 0,
) -> Events:
    state = house.hub.state()
    current: dict[str, Any] = current_skills(house.hub, state)
    (one,) = current.values()
    now = datetime.now(UTC) + timedelta(days=days)
    given = {name: one for name in there}
    return settled_events(house.hub, state, memory, there, given, patterns, now=now, keep=True)


def test_a_second_evolver_finds_the_events_in_the_proposal(tmp_path: Path) -> None:
    house = House(tmp_path)
    release = house.released()
    first = events(house, EvolveState(house.path / "group"), {release.skill: release})
    second = events(house, EvolveState(None), {release.skill: release})
    found = second[mark_of(release)]
    assert found and [shape.key for shape in found] == ["npm test"]
    assert first == second


def test_a_proposal_whose_text_is_lost_is_as_one_that_holds_no_events(tmp_path: Path) -> None:
    house = House(tmp_path)
    release = house.released()
    state = house.hub.state()
    assert release.proposal is not None and house.hub.store.folder is not None
    (house.hub.store.folder / "objects" / state.proposals[release.proposal].object).unlink()
    assert events(house, EvolveState(None), {release.skill: release}) == {mark_of(release): None}


def test_in_a_group_it_takes_those_patterns_of_its_own_that_are_the_same_or_says_it_knows_none(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    report = house.cycle(private=True)
    (release,) = house.hub.state().skills[report.released[0].skill].releases
    there, mark = {release.skill: release}, mark_of(release)
    first = events(house, EvolveState(house.path / "group"), there)
    own = events(house, EvolveState(None), there, patterns=report.patterns)
    assert first[mark] and own == first
    memory = EvolveState(None)
    assert events(house, memory, there) == {mark: None}
    assert events(house, memory, there, patterns=report.patterns) == {mark: None}, "once settled it stays"


def test_the_events_of_a_canary_that_may_return_are_kept_for_sixty_days(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.cycle(private=True)
    (skill,) = house.hub.state().skills.values()
    (release,) = skill.releases
    there, mark = {release.skill: release}, mark_of(release)
    memory = EvolveState(house.path / "group")
    settled = events(house, memory, there)[mark]
    other = {"other": msgspec.structs.replace(release, skill="other")}
    events(house, memory, other, days=50)
    assert settled and events(house, memory, there, days=51)[mark] == settled
    events(house, memory, other, days=61)
    assert events(house, memory, there, days=62)[mark] is None


def test_an_evolver_that_does_not_know_the_events_goes_by_success_and_says_so(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.cycle(private=True)
    (skill,) = house.hub.state().skills.values()
    (release,) = skill.releases
    house.store = SessionStore(tmp_path / "second")
    house.live(release, 10, lambda arm, n: FIXED if arm else [BROKEN, BROKEN])
    found = only(house.cycle(10, private=True, home=tmp_path / "second", sessions=house.store))
    assert found.why.endswith(
        "The failures that it is about are not known here, so success alone was looked at."
    )
    assert found.effect is not None and found.effect.endpoint == "outcome"
