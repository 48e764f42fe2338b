"""Calls with what varies taken out: shell commands, arguments of functions, and the family they belong to."""

from __future__ import annotations

import json
import re
from typing import Any

from skillclaw.trajectory.shape_words import (
    FILE_TOOLS,
    GENERIC_NOUNS,
    NESTED,
    READ_PROGRAMS,
    READ_SUBCOMMANDS,
    READ_VERBS,
    SHELL_TOOLS,
    SUBCOMMANDS,
    TARGETS,
    VERBS,
)
from skillclaw.trajectory.shell import FEEDERS, Simple, main_commands, remembered
from skillclaw.trajectory.text import error_template
from skillclaw.trajectory.web import PROGRAMS, address, header

__all__ = [
    "command_key",
    "command_of",
    "error_template",
    "family",
    "is_shell",
    "is_write",
    "program_of",
    "shape_tokens",
    "target_of",
    "value_form",
    "verb_of",
]

_PATCHED = re.compile(r"^\*\*\* (?:Update|Add|Delete) File: (.+)$", re.M)

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.I)
_LOCAL = re.compile(
    r"^[a-z]+://((?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|host\.docker\.internal)(?::\d+)?)", re.I
)
_HOST_PORT = re.compile(r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0):\d{2,5}")
_ID = re.compile(r"#?(?:[A-Za-z0-9]*#)?[A-Za-z_-]*\d[A-Za-z0-9_-]*")
_CODE = re.compile(r"0\d{4,}|\d{6,}")
_WORD = re.compile(r"[a-z][a-z0-9:_-]*")
_PROGRAM = re.compile(r"[a-z][\w.-]*")
_FIELD = re.compile(r"([A-Za-z][\w.-]{0,40})(:=|==|=|:)(?!//)(.+)", re.S)
_UNQUOTED = re.compile(r"[\w@%+=:,./-]+")
_COUNTS = re.compile(r"_count$|_information_by_id$")
_NAMESPACE = re.compile(r"[.:/]|__")
_NAME_PARTS = re.compile(r"[_\-\s]+|(?<=[a-z])(?=[A-Z])")
_HEX = re.compile(r"(?=.*\d)[0-9a-f]{7,64}", re.I)
_PATHLIKE = re.compile(r"(?:~|\.{1,2}|[A-Za-z]:)?[/\\].*|[\w.@-]+(?:/[\w.@*-]+)+/?|[\w@*-]+\.[A-Za-z]\w{0,5}")


def is_shell(tool: str) -> bool:
    """Whether the tool runs shell commands."""
    return tool.lower() in SHELL_TOOLS


def command_of(tool: str, arguments: dict[str, Any]) -> str | None:
    """The shell command of a call; None for other tools.

    Claude Code gives `Bash{command}`, Codex `exec_command{cmd}` or `shell{command: [argv]}`.
    """
    if not is_shell(tool):
        return None
    for name in ("command", "cmd", "script", "input", "commands", "code"):
        value = arguments.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
            if len(value) == 3 and value[1].startswith("-") and value[1].endswith("c"):
                return str(value[2])
            return " ".join(_quote(part) for part in value)
    return None


def _quote(word: str) -> str:
    return word if _UNQUOTED.fullmatch(word) else "'" + word.replace("'", "'\\''") + "'"


def target_of(arguments: dict[str, Any]) -> str:
    """The file or page that a call is about; empty when it names none."""
    for name in TARGETS:
        value = arguments.get(name)
        if isinstance(value, str) and value:
            return value
    for value in arguments.values():
        if isinstance(value, str) and "*** " in value and (match := _PATCHED.search(value)):
            return match.group(1).strip()
    return ""


def _subcommand(simple: Simple) -> tuple[str, int]:
    """`git commit`, `uv pip install`, `make`: program with subcommand, and how many words that took."""
    program = simple.words[0].rsplit("/", 1)[-1]
    if program == "xargs":
        run = next((w for w in simple.words[1:] if _PROGRAM.fullmatch(w)), "")
        return f"xargs {run}".strip(), 1
    if program not in SUBCOMMANDS:
        return program, 1
    key, used = program, 1
    for word in simple.words[1:4]:
        if word == "-m" and program in ("python", "python3"):
            key, used = f"{key} -m", used + 1
            continue
        if not _WORD.fullmatch(word) or program in ("pytest", "node", "ruff", "mypy"):
            break
        if program in ("python", "python3") and not key.endswith("-m"):
            break
        key, used = f"{key} {word}", used + 1
        if key not in NESTED:
            break
    return key, used


