"""Two views of one session -> one (DESIGN 7.2).

The wire and the agent's history of one session, or an older and a grown form of it, become one session: no
message, call or result twice, each with the richer of what the two know. The old form gives the order;
what only the new one has is put in its place between what both have.

Pieces are matched by tool call id, else by who said what, and by time where both have one. One side may have
split an answer into several steps that the other has as one.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from skillclaw.journal.merge_parts import (
    best,
    earlier,
    merged_call,
    merged_content,
    merged_metrics,
    merged_result,
    merged_skills,
    merged_text,
    merged_totals,
    near,
    redacted,
    same_text,
    seconds,
    union,
)
from skillclaw.journal.merge_subagents import aligned, walk
from skillclaw.trajectory.model import (
    Agent,
    Observation,
    Result,
    SessionMeta,
    Signal,
    SkillUse,
    Step,
    StepMeta,
    ToolCall,
    Trajectory,
    encode,
    meta,
    step_meta,
    text_of,
    with_meta,
    with_step_meta,
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
    board = _Board(old)
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


class _Board:
    """The old steps while the new side's pieces are put in; each text of the old side is given away once."""

    def __init__(self, steps: list[Step]) -> None:
        self.steps = list(steps)
        self._calls: dict[str, int] = {}
        self._texts: dict[tuple[str, str], list[int]] = {}
        self._thoughts: dict[str, int] = {}
        self._masked: list[int] = []
        self._given: set[int] = set()
        for index, step in enumerate(steps):
            for call in step.tool_calls or []:
                self._calls.setdefault(call.tool_call_id, index)
            self._texts.setdefault(_words(step), []).append(index)
            if step.reasoning_content:
                self._thoughts.setdefault(step.reasoning_content.strip(), index)
            if redacted(text_of(step.message)):
                self._masked.append(index)

    def take(self, step: Step) -> tuple[int | None, Step | None]:
        """Put in what the step adds; (the old step it belongs to, what is left of it to stand alone)."""
        by_call = {
            call.tool_call_id: self._calls[call.tool_call_id]
            for call in step.tool_calls or []
            if call.tool_call_id in self._calls
        }
        by_call |= {
            result.source_call_id: self._calls[result.source_call_id]
            for result in _results(step)
            if result.source_call_id in self._calls and not step.tool_calls and not text_of(step.message)
        }
        calls = list(by_call.values())
        rest = None
        if calls and not step.message:
            home: int | None = calls[0]
        else:
            home = self._find_text(step, calls)
            if home is not None:
                self._given.add(home)
            elif calls:
                home = calls[0]
                if home in self._given:
                    # Its answer has said something else already: these words stand for themselves.
                    rest = Step(step_id=1, source=step.source, message=step.message, timestamp=step.timestamp)
                    step = msgspec.structs.replace(step, message="")
                self._given.add(home)
        if home is None:
            return None, step
        self._put(step, home, by_call)
        return home, rest

    def _find_text(self, step: Step, calls: list[int]) -> int | None:
        key = _words(step)
        text = text_of(step.message)
        for index in calls:
            if (
                not text
                or _words(self.steps[index]) == key
                or same_text(text_of(self.steps[index].message), text)
            ):
                return index
        spoken = next((index for index in calls if text_of(self.steps[index].message)), None)
        if spoken is not None and spoken not in self._given:
            # One answer in two wordings (a client that mends texts): the richer one stays.
            return spoken
        # In their order, whether redacted or not: a text must not find another place when merged again.
        among: Iterable[int] = sorted({*self._texts.get(key, []), *(self._masked if text else [])})
        if redacted(text):
            among = range(len(self.steps))
        for index in among:
            known = self.steps[index]
            free = known.source == step.source and self._free(index, step, calls)
            if free and (_words(known) == key or same_text(text_of(known.message), text)):
                return index
        return None

    def _free(self, index: int, step: Step, calls: list[int]) -> bool:
        known = self.steps[index]
        if index in self._given or not near(known.timestamp, step.timestamp):
            return False
        # Two answers with calls of their own are told apart by these; a text alone may be part of either.
        return not (known.tool_calls and step.tool_calls) or bool(calls)

    def _put(self, step: Step, home: int, by_call: dict[str, int]) -> None:
        for call in step.tool_calls or []:
            place = by_call.get(call.tool_call_id)
            if place is None:
                place = next(iter(by_call.values()), home)
                self._calls[call.tool_call_id] = by_call[call.tool_call_id] = place
            self.steps[place] = _with_call(self.steps[place], call)
        for result in _results(step):
            place = by_call.get(result.source_call_id or "", home)
            self.steps[place] = _with_result(self.steps[place], result)
        places = dict.fromkeys([home, *by_call.values()])
        measured = [place for place in places if self.steps[place].metrics is not None]
        where = measured[0] if measured else home
        metrics = merged_metrics(self.steps[where].metrics, step.metrics)
        self.steps[where] = msgspec.structs.replace(self.steps[where], metrics=metrics)
        thought = (step.reasoning_content or "").strip()
        known = step.reasoning_content if self._thoughts.get(thought, home) == home else None
        self.steps[home] = _merge_step(self.steps[home], step, known)


