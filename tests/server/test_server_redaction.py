"""From what the proxy records to what is stored: nothing private, however it came."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from cli import ok, skillclaw
from recorded import lines

from skillclaw.journal.identity import Identity
from skillclaw.journal.records import Exchange
from skillclaw.journal.writer import JournalWriter
from skillclaw.server.machine import Machine
from skillclaw.server.sessions.recording import assemble_recorded
from skillclaw.trajectory.model import encode

B62 = string.ascii_letters + string.digits
BEGIN = 1_795_444_690.0


def some(seed: int, length: int = 36) -> str:
    rnd = random.Random(seed)
    return "a1" + "".join(rnd.choices(B62, k=length - 4)) + "9Z"


TOKEN = "gh" + "p_" + some(1)
PLAIN_KEY = "team-" + some(2, 30)
"""A key without a form of its own."""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    made = Machine(tmp_path / ".skillclaw", {})
    made.prepare()
    return made


def exchange(
    path: str, request: Any, response: bytes, kind: str = "text/event-stream", **more: Any
) -> Exchange:
    values: dict[str, Any] = {
        "id": f"{random.Random(str(request)).getrandbits(64):016x}",
        "agent": "generic",
        "method": "POST",
        "path": path,
        "started": BEGIN,
        "finished": BEGIN + 1,
        "request_headers": [("x-session-id", "s1")],
        "request_body": request if isinstance(request, bytes) else json.dumps(request).encode(),
        "status": 200,
        "response_headers": [("content-type", kind)],
        "response_body": response,
    }
    return Exchange(**(values | more))


def record(machine: Machine, *exchanges: Exchange) -> None:
    writer = JournalWriter(
        machine.home / "journal",
        max_mb=100,
        client_key=lambda: Identity.load_or_create(machine.home).key,
    )
    for one in exchanges:
        writer.put(one)
    writer.close()
    assert writer.stats().errors == 0


def stored(machine: Machine) -> str:
    assemble_recorded(machine)
    return "".join(encode(one).decode() for one in machine.sessions.trajectories())


def pieces(text: str, seed: int) -> list[str]:
    """The text cut into one to five characters."""
    rnd, found = random.Random(seed), []
    while text:
        size = rnd.randint(1, 5)
        found.append(text[:size])
        text = text[size:]
    return found


def sse(events: Iterable[Any], named: bool = False) -> bytes:
    parts = []
    for event in events:
        if named:
            parts.append(f"event: {event['type']}\n")
        parts.append(f"data: {json.dumps(event)}\n\n")
    return "".join(parts).encode()


def chat(deltas: list[dict[str, Any]]) -> bytes:
    chunks = [{"id": "c", "choices": [{"index": 0, "delta": {"role": "assistant", **d}}]} for d in deltas]
    done = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return sse([*chunks, done]) + b"data: [DONE]\n\n"


def messages(blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]]) -> bytes:
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "m", "role": "assistant", "content": [], "model": "x"}}
    ]
    for index, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [{"type": "content_block_delta", "index": index, "delta": d} for d in deltas]
        events.append({"type": "content_block_stop", "index": index})
    events.append(
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}}
    )
    return sse([*events, {"type": "message_stop"}], named=True)


ASK = {"model": "m", "messages": [{"role": "user", "content": "show it"}]}


@pytest.mark.parametrize("seed", range(4))
def test_a_secret_split_over_the_deltas_of_a_chat(machine: Machine, seed: int) -> None:
    body = chat([{"content": piece} for piece in pieces(f"The token is {TOKEN} as it seems.", seed)])
    assert TOKEN.encode() not in body
    record(machine, exchange("/v1/chat/completions", ASK, body))
    text = stored(machine)
    assert "<secret:github-token:" in text
    assert TOKEN not in text and TOKEN[8:20] not in text


@pytest.mark.parametrize("seed", range(4))
def test_a_secret_split_over_the_arguments_of_a_tool_call(machine: Machine, seed: int) -> None:
    arguments = json.dumps(
        {"command": f"export DB_PASSWORD=hunter2x9; git push https://{TOKEN}@github.com/a/b"}
    )
    first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "bash", "arguments": ""}}
    deltas: list[dict[str, Any]] = [{"tool_calls": [first]}]
    deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": p}}]} for p in pieces(arguments, seed)]
    record(machine, exchange("/v1/chat/completions", ASK, chat(deltas)))
    text = stored(machine)
    assert "git push" in text
    assert "hunter2x9" not in text and TOKEN not in text and TOKEN[8:20] not in text


def test_a_secret_split_over_the_blocks_of_messages(machine: Machine) -> None:
    said = [{"type": "text_delta", "text": p} for p in pieces(f"Found {TOKEN} there", 7)]
    given = json.dumps({"file_text": f'{{"api_key": "{PLAIN_KEY}"}}', "path": "a.json"})
    typed = [{"type": "input_json_delta", "partial_json": p} for p in pieces(given, 8)]
    tool = {"type": "tool_use", "id": "toolu_1", "name": "write", "input": {}}
    body = messages([({"type": "text", "text": ""}, said), (tool, typed)])
    record(
        machine,
        exchange(
            "/v1/messages", {**ASK, "max_tokens": 900, "tools": [{"name": "write", "input_schema": {}}]}, body
        ),
    )
    text = stored(machine)
    assert "a.json" in text
    assert TOKEN not in text and PLAIN_KEY not in text and PLAIN_KEY[8:20] not in text


def test_a_secret_split_over_the_frames_of_a_websocket(machine: Machine) -> None:
    asked = {"type": "response.create", "model": "m", "input": [{"role": "user", "content": "show it"}]}
    said = f"It is {TOKEN} I think"
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    item |= {"content": [{"type": "output_text", "text": said, "annotations": []}]}
    deltas = [
        {
            "type": "response.output_text.delta",
            "item_id": "msg_1",
            "output_index": 0,
            "content_index": 0,
            "delta": p,
        }
        for p in pieces(said, 9)
    ]
    response = {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": [item]}
    frames = [
        {"type": "response.created", "response": {**response, "status": "in_progress", "output": []}},
        *deltas,
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response},
    ]
    one = exchange("/v1/responses", lines([asked]), lines(frames), method="GET", status=101)
    upgrade = [("upgrade", "websocket"), ("connection", "upgrade"), ("x-session-id", "s1")]
    record(machine, Exchange(**{**_fields(one), "request_headers": upgrade, "response_headers": upgrade[:2]}))
    text = stored(machine)
    assert "It is <secret:github-token:" in text
    assert TOKEN[8:20] not in text


def _fields(one: Exchange) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__struct_fields__}


def test_a_key_seen_in_a_header_is_masked_in_any_session(machine: Machine) -> None:
    headers = [("authorization", f"Bearer {PLAIN_KEY}"), ("x-session-id", "s1")]
    plain = chat([{"content": "hello"}])
    record(machine, exchange("/v1/chat/completions", ASK, plain, request_headers=headers))
    seen = machine.home / "credentials.seen"
    assert seen.stat().st_mode & 0o777 == 0o600
    assert PLAIN_KEY[:6] not in seen.read_text() and len(seen.read_text().splitlines()) == 1
    # Another session, with nothing around the key that tells what it is.
    other = {"model": "m", "messages": [{"role": "user", "content": f"what is ({PLAIN_KEY}) there?"}]}
    record(machine, exchange("/v1/chat/completions", other, plain, request_headers=[("x-session-id", "s2")]))
    text = stored(machine)
    assert PLAIN_KEY not in text
    assert "<secret:credential:" in text


def test_a_key_is_known_as_soon_as_another_process_has_seen_it(machine: Machine) -> None:
    assert PLAIN_KEY in machine.redactor.text(f"see {PLAIN_KEY} there")[0]
    headers = [("x-api-key", PLAIN_KEY), ("x-session-id", "s1")]
    record(machine, exchange("/v1/chat/completions", ASK, chat([{"content": "x"}]), request_headers=headers))
    masked, counts = machine.redactor.text(f"see {PLAIN_KEY} there")
    assert PLAIN_KEY not in masked
    assert counts == {"secret:credential": 1}


def test_equal_values_get_equal_placeholders_in_bodies_and_sessions(machine: Machine) -> None:
    headers = [("x-api-key", PLAIN_KEY), ("x-session-id", "s1")]
    said = {"model": "m", "messages": [{"role": "user", "content": f"my key {PLAIN_KEY} does not work"}]}
    record(machine, exchange("/v1/chat/completions", said, chat([{"content": "x"}]), request_headers=headers))
    digest = machine.redactor.text(f"see {PLAIN_KEY} there")[0].split(":")[2][:6]
    assert f"my key <secret:x-api-key:{digest}> does not work" in stored(machine)


def test_the_values_of_the_own_environment_are_masked_and_never_stored(tmp_path: Path) -> None:
    machine = Machine(
        tmp_path, {"ACME_API_TOKEN": PLAIN_KEY, "EDITOR": "vim-classic-9000", "TOKEN_NAME": "x"}
    )
    assert machine.redactor.text(f"a {PLAIN_KEY} b vim-classic-9000")[0].endswith("b vim-classic-9000")
    assert PLAIN_KEY not in machine.redactor.text(f"a {PLAIN_KEY} b")[0]
    assert not (tmp_path / "credentials.seen").exists()


def test_a_torn_file_of_credentials_costs_no_session(machine: Machine) -> None:
    (machine.home / "credentials.seen").write_bytes(b"\xff\x00torn 12\n30 zz")
    assert machine.redactor.text("hello there")[0] == "hello there"
    headers = [("x-api-key", PLAIN_KEY), ("x-session-id", "s1")]
    record(machine, exchange("/v1/chat/completions", ASK, chat([{"content": "x"}]), request_headers=headers))
    assert "show it" in stored(machine)


def test_own_rules_words_and_exceptions_through_the_settings(tmp_path: Path) -> None:
    ok("config", "set", "redact.rules.ticket", r"ACME-\d{4,}", home=tmp_path)
    ok("config", "set", "redact.words", '["Initech", "Jürgen Groß"]', home=tmp_path)
    ok("config", "set", "redact.allow", '["demo@initech-demo.com"]', home=tmp_path)
    machine = Machine(tmp_path / ".skillclaw", {})
    text = "ACME-12345 of INITECH for jürgen groß, initechs, demo@initech-demo.com, bob@initech-demo.com"
    masked, counts = machine.redactor.text(text)
    assert counts == {"custom:ticket": 1, "word": 2, "email": 1}
    assert masked.startswith("<custom:ticket:")
    assert "initechs, demo@initech-demo.com, <email:" in masked
    assert machine.redactor.text(masked) == (masked, {})


@pytest.mark.parametrize(
    ("key", "pattern", "why"),
    [
        ("redact.rules.bad", "(", "redact.rules.bad"),
        ("redact.rules.back", r"(a)\1", "redact.rules.back"),
        ("redact.rules.ahead", "a(?=b)", "redact.rules.ahead"),
        ("redact.rules.empty", "a*", "empty text"),
        ("redact.rules.long", "a" * 2000, "1000 characters"),
        ("redact.rules.huge", "((a{1,1000}){1,1000}){1,1000}", "redact.rules.huge"),
        ("redact.rules.Bad_Name", "a", "redact.rules.Bad_Name"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_by_its_name(
    tmp_path: Path, key: str, pattern: str, why: str
) -> None:
    done = skillclaw("config", "set", key, pattern, home=tmp_path)
    assert done.returncode in (1, 2)
    assert why in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / ".skillclaw" / "config.toml").exists()
    name = key.rpartition(".")[2]
    (tmp_path / ".skillclaw").mkdir(exist_ok=True)
    (tmp_path / ".skillclaw" / "config.toml").write_text(f"[redact.rules]\n{name} = {json.dumps(pattern)}\n")
    done = skillclaw("config", "show", home=tmp_path)
    assert done.returncode == 1
    assert key in done.stderr and "Traceback" not in done.stderr


@pytest.mark.timeout(30)
def test_a_rule_that_would_make_other_engines_hang_does_not(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[redact.rules]\nslow = '(a+)+b'\n")
    machine = Machine(tmp_path, {})
    text = "a" * 300_000
    assert machine.redactor.text(text)[0] == text
