"""A storage writer deletes what a voting job is about: the proposal ends all the same."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from team import hub, state
from voters import evolved, status, taught

from skillclaw.evolve import voting
from skillclaw.hub import vote_jobs


@pytest.mark.slow
def test_a_proposal_whose_object_was_deleted_while_it_waited_is_made_again_and_ends(tmp_path: Path) -> None:
    proposal = taught(tmp_path, hours=0.001)
    name, store = state(tmp_path).proposals[proposal].object, hub(tmp_path).store
    (place,) = [one for one in store.list("objects") if name in one]
    store.delete(place)
    time.sleep(4)
    evolved(tmp_path)
    assert place in store.list("objects"), "it is there again"
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "released"


@pytest.mark.slow
def test_one_that_is_made_again_with_other_bytes_ends_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = taught(tmp_path, hours=0.001)
    name, store = state(tmp_path).proposals[proposal].object, hub(tmp_path).store
    store.delete(f"objects/{name}")
    # as another version of SkillClaw would write the same
    monkeypatch.setattr(voting, "_record", msgspec.json.Encoder(order="sorted"))
    time.sleep(4)
    evolved(tmp_path)
    assert f"objects/{name}" not in store.list("objects")
    known = state(tmp_path).proposals[proposal]
    assert known.status == "rejected"
    assert known.verdicts[-1].reason.startswith("What was proposed is gone from the hub's storage")
    assert store.list(vote_jobs.FOLDER) == []
