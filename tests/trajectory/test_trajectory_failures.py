"""Error texts become templates: what varies is gone, what tells errors apart is there."""

from __future__ import annotations

import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.trajectory.failures import error_template
from skillclaw.trajectory.shapes import shape_tokens, value_form
from skillclaw.trajectory.text import mask
from skillclaw.trajectory.web import address, header, headers, status_of


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("Error: Cannot find module './foo'", "Error: Cannot find module <text>"),
        ("Error: Cannot find module 'express'", "Error: Cannot find module express"),
        (
            "ModuleNotFoundError: No module named 'google.protobuf'",
            "ModuleNotFoundError: No module named google",
        ),
        ("ModuleNotFoundError: No module named 'Acme7.Plans'", "ModuleNotFoundError: No module named <text>"),
        ("bash: line 12: jq: command not found", "bash: line <number>: jq: command not found"),
        ("Cannot read the manifest\nThe cache is missing\nGiving up", "Cannot read the manifest"),
        ("zsh: command not found: pnpm", "zsh: command not found: pnpm"),
        ("error: unknown option '--force'", "error: unknown option --force"),
        ("KeyError: 'price'", "KeyError: <text>"),
        (
            "TypeError: f() got an unexpected keyword argument 'end'",
            "TypeError: f() got an unexpected keyword argument end",
        ),
        (
            "src/a.ts(3,5): error TS2304: Cannot find name 'x'.",
            "<path>: error TS2304: Cannot find name <text>.",
        ),
        ("OSError: [Errno 98] Address already in use", "OSError: [Errno 98] Address already in use"),
        (
            "curl: (7) Failed to connect to localhost port 3000: Connection refused",
            "curl: (7) Failed to connect to localhost port <number>: Connection refused",
        ),
        (
            "requests.HTTPError: 429 Client Error: Too Many Requests for url: https://a.org/1",
            "requests.HTTPError: 429 Client Error: Too Many Requests for url: <url>",
        ),
        (
            "error: timed out after 120s (limit 30.5 s), 12 MB read",
            "error: timed out after <number> (limit <number>), <number> read",
        ),
        ("order W2378156 not found for user sara_doe_496", "order <id> not found for user <id>"),
        ("FAILED a/test_b.py::T::test_y[3] - KeyError: 'z'", "FAILED <test> - KeyError: <text>"),
        (
            "    def t():\n>  assert f(3) == 4\nE   AssertionError: assert 3 == 4\n1 failed in 1s",
            "AssertionError",
        ),
        (
            "FAIL src/a.test.ts\n  ● adds › works\n\n  expect(received).toBe(expected) // Object.is\n Is",
            "FAIL <test> - expect(received).toBe(expected)",
        ),
        (
            "--- FAIL: TestX (0.00s)\n    x_test.go:12: got 3, want 4\nFAIL\nFAIL\tx.org/p\t0.01s",
            "--- FAIL: <test> - got <number>, want <number>",
        ),
        (
            "test tests::adds ... FAILED\nthread 'tests::adds' panicked at src/lib.rs:5:9:\n"
            "assertion `left == right` failed",
            "FAILED <test> - assertion left == right failed",
        ),
        (
            "FAIL: test_x (tests.A)\nTraceback (most recent call last):\n  ...\nAssertionError: 1 != 2",
            "FAIL: <test> - AssertionError",
        ),
        ("AssertionError: the config has no owner", "AssertionError: the config has no owner"),
        ('{"message": "Bad credentials", "status": "401"}', "status 401: Bad credentials"),
        (
            '{"type":"error","error":{"type":"rate_limit_error","message":"Over 50"}}',
            "rate_limit_error: Over <number>",
        ),
        (
            "Chunk ID: 3f2\nWall time: 0.1 s\nProcess exited with code 3\nOutput:\n",
            "Process exited with code 3",
        ),
        (
            "Chunk ID: 3f2\nProcess exited with code 1\nOutput:\nfatal: not a git repository: .git",
            "fatal: not a git repository: .git",
        ),
        ("\x1b[31merror\x1b[0m: no", "error: no"),
        ("<tool_use_error>File has not been read yet.</tool_use_error>", "File has not been read yet."),
        ("", ""),
    ],
)
def test_what_stays_and_what_goes(text: str, template: str) -> None:
    assert error_template(text) == template


