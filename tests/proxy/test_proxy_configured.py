"""Configured upstreams over real HTTP: key, token, model, what passes unchanged, what is refused."""

from __future__ import annotations

import gzip
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from front import TOKEN, free_port, front, upstream
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.proxy.configured.bodies import Body
from skillclaw.proxy.configured.paths import target, wanted

KEY = "sk-upstream-key-0123456789"
BODY = b'{ "model" : "claude-x",  "max_tokens": 1e2, "messages":[{"role":"user","content":"\\u00e9 model"}] }'

RAW = (
    f"POST /a/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
    "Content-Length: 2\r\n\r\n{}"
).encode()


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", KEY)


def secrets_of(seen: Any) -> bytes:
    return bytes(seen.head + seen.body)


@pytest.mark.parametrize(
    ("protocol", "path", "at", "header"),
    [
        ("anthropic", "/v1/messages?beta=true", "/v1/messages?beta=true", (b"x-api-key", KEY)),
        ("chat", "/chat/completions", "/v1/chat/completions", (b"authorization", f"Bearer {KEY}")),
        ("responses", "/v1/responses", "/v1/responses", (b"authorization", f"Bearer {KEY}")),
        (
            "gemini",
            "/v1beta/models/claude-x:streamGenerateContent?alt=sse",
            "/v1beta/models/small:streamGenerateContent?alt=sse",
            (b"x-goog-api-key", KEY),
        ),
    ],
)
def test_the_upstream_gets_its_own_key_and_its_own_name_of_the_model(
    tmp_path: Path, make_upstream: Any, replying: Any, protocol: str, path: str, at: str, header: Any
) -> None:
    up = make_upstream(replying(b'{"x":  1}', b"X-Request-Id: 7\r\nContent-Type: application/json\r\n"))
    given_headers = [
        ("Authorization", f"Bearer {TOKEN}"),
        ("x-api-key", TOKEN),
        ("Cookie", "me=1"),
        ("X-Own", "kept"),
        ("anthropic-version", "2024-01-01"),
    ]
    table = upstream(up.url, protocol, key="env:UPSTREAM_KEY", models={"claude-x": "small"})
    with front(tmp_path, {"one": table}) as proxy:
        reply = proxy.ask("POST", f"/a{path}", BODY, given_headers)
    assert (reply.status, reply.body, reply.get("x-request-id")) == (200, b'{"x":  1}', "7")
    (seen,) = up.seen
    assert seen.line == f"POST {at} HTTP/1.1".encode()
    assert seen.get(header[0]) == [header[1].encode()]
    assert seen.get(b"x-own") == [b"kept"]
    assert TOKEN.encode() not in secrets_of(seen)
    assert not seen.get(b"cookie")
    assert {name.lower() for name, value in seen.headers() if KEY.encode() in value} == {header[0]}
    assert seen.body == BODY.replace(b'"claude-x"', b'"small"')


def test_streams_pass_unchanged_piece_by_piece(tmp_path: Path, make_upstream: Any) -> None:
    pieces = [b"event: a\ndata: {}\n\n", b"data: half", b" a line\n\n"]
    told = []

    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for piece in pieces:
            sock.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            told.append(time.monotonic())
            time.sleep(0.1)
        sock.sendall(b"0\r\n\r\n")

    up = make_upstream(script)
    with front(tmp_path, {"one": upstream(up.url, "chat")}) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as sock:
            sock.sendall(RAW)
            data = b""
            while pieces[0] not in data:
                data += sock.recv(65536)
            assert len(told) < len(pieces), "the first piece must not wait for the last"
        reply = proxy.ask("POST", "/a/chat/completions", b"{}")
    assert reply.body == b"".join(pieces)
    assert reply.whole
    assert proxy.cuts == []


