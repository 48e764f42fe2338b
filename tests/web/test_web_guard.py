"""What no request gets past: hosts, origins, tokens, paths, methods; and what each answer has."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from dashboard_house import Dash, Page, Visitor, dashboard

from skillclaw.web.pages import ROUTES
from skillclaw.web.site.login import make_link

FILL = re.compile(r"\{(\w+)(?::\w+)?\}")
ACTS = sorted(
    {FILL.sub("x", route.path) for route in ROUTES if "POST" in (route.methods or ())} | {"/leave", "/choose"}
)
"""The path of every action there is."""
SHOWN = sorted(
    {FILL.sub("x", route.path) for route in ROUTES if "GET" in (route.methods or ())} | {"/login", "/live"}
)


@pytest.fixture(scope="module")
def dash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dash]:
    with dashboard(tmp_path_factory.mktemp("guard") / ".skillclaw") as one:
        yield one


def acted(
    visitor: Visitor, path: str, token: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> Page:
    """An action as a page sends it, and the answer itself, not where it leads to."""
    sent = urlencode({"csrf": token}).encode() if body is None else body
    return visitor.ask("POST", visitor.base + path, sent, headers)


def raw(dash: Dash, text: str) -> str:
    """What comes back for these bytes, as it is; empty where the line is closed."""
    with socket.create_connection(("127.0.0.1", dash.serving.port), timeout=20) as line:
        line.sendall(text.encode("utf-8", "surrogateescape"))
        found = b""
        while part := line.recv(65_536):
            found += part
            if b"\r\n\r\n" in found:
                break
    return found.decode("utf-8", "replace")


def home_of(dash: Dash) -> dict[str, bytes]:
    """All that lies in SkillClaw's folder but for who is logged in, and what SQLite keeps beside a file."""
    return {
        str(path.relative_to(dash.home)): path.read_bytes()
        for path in dash.home.rglob("*")
        if path.is_file() and "dashboard" not in path.parts and not path.name.endswith(("-shm", "-wal"))
    }


@pytest.mark.parametrize("path", ACTS)
def test_an_action_needs_the_token_of_this_browsers_pages(dash: Dash, path: str) -> None:
    one, other = dash.visitor(), dash.visitor()
    before = home_of(dash)
    for token in ("", "0" * 64, other.csrf(), one.csrf()[:-1], one.csrf() + "0", one.csrf().upper()):
        assert acted(one, path, token).status == 403, token
    header = {"X-CSRF-Token": other.csrf()}
    assert acted(one, path, one.csrf(), header).status == 403, "a wrong token in the head counts"
    plain = f"csrf={one.csrf()}".encode()
    assert acted(one, path, "", {"Content-Type": "text/plain"}, plain).status == 403
    assert acted(one, path, "", {"Content-Type": "application/json"}, b"{}").status == 403
    assert acted(dash.stranger(), path, one.csrf()).status == 401
    assert home_of(dash) == before
    assert one.get("/").status == other.get("/").status == 200, "nobody was logged out"


@pytest.mark.parametrize("path", ACTS)
def test_an_action_comes_from_a_page_of_this_very_server(dash: Dash, path: str) -> None:
    one = dash.visitor()
    here = f"http://127.0.0.1:{dash.serving.port}"
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{dash.serving.port + 1}"},
        {"Origin": f"http://localhost:{dash.serving.port}"},
        {"Origin": f"{here}.evil.example"},
        {"Origin": "http://["},
        {"Origin": here, "Sec-Fetch-Site": "cross-site"},
        {"Origin": here, "Sec-Fetch-Site": "same-site"},
    ):
        assert acted(one, path, one.csrf(), headers).status == 403, headers
    assert one.get("/").status == 200


@pytest.mark.parametrize("path", [path for path in ACTS if path not in ("/leave", "/choose")])
def test_a_browser_that_may_only_look_changes_nothing(dash: Dash, path: str) -> None:
    one = dash.visitor(read_only=True)
    before = home_of(dash)
    page = one.post(path, {"name": "x", "note": "x", "confirm": "yes"})
    assert "may look and do nothing" in page.told
    assert home_of(dash) == before


@pytest.mark.parametrize("path", SHOWN)
def test_pages_are_for_who_is_logged_in(dash: Dash, path: str) -> None:
    page = dash.stranger().ask("GET", dash.base + path)
    assert page.status == (200 if path == "/login" else 401)
    assert "nav" not in {node.tag for node in page.html.find()}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:PORT", 200),
        ("localhost:PORT", 200),
        ("LOCALHOST.:PORT", 200),
        ("[::1]:PORT", 200),
        ("evil.example", 403),
        ("evil.example:PORT", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1@evil.example", 403),
        ("127.0.0.1:PORT:80", 403),
        ("0.0.0.0:PORT", 403),
        ("169.254.169.254", 403),
        ("", 403),
    ],
)
def test_a_name_that_leads_here_from_elsewhere_is_refused(dash: Dash, host: str, status: int) -> None:
    one = dash.visitor()
    given = host.replace("PORT", str(dash.serving.port))
    page = one.ask("GET", f"{dash.base}/", headers={"Host": given})
    assert page.status == status
    assert ("Skills" in page.body) == (status == 200)
    if status == 403:
        assert acted(one, "/leave", one.csrf(), {"Host": given}).status == 403


