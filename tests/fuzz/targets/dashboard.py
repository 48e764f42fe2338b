"""Requests to the dashboard: paths, queries, cookies, languages, logins and forms, of a logged-in browser.

A request is lines (`fuzzing.asgi`). `@` in a path stands for the dashboard's first part, `COOKIE` and `CSRF`
for what this browser has. Actions that would start programs or change other programs' files are left out.
"""

from __future__ import annotations

import re
from functools import cache

from fuzzing.asgi import Client, asked
from fuzzing.folder import made

INSTRUMENT = ("skillclaw.web",)
MOST_BYTES = 8192
DICT = (
    b"GET @/",
    b"POST @/choose",
    b"POST @/leave",
    b"POST @/login",
    b"cookie: skillclaw=COOKIE",
    b"csrf=CSRF",
    b"&back=@/",
    b"content-type: application/x-www-form-urlencoded",
    b"content-type: multipart/form-data; boundary=b",
    b"--b\r\n",
    b'Content-Disposition: form-data; name="csrf"\r\n\r\nCSRF',
    b"accept-language: zh;q=1e999",
    b"?page=",
    b"?before=",
    b"?show=",
    b"?q=",
    b"?agent=",
    b"?from=",
    b"%00",
    b"%ed%a0%80",
    b"/skills/own/x/diff",
    b"/sessions/x/atif",
    b"hx-request: true",
    b"/settings/change",
    b"key=gate.policy&value=",
    b"/proposals/own/x/vote",
    b"/group/own/set",
)
LEFT = re.compile(
    r"/(jobs/.*/begin|settings/agents.*|settings/share|settings/doctor|agents|live|group/(join|found)|demo.*)\Z"
)
"""Paths that start children, look at programs of the machine, reach out, or answer without an end."""


class House:
    """A dashboard of an empty home, and a browser that is logged in there."""

    def __init__(self) -> None:
        from skillclaw.web.site import app as app_module
        from skillclaw.web.site.login import Logins, make_link

        folder = made()
        home = folder / "home"
        environ = {"HOME": str(folder), "PATH": ""}
        self.home, self.app = home, app_module.make_app(home, environ)
        self.base = self.app.site.base
        self.logins = Logins(home, 12)
        self.link = make_link
        self.client = Client(self.app, app_module)
        self.login()

    def login(self) -> None:
        """Logs the browser in, anew where it left."""
        cookie = self.logins.enter(self.link(self.home))
        assert cookie is not None
        browser = self.logins.browser(cookie)
        assert browser is not None
        self.cookie, self.csrf = cookie, browser.csrf


@cache
def house() -> House:
    """The one house of this process."""
    return House()


def once(data: bytes) -> None:
    """Every request has an answer, and none is an error that nobody expected."""
    at = house()
    if at.logins.browser(at.cookie) is None:
        at.login()
    data = (
        data.replace(b"@", at.base.encode())
        .replace(b"COOKIE", at.cookie.encode())
        .replace(b"CSRF", at.csrf.encode())
    )
    one = asked(data, path=f"{at.base}/")
    if LEFT.search(one.target.partition("?")[0].rstrip("/").removeprefix(at.base) or "/"):
        return
    names = {name for name, _ in one.headers}
    if b"host" not in names:
        one.headers.append((b"host", b"127.0.0.1"))
    if b"content-length" not in names and one.method == "POST":
        one.headers.append((b"content-length", str(len(one.body)).encode()))
    at.client.send(one)
    assert one.status != 500
