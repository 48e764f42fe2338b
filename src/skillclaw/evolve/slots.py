"""What varies in a request, found by what the agents made of it.

Words of the user that came back as the value of an argument ("amir" in `search_emails(query="amir")`) are no
part of the intent: they become `<query>`. A value seen so in several requests is taken out of all others
too, because not every agent uses it. So requests for the same thing look alike whatever they are about.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.text import ORDER, STOP, mask

__all__ = ["Slots", "Values", "collect", "label", "slotted"]

LONGEST = 120
_FORMS = frozenset({"text", "path", "id", "email", "url"})
_WORD = re.compile(r"\w+", re.UNICODE)

KNOWN_IN = 2
KNOWN_SHARE = 0.3
"""A value is a slot everywhere when it was one in at least `KNOWN_IN` requests and this share of those that
hold it.
"""

GRAM = 4
"""Values of more words are too particular to occur in other requests."""


Values = dict[str, Counter[str]]
"""The values that a request's words gave to arguments, with how often each argument took them."""


def collect(episode: Episode, values: dict[str, Values]) -> None:
    """Add to `values`, by request, the values that this session of it used as arguments."""
    by_value = values.setdefault(episode.intent, {})
    for move in episode.actions:
        # A call that failed may have guessed; only values that worked say what the words stand for.
        for arg in move.args if move.ok else ():
            if (
                "user" in arg.origins
                and arg.form in _FORMS
                and 2 <= len(arg.value) <= LONGEST
                and not _plain(arg.value)
            ):
                by_value.setdefault(_flat(arg.value), Counter())[arg.name] += 1


class Slots(msgspec.Struct):
    """Values that are a slot wherever they occur, with the argument that they mostly are."""

    everywhere: dict[str, str]

    @classmethod
    def learn(cls, values: Mapping[str, Values]) -> Slots:
        """From the values of many requests, by request."""
        return cls(_everywhere(values))

    def fill(self, intent: str, values: Values) -> str:
        """The request with what varies in it as `<argument>`; `values` are its own."""
        names = {gram: self.everywhere[gram] for gram in _grams(intent) if gram in self.everywhere}
        names.update({value: _commonest(counts) for value, counts in values.items()})
        return _replace(intent, names)


def slotted(episodes: Iterable[Episode]) -> dict[str, str]:
    """Each distinct intent with the values that its sessions used as arguments as `<argument>`."""
    values: dict[str, Values] = {}
    for episode in episodes:
        collect(episode, values)
    slots = Slots.learn(values)
    return {intent: slots.fill(intent, by_value) for intent, by_value in values.items()}


def _commonest(counts: Counter[str]) -> str:
    return min(counts.items(), key=lambda x: (-x[1], x[0]))[0]


def _flat(value: str) -> str:
    return " ".join(_WORD.findall(value.lower().replace("_", " ")))


def _plain(value: str) -> bool:
    return all(word in STOP or word in ORDER for word in _flat(value).split())


def _grams(text: str) -> Iterator[str]:
    flat = _flat(text).split()
    for size in range(1, GRAM + 1):
        for start in range(len(flat) - size + 1):
            yield " ".join(flat[start : start + size])


def _everywhere(values: Mapping[str, Values]) -> dict[str, str]:
    slots: dict[str, Counter[str]] = {}
    requests: Counter[str] = Counter()
    for by_value in values.values():
        for value, names in by_value.items():
            requests[value] += 1
            slots.setdefault(value, Counter()).update(names)
    candidates = {v for v, n in requests.items() if n >= KNOWN_IN and v.count(" ") < GRAM}
    holding: Counter[str] = Counter()
    for intent in values:
        holding.update(candidates.intersection(_grams(intent)))
    return {v: _commonest(slots[v]) for v in sorted(candidates) if requests[v] >= KNOWN_SHARE * holding[v]}


def _replace(intent: str, names: dict[str, str]) -> str:
    for value in sorted(names, key=lambda v: (-len(v), v)):
        if not value:
            continue
        name = re.sub(r"\W+", "_", names[value].lower()) or "value"
        pattern = r"\W+(?:_\W*)?".join(re.escape(word) for word in value.split())
        intent = re.sub(rf"(?<![\w<]){pattern}(?![\w>])", f"<{name}>", intent, flags=re.IGNORECASE)
    return intent


ROUNDS = 4
"""Looks that masking takes at most until it finds nothing more."""


def label(text: str) -> str:
    """A slotted intent with dates, numbers and quoted strings masked too; a label of a label is the same."""
    for _ in range(ROUNDS):  # what was masked may let a second look see more
        again = re.sub(r"(['\"“])(<\w+>)['\"”]", r"\2", mask(text))
        if again == text:
            break
        text = again
    return text
