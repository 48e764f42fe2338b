"""Stretches of a session with one lesson, cut by rules (DESIGN 3.4).

recovery    an action fails with error E; within the next actions something toward the same goal works
(`worked`), or
            fails again (`worked` false: it speaks against that way)
correction  the user says no; the agent does something else; the user does not object again
procedure   what one request of the user led to: every request gives one, with its outcome, because a
procedure is
            only a lesson beside the sessions that did otherwise
pitfall     an action that failed and that nothing alike made good

An episode holds compact moves instead of steps, so that a cycle can hold the episodes of many thousand
sessions.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from skillclaw.trajectory.feedback import accepts, correction_text, corrects, interrupts
from skillclaw.trajectory.flow import Act, Answer, Event, Said, flow
from skillclaw.trajectory.model import Record, Trajectory, meta
from skillclaw.trajectory.origins import Words, origins
from skillclaw.trajectory.outcomes import same_goal, tail
from skillclaw.trajectory.shapes import (
    command_key,
    error_template,
    family,
    json_text,
    shape_tokens,
    target_of,
    value_form,
)
from skillclaw.trajectory.text import one_line

__all__ = ["ArgValue", "Episode", "Move", "cut"]

REACH = 8
"""Actions after a failure within which a way that works belongs to it."""

MOVES = 60
"""Moves kept of one request; what follows is rarely a procedure and would make memory grow with noise."""

INTENT_CUT = 700
ARGS_CUT = 14


class ArgValue(Record, frozen=True, kw_only=True):
    """One argument of a move: its value as short JSON text, what it looks like, where it came from.

    origins: `user`, `result:<n>` (result of move n of the same request, from 0), `history` (an earlier call)
    """

    name: str
    value: str
    form: str = ""
    origins: tuple[str, ...] = ()


class Move(Record, frozen=True, kw_only=True):
    """One action, compact. `key` is what makes two moves the same kind: tool, or programs of a command.

    `place` counts the moves of the request from 0; `ArgValue.origins` name results by it.
    """

    step: int
    place: int = 0
    tool: str
    key: str
    topic: str
    writes: bool
    ok: bool | None
    error: str = ""
    command: str = ""
    tokens: tuple[str, ...] = ()
    args: tuple[ArgValue, ...] = ()


class Episode(Record, frozen=True, kw_only=True):
    """A stretch of one session with one lesson; see the module for what each kind holds."""

    kind: Literal["recovery", "correction", "procedure", "pitfall"]
    session: str
    user: str
    agent: str
    model: str
    day: str
    project: str
    success: bool | None
    topic: str
    intent: str
    steps: list[int]
    failed: Move | None = None
    actions: list[Move] = []
    user_text: str = ""
    worked: bool = True
    accepted: bool = False
    task: str = ""
    skills: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()

    @property
    def request(self) -> str:
        """What tells this request from others: the task's id where there is one, else the words."""
        return self.task or self.intent


class _Request(msgspec.Struct):
    """One thing that the user asked for, and what was done for it."""

    texts: list[str]
    events: list[Event]


def cut(trajectory: Trajectory) -> list[Episode]:
    """The episodes of a session, in order."""
    known = meta(trajectory)
    success = {"success": True, "failure": False}.get(known.outcome)
    day = next((s.timestamp[:10] for s in trajectory.steps if s.timestamp), "")
    model = (
        trajectory.agent.model_name
        or next((s.model_name for s in trajectory.steps if s.model_name), "")
        or ""
    )
    base = {
        "session": known.key or trajectory.session_id or trajectory.trajectory_id or "",
        "user": known.user,
        "agent": trajectory.agent.name,
        "model": model,
        "day": day,
        "project": known.project,
        "success": success,
        "task": known.task or "",
    }
    found: list[Episode] = []
    spoken = Words()
    for request in _requests(flow(trajectory)):
        found += _episodes(request, spoken, base)
    return found


