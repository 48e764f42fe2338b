"""What nanobot 0.3.5, OpenHands 1.16.0 and aider 0.86.2 send, cut to what matters; read as sessions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skillclaw.proxy import Speech
from skillclaw.proxy.configured.bodies import Body
from skillclaw.proxy.configured.inject import session_of
from skillclaw.trajectory.model import text_of
from skillclaw.wire.decode import decode
from skillclaw.wire.injected import split_injected
from skillclaw.wire.place import place
from skillclaw.wire.records import Call, Decoded, Item
from skillclaw.wire.results import facts


def read(messages: list[Any], tools: list[str] | None = None, **body: Any) -> Decoded:
    offered = [{"type": "function", "function": {"name": name}} for name in tools or []]
    whole = {"model": "m", "messages": messages, **({"tools": offered} if offered else {}), **body}
    answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}}]}
    found = decode(
        Call(
            method="POST",
            path="/v1/chat/completions",
            request_body=json.dumps(whole).encode(),
            status=200,
            response_headers=[("content-type", "application/json")],
            response_body=json.dumps(answer).encode(),
        )
    )
    assert found is not None
    return found


def words(items: list[Item]) -> list[str]:
    return [text_of(item.content).strip() for item in items if item.role == "user" and not item.injected]


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def agent(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def system(text: str) -> dict[str, str]:
    return {"role": "system", "content": text}


# --- aider

PROMPT = "Act as an expert software developer.\nTake requests for changes to the supplied code.\n"
REMINDER = (
    "To suggest changes to a file you MUST return the entire content of the updated file.\n"
    "You MUST use this *file listing* format:\n\npath/to/filename.js\n```\n// entire file\n```\n"
)
EXAMPLES = [
    user("Change the greeting to be more casual"),
    agent("Ok, I will:\n\n1. Switch the greeting text."),
    user(
        "I switched to a new code base. Please don't consider the above files or try to edit them any longer."
    ),
    agent("Ok."),
]
FILES = [
    user(
        "I have *added these files to the chat* so you can go ahead and edit them.\n\na.py\n```\nx = 1\n```\n"
    ),
    agent("Ok, any changes I propose will be to those files."),
]
NO_FILES = [user("I am not sharing any files that you can edit yet."), agent("Ok.")]


def test_aider_first_and_second_turn_are_one_conversation() -> None:
    first = read([system(PROMPT), *EXAMPLES, *NO_FILES, user(f"Write a greeting\n\n{REMINDER}")])
    assert words(first.request) == ["Write a greeting"]
    assert not [item for item in first.request if item.role == "agent"]
    done = [user("Write a greeting"), agent("greeting.txt\n```\nhello\n```")]
    committed = [user("I committed the changes with git hash 7bda21b & commit msg: feat: x"), agent("Ok.")]
    second = read([system(PROMPT), *EXAMPLES, *done, *committed, *FILES, user(f"Shorter\n\n{REMINDER}")])
    assert words(second.request) == ["Write a greeting", "Shorter"]
    assert [text_of(item.content) for item in second.request if item.role == "agent"] == [done[1]["content"]]
    assert sum(REMINDER.strip() in text_of(item.content) for item in second.request if item.injected) == 1


@pytest.mark.parametrize(
    "reminder",
    [
        "\n# *SEARCH/REPLACE block* Rules:\n\nEvery block must use this format:",
        "# File editing rules:\n\nReturn edits similar to unified diffs",
        "# V4A Diff Format Rules:\n\nYour entire response",
        "\nNEVER RETURN CODE!\n",
        "Reply in English.\n",
        "You are diligent and tireless!\nYou NEVER leave comments\n",
    ],
)
def test_every_reminder_of_aider_stands_apart_from_the_users_words(reminder: str) -> None:
    found = read([system(PROMPT), *EXAMPLES, user(f"What is x?\n\n{reminder}")])
    assert words(found.request) == ["What is x?"]


def test_aider_without_system_prompts_tells_the_model_as_the_user() -> None:
    found = read([user(PROMPT), agent("Ok."), *EXAMPLES, user("Write a greeting")])
    assert words(found.request) == ["Write a greeting"]
    assert not [item for item in found.request if item.role == "agent"]


def test_what_looks_like_aiders_words_is_the_users_elsewhere() -> None:
    told = [
        user("I ran this command:\n\nls"),
        agent("Ok."),
        user("I updated the files.\n\nReply in English."),
    ]
    found = read([system("You are helpful."), *told])
    assert words(found.request) == [told[0]["content"], told[2]["content"]]
    assert [text_of(item.content) for item in found.request if item.role == "agent"] == ["Ok."]


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        (
            "You are an expert software engineer that generates concise, one-line Git commit messages based",
            "side",
        ),
        ("*Briefly* summarize this partial conversation about programming.\nInclude less", "compaction"),
        ("Act as an expert software developer who edits source code.\n", "side"),
        (PROMPT, "turn"),
    ],
)
def test_what_aider_asks_beside_the_conversation_is_no_turn(prompt: str, kind: str) -> None:
    assert read([system(prompt), user("USER: hello there")]).kind == kind


# --- nanobot

ACTIVE = (
    "[Active Skills — instructions for this user turn]\n### Skill: greet-file\n\n# Greet file\n\n"
    "1. Run it.\n[/Active Skills]"
)


def test_what_nanobot_puts_behind_the_users_words_is_the_hosts() -> None:
    found = read([system("x"), user(f"Use $greet-file for me\n\n{ACTIVE}")], ["exec"])
    assert words(found.request) == ["Use $greet-file for me"]
    assert [text_of(item.content) for item in found.request if item.role == "user" and item.injected] == [
        ACTIVE
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[Subagent 'count' completed successfully]\n\nTask: count\n\nResult:\n3",
        "The scheduled time has arrived. Execute this scheduled cron job now and report",
        "<EXTRA_INFO>\nThe following information has been included based on a keyword match",
    ],
)
def test_texts_of_the_host_in_the_users_place(text: str) -> None:
    assert words(read([system("x"), user(text)], ["exec"]).request) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Create a compact replacement checkpoint for this session.\n\nWhen", "compaction"),
        ("You are running Dream. Consolidate the conversation history below", "side"),
        ("You are maintaining a context-aware state summary for an interactive agent.\n", "compaction"),
        ("Create a compact summary of my day.", "turn"),
    ],
)
def test_what_hosts_ask_beside_the_conversation_is_no_turn(text: str, kind: str) -> None:
    assert read([system("x"), user("hello"), agent("hi"), user(text)], ["exec"]).kind == kind


def test_blocks_that_do_not_end_and_many_of_them_are_the_users_text() -> None:
    open_one = "see [Active Skills — what is that?"
    assert split_injected(open_one) == [(open_one, False)]
    many = "<runtime_context>a</runtime_context>" * 2000
    assert len(split_injected(many)) == 2000


@pytest.mark.parametrize(
    ("tool", "text", "code", "failed"),
    [
        ("exec", "hello\n\nExit code: 0", 0, False),
        ("exec", "STDERR:\nls: cannot access\n\n\nExit code: 2", 2, True),
        ("exec", "the log says Exit code: 3\nand goes on", None, None),
        (
            "terminal",
            "x\n[The command completed with exit code 2.]\n[Command finished with exit code 2]",
            2,
            True,
        ),
        (
            "read_file",
            "Error: File not found: a\n\n[Analyze the error above and try a different approach.]",
            None,
            True,
        ),
        ("read_file", "Error: is how this file begins", None, None),
    ],
)
def test_exit_codes_and_errors(tool: str, text: str, code: int | None, failed: bool | None) -> None:
    found = facts(tool, {}, text, None)
    assert (found.exit_code, found.is_error) == (code, failed)


def test_openhands_says_where_it_works() -> None:
    prompt = "x\n\nYour current working directory is: /srv/shop\nUser operating system: Linux (kernel 6.1)"
    assert place([prompt]) == ("/srv/shop", {"os": "Linux (kernel 6.1)"})
    assert read([system(prompt), user("hi")], ["terminal"]).cwd == "/srv/shop"


def test_openhands_conversation_is_its_session() -> None:
    found = read(
        [system("x"), user("hi")], ["terminal"], prompt_cache_key="e64786d7-ac00-4c17-8a04-412d5ee71c7c"
    )
    assert found.identity is not None
    assert found.identity.root == "e64786d7-ac00-4c17-8a04-412d5ee71c7c"


@pytest.mark.parametrize("speech", ["chat", "anthropic"])
def test_the_injector_tells_aiders_conversations_apart(speech: Speech) -> None:
    """They all begin with the same texts; the second turn has the first one's words elsewhere."""

    def session(*messages: Any) -> str:
        if speech == "chat":
            body = {"messages": [system(PROMPT), *messages]}
        else:
            body = {"system": [{"type": "text", "text": PROMPT}], "messages": list(messages)}
        return session_of(Body(json.dumps(body).encode()), speech, "aider", [])

    first = session(*EXAMPLES, *NO_FILES, user(f"Write a greeting\n\n{REMINDER}"))
    done = [user("Write a greeting"), agent("greeting.txt\n```\nhello\n```")]
    assert session(*EXAMPLES, *done, *FILES, user(f"Now louder\n\n{REMINDER}")) == first
    assert session(*EXAMPLES, *NO_FILES, user(f"Write a farewell\n\n{REMINDER}")) != first
