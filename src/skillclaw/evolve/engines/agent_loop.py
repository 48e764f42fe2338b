"""The loop of an autonomous author: ask the model, do what it calls for, tell it what came of that.

One request at a time and one call after the other, so that the same answers give the same messages: that is
what lets a recorded run be played again. (The library's own agent runs the calls of one answer side by side
and ends on the first that fails; here it serves for the requests and their messages.)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import msgspec

from skillclaw.evolve.engines.agent_asking import asking
from skillclaw.evolve.engines.agent_desk import Desk
from skillclaw.evolve.engines.agent_room import bounded, spare
from skillclaw.evolve.engines.agent_rules import NO_CALL, RULES
from skillclaw.evolve.models import ModelError
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ToolCallPart, ToolReturnPart
    from pydantic_ai.models import Model

__all__ = ["Ending", "Limits", "Talk", "converse"]

Ending = Literal["submitted", "skipped", "steps", "tokens", "time", "repeats", "silent", "unread", "model"]

SILENT = 3
"""Answers in a row without a call after which nothing more is expected."""
REPEATS = 4
"""Calls that only repeat one before, after which the author is going in circles."""
CALLS = 8
"""Calls of one answer that are done; the rest is refused."""
ANSWER_TOKENS = 4000
"""Tokens of one answer at most, and a quarter of what the model takes."""


class Limits(Record, frozen=True, kw_only=True):
    """How far one author may go: requests to the model, tokens both ways, seconds of wall time."""

    steps: int = 40
    tokens: int = 0
    seconds: float = 600.0


@dataclass
class Talk:
    """All that was said, and how it ended; `error` where the model failed. `steps` are requests, `tokens` go
    both ways, `calls` of tools."""

    messages: list[ModelMessage] = field(default_factory=list)
    ending: Ending = "steps"
    error: ModelError | None = None
    steps: int = 0
    tokens: int = 0
    calls: int = 0


async def converse(
    model: Model,
    desk: Desk,
    opening: str,
    limits: Limits,
    *,
    context_tokens: int,
    tools: str = "native",
    clock: Callable[[], float] = time.monotonic,
) -> Talk:
    """Let the author work at `desk` until it is done or a limit is reached. Raises nothing of the model's.

    `tools` is the setting `evolve.model.tools`: how it is told of them.
    """
    from pydantic_ai.messages import ModelRequest, ToolReturnPart, UserPromptPart

    talk = Talk(messages=[ModelRequest(parts=[UserPromptPart(content=opening)], instructions=RULES)])
    sent = list(talk.messages)  # the same, with what was left out to save room
    answer_tokens = min(ANSWER_TOKENS, context_tokens // 4)
    way = asking(tools)
    room = max(1000, context_tokens - answer_tokens - way.fixed_tokens)
    until = clock() + limits.seconds
    made: set[bytes] = set()
    repeated = silent = 0

    def say(message: ModelMessage) -> None:
        talk.messages.append(message)
        sent.append(message)

    while True:
        left = until - clock()
        over = _over(talk, limits, left)
        if over is not None:
            return _ended(talk, over)
        if spare(sent, room):
            made.clear()  # what was left out may be read again
        talk.steps += 1
        try:
            async with asyncio.timeout(left):
                answer, fault = await way.ask(model, sent, answer_tokens)
        except TimeoutError:
            return _ended(talk, "time")
        except ModelError as error:
            talk.error = error
            return _ended(talk, "model")
        talk.tokens += max(0, answer.usage.input_tokens) + max(0, answer.usage.output_tokens)
        answer = bounded(answer)
        say(answer)
        calls = answer.tool_calls
        talk.calls += len(calls)
        if answer.finish_reason == "content_filter" and not calls:
            what = f"{model.model_name} refused to answer."
            talk.error = ModelError("refused", what, "Its filter stopped it.")
            return _ended(talk, "model")
        silent = 0 if calls else silent + 1
        if silent >= SILENT:
            return _ended(talk, "unread" if fault else "silent")
        if not calls:
            say(ModelRequest(parts=[UserPromptPart(content=fault or NO_CALL)], instructions=RULES))
            continue
        parts: list[ToolReturnPart] = []
        for place, call in enumerate(calls):
            told, again = _done(desk, call, place, made)
            repeated = repeated + 1 if again else 0
            parts.append(ToolReturnPart(call.tool_name, told, tool_call_id=call.tool_call_id))
        say(ModelRequest(parts=parts, instructions=RULES))
        if desk.ended:
            return _ended(talk, desk.ended)
        if repeated >= REPEATS:
            return _ended(talk, "repeats")


def _over(talk: Talk, limits: Limits, left: float) -> Ending | None:
    """The limit that is reached."""
    if talk.steps >= limits.steps:
        return "steps"
    if limits.tokens and talk.tokens >= limits.tokens:
        return "tokens"
    return "time" if left <= 0 else None


def _ended(talk: Talk, how: Ending) -> Talk:
    talk.ending = how
    return talk


def _done(desk: Desk, call: ToolCallPart, place: int, made: set[bytes]) -> tuple[str, bool]:
    """What comes of one call, and whether it only repeats one before."""
    if desk.ended:
        return "The work is over.", False
    if place >= CALLS:
        return f"At most {CALLS} calls at once are done. Call it again.", False
    try:
        arguments: object = call.args_as_dict(raise_if_invalid=True)
    except (ValueError, AssertionError):
        arguments = None
    mark = msgspec.json.encode([call.tool_name, arguments or str(call.args)])
    if mark in made:
        return "You made this very call before, and nothing has changed since. Look above.", True
    if call.tool_name == "draft":
        # Another draft takes the place of the one before: to check it or hand it in is a new call, and so is
        # the former.
        renewed = (b'["draft"', b'["check"', b'["submit"')
        made.difference_update({one for one in made if one.startswith(renewed)})
    if call.tool_name != "submit" or desk.last is None:  # handing in may be tried again
        made.add(mark)
    if arguments is None:
        return "The arguments are no JSON object, or were cut off. Nothing was done.", False
    unread = desk.unread
    told = desk.call(call.tool_name, arguments)
    if unread and not desk.unread:  # what was drafted too early may be drafted now
        made.difference_update({one for one in made if one.startswith(b'["draft"')})
    return told, False
