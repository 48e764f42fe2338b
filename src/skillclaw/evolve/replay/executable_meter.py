"""What the agents of a replay ask of models: counted, paid for from the budget, and stopped where it ends."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from skillclaw.errors import SkillClawError
from skillclaw.evolve.models.ledger import Booking, Ledger
from skillclaw.gate.replay.records import Cost
from skillclaw.headless.agents.chat import Answer, ask
from skillclaw.headless.model import Endpoint

__all__ = ["Meter"]

STAGE = "replay"
STEPS = 60
"""Requests that one run of an agent may make."""
BYTES = 4
"""Of a request for each token, where nobody counts."""
ANSWER = 1_024
"""Tokens that an answer is expected to take at most, where a request does not say."""


class Meter:
    """See `headless.gateway.Meter`; also the asker of `headless.agents.minimal`.

    over    why no more may be asked at all; empty while it may
    capped  whether the run that goes on reached its own limit, which is the agent's failure
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._booked: deque[Booking] = deque()
        self._steps = 0
        self.over = ""
        self.capped = False
        self.calls = self.tokens_in = self.tokens_out = 0

    def next_run(self) -> None:
        """The next agent begins."""
        self._steps, self.capped = 0, False

    def begin(self, size: int, most: int) -> str:
        """See `Meter.begin`."""
        if self.over:
            return self.over
        if self._steps >= STEPS:
            self.capped = True
            return f"{STEPS} requests of one run"
        try:
            self._booked.append(self._ledger.book(STAGE, size // BYTES, most))
        except SkillClawError as error:
            self.over = " ".join(f"{error.what} {error.todo}".split())
            return self.over
        self._steps += 1
        self.calls += 1
        return ""

    def end(self, size: int, tokens_in: int | None, tokens_out: int | None) -> None:
        """See `Meter.end`."""
        used = max(0, size // BYTES if tokens_in is None else tokens_in), max(0, tokens_out or 0)
        self.tokens_in += used[0]
        self.tokens_out += used[1]
        try:
            self._ledger.settle(self._booked.popleft(), *used)
        except SkillClawError as error:
            self.over = " ".join(f"{error.what} {error.todo}".split())

    def ask(
        self,
        endpoint: Endpoint,
        messages: Sequence[dict[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
        headers: Mapping[str, str],
        seconds: float,
    ) -> Answer:
        """One request of the minimal agent (`headless.agents.chat.ask`), counted."""
        size = len(json.dumps([list(messages), list(tools)]))
        if why := self.begin(size, int(options.get("max_tokens") or ANSWER)):
            return Answer(error=why)
        answer = ask(endpoint, messages, tools=tools, options=options, headers=headers, seconds=seconds)
        # Of what broke off nobody says the price; its prompt was read, most likely.
        self.end(size, answer.tokens_in or None, answer.tokens_out)
        return answer

    def cost(self, seconds: float) -> Cost:
        """What was asked so far, and how long all of it took."""
        tokens = self.tokens_in + self.tokens_out
        usd = round(self._ledger.usd(self.tokens_in, self.tokens_out), 6) if self._ledger.priced else None
        return Cost(calls=self.calls, tokens=tokens, usd=usd, seconds=round(seconds, 1))
