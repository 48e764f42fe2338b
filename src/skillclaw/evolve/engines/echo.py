"""Whether a line repeats in other words what only the tools of a few sessions said.

The gate refuses commands, names and runs of words that nobody vouches for. A model can also follow a page
that one session read and put its wish into words of its own. Such a line gives itself away by its words: most
of them stand in what tools gave back in too few sessions, and in nothing that people wrote or that calls of
the agent hold.
"""

from __future__ import annotations

import re

from skillclaw.gate.context import GateContext
from skillclaw.gate.grounds import Grounds
from skillclaw.skills.items import markdown
from skillclaw.skills.records import Bundle, Ref
from skillclaw.skills.text import prose_words
from skillclaw.skills.vocabulary import content_words, is_error_phrase

__all__ = ["echoed"]

WORDS = 3
"""So many telling words that only tools had make an echo, if they are at least half of the line's."""


def echoed(text: str, evidence: list[Ref], gate: GateContext, base: Bundle | None = None) -> str | None:
    """Why a line looks as if tool output had asked for it; None where it does not."""
    sources: dict[str, Grounds] = {}
    for ref in evidence:
        grounds = gate.grounds(ref.session)
        if grounds is not None and grounds.user == ref.user:
            sources[ref.session] = grounds
    known = set(content_words(" ".join(markdown(base).values()))) if base is not None else set()
    prose = " ".join(" ".join(run) for run in prose_words(text))
    words = {word for word in content_words(prose) if word not in known and not is_error_phrase(word)}
    only = sorted(word for word in words if _only_tools(word, list(sources.values()), gate))
    if len(only) < WORDS or 2 * len(only) < len(words):
        return None
    return (
        f"Its words ({', '.join(only[:5])}) come from what tools gave back in too few sessions; "
        "no person asked for it and no call that worked did it."
    )


def _only_tools(word: str, sources: list[Grounds], gate: GateContext) -> bool:
    """Whether the word was in tool output somewhere, in too few sessions, and is vouched for nowhere."""
    tools = [one for one in sources if one.tainted_has(_plain(word))]
    if not tools or _enough(tools, gate):
        return False
    wanted = frozenset({word})
    return not any(one.said_words(wanted) or one.supports((word,), failures=True) for one in sources)


def _plain(word: str) -> str:
    return " ".join(re.findall(r"\w+", word.lower()))


def _enough(sources: list[Grounds], gate: GateContext) -> bool:
    users = {one.user for one in sources}
    return len(sources) >= gate.policy.sessions and len(users) >= gate.policy.users
