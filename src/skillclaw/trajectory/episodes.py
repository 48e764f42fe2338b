"""Stretches of a session with one lesson, cut by rules (DESIGN 3.4).

recovery    an action fails with error E; within the next actions something toward the same goal works
(`worked`), or
            fails again (`worked` false: it speaks against that way)
correction  the user says no, or names another way; the agent does something else; the user does not object
            again
procedure   what one request of the user led to: every request gives one, with its outcome, because a
procedure is
            only a lesson beside the sessions that did otherwise
pitfall     an action that failed and that nothing alike made good

An episode holds compact moves instead of steps, so that a cycle can hold the episodes of many thousand
sessions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Literal

from skillclaw.trajectory import web
from skillclaw.trajectory.asks import Request, intent, requests, says_no, says_yes
from skillclaw.trajectory.demanded import Demanded, demanded
from skillclaw.trajectory.environment import facts
from skillclaw.trajectory.feedback import correction_text, repeats
from skillclaw.trajectory.flow import Act, Said, flow
from skillclaw.trajectory.model import Record, SessionMeta, SkillUse, Trajectory, meta
from skillclaw.trajectory.moves import ArgValue, Move, differs, extensions, move_of
from skillclaw.trajectory.origins import Words
from skillclaw.trajectory.outcomes import GIVEN, judged, same_goal, tail
from skillclaw.trajectory.shapes import target_of

__all__ = ["ArgValue", "Episode", "Move", "cut"]

REACH = 8
"""Actions after a failure within which a way that works belongs to it."""

MOVES = 60
"""Moves kept of one request; what follows is rarely a procedure and would make memory grow with noise."""

TOLD_CUT = 200
"""Characters of a user's words that are kept."""

ENDS = {"success": True, "failure": False}

FILES = 16
"""Endings of files kept of one request."""

_NOT_THERE = re.compile(
    r"no such file|\b(?:file|path|directory|folder)\b.{0,60}?(?:not found|does(?:n't| not) exist)|ENOENT|"
    r"EISDIR|is a directory|not a (?:file|directory)|outside|permission denied|EACCES",
    re.I,
)
"""Errors that another path is an answer to."""


class Episode(Record, frozen=True, kw_only=True):
    """A stretch of one session with one lesson; see the module for what each kind holds.

    success   of the request that it is part of, where signals speak of that request; else of the session
    env       what is known of the machine (`environment`)
    skills    skills that the agent had read or invoked by then, `name@version` where the version is known
    offered   skills that it was offered, likewise
    files     endings of the files that the request touched, as `.py`
    taken     correction: what the user named and the agent did its work over with (`redone`)
    demand    correction: the program and what the user asked of it (`demands`), as `rota --zone utc`; then
              the action is a call that has it, the agent's own or, where there was none, the call that lacks
              it with that put in (`ok` is None)
    """

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
    env: dict[str, str] = {}
    skills: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    demand: str = ""

    @property
    def request(self) -> str:
        """What tells this request from others: the task's id where there is one, else the words."""
        return self.task or self.intent


def cut(trajectory: Trajectory) -> list[Episode]:
    """The episodes of a session, in order."""
    known = meta(trajectory)
    day = next((s.timestamp[:10] for s in trajectory.steps if s.timestamp), "")
    model = (
        trajectory.agent.model_name
        or next((s.model_name for s in trajectory.steps if s.model_name), "")
        or ""
    )
    events = flow(trajectory)
    asked = requests(events)
    base = {
        "session": known.key or trajectory.session_id or trajectory.trajectory_id or "",
        "user": known.user,
        "agent": trajectory.agent.name,
        "model": model,
        "day": day,
        "project": known.project,
        "task": known.task or "",
        "env": facts(known.env, events),
    }
    found: list[Episode] = []
    given = any(signal.kind in GIVEN for signal in known.signals)
    spoken = Words()
    for request, success, last in _judged(asked, known):
        own = {**base, "success": success, **_skills(known.skills, last)}
        found += _episodes(request, spoken, own, given=given)
    return found


