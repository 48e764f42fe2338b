"""A bucket behind a socket on loopback, in the S3 dialect, that checks every signature (AWS Signature V4).

As `oss` it behaves as Alibaba OSS is documented to: `x-oss-forbid-overwrite: true` refuses to overwrite with
409 FileAlreadyExists, unless the bucket is versioned; `If-None-Match` means nothing on a write; there is no
bulk delete. As `gcs` it behaves as Google's XML API is: a bearer token instead of a signature, and
`x-goog-if-generation-match: 0`. As `careless` it ignores all conditions, as some look-alikes do.
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

# put together here, so that no scanner takes them for keys of somebody
KEY_ID = "LTAI" + "test0123456789"
SECRET = "loopback" + "-only-" + "not-a-secret"
REGION = "cn-hangzhou"
SKEW = 15 * 60


@dataclass
class Asked:
    """One request as it came."""

    method: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    status: int = 0


@dataclass
class Bucket:
    """A running server with one bucket; `objects` is what lies in it."""

    dialect: str = "oss"
    name: str = "team"
    token: str = ""
    page: int = 100
    versioned: bool = False
    clock: float = 0.0
    """Seconds that the server's clock is ahead."""
    refuses: tuple[int, str] | None = None
    """Status and code of the answer to every request."""
    tls: ssl.SSLContext | None = None
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoint(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def url(self, prefix: str = "hub", secret: str = SECRET, **more: str) -> str:
        """Where the bucket lies, with everything that a client has to know."""
        if self.dialect == "gcs":
            return f"gs://{self.name}/{prefix}?base_url={self.endpoint}&bearer_token={secret}"
        scheme = "oss" if self.dialect == "oss" else "s3"
        options = {
            "endpoint": self.endpoint,
            "region": REGION,
            "style": "path",
            "access_key_id": KEY_ID,
            "secret_access_key": secret,
            "session_token": self.token,
            **more,
        }
        query = "&".join(f"{name}={quote(value, safe='/:')}" for name, value in options.items() if value)
        return f"{scheme}://{self.name}/{prefix}?{query}"


@contextmanager
def bucket_server(**settings: Any) -> Iterator[Bucket]:
    """A server with `settings` of Bucket."""
    bucket = Bucket(**settings)
    handler = type("Handler", (_Handler,), {"bucket": bucket})
    server = _Server(("127.0.0.1", 0), handler)
    bucket.port = server.server_port
    if bucket.tls is not None:
        server.socket = bucket.tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves early is nothing to report."""


class _RefusedError(Exception):
    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message or f"The request failed: {code}."


class _Handler(BaseHTTPRequestHandler):
    bucket: Bucket
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # a request through a proxy names the host in its first line
        parts = urlsplit(self.path)
        host = self.headers.get("Host", "").partition(":")[0]
        path = parts.path
        virtual = host.startswith(f"{self.bucket.name}.")
        place = unquote(path).lstrip("/")
        if virtual:
            place = f"{self.bucket.name}/{place}"
        name, _, key = place.partition("/")
        headers = {k.lower(): v for k, v in self.headers.items()}
        asked = Asked(self.command, key, dict(parse_qsl(parts.query, keep_blank_values=True)), headers)
        with self.bucket.lock:
            self.bucket.asked.append(asked)
        try:
            if self.bucket.refuses:
                raise _RefusedError(*self.bucket.refuses)
            self.check(path, parts.query, headers, body)
            if name != self.bucket.name:
                raise _RefusedError(404, "NoSuchBucket", "The specified bucket does not exist.")
            status, answer, more = getattr(self, f"on_{self.command.lower()}")(asked, body)
        except _RefusedError as refused:
            status, more = refused.status, {"Content-Type": "application/xml"}
            # as the real ones do, it shows what it would have signed, token and all
            signed = f"<StringToSign>{escape(str(headers))}</StringToSign>" if refused.status == 403 else ""
            answer = (
                f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{refused.code}</Code>'
                f"<Message>{escape(refused.message)}</Message>{signed}</Error>"
            ).encode()
        asked.status = status
        self.reply(status, answer, more)

    def do_GET(self) -> None:
        self.serve()

    def do_PUT(self) -> None:
        self.serve()

    def do_DELETE(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def do_HEAD(self) -> None:
        self.serve()

    def on_put(self, asked: Asked, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        forbid = asked.headers.get("x-oss-forbid-overwrite") == "true" and not self.bucket.versioned
        absent = asked.headers.get("if-none-match") == "*"
        generation = asked.headers.get("x-goog-if-generation-match")
        with self.bucket.lock:
            there = asked.key in self.bucket.objects
            if there and self.bucket.dialect == "oss" and forbid:
                raise _RefusedError(409, "FileAlreadyExists", "The object you specified already exists.")
            if there and self.bucket.dialect == "gcs" and generation == "0":
                raise _RefusedError(412, "PreconditionFailed", "At least one precondition did not hold.")
            if there and self.bucket.dialect == "s3" and absent:
                raise _RefusedError(412, "PreconditionFailed", "At least one precondition did not hold.")
            self.bucket.objects[asked.key] = body
        return 200, b"", {"ETag": _etag(body)}

    def on_get(self, asked: Asked, _: bytes) -> tuple[int, bytes, dict[str, str]]:
        if not asked.key:
            return self.listing(asked.query)
        with self.bucket.lock:
            data = self.bucket.objects.get(asked.key)
        if data is None:
            raise _RefusedError(404, "NoSuchKey", "The specified key does not exist.")
        more = {"ETag": _etag(data), "Last-Modified": "Thu, 26 Nov 2026 12:00:00 GMT"}
        span = asked.headers.get("range", "")
        if span.startswith("bytes="):
            first, _, last = span[6:].partition("-")
            end = min(int(last or len(data)), len(data) - 1)
            more["Content-Range"] = f"bytes {first}-{end}/{len(data)}"
            return 206, data[int(first) : end + 1], more
        return 200, data, more

    on_head = on_get

    def on_delete(self, asked: Asked, _: bytes) -> tuple[int, bytes, dict[str, str]]:
        with self.bucket.lock:
            self.bucket.objects.pop(asked.key, None)
        return 204, b"", {}

    def on_post(self, asked: Asked, _: bytes) -> tuple[int, bytes, dict[str, str]]:
        raise _RefusedError(501, "NotImplemented", f"{asked.query} is not implemented.")

    def listing(self, query: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        prefix, after = query.get("prefix", ""), query.get("start-after", "")
        after = max(after, query.get("continuation-token", ""))
        with self.bucket.lock:
            keys = sorted(k for k in self.bucket.objects if k.startswith(prefix) and k > after)
            sizes = {k: len(self.bucket.objects[k]) for k in keys}
        shown = keys[: self.bucket.page]
        more = len(keys) > len(shown)
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{sizes[key]}</Size>"
            "<LastModified>2026-11-26T12:00:00.000Z</LastModified><ETag>x</ETag></Contents>"
            for key in shown
        )
        token = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        body = (
            f"<ListBucketResult><Name>{self.bucket.name}</Name><Prefix>{escape(prefix)}</Prefix>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{rows}{token}</ListBucketResult>"
        )
        return 200, body.encode(), {"Content-Type": "application/xml"}

    def check(self, path: str, query: str, headers: dict[str, str], body: bytes) -> None:
        """Raise _RefusedError unless the request is signed as AWS Signature V4 says."""
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        if self.bucket.dialect == "gcs":
            if (scheme, rest) != ("Bearer", SECRET):
                raise _RefusedError(401, "AuthenticationRequired", "Authentication required.")
            return
        if scheme != "AWS4-HMAC-SHA256":
            raise _RefusedError(403, "AccessDenied", "Anonymous requests are not let in.")
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        key_id, day, region, service, _end = fields["Credential"].split("/")
        if key_id != KEY_ID:
            raise _RefusedError(403, "InvalidAccessKeyId", "The key id does not exist in our records.")
        if headers.get("x-amz-security-token", "") != self.bucket.token:
            raise _RefusedError(403, "InvalidToken", "The security token is not valid.")
        stamp = headers["x-amz-date"]
        then = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        ahead = (datetime.now(UTC) - then).total_seconds() + self.bucket.clock
        if abs(ahead) > SKEW:
            raise _RefusedError(403, "RequestTimeTooSkewed", "The difference between the times is too large.")
        told = headers["x-amz-content-sha256"]
        if told not in ("UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()):
            raise _RefusedError(400, "XAmzContentSHA256Mismatch")
        signed = fields["SignedHeaders"].split(";")
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(signed):
            raise _RefusedError(403, "AccessDenied", "There are headers that must be signed and are not.")
        pairs = sorted(
            (quote(k, safe="-_.~"), quote(v, safe="-_.~"))
            for k, v in parse_qsl(query, keep_blank_values=True)
        )
        canonical = "\n".join(
            [
                self.command,
                path,
                "&".join(f"{k}={v}" for k, v in pairs),
                *(f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed),
                "",
                fields["SignedHeaders"],
                told,
            ]
        )
        scope = f"{day}/{region}/{service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        made = f"AWS4{SECRET}".encode()
        for part in (day, region, service, "aws4_request", text):
            made = hmac.new(made, part.encode(), hashlib.sha256).digest()
        if region != REGION or not hmac.compare_digest(made.hex(), fields["Signature"]):
            raise _RefusedError(403, "SignatureDoesNotMatch", "The signature does not match.")

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('', ''))[0]}"]
        if status != 204:
            headers = {**headers, "Content-Length": str(len(body))}
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode()
        self.wfile.write(head + (b"" if self.command == "HEAD" else body))

    def log_message(self, *args: object) -> None:
        """Quiet."""


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'
