"""Do descriptions bring the right skill up? On WorkBench, before and after the description optimiser.

    python -m skillclaw.bench.triggers trajectories.jsonl.gz

The skills are what `extractive` writes from all sessions under the policy `team`. `domain` asks the requests
of one domain for the skill of that domain; `request` and `template` are trigger evaluation of all skills
together on held-out requests, split as a cycle does it, and with all requests of a template on one side.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from skillclaw.bench.datasets import read_rows, workbench_session
from skillclaw.bench.workbench import NOW, learning
from skillclaw.evolve.care.describing import better, wanting
from skillclaw.evolve.care.situation import Spoken
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.evolvers.extractive import Extractive
from skillclaw.evolve.mine import mine
from skillclaw.evolve.work import Work
from skillclaw.gate import GateContext, decide, judge, policy, prune
from skillclaw.gate.cited import cited_requests, refs_of_items
from skillclaw.gate.static import default_masker
from skillclaw.gate.triggers import TEST, Trial, TriggerScore, entries_of, evaluate, on_test, trials_for
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Pattern
from skillclaw.skills.retrieval import Entry, Index
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import Trajectory, meta, with_meta

__all__ = ["measure_triggers", "summary"]

TURNS = 4
SEVERAL = "multi_domain"


def measure_triggers(source: Path) -> dict[str, dict[str, TriggerScore]]:
    """By way of splitting the scores before and after; see the module."""
    rows = list(read_rows(source))
    sessions = {meta(one).key: one for one in (learning(_keyed(workbench_session(row))) for row in rows)}
    mined = mine(list(sessions.values()), now=NOW, half_life_days=180)
    patterns = mined.patterns
    gate = GateContext(policy=policy("team"), redactor=default_masker(), sessions=sessions.get)
    library = _library(patterns, mined.work, gate)
    template = {row["query"]: str(row["template_id"]) for row in rows}

    def unseen(request: str) -> bool:
        key = template.get(request, request)
        return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 100 < TEST

    asked = {str(row["query"]): str(row["domain"]) for row in rows if row["domain"] != SEVERAL}
    return {
        "domain": {"before": _domains(asked, entries_of(library, ()))},
        "request": _bettered(library, patterns, gate, on_test),
        "template": _bettered(library, patterns, gate, unseen),
    }


def _keyed(one: Trajectory) -> Trajectory:
    key = session_key(one.agent.name, one.session_id or "")
    return with_meta(one, msgspec.structs.replace(meta(one), key=key))


def _library(patterns: list[Pattern], work: Work, gate: GateContext) -> dict[str, Current]:
    found = {}
    given = EvolveContext(policy=gate.policy, now=NOW, gate=gate, work=work)
    for proposal in Extractive().propose(patterns, {}, given):
        pruned, _ = prune(proposal, gate)
        if (
            pruned.bundle is not None
            and pruned.sidecar is not None
            and decide(judge(pruned, gate)) == "passed"
        ):
            made = version(pruned.bundle)
            found[pruned.skill] = Current(bundle=pruned.bundle, sidecar=pruned.sidecar, version=made)
    return found


def _domains(asked: Mapping[str, str], entries: Mapping[str, Entry]) -> TriggerScore:
    """`near` and `drawn`: skills of other domains, and those of them that came up."""
    index = Index(entries.values())
    found = drawn = 0
    for request, domain in asked.items():
        up = {hit.name for hit in index.find(request)}
        right = {name for name in up if name.startswith(domain.replace("_", "-"))}
        found, drawn = found + bool(right), drawn + len(up - right)
    return TriggerScore(own=len(asked), found=found, near=len(asked) * (len(entries) - 1), drawn=drawn)


def _bettered(
    library: Mapping[str, Current], patterns: list[Pattern], gate: GateContext, held: Callable[[str], bool]
) -> dict[str, TriggerScore]:
    by_id = {pattern.id: pattern for pattern in patterns}
    own = {n: cited_requests(refs_of_items(s.sidecar.items), gate.sessions) for n, s in library.items()}
    trials: dict[str, list[Trial]] = {}
    for name in library:
        others = [text for other, texts in own.items() if other != name for text in texts]
        made = trials_for(own[name], others)
        trials[name] = [msgspec.structs.replace(trial, test=held(trial.request)) for trial in made]
    before = entries_of(library, ())
    after = dict(before)
    for _ in range(TURNS):
        was = dict(after)
        for name, skill in sorted(library.items()):
            if not wanting(name, Index(after.values()), trials[name]):
                continue
            ids = sorted({p for item in skill.sidecar.items for p in item.patterns if p in by_id})
            refs = refs_of_items(skill.sidecar.items)
            keep = Spoken(gate, gate.policy, refs, [by_id[pattern] for pattern in ids])
            found = better(name, after, trials[name], keep)
            if found is not None:
                after[name] = Entry(name=name, description=found.description)
        if was == after:
            break
    return {"before": _together(before, trials), "after": _together(after, trials)}


def _together(entries: Mapping[str, Entry], trials: Mapping[str, list[Trial]]) -> TriggerScore:
    index = Index(entries.values())
    scores = [evaluate(name, index, [t for t in made if t.test]) for name, made in trials.items()]
    return TriggerScore(
        own=sum(s.own for s in scores),
        found=sum(s.found for s in scores),
        near=sum(s.near for s in scores),
        drawn=sum(s.drawn for s in scores),
    )


def summary(measured: Mapping[str, Mapping[str, TriggerScore]]) -> str:
    """For people, a line each."""
    return "\n".join(
        f"{split:8} {when:6} recall {score.recall or 0:.3f} ({score.found} of {score.own}), "
        f"precision {score.precision or 0:.3f} (drew {score.drawn})"
        for split, sides in measured.items()
        for when, score in sides.items()
    )


if __name__ == "__main__":
    sys.stdout.write(summary(measure_triggers(Path(sys.argv[1]))) + "\n")
