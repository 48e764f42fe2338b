"""The models that the engines llm and agent ask (docs/evolvers.md).

`open_models` gives the model of the settings as an `Asker`: questions in, records out, each request recorded
and paid for from a budget. Nothing here loads the library of models before `open_models` is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from skillclaw.errors import SkillClawError
from skillclaw.evolve.models.answers import Answers, SharedAnswers, check_forgotten, forget_answers
from skillclaw.evolve.models.daybook import DayBook
from skillclaw.evolve.models.ledger import Ledger
from skillclaw.evolve.models.places import departs_to, find_key
from skillclaw.evolve.models.records import Forecast, ModelError, Question, Spending, StageSpent, as_tokens
from skillclaw.journal.records import OWN_HEADER
from skillclaw.settings import EvolveSettings

if TYPE_CHECKING:
    from skillclaw.evolve.models.asker import Asker

__all__ = [
    "OWN_HEADER",
    "Forecast",
    "Ledger",
    "ModelError",
    "Question",
    "SharedAnswers",
    "Spending",
    "StageSpent",
    "as_tokens",
    "check_forgotten",
    "departs_to",
    "forget_answers",
    "open_models",
]

WAIT = 1.0
"""Seconds before a second try of a request."""


def open_models(
    settings: EvolveSettings,
    *,
    home: Path | None,
    environ: Mapping[str, str],
    replay: Path | None = None,
    record: Path | None = None,
    offline: bool = False,
    spending: DayBook | Path | None = None,
    wait: float = WAIT,
    shared: SharedAnswers | None = None,
) -> Asker | None:
    """The model of `evolve.model.*`; None where none is named.

    home      where answers are kept; `spending` has the day's sums (else the book of `home`): all homes of a
              machine share one budget
    replay    answer from this folder alone; `record` copies what is used into this one
    offline   answer from what is recorded alone, make no request
    shared    answers of other machines, which gets those that are kept here

    Raises UsageError where the extra `llm` or the key is missing.
    """
    model = settings.model
    if not model.name:
        return None
    offline = offline or replay is not None
    key = "" if offline else find_key(model, environ)
    from skillclaw.evolve.models.making import make_model, of_the_settings, request_settings

    try:
        made = make_model(model, key)
    except SkillClawError:
        raise
    except Exception as error:  # of the providers' libraries, each with its own
        raise of_the_settings(error) from error
    from skillclaw.evolve.models.asker import Asker
    from skillclaw.evolve.models.recording import Recording

    recording = Recording(
        name=f"{PROVIDERS[model.protocol]}:{model.name}",
        ledger=Ledger(settings.budget, usd_in=model.usd_in, usd_out=model.usd_out, book=spending or home),
        answers=Answers(home, replay=replay, record=record, shared=shared),
        settings=request_settings(model),
        timeout=model.timeout,
        key=key,
        offline=offline,
        wait=wait,
        client=made.client,
    )
    return Asker(made.model, recording, context_tokens=model.context, tools=model.tools)


PROVIDERS = {
    "chat": "openai",
    "responses": "openai-responses",
    "anthropic": "anthropic",
    "gemini": "google",
    "bedrock": "bedrock",
}
"""What a protocol is called in a model's name."""
