"""Two views of one session -> one.

The wire and the agent's history of one session, or an older and a grown form of it, become one session: no
message, call or result twice, each with the richer of what the two know. The old form gives the order;
what only the new one has is put in its place between what both have.

Pieces are matched by tool call id, else by who said what, and by time where both have one. One side may have
split an answer into several steps that the other has as one.
"""

from __future__ import annotations

import msgspec

from skillclaw.journal.merge_board import Board
from skillclaw.journal.merge_parts import (
    best,
    merged_skills,
    merged_totals,
    seconds,
    union,
)
from skillclaw.journal.merge_subagents import aligned, walk
from skillclaw.trajectory.model import (
    Agent,
    SessionMeta,
    Signal,
    SkillUse,
    Step,
    Trajectory,
    encode,
    meta,
    with_meta,
)
from skillclaw.trajectory.outcomes import GIVEN, outcome

__all__ = ["merge"]

Steps = tuple[list[Step], dict[int, int], dict[int, int]]


def merge(old: Trajectory, new: Trajectory) -> Trajectory | None:
    """The session that holds both forms, one revision above `old`; None when `new` adds nothing to it.

    `old` is the stored form: its first source, user, feedback and other programs' fields stay, and the
    outcome is judged anew from the merged steps. Merging `new` or `old` into the result once more gives None.
    """
    merged = _merge(old, new)
    before = meta(old)
    if encode(merged) == encode(with_meta(old, before)):
        return None
    verdict, confidence, signals = outcome(merged)
    return with_meta(
        merged,
        msgspec.structs.replace(
            meta(merged),
            revision=before.revision + 1,
            outcome=verdict,
            confidence=confidence,
            signals=signals,
        ),
    )


def _merge(old: Trajectory, new: Trajectory) -> Trajectory:
    """Everything but the revision and the outcome, which follow from it."""
    new = aligned(old, new)
    merged, moved_old, moved_new = _merge_bodies(old, new)
    merged = msgspec.structs.replace(merged, subagent_trajectories=_subagents(old, new))
    return with_meta(merged, _merge_meta(meta(old), meta(new), moved_old, moved_new))


def _merge_bodies(old: Trajectory, new: Trajectory) -> tuple[Trajectory, dict[int, int], dict[int, int]]:
    """One trajectory without its sub-agents."""
    steps, moved_old, moved_new = _merge_steps(old.steps, new.steps)
    measured = [step.metrics for step in steps if step.metrics is not None]
    merged = msgspec.structs.replace(
        old,
        session_id=old.session_id or new.session_id,
        trajectory_id=old.trajectory_id or new.trajectory_id,
        agent=_merge_agent(old.agent, new.agent),
        steps=steps,
        notes=_merge_notes(old.notes, new.notes),
        extra=union(old.extra, new.extra),
        final_metrics=merged_totals(old.final_metrics, new.final_metrics, measured, len(steps)),
        continued_trajectory_ref=old.continued_trajectory_ref or new.continued_trajectory_ref,
        subagent_trajectories=None,
    )
    return merged, moved_old, moved_new


def _merge_agent(old: Agent, new: Agent) -> Agent:
    known = new.version if old.version in ("", "unknown") else old.version
    tools = best(
        old.tool_definitions, new.tool_definitions, lambda t: (len(t), msgspec.json.encode(t, order="sorted"))
    )
    return msgspec.structs.replace(
        old,
        version=known,
        model_name=old.model_name or new.model_name,
        tool_definitions=tools,
        extra=union(old.extra, new.extra),
    )


def _merge_notes(old: str | None, new: str | None) -> str | None:
    lines = list(dict.fromkeys(line for text in (old, new) if text for line in text.splitlines()))
    return old if new is None or set(new.splitlines()) <= set((old or "").splitlines()) else "\n".join(lines)


