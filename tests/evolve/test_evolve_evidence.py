"""The packaged sets of evidence are what they say: whole sessions of several people, and small."""

from __future__ import annotations

import pytest
from evidence import FOLDER, NAMES, packed, sessions

from skillclaw.trajectory.model import decode, meta


@pytest.mark.parametrize("name", NAMES)
def test_a_set_holds_sessions_of_several_people_with_both_outcomes(name: str) -> None:
    found = [decode(path.read_bytes()) for path in sessions(name)]
    told = [meta(one) for one in found]
    assert len({one.key for one in told} | {one.session_id for one in found}) >= 5
    assert len({one.user for one in told}) >= (2 if name == "taubench" else 3)
    assert {one.outcome for one in told} >= {"success", "failure"}
    assert all(step.source != "system" for one in found for step in one.steps)


def test_the_sets_are_small_and_have_their_licences_beside_them() -> None:
    assert sum(packed(name).stat().st_size for name in NAMES) < 600_000
    for licence in ("LICENSE-workbench", "LICENSE-tau-bench"):
        assert "MIT" in (FOLDER / licence).read_text("utf-8") or "Permission is hereby granted" in (
            FOLDER / licence
        ).read_text("utf-8")
