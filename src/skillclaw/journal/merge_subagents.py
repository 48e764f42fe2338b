"""Sub-agents of two views of a session: the same one may have an id of its own in each.

An agent whose requests tell nothing of the sub-agent gets an id of our making on the wire; its history has
the agent's own. They are the same by what the sub-agent was told, and when.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from skillclaw.journal.merge_parts import near, same_text
from skillclaw.trajectory.model import (
    Observation,
    Result,
    Step,
    SubagentRef,
    Trajectory,
    step_meta,
    text_of,
)

__all__ = ["aligned", "walk"]


def aligned(old: Trajectory, new: Trajectory) -> Trajectory:
    """`new` with the ids that `old` has for the sub-agents of both."""
    theirs = {name for name, _, _ in walk(new)}
    free = {name: sub for name, _, sub in walk(old) if name not in theirs}
    ours = {name for name, _, _ in walk(old)}
    names: dict[str, str] = {}
    for name, _, sub in walk(new):
        twin = next((own for own, known in free.items() if _same(known, sub)), "") if name not in ours else ""
        if twin:
            names[name] = twin
            del free[twin]
    return _renamed(new, names) if names else new


def walk(trajectory: Trajectory, parent: str = "") -> Iterator[tuple[str, str, Trajectory]]:
    """(id, parent's id, sub-agent) of all of them, parents first."""
    for sub in trajectory.subagent_trajectories or []:
        name = sub.trajectory_id or ""
        yield name, parent, sub
        yield from walk(sub, name)


def _same(one: Trajectory, other: Trajectory) -> bool:
    first, second = _brief(one), _brief(other)
    if first is None or second is None:
        return False
    return same_text(text_of(first.message), text_of(second.message)) and near(
        first.timestamp, second.timestamp
    )


def _brief(trajectory: Trajectory) -> Step | None:
    """The step with what a sub-agent was told."""
    return next(
        (
            step
            for step in trajectory.steps
            if step.source == "user" and not step_meta(step).injected and text_of(step.message).strip()
        ),
        None,
    )


def _renamed(trajectory: Trajectory, names: Mapping[str, str]) -> Trajectory:
    subs = [_renamed(sub, names) for sub in trajectory.subagent_trajectories or []]
    own = trajectory.trajectory_id
    return msgspec.structs.replace(
        trajectory,
        trajectory_id=names.get(own, own) if own else own,
        steps=[_with_refs(step, names) for step in trajectory.steps],
        subagent_trajectories=subs or None,
    )


def _with_refs(step: Step, names: Mapping[str, str]) -> Step:
    results = step.observation.results if step.observation else []
    if not any(result.subagent_trajectory_ref for result in results):
        return step
    return msgspec.structs.replace(step, observation=Observation(results=[_ref(r, names) for r in results]))


def _ref(result: Result, names: Mapping[str, str]) -> Result:
    refs = [
        msgspec.structs.replace(ref, trajectory_id=names.get(ref.trajectory_id or "", ref.trajectory_id))
        for ref in result.subagent_trajectory_ref or []
    ]
    unique: list[SubagentRef] = [ref for at, ref in enumerate(refs) if ref not in refs[:at]]
    return msgspec.structs.replace(result, subagent_trajectory_ref=unique or None)
