"""`sessions export --otlp` as a collector sees it, which reads with OpenTelemetry's own classes."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from collector import collecting, partly, read_json, told
from msgspec.structs import replace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from team import home, printed, sc

from skillclaw.bench.multiply import multiplied, read_real
from skillclaw.errors import BadInputError, StorageError, UsageError
from skillclaw.extras import install
from skillclaw.server import otlp
from skillclaw.server.otlp.content import Excerpts
from skillclaw.server.otlp.encoding import as_protobuf
from skillclaw.server.otlp.spans import spans_of

TOKEN = "ghp_" + "A1b2" * 9


def house(place: Path, *sessions: dict[str, Any]) -> list[str]:
    """Ada's machine with these sessions; their ids, in order of time."""
    write(place / "given.jsonl", sessions)
    sc(place, "ada", "import", str(place / "given.jsonl"))
    return [row["id"] for row in reversed(sc(place, "ada", "sessions", "list"))]


def export(place: Path, target: str, *more: str) -> Any:
    return sc(place, "ada", "sessions", "export", "--otlp", target, *more)


def timed() -> dict[str, Any]:
    """A session with times, tokens, a failed call and a sub-agent."""
    made = session("", 1, "Run the tests of till.", [Ran("npm test", 1, "no such module"), Ran("npm ci")])
    for number, step in enumerate(made["steps"]):
        step["timestamp"] = f"2026-11-11T09:00:{10 * number:02}.500Z"
        if step["source"] == "agent":
            step["model_name"] = "claude-sonnet-4-5"
            step["metrics"] = {"prompt_tokens": 100, "completion_tokens": 7, "cached_tokens": 40}
    sub = session("", 1, "Look for it.", [Ran("ls")])
    sub |= {"trajectory_id": "sub-1", "session_id": "inner"}
    sub["steps"][0]["timestamp"] = "2026-11-11T09:00:21Z"
    del sub["extra"]
    made["subagent_trajectories"] = [sub]
    result = made["steps"][2]["observation"]["results"][0]
    result["subagent_trajectory_ref"] = [{"trajectory_id": "sub-1"}]
    return made


def test_a_session_is_one_trace_by_the_conventions(tmp_path: Path) -> None:
    (key,) = house(tmp_path, timed())
    with collecting() as seen:
        done = export(tmp_path, seen.url, "--which", "own")
        assert done["traces"] == 1
        assert done["spans"] == len(seen.spans) == 10
    assert seen.paths == ["/v1/traces"]
    (resource,) = seen.taken[0].resource_spans
    assert resource.schema_url == "https://opentelemetry.io/schemas/1.41.0"
    root, chat, failed, second, ran, inner, inner_chat, *_ = seen.spans
    assert len({span.trace_id for span in seen.spans}) == 1
    assert (len(root.trace_id), len(root.span_id), root.parent_span_id) == (16, 8, b"")
    assert [one.name for one in (root, chat, failed)] == [
        "invoke_agent claude-code",
        "chat claude-sonnet-4-5",
        "execute_tool Bash",
    ]
    assert (root.kind, chat.kind) == (Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CLIENT)
    about = told(root)
    assert about["gen_ai.operation.name"] == "invoke_agent"
    assert about["gen_ai.conversation.id"] == key
    assert (about["gen_ai.agent.name"], about["gen_ai.agent.version"]) == ("claude-code", "2.1.197")
    assert (about["gen_ai.usage.input_tokens"], about["gen_ai.usage.output_tokens"]) == (300, 21)
    assert about["skillclaw.outcome"] == "success"
    said = told(chat)
    assert (said["gen_ai.provider.name"], said["gen_ai.response.model"]) == ("anthropic", "claude-sonnet-4-5")
    assert said["gen_ai.usage.cache_read.input_tokens"] == 40
    assert "skillclaw.includes_tools" not in said
    assert told(second)["skillclaw.includes_tools"] is True
    call = told(failed)
    assert (call["gen_ai.tool.name"], call["gen_ai.tool.call.id"]) == ("Bash", "call__1_0")
    assert (failed.status.code, call["error.type"]) == (Status.STATUS_CODE_ERROR, "exit_1")
    assert (ran.status.code, "error.type" in told(ran)) == (Status.STATUS_CODE_UNSET, False)
    assert (inner.name, inner.parent_span_id) == ("invoke_agent claude-code", ran.span_id)
    assert inner_chat.parent_span_id == inner.span_id
    assert {one.parent_span_id for one in (chat, failed, second, ran)} == {root.span_id}
    ten = 10_000_000_000
    assert [one.end_time_unix_nano - root.start_time_unix_nano for one in (chat, second)] == [ten, 2 * ten]
    assert [one.start_time_unix_nano - root.start_time_unix_nano for one in (chat, second)] == [0, ten]
    assert root.end_time_unix_nano - root.start_time_unix_nano == 3 * ten
    assert all(one.start_time_unix_nano <= one.end_time_unix_nano for one in seen.spans)


