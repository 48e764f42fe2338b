"""All that real agents send and get passes the proxy byte for byte, and is in the journal as it passed."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections import Counter
from typing import Any, NamedTuple

import pytest
from chat_model import ChatModel, call, text
from cli import ok
from clients import Person
from raw_http import Reader
from relay import HOP_BY_HOP, Relay
from scripted import Upstream
from scripted_ws import WebSocketUpstream
from test_e2e_history import PROMPT, WORK, check_whole, codex_config
from test_e2e_live import running, wire_sessions

from skillclaw.journal.reader import read


class Passed(NamedTuple):
    """One exchange as one side saw it; header lines as they stood, in their order."""

    method: bytes
    target: bytes
    lines: tuple[bytes, ...]
    body: bytes
    status: bytes
    answer_lines: tuple[bytes, ...]
    answer: bytes


class Logged:
    """What a relay saw in one direction, as a socket to read it from."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def recv(self, size: int) -> bytes:
        data, self.data = self.data, b""
        return data


def end_to_end(head: bytes) -> tuple[bytes, ...]:
    drop = HOP_BY_HOP | {b"host"}
    lines = [line for line in head.split(b"\r\n")[1:] if line]
    return tuple(line for line in lines if line.partition(b":")[0].lower() not in drop)


def passed(relay: Relay, prefix: bytes = b"", base: bytes = b"") -> list[Passed]:
    """Every exchange of a relay that was answered whole."""
    found = []
    for sent, received in relay.connections:
        asked, answered = Reader(Logged(bytes(sent))), Reader(Logged(bytes(received)))  # type: ignore[arg-type]
        while (request := asked.request())[0]:
            head, body = request
            method, target, _ = head.split(b" ", 2)
            answer = answered.answer(method)
            if not answer.whole:
                break
            status = answer.head.partition(b"\r\n")[0].partition(b" ")[2]
            target = base + target.removeprefix(prefix) or b"/"
            lines = end_to_end(head), end_to_end(answer.head)
            found.append(Passed(method, target, lines[0], body, status, lines[1], answer.body))
    return found


def journal(person: Person) -> list[Any]:
    return [exchange for exchange, _ in read(person.skillclaw / "journal")]


def same(person: Person, before: Relay, behind: Relay, agent: str, base: str = "") -> list[Passed]:
    """Both sides saw the same, and the journal has it; the exchanges."""
    prefix = f"/{agent}".encode()
    until = time.monotonic() + 5
    while time.monotonic() < until:
        front, back = passed(before, prefix, base.encode()), passed(behind)
        if len(front) == len(back) == sum(e.complete for e in journal(person)):
            break
        time.sleep(0.1)
    assert Counter(front) == Counter(back)
    bodies = Counter((one.method, one.body, one.status[:3], one.answer) for one in front)
    kept = Counter(
        (e.method.encode(), e.request_body, str(e.status).encode(), e.response_body)
        for e in journal(person)
        if e.complete
    )
    assert kept == bodies
    return front


def test_all_that_claude_code_sends_and_gets_passes_byte_for_byte(person: Person) -> None:
    with (
        Upstream({"tidy-work": WORK}) as upstream,
        Relay(upstream.port) as behind,
        running(person, behind) as state,
        Relay(state["port"]) as before,
    ):
        person.claude(PROMPT, ANTHROPIC_BASE_URL=f"{before.url}/claude-code")
        person.claude("tidy-work once more", "-c", ANTHROPIC_BASE_URL=f"{before.url}/claude-code")
        found = same(person, before, behind, "claude-code")
        assert len(found) >= 12
        assert sum(len(one.body) for one in found) > 200_000


def test_all_that_codex_sends_and_gets_passes_byte_for_byte(person: Person) -> None:
    with (
        Upstream({"tidy-work": WORK}) as upstream,
        Relay(upstream.port) as behind,
        running(person, behind) as state,
        Relay(state["port"]) as before,
    ):
        codex_config(person, f"{before.url}/codex")
        person.codex(PROMPT)
        found = same(person, before, behind, "codex", "/v1")
        assert {one.target for one in found} == {b"/v1/responses"} and len(found) >= 5


