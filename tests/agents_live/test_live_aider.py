"""Aider, as its users have it: no tools and no skills of its own, a conversation by what is typed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import session, write
from cli import ok, ok_json, skillclaw
from clients import Person
from live import FIRST, LESSON, SECOND, Client, Live, environ_of, said
from scripted import Script, Upstream

CLIENT = Client(name="aider-chat", version="0.86.2", package="aider-chat", kind="pip")
FLAGS = (
    "--yes-always",
    "--no-check-update",
    "--no-show-model-warnings",
    "--analytics-disable",
    "--no-pretty",
    "--no-fancy-input",
)
SCRIPTS = {
    "counting-work": Script(steps=(), final="Counted: two."),
    "sorting-work": Script(steps=(), final="Sorted it is.\n\nsorted.txt\n```\na\nb\n```\n"),
}
OPENAI = """# the office's gateway
model: openai/scripted
openai-api-key: own-key-0123456789
openai-api-base: {url}/v1  # not the public one
"""
ANTHROPIC = """model: anthropic/claude-scripted
anthropic-api-key: own-key-0123456789
set-env:
  - AN_OTHER=one   # stays
  - ANTHROPIC_API_BASE={url}
"""


def settings(person: Person, conf: str) -> list[Path]:
    path = person.home / ".aider.conf.yml"
    path.write_text(conf, "utf-8")
    return [path]


def talk(person: Person, live: Live, *typed: str) -> None:
    """One conversation: a line for each turn."""
    done = subprocess.run(
        [str(CLIENT.bin() / "aider"), *FLAGS],
        cwd=person.project,
        env=environ_of(person, live),
        input="\n".join([*typed, "/exit", ""]),
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.mark.parametrize("conf", [OPENAI, ANTHROPIC], ids=["openai", "anthropic"])
def test_aider(tmp_path: Path, conf: str) -> None:
    person = Person.make(tmp_path / "ada")
    home = person.home
    with Upstream(dict(SCRIPTS)) as upstream:
        live = Live(
            agent="aider",
            client=CLIENT,
            settings=lambda person, url: settings(person, conf.format(url=url)),
            run=lambda *_: None,
            environ={"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        )
        seen_by = environ_of(person, live)
        (path,) = live.settings(person, upstream.url)
        before = path.read_bytes()
        ok("up", "-d", "--port", "0", home=home, environ=seen_by)
        try:
            made = ok_json("connect", "aider", home=home, environ=seen_by)
            assert made[0]["changed"] and made[0]["upstream"].startswith(upstream.url), made
            assert not ok_json("connect", "aider", home=home, environ=seen_by)[0]["changed"]
            doctor = ok_json("doctor", "aider", home=home, environ=seen_by)
            assert not [finding for finding in doctor if finding["level"] == "fail"], doctor
            lesson = [session("ada", number, "run the npm tests", LESSON) for number in range(4)]
            ok("import", str(write(home / "npm.jsonl", lesson)), home=home, environ=seen_by)
            ok("evolve", home=home, environ=seen_by)
            talk(person, live, FIRST, SECOND)
            turns = [seen for seen in upstream.seen if seen.method == "POST" and seen.status == 200]
            ok("disconnect", "aider", home=home, environ=seen_by)
            assert path.read_bytes() == before
        finally:
            done = skillclaw("stop", home=home, environ=seen_by)
            assert done.returncode == 0, done.stderr
    assert (person.project / "sorted.txt").read_text("utf-8") == "a\nb\n"
    # A commit, whose message is asked for beside the conversation.
    assert len(turns) >= 3
    asked = [json.dumps(seen.json) for seen in turns if SECOND in seen.body.decode()]
    assert all("npm ci" in body for body in asked), "the skill stands in the request"
    rows = [row for row in ok_json("sessions", "list", home=home) if row["agent"] == "aider"]
    assert len(rows) == 1, rows
    check(ok_json("sessions", "show", rows[0]["id"], home=home))


def check(made: Any) -> None:
    """What was typed and answered, once; the skill that the proxy put there."""
    told = [(step["source"], json.dumps(step["message"])) for step in made["steps"]]
    assert said(made, "user", FIRST) == 1, told
    assert said(made, "user", SECOND) == 1, told
    assert said(made, "agent", "Sorted it is.") == 1, told
    assert said(made, "agent", "Counted: two.") == 1, told
    typed = [
        step["message"]
        for step in made["steps"]
        if step["source"] == "user" and not step.get("extra", {}).get("skillclaw", {}).get("injected")
    ]
    assert typed == [FIRST, SECOND], "nothing of what aider adds"
    assert made["agent"]["version"] == "unknown", "not that of a library"
    uses = {use["name"]: use for use in made["extra"]["skillclaw"].get("skills", [])}
    assert uses["npm-know-how"].get("offered"), uses
