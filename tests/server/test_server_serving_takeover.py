"""Two servers on one S3 hub, one killed at every stage boundary: the other goes on, and doubles nothing."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from lessons import lesson_session, writer
from log_facts import content, counted, doubles
from providers import Provider
from s3_server import seaweed
from servers import Made, Site, kill_tree, make, until
from storage_faults import Faults, faulty

from skillclaw.hub.claims import Claims
from skillclaw.server.groups.claiming import CYCLE

SESSIONS = [lesson_session(lesson, number) for lesson in range(2) for number in range(6)]


@dataclass
class World:
    """What all runs share: the S3 server, the group to be copied, and what an undisturbed run came to."""

    url: str
    made: Made
    place: Path
    content: dict[str, Any] = field(default_factory=dict)
    entries: int = 0
    questions: Counter[str] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    place = tmp_path_factory.mktemp("takeover")
    with seaweed(tmp_path_factory.mktemp("weed")) as url:
        world = World(url, make(place / "made", SESSIONS), place)
        with Fresh(world, "calm") as calm:
            calm.site.once("south")
            hub = calm.site.hub("south")
            world.content, world.entries = content(hub), len(counted(hub))
            world.questions = calm.asked()
            assert doubles(hub) == []
            assert len(world.content["skills"]) == 2
            assert set(world.questions.values()) == {1}
        yield world


@dataclass
class Run:
    """One run: north asks its storage through `relay`, and everybody the `provider`."""

    site: Site
    relay: Faults
    provider: Provider
    at_question: list[Callable[[int], None]]

    def asked(self) -> Counter[str]:
        """The questions that came to the provider, each with how often."""
        return Counter(json.dumps(one.body, sort_keys=True) for one in self.provider.seen)


class Fresh:
    """A fresh copy of the group at a place of its own in the bucket."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, f"{name}-{secrets.token_hex(4)}"

    def __enter__(self) -> Run:
        from contextlib import ExitStack

        self.stack = ExitStack()
        url = self.world.url.replace("/hub?", f"/{self.name}?")
        port = urlsplit(dict(parse_qsl(urlsplit(url).query))["endpoint"]).port
        assert port is not None
        relay = self.stack.enter_context(faulty(port))
        at_question: list[Callable[[int], None]] = []
        lock = threading.Lock()
        count = Counter[str]()

        def first(request: dict[str, Any]) -> None:
            with lock:
                count["asked"] += 1
                number = count["asked"]
            for told in at_question:
                told(number)

        provider = self.stack.enter_context(Provider("chat", writer(first)))
        environ = {
            f"SKILLCLAW_EVOLVE__MODEL__{key.upper()}": str(value)
            for key, value in provider.settings().items()
        }
        environ |= {"SKILLCLAW_EVOLVE__ENGINE": "llm", "SKILLCLAW_EVOLVE__WORKERS": "1"}
        place = self.world.place / self.name
        site = self.stack.enter_context(
            self.world.made.copied(place, url, environ, through={"north": relay.endpoint})
        )
        return Run(site, relay, provider, at_question)

    def __exit__(self, *told: object) -> None:
        self.stack.__exit__(*told)  # type: ignore[arg-type]


def killed(one: Run, boundary: str) -> None:
    """Start north, then south; SIGKILL to all of north when it comes to the boundary."""
    north: list[subprocess.Popen[bytes]] = []
    began, dead = threading.Event(), threading.Event()
    lock, seen = threading.Lock(), Counter[str]()

    def kill() -> None:
        if not dead.is_set():
            dead.set()
            kill_tree(north[0])

    kind, _, wanted = boundary.rpartition(" ")

    def watch(when: str, method: str, path: str) -> None:
        what = _kind(method, path)
        if what == "claim":
            began.set()
        with lock:
            seen[f"{when} {what}"] += 1
            hit = f"{when} {what}" == kind and seen[kind] == int(wanted)
        if hit:
            kill()

    one.relay.watch = watch
    if kind == "question":
        one.at_question.append(lambda number: kill() if number == int(wanted) and not dead.is_set() else None)
    north.append(one.site.start("north"))
    until(lambda: began.is_set() or dead.is_set(), lambda: one.site.said("north"))
    one.site.start("south")
    until(dead.is_set, lambda: f"{boundary}: {seen} {one.site.said('north')}")
    one.at_question.clear()


def _kind(method: str, path: str) -> str:
    """What a request is about: `log` for an entry that is written, and so on."""
    name = urlsplit(path).path
    if method == "PUT":
        for what, pattern in (
            ("claim", "/claims/"),
            ("answer", "/answers/"),
            ("object", "/objects/"),
            ("log", "/log/"),
        ):
            if pattern in name:
                return what
    if method == "GET" and re.search(r"/sessions/\d", name):
        return "session"
    return method.lower()


def agree(world: World, one: Run, again: tuple[str, ...]) -> None:
    """South has come to what an undisturbed run comes to; nothing was doubled; a run `again` does nothing."""
    hub = one.site.hub("south")
    claims = Claims(hub)

    def over() -> bool:
        return content(hub) == world.content and claims.holder(CYCLE) is None

    until(over, lambda: f"{content(hub)}\n{world.content}\n{one.site.said('south')}", 90)
    assert doubles(hub) == []
    assert len(counted(hub)) == world.entries
    # every question was asked, and at most the one that was on its way was paid twice
    questions = one.asked()
    assert questions.keys() == world.questions.keys()
    assert sum(questions.values()) <= sum(world.questions.values()) + 1
    # an identical run costs nothing and makes nothing
    for server in one.site.running:
        kill_tree(server)
        server.wait(20)
    for who in again:
        asked, entries = len(one.provider.seen), len(counted(hub))
        one.relay.watch = lambda *_: None
        one.site.once(who)
        assert (len(one.provider.seen), len(counted(hub))) == (asked, entries), one.site.said(who)
        assert content(hub) == world.content


def taken_over(world: World, boundary: str, *again: str) -> None:
    with Fresh(world, boundary.replace(" ", "-")) as one:
        killed(one, boundary)
        agree(world, one, again)


@pytest.mark.slow
def test_a_server_killed_amid_a_release_is_taken_over(world: World) -> None:
    taken_over(world, "after log 2", "south", "north")


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    "boundary",
    [
        *("after claim 1", "before session 1", "after session 7", "after session 12"),
        *("question 1", "question 2", "question 3", "after answer 1", "before answer 2"),
        *("before object 1", "after object 1", "after object 2"),
        *(f"{when} log {n}" for n in range(1, 7) for when in ("before", "after")),
    ],
)
def test_a_server_killed_at_any_boundary_is_taken_over(world: World, boundary: str) -> None:
    taken_over(world, boundary, "south")
