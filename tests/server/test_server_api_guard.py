"""Who may use the evolve server's API, and what a request may hold."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_house import TOKEN, House, house

OPEN = {"/healthz", "/readyz"}
GIVEN = {"hub": "team", "cycle": "c", "proposal": "p", "name": "s", "item": "i", "line": "1"}


def document() -> str:
    """The API's own."""
    from skillclaw.server.api.app import openapi_text  # slow to load

    return openapi_text()


def every_place() -> list[tuple[str, str]]:
    """Method and path of all that the API has."""
    paths = json.loads(document())["paths"]
    return [(method.upper(), path.format_map(GIVEN)) for path, item in paths.items() for method in item]


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("guard")) as made:
        yield made


def test_the_document_is_that_of_the_code() -> None:
    text = (Path(__file__).parents[2] / "docs" / "openapi.json").read_text("utf-8")
    assert text == document(), "run: make schemas"


@pytest.mark.parametrize(
    "token",
    ["", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer \xff\xfe"],
)
def test_nothing_answers_without_the_token(at: House, token: str) -> None:
    places = [
        *every_place(),
        ("GET", "/api/v1/none"),
        ("GET", "/docs"),
        ("OPTIONS", "/api/v1/status"),
        ("GET", "//"),
    ]
    for method, path in places:
        if path in OPEN:
            continue
        answer = at.ask(method, path, headers={"Authorization": token})
        assert (answer.status, set(answer.json)) == (401, {"what", "why", "todo"}), path
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_method_that_a_path_does_not_have(at: House) -> None:
    for path, allowed in (("groups/team/cycles", "GET, POST"), ("pause", "POST"), ("status", "GET")):
        answer = at.ask("DELETE", f"/api/v1/{path}")
        assert (answer.status, answer.headers["allow"]) == (405, allowed)


def test_two_tokens_are_none(at: House) -> None:
    with socket.create_connection(("127.0.0.1", at.running.port), timeout=10) as line:
        head = f"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        line.sendall(f"{head}Authorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n".encode())
        assert line.recv(4096).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:8790"}, 200),
        ({"Host": "127.0.0.1"}, 200),
        ({"Host": "[::1]:1"}, 200),
        ({"Host": "LOCALHOST."}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "localhost@evil.example"}, 403),
        ({"Host": "evil.example#localhost"}, 403),
        ({"Host": "evil.example@localhost"}, 403),
        ({"Host": "localhost/evil.example"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Host": "localhost:8790", "Origin": "http://localhost:8790"}, 200),
        ({"Host": "localhost:8790", "Origin": "http://localhost:9999"}, 403),
        ({"Host": "localhost:8790", "Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_host_and_origin(at: House, headers: dict[str, str], status: int) -> None:
    answer = at.ask("GET", "/api/v1/status", headers=headers)
    assert answer.status == status, answer.body
    assert "access-control-allow-origin" not in answer.headers


def test_every_answer_is_told_how_to_be_read(at: House) -> None:
    for path, token in (
        ("/api/v1/status", True),
        ("/api/v1/nothing", True),
        ("/healthz", False),
        ("/", False),
    ):
        answer = at.ask("GET", path, headers={} if token else {"Authorization": ""})
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


NAMES = ["..", "%2e%2e", "a%2fb", "..%2f..%2fetc%2fpasswd", "%00", "ü", "x" * 5000, "-rf", "A", "%ff"]
NAMES += ["personal"]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_none(at: House, name: str) -> None:
    path = name.encode("utf-8").decode("latin-1") if "%" not in name else name
    quoted = "".join(c if c.isascii() else f"%{ord(c):02X}" for c in path)
    for place in (
        f"groups/{quoted}",
        f"groups/{quoted}/proposals",
        f"groups/team/proposals/{quoted}",
        f"groups/team/proposals/{quoted}/evidence",
        f"groups/team/cycles/{quoted}",
        f"groups/team/skills/{quoted}",
        f"groups/team/skills/{quoted}/log",
        f"groups/team/skills/pip/items/{quoted}/why",
    ):
        answer = at.ask("GET", f"/api/v1/{place}")
        assert answer.status in (404, 422), (place, answer.status)
        assert set(answer.json) == {"what", "why", "todo"}
        assert len(answer.body) < 2000
    for place in (f"groups/{quoted}/cycles", f"groups/team/proposals/{quoted}/approve"):
        assert at.ask("POST", f"/api/v1/{place}").status in (404, 422)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=1e9",
        f"limit={10**30}",
        "after=-1",
        "after=x",
        f"after={2**70}",
        "status=no",
    ],
)
def test_queries_out_of_bounds(at: House, query: str) -> None:
    answer = at.ask("GET", f"/api/v1/groups/team/proposals?{query}")
    assert answer.status == 422 and "query." in answer.json["why"]


@pytest.mark.parametrize(
    ("raw", "headers", "status"),
    [
        (b"{", {}, 422),
        (b"[" * 60_000, {}, 400),
        (b"\xff\xfe", {}, 422),
        (b'{"dry_run": true, "shell": "rm"}', {}, 422),
        (b'{"engine": "../../x"}', {}, 422),
        (b"[]", {}, 422),
        (b'{"dry_run": 1}', {}, 422),
        (b'{"note": "' + b"x" * 70_000 + b'"}', {}, 413),
        (b"{}", {"Content-Type": "text/plain"}, 422),
        (b"{}", {"Idempotency-Key": "k" * 129}, 422),
        (b"{}", {"Idempotency-Key": "two words"}, 422),
    ],
)
def test_bodies_that_are_none(at: House, raw: bytes, headers: dict[str, str], status: int) -> None:
    answer = at.ask("POST", "/api/v1/groups/team/cycles", raw=raw, headers=headers)
    assert (answer.status, set(answer.json)) == (status, {"what", "why", "todo"}), answer.body
    assert at.get("groups/team/cycles")["items"] == []


def test_a_body_that_does_not_say_its_length_is_bounded_too(at: House) -> None:
    with socket.create_connection(("127.0.0.1", at.running.port), timeout=10) as line:
        head = "POST /api/v1/groups/team/cycles HTTP/1.1\r\nHost: localhost\r\n"
        head += f"Authorization: Bearer {TOKEN}\r\n"
        line.sendall(f"{head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(5):
            line.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
        assert line.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_no_secret_of_a_wrong_request_comes_back(at: House) -> None:
    secret = "s3cr" + "et-value"
    answer = at.ask("POST", "/api/v1/groups/team/cycles", {"engine": secret.upper() + "!"})
    assert answer.status == 422 and secret.upper().encode() not in answer.body
    answer = at.ask("GET", f"/api/v1/groups?limit={secret}")
    assert answer.status == 422 and secret.encode() not in answer.body


def test_a_fault_of_the_server_tells_nothing(
    at: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "the words of " + "a session"

    def broken() -> None:
        raise RuntimeError(secret)

    monkeypatch.setattr(at.service, "status", broken)
    answer = at.ask("GET", "/api/v1/status")
    assert answer.status == 500 and set(answer.json) == {"what", "why", "todo"}
    captured = capsys.readouterr()
    assert secret not in answer.body.decode() + captured.out + captured.err


def test_who_sends_no_request_takes_no_place_from_others(at: House) -> None:
    """Connections that send nothing, or half a request, need no token."""
    from skillclaw.server.api.run import CONNECTIONS, start

    running = start(at.app, "127.0.0.1", 0, head_seconds=0.4)
    lines: list[socket.socket] = []
    try:
        for begin in [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET"]:
            lines += [
                socket.create_connection(("127.0.0.1", running.port)) for _ in range(CONNECTIONS // 3 + 1)
            ]
            for line in lines[-CONNECTIONS // 3 - 1 :]:
                line.sendall(begin)
        time.sleep(1.2)
        with socket.create_connection(("127.0.0.1", running.port), timeout=10) as line:
            line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert line.recv(4096).startswith(b"HTTP/1.1 200 ")
    finally:
        for line in lines:
            line.close()
        running.server.should_exit = True
        running.thread.join(10)


def test_probes_of_a_storage_that_hangs_keep_nobody_from_an_answer(
    at: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at.ask("GET", "/readyz").json["ready"]
    over = threading.Event()
    monkeypatch.setattr(at.service, "groups", lambda: over.wait(20) and [])
    monkeypatch.setattr(at.app.api.ready, "fresh", 0.0)
    probes = [
        threading.Thread(target=at.ask, args=("GET", "/readyz"), kwargs={"headers": {"Authorization": ""}})
        for _ in range(60)
    ]
    try:
        for probe in probes:
            probe.start()
        time.sleep(0.5)
        began = time.monotonic()
        assert at.ask("GET", "/healthz", headers={"Authorization": ""}).status == 200
        assert at.get("openapi.json")["info"]
        assert time.monotonic() - began < 3
    finally:
        over.set()
        for probe in probes:
            probe.join(30)
