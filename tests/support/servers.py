"""Evolve servers as processes: a group that several serve, started, watched, killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psutil
from s3_server import free_ports

from skillclaw import settings
from skillclaw.bench.groups import make_group, send
from skillclaw.hub import Hub
from skillclaw.hub.store import Store
from skillclaw.server.groups.passing import agree
from skillclaw.trajectory.model import Trajectory

MEMBERS = 4
DAY = "2026-11-20"


@dataclass
class Site:
    """One group at `url`, and the homes of its servers, each with an evolver's key of its own."""

    url: str
    homes: dict[str, Path]
    environ: dict[str, str]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def hub(self, who: str) -> Hub:
        """The hub as the machine of `who` opens it, not through anything that stands between."""
        home = self.homes[who]
        return Hub.open(self.url, home / "keys", home / "own-hubs.json")

    def start(self, who: str, *more: str) -> subprocess.Popen[bytes]:
        """`skillclaw serve` on that machine."""
        home = self.homes[who]
        env = {k: v for k, v in os.environ.items() if not k.startswith(("SKILLCLAW_", "OPENAI_"))}
        env |= {"HOME": str(home.parent), "SKILLCLAW_HOME": str(home), **self.environ}
        env["SKILLCLAW_SERVE__PORT"] = str(free_ports(1)[0])
        with (home.parent / "serve.out").open("ab") as out:
            server = subprocess.Popen(
                [sys.executable, "-m", "skillclaw", "serve", *more],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.running.append(server)
        return server

    def once(self, who: str) -> str:
        """`serve --once`, which has to end well; what it printed."""
        server = self.start(who, "--once", "--json")
        code = server.wait(120)
        said = self.said(who)
        assert code == 0, said
        return said

    def said(self, who: str) -> str:
        return (self.homes[who].parent / "serve.out").read_text("utf-8", "replace")


def kill_tree(server: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the server and all its processes, as when a machine loses power."""
    every: list[psutil.Process] = []
    with suppress(psutil.Error):
        process = psutil.Process(server.pid)
        every = [process, *process.children(recursive=True)]
        for one in every:  # none may see another go
            one.send_signal(signal.SIGSTOP)
    for one in every:
        with suppress(psutil.Error):
            one.kill()


@dataclass
class Made:
    """A group's hub in a folder, and its machines' homes: to be copied."""

    folder: Path

    @contextmanager
    def copied(
        self, place: Path, url: str, environ: dict[str, str], through: dict[str, str] | None = None
    ) -> Iterator[Site]:
        """The group at `url`, with fresh copies of the homes below `place`; every server is ended after.

        `through` names the endpoint (http) that a machine asks instead of the URL's own.
        """
        store, hub = Store(url), self.folder / "hub"
        for path in sorted(path for path in hub.rglob("*") if path.is_file()):
            store.put(path.relative_to(hub).as_posix(), path.read_bytes())
        site = Site(url, {}, environ)
        for who in ("north", "south"):
            home = place / who / ".skillclaw"
            shutil.copytree(self.folder / who / ".skillclaw", home)
            there = at(url, (through or {}).get(who, ""))
            settings.set_value(home, "hubs.team.url", there)
            settings.set_value(home, "serve.interval", "1")
            settings.set_value(home, "serve.ttl", "3")
            site.homes[who] = home
        try:
            yield site
        finally:
            for server in site.running:
                kill_tree(server)
                server.wait(20)


def make(folder: Path, sessions: list[Trajectory]) -> Made:
    """A group with these sessions, whose servers are `north` and `south`."""
    homes = [folder / who / ".skillclaw" for who in ("north", "south")]
    group = make_group(str(folder / "hub"), folder / "owner", homes, members=MEMBERS)
    names(str(folder / "hub"), homes[0])
    send(group, sessions, day=DAY)
    return Made(folder)


def names(url: str, home: Path) -> None:
    """As the evolver that was admitted first: say how the group's evolvers name people."""
    hub = Hub.open(url, home / "keys", home / "own-hubs.json")
    agree(home / "keys", hub, hub.state(), write=True)


def at(url: str, endpoint: str) -> str:
    """`url` with another endpoint."""
    if not endpoint:
        return url
    parts = urlsplit(url)
    query = urlencode({**dict(parse_qsl(parts.query)), "endpoint": endpoint})
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def until(what: Callable[[], bool], told: Callable[[], str], seconds: float = 60) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, told()
        time.sleep(0.05)
