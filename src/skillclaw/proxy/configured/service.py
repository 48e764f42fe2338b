"""Configured mode: one request of an agent, answered by the upstreams that settings name for it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from skillclaw.journal.records import OWN_HEADER
from skillclaw.proxy import ConfiguredUpstream, ProxyConfig
from skillclaw.proxy.asked import Answer, Asked, RawHeaders
from skillclaw.proxy.configured import errors, sending
from skillclaw.proxy.configured.attempts import Attempts
from skillclaw.proxy.configured.bodies import Body, clear
from skillclaw.proxy.configured.errors import Refused
from skillclaw.proxy.configured.inject import inject, session_of
from skillclaw.proxy.configured.keys import Keys, hidden, shown_token
from skillclaw.proxy.configured.making import make, translatable
from skillclaw.proxy.configured.offered import INJECTED, Offered
from skillclaw.proxy.configured.passing import (
    ERROR_TIME,
    TRIED,
    own_answer,
    pass_on,
    pass_translated,
    read_whole,
    reason_of,
    theirs,
)
from skillclaw.proxy.configured.paths import Wanted, wanted

__all__ = ["TRIED", "Configured"]

log = logging.getLogger("skillclaw.proxy")
_SEE_LOG = "The cause is in its log: skillclaw logs proxy."


class Configured:
    """The state of configured mode: connections, keys, the conversations that were given skills.

    `takes` says which requests are for it; `answer` runs in a task of its own and may be cancelled. `chance`
    and `sleep` spread and make the pauses between tries.
    """

    def __init__(
        self,
        config: ProxyConfig,
        *,
        chance: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._config = config
        self._chance = chance or random.Random()  # noqa: S311  spreads load, guards nothing
        self._sleep = sleep
        self._session: aiohttp.ClientSession | None = None
        self._keys = Keys()
        self._offered: Offered | None = None

    def take(self, config: ProxyConfig) -> None:
        """Use these settings from the next request on; connections and memory stay."""
        self._config = config

    def takes(self, agent: str, method: str, rest: str, headers: RawHeaders = (), url: str = "") -> bool:
        """Whether a request is answered here: any of an agent with a configured upstream; of another agent,
        or of a program with an upstream apart (`url`), those alone whose body gets the skill index."""
        config = self._config
        if agent in config.routes and not url:
            return True
        if method != "POST" or agent not in config.inject or not (url or agent in config.upstreams):
            return False
        return wanted(method, rest, headers).speech is not None

    def knows(self, agent: str, rest: str, headers: RawHeaders) -> bool:
        """Whether a request shows the token that its agent needs; true of agents that need none."""
        if agent not in self._config.routes:
            return True
        return shown_token(headers, rest.partition("?")[2], self._config.tokens.get(agent, ""))

    async def answer(self, asked: Asked, back: Answer) -> None:
        """Answer the request. Raises CancelledError, and ConnectionError when the agent is gone."""
        want = wanted(asked.method, asked.rest, asked.headers)
        way = _Way(back)
        try:
            if asked.agent in self._config.routes and not asked.url:
                await self._routed(asked, want, way)
            else:
                await self._passed(asked, want, way)
        except ConnectionError:
            raise
        except Exception as error:
            if not isinstance(error, Refused):
                log.exception("an answer failed")
            if way.begun:
                back.cut(f"SkillClaw failed: {type(error).__name__}")
                return
            refused = (
                error if isinstance(error, Refused) else Refused(500, "SkillClaw failed here.", _SEE_LOG)
            )
            text = b"" if asked.method == "HEAD" else errors.body(want.family, refused.status, refused.text)
            await own_answer(back, refused.status, errors.reason_of(refused.status), text)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _passed(self, asked: Asked, want: Wanted, back: Answer) -> None:
        """An agent with its own upstream and credentials: its request, with the skill index put in."""
        note: RawHeaders = ()
        data, without = asked.body, sending.HOP_BY_HOP
        try:
            body = Body(clear(asked.body, asked.headers))
            note = self._inject(asked, want, body)
        except Refused:
            pass  # not what it should be: its own upstream says so better than we can
        if note:
            data, without = body.data(), without | {b"content-encoding"}
        made = sending.Sending(
            method=asked.method,
            url=(asked.url or self._config.upstreams[asked.agent]).rstrip("/") + asked.rest,
            passed=sending.as_text(asked.headers, without),
            own=(),
            body=data,
            inflate=False,
            first_byte_timeout=self._config.answer_timeout,
        )
        try:
            response = await sending.send(self._client(), made)
        except sending.Failed as failed:
            raise _nothing([f"the agent's own upstream: {failed.why}"], late=failed.late) from failed
        async with response:
            await pass_on(response, back, note)

    async def _routed(self, asked: Asked, want: Wanted, back: Answer) -> None:
        """An agent whose requests go to configured upstreams."""
        config = self._config
        if want.kind == "root":  # Claude Code probes without its key, and nothing is told here
            await own_answer(back, 200, "OK", b"" if asked.method == "HEAD" else b"{}")
            return
        if not (asked.known and self.knows(asked.agent, asked.rest, asked.headers)):
            raise Refused(
                401,
                f"SkillClaw does not know the key that {asked.agent} sent.",
                "With a configured upstream each agent has a token of its own as its key.",
                f"Do: skillclaw connect {asked.agent}; or start it by: skillclaw run {asked.agent}",
            )
        names = self._names(config.routes[asked.agent])
        if want.kind in ("models", "model"):
            from skillclaw.proxy.configured.catalogue import answer_models

            upstream = config.configured[names[0]]
            await answer_models(asked, want, upstream, names[0], self._keys, self._client(), back)
        elif want.kind == "count" and want.speech not in (
            None,
            "gemini",
            config.configured[names[0]].protocol,
        ):
            from skillclaw.proxy.configured.counting import counted

            await own_answer(
                back, 200, "OK", counted(Body(clear(asked.body, asked.headers)).tree(), want.speech)
            )
        else:
            await self._forwarded(asked, want, names, back)

    def _names(self, first: str) -> list[str]:
        """The upstream and those that stand in for it, in order, each once."""
        known = self._config.configured
        if first not in known:
            raise Refused(
                502,
                f"SkillClaw has no upstream named {first!r}.",
                "The agent's setting names one that is not there.",
                f"Set upstreams.{first}.url and upstreams.{first}.protocol.",
            )
        return list(dict.fromkeys([first, *(name for name in known[first].fallback if name in known)]))

    def _inject(self, asked: Asked, want: Wanted, body: Body) -> RawHeaders:
        """Put the conversation's skill index into the body; the headers that note it in the record."""
        if asked.agent not in self._config.inject or want.speech is None or _is_own(asked):
            return ()
        if self._offered is None:
            self._offered = Offered(Path(self._config.home))
        session = session_of(body, want.speech, asked.agent, asked.headers)
        text, digest = self._offered.text(session, self._config.inject[asked.agent])
        if not text:
            return ()
        inject(body, want.speech, text)
        return ((INJECTED, digest.encode("ascii")),)

    async def _forwarded(self, asked: Asked, want: Wanted, names: list[str], back: Answer) -> None:
        """The answer of the first upstream that gives one."""
        data = clear(asked.body, asked.headers)
        body = Body(data) if want.speech is not None else None
        note = self._inject(asked, want, body) if body is not None else ()
        attempts = Attempts(self._client(), self._chance, self._sleep)
        refused: Refused | None = None
        for name in names:
            upstream = self._config.configured[name]
            try:
                made = await make(asked, want, body, data, upstream, name, self._keys)
            except Refused as error:
                refused = refused or error
                attempts.tried.append(f"{name}: {error.text}")
                continue
            try:
                response = await attempts.at(name, upstream, made, last=name == names[-1])
            except sending.Failed:
                break
            if response is None:
                continue
            if response.status in (401, 403):
                self._keys.forget(upstream.key)
            told = "; ".join(attempts.tried).encode("latin-1", "replace")
            more = [*note, *([(TRIED, told)] if told else [])]
            async with response:
                if made.inflate:
                    assert body is not None
                    await _translated(response, want, upstream, body, back, more, made.secret)
                else:
                    await pass_on(response, back, more, made.secret)
            return
        if refused is not None and len(attempts.tried) == 1:
            raise refused
        raise _nothing(attempts.tried, late=attempts.late)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = sending.client(self._config.connect_timeout)
        return self._session


