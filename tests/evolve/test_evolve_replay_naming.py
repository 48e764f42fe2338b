"""Whether a skill names the action that worked: only then can it be its doing."""

from __future__ import annotations

import time

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
        ("If the id is not found call `email.search_emails`.", SEARCH, True),
        ("If not, call `email.search_emails`.", SEARCH, True),
        ("| not found | `email.search_emails` |", SEARCH, True),
        ("id not found → `email.search_emails`", SEARCH, True),
        ("Do not guess the id but call `email.search_emails`.", SEARCH, True),
        ("Do not guess, call `email.search_emails`.", SEARCH, True),
        ("Instead of guessing call `email.search_emails`.", SEARCH, True),
        ("Never reply without calling `email.search_emails` first.", SEARCH, True),
        ("Don't forget to call `email.search_emails`.", SEARCH, True),
        ("Do not call `email.get_email`, call `email.search_emails`.", SEARCH, True),
        ("Do not call `email.get_email`.\n- Call `email.search_emails`.", SEARCH, True),
        ("## Never guess\n\n- Call `email.search_emails`.", SEARCH, True),
        ("Reply without `email.search_emails`.", SEARCH, False),
        ("`email.search_emails` is not needed: guess the id.", SEARCH, False),
        ("Calling `email.search_emails` is a mistake.", SEARCH, False),
        ("If `email.search_emails(query)` fails, guess.", SEARCH, False),
        ("Do not call `email.get_email` or `email.search_emails`.", SEARCH, False),
        ("Never call\n`email.search_emails`.", SEARCH, False),
        ("Avoid: `email.search_emails`.", SEARCH, False),
        ("Do not call these:\n- `email.get_email`\n- `email.search_emails`", SEARCH, False),
        ("There is no need to call `email.search_emails`.", SEARCH, False),
        ("Edit the error with care.", tool("Edit", file_path="x", old="a"), False),
        ("Change it with `Edit`.", tool("Edit", file_path="x", old="a"), True),
        ("Use `calendar.search_and_write`.", tool("search_and_write", id="1"), False),
        ("Use `create.run`.", tool("events.create", id="1"), False),
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
        ("Run `npm --prefix=web ci`.", "npm ci", True),
        ("```\ncd web\nnpm ci\n```", "npm ci", True),
        ("Run `npm test` again.", "npm ci && npm test", False),
    ],
)
def test_a_command_is_named_by_program_and_subcommand(text: str, command: str, expected: bool) -> None:
    assert names(text, shell(command), [shell("npm test")]) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Run `npm ci`, then `npm test`.", True),
        ("If `npm test` fails, run `npm ci && npm test`.", True),
        ("Run `npm test`, then `npm ci`.", False),
        ("Run `npm test` straight away.", False),
    ],
)
def test_where_only_the_order_is_another_it_has_that_order(text: str, expected: bool) -> None:
    assert names(text, shell("npm ci && npm test"), [shell("npm test && npm ci")]) is expected


PUSH, FORCED = "git push origin main", "git push --force origin main"
MEETING, ENDING = {"query": "standup"}, {"query": "the meeting of Monday", "end": "2026-01-01"}


@pytest.mark.parametrize(
    ("text", "way", "failed", "expected"),
    [
        ("Give `end` to `events.search`.", ENDING, MEETING, True),
        ("Call `events.search` with `query`.", ENDING, MEETING, False),
        ("Call `events.search` with `query` alone, without `end`.", ENDING, MEETING, False),
        ("Give `end` to `events.list`.", ENDING, MEETING, False),
        ("`events.search` knows `Front end`.", {"board": "Front end"}, {"board": "front-end"}, True),
        ("`events.search` knows `Back`.", {"board": "Front end"}, {"board": "front-end"}, False),
        ("`events.search` has a front end.", {"board": "Front end"}, {"board": "front-end"}, False),
        ("`events.search` takes no `end`.", MEETING, ENDING, True),
        ("Call `events.search` without `end`.", MEETING, ENDING, True),
        ("Call `events.search` with `query`.", MEETING, ENDING, True),
        ("Call `events.search` with `end`, always.", MEETING, ENDING, False),
    ],
)
def test_of_another_call_of_the_kind_it_says_what_tells_them_apart(
    text: str, way: dict[str, str], failed: dict[str, str], expected: bool
) -> None:
    assert names(text, tool("events.search", **way), [tool("events.search", **failed)]) is expected


@pytest.mark.parametrize(
    ("text", "way", "failed", "expected"),
    [
        ("Run `orders list --all`.", "orders list --all", "orders list", True),
        ("Run `orders list`.", "orders list --all", "orders list", False),
        ("Run `orders list --limit=50`.", "orders list --limit=20", "orders list", True),
        ("Run `orders list --mine`.", "orders list --all", "orders list --mine", False),
        (
            "If `orders list --mine` fails, run `orders list --json`.",
            "orders list --all",
            "orders list --mine",
            False,
        ),
        ("Run `git push` without `--force`.", PUSH, FORCED, True),
        (
            "Do not pass `--force` to `git push`.",
            "git push origin main",
            "git push --force origin main",
            True,
        ),
        ("Always run `git push origin main`.", PUSH, FORCED, True),
        (
            "Run `git push --force origin main`.",
            "git push origin main",
            "git push --force origin main",
            False,
        ),
        ("Run `python tools/bad.py`.", "python tools/good.py", "python tools/bad.py", False),
        ("Run `python tools/good.py`.", "python tools/good.py", "python tools/bad.py", True),
    ],
)
def test_of_commands_of_one_kind_it_is_the_words_that_differ(
    text: str, way: str, failed: str, expected: bool
) -> None:
    assert names(text, shell(way), [shell(failed)]) is expected


def test_what_the_pattern_knows_to_matter_has_to_be_said() -> None:
    way, failed = (
        tool("events.search", query="x", end="2026-01-01", page="2"),
        tool("events.search", query="x"),
    )
    assert names("Give `page` to `events.search`.", way, [failed])
    assert not names("Give `page` to `events.search`.", way, [failed], ["has end"])
    assert names("Give `end` to `events.search`.", way, [failed], ["has end"])


@pytest.mark.parametrize(
    "text",
    [
        "`" * 20_000,
        "not " * 5_000,
        "`email.search_emails`, " * 800,
        "npm -" * 4_000,
        "`npm` " * 2_600,
        "```\n" * 5_000,
    ],
)
def test_hostile_text_takes_no_long_time(text: str) -> None:
    before = time.process_time()
    names(f"Do not call {text}", SEARCH, [REPLY])
    names(text, shell("npm ci"), [])
    assert time.process_time() - before < 2.0


@given(st.text(max_size=200), st.sampled_from([SEARCH, REPLY, JIRA, shell("npm ci"), shell("make")]))
def test_any_text_can_be_looked_through(text: str, way: Move) -> None:
    assert names(f"{text}\n\n.\n`{way.key}`\n", way, []) or "`" in text or "~" in text
