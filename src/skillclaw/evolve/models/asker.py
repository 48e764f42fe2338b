"""Questions to a model, and its answers as records of ours.

The answer's JSON Schema goes along as the provider wants it: as the form of the response where it has that,
as a tool that must be called where it has not. What comes back is read by msgspec; what does not fit goes
back to the model with what is wrong, twice at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from skillclaw.evolve.models.recording import Recording, RecordingModel
from skillclaw.evolve.models.records import Forecast, ModelError, Question
from skillclaw.evolve.models.shapes import Unfit, read_answer, schema_of

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model, ModelRequestParameters
    from pydantic_ai.settings import ModelSettings as RequestSettings

    from skillclaw.evolve.models.ledger import Ledger

__all__ = ["Asker"]

T = TypeVar("T")

MENDS = 2
"""Times that an answer that does not fit goes back to the model."""
NEVER = 3
"""Answers in a row that do not fit, with none before that did, after which a model is asked no more."""
ROW = 3
"""Questions in a row that failed after which a model is asked no more."""
LONG = 16
"""Characters for each token that an answer may take, above which it is not sent back to be mended."""
TOOL = "answer"


class Asker:
    """One model for one cycle. Not to be shared by threads; `close` it."""

    def __init__(self, model: Model, shared: Recording, *, context_tokens: int, tools: str) -> None:
        self._model = model
        self._shared = shared
        self.context_tokens = context_tokens
        self.tools = tools
        """How a loop of its own tells the model of tools: `evolve.model.tools`."""
        self.told = False
        """Whether its server turned out to take no tools, so that they are told in words."""
        self.held = bool(model.profile.get("supports_json_schema_output", False))
        """Whether its server may be asked to hold an answer in words to the form of a call."""
        self.stopped: ModelError | None = None
        """Why it is asked no more; every further question is answered with this."""
        self._fitted = 0
        self._unfit = 0
        self._failed = 0
        self._by_tool = not model.profile.get("supports_json_schema_output", False)

    @property
    def name(self) -> str:
        """Provider and model: "openai:gpt-5"."""
        return self._shared.name

    @property
    def ledger(self) -> Ledger:
        """What it may cost, and did."""
        return self._shared.ledger

    @property
    def offline(self) -> bool:
        """Whether only recorded answers are used."""
        return self._shared.offline

    def model(self, stage: str = "agent") -> Model:
        """The same model, recorded and paid for, for a loop of its own. Its requests raise ModelError."""
        return RecordingModel(self._model, self._shared, stage)

    def request(
        self,
        stage: str,
        messages: Sequence[ModelMessage],
        settings: RequestSettings,
        parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """One request of a caller's own making, recorded and paid for. Raises ModelError."""
        model = RecordingModel(self._model, self._shared, stage)
        return self._shared.courier.result(model.request(list(messages), settings, parameters))

    @property
    def varies(self) -> bool:
        """Whether the settings of requests fix what a model says, so that a repeat has to ask for variety."""
        return "temperature" in self._shared.settings

    def quickly(self) -> RequestSettings:
        """The settings of a request that takes little thought: thoughts are paid for like answers."""
        from pydantic_ai.settings import ModelSettings as RequestSettings

        profile = self._model.profile
        if not profile.get("supports_thinking", False):
            return RequestSettings()
        return RequestSettings(thinking="low" if profile.get("thinking_always_enabled", False) else False)

    def missed(self) -> list[Forecast]:
        """What the questions would take at most that no record answered (offline)."""
        return [
            self.ledger.price(stage, calls, tokens_in, tokens_out)
            for stage, (calls, tokens_in, tokens_out) in self._shared.missed.items()
        ]

    @contextmanager
    def unforeseen(self) -> Iterator[None]:
        """What no record answers meanwhile is not in `missed`: it is another form of a question that is."""
        known = dict(self._shared.missed)
        try:
            yield
        finally:
            self._shared.missed = known

    def close(self) -> None:
        """Let go of the connections."""
        self._shared.close()

    def ask(self, question: Question[T]) -> T:
        """The answer. Raises ModelError; one that is `final` stands for all further questions too."""
        if self.stopped is not None:
            raise self.stopped
        try:
            answer = self._asked(question)
        except ModelError as error:
            if error.kind != "not recorded":
                self._failed += 1
            if error.final or self._failed >= ROW:
                error.final = True
                self.stopped = error
            raise
        self._failed = 0
        return answer

    def _asked(self, question: Question[T]) -> T:
        from pydantic_ai.messages import ModelRequest, SystemPromptPart, UserPromptPart

        schema = schema_of(question.answer)
        before = len(self._shared.used)
        # Half a surrogate pair, as a session may hold, is no text that can be sent.
        prompt = question.prompt.encode("utf-8", "replace").decode("utf-8")
        messages: list[ModelMessage] = [
            ModelRequest(parts=[SystemPromptPart(content=question.rules), UserPromptPart(content=prompt)])
        ]
        for left in range(MENDS, -1, -1):
            response = self._request(question, messages, schema)
            try:
                answer = self._read(question, response)
            except Unfit as error:
                self._unfit += 1
                if len(_text_of(response)) > LONG * question.max_tokens:
                    left = 0  # to send it back would cost more than it can bring
                never = not self._fitted and self._unfit >= NEVER
                if never or not left:
                    # What led nowhere is asked anew in the next cycle.
                    self._shared.answers.drop(self._shared.used[before:])
                    raise self._unusable(question, str(error), response, never=never) from error
                messages += [response, _back(str(error), response)]
                continue
            except ModelError:
                # A filter may let it pass another time: what it stopped is asked anew in the next cycle.
                self._shared.answers.drop(self._shared.used[before:])
                raise
            self._fitted += 1
            self._unfit = 0
            return answer
        raise AssertionError("unreachable")

    def _request(
        self, question: Question[Any], messages: Sequence[ModelMessage], schema: dict[str, Any]
    ) -> ModelResponse:
        model = RecordingModel(self._model, self._shared, question.stage)
        known = dict(self._shared.missed)
        try:
            return self._sent(model, question, messages, schema)
        except ModelError as error:
            refused = error.kind == "refused" and "format" in error.why
            if self._by_tool or not (refused or error.kind == "not recorded"):
                raise
            # A server that knows no form of responses may know tools; the question is another one then, and
            # it is that one whose answer was recorded.
            missed, self._shared.missed = self._shared.missed, known
            self._by_tool = True
            try:
                return self._sent(model, question, messages, schema)
            except ModelError as other:
                if other.kind == "not recorded":
                    self._by_tool, self._shared.missed = False, missed
                    raise error from other
                raise

    def _sent(
        self,
        model: RecordingModel,
        question: Question[Any],
        messages: Sequence[ModelMessage],
        schema: dict[str, Any],
    ) -> ModelResponse:
        from pydantic_ai.settings import ModelSettings as RequestSettings

        parameters = _parameters(question, schema, by_tool=self._by_tool)
        settings = RequestSettings(**{**self.quickly(), "max_tokens": question.max_tokens})
        return self._shared.courier.result(model.request(list(messages), settings, parameters))

    def _read(self, question: Question[T], response: ModelResponse) -> T:
        if response.finish_reason == "content_filter":
            raise ModelError("refused", f"{self.name} refused to answer.", "Its filter stopped it.")
        if response.finish_reason == "length":
            raise Unfit(f"The answer was cut off after {question.max_tokens} tokens. Answer shorter.")
        answer = read_answer(_text_of(response), question.answer)
        if question.check is not None and (fault := question.check(answer)):
            raise Unfit(fault)
        return answer

    def _unusable(
        self, question: Question[Any], why: str, response: ModelResponse, *, never: bool
    ) -> ModelError:
        """Without the model's own words, which may quote sessions: errors are logged."""
        text = len(_text_of(response))
        said = f"It wrote {text} characters of text." if text else "It wrote no text."
        what = (
            f"{self.name} never answers as asked, {self._unfit} times in a row."
            if never
            else f"{self.name} gave no answer of use to a question of stage {question.stage}."
        )
        todo = "Read what it wrote: skillclaw evolve --record DIR; or name another: evolve.model.name"
        return ModelError("unusable", what, f"{why} {said}", todo, final=never)


