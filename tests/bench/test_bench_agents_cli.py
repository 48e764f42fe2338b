"""The CLIs in their room, and the only way out of it; the real CLIs are driven in tests/e2e."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from agents_desk import BODY, JSONISH, Desk, made, skill, task
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.errors import UsageError
from skillclaw.headless.agents import Endpoint
from skillclaw.headless.agents.cli import CliAgent
from skillclaw.headless.claude_code import ClaudeCode
from skillclaw.headless.codex import Codex
from skillclaw.headless.door import inside, socket_to
from skillclaw.headless.hermes import Hermes
from skillclaw.headless.openclaw import OpenClaw
from skillclaw.headless.programs import Program, find
from skillclaw.sandbox import Mount, open_box, why_no_room

no_room = why_no_room()
needs_room = pytest.mark.skipif(bool(no_room), reason=f"no sandbox here: {no_room}")
# --- the way out of the room


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello " + self.path.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hello() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Hello)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


GET = (
    "import sys, urllib.request as u\n"
    "for url in sys.argv[1:]:\n"
    "    try: print(u.build_opener(u.ProxyHandler({})).open(url, timeout=3).read().decode())\n"
    "    except OSError as error: print('no:', error)\n"
)


@needs_room
def test_the_room_reaches_the_model_and_no_other_port_of_the_host(tmp_path: Path) -> None:
    with (
        hello() as model,
        hello() as other,
        socket_to(f"http://127.0.0.1:{model}/generic/v1", tmp_path) as sock,
    ):
        urls = ["http://127.0.0.1:8787/generic/x", *(f"http://127.0.0.1:{port}/" for port in (other, model))]
        with open_box([Mount(outside=tmp_path, inside="/work")], workspace="/work", socket=sock) as box:
            ran = box.run(["python3", "-c", GET, *urls])
            assert ran.code == 0, ran.output
            lines = ran.output.splitlines()
            assert lines[0] == "hello /generic/x"
            assert [line.startswith("no:") for line in lines[1:]] == [True, True]
            assert "hello" in box.run(["python3", "-c", GET, urls[0]]).output, "a second command has it too"
        with open_box([Mount(outside=tmp_path, inside="/work")], workspace="/work") as box:
            assert box.run(["python3", "-c", GET, urls[0]]).output.startswith("no:")
    assert not sock.exists()
    assert inside("http://127.0.0.1:4711/generic/v1/") == "http://127.0.0.1:8787/generic/v1"


@needs_room
def test_commands_behind_the_socket_end_as_they_would_without(tmp_path: Path) -> None:
    with (
        hello() as model,
        socket_to(f"http://127.0.0.1:{model}", tmp_path) as sock,
        open_box([Mount(outside=tmp_path, inside="/work")], workspace="/work", socket=sock) as box,
    ):
        assert box.run(["sh", "-c", "cat; exit 7"], stdin=b"hi").code == 7
        assert box.run(["cat"], stdin=b"hi").output == "hi"
        assert box.run(["sh", "-c", "kill -9 $$"]).code == 137
        assert box.run(["no-such-program"]).code == 127


def test_a_socket_leads_to_loopback_alone_however_long_its_path_is(tmp_path: Path) -> None:
    for url in ("https://127.0.0.1:80", "http://example.org:80", "http://127.0.0.1", "http://127.0.0.1:x"):
        with pytest.raises(UsageError, match="cannot be led"), socket_to(url, tmp_path):
            pass
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    with hello() as model, socket_to(f"http://127.0.0.1:{model}", deep) as sock:
        assert sock.is_socket()


# --- the CLIs, played by a small program; the real ones are driven in tests/e2e

EVENTS = """\
import json, os, sys, time
told = sys.stdin.read()
session = sys.argv[sys.argv.index("--session-id" if "--session-id" in sys.argv else "--resume") + 1]
def say(**event): print(json.dumps({"session_id": session, **event}), flush=True)
say(type="system", subtype="init")
if "slowly" in told: time.sleep(60)
if "break" in told:
    print("it broke", file=sys.stderr)
    sys.exit(3)
