"""Who holds an invite for several has no votes by the keys that it makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from team import joined, sc, state, taken
from voters import counts, evolved, scored, status, taught, voted


@pytest.mark.slow
def test_new_members_of_one_invite_neither_reject_nor_release_a_change(tmp_path: Path) -> None:
    proposal = taught(tmp_path, ("eve", "fay"))
    for who in ("max", "moe"):
        joined(tmp_path, who, "--uses", "9")
        counts(tmp_path, who, proposal, 0, 9)
    taken(tmp_path)
    evolved(tmp_path)
    assert len(state(tmp_path).proposals[proposal].counts) == 2
    assert status(tmp_path, proposal) == "open"
    for who in ("eve", "fay"):
        voted(tmp_path, who, scored(3))
    taken(tmp_path)
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "released"
    said = next(one for one in state(tmp_path).proposals[proposal].verdicts if one.check == "votes")
    assert said.verdict == "pass" and "found that it helps" in said.reason


@pytest.mark.slow
def test_where_nobody_is_new_the_same_votes_decide(tmp_path: Path) -> None:
    proposal = taught(tmp_path, ("eve", "fay"))
    sc(tmp_path, "ada", "hub", "settings", "newcomer_days", "0")
    for who in ("max", "moe"):
        joined(tmp_path, who, "--uses", "9")
        counts(tmp_path, who, proposal, 0, 9)
    taken(tmp_path)
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "rejected"