def _merge_step(old: Step, new: Step, reasoning: str | None) -> Step:
    """The step's own fields; calls, results and metrics are in already."""
    first, second = step_meta(old), step_meta(new)
    kind = second.kind if first.kind == "turn" else first.kind
    content = merged_content(old.message, new.message)
    merged = msgspec.structs.replace(
        old,
        message=content if content is not None else "",
        timestamp=earlier(old.timestamp, new.timestamp),
        extra=union(old.extra, new.extra),
        is_copied_context=best(old.is_copied_context, new.is_copied_context, bool),
    )
    if old.source == "agent" == new.source:
        thoughts = merged_text(old.reasoning_content, reasoning)
        calls = best(old.llm_call_count, new.llm_call_count, int)
        if calls == 0 and (thoughts or merged.metrics is not None):
            calls = None
        merged = msgspec.structs.replace(
            merged,
            model_name=old.model_name or new.model_name,
            reasoning_effort=old.reasoning_effort
            if old.reasoning_effort is not None
            else new.reasoning_effort,
            reasoning_content=thoughts,
            llm_call_count=calls,
        )
    return with_step_meta(merged, StepMeta(kind=kind, injected=first.injected or second.injected))


def _words(step: Step) -> tuple[str, str]:
    """What tells a step from others: who, and the text (or, without text, the thoughts or results)."""
    text = text_of(step.message).strip()
    images = [] if isinstance(step.message, str) else [p.source.path for p in step.message if p.source]
    if not text and not images:
        text = (step.reasoning_content or "").strip()
        text = text or "\n".join(text_of(result.content) for result in _results(step))
    return step.source, "\0".join([text, *images])


def _results(step: Step) -> list[Result]:
    return step.observation.results if step.observation is not None else []


def _with_call(step: Step, call: ToolCall) -> Step:
    calls = list(step.tool_calls or [])
    for index, known in enumerate(calls):
        if known.tool_call_id == call.tool_call_id:
            calls[index] = merged_call(known, call)
            return msgspec.structs.replace(step, tool_calls=calls)
    return msgspec.structs.replace(step, tool_calls=[*calls, call])


def _with_result(step: Step, result: Result) -> Step:
    ids = {call.tool_call_id for call in step.tool_calls or []}
    if ids and result.source_call_id not in ids:
        result = msgspec.structs.replace(result, source_call_id=None)
    results = list(_results(step))
    for index, known in enumerate(results):
        same = known.source_call_id == result.source_call_id
        if same and (known.source_call_id is not None or _same_content(known, result)):
            results[index] = merged_result(known, result)
            break
    else:
        results.append(result)
    return msgspec.structs.replace(step, observation=Observation(results=results))


def _same_content(one: Result, other: Result) -> bool:
    return one.content == other.content or same_text(text_of(one.content), text_of(other.content))


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
