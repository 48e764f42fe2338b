"""The packaged real sessions, mined, written and judged: what a newcomer sees first."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest
import zstandard

from skillclaw.bench.workbench import learning
from skillclaw.evolve.evolvers import Current, EvolveContext, evolvers
from skillclaw.evolve.mine import mine
from skillclaw.gate import GateContext, decide, judge, policy, prune
from skillclaw.journal.redact import Redactor
from skillclaw.skills.items import markdown
from skillclaw.skills.records import Pattern
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import Trajectory, decode, meta, with_meta

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def sessions() -> dict[str, Trajectory]:
    found = {}
    redactor = Redactor(b"k" * 32, home=Path("/home/tester"), user_names=())
    for entry in sorted(files("skillclaw.bench").joinpath("demo").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".zst"):
            data = zstandard.ZstdDecompressor().stream_reader(entry.read_bytes()).read()
            for line in data.splitlines():
                one = decode(line)
                key = session_key(one.agent.name, one.session_id or "")
                keyed = with_meta(one, msgspec.structs.replace(meta(one), key=key))
                found[key] = redactor.trajectory(learning(keyed))
    return found


@pytest.fixture(scope="module")
def patterns(sessions: dict[str, Trajectory]) -> list[Pattern]:
    return mine(list(sessions.values()), now=NOW, half_life_days=180).patterns


def test_real_sessions_become_skills_that_pass_as_they_are(
    sessions: dict[str, Trajectory], patterns: list[Pattern]
) -> None:
    redactor = Redactor(b"k" * 32, home=Path("/home/tester"), user_names=())
    context = GateContext(policy=policy("team"), redactor=redactor, sessions=sessions.get)
    engine = evolvers()["extractive"]
    asked = EvolveContext(policy=context.policy, now=NOW, gate=context)
    current: dict[str, Current] = {}
    texts = {}
    for one in engine.propose(patterns, {}, asked):
        pruned, dropped = prune(one, context)
        verdicts = judge(pruned, context)
        assert (dropped, decide(verdicts)) == (0, "passed"), verdicts
        assert pruned.bundle is not None
        assert pruned.sidecar is not None
        texts[one.skill] = markdown(pruned.bundle)["SKILL.md"]
        current[one.skill] = Current(
            bundle=pruned.bundle, sidecar=pruned.sidecar, version=pruned.sidecar.version
        )
    assert len(texts) >= 4
    assert any("from the result of step 1" in text for text in texts.values())
    assert engine.propose(patterns, current, asked) == []


def test_without_a_look_at_the_sessions_the_gate_still_lets_nothing_ungrounded_pass(
    sessions: dict[str, Trajectory], patterns: list[Pattern]
) -> None:
    redactor = Redactor(b"k" * 32, home=Path("/home/tester"), user_names=())
    context = GateContext(policy=policy("team"), redactor=redactor, sessions=sessions.get)
    for one in evolvers()["extractive"].propose(patterns, {}, EvolveContext(policy=context.policy, now=NOW)):
        pruned, _ = prune(one, context)
        if decide(judge(pruned, context)) == "passed":
            assert prune(pruned, context)[1] == 0
            assert pruned.sidecar is not None
            assert any(item.kind != "condition" for item in pruned.sidecar.items)