def test_a_second_export_is_the_same_trace_and_a_longer_session_has_the_same_ids(tmp_path: Path) -> None:
    short = timed()
    short["steps"] = short["steps"][:3]
    house(tmp_path, short)
    with collecting() as seen:
        export(tmp_path, seen.url, "--which", "own")
        export(tmp_path, seen.url, "--which", "own")
        first = {span.span_id: span.name for span in seen.taken[0].resource_spans[0].scope_spans[0].spans}
        assert seen.bodies[0] == seen.bodies[1]
        house(tmp_path, timed())
        export(tmp_path, seen.url, "--which", "own")
    later = {span.span_id: span.name for span in seen.taken[2].resource_spans[0].scope_spans[0].spans}
    assert seen.taken[0].resource_spans[0].scope_spans[0].spans[0].trace_id == seen.spans[-1].trace_id
    assert first.items() < later.items()


def test_without_content_nothing_that_was_said_leaves_and_with_it_masked_excerpts(tmp_path: Path) -> None:
    task = f"Deploy to build.corp-internal.example:8443 with {TOKEN}"
    made = session("", 1, task, [Ran("kubectl apply", 1, "denied " * 600)], project="secret-project")
    made["steps"][1]["tool_calls"][0]["function_name"] = f"run_{TOKEN}"
    house(tmp_path, made)
    with collecting() as seen:
        export(tmp_path, seen.url, "--which", "own")
        export(tmp_path, seen.url, "--which", "own", "--content")
    plain, full = seen.bodies
    for secret in (TOKEN, "corp-internal", "secret-project"):
        assert secret.encode() not in plain + full
    for said in (b"Deploy", b"kubectl", b"denied", b"Done."):
        assert said not in plain
        assert said in full
    chat, call = (told(span) for span in seen.taken[1].resource_spans[0].scope_spans[0].spans[1:3])
    (asked,) = json.loads(chat["gen_ai.input.messages"])
    assert asked["role"] == "user"
    assert "<host:" in asked["parts"][0]["content"]
    assert "<secret:github-token:" in asked["parts"][0]["content"]
    (answered,) = json.loads(chat["gen_ai.output.messages"])
    assert answered["parts"][0]["type"] == "tool_call"
    assert json.loads(call["gen_ai.tool.call.arguments"]) == {"command": "kubectl apply"}
    assert call["gen_ai.tool.call.result"].endswith("more characters)")
    assert len(call["gen_ai.tool.call.result"]) < 2100
    assert "<secret:github-token:" in call["gen_ai.tool.name"]


def test_the_rules_of_sharing_say_which_sessions_go(tmp_path: Path) -> None:
    mine = [
        session("", n, f"Task {n}", [Ran("ls")], project=p)
        for n, p in ((1, "till"), (2, "diary"), (3, "till"))
    ]
    other = session("bob", 4, "Task 4", [Ran("ls")], project="till")
    keys = house(tmp_path, *mine, other)
    target = str(tmp_path / "traces.jsonl")
    assert export(tmp_path, target)["withheld"] == {
        "no rule of sharing lets it out": 3,
        "it is another person's": 1,
    }
    sc(tmp_path, "ada", "config", "set", "share.projects.till", "redacted")
    sc(tmp_path, "ada", "sessions", "share", keys[2], "--never")
    with collecting() as seen:
        assert export(tmp_path, seen.url)["traces"] == 1
        assert {told(span)["gen_ai.conversation.id"] for span in seen.spans} == {keys[0]}
        assert export(tmp_path, seen.url, "--which", "own")["traces"] == 2
        before = len(seen.taken)
        for key, why in ((keys[1], "No rule"), (keys[2], "never shared"), (keys[3], "another person")):
            with pytest.raises(BadInputError) as error:
                export(tmp_path, seen.url, keys[0], key)
            assert why in error.value.why
        assert len(seen.taken) == before
        assert export(tmp_path, seen.url, keys[0])["traces"] == 1