def program_of(command: str) -> str:
    """The program that the command is about."""
    main = main_commands(command)
    if not main:
        return ""
    return next((c for c in main if c.words[0] not in FEEDERS), main[0]).words[0].rsplit("/", 1)[-1]


@remembered
def command_key(command: str) -> str:
    """What is run, coarsely: programs with subcommands, joined by ` && ` (pipes by ` | `)."""
    parts: list[str] = []
    for simple in main_commands(command)[:6]:
        key = _subcommand(simple)[0]
        if parts and parts[-1].rsplit(" | ", 1)[-1] == key:
            continue
        if simple.op == "|" and parts:
            parts[-1] += f" | {key}"
        else:
            parts.append(key)
    return " && ".join(parts)


def _word_shape(word: str) -> str:
    if word.isalpha():
        return word
    local = _LOCAL.match(word)
    if local:
        return word if len(word) <= 60 and "?" not in word else local.group(0) + "/<path>"
    if _HOST_PORT.fullmatch(word):
        return word
    if _URL.fullmatch(word):
        return "<url>"
    if _EMAIL.fullmatch(word):
        return "<email>"
    if word.startswith("-"):
        name, equals, value = word.partition("=")
        return f"{name}={_word_shape(value)}" if equals and value else word
    if _NUMBER.fullmatch(word):
        return "<number>"
    if _HEX.fullmatch(word):
        return "<id>"
    if any(char in word for char in " \n\t$*?{}\"'"):
        return "<text>"
    if _PATHLIKE.fullmatch(word):
        return "<path>"
    return word


def shape_tokens(command: str) -> list[str]:
    """The command's words with varying parts as `<path>`, `<number>`, `<url>`, `<id>`, `<text>`.

    Subcommands, flags, local hosts with their ports and environment prefixes stay: they are the lesson.
    """
    return list(_shaped(command))


@remembered
def _shaped(command: str) -> tuple[str, ...]:
    tokens: list[str] = []
    commands = main_commands(command)[:6]
    for index, simple in enumerate(commands):
        if index:
            tokens.append(simple.op if simple.op in ("|", "||") else "&&")
        tokens += [
            f"{name}={_word_shape(value) if len(value) > 12 else value}"
            for name, _, value in (e.partition("=") for e in simple.env)
        ]
        _, used = _subcommand(simple)
        tokens.append(simple.words[0].rsplit("/", 1)[-1])
        tokens += simple.words[1:used]
        program = tokens[-used]
        piped = index + 1 < len(commands) and commands[index + 1].op == "|"
        shape = _web_shapes if program in PROGRAMS and not piped else _word_shapes
        shaped = shape(simple.words[used:40])
        for position, word in enumerate(shaped):
            if not (position and word == shaped[position - 1] and word.startswith("<")):
                tokens.append(word)
    return tuple(tokens)


def _word_shapes(words: tuple[str, ...]) -> list[str]:
    return [_word_shape(word) for word in words]


def _web_shapes(words: tuple[str, ...]) -> list[str]:
    """Words of an HTTP request: where it goes and which headers it has is the lesson, not what is in them.

    A download that feeds another program keeps no address: what it fetches is to be run or unpacked.
    """
    shaped: list[str] = []
    before = ""
    for word in words:
        if before in ("-H", "--header"):
            shaped.append(header(word))
        elif before in (
            "-u",
            "--user",
            "-a",
            "--auth",
            "-b",
            "--cookie",
            "-d",
            "--data",
            "--data-raw",
            "--json",
        ):
            shaped.append("<path>" if word.startswith("@") else "<text>")
        else:
            shaped.append(address(word) or _web_field(word) or _word_shape(word))
        before = word
    return shaped


