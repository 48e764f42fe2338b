"""Keys that came in together are one person where a canary is measured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from rollout_house import BROKEN, FIXED, House, only

from skillclaw.gate.standing import MemberFacts
from skillclaw.hub.arms import block, treated

LIARS = 4
TOGETHER = MemberFacts(known=False, cohort="one-invite")


@pytest.mark.parametrize(("facts", "action"), [(MemberFacts(), "promote"), (TOGETHER, "wait")])
def test_many_new_keys_of_one_invite_do_not_promote_a_skill_that_helps_nobody(
    tmp_path: Path, facts: MemberFacts, action: str
) -> None:
    house = House(tmp_path, people=LIARS + 2)
    release = house.released()
    liars, honest = house.people[2:], house.people[:2]
    members: Mapping[str, MemberFacts] = {
        **{one[:8]: MemberFacts() for one in honest},
        **{one[:8]: facts for one in liars},
    }
    began = datetime.fromisoformat(release.time) + timedelta(minutes=5)
    for day in range(15):
        at = began + timedelta(days=day)
        for client in honest:
            house.put(client, at, [BROKEN, *FIXED] if day % 2 else FIXED)
        for client in liars:
            arm = treated(client, release.skill, release.version, block(at), 0.5)
            for _ in range(4):
                house.put(client, at, FIXED if arm else [BROKEN, *FIXED])
    found = only(house.cycle(15, members=members))
    assert found.action == action, found.why
