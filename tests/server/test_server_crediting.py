"""A skill of a group that an agent read is known by the group, the version and the text that was seen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hubs_at_hand import Hubs, bundle
from made_sessions import made

from skillclaw.journal.border import outgoing
from skillclaw.journal.redact import Redactor
from skillclaw.server.sessions.crediting import credit_skills
from skillclaw.trajectory.model import SessionMeta, SkillUse, Trajectory, decode, meta


@pytest.fixture
def hubs(tmp_path: Path) -> Hubs:
    return Hubs(tmp_path)


def body(text: str) -> str:
    return bundle("git", text).files[0].data.decode()


def reads(text: str) -> Trajectory:
    return made("go", ("Skill", {"skill": "git"}, text, None))


def used(session: Trajectory) -> list[tuple[str | None, str | None]]:
    return [(use.hub, use.version) for use in meta(session).skills]


def test_a_groups_skill_is_credited_to_the_group(hubs: Hubs) -> None:
    group = hubs.team.info.group
    first = hubs.release(hubs.team, bundle("git", "first way"))
    hubs.sync()
    second = hubs.release(hubs.team, bundle("git", "second way"))
    assert used(credit_skills(hubs.fresh(), reads(body("second way")))) == [(group, second)]
    assert used(credit_skills(hubs.fresh(), reads(body("first way")))) == [(group, first)], (
        "it was installed here"
    )
    assert used(credit_skills(hubs.fresh(), reads(body("no such way")))) == [(None, None)]


def test_the_personal_hub_goes_before_a_group(hubs: Hubs) -> None:
    hubs.release(hubs.team, bundle("git", "one way"))
    mine = hubs.release(hubs.machine.hub, bundle("git", "one way"))
    assert used(credit_skills(hubs.fresh(), reads(body("one way")))) == [("personal", mine)]


def test_a_group_that_is_away_is_asked_once_and_stops_nothing(hubs: Hubs) -> None:
    hubs.release(hubs.team, bundle("git", "one way"))
    shutil.move(hubs.team_folder, hubs.place / "away")
    machine = hubs.fresh()
    assert used(credit_skills(machine, reads(body("one way")))) == [(None, None)]
    shutil.move(hubs.place / "away", hubs.team_folder)
    assert used(credit_skills(machine, reads(body("one way")))) == [(None, None)], "asked a second time"


def test_a_group_is_not_told_of_other_hubs_skills(hubs: Hubs) -> None:
    group = hubs.team.info.group
    uses = [
        SkillUse(name="diary", hub="personal", version="a" * 64, offered=True),
        SkillUse(name="git", hub=group, version="b" * 64, offered=True),
        SkillUse(name="other", hub="c" * 32, version="d" * 64, offered=True),
        SkillUse(name="unknown", offered=True),
    ]
    session = made("go", meta=SessionMeta(key="0" * 16, skills=uses))
    redactor = Redactor(b"k" * 32, home=hubs.home, user_names=[])
    left = meta(decode(outgoing(session, redactor, client_key=b"k" * 32, group=group).body)).skills
    assert [use.name for use in left] == ["git", "unknown"]
