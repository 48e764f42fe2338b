"""One person's many sessions against a skill do not keep it from being retired."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import test_evolve_care as care
from atif_sessions import Ran
from test_evolve_care import MEETINGS, NOW, House, offered


@pytest.mark.parametrize("harmful", [True, False])
@pytest.mark.parametrize("many", [0, 3])
def test_one_persons_many_keep_no_skill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int, harmful: bool
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    house = House(tmp_path)
    refs = house.talk("diary", MEETINGS, Ran("diary show --today", 0, "2 meetings"))
    house.skill("diary-work", "Schedule and cancel a meeting.", ["Run `diary show --today`."], refs)
    if harmful:
        offered(house, "diary-work", body=house.text("diary-work"), good=3)
        offered(house, "diary-work", good=27, start=1)
    else:
        offered(house, "diary-work")
    monkeypatch.setattr(care, "NOW", NOW + timedelta(days=10))
    for start in range(100, 100 + many):
        more = {"body": house.text("diary-work"), "good": 0} if harmful else {}
        offered(house, "diary-work", start=start, users="z", **more)
    monkeypatch.setattr(care, "NOW", NOW)
    house.cycle(days=20 if harmful else 40, policy="team")
    (one,) = [said for said in house.machine.hub.state().proposals.values() if said.action == "retire"]
    (support,) = [said for said in one.verdicts if said.check == "support"]
    assert support.verdict == "pass", support.reason
