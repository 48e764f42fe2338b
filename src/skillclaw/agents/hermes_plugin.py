"""The plugin that `skillclaw connect` puts into Hermes' `plugins/skillclaw/`: three files.

Hermes loads it by `plugins.enabled` (run with 0.19.0). It names the session in the headers `x-session-id`
and, for a sub-agent, `x-parent-session-id` of requests to the model, by Hermes' own middleware
`llm_request`. With `from` in `route.json` it also sends Hermes' requests to that address to the proxy, so
that Hermes itself, which decides much by the address, sees no other; these go straight there, past a proxy
that `HTTP_PROXY` names, which would see the user's key. It needs nothing of SkillClaw's: where
the proxy is not there, requests go to the provider as without it.
"""

from __future__ import annotations

__all__ = ["CODE", "MANIFEST", "NAME"]

NAME = "skillclaw"
MANIFEST = """\
name: skillclaw
version: 1.0.0
description: Sends requests to the model through SkillClaw, and names the session in them
"""
CODE = '''\
"""Sends requests to the model through SkillClaw, and names the session in them; it changes nothing else.

`skillclaw connect hermes` put it here, and `skillclaw disconnect hermes` takes it away.
"""

import functools
import json
import pathlib

ROUTE = json.loads(pathlib.Path(__file__).with_name("route.json").read_text("utf-8"))
HERE, THERE = ROUTE.get("from", ""), ROUTE["to"]
_roots = {}


def note_child(parent_session_id="", child_session_id="", **_):
    if parent_session_id and child_session_id:
        _roots[child_session_id] = _roots.get(parent_session_id, parent_session_id)


def name_session(request=None, session_id="", base_url="", **_):
    if not isinstance(request, dict) or not session_id or not str(base_url).startswith(HERE or THERE):
        return None
    headers = dict(request.get("extra_headers") or {})
    headers["x-session-id"] = session_id
    if session_id in _roots:
        headers["x-parent-session-id"] = _roots[session_id]
    return {"request": {**request, "extra_headers": headers}, "source": "skillclaw"}


def _leads_there(url):
    return url == HERE or url.startswith((HERE + "/", HERE + "?"))


def _put_back(request, url, headers):
    request.url = url
    request.headers.clear()
    request.headers.update(headers)


def _sent(request):
    """The request on its way to the proxy, and what undoes that; None for one that goes elsewhere."""
    import httpx

    url = request.url
    if not _leads_there(str(url)):
        return None
    headers = httpx.Headers(request.headers)
    request.url = there = httpx.URL(THERE + str(url)[len(HERE) :])
    request.headers["host"] = there.netloc.decode("ascii")
    if "token" in ROUTE:
        for name in ("x-api-key", "x-goog-api-key", "api-key"):
            request.headers.pop(name, None)
        request.headers["authorization"] = "Bearer " + ROUTE["token"]
    return functools.partial(_put_back, request, url, headers)


def _reroute():
    import httpx

    send, send_async = httpx.Client.send, httpx.AsyncClient.send
    if hasattr(send, "skillclaw"):
        return

    @functools.wraps(send)
    def through(self, request, **how):
        undo = _sent(request)
        if undo is None:
            return send(self, request, **how)
        try:
            return send(self, request, **how)
        except httpx.ConnectError:
            if "token" in ROUTE:
                raise
            undo()
            return send(self, request, **how)

    @functools.wraps(send_async)
    async def through_async(self, request, **how):
        undo = _sent(request)
        if undo is None:
            return await send_async(self, request, **how)
        try:
            return await send_async(self, request, **how)
        except httpx.ConnectError:
            if "token" in ROUTE:
                raise
            undo()
            return await send_async(self, request, **how)

    def straight(kind):
        choose = kind._transport_for_url

        def transport(self, url):
            # A company's proxy for the web (HTTP_PROXY) must not see what is meant for this machine.
            return self._transport if str(url).startswith(THERE) else choose(self, url)

        kind._transport_for_url = transport

    straight(httpx.Client)
    straight(httpx.AsyncClient)
    through.skillclaw = True
    httpx.Client.send, httpx.AsyncClient.send = through, through_async


def register(ctx):
    ctx.register_middleware("llm_request", name_session)
    ctx.register_hook("subagent_start", note_child)
    if HERE:
        _reroute()
'''
