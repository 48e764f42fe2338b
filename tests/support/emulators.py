"""An emulator of Azure's object storage on loopback, where it is installed: Azurite, from npm (`azurite`, in
E2E_CLIENTS/node_modules or on the PATH).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from s3_server import free_ports

ACCOUNT = "hubtest"
# put together here, so that no scanner takes it for somebody's key
ACCOUNT_KEY = base64.b64encode(b"a key of nobody, " * 3).decode()


@contextmanager
def azurite(folder: Path) -> Iterator[str]:
    """The URL of a hub's place in a container on an Azurite of its own."""
    clients = Path(os.environ.get("E2E_CLIENTS", "/nowhere")) / "node_modules" / ".bin"
    program = shutil.which("azurite-blob", path=os.pathsep.join([str(clients), os.environ["PATH"]]))
    if program is None:
        pytest.skip("needs Azurite (npm: azurite) on the PATH or in E2E_CLIENTS")
    (port,) = free_ports(1)
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    command = [
        *(program, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)),
        *("--silent", "--skipApiVersionCheck", "--disableTelemetry"),
    ]
    environ = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{ACCOUNT_KEY}", "HOME": str(folder)}
    with _running(command, folder, environ):
        _until_it_answers(lambda: _make_container(endpoint, "team"))
        key = quote(ACCOUNT_KEY, safe="")
        yield f"az://team/hub?endpoint={endpoint}&account_name={ACCOUNT}&account_key={key}"


@contextmanager
def _running(command: list[str], folder: Path, environ: dict[str, str]) -> Iterator[None]:
    with (folder / "output").open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder, env=environ)
    try:
        yield
    finally:
        server.kill()
        server.wait(20)


def _until_it_answers(make: Callable[[], None]) -> None:
    until = time.monotonic() + 40
    while True:
        try:
            make()
            return
        except urllib.error.HTTPError as answer:
            if answer.code == 409:
                return
            last: Exception = answer
        except OSError as error:
            last = error
        if time.monotonic() > until:
            raise RuntimeError(f"the emulator did not start: {last}")
        time.sleep(0.2)


def _make_container(endpoint: str, name: str) -> None:
    """Signed with the account's key, as Azure's Shared Key says."""
    date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    version = "2023-11-03"
    path = f"/{ACCOUNT}/{ACCOUNT}/{name}"
    lines = [
        "PUT",
        *[""] * 11,
        f"x-ms-date:{date}",
        f"x-ms-version:{version}",
        f"{path}",
        "restype:container",
    ]
    key = base64.b64decode(ACCOUNT_KEY)
    signature = base64.b64encode(hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).digest()).decode()
    request = urllib.request.Request(f"{endpoint}/{name}?restype=container", method="PUT")
    request.add_header("x-ms-date", date)
    request.add_header("x-ms-version", version)
    request.add_header("Authorization", f"SharedKey {ACCOUNT}:{signature}")
    urllib.request.urlopen(request, timeout=5).close()
