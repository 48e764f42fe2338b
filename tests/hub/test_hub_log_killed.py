"""A process that decides over a proposal is killed between two writes; who comes after ends its work."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hub_logs import opened

from skillclaw.hub import Hub

WORK = """
import os, signal, sys
from pathlib import Path
from skillclaw.errors import BadInputError
from skillclaw.hub import Hub
from skillclaw.hub.store import Store
from skillclaw.skills.records import Bundle, File, Proposal, Verdict

url, home, kill_at, after = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "after"
end = sys.argv[5]
writes = 0

def killing(name):
    real = getattr(Store, name)
    def write(self, *args, **more):
        global writes
        writes += 1
        if writes == kill_at and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        done = real(self, *args, **more)
        if writes == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    setattr(Store, name, write)

hub = Hub.open(url, home / "keys", home / "hubs.json")
hub.state()
killing("create")
killing("put")
text = b"---\\nname: git\\ndescription: How to use git.\\n---\\n\\n- Run it.\\n"
bundle = Bundle(name="git", files=[File(path="SKILL.md", data=text)])
hub.propose(Proposal(id="p", action="create", skill="git", base=None, engine="llm", why="", bundle=bundle))
if hub.state().proposals["p"].status == "open":
    hub.record_verdicts("p", [Verdict(check="approval", verdict="hold", reason="Wait.")], "held")
if end == "rejected":
    hub.reject("p", "No.")
else:
    hub.approve("p", note="seen")
    release = hub.release("p", stage="canary")
    canary = hub.state().skills["git"].stage == "canary"
    try:
        if end == "promoted":
            hub.promote("git", version=release.version, why="It helps.")
        elif end == "archived":
            hub.archive("git", why="Nobody uses it.", base=release.version)
        elif end == "revoked":
            hub.revoke("git", release.version, why="It harms.")
        else:
            hub.rollback("git", None, base=release.version, why="It harms.")
    except BadInputError:  # the log knows what was done already, this program does not look
        assert not canary
    else:
        assert canary
print(writes)
"""


END = "promoted"
"""How the proposal ends: `rejected`, or released and then one of ENDS."""
ENDS = {
    "promoted": ("stable", "promote", "It helps."),
    "rolled back": ("archived", "rollback", "It harms."),
    "archived": ("archived", "archive", "Nobody uses it."),
    "revoked": ("revoked", "revoke", "It harms."),
}
"""The skill's stage at the end, and its story."""


def worked(
    place: Path, kill_at: int = 0, when: str = "before", end: str = END
) -> subprocess.CompletedProcess[str]:
    """The whole way of a proposal by a process of its own, which dies at its write `kill_at`."""
    return subprocess.run(
        [sys.executable, "-c", WORK, str(place / "hub"), str(place / "me"), str(kill_at), when, end],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def made(place: Path) -> Hub:
    hub = opened(place)
    hub.state()
    return hub


def check(place: Path, end: str = END) -> None:
    hub = opened(place, "new")
    state = hub.state()
    proposal = state.proposals["p"]
    assert (state.void, hub.verify()) == (0, [])
    if end == "rejected":
        assert (proposal.status, proposal.approvals, state.skills) == ("rejected", [], {})
        assert [one.reason for one in proposal.verdicts] == ["Wait.", "No."]
        return
    skill = state.skills["git"]
    (release,) = skill.releases
    assert (proposal.status, len(proposal.approvals)) == ("released", 1)
    current = release.version if end == "promoted" else None
    told = [(skill.stage, one.what, one.why) for one in release.story]
    assert (skill.current, told) == (current, [ENDS[end]])


def test_a_process_that_is_killed_after_people_approved(tmp_path: Path) -> None:
    made(tmp_path)
    dead = worked(tmp_path, 4, "after")  # object, proposal, verdict, approval
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    proposal = opened(tmp_path, "between").state().proposals["p"]
    assert (proposal.status, len(proposal.approvals)) == ("held", 1)
    done = worked(tmp_path)
    assert done.returncode == 0, done.stderr
    check(tmp_path)


@pytest.mark.parametrize(
    ("end", "at"), [("rejected", 4), ("rolled back", 7), ("archived", 7), ("revoked", 7)]
)
def test_a_process_that_is_killed_as_it_ends_a_proposal_for_good(tmp_path: Path, end: str, at: int) -> None:
    """The last write is in the log, and nobody was told: who does it again changes nothing, and need not look
    first whether it was done."""
    made(tmp_path)
    dead = worked(tmp_path, at, "after", end)
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    check(tmp_path, end)
    log = opened(tmp_path, "between").state().seq
    done = worked(tmp_path, end=end)
    assert done.returncode == 0, done.stderr
    check(tmp_path, end)
    assert opened(tmp_path, "between").state().seq == log


@pytest.mark.slow
@pytest.mark.parametrize("end", ["rejected", *ENDS])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_is_killed_at_any_write(tmp_path: Path, when: str, end: str) -> None:
    whole = tmp_path / "whole"
    made(whole)
    writes = int(worked(whole, end=end).stdout)
    check(whole, end)
    assert writes >= (4 if end == "rejected" else 7)
    for at in range(1, writes + 1):
        place = tmp_path / str(at)
        made(place)
        dead = worked(place, at, when, end)
        assert dead.returncode == -signal.SIGKILL, (at, dead.stderr)
        done = worked(place, end=end)
        assert done.returncode == 0, (at, done.stderr)
        check(place, end)
