"""Realistic sessions of every kind of tool give the episodes that a reader would see in them."""

from __future__ import annotations

from typing import Any

import pytest
from made_sessions import made, sh

from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.model import SessionMeta, Signal, SkillUse, Trajectory


def recoveries(trajectory: Trajectory) -> list[tuple[str, list[str], bool]]:
    """(error, tools or keys of the way, whether it worked) of each recovery."""
    return [
        (e.failed.error, [m.key for m in e.actions], e.worked)
        for e in cut(trajectory)
        if e.kind == "recovery" and e.failed is not None
    ]


def procedures(trajectory: Trajectory) -> list[Episode]:
    return [e for e in cut(trajectory) if e.kind == "procedure"]


def edit(path: str, old: str, text: str, failed: bool) -> tuple[str, dict[str, Any], str, bool]:
    return ("Edit", {"file_path": path, "old_string": old, "new_string": "b"}, text, failed)


NOT_IN_FILE = "<tool_use_error>String to replace not found in file.\nString: a</tool_use_error>"
PATCH = "*** Begin Patch\n*** Update File: src/x.py\n@@\n-{0}\n+b\n*** End Patch"


def test_an_edit_works_after_the_file_was_read() -> None:
    found = recoveries(
        made(
            "rename it",
            edit("/a/x.py", "a", NOT_IN_FILE, True),
            ("Read", {"file_path": "/a/x.py"}, "1\tc", False),
            edit("/a/x.py", "c", "The file has been updated.", False),
        )
    )
    assert found == [("String to replace not found in file.", ["Read", "Edit"], True)]


def test_an_edit_of_another_file_makes_nothing_good() -> None:
    episodes = cut(
        made(
            "rename it everywhere",
            edit("/a/x.py", "a", NOT_IN_FILE, True),
            edit("/a/y.py", "a", "The file has been updated.", False),
        )
    )
    assert [e.kind for e in episodes] == ["procedure", "pitfall"]


def test_a_wrong_path_is_made_good_by_the_right_one() -> None:
    found = recoveries(
        made(
            "show me the settings",
            ("Read", {"file_path": "/a/settings.py"}, "File does not exist.", True),
            ("Glob", {"pattern": "**/settings*"}, "/a/src/config.py", False),
            ("Read", {"file_path": "/a/src/config.py"}, "1\tx", False),
        )
    )
    assert found == [("File does not exist.", ["Glob", "Read"], True)]


def test_a_patch_works_after_the_lines_were_looked_at_in_the_shell() -> None:
    failed = "apply_patch verification failed: Failed to find expected lines in /r/src/x.py:\n  a"
    found = recoveries(
        made(
            "fix it",
            ("apply_patch", {"input": PATCH.format("a")}, failed, True),
            ("exec_command", {"cmd": "ls"}, "src", 0),
            ("exec_command", {"cmd": "sed -n 1,40p src/x.py"}, "c", 0),
            ("apply_patch", {"input": PATCH.format("c")}, "Success. Updated the following files:", False),
        )
    )
    assert found == [
        (
            "apply_patch verification failed: Failed to find expected lines in <path>:",
            ["sed", "apply_patch"],
            True,
        )
    ]


def test_calls_made_at_once_do_not_make_each_other_good() -> None:
    episodes = cut(
        made(
            "look at both",
            [
                ("Read", {"file_path": "/a/x.py"}, "File does not exist.", True),
                ("Read", {"file_path": "/b/x.py"}, "1\tx", False),
            ],
        )
    )
    assert [e.kind for e in episodes] == ["procedure", "pitfall"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("HTTP/1.1 401 Unauthorized\ncontent-type: text/plain\n\nno", "HTTP/1.1 401 Unauthorized"),
        ('{"error": "token missing", "status": 401}', "status 401: token missing"),
        ('{"a": 1}\n404', "status 404"),
        ('{"error":{"code":429,"message":"Slow down, 12 calls"}}', "status 429: Slow down, <number> calls"),
    ],
)
def test_a_refused_request_failed_although_curl_ended_with_0(answer: str, error: str) -> None:
    url = "http://localhost:8000/v1/users/123"
    (found,) = [
        e
        for e in cut(
            made(
                "get the user",
                sh(f"curl -si {url}", answer),
                sh(f"curl -si -H 'Authorization: Bearer abcdef' {url}", "HTTP/1.1 200 OK\n\n{}"),
            )
        )
        if e.kind == "recovery"
    ]
    assert found.failed is not None
    assert found.worked
    assert (found.failed.error, found.failed.tokens) == (
        error,
        ("curl", "-si", "http://localhost:8000/v1/users/<id>"),
    )
    assert found.actions[-1].tokens[1:4] == ("-si", "-H", "Authorization:<text>")


