"""What a request to a model can end in, told as a ModelError, and whether another try may mend it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelConnectionError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelTimeoutError,
    UnexpectedModelBehavior,
    UserError,
)

from skillclaw.evolve.models.making import MOST_BYTES, TooLargeError
from skillclaw.evolve.models.places import hidden
from skillclaw.evolve.models.records import ModelError

__all__ = ["PATIENCE", "Failure", "failure_of", "named"]

PATIENCE = 60.0
"""Seconds that a Retry-After is waited for; one that asks for more ends the engine's questions."""
_NOBODY = frozenset(
    {"ConnectError", "ConnectTimeout", "ConnectionRefusedError", "EndpointConnectionError", "gaierror"}
)
"""Names of errors of the several clients that say that there was no connection at all."""
_AGAIN = frozenset({408, 409, 425, 429})
_KEY_TODO = "Check evolve.model.key, and that the key may use this model."


class Failure(NamedTuple):
    """An error with what to do: `tries` in all that are worth it, seconds to wait first (None: as usual);
    `billed`: the provider may have worked, and charge for it."""

    error: ModelError
    tries: int = 1
    after: float | None = None
    billed: bool = False


def failure_of(error: Exception, model: str, key: str, timeout: float) -> Failure:
    """What became of a request to `model`; neither the key nor what was asked stands in it."""
    if any(isinstance(one, TooLargeError) for one in _chain(error)):
        why = f"It is larger than {MOST_BYTES >> 20} MB."
        return Failure(ModelError("unusable", f"{model} sent too large an answer.", why, _CHECK), billed=True)
    if isinstance(error, ModelHTTPError):
        return _of_status(error.status_code, named(_message(error.body), key), error, model)
    if status := _status_in(error):
        return _of_status(status, "", error, model)
    if isinstance(error, TimeoutError | ModelTimeoutError) or _is_late(error):
        return Failure(
            ModelError(
                "late",
                f"{model} gave no answer in {timeout:g} s.",
                "",
                "Give it more time: skillclaw config set evolve.model.timeout SECONDS",
            ),
            tries=2,
            billed=True,
        )
    if isinstance(error, ContentFilterError):
        return Failure(ModelError("refused", f"{model} refused to answer.", "Its filter stopped it."))
    if isinstance(error, UnexpectedModelBehavior):
        why = "Its answer is not of the form of its protocol."
        return Failure(ModelError("unusable", f"{model} cannot be understood.", why, _CHECK), 2, None, True)
    if isinstance(error, UserError):
        why = named(str(error), key)
        return Failure(ModelError("refused", f"{model} cannot be asked so.", why, _CHECK, final=True))
    if any(isinstance(one, ValueError) for one in _chain(error)):
        why = "Its answer is not of the form of its protocol."
        return Failure(ModelError("unusable", f"{model} cannot be understood.", why, _CHECK), 2, None, True)
    if isinstance(error, ModelConnectionError | OSError) or _is_transport(error):
        why = f"The connection failed ({type(_last(error)).__name__})."
        todo = "Check evolve.model.url, and whether it runs."
        # Nobody listens: the next question would find nobody either.
        gone = any(type(one).__name__ in _NOBODY for one in _chain(error))
        return Failure(
            ModelError("unreachable", f"{model} cannot be reached.", why, todo, final=gone), 4, None, not gone
        )
    why = f"Its answer is not of the form of its protocol ({type(error).__name__})."
    return Failure(ModelError("unusable", f"{model} cannot be understood.", why, _CHECK), 2, None, True)


_CHECK = "Check evolve.model.protocol, evolve.model.url and evolve.model.name."


def _of_status(status: int, told: str, error: Exception, model: str) -> Failure:
    why = f"It answered {status}" + (f": {told}" if told else ".")
    after: float | None = getattr(error, "retry_after", None)
    if isinstance(error, ModelQuotaExceededError) or status == 402:
        todo = "Pay it, or name another model: evolve.model.name"
        return Failure(ModelError("refused", f"The quota for {model} is used up.", why, todo, final=True))
    if status in _AGAIN or status >= 500:
        what = f"{model} is not available." if status != 429 else f"{model} was asked too often."
        long = after is not None and after > PATIENCE
        if long:
            why = f"{why} It asks to wait {after:.0f} s."
        return Failure(
            ModelError("unreachable", what, why, "Try again later; the next cycle does too.", final=long),
            tries=1 if long else 4,
            after=after,
        )
    if status in (401, 403):
        return Failure(ModelError("refused", f"{model} refused the key.", why, _KEY_TODO, final=True))
    if status == 404:
        return Failure(ModelError("refused", f"There is no {model}.", why, _CHECK, final=True))
    if 300 <= status < 400:
        why = f"{why} It points elsewhere, which is not followed."
        return Failure(ModelError("refused", f"{model} lies elsewhere.", why, _CHECK, final=True))
    return Failure(ModelError("refused", f"{model} refused the question.", why, _CHECK))


def named(text: str, key: str) -> str:
    """What a provider said, short, in one line, without the key and without control characters."""
    clean = re.sub(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+", " ", hidden(text, key))
    clean = " ".join(clean.split())
    return clean if len(clean) <= 160 else clean[:159] + "…"


def _message(body: object) -> str:
    """The sentence in an error of one of the protocols."""
    found: Any = body
    if isinstance(found, bytes | str):
        try:
            found = msgspec.json.decode(found)
        except (msgspec.DecodeError, UnicodeError):
            return found if isinstance(found, str) else ""
    for _ in range(3):
        if isinstance(found, dict):
            found = found.get("error") or found.get("Error") or found.get("message") or found.get("Message")
    return found if isinstance(found, str) else ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen = 0
    while error is not None and seen < 10:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1


def _status_in(error: BaseException) -> int:
    """The status of an HTTP error that a client raised as its own; 0 where there is none."""
    for one in _chain(error):
        status = getattr(getattr(one, "response", None), "status_code", 0)
        if isinstance(status, int) and status >= 300:
            return status
    return 0


def _last(error: BaseException) -> BaseException:
    found = list(_chain(error))
    named = [one for one in found if type(one).__name__.endswith(("Error", "Timeout"))]
    return (named or found)[-1]


def _is_late(error: BaseException) -> bool:
    return any("Timeout" in type(one).__name__ for one in _chain(error))


def _is_transport(error: BaseException) -> bool:
    modules = ("httpx", "httpcore", "botocore", "aiohttp", "urllib3", "anyio")
    return any(type(one).__module__.split(".")[0].rstrip("2") in modules for one in _chain(error))
