"""Redaction under hostile and uncommon texts: time, depth, quotation, languages, paths, commands."""

from __future__ import annotations

import io
import json
import logging
import random
import string
import time
from pathlib import PurePosixPath
from typing import Any

import pytest

from skillclaw.journal.redact import Redactor
from skillclaw.log_format import LogFormatter
from skillclaw.trajectory import model
from skillclaw.trajectory.model import Agent, Step, ToolCall, Trajectory

REDACTOR = Redactor(b"k" * 32, home=PurePosixPath("/home/alice"), user_names=["alice", "alice.smith"])
WORD = "Tr0ub" + "4dor&3x"
PLAIN = "hunt" + "er22x"


def check(text: str, value: str) -> None:
    assert value in text
    masked, counts = REDACTOR.text(text)
    assert value not in masked, masked
    assert counts
    assert REDACTOR.text(masked) == (masked, {})


@pytest.mark.parametrize(
    "piece", ["%", "%4", "%%41", "recovery codes abcd-1234 ", "\x1b[", "0m", "\\", '\\"']
)
def test_twice_the_text_takes_about_twice_the_time(piece: str) -> None:
    def spent(size: int) -> float:
        redactor = Redactor(b"k" * 32, home=PurePosixPath("/home/alice"), user_names=["alice"])
        start = time.process_time()
        redactor.text((piece * size)[:size])
        return time.process_time() - start

    spent(100)
    assert spent(100_000) < 20 * spent(10_000) + 2


def test_codes_of_a_terminal_inside_each_other_end_in_a_text_not_in_an_error() -> None:
    assert REDACTOR.text("\x1b[" * 3000 + "0m" * 3000)[0].startswith("\x1b[")
    check(f"\x1b[\x1b[0m0mDB_PASSWORD=\x1b[\x1b[1m31m{WORD}", WORD)


@pytest.mark.parametrize("depth", range(1, 6))
def test_a_password_in_json_in_json(depth: int) -> None:
    text = json.dumps({"password": WORD, "user": "bob"})
    for _ in range(depth - 1):
        text = json.dumps({"output": text})
    check(text, WORD)
    assert "user" in REDACTOR.text(text)[0]


def test_quotes_and_backslashes_belong_to_a_password() -> None:
    for value in ("ab\"cd'ef98" + "76gh", "ab\\cd98" + "76ghxx"):
        for text in (json.dumps({"password": value}), json.dumps(json.dumps({"password": value}))):
            check(text, "76gh")
    long = "aB3$" * 400
    check(f'password = "{long}"', "aB3$aB3$")
    for quote in ('"""', "'''"):
        check(f"password = {quote}{WORD}{quote}", WORD)


@pytest.mark.parametrize(
    "text",
    [
        "db:\n  password: |\n    @@\n",
        "db:\n  password: >-\n    @@\n",
        "| password | @@ |",
        "ENV DB_PASSWORD @@",
        "\\u003cpassword\\u003e@@\\u003c/password\\u003e",
        "&lt;password&gt;@@&lt;/password&gt;",
        "{\\u0022password\\u0022:\\u0022@@\\u0022}",
        'ConvertTo-SecureString "@@" -AsPlainText -Force',
        "echo @@ | sudo -S ls",
        "echo '@@' | passwd --stdin bob",
        "mongosh -u bob -p @@",
        "7z a -p@@ x.7z",
        "openssl enc -aes-256-cbc -k @@",
        "net user bob @@ /add",
        "net use Z: \\\\server\\share @@ /user:bob",
        "sqlplus bob/@@@db",
        "htpasswd -b file bob @@",
        "useradd -p @@ bob",
        "USER bob\r\nPASS @@\r\n",
        "requests.get(url, auth=('bob', '@@'))",
        "şifre: @@",
        "parola: @@",
        "heslo: @@",
        "jelszó: @@",
        "mật khẩu: @@",
        "kata sandi: @@",
        "κωδικός πρόσβασης: @@",
        "пароль — @@",
        "la password è @@",
        "비밀번호는 @@ 입니다",
        "كلمة المرور: @@",
        "पासवर्ड: @@",
        "รหัสผ่าน: @@",
        "סיסמה: @@",
        "ｐａｓｓｗｏｒｄ：@@",
    ],
)
def test_where_a_password_stands(text: str) -> None:
    check(text.replace("@@", PLAIN, 1), PLAIN)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("\\\\server\\Users\\bob.jones\\x", "bob.jones"),
        ("\\\\server\\c$\\Users\\bob.jones\\x", "bob.jones"),
        ("c:\\users\\bob.jones\\x", "bob.jones"),
        ("C:/Users/Bob Jones/code/x.py", "Jones"),
        ("~/.claude/projects/-Users-alice-smith-code/x.jsonl", "alice"),
        ("$ whoami\nalice", "alice"),
        ("请拨打138123" + "45678联系我", "45678"),
    ],
)
def test_names_and_numbers_of_people(text: str, value: str) -> None:
    check(text, value)


@pytest.mark.parametrize(
    "text",
    [
        "openssl req -new -key server.pem",
        "docker run -p 27017:27017 mongo",
        "7z x archive.7z -oout",
        "net user bob /delete",
        "echo done | sudo tee /etc/motd",
        "USER bob\nRUN make",
        "ENV PATH /usr/bin",
        "| key | meaning |",
        "共2024年",
        "%20%41%zz 100%",
    ],
)
def test_what_is_like_them_stays(text: str) -> None:
    assert REDACTOR.text(text) == (text, {})


