"""The redactor's doors: determinism, keys, whole sessions, speed."""

# ruff: noqa: E501  (one case a line reads best)

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from examples import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skillclaw.journal.redact import Redactor
from skillclaw.trajectory import model
from skillclaw.trajectory.model import (
    ATIF_VERSION,
    Agent,
    Observation,
    Part,
    Result,
    SessionMeta,
    Signal,
    Step,
    SubagentRef,
    ToolCall,
    Trajectory,
    meta,
    with_meta,
)

HOME = PurePosixPath("/home/alice")
KEY = b"k" * 32
TOKEN = "gh" + "p_" + "a1B2c3D4e5" * 4


def redactor(key: bytes = KEY) -> Redactor:
    return Redactor(key, home=HOME, user_names=["alice"])


def session(**fields: Any) -> Trajectory:
    base: dict[str, Any] = {
        "schema_version": ATIF_VERSION,
        "agent": Agent(name="codex", version="1"),
        "steps": [Step(step_id=1, source="user", message="hello")],
        "session_id": "native-1",
    }
    return with_meta(Trajectory(**(base | fields)), SessionMeta(key="a" * 16, user="u-1", client="c-1"))


def test_equal_secrets_stay_equal_on_one_machine_only() -> None:
    mine, again = redactor().text(f"{TOKEN} and {TOKEN}")[0].split(" and ")
    assert mine == again == redactor().text(TOKEN)[0]
    assert mine.startswith("<secret:github-token:")
    assert redactor(b"x" * 32).text(TOKEN)[0] != mine


def test_the_same_value_has_one_digest_whatever_told_it() -> None:
    named, flagged = redactor().text('password = "blue42sky"')[0], redactor().text("--password blue42sky")[0]
    assert named.split('"')[1] == flagged.split()[1]


def test_home_and_user_names() -> None:
    mask = redactor()
    cases = {
        "/home/alice/x.py": "~/x.py",
        "file:///home/alice": "file://~",
        "/home/alice2/x": "/home/<user>/x",
        "/home/bob/x and /Users/carol/y": "/home/<user>/x and /Users/<user>/y",
        "alice@laptop:~/src$ ls": "<user>@laptop:~/src$ ls",
        "/tmp/alice/x": "/tmp/<user>/x",
        "~/.claude/projects/-home-alice-src/x.jsonl": "~/.claude/projects/-home-<user>-src/x.jsonl",
        "uid=1000(alice) gid=1000(alice)": "uid=1000(<user>) gid=1000(<user>)",
        "-rw-r--r-- 1 alice alice 42 Nov 23 x": "-rw-r--r-- 1 <user> <user> 42 Nov 23 x",
        "USER=alice": "USER=<user>",
        "malice and alice in wonderland": "malice and alice in wonderland",
        "scp x alice@10.0.0.5:/srv": "scp x <user>@10.0.0.5:/srv",
    }
    assert {text: mask.text(text)[0] for text in cases} == cases


@pytest.mark.parametrize(
    "text",
    [
        "C:\\Users\\Alice\\x",
        "C:\\\\Users\\\\Alice\\\\x",
        "c:/users/alice/x",
        "/c/Users/Alice/x",
        "/mnt/c/Users/Alice/x",
    ],
)
def test_a_windows_home_in_each_of_its_spellings(text: str) -> None:
    mask = Redactor(KEY, home=PureWindowsPath("C:\\Users\\Alice"), user_names=["Alice"])
    assert mask.text(text)[0].startswith("~")


def test_a_home_that_names_nobody_is_left() -> None:
    mask = Redactor(KEY, home=PurePosixPath("/root"), user_names=[])
    assert mask.text("/root/x and / and /usr")[0] == "/root/x and / and /usr"


def test_git_authors() -> None:
    mask = redactor()
    text = "Author: Jane Doe <jane@corp.com>\nCo-Authored-By: Claude <noreply@anthropic.com>"
    masked, counts = mask.text(text)
    assert "Jane" not in masked
    assert masked.endswith("Claude <noreply@anthropic.com>")
    assert counts == {"person": 1, "email": 1}