def test_one_host_and_one_meaning(dash: Dash) -> None:
    port, base = dash.serving.port, dash.base
    cookie = f"Cookie: skillclaw={dash.visitor().cookies['skillclaw']}\r\nConnection: close\r\n\r\n"
    ours = f"Host: 127.0.0.1:{port}\r\n"
    assert " 200 " in raw(dash, f"GET {base}/ HTTP/1.1\r\n{ours}{cookie}").splitlines()[0]
    for head in (
        f"GET {base}/ HTTP/1.1\r\n{ours}Host: evil.example\r\n",
        f"GET {base}/ HTTP/1.1\r\n",
        f"GET {base}/ HTTP/1.0\r\n",
        f"GET http://evil.example{base}/ HTTP/1.1\r\nHost: evil.example\r\n",
    ):
        assert re.match(r"HTTP/1\.1 40[0-9] ", raw(dash, head + cookie)), head


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get"])
def test_there_are_two_methods(dash: Dash, method: str) -> None:
    one = dash.visitor()
    for path in ("/", "/leave", "/live", "/static/app.css"):
        assert one.ask(method, dash.base + path).status in (400, 403, 405)
    assert one.get("/").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fsite%2fapp.py",
        "/static/%2e%2e%2fsite%2fapp.py",
        "/static/..%5csite%5capp.py",
        "/static/%252e%252e%252fapp.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/",
        "/static/.",
        "/static/..",
        "/static/app.css%00.txt",
        "/static/app.css/",
        "/static/__init__.py",
        "/static/" + "a" * 5000,
        "/%00",
        "/%ff%fe",
        "//",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/sessions/..%2f..%2fconfig.toml",
        "/skills/personal/..%2f..%2fconfig.toml",
        "/skills/..%2f..%2f/x",
        "/sessions/" + "9" * 9000,
        "/sessions/%3Cscript%3E",
        "/proposals/personal/%00",
        "/patterns/personal/%F0%9F%90%99",
    ],
)
def test_tricks_with_paths_find_nothing(dash: Dash, path: str) -> None:
    page = dash.visitor().ask("GET", dash.base + path)
    assert page.status in (400, 404), page.status
    for word in ("root:", "import annotations", "Traceback", "<script>alert"):
        assert word not in page.body


@pytest.mark.parametrize(
    "path",
    ["/", "/favicon.ico", "/login", "/static/app.css", "/0123456789abcdef/", "/0123456789abcdef/login"],
)
def test_nothing_is_told_to_who_does_not_know_the_path(dash: Dash, path: str) -> None:
    page = dash.visitor().ask("GET", path)
    assert page.status == 404
    assert dash.base.strip("/") not in page.body


def test_the_cookie_is_for_this_path_alone_and_for_no_script(dash: Dash) -> None:
    one = dash.stranger()
    page = one.ask("POST", f"{dash.base}/login", urlencode({"token": make_link(dash.home)}).encode())
    given = page.headers["set-cookie"].lower()
    assert f"path={dash.base}/" in given
    assert "httponly" in given and "samesite=strict" in given
    assert "domain" not in given


def test_a_cookie_that_another_port_set_does_not_come_before_ours(dash: Dash) -> None:
    cookie = dash.visitor().cookies["skillclaw"]
    for more in ("skillclaw=0123", "skillclaw=", "theme=dark"):
        headers = {"Cookie": f"skillclaw={cookie}; {more}"}
        assert dash.stranger().ask("GET", f"{dash.base}/", headers=headers).status == 200


def test_every_answer_tells_browsers_what_it_may_do(dash: Dash) -> None:
    one, stranger = dash.visitor(), dash.stranger()
    answers = [
        one.ask("GET", f"{dash.base}/"),
        one.ask("GET", f"{dash.base}/nothing"),
        one.ask("GET", f"{dash.base}/static/app.js"),
        one.ask("GET", f"{dash.base}/static/none.js"),
        one.ask("PUT", f"{dash.base}/"),
        one.ask("GET", "/elsewhere"),
        one.ask("GET", f"{dash.base}/", headers={"Host": "evil.example"}),
        acted(one, "/choose", one.csrf()),
        acted(one, "/choose", ""),
        stranger.ask("GET", f"{dash.base}/"),
        stranger.ask("GET", f"{dash.base}/live"),
        stranger.ask("GET", f"{dash.base}/login"),
        stranger.ask("POST", f"{dash.base}/login", b"token=wrong"),
    ]
    for page in answers:
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, page.url
        assert "unsafe" not in policy and "http" not in policy and "*" not in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["cross-origin-opener-policy"] == "same-origin"
        assert page.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in page.headers
        assert "server" not in page.headers
        asset = page.url.endswith("app.js")
        assert page.headers["cache-control"] == (
            "private, max-age=31536000, immutable" if asset else "no-store"
        )