def _requests(events: list[Event]) -> list[_Request]:
    """The session cut where the user asks for something new: not at answers, corrections and thanks."""
    requests: list[_Request] = []
    asked = False
    for event in events:
        if isinstance(event, Said) and not interrupts(event.text):
            current = requests[-1] if requests else None
            acted = current is not None and any(isinstance(e, Act) for e in current.events)
            answer = asked or corrects(event.text) or (accepts(event.text) and len(event.text) < 120)
            if current is None or (
                acted and not answer and len(event.text.split()) + len(event.text) // 12 >= 3
            ):
                requests.append(_Request([event.text], [event]))
            else:
                current.texts.append(event.text)
                current.events.append(event)
            asked = False
        elif requests:
            requests[-1].events.append(event)
            if isinstance(event, Answer):
                asked = "?" in event.text[-300:] or "？" in event.text[-300:]
    return requests


def _intent(texts: list[str]) -> str:
    """The user's words that say what is wanted: the first message, and more while that is only a greeting."""
    chosen: list[str] = []
    for text in texts[:4]:
        if chosen and (corrects(text) or accepts(text)):
            continue
        chosen.append(text)
        if sum(len(t.split()) for t in chosen) + sum(len(t) for t in chosen) // 20 >= 6:
            break
    return one_line(" ".join(chosen), INTENT_CUT)


def _episodes(request: _Request, spoken: Words, base: dict[str, Any]) -> list[Episode]:
    moves: list[Move] = []
    acts: list[Act] = []
    corrections: list[tuple[int, Said]] = []
    accepted_at: list[int] = []
    for event in request.events:
        if isinstance(event, Said):
            spoken.user(event.text)
            if acts and corrects(event.text):
                corrections.append((len(acts), event))
            elif acts and accepts(event.text):
                accepted_at.append(len(acts))
        elif isinstance(event, Act) and len(acts) < MOVES:
            moves.append(_move(event, spoken, len(acts)))
            acts.append(event)
            spoken.act(len(acts) - 1, event)
    spoken.forget_results()
    if not acts:
        return [_make("procedure", base, _intent(request.texts), [], steps=[])] if request.texts else []
    intent = _intent(request.texts)
    found = [_make("procedure", base, intent, moves, steps=[m.step for m in moves])]
    found += _recoveries(acts, moves, intent, base)
    found += _corrections(moves, corrections, accepted_at, intent, base)
    return found


def _make(kind: Any, base: dict[str, Any], intent: str, actions: list[Move], **more: Any) -> Episode:
    focus = more.get("failed") or next(
        (m for m in reversed(actions) if m.writes), actions[-1] if actions else None
    )
    more.setdefault("topic", focus.topic if focus else "")
    return Episode(kind=kind, intent=intent, actions=actions, **base, **more)


def _move(act: Act, spoken: Words, index: int) -> Move:
    error = error_template(act.result) if act.ok is False else ""
    if act.command is not None:
        return Move(
            step=act.step,
            place=index,
            tool=act.tool,
            key=command_key(act.command) or act.tool,
            topic=family(act.tool, act.command),
            writes=act.writes,
            ok=act.ok,
            error=error,
            command=act.command[:600],
            tokens=tuple(shape_tokens(act.command)[:60]),
        )
    args = tuple(
        ArgValue(
            name=name, value=json_text(value), form=value_form(value), origins=origins(value, spoken, index)
        )
        for name, value in sorted(act.arguments.items())[:ARGS_CUT]
        if value not in (None, "")
    )
    return Move(
        step=act.step,
        place=index,
        tool=act.tool,
        key=act.tool,
        topic=family(act.tool),
        writes=act.writes,
        ok=act.ok,
        error=error,
        args=args,
    )


def _differs(first: Move, second: Move) -> bool:
    if first.tokens or second.tokens:
        return first.tokens != second.tokens
    return first.tool != second.tool or [(a.name, a.value) for a in first.args] != [
        (a.name, a.value) for a in second.args
    ]


