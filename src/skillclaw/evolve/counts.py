"""How often a line of a skill helped and how often it did not, from what its patterns count.

A skill is released anew only when its text changes, but its evidence grows with every cycle. So each cycle
keeps the counts beside the evolver's state, and where no cycle ran those of the release are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from skillclaw.agents.edits import write_atomic
from skillclaw.errors import UNREADABLE
from skillclaw.skills.records import Item, Pattern, Proposal

__all__ = ["counted", "helped", "keep_counts", "latest", "of_lines", "recounted"]

FILE = "counts.json"


def helped(pattern: Pattern) -> tuple[int, int]:
    """Sessions that did what the pattern says and succeeded, and that did it and failed.

    Two counts overlap, and the larger one of each side is taken. One is of the sessions that were compared:
    those among `stats.with_n` that succeeded, and the others. One is of the references: evidence that is
    known to have succeeded, and evidence that failed with every contradiction (it was done and went wrong).
    The references of a pitfall did what its line warns of and say nothing of those who heeded it, so they are
    left out.
    """
    stats = pattern.stats
    lost = stats.with_n - stats.with_success
    if pattern.kind == "pitfall":
        return stats.with_success, lost
    good = {ref.session for ref in pattern.evidence if ref.success is True}
    bad = {ref.session for ref in pattern.evidence if ref.success is False}
    bad |= {ref.session for ref in pattern.contradictions}
    return max(stats.with_success, len(good - bad)), max(lost, len(bad))


def counted(items: Iterable[Item], patterns: Mapping[str, Pattern]) -> list[Item]:
    """The items with `helpful` and `harmful` as `patterns` (by id) count them now.

    Of several patterns behind a line the one that most sessions followed counts alone, since they share
    sessions. A line of which no pattern is given keeps its counts: this cycle says nothing of it.
    """
    return of_lines(items, {name: helped(pattern) for name, pattern in patterns.items()})


def of_lines(items: Iterable[Item], counts: Mapping[str, tuple[int, int]]) -> list[Item]:
    """As `counted`, from what `helped` says of each pattern."""
    found = []
    for item in items:
        own = [counts[one] for one in item.patterns if one in counts]
        if own:
            good, bad = max(own, key=lambda both: (sum(both), both))
            item = msgspec.structs.replace(item, helpful=good, harmful=bad)
        found.append(item)
    return found


def recounted(proposals: Iterable[Proposal], patterns: Sequence[Pattern]) -> list[Proposal]:
    """The proposals with the counts of their lines, whatever engine made them."""
    known = {pattern.id: pattern for pattern in patterns}
    found = []
    for one in proposals:
        if one.sidecar is not None:
            sidecar = msgspec.structs.replace(one.sidecar, items=counted(one.sidecar.items, known))
            one = msgspec.structs.replace(one, sidecar=sidecar)
        found.append(one)
    return found


def keep_counts(home: Path, patterns: Iterable[Pattern]) -> None:
    """Keep what a cycle counted in `home`, the folder of the evolver's state."""
    counts = {pattern.id: helped(pattern) for pattern in patterns}
    write_atomic(home / FILE, msgspec.json.encode(counts))


def latest(home: Path, items: Iterable[Item]) -> list[Item]:
    """The items with the counts of the last cycle in `home`; as they are where there is none, or it cannot be
    read: the next cycle writes it again."""
    try:
        counts = msgspec.json.decode((home / FILE).read_bytes(), type=dict[str, tuple[int, int]])
    except (OSError, *UNREADABLE):
        return list(items)
    return of_lines(items, counts)
