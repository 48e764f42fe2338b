"""Actions as compact moves: what was called, in a form that can be compared and held by the thousand."""

from __future__ import annotations

import re
from typing import Any

from skillclaw.trajectory import web
from skillclaw.trajectory.flow import Act
from skillclaw.trajectory.model import Record
from skillclaw.trajectory.origins import Words, origins
from skillclaw.trajectory.shapes import (
    command_key,
    error_template,
    family,
    json_text,
    shape_tokens,
    target_of,
    value_form,
)
from skillclaw.trajectory.shell import main_commands
from skillclaw.trajectory.text import word_set

__all__ = ["ArgValue", "Move", "differs", "extensions", "move_of"]

ARGS_CUT = 14
COMMAND_CUT = 600
TOKENS_CUT = 60
_EXTENSION = re.compile(r"(?:^|[\w)\]*}-])(\.[A-Za-z][A-Za-z0-9]{0,7})$")
_KNOWN = word_set(
    ".py .pyi .ipynb .js .mjs .cjs .jsx .ts .tsx .vue .svelte .html .css .scss .json .jsonl .toml .yaml "
    ".yml .xml .md .rst .txt .csv .tsv .parquet .sql .db .sqlite .sh .bash .zsh .ps1 .bat .rs .go .java "
    ".kt .scala .c .h .cc .cpp .hpp .cs .fs .swift .m .rb .php .pl .lua .r .jl .ex .exs .erl .hs .ml .clj "
    ".dart .tf .proto .graphql .ini .cfg .conf .env .lock .log .pdf .docx .xlsx .pptx .png .jpg .jpeg "
    ".svg .gif .mp4 .wav .zip .gz .tar .whl"
)
"""Endings that are files wherever they stand; others only count in a file tool's own path."""


class ArgValue(Record, frozen=True, kw_only=True):
    """One argument of a move: its value as short JSON text, what it looks like, where it came from.

    origins: `user`, `result:<n>` (result of move n of the same request, from 0), `history` (an earlier call).
    Of a request to a web server `value` is the address with ids masked, and headers have their names only.
    """

    name: str
    value: str
    form: str = ""
    origins: tuple[str, ...] = ()


class Move(Record, frozen=True, kw_only=True):
    """One action, compact. `key` is what makes two moves the same kind: tool, or programs of a command.

    `place` counts the moves of the request from 0; `ArgValue.origins` name results by it.
    """

    step: int
    place: int = 0
    tool: str
    key: str
    topic: str
    writes: bool
    ok: bool | None
    error: str = ""
    command: str = ""
    tokens: tuple[str, ...] = ()
    args: tuple[ArgValue, ...] = ()


def move_of(act: Act, spoken: Words, index: int) -> Move:
    """The action as move `index` of its request; `spoken` is what was said and seen before it."""
    error = error_template(act.result) if act.ok is False else ""
    if act.command is not None:
        return Move(
            step=act.step,
            place=index,
            tool=act.tool,
            key=command_key(act.command) or act.tool,
            topic=family(act.tool, act.command),
            writes=act.writes,
            ok=act.ok,
            error=error,
            command=act.command[:COMMAND_CUT],
            tokens=tuple(shape_tokens(act.command)[:TOKENS_CUT]),
        )
    requests = web.is_web_tool(act.tool, act.arguments)
    args = tuple(
        ArgValue(
            name=name,
            value=_shown(name, value) if requests else json_text(value),
            form=value_form(value),
            origins=origins(value, spoken, index),
        )
        for name, value in sorted(act.arguments.items())[:ARGS_CUT]
        if value not in (None, "")
    )
    return Move(
        step=act.step,
        place=index,
        tool=act.tool,
        key=act.tool,
        topic=family(act.tool),
        writes=act.writes,
        ok=act.ok,
        error=error,
        args=args,
    )


def _shown(name: str, value: Any) -> str:
    if isinstance(value, str) and "://" in value:
        return json_text(web.address(value.strip()) or value)
    if name.lower() == "headers" and (masked := web.headers(value)) is not None:
        return json_text(masked)
    return json_text(value)


def differs(first: Move, second: Move) -> bool:
    """Whether two moves are different ways: another shape of command, another tool or argument."""
    if first.tokens or second.tokens:
        return first.tokens != second.tokens
    return first.tool != second.tool or [(a.name, a.value) for a in first.args] != [
        (a.name, a.value) for a in second.args
    ]


def extensions(act: Act) -> set[str]:
    """The endings, as `.py`, of the files that an action names."""
    if act.command is None:
        target = target_of(act.arguments)
        found = _EXTENSION.search(target) if target and "://" not in target else None
        return {found[1].lower()} if found else set()
    words = (word for simple in main_commands(act.command)[:6] for word in simple.words[1:40])
    endings = (
        _EXTENSION.search(word) for word in words if "." in word and len(word) < 300 and "://" not in word
    )
    return {found[1].lower() for found in endings if found} & _KNOWN
