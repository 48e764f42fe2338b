"""Procedures: what the successful sessions of one intent do, as steps with rules for their arguments.

The requests of a cycle are clustered by their words; inside a cluster every way that at least a few
successes took is a candidate, with the rules that its successes share (constants, closed sets, forms, where
values come from). The candidate whose followers succeed most surely, by the lower end of Wilson's interval,
is the procedure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from skillclaw.skills.records import ActionShape, ArgShape
from skillclaw.skills.samples import sample_of
from skillclaw.trajectory.episodes import ArgValue, Episode, Move
from skillclaw.trajectory.text import one_line

__all__ = [
    "SHARE",
    "Group",
    "example",
    "follows",
    "keeps",
    "learn_steps",
    "path",
    "path_keys",
    "step_index",
]

SHARE = 0.9
"""What this share of the successful calls have in common is a rule."""

CLOSED = 6
"""A varying argument with at most this many values, each seen more than once, is a closed set."""


DIFFERENT = 3
"""Different requests that must agree before a value counts as the procedure's own."""


Group = tuple[Move, ...]
"""Consecutive calls of one kind: one step of a path."""


class _Call(NamedTuple):
    """One call of a step, with the steps of its request by move, and the episode that it is of."""

    move: Move
    steps: dict[int, int]
    episode: Episode


def path(moves: Sequence[Move]) -> list[Group]:
    """The steps of a request: what worked, repeats of one kind as one step, checks after the last change
    dropped.
    """
    worked = [m for m in moves if m.ok is not False]
    last = max((i for i, m in enumerate(worked) if m.writes), default=None)
    kept = worked if last is None else worked[: last + 1]
    groups: list[list[Move]] = []
    for move in kept:
        if groups and groups[-1][-1].key == move.key:
            if not any(_same(move, other) for other in groups[-1]):
                groups[-1].append(move)
        else:
            groups.append([move])
    return [tuple(g) for g in groups]


def _same(first: Move, second: Move) -> bool:
    return first.command == second.command and [(a.name, a.value) for a in first.args] == [
        (a.name, a.value) for a in second.args
    ]


def path_keys(steps: Sequence[Group]) -> tuple[str, ...]:
    """What makes two paths the same: the keys of their steps."""
    return tuple(group[0].key for group in steps)


def step_index(steps: Sequence[Sequence[Move]]) -> dict[int, int]:
    """Which step of the path each move (by its place in the request) belongs to."""
    return {move.place: number for number, group in enumerate(steps) for move in group}


def learn_steps(paths: Sequence[tuple[Sequence[Sequence[Move]], Episode]]) -> list[ActionShape]:
    """The steps that these paths (of equal length) have in common, with rules for their arguments.

    With each path goes the episode that it is of.
    """
    indexes = [step_index(steps) for steps, _ in paths]
    shapes: list[ActionShape] = []
    for number in range(len(paths[0][0])):
        calls = [
            _Call(move, index, episode)
            for (steps, episode), index in zip(paths, indexes, strict=True)
            for move in steps[number]
        ]
        first = calls[0].move
        shapes.append(
            ActionShape(
                tool=min(Counter(c.move.tool for c in calls).items(), key=lambda x: (-x[1], x[0]))[0],
                command=merge_commands([c.move.tokens for c in calls]) if first.tokens else None,
                args=_args(calls, number),
                example=example([c.move for c in calls]),
                times="+" if any(len(steps[number]) > 1 for steps, _ in paths) else "1",
            )
        )
    return shapes


def example(moves: Sequence[Move]) -> str:
    """One real call as the agent wrote it: the commonest, then the shortest."""
    texts = Counter(_written(m) for m in moves)
    return min(texts, key=lambda t: (-texts[t], len(t), t))


def _written(move: Move) -> str:
    if move.command:
        return one_line(move.command, 300)
    given = ", ".join(
        f"{a.name}={a.value!r}"
        if a.form not in ("number", "bool", "list", "object")
        else f"{a.name}={a.value}"
        for a in move.args
    )
    return one_line(f"{move.tool}({given})", 300)


def merge_commands(commands: Sequence[tuple[str, ...]]) -> str:
    """One shape for several commands: words that (nearly) all share stay, what differs is `<...>`."""
    lengths = Counter(len(c) for c in commands)
    length = min((n for n in lengths if lengths[n] == max(lengths.values())), default=0)
    same = sorted(c for c in commands if len(c) == length)
    merged: list[str] = []
    for words in zip(*same, strict=True):
        counts = Counter(words)
        word, count = min(counts.items(), key=lambda x: (-x[1], x[0]))
        merged.append(word if count >= SHARE * len(same) or len(counts) == 1 else _varying(words))
    return " ".join(merged)