SHAPES = (
    "Error: order {id} not found",
    "fatal: cannot open {path}: Permission denied",
    "ValueError: invalid value {quoted} for size, expected at most {number}",
    "HTTP/1.1 404 Not Found for {number}",
    "Error: request to {url} failed with status code 503 at {date}",
    "{path}:{number}: error: expected ';' before {quoted}",
    "TimeoutError: waited {number} ms for {id} since {date} {time}",
    '{{"error": {{"code": 404, "message": "User {number} has no file {path}"}}}}',
    "Traceback (most recent call last):\n  File {path}, line {number}\nKeyError: {quoted}",
)


@st.composite
def values(draw: st.DrawFn) -> dict[str, str]:
    word = st.from_regex(r"[a-z]{2,9}", fullmatch=True)
    folders = draw(st.lists(word, min_size=1, max_size=4))
    return {
        "number": str(draw(st.integers(0, 10**7 - 1))),  # eight digits may be a date
        "id": str(draw(st.uuids())) if draw(st.booleans()) else f"ord_{draw(st.integers(1000, 10**6))}",
        "path": "/" + "/".join(folders) + "/" + draw(word) + draw(st.sampled_from([".py", ".json", ""])),
        "quoted": "'" + draw(st.from_regex(r"[A-Z][A-Za-z0-9 .,/_-]{0,20}", fullmatch=True)) + "'",
        "url": "https://" + draw(word) + ".org/" + "/".join(folders) + f"?q={draw(st.integers(0, 99))}",
        "date": f"20{draw(st.integers(10, 40))}-{draw(st.integers(10, 12))}-{draw(st.integers(10, 28))}",
        "time": f"{draw(st.integers(10, 23))}:{draw(st.integers(10, 59))}:{draw(st.integers(10, 59))}",
    }


@given(st.sampled_from(SHAPES), values(), values())
def test_errors_that_differ_in_what_is_masked_have_one_template(
    shape: str, first: dict[str, str], second: dict[str, str]
) -> None:
    assert error_template(shape.format(**first)) == error_template(shape.format(**second))


PIECES = st.sampled_from(
    [
        "'",
        '"',
        "`",
        "<",
        ">",
        "/",
        "\\",
        "12",
        "404",
        "Error:",
        "--flag",
        "a_1",
        "FAILED",
        "x.py",
        "://",
        "@",
        "code",
        "{",
        "}",
        ":",
        "3f2a9c1",
        "…",
        "●",
        "\x1b[1m",
        "yaml",
        "<text>",
        "<error>",
        "10:20",
        "(7)",
        " - ",
        "\n",
        " ",
        "E   ",
        "Traceback (most recent call last)",
        "Nov 3",
        "No module named ",
        "curl: ",
        ": command not found",
    ]
)  # fmt: skip


@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=60).map("".join)))
def test_a_template_of_a_template_is_the_same(text: str) -> None:
    found = error_template(text)
    assert len(found) <= 160
    assert "\n" not in found
    assert error_template(found) == found


def test_only_media_types_of_the_two_headers_that_have_them_stay() -> None:
    assert headers({"Accept": "text/html", "X-Key": "acme/k3y"}) == {"Accept": "text/html", "X-Key": "<text>"}
    assert header("Content-Type: application/json; charset=utf-8") == (
        "Content-Type:application/json; charset=utf-8"
    )
    assert header("X-Key: acme/k3y") == "X-Key:<text>"


def test_a_long_page_may_speak_of_a_status_without_having_it() -> None:
    said = "The server returned 404 for it."
    assert status_of(said) == 404
    assert status_of(f"{said} {'This page tells what to do about it. ' * 20}") is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_address_and_answer_can_be_read(word: str, text: str) -> None:
    assert isinstance(address("http://" + word), str)
    assert address(f"http://h.org/{uuid.UUID(int=7)}") == "http://h.org/<id>"
    status_of(text)


@pytest.mark.parametrize(
    "piece",
    [
        "'",
        '"',
        "<",
        "a.",
        "a/",
        "a-",
        "1",
        "a1",
        "{",
        "[",
        "@",
        "\\",
        "<<a",
        "$(",
        "1:",
        "●",
        "F",
        "a_",
        "`",
        "http://",
        "#",
        "a@",
        "=",
        "\x1b[",
        "HTTP/1",
        "\n",
        "E  ",
        "error ",
        "FAILED ",
        "--- FAIL: ",
        "No module named ",
    ],
)  # fmt: skip
def test_no_text_takes_long(piece: str) -> None:
    text = piece * (30_000 // len(piece)) + "!"
    begun = time.process_time()
    error_template(text)
    mask(text[:1000])
    value_form(text)
    shape_tokens("curl " + text + "\n" + text)
    status_of(text)
    address(text)
    assert time.process_time() - begun < 1.5
