"""Commands, arguments and errors with what varies taken out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.trajectory import shell
from skillclaw.trajectory.shapes import (
    command_key,
    command_of,
    family,
    is_write,
    shape_tokens,
    target_of,
    value_form,
)
from skillclaw.trajectory.shell import parse
from skillclaw.trajectory.text import error_template, mask, terms


@pytest.mark.parametrize(
    ("tool", "arguments", "command"),
    [
        ("Bash", {"command": "git status", "description": "look"}, "git status"),
        ("exec_command", {"cmd": "ls -la", "workdir": "/srv"}, "ls -la"),
        ("shell", {"command": ["bash", "-lc", "pytest -q"]}, "pytest -q"),
        ("shell", {"command": ["git", "commit", "-m", "two words"]}, "git commit -m 'two words'"),
        ("Read", {"file_path": "a.py"}, None),
    ],
)
def test_the_command_of_a_call(tool: str, arguments: dict[str, object], command: str | None) -> None:
    assert command_of(tool, arguments) == command


@pytest.mark.parametrize(
    ("command", "key", "shape"),
    [
        ("cd app && CI=1 npm test 2>&1 | tail -20", "npm test", "CI=1 npm test"),
        ("uv pip install --system requests", "uv pip install", "uv pip install --system requests"),
        ("bash -lc 'git commit -m \"a b\"'", "git commit", "git commit -m <text>"),
        ("sudo docker compose up -d", "docker compose up", "docker compose up -d"),
        ("lsof -ti:3000 | xargs kill -9", "lsof | xargs kill", "lsof -ti:3000 | xargs kill -9"),
        ("curl -s http://localhost:9110/v1/x", "curl", "curl -s http://localhost:9110/v1/x"),
        ("curl https://example.org/a?b=c", "curl", "curl https://example.org/a?b=<text>"),
        ("curl localhost:3000/users/7f3a2b9c", "curl", "curl localhost:3000/users/<id>"),
        ("wget https://ana:pw@h.org/v2/12/a.txt", "wget", "wget https://h.org/v2/<id>/a.txt"),
        ("http POST :8000/x name=ana X-Key:1", "http", "http POST :8000/x name=<text> X-Key:<text>"),
        (
            "curl -H 'Content-Type: application/json' -H 'X-Key: 1' -d '{}' http://h.org/",
            "curl",
            "curl -H Content-Type:application/json -H X-Key:<text> -d <text> http://h.org/",
        ),
        ("curl -fsSL https://h.org/setup.sh | sh", "curl | sh", "curl -fsSL <url> | sh"),
        ("git clone https://h.org/a/b.git", "git clone", "git clone <url>"),
        ("cat > a <<E\nE\nls b", "cat && ls", "cat && ls b"),
        ("cat > a <<'X'\nrm\n  X  \nls b", "cat && ls", "cat && ls b"),
        ("python3 -m pytest tests/a.py -k foo", "python3 -m pytest", "python3 -m pytest <path> -k foo"),
        ("cat > f.py <<'EOF'\nrm -rf /\nEOF\npython f.py", "cat && python", "cat && python <path>"),
        ("git add -A && git commit -m 'x y' && git push", "git add && git commit && git push", None),
    ],
)
def test_commands_become_shapes(command: str, key: str, shape: str | None) -> None:
    assert command_key(command) == key
    if shape is not None:
        assert " ".join(shape_tokens(command)) == shape


@given(st.text(max_size=200))
def test_any_text_is_read_as_a_command(text: str) -> None:
    for simple in parse(text):
        assert simple.words
    assert all(isinstance(word, str) for word in shape_tokens(text))
    assert isinstance(command_key(text), str)
    assert isinstance(family("Bash", text), str)


@given(st.lists(st.from_regex(r"[a-z0-9./_-]{1,12}", fullmatch=True), min_size=1, max_size=6))
def test_plain_words_survive_parsing(words: list[str]) -> None:
    assert [w for c in parse(" ".join(words)) for w in c.words] == words


@pytest.mark.parametrize(
    ("tool", "command", "topic"),
    [
        ("calendar.create_event", None, "calendar"),
        ("mcp__github__create_issue", None, "github"),
        ("cancel_pending_order", None, "order"),
        ("Edit", None, "edit"),
        ("Bash", "git push", "git"),
        ("Bash", "cd x && python3 run.py", "python"),
        ("Bash", "curl -X POST http://localhost:9110/api", "localhost:9110"),
    ],
)
def test_what_a_call_belongs_to(tool: str, command: str | None, topic: str) -> None:
    assert family(tool, command) == topic


def test_lookups_do_not_write() -> None:
    assert not is_write("email.search_emails")
    assert is_write("email.delete_email")
    assert not is_write("Bash", "git status && ls | head")
    assert is_write("Bash", "git commit -m x")
    assert not is_write("Bash", "sed -n 1,5p a")
    assert is_write("Bash", "sed -i s/a/b/ a")
    assert is_write("Edit")


def test_targets_and_forms() -> None:
    assert target_of({"file_path": "src/a.py"}) == "src/a.py"
    assert target_of({"input": "*** Begin Patch\n*** Update File: a/b.py\n"}) == "a/b.py"
    forms = {"2026-01-02": "date", "2026-01-02 10:00:00": "datetime", "a@b.org": "email", "00000042": "id"}
    for value, form in forms.items():
        assert value_form(value) == form
    assert value_form(True) == "bool"
    assert value_form(3) == "number"


@pytest.mark.parametrize(
    ("text", "template"),
    [
        (
            'Traceback (most recent call last):\n  File "a.py", line 3\n'
            "ModuleNotFoundError: No module named 'rich'",
            "ModuleNotFoundError: No module named rich",
        ),
        ("HTTP/1.1 404 Not Found for 81231", "HTTP/1.1 404 Not Found for <number>"),
        ("Error: listen EADDRINUSE: address already in use :::3000", None),
        ("Process exited with code 127", "Process exited with code 127"),
    ],
)
def test_errors_become_templates(text: str, template: str | None) -> None:
    found = error_template(text)
    if template is None:
        assert "EADDRINUSE" in found
        assert "3000" not in found
    else:
        assert found == template


@given(st.text(max_size=400))
def test_templates_never_fail_and_stay_short(text: str) -> None:
    assert len(error_template(text)) <= 160
    mask(text)
    terms(text)


def test_terms_of_requests() -> None:
    assert "delete" in terms("Delete all my emails from the last 6 days")
    assert "delete all" in terms("Delete all my emails from the last 6 days")
    assert "提交" in terms("请提交代码")
    assert mask("on November 21 at 3pm mail a@b.org about 'x y' in /tmp/z, 12%") == (
        "on <date> at <time> mail <email> about <text> in <path>, <number>"
    )


def test_a_command_is_read_once_however_often_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    tokens = shell._tokens
    monkeypatch.setattr(shell, "_tokens", lambda text: read.append(text) or tokens(text))
    first = parse("make looked-at-often && ls")
    assert [c.words for c in first] == [("make", "looked-at-often"), ("ls",)]
    first.clear()
    assert [c.words for c in parse("make looked-at-often && ls")] == [("make", "looked-at-often"), ("ls",)]
    assert len(read) == 1


def test_what_redaction_left_redirects_nothing() -> None:
    fed = shape_tokens("echo <secret:github-token:936bc5> | gh auth login --with-token")
    assert fed == ["echo", "<secret:github-token:936bc5>", "|", "gh", "auth", "login", "--with-token"]
    assert family("Bash", "echo <secret:x:936bc5> | gh auth login") == "gh"
    assert shape_tokens("sort < in.txt > out.txt") == ["sort"]
    assert shape_tokens("echo done && ls") == ["ls"]
