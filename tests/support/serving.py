"""`skillclaw serve` as a process, and its API as a client sees it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from team import home


class Server:
    """A server of the machine of `who`. `log` is what it said on standard error."""

    def __init__(
        self, place: Path, who: str, *args: str, environ: Mapping[str, str], **settings: object
    ) -> None:
        base = {k: v for k, v in os.environ.items() if not k.startswith("SKILLCLAW_")}
        own = {"HOME": str(place / who), "SKILLCLAW_HOME": str(home(place, who))}
        said = {f"SKILLCLAW_SERVE__{name.upper()}": str(value) for name, value in settings.items()}
        self.home = home(place, who)
        self.out = place / who / "serve.out"
        self.log = place / who / "serve.err"
        with self.out.open("wb") as out, self.log.open("ab") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "skillclaw", "serve", "--port", "0", "--json", *args],
                env=base | own | said | dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        self.url = ""

    def ready(self) -> Server:
        """The server once it answers."""

        def told() -> str:
            assert self.process.poll() is None, self.log.read_text()
            with suppress(ValueError):
                return str(json.loads(self.out.read_text())["url"])
            return ""

        self.url = wait(told, 120)
        return self

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """The JSON that the API answers; an error of it is raised."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=20)
        token = (self.home / "serve" / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            data = json.dumps(body) if body is not None else None
            connection.request(method, f"/api/v1/{path}", data, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        assert answer.status < 300, text
        return json.loads(text) if text else None

    def group(self, hub: str = "team") -> dict[str, Any]:
        """How a group stands."""
        found: dict[str, Any] = next(one for one in self.ask("groups")["items"] if one["hub"] == hub)
        return found

    def cycles(self, hub: str = "team") -> list[dict[str, Any]]:
        """Its cycles, the newest first."""
        found: list[dict[str, Any]] = self.ask(f"groups/{hub}/cycles")["items"]
        return found

    def run(self, hub: str = "team", **body: Any) -> str:
        """Ask for a cycle; its id."""
        return str(self.ask(f"groups/{hub}/cycles", "POST", body)["id"])

    def over(self, cycle: str, hub: str = "team", seconds: float = 90) -> dict[str, Any]:
        """The cycle when it is over."""

        def ended() -> dict[str, Any] | None:
            line = next((one for one in self.cycles(hub) if one["id"] == cycle), None)
            return line if line and line["outcome"] != "running" else None

        return wait(ended, seconds)

    def children(self) -> list[psutil.Process]:
        """The processes of its cycles."""
        return psutil.Process(self.process.pid).children()

    def stop(self) -> int:
        """End it as a service manager does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def serving(
    place: Path, who: str, *args: str, environ: Mapping[str, str] | None = None, **settings: object
) -> Iterator[Server]:
    """A server that answers, until the block ends, however it does; so do the processes of its cycles."""
    server = Server(place, who, *args, environ=environ or {}, **settings)
    with ended(server.process):
        yield server.ready()


@contextmanager
def running_up(place: Path, who: str) -> Iterator[None]:
    """`skillclaw up` on the machine of `who`, who agreed to it; ended at the end of the block."""
    base = {k: v for k, v in os.environ.items() if not k.startswith("SKILLCLAW_")}
    own = {"HOME": str(place / who), "SKILLCLAW_HOME": str(home(place, who))}
    with (place / who / "up.out").open("wb") as out:
        up = subprocess.Popen(
            [sys.executable, "-m", "skillclaw", "up", "--yes", "--history-only", "--json"],
            env=base | own,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    with ended(up):
        yield
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """See that the process and all that it started end with the block."""
    try:
        yield
    finally:
        left = []
        with suppress(psutil.Error):
            left = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        for child in left:
            with suppress(psutil.Error):
                child.kill()


def wait(found: Callable[[], Any], seconds: float) -> Any:
    """What `found` gives once it gives something."""
    until = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.05)
    return answer
