"""Trigger evaluation: does a description bring its skill up for the requests it is meant for, and only those?

Requests are real ones: what users asked in the sessions that a skill's lines cite are its own, and those of
other skills' sessions that are most like its own are the near misses. The hash of a request says on which
side of the split it lies, so that the split is the same in every cycle. Requests are asked of all skills that
an agent would see, ours and those that SkillClaw did not write (`skills.retrieval`).

`confusion` is the same over a whole library: whose requests bring up what, before a change and after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from skillclaw.errors import BadInputError
from skillclaw.gate.context import CurrentSkill, ForeignSkill
from skillclaw.skills.frontmatter import parse
from skillclaw.skills.items import markdown
from skillclaw.skills.records import Bundle
from skillclaw.skills.retrieval import Entry, Index, telling
from skillclaw.trajectory.model import Record

__all__ = [
    "TEST",
    "Confusion",
    "Loss",
    "Trial",
    "TriggerScore",
    "confusion",
    "description_of",
    "entries_of",
    "evaluate",
    "on_test",
    "trials_for",
]

TEST = 40
"""Percent of requests that are held out: no description is chosen by them."""

NEAR = 60
"""Near misses of one skill, at most."""


class Trial(Record, frozen=True, kw_only=True):
    """A request, and whether the skill should come up for it; `test`: held out."""

    request: str
    own: bool
    test: bool


class TriggerScore(Record, frozen=True, kw_only=True, omit_defaults=False):
    """How a description did. `own` requests that it is meant for, `found` of them; `near` misses, `drawn` of
    them. A rate that cannot be computed is None: not measured.
    """

    own: int = 0
    found: int = 0
    near: int = 0
    drawn: int = 0

    @property
    def recall(self) -> float | None:
        """Share of its own requests that bring it up."""
        return self.found / self.own if self.own else None

    @property
    def precision(self) -> float | None:
        """Share of its own among the requests that bring it up; None where no near miss was there to draw."""
        hits = self.found + self.drawn
        return self.found / hits if hits and self.near else None

    @property
    def value(self) -> float:
        """One number to compare descriptions by (F1)."""
        total = self.own + self.found + self.drawn
        return 2 * self.found / total if total else 0.0

    def text(self) -> str:
        """For people: `found 12 of 14 own requests, drew 1 of 9 near misses`."""
        near = f"drew {self.drawn} of {self.near} near misses" if self.near else "near misses: not measured"
        return f"found {self.found} of {self.own} own requests, {near}" if self.own else "not measured"


def on_test(request: str) -> bool:
    """On which side of the split a request lies: the same for requests that differ in values only."""
    key = " ".join(sorted(set(telling(request)))) or request
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 100 < TEST


def trials_for(own: Iterable[str], others: Iterable[str], limit: int = NEAR) -> list[Trial]:
    """The trials of one skill: its own requests, and of `others` the nearest ones to any of these.

    A request that is among both is its own. The nearest are those most like an own request; where there are
    few, all others are taken.
    """
    mine = sorted(set(own))
    index = Index(Entry(name=str(number), description=text) for number, text in enumerate(mine))
    ranked = []
    for text in sorted(set(others) - set(mine)):
        hits = index.ranked(text)
        ranked.append((-hits[0].score if hits else 0.0, text))
    near = sorted(text for _, text in sorted(ranked)[:limit])
    return [
        *(Trial(request=text, own=True, test=on_test(text)) for text in mine),
        *(Trial(request=text, own=False, test=on_test(text)) for text in near),
    ]


def evaluate(name: str, index: Index, trials: Iterable[Trial]) -> TriggerScore:
    """How the skill `name` of the index does on these trials."""
    own = found = near = drawn = 0
    for trial in trials:
        up = any(hit.name == name for hit in index.find(trial.request))
        own, found = own + trial.own, found + (trial.own and up)
        near, drawn = near + (not trial.own), drawn + (not trial.own and up)
    return TriggerScore(own=own, found=found, near=near, drawn=drawn)


def description_of(bundle: Bundle) -> str:
    """The description in the frontmatter; empty where that cannot be read."""
    try:
        return parse(markdown(bundle).get("SKILL.md", ""))[0].description
    except BadInputError:
        return ""


def entries_of(current: Mapping[str, CurrentSkill], foreign: Sequence[ForeignSkill]) -> dict[str, Entry]:
    """What an agent's list shows: our skills, and those of others that have not the same name."""
    found = {one.name: Entry(name=one.name, description=description_of(one.bundle)) for one in foreign}
    found |= {
        name: Entry(name=name, description=description_of(skill.bundle)) for name, skill in current.items()
    }
    return {name: found[name] for name in sorted(found)}


class Loss(Record, frozen=True, kw_only=True):
    """What a change does to one other skill.

    asked   requests that are this skill's own
    had     of them those that brought it up before the change
    lost    of these those that no longer do, and bring up the changed skill instead
    drawn   of `asked` those that bring up the changed skill, too or instead
    """

    skill: str
    asked: int
    had: int
    lost: int
    drawn: int


class Confusion(Record, frozen=True, kw_only=True):
    """The retrieval confusion matrix of one change. Rows are whose requests they are: the changed skill's
    own, and those of each other skill of which at least one is drawn.

    own, found  the changed skill's own requests, and those of them that bring it up
    others      requests of all other skills together, those that are its own too left out
    drawn       those of them that bring up the changed skill
    """

    own: int
    found: int
    others: int
    drawn: int
    losses: list[Loss] = []

    @property
    def precision(self) -> float | None:
        """Share of its own among the requests that bring it up; None where no other request is known."""
        hits = self.found + self.drawn
        return self.found / hits if hits and self.others else None


def confusion(
    name: str,
    own: Iterable[str],
    others: Mapping[str, Sequence[str]],
    before: Mapping[str, Entry],
    after: Mapping[str, Entry],
) -> Confusion:
    """What becomes of everybody's requests where the list of skills changes from `before` to `after`.

    `own`: requests that the changed skill `name` is meant for; `others`: those of each other skill. A request
    that is among both is its own: nobody can say that it is drawn from the other.
    """
    mine = set(own)
    old, new, alone = Index(before.values()), Index(after.values()), Index([after[name]])
    losses: list[Loss] = []
    total: set[str] = set()
    drawn: set[str] = set()
    for other, requests in sorted(others.items()):
        theirs = sorted(set(requests) - mine)
        total.update(theirs)
        # Only a request that has a word in common with the description can be drawn by it.
        near = {text for text in theirs if alone.ranked(text) and name in _up(new, text)}
        if not near:
            continue
        drawn |= near
        had = {text for text in theirs if other in _up(old, text)}
        lost = {text for text in had & near if other not in _up(new, text)}
        losses.append(Loss(skill=other, asked=len(theirs), had=len(had), lost=len(lost), drawn=len(near)))
    return Confusion(
        own=len(mine),
        found=sum(name in _up(new, text) for text in mine),
        others=len(total),
        drawn=len(drawn),
        losses=losses,
    )


def _up(index: Index, request: str) -> set[str]:
    return {hit.name for hit in index.find(request)}
