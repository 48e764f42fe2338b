"""Where requests go: the proxy's state, and what becomes of a request by its target and its agent."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from skillclaw import __version__
from skillclaw.apart import Apart, find
from skillclaw.errors import SkillClawError
from skillclaw.journal.writer import JournalWriter
from skillclaw.proxy import ProxyConfig, heads, read_config
from skillclaw.proxy.counts import Counts
from skillclaw.proxy.desk import Asking, Desk, Page
from skillclaw.proxy.files import FULL, last_file
from skillclaw.proxy.front import Front
from skillclaw.proxy.heads import Failure
from skillclaw.proxy.http1 import RequestHead, split
from skillclaw.proxy.passage import Passage
from skillclaw.proxy.record import Draft
from skillclaw.proxy.roles import Handler
from skillclaw.proxy.standing import Standing
from skillclaw.proxy.upstream import KEEP_ALIVE, Upstream, make_connector
from skillclaw.proxy.whole import LARGEST_REQUEST, TOO_LARGE, Whole

if TYPE_CHECKING:
    from skillclaw.proxy.configured.service import Configured

__all__ = ["Proxy"]

log = logging.getLogger("skillclaw.proxy")
TEND = 0.5
"""Seconds between looks at timeouts and at the configuration file."""


class Proxy:
    """The state of a running proxy: upstreams, journal, requests under way."""

    def __init__(self, path: Path, config: ProxyConfig, journal: JournalWriter) -> None:
        self._path = path
        self._config = config
        self.journal = journal
        self._connector = make_connector()
        self.configured: Configured | None = None
        self._upstreams: dict[str, Upstream | str] = {}
        self._apart: dict[str, tuple[Apart, Upstream | str]] = {}
        self._modified = _modified(path)
        self.fronts: set[Front] = set()
        self.port = config.port
        self.under_way = 0
        self.draining = False
        self.last_file = last_file()
        self.refused = 0
        self.counts = Counts()
        self._desk = Desk({"/metrics": self._metrics, "/readyz": self._ready_or_not})
        self.take(config)

    def take(self, config: ProxyConfig) -> None:
        """Send requests where `config` says from now on; one that is no URL answers with the reason."""
        taken: dict[str, Upstream | str] = {}
        for agent, base in config.upstreams.items():
            taken[agent] = self._upstream(base, self._upstreams.get(agent))
        stay = {id(kept) for kept in taken.values()}
        for upstream in self._upstreams.values():
            if isinstance(upstream, Upstream) and id(upstream) not in stay:
                upstream.retire()
        self._upstreams = taken
        self._config = config
        if self.configured is not None:
            self.configured.take(config)
        elif config.routes:
            self._ready()

    def _ready(self) -> Configured:
        """The part that answers in configured mode and puts skills in. It needs an HTTP client of its own,
        which others need not load: agents that want skills put in are known before any of them is used."""
        if self.configured is None:
            from skillclaw.proxy.configured.service import Configured

            self.configured = Configured(self._config)
        return self.configured

    def _upstream(self, base: str, known: Upstream | str | None) -> Upstream | str:
        """The upstream at `base`, with the connections of `known` if that is the one; or why none."""
        try:
            if isinstance(known, Upstream) and known.base == base:
                upstream = known
            else:
                upstream = Upstream(base, self._connector, self._config.connect_timeout)
        except ValueError as error:
            return f"Its upstream is wrong: {error}."
        if upstream.local_port == self.port:
            return "Its upstream is this proxy itself: a request would go round for ever."
        return upstream

    def listens(self, port: int) -> None:
        """The port that the system gave."""
        self.port = port
        self.take(self._config)

    def _reload(self) -> None:
        """Read the upstreams again if the file changed; a broken file changes nothing."""
        modified = _modified(self._path)
        if modified != self._modified:
            self._modified = modified
            try:
                self.take(read_config(self._path))
            except SkillClawError as error:
                log.error("%s", error)
            except Exception:
                log.exception("the configuration could not be taken")

    def begin(self, front: Front, head: RequestHead) -> Handler | None:
        """Take a request up; None when it was answered at once (`front.Service`)."""
        target = head.target = heads.origin_form(head.target, self.port)
        if not heads.local(head.fields):
            front.refuse(head, _FOREIGN, drop=True)
            return None
        path = target.partition("?")[0]
        if path == "/healthz" and head.method in ("GET", "HEAD"):
            front.send(head, 200, self.health())
            return None
        if path in self._desk and head.method in ("GET", "HEAD"):
            return Asking(front, head, self._desk, path)
        if front.crowded:
            self.refused += 1
            front.refuse(head, FULL, drop=True)
            return None
        self._reload()  # what a command has just told counts from the next request on
        if head.method == "CONNECT":
            front.refuse(head, _NO_CONNECT, drop=True)
            return None
        agent, rest = _agent_of(target)
        apart, upstream = self._led(agent)
        agent = apart.agent if apart else agent
        routed = apart is None and agent in self._config.routes
        if routed or agent in self._config.inject:
            handler = self._whole(front, head, agent, rest, self._ready(), apart.url if apart else "")
            if handler is not None or routed:
                return handler
        if isinstance(upstream, Upstream):
            return Passage(front, head, upstream, agent, rest)
        nowhere = _nowhere(agent, upstream, self._agents())
        front.refuse(head, nowhere)
        return None

    def _led(self, prefix: str) -> tuple[Apart | None, Upstream | str | None]:
        """The upstream behind a prefix, or why there is none; of an agent's common prefix or of one apart."""
        if "." not in prefix:
            return None, self._upstreams.get(prefix)
        known = self._apart.get(prefix)
        if known is None:
            apart = find(Path(self._config.home), prefix)
            if apart is None:
                return None, None
            known = self._apart[prefix] = apart, self._upstream(apart.url, None)
        return known

    def _whole(
        self, front: Front, head: RequestHead, agent: str, rest: str, configured: Configured, url: str
    ) -> Handler | None:
        """A request that is answered in configured mode; None when it is not, or was refused. `url`: its
        upstream where that is one apart."""
        routed = not url and agent in self._config.routes
        if head.upgrades:
            if routed:
                front.refuse(head, _NO_WEBSOCKET, drop=True)
            return None
        headers = split(head.fields.lines)
        if not configured.takes(agent, head.method, rest, headers, url):
            return None
        if (head.fields.length or 0) > LARGEST_REQUEST:
            if routed:
                front.refuse(head, TOO_LARGE, drop=True)
            return None
        known = bool(url) or configured.knows(agent, rest, headers)
        return Whole(front, head, agent, rest, configured.answer, known=known, url=url)

    def keep(self, draft: Draft) -> None:
        """Record an exchange (`front.Service`)."""
        self.counts.ended(draft)
        self.journal.put(draft.build, draft.size)

    async def tend(self) -> None:
        """What is due from time to time: timeouts, idle connections, upstreams that changed."""
        while True:
            due = time.monotonic() + TEND
            await asyncio.sleep(TEND)
            now = time.monotonic()
            self.counts.late.add(max(0.0, now - due))
            for front in list(self.fronts):
                try:
                    front.check(now, self._config)
                except Exception:  # one connection must not cost all others their timeouts
                    log.exception("a connection is closed, since its state is wrong")
                    front.transport.abort()
            for upstream in self._reached():
                upstream.expire(now - KEEP_ALIVE)
            self._reload()

    def standing(self) -> Standing:
        """How it stands now."""
        wrong = {agent: one for agent, one in list(self._upstreams.items()) if isinstance(one, str)}
        return Standing(
            under_way=self.under_way - self._desk.asked,
            connections=len(self.fronts),
            most=self.last_file,
            refused=self.refused + self._starved(),
            upstreams=len(self._agents()) - len(wrong),
            wrong=wrong,
            draining=self.draining,
        )

    def _metrics(self) -> Page:
        from skillclaw.proxy.metrics import CONTENT_TYPE_LATEST, text

        home, parent = Path(self._config.home), self._config.parent
        return 200, text(self.counts, self.standing(), self.journal, home, parent), CONTENT_TYPE_LATEST

    def _ready_or_not(self) -> Page:
        from skillclaw.proxy.ready import stands

        found = stands(self.standing(), self.journal, Path(self._config.home), self._config.parent)
        return 200 if found.ready else 503, msgspec.json.encode(found), heads.JSON

    def health(self) -> bytes:
        """`GET /healthz`."""
        now = self.standing()
        return msgspec.json.encode(
            {
                "status": "draining" if self.draining else "ok",
                "version": __version__,
                "agents": self._agents(),
                "under_way": now.under_way,
                "connections": {
                    "open": now.connections,
                    "most": now.most,
                    "refused": now.refused,
                },
                "journal": self.journal.stats(),
            }
        )

    def _starved(self) -> int:
        return sum(one.starved for one in self._reached())

    def _reached(self) -> list[Upstream]:
        """The upstreams that requests may go to, those apart too."""
        known = [*self._upstreams.copy().values(), *(upstream for _, upstream in self._apart.copy().values())]
        return [one for one in known if isinstance(one, Upstream)]

    def _agents(self) -> list[str]:
        return sorted({*self._upstreams, *self._config.routes})

    async def close(self) -> None:
        """Close the connections to upstreams."""
        if self.configured is not None:
            await self.configured.close()
        for upstream in self._reached():
            upstream.retire()
        await self._connector.close()