def _judged(asked: list[Request], known: SessionMeta) -> Iterator[tuple[Request, bool | None, int | None]]:
    """Each request with its success and its last step (None for the last request: it has no end).

    What a person or a grader stated holds for the whole session. Else each of several requests is judged by
    its own signs, with the words that begin the next one: they often say how this one went.
    """
    stated = len(asked) < 2 or any(signal.kind in GIVEN for signal in known.signals)
    for place, request in enumerate(asked):
        after = asked[place + 1] if place + 1 < len(asked) else None
        outcome = known.outcome
        if not stated:
            outcome = judged([*request.events, *(after.events[:1] if after is not None else [])])
        yield request, ENDS.get(outcome), after.begins - 1 if after is not None else None


def _skills(uses: Sequence[SkillUse], last: int | None) -> dict[str, tuple[str, ...]]:
    """The skills that were before the agent up to step `last`; a skill that it read stays before it."""
    named = {use.name: f"{use.name}@{use.version}" if use.version else use.name for use in uses}
    seen = [use for use in uses if _seen_by(use, last)]
    return {
        "skills": tuple(sorted(named[use.name] for use in seen)),
        "offered": tuple(sorted(named[use.name] for use in uses if use.offered)),
    }


def _seen_by(use: SkillUse, last: int | None) -> bool:
    steps = [step for step in (use.read_step, use.invoked_step) if step is not None]
    if not steps:
        # A version without a step: a sub-agent read the skill.
        return use.version is not None
    return last is None or min(steps) <= last


def _episodes(request: Request, spoken: Words, base: dict[str, Any], *, given: bool) -> list[Episode]:
    """`given`: whether somebody stated how the session ended. Else a request in which the user had to say how
    it is done shows no way to do it, whatever its end looks like."""
    moves: list[Move] = []
    acts: list[Act] = []
    files: set[str] = set()
    corrections: list[tuple[int, Said]] = []
    accepted_at: list[int] = []
    for event in request.events:
        if isinstance(event, Said):
            spoken.user(event.text)
            directs = event.step in request.taken or event.step in request.demanded
            if acts and (directs or says_no(event.text)):
                corrections.append((len(acts), event))
            elif acts and says_yes(event.text):
                accepted_at.append(len(acts))
        elif isinstance(event, Act) and len(acts) < MOVES:
            moves.append(move_of(event, spoken, len(acts)))
            acts.append(event)
            files |= extensions(event)
            spoken.act(len(acts) - 1, event)
    spoken.forget_results()
    wanted = intent(request.texts)
    base = {**base, "files": tuple(sorted(files)[:FILES])}
    if not acts:
        return [_make("procedure", base, wanted, [], steps=[])] if request.texts else []
    way = {**base, "success": None} if request.demanded and not given else base
    found = [_make("procedure", way, wanted, moves, steps=[m.step for m in moves])]
    # What the user told the agent between a failure and what worked is the lesson, and not the agent's way.
    told_at = [step for step in (*request.taken, *request.demanded)]
    found += [e for e in _recoveries(acts, moves, wanted, base) if not _told_between(e, told_at)]
    found += _corrections(moves, corrections, request, accepted_at, wanted, base)
    for one in demanded(moves, acts, corrections, request.demanded):
        taken = request.taken.get(one.step, ())
        found.append(_demand(one, moves, taken, accepted_at, wanted, base))
    return found


def _told_between(episode: Episode, told_at: Sequence[int]) -> bool:
    first = episode.failed.step if episode.failed is not None else 0
    last = max((move.step for move in episode.actions), default=0)
    return episode.kind == "recovery" and any(first <= step <= last for step in told_at)


def _demand(
    one: Demanded,
    moves: Sequence[Move],
    taken: tuple[str, ...],
    accepted: Sequence[int],
    intent: str,
    base: dict[str, Any],
) -> Episode:
    steps = {one.step, one.action.step, *([one.failed.step] if one.failed is not None else [])}
    return _make(
        "correction",
        base,
        intent,
        [one.action],
        failed=one.failed,
        topic=one.action.topic,
        steps=sorted(steps),
        user_text=one.demand.text[:TOLD_CUT],
        worked=one.worked,
        taken=taken,
        accepted=any(one.action.place < a <= len(moves) for a in accepted),
        demand=f"{one.demand.program} {one.demand.wanted}" if one.demand.option else one.demand.wanted,
    )


