"""What voting jobs and verdicts tell of who taught a change, and what a flood of names beside them costs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from team import home, hub, sc, state, taken
from voters import TEACHERS, counts, evolved, member, status, taught

from skillclaw.hub import keys, store, vote_jobs
from skillclaw.server.groups.collecting import pseudonym


def people(place: Path) -> dict[str, str]:
    """What evidence calls each of those who taught, by the evolver's secret."""
    now = state(place)
    secret = keys.load(home(place, "ada") / "keys", now.group, "pseudonyms")
    assert secret is not None
    return {who: pseudonym(now.keys[member(place, who)], secret.encode()) for who in TEACHERS}


def test_neither_job_nor_verdict_links_counts_to_who_taught_it_and_they_have_no_vote(tmp_path: Path) -> None:
    proposal = taught(tmp_path)
    data = hub(tmp_path).store.get(vote_jobs.place_of(proposal), vote_jobs.MAX_JOB)
    assert data is not None
    known = people(tmp_path)
    evidence = hub(tmp_path).get_object(state(tmp_path).proposals[proposal].object).decode()
    assert any(name in evidence for name in known.values()), "what a release publishes of people"
    assert not [who for who, name in known.items() if name in data.decode()]
    sources = json.loads(data)["sources"]
    assert len(sources) == 3 and all(code not in evidence for code in sources)
    for who in ("bob", "cyd", "eve"):
        counts(tmp_path, who, proposal, 9, 0)
    taken(tmp_path)
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "open", "eve is alone: bob and cyd taught it"
    counts(tmp_path, "fay", proposal, 7, 0)
    taken(tmp_path)
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "released"
    (said,) = [one for one in state(tmp_path).proposals[proposal].verdicts if one.check == "votes"]
    assert said.reason == (
        "At least 2 of the members' machines found that it helps, and few or none that it harms."
    )


@pytest.mark.slow
def test_a_flood_of_names_hides_no_job_and_no_more_than_a_thousand_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = taught(tmp_path)
    flood = [f"{number:016x}/slot-0/claims/{number:08d}.json" for number in range(1400)]
    odd = ["x", "a b/claims/c.json", "UPPER/claims/c.json", f"{proposal}/claims/c.json"]
    for name in (*flood, *odd):
        path = tmp_path / "group" / vote_jobs.FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}")
    real, read = store.listed, Counter[int]()

    def counted(folder: Path, prefix: str, longest: int) -> Iterator[tuple[str, datetime]]:
        listing = len(read)
        for one in real(folder, prefix, longest):
            read[listing] += prefix.startswith("jobs/votes")
            yield one

    monkeypatch.setattr(store, "listed", counted)
    (shown,) = sc(tmp_path, "eve", "jobs", "list")["open"]
    assert shown["proposal"] == proposal
    for who in ("eve", "fay"):
        counts(tmp_path, who, proposal, 9, 0)
    taken(tmp_path)
    evolved(tmp_path)
    assert status(tmp_path, proposal) == "released"
    assert max(read.values()) == vote_jobs.NAMES
    evolved(tmp_path)
    left = [path for path in (tmp_path / "group" / vote_jobs.FOLDER).rglob("*") if path.is_file()]
    assert len(left) <= 1, "the rubbish goes, a thousand a cycle"
