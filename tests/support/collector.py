"""A collector of OpenTelemetry's traces on loopback: it reads what comes with OpenTelemetry's own classes."""

from __future__ import annotations

import base64
import gzip
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True)
class Says:
    """One answer; `slow`: seconds before it."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    slow: float = 0.0


@dataclass
class Collector:
    """What came, in order; what it says is taken from `says`, then all is well."""

    url: str
    says: list[Says] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    taken: list[ExportTraceServiceRequest] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        """The spans of all that it took."""
        return [s for one in self.taken for r in one.resource_spans for p in r.scope_spans for s in p.spans]


def read_json(body: bytes) -> ExportTraceServiceRequest:
    """A request in OTLP's JSON: ids are hex there, and base64 in protobuf's own."""
    document = json.loads(body)
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in span:
                        span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    return ParseDict(document, ExportTraceServiceRequest())


def told(span: Span) -> dict[str, Any]:
    """A span's attributes."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def partly(refused: int, why: str) -> Says:
    """A collector that takes all but some."""
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = refused
    answer.partial_success.error_message = why
    return Says(body=answer.SerializeToString())


@contextmanager
def collecting(*says: Says, tls: tuple[str, str] | None = None) -> Iterator[Collector]:
    """A collector that answers these first."""
    seen = Collector(url="", says=list(says))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            head = {name.lower(): value for name, value in self.headers.items()}
            answer = seen.says.pop(0) if seen.says else Says()
            seen.bodies.append(body)
            seen.heads.append(head)
            seen.paths.append(self.path)
            time.sleep(answer.slow)
            if answer.status == 200:
                plain = gzip.decompress(body) if head.get("content-encoding") == "gzip" else body
                if head["content-type"] == "application/json":
                    seen.taken.append(read_json(plain))
                else:
                    assert head["content-type"] == "application/x-protobuf"
                    seen.taken.append(ExportTraceServiceRequest.FromString(plain))
            try:
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)
            except OSError:
                pass  # the client has gone: it does not wait for ever

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a refused handshake
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    seen.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
