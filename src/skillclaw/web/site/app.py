"""The dashboard as an ASGI application: guard, login, pages, assets, news."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skillclaw.errors import SkillClawError, UsageError
from skillclaw.log_format import tell_unexpected
from skillclaw.settings import load
from skillclaw.web.pages import ROUTES
from skillclaw.web.site.ask import BROWSER, DEMO, SITE, Ask, Site, act, checked, error_page, no_login
from skillclaw.web.site.demo import PREFIX, Demo
from skillclaw.web.site.guard import Guard
from skillclaw.web.site.house import House
from skillclaw.web.site.language import LANGUAGES, chosen
from skillclaw.web.site.live import News
from skillclaw.web.site.login import Logins, base_path
from skillclaw.web.site.rendering import STATIC

__all__ = ["COOKIE", "App", "make_app"]

log = logging.getLogger("skillclaw.web")

COOKIE = "skillclaw"
THEMES = ("auto", "light", "dark")
YEAR = 31_536_000
TRIES = 20
"""Wrong tokens that are answered in a minute; more are told to wait. A right one is let in all the same."""
OWN = ("/leave", "/choose")
"""What a browser does for itself, on the demo's pages too."""
BROKEN = "The dashboard met an error that it did not expect. See: skillclaw logs dashboard\n"
ASSETS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}


class App:
    """The application. `close` ends the streams of news, so that the server can end; `busy` says whether a
    page is open or was asked for within the last `seconds`."""

    def __init__(self, whole: ASGIApp, site: Site, news: News) -> None:
        self.site = site
        self._whole = whole
        self._news = news
        self._last = time.monotonic()
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        self._open += 1
        try:
            await self._whole(scope, receive, sent)
        except Exception as error:
            # What the server would log of it has the error's text, and so maybe what a session says.
            if not begun:
                tell_unexpected(log, error, str(scope.get("path", "")))
                await PlainTextResponse(BROKEN, 500)(scope, receive, send)
        finally:
            self._open -= 1
            self._last = time.monotonic()

    def busy(self, seconds: float) -> bool:
        """Whether somebody looks, or did within these seconds; or what somebody began still runs."""
        return self._open > 0 or time.monotonic() - self._last < seconds or self.site.house.jobs.running()

    def close(self) -> None:
        """End the streams of news, and the jobs."""
        self._news.close()
        self.site.house.jobs.end()


def make_app(home: Path, environ: Mapping[str, str], *, hosts: Collection[str] = ()) -> App:
    """The dashboard of the machine whose SkillClaw lives in `home`. Raises StorageError, BadInputError."""
    settings = load(home, environ).dashboard
    logins = Logins(home, settings.hours)
    site = Site(house=House(home, environ), base=f"/{base_path(home)}")
    news = News()
    routes = [
        *ROUTES,
        Route("/login", _show_login, methods=["GET"], name="login"),
        Route("/login", _enters(logins), methods=["POST"], name="enter"),
        act("/leave", "leave", _leaves(logins)),
        act("/choose", "choose", _choose),
        Route("/live", news.endpoint, methods=["GET"], name="live"),
        Route("/static/{name}", _static, methods=["GET"], name="static"),
    ]
    unchecked = [route.name for route in routes if not checked(route) and route.name != "enter"]
    assert not unchecked, f"these take actions and ask for no token: {unchecked}"
    pages = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _refused, Exception: _broken},  # type: ignore[dict-item]
    )
    pages.router.redirect_slashes = False  # it would lead to a path without the base
    parameters = {route.name: frozenset(route.param_convertors) for route in routes}
    inner = _Entry(pages, site, logins, parameters, lambda: settings.language)
    return App(Guard(inner, hosts), site, news)