def frames(relay: Relay) -> list[tuple[bytes, bytes]]:
    """What passed each way after the handshakes of a relay's WebSockets."""
    found = []
    for sent, received in relay.connections:
        if b"\r\nupgrade: websocket" in bytes(sent).lower() and received.startswith(b"HTTP/1.1 101"):
            found.append((bytes(sent).partition(b"\r\n\r\n")[2], bytes(received).partition(b"\r\n\r\n")[2]))
    return found


@pytest.mark.parametrize("deflate", (True, pytest.param(False, marks=pytest.mark.slow)))
def test_all_that_codex_says_over_websocket_passes_byte_for_byte(person: Person, deflate: bool) -> None:
    with (
        WebSocketUpstream({"tidy-work": WORK}, deflate) as upstream,
        Relay(upstream.port) as behind,
        running(person, behind) as state,
        Relay(state["port"]) as before,
    ):
        codex_config(person, f"{before.url}/codex")
        config = person.home / ".codex" / "config.toml"
        config.write_text(config.read_text() + "supports_websockets = true\n")
        person.codex(PROMPT)
        time.sleep(0.5)
        assert Counter(frames(before)) == Counter(frames(behind))
        assert len(frames(before)) >= 1, [bytes(sent[:200]) for sent, _ in before.connections]
        turns = [e for e in journal(person) if e.status == 101]
        assert all((e.method, e.path, e.complete) == ("GET", "/responses", True) for e in turns)
        # One turn a record, its messages one a line.
        assert all(len(e.request_body.splitlines()) == 1 for e in turns)
        asked = [json.loads(line) for e in turns for line in e.request_body.splitlines()]
        said = [json.loads(line) for e in turns for line in e.response_body.splitlines()]
        assert sorted(map(json.dumps, asked)) == sorted(json.dumps(json.loads(one)) for one in upstream.asked)
        assert sorted(map(json.dumps, said)) == sorted(json.dumps(json.loads(one)) for one in upstream.said)
        assert any(one.get("previous_response_id") for one in asked), "it sends only what is new"
        (session,) = wire_sessions(person)
        check_whole(session, "exec_command")


def test_all_that_hermes_sends_and_gets_passes_byte_for_byte(person: Person) -> None:
    hermes = shutil.which("hermes")
    if hermes is None:
        pytest.skip("the real client `hermes` is not on PATH")

    def answer(request: Any) -> Any:
        if "terminal" not in {tool["function"]["name"] for tool in request.get("tools", [])}:
            return text("A title")
        done = any(message["role"] == "tool" for message in request["messages"])
        return text("It says owl.") if done else call("terminal", command="echo owl")

    ok("config", "set", "agents.hermes.upstream", "http://127.0.0.1:1", home=person.home)
    with ChatModel(answer) as model:
        port = int(model.url.split(":")[2].split("/")[0])
        with Relay(port) as behind:
            ok("config", "set", "agents.hermes.upstream", f"{behind.url}/v1", home=person.home)
            with running(person, behind) as state, Relay(state["port"]) as before:
                folder = person.home / ".hermes"
                folder.mkdir()
                provider = {"name": "p", "base_url": f"{before.url}/hermes", "api_key": "none-000000"}
                config = {"model": {"default": "m", "provider": "p"}, "providers": {"p": provider}}
                (folder / "config.yaml").write_text(json.dumps(config), "utf-8")
                done = subprocess.run(
                    [hermes, "chat", "--query=what does the owl say", "-Q", "--yolo"],
                    cwd=person.project,
                    env=person.environ(),
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=110,
                    check=False,
                )
                assert done.returncode == 0 and "It says owl." in done.stdout, (done.stdout, done.stderr)
                found = same(person, before, behind, "hermes", "/v1")
                assert sum(b"/chat/completions" in one.target for one in found) >= 2