_FOREIGN = Failure(
    403,
    "SkillClaw's proxy serves this machine only.",
    "The request names another host, or comes from a web page.",
    "Use http://127.0.0.1 and the proxy's port.",
)
_NO_WEBSOCKET = Failure(
    426,
    "SkillClaw's proxy speaks plain HTTP here.",
    "A configured upstream gets no WebSocket.",
    "Use HTTP with SSE.",
)
_NO_CONNECT = Failure(
    405,
    "SkillClaw's proxy is no proxy for whole connections.",
    "CONNECT asks for one.",
    "Use http://127.0.0.1:PORT/AGENT as the agent's base URL.",
)


def _agent_of(target: str) -> tuple[str, str]:
    """`/<agent>/<rest>` as (agent, "/<rest>"), the rest byte for byte."""
    if not target.startswith("/"):
        return "", target
    for at in range(1, len(target)):
        if target[at] in "/?":
            return target[1:at], target[at:]
    return target[1:], ""


def _nowhere(agent: str, why: str | None, agents: list[str]) -> Failure:
    if why is not None:
        return Failure(502, f"SkillClaw has no upstream for {agent}.", why, f"Set agents.{agent}.upstream.")
    known = ", ".join(agents) or "none"
    return Failure(
        404,
        "The URL does not begin with the name of an agent that SkillClaw forwards for.",
        f"Agents with an upstream: {known}.",
        "Use http://127.0.0.1:PORT/AGENT, or: skillclaw config set agents.NAME.upstream URL",
    )


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
