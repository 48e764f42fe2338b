"""How far our office agrees with the recorded runs: with their labels, and with what their tools answered."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from skillclaw.bench.datasets import Row, read_rows
from skillclaw.bench.suites.workbench.calls import TOOLS, execute, replay
from skillclaw.bench.suites.workbench.judge import changed, differences
from skillclaw.bench.suites.workbench.published import read_office
from skillclaw.bench.suites.workbench.tables import Office, RefusedError

__all__ = ["judge_run", "measure_agreement"]

Progress = Callable[[int, int | None, str], None]


def judge_run(base: Office, expected: Office, row: Row) -> tuple[bool, bool]:
    """Success and unwanted side effects of a recorded run: its calls made on a fresh `base`, and compared.

    A run that ended with an error is a failure, whatever it had done before. Side effects are unwanted when
    a table changed and the calls alone, whatever the error, are not right.
    """
    office = base.fresh()
    replay(office, row["predicted_calls"])
    right = not differences(office, expected)
    return right and not row["error"], changed(office, base) and not right


def observe(office: Office, tool: str, args: Any) -> Any:
    """What our tool answers to a recorded step. The recorded agents' framework dropped unknown arguments and
    took a bare text for the first argument; so does this."""
    names = list(TOOLS[tool].arguments)
    given: Mapping[str, Any] = args if isinstance(args, dict) else {names[0]: args}
    try:
        return execute(office, tool, {name: value for name, value in given.items() if name in names})
    except RefusedError as refusal:
        return str(refusal)


def same(ours: Any, recorded: Any) -> bool:
    """JSON compared as JSON. Ours goes through JSON, so that tuples and lists are the same."""
    return bool(json.loads(json.dumps(ours)) == recorded)


def measure_agreement(
    trajectories: Path, databases: Path, progress: Progress = lambda done, total, what: None
) -> dict[str, Any]:
    """Replay all recorded runs. Shares are of 1.

    `sessions`, `successes` and `failures_with_calls` compare our verdict with the label `success` (of all
    runs; of those labelled a success; of those labelled a failure that made a call); `side_effects` compares
    `unwanted_side_effects`. `observations` has for each tool the share of the steps that it answered as
    recorded. The runs and steps that differ are listed. Raises StorageError or BadInputError.
    """
    base = read_office(databases)
    expected: dict[str, Office] = {}
    kinds = ("sessions", "successes", "failures_with_calls", "side_effects")
    right, total = Counter[str](), Counter[str]()
    seen, agreed = Counter[str](), Counter[str]()
    labels: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    for done, row in enumerate(read_rows(trajectories)):
        progress(done, None, "sessions")
        if (task := row["task_id"]) not in expected:
            expected[task] = base.fresh()
            replay(expected[task], row["gold_calls"])
        success, effects = judge_run(base, expected[task], row)
        agrees = success == row["success"]
        counted = {
            "sessions": agrees,
            "side_effects": effects == row["unwanted_side_effects"],
        }
        if row["success"]:
            counted["successes"] = agrees
        elif row["predicted_calls"]:
            counted["failures_with_calls"] = agrees
        for kind, value in counted.items():
            total[kind] += 1
            right[kind] += value
        if not all(counted.values()):
            labels.append({"session": row["session_id"], "success": success, "side_effects": effects})
        office = base.fresh()
        for number, step in enumerate(row["steps"]):
            if (tool := step["tool"]) not in TOOLS:
                continue
            ours = observe(office, tool, step["args"])
            seen[tool] += 1
            agreed[tool] += (equal := same(ours, step["observation"]))
            if not equal:
                steps.append({"session": row["session_id"], "step": number, "tool": tool, "ours": ours})
    return {
        **{
            kind: {"n": total[kind], "agree": right[kind], "share": right[kind] / max(total[kind], 1)}
            for kind in kinds
        },
        "observations": {
            tool: {"n": seen[tool], "agree": agreed[tool], "share": agreed[tool] / seen[tool]}
            for tool in sorted(seen)
        },
        "steps": {"n": seen.total(), "agree": agreed.total(), "share": agreed.total() / max(seen.total(), 1)},
        "labels_that_differ": labels,
        "steps_that_differ": steps,
    }
