"""Prefixes of programs that `skillclaw run` starts: each leads to its own upstream, as its agent's do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from front import front, upstream
from test_proxy_configured_skills import INDEX, put

from skillclaw.agents.urls import is_own
from skillclaw.apart import Apart, find, note
from skillclaw.errors import StorageError
from skillclaw.journal.reader import read

ASKED = {"messages": [{"role": "user", "content": "Hello"}]}


def test_it_gets_what_its_agent_s_requests_get_and_goes_elsewhere(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    usual, own = make_upstream(replying(b"{}")), make_upstream(replying(b"{}"))
    prefix = note(tmp_path, "a", f"{own.url}/team")
    digest = put(tmp_path, INDEX)
    with front(tmp_path, {}, {}, upstreams={"a": usual.url}, inject={"a": digest}) as proxy:
        reply = proxy.ask("POST", f"/{prefix}/v1/messages", ASKED, [("x-api-key", "own key")])
        proxy.ask("GET", f"/{prefix}/v1/models?limit=1")
    assert reply.get("x-skillclaw-injected") == digest
    assert [seen.line for seen in own.seen] == [
        b"POST /team/v1/messages HTTP/1.1",
        b"GET /team/v1/models?limit=1 HTTP/1.1",
    ]
    assert json.loads(own.seen[0].body) == {**ASKED, "system": INDEX}
    assert own.seen[0].get(b"x-api-key") == [b"own key"]
    assert usual.seen == []
    told = [(one.agent, one.path) for one, _ in read(tmp_path / "journal")]
    assert told == [("a", "/v1/messages"), ("a", "/v1/models?limit=1")]


def test_it_does_not_need_the_token_of_its_agent_and_gets_no_key(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    """The agent may be given a configured upstream while the program runs."""
    usual, own = make_upstream(replying(b"{}")), make_upstream(replying(b"{}"))
    prefix = note(tmp_path, "a", own.url)
    tables = {"one": upstream(usual.url, "anthropic")}
    with front(tmp_path, tables, inject={"a": put(tmp_path, INDEX)}) as proxy:
        for path in ("/v1/messages", "/v1/messages/count_tokens"):
            reply = proxy.ask("POST", f"/{prefix}{path}", ASKED, [("x-api-key", "own key")])
            assert reply.status == 200
    assert [seen.get(b"x-api-key") for seen in own.seen] == [[b"own key"]] * 2
    assert usual.seen == []


def test_a_prefix_is_told_by_a_file_of_its_own(tmp_path: Path) -> None:
    url = "https://me:secret@gw.example/team"
    prefix = note(tmp_path, "claude-code", url)
    assert (prefix, find(tmp_path, prefix)) == (note(tmp_path, "claude-code", url), Apart("claude-code", url))
    (file,) = (tmp_path / "run").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    other = note(tmp_path, "codex", url)
    assert other.partition(".")[2] != prefix.partition(".")[2]
    assert is_own(f"http://127.0.0.1:8787/{prefix}", "claude-code")
    assert not is_own(f"http://127.0.0.1:8787/{prefix}", "claude")
    for harmed in (b"https://other.example", b"\xff", b""):
        file.write_bytes(harmed)
        assert find(tmp_path, prefix) is None
    assert note(tmp_path, "claude-code", url) == prefix
    assert find(tmp_path, prefix) is not None
    wrong = ("", ".", "a.", "claude-code", f"../run/{prefix}", f"{prefix}\0", f"{prefix}\n")
    for name in (*wrong, "a." + "0" * 32, "a." + "0" * 4000):
        assert find(tmp_path, name) is None


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file", "utf-8")
    with pytest.raises(StorageError, match="Cannot write"):
        note(tmp_path, "a", "https://gw.example")
