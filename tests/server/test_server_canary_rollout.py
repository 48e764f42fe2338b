"""What a machine notes of its own sessions is what the rollout counts: arms, and who is in none."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hubs_at_hand import Hubs, bundle
from made_sessions import made

from skillclaw import settings
from skillclaw.evolve.executors import make_executor
from skillclaw.evolve.rollouts.collecting import Canary, observations
from skillclaw.evolve.state import EvolveState
from skillclaw.evolve.taking import take_sessions
from skillclaw.gate.rollout import Observation
from skillclaw.hub.arms import block, treated
from skillclaw.journal.store import SessionStore
from skillclaw.server.sessions.crediting import credit_skills
from skillclaw.settings import EvolveSettings
from skillclaw.skills.retrieval import Entry, Index
from skillclaw.trajectory.model import Trajectory, meta, with_meta

START = datetime(2026, 9, 1, 9, tzinfo=UTC)
ABOUT = "How to work with deploy in this project."


@pytest.fixture
def hubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hubs:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    one = Hubs(tmp_path)
    one.admit()
    return one


def lived(hubs: Hubs, day: int) -> Trajectory:
    """One session of a morning, as the machine keeps it after it polled."""
    now = START + timedelta(days=day)
    hubs.machine.hubs.clock = lambda: now
    hubs.sync()
    told = made(
        "How to deploy in this project?",
        ("Bash", {"command": "make deploy"}, "Error: no such target", 2),
        ("Bash", {"command": "make release"}, "done", 0),
        ("say", "Done."),
    )
    steps = [
        msgspec.structs.replace(one, timestamp=(now + timedelta(hours=1)).isoformat()) for one in told.steps
    ]
    kept = credit_skills(hubs.machine, msgspec.structs.replace(told, steps=steps))
    # as the evolver names it, whose store it comes to (server/groups/collecting.py)
    known = msgspec.structs.replace(meta(kept), key=f"{day:016x}", client=member(hubs), user="m")
    return with_meta(kept, known)


def member(hubs: Hubs) -> str:
    return hubs.machine.hubs.view(hubs.machine.hubs.source("team")).client


def counted(place: Path, canary: Canary, sessions: list[Trajectory]) -> list[Observation]:
    """What the rollout's part of a cycle counts of these sessions."""
    given = EvolveSettings(workers=1)
    with (
        closing(SessionStore(place)) as store,
        closing(EvolveState(place)) as memory,
        closing(make_executor(given)) as executor,
    ):
        store.put_many(sessions)
        assert take_sessions(memory, store, executor, progress=lambda *_: None) == []
        index = Index([Entry(name="deploy", description=ABOUT)])
        return observations(memory, [canary], index, store.get)["deploy"]


def test_sessions_are_in_the_arm_of_their_day_unless_edited_or_without_part(
    hubs: Hubs, tmp_path: Path
) -> None:
    base, text = hubs.release(hubs.team, bundle("deploy", "stable")), bundle("deploy", "canary")
    version = hubs.release(hubs.team, text, stage="canary", share=0.5)
    canary = Canary(
        skill="deploy",
        version=version,
        share=0.5,
        began=START,
        versions=frozenset({base, version}),
        bundles=(text, bundle("deploy", "stable")),
    )
    sessions = [lived(hubs, day) for day in range(8)]
    settings.set_value(hubs.machine.home, "sync.canary", "false")
    sessions.append(lived(hubs, 8))  # takes no part
    settings.set_value(hubs.machine.home, "sync.canary", "true")
    sessions.append(lived(hubs, 9))
    hubs.edit("deploy", hubs.text("deploy") or "", "my own way")
    sessions += [lived(hubs, 10), lived(hubs, 11)]  # the copy is edited: the first such day counts
    found = {one.session: one for one in counted(tmp_path / "group", canary, sessions)}
    assert sorted(found) == [f"{day:016x}" for day in (*range(8), 9, 10)]
    for day in (*range(8), 9, 10):
        arm = treated(member(hubs), "deploy", version, block(START + timedelta(days=day)), 0.5)
        one = found[f"{day:016x}"]
        assert (one.treated, one.client, one.success) == (arm, member(hubs), True)
    assert {one.treated for one in found.values()} == {True, False}
    assert all(one.edited for one in found.values())
