"""Texts and histories that somebody made to stop the reading of all others: long runs of blanks, odd ids."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from agents_material import make_env

from skillclaw.agents import adapters
from skillclaw.agents.history import marks
from skillclaw.trajectory import skilluse
from skillclaw.trajectory.model import ATIF_VERSION, Agent, Step, Trajectory
from skillclaw.wire import aider, openclaw
from skillclaw.wire.injected import split_injected
from skillclaw.wire.records import Item

SPACES = " " * 40_000
LIST = "<available_skills><skill><name>"


def spent(run: Callable[[], object]) -> float:
    before = time.process_time()
    run()
    return time.process_time() - before


def session(source: str, text: str) -> Trajectory:
    step = Step(step_id=1, source=source, message=text)  # type: ignore[arg-type]  # one of its words
    return Trajectory(schema_version=ATIF_VERSION, agent=Agent(name="a", version="1"), steps=[step])


def asked_of_aider(text: str) -> list[Item]:
    prompt = Item(role="system", kind="text", content="Act as an expert software developer.")
    return aider.own_words([prompt, Item(role="user", kind="text", content=text)])


@pytest.mark.parametrize(
    "run",
    [
        lambda: asked_of_aider("look" + "\n" * 20_000 + "here"),
        lambda: marks.split_reminders("</" + SPACES + "x"),
        lambda: marks.split_reminders("</" + "<system-reminder>" * 60_000),
        lambda: openclaw.split(" " * 1_000_000 + "x"),
        lambda: skilluse.skills_seen(session("system", LIST + SPACES + "x")),
        lambda: skilluse.skills_seen(session("system", "The following skills are available\n" * 30_000)),
        lambda: skilluse.skills_seen(session("user", "[Active Skills \u2014 x]\n" + SPACES + "x")),
        lambda: skilluse.skills_seen(session("user", "<skill><name>" + " " * 1_000_000 + "x")),
        lambda: split_injected("<system-reminder></system-reminder>" * 30_000 + "<memory-context>"),
    ],
    ids=["aider", "reminders", "unclosed", "openclaw", "list", "heads", "active", "block", "glued"],
)
def test_a_long_text_takes_time_by_its_length_only(run: Callable[[], object]) -> None:
    assert spent(run) < 1.5


def test_a_text_of_many_heads_is_not_kept_for_each_of_them() -> None:
    head = '[IMPORTANT: The user has invoked the "a" skill, x]\n\n'
    text = (head + "words\n") * 4000
    found = skilluse.bodies(session("user", text))
    assert 0 < sum(len(body) for _, _, body in found) < len(text)


def test_aiders_reminder_stands_behind_an_empty_line() -> None:
    rest = "ONLY return code using the `x`"
    told = [(item.content, item.injected) for item in asked_of_aider(f"do it\n\n \n{rest}")]
    assert told[1:] == [("do it", False), (rest, True)]
    assert len(asked_of_aider(f"say {rest}")) == 2


@pytest.mark.parametrize(
    ("variables", "warned"),
    [
        ({}, False),
        ({"HTTP_PROXY": "http://proxy.example:3128"}, True),
        ({"all_proxy": "http://proxy.example:3128", "NO_PROXY": "localhost,.example"}, True),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, False),
        ({"HTTP_PROXY": "http://proxy.example:3128", "no_proxy": "localhost, 127.0.0.1"}, False),
    ],
)
def test_doctor_tells_of_a_proxy_that_would_see_the_key(
    tmp_path: Path, variables: dict[str, str], warned: bool
) -> None:
    env = make_env(tmp_path, **variables)
    found = adapters()["gemini-cli"].doctor(env, "http://127.0.0.1:8787/gemini-cli")
    assert any("NO_PROXY" in finding.mend for finding in found) is warned


@pytest.mark.parametrize("agent", ["gemini-cli", "qwen-code"])
def test_an_odd_id_hides_no_other_session(tmp_path: Path, agent: str) -> None:
    env = make_env(tmp_path)
    folder, name = {
        "gemini-cli": (".gemini/tmp/p/chats", "session-2026-01-01T10-00-{}.jsonl"),
        "qwen-code": (".qwen/projects/p/chats", "{}.jsonl"),
    }[agent]
    place = env.home / folder
    place.mkdir(parents=True)
    for number, ident in enumerate(("good", "a\0b", "../x", "x" * 5000)):
        line = {
            "sessionId": ident,
            "projectHash": "h",
            "uuid": "u",
            "type": "user",
            "provenance": "real_user",
        }
        (place / name.format(number)).write_text(json.dumps(line) + "\n", "utf-8")
    adapter = adapters()[agent]
    files = adapter.histories(env)
    assert len(files) == 4
    for file in files:
        adapter.read_history(file, env)
