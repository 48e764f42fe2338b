"""Canaries through real cycles: what sessions say of them, what is decided, and who else may decide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from atif_sessions import Ran
from hubs_at_hand import bundle
from rollout_house import BROKEN, FIXED, TASK, House, only
from test_evolve_care_times import BrokenClock

from skillclaw.errors import BusyError
from skillclaw.evolve.rollouts.collecting import OFF
from skillclaw.evolve.undecided import so_far
from skillclaw.hub.arms import block, treated
from skillclaw.trajectory.model import SkillUse

LINT = [
    Ran("npm run lint", 1, "Error: unknown option --fix-all"),
    Ran("npm run lint:fix"),
    Ran("npm run lint"),
]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_skill_whose_failure_no_longer_occurs_becomes_stable_and_its_story_says_why(house: House) -> None:
    release = house.released()
    count = house.live(release, 10, lambda arm, n: FIXED if arm else [BROKEN, *FIXED])
    found = only(house.cycle(10))
    assert (found.action, found.skill) == ("promote", release.skill)
    assert f"in {count} sessions of 6 clients" in found.why
    effect = found.effect
    assert effect is not None and effect.endpoint == "event"
    assert (effect.treated_rate, effect.control_rate) == (0.0, 1.0)
    assert effect.treated_n + effect.control_n == count
    skill = house.hub.state().skills[release.skill]
    (event,) = skill.releases[-1].story
    assert (skill.stage, event.what, event.why, event.effect) == ("stable", "promote", found.why, effect)
    assert house.cycle(11).rollouts == []


def test_a_skill_that_lowers_success_is_rolled_back_and_not_proposed_again(house: House) -> None:
    release = house.released()

    def outcomes(arm: bool, number: int) -> str:
        return "failure" if arm else "success"

    began = datetime.fromisoformat(release.time) + timedelta(minutes=5)
    for day in range(8):
        at = began + timedelta(days=day)
        for client in house.people:
            arm = treated(client, release.skill, release.version, block(at), 0.5)
            house.put(client, at, [BROKEN, *FIXED], outcome=outcomes(arm, day))
    report = house.cycle(8)
    found = only(report)
    assert found.action == "rollback" and found.why.startswith("It harms: success 0% with it, 100% without")
    state = house.hub.state()
    assert state.skills[release.skill].current is None
    assert report.released == []
    later = house.cycle(9)
    assert later.rollouts == [] and later.released == []


def test_a_pinned_canary_is_not_rolled_back_and_that_is_told(house: House) -> None:
    release = house.released()
    house.live(release, 8, lambda arm, n: [BROKEN, BROKEN] if arm else FIXED)
    house.hub.commit("pin", {"skill": release.skill, "pinned": True}, role="owner")
    found = only(house.cycle(8))
    assert found.action == "wait" and found.why.startswith("It is pinned, so it stays; else it would be")
    assert house.hub.state().skills[release.skill].current == release.version


def test_a_dry_run_says_what_would_be_and_writes_nothing(house: House) -> None:
    release = house.released()
    house.live(release, 10, lambda arm, n: FIXED if arm else [BROKEN, *FIXED])
    before = house.hub.state().seq
    found = only(house.cycle(10, dry_run=True))
    assert found.action == "promote" and "would become stable. It helps" in found.told(dry_run=True)
    assert house.hub.state().seq == before


def test_little_data_waits_and_says_how_much_is_missing_and_ends_unproven(house: House) -> None:
    release = house.released()
    began = datetime.fromisoformat(release.time)
    for hour in range(3):
        house.put(house.people[0], began + timedelta(hours=hour, minutes=1), FIXED)
    found = only(house.cycle(1))
    assert found.action == "wait"
    assert found.why == "Not enough data yet: 3 of 40 eligible sessions, 1 of 2 people."
    kept = so_far(house.path / "group", release.skill, release.version)
    assert kept is not None and kept.why == found.why and kept.time.startswith(found_day(1))
    found = only(house.cycle(28.1))
    assert found.action == "unproven" and "No evidence of harm in 28 days" in found.why
    assert house.hub.state().skills[release.skill].stage == "unproven"
    assert so_far(house.path / "group", release.skill, release.version) is None
    (house.path / "group" / "canaries.json").write_bytes(b"{")
    assert so_far(house.path / "group", release.skill, release.version) is None, "damage is nothing"


def test_where_sessions_are_not_kept_as_long_as_a_canary_is_measured_nothing_is_promoted(
    house: House,
) -> None:
    release = house.released()
    house.live(release, 10, lambda arm, n: FIXED if arm else [BROKEN, *FIXED])
    house.hub.commit("settings", {"retention_days": 7}, role="owner")
    assert only(house.cycle(6.9, dry_run=True)).why.startswith("The group keeps") is False
    found = only(house.cycle(10))
    assert found.action == "wait"
    assert "keeps sessions for 7 days" in found.why and "first days are not measured" in found.why
    assert only(house.cycle(28.1)).action == "unproven"
    assert house.hub.state().skills[release.skill].stage == "unproven"


def found_day(days: float) -> str:
    """The day of a cycle so many days after now."""
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def test_a_canary_from_before_there_was_a_control_ends_unproven_and_unmeasured(house: House) -> None:
    release = house.released()
    hub = house.hub
    hub.rollback(release.skill, None)
    body = {"skill": release.skill, "version": release.version, "base": None, "object": release.object}
    more = {"sidecar": release.sidecar, "stage": "canary"}
    hub.commit("release", {**body, **more}, role="owner")
    assert only(house.cycle(27)).action == "wait"
    found = only(house.cycle(28.1))
    assert (found.action, found.effect) == ("unproven", None)
    assert "was not measured" in found.why


def test_a_canary_of_a_time_that_no_clock_tells_ends_no_cycle(house: House) -> None:
    release = house.released()
    hub: Any = house.hub
    hub.rollback(release.skill, None)
    right, hub.clock = hub.clock, BrokenClock("0001-01-01T00:00:00Z")
    body = {"skill": release.skill, "version": release.version, "base": None, "object": release.object}
    hub.commit("release", {**body, "sidecar": release.sidecar, "stage": "canary", "share": 0.5}, role="owner")
    hub.clock = right
    found = only(house.cycle(1))
    assert (found.action, house.hub.state().skills[release.skill].stage) == ("unproven", "unproven")


def test_what_came_back_behind_a_revoked_version_is_rolled_back_to_nothing(house: House) -> None:
    first = house.released()
    other, name = house.hub.put_bundle(bundle(first.skill, "Lint by hand."))
    body = {"skill": first.skill, "version": other, "base": first.version, "object": name}
    house.hub.commit("release", {**body, "stage": "stable"}, role="owner")
    again = {**body, "version": first.version, "base": other, "object": first.object}
    house.hub.commit("release", {**again, "stage": "canary", "share": 0.5}, role="owner")
    house.hub.revoke(first.skill, other, "It harms.")
    release = house.hub.state().skills[first.skill].releases[-1]
    began = datetime.fromisoformat(release.time) + timedelta(minutes=5)
    for at in (began + timedelta(days=day) for day in range(8)):
        for client in house.people:
            harmed = treated(client, release.skill, release.version, block(at), 0.5)
            house.put(client, at, [BROKEN, *FIXED], outcome="failure" if harmed else "success")
    assert only(house.cycle(8)).action == "rollback"
    (found,) = (one for one in house.hub.state().skills[first.skill].releases if one.seq == release.seq)
    assert [(event.what, event.to) for event in found.story] == [("rollback", None)]


def test_sessions_that_belong_to_no_arm_are_left_out(house: House) -> None:
    release = house.released()
    began = datetime.fromisoformat(release.time)
    client, at = house.people[0], began + timedelta(hours=1)
    house.put(client, at, FIXED)
    house.put("", at, FIXED)  # nobody's
    house.put(client, began - timedelta(seconds=1), FIXED)  # from before
    house.put(client, at, FIXED, env=dict([OFF]))  # takes no part
    house.put(client, at, [], task="translate the letter to the landlord into French")  # about something else
    other = SkillUse(name=release.skill, version="f" * 64, read_step=2)  # another hub's, of the same name
    for day in range(3):  # of the first day it is not known yet when arms are drawn
        house.put(house.people[1], at + timedelta(days=day), FIXED, skills=[other])
    assert "2 of 40 eligible sessions, 2 of 2 people" in only(house.cycle(3)).why
    assert "changed their copy" not in only(house.cycle(28.1)).why


def test_a_version_that_was_read_is_a_second_figure_and_changes_no_arm(house: House) -> None:
    release = house.released()
    began = datetime.fromisoformat(release.time)
    read = SkillUse(name=release.skill, version=release.version, read_step=1)
    for day in range(12):
        at = began + timedelta(days=day, minutes=1)
        for client in house.people[:3]:
            house.put(client, at, FIXED, skills=[read])  # in both arms, whatever was assigned
    effect = only(house.cycle(12)).effect
    assert effect is not None and effect.control_n > 0
    assert effect.read_n == effect.treated_n and effect.read_rate == 0.0


def test_while_a_canary_is_measured_no_cycle_changes_it(house: House) -> None:
    release = house.released()
    began = datetime.fromisoformat(release.time)
    for number in range(8):  # a second lesson about the same program
        at = began + timedelta(hours=number + 1)
        house.put(house.people[number % 4], at, LINT)
    report = house.cycle(1)
    assert only(report).action == "wait"
    assert [one.skill for one in report.released] == []
    assert house.hub.state().skills[release.skill].current == release.version


def test_a_cycle_that_lost_its_claim_writes_nothing_and_the_next_ends_the_same(house: House) -> None:
    release = house.released()
    house.live(release, 10, lambda arm, n: FIXED if arm else [BROKEN, *FIXED])
    calls = 0

    def lost() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:  # the first is the stage's, the second the one before the commit
            raise BusyError("Another took over.")

    before = house.hub.state().seq
    with pytest.raises(BusyError):
        house.cycle(10, fence=lost)
    assert house.hub.state().seq == before
    assert only(house.cycle(10)).action == "promote"
    assert house.hub.state().skills[release.skill].stage == "stable"


def test_what_a_person_decided_in_between_stands(house: House) -> None:
    release = house.released()
    house.live(release, 10, lambda arm, n: FIXED if arm else [BROKEN, *FIXED])
    calls = 0

    def person() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            house.hub.rollback(release.skill, None, why="It annoys me.")

    found = only(house.cycle(10, fence=person))
    assert found.action == "wait" and found.why == "Somebody decided on it meanwhile; that stands."
    skill = house.hub.state().skills[release.skill]
    assert skill.current is None and [event.what for event in skill.releases[-1].story] == ["rollback"]


def test_the_same_sessions_give_the_same_whatever_the_evolver_remembers(house: House) -> None:
    release = house.released()
    house.live(release, 6, lambda arm, n: FIXED if arm or n % 3 else [BROKEN, *FIXED])
    first = only(house.cycle(6, dry_run=True))
    (house.path / "group" / "evolve.db").unlink()
    again = only(house.cycle(6, dry_run=True))
    assert msgspec.to_builtins(again.effect) == msgspec.to_builtins(first.effect)


def test_with_switchback_a_skill_of_ones_own_is_a_canary_first(tmp_path: Path) -> None:
    house = House(tmp_path, policy="solo", people=1)
    report = house.cycle(switchback=True)
    (skill,) = house.hub.state().skills.values()
    assert skill.stage == "canary" and skill.releases[-1].share == 0.5
    assert [one.stage for one in report.released] == ["canary"]
    release = skill.releases[-1]
    house.live(release, 24, lambda arm, n: FIXED if arm else [BROKEN, *FIXED], each=2)
    assert only(house.cycle(24, switchback=True)).action == "promote"  # one's own word is enough for oneself


def test_without_switchback_a_skill_of_ones_own_is_there_at_once(tmp_path: Path) -> None:
    house = House(tmp_path, policy="solo", people=1)
    house.cycle()
    (skill,) = house.hub.state().skills.values()
    assert skill.stage == "stable" and house.cycle(1).rollouts == []


def test_days_are_those_of_utc(house: House) -> None:
    release = house.released()
    began = datetime.fromisoformat(release.time)
    late = (began + timedelta(days=2)).astimezone(UTC).replace(hour=23, minute=30)
    east = late.astimezone(timezone(timedelta(hours=9)))
    assert east.date() > late.date()
    for client in house.people:
        house.put(client, east, FIXED, task=TASK)
    effect = only(house.cycle(4)).effect
    arms = [treated(one, release.skill, release.version, block(late), 0.5) for one in house.people]
    if len(set(arms)) == 2:
        assert effect is not None and effect.treated_n == sum(arms)
    else:
        assert effect is None
