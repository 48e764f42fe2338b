"""A cycle whose evolver asks a model: the model that is opened for it, what it will cost, and did cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import UsageError
from skillclaw.evolve.drafting.targets import targets
from skillclaw.evolve.models import Forecast, Spending, departs_to, open_models
from skillclaw.evolve.models.fallback import told
from skillclaw.evolve.report import Spent
from skillclaw.settings import EvolveSettings, ModelSettings

if TYPE_CHECKING:
    from skillclaw.evolve.evolvers import Current, EvolveContext, Evolver
    from skillclaw.evolve.models.answers import SharedAnswers
    from skillclaw.evolve.models.asker import Asker
    from skillclaw.evolve.models.daybook import DayBook
    from skillclaw.evolve.models.ledger import Ledger
    from skillclaw.skills.records import Pattern

__all__ = ["asking", "departures", "forecast_of", "foreseen", "needs_model", "notes_of", "spent_of"]


def needs_model(evolver: Evolver) -> bool:
    """Whether the evolver asks a model."""
    return bool(getattr(evolver, "needs_model", False))


@contextmanager
def asking(
    evolver: Evolver,
    settings: EvolveSettings,
    *,
    home: Path,
    spending: DayBook | Path | None,
    environ: Mapping[str, str],
    replay: Path | None,
    record: Path | None,
    offline: bool,
    shared: SharedAnswers | None = None,
    beside: bool = False,
) -> Iterator[Asker | None]:
    """The model for an evolver that needs one, let go of at the end; None for any other. `beside`: something
    else of the cycle asks a model.

    Raises UsageError where it needs one and none is set, and as `open_models` does.
    """
    if not needs_model(evolver):
        if (replay or record) and not beside:
            raise UsageError(
                f"The engine {evolver.name} asks no model, so there is nothing to record or to replay.",
                "",
                "Leave --record and --replay out, or choose: --engine llm",
            )
        yield None
        return
    models = open_models(
        settings,
        home=home,
        spending=spending,
        environ=environ,
        replay=replay,
        record=record,
        offline=offline,
        shared=shared,
    )
    if models is None:
        raise UsageError(
            f"The engine {evolver.name} needs a model, and none is set.",
            "evolve.model.name is empty.",
            "skillclaw config set evolve.model.name NAME (.protocol, .url, .key); or: --engine extractive",
        )
    try:
        yield models
    finally:
        models.close()


def forecast_of(
    evolver: Evolver, patterns: list[Pattern], current: dict[str, Current], context: EvolveContext
) -> list[Forecast]:
    """What the evolver says that it would ask at most; nothing where it does not say."""
    ask = getattr(evolver, "forecast", None)
    if context.models is None or ask is None:
        return []
    return list(ask(targets(patterns, current, context), context))


def foreseen(models: Asker | None, forecast: list[Forecast]) -> list[Forecast]:
    """The forecast of a dry run that is over: with the answers that were recorded, which cost nothing. An
    evolver that gave none is told by the questions that it could not ask."""
    if models is None:
        return []
    known = {one.stage: one.recorded for one in models.ledger.spent().stages}
    return [
        msgspec.structs.replace(one, recorded=known.get(one.stage, 0)) for one in forecast or models.missed()
    ]


def spent_of(ledgers: Sequence[Ledger], seconds: float, paid: Sequence[Spending] = ()) -> Spent:
    """What the cycle used, of all `ledgers`; `paid`: by an evolver that asks no model of the settings."""
    each = list({id(one): one for one in ledgers}.values())
    used = [*(one.spent() for one in each), *paid[:1]]
    return Spent(
        tokens=sum(one.tokens for one in used),
        calls=sum(one.calls for one in used),
        usd=round(sum((one.usd for one in used), 0.0), 6),
        seconds=seconds,
        recorded=sum(one.recorded for one in used),
        stages=[stage for one in used for stage in one.stages],
    )


def notes_of(
    evolver: Evolver, models: Asker | None, context: EvolveContext, settings: EvolveSettings
) -> list[str]:
    """What a user should know of how a model was asked."""
    notes = [*context.notes]
    if models is None:
        return notes + told(evolver.name, context.failed)
    if not models.offline:
        notes += told(evolver.name, context.failed)
    return [*notes, *departures(models, settings.model)]


def departures(models: Asker, settings: ModelSettings) -> list[str]:
    """Where what was asked went, if it left this machine, and what else a user should know of that."""
    notes: list[str] = []
    used = models.ledger.spent()
    host = departs_to(settings)
    if used.calls and host is not None:
        notes.append(f"Redacted parts of sessions went to {host}, where {models.name} was asked.")
    if used.calls and host is not None and settings.url.startswith("http://"):
        notes.append(f"The way to {host} is not encrypted: evolve.model.url begins with http://.")
    if used.calls and host is not None and not models.ledger.priced:
        notes.append(
            f"What {models.name} costs is not known, so money is not counted: "
            "skillclaw config set evolve.model.usd_in DOLLARS (a million tokens), and usd_out."
        )
    return notes
