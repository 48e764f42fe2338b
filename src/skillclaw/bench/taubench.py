"""tau-bench: learn on tasks 0-6 of each ten, report on 7-9; runs whose writes were not recorded are left
out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from skillclaw.bench.datasets import Row, taubench_session
from skillclaw.bench.scoring import Held, compare, most_frequent, paired
from skillclaw.bench.workbench import NOW, learning, lessons, served
from skillclaw.evolve.contrast import kept
from skillclaw.evolve.intents import IntentIndex
from skillclaw.evolve.mine import mine
from skillclaw.evolve.procedures import follows
from skillclaw.trajectory.episodes import Episode

__all__ = ["measure_taubench"]

Progress = Callable[[int, int | None, str], None]


def _quiet(done: int, total: int | None, what: str) -> None:
    del done, total, what


def _calls(episode: Episode) -> tuple[str, ...]:
    return tuple(move.tool for move in episode.actions)


def measure_taubench(rows: list[Row], *, progress: Progress = _quiet) -> dict[str, Any]:
    """The domain stands in for the template in the rules that ours are compared with: no task is seen twice.

    Strata are domain, run and task; a figure that cannot be computed is None.
    """
    whole = [r for r in rows if r["trace_complete"]]
    sessions = [learning(taubench_session(r)) for r in whole if r["task_id"] % 10 < 7]
    mined = mine(sessions, now=NOW, half_life_days=0, progress=progress)
    procedures = [p for p in mined.patterns if p.kind == "procedure"]
    known = lessons(sessions)
    index = IntentIndex(procedures)
    held: list[Held] = []
    careful: list[Held] = []
    outside: list[tuple[Row, Episode]] = []
    for row in whole:
        episode = served(taubench_session(row)) if row["task_id"] % 10 >= 7 else None
        if episode is None:
            continue
        outside.append((row, episode))
        pattern = index.find(episode.intent)
        if pattern is not None:
            held.append(_held(row, follows(episode, pattern.actions)))
        all_kept = kept(episode, known)
        if all_kept is not None:
            careful.append(_held(row, all_kept))
    result = compare(held)
    result["sessions"] = len(whole)
    result["tasks_total"] = len({(r["domain"], r["task_id"]) for r, _ in outside})
    result["procedures"] = len(procedures)
    result["patterns"] = dict(sorted(Counter(p.kind for p in mined.patterns).items()))
    result["lessons"] = {**compare(careful), "known": [" ".join(f).strip() for f in known]}
    learnt = [(r, served(taubench_session(r))) for r in whole if r["task_id"] % 10 < 7]
    for name, only in (("baseline", True), ("baseline_all", False)):
        rule = most_frequent(
            (r["domain"], _calls(e)) for r, e in learnt if e is not None and (r["success"] or not only)
        )
        told = [_held(r, _calls(e) == rule[r["domain"]]) for r, e in outside if r["domain"] in rule]
        result[name] = compare(told)
        result[f"paired_{name}"] = paired(held, {h.session: h.follows for h in told})
    return result


def _held(row: Row, follows_it: bool) -> Held:
    task = f"{row['domain']}-{row['task_id']}"
    return Held(row["session_id"], task, task, row["run"], follows_it, bool(row["success"]))