def _arguments(given: dict[str, Any]) -> str:
    call = ToolCall(tool_call_id="1", function_name="f", arguments=given)
    step = Step(step_id=1, source="agent", message="", tool_calls=[call])
    agent = Agent(name="a", version="1")
    session = Trajectory(schema_version="ATIF-v1.5", session_id="s", agent=agent, steps=[step])
    return json.dumps(json.loads(model.encode(REDACTOR.trajectory(session))))


@pytest.mark.parametrize(
    "given",
    [
        {"password": {"value": PLAIN}},
        {"password": {"plain": [PLAIN]}},
        {"command": ["mysql", "-uroot", "-p" + PLAIN]},
        {"command": ["docker", "login", "-u", "bob", "-p", PLAIN]},
        {"args": ["curl", "-u", f"bob:{PLAIN}", "https://x.example"]},
        {"fields": [{"id": "password", "value": PLAIN}]},
        {"element": "Password textbox", "ref": "e12", "text": PLAIN},
        {"selector": "#password", "text": PLAIN},
        {"phone": 1381234 * 10_000 + 5678, "note": PLAIN.join(("password=", ""))},
        {"password": "correct horse battery stapler", "note": "DB_PASSWORD=" + PLAIN},
    ],
)
def test_what_a_tool_is_called_with(given: dict[str, Any]) -> None:
    text = _arguments(given)
    for value in (PLAIN, "13812345678", "correct horse"):
        assert value not in text


def test_arguments_that_say_nothing_stay() -> None:
    given = {
        "command": ["git", "commit", "-m", "two  spaces and  more"],
        "fields": [{"id": "city", "value": "Berlin"}],
        "password": {"type": "string", "description": "The password of the user"},
        "count": 13812345678,
    }
    assert json.loads(_arguments(given))["steps"][0]["tool_calls"][0]["arguments"] == given


@pytest.mark.parametrize(
    "text",
    [
        "123-45-6789\\r\\n123-45-6789\\u738b\x1b[0m%",
        '4111 1111 1111 1111\\u738b"password",phone x.y.z:5432:a:bdeadbeef)a\n',
        "password=((whoami\\u738baws_secret_access_key a\\npassport password='.password=<user>x",
    ],
)
def test_a_text_with_escapes_and_colours_is_masked_once_for_all(text: str) -> None:
    masked, counts = REDACTOR.text(text)
    assert counts
    assert REDACTOR.text(masked) == (masked, {})


@pytest.mark.parametrize("between", ["\n", "\r\n", "\\n", "\n    "])
def test_a_private_key_whose_first_lines_were_cut_off(between: str) -> None:
    rng = random.Random(8)
    lines = ["".join(rng.choices(string.ascii_letters + string.digits + "+/", k=64)) for _ in range(6)]
    kept = f"-----END RSA PRIVATE {'KEY'}-----"
    text = between.join(["$ tail -8 server.pem", *lines, lines[0][:30] + "==", kept])
    masked, counts = REDACTOR.text(text)
    assert not [line for line in lines if line[:20] in masked or line[-20:] in masked], masked
    assert masked.startswith("$ tail -8 server.pem")
    assert counts == {"secret:private-key": 1}
    assert REDACTOR.text(masked) == (masked, {})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("AZURE_DEVOPS_PAT=mwhy3qwsczvstvqybqpvfosyh34jcpgpb4nmq2cfn67ry2eqtzaf", "mwhy3qwsczvstv"),
        ("Server=tcp:db,1433;User ID=sa;Password=RI9W16Hq,HpAE08O;Encrypt=True;", "HpAE08O"),
        (
            "https://cal.example.dev/ical/private-LMS0ebODoyFrpioggURZFc2DR09PXI91/basic.ics",
            "LMS0ebODoy",
        ),
        ("GET /search?q=social+security+number+291-01-7386&page=2 HTTP/1.1", "291-01-7386"),
    ],
)
def test_more_places(text: str, value: str) -> None:
    check(text, value)


def test_an_escape_before_an_address_is_no_part_of_it() -> None:
    line = json.dumps({"line": "origin\tgit@github.com:hazel/orders.git"})
    assert REDACTOR.text(line) == (line, {})
    text = json.dumps({"line": "to\nbob@posteo.de, bob@posteo.de"})
    masked, counts = REDACTOR.text(text)
    assert counts == {"email": 2}
    first, second = json.loads(masked)["line"].removeprefix("to\n").split(", ")
    assert first == second


def test_logs_tell_where_an_error_came_from_but_not_what_it_says() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(LogFormatter())
    log = logging.Logger("test")
    log.addHandler(handler)
    try:
        try:
            int(WORD)
        except ValueError as error:
            raise KeyError(WORD) from error
    except KeyError:
        log.exception("failed")
    told = out.getvalue()
    assert WORD not in told
    assert "KeyError" in told
    assert "ValueError" in told
    assert "int(WORD)" in told


@pytest.mark.parametrize("at", ["@", "%40"])
def test_an_address_with_a_plus_in_a_query_is_masked_whole(at: str) -> None:
    check(f"GET /search?email=anna.schmidt+news{at}posteo.de&page=2 HTTP/1.1", "anna.schmidt")