def test_since_takes_what_began_in_so_many_days(tmp_path: Path) -> None:
    old, new = (session("", n, f"Task {n}", [Ran("ls")]) for n in (1, 2))
    old["steps"][0]["timestamp"] = (datetime.now(UTC) - timedelta(days=4)).isoformat()
    new["steps"][0]["timestamp"] = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    house(tmp_path, old, new)
    target = str(tmp_path / "t.jsonl")
    counts = [
        export(tmp_path, target, "--which", "own", "--since", days)["traces"] for days in ("1", "3", "5")
    ]
    assert counts == [0, 1, 2]


def test_a_file_has_the_same_in_json_one_request_a_line(tmp_path: Path) -> None:
    house(tmp_path, timed(), session("", 2, "Another.", [Ran("ls")]))
    target = tmp_path / "traces.jsonl"
    with collecting() as seen:
        export(tmp_path, seen.url, "--which", "own")
    done = export(tmp_path, str(target), "--which", "own")
    lines = target.read_bytes().splitlines()
    assert [read_json(line) for line in lines] == seen.taken
    assert (done["traces"], done["requests"], done["target"]) == (2, len(lines), str(target))
    assert target.stat().st_mode & 0o777 == 0o600
    said = json.loads(lines[0])["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert len(bytes.fromhex(said["traceId"])) == 16
    assert said["kind"] == 1


def test_every_span_of_real_sessions_hangs_together() -> None:
    for number, real in enumerate(multiplied(read_real(None), 15, seed=3)):
        first = replace(real.steps[0], timestamp=f"2026-11-{number % 28 + 1:02}T10:00:00Z")
        spans = spans_of(replace(real, steps=[first, *real.steps[1:]]), Excerpts())
        ids = {one.id for one in spans}
        assert len(ids) == len(spans) > 1
        assert [one.parent for one in spans].count(b"") == 1
        assert all(one.parent in ids for one in spans[1:])
        assert all(spans[0].start <= one.start <= one.end <= spans[0].end for one in spans)
        calls = sum(len(step.tool_calls or ()) for step in real.steps)
        assert sum(one.name.startswith("execute_tool ") for one in spans) == calls
        assert len(ExportTraceServiceRequest.FromString(as_protobuf(spans, {})).resource_spans) == 1


def test_sessions_without_any_time_are_told(tmp_path: Path) -> None:
    made = session("", 1, "When?", [Ran("ls")])
    del made["steps"][0]["timestamp"]
    house(tmp_path, made)
    assert export(tmp_path, str(tmp_path / "t.jsonl"), "--which", "own")["timeless"] == 1
    assert "have no times" in printed(
        tmp_path, "ada", "sessions", "export", "--otlp", str(tmp_path / "t.jsonl"), "--which", "own"
    )


def test_what_the_collector_refuses_is_told(tmp_path: Path) -> None:
    house(tmp_path, timed())
    with collecting(partly(2, "attribute too long")) as seen, pytest.raises(StorageError) as error:
        export(tmp_path, seen.url, "--which", "own")
    assert error.value.what == "The collector refused 2 of 10 spans."
    assert error.value.why == "attribute too long"


@pytest.mark.parametrize(
    "args",
    [
        ("--otlp", "ftp://127.0.0.1:4318"),
        ("--otlp", "http://"),
        ("--otlp", "env"),
        ("--otlp", "x.jsonl", "--which", "all"),
        ("--otlp", "x.jsonl", "--out", "y.jsonl"),
        ("--content",),
        ("--since", "3"),
    ],
)
def test_wrong_usage_is_told_and_writes_nothing(tmp_path: Path, args: tuple[str, ...]) -> None:
    house(tmp_path, timed())
    with pytest.raises(UsageError):
        sc(tmp_path, "ada", "sessions", "export", *args)
    assert not list(home(tmp_path, "ada").rglob("*.jsonl"))


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house(tmp_path, timed())
    wanted = "opentelemetry.proto.collector.trace.v1.trace_service_pb2"
    monkeypatch.delitem(sys.modules, "skillclaw.server.otlp.encoding")
    monkeypatch.delattr(otlp, "encoding")
    monkeypatch.setitem(sys.modules, wanted, None)
    with pytest.raises(UsageError) as error:
        export(tmp_path, str(tmp_path / "t.jsonl"))
    assert error.value.todo == f"Say: {install('otlp')}"
    assert not (tmp_path / "t.jsonl").exists()
