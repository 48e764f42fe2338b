"""Where a recorded session went wrong, as a case: what was known by then, and what failed and worked. Pure.

The action in question is the one that went wrong. Where it is a call that failed, the next question is what
comes after it: much of what a skill says begins with "if it fails".

The step is found by the code that mined it (`trajectory.episodes.cut`), so that a case shows what a pattern
says and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec

from skillclaw.evolve.recoveries import alike
from skillclaw.skills.records import ActionShape, Pattern, content_id
from skillclaw.trajectory.episodes import ArgValue, Episode, Move, cut
from skillclaw.trajectory.model import Record, Step, ToolCall, Trajectory, meta
from skillclaw.trajectory.moves import differs
from skillclaw.trajectory.shapes import command_key, command_of, json_text

__all__ = ["Point", "find_point", "key_of", "next_move"]

LAPSE = "lapse "
"""How the signature of a pitfall of a task begins, with what was compared behind it (`evolve.lapses`)."""

DECIDED = ("order", "argument", "source")
"""Lapses that one action decides. A step left out and a change made twice have no single such step."""


class Point(Record, frozen=True, kw_only=True):
    """One case.

    case     stands for it: a hash, nothing of a user's words
    user     whose session it is
    before   the session up to the action in question, without it
    step     the step of that action
    then     the same after the failing call was made, for an answer that makes it; None where it did not fail
             by itself
    failing  what is known not to work here
    working  what is known to work here
    telling  the same, as the pattern has it: which of a call's traits matter
    """

    case: str
    pattern: str
    user: str
    before: Trajectory
    step: int
    failing: list[Move]
    working: list[Move]
    telling: list[Move] = []
    then: Point | None = None


def find_point(pattern: Pattern, trajectory: Trajectory, steps: Collection[int] = ()) -> Point | None:
    """The case that the session is for the pattern; None where it does not show it, or not as one action.

    `steps` are where the pattern was seen in it; empty: anywhere. What worked is what the session itself
    shows; of a pitfall, which it shows none for, what the pattern says.
    """
    for failed, working in _shown(pattern, cut(trajectory)):
        if steps and failed.step not in steps:
            continue
        way = [move for move in working if not _same(move, failed)]
        before = _before(trajectory, failed)
        if way and before is not None:
            known = meta(trajectory)
            point = Point(
                case=content_id("decision", pattern.id, known.key, failed.step, failed.place),
                pattern=pattern.id,
                user=known.user,
                before=before,
                step=failed.step,
                failing=[failed],
                working=way,
                telling=[
                    _as_move(shape) for shape in (pattern.failed, *pattern.actions) if shape is not None
                ],
            )
            after = _before(trajectory, failed, it_too=True) if failed.ok is False else None
            if after is None:
                return point
            then = msgspec.structs.replace(point, before=after, step=failed.step + 1)
            return msgspec.structs.replace(point, then=then)
    return None


def next_move(point: Point, tool: str, arguments: dict[str, object]) -> Move | None:
    """A call at the point as a move, seen as mining sees it; None where it would be no action there (a note,
    a look into a skill)."""
    call = ToolCall(tool_call_id="next", function_name=tool, arguments=arguments)
    step = Step(step_id=point.step, source="agent", message="", tool_calls=[call])
    session = msgspec.structs.replace(point.before, steps=[*point.before.steps, step])
    last = max((one.step_id for one in point.before.steps), default=0)
    moves = [m for e in cut(session) if e.kind == "procedure" for m in e.actions if m.step == point.step]
    # Calls that stand before it in the very step are there too, where the step had several.
    return moves[-1] if moves and (last < point.step or _is(moves[-1], call)) else None


def key_of(shape: ActionShape) -> str:
    """The `Move.key` of calls of this shape."""
    if shape.command is None:
        return shape.tool
    return command_key(shape.example) or command_key(shape.command) or shape.tool


def _shown(pattern: Pattern, episodes: list[Episode]) -> Iterator[tuple[Move, list[Move]]]:
    """What went wrong and what works, wherever the session shows the pattern."""
    wanted = key_of(pattern.failed) if pattern.failed is not None else ""
    if pattern.kind in ("recovery", "correction"):
        for episode in episodes:
            failed = episode.failed
            if episode.kind != pattern.kind or failed is None or not episode.worked:
                continue
            said = pattern.kind == "correction" or alike(failed.error, pattern.error)
            if said and wanted in ("", failed.key) and _goes(pattern, episode):
                yield failed, episode.actions
    elif pattern.kind == "pitfall" and pattern.actions and wanted:
        kind = pattern.signature.removeprefix(LAPSE).split(" ", 1)[0]
        lapse = pattern.signature.startswith(LAPSE)
        if lapse and kind not in DECIDED:
            return
        working = [_as_move(shape) for shape in pattern.actions]
        if lapse and kind == "order":
            working = [move for move in working if move.key != wanted]
        for episode in episodes:
            actions = episode.actions if episode.kind == "procedure" else []
            for at, move in enumerate(actions):
                if move.key != wanted:
                    continue
                if lapse:
                    way = _lapsed(pattern, kind, move, actions[:at], working)
                else:
                    way = working if move.ok is False and alike(move.error, pattern.error) else []
                if way:
                    yield move, way
                    break


def _lapsed(
    pattern: Pattern, kind: str, move: Move, before: Sequence[Move], working: list[Move]
) -> list[Move]:
    """What would have been right in place of the call; nothing where it is not the call that the pattern is
    about, since it has the argument, or came after the look-up."""
    if kind == "order":
        done = {one.key for one in before}
        return [] if any(one.key in done for one in working) else working
    if kind == "source":
        looked_up = {arg.name for arg in working[-1].args if _from_result(arg)}
        guessed = any(arg.name in looked_up and not _from_result(arg) for arg in move.args)
        return working if guessed or not looked_up else []
    left_out = {arg.name for shape in [pattern.failed] if shape for arg in shape.args if not arg.share}
    if not left_out:
        return working
    own = {arg.name for arg in move.args}
    more = [arg for arg in working[-1].args if arg.name in left_out - own]
    # The call as it was, with the argument: what else other sessions gave is their business.
    return [msgspec.structs.replace(move, ok=True, args=(*move.args, *more))] if more else []


def _from_result(arg: ArgValue) -> bool:
    return any(origin.startswith("result") for origin in arg.origins)


def _goes(pattern: Pattern, episode: Episode) -> bool:
    """Whether the session made it good as the pattern says."""
    keys = {move.key for move in episode.actions}
    return bool(pattern.actions) and key_of(pattern.actions[-1]) in keys


def _as_move(shape: ActionShape) -> Move:
    """A shape as the call that it stands for."""
    return Move(
        step=0,
        tool=shape.tool,
        key=key_of(shape),
        topic="",
        writes=False,
        ok=True,
        command=shape.example if shape.command is not None else "",
        tokens=tuple((shape.command or "").split()),
        args=tuple(
            ArgValue(
                name=arg.name,
                value=arg.constant if arg.constant is not None else "\0" * 99,  # long: no trait of it
                form=arg.form if " " not in arg.form else "",
                origins=(arg.origin,) if arg.origin else (),
            )
            for arg in shape.args
            if arg.share > 0
        ),
    )


def _same(move: Move, failed: Move) -> bool:
    return not differs(move, failed) and move.command == failed.command


def _before(trajectory: Trajectory, failed: Move, *, it_too: bool = False) -> Trajectory | None:
    """The session up to the call, or with it; None where no step of its own made it (a sub-agent did)."""
    at = next((i for i, one in enumerate(trajectory.steps) if one.step_id == failed.step), None)
    if at is None:
        return None
    step = trajectory.steps[at]
    calls = step.tool_calls or []
    made = next((i for i, call in enumerate(calls) if _is(failed, call)), None)
    if made is None:
        return None
    steps = list(trajectory.steps[:at])
    made += it_too
    if made:
        ids = {call.tool_call_id for call in calls[:made]}
        seen = step.observation.results if step.observation else []
        kept = [result for result in seen if result.source_call_id in ids]
        observed = msgspec.structs.replace(step.observation, results=kept) if step.observation else None
        steps.append(msgspec.structs.replace(step, message="", tool_calls=calls[:made], observation=observed))
    return msgspec.structs.replace(trajectory, steps=steps, subagent_trajectories=None)


def _is(move: Move, call: ToolCall) -> bool:
    if call.function_name != move.tool:
        return False
    command = command_of(call.function_name, call.arguments)
    if command is not None:
        return bool(move.command) and command.startswith(move.command)
    given = {name: json_text(value) for name, value in call.arguments.items()}
    return all(arg.name in given for arg in move.args) and not move.command
