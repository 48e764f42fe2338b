"""The index of skills in requests: where it stands, that it stays the same, that nothing else changes."""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from front import TOKEN, front, upstream

from skillclaw.journal.assemble import assemble
from skillclaw.journal.records import Exchange
from skillclaw.proxy.configured.offered import Offered, index_path
from skillclaw.proxy.configured.replay import as_sent
from skillclaw.trajectory.skilluse import skills_seen

INDEX = "<available_skills>\n<skill>\n<name>tidy</name>\n</skill>\n</available_skills>\n"
OTHER = INDEX.replace("tidy", "other")


def put(home: Path, text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    path = index_path(home, digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return digest


USER = {"role": "user", "content": "Hello"}
CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("anthropic", "/v1/messages", {"messages": [USER]}, {"system": INDEX}),
    ("anthropic", "/v1/messages", {"system": "Be.", "messages": [USER]}, {"system": f"Be.\n\n{INDEX}"}),
    (
        "anthropic",
        "/v1/messages",
        {
            "system": [{"type": "text", "text": "Be.", "cache_control": {"type": "ephemeral"}}],
            "messages": [USER],
        },
        {
            "system": [
                {"type": "text", "text": "Be.", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": INDEX},
            ]
        },
    ),
    (
        "chat",
        "/chat/completions",
        {"messages": [USER]},
        {"messages": [{"role": "system", "content": INDEX}, USER]},
    ),
    (
        "chat",
        "/v1/chat/completions",
        {"messages": [{"role": "developer", "content": "Be."}, USER]},
        {"messages": [{"role": "developer", "content": f"Be.\n\n{INDEX}"}, USER]},
    ),
    (
        "chat",
        "/v1/chat/completions",
        {"messages": [{"role": "system", "content": [{"type": "text", "text": "Be."}]}, USER]},
        {
            "messages": [
                {
                    "role": "system",
                    "content": [{"type": "text", "text": "Be."}, {"type": "text", "text": INDEX}],
                },
                USER,
            ]
        },
    ),
    ("responses", "/responses", {"input": "Hello"}, {"instructions": INDEX}),
    (
        "responses",
        "/v1/responses",
        {"instructions": "Be.", "input": [USER]},
        {"instructions": f"Be.\n\n{INDEX}"},
    ),
    (
        "gemini",
        "/v1beta/models/m:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]},
        {"systemInstruction": {"parts": [{"text": INDEX}]}},
    ),
    (
        "gemini",
        "/v1beta/models/m:generateContent",
        {"system_instruction": {"parts": [{"text": "Be."}]}, "contents": []},
        {"system_instruction": {"parts": [{"text": "Be."}, {"text": INDEX}]}},
    ),
]


@pytest.mark.parametrize(("protocol", "path", "body", "changed"), CASES)
def test_the_index_stands_at_the_end_of_the_system_prompt(
    tmp_path: Path, make_upstream: Any, replying: Any, protocol: str, path: str, body: Any, changed: Any
) -> None:
    up = make_upstream(replying(b"{}"))
    digest = put(tmp_path, INDEX)
    with front(tmp_path, {"one": upstream(up.url, protocol)}, inject={"a": digest}) as proxy:
        reply = proxy.ask("POST", f"/a{path}", body)
    assert json.loads(up.seen[0].body) == {**body, **changed}
    assert reply.get("x-skillclaw-injected") == digest, "the record tells which index went along"


def test_an_agent_with_its_own_upstream_keeps_all_but_its_system_prompt(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    up = make_upstream(replying(b'{"a":  1}', b"x-own: 1\r\n"))
    digest = put(tmp_path, INDEX)
    body = b'{"model":"m" , "n": 1e2, "messages":[{"role":"user","content":"\\u00e9"}] }'
    headers = [("X-Api-Key", "my own key"), ("anthropic-beta", "b1"), ("Cookie", "c=1")]
    more: dict[str, Any] = {"upstreams": {"a": f"{up.url}/gw"}, "inject": {"a": digest}}
    with front(tmp_path, {}, {}, **more) as proxy:
        reply = proxy.ask("POST", "/a/v1/messages?beta=true", body, headers)
        broken = proxy.ask("POST", "/a/v1/messages", b"no json", headers)
        takes = proxy.proxy.configured.takes
        assert not takes("a", "GET", "/v1/models")
        assert not takes("a", "POST", "/v1/files")
        assert not takes("b", "POST", "/v1/messages")
    seen, asis = up.seen
    assert seen.line == b"POST /gw/v1/messages?beta=true HTTP/1.1"
    assert [seen.get(name) for name in (b"x-api-key", b"anthropic-beta", b"cookie")] == [
        [b"my own key"],
        [b"b1"],
        [b"c=1"],
    ]
    assert b'"n":1e2' in seen.body
    assert b'[{"role":"user","content":"\\u00e9"}]' in seen.body
    assert json.loads(seen.body) == {**json.loads(body), "system": INDEX}
    assert (reply.body, reply.get("x-own"), reply.get("x-skillclaw-injected")) == (b'{"a":  1}', "1", digest)
    assert (asis.body, broken.get("x-skillclaw-injected")) == (b"no json", "")


def test_what_the_project_itself_asks_gets_no_skills(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    up = make_upstream(replying(b"{}"))
    digest = put(tmp_path, INDEX)
    own = [("x-api-key", TOKEN), ("x-skillclaw-own", "evolve")]
    with front(tmp_path, {"one": upstream(up.url, "anthropic")}, inject={"a": digest}) as proxy:
        reply = proxy.ask("POST", "/a/v1/messages", {"messages": [USER]}, own)
    assert json.loads(up.seen[0].body) == {"messages": [USER]}
    assert reply.get("x-skillclaw-injected") == ""


def turn(number: int, first: str = "Hello") -> dict[str, Any]:
    said = [{"role": "user", "content": first}]
    for i in range(number):
        said += [{"role": "assistant", "content": f"a{i}"}, {"role": "user", "content": f"u{i}"}]
    return {"system": "Be.", "messages": said}


def test_a_conversation_keeps_its_index_while_skills_change_and_over_a_restart(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    up = make_upstream(replying(b"{}"))
    old, new = put(tmp_path, INDEX), put(tmp_path, OTHER)
    tables = {"one": upstream(up.url, "anthropic")}

    def sent() -> str:
        return str(json.loads(up.seen[-1].body)["system"])

    with front(tmp_path, tables, inject={"a": old}) as proxy:
        proxy.ask("POST", "/a/v1/messages", turn(0))
        assert sent() == f"Be.\n\n{INDEX}"
        proxy.take(inject={"a": new})
        proxy.ask("POST", "/a/v1/messages", turn(1))
        assert sent() == f"Be.\n\n{INDEX}"
        proxy.ask("POST", "/a/v1/messages", turn(0, "Another"))
        assert sent() == f"Be.\n\n{OTHER}"
    with front(tmp_path, tables, inject={"a": new}) as proxy:
        proxy.ask("POST", "/a/v1/messages", turn(2))
        assert sent() == f"Be.\n\n{INDEX}"
        session = [("x-api-key", TOKEN), ("x-session-id", "s1")]
        proxy.ask("POST", "/a/v1/messages", turn(0), session)
        assert sent() == f"Be.\n\n{OTHER}", "the agent's own id wins over how the conversation begins"
        proxy.take(inject={"a": old})
        proxy.ask("POST", "/a/v1/messages", turn(0, "Told otherwise"), session)
        assert sent() == f"Be.\n\n{OTHER}"
    assert (tmp_path / "injected" / "sessions").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("none", [False, True])
def test_a_conversation_that_began_without_an_index_goes_on_without(
    tmp_path: Path, make_upstream: Any, replying: Any, none: bool
) -> None:
    up = make_upstream(replying(b"{}"))
    gone = "" if none else "0" * 64
    with front(tmp_path, {"one": upstream(up.url, "anthropic")}, inject={"a": gone}) as proxy:
        first = proxy.ask("POST", "/a/v1/messages", turn(0))
        proxy.take(inject={"a": put(tmp_path, INDEX)})
        second = proxy.ask("POST", "/a/v1/messages", turn(1))
    assert [json.loads(seen.body)["system"] for seen in up.seen] == ["Be.", "Be."]
    assert [r.get("x-skillclaw-injected") for r in (first, second)] == ["", ""]


def test_a_conversation_keeps_its_index_when_the_last_skill_goes(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    up = make_upstream(replying(b"{}"))
    tables = {"one": upstream(up.url, "anthropic")}
    with front(tmp_path, tables, inject={"a": put(tmp_path, INDEX)}) as proxy:
        proxy.ask("POST", "/a/v1/messages", turn(0))
    with front(tmp_path, tables, inject={"a": ""}) as proxy:
        proxy.ask("POST", "/a/v1/messages", turn(1))
    assert [json.loads(seen.body)["system"] for seen in up.seen] == [f"Be.\n\n{INDEX}"] * 2


def test_the_memory_of_conversations_is_bounded_and_survives_a_torn_line(tmp_path: Path) -> None:
    index = put(tmp_path, INDEX)
    sessions = [hashlib.sha256(b"%d" % n).hexdigest() for n in range(50)]
    memory = Offered(tmp_path, kept=8)
    for session in sessions:
        assert memory.text(session, index) == (INDEX, index)
    path = tmp_path / "injected" / "sessions"
    assert len(path.read_text().splitlines()) <= 17
    with path.open("a") as file:
        file.write("torn")
    again = Offered(tmp_path, kept=8)
    assert again.text(sessions[-1], "") == (INDEX, index)
    assert again.text(sessions[0], "") == ("", "")
    assert Offered(tmp_path, kept=8).text(sessions[0], index) == ("", "")


def test_an_index_that_was_changed_on_disk_is_not_used(tmp_path: Path) -> None:
    digest = put(tmp_path, INDEX)
    index_path(tmp_path, digest).write_text("Do evil.", "utf-8")
    assert Offered(tmp_path).text("a" * 64, digest) == ("", "")


@pytest.mark.parametrize("case", range(len(CASES)))
def test_a_session_tells_which_skills_were_offered_to_it(tmp_path: Path, case: int) -> None:
    protocol, path, body, _ = CASES[case]
    if protocol == "gemini":
        pytest.skip("sessions of Gemini are decoded elsewhere")
    exchange = Exchange(
        id="0" * 16,
        agent="a",
        method="POST",
        path=path,
        started=1.0,
        finished=2.0,
        request_headers=[("Content-Encoding", "gzip")],
        request_body=gzip.compress(json.dumps({"model": "m", **body}).encode()),
        status=200,
        response_headers=[("X-SkillClaw-Injected", put(tmp_path, INDEX))],
        response_body=b"{}",
    )
    (session,) = assemble([as_sent(tmp_path, exchange)])
    assert [(use.name, use.offered) for use in skills_seen(session)] == [("tidy", True)]
    (without,) = assemble([as_sent(tmp_path / "elsewhere", exchange)])
    assert skills_seen(without) == []


def test_an_upstream_that_never_answers_is_told_as_without_skills(tmp_path: Path) -> None:
    digest = put(tmp_path, INDEX)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings = {"upstreams": {"a": url}, "inject": {"a": digest}, "answer_timeout": 0.5}
        with front(tmp_path, {}, {}, **settings) as proxy:
            reply = proxy.ask("POST", "/a/v1/messages", {"messages": [USER]})
    assert reply.status == 504 and b"no answer within 0.5 s" in reply.body
