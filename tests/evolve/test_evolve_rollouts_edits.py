"""Copies that agents or people change while a canary is measured: what counts, and what is said of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from rollout_house import BROKEN, FIXED, House, only

from skillclaw.hub.arms import block, treated
from skillclaw.hub.records import Release
from skillclaw.trajectory.model import SkillUse


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def edited(release: Release) -> list[SkillUse]:
    return [SkillUse(name=release.skill, offered=True, edited=True)]


def first_day(release: Release, client: str, arm: bool) -> datetime:
    """A moment of the first day after the release's on which the client has the canary, or has it not."""
    began = datetime.fromisoformat(release.time)
    days = (began + timedelta(days=n) for n in range(1, 28))
    return next(at for at in days if treated(client, release.skill, release.version, block(at), 0.5) == arm)


def test_the_block_in_which_a_copy_was_edited_counts_and_the_next_ones_do_not(house: House) -> None:
    release = house.released()
    client = house.people[0]
    began = datetime.fromisoformat(release.time)
    edit = began + timedelta(days=3)
    house.put(client, began + timedelta(days=1), FIXED)
    house.put(client, edit, FIXED, skills=edited(release))
    house.put(client, edit, FIXED, skills=edited(release))
    house.put(client, edit + timedelta(days=1), FIXED, skills=edited(release))
    house.put(client, edit + timedelta(days=2), FIXED)  # of an agent whose folder has no edited copy
    assert "3 of 40 eligible sessions, 1 of 2 people" in only(house.cycle(10)).why


def test_a_text_that_is_no_version_is_an_edit_too_and_its_block_counts(house: House) -> None:
    release = house.released()
    client = house.people[0]
    at = first_day(release, client, True)
    read = SkillUse(name=release.skill, version=release.version, read_step=1)
    changed = SkillUse(name=release.skill, version="f" * 64, read_step=2)
    house.put(client, at, FIXED, skills=[read])
    house.put(client, at, FIXED, skills=[changed])
    house.put(client, at + timedelta(days=1), FIXED, skills=[changed])
    assert "2 of 40 eligible sessions" in only(house.cycle(20)).why
    found = only(house.cycle(28.1))
    assert found.action == "rollback" and "1 of 1 person who had it changed their copy" in found.why


def test_a_copy_that_was_edited_before_the_release_is_in_no_arm_and_no_edit_of_the_canary(
    house: House,
) -> None:
    release = house.released()
    began = datetime.fromisoformat(release.time)
    house.put(house.people[0], began - timedelta(days=9), FIXED, skills=edited(release))
    for day in range(1, 9):
        house.put(house.people[0], began + timedelta(days=day), FIXED, skills=edited(release))
    assert "0 of 40 eligible sessions" in only(house.cycle(10)).why
    assert only(house.cycle(28.1)).action == "unproven"


@pytest.mark.parametrize(("changed", "action"), [(1, "unproven"), (2, "rollback")])
def test_a_skill_whose_copy_many_change_is_rolled_back_at_the_end_and_that_is_told(
    house: House, changed: int, action: str
) -> None:
    release = house.released()
    for number, client in enumerate(house.people):
        house.put(client, first_day(release, client, False), FIXED)
        uses = edited(release) if number < changed else []
        house.put(client, first_day(release, client, True), FIXED, skills=uses)
    assert only(house.cycle(27)).action == "wait"
    found = only(house.cycle(28.1))
    assert found.action == action
    assert f"{changed} of 6 people who had it changed their copy" in found.why
    skill = house.hub.state().skills[release.skill]
    assert (skill.current is None) == (action == "rollback")
    assert skill.releases[-1].story[-1].why == found.why


def test_a_skill_that_makes_agents_edit_and_fail_in_their_first_session_is_found(house: House) -> None:
    """Were the sessions with an edited copy left out, the control alone would be left."""
    release = house.released()
    for number, client in enumerate(house.people):
        for _ in range(8):
            if number < 3:
                at = first_day(release, client, True)
                house.put(client, at, [BROKEN], outcome="failure", skills=edited(release))
            else:
                house.put(client, first_day(release, client, False), FIXED)
    effect = only(house.cycle(27)).effect
    assert effect is not None and (effect.treated_n, effect.control_n) == (24, 24)
    assert (effect.treated_rate, effect.control_rate) == (1.0, 0.0)
