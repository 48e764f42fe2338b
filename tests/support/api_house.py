"""A group whose evolve server answers on loopback: a real hub, a real service, real HTTP."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from team import found, home, hub, sc

from skillclaw.hub import Hub
from skillclaw.settings_serve import ServeSettings
from skillclaw.skills.bundle import version
from skillclaw.skills.items import item_id
from skillclaw.skills.records import Bundle, File, Item, ItemKind, Pattern, Proposal, Ref, Sidecar, Verdict

if TYPE_CHECKING:  # slow to load, and every process of the tests looks at this file
    from skillclaw.server.api.app import App
    from skillclaw.server.api.run import Running
    from skillclaw.server.serving.service import Service

TOKEN = hashlib.sha256(b"token of the tests").hexdigest()
"""The same in every process: names of tests hold it."""
LINES = {
    "condition": "When pip says that the environment is externally managed.",
    "step": "Make a virtual environment: `python3 -m venv .venv`",
}


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class House:
    """Ada's machine, which is the evolver of the group `team`, and its server."""

    place: Path
    service: Service
    app: App
    running: Running
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {TOKEN}"})

    @property
    def hub(self) -> Hub:
        """The group's hub, opened anew."""
        return hub(self.place)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes = b"",
    ) -> Answer:
        """One request with the token, unless `headers` say otherwise (an empty value leaves one out)."""
        line = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=30)
        given = dict(self.headers)
        data = raw or (json.dumps(body).encode() if body is not None else b"")
        if body is not None or raw:
            given["Content-Type"] = "application/json"
        given |= dict(headers or {})
        try:
            line.putrequest(method, path, skip_host="Host" in given)
            if data and "Content-Length" not in given:
                line.putheader("Content-Length", str(len(data)))
            for name, value in given.items():
                if value:
                    line.putheader(name, value)
            line.endheaders(data or None)
            got = line.getresponse()
            return Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
        finally:
            line.close()

    def get(self, path: str) -> Any:
        """The JSON at `/api/v1/PATH`, which must be there."""
        answer = self.ask("GET", f"/api/v1/{path}")
        assert answer.status == 200, answer.body
        return answer.json

    def post(self, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        """What a POST to `/api/v1/PATH` answers, with this status."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.ask("POST", f"/api/v1/{path}", body, named)
        assert answer.status == status, (answer.status, answer.body)
        return answer.json

    def propose(self, number: int, *more: str, base: str | None = None, skill: str = "pip-venv") -> str:
        """A proposal with evidence, held, as a cycle would leave it; its id."""
        made = proposal(number, *more, base=base, skill=skill)
        self.hub.propose(made)
        verdicts = [
            Verdict(check="support", verdict="pass", reason="6 sessions of 3 users."),
            Verdict(check="approval", verdict="hold", reason="It waits for a reviewer."),
        ]
        self.hub.record_verdicts(made.id, verdicts, "held")
        return made.id


def proposal(number: int, *more: str, base: str | None = None, skill: str = "pip-venv") -> Proposal:
    """A proposal of a skill with the lines `LINES`, which have evidence, and `more`, which have none."""
    refs = [
        Ref(
            session=f"{n:016x}",
            user=f"m-{n % 3:016x}",
            agent="codex",
            day=f"2026-11-{n:02}",
            steps=[2],
            success=True,
        )
        for n in range(1, 7)
    ]
    kinds: tuple[ItemKind, ...] = ("condition", "step")
    lines = [
        f"# {skill}",
        "",
        "## When",
        "",
        f"- {LINES['condition']}",
        "",
        "## Steps",
        "",
        f"1. {LINES['step']}",
    ]
    lines += [f"{place}. {text}" for place, text in enumerate(more, 2)]
    head = f"---\nname: {skill}\ndescription: How to install with pip, number {len(more)}.\n---\n\n"
    bundle = Bundle(name=skill, files=[File(path="SKILL.md", data=(head + "\n".join(lines) + "\n").encode())])
    items = [
        Item(
            id=item_id(skill, kind, LINES[kind]),
            kind=kind,
            text=LINES[kind],
            section=section,
            patterns=["p1"],
            evidence=refs,
            odds_ratio=4.5,
            ci=(1.5, 13.0),
            helpful=5,
            harmful=1,
        )
        for kind, section in zip(kinds, ("When", "Steps"), strict=True)
    ]
    return Proposal(
        id=f"{number:016x}",
        action="refine" if base else "create",
        skill=skill,
        base=base,
        engine="extractive",
        why="Six sessions of three people met it.",
        bundle=bundle,
        sidecar=Sidecar(skill=skill, version=version(bundle), engine="extractive", items=items),
        patterns=[
            Pattern(
                id="p1", kind="recovery", title="pip install fails", topic="pip", signature="s", evidence=refs
            )
        ],
    )


@contextmanager
def serving(place: Path, *, app_token: str = TOKEN, **more: Any) -> Iterator[House]:
    """The server of Ada's machine, paused, so that cycles run only where a test asks for one."""
    from skillclaw.server.api.app import make_app
    from skillclaw.server.api.run import start
    from skillclaw.server.serving.service import Service

    settings = ServeSettings(grace=0.0, ttl=5.0)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SKILLCLAW_")}
    environ |= {"HOME": str(place / "ada"), "USERPROFILE": str(place / "ada")}
    service = Service(home(place, "ada"), settings, environ)
    service.pause(None)
    service.start()
    running = None
    try:
        wait_for(service.groups, "group")
        app = make_app(service, machine_home=home(place, "ada"), environ=environ, token=app_token, **more)
        running = start(app, "127.0.0.1", 0)
        yield House(place, service, app, running)
    finally:
        if running is not None:
            running.stop(1.0)
        service.stop(0.0)


@contextmanager
def again(at: House) -> Iterator[House]:
    """The API of the same service and home as a process would open it that began later."""
    from skillclaw.server.api.app import make_app
    from skillclaw.server.api.run import start

    owner = home(at.place, "ada")
    app = make_app(at.service, machine_home=owner, environ=dict(os.environ), token=TOKEN)
    running = start(app, "127.0.0.1", 0)
    try:
        yield House(at.place, at.service, app, running)
    finally:
        running.stop(1.0)


def wait_for(look: Any, what: str, seconds: float = 60.0) -> Any:
    """What `look` gives as soon as that is something."""
    import time

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := look():
            return value
        time.sleep(0.02)
    raise AssertionError(f"no {what} within {seconds} s")


@contextmanager
def house(place: Path, **more: Any) -> Iterator[House]:
    """A new group of Ada alone, and its server."""
    found(place)
    sc(place, "ada", "config", "set", "evolve.engine", "extractive")
    with serving(place, **more) as made:
        yield made
