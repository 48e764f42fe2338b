"""A browser without a screen: cookies, the forms and links of pages, and the time of each request."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

from skillclaw.errors import SkillClawError

__all__ = ["Form", "Reply", "Visitor", "forms_in", "links_in"]

FILLED = "because"
"""What is written where a form asks for words."""


@dataclass
class Form:
    """A form that acts: where it is sent to, its fields, its button's words."""

    action: str
    label: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """An answer and the seconds until it was whole."""

    status: int
    seconds: float
    text: str
    location: str


@dataclass
class Visitor:
    """Logs in by `link`; `root` is the path that all pages are below."""

    link: str
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.link)
        self.root = parts.path.removesuffix("/login")
        self._line = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=60)
        if self.ask("POST", f"{self.root}/login", {"token": parts.fragment}).status != 303:
            raise SkillClawError("The dashboard let nobody in.", "Its own link did not log in.")

    def close(self) -> None:
        """Let go of the connection."""
        self._line.close()

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> Reply:
        """One request."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(fields).encode()
        began = time.perf_counter()
        try:
            self._line.request(method, path, body, headers)
            answer = self._line.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError):  # it had nothing to do for a while
            self._line.close()
            began = time.perf_counter()
            self._line.request(method, path, body, headers)
            answer = self._line.getresponse()
        text = answer.read().decode("utf-8")
        seconds = time.perf_counter() - began
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return Reply(answer.status, seconds, text, answer.getheader("location") or "")

    def page(self, path: str) -> Reply:
        """The page at a path below the root. SkillClawError where there is none."""
        reply = self.ask("GET", self.root + path)
        if reply.status != 200:
            raise SkillClawError(f"The page {path} answered {reply.status}.")
        return reply

    def act(self, form: Form) -> tuple[Reply, float]:
        """Send a form; the answer, and the seconds until the page that it leads to was whole as well."""
        reply = self.ask("POST", form.action, form.fields)
        if reply.status != 303:
            raise SkillClawError(f"The action {form.label!r} answered {reply.status}.")
        after = self.ask("GET", reply.location)
        return reply, reply.seconds + after.seconds


def forms_in(text: str) -> list[Form]:
    """The forms of a page's main part that act, each once for each of its buttons."""
    reader = _Reader()
    reader.feed(text)
    return [one for one in reader.forms if one.label]


def links_in(text: str) -> list[str]:
    """Where the links of a page's main part lead, in order."""
    reader = _Reader()
    reader.feed(text)
    return reader.links


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._in_main = False
        self._now: Form | None = None
        self._button: dict[str, str] | None = None
        self._words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "main":
            self._in_main = True
        if not self._in_main:
            return
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form" and given.get("method", "").lower() == "post":
            self._now = Form(given.get("action", ""))
        elif self._now is not None and "name" in given and tag in ("input", "textarea", "select"):
            kind = given.get("type", "text")
            if kind not in ("checkbox", "radio") or "checked" in given:
                self._now.fields[given["name"]] = given.get("value") or ("" if tag == "select" else FILLED)
        elif self._now is not None and tag == "button" and "disabled" not in given:
            self._button, self._words = given, ""

    def handle_data(self, data: str) -> None:
        self._words += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self._in_main = False
        elif tag == "button" and self._now is not None and self._button is not None:
            more = {self._button["name"]: self._button.get("value", "")} if "name" in self._button else {}
            self.forms.append(Form(self._now.action, " ".join(self._words.split()), self._now.fields | more))
            self._button = None
        elif tag == "form":
            self._now = None
