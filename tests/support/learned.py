"""What an evolver makes of a packaged set of evidence: mined, proposed, pruned and judged as a cycle does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from evidence import sessions

from skillclaw.bench.workbench import learning
from skillclaw.evolve.evolvers import EvolveContext, evolvers
from skillclaw.evolve.mine import mine
from skillclaw.gate import GateContext, decide, judge, policy, prune
from skillclaw.journal.redact import Redactor
from skillclaw.skills.records import Bundle, Pattern, Proposal
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import Trajectory, decode, meta, with_meta

__all__ = ["NOW", "Learned", "learn", "stored"]

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@dataclass(frozen=True)
class Learned:
    """The patterns of a set, the proposals as the engine made them, and the files of those that passed."""

    patterns: list[Pattern]
    proposals: list[Proposal]
    bundles: dict[str, Bundle]
    dropped: int
    """Lines that the gate took out."""


def stored(name: str) -> list[Trajectory]:
    """The sessions of the set as an import stores them: with key and outcome, redacted."""
    redactor = Redactor(b"k" * 32, home=Path("/home/tester"), user_names=())
    found = []
    for path in sessions(name):
        one = decode(path.read_bytes())
        key = meta(one).key or session_key(one.agent.name, one.session_id or "")
        keyed = with_meta(one, msgspec.structs.replace(meta(one), key=key))
        found.append(redactor.trajectory(learning(keyed)))
    return found


def learn(
    given: Sequence[Trajectory],
    rules: str = "team",
    engine: str = "extractive",
    more: Callable[[EvolveContext], EvolveContext] = lambda context: context,
) -> Learned:
    """One cycle over `given` without a hub; `more` completes what the engine is given."""
    known = {meta(one).key: one for one in given}
    mined = mine(given, now=NOW, half_life_days=180)
    patterns = mined.patterns
    redactor = Redactor(b"k" * 32, home=Path("/home/tester"), user_names=())
    gate = GateContext(policy=policy(rules), redactor=redactor, sessions=known.get)
    context = more(EvolveContext(policy=gate.policy, now=NOW, gate=gate, work=mined.work))
    proposals = evolvers()[engine].propose(patterns, {}, context)
    bundles: dict[str, Bundle] = {}
    lost = 0
    for one in proposals:
        pruned, dropped = prune(one, gate)
        lost += dropped
        if decide(judge(pruned, gate)) == "passed" and pruned.bundle is not None:
            bundles[one.skill] = pruned.bundle
    return Learned(patterns, proposals, bundles, lost)
