"""What the user told the agent in a request, and what the agent did about it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from skillclaw.trajectory.asks import Request
from skillclaw.trajectory.demanded import Demanded
from skillclaw.trajectory.episode import Episode, make
from skillclaw.trajectory.feedback import correction_text, repeats
from skillclaw.trajectory.flow import Said
from skillclaw.trajectory.meant import BY_PROGRAM, asks_for, names, refuses
from skillclaw.trajectory.moves import Move, differs
from skillclaw.trajectory.named_calls import Call, instead_of, redone
from skillclaw.trajectory.text import STOP, words
from skillclaw.trajectory.weighed import for_once, rejects_what_was_done, weighed

__all__ = ["as_demanded", "corrections"]

TOLD_CUT = 200
"""Characters of a user's words that are kept."""
HEAD = 2000
"""Characters of a user's words that are read."""
_INTO_FILE = re.compile(r"(?<![\d&<-])>>?\s*(?!/dev/|&)[\w./~$\"']")
"""What is written into a file: then a reader of files writes one."""


def as_demanded(
    one: Demanded,
    moves: Sequence[Move],
    taken: tuple[str, ...],
    accepted: Sequence[int],
    intent: str,
    base: dict[str, Any],
) -> Episode:
    """The lesson of what was demanded of a program, whatever the agent made of it."""
    steps = {one.step, one.action.step, *([one.failed.step] if one.failed is not None else [])}
    return make(
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
        ahead=one.demand.ahead,
    )


def corrections(
    moves: list[Move],
    said_no: list[tuple[int, Said]],
    request: Request,
    accepted: list[int],
    intent: str,
    base: dict[str, Any],
) -> list[Episode]:
    """What the agent did otherwise after words that name no program's option or call (`demanded`).

    Silent where neither the words nor a call that was made over tell what they are about: what an agent
    happened to do before and after them is no lesson.
    """
    found: list[Episode] = []
    for order, (at, said) in enumerate(said_no):
        until = said_no[order + 1][0] if order + 1 < len(said_no) else len(moves)
        before, after = moves[:at], moves[at:until]
        own = request.taken.get(said.step, ())
        since = said_no[order - 1][0] if order else 0
        failed, right = _pair(said.text, before, after, own, since)
        if not right or said.step in request.demanded:
            continue
        later = [
            _names(request, other)
            for place, other in said_no[order + 1 :]
            if not (_says_again(said, other, own) and _alike(after, moves[place:]))
            and not _elsewhere(other.text, right[0], moves[place:])
        ]
        found.append(
            make(
                "correction",
                base,
                intent,
                right,
                failed=failed,
                topic=right[0].topic,
                steps=sorted({said.step, *(m.step for m in [*right, *([failed] if failed else [])])}),
                user_text=correction_text(said.text, names=own),
                # Who then names something else was content with this.
                worked=not later or (bool(own) and all(one and not one & set(own) for one in later)),
                taken=own,
                accepted=any(at < a <= len(moves) for a in accepted),
            )
        )
    return found


def _pair(
    text: str, before: Sequence[Move], after: Sequence[Move], own: Collection[str], since: int
) -> tuple[Move | None, list[Move]]:
    """What was wrong, where that can be told, and what is right: the call that the words name, else the one
    that was made over with something else in it. None and nothing where neither is there.

    since  how many calls there were when the user spoke last
    """
    if for_once(text):
        return None, []
    asked = weighed(text).asked
    calls = {m.place: _call(m) for m in [*before, *after]}
    new = [m for m in after if m.ok is not False and all(_otherwise(b, m, own) for b in before)]
    ranks = {m.place: names(asked, calls[m.place]) for m in new}
    for move in new:
        if any(name.lower() in _written(move) for name in own):
            ranks[move.place] = max(1, ranks[move.place])
    named = [m for m in new if ranks[m.place] >= (BY_PROGRAM if _looks(m) else 2)]
    if named:
        best = max(named, key=lambda m: (ranks[m.place], m.writes))  # of equals the first
        right = [best, *(m for m in named if m.place > best.place and m.key == best.key)][:2]
        return _wrong(text, before, best, calls, since), right
    for old in reversed(before):
        if _looks(old):
            continue
        again = [m for m in new if redone(calls[old.place], calls[m.place])]
        if again:
            best = max(again, key=lambda m: ranks[m.place])
            return old, [best, *(m for m in again if m.place > best.place)][:2]
    # A program whose first word differs is another call, unless the user's own word is what is new in it.
    tied = [m for m in new if own and ranks[m.place] and not _looks(m)]
    for move in tied:
        same = [b for b in before if b.key == move.key and not _looks(b)]
        if same:
            return same[-1], [move]
    return None, []


