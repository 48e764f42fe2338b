"""How an author is asked: with the tools in a field of the request, or told in words (`evolve.model.tools`).

The conversation is the same in both: answers with calls, and what these gave. Only what is sent differs, and
how an answer is read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from skillclaw.evolve.engines.agent_desk import TOOLS
from skillclaw.evolve.engines.agent_rules import RULES
from skillclaw.evolve.engines.agent_schemas import arguments_schema
from skillclaw.evolve.models import ModelError, as_tokens
from skillclaw.evolve.models.told_tools import (
    Told,
    Unread,
    call_schema,
    read_call,
    result,
    rules,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_ai.messages import (
        ModelMessage,
        ModelRequest,
        ModelRequestPart,
        ModelResponse,
        ModelResponsePart,
    )
    from pydantic_ai.models import Model, ModelRequestParameters

__all__ = ["Answered", "Asking", "InWords", "Native", "asking"]


class Answered(NamedTuple):
    """An answer; `fault`: why a call that it tries is none, for the model."""

    response: ModelResponse
    fault: str = ""


class Asking:
    """One way to ask. `fixed_tokens` is about what goes along with each request."""

    fixed_tokens: int

    async def ask(self, model: Model, messages: Sequence[ModelMessage], most: int) -> Answered:
        """The next answer, of at most so many tokens. Raises ModelError."""
        raise NotImplementedError


class Native(Asking):
    """Tools as the protocol has them."""

    def __init__(self) -> None:
        tools = [[tool.name, tool.about, arguments_schema(tool.arguments)] for tool in TOOLS]
        self.fixed_tokens = as_tokens(RULES + msgspec.json.encode(tools).decode())

    async def ask(self, model: Model, messages: Sequence[ModelMessage], most: int) -> Answered:
        """See `Asking`."""
        from pydantic_ai.models import ModelRequestParameters
        from pydantic_ai.tools import ToolDefinition

        tools = [
            ToolDefinition(
                name=tool.name,
                description=tool.about,
                parameters_json_schema=arguments_schema(tool.arguments),
                strict=False,
            )
            for tool in TOOLS
        ]
        wanted = ModelRequestParameters(function_tools=tools, allow_text_output=True)
        return Answered(await _sent(model, messages, most, wanted))


class InWords(Asking):
    """Tools told in the system text. A server that can hold its model to a form is asked to: then every
    answer is a call."""

    def __init__(self) -> None:
        self._tools = [
            Told(name=tool.name, about=tool.about, arguments=arguments_schema(tool.arguments))
            for tool in TOOLS
        ]
        self.fixed_tokens = as_tokens(f"{RULES}{rules(self._tools)}")
        self._held = True

    async def ask(self, model: Model, messages: Sequence[ModelMessage], most: int) -> Answered:
        """See `Asking`."""
        self._held = self._held and bool(model.profile.get("supports_json_schema_output", False))
        try:
            return await self._asked(model, messages, most)
        except ModelError as error:
            unknown = error.kind == "refused" and "format" in error.why
            if not self._held or not (unknown or error.kind == "not recorded"):
                raise
            # A server that knows no form of responses gets words alone from here on.
            self._held = False
            return await self._asked(model, messages, most)

    async def _asked(self, model: Model, messages: Sequence[ModelMessage], most: int) -> Answered:
        system = f"{RULES}\n\n{rules(self._tools, bare=self._held)}"
        told = [_told(message, system, bare=self._held) for message in messages]
        return _read(await _sent(model, told, most, self._wanted()))

    def _wanted(self) -> ModelRequestParameters:
        from pydantic_ai.models import ModelRequestParameters
        from pydantic_ai.output import OutputObjectDefinition

        if not self._held:
            return ModelRequestParameters(allow_text_output=True)
        form = OutputObjectDefinition(json_schema=call_schema(self._tools), name="call")
        return ModelRequestParameters(output_mode="native", output_object=form, allow_text_output=True)


def asking(tools: str) -> Asking:
    """The way of `evolve.model.tools`."""
    return InWords() if tools == "prompt" else Native()


def _told(message: ModelMessage, system: str, *, bare: bool) -> ModelMessage:
    """A message without tool parts: calls as the model would write them, results as words to it."""
    from pydantic_ai.messages import (
        ModelResponse,
        TextPart,
        ToolCallPart,
        ToolReturnPart,
        UserPromptPart,
    )

    if isinstance(message, ModelResponse):
        rows = [
            written(part.tool_name, part.args_as_dict(), bare=bare)
            if isinstance(part, ToolCallPart)
            else part.content
            for part in message.parts
            if isinstance(part, TextPart | ToolCallPart)
        ]
        return replace(message, parts=[TextPart(content="\n".join(filter(None, rows)) or "(nothing)")])
    request: ModelRequest = message
    parts: list[ModelRequestPart] = [
        UserPromptPart(content=result(part.tool_name, part.model_response_str()))
        if isinstance(part, ToolReturnPart)
        else part
        for part in request.parts
    ]
    return replace(request, parts=parts, instructions=system)


def _read(response: ModelResponse) -> Answered:
    """The answer with its call as a part, as if the protocol had tools."""
    from pydantic_ai.messages import TextPart, ToolCallPart

    try:
        call = read_call(response.text or "")
    except Unread as error:
        return Answered(response, str(error))
    parts: list[ModelResponsePart] = [part for part in response.parts if not isinstance(part, TextPart)]
    parts += [TextPart(content=call.words)] if call.words else []
    parts.append(ToolCallPart(call.tool, dict(call.arguments)))
    return Answered(replace(response, parts=parts))


async def _sent(
    model: Model, messages: Sequence[ModelMessage], most: int, wanted: ModelRequestParameters
) -> ModelResponse:
    from pydantic_ai.direct import model_request
    from pydantic_ai.settings import ModelSettings

    return await model_request(
        model,
        list(messages),
        model_settings=ModelSettings(max_tokens=most),
        model_request_parameters=wanted,
    )
