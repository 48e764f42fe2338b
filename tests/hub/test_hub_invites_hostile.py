"""Invites that were made to harm who joins: nothing of the machine goes to where they lead."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from team import sc

from skillclaw.errors import BadInputError
from skillclaw.hub.invites import Invitation, shareable, write


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """A server that keeps what it is sent."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            got.append(self.path.encode() + self.rfile.read(int(self.headers.get("content-length", 0))))
            self.send_response(404)
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", got
    server.shutdown()
    thread.join()
    server.server_close()


def invite(url: str) -> str:
    one = bytes(32)
    told = Invitation(
        url=url,
        group="a" * 32,
        owner=one,
        seq=1,
        tip=one,
        head=one,
        role="member",
        expires="2199-01-01T00:00:00Z",
        name="",
        seed=SigningKey.generate().encode(),
        hub="team",
    )
    return write(told)


def test_an_invite_sends_no_file_away(tmp_path: Path, listener: tuple[str, list[bytes]]) -> None:
    place, got = listener
    private = tmp_path / "private"
    private.write_text("what nobody else may read")
    url = (
        f"az://c/x?account_name=a&azure_client_id=i&azure_tenant_id=t&azure_federated_token_file={private}"
        f"&azure_authority_host={place}&endpoint={place}&retries=0"
    )
    with pytest.raises(BadInputError, match="options"):
        sc(tmp_path, "bob", "hub", "join", invite(url))
    assert got == []


@pytest.mark.parametrize(
    ("url", "left"),
    [
        # a token goes to the endpoint as it is
        ("az://c/p?account_name=a&endpoint=https://e.example", ["endpoint"]),
        ("gs://b/p?base_url=https://e.example", ["base_url"]),
        ("s3://b/p?region=r&web_identity_token_file=/x", ["web_identity_token_file"]),
        ("s3://b/p?region=r&endpoint=https://e.example&style=path", []),
        ("oss://b/p?region=cn-hangzhou&style=path", []),
    ],
)
def test_what_an_invite_may_say_of_the_storage(url: str, left: list[str]) -> None:
    assert shareable(url)[1] == left
