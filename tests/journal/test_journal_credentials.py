"""Which names and values are credentials, and which tell sessions apart."""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from urllib.parse import quote

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.journal.credential_heads import mask_header
from skillclaw.journal.credentials import Masker, secret_name
from skillclaw.journal.delta import Chains, apply, split
from skillclaw.journal.records import Exchange

KEY_OF_A_PATH = "sk-abcdefghijklmnop1234567890"
CREDENTIALS = (
    "Authorization",
    "proxy-authorization",
    "X-Api-Key",
    "api-key",
    "x-goog-api-key",
    "Cookie",
    "Set-Cookie",
    "X-Auth-Token",
    "x-amz-security-token",
    "X-Acme-Secret",
    "xi-api-key",
    "apiKey",
    "access_token",
    "sig",
    "X-Amz-Signature",
    "clientSecret",
    "x-session-token",
    "MyAccessToken",
    "password",
    "id_token",
)


OTHERS = (
    "X-Claude-Code-Session-Id",
    "session-id",
    "thread-id",
    "session_id",
    "x-session-id",
    "x-session-affinity",
    "x-codex-turn-metadata",
    "x-codex-window-id",
    "x-client-request-id",
    "goose-session-id",
    "content-type",
    "model",
    "anthropic-ratelimit-tokens-remaining",
    "anthropic-version",
    "max_tokens",
    "user-agent",
    "x-author",
    "monkey",
    "x-stainless-os",
    "idempotency-key",
    "keep-alive",
)


def exchange(**values: object) -> Exchange:
    given: dict[str, object] = {"id": "1", "agent": "a", "method": "POST", "path": "/x", "started": 1.0}
    return Exchange(**(given | values))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CREDENTIALS)
def test_names_of_credentials(name: str) -> None:
    assert secret_name(name)


@pytest.mark.parametrize("name", OTHERS)
def test_names_of_other_things(name: str) -> None:
    assert not secret_name(name)


def test_values_that_look_like_keys_are_masked_under_any_name() -> None:
    values = {
        "x-one": "sk-ant-api03-abcdefghijklmnop",
        "x-two": "Bearer abcdefghijklmnop",
        "x-three": "ghp_0123456789abcdefghij",
        "x-four": "prefix eyJhbGciOiJ.eyJzdWIiOiJ.c2lnbmF0dXJl suffix",
        "x-five": "AKIAIOSFODNN7EXAMPLE",
    }
    masked = dict(Masker().mask(exchange(request_headers=list(values.items()))).request_headers)
    assert masked == {
        "x-one": "<secret:x-one>",
        "x-two": "<secret:x-two>",
        "x-three": "<secret:x-three>",
        "x-four": "prefix <secret:x-four> suffix",
        "x-five": "<secret:x-five>",
    }


def test_a_key_of_the_run_is_masked_in_later_bodies_too() -> None:
    masker = Masker()
    masker.mask(exchange(request_headers=[("x-api-key", "key-0123456789")]))
    later = masker.mask(
        exchange(response_body=b"was key-0123456789", path="/key-0123456789/x", error="key-0123456789")
    )
    assert later.response_body == b"was <secret:x-api-key>"
    assert later.path == "/<secret:x-api-key>/x" and later.error == "<secret:x-api-key>"


def test_a_basic_credential_and_the_password_in_it() -> None:
    packed = base64.b64encode(b"me:correct horse").decode()
    masked = Masker().mask(
        exchange(
            request_headers=[("Authorization", f"Basic {packed}")],
            request_body=f"{packed} correct horse".encode(),
        )
    )
    assert masked.request_headers == [("Authorization", "Basic <secret:authorization>")]
    assert masked.request_body == b"<secret:authorization> <secret:authorization>"


def test_query_values_also_where_they_are_escaped() -> None:
    masked = Masker().mask(
        exchange(path="/x?alt=sse&key=a%2Fb%2Bcdefgh&pageSize=3&n", request_body=b"a/b+cdefgh a%2Fb%2Bcdefgh")
    )
    assert masked.path == "/x?alt=sse&key=<secret:query>&pageSize=3&n"
    assert masked.request_body == b"<secret:query> <secret:query>"


def test_words_given_as_keys_stay_in_texts() -> None:
    masked = Masker().mask(
        exchange(request_headers=[("Authorization", "Bearer ollama")], request_body=b"run ollama")
    )
    assert masked.request_headers == [("Authorization", "Bearer <secret:authorization>")]
    assert masked.request_body == b"run ollama"


def test_bodies_of_sign_ins_are_not_kept() -> None:
    masked = Masker().mask(exchange(path="/oauth/token", request_body=b"refresh", response_body=b"access"))
    assert (masked.request_body, masked.response_body) == (b"", b"") and "sign-in" in masked.error


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "raw deflate"])
def test_compressed_bodies_are_looked_into(encoding: str) -> None:
    plain = b"you said key-0123456789, did you?"
    packed = {
        "gzip": gzip.compress(plain),
        "deflate": zlib.compress(plain),
        "raw deflate": zlib.compress(plain, wbits=-15),
        "zstd": zstandard.compress(plain),
    }[encoding]
    head = [("Content-Encoding", encoding.removeprefix("raw "))]
    key = [("x-api-key", "key-0123456789")]
    masked = Masker().mask(exchange(request_headers=key, response_headers=head, response_body=packed))
    assert masked.response_body == b"you said <secret:x-api-key>, did you?" and masked.response_headers == []
    other = exchange(
        request_headers=[("x-api-key", "another-one")], response_headers=head, response_body=packed
    )
    assert Masker().mask(other).response_body == packed