def _merge_steps(old: list[Step], new: list[Step]) -> Steps:
    """Merged steps, and for each side where its step_ids went."""
    board = Board(old, new)
    taken = [board.take(step) for step in new]
    matched = {home for home, _ in taken if home is not None}
    behind: dict[int, list[tuple[int, Step]]] = {}
    anchor = -1
    for at, (home, rest) in enumerate(taken):
        if rest is not None:
            place = _gap(old, matched, anchor, rest) if home is None else max(anchor, home - 1)
            behind.setdefault(place, []).append((at, rest))
            anchor = max(anchor, place)
        if home is not None:
            anchor = max(anchor, home)
    steps: list[Step] = []
    moved_old: dict[int, int] = {}
    moved_new: dict[int, int] = {}

    def put(step: Step) -> int:
        steps.append(msgspec.structs.replace(step, step_id=len(steps) + 1))
        return len(steps)

    for index in range(-1, len(old)):
        if index >= 0:
            moved_old[old[index].step_id] = put(board.steps[index])
        for at, rest in behind.get(index, []):
            moved_new[new[at].step_id] = put(rest)
    for at, (home, _) in enumerate(taken):
        if home is not None:
            moved_new[new[at].step_id] = moved_old[old[home].step_id]
    return steps, moved_old, moved_new


def _gap(old: list[Step], matched: set[int], anchor: int, step: Step) -> int:
    """The old step that a step which only the new side has goes behind: its predecessor, then by time."""
    time = seconds(step.timestamp)
    while time is not None and anchor + 1 < len(old) and anchor + 1 not in matched:
        other = seconds(old[anchor + 1].timestamp)
        if other is None or other > time:
            break
        anchor += 1
    return anchor


def _subagents(old: Trajectory, new: Trajectory) -> list[Trajectory] | None:
    """The sub-agents of both, each once; those that only the new side has stand where it has them."""
    nodes: dict[str, Trajectory] = {}
    parents: dict[str, str] = {}
    for name, parent, sub in walk(old):
        nodes[name], parents[name] = sub, parent
    for name, parent, sub in walk(new):
        if name in nodes:
            nodes[name] = _merge_bodies(nodes[name], sub)[0]
        else:
            nodes[name], parents[name] = msgspec.structs.replace(sub, subagent_trajectories=None), parent

    def below(parent: str) -> list[Trajectory] | None:
        found = [
            msgspec.structs.replace(nodes[name], subagent_trajectories=below(name))
            for name, known in parents.items()
            if known == parent
        ]
        return found or None

    return below("")


def _merge_meta(
    old: SessionMeta, new: SessionMeta, moved_old: dict[int, int], moved_new: dict[int, int]
) -> SessionMeta:
    signals = [_moved_signal(signal, moved_old) for signal in old.signals]
    for signal in new.signals:
        moved = _moved_signal(signal, moved_new)
        if signal.kind in GIVEN and moved not in signals:
            signals.append(moved)
    masked = {
        kind: max(old.masked.get(kind, 0), new.masked.get(kind, 0))
        for kind in dict.fromkeys([*old.masked, *new.masked])
    }
    return msgspec.structs.replace(
        old,
        key=old.key or new.key,
        user=old.user or new.user,
        client=old.client or new.client,
        project=next((m.project for m in (new, old) if m.source == "history" and m.project), "")
        or old.project
        or new.project,
        task=old.task if old.task is not None else new.task,
        reward=old.reward if old.reward is not None else new.reward,
        signals=signals,
        skills=merged_skills(
            [_moved_skill(use, moved_old) for use in old.skills],
            [_moved_skill(use, moved_new) for use in new.skills],
        ),
        masked=masked,
        env={**new.env, **old.env},
    )


def _moved_signal(signal: Signal, moved: dict[int, int]) -> Signal:
    return msgspec.structs.replace(signal, step=_moved(signal.step, moved))


def _moved_skill(use: SkillUse, moved: dict[int, int]) -> SkillUse:
    return msgspec.structs.replace(
        use, read_step=_moved(use.read_step, moved), invoked_step=_moved(use.invoked_step, moved)
    )


def _moved(step: int | None, moved: dict[int, int]) -> int | None:
    return None if step is None else moved.get(step)