def _is_own(asked: Asked) -> bool:
    """Whether the project itself asks: what it writes skills with gets none of them."""
    own = OWN_HEADER.lower().encode("ascii")
    return any(name.lower() == own for name, _ in asked.headers)


class _Way:
    """`Answer` that knows whether it has begun."""

    def __init__(self, back: Answer) -> None:
        self.begun = False
        self._head = back.head
        self.write, self.end, self.cut = back.write, back.end, back.cut

    def head(self, status: int, reason: str, headers: RawHeaders, length: int | None) -> None:
        self.begun = True
        self._head(status, reason, headers, length)


async def _translated(
    response: aiohttp.ClientResponse,
    want: Wanted,
    upstream: ConfiguredUpstream,
    body: Body,
    back: Answer,
    more: RawHeaders,
    secret: str,
) -> None:
    """The answer in the agent's protocol."""
    from skillclaw.wire import translate

    spoken, other = translatable(want.speech), translatable(upstream.protocol)
    if response.status == 200:
        translator = translate.ReplyTranslator(spoken, other, body.tree())
        try:
            headers = [*theirs(response, secret), *more]
            await pass_translated(response, back, translator, headers, stream=body.get("stream") is True)
        except translate.CannotTranslate as error:
            raise Refused(502, "The upstream's answer cannot be read.", error.what) from error
        return
    try:
        async with asyncio.timeout(ERROR_TIME):
            text = await read_whole(response)
    except (aiohttp.ClientError, TimeoutError):
        text = b""  # the status says enough
    made = translate.translate_error(response.status, hidden(text, secret), spoken, other)
    await own_answer(
        back, response.status, reason_of(response, secret), made, [*theirs(response, secret), *more]
    )


def _nothing(tried: list[str], *, late: bool) -> Refused:
    """No upstream answered: 504 Gateway Timeout when the last was late, else 502 Bad Gateway."""
    what = "SkillClaw got no answer from the upstream."
    todo = "Check the network and the upstream's settings (skillclaw config show)."
    return Refused(504 if late else 502, what, f"Tried {'; '.join(tried)}.", todo)
