"""Collectors that are busy, slow, broken or not who they should be; and OpenTelemetry's variables."""

from __future__ import annotations

import asyncio
import random
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from collector import Says, collecting
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.errors import SkillClawError, StorageError, UsageError
from skillclaw.server.otlp.encoding import as_json, as_protobuf, refused
from skillclaw.server.otlp.exporting import BYTES, SPANS, _batches
from skillclaw.server.otlp.places import collector, resource
from skillclaw.server.otlp.sending import TRIES, Sender
from skillclaw.server.otlp.spans import Span


class AtOnce(random.Random):
    """Pauses of no length."""

    def random(self) -> float:
        return 0.0


def span(size: int = 0, number: int = 0) -> Span:
    told = {"x": "y" * size}
    return Span(
        trace=bytes(16), id=number.to_bytes(8, "big"), name="chat", start=1, end=2, attributes=dict(told)
    )


def send(target: str, environ: Mapping[str, str] | None = None) -> bytes:
    """One span to the collector, as an export sends it."""
    to = collector(target, environ or {})

    async def one() -> bytes:
        async with Sender(to, AtOnce()) as sender:
            return await sender.send((as_json if to.json else as_protobuf)([span()], resource(environ or {})))

    return asyncio.run(one())


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_who_is_busy_is_asked_again(status: int) -> None:
    with collecting(Says(status, {"Retry-After": "0"}), Says(status)) as seen:
        send(seen.url)
        assert (len(seen.bodies), len(seen.taken)) == (3, 1)
        assert len(set(seen.bodies)) == 1


@pytest.mark.slow
def test_what_a_collector_asks_to_wait_is_waited() -> None:
    with collecting(Says(503, {"Retry-After": "1"})) as seen:
        began = time.monotonic()
        send(seen.url)
        assert time.monotonic() - began >= 1
        assert len(seen.taken) == 1


@pytest.mark.parametrize(
    ("says", "tries", "why"),
    [
        ([Says(503)] * TRIES, TRIES, "It answered 503, 5 times."),
        ([Says(429, {"Retry-After": "3600"})], 1, "asks to wait 3,600 s"),
        ([Says(500)], 1, "It answered 500."),
        ([Says(400, {"Content-Type": "text/plain"}, b"span\x1b[31m too old")], 1, "400: span"),
        ([Says(401, {"Content-Type": "application/x-protobuf"}, b"\x08\x10")], 1, "It answered 401."),
        ([Says(301, {"Location": "http://127.0.0.1:1/v1/traces"})], 1, "It answered 301."),
        ([Says(404)], 1, "It answered 404."),
    ],
)
def test_what_is_not_delivered_is_an_error_that_says_why(says: list[Says], tries: int, why: str) -> None:
    with collecting(*says) as seen:
        with pytest.raises(StorageError) as error:
            send(seen.url)
        assert len(seen.bodies) == tries
        assert not seen.taken
    assert why in error.value.why
    assert error.value.todo


def test_a_collector_that_does_not_answer_is_given_up() -> None:
    with collecting(*[Says(slow=0.4)] * TRIES) as seen, pytest.raises(StorageError) as error:
        send(seen.url, {"OTEL_EXPORTER_OTLP_TIMEOUT": "60"})
    assert error.value.why == "No answer within 0.06 s, 5 times."


def test_nobody_there_and_half_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(StorageError, match="took no traces") as error:
        send(f"http://127.0.0.1:{port}")
    assert "No connection" in error.value.why
    half = [Says(200, {"Content-Length": "900"}, b"half")] * TRIES
    with collecting(*half) as seen, pytest.raises(StorageError):
        send(seen.url, {"OTEL_EXPORTER_OTLP_TIMEOUT": "300"})


