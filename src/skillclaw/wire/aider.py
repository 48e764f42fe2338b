"""aider: what it says in the user's and in the model's place, told apart from what they said themselves.

Run with aider 0.86.2. A request holds the system prompt, an example conversation, files that may only be read
and a map of the repository, the conversation so far, the files of the chat, and at last the user's words with
a reminder of the edit format behind them. All but the conversation and the words changes from request to
request, and each such text of aider's is answered by a made-up "Ok." in the model's place.
"""

from __future__ import annotations

import re

import msgspec

from skillclaw.trajectory.model import text_of
from skillclaw.wire.records import Item

__all__ = ["is_aider", "own_words"]

PROMPT = re.compile(
    r"(?m)^Act as an expert (?:software developer|code analyst|architect engineer)\b"
    r"|^You are an expert on the AI coding tool called Aider\b"
)
EXAMPLES_END = "I switched to a new code base. Please don't consider the above files"
TOLD = re.compile(
    r"""\s*(?:
      I[ ]have[ ]\*added[ ]these[ ]files[ ]to[ ]the[ ]chat\*
      | These[ ]files[ ]have[ ]been[ ]\*added[ ]these[ ]files[ ]to[ ]the[ ]chat\*
      | I[ ]am[ ]not[ ]sharing[ ](?:any[ ]files|the[ ]full[ ]contents)
      | Don't[ ]try[ ]and[ ]edit[ ]any[ ]existing[ ]code[ ]without[ ]asking[ ]me
      | Here[ ]are[ ]summaries[ ]of[ ]some[ ]files[ ]present[ ]in[ ]my[ ]git[ ]repository
      | I[ ]am[ ]working[ ]with[ ]you[ ]on[ ]code[ ]in[ ]a[ ]git[ ]repository
      | Here[ ]are[ ]some[ ]READ[ ]ONLY[ ]files
      | These[ ]are[ ]some[ ]files[ ]we[ ]have[ ]been[ ]discussing
      | Here[ ]is[ ]the[ ]current[ ]content[ ]of[ ]the[ ]files?
      | I[ ]committed[ ]the[ ]changes[ ]with[ ]git[ ]hash
      | I[ ]updated[ ]the[ ]files\.
      | I[ ]edited[ ]the[ ]files[ ]myself\.
      | I[ ]didn't[ ]see[ ]any[ ]properly[ ]formatted[ ]edits
      | I[ ]added[ ]these[ ]files[ ]to[ ]the[ ]chat:
      | I[ ]ran[ ]this[ ]command:\n
      | I[ ]spoke[ ]to[ ]you[ ]previously[ ]about[ ]a[ ]number[ ]of[ ]things\.
    )""",
    re.VERBOSE,
)
"""How the texts begin that aider writes for the user."""
REMINDER = re.compile(
    r"(?:(?<=\s)|\A)(?:To suggest changes to a file you MUST return the entire content"
    r"|# \*SEARCH/REPLACE block\* Rules:|# File editing rules:|# V4A Diff Format Rules:"
    r"|NEVER RETURN CODE!|ONLY return code using the `"
    r"|You are diligent and tireless!|Pay careful attention to the scope of the user's request\."
    r"|Reply in [A-Z][A-Za-z]+\.\s*\Z)"
)
"""Where the reminder behind the user's words begins."""
LONGEST_OK = 160


def is_aider(prompt: str) -> bool:
    """Whether a system prompt is one of aider's."""
    return PROMPT.search(prompt[:4000]) is not None


def own_words(request: list[Item]) -> list[Item]:
    """A request of aider's with its own texts marked as the host's; any other request as it is."""
    first = next((item for item in request if item.role in ("system", "user")), None)
    if first is None or not is_aider(text_of(first.content)):
        return request
    # A model without system prompts is told everything by the user.
    made = [_host(item) if item is first and item.role == "user" else item for item in request]
    end = next((at for at, item in enumerate(made) if _begins(item, EXAMPLES_END)), -1)
    made = [_host(item) if at <= end and item.role != "system" else item for at, item in enumerate(made)]
    before: Item | None = None
    for at, item in enumerate(made):
        told = item.role == "user" and item.kind == "text" and TOLD.match(text_of(item.content)) is not None
        if (told and not item.compaction) or _is_ok(item, before):
            made[at] = _host(item)
        before = made[at]
    words = [at for at, item in enumerate(made) if item.role == "user" and item.kind == "text"]
    last = words[-1] if words else -1
    if last < 0 or made[last].injected:
        return made
    return [*made[:last], *_parted(made[last]), *made[last + 1 :]]


def _begins(item: Item, text: str) -> bool:
    return item.role == "user" and item.kind == "text" and text_of(item.content).startswith(text)


def _is_ok(item: Item, before: Item | None) -> bool:
    """Whether the model is made to agree with a text that aider wrote."""
    if before is None or item.role != "agent" or item.kind != "text":
        return False
    text = text_of(item.content).strip()
    after_host = before.role == "user" and (before.injected or before.compaction)
    return after_host and text.startswith("Ok") and len(text) <= LONGEST_OK


def _host(item: Item) -> Item:
    return msgspec.structs.replace(item, role="user", injected=True)


def _parted(item: Item) -> list[Item]:
    """The user's words, and the reminder behind them as the host's."""
    text = text_of(item.content)
    if not isinstance(item.content, str):
        return [item]
    for found in REMINDER.finditer(text):
        # An empty line is before it, and blanks at will.
        own = text[: found.start()].rstrip()
        if "\n\n" not in text[len(own) : found.start()]:
            continue
        words = msgspec.structs.replace(item, content=own)
        rest = msgspec.structs.replace(item, content=text[found.start() :], injected=True)
        return [words, rest] if own else [rest]
    return [item]
