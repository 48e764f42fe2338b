"""`llm`: skills that a model words, from the patterns and sessions it is shown.

For each target: a digest of the sessions worth showing, whose fault it is where there is a skill already, a
draft that cites patterns, and the gate's answer back to the model. What the model declines stays as it is.
Where it fails, `extractive` writes that target, and the cycle says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillclaw.evolve.drafting import Target, targets
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.skills.records import Pattern, Proposal

if TYPE_CHECKING:
    from skillclaw.evolve.models import Forecast

__all__ = ["EVOLVER", "Llm"]

NAME = "llm"


class Llm:
    """The engine that asks a model stage by stage."""

    name = NAME
    needs_model = True

    def propose(
        self, patterns: list[Pattern], current: dict[str, Current], context: EvolveContext
    ) -> list[Proposal]:
        """One proposal at most for each skill, in the order of their names."""
        from skillclaw.evolve.engines.llm_run import run

        return run(targets(patterns, current, context), current, context, NAME)

    def forecast(self, targets: Sequence[Target], context: EvolveContext) -> list[Forecast]:
        """What `propose` would take of the model at most, by stage."""
        from skillclaw.evolve.engines.llm_forecast import forecast

        return forecast(targets, context, NAME)


EVOLVER = Llm()
