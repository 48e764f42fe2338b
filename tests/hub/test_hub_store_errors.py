"""Errors of storage as people read them: what, why, what to do, and no secret."""

from __future__ import annotations

import http.server
import os
import shutil
import ssl
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from bucket_server import KEY_ID, SECRET, Bucket, bucket_server
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from s3_server import free_ports

from skillclaw.errors import SkillClawError, StorageError, UsageError
from skillclaw.hub import Hub, store_errors
from skillclaw.hub.store import Store, masked, plain
from skillclaw.hub.store_url import scrubbed, secrets_of

QUICK = {"timeout": "2", "retries": "0"}


@pytest.fixture(autouse=True)
def no_credentials_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "OSS_", "ALIBABA_", "AZURE_", "GOOGLE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))


def error_of(act: Callable[[], object]) -> SkillClawError:
    with pytest.raises(SkillClawError) as caught:
        act()
    error = caught.value
    assert error.what
    assert error.why
    assert error.todo
    assert len(str(error).splitlines()) <= 3
    shown = "".join(traceback.format_exception(error))
    for secret in (SECRET, KEY_ID, "TOKEN" * 3):
        assert secret not in shown
    return error


def every(store: Store) -> list[Callable[[], object]]:
    """All that asks the storage."""
    return [
        lambda: store.get("hub.json", 10),
        lambda: store.put("objects/a", b"x"),
        lambda: store.create("log/1", b"x"),
        lambda: store.list("log"),
        lambda: store.delete("objects/a"),
        store.probe,
        lambda: store.probe("hub.json", b"x"),
    ]


def told(url: str, why: str, todo: str) -> None:
    for act in every(Store(url)):
        error = error_of(act)
        assert why in error.why
        assert todo in error.todo


def test_a_wrong_secret(oss: Bucket) -> None:
    told(oss.url(secret="wrong-" + SECRET[::-1], **QUICK), "does not know these credentials", "Check the key")


def test_a_wrong_key(oss: Bucket) -> None:
    told(oss.url(access_key_id="LTAI" + "another", **QUICK), "does not know these", "Check the key")


def test_an_expired_token(oss: Bucket) -> None:
    told(oss.url(session_token="TOKEN" * 3, **QUICK), "have expired", "Get new ones")


def test_no_such_bucket(oss: Bucket) -> None:
    told(oss.url(**QUICK).replace("//team/", "//another/"), "no such bucket", "Make the bucket")


def test_no_such_bucket_founds_no_hub(oss: Bucket, tmp_path: Path) -> None:
    url = oss.url(**QUICK).replace("//team/", "//another/")
    error = error_of(lambda: Hub.open_or_create(url, tmp_path / "keys", seen=tmp_path / "hubs.json"))
    assert "no such bucket" in error.why
    assert not (tmp_path / "keys").exists()


def test_a_clock_that_is_wrong() -> None:
    with bucket_server(clock=3600) as bucket:
        told(bucket.url(**QUICK), "clock is too far", "Set the clock")


def test_another_region(oss: Bucket) -> None:
    told(oss.url(region="cn-beijing", **QUICK), "does not know these credentials", "Check the key")


def test_nobody_listens(oss: Bucket) -> None:
    (port,) = free_ports(1)
    told(oss.url(endpoint=f"http://127.0.0.1:{port}", **QUICK), "cannot be reached", "Check that it runs")


