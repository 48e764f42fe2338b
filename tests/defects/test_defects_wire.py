"""Defects that peers were seen to have, each a test of its name: what passes through the proxy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attacks import files_below, provider, request, say, status, up
from cli import ok_json

pytestmark = pytest.mark.live

QUOTED = 'Models write <tool_call>{"name": "rm", "arguments": {}}</tool_call> for a call. <think>so</think>'


def answer(text: str) -> bytes:
    body = json.dumps(
        {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            ],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
    ).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


def test_session_ids_are_paths_and_quoted_tags_become_calls(tmp_path: Path) -> None:
    """A session's id from a header became a file's path; and prose that quoted a tag of tool calls became a
    call, without any tool asked for."""
    home = tmp_path / "deep" / "er" / "home"
    home.mkdir(parents=True)
    asked = {"model": "m", "messages": [{"role": "user", "content": "how do models call tools?"}]}
    ids = ("../../../escaped", "/tmp/escaped-by-id", "a\\..\\..\\escaped", "%2e%2e%2fescaped")
    with provider(answer(QUOTED)) as (url, _), up(home, url) as port:
        for number, name in enumerate(ids):
            body = json.dumps(asked | {"user": name, "session_id": name, "n": number}).encode()
            raw = request(
                "POST /generic/v1/chat/completions HTTP/1.1",
                f"X-Session-Id: {name}",
                f"session_id: {name}",
                "Content-Type: application/json",
                body=body,
            )
            got = say(port, raw)
            assert status(got) == 200
            said = json.loads(got.partition(b"\r\n\r\n")[2])["choices"][0]["message"]
            assert said == {"role": "assistant", "content": QUOTED}
    rows = ok_json("sessions", "list", home=home)
    assert rows
    shown = [ok_json("sessions", "show", row["id"], home=home) for row in rows]
    assert QUOTED in json.dumps(shown, ensure_ascii=False).replace('\\"', '"')
    assert "function_name" not in json.dumps(shown)
    names = [name for name in files_below(tmp_path) if "escaped" in name]
    assert names == []
    assert not Path("/tmp/escaped-by-id").exists()
