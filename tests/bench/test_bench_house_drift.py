"""A rule of the house that becomes another: who works as it is now passes, who works as it was does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillclaw.bench.suites.house import House
from skillclaw.bench.suites.model import Grade
from skillclaw.errors import UsageError
from skillclaw.sandbox import why_no_room

pytestmark = pytest.mark.slow

TASKS = {
    "orders-site": "01_Productivity_Flow_task_2_order_total",
    "times-utc": "01_Productivity_Flow_task_9_rota_day",
    "seek-live": "04_Search_Retrieval_task_1_handbook_pages",
}

needs_sandbox = pytest.mark.skipif(bool(why_no_room()), reason=f"no sandbox here: {why_no_room()}")


def tried(suite: House, template: str, script: str, folder: Path) -> Grade:
    folder.mkdir()
    with suite.open(suite.draw(template, 1), folder) as workspace:
        workspace.call("bash", {"command": script})
        return suite.grade(suite.draw(template, 1), workspace, [])


@needs_sandbox
@pytest.mark.parametrize("rule", sorted(TASKS))
def test_from_then_on_only_the_new_way_works(rule: str, tmp_path: Path) -> None:
    house, template = House(), TASKS[rule]
    later = house.drifted(rule, tmp_path / "later")
    before, now = (suite.script(suite.draw(template, 1), "solve") for suite in (house, later))
    assert house.drifts()[rule].old in before and house.drifts()[rule].new in now
    assert tried(house, template, before, tmp_path / "a").success
    assert tried(later, template, now, tmp_path / "b").success
    assert not tried(later, template, before, tmp_path / "c").success
    assert not tried(house, template, now, tmp_path / "d").success


def test_users_and_hand_written_skills_tell_the_new_way_and_tasks_stay(tmp_path: Path) -> None:
    house = House()
    later = house.drifted("orders-site", tmp_path / "later")
    said = " ".join(later.rules()["orders-site"].say)
    assert "--shop main" in said and "--site" not in said
    assert later.told("orders-site", "--shop main") and not later.told("orders-site", "--site main")
    skills = "".join(path.read_text() for path in sorted((tmp_path / "later" / "skills").rglob("*.md")))
    assert "--shop main" in skills and "--site" not in skills
    template = TASKS["orders-site"]
    assert later.draw(template, 7).instruction == house.draw(template, 7).instruction


def test_each_wrong_skill_holds_its_mark_and_no_right_one_does() -> None:
    house = House()
    right = "".join(path.read_text() for path in sorted(house.data.glob("skills/*/SKILL.md")))
    for name, mark in house.marks().items():
        assert mark in (house.wrong(name) / "SKILL.md").read_text() and mark not in right
    with pytest.raises(UsageError, match="no wrong skill"):
        house.wrong("../skills/house-orders")
