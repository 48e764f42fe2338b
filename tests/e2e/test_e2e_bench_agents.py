"""The real CLIs as agents of the benchmark: in a room, through the real proxy, against a scripted model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from agents_desk import BODY, Desk, proxied, skill, task
from chat_model import ChatModel, call, text
from clients import binary
from scripted import Script, Shell, Upstream

from skillclaw.headless.agents import Endpoint, load_agent
from skillclaw.headless.door import socket_to
from skillclaw.sandbox import Mount, open_box, why_no_room
from skillclaw.trajectory.model import Trajectory, meta

no_room = why_no_room()
pytestmark = pytest.mark.skipif(bool(no_room), reason=f"no sandbox here: {no_room}")
OUT = "curl -sS -m 3 http://127.0.0.1:PORT/ >> note.txt 2>&1"
SCRIPTS = {
    "write owl down": Script(
        steps=(Shell("cat $HOME/.agents/skills/note-words/SKILL.md; echo owl > note.txt"), Shell(OUT)),
        final="Owl is written down.",
    ),
    "make it a hawk": Script(steps=(Shell("echo hawk > note.txt"),), final="It is a hawk now."),
}


@contextmanager
def at_work(
    name: str, tmp_path: Path, upstream: str, prefix: str
) -> Iterator[tuple[Any, Path, list[Trajectory]]]:
    """The agent in a room with one skill in its home: conversation, folder, and what is recorded."""
    version = "/v1" if name == "claude-code" else ""
    folders = {part: tmp_path / part for part in ("work", "state", "home", "socket")}
    for folder in folders.values():
        folder.mkdir()
    for skills in (".agents/skills", ".claude/skills"):
        skill(folders["home"], "note-words", "How to note a word", BODY, skills)
    agent = load_agent(name)
    mounts = [
        Mount(outside=folders["work"], inside="/work", writable=True),
        *agent.mounts(folders["home"], folders["state"]),
    ]
    with (
        proxied(tmp_path, {prefix: upstream}) as (url, sessions),
        socket_to(url, folders["socket"]) as sock,
        open_box(mounts, workspace="/work", socket=sock) as box,
        agent.open(
            task(240.0),
            Desk(box=box),
            Endpoint(base_url=f"{url}/{prefix}{version}", model="m"),
            home=folders["home"],
            seed=3,
        ) as conversation,
    ):
        yield conversation, folders["work"], sessions


def whole(conversation: Any, first: Any, second: Any) -> None:
    """Both replies, and a transcript in which each call has its result."""
    assert (first.text, first.error) == ("Owl is written down.", "")
    assert (second.text, second.error) == ("It is a hawk now.", "")
    assert first.tokens_in > 0
    assert first.tokens_out > 0
    assert [m["content"] for m in conversation.transcript if m["role"] == "user"] == [
        "write owl down",
        "make it a hawk",
    ]
    asked = [made["id"] for m in conversation.transcript for made in m.get("tool_calls", [])]
    told = [m["tool_call_id"] for m in conversation.transcript if m["role"] == "tool"]
    assert asked == told
    assert len(set(asked)) == len(asked) == first.steps + second.steps


@pytest.mark.parametrize(
    ("name", "program", "base"), [("claude-code", "claude", ""), ("codex", "codex", "/v1")]
)
def test_the_real_cli_works_in_the_room_and_is_recorded(
    tmp_path: Path, name: str, program: str, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(binary(program)).parent}:/usr/local/bin:/usr/bin:/bin")
    with Upstream(dict(SCRIPTS)) as upstream:
        first_script = SCRIPTS["write owl down"]
        steps = (first_script.steps[0], Shell(OUT.replace("PORT", str(upstream.port))))
        upstream.scripts["write owl down"] = Script(steps=steps, final=first_script.final)
        with at_work(name, tmp_path, upstream.url + base, name) as (conversation, work, sessions):
            first = conversation.say("write owl down")
            note = (work / "note.txt").read_text("utf-8")
            second = conversation.say("make it a hawk")
        assert "Failed to connect" in note or "refused" in note, (
            "the model's own port is not reached past the proxy"
        )
        assert (work / "note.txt").read_text("utf-8") == "hawk\n"
        whole(conversation, first, second)
        assert (first.steps, second.steps) == (2, 1)
        assert first.tokens_out == 30, "three answers of ten tokens"
        assert second.tokens_out == 20, "two answers of ten tokens"
    (session,) = sessions
    (use,) = [one for one in meta(session).skills if one.name == "note-words"]
    assert use.offered
    assert use.read_step is not None


@pytest.mark.timeout(400)  # OpenClaw starts four times, for some 20 s each
@pytest.mark.parametrize(("name", "tool"), [("hermes", "terminal"), ("openclaw", "exec")])
def test_the_real_cli_on_chat_completions_works_in_the_room(tmp_path: Path, name: str, tool: str) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"the real client `{name}` is not on PATH")

    def answer(request: Any) -> Any:
        if tool not in {one["function"]["name"] for one in request.get("tools", [])}:
            return text("A title")
        said = str([m["content"] for m in request["messages"] if m["role"] == "user"])
        called = str([m.get("tool_calls") for m in request["messages"]])
        bird = "hawk" if "make it a hawk" in said else "owl"
        # Not by what came last: OpenClaw puts words of its own behind each result.
        if f"echo {bird}" not in called:
            return call(tool, command=f"echo {bird} > note.txt")
        return text("It is a hawk now." if bird == "hawk" else "Owl is written down.")

    with ChatModel(answer) as model:
        with at_work(name, tmp_path, model.url, "generic") as (conversation, work, sessions):
            first = conversation.say("write owl down")
            second = conversation.say("make it a hawk")
        whole(conversation, first, second)
        assert (work / "note.txt").read_text("utf-8") == "hawk\n"
        assert "note-words" in str(model.seen[0]["messages"])
    assert len(sessions) == 1