def _recoveries(acts: list[Act], moves: list[Move], intent: str, base: dict[str, Any]) -> list[Episode]:
    """For each way that failed: the first way toward the same goal that worked, or that it did not work
    either.
    """
    found: list[Episode] = []
    seen: set[tuple[str, str]] = set()
    for index, act in enumerate(acts):
        if act.ok is not False:
            continue
        failed = moves[index]
        mark = (failed.key, failed.error)
        later = [
            other
            for other in range(index + 1, min(len(acts), index + 1 + REACH))
            if acts[other].ok is not None and same_goal(act, acts[other])
        ]
        worked = next((i for i in later if acts[i].ok), None)
        again = next((i for i in later if acts[i].ok and _same_call(moves[i], failed)), None)
        if again is not None and again != worked:
            # What came between is not another way to the goal: it made the failed command itself work.
            steps = [m for m in moves[index + 1 : again] if m.ok and m.writes and not _same_call(m, failed)]
            found.append(
                _make(
                    "recovery",
                    base,
                    intent,
                    [*steps[-3:], moves[again]],
                    failed=failed,
                    worked=True,
                    steps=sorted({failed.step, *(m.step for m in steps[-3:]), moves[again].step}),
                )
            )
            continue
        if worked is None and mark not in seen:
            seen.add(mark)
            found.append(_make("pitfall", base, intent, [], failed=failed, steps=[failed.step]))
        for other in later:
            if worked is not None and other > worked:
                break
            between = [
                moves[i]
                for i in range(index + 1, other)
                if acts[i].ok and _helps(acts[i], act, moves[i], moves[other], i)
            ]
            found.append(
                _make(
                    "recovery",
                    base,
                    intent,
                    [*between[-3:], moves[other]],
                    failed=failed,
                    worked=bool(acts[other].ok),
                    steps=sorted({failed.step, *(m.step for m in between[-3:]), moves[other].step}),
                )
            )
    return found


def _same_call(move: Move, failed: Move) -> bool:
    """Whether a command is the failed one once more, word by word."""
    return bool(move.command) and move.command == failed.command


def _helps(act: Act, failed: Act, move: Move, final: Move, index: int) -> bool:
    """Whether an action between failure and success belongs to the way: it changes something, or the final
    call uses it.
    """
    if same_goal(failed, act):
        return False
    if any(f"result:{index}" in a.origins for a in final.args):
        return True
    if target_of(failed.tool, failed.arguments) and target_of(failed.tool, failed.arguments) == target_of(
        act.tool, act.arguments
    ):
        return True
    return move.writes and act.command is not None


def _corrections(
    moves: list[Move],
    corrections: list[tuple[int, Said]],
    accepted: list[int],
    intent: str,
    base: dict[str, Any],
) -> list[Episode]:
    found: list[Episode] = []
    for order, (at, said) in enumerate(corrections):
        until = corrections[order + 1][0] if order + 1 < len(corrections) else len(moves)
        before, after = moves[:at], moves[at:until]
        last = next((m for m in reversed(before) if m.writes), before[-1] if before else None)
        # What the agent did after the words, in another way than before.
        changed = [m for m in after if m.ok is not False and (last is None or _differs(last, m))]
        words = [m for m in changed if m.writes] or changed
        if last is None or not words:
            continue
        kind = [m for m in words if tail(m.tool) == tail(last.tool)] or words
        found.append(
            _make(
                "correction",
                base,
                intent,
                kind[:2],
                failed=last,
                topic=kind[0].topic,
                steps=sorted({last.step, said.step, *(m.step for m in kind[:2])}),
                user_text=correction_text(said.text),
                worked=order + 1 == len(corrections),
                accepted=any(at < a <= len(moves) for a in accepted),
            )
        )
    return found
