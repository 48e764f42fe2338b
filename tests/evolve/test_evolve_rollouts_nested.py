"""A canary that people released on top of a canary: the newest alone is measured, then the one below anew."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from atif_sessions import Ran
from rollout_house import FIXED, House, only

from skillclaw.hub.arms import block, treated
from skillclaw.hub.records import Release
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File, Proposal
from skillclaw.trajectory.model import SkillUse


def changed(house: House, release: Release, line: str, cut: int = 0) -> Release:
    """A canary that a person released on top of `release`: its last `cut` characters are a line instead."""
    (file, *_) = house.hub.get_bundle(release).files
    text = file.data.decode()
    data = f"{text[: len(text) - cut]}\n- {line}\n".encode()
    made = Bundle(name=release.skill, files=[File(path="SKILL.md", data=data)])
    proposal = Proposal(
        id=f"p-{version(made)[:8]}",
        action="refine",
        skill=release.skill,
        base=release.version,
        engine="person",
        why="It helps.",
        bundle=made,
    )
    house.hub.propose(proposal)
    house.hub.record_verdicts(proposal.id, [], "passed")
    return house.hub.release(proposal.id, stage="canary")


def test_the_newest_is_measured_and_rolled_back_to_the_one_below_which_is_measured_anew(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    first = house.released()
    second = changed(house, first, "Run it twice.")
    state = house.hub.state()
    assert state.skills[first.skill].current == second.version
    began = datetime.fromisoformat(second.time)
    for number in range(1, 13):
        at = began + timedelta(days=number)
        for client in house.people * 2:
            arm = treated(client, second.skill, second.version, block(at), 0.5)
            house.put(client, at, FIXED, outcome="failure" if arm else "success")
    report = house.cycle(13)
    found = only(report)
    assert (found.version, found.action) == (second.version, "rollback")
    assert report.released == [], "the first is a canary still, which no cycle changes"
    skill = house.hub.state().skills[first.skill]
    assert (skill.current, skill.stage) == (first.version, "canary")
    again = skill.release(first.version)
    assert again is not None
    assert [event.what for event in again.story] == ["return"]
    returned = datetime.fromisoformat(again.story[0].time)
    assert returned >= datetime.fromisoformat(second.time)
    waits = only(house.cycle(0.5))
    assert (waits.version, waits.action) == (first.version, "wait")
    assert house.hub.verify() == []


def test_the_text_below_all_canaries_is_no_edit_of_the_newest(tmp_path: Path) -> None:
    """Read without its version: else who has the control would leave the arms for having it."""
    house = House(tmp_path)
    first = house.released()
    house.hub.promote(first.skill)
    stable = house.hub.state().skills[first.skill].release(first.version)
    assert stable is not None and stable.stage == "stable"
    newest = changed(house, changed(house, stable, "Run it twice.", cut=80), "Run it thrice.", cut=80)
    text = house.hub.get_bundle(stable).files[0].data.decode().rstrip()[-60:]
    assert text not in house.hub.get_bundle(newest).files[0].data.decode()
    began = datetime.fromisoformat(newest.time)
    read = Ran(f"cat /home/u/.agents/skills/{first.skill}/SKILL.md", 0, text)
    for number in range(1, 9):
        at = began + timedelta(days=number)
        for client in house.people:
            arm = treated(client, newest.skill, newest.version, block(at), 0.5)
            uses = [] if arm else [SkillUse(name=first.skill, read_step=2)]
            house.put(client, at, [*([] if arm else [read]), *FIXED], skills=uses)
    effect = only(house.cycle(28.5)).effect
    assert effect is not None and effect.treated_n + effect.control_n == 8 * len(house.people)
    assert effect.control_n > 8
