"""A dashboard that answers on loopback, and a browser without a screen: real HTTP, cookies, forms."""

from __future__ import annotations

import http.client
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from skillclaw.web.site.app import App, make_app
from skillclaw.web.site.login import make_link
from skillclaw.web.site.serving import Serving, listen, serve

VOID = {"input", "meta", "link", "img", "br", "hr", "source", "wbr", "col", "area", "base", "embed", "track"}


@dataclass
class Node:
    """An element: what it is, what stands in it."""

    tag: str
    attrs: dict[str, str]
    parent: Node | None = None
    children: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, with white space as one blank."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._texts()
                yield " "

    def find(self, tag: str = "", **attrs: str) -> list[Node]:
        """The elements in it with this tag and these attributes; `cls` is one of their classes."""
        found = []
        for child in self.children:
            if isinstance(child, Node):
                if (not tag or child.tag == tag) and child._has(attrs):
                    found.append(child)
                found += child.find(tag, **attrs)
        return found

    def one(self, tag: str = "", **attrs: str) -> Node:
        """The only such element."""
        found = self.find(tag, **attrs)
        assert len(found) == 1, f"{len(found)} of <{tag} {attrs}>"
        return found[0]

    def _has(self, attrs: Mapping[str, str]) -> bool:
        for name, value in attrs.items():
            if name == "cls":
                if value not in self.attrs.get("class", "").split():
                    return False
            elif self.attrs.get(name.rstrip("_").replace("_", "-")) != value:
                return False
        return True


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("", {})
        self._at = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, self._at)
        self._at.children.append(node)
        if tag not in VOID:
            self._at = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._at.children.append(Node(tag, {name: value or "" for name, value in attrs}, self._at))

    def handle_endtag(self, tag: str) -> None:
        node: Node | None = self._at
        while node is not None and node.tag != tag:
            node = node.parent
        if node is not None and node.parent is not None:
            self._at = node.parent

    def handle_data(self, data: str) -> None:
        self._at.children.append(data)


@dataclass
class Page:
    """What came back: `html` is parsed, `url` where it came from after redirects."""

    status: int
    headers: Mapping[str, str]
    body: str
    url: str

    @property
    def html(self) -> Node:
        """The elements of the page."""
        tree = _Tree()
        tree.feed(self.body)
        return tree.root

    @property
    def text(self) -> str:
        """All that is to be read in <main>."""
        return self.html.one("main").text

    @property
    def told(self) -> str:
        """What the page tells once, after an action."""
        return " ".join(one.text for one in self.html.find("div", cls="flash"))


@dataclass
class Visitor:
    """A browser of the dashboard on `port` below `base`."""

    port: int
    base: str
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Page:
        """One request, as it is; cookies are kept."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        given = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())} if self.cookies else {}
        given |= self.headers | dict(headers or {})
        if method == "POST":
            given.setdefault("Content-Type", "application/x-www-form-urlencoded")
        try:
            line.request(method, path, body or None, given)
            answer = line.getresponse()
            text = answer.read().decode("utf-8")
            for name, value in answer.getheaders():
                if name.lower() == "set-cookie":
                    key, _, rest = value.partition("=")
                    self.cookies[key] = rest.partition(";")[0]
            return Page(answer.status, {k.lower(): v for k, v in answer.getheaders()}, text, path)
        finally:
            line.close()

    def get(self, path: str, **query: Any) -> Page:
        """A page; `path` is below the base (`/skills`) or whole."""
        return self._follow(self.ask("GET", self._whole(path) + (f"?{urlencode(query)}" if query else "")))

    def post(self, path: str, fields: Mapping[str, str] | None = None, csrf: str | None = None) -> Page:
        """An action, with the token that pages have (or another), and where it leads to."""
        token = self.csrf() if csrf is None else csrf
        body = urlencode({"csrf": token} | dict(fields or {})).encode()
        return self._follow(self.ask("POST", self._whole(path), body))

    def submit(self, form: Node, **fields: str) -> Page:
        """Send a form of a page as it stands, with `fields` in place of its own."""
        given = {
            one.attrs["name"]: one.attrs.get("value", "")
            for one in form.find("input")
            if "name" in one.attrs
            and (one.attrs.get("type") not in ("checkbox", "radio") or "checked" in one.attrs)
        }
        given |= {one.attrs["name"]: one.text for one in form.find("textarea")}
        buttons = [one for one in form.find("button") if "name" in one.attrs]
        if len(buttons) == 1:
            given[buttons[0].attrs["name"]] = buttons[0].attrs.get("value", "")
        given |= fields
        if form.attrs.get("method", "get").lower() == "post":
            return self._follow(self.ask("POST", form.attrs["action"], urlencode(given).encode()))
        return self.get(form.attrs["action"], **given)

    def csrf(self) -> str:
        """The token that this browser's pages have."""
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.get("/nothing").body)
        assert found, "this browser is not logged in"
        return found[1]

    def _follow(self, page: Page) -> Page:
        while page.status == 303:
            page = self.ask("GET", urlsplit(page.headers["location"]).path + _query(page.headers["location"]))
        return page

    def _whole(self, path: str) -> str:
        return path if path.startswith(f"{self.base}/") else self.base + path


def _query(url: str) -> str:
    found = urlsplit(url).query
    return f"?{found}" if found else ""


@dataclass
class Dash:
    """A running dashboard of the home `home`."""

    home: Path
    app: App
    serving: Serving

    @property
    def base(self) -> str:
        """The first part of every path."""
        return self.app.site.base

    def visitor(self, *, read_only: bool = False, language: str = "en") -> Visitor:
        """A browser that logged in by a link of its own."""
        one = self.stranger(language)
        token = make_link(self.home, read_only=read_only)
        page = one.ask("POST", f"{self.base}/login", urlencode({"token": token}).encode())
        assert page.status == 303, page.status
        return one

    def stranger(self, language: str = "en") -> Visitor:
        """A browser that is not logged in."""
        return Visitor(self.serving.port, self.base, headers={"Accept-Language": language})


@contextmanager
def dashboard(home: Path, environ: Mapping[str, str] | None = None) -> Iterator[Dash]:
    """The dashboard of the SkillClaw home `home`, on a port of its own."""
    app = make_app(home, os.environ if environ is None else environ)
    serving = serve(app, listen(0))
    try:
        yield Dash(home, app, serving)
    finally:
        serving.end()