def _web_field(word: str) -> str:
    """httpie's `name=value`, `name:=json` and `Header:value` with their values masked."""
    found = _FIELD.fullmatch(word)
    if found is None:
        return ""
    return header(word) if found[2] == ":" else f"{found[1]}{found[2]}<text>"


@remembered
def verb_of(tool: str) -> str:
    """The verb in a function's name: `create` of `calendar.create_event`, `get` of `getUser`."""
    name = _NAMESPACE.split(tool)[-1]
    parts = [p.lower() for p in _NAME_PARTS.split(name) if p]
    return next((p for p in parts if p in VERBS), parts[0] if parts else "")


def is_write(tool: str, command: str | None = None) -> bool:
    """Whether the call may change something; lookups do not.

    Shell commands change unless every program is a known reader; functions by their verb.
    """
    if command is not None:
        return _writes(command)
    if tool.lower() in FILE_TOOLS:
        return True
    if _COUNTS.search(tool):
        return False
    return verb_of(tool) not in READ_VERBS


@remembered
def _writes(command: str) -> bool:
    return any(not _reads(simple) for simple in main_commands(command))


def _reads(simple: Simple) -> bool:
    key, _ = _subcommand(simple)
    program, _, sub = key.partition(" ")
    if program == "xargs":
        return sub in READ_PROGRAMS
    if program == "sed":
        return not any(w.startswith("-i") or w == "--in-place" for w in simple.words)
    if program == "find":
        return not any(w in ("-delete", "-exec") for w in simple.words)
    if program in ("curl", "wget", "http"):
        return not any(
            w in ("-d", "--data", "-F", "-T", "--data-raw", "--json", "-o", "-O")
            or w.upper() in ("POST", "PUT", "DELETE", "PATCH")
            for w in simple.words
        )
    return program in READ_PROGRAMS or sub in READ_SUBCOMMANDS.get(program, frozenset())


def family(tool: str, command: str | None = None) -> str:
    """What a call belongs to, so that lessons of one thing become one skill.

    A local `host:port` where the command names one; else the program; for functions the namespace
    (`calendar.create_event`, `mcp__github__create_issue`), else the noun of the name
    (`cancel_pending_order` -> `order`), else the tool itself.
    """
    return _command_family(command) if command is not None else _tool_family(tool)


@remembered
def _command_family(command: str) -> str:
    if host := _HOST_PORT.search(command):
        program = program_of(command)
        if program in ("curl", "wget", "http", "nc", "telnet"):
            return host.group()
    main = main_commands(command)
    if not main:
        return "shell"
    told = [c for c in main if c.words[0] not in FEEDERS] or main
    name = next((c for c in told if not _reads(c)), told[0]).words[0].rsplit("/", 1)[-1].lower()
    return {"python3": "python", "pip3": "pip", "docker-compose": "docker"}.get(name, name)


@remembered
def _tool_family(tool: str) -> str:
    if tool.startswith("mcp__"):
        return tool.split("__")[1].lower() or "mcp"
    for separator in (".", ":", "/", "__"):
        if separator in tool:
            return tool.split(separator)[0].lower()
    parts = [p.lower() for p in _NAME_PARTS.split(tool) if p]
    nouns = [p for p in parts if p not in VERBS and p not in GENERIC_NOUNS]
    if len(parts) > 1 and nouns:
        return nouns[0].rstrip("s") or nouns[0]
    return tool.lower()


def value_form(value: Any) -> str:
    """What a value looks like: `bool`, `number`, `date`, `datetime`, `email`, `url`, `path`, `id`, `list`,
    `text`.
    """
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list | dict):
        return "list" if isinstance(value, list) else "object"
    if not isinstance(value, str):
        return ""
    text = value.strip()
    for form, pattern in (("datetime", _DATETIME), ("date", _DATE), ("email", _EMAIL), ("url", _URL)):
        if pattern.fullmatch(text):
            return form
    if _CODE.fullmatch(text):
        return "id"
    if _NUMBER.fullmatch(text):
        return "number"
    if " " not in text and text:
        if _ID.fullmatch(text):
            return "id"
        if _PATHLIKE.fullmatch(text):
            return "path"
    return "text"


def json_text(value: Any, limit: int = 160) -> str:
    """A value as short, canonical JSON text."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= limit else text[:limit]