class _Entry:
    """Finds out whose request it is, and in which language and colours it is answered."""

    def __init__(
        self,
        app: ASGIApp,
        site: Site,
        logins: Logins,
        parameters: Mapping[str, frozenset[str]],
        language: Callable[[], str],
    ) -> None:
        self.app = app
        self._site = site
        self._demo = Demo(site)
        self._logins = logins
        self._parameters = parameters
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        base = self._site.base
        if not scope["path"].startswith(f"{base}/"):
            text = "This is SkillClaw's dashboard. A link that opens it: skillclaw dashboard\n"
            await PlainTextResponse(text, 404)(scope, receive, send)
            return
        request = Request(scope)
        cookies = _cookies(request)
        cookie = cookies.get(COOKIE, "")
        browser = await run_in_threadpool(self._logins.browser, cookie) if cookie else None
        theme = cookies.get("theme", "")
        site, path = self._site, scope["path"].removeprefix(base)
        if path == PREFIX or path.startswith(f"{PREFIX}/"):
            demo = await run_in_threadpool(self._demo.site)
            path = path.removeprefix(PREFIX) or "/"
            if demo is None or path.startswith("/settings"):  # which tell of this machine
                await RedirectResponse(f"{base}{path if demo else '/'}", 303)(scope, receive, send)
                return
            site = demo
            if browser is not None and path not in OWN:
                browser = replace(browser, read_only=True)
        seen = {
            "path": path,
            BROWSER: browser,
            SITE: site,
            DEMO: await run_in_threadpool(self._demo.there),
            "skillclaw.parameters": self._parameters,
            "skillclaw.theme": theme if theme in THEMES else "auto",
            "skillclaw.language": chosen(
                cookies.get("language", ""),
                self._language(),
                request.headers.get("accept-language", ""),
            ),
        }
        await self.app({**scope, **seen}, receive, send)


def _cookies(request: Request) -> dict[str, str]:
    """The first cookie of each name. Browsers send the one with the longest path first, which is ours: a page
    on another port of this host can set others, but does not know the path (RFC 6265, section 5.4)."""
    found: dict[str, str] = {}
    for header in request.headers.getlist("cookie"):
        for pair in header.split(";"):
            name, _, value = pair.partition("=")
            found.setdefault(name.strip(), value.strip())
    return found


async def _show_login(request: Request) -> Response:
    if request.scope[BROWSER] is not None:
        return RedirectResponse(f"{request.scope[SITE].base}/", 303)
    return no_login(request, status=200)


def _enters(logins: Logins) -> Any:
    wrong: deque[float] = deque(maxlen=TRIES)

    async def enter(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=4) as form:
            token = str(form.get("token", "")).strip()[:200]
        site: Site = request.scope[SITE]
        try:
            cookie = await run_in_threadpool(logins.enter, token)
        except SkillClawError as error:
            return PlainTextResponse(f"{error}\n", 503)
        if cookie is None:
            now = time.monotonic()
            many = len(wrong) == TRIES and now - wrong[0] < 60
            wrong.append(now)
            return no_login(request, status=429 if many else 403)
        there = RedirectResponse(f"{site.base}/", 303)
        there.set_cookie(COOKIE, cookie, path=f"{site.base}/", httponly=True, samesite="strict")
        return there

    return enter


def _leaves(logins: Logins) -> Any:
    def leave(ask: Ask) -> Response:
        if ask.form.get("all"):
            if ask.browser.read_only:
                raise UsageError(
                    ask.t("This browser may look and do nothing."),
                    ask.t("It can log itself out; not others."),
                )
            logins.leave_all()
        else:
            logins.leave(ask.browser)
        there = RedirectResponse(f"{ask.site.root}/login", 303)
        there.delete_cookie(COOKIE, path=f"{ask.site.root}/", httponly=True, samesite="strict")
        return there

    return leave


def _choose(ask: Ask) -> Response:
    """The reader's language and colours, for this browser."""
    there = ask.back()
    for name, known in (("language", tuple(LANGUAGES)), ("theme", THEMES)):
        given = ask.form.get(name, "")
        if given in known:
            there.set_cookie(
                name, given, max_age=YEAR, path=f"{ask.site.root}/", httponly=True, samesite="strict"
            )
    return there


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    path = STATIC / name
    kind = ASSETS.get(path.suffix)
    if kind is None or name not in {one.name for one in STATIC.iterdir()}:
        raise HTTPException(404)
    return FileResponse(
        path, media_type=kind, headers={"Cache-Control": f"private, max-age={YEAR}, immutable"}
    )


async def _refused(request: Request, error: HTTPException) -> Response:
    browser = request.scope.get(BROWSER)
    if browser is None:
        return PlainTextResponse(f"{error.detail}\n", error.status_code)
    ask = Ask(request, request.scope[SITE], browser, request.scope["skillclaw.language"])
    what = ask.t("There is nothing at this address.") if error.status_code == 404 else error.detail
    return await run_in_threadpool(error_page, ask, SkillClawError(what), error.status_code)


async def _broken(request: Request, error: Exception) -> Response:
    tell_unexpected(log, error, request.url.path)
    return PlainTextResponse(BROKEN, 500)