def test_every_string_of_a_session() -> None:
    secret = f"x {TOKEN} y"
    step = Step(
        step_id=1,
        source="agent",
        message=[Part(type="text", text=secret)],
        reasoning_content=secret,
        tool_calls=[
            ToolCall(
                tool_call_id="call_ISe0D4yG7XBPGB9QcTTWTffm",
                function_name="Bash",
                arguments={"deep": [{"a": secret, secret: [secret]}], "n": 8080, "ok": True, "none": None},
                extra={"skillclaw": {"raw_arguments": secret}, "other": [secret]},
            )
        ],
        observation=Observation(
            results=[
                Result(
                    source_call_id="call_ISe0D4yG7XBPGB9QcTTWTffm",
                    content=secret,
                    subagent_trajectory_ref=[
                        SubagentRef(trajectory_path="/home/alice/sub.json", trajectory_id="t1")
                    ],
                    extra={"x": secret},
                )
            ]
        ),
        extra={"y": secret},
    )
    inner = session(steps=[step], trajectory_id="t1")
    whole = session(
        agent=Agent(name="codex", version="1", tool_definitions=[{"d": secret}], extra={"z": secret}),
        steps=[step],
        notes=secret,
        subagent_trajectories=[inner],
    )
    known = msgspec_replace(meta(whole), project="/home/alice/src", env={"SHELL": secret}, masked={"email": 2},
                            signals=[Signal(kind="tests", value=1, source="pytest")])  # fmt: skip
    whole = with_meta(whole, known)
    masked = redactor().trajectory(whole)
    body = model.encode(masked)
    assert TOKEN.encode() not in body
    assert b"/home/alice" not in body
    own = meta(masked)
    assert (own.key, own.user, own.client, own.project) == ("a" * 16, "u-1", "c-1", "~/src")
    assert own.masked["email"] == 2
    assert own.masked["secret:github-token"] == 24
    assert masked.steps[0].tool_calls is not None
    assert masked.steps[0].tool_calls[0].tool_call_id == "call_ISe0D4yG7XBPGB9QcTTWTffm"
    assert masked.steps[0].tool_calls[0].arguments["n"] == 8080
    assert masked.session_id == "native-1"
    assert redactor().trajectory(masked) == masked


def msgspec_replace(value: SessionMeta, **fields: Any) -> SessionMeta:
    import msgspec

    return msgspec.structs.replace(value, **fields)


def call(arguments: dict[str, Any]) -> dict[str, Any]:
    given = session(
        steps=[
            Step(
                step_id=1,
                source="agent",
                message="",
                tool_calls=[ToolCall(tool_call_id="c1", function_name="f", arguments=arguments)],
            )
        ]
    )
    calls = redactor().trajectory(given).steps[0].tool_calls
    assert calls is not None
    return calls[0].arguments


def test_names_of_keys_tell_secrets() -> None:
    done = call(
        {
            "password": "letme" + "in",
            "pin": {"db_password": 12345678},
            "env": [{"name": "API_TOKEN", "value": "abc123def456"}],
            "argv": ["tool", "--token", "qwe123rty456", "--port", "8080"],
            "card": int("4111" + "111111111111"),
            "max_tokens": 4096,
            "event_id": "00000213",
            "amount": 123456,
            "token_type": "bearer",
        }
    )
    assert done["password"].startswith("<secret:password:")
    assert done["pin"]["db_password"].startswith("<secret:password:")
    assert done["env"][0]["value"].startswith("<secret:value:")
    assert done["argv"][2].startswith("<secret:value:")
    assert done["argv"][3:] == ["--port", "8080"]
    assert done["card"].startswith("<card:")
    assert (done["max_tokens"], done["event_id"], done["amount"], done["token_type"]) == (
        4096,
        "00000213",
        123456,
        "bearer",
    )


def test_keys_that_become_equal_lose_nothing() -> None:
    assert call({"/home/alice/x": 1, "~/x": 2}) == {"~/x": 1, "~/x#2": 2}


def test_a_secret_told_once_is_masked_wherever_it_stands() -> None:
    given = session(
        steps=[
            Step(step_id=1, source="user", message='set password = "blue42sky" first'),
            Step(step_id=2, source="agent", message="blue42sky did not work"),
        ]
    )
    masked = redactor().trajectory(given)
    assert "blue42sky" not in model.encode(masked).decode()
    assert redactor().trajectory(masked) == masked


def test_mail_addresses_stay_consistent_across_a_session() -> None:
    done = call({"participant_email": "carlos.rodriguez@atlas.com", "body": "ask Carlos.Rodriguez@atlas.com"})
    assert done["body"] == f"ask {done['participant_email']}"


