"""One machine that votes, as a process: `voting_client.py HOME WON LOST [SECONDS]`. It says when it tries."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
from voters import scored

from skillclaw.gate.context import CurrentSkill
from skillclaw.gate.replay.records import ReplayResult
from skillclaw.server.machine import Machine
from skillclaw.server.votes import voting
from skillclaw.server.votes.voting import Tester, vote
from skillclaw.settings_votes import VotesSettings
from skillclaw.skills.records import Proposal
from skillclaw.trajectory.model import Trajectory


def main() -> None:
    home, won, lost = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 0.0
    voting.TTL = float(sys.argv[5]) if len(sys.argv) > 5 else voting.TTL

    def test(proposal: Proposal, sessions: list[Trajectory]) -> ReplayResult:
        print("trying", flush=True)
        time.sleep(seconds)
        return scored(won, lost)(proposal, sessions)

    def make(settings: VotesSettings, base: Mapping[str, CurrentSkill]) -> Tester:
        return test

    done = vote(Machine(home), make)
    print(msgspec.json.encode(done).decode(), flush=True)


if __name__ == "__main__":
    main()