def test_the_variables_say_where_and_how() -> None:
    with collecting() as seen:
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"{seen.url}/otel/",
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=abc%20def, x-team = a",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_SERVICE_NAME": "agents",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test,service.name=other",
        }
        send("env", environ)
        send("env", environ | {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{seen.url}/exact",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "only=this",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        })  # fmt: skip
    assert seen.paths == ["/otel/v1/traces", "/exact"]
    first, second = seen.heads
    assert (first["api-key"], first["x-team"], first["content-encoding"]) == ("abc def", "a", "gzip")
    assert first["content-type"] == "application/x-protobuf"
    assert (second["only"], "api-key" in second, second["content-type"]) == (
        "this",
        False,
        "application/json",
    )
    assert seen.taken[0] == seen.taken[1]
    found = {one.key: one.value.string_value for one in seen.taken[0].resource_spans[0].resource.attributes}
    assert (found["service.name"], found["deployment.environment.name"]) == ("agents", "test")


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_EXPORTER_OTLP_COMPRESSION": "br"},
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"},
        {"OTEL_EXPORTER_OTLP_HEADERS": "Bearer hush-hush"},
        {"OTEL_EXPORTER_OTLP_HEADERS": "a=hush-hush%0d%0aHost: x"},
        {"OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere/hush.pem"},
    ],
)
def test_a_wrong_variable_is_told_without_its_secret(environ: dict[str, str]) -> None:
    with pytest.raises(UsageError) as error:
        send("http://127.0.0.1:9", environ)
    assert "hush-hush" not in str(error.value)


def test_a_certificate_is_checked(tmp_path: Path) -> None:
    cert, key = tmp_path / "own.pem", tmp_path / "own.key"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    more = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*make.split(), *more], check=True, capture_output=True)
    with collecting(tls=(str(cert), str(key))) as seen:
        with pytest.raises(StorageError) as error:
            send(seen.url)
        assert "certificate" in error.value.why
        assert not seen.bodies
        send(seen.url, {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(cert)})
        assert len(seen.taken) == 1


def test_what_goes_to_another_machine_in_the_open_is_known() -> None:
    assert not collector("http://collector.example:4318", {}).encrypted
    assert collector("HTTPS://collector.example", {}).encrypted
    shown = collector("https://user:hush@collector.example/otel?key=hush", {}).shown
    assert shown == "https://collector.example/otel/v1/traces"


@settings(max_examples=examples(25))
@given(st.text(max_size=20), st.text(alphabet="htps:/[]@.1a%?#", max_size=30))
def test_any_text_in_a_variable_is_read_or_told(text: str, url: str) -> None:
    steps: list[Callable[[], object]] = [
        lambda: resource({"OTEL_RESOURCE_ATTRIBUTES": text}),
        lambda: collector("env", {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_HEADERS": text}),
        lambda: collector(url, {"OTEL_EXPORTER_OTLP_TIMEOUT": text}),
    ]
    for step in steps:
        try:
            step()
        except SkillClawError as error:
            assert error.what


@given(st.binary(max_size=200), st.booleans())
def test_any_answer_is_read_as_some_number(answer: bytes, json: bool) -> None:
    count, why = refused(answer, json=json)
    assert count >= 0
    assert isinstance(why, str)


@settings(max_examples=examples(25))
@given(st.lists(st.lists(st.sampled_from([0, 900_000]), min_size=1, max_size=4), max_size=4))
def test_batches_have_all_spans_in_order_and_are_not_too_large(sizes: list[list[int]]) -> None:
    traces = [[span(size, 100 * t + n) for n, size in enumerate(one)] for t, one in enumerate(sizes)]
    found = list(_batches(traces))
    assert [one for batch, _ in found for one in batch] == [one for trace in traces for one in trace]
    assert sum(ended for _, ended in found) == len(traces)
    for batch, _ in found:
        assert batch
        assert len(batch) <= SPANS
        assert sum(len(one.attributes["x"]) for one in batch) <= BYTES or len(batch) == 1  # type: ignore[arg-type]


def test_a_long_trace_is_cut_by_the_number_of_spans() -> None:
    found = [len(batch) for batch, _ in _batches([[span(0, n) for n in range(2 * SPANS + 3)]])]
    assert found == [SPANS, SPANS, 3]