def test_another_server_is_another_goal() -> None:
    episodes = cut(
        made("look", sh("curl -s https://a.org/x", "HTTP/2 500\n"), sh("curl -s https://b.org/y", "fine"))
    )
    assert [e.kind for e in episodes] == ["procedure", "pitfall"]


def test_functions_that_make_requests_keep_names_not_values() -> None:
    arguments = {
        "method": "POST",
        "url": "https://api.x.org/orders/550e8400-e29b-41d4-a716-446655440000?page=2",
        "headers": {"Authorization": "Bearer s3cret", "Accept": "application/json"},
    }
    (found,) = cut(made("order it", ("http_request", arguments, '{"status": 403, "error": "x"}', False)))[1:]
    assert found.kind == "pitfall"
    assert found.failed is not None
    assert {a.name: a.value for a in found.failed.args} == {
        "method": "POST",
        "url": "https://api.x.org/orders/<id>?page=<number>",
        "headers": '{"Accept": "application/json", "Authorization": "<text>"}',
    }


@pytest.mark.parametrize(
    "body",
    [
        '{"status": "error", "message": "Channel 12 unknown"}',
        '{"ok": false, "error": "Channel 12 unknown"}',
        '{"isError": true, "content": [{"type": "text", "text": "Channel 12 unknown"}]}',
        '{"success": false, "message": "Channel 12 unknown"}',
    ],
)
def test_answers_of_functions_that_say_they_failed(body: str) -> None:
    found = recoveries(
        made(
            "tell the team",
            ("mcp__slack__post_message", {"channel": "12"}, body, False),
            ("mcp__slack__list_channels", {}, "C07 team", False),
            ("mcp__slack__post_message", {"channel": "C07"}, '{"ok": true}', False),
        )
    )
    assert found == [
        (
            "Channel <number> unknown",
            ["mcp__slack__list_channels", "mcp__slack__post_message"],
            True,
        )
    ]


def test_what_a_file_says_is_no_failure_of_reading_it() -> None:
    read = ("mcp__files__read_file", {"path": "/a/log.json"}, '{"ok": false, "error": "x"}', False)
    order = ("get_order", {"id": "7"}, '{"id": 7, "status": "failed", "items": [1]}', False)
    assert [m.ok for m in procedures(made("look", read, order))[0].actions] == [True, True]


def test_a_traceback_in_a_notebook_is_a_failure() -> None:
    trace = "loading\n" * 80 + (
        "ModuleNotFoundError      Traceback (most recent call last)\n----> 1 import yaml\n"
        "ModuleNotFoundError: No module named 'yaml'"
    )
    found = recoveries(
        made(
            "load it",
            ("execute_python", {"code": "import yaml"}, trace, False),
            ("execute_python", {"code": "import json"}, "ok", False),
        )
    )
    assert found == [("ModuleNotFoundError: No module named yaml", ["execute_python"], True)]


def test_a_failing_test_names_the_kind_of_failure_not_the_test() -> None:
    failed = "FAILED tests/test_a.py::test_sum[3] - AssertionError: assert 3 == 4\n1 failed in 0.12s"
    found = recoveries(
        made(
            "make the tests pass",
            sh("pytest -q", failed, 1),
            edit("/a/x.py", "a", "The file has been updated.", False),
            sh("pytest -q", "3 passed in 0.1s", 0),
        )
    )
    assert found == [("FAILED <test> - AssertionError", ["Edit", "pytest"], True)]


def test_a_subagents_recovery_stands_at_the_roots_call() -> None:
    sub = made("x", sh("npm ci", "npm ERR! code EUSAGE", 1), sh("npm ci --force", "ok"), name="one")
    other = made("y", sh("npm ci --later", "ok"), name="two")
    calls = [("Task", {"prompt": "x"}, "sub:one", False), ("Task", {"prompt": "y"}, "sub:two", False)]
    found = [e for e in cut(made("set it up", calls, subs=[other, sub])) if e.kind == "recovery"]
    assert [(e.steps, [m.command for m in e.actions]) for e in found] == [([2], ["npm ci --force"])]


