"""One request of a browser that is logged in, as a page sees it, and what a page can answer.

A page is a function of an `Ask`: `page` registers one that shows, `act` one that changes something. An act
has been shown the page's own token before it is called, and is refused where the browser may only read. Both
run in threads, so they may wait for disks and hubs.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import anyio.to_thread
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from skillclaw import __version__
from skillclaw.errors import (
    BadInputError,
    BusyError,
    SkillClawError,
    StorageError,
    UsageError,
    VerifyError,
)
from skillclaw.extras import install
from skillclaw.web.site import tour
from skillclaw.web.site.filters import zone
from skillclaw.web.site.house import House
from skillclaw.web.site.language import LANGUAGES, Language, Translate, translator
from skillclaw.web.site.login import Browser
from skillclaw.web.site.rendering import asset, environment

__all__ = [
    "BROWSER",
    "DEMO",
    "NAVIGATION",
    "SITE",
    "Ask",
    "Flash",
    "Handler",
    "Site",
    "act",
    "checked",
    "error_page",
    "no_login",
    "page",
]

log = logging.getLogger("skillclaw.web")
Handler = Callable[["Ask"], Response]
BROWSER = "skillclaw.browser"
"""Key of the scope: the browser that is logged in, or None."""
SITE = "skillclaw.site"
DEMO = "skillclaw.demo"
"""Key of the scope: whether there is a demo that can be looked at."""

NAVIGATION = (
    ("home", "Home"),
    ("skills", "Skills"),
    ("proposals", "Proposals"),
    ("patterns", "Patterns"),
    ("sessions", "Sessions"),
    ("group", "Group"),
    ("settings", "Settings"),
)
"""The pages by the name of their route."""

STATUS: tuple[tuple[type[SkillClawError], int], ...] = (
    (UsageError, 400),
    (BadInputError, 404),
    (BusyError, 409),
    (StorageError, 503),
    (VerifyError, 502),
)
WRITTEN = ("text", "note", "why")
"""Fields in which people write at length."""
FLASHES = 200
"""Messages that wait for their browser, of all browsers."""


@dataclass(frozen=True)
class Flash:
    """What a page tells once, after an action: what, why and what to do, and whether it went wrong; `typed`
    is what somebody wrote in vain, to be copied."""

    what: str
    why: str = ""
    todo: str = ""
    wrong: bool = False
    typed: str = ""


@dataclass
class Site:
    """What all requests of one dashboard share. `base`: the first part of every path, as `/0123abcd`; of the
    demo's pages it is longer than that of the whole dashboard, `root`."""

    house: House
    base: str
    root: str = ""
    flashes: dict[str, list[Flash]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root = self.root or self.base

    def tell(self, browser: Browser, flash: Flash) -> None:
        """Have the browser's next page tell this."""
        self.flashes.setdefault(browser.id, []).append(flash)
        while len(self.flashes) > FLASHES:
            self.flashes.pop(next(iter(self.flashes)))


@dataclass(frozen=True)
class Ask:
    """One request. `form` is empty unless it acts; `files` are uploads."""

    request: Request
    site: Site
    browser: Browser
    language: Language
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def house(self) -> House:
        """The machine behind the pages."""
        return self.site.house

    @property
    def query(self) -> Mapping[str, str]:
        """What stands behind the `?`."""
        return self.request.query_params

    @property
    def path(self) -> Mapping[str, str]:
        """The named parts of the route's path."""
        return self.request.path_params

    @property
    def t(self) -> Translate:
        """Writes a text in the reader's language."""
        return translator(self.language)

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number of the query, within bounds; the default where it is none."""
        given = self.query.get(name, "")
        value = int(given) if given.isascii() and given.isdigit() and len(given) < 16 else default
        return max(least, min(most, value))

    def url(self, route: str, /, **parts: Any) -> str:
        """The path of a route. What the route does not name goes behind a `?`; None is left out."""
        return _url(self.request, route, parts)

    def url_or(self, default: str, route: str, /, **parts: Any) -> str:
        """The path of a route, or the default where there is no such page."""
        return self.url(route, **parts) if route in self.request.scope["skillclaw.parameters"] else default

    def render(self, template: str, /, status: int = 200, **values: Any) -> HTMLResponse:
        """A page. Templates have `t`, `url`, `csrf`, `ask` and what `values` says."""
        known = {
            "t": self.t,
            "url": self.url,
            "url_or": self.url_or,
            "csrf": self.browser.csrf,
            "read_only": self.browser.read_only,
            "flashes": [] if self._partial else self.site.flashes.pop(self.browser.id, []),
            "here": self.here,
            "demo": self.house.demo,
            "demo_there": self.request.scope.get(DEMO, False),
            "tour": tour.stop_of(self) if self.house.demo else None,
            **_frame(self.request, self.site, self.language),
        }
        text = environment().get_template(template).render(**(known | values))
        return HTMLResponse(text, status)

    @property
    def _partial(self) -> bool:
        """Whether only a part of the page is taken, so that what is told once would be lost."""
        headers = self.request.headers
        return headers.get("hx-request") == "true" and headers.get("hx-boosted") != "true"

    @property
    def here(self) -> str:
        """The address of this page, as a form's `back` has it."""
        asked = self.request.url.query
        return f"{self.site.base}{self.request.scope['path']}{f'?{asked}' if asked else ''}"

    def go(self, route: str, /, told: str = "", **parts: Any) -> Response:
        """Go on to a route after an action; `told` is shown there, in the reader's language already."""
        if told:
            self.site.tell(self.browser, Flash(told))
        return RedirectResponse(self.url(route, **parts), 303)

    def back(self, told: str = "") -> Response:
        """Go back to the page that the form was on (its field `back`), else home."""
        if told:
            self.site.tell(self.browser, Flash(told))
        return RedirectResponse(self._back(), 303)

    def _back(self) -> str:
        # what begins with our own path names no other host
        given = self.form.get("back", "")
        mine = given.startswith(f"{self.site.base}/") and "\\" not in given and given.isprintable()
        return given if mine else self.url("home")

    def failed(self, error: SkillClawError) -> Response:
        """Go back and tell what went wrong."""
        self.site.tell(
            self.browser, Flash(error.what, error.why, error.todo, wrong=True, typed=_typed(self.form))
        )
        return RedirectResponse(self._back(), 303)


def page(path: str, name: str, show: Handler) -> Route:
    """The route of a page that shows something and changes nothing."""

    async def answer(request: Request) -> Response:
        ask = _asked(request)
        if ask is None:
            return no_login(request)
        try:
            return await run_in_threadpool(show, ask)
        except SkillClawError as error:
            return error_page(ask, error)
        except ModuleNotFoundError as error:
            return error_page(ask, _missing(ask, error), 501)

    return Route(path, answer, methods=["GET"], name=name)


def act(path: str, name: str, do: Handler) -> Route:
    """The route of an action. What goes wrong is told on the page that it came from."""

    async def answer(request: Request) -> Response:
        ask = _asked(request)
        async with request.form(max_files=20, max_fields=1000, max_part_size=1 << 20) as given:
            form = _texts(given)
        if ask is None:
            return no_login(request, typed=_typed(form))
        sent = request.headers.get("x-csrf-token", "") or form.get("csrf", "")
        if not hmac.compare_digest(sent.encode(), ask.browser.csrf.encode()):
            refused = SkillClawError(ask.t("The request does not come from a page of this dashboard."))
            return await run_in_threadpool(error_page, ask, refused, 403, _typed(form))
        ask = Ask(ask.request, ask.site, ask.browser, ask.language, form)
        if ask.browser.read_only and name not in ("leave", "choose"):
            return ask.failed(
                UsageError(
                    ask.t("This browser may look and do nothing."),
                    "",
                    ask.t("For a link that may act: skillclaw dashboard"),
                )
                if not ask.house.demo
                else UsageError(ask.t("The demo can only be looked at."))
            )
        try:
            answer = await anyio.to_thread.run_sync(do, ask)
        except SkillClawError as error:
            answer = ask.failed(error)
        except ModuleNotFoundError as error:
            answer = ask.failed(_missing(ask, error))
        ask.house.fresh()
        return answer

    route = Route(path, answer, methods=["POST"], name=name)
    _ACTS.add(answer)
    return route


_ACTS: set[Callable[..., Any]] = set()


def checked(route: Route) -> bool:
    """Whether a route that takes more than GET was made by `act`, which asks for the page's own token."""
    return (route.methods or set()) <= {"GET", "HEAD"} or route.endpoint in _ACTS


def error_page(ask: Ask, error: SkillClawError, status: int | None = None, typed: str = "") -> Response:
    """A page that tells an error; `typed`: what was written in vain."""
    code = status or next((code for kind, code in STATUS if isinstance(error, kind)), 500)
    if code >= 500:
        log.warning("%s: %s %s", ascii(ask.request.url.path[:200]), ascii(error.what), ascii(error.why))
    return ask.render("error.html", status=code, error=error, page="", typed=typed)


def _missing(ask: Ask, error: ModuleNotFoundError) -> SkillClawError:
    """What to install, where this machine has only a client's packages."""
    if (error.name or "").partition(".")[0] == "skillclaw":
        raise error
    return UsageError(
        ask.t("This needs more packages."),
        ask.t("{name} is not installed.", name=error.name or "?"),
        ask.t("Say: {command}", command=install("evolve")),
    )


def no_login(request: Request, *, status: int = 401, typed: str = "") -> Response:
    """What a browser gets that is not logged in: how to, and what it wrote in vain. With 403 or 429, that its
    token is none."""
    site: Site = request.scope[SITE]
    language: Language = request.scope["skillclaw.language"]
    values = _frame(request, site, language) | {
        "t": translator(language),
        "url": lambda route, /, **parts: _url(request, route, parts),
    }
    refused = status in (403, 429)
    text = environment().get_template("login.html").render(**values, refused=refused, typed=typed)
    return HTMLResponse(text, status)


def _asked(request: Request) -> Ask | None:
    browser: Browser | None = request.scope.get(BROWSER)
    if browser is None:
        return None
    return Ask(request, request.scope[SITE], browser, request.scope["skillclaw.language"])


def _frame(request: Request, site: Site, language: Language) -> dict[str, Any]:
    return {
        "asset": lambda name: f"{site.root}/{asset(name)}",
        "root": site.root,
        "language": language,
        "languages": LANGUAGES,
        "theme": request.scope["skillclaw.theme"],
        "navigation": [one for one in NAVIGATION if not (site.house.demo and one[0] == "settings")],
        "version": __version__,
        "zone": zone(),
    }


def _url(request: Request, route: str, parts: Mapping[str, Any]) -> str:
    names = request.scope["skillclaw.parameters"].get(route, frozenset())
    # names come from sessions and hubs, and may be anything: the worst is a link that leads nowhere
    inner = {name: quote(str(value), safe="") or "-" for name, value in parts.items() if name in names}
    outer = {name: str(value) for name, value in parts.items() if name not in names and value is not None}
    path = str(request.app.url_path_for(route, **inner))
    site: Site = request.scope[SITE]
    return f"{site.base}{path}" + (f"?{urlencode(outer)}" if outer else "")


def _typed(form: Mapping[str, str]) -> str:
    """What somebody wrote in a form, to be given back where nothing came of it."""
    return "\n\n".join(text for name in WRITTEN if (text := form.get(name, "").strip()))


def _texts(form: FormData) -> dict[str, str]:
    """The fields of a form; the last of a name counts. Files are not taken."""
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}
