"""What is masked of exchanges that pass: credentials wherever they stand, and nothing that only looks so."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skillclaw.journal.credential_signs import cookie_stands_out, stands_out
from skillclaw.journal.credentials import Masker
from skillclaw.journal.records import Exchange
from skillclaw.journal.redact_judge import is_placeholder
from skillclaw.journal.seen import FILE

Post = Callable[..., Exchange]


@pytest.fixture
def post(make_upstream: Any, make_proxy: Any, replying: Any) -> Post:
    """Sends one request through a proxy, and gives what its journal has of it; `post.home` is its home."""
    proxy = make_proxy({"a": make_upstream(replying(b"{}")).url, "b": make_upstream(replying(b"{}")).url})
    sent = []

    def send(*headers: str, text: str, path: str = "/v1/chat/completions", agent: str = "a") -> Exchange:
        body = text.encode()
        head = (
            f"POST /{agent}{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            + "".join(f"{header}\r\n" for header in headers)
            + f"Content-Length: {len(body)}\r\n\r\n"
        )
        assert b" 200 " in proxy.ask(head.encode() + body)
        sent.append(text)
        found: list[Exchange] = proxy.exchanges(len(sent))
        return found[-1]

    send.home = proxy.home  # type: ignore[attr-defined]
    return send


def basic(user: str, password: str) -> str:
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


WORDS = (
    ("Authorization: Bearer undefined", "const a = undefined;"),
    ("Authorization: Bearer placeholder", '<input placeholder="name">'),
    ("Authorization: Bearer koboldcpp", "run koboldcpp"),
    ("Authorization: Bearer llama.cpp", "build llama.cpp"),
    ("Authorization: Bearer text-generation-webui", "cd text-generation-webui"),
    ("x-api-key: no-key-required", "says no-key-required"),
    ("x-api-key: getServerSideProps", "export getServerSideProps"),
    ("Authorization: Bearer huggingface", "from huggingface"),
    ("x-api-key: tabbyapi", "start tabbyapi"),
    ("x-api-key: lm-studio", "start lm-studio"),
    ("x-api-key: MyApiKey", "const MyApiKey"),
    ("x-api-key: 20260314", "on 20260314"),
    ("x-api-key: 128000000", "128000000 bytes"),
    ("x-api-key: 77777777", "77777777"),
    ("Cookie: day=20260314T101500; ms=20260314101500123", "20260314T101500 20260314101500123"),
    ("Cookie: id=GA1.2.123456789.1712345678", "GA1.2.123456789.1712345678"),
    ("Cookie: page=internationalization", "internationalization"),
    ("Cookie: lang=javascript; region=us-east-1", "javascript in us-east-1"),
    ("Cookie: m=claude-sonnet-4-20250514; theme=dark", "claude-sonnet-4-20250514"),
    ("Cookie: n=gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
    ("Cookie: at=2026-01-01T00:00:00Z; tz=America/New_York", "2026-01-01T00:00:00Z America/New_York"),
    ("Cookie: q=qwen2.5-7b-instruct-q4_k_m; r=/home/ada/project-2", "qwen2.5-7b-instruct-q4_k_m"),
)


def test_words_that_are_given_as_keys_stay_in_texts_of_all_agents(post: Post) -> None:
    for header, text in WORDS:
        kept = post(header, text=text)
        name, _, value = header.partition(": ")
        assert value.rpartition(" ")[2] not in dict(kept.request_headers)[name], "the header itself is masked"
        assert kept.request_body == text.encode()
    assert post(text="undefined us-east-1", agent="b").request_body == b"undefined us-east-1"
    assert not (post.home / FILE).exists()  # type: ignore[attr-defined]
    assert post(basic("ada", "javascript"), text="javascript").request_body == b"javascript"


WEAK = (
    (basic("ada", "correcthorse"), "correcthorse"),
    (basic("ada", "correct horse"), "correct horse"),
    (basic("ada", "pa$$word"), "pa$$word"),
    (basic("bob", "SommerHaus"), "SommerHaus"),
    (basic("bob", "winter-24"), "winter-24"),
    (basic("bob", "48392017"), "48392017"),
    ("Authorization: Bearer 483920175566", "483920175566"),
    ("x-api-key: 81726354", "81726354"),
    ("x-api-key: kzvqwmtrplxn", "kzvqwmtrplxn"),
    ("x-api-key: sk-kzvqwmtrplxn", "sk-kzvqwmtrplxn"),
    ("x-api-key: KZVQWMTR", "KZVQWMTR"),
    ("x-api-key: qZkVwMtR", "qZkVwMtR"),
    ("Cookie: sessionid=qwertzuiopasdfghjklyxcvb", "qwertzuiopasdfghjklyxcvb"),
    ("Cookie: sid=83920175566483920175", "83920175566483920175"),
    ("Authorization: Bearer amber123", "amber123"),
    ("x-api-key: sk-1234567890", "sk-1234567890"),
    ("x-api-key: correct-horse-battery-staple", "correct-horse-battery-staple"),
    ("x-api-key: QwErTzUiOpAsDfGh", "QwErTzUiOpAsDfGh"),
    ("Authorization: Bearer prod/eu/team-3", "prod/eu/team-3"),
    ("Authorization: Bearer tok_live_1234", "tok_live_1234"),
    ("Authorization: Bearer openclaw-local-token-7", "openclaw-local-token-7"),
    ("x-api-key: vm-admin-2024", "vm-admin-2024"),
    ("x-api-key: 1234567890123456", "1234567890123456"),
    ("Cookie: theme=dark; sid=s3cr3t-0123456789", "s3cr3t-0123456789"),
    ("Cookie: sid=0b7e0a4c-94f1-4d7c-9f0e-2d6a3c5b8e11", "0b7e0a4c-94f1-4d7c-9f0e-2d6a3c5b8e11"),
)


def test_weak_keys_are_masked_in_texts(post: Post) -> None:
    for header, value in WEAK:
        kept = post(header, text=f"it is {value}, he said")
        assert value.encode() not in kept.request_body
        assert kept.request_body.startswith(b"it is <secret:") and kept.request_body.endswith(b">, he said")


def test_no_key_of_random_letters_or_digits_is_taken_for_a_word() -> None:
    made_of = random.Random(7)
    for signs, size, most in (
        (string.digits, 8, 0.01),
        (string.digits, 12, 0.0),
        (string.ascii_lowercase, 12, 0.3),
        (string.ascii_lowercase, 16, 0.05),
        (string.ascii_letters, 12, 0.1),
    ):
        made = ["".join(made_of.choices(signs, k=size)) for _ in range(500)]
        missed = [value for value in made if not stands_out(value)]
        assert len(missed) <= most * len(made), (signs, size, missed)


def test_a_key_is_masked_as_json_writes_it(post: Post) -> None:
    for key in (r'ab"c\d9f8e7', "k3y/with/slashes+9f8e7==", "a<b>&c9f8e7"):
        in_json = json.dumps({"said": key})
        in_go = in_json.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        for text in (in_json, in_json.replace("/", r"\/"), in_go, json.dumps({"arguments": in_json})):
            body = post(f"Authorization: Bearer {key}", text=text).request_body
            said = msgspec.json.decode(body)
            said = msgspec.json.decode(said["arguments"]) if "arguments" in said else said
            assert said["said"].startswith("<secret:authorization:") and said["said"].endswith(">"), text
    umlaut = "Schlüßel-9f8e7"
    for text in (json.dumps({"said": umlaut}), json.dumps({"said": umlaut}, ensure_ascii=False)):
        assert b"9f8e7" not in post(basic("ada", umlaut), text=text).request_body


@given(st.text(string.ascii_letters + string.digits, min_size=20, max_size=200))
def test_no_made_key_is_taken_for_a_word(value: str) -> None:
    assume(any(char.isdigit() for char in value) and not is_placeholder(value))
    assert stands_out(value)


def test_no_cookie_that_a_generator_made_is_taken_for_a_word() -> None:
    made_of = random.Random(7)
    for size in (16, 24, 32):
        made = [made_of.randbytes(size).hex() for _ in range(300)]
        made += [base64.urlsafe_b64encode(made_of.randbytes(size)).decode().rstrip("=") for _ in range(300)]
        missed = [value for value in made if not cookie_stands_out(value)]
        assert len(missed) <= 18, missed


def test_what_is_said_through_a_gateway_behind_a_sign_in_is_kept(post: Post) -> None:
    for path in (
        "/auth/v1/chat/completions",
        "/oauth/v1/messages?beta=true",
        "/login/openai/responses",
        "/token/v1beta/models/gemini-pro:generateContent",
    ):
        kept = post("Authorization: Bearer a1b2c3d4e5f6", text="hello, a1b2c3d4e5f6", path=path)
        assert kept.request_body == b"hello, <secret:authorization:" + kept.request_body[-7:], path
        assert (kept.response_body, kept.error) == (b"{}", "")
    for path in ("/oauth/token", "/auth/refresh?x=/v1/messages", "/login/device/code", "/v1/token"):
        kept = post(text="refresh", path=path)
        assert (kept.request_body, kept.response_body) == (b"", b"") and "sign-in" in kept.error, path


def test_a_session_over_a_socket_of_such_a_gateway_is_kept() -> None:
    said = Exchange(
        id="1",
        agent="a",
        method="GET",
        path="/auth/v1/responses",
        started=1.0,
        status=101,
        request_headers=[("Upgrade", "websocket")],
        request_body=b"hello",
    )
    assert Masker().mask(said).request_body == b"hello"
    assert Masker().mask(msgspec.structs.replace(said, status=200)).request_body == b""


KEY = "Zq8vK2mT5xW9bN3cR7yL1pD4fG6hJ0sA2uE8oQwX"
HEX = "4f1c2d3e5a6b7c8d9e0f1a2b3c4d5e6f"
PAIRED = "1f2e3d4c-aaaa-4bbb-8ccc-123456789abc:0123456789abcdef0123456789abcdef"
CARRIED = (
    ("x-vercel-protection-bypass: {}", "", KEY),
    ("x-pass: {}", "", "Secretpass123456"),
    ("x-userpwd: {}", "", "Secretpass123456"),
    ("x-gateway: {}", "", KEY),
    ("x-gateway: v1; {}; on", "", KEY),
    ("x-options: a=1; api_key={}; b=2", "", "Secretpass123456"),
    ('x-portkey-config: {"provider":"azure-openai","api_key":"{}"}', "", HEX),
    (
        'x-portkey-config: {"targets":[{"api_key":"{}"},{"api_key":"k"}]}',
        "",
        HEX,
    ),
    ("Authorization: Key {}", "", PAIRED),
    ("Authorization: Key 1f2e3d4c-aaaa-4bbb-8ccc-123456789abc:{}", "", PAIRED.rpartition(":")[2]),
    ("Authorization: OAuth {}", "", "abcdefghijklmnop1234567890"),
    ("Authorization: SSWS {}", "", KEY),
    ("Authorization: Bearer Token {}", "", KEY),
    ("Authorization: Token token={}", "", "0123456789abcdef0123"),
    ('Authorization: MediaBrowser Client="x", Token="{}"', "", "0123456789abcdef0123"),
    ("x-n: 1", "?code={}", "Zx9yW8vU7tS6rQ5pO4nM3lK2jI1hG0fEAzFuAbCdEf=="),
    ("x-n: 1", "?pass={}", "Secret123456"),
    ("x-n: 1", "?access_code={}&x=1", "Secret123456"),
    ("x-n: 1", "?x=1&app={}", KEY),
    ("x-n: 1", "?config=%7B%22api_key%22:%22{}%22%7D", HEX),
)


def test_credentials_under_any_name_are_nowhere_in_the_home(post: Post) -> None:
    for header, query, key in CARRIED:
        kept = post(
            header.replace("{}", key), text=f"my key is {key}", path="/v1/x" + query.replace("{}", key)
        )
        assert key not in repr(kept), header + query
        assert kept.request_body.startswith(b"my key is <secret:")
    for path in post.home.rglob("*"):  # type: ignore[attr-defined]
        assert not path.is_file() or not any(key.encode() in path.read_bytes() for _, _, key in CARRIED)


def test_a_key_in_the_users_place_of_basic(post: Post) -> None:
    assert KEY.encode() not in post(basic(KEY, ""), text=KEY).request_body


def test_what_tells_sessions_and_machines_apart_stays(post: Post) -> None:
    headers = {
        **{f"x-{name}": KEY for name in ("session-id", "opencode-session", "request-id", "amz-cf-id")},
        **{name: KEY for name in ("session_id", "thread-id", "x-goose-session-id", "goose-session-id")},
        "x-claude-code-parent-agent-id": KEY,
        "x-codex-turn-metadata": f'{{"key":"{KEY}"}}',
        "x-conversation": KEY,
        "x-machine": KEY,
        "User-Agent": f"codex_exec/0.169.0 (Debian 12.0.0; x86_64) {KEY}",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,fine-grained-2025-05-14",
        "x-stainless-runtime-version": "v22.1.0",
        "x-model": "Meta-Llama-3.1-8B-Instruct-Q4_K_M",
        "Content-Type": f"multipart/form-data; boundary=----WebKitFormBoundary{KEY[:16]}",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "x-checksum": "kQ3vX9mT2bR7cL5yW1pD8fG4hJ6sA0uE2oQwXzN3iV4=",
    }
    path = f"/v1/messages?beta=true&alt=sse&cursor={KEY}&session={KEY}&api-version=2024-10-21&code_version=3"
    kept = post(*(f"{name}: {value}" for name, value in headers.items()), text=KEY, path=path)
    assert headers.items() <= dict(kept.request_headers).items()
    assert (kept.path, kept.request_body) == (path, KEY.encode())