def _make(kind: Any, base: dict[str, Any], intent: str, actions: list[Move], **more: Any) -> Episode:
    focus = more.get("failed") or next(
        (m for m in reversed(actions) if m.writes), actions[-1] if actions else None
    )
    more.setdefault("topic", focus.topic if focus else "")
    return Episode(kind=kind, intent=intent, actions=actions, **base, **more)


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
            if acts[other].ok is not None and _tries_again(act, acts[other])
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
                if acts[i].ok
                and (
                    _helps(acts[i], act, moves[i], moves[other], i)
                    or (moves[i].writes and _same_call(moves[other], failed))
                )
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


def _tries_again(failed: Act, later: Act) -> bool:
    """Whether an action is another try for what failed: made knowing of it, and toward the same thing."""
    if later.lane == failed.lane:
        knows = later.turn > failed.turn
    else:
        knows = later.lane == 0 and later.step > failed.step
    return knows and same_goal(failed, later) and not _elsewhere(failed, later)


def _elsewhere(failed: Act, later: Act) -> bool:
    """Whether a call of the same kind is about another thing: another file, another server."""
    if failed.command is None and later.command is None:
        first, second = target_of(failed.tool, failed.arguments), target_of(later.tool, later.arguments)
        if first and second and first != second and "://" not in first + second:
            same_name = _file_name(first) == _file_name(second)
            return not (same_name or _NOT_THERE.search(failed.result[:600]))
    first, second = web.host_of(_address(failed)), web.host_of(_address(later))
    return bool(first and second and first != second and second not in failed.result[:4000].lower())


def _address(act: Act) -> str:
    return act.command if act.command is not None else web.url_of(act.arguments)


def _file_name(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


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
    target = target_of(failed.tool, failed.arguments)
    if target and target == target_of(act.tool, act.arguments):
        return True
    if act.command is None:
        return False
    # `sed -n 1,80p a.py` before the patch of a.py is tried again
    name = _file_name(target)
    return move.writes or (len(name) > 2 and name in act.command)


def _corrections(
    moves: list[Move],
    corrections: list[tuple[int, Said]],
    request: Request,
    accepted: list[int],
    intent: str,
    base: dict[str, Any],
) -> list[Episode]:
    """What the agent did otherwise after words that name no program's option or call (`demanded`)."""
    found: list[Episode] = []
    for order, (at, said) in enumerate(corrections):
        until = corrections[order + 1][0] if order + 1 < len(corrections) else len(moves)
        before, after = moves[:at], moves[at:until]
        last = next((m for m in reversed(before) if m.writes), before[-1] if before else None)
        # What the agent did after the words, in another way than before.
        own = request.taken.get(said.step, ())
        changed = [m for m in after if m.ok is not False and (last is None or _otherwise(last, m, own))]
        words = [m for m in changed if m.writes] or changed
        if last is None or not words or said.step in request.demanded:
            continue
        kind = [m for m in words if tail(m.tool) == tail(last.tool)] or words
        later = [
            _names(request, other)
            for place, other in corrections[order + 1 :]
            if not (_says_again(said, other, own) and _alike(after, moves[place:]))
        ]
        found.append(
            _make(
                "correction",
                base,
                intent,
                kind[:2],
                failed=last,
                topic=kind[0].topic,
                steps=sorted({last.step, said.step, *(m.step for m in kind[:2])}),
                user_text=correction_text(said.text, names=own),
                # Who then names something else was content with this.
                worked=not later or (bool(own) and all(names and not names & set(own) for names in later)),
                taken=own,
                accepted=any(at < a <= len(moves) for a in accepted),
            )
        )
    return found


def _names(request: Request, said: Said) -> set[str]:
    demanded = request.demanded.get(said.step, ())
    return {*request.taken.get(said.step, ()), *(one.wanted for one in demanded)}


def _says_again(said: Said, other: Said, names: Collection[str]) -> bool:
    return repeats(said.text, other.text) or any(name in other.text for name in names)


def _alike(before: Sequence[Move], after: Sequence[Move]) -> bool:
    """Whether the agent, told the same once more, only did the same once more: then the words stand as they
    did."""
    done = {m.command for m in before}
    return all(m.command and m.command in done for m in after)


def _otherwise(before: Move, after: Move, taken: Collection[str]) -> bool:
    """Whether a move is another way: by its shape, or by what was `taken` up, which may lie in a text that
    shapes leave out."""
    return differs(before, after) or (bool(taken) and before.command != after.command)