SNIPPETS = st.sampled_from(
    [TOKEN, "password=", "hunter2!", "alice", "/home/", "/home/alice", "bob@corp.com", "@", "<", ">", ":", '"', "'", "\\", "\n",
     " ", "token: ", "Bearer ", "sk-", "eyJ", "<email:abc123>", "<user>", "~", "\ufdd0", "\ufdef", "+49 151 2345 6789", "=",
     "Cookie: a=b1234", "--token ", "4111 1111 1111 1111", "密码：", "Author: ", "://u:", "-----BEGIN PRIVATE KEY-----"]
)  # fmt: skip


@settings(max_examples=examples(250), deadline=None)
@example("password=/home/alice\x080A")
@example("password: /home/alice!ab1")
@given(st.lists(st.one_of(SNIPPETS, st.text(max_size=12)), max_size=12).map("".join))
def test_masking_twice_is_masking_once(text: str) -> None:
    mask = redactor()
    once, _ = mask.text(text)
    twice, counts = mask.text(once)
    assert twice == once
    assert not counts
    assert TOKEN not in once or TOKEN[:-1] + "_" in text or "\\" in text or text != once


@settings(max_examples=examples(60), deadline=None)
@example({"password=": ["--token ", "0001"]})
@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), SNIPPETS, st.text(max_size=8)),
                    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(SNIPPETS, inner, max_size=3)), max_leaves=8))  # fmt: skip
def test_sessions_masked_twice_are_masked_once(value: object) -> None:
    given_session = session(
        steps=[
            Step(
                step_id=1,
                source="agent",
                message="",
                tool_calls=[ToolCall(tool_call_id="c", function_name="f", arguments={"x": value})],
            )
        ]
    )
    once = redactor().trajectory(given_session)
    assert redactor().trajectory(once) == once


ORDINARY = st.one_of(
    st.integers(0, 65535).map(lambda port: f"curl -s http://localhost:{port}/health"),
    st.integers(0, 10**8 - 1).map(lambda number: f"event {number:08d} moved"),
    st.dates().map(lambda day: f"{day.isoformat()}T10:00:00+0800 {day:%Y%m%d}"),
    st.decimals(0, 10**9, places=2).map(lambda amount: f"total {amount:,} EUR, {amount} net"),
    st.integers(0, 2**160 - 1).map(lambda number: f"commit {number:040x}"),
    st.integers(0, 2**256 - 1).map(lambda number: f'"sha256:{number:064x}"'),
    st.uuids().map(lambda one: f"run {one} ended"),
    st.integers(10**9, 2 * 10**9).map(lambda number: f"[{number}.123] {number}000 {number}000000"),
    st.tuples(st.integers(0, 255), st.integers(1, 65535)).map(lambda p: f"10.0.{p[0]}.7:{p[1]} -> {p[0] * 4096} bytes"),
    st.integers(1, 9999).map(lambda line: f"src/app/views.py:{line}: error: line {line} has {line * 7} columns"),
    st.integers(0, 2**63).map(lambda number: f"0x{number:x} {number % 10**9}"),
    st.integers(1, 500).map(lambda n: f"@@ -{n},7 +{n},9 @@\n+{n}\n-{n * 1000}"),
    st.integers(1, 500).map(lambda n: f'{{"id": {n}, "max_tokens": {n * 8}, "name": "row-{n}", "items": [{n}, {n + 1}]}}'),
)  # fmt: skip


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(ORDINARY, min_size=1, max_size=6).map("\n".join))
def test_numbers_of_ordinary_work_survive(text: str) -> None:
    assert redactor().text(text) == (text, {})


CODE = "\n".join(
    f"def handler_{n}(request, timeout={n}):\n    path = '/usr/lib/x{n}.py'\n    return {{'id': {n}, 'sha': '{n:040x}'}}"
    for n in range(9000)
)[:1_000_000]


def test_a_result_of_a_megabyte_of_code_stays_as_it_is() -> None:
    assert redactor().text(CODE)[0] == CODE


@pytest.mark.parametrize(
    "unit",
    ["a", "=", "/", "1", " ", "\\", "@", "eyJ", "key=", "token=", "a@a.", "://a:", "-----BEGIN PRIVATE KEY-----",
     "/Users/a", "curl -u ", "1 ", "密码", '{"name": "token", ', "password "],
)  # fmt: skip
@pytest.mark.timeout(30)
def test_no_text_makes_it_hang(unit: str) -> None:
    redactor().text((unit * 200_000)[:200_000])
