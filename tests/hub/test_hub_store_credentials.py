"""Where credentials for a hub's storage come from: URL, environment, AWS's files, roles of instances."""

from __future__ import annotations

import http.server
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bucket_server import KEY_ID, REGION, SECRET, Bucket, bucket_server

from skillclaw.errors import StorageError, UsageError
from skillclaw.hub.store import Store

TOKEN = "session" + "-of-loopback"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home with nothing in it, and an environment without credentials."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "OSS_", "ALIBABA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    # boto3 must not ask an instance's address outside of this machine
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


@pytest.fixture
def s3() -> Iterator[Bucket]:
    with bucket_server(dialect="s3") as bucket:
        yield bucket


def bare(bucket: Bucket, **more: str) -> str:
    """The URL without a key."""
    options = {"endpoint": bucket.endpoint, "region": REGION, "style": "path", "retries": "0", **more}
    scheme = "oss" if bucket.dialect == "oss" else "s3"
    return f"{scheme}://team/hub?" + "&".join(f"{k}={v}" for k, v in options.items() if v)


def works(url: str) -> bool:
    store = Store(url)
    assert store.create("log/1", b"x")
    assert not store.create("log/1", b"y")
    assert store.list("log") == ["log/1"]
    store.delete("log/1")
    return store.get("log/1", 10) is None


def test_from_the_url(s3: Bucket, oss: Bucket) -> None:
    assert works(s3.url())
    assert works(oss.url())


def test_from_the_environment(s3: Bucket, oss: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert works(bare(s3))
    with pytest.raises(StorageError, match="no credentials"):
        Store(bare(oss))  # these are AWS's
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA" + "another")
    # what is meant for AWS does not get in the way of OSS
    monkeypatch.setenv("AWS_SESSION_TOKEN", "another")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    for key, secret in (
        ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"),
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
    ):
        monkeypatch.setenv(key, KEY_ID)
        monkeypatch.setenv(secret, SECRET)
        assert works(bare(oss))
        monkeypatch.setenv("OSS_REGION", f"oss-{REGION}")
        assert works(bare(oss, region=""))
        monkeypatch.delenv(key)


def test_the_endpoint_of_the_url_goes_before_that_of_the_environment(
    s3: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "http://storage.example")
    assert works(s3.url())
    with pytest.raises(UsageError, match="without encryption"):
        Store(s3.url(endpoint=""))
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.endpoint)
    assert works(s3.url(endpoint=""))


