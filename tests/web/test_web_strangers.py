"""Who guesses, floods and waits: logins by force, huge and slow bodies, lines on which nothing comes."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from dashboard_house import Dash, dashboard

from skillclaw.web.site import guard
from skillclaw.web.site.app import TRIES, make_app
from skillclaw.web.site.login import make_link
from skillclaw.web.site.serving import CONNECTIONS, listen, serve

HEAD = 0.5


@pytest.fixture(scope="module")
def dash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dash]:
    """One that waits half a second for a head, and one for a body."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "BODY_SECONDS", 1.0)
        home = tmp_path_factory.mktemp("strangers") / ".skillclaw"
        app = make_app(home, {})
        serving = serve(app, listen(0), head_seconds=HEAD)
        try:
            yield Dash(home, app, serving)
        finally:
            serving.end()


def entered(dash: Dash, token: str) -> int:
    return dash.stranger().ask("POST", f"{dash.base}/login", urlencode({"token": token}).encode()).status


def line(dash: Dash) -> socket.socket:
    return socket.create_connection(("127.0.0.1", dash.serving.port), timeout=20)


def sent(dash: Dash, text: str) -> str:
    """The first line of the answer; empty where the connection was cut off instead."""
    with line(dash) as one:
        one.sendall(text.encode())
        try:
            return one.recv(4096).decode("ascii", "replace").partition("\r\n")[0]
        except ConnectionResetError:
            return ""


def test_who_guesses_is_told_to_wait_and_keeps_nobody_out(tmp_path: Path) -> None:
    with dashboard(tmp_path / ".skillclaw") as dash:
        right = make_link(dash.home)
        found = [entered(dash, f"{number}{right}") for number in range(TRIES + 10)]
        assert found[:TRIES] == [403] * TRIES
        assert found[TRIES:] == [429] * 10
        assert entered(dash, right) == 303
        assert entered(dash, right) == 429, "once"


def test_what_is_no_token_is_no_token(dash: Dash) -> None:
    names = [path.name for path in (dash.home / "dashboard").rglob("*")]
    for token in ("", " ", "..", "../base", "\x00", "\udcff".encode("utf-8", "replace").decode(), *names):
        assert entered(dash, token) in (403, 429)
    stranger = dash.stranger()
    for body in (
        b"",
        b"token",
        b"token[]=x",
        b"\xff\xfe",
        b"a=1&b=2&c=3&d=4&e=5",
        b"token=" + b"x" * 100_000,
    ):
        assert stranger.ask("POST", f"{dash.base}/login", body).status in (400, 403, 429)
    parts = {"Content-Type": "multipart/form-data; boundary=x"}
    file = b'--x\r\nContent-Disposition: form-data; name="token"; filename="a"\r\n\r\nx\r\n--x--\r\n'
    for body in (b"--x--", b"--x\r\n\r\n", b"no parts", file):
        assert stranger.ask("POST", f"{dash.base}/login", body, parts).status in (400, 403, 429)


def test_a_body_that_is_huge_or_has_no_length_is_not_read(dash: Dash) -> None:
    head = f"POST {dash.base}/login HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    for more in (
        f"Content-Length: {guard.MAX_BODY + 1}",
        f"Content-Length: {10**30}",
        "Content-Length: -1",
        "Transfer-Encoding: chunked",
        "X: y",
    ):
        assert sent(dash, f"{head}{more}\r\n\r\n").split(" ")[1] in ("400", "403"), more
    long = f"GET {dash.base}/{'a' * 40_000} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    assert sent(dash, long).split(" ")[1] in ("400", "404")
    many = "".join(f"X-{number}: {'y' * 100}\r\n" for number in range(400))
    long = f"GET {dash.base}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n{many}\r\n"
    assert sent(dash, long).split(" ")[1] in ("400", "401")


def test_a_body_that_does_not_come_is_not_waited_for(dash: Dash) -> None:
    began = time.monotonic()
    head = f"POST {dash.base}/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded\r\n"
    assert sent(dash, f"{head}{kind}\r\ntoken=").split(" ")[1] == "408"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("text", ["", "GET / HT", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "])
def test_a_head_that_does_not_come_is_cut_off(dash: Dash, text: str) -> None:
    began = time.monotonic()
    assert sent(dash, text) == ""
    assert HEAD * 0.5 < time.monotonic() - began < 10


def test_lines_on_which_nothing_comes_take_no_place_for_long(dash: Dash) -> None:
    idle = [line(dash) for _ in range(CONNECTIONS + 20)]
    try:
        until = time.monotonic() + 15
        visitor = dash.stranger()
        found = 0
        while found != 200 and time.monotonic() < until:
            try:
                found = visitor.ask("GET", f"{dash.base}/login").status
            except OSError:
                found = 0
            time.sleep(0.1)
        assert found == 200
    finally:
        for one in idle:
            one.close()
