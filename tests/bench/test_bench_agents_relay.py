"""The relay that gives small models tool calls, against a model that writes as they do."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

import pytest
from agents_desk import JSONISH, Desk, made, proxied, talk
from chat_model import ChatModel, Raw, text
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.errors import UsageError
from skillclaw.headless.agents import Endpoint, toolprompt
from skillclaw.headless.agents.relay import ToolRelay

SHELL = {
    "type": "function",
    "function": {
        "name": "shell",
        "description": "Run a command.",
        "parameters": {
            "type": "object",
            "properties": {"command": {"type": "string"}},
            "required": ["command"],
        },
    },
}
LOOK = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "",
        "parameters": {
            "type": "object",
            "properties": {
                "where": {"type": "string", "enum": ["up", "down"]},
                "often": {"type": "integer"},
                "names": {"type": "array", "items": {"type": "string"}},
            },
        },
    },
}


# --- the relay for models without tool calls


def relayed(answer: str, body: dict[str, Any], **options: Any) -> tuple[Any, list[dict[str, Any]]]:
    """What the relay makes of one reply of the model behind it, and what that model was asked."""
    with (
        ChatModel(lambda _: text(answer)) as model,
        ToolRelay(Endpoint(base_url=model.url, model="small"), **options) as relay,
    ):
        return post(relay.base_url, body), model.seen


def post(base_url: str, body: dict[str, Any]) -> Any:
    status, data = post_raw(base_url, json.dumps(body).encode())
    assert status == 200, data
    return json.loads(data)


def post_raw(base_url: str, body: bytes) -> tuple[int, bytes]:
    host = base_url.removeprefix("http://").removesuffix("/v1")
    connection = http.client.HTTPConnection(host, timeout=20)
    try:
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


ASKED = {"model": "m", "messages": [{"role": "user", "content": "List the files."}], "tools": [SHELL, LOOK]}


@pytest.mark.parametrize(
    "written",
    [
        '{"shell":{"command":"ls"}}',
        '```json\n{\n  "name": "shell",\n  "arguments": {\n    "command": "ls"\n  }\n}\n```',
        'I will list them.\n{"tool": "shell", "arguments": "{\\"command\\": \\"ls\\"}"}\nThen we see.',
        '<tool_call>\n{"name": "shell", "parameters": {"command": "ls"}}\n</tool_call>',
        '{"tool": "shell", "command": "ls"}',
        '{"command": "ls"}',
        "Run this:\n```bash\nls\n```",
    ],
)
def test_the_relay_makes_tool_calls_of_what_small_models_write(written: str) -> None:
    answer, seen = relayed(written, ASKED)
    (choice,) = answer["choices"]
    (made,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert made["function"]["name"] == "shell"
    assert json.loads(made["function"]["arguments"]) == {"command": "ls"}
    assert answer["usage"]["prompt_tokens"] == 100
    assert "tools" not in seen[0]
    assert seen[0]["model"] == "small"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"answer":"There are none."}', "There are none."),
        ('```json\n{"answer": "There are none."}\n```', "There are none."),
        ("There are none.", "There are none."),
        ('{"answer":"There are no', "There are no"),
        ('{"shell":{"command":"rm -r', '{"shell":{"command":"rm -r'),
        ('{"format_disk":{"now":true}}', '{"format_disk":{"now":true}}'),
        ("{{{{ [", "{{{{ ["),
        ("", ""),
    ],
)
def test_the_relay_makes_no_call_of_answers_junk_and_what_was_cut_off(written: str, said: str) -> None:
    answer, _ = relayed(written, ASKED)
    message = answer["choices"][0]["message"]
    assert message == {"role": "assistant", "content": said}


def test_the_relay_asks_with_a_grammar_few_tokens_and_a_prefix_that_stays() -> None:
    first = {**ASKED, "max_tokens": 4000, "temperature": 0.5, "seed": 9, "stream": False}
    _, one = relayed('{"answer":"ok"}', first)
    history = [
        *ASKED["messages"],
        {"role": "assistant", "content": None, "tool_calls": [made("call_1", "shell", command="ls")]},
        {"role": "tool", "tool_call_id": "call_1", "content": "a.txt"},
    ]
    answer, two = relayed('{"shell":{"command":"cat a.txt"}}', {**ASKED, "messages": history})
    assert (one[0]["max_tokens"], one[0]["temperature"], one[0]["seed"]) == (160, 0.5, 9)
    assert one[0]["messages"] == two[0]["messages"][:2]
    assert two[0]["messages"][2:] == [
        {"role": "assistant", "content": '{"shell":{"command":"ls"}}'},
        {"role": "user", "content": "Result:\na.txt"},
    ]
    assert '{"shell":{"command":string}} Run a command.' in one[0]["messages"][0]["content"]
    assert '"where"?:"up"|"down"' in one[0]["messages"][0]["content"]
    assert "answer" not in one[0]["grammar"], "a user's word is answered by a call first"
    assert "answer" in two[0]["grammar"]
    assert answer["choices"][0]["message"]["tool_calls"][0]["id"] == "call_2"
    _, free = relayed('{"answer":"ok"}', ASKED, act_first=False, mode="schema")
    shape = free[0]["response_format"]["json_schema"]["schema"]
    assert [list(one["properties"]) for one in shape["anyOf"]] == [["answer"], ["shell"], ["look"]]
    seen_after = {"role": "user", "content": "(the host adds the time)"}
    _, three = relayed('{"answer":"ok"}', {**ASKED, "messages": [*history, seen_after]})
    assert "answer" in three[0]["grammar"], "what a host adds behind a result is no new task"
    told = [*history, {"role": "assistant", "content": "One."}, {"role": "user", "content": "Look again."}]
    _, four = relayed('{"answer":"ok"}', {**ASKED, "messages": told})
    assert "answer" not in four[0]["grammar"]
    _, five = relayed('{"answer":"ok"}', {**ASKED, "messages": history, "tool_choice": "required"})
    assert "answer" not in five[0]["grammar"]
    _, bare = relayed("Sure.", {"model": "m", "messages": ASKED["messages"]})
    assert bare[0]["messages"] == ASKED["messages"]
    assert not {"grammar", "response_format", "tools"} & set(bare[0])


def test_a_stream_of_the_relay_holds_the_same_answer() -> None:
    from skillclaw.wire.decode import decode
    from skillclaw.wire.records import Call

    with (
        ChatModel(lambda _: text('{"shell":{"command":"ls"}}')) as model,
        ToolRelay(Endpoint(base_url=model.url, model="small")) as relay,
    ):
        body = {**ASKED, "stream": True, "stream_options": {"include_usage": True}}
        status, data = post_raw(relay.base_url, json.dumps(body).encode())
    assert status == 200
    events = [line.removeprefix(b"data: ") for line in data.split(b"\n\n") if line]
    assert events[-1] == b"[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[-1]["usage"]["total_tokens"] == 110
    found = decode(
        Call(
            method="POST",
            path="/v1/chat/completions",
            request_headers=[],
            request_body=json.dumps(body).encode(),
            status=200,
            response_headers=[("content-type", "text/event-stream")],
            response_body=data,
        )
    )
    assert found is not None
    (item,) = found.response
    assert (item.kind, item.name, item.arguments) == ("call", "shell", {"command": "ls"})


def test_the_relay_passes_on_what_the_server_behind_refuses_and_survives_bad_requests() -> None:
    answers = iter([Raw(b'{"error": {"message": "slot busy"}}', 503), Raw(b"junk"), text('{"answer":"ok"}')])
    with (
        ChatModel(lambda _: next(answers)) as model,
        ToolRelay(Endpoint(base_url=model.url, model="small")) as relay,
    ):
        asked = json.dumps(ASKED).encode()
        assert post_raw(relay.base_url, b"{nothing")[0] == 400
        assert post_raw(relay.base_url, b'{"messages": [7]}')[0] == 400
        status, data = post_raw(relay.base_url, asked)
        assert (status, b"slot busy" in data) == (503, True)
        assert post_raw(relay.base_url, asked)[0] == 502
        assert post_raw(relay.base_url, asked)[0] == 200
    with ToolRelay(Endpoint(base_url="http://127.0.0.1:9/v1", model="small")) as relay:
        status, data = post_raw(relay.base_url, asked)
        assert (status, b"could not be reached" in data) == (502, True)
    with (
        ChatModel(lambda _: Raw(b"{}", wait=2)) as model,
        ToolRelay(Endpoint(base_url=model.url, model="small"), seconds=0.2) as relay,
    ):
        assert post_raw(relay.base_url, asked)[0] == 504
    with pytest.raises(UsageError, match="mode"):
        ToolRelay(Endpoint(base_url="http://127.0.0.1:9/v1", model="small"), mode="magic")  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"NaN", b"[]", b'"many"', b"9" * 400])
@pytest.mark.parametrize("name", [b"max_tokens", b"max_completion_tokens"])
def test_a_number_of_tokens_that_is_none_is_refused_and_a_long_one_is_cut(name: bytes, number: bytes) -> None:
    with (
        ChatModel(lambda _: text('{"answer":"ok"}')) as model,
        ToolRelay(Endpoint(base_url=model.url, model="small")) as relay,
    ):
        asked = json.dumps(ASKED).encode()[:-1] + b', "%s": %s}' % (name, number)
        status, data = post_raw(relay.base_url, asked)
        if number in (b"9" * 400, b"[]"):
            assert status == 200
            assert model.seen[-1]["max_tokens"] == 160
        else:
            assert (status, b"no" in data and b"relay_error" in data) == (400, True)
            assert not model.seen


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize("stream", [False, True])
def test_json_nested_without_end_is_refused_or_taken_for_words(stream: bool) -> None:
    answers = iter([Raw(DEEP.encode()), text('{"shell":{"command":' + DEEP + "}}"), text('{"answer":"ok"}')])
    with (
        ChatModel(lambda _: next(answers)) as model,
        ToolRelay(Endpoint(base_url=model.url, model="small")) as relay,
    ):
        asked = json.dumps({**ASKED, "stream": stream}).encode()
        status, data = post_raw(relay.base_url, DEEP.encode())
        assert (status, b"relay_error" in data) == (400, True)
        status, data = post_raw(relay.base_url, asked)
        assert (status, b"relay_error" in data) == (502, True)
        call = {"id": "c", "type": "function", "function": {"name": "shell", "arguments": DEEP}}
        past = [{"role": "assistant", "content": None, "tool_calls": [call]}]
        body = {**ASKED, "stream": stream, "messages": [*ASKED["messages"], *past]}
        status, data = post_raw(relay.base_url, json.dumps(body).encode())
        assert (status, b"[[[" in data) == (200, True), "words, as half a call is never made whole"
        assert model.seen[-1]["messages"][-1]["content"] == '{"shell":{}}'
        assert post_raw(relay.base_url, asked)[0] == 200


@pytest.mark.parametrize("depth", [100, 400, 700, 900, 950, 980, 1100])
def test_json_near_what_python_bears_is_answered_or_refused(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    with (
        ChatModel(lambda _: text('{"look":{"names":' + deep + "}}")) as model,
        ToolRelay(Endpoint(base_url=model.url, model="small")) as relay,
    ):
        for body in (ASKED, {**ASKED, "stop": json.loads(deep) if depth < 950 else 0}):
            status, data = post_raw(relay.base_url, json.dumps(body).encode())
            assert status == 200 or b"relay_error" in data, (status, data[:200])
        tool = json.dumps(ASKED).replace('{"type": "integer"}', deep).encode()
        status, data = post_raw(relay.base_url, tool)
        assert status == 200 or b"relay_error" in data, (status, data[:200])


def test_the_proxy_between_agent_and_relay_records_genuine_tool_calls(tmp_path: Path) -> None:
    def small(request: Any) -> Any:
        last = request["messages"][-1]["content"]
        return text('{"answer":"noted"}' if "Result:" in last else '{"note":{"word":"owl"}}')

    desk = Desk()
    with (
        ChatModel(small) as model,
        ToolRelay(Endpoint(base_url=model.url, model="small")) as relay,
        proxied(tmp_path, {"generic": relay.base_url}) as (url, sessions),
        talk(f"{url}/generic", tmp_path, desk) as conversation,
    ):
        assert conversation.say("Note the word owl.").text == "noted"
    assert desk.words == ["owl"]
    (session,) = sessions
    made = [made for step in session.steps for made in step.tool_calls or []]
    assert [(one.function_name, one.arguments) for one in made] == [("note", {"word": "owl"})]


@pytest.mark.slow
@given(st.text() | JSONISH.map(json.dumps) | JSONISH.map(lambda v: f"```json\n{json.dumps(v)}"))
def test_reading_a_reply_never_fails_and_never_calls_what_is_not_there(written: str) -> None:
    said = toolprompt.read(written, [SHELL, LOOK])
    assert said.name in ("", "shell", "look")


@given(st.dictionaries(st.sampled_from(["where", "often", "names"]), JSONISH), st.text(max_size=20))
def test_a_call_written_in_the_prompts_own_form_is_read_back_whatever_stands_around_it(
    arguments: dict[str, Any], around: str
) -> None:
    around = around.replace("{", "(")
    history = [{"role": "assistant", "tool_calls": [made("c", "look", **arguments)]}]
    written = toolprompt.plain(history, [])[0]["content"]
    said = toolprompt.read(f"{around}{written}{around}", [SHELL, LOOK])
    assert (said.name, said.arguments) == ("look", arguments)


def test_every_rule_that_the_grammar_names_is_defined() -> None:
    import re

    rules = dict(line.split(" ::= ", 1) for line in toolprompt.grammar([SHELL, LOOK]).splitlines() if line)
    for body in rules.values():
        bare = re.sub(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]', " ", body)
        assert set(re.findall(r"[a-z]\w*", bare)) <= set(rules)
