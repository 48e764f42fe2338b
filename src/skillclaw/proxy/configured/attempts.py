"""Upstream after upstream, try after try, until one answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp

from skillclaw.proxy import ConfiguredUpstream
from skillclaw.proxy.configured.passing import reason_of
from skillclaw.proxy.configured.sending import Failed, Sending, send
from skillclaw.proxy.configured.tries import AGAIN, pause, retry_after

__all__ = ["Attempts"]


@dataclass
class Attempts:
    """The tries of one request; `tried` says what came of those that gave no answer for the agent."""

    session: aiohttp.ClientSession
    chance: random.Random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    tried: list[str] = field(default_factory=list)
    late: bool = False

    async def at(
        self, name: str, upstream: ConfiguredUpstream, made: Sending, *, last: bool
    ) -> aiohttp.ClientResponse | None:
        """An answer for the agent, which the caller closes; None: the next upstream may be tried.

        Of the last upstream a refusal (429, 503, 529) is an answer too. Raises Failed where something may
        have been done already, so that nothing may be tried again anywhere.
        """
        for number in range(upstream.retries + 1):
            again = number < upstream.retries
            wait: float | None
            try:
                response = await send(self.session, made)
            except Failed as failed:
                self.tried.append(f"{name}: {failed.why}")
                self.late = failed.late
                if not failed.safe:
                    raise
                wait = pause(number + 1, None, upstream.longest_wait, self.chance)
            else:
                if response.status not in AGAIN:
                    return response
                asked = retry_after(response.raw_headers)
                wait = pause(number + 1, asked, upstream.longest_wait, self.chance)
                if last and (not again or wait is None):
                    return response
                self.tried.append(f"{name}: {response.status} {reason_of(response, made.secret)}".rstrip())
                self.late = False
                response.close()
            if not again or wait is None:
                return None
            await self.sleep(wait)
        return None