def _varying(words: Sequence[str]) -> str:
    kinds = {w for w in words if re.fullmatch(r"<\w+>", w)}
    return kinds.pop() if len(kinds) == 1 else "<value>"


def _args(calls: Sequence[_Call], number: int) -> list[ArgShape]:
    by_name: dict[str, list[tuple[ArgValue, _Call]]] = {}
    for call in calls:
        for arg in call.move.args:
            by_name.setdefault(arg.name, []).append((arg, call))
    return [_arg(name, given, len(calls), number) for name, given in sorted(by_name.items())]


def _arg(name: str, given: Sequence[tuple[ArgValue, _Call]], calls: int, number: int) -> ArgShape:
    n = len(given)
    values = Counter(a.value for a, _ in given)
    top, count = min(values.items(), key=lambda x: (-x[1], x[0]))
    forms = Counter(a.form for a, _ in given)
    form, form_count = min(forms.items(), key=lambda x: (-x[1], x[0]))
    if form_count < SHARE * n:
        form = ""
    origin = _origin(given, number)
    asked = len({call.episode.request for _, call in given})
    free = not origin or origin == "history"
    constant = None
    # One value for different requests is the procedure's; for one request it may be the request's.
    if (
        count >= SHARE * n
        and asked >= (DIFFERENT if free else 2 * DIFFERENT)
        and not origin.startswith("result")
        # An id from nowhere is made up, or belongs to what the request was about.
        and not (free and form == "id")
        and not (form in ("date", "datetime") and _on_one_day(given))
    ):
        constant = top
    elif free and form in ("text", "path", "id") and 2 <= len(values) <= CLOSED and n >= 3 * len(values):
        spread = Counter(value for value, _ in {(a.value, call.episode.request) for a, call in given})
        if min(spread.values()) >= 2:
            form = "one of " + "|".join(sorted(values))
    sample = _sample(values, n) if constant is None and form in ("date", "datetime") else ""
    return ArgShape(
        name=name, constant=constant, form=form, origin=origin, share=round(n / calls, 4), sample=sample
    )


def _sample(values: Counter[str], given: int) -> str:
    """A value in the writing that (nearly) all of them have."""
    written: Counter[str] = Counter()
    for value, count in values.items():
        written[sample_of(value)] += count
    top, count = min(written.items(), key=lambda x: (-x[1], x[0]))
    return top if count >= SHARE * given else ""


def _on_one_day(given: Sequence[tuple[ArgValue, _Call]]) -> bool:
    """Whether all of it is of one day: a date that they share is then that day's, not the procedure's."""
    return len({call.episode.day for _, call in given if call.episode.day}) == 1


def arg_origins(arg: ArgValue, index: dict[int, int], number: int) -> list[str]:
    """The origins of a value in terms of the path: a move's result becomes a step's."""
    found: list[str] = []
    for origin in arg.origins:
        if origin.startswith("result:"):
            step = index.get(int(origin[7:]))
            if step is None or step >= number:
                continue
            origin = f"result:{step}"
        if origin not in found:
            found.append(origin)
    return found


def _origin(given: Sequence[tuple[ArgValue, _Call]], number: int) -> str:
    counts: Counter[str] = Counter()
    for arg, call in given:
        counts.update(arg_origins(arg, call.steps, number))
    rank = {"user": 0, "history": 2}
    shared = [o for o, c in counts.items() if c >= SHARE * len(given)]
    return min(shared, key=lambda o: (rank.get(o, 1), o), default="")


def follows(episode: Episode, actions: Sequence[ActionShape]) -> bool:
    """Whether the names of all calls of a request, in order, are those of the procedure."""
    return [m.tool for m in episode.actions] == [a.tool for a in actions]


def keeps(episode: Episode, actions: Sequence[ActionShape]) -> bool:
    """Whether a request that follows a procedure by the names of its calls also keeps its lessons about
    arguments: what every call must give, fixed values, and values that come from an earlier result.
    """
    steps: list[Group] = [(m,) for m in episode.actions]
    index = step_index(steps)
    for number, (move, action) in enumerate(zip(episode.actions, actions, strict=True)):
        given = {arg.name: arg for arg in move.args}
        for rule in action.args:
            arg = given.get(rule.name)
            if arg is None:
                if rule.share >= SHARE:
                    return False
            elif not _lesson_kept(arg, rule, index, number):
                return False
    return True


def _lesson_kept(arg: ArgValue, rule: ArgShape, index: dict[int, int], number: int) -> bool:
    if rule.constant is not None:
        return arg.value == rule.constant
    if rule.form.startswith("one of "):
        return arg.value in rule.form[7:].split("|")
    if rule.origin.startswith("result:"):
        return rule.origin in arg_origins(arg, index, number)
    return True