@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=200), st.integers(0, 3))
def test_a_difference_gives_the_body_again(prefix: bytes, middle: bytes, suffix: bytes, times: int) -> None:
    base = prefix * 100 * times + suffix
    body = prefix * 100 * times + middle + suffix
    delta = split(body, base, 8)
    assert apply(delta, base) == body
    assert len(delta.middle) <= len(middle)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=40))
def test_chains_give_every_body_again(cuts: list[int]) -> None:
    text = b"".join(b"word %d " % n for n in range(400))
    chains, bodies = Chains(memory=8000), {}
    for offset, cut in enumerate(cuts):
        body = text[: cut * 8] + b"|" + text[-600:]
        delta = chains.encode("a", body, offset)
        bodies[offset] = apply(delta, bodies.get(delta.base, b""))
        assert bodies[offset] == body


KEY = "a-very-own-key-of-mine-123456"


def compressed(body: bytes, *encodings: str) -> Exchange:
    """An exchange that used KEY in a header and has `body` in a compressed answer."""
    return Exchange(
        id="x",
        agent="a",
        method="POST",
        path="/v1/messages",
        started=0,
        finished=0,
        request_headers=[("X-Api-Key", KEY)],
        response_headers=[("Content-Encoding", encoding) for encoding in encodings],
        response_body=body,
        status=200,
    )


def test_an_encoding_in_several_headers_hides_nothing() -> None:
    body = gzip.compress(gzip.compress(KEY.encode()))
    masked = Masker().mask(compressed(body, "gzip", "gzip"))
    assert masked.response_body == b"<secret:x-api-key>"
    assert masked.response_headers == []


def test_a_body_that_cannot_be_looked_into_is_not_kept() -> None:
    assert Masker().mask(compressed(b"?" + KEY.encode()[::-1], "snappy")).response_body == b""
    assert Masker().mask(compressed(b"no gzip", "gzip")).response_body == b""


def test_a_key_that_is_a_part_of_the_path_is_masked_everywhere() -> None:
    key = "sk-proj-ABCDEFGHIJKLMNOP1234"
    one = compressed(f"unknown key {key}".encode())
    masked = Masker().mask(msgspec.structs.replace(one, path=f"/gateway/{key}/v1/models"))
    assert masked.path == "/gateway/<secret:path>/v1/models"
    assert masked.response_body == b"unknown key <secret:path>"


def test_a_short_credential_is_masked_where_its_name_says_so() -> None:
    masked = Masker().mask(
        Exchange(
            id="1",
            agent="a",
            method="GET",
            path="/v1?key=abc12&page=abc12",
            started=0.0,
            finished=1.0,
            first_byte=None,
            request_headers=[("Cookie", "sid=s3cr; theme=dark"), ("X-Api-Key", "k1")],
            request_body=b"",
            status=200,
            response_headers=[("Set-Cookie", "sid=n3w; Path=/")],
            response_body=b"",
            complete=True,
            error="",
        )
    )
    assert masked.path == "/v1?key=<secret:query>&page=abc12"
    assert masked.request_headers == [("Cookie", "<secret:cookie>"), ("X-Api-Key", "<secret:x-api-key>")]
    assert masked.response_headers == [("Set-Cookie", "<secret:set-cookie>")]


def test_a_cookies_value_is_masked_in_the_bodies_too() -> None:
    masked = Masker().mask(
        Exchange(
            id="1",
            agent="a",
            method="GET",
            path="/v1",
            started=0.0,
            finished=1.0,
            first_byte=None,
            request_headers=[("Cookie", "theme=dark; sid=s3cr3t-0123456789")],
            request_body=b'{"sid": "s3cr3t-0123456789"}',
            status=200,
            response_headers=[],
            response_body=b"hello s3cr3t-0123456789",
            complete=True,
            error="",
        )
    )
    assert b"s3cr3t" not in masked.request_body + masked.response_body


RANDOM = "-Zq8vK2mT5xW9bN3cR7yL1pD4"


@pytest.mark.parametrize("name", ["x-a", f"X{RANDOM}", f"X{RANDOM * 400}"])
def test_a_header_of_whatever_name_keeps_its_words_and_no_key(name: str) -> None:
    key = "Ab9xQ2mT5vW8kN3cR7yL1pD4zF6s"
    kept = mask_header(name, f"now {key} then {key}", asked=True)
    words = kept.value.split(" ")
    assert (words[0], words[2], key in kept.value) == ("now", "then", False)
    assert len(kept.value) < 300
    assert {value for value, _ in kept.found} == {key}
    assert mask_header(name, "plain text", asked=True).value == "plain text"


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/x?{KEY_OF_A_PATH}",
        f"/v1/x?a=1&{KEY_OF_A_PATH}&b",
        f"/v1/{KEY_OF_A_PATH.replace('-', '%2D')}/models",
        f"/v1/{KEY_OF_A_PATH}/models",
    ],
)
def test_a_key_in_a_path_is_masked_however_it_is_written(path: str) -> None:
    masked = Masker().mask(exchange(path=path, request_body=f"it is {KEY_OF_A_PATH}".encode()))
    assert "abcdefghijklmnop" not in masked.path and "<secret:" in masked.path
    assert masked.path.startswith("/v1/")
    assert b"abcdefghijklmnop" not in masked.request_body


def test_a_key_is_masked_as_forms_and_urls_write_it() -> None:
    key = "aGk3Zx9/Qw+7Rt5LmNoP2sUv4wXyZ0=="
    upper = quote(key, safe="")
    lower = re.sub("%..", lambda found: found[0].lower(), upper)
    for quoted in (upper, lower):
        told = exchange(
            request_headers=[("Authorization", f"Bearer {key}")],
            request_body=f"user=x&key={quoted}".encode(),
            error=f"at /x?k={quoted}",
        )
        masked = Masker().mask(told)
        assert quoted.encode() not in masked.request_body and quoted not in (masked.error or "")