def test_a_session_token_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    for dialect, key, secret, token in (
        ("s3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        ("oss", "OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"),
    ):
        monkeypatch.setenv(key, KEY_ID)
        monkeypatch.setenv(secret, SECRET)
        monkeypatch.setenv(token, TOKEN)
        with bucket_server(dialect=dialect, token=TOKEN) as bucket:
            assert works(bare(bucket))


def test_the_header_that_forbids_to_overwrite_goes_with_creates_only(oss: Bucket) -> None:
    store = Store(oss.url())
    store.put("objects/a", b"x")
    store.create("log/1", b"x")
    header = "x-oss-forbid-overwrite"
    assert [(a.method, a.headers.get(header)) for a in oss.asked] == [("PUT", None), ("PUT", "true")]
    assert not any("if-none-match" in asked.headers for asked in oss.asked)


def test_oss_has_the_bucket_in_the_host(oss: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real form of the address, through a proxy, which is the server itself."""
    monkeypatch.setenv("HTTP_PROXY", oss.endpoint)
    monkeypatch.setenv("http_proxy", oss.endpoint)
    url = oss.url(style="", endpoint=f"http://s3.oss-{REGION}.aliyuncs.com", allow_http="true")
    assert works(url)
    assert {asked.headers["host"] for asked in oss.asked} == {f"team.s3.oss-{REGION}.aliyuncs.com"}


def test_s3_has_the_bucket_in_the_host_if_asked(s3: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", s3.endpoint)
    monkeypatch.setenv("http_proxy", s3.endpoint)
    for endpoint in ("http://storage.example", "http://team.storage.example"):
        s3.asked.clear()
        assert works(s3.url(style="virtual", endpoint=endpoint, allow_http="true"))
        assert {asked.headers["host"] for asked in s3.asked} == {"team.storage.example"}


def profile(home: Path, name: str, *lines: str, file: str = "config") -> None:
    (home / ".aws").mkdir(exist_ok=True)
    head = f"[{name}]" if name == "default" or file == "credentials" else f"[profile {name}]"
    with (home / ".aws" / file).open("a") as out:
        out.write("\n".join([head, *lines, ""]))


KEYS = (f"aws_access_key_id = {KEY_ID}", f"aws_secret_access_key = {SECRET}")


def test_from_a_profile(s3: Bucket, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3")
    profile(home, "team", *KEYS, file="credentials")
    profile(home, "team", f"region = {REGION}", f"endpoint_url = {s3.endpoint}")
    assert works(bare(s3, profile="team"))
    assert works(bare(s3, profile="team", region="", endpoint=""))
    monkeypatch.setenv("AWS_PROFILE", "team")
    assert works(bare(s3, region="", endpoint=""))
    # a profile that is named goes before the environment, the environment before AWS_PROFILE
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA" + "another")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    assert works(bare(s3, profile="team"))
    with pytest.raises(StorageError, match="could not be written"):
        works(bare(s3))


def test_from_the_default_profile(s3: Bucket, home: Path) -> None:
    pytest.importorskip("boto3")
    profile(home, "default", *KEYS, f"region = {REGION}", file="credentials")
    assert works(bare(s3))
    assert works(bare(s3, region=""))


def test_from_a_program(s3: Bucket, home: Path) -> None:
    pytest.importorskip("boto3")
    answer = {"Version": 1, "AccessKeyId": KEY_ID, "SecretAccessKey": SECRET}
    program = home / "give.py"
    program.write_text(f"print('''{json.dumps(answer)}''')")
    profile(home, "team", f"credential_process = {sys.executable} {program}")
    assert works(bare(s3, profile="team"))


def test_a_profile_that_is_not_there(s3: Bucket, home: Path) -> None:
    pytest.importorskip("boto3")
    profile(home, "team", *KEYS)
    profile(home, "empty", "region = x")
    with pytest.raises(UsageError, match="cannot be used"):
        Store(bare(s3, profile="another"))
    with pytest.raises(UsageError, match="holds no credentials"):
        Store(bare(s3, profile="empty"))


def test_without_the_extra_a_profile_says_what_is_missing(
    s3: Bucket, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile(home, "team", *KEYS)
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(UsageError) as caught:
        Store(bare(s3, profile="team"))
    assert "[aws]" in caught.value.todo


@contextmanager
def answers(say: dict[str, str]) -> Iterator[str]:
    """A server of instance metadata: path -> body."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = next((body for path, body in say.items() if self.path.rstrip("/") == path), None)
            body = (found or "").encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def role() -> str:
    until = datetime.now(UTC) + timedelta(hours=1)
    return json.dumps(
        {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "LastUpdated": "2026-11-26T00:00:00Z",
            "AccessKeyId": KEY_ID,
            "SecretAccessKey": SECRET,
            "Token": TOKEN,
            "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )


def test_from_the_role_of_an_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/latest/meta-data/iam/security-credentials"
    say = {"/latest/api/token": "t", path: "team-role", f"{path}/team-role": role()}
    with answers(say) as url, bucket_server(dialect="s3", token=TOKEN) as bucket:
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", url)
        assert works(bare(bucket))


def test_from_the_role_of_a_container(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    (home / "token").write_text("t")
    with answers({"/creds": role()}) as url, bucket_server(dialect="s3", token=TOKEN) as bucket:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/creds")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(home / "token"))
        assert works(bare(bucket))