def _wrong(
    text: str, before: Sequence[Move], right: Move, calls: Mapping[int, Call], since: int
) -> Move | None:
    """The call that the words are about, where they tell: one that they speak against, the last of the kind
    that was made over, one that they name, or all that was done where they want something else instead."""
    good = calls[right.place]
    shared = set(good.values) | set(good.command.split())
    refused = [m for m in before if refuses(text, calls[m.place], good)]
    if refused:
        return max(refused, key=lambda m: (not _looks(m), len(shared & set(m.command.split())), m.place))
    done = [m for m in before if not _looks(m)]
    again = [m for m in done if redone(calls[m.place], good) or instead_of(m.command, good.command)]
    # What a call brought to light may be what the words are about, and so may a look around that they name.
    told = [
        m for m in before if names(text, calls[m.place]) >= (BY_PROGRAM if _looks(m) else 1) or _said(text, m)
    ]
    last = [m for m in done if m.place >= since]
    sole = last if len(last) == 1 and rejects_what_was_done(text) and asks_for(text, good) else []
    return next((group[-1] for group in (again, told, sole) if group), None)


def _looks(move: Move) -> bool:
    """Whether it only looks around: a reader of files, or a command that changes nothing."""
    call = _call(move)
    return call.looks or bool(call.command and not move.writes and not _INTO_FILE.search(call.command))


def _said(text: str, move: Move) -> bool:
    """Whether the words take up what a call that failed said."""
    telling = {word for word in words(move.error) if len(word) > 3 and word not in STOP}
    return bool(telling & set(words(text[:HEAD])))


def _written(move: Move) -> str:
    return " ".join([move.command, *(arg.value for arg in move.args)]).lower()


def _call(move: Move) -> Call:
    return Call(move.command, move.tool, tuple(arg.value for arg in move.args))


def _names(request: Request, said: Said) -> set[str]:
    demanded = request.demanded.get(said.step, ())
    return {*request.taken.get(said.step, ()), *(one.wanted for one in demanded)}


def _elsewhere(text: str, right: Move, after: Sequence[Move]) -> bool:
    """Whether later words are about another call than the one that is right here: they name one that the
    agent then made, and not this one."""
    parts, call = weighed(text), _call(right)
    if names(text, call) or refuses(text, call):
        return False
    return any(names(parts.asked, _call(m)) > 1 and not redone(call, _call(m)) for m in after)


def _says_again(said: Said, other: Said, taken: Collection[str]) -> bool:
    return repeats(said.text, other.text) or any(name in other.text for name in taken)


def _alike(before: Sequence[Move], after: Sequence[Move]) -> bool:
    """Whether the agent, told the same once more, only did the same once more: then the words stand as they
    did."""
    done = {m.command for m in before}
    return all(m.command and m.command in done for m in after)


def _otherwise(before: Move, after: Move, taken: Collection[str]) -> bool:
    """Whether a move is another way: by its shape, or by what was `taken` up, which may lie in a text that
    shapes leave out."""
    return differs(before, after) or (bool(taken) and before.command != after.command)
