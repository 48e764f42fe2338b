"""Whether a skill names the action that worked: only then can it be its doing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_sessions import made, sh

from skillclaw.evolve.replay.decision_naming import names
from skillclaw.trajectory.episodes import Move, cut


def moves(*calls: object) -> list[Move]:
    return [move for one in cut(made("do it", *calls)) if one.kind == "procedure" for move in one.actions]


def tool(name: str, **arguments: str) -> Move:
    return moves((name, arguments, "ok", False))[0]


def shell(command: str) -> Move:
    return moves(sh(command, "ok"))[0]


SEARCH = tool("email.search_emails", query="budget")
REPLY = tool("email.reply_email", email_id="Ada", body="yes")
JIRA = tool("mcp__jira__create_issue", title="x")


@pytest.mark.parametrize(
    ("text", "way", "expected"),
    [
        ("If it fails, call `email.search_emails` with `query`.", SEARCH, True),
        ("If it fails with not found, call email.search_emails first.", SEARCH, True),
        ("Call `search_emails(query)` first.", SEARCH, True),
        ("Call `email.get_email` first.", SEARCH, False),
        ("Call `email.search_emails_by_id` first.", SEARCH, False),
        ("Call `pre-email.search_emails` first.", SEARCH, False),
        ("First search the emails.", SEARCH, False),
        ("", SEARCH, False),
        ("Do not call `email.search_emails`.", SEARCH, False),
        ("Never use email.search_emails: guess.", SEARCH, False),
        ("You don’t need `email.search_emails` here.", SEARCH, False),
        ("Guess it instead of calling `email.search_emails`.", SEARCH, False),
        ("不要调用 `email.search_emails`。", SEARCH, False),
        ("Do not guess. Call `email.search_emails`.", SEARCH, True),
        ("Never use `email.search_emails` twice.\nCall `email.search_emails`.", SEARCH, True),
        ("Not found?\nCall `email.search_emails`.", SEARCH, True),
        ("Open it with `create_issue`.", JIRA, True),
        ("Open it with `mcp__jira__create_issue`.", JIRA, True),
        ("Use create_issue to open it.", JIRA, False),
    ],
)
def test_a_tool_is_named_as_a_whole_and_not_to_warn_of_it(text: str, way: Move, expected: bool) -> None:
    assert names(text, way, [REPLY]) is expected


@pytest.mark.parametrize(
    ("text", "command", "expected"),
    [
        ("Run `npm ci` first.", "npm ci", True),
        ("Run `npm  ci --silent` first.", "npm ci", True),
        ("Run `npm --prefix web ci` first.", "npm ci", True),
        ("Run `npm install` first.", "npm ci", False),
        ("Run `npm run ci` first.", "npm ci", False),
        ("Run `npm cider` first.", "npm ci", False),
        ("Run `make` first.", "make", True),
        ("Run `CC=gcc make -j` first.", "make", True),
        ("```\nmake\n```", "make", True),
        ("```\n$ make\n```", "make", True),
        ("See that you make it.", "make", False),
        ("With `npm test` you make it.", "make", False),
        ("Run `npm ci`, then `npm test`.", "npm ci && npm test", True),
        ("Run `npm test` again.", "npm ci && npm test", False),
    ],
)
def test_a_command_is_named_by_program_and_subcommand(text: str, command: str, expected: bool) -> None:
    assert names(text, shell(command), [shell("npm test")]) is expected


@pytest.mark.parametrize(
    ("text", "way", "failed", "expected"),
    [
        ("Give `end` to `events.search`.", {"query": "x", "end": "2026-01-01"}, {"query": "x"}, True),
        ("Call `events.search` with `query`.", {"query": "x", "end": "2026-01-01"}, {"query": "x"}, False),
        ("Give `end` to `events.list`.", {"query": "x", "end": "2026-01-01"}, {"query": "x"}, False),
        ("`events.search` knows `Front end`.", {"board": "Front end"}, {"board": "front-end"}, True),
        ("`events.search` knows `Back`.", {"board": "Front end"}, {"board": "front-end"}, False),
        ("`events.search` takes no `end`.", {"query": "x"}, {"query": "x", "end": "never"}, True),
    ],
)
def test_of_another_call_of_the_kind_it_says_what_tells_them_apart(
    text: str, way: dict[str, str], failed: dict[str, str], expected: bool
) -> None:
    assert names(text, tool("events.search", **way), [tool("events.search", **failed)]) is expected


def test_of_commands_of_one_kind_it_is_the_words_that_differ() -> None:
    way, failed = shell("orders list --all"), [shell("orders list")]
    assert names("Run `orders list --all`.", way, failed)
    assert not names("Run `orders list`.", way, failed)


@given(st.text(max_size=200), st.sampled_from([SEARCH, REPLY, JIRA, shell("npm ci"), shell("make")]))
def test_any_text_can_be_looked_through(text: str, way: Move) -> None:
    assert names(text, way, []) in (True, False)
    assert names(f"{text}\n`{way.key}`\n", way, []), "a line of its own names it, whatever stands around"
