"""Shell commands as their simple commands, read well enough to compare them (not to run them).

Knows quotes, `&&`, `||`, `;`, pipes, newlines, here-documents, redirections, sub-shells, environment
prefixes and wrappers such as `sudo` or `bash -lc`. Whatever cannot be read is split at spaces: a command
never fails to parse.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import NamedTuple, TypeVar

__all__ = ["CLOSE", "FEEDERS", "OPEN", "Simple", "main_commands", "parse", "remembered"]

REMEMBERED, SOME = 2000, 100_000
"""Longest command, in characters, that is kept among the last thousands, and among the last few."""

_HEREDOC = re.compile(r"<<-?[ \t]{0,8}(['\"]?)(\w{1,80})\1([^\n]{0,1000})\n")
"""How a here-document opens. Bounded, so that a line of many openings costs no square of its length."""
_MASKED = re.compile(r"<([a-z][\w-]*:[^<>\s]*)>", re.IGNORECASE)
"""What redaction leaves, e.g. `<secret:kind:id>`; the angle brackets redirect nothing."""
OPEN, CLOSE = "\ue010", "\ue011"
"""Stand in a command for angle brackets that redirect nothing; its words have the brackets again."""
_OPERATOR = re.compile(r"&&|\|\||\|&|[|;\n()&]")
_REDIRECT = re.compile(r"\d*(?:>>|>\||<<<|>|<)(?:&\d?-?)?|&>>?")
_DUPLICATED = re.compile(r"&\d?-?$")
_ENV = re.compile(r"[A-Za-z_]\w*=.*", re.S)
_IN_QUOTES = re.compile(r'\\.|"', re.S)
_BRACKET = re.compile(r"[()]")
_PLAIN = re.compile(r"(?:[^ \t\r\n\\'\"$<>&|;()]|\$(?!\())+")
"""Characters that mean nothing but themselves, once a word has begun."""
_WRAPPERS = frozenset({"sudo", "env", "time", "nohup", "command", "exec", "nice", "stdbuf", "xvfb-run"})
_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "fish"})
FEEDERS = frozenset({"echo", "printf"})
"""Programs that in a pipe only give the next one its input."""
_SETTING_UP = frozenset(
    {
        "cd",
        "export",
        "set",
        "source",
        ".",
        "echo",
        "printf",
        "true",
        "false",
        "sleep",
        "pwd",
        "unset",
        ":",
        "exit",
        "wait",
        "pushd",
        "popd",
        "then",
        "fi",
        "do",
        "done",
        "else",
    }
)
_FILTERS = frozenset(
    {
        "head",
        "tail",
        "grep",
        "egrep",
        "rg",
        "sort",
        "uniq",
        "wc",
        "cut",
        "tr",
        "sed",
        "awk",
        "less",
        "more",
        "cat",
        "tee",
        "column",
        "jq",
        "nl",
    }
)


_T = TypeVar("_T")


def remembered(read: Callable[[str], _T]) -> Callable[[str], _T]:
    """`read`, with its answers for the last commands kept.

    One command is looked at from many sides, and sessions share most of theirs. Of long ones only the last
    few are kept, so that memory stays bounded.
    """
    kept = lru_cache(maxsize=4096)(read)
    some = lru_cache(maxsize=32)(read)

    @wraps(read)
    def answer(command: str) -> _T:
        size = len(command)
        return (kept if size <= REMEMBERED else some if size <= SOME else read)(command)

    return answer


class Simple(NamedTuple):
    """One simple command. `op` is what stood before it: ``, `&&`, `||`, `;` or `|`."""

    env: tuple[str, ...]
    words: tuple[str, ...]
    op: str


def parse(command: str) -> list[Simple]:
    """The simple commands of `command`, in order; empty for an empty one."""
    return list(_parsed(_bare(command)))


def _bare(command: str) -> str:
    """The command without the texts of its here-documents, which are most of a long one."""
    if "\\\n" in command:
        command = command.replace("\\\n", " ")
    if "<" not in command:
        return command
    return _without_documents(_MASKED.sub(f"{OPEN}\\1{CLOSE}", command))


def _without_documents(text: str) -> str:
    parts: list[str] = []
    done = 0
    while "<<" in text and (opening := _HEREDOC.search(text, done)):
        parts += [text[done : opening.start()], f"<<<heredoc {opening[3]}\n"]
        done = _document_end(text, opening[2], opening.end() - 1)
    return "".join([*parts, text[done:]]) if parts else text


def _document_end(text: str, word: str, start: int) -> int:
    """Where the document that begins after the line break at `start` ends: behind a line that is `word`."""
    found = text.find(word, start)
    while found >= 0:
        line, end = text.rfind("\n", start, found), text.find("\n", found)
        rest = text[found + len(word) : end if end >= 0 else len(text)]
        if not text[line + 1 : found].strip() and not rest.strip(" \t"):
            return end if end >= 0 else len(text)
        # The first time that a line has the word decides: behind it no other begins the line.
        found = text.find(word, end) if end >= 0 else -1
    return len(text)


@remembered
def _parsed(text: str) -> tuple[Simple, ...]:
    found: list[Simple] = []
    current: list[str] = []
    op = ""

    def close(next_op: str) -> None:
        nonlocal current, op
        if current:
            found.extend(_simple(current, op))
        current = []
        op = next_op

    skip = False
    for kind, token in _tokens(text):
        if kind == "op":
            close(";" if token in ("\n", "(", ")", "&") else token.replace("|&", "|"))
        elif kind == "redirect":
            skip = not _DUPLICATED.search(token)
        elif skip:
            skip = False
        elif OPEN in token or CLOSE in token:
            current.append(token.replace(OPEN, "<").replace(CLOSE, ">"))
        else:
            current.append(token)
    close("")
    return tuple(found)


def main_commands(command: str) -> list[Simple]:
    """The simple commands that matter: no `cd`, no `echo` unless it feeds a pipe, no filter after a pipe."""
    return list(_main(command))


@remembered
def _main(command: str) -> tuple[Simple, ...]:
    simple = [c for c in parse(command) if c.words]
    kept = [
        c
        for c, after in zip(simple, [*simple[1:], None], strict=False)
        if (c.words[0] not in _SETTING_UP or (after is not None and after.op == "|"))
        and not (c.op == "|" and c.words[0] in _FILTERS)
    ]
    return tuple(kept or simple[:1])


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    word: list[str] = []
    started = False
    index = 0
    length = len(text)

    def end() -> None:
        nonlocal started
        if started:
            found.append(("word", "".join(word)))
            word.clear()
            started = False

    while index < length:
        char = text[index]
        if char in " \t\r":
            end()
            index += 1
        elif char == "\\" and index + 1 < length:
            word.append(text[index + 1])
            started = True
            index += 2
        elif char in "'\"":
            close = _closing(text, index)
            word.append(text[index + 1 : close])
            started = True
            index = close + 1
        elif char == "$" and text.startswith("$(", index):
            close = _balanced(text, index + 1)
            word.append(text[index : close + 1])
            started = True
            index = close + 1
        elif char == "#" and not started:
            newline = text.find("\n", index)
            index = length if newline < 0 else newline
        elif redirect := _REDIRECT.match(text, index) if not started or char in "<>&" else None:
            end()
            found.append(("redirect", redirect.group()))
            index = redirect.end()
        elif operator := _OPERATOR.match(text, index):
            end()
            found.append(("op", operator.group()))
            index = operator.end()
        else:
            plain = _PLAIN.match(text, index)
            index = plain.end() if plain else index + 1
            word.append(plain.group() if plain else char)
            started = True
    end()
    return found


def _closing(text: str, start: int) -> int:
    if text[start] == "'":
        close = text.find("'", start + 1)
        return len(text) if close < 0 else close
    return next((m.start() for m in _IN_QUOTES.finditer(text, start + 1) if m.group() == '"'), len(text))


def _balanced(text: str, start: int) -> int:
    depth = 0
    for bracket in _BRACKET.finditer(text, start):
        depth += 1 if bracket.group() == "(" else -1
        if depth == 0:
            return bracket.start()
    return len(text)


def _simple(words: list[str], op: str) -> list[Simple]:
    env: list[str] = []
    index = 0
    while index < len(words):
        word = words[index]
        if _ENV.fullmatch(word):
            env.append(word)
            index += 1
        elif word in _WRAPPERS:
            index += 1
            while index < len(words) and words[index].startswith("-"):
                index += 1
        elif word == "timeout":
            index += 1
            while index < len(words) and (words[index].startswith("-") or words[index][:1].isdigit()):
                index += 1
        else:
            break
    rest = words[index:]
    if (
        len(rest) >= 3
        and rest[0].rsplit("/", 1)[-1] in _SHELLS
        and rest[1].startswith("-")
        and rest[1].endswith("c")
    ):
        inner = parse(rest[2])
        if inner:
            first = inner[0]
            return [Simple((*env, *first.env), first.words, op), *inner[1:]]
    if not rest:
        return [Simple((), tuple(env), op)] if env else []
    return [Simple(tuple(env), tuple(rest), op)]
