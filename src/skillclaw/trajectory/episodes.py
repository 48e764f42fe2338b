"""Stretches of a session with one lesson, cut by rules.

recovery    an action fails with error E; within the next actions something toward the same goal works
            (`worked`), or fails again (`worked` false: it speaks against that way)
correction  the user says no, or names another way; the agent does something else; the user does not object
            again
procedure   what one request of the user led to: every request gives one, with its outcome, because a
            procedure is only a lesson beside the sessions that did otherwise
pitfall     an action that failed and that nothing alike made good

An episode holds compact moves instead of steps, so that a cycle can hold the episodes of many thousand
sessions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from skillclaw.trajectory.asks import Request, intent, requests, says_no, says_yes
from skillclaw.trajectory.demanded import demanded
from skillclaw.trajectory.environment import facts
from skillclaw.trajectory.episode import Episode, make
from skillclaw.trajectory.flow import Act, Event, Said, flow
from skillclaw.trajectory.model import SessionMeta, SkillUse, Trajectory, meta
from skillclaw.trajectory.moves import ArgValue, Move, extensions, move_of
from skillclaw.trajectory.origins import Words
from skillclaw.trajectory.outcomes import GIVEN, attested, judged
from skillclaw.trajectory.put_right import as_demanded, corrections
from skillclaw.trajectory.ways import recoveries

__all__ = ["ArgValue", "Episode", "Move", "cut"]

MOVES = 60
"""Moves kept of one request; what follows is rarely a procedure and would make memory grow with noise."""

ENDS = {"success": True, "failure": False}

FILES = 16
"""Endings of files kept of one request."""


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
    for place, (request, success, last) in enumerate(_judged(asked, known)):
        own = {**base, "success": success, **_skills(known.skills, last)}
        shown = success is True and (given or attested(_with_next(asked, place)))
        found += _episodes(request, spoken, own, given=given, shown=shown)
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
            outcome = judged(_with_next(asked, place))
        yield request, ENDS.get(outcome), after.begins - 1 if after is not None else None


def _with_next(asked: Sequence[Request], place: int) -> list[Event]:
    """The events of a request, and the words that begin the next one."""
    after = asked[place + 1] if place + 1 < len(asked) else None
    return [*asked[place].events, *(after.events[:1] if after is not None else [])]


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


def _episodes(
    request: Request, spoken: Words, base: dict[str, Any], *, given: bool, shown: bool
) -> list[Episode]:
    """`given`: whether somebody stated how the session ended. Else a request in which the user had to say how
    it is done shows no way to do it, whatever its end looks like. `shown`: its success is attested."""
    moves: list[Move] = []
    acts: list[Act] = []
    files: set[str] = set()
    said_no: list[tuple[int, Said]] = []
    accepted_at: list[int] = []
    for event in request.events:
        if isinstance(event, Said):
            spoken.user(event.text)
            directs = event.step in request.taken or event.step in request.demanded
            if acts and (directs or says_no(event.text)):
                said_no.append((len(acts), event))
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
        return [make("procedure", base, wanted, [], steps=[])] if request.texts else []
    way = {**base, "success": None} if request.demanded and not given else base
    content = given or bool(accepted_at)
    steps = [m.step for m in moves]
    found = [make("procedure", way, wanted, moves, steps=steps, accepted=content, attested=shown)]
    # What the user told the agent between a failure and what worked is the lesson, and not the agent's way.
    told_at = [step for step in (*request.taken, *request.demanded)]
    found += [e for e in recoveries(acts, moves, wanted, base) if not _told_between(e, told_at)]
    found += corrections(moves, said_no, request, accepted_at, wanted, base)
    for one in demanded(moves, acts, said_no, request.demanded):
        taken = request.taken.get(one.step, ())
        found.append(as_demanded(one, moves, taken, accepted_at, wanted, base))
    return found


def _told_between(episode: Episode, told_at: Sequence[int]) -> bool:
    first = episode.failed.step if episode.failed is not None else 0
    last = max((move.step for move in episode.actions), default=0)
    return episode.kind == "recovery" and any(first <= step <= last for step in told_at)
