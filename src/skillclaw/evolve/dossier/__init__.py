"""What a model is shown of one target: everything it may use, and nothing else.

Patterns are labelled P1, P2, ... and lines of the current skill L1, L2, ... as `drafting.labels` does it,
sessions S1, S2, ...; an answer names them by these labels. All that others wrote stands fenced (`fence`). The
same input gives the same bytes, so that a recorded answer is found again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from skillclaw.evolve.dossier.fence import DATA_RULE, clean, cut, fenced, line
from skillclaw.evolve.dossier.patterns import pattern_lines, sayable
from skillclaw.evolve.dossier.sessions import Chosen, Shown, choose, show
from skillclaw.evolve.dossier.skill import item_line, items_of, neighbours, tried_lines
from skillclaw.evolve.drafting import Target, labels
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers._select import qualifies, strength
from skillclaw.skills.items import DESCRIPTION
from skillclaw.skills.records import Item, Pattern
from skillclaw.skills.tokens import estimate
from skillclaw.trajectory.model import Record

__all__ = ["DATA_RULE", "Dossier", "Shown", "clean", "cut", "dossier", "dossiers", "fenced", "line"]

SHARES = {"patterns": 0.5, "skill": 0.35, "tried": 0.1, "others": 0.1}
"""Parts of the tokens that each part of a dossier may take at most; what is left over goes to nobody."""


class Dossier(Record, frozen=True, kw_only=True):
    """One target as a model sees it.

    patterns, items    label -> id, of those that are shown; only they can be cited or changed
    exact              by pattern label what may be written word for word
    facts              the fenced text of patterns, skill, neighbours and attempts
    chosen             the sessions worth showing, by label
    """

    skill: str
    patterns: dict[str, str]
    items: dict[str, str] = {}
    exact: dict[str, list[str]] = {}
    facts: str
    chosen: dict[str, Chosen] = {}

    def sessions(self, context: EvolveContext, tokens: int) -> list[Shown]:
        """The chosen sessions as text, each of at most about `tokens` tokens."""
        if context.gate is None:
            return []
        found = [show(label, one, context.gate, tokens) for label, one in self.chosen.items()]
        return [one for one in found if one is not None]


def dossiers(target: Target, context: EvolveContext, *, tokens: int, sessions: int = 8) -> Iterator[Dossier]:
    """Dossiers of `target`, each with patterns that those before it had no room for, until all are shown."""
    seen: set[str] = set()
    while (view := dossier(target, context, tokens=tokens, sessions=sessions, seen=seen)).patterns:
        yield view
        seen |= set(view.patterns.values())


def dossier(
    target: Target,
    context: EvolveContext,
    *,
    tokens: int,
    sessions: int = 8,
    seen: Collection[str] = (),
) -> Dossier:
    """What is to be shown of `target` in about `tokens` tokens, beside the text of `sessions` sessions.

    The best supported patterns come first, those in `seen` left out; those that do not fit are counted and
    cannot be cited.
    """
    room = {part: int(tokens * share) for part, share in SHARES.items()}
    labelled, pattern_text = _patterns(target, context, room["patterns"], seen)
    items, skill_text = _skill(target, {pattern.id: label for label, pattern in labelled}, room["skill"])
    parts = [pattern_text, skill_text]
    current = context.gate.current if context.gate is not None else {}
    near = _fit(neighbours(target.skill, current), room["others"])
    if near:
        parts.append(fenced("other skills of this library", "\n".join(near)))
    before = _fit(tried_lines(target.skill, context.tried), room["tried"])
    if before:
        parts.append(fenced("earlier attempts that were refused", "\n".join(before)))
    chosen = choose(labelled, context.gate, sessions) if context.gate is not None else []
    return Dossier(
        skill=target.skill,
        patterns={label: pattern.id for label, pattern in labelled},
        items={label: item.id for label, item in items},
        exact={label: [text for part in sayable(one, context) for text in part] for label, one in labelled},
        facts="\n\n".join(part for part in parts if part),
        chosen={f"S{n}": one for n, one in enumerate(chosen, 1)},
    )


def _patterns(
    target: Target, context: EvolveContext, room: int, seen: Collection[str]
) -> tuple[list[tuple[str, Pattern]], str]:
    by_id = {identity: label for label, identity in labels(target).patterns.items()}
    shown: list[tuple[str, Pattern]] = []
    job = f", the job: {line(target.job, 80)}" if target.job else ""
    rows = [f"about {line(target.topic, 80)}{job}" + (", in one project only" if target.project else "")]
    ordered = [
        one
        for one in sorted(target.patterns, key=strength)
        if one.id not in seen and _matters(one, target, context)
    ]
    spent = estimate(rows[0])
    for pattern in ordered:
        lines = pattern_lines(by_id[pattern.id], pattern, context)
        cost = estimate("\n".join(lines)) + 2 * len(lines)
        if shown and spent + cost > room:
            continue
        shown.append((by_id[pattern.id], pattern))
        rows += lines
        spent += cost
    if len(shown) < len(ordered):
        rows.append(f"({len(ordered) - len(shown)} more patterns with less support are not shown)")
    return shown, fenced("patterns", "\n".join(rows))


def _matters(pattern: Pattern, target: Target, context: EvolveContext) -> bool:
    """Whether something may be written from the pattern, or a line rests on it already."""
    items = target.base.sidecar.items if target.base is not None else []
    return qualifies(pattern, context.policy) or any(pattern.id in item.patterns for item in items)


def _skill(target: Target, cited: dict[str, str], room: int) -> tuple[list[tuple[str, Item]], str]:
    known = items_of(target.base)
    if not known:
        return [], ""
    by_id = {identity: label for label, identity in labels(target).items.items()}
    head = [f"description: {line(item.text, 600)}" for item in known if item.section == DESCRIPTION]
    lines = [(by_id[item.id], item) for item in known if item.section != DESCRIPTION]
    for limit in (600, 300, 160, 90):
        rows = [item_line(label, item, cited, limit) for label, item in lines]
        if estimate("\n".join([*head, *rows])) + 2 * len(rows) <= room:
            break
    kept = _fit(rows, room - sum(map(estimate, head))) or rows[:1]
    shown = lines[: len(kept)]
    if len(kept) < len(rows):
        kept.append(f"({len(rows) - len(kept)} more lines are not shown)")
    return shown, fenced(f"the skill {target.skill} as it is", "\n".join([*head, *kept]))


def _fit(rows: Sequence[str], room: int) -> list[str]:
    """The first rows that fit into `room` tokens."""
    kept: list[str] = []
    for row in rows:
        room -= estimate(row) + 2
        if room < 0:
            break
        kept.append(row)
    return kept
