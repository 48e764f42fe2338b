"""Who a decision about a canary hangs on is told to who runs the evolver, and stands in no log."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from rollout_house import BROKEN, FIXED, House, only

from skillclaw.evolve.undecided import so_far
from skillclaw.hub.arms import block, treated


def test_an_owner_is_told_whose_sessions_alone_speak_against_a_canary(tmp_path: Path) -> None:
    house = House(tmp_path, people=6, whole=True)
    for number, key in enumerate(house.people):
        house.hub.commit(
            "key-add", {"public": key, "role": "member", "name": f"person {number}"}, role="owner"
        )
    release = house.released()
    began = datetime.fromisoformat(release.time) + timedelta(minutes=5)
    *honest, liar = house.people
    for day in range(14):
        at = began + timedelta(days=day)
        for client in honest:
            for each in range(4):  # as many fail each day, so that no draw of the arms speaks against it
                house.put(client, at, [BROKEN, *FIXED] if each % 2 else FIXED)
        arm = treated(liar, release.skill, release.version, block(at), 0.5)
        for _ in range(20):
            house.put(liar, at, [BROKEN, *FIXED] if arm else FIXED)
    found = only(house.cycle(14))
    assert found.action == "wait", found.why
    (one,) = found.people
    assert (one.name, one.key, one.sessions, one.of) == ("person 5", liar[:16], 280, 560)
    line = (
        f"It hangs on person 5 (key {liar[:16]}, 280 of 560 sessions); an owner can ask, and revoke the key."
    )
    assert line in found.told()
    kept = so_far(house.path / "group", release.skill, release.version)
    assert kept is not None and line in kept.why  # for `skills log` on this machine

    late = only(house.cycle(28.5))
    assert late.action == "unproven" and "1 of 6 people alone speak against it" in late.why, late
    assert [person.name for person in late.people] == ["person 5"]
    (skill,) = house.hub.state().skills.values()
    story = skill.releases[-1].story[-1]
    assert story.why == late.why and "person 5" not in story.why and liar[:8] not in story.why
