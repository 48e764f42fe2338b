"""A model whose requests are recorded, paid for and repeated where that may help.

Every engine asks through it: the questions of `Asker`, and the loop of the agent engine. A request whose
answer is recorded is not made at all. The name of a record is a hash of all that is sent: provider, model,
messages (without times and ids of the run), settings, tools and schema. The address is no part of it: records
move between machines, and a server on this one may listen elsewhere each time.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

import msgspec
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings as RequestSettings

from skillclaw.evolve.models.answers import Answers, Recorded
from skillclaw.evolve.models.failing import failure_of
from skillclaw.evolve.models.ledger import Ledger
from skillclaw.evolve.models.records import ModelError, as_tokens
from skillclaw.utf8 import without_halves

__all__ = ["Courier", "Recording", "RecordingModel"]

T = TypeVar("T")

WAIT = 1.0
"""Seconds before the second try, doubled for each more."""
MOST_OUT = 4096
"""Tokens of an answer where the request does not say."""
THOUGHT = 4000
"""Tokens more for a model that thinks first: its thoughts count as part of the answer."""
_PASSING = ("timeout", "request_timeout", "first_event_timeout", "extra_headers", "max_retries")
"""Settings that do not change what a model answers."""
_OF_THE_RUN = (
    "timestamp",
    "run_id",
    "conversation_id",
    "usage",
    "metadata",
    "provider_details",
    "provider_url",
    "provider_response_id",
)


class Courier:
    """A thread with the one event loop that all requests of a model are made in: clients keep connections,
    which belong to a loop, while engines ask from threads and loops of their own."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def runs(self) -> bool:
        """Whether anything was sent."""
        return self._loop is not None

    def send(self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """Have `work` done; to be awaited in the caller's loop."""
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._running()))

    def result(self, work: Coroutine[Any, Any, T]) -> T:
        """Have `work` done and wait for it."""
        future = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """End the thread."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop = self._thread = None

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._run, args=(self._loop,), name="skillclaw-models", daemon=True
            )
            self._thread.start()
        return self._loop

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()


class Recording:
    """What all recorded models of a cycle share. `offline`: make no request, use records alone."""

    def __init__(
        self,
        *,
        name: str,
        ledger: Ledger,
        answers: Answers,
        settings: Mapping[str, Any],
        timeout: float,
        key: str,
        offline: bool = False,
        wait: float = WAIT,
        client: Any = None,
    ) -> None:
        self._client = client
        self.name = name
        self.ledger = ledger
        self.answers = answers
        self.settings = dict(settings)
        self.timeout = timeout
        self.key = key
        self.offline = offline
        self.wait = wait
        self.courier = Courier()
        self.used: list[str] = []
        """Hashes of the questions that were answered, in order."""
        self.missed: dict[str, tuple[int, int, int]] = {}
        """By stage: questions that no record answers, and the tokens in and out that they would take."""

    def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None and self.courier.runs:
            self.courier.result(self._client.aclose())
        self.courier.close()


class RecordingModel(WrapperModel):
    """`wrapped`, recorded and paid for; `stage` is what its requests are booked under."""

    def __init__(self, wrapped: Model, shared: Recording, stage: str) -> None:
        super().__init__(wrapped)
        self._shared = shared
        self.stage = stage

    async def __aenter__(self) -> Self:
        return self  # its client belongs to the courier's loop, not to a run

    async def __aexit__(self, *_: object) -> None:
        return None

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: RequestSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """The answer: the recorded one, else the provider's, which is recorded. Raises ModelError."""
        shared = self._shared
        given: dict[str, Any] = {"max_tokens": MOST_OUT, **shared.settings, **(model_settings or {})}
        given["extra_headers"] = {
            **(given.get("extra_headers") or {}),
            **shared.settings.get("extra_headers", {}),
        }
        profile = self.wrapped.profile
        by_default = profile.get("thinking_enabled_by_default", False) and given.get("thinking") is not False
        if profile.get("thinking_always_enabled", False) or by_default:
            given["max_tokens"] = int(given["max_tokens"]) + THOUGHT
        try:
            asked = _canonical(shared.name, messages, given, model_request_parameters)
        except ValueError as error:  # of pydantic too: half a surrogate pair
            why = f"It holds what is no text ({type(error).__name__})."
            raise ModelError("refused", "The question cannot be sent.", why) from None
        key = hashlib.sha256(asked).hexdigest()
        if (known := shared.answers.get(key)) is not None and (old := _response(known)) is not None:
            shared.ledger.note_recorded(self.stage)
            shared.used.append(key)
            return old
        size, room = as_tokens(asked.decode("utf-8", "replace")), int(given["max_tokens"])
        if shared.offline:
            calls, tokens_in, tokens_out = shared.missed.get(self.stage, (0, 0, 0))
            shared.missed[self.stage] = calls + 1, tokens_in + size, tokens_out + room
            raise ModelError(
                "not recorded",
                f"No answer of {shared.name} to a question of stage {self.stage} is recorded.",
                "Only recorded answers may be used now.",
                "Record them: skillclaw evolve --record DIR",
            )
        settings: RequestSettings = given  # type: ignore[assignment]
        response = await self._tried(messages, settings, model_request_parameters, size, room)
        usage = response.usage
        kept = Recorded(
            model=shared.name,
            stage=self.stage,
            tokens_in=usage.input_tokens,
            tokens_out=usage.output_tokens,
            response=without_halves(ModelMessagesTypeAdapter.dump_python([response], mode="json")[0]),
        )
        shared.answers.put(key, kept)
        shared.used.append(key)
        # As it will be read from the record, so that a cycle and its replay see the same.
        return _response(kept) or response

    async def _tried(
        self,
        messages: list[ModelMessage],
        settings: RequestSettings,
        parameters: ModelRequestParameters,
        size: int,
        room: int,
    ) -> ModelResponse:
        shared, wait, done = self._shared, self._shared.wait, 0
        while True:
            booking = shared.ledger.book(self.stage, size, room)
            spent = size, room  # where it ends in the middle, nobody tells what the provider has written
            try:
                response = await shared.courier.send(
                    self._once(messages, settings, parameters, shared.timeout)
                )
                usage = response.usage
                spent = usage.input_tokens or size, usage.output_tokens or _written(response)
                return response
            except Exception as error:
                failure = failure_of(error, shared.name, shared.key, shared.timeout)
                spent = spent if failure.billed else (0, 0)
                done += 1
                if done >= failure.tries:
                    raise failure.error from error
            finally:
                shared.ledger.settle(booking, *spent)
            await asyncio.sleep(wait if failure.after is None else failure.after)
            wait *= 2

    async def _once(
        self,
        messages: list[ModelMessage],
        settings: RequestSettings,
        parameters: ModelRequestParameters,
        timeout: float,
    ) -> ModelResponse:
        async with asyncio.timeout(timeout):
            return await self.wrapped.request(messages, settings, parameters)

    @asynccontextmanager
    async def request_stream(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        """Not offered: a stream would be neither recorded nor paid for."""
        raise ModelError("refused", "A recorded model gives no streams.", "", "Ask without streaming.")
        yield


def _canonical(
    name: str, messages: list[ModelMessage], settings: Mapping[str, Any], parameters: ModelRequestParameters
) -> bytes:
    """All that is sent, in one form, without what differs from run to run."""
    dumped = ModelMessagesTypeAdapter.dump_python(messages, mode="json")
    for message in dumped:
        for part in (message, *message.get("parts", [])):
            for field in _OF_THE_RUN:
                part.pop(field, None)
    tools = [
        [t.name, t.description, t.parameters_json_schema, t.strict]
        for t in (*parameters.function_tools, *parameters.output_tools)
    ]
    wanted = parameters.output_object
    kept = {k: v for k, v in settings.items() if k not in _PASSING}
    return msgspec.json.encode(
        [
            1,
            name,
            dumped,
            kept,
            tools,
            parameters.output_mode,
            parameters.allow_text_output,
            [wanted.name, wanted.description, wanted.json_schema, wanted.strict] if wanted else None,
            [part.content for part in parameters.instruction_parts or []],
            parameters.prompted_output_template,
        ],
        order="sorted",
        enc_hook=repr,
    )


def _response(known: Recorded) -> ModelResponse | None:
    try:
        found = ModelMessagesTypeAdapter.validate_python([known.response])[0]
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, ModelResponse) else None


def _written(response: ModelResponse) -> int:
    """About how many tokens an answer is that came without a count."""
    return sum(as_tokens(str(getattr(p, "content", "") or getattr(p, "args", ""))) for p in response.parts)