def test_a_broken_stream_is_broken_for_the_agent(tmp_path: Path, make_upstream: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        sock.close()

    with front(tmp_path, {"one": upstream(make_upstream(script).url, "chat")}) as proxy:
        reply = proxy.ask("POST", "/a/chat/completions", b"{}")
    assert (reply.whole, reply.body) == (False, b"abc")
    assert proxy.cuts == ["the upstream broke the answer off: ClientPayloadError"]


@pytest.mark.parametrize(
    ("path", "headers", "shape"),
    [
        ("/v1/messages", [], ("error", "authentication_error")),
        ("/v1/messages", [("x-api-key", TOKEN + "x")], ("error", "authentication_error")),
        ("/chat/completions", [("Authorization", "Bearer wrong")], ("error", "authentication_error")),
        ("/v1beta/models/m:generateContent?key=wrong", [], ("error", "UNAUTHENTICATED")),
        ("/anything/else", [("Authorization", TOKEN)], ("error", "authentication_error")),
    ],
)
def test_without_its_token_an_agent_gets_nothing(
    tmp_path: Path, make_upstream: Any, replying: Any, path: str, headers: Any, shape: Any
) -> None:
    up = make_upstream(replying(b"{}"))
    table = upstream(up.url, "anthropic", key="env:UPSTREAM_KEY")
    with front(tmp_path, {"one": table}, {"a": "one", "b": "one"}) as proxy:
        reply = proxy.ask("POST", f"/a{path}", b"{}", headers)
        proxy.take(tokens={})
        later = proxy.ask("POST", "/a/v1/messages", b"{}")
    assert (reply.status, later.status) == (401, 401)
    error = reply.json[shape[0]]
    assert shape[1] in (error.get("type"), error.get("status"))
    assert "skillclaw connect a" in error["message"]
    assert TOKEN not in reply.body.decode()
    assert up.seen == []


@pytest.mark.parametrize(
    "headers",
    [[("x-api-key", TOKEN)], [("x-goog-api-key", TOKEN)], [("authorization", f"bearer {TOKEN}")], []],
)
def test_the_token_is_taken_where_each_protocol_puts_its_key(
    tmp_path: Path, make_upstream: Any, replying: Any, headers: Any
) -> None:
    up = make_upstream(replying(b"{}"))
    query = "" if headers else f"?key={TOKEN}&alt=sse"
    with front(tmp_path, {"one": upstream(up.url, "gemini")}) as proxy:
        reply = proxy.ask("POST", f"/a/v1beta/models/m:generateContent{query}", b"{}", headers)
    assert reply.status == 200
    assert TOKEN.encode() not in secrets_of(up.seen[0])


def test_a_key_that_is_not_there_is_told_and_nothing_is_sent(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    up = make_upstream(replying(b"{}"))
    with front(tmp_path, {"one": upstream(up.url, "anthropic", key="env:NO_SUCH_KEY")}) as proxy:
        reply = proxy.ask("POST", "/a/v1/messages", BODY)
    assert reply.status == 403
    assert "NO_SUCH_KEY is not set" in reply.json["error"]["message"]
    assert up.seen == []


def test_a_key_of_the_keyring_is_used_and_looked_up_anew_when_it_is_refused(
    tmp_path: Path, make_upstream: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a double of the package `keyring`, whose real back ends need a desktop."""
    folder, store = tmp_path / "packages", tmp_path / "key"
    folder.mkdir()
    code = "from pathlib import Path\n" + (
        "def get_password(service, name):\n"
        f"    return Path({str(store)!r}).read_text() if (service, name) == ('skillclaw', 'mine') else None\n"
    )
    (folder / "keyring.py").write_text(code, "utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.delitem(sys.modules, "keyring", raising=False)

    def script(sock: socket.socket, seen: Any) -> None:
        status = b"200 OK" if seen.get(b"x-api-key") == [b"new-key-12345"] else b"401 No"
        sock.sendall(b"HTTP/1.1 %b\r\nContent-Length: 2\r\n\r\n{}" % status)

    up = make_upstream(script)
    tables = {name: upstream(up.url, "anthropic", key=f"keyring:{name}") for name in ("mine", "other")}
    store.write_text("old-key-12345\n", "utf-8")
    with front(tmp_path, tables, {"a": "mine", "b": "other"}) as proxy:
        assert proxy.ask("POST", "/a/v1/messages", BODY).status == 401
        store.write_text("new-key-12345", "utf-8")
        assert proxy.ask("POST", "/a/v1/messages", BODY).status == 200
        store.unlink()
        assert proxy.ask("POST", "/a/v1/messages", BODY).status == 200, "it is remembered for a while"
        none = proxy.ask("POST", "/b/v1/messages", BODY)
    assert (none.status, "holds no 'other'" in none.json["error"]["message"]) == (403, True)
    monkeypatch.delitem(sys.modules, "keyring", raising=False)


def test_a_compressed_request_is_read_and_sent_on_plain(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    up = make_upstream(replying(b"{}"))
    headers = [("x-api-key", TOKEN), ("Content-Encoding", "gzip")]
    with front(tmp_path, {"one": upstream(up.url, "anthropic", models={"*": "m"})}) as proxy:
        assert proxy.ask("POST", "/a/v1/messages", gzip.compress(BODY), headers).status == 200
        bad = proxy.ask("POST", "/a/v1/messages", b"no gzip", headers)
    assert up.seen[0].body == BODY.replace(b'"claude-x"', b'"m"')
    assert not up.seen[0].get(b"content-encoding")
    assert (bad.status, bad.json["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("body", [b"", b"[1]", b"no json", b'"x"'])
def test_a_request_that_is_no_object_is_refused_in_the_agents_shape(
    tmp_path: Path, make_upstream: Any, replying: Any, body: bytes
) -> None:
    up = make_upstream(replying(b"{}"))
    with front(tmp_path, {"one": upstream(up.url, "chat")}) as proxy:
        reply = proxy.ask("POST", "/a/v1/chat/completions", body)
    assert (reply.status, reply.json["error"]["type"]) == (400, "invalid_request_error")
    assert up.seen == []


def test_paths_without_a_protocol_pass_where_the_upstream_has_the_same_api(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    up = make_upstream(replying(b"{}"))
    with front(tmp_path, {"one": upstream(f"{up.url}/v1", "chat", models={"emb": "e5"})}) as proxy:
        assert proxy.ask("POST", "/a/v1/embeddings", {"model": "emb", "input": "x"}).status == 200
        assert proxy.ask("POST", "/a/v1/files", b"\x00form").status == 200
        assert proxy.ask("DELETE", "/a/files/7?x=1").status == 200
        other = proxy.ask("POST", "/a/v1/messages/batches", b"{}")
        lost = proxy.ask("POST", "/a/v1beta/models/m:generateContent", b"{}")
    assert [seen.line.split()[1] for seen in up.seen] == [b"/v1/embeddings", b"/v1/files", b"/v1/files/7?x=1"]
    assert json.loads(up.seen[0].body)["model"] == "e5"
    assert up.seen[1].body == b"\x00form"
    assert (other.status, other.json["type"]) == (404, "error")
    assert other.json["error"]["type"] == "not_found_error"
    assert "speaks another API" in other.json["error"]["message"]
    assert (lost.status, lost.json["error"]["status"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/v1/../admin", "/a/%2e%2e/%2E./x", "/models/../../x", "/./embeddings"])
def test_no_path_leads_out_of_the_base_url(
    tmp_path: Path, make_upstream: Any, replying: Any, path: str
) -> None:
    up = make_upstream(replying(b"{}"))
    with front(tmp_path, {"one": upstream(f"{up.url}/v1", "chat", key="env:UPSTREAM_KEY")}) as proxy:
        assert proxy.ask("POST", f"/a{path}", b"{}").status == 400
    assert up.seen == []


def test_tokens_are_counted_by_an_upstream_of_the_same_protocol(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    up = make_upstream(replying(b'{"input_tokens": 5}'))
    with front(tmp_path, {"one": upstream(up.url, "anthropic", models={"claude*": "m"})}) as proxy:
        reply = proxy.ask("POST", "/a/v1/messages/count_tokens?beta=true", BODY)
    assert reply.json == {"input_tokens": 5}
    assert json.loads(up.seen[0].body)["model"] == "m"


def test_tokens_are_estimated_where_the_upstream_speaks_another_api(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    up = make_upstream(replying(b"{}"))
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 90_000}}
    asked = {"model": "m", "system": "s" * 4000, "messages": [{"role": "user", "content": [picture]}]}
    with front(tmp_path, {"one": upstream(up.url, "chat")}) as proxy:
        claude = proxy.ask("POST", "/a/v1/messages/count_tokens?beta=true", asked)
        codex = proxy.ask("POST", "/a/v1/responses/input_tokens", {"input": "x" * 400})
        broken = proxy.ask("POST", "/a/v1/messages/count_tokens", b"no json")
    assert claude.status == 200
    assert 2600 <= claude.json["input_tokens"] <= 2620, "a thousand for the words, 1,600 for the picture"
    assert codex.json == {"object": "response.input_tokens", "input_tokens": 100}
    assert (broken.status, broken.json["type"]) == (400, "error")
    assert up.seen == [], "the upstream is not asked"


def test_probes_of_the_root_are_answered_here(tmp_path: Path) -> None:
    with front(tmp_path, {"one": upstream("http://127.0.0.1:9", "anthropic")}) as proxy:
        for path in ("/a/", "/a/v1", "/a/v1/"):
            assert proxy.ask("HEAD", path, headers=[]).status == 200, "Claude Code probes so"


LISTS = {
    "anthropic": {"data": [{"type": "model", "id": "big", "display_name": "Big"}], "has_more": False},
    "chat": {"object": "list", "data": [{"id": "big", "object": "model", "owned_by": "me"}]},
    "gemini": {"models": [{"name": "models/big", "displayName": "Big"}]},
}
ASKS: dict[str, tuple[str, list[tuple[str, str]], Callable[[Any], list[str]]]] = {
    "anthropic": ("/v1/models", [("x-api-key", TOKEN)], lambda tree: [m["id"] for m in tree["data"]]),
    "chat": (
        "/models",
        [("Authorization", f"Bearer {TOKEN}")],
        lambda tree: [m["id"] for m in tree["data"]],
    ),
    "gemini": (
        "/v1beta/models",
        [("x-goog-api-key", TOKEN)],
        lambda tree: [m["name"].removeprefix("models/") for m in tree["models"]],
    ),
}


@pytest.mark.parametrize("agent", sorted(ASKS))
@pytest.mark.parametrize("protocol", sorted(LISTS))
def test_models_are_listed_in_the_agents_shape_with_the_mapped_names(
    tmp_path: Path, make_upstream: Any, replying: Any, agent: str, protocol: str
) -> None:
    up = make_upstream(replying(json.dumps(LISTS[protocol]).encode()))
    path, headers, names = ASKS[agent]
    table = upstream(up.url, protocol, key="env:UPSTREAM_KEY", models={"mine": "big", "*": "big"})
    with front(tmp_path, {"one": table}) as proxy:
        reply = proxy.ask("GET", f"/a{path}", headers=headers)
        one = proxy.ask("GET", f"/a{path}/mine", headers=headers)
        own = proxy.ask("GET", f"/a{path}/big", headers=headers)
        up.script = lambda sock, seen: sock.close()
        alone = proxy.ask("GET", f"/a{path}", headers=headers)
    assert names(reply.json) == ["big", "mine"]
    assert names(alone.json) == ["mine"]
    assert (one.status, own.status) == (200, 200)
    assert "mine" in (one.json.get("id", ""), one.json.get("name", "").removeprefix("models/"))
    if agent == protocol:
        first = LISTS[protocol].get("data") or LISTS[protocol]["models"]
        assert own.json == first[0], "what the upstream says in the same shape stays as it is"
    assert KEY.encode() in up.seen[0].head


def test_no_list_and_no_map_is_an_error(tmp_path: Path) -> None:
    with front(tmp_path, {"one": upstream(f"http://127.0.0.1:{free_port()}", "chat")}) as proxy:
        assert proxy.ask("GET", "/a/models").status == 502
        assert proxy.ask("GET", "/a/models/x").status == 404


def test_an_agent_that_leaves_ends_the_request_upstream(tmp_path: Path, make_upstream: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        assert sock.recv(1) == b""

    up = make_upstream(script)
    with front(tmp_path, {"one": upstream(up.url, "chat")}) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as sock:
            sock.sendall(RAW)
            sock.recv(10)
        assert up.closed.get(timeout=5)


def test_a_setting_that_names_no_upstream_is_told(tmp_path: Path) -> None:
    with front(tmp_path, {"one": upstream("", "chat")}, {"a": "gone", "b": "one"}) as proxy:
        gone = proxy.ask("POST", "/a/chat/completions", b"{}")
        empty = proxy.ask("POST", "/b/chat/completions", b"{}")
    assert (gone.status, "no upstream named 'gone'" in gone.json["error"]["message"]) == (502, True)
    assert (empty.status, "upstreams.one.url" in empty.json["error"]["message"]) == (502, True)


# --- the parts that are pure

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8) | st.just("model"), JSON, max_size=6), st.text(), st.booleans())
def test_only_the_model_changes_in_any_body(tree: dict[str, Any], name: str, spaced: bool) -> None:
    tree = {**tree, "model": "before"}
    data = json.dumps(tree, ensure_ascii=spaced, indent=1 if spaced else None).encode("utf-8", "replace")
    body = Body(data)
    body.set("model", name)
    assert json.loads(body.data()) == {**json.loads(data), "model": json.loads(json.dumps(name))}
    assert body.copy().get("model") == name


def test_a_body_that_strict_readers_refuse_is_written_anew() -> None:
    body = Body(b'{"model": "a", "messages": [{"content": "cut \\ud83d"}], "n": NaN}')
    body.set("model", "b")
    assert json.loads(body.data()) == {"model": "b", "messages": [{"content": "cut \ufffd"}], "n": None}


def test_of_two_members_of_one_name_the_last_counts() -> None:
    body = Body(b'{"model": "a", "model": "c", "x": {"model": "c"}}')
    body.set("model", "b")
    assert json.loads(body.data()) == {"model": "b", "x": {"model": "c"}}


@pytest.mark.parametrize(
    ("base", "speech", "rest", "at"),
    [
        ("https://h", "anthropic", "/v1/messages", "https://h/v1/messages"),
        ("https://h/v1/", "anthropic", "/v1/messages", "https://h/v1/messages"),
        ("https://h/gw", "anthropic", "/v1/messages", "https://h/gw/v1/messages"),
        ("https://h", "chat", "/chat/completions", "https://h/v1/chat/completions"),
        ("https://h/openai", "chat", "/v1/chat/completions", "https://h/openai/chat/completions"),
        ("https://h/v4", "chat", "/v1/chat/completions", "https://h/v4/chat/completions"),
        ("https://h", "gemini", "/v1beta/models/m:countTokens", "https://h/v1beta/models/m:countTokens"),
        ("https://h/v1", "gemini", "/v1beta/models/m:countTokens", "https://h/v1/models/m:countTokens"),
    ],
)
def test_where_a_path_lies_at_an_upstream(base: str, speech: Any, rest: str, at: str) -> None:
    assert target(base, wanted("POST", rest, []).path, "", speech) == at
