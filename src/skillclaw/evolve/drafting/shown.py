"""What an author was shown and no line cites: no test of what it wrote, as what is cited is none."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from skillclaw.skills.records import Pattern, Proposal, Ref

__all__ = ["having_shown"]


def having_shown(proposal: Proposal, patterns: Iterable[Pattern]) -> Proposal:
    """The proposal of an author that knew `patterns`: their sessions taught it, whichever it cites.

    Not only sessions that were shown whole: a pattern's own words are those of its sessions.
    """
    cited = {ref.session for pattern in proposal.patterns for ref in pattern.sources}
    found: dict[str, Ref] = {}
    for pattern in patterns:
        for ref in pattern.sources:
            if ref.session not in cited:
                found.setdefault(ref.session, replace(ref, steps=[], success=None))
    return replace(proposal, shown=[found[session] for session in sorted(found)])
