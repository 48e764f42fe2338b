"""Attempts that failed before the agent did anything: are they some, or all?

One broken answer of a server is a result with an error, and the run goes on. A server that is gone would turn
every attempt that is left into such a result.
"""

from __future__ import annotations

from collections.abc import Sequence

from skillclaw.bench.loop.results import Attempt
from skillclaw.errors import SkillClawError

__all__ = ["STREAK", "Streak"]

STREAK = 5
"""So many one after the other say that something is broken which every other attempt would meet too."""
TEMPLATES = 3
"""Of so many templates at least, where a run has as many: a task may be broken by itself."""


class Streak:
    """Holds such attempts back until one goes better. `templates` is how many the run has."""

    def __init__(self, templates: int) -> None:
        self._templates = min(TEMPLATES, templates)
        self._held: list[Attempt] = []

    def take(self, done: Attempt) -> Sequence[Attempt]:
        """The attempts that are results, now that `done` is there too.

        Raises SkillClawError when all failed for so long that there is no use in going on.
        """
        self._held.append(done)
        if not (done.error or done.late) or done.steps or done.tokens_in or done.tokens_out:
            return self.rest()
        if len(self._held) >= STREAK and len({one.template for one in self._held}) >= self._templates:
            raise SkillClawError(
                f"{len(self._held)} attempts in a row failed before the agent did anything.",
                done.error or "The model gave no answer in time.",
                "They are not kept: mend that; then the same command goes on.",
            )
        return []

    def rest(self) -> Sequence[Attempt]:
        """What is held back, as results after all."""
        held, self._held = self._held, []
        return held
