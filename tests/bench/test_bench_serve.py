"""`bench serve`: groups are filled as clients fill them; in small, the three passes of a real server."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from skillclaw.bench.groups import make_group, open_group, send
from skillclaw.bench.multiply import multiplied, read_real
from skillclaw.bench.serve import run_serve_bench, summary
from skillclaw.errors import StorageError, UsageError, VerifyError
from skillclaw.hub import keys
from skillclaw.hub.sealed import get_session, list_sessions, open_any, private_key
from skillclaw.trajectory.model import decode, meta


def test_sessions_are_sealed_by_members_to_the_evolver(tmp_path: Path) -> None:
    url, homes = str(tmp_path / "hub"), [tmp_path / "a", tmp_path / "b"]
    made = make_group(url, tmp_path / "owner", homes, members=3)
    sessions = list(multiplied(read_real(None), 12, seed=1))
    assert send(made, sessions[:8], day="2026-11-20") == 8
    again = open_group(url, tmp_path / "owner", members=3)
    assert send(again, sessions[8:], day="2026-11-20") == 4
    with pytest.raises(VerifyError):
        send(again, sessions[8:], day="2026-11-20")
    names, group = list_sessions(made.hub), made.hub.info.group
    assert len(names) == 12
    members = {keys.public_hex(key) for key in made.members}
    for home in homes:
        sealing = keys.load(home / "keys", group, "sealing")
        own = keys.load(home / "keys", group, "evolver")
        assert sealing is not None and own is not None
        assert made.hub.state().keys[keys.public_hex(own)].role == "evolver"
        signers: Counter[str] = Counter()
        found = []
        for name in names:
            data = get_session(made.hub, name)
            assert data is not None
            opened = open_any(data, [private_key(sealing)], group=group, name=name)
            signers[opened.signer] += 1
            found.append(meta(decode(opened.body)).key)
        assert sorted(found) == sorted(meta(one).key for one in sessions)
        assert signers.keys() == members


def test_what_cannot_be_measured_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one session"):
        run_serve_bench(groups=0, into=tmp_path)
    with pytest.raises(StorageError, match="too small"):
        run_serve_bench(groups=1000, sessions=10**9, into=tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_three_passes_in_small(tmp_path: Path) -> None:
    result = run_serve_bench(groups=2, sessions=150, more=4, parallel=2, into=tmp_path)
    first, nothing, more = result["passes"]
    assert first["taken"] == 300 and first["cycles"] == {"done": 2}
    assert nothing["taken"] == 0 and nothing["released"] == 0
    assert more["taken"] == 8 and more["cycles"] == {"done": 2}
    assert first["released"] > 0
    for one in result["passes"]:
        assert one["seconds"] > 0 and one["server_mb"] > 0 and one["requests"] is None
    assert first["child_mb"] > 20 and first["peak_mb"] > first["child_mb"]
    assert "2 groups x 150 sessions" in summary(result)
    assert list(tmp_path.iterdir()) == [], "nothing is left"
