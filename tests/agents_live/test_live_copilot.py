"""Copilot CLI with a provider of the user's own, over each protocol: it is started through the proxy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import session, write
from cli import ok, ok_json, skillclaw
from clients import Person
from live import FIRST, LESSON, SCRIPTS, SECOND, Client, Live, check, environ_of
from scripted import Upstream

CLIENT = Client(name="copilot", version="1.0.102", package="@github/copilot")
PROTOCOLS: dict[str, tuple[str, dict[str, str]]] = {
    "chat completions": ("/v1", {}),
    "responses": ("/v1", {"COPILOT_PROVIDER_WIRE_API": "responses"}),
    "messages": ("", {"COPILOT_PROVIDER_TYPE": "anthropic"}),
}


def live(protocol: str, url: str) -> Live:
    path, more = PROTOCOLS[protocol]
    own = {
        "COPILOT_PROVIDER_BASE_URL": url + path,
        "COPILOT_PROVIDER_API_KEY": "own-key-0123456789",
        "COPILOT_MODEL": "scripted",
        "COPILOT_OFFLINE": "true",
    }
    return Live(
        agent="copilot",
        client=CLIENT,
        settings=lambda *_: [],
        run=lambda *_: None,
        skill="invoked_step",
        environ={**own, **more},
    )


def ours(home: Path) -> list[Any]:
    rows = [row for row in ok_json("sessions", "list", home=home) if row["agent"] == "copilot"]
    shown = [ok_json("sessions", "show", row["id"], home=home) for row in rows]
    return [made for made in shown if FIRST in json.dumps(made) or SECOND in json.dumps(made)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_copilot(protocol: str, tmp_path: Path) -> None:
    person = Person.make(tmp_path / "ada")
    home = person.home
    with Upstream(dict(SCRIPTS)) as upstream:
        made = live(protocol, upstream.url)
        environ = environ_of(person, made)
        lesson = [session("ada", number, "run the npm tests", LESSON) for number in range(4)]
        ok("up", "-d", "--port", "0", home=home, environ=environ)
        try:
            refused = skillclaw("connect", "copilot", home=home, environ=environ)
            assert refused.returncode == 2 and "skillclaw run copilot" in refused.stderr
            ok("import", str(write(home / "npm.jsonl", lesson)), home=home, environ=environ)
            ok("evolve", home=home, environ=environ)
            ok("sync", home=home, environ=environ)
            asked = ["run", "copilot", "--", "--allow-all-tools", "--allow-all-paths"]
            for prompt, more in ((FIRST, []), (SECOND, ["--continue"])):
                ok(*asked, *more, "-p", prompt, home=home, environ=environ, cwd=person.project)
            doctor = ok_json("doctor", "copilot", home=home, environ=environ)
            assert not [finding for finding in doctor if finding["level"] == "fail"], doctor
        finally:
            ok("stop", home=home, environ=environ)
        assert all(seen.path.startswith("/v1/") for seen in upstream.seen)
    (whole,) = ours(home)
    check(made, whole)
    report = ok_json("import", "--agent", "copilot", home=home, environ=environ)
    assert not report["failed"] and report["imported"] == 1, report
    (whole,) = ours(home)
    check(made, whole)
    (folder,) = (home / ".copilot/session-state").glob("*/events.jsonl")
    codes = [
        ((result.get("extra") or {}).get("skillclaw") or {}).get("exit_code")
        for step in whole["steps"]
        for result in (step.get("observation") or {}).get("results", [])
    ]
    assert codes[:2] == [1, 0], (folder, codes)
    assert ok_json("import", "--agent", "copilot", home=home, environ=environ)["imported"] == 0
