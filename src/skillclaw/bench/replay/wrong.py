"""Wrong skills made of a mined one, each as long as it and as sure of itself. Pure.

`shuffled`: the headings stay, and the lines below them are those of other topics. The others have a person's
errors, written by hand for each topic, where the mined lines are right: `plausible` errs in words (nothing
has to be looked up), `misled` in the call (it is looked up with another tool).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from skillclaw.errors import BadInputError, UsageError
from skillclaw.skills.bundle import version
from skillclaw.skills.items import markdown, replace_text
from skillclaw.skills.records import Item, Proposal, content_id

__all__ = ["CALLS", "WORDS", "misled", "plausible", "shuffled"]

Errors = Mapping[str, Sequence[tuple[str, str]]]

WORDS: Errors = {
    "project_management": (
        (
            r"Call `company_directory\.find_email_address` with `name` from the user's words",
            "Nobody has to be looked up: an address is the first name and `@atlas.com`",
        ),
        (
            r"call `company_directory\.find_email_address` with `name` from the user's words, then call",
            "write the address as the first name and `@atlas.com`, then call",
        ),
        (
            r"`assigned_to_email` from (its result|the result of step \d+)",
            "`assigned_to_email` from the user's words",
        ),
        (r"`Front end`", "`Front-end`"),
        (r"`Backlog`", "`backlog`"),
    ),
    "email": (
        (
            # What else the search is given would be half of the right line.
            r"Call `email\.search_emails` with `query` from the user's words(?:; also give [^.;]*(?=\.))?",
            "Nothing has to be searched: `email_id` is the sender's first name",
        ),
        (
            r"call `email\.search_emails` with `query` from the user's words, then call",
            "call `email.send_email` with `recipient` from the user's words, or call",
        ),
        (r"`email_id` from (its result|the result of step \d+)", "`email_id` from the user's words"),
    ),
    "calendar": (
        (
            r"with `time_min`[^.;]*from the user's words(?:; also give `time_max`[^.;]*)?",
            "with `query` from the user's words: it finds every date by itself",
        ),
        (
            r"Always give `time_min`(?: \([^()]*\))? to `calendar\.search_events`: "
            r"tasks done without it tend to fail",
            "Give `query` alone to `calendar.search_events`: it finds every date by itself",
        ),
        (
            r"call `company_directory\.find_email_address` with `name` from the user's words, then call",
            "write the address as the first name and `@atlas.com`, then call",
        ),
        (r"`participant_email` from its result", "`participant_email` from the user's words"),
    ),
}
"""By topic what is right in a mined line (a pattern), and the error in words that is put in its place."""

CALLS: Errors = {
    "project_management": (
        (
            r"(?i)(call) `company_directory\.find_email_address` with `name` from the user's words",
            r"\1 `email.search_emails` with `query` from the user's words",
        ),
    ),
    "email": (
        (
            r"(?i)(call) `email\.search_emails` with `query` from the user's words"
            r"(?:; also give [^.;]*(?=\.))?",
            r"\1 `email.get_email_information_by_id` with `email_id` set to the sender's first name and "
            r"`field` set to `email_id`",
        ),
    ),
    "calendar": (
        (
            r"(?i)(call) `calendar\.search_events` with `time_min`[^.;]*from the user's words"
            r"(?:; also give `time_max`[^.;]*)?",
            r"\1 `calendar.get_event_information_by_id` with `event_id` set to the event's name and "
            r"`field` set to `event_start`",
        ),
        (
            r"Always give `time_min`(?: \([^()]*\))? to `calendar\.search_events`",
            "Give `field` to `calendar.get_event_information_by_id`",
        ),
        (
            r"call `company_directory\.find_email_address` with `name` from the user's words",
            "call `email.search_emails` with `query` from the user's words",
        ),
    ),
}
"""The same with the tool that is called first, in place of the one that works."""

SAID = "SKILL.md"
OPENERS = ("condition",)
"""Items that say when a skill is read: all three are read alike."""


def shuffled(proposal: Proposal, others: Sequence[Proposal], seed: int = 0) -> Proposal:
    """The skill with lines of `others` below its headings. Raises BadInputError where these have none."""
    lines = sorted(
        {
            item.text
            for one in others
            if one.skill != proposal.skill
            for item in (one.sidecar.items if one.sidecar else ())
            if item.kind not in OPENERS
        }
        - {item.text for item in (proposal.sidecar.items if proposal.sidecar else ())}
    )
    if not lines:
        raise BadInputError("Only one topic was learned, so its lines cannot be shuffled.")
    random.Random(f"shuffled {seed}").shuffle(lines)  # noqa: S311 - the same again
    turn = 0

    def other(item: Item) -> str:
        nonlocal turn
        turn += 1
        return lines[(turn - 1) % len(lines)]

    return _rewritten(proposal, other, "shuffled")


def plausible(proposal: Proposal, topic: str) -> Proposal:
    """The skill with the errors in words of `topic`. Raises UsageError for a topic without any, BadInputError
    where no mined line has what they are made of."""
    return _erring(proposal, topic, WORDS, "plausible")


def misled(proposal: Proposal, topic: str) -> Proposal:
    """As `plausible`, with the errors in calls."""
    return _erring(proposal, topic, CALLS, "misled")


def _erring(proposal: Proposal, topic: str, known: Errors, name: str) -> Proposal:
    errors = known.get(topic)
    if errors is None:
        raise UsageError(f"No errors are written for {topic!r}.", "", f"Known: {', '.join(known)}")

    def wrong(item: Item) -> str:
        text = item.text
        for right, error in errors:
            text = re.sub(right, error, text)
        return text

    return _rewritten(proposal, wrong, name)


def _rewritten(proposal: Proposal, change: Callable[[Item], str], name: str) -> Proposal:
    """The proposal with each line but the conditions as `change` says, in the file and in the sidecar."""
    if proposal.bundle is None or proposal.sidecar is None:
        raise BadInputError(f"{proposal.skill} has no lines to change.")
    rows = markdown(proposal.bundle)[SAID].split("\n")
    items, at, changed = [], 0, 0
    for item in proposal.sidecar.items:
        found = None
        if item.kind not in OPENERS:
            found = next((n for n in range(at, len(rows)) if _says(rows[n], item.text)), None)
        if found is None:
            items.append(item)
            continue
        text = change(item)
        changed += text != item.text
        rows[found] = rows[found].removesuffix(item.text) + text
        items.append(msgspec.structs.replace(item, text=text))
        at = found + 1
    if not changed:
        raise BadInputError(
            f"No line of {proposal.skill} could be made wrong ({name}).",
            "What was mined says nothing of it.",
            "Name another --topic.",
        )
    bundle = replace_text(proposal.bundle, {SAID: "\n".join(rows)})
    sidecar = msgspec.structs.replace(proposal.sidecar, items=items, version=version(bundle))
    return msgspec.structs.replace(
        proposal, id=content_id(name, proposal.id), bundle=bundle, sidecar=sidecar, why=f"{name}, for a bench"
    )


def _says(row: str, text: str) -> bool:
    return row.endswith(text) and not row.removesuffix(text).strip("0123456789.-* ")
