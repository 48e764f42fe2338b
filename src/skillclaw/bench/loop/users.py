"""Simulated users: some know a rule of the house and say it when they see it broken; others don't.

A user looks at what the agent did, as a colleague would. Where a rule is broken that the user knows, the user
says so in plain words and lets the agent go on. Else the user thanks for what is right, or leaves silently.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from skillclaw.bench.suites.model import Grade, Rule
from skillclaw.trajectory.model import Record

__all__ = ["User", "make_users"]

CORRECTIONS = 2
"""Times that a user corrects within one session; then people give up and do it themselves."""

THANKS = ("Thanks, that's right.", "Perfect, thank you.", "Great, that works.", "Good, thanks.")
THANKS_SHARE = 0.5
KNOWN_SHARE = 0.5
"""The share of users who know a rule, and never fewer than two where there are two."""


class User(Record, frozen=True, kw_only=True):
    """A person with an agent. `knows` are ids of rules."""

    name: str
    knows: frozenset[str]

    def answer(
        self, grade: Grade, rules: Mapping[str, Rule], corrected: int, chance: random.Random
    ) -> tuple[str, bool]:
        """What the user says to the work, and whether the agent shall go on; an empty text is silence.

        corrected  how often the user did so already in this session
        """
        if grade.success:
            return (chance.choice(THANKS) if chance.random() < THANKS_SHARE else ""), False
        said = [chance.choice(rules[rule].say) for rule in grade.broken if rule in self.knows]
        if not said or corrected >= CORRECTIONS:
            return "", False
        return " ".join(dict.fromkeys(said)), True


def make_users(count: int, rules: Sequence[str], seed: int) -> list[User]:
    """`count` users. Each rule is known to half of them, at least to two, drawn by `seed`."""
    chance = random.Random(f"users {seed}")  # noqa: S311 - drawn again from the same seed
    names = [f"user{number + 1}" for number in range(count)]
    knowing = min(count, max(2, round(count * KNOWN_SHARE)))
    knows: dict[str, set[str]] = {name: set() for name in names}
    for rule in sorted(rules):
        for name in chance.sample(names, knowing):
            knows[name].add(rule)
    return [User(name=name, knows=frozenset(knows[name])) for name in names]