def test_tls_to_a_server_without_it(oss: Bucket) -> None:
    told(oss.url(endpoint=oss.endpoint.replace("http", "https"), **QUICK), "does not speak TLS", "https")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority of its own, and a certificate of it for this machine."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("tls")
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    for command in (
        f"req -x509 {new} -days 2 -subj /CN=CA -keyout ca.key -out ca.pem",
        f"req {new} -subj /CN=here -keyout key.pem -out csr",
        "x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out cert.pem",
    ):
        subprocess.run([openssl, *command.split()], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def tls(certificates: Path) -> Iterator[Bucket]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    with bucket_server(tls=context) as bucket:
        yield bucket


def test_a_certificate_of_nobody_known(tls: Bucket) -> None:
    told(tls.url(**QUICK), "certificate does not hold", "SSL_CERT_FILE")


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_private_authority(
    tls: Bucket, certificates: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(certificates / "ca.pem"))
    assert Store(tls.url(**QUICK)).create("log/1", b"x")
    monkeypatch.setenv(variable, str(certificates / "nothing.pem"))
    with pytest.raises(UsageError, match=variable):
        Store(tls.url())


def test_a_storage_that_asks_to_slow_down() -> None:
    with bucket_server(refuses=(503, "SlowDown")) as bucket:
        told(bucket.url(**QUICK), "asks to slow down", "later")


def test_rights_that_do_not_reach() -> None:
    with bucket_server(refuses=(403, "AccessDenied")) as bucket:
        told(bucket.url(**QUICK), "not let these credentials", "rights")


def test_a_storage_that_overwrites_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for kind in ({"dialect": "careless"}, {"dialect": "oss", "versioned": True}):
        with bucket_server(**kind) as bucket:
            store = Store(bucket.url())
            error = error_of(store.probe)
            assert "cannot hold a hub" in error.what
            assert ("versioning" in error.todo) == bucket.versioned
            assert bucket.objects == {}
            store.put("hub.json", b"{}")
            with pytest.raises(StorageError, match="cannot hold a hub"):
                store.probe("hub.json", b"{}")
            assert store.get("hub.json", 10) == b"{}"
            with pytest.raises(StorageError, match="cannot hold a hub"):
                hub = Hub.open_or_create(bucket.url("b"), tmp_path / "keys", seen=tmp_path / "hubs.json")
                hub.tombstone("k")


def test_urls_that_cannot_be() -> None:
    for url, what in (
        ("ftp://x/y", "cannot lie"),
        ("s3:///x", "names no bucket"),
        ("s3://b/x?timeout=never", "number of seconds"),
        ("s3://b/x?retries=1000", "retries"),
        ("s3://b/x?style=odd", "style"),
        ("s3://b/x?colour=red", "not known"),
        ("s3://b/x?endpoint=http://storage.example/", "without encryption"),
        ("gs://b/x?base_url=http://storage.example/", "without encryption"),
        ("az://b/x?endpoint=http://storage.example/&account_name=a", "without encryption"),
        ("oss://b/x", "needs a region"),
    ):
        with pytest.raises(UsageError, match=what):
            Store(url)
    with pytest.raises(StorageError, match="no credentials"):
        Store("oss://b/x?region=cn-hangzhou")


@pytest.mark.e2e
def test_a_real_server_is_understood(s3: str, tmp_path: Path) -> None:
    quick = s3 + "&timeout=4&retries=0"
    told(quick.replace("testsecret", "wrong-" + SECRET), "does not know these credentials", "Check the key")
    told(quick.replace("=testkey", "=nobody"), "does not know these credentials", "Check the key")
    elsewhere = quick.replace("//team/", "//nothere/")
    assert "no such bucket" in error_of(lambda: Store(elsewhere).get("hub.json", 10)).why
    error = error_of(lambda: Hub.open_or_create(elsewhere, tmp_path / "k", seen=tmp_path / "hubs.json"))
    assert "no such bucket" in error.why
    assert Store(s3).get("hub.json", 10) is None


class Nothing(http.server.BaseHTTPRequestHandler):
    """Answers 404 with no body, as an instance without a role does."""

    def do_PUT(self) -> None:
        self.send_error(404)

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *args: object) -> None:
        """Quiet."""


def test_no_credentials_at_all(oss: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        url = f"s3://team/hub?endpoint={oss.endpoint}&region=x&timeout=2&retries=0"
        told(url, "No credentials", "AWS_ACCESS_KEY_ID")
    finally:
        server.shutdown()
        server.server_close()


def test_secrets_are_in_no_text() -> None:
    url = "s3://user:pa55word@bucket/x?secret_access_key=TOPSECRET&region=eu&session_token=T0K3N"
    secrets = secrets_of(url, {"AWS_SECRET_ACCESS_KEY": "fromenv", "PATH": "/bin"})
    text = f"GET {url} failed with fromenv, TOPSECRET: https://h/x?sig=abc&x=1 said T0K3N; in eu /bin"
    shown = scrubbed(text, secrets)
    for secret in ("TOPSECRET", "T0K3N", "fromenv", "pa55word", "sig=abc"):
        assert secret not in shown
    assert "in eu /bin" in shown


@given(st.text(max_size=400), st.sampled_from(["", "<Code>AccessDenied</Code>", "status: 503", "timed out"]))
def test_whatever_a_storage_says_is_told_in_two_lines(text: str, known: str) -> None:
    for said in (text + known, known + text, f"<Message>{text}</Message>{known}"):
        why, todo = store_errors.told(said)
        assert why
        assert todo
        assert len(why.splitlines()) == len(todo.splitlines()) == 1
        assert len(why) < 700


@settings(max_examples=examples(60))
@given(st.text(max_size=60), st.text(alphabet="abcXYZ019+/=", min_size=8, max_size=40))
def test_no_url_shows_its_secret(path: str, secret: str) -> None:
    url = f"s3://bucket/{quote(path)}?secret_access_key={quote(secret, safe='')}&region=eu"
    for shown in (masked(url), plain(url)):
        assert f"={quote(secret, safe='')}" not in shown
        assert "region" not in shown
    assert secret not in scrubbed(f"said {secret} here", secrets_of(url, {})).replace(path, "")
