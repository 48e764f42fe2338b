"""What opencode 1.18.33 and Copilot CLI 1.0.102 send, cut to what matters; read as sessions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skillclaw.trajectory.model import text_of
from skillclaw.wire.decode import decode
from skillclaw.wire.identity import identify
from skillclaw.wire.injected import is_injected, split_injected
from skillclaw.wire.place import place
from skillclaw.wire.records import Call, Decoded, Identity
from skillclaw.wire.results import facts

ROOT, SUB = "ses_de8fd7976ffeTUNz1Cf29KUFHF", "ses_de8fd5c34ffezMTJL41fDIw17D"


def read(messages: list[Any], headers: dict[str, str] | None = None, tools: bool = True) -> Decoded:
    offered = [{"type": "function", "function": {"name": "bash"}}] if tools else None
    whole = {"model": "m", "messages": messages, **({"tools": offered} if offered else {})}
    answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}}]}
    found = decode(
        Call(
            method="POST",
            path="/v1/chat/completions",
            request_headers=list((headers or {}).items()),
            request_body=json.dumps(whole).encode(),
            status=200,
            response_headers=[("content-type", "application/json")],
            response_body=json.dumps(answer).encode(),
        )
    )
    assert isinstance(found, Decoded)
    return found


def message(role: str, text: Any) -> dict[str, Any]:
    return {"role": role, "content": text}


# --- opencode: whose request it is


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"x-session-affinity": SUB, "x-session-id": SUB}, id="any provider"),
        pytest.param(
            {
                "originator": "opencode",
                "session-id": SUB,
                "x-session-affinity": SUB,
                "x-session-id": SUB,
            },
            id="openai",
        ),
        pytest.param(
            {"x-opencode-session": SUB, "x-opencode-project": "global", "x-opencode-request": "msg_1"},
            id="its own provider",
        ),
    ],
)
def test_opencode_names_its_sessions_and_their_sub_agents(headers):
    own = identify(list(headers.items()), {})
    assert own == Identity(root=SUB, thread=SUB)
    below = identify([*headers.items(), ("x-parent-session-id", ROOT)], {})
    assert below == Identity(root=ROOT, thread=SUB, parent=ROOT, is_subagent=True)


def test_codex_still_names_its_threads_by_its_own_headers():
    found = identify([("session-id", "root"), ("thread-id", "sub"), ("originator", "codex_exec")], {})
    assert found == Identity(root="root", thread="sub", parent="root", is_subagent=True)


# --- opencode: what a request is for


def test_opencode_titles_are_side_requests():
    asked = [
        message("system", "You are a title generator. You output ONLY a thread title. Nothing else.\n"),
        message("user", "Generate a title for this conversation:\n"),
        message("user", '"Please read sample.txt"'),
    ]
    assert read(asked, tools=False).kind == "side"


def test_opencode_compaction_and_what_follows_it():
    summing = [
        message(
            "system", "You are a context summarization agent. You are given a conversation between a user\n"
        ),
        message(
            "user", "Here is the conversation so far:\n\n<conversation>\n[User]: fix it\n</conversation>"
        ),
    ]
    assert read(summing, tools=False).kind == "compaction"
    after = read(
        [
            message("system", "You are opencode."),
            message("user", "What did we do so far?"),
            message("assistant", "## Objective\n- fix it\n"),
            message(
                "user",
                "Continue if you have next steps, or stop and ask for clarification if you are unsure how to"
                " proceed.",
            ),
        ]
    )
    assert after.kind == "turn"
    users = [(item.injected, item.compaction) for item in after.request if item.role == "user"]
    assert users == [(True, True), (True, False)]


def test_the_same_question_of_a_user_stays_the_users():
    asked = read([message("system", "You are opencode."), message("user", "What did we do so far?")])
    assert [item.injected for item in asked.request if item.role == "user"] == [False]
    told = read([message("user", "What did we do so far?"), message("assistant", "We fixed the tests.")])
    assert [item.injected for item in told.request if item.role == "user"] == [False]


@pytest.mark.parametrize(
    "text",
    [
        'Called the Read tool with the following input: {"filePath":"/srv/shop/sample.txt"}',
        "<path>/srv/shop/sample.txt</path>\n<type>file</type>\n<content>\n1: hello\n\n(End of file)\n"
        "</content>",
        "<path>/srv/shop</path>\n<type>directory</type>\n<entries>\nsample.txt\n</entries>",
        "Read tool failed to read /srv/shop/none.txt with the following error: no such file",
        " Use the above message and context to generate a prompt and call the task tool with subagent: x",
        "The following tool was executed by the user",
        "Summarize the task tool output above and continue with your task.",
    ],
)
def test_what_opencode_puts_beside_the_users_words(text):
    assert is_injected(text)


@pytest.mark.parametrize(
    "text",
    [
        "The following tool was executed by the user, why?",
        "<path>/srv/shop/sample.txt</path> is the file that I mean",
        "Called the Read tool with the wrong path, it seems",
    ],
)
def test_a_users_words_about_such_things_stay_the_users(text):
    assert not is_injected(text)


def test_opencode_says_of_a_command_only_that_it_ended_it():
    assert facts("bash", {}, "hello\n", None).exit_code is None
    ended = (
        "(no output)\n\n<shell_metadata>\nshell tool terminated command after exceeding timeout 1000 ms. If"
        " this command is expected to take longer, retry with a larger timeout value in milliseconds.\n"
        "</shell_metadata>"
    )
    assert facts("bash", {}, ended, None) == (None, True, None)
    assert facts("bash", {}, ended + "\nand more", None).is_error is None


# --- Copilot


def test_copilots_clock_stands_apart_from_the_users_words():
    stamp = "<current_datetime>2026-11-26T09:05:37.081+00:00</current_datetime>"
    assert split_injected(f"{stamp}\n\nPlease look into it") == [
        (stamp, True),
        ("Please look into it", False),
    ]
    quoted = f"what does {stamp} mean?"
    assert split_injected(quoted) == [(quoted, False)]


def test_copilots_place():
    prompt = (
        "<environment_context>\n* Current working directory: /srv/shop/api\n"
        "* Git repository root: /srv/shop\n* Operating System: linux\n</environment_context>"
    )
    assert place([prompt]) == ("/srv/shop/api", {"os": "linux"})


@pytest.mark.parametrize(
    ("text", "code", "failed"),
    [
        ("hello\n<shellId: 0 completed with exit code 3>", 3, True),
        ("<shellId: 12 completed with exit code 0>", 0, False),
        ("<shellId: 1 completed with exit code 1>\nwas in the log", None, None),
    ],
)
def test_copilots_exit_codes(text, code, failed):
    assert facts("bash", {}, text, None)[:2] == (code, failed)


def test_copilots_skill_body_is_not_the_users():
    told = read(
        [
            message("user", "go"),
            message(
                "user",
                '<skill-context name="alpha">\nBase directory for this skill: /s/a\n\n# a\n</skill-context>',
            ),
        ]
    )
    assert [text_of(i.content) for i in told.request if i.role == "user" and not i.injected] == ["go"]


def test_copilots_compaction_and_what_follows_it():
    asked = "Please create a detailed summary of the conversation so far. The history is being compacted so"
    assert read([message("user", "go"), message("user", asked)]).kind == "compaction"
    told = [message("user", "go"), message("user", "Sum it up, please.")]
    assert read(told, {"x-interaction-type": "conversation-compaction"}).kind == "compaction"
    assert read(told).kind == "turn"
    after = read(
        [
            message(
                "user",
                "Some of the conversation history has been summarized to free up context.\n\nYou were"
                " originally given instructions\n<user_message>\ngo\n</user_message>\n<summary>\nDone."
                "\n</summary>\n",
            ),
            message("user", "next"),
        ]
    )
    assert [(i.injected, i.compaction) for i in after.request] == [(True, True), (False, False)]


# --- Crush, by its sources


@pytest.mark.parametrize("protocol", [None, False])
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no rule\nExit code 2\n\n<cwd>/srv/shop</cwd>", 2),
        ("Exit code 1\n\n<cwd>/srv/shop</cwd>", 1),
        ("built\n\n<cwd>/srv/shop</cwd>", 0),
        ("it said: Exit code 3\n\n<cwd>/srv/shop</cwd>", 0),
    ],
)
def test_crushs_exit_codes(text, code, protocol):
    assert facts("bash", {}, text, protocol).exit_code == code


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("goose-session-id", "20260101_1"),
        ("x-goose-session-id", "20260101_1"),
        ("x-session-id", "027c4bf58e16e605"),
    ],
)
def test_goose_and_crush_name_their_sessions(header, name):
    assert identify([(header, name)], {}) == Identity(root=name, thread=name)