def test_what_one_subagent_did_makes_nothing_good_for_another() -> None:
    sub = made("x", sh("npm ci", "npm ERR! code EUSAGE", 1), name="one")
    other = made("y", sh("npm ci --later", "ok"), name="two")
    calls = [("Task", {"prompt": "x"}, "sub:one", False), ("Task", {"prompt": "y"}, "sub:two", False)]
    assert [e.kind for e in cut(made("go", calls, subs=[sub, other]))] == ["procedure", "pitfall"]
    root = made("go", calls, sh("npm ci --root", "ok"), subs=[sub, other])
    assert [e.steps for e in cut(root) if e.kind == "recovery"] == [[2, 3]]


LIST = "Please do these:\n1. Rename the config module\n2. Add a changelog entry\n3. Bump the package version"


def test_a_list_of_tasks_is_cut_where_the_agent_turns_to_the_next() -> None:
    found = procedures(
        made(
            LIST,
            sh("git mv config.py settings.py"),
            ("say", "Task 2: the changelog."),
            sh("tee -a CHANGELOG.md"),
            ("say", "Now I bump the package version."),
            sh("hatch version minor"),
            ("say", "All done."),
        )
    )
    assert [(e.intent, [m.key for m in e.actions]) for e in found] == [
        ("Rename the config module", ["git mv"]),
        ("Add a changelog entry", ["tee"]),
        ("Bump the package version", ["hatch"]),
    ]


@pytest.mark.parametrize(
    "message",
    [LIST, "Follow these steps:\n1. Open the config file\n2. Set the debug flag\n3. Save it to disk now"],
)
def test_a_list_stays_one_request_where_it_is_not_sure(message: str) -> None:
    found = procedures(made(message, sh("make a"), ("say", "Going on."), sh("make b"), ("say", "Done.")))
    assert [[m.key for m in e.actions] for e in found] == [["make a", "make b"]]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (LIST, ("Task 2: the changelog.", "Nearly done.")),
        (
            f"{LIST}\n\n{'It all belongs to one release, so keep to the rules of it. ' * 6}",
            ("Task 2.", "Task 3."),
        ),
    ],
    ids=["a task is not named", "much stands behind the list"],
)
def test_a_list_is_cut_only_where_every_task_is_named_and_stands_alone(
    message: str, said: tuple[str, str]
) -> None:
    steps = [sh("make a"), ("say", said[0]), sh("make b"), ("say", said[1]), sh("make c")]
    assert len(procedures(made(message, *steps))) == 1


def test_each_request_is_judged_by_its_own_signals() -> None:
    turns = [
        "write the parser module please",
        sh("make parser"),
        ("say", "Done."),
        "now deploy it to the staging server",
        sh("make deploy", "Error: no such host", 2),
        ("say", "Done."),
        "finally tell the whole team about it",
        ("mcp__slack__post", {"text": "x"}, "ok", False),
    ]
    known = SessionMeta(key="k", user="ana", source="history", outcome="success")
    assert [e.success for e in procedures(made(*turns, meta=known))] == [True, False, False]
    one = procedures(made(*turns[:3], meta=known))
    assert [e.success for e in one] == [True]


def test_what_a_person_stated_holds_for_every_request() -> None:
    signals = [Signal(kind="feedback", value=1.0, source="user")]
    known = SessionMeta(key="k", user="ana", source="history", outcome="success", signals=signals)
    turns = [
        "write the parser module please",
        sh("make parser", "Error", 2),
        "now deploy it to staging",
        sh("x"),
    ]
    assert [e.success for e in procedures(made(*turns, meta=known))] == [True, True]


def test_an_episode_knows_its_skills_files_and_place() -> None:
    skills = [
        SkillUse(name="deploy", version="abc", offered=True, read_step=4),
        SkillUse(name="notes", offered=True),
        SkillUse(name="release", invoked_step=1),
    ]
    known = SessionMeta(key="k", user="ana", source="history", skills=skills, env={"os": "linux"})
    first, second = procedures(
        made(
            "write the parser module please",
            sh("python3 --version && python3 src/a.py data.csv https://x.org/y.html", "Python 3.11.7\nok"),
            ("Edit", {"file_path": "b.Astro", "old_string": "a"}, "ok", False),
            "now deploy it to the staging server",
            sh("python3 --version", "Python 3.11.7"),
            sh("pip install zope.event"),
            meta=known,
        )
    )
    assert first.skills == ("release",)
    assert second.skills == ("deploy@abc", "release")
    assert first.offered == ("deploy@abc", "notes")
    assert first.files == (".astro", ".csv", ".py")
    assert second.files == ()
    assert first.env == {"os": "linux", "python": "3.11"}
