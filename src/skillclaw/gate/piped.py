"""Text that is fetched, or decoded, and run by what it is piped into."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from skillclaw.gate.running import Known, runs
from skillclaw.gate.shell_words import quoted_by, within
from skillclaw.gate.sources import in_table, sources

__all__ = ["piped"]

_MARKERS = re.compile(r"[\0\1]")


def _stay(end: int, known: Known) -> bool:
    return False


def piped(view: str) -> Iterator[tuple[str, str]]:
    """What in `view` has fetched or decoded text run, one of a kind: what it does, and the text."""
    text = _MARKERS.sub(" ", view).replace("\\\n", "\0\0")
    judged: defaultdict[int, set[Known]] = defaultdict(set)
    told: set[str] = set()

    def new(at: int, known: Known) -> bool:
        """Whether nobody who knew as much looked at the command at `at`: who knows more runs no less."""
        if any(known in other for other in judged[at]):
            return False
        judged[at].add(known)
        return True

    for source in sources(text):
        known = Known.WRITTEN if source.written else Known.NOTHING
        at = source.at
        if source.what in told or not new(at, known):
            continue
        inner = within(text, at, quoted_by(text, at))

        def further(end: int, known: Known, at: int = at) -> bool:
            return new(at + end, known)

        if in_table(text, at):
            inner = inner.partition("|")[0].partition("\n")[0]
        if runs(inner, known, goes_on=further if source.far else _stay):
            told.add(source.what)
            end = text.find("\n", source.begin)
            line = text[source.begin : end if 0 <= end < source.begin + 300 else source.begin + 300]
            yield source.what, line.replace("\0", "")
