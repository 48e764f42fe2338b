"""pi, as its users have it, over each of the protocols in which it names its session."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli import ok, ok_json
from clients import Person
from live import FIRST, SCRIPTS, Client, Live, environ_of, prove, start
from scripted import Seen, Upstream

CLIENT = Client(name="pi", version="0.73.1", package="@mariozechner/pi-coding-agent")
# Under its new name, from the same people.
NEWER = Client(name="pi-next", version="0.87.1", package="@earendil-works/pi-coding-agent", node="24")
PATHS = {"openai-completions": "/v1", "openai-responses": "/v1", "anthropic-messages": ""}


def live(protocol: str, client: Client = CLIENT) -> Live:
    def settings(person: Person, url: str) -> list[Path]:
        path = person.home / ".pi/agent/models.json"
        path.parent.mkdir(parents=True)
        path.write_text(
            "{\n  // what the office runs\n"
            f'  "providers": {{"office": {{"baseUrl": "{url}{PATHS[protocol]}", "api": "{protocol}",\n'
            '    "apiKey": "own-key-0123", "models": [{"id": "scripted", "name": "Scripted"},]}}\n}\n',
            "utf-8",
        )
        chosen = path.with_name("settings.json")
        chosen.write_text(json.dumps({"defaultProvider": "office", "defaultModel": "scripted"}), "utf-8")
        return [path, chosen, path.parent / "extensions/skillclaw.js"]

    def run(person: Person, prompt: str, again: bool) -> None:
        start(person, made, ["pi", "-p", prompt, *(["-c"] if again else [])])

    made = Live(
        agent="pi", client=client, settings=settings, run=run, native=native, environ={"PI_OFFLINE": "1"}
    )
    return made


def native(seen: list[Seen]) -> str:
    named = {one.header("session_id") or _named(one) for one in seen if one.json.get("tools")}
    assert len(named) == 1, named
    return named.pop()


def _named(one: Seen) -> str:
    return str(json.loads(one.json["metadata"]["user_id"])["session_id"])


@pytest.mark.parametrize("client", [CLIENT, NEWER], ids=["0.73", "0.87"])
@pytest.mark.parametrize("protocol", PATHS)
def test_pi(protocol: str, client: Client, tmp_path: Path) -> None:
    prove(live(protocol, client), tmp_path)


def test_run_leads_pi_to_the_proxy_and_touches_no_file(tmp_path: Path) -> None:
    made = live("openai-completions")
    person = Person.make(tmp_path / "ada")
    environ = environ_of(person, made)
    with Upstream(dict(SCRIPTS)) as upstream:
        files = made.settings(person, upstream.url)
        before = {path: path.read_bytes() if path.exists() else None for path in files}
        ok("up", "-d", "--port", "0", home=person.home, environ=environ)
        try:
            ok("run", "pi", "--", "-p", FIRST, home=person.home, environ=environ, cwd=person.project)
        finally:
            ok("stop", home=person.home, environ=environ)
        assert {p: p.read_bytes() if p.exists() else None for p in files} == before
        session = native(upstream.seen)
    rows = [row for row in ok_json("sessions", "list", home=person.home) if row["agent"] == "pi"]
    (shown,) = [ok_json("sessions", "show", row["id"], home=person.home) for row in rows]
    assert shown["session_id"] == session
