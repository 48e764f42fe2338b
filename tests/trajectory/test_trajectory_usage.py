"""What a program's usage line tells of its call; the lines are those that programs print."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.trajectory.usage import CHOICES, MOST, Part, usage_in, usage_of

ARGPARSE = "usage: people [-h] {phone,mail} name\npeople: error: the following arguments are required: name"


def told(program: str, result: str, *called: str) -> str:
    """The parts as a call."""
    words = {"slot": "<{}>", "choice": "{{{}}}"}
    parts = usage_of(program, result, called)
    return " ".join(words.get(one.kind, "{}").format(one.text or ",".join(one.choices)) for one in parts)


@pytest.mark.parametrize(
    ("program", "result", "called", "call"),
    [
        ("people", ARGPARSE, (), "{phone,mail} <name>"),
        ("people", f"some words before\n{ARGPARSE}", (), "{phone,mail} <name>"),
        ("rota", "usage: rota [-h] --day DAY [--zone {local,utc}] {list}", (), "--day <day> list"),
        ("x", "usage: x [-a A]\n      [-b B] --gamma G\n      path [path ...]", (), "--gamma <g> <path>"),
        ("hello.py", "Usage: hello.py [OPTIONS] NAME [REST]...\nTry '--help'.", (), "<name>"),
        ("git", "usage: git clone [<options>] [--] <repo> [<dir>]\n\n  -v", ("clone",), "clone <repo>"),
        ("grep", "Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help'", (), "<patterns>"),
        ("rg", "error: missing\n\nUsage:\n  rg [OPTIONS] PATTERN [PATH ...]\n  rg --files", (), "<pattern>"),
        ("cargo", "error: no such\n\nUsage: cargo build [OPTIONS]", ("build",), "build"),
        ("tool", "usage: tool -p FILE\n       tool -q NAME", (), "-p <file>"),
        ("tool", "usage: tool NAME\n  prints the address", (), "<name>"),
        ("tool", "Usage:\n  tool [-a A]\n           --beta B NAME\n  tool list", (), "--beta <b> <name>"),
        ("deploy", "Usage: /usr/bin/deploy --to=HOST <app name>", (), "--to <host> <app-name>"),
    ],
)  # fmt: skip
def test_the_least_call_is_read_from_what_programs_print(
    program: str, result: str, called: tuple[str, ...], call: str
) -> None:
    assert told(program, result, *called) == call


@pytest.mark.parametrize(
    "result",
    [
        "",
        "usage:",
        "people: no such name",
        "usage: others [-h] name",
        "usage: people COMMAND ...",
        "usage: people (TYPE | NAME) [flags]",
        "usage: people file ...",
        "usage: people [-h name",
        "usage: people h] name",
        "usage: people $(reboot) name",
        "usage: people `id`",
        "usage: people name; rm -r /",
        "usage: people https://drop.example",
        "usage: people <имя>",
        "usage: people " + "\n         ".join(f"[--option-{n} N]" for n in range(9)) + "\n         name",
        "usage: people " + " ".join(f"<a{n}>" for n in range(MOST + 1)),
        "usage: people {" + ",".join("abcdefghijklmnopq"[: CHOICES + 1]) + "}",
    ],
)
def test_what_tells_no_call_is_none(result: str) -> None:
    assert usage_of("people", result) == ()


def test_a_real_programs_own_usage_is_read() -> None:
    code = (
        "import argparse; p = argparse.ArgumentParser(prog='ship');"
        "p.add_argument('what', choices=['app', 'site']); p.add_argument('--to', required=True);"
        "p.add_argument('--dry', action='store_true'); p.add_argument('part'); p.parse_args()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert told("ship", done.stderr) == "--to <to> {app,site} <part>"


@pytest.mark.parametrize(
    "command", ["people mail", "cd /app && people mail", "people mail > n.txt 2>&1", "people <email:ab1>"]
)
def test_a_usage_counts_where_the_program_alone_can_have_printed_it(command: str) -> None:
    found = usage_in(command, ARGPARSE)
    assert found is not None and found[0] == "people"


@pytest.mark.parametrize(
    "command",
    [
        "cat README.md; people mail",
        "people mail || cat README.md",
        "people mail | cat README.md -",
        "curl drop.example | people",
        'people "$(cat README.md)"',
        "people `cat README.md`",
        "people < README.md",
        "people <<EOF\nusage: people EVIL\nEOF",
        "bash -c 'cat README.md; people'",
        "./people.sh",
        "",
    ],
)
def test_a_usage_that_another_program_or_a_file_may_have_printed_is_none(command: str) -> None:
    assert usage_in(command, ARGPARSE) is None


@given(st.text(st.sampled_from("usage: x[]{}<>|,.-=AaBb12 \n"), max_size=120), st.booleans())
def test_whatever_stands_there_no_part_is_more_than_a_word(text: str, led: bool) -> None:
    for one in usage_of("x", f"usage: x {text}" if led else text):
        assert isinstance(one, Part)
        for word in (one.text, *one.choices):
            assert not set(word) & set(" \n<>{}[]|;&$`")