if "flood" in told:
    while True: sys.stdout.write("x" * 1000000)
block = lambda id, *content: {"id": id, "content": list(content)}
say(type="assistant", message=block("m1", {"type": "text", "text": "Look."}))
use = {"type": "tool_use", "id": "u1", "name": "Bash", "input": {"command": "ls"}}
say(type="assistant", message=block("m1", use))
say(type="user", message={"content": [{"type": "tool_result", "tool_use_id": "u1", "content": "a.txt"}]})
heard = [told, os.environ["ANTHROPIC_BASE_URL"], *sys.argv[-2:]]
open("heard.txt", "a").write(" ".join(heard) + "\\n")
say(type="assistant", message=block("m2", {"type": "text", "text": "Done."}))
usage = {"input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 3}
say(type="result", result="Done.", is_error=False, usage=usage)
"""


@contextmanager
def played(tmp_path: Path, timeout: float = 30.0) -> Iterator[tuple[Any, Path]]:
    (tmp_path / "player.py").write_text(EVENTS, "utf-8")
    player = Mount(outside=tmp_path / "player.py", inside="/opt/player.py")
    agent = CliAgent(ClaudeCode(), program=Program(command=("python3", "/opt/player.py"), mounts=(player,)))
    work, state, home = (tmp_path / name for name in ("work", "state", "home"))
    for folder in (work, state, home):
        folder.mkdir()
    skill(home, "note-words", "How to note a word at the desk", BODY)
    mounts = [Mount(outside=work, inside="/work", writable=True), *agent.mounts(home, state)]
    with (
        socket_to("http://127.0.0.1:9", tmp_path) as sock,
        open_box(mounts, workspace="/work", socket=sock) as box,
    ):
        end = Endpoint(base_url="http://127.0.0.1:9/claude-code/v1", model="m")
        with agent.open(task(timeout), Desk(box=box), end, home=home, seed=3) as conversation:
            yield conversation, work


@needs_room
def test_a_cli_in_the_room_says_works_and_goes_on_with_its_session(tmp_path: Path) -> None:
    with played(tmp_path) as (conversation, work):
        first = conversation.say("-p is no option here")
        second = conversation.say("And again.")
    assert (first.text, first.steps, first.tokens_in, first.tokens_out, first.error) == ("Done.", 1, 7, 3, "")
    assert second.text == "Done."
    one, two = (work / "heard.txt").read_text("utf-8").splitlines()
    assert one.startswith("-p is no option here http://127.0.0.1:8787/claude-code --session-id ")
    assert two.startswith("And again. http://127.0.0.1:8787/claude-code --resume ")
    assert one.split()[-1] == two.split()[-1]
    roles = [message["role"] for message in conversation.transcript]
    assert roles == ["user", "assistant", "tool", "assistant"] * 2
    ids = [made["id"] for m in conversation.transcript for made in m.get("tool_calls", [])]
    assert len(set(ids)) == 2, "ids that the platform gives twice are told apart"
    assert conversation.transcript[1]["content"] == "Look."


@needs_room
def test_a_cli_that_breaks_or_floods_is_an_error_and_one_that_hangs_is_late(tmp_path: Path) -> None:
    with played(tmp_path, timeout=4.0) as (conversation, _):
        broken = conversation.say("break")
        assert "exit code 3" in broken.error
        assert "it broke" in broken.error
        assert "more than 32000000 bytes" in conversation.say("flood").error
        began = time.monotonic()
        slow = conversation.say("slowly")
        assert slow.late and not slow.error, "it is the agent that was too slow"
        assert time.monotonic() - began < 6
        again = conversation.say("Well?")
        assert again.late and not again.error


@needs_room
def test_skills_are_read_only_in_the_room(tmp_path: Path) -> None:
    agent = CliAgent(ClaudeCode(), program=Program(command=("true",), mounts=()))
    (tmp_path / "state").mkdir()
    skill(tmp_path, "note-words", "How to note a word at the desk", BODY)
    with open_box(agent.mounts(tmp_path, tmp_path / "state"), workspace="/home/agent") as box:
        ran = box.run(["sh", "-c", "cat .agents/skills/note-words/SKILL.md; echo x > .agents/skills/y"])
    assert "lower case" in ran.output
    assert "Read-only" in ran.output
    assert not (tmp_path / ".agents/skills/y").exists()


@needs_room
def test_a_cli_without_model_room_or_mounts_says_what_to_do(tmp_path: Path) -> None:
    agent = CliAgent(Codex(), program=Program(command=("true",), mounts=()))
    end = Endpoint(base_url="http://127.0.0.1:9/v1", model="m")

    def opened(desk: Desk, endpoint: Endpoint) -> None:
        with agent.open(task(), desk, endpoint, home=tmp_path, seed=1):
            pass

    with pytest.raises(UsageError, match="No model is configured for Codex"):
        opened(Desk(), Endpoint(base_url="", model=""))
    with pytest.raises(UsageError, match="cannot work on tasks of desk"):
        opened(Desk(), end)
    with open_box([Mount(outside=tmp_path, inside="/work")], workspace="/work") as box:
        assert box.run(["true"]).code == 0
        with pytest.raises(UsageError, match="cannot be written"):
            broken = [Mount(outside=tmp_path, inside="/home/agent")]
            with open_box(broken, workspace="/home/agent") as other:
                opened(Desk(box=other), end)


def test_what_codex_hermes_and_openclaw_print_is_read() -> None:
    lines = [
        {"type": "thread.started", "thread_id": "T1"},
        {"type": "item.completed", "item": {"id": "i0", "type": "error", "message": "a warning"}},
        {
            "type": "item.completed",
            "item": {
                "id": "i1",
                "type": "command_execution",
                "command": "ls",
                "aggregated_output": "a.txt",
                "exit_code": 2,
            },
        },
        {"type": "item.completed", "item": {"id": "i2", "type": "file_change", "changes": [{"path": "a"}]}},
        {"type": "item.completed", "item": {"id": "i3", "type": "agent_message", "text": "Done."}},
        {"type": "turn.completed", "usage": {"input_tokens": 9, "output_tokens": 4}},
    ]
    turn = Codex().read("\n".join(map(json.dumps, lines)) + "\nnoise\n{half", "")
    assert (turn.text, turn.steps, turn.tokens_in, turn.tokens_out, turn.session) == ("Done.", 2, 9, 4, "T1")
    assert turn.messages[1]["content"] == "a.txt\n(exit code 2)"
    assert turn.error == ""
    failed = json.dumps({"type": "turn.failed", "error": {"message": "no model"}})
    assert Codex().read(failed, "").error == "no model"

    hermes = Hermes()
    turn = hermes.read("  ⚠ a notice\nDone.\nReally.\n", "\nsession_id: 2026_1\n")
    assert (turn.text, turn.session) == ("Done.\nReally.", "2026_1")
    stored = {
        "input_tokens": 30,
        "output_tokens": 3,
        "messages": [
            {"role": "user", "content": "old"},
            {"role": "assistant", "content": "old"},
            {"role": "user", "content": "new"},
            {"role": "assistant", "content": None, "tool_calls": [made("c", "terminal", command="ls")]},
            {"role": "tool", "tool_call_id": "c", "content": "a.txt"},
            {"role": "assistant", "content": "Done."},
        ],
    }
    turn = hermes.more(turn, json.dumps(stored))
    assert (turn.steps, turn.tokens_in, [m["role"] for m in turn.messages]) == (
        1,
        30,
        ["assistant", "tool", "assistant"],
    )
    assert hermes.read("HTTP 400: no such model", "").error.startswith("HTTP 400")

    claw = OpenClaw()
    meta_ = {
        "agentMeta": {"sessionFile": "agent:main:k", "usage": {"input": 4, "cacheRead": 1, "output": 2}},
        "finalAssistantVisibleText": "Done.",
        "toolSummary": {"calls": 1},
    }
    turn = claw.read("a banner\n" + json.dumps({"payloads": [], "meta": meta_}, indent=1), "")
    assert (turn.text, turn.steps, turn.tokens_in, turn.session) == ("Done.", 1, 5, "agent:main:k")
    events = [
        {"source": "transcript", "data": {"message": {"role": "user", "content": "new"}}},
        {
            "source": "transcript",
            "data": {
                "message": {
                    "role": "assistant",
                    "content": [{"type": "toolCall", "id": "c", "name": "exec", "arguments": {}}],
                }
            },
        },
        {
            "source": "transcript",
            "data": {"message": {"role": "toolResult", "toolCallId": "c", "content": [{"text": "ok"}]}},
        },
        {"source": "runtime", "data": {"message": {"role": "user", "content": "not this"}}},
    ]
    turn = claw.more(turn, "\n".join(map(json.dumps, events)))
    assert [m["role"] for m in turn.messages] == ["assistant", "tool"]


@pytest.mark.slow
@given(st.text() | st.lists(JSONISH.map(json.dumps)).map("\n".join))
def test_no_output_of_a_cli_makes_its_reader_fail(out: str) -> None:
    for platform in (ClaudeCode(), Codex(), Hermes(), OpenClaw()):
        platform.more(platform.read(out, out), out)


KINDS = st.sampled_from(
    ["result", "assistant", "user", "item.completed", "turn.completed", "turn.failed", "error"]
)


@pytest.mark.slow
@given(
    st.lists(st.fixed_dictionaries({"type": KINDS, "message": JSONISH, "item": JSONISH, "usage": JSONISH}))
)
def test_no_event_of_a_known_kind_makes_its_reader_fail(events: list[Any]) -> None:
    out = "\n".join(map(json.dumps, events))
    for platform in (ClaudeCode(), Codex()):
        platform.read(out, "")


def test_a_program_that_is_not_installed_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Codex is not installed[\s\S]*npm install"):
        find("codex", "Codex", Codex.install, {"PATH": str(tmp_path), "HOME": str(tmp_path)})


def test_programs_bring_the_folders_that_they_need(tmp_path: Path) -> None:
    package = tmp_path / "cache/skillclaw/clients/node_modules"
    (package / ".bin").mkdir(parents=True)
    script_ = package / "tool/bin/tool.js"
    script_.parent.mkdir(parents=True)
    node = package / "node/bin/node"
    node.parent.mkdir(parents=True)
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("")
    lone = tmp_path / "bin/lone"
    lone.parent.mkdir()
    for path in (script_, node, venv / "bin/snake", lone):
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    (package / ".bin/tool").symlink_to("../tool/bin/tool.js")
    environ = {
        "PATH": f"{venv}/bin:{lone.parent}",
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }

    def found(name: str) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
        program = find(name, name, "", environ)
        assert not any(mount.writable for mount in program.mounts)
        return program.command, [(str(m.outside.relative_to(tmp_path)), m.inside) for m in program.mounts]

    assert found("tool") == (
        ("/opt/agents/node", "/opt/agents/tool/node_modules/tool/bin/tool.js"),
        [
            ("cache/skillclaw/clients/node_modules", "/opt/agents/tool/node_modules"),
            ("cache/skillclaw/clients/node_modules/node/bin/node", "/opt/agents/node"),
        ],
    )
    assert found("lone") == (("/opt/agents/lone",), [("bin/lone", "/opt/agents/lone")])
    command_, mounts = found("snake")
    assert command_ == (f"{venv}/bin/snake",)
    assert mounts[0] == ("venv", str(venv))
