"""A member who floods a slot of a voting job closes that one slot, and stops nobody's votes."""

from __future__ import annotations

from pathlib import Path

import pytest
from team import hub
from voters import scored, taught, voted

from skillclaw.hub import vote_jobs
from skillclaw.hub.claim_entries import folder_of, place_of
from skillclaw.hub.claims import NAMES


@pytest.mark.slow
def test_a_flooded_slot_is_passed_over(tmp_path: Path) -> None:
    proposal = taught(tmp_path)
    slots = [vote_jobs.slot_of(proposal, number) for number in range(3)]
    for slot, names in (
        (slots[0], [f"{folder_of(slots[0])}/x{n}" for n in range(NAMES)]),
        (slots[1], [place_of(slots[1], n) for n in range(1, 150)]),
    ):
        for name in names:
            path = tmp_path / "group" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"{}")
        assert hub(tmp_path).store.list(folder_of(slot))
    (done,) = voted(tmp_path, "eve", scored(4))
    assert (done.proposal, done.state) == (proposal, "sent")
    assert hub(tmp_path).store.list(folder_of(slots[2]))