def _parameters(question: Question[Any], schema: dict[str, Any], *, by_tool: bool) -> ModelRequestParameters:
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.output import OutputObjectDefinition
    from pydantic_ai.tools import ToolDefinition

    if by_tool:
        tool = ToolDefinition(
            name=TOOL, description="Give the answer.", parameters_json_schema=schema, kind="output"
        )
        return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)
    wanted = OutputObjectDefinition(json_schema=schema, name=question.answer.__name__.lstrip("_").lower())
    return ModelRequestParameters(output_mode="native", output_object=wanted, allow_text_output=True)


def _text_of(response: ModelResponse) -> str:
    """What the model wrote: the arguments of its first call, else its text."""
    from pydantic_ai.messages import ToolCallPart

    called = next((part for part in response.parts if isinstance(part, ToolCallPart)), None)
    return called.args_as_json_str() if called is not None else response.text or ""


def _back(why: str, response: ModelResponse) -> ModelMessage:
    """What is wrong, told to the model: as the result of the tool where it called one."""
    from pydantic_ai.messages import (
        ModelRequest,
        ModelRequestPart,
        ToolCallPart,
        ToolReturnPart,
        UserPromptPart,
    )

    told = f"{why} Answer again, with the JSON alone."
    called = [part for part in response.parts if isinstance(part, ToolCallPart)]
    returned: list[ModelRequestPart] = [
        ToolReturnPart(tool_name=part.tool_name, content=told, tool_call_id=part.tool_call_id)
        for part in called
    ]
    return ModelRequest(parts=returned or [UserPromptPart(content=told)])
